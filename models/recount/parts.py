"""Sections 1 and 3b of `docs/model.md`, written a second time: what leaves its conversation."""

import numpy as np
import polars as pl

from models.plan import Reason
from models.policy import VoiceFollow
from models.recount.bits import num_set
from models.recount.centre import Centre
from models.recount.conversations import build_conversations
from models.recount.drain import passing
from models.recount.members import by_conversation
from models.recount.numbers import ints
from models.recount.overflow import Overflow
from models.recount.rules import tests_up_to
from models.recount.sides import Sides
from models.tables import Channel, Tier

TOGETHER, CALLS, FOLLOWER = "together", "calls", "follower"
"""Parts of a party of which there is one each; all others left by themselves."""

TALKS = (Channel.VOICE.value, Channel.VIDEO.value)


def members_of(centre: Centre, contacts: pl.DataFrame) -> pl.DataFrame:
    """The contacts, each with its `part` of the party, as members of conversations.

    `must_follow` are those that wait for a call of their party.
    """
    free = contacts.with_columns(must_follow=pl.lit(value=False))
    parted = _without_second_calls(_without_put_off(centre.overflow, free))
    split = _without_calls(centre, parted)
    waits = centre.policy.voice_follow is not VoiceFollow.KEEP_TEXT_OWNER
    followed = split.with_columns(must_follow=(pl.col("part") == FOLLOWER) & waits)
    return by_conversation(_apart(centre, followed))


def _without_put_off(overflow: Overflow, contacts: pl.DataFrame) -> pl.DataFrame:
    """Alone is who nobody can take now, whatever becomes of the others; the rest together."""
    tier = pl.Series([tier.value for tier in Tier]).gather(contacts["tier_at"])
    asked = contacts.select("contact_id", pl.col("queue").cast(pl.Int64), party_tier=tier)
    # Where the own queue is closed, all rows that are open are of the condition `closed`.
    helped = asked.join(overflow.rows, on="queue").filter(
        pl.col("tier").is_null() | (pl.col("tier") == pl.col("party_tier"))
    )
    is_open = pl.Series(overflow.is_open[ints(contacts["queue"])], dtype=pl.Boolean)
    reached = is_open | contacts["contact_id"].is_in(helped["contact_id"].implode())
    put_off = pl.col("paused") | pl.col("manual_only") | ~pl.col("reachable") | ~reached
    return contacts.with_columns(part=pl.when(put_off).then(_alone()).otherwise(pl.lit(TOGETHER)))


def _without_second_calls(contacts: pl.DataFrame) -> pl.DataFrame:
    """Alone are all calls of a party but the first that is not put off."""
    talks = pl.col("channel").is_in(TALKS) & (pl.col("part") == TOGETHER)
    ordered = contacts.sort("entered_at", "contact_id")
    second = talks & (talks.cast(pl.Int64).cum_sum().over("party") > 1)
    return ordered.with_columns(part=pl.when(second).then(_alone()).otherwise("part"))


def _without_calls(centre: Centre, contacts: pl.DataFrame) -> pl.DataFrame:
    """Live contacts leave their party where somebody could take them, but nobody the whole."""
    live, part = pl.col("is_live"), pl.col("part")
    rest = contacts.filter(part == TOGETHER)
    mixed = rest.filter(live.any().over("party") & ~live.all().over("party"))
    if mixed.is_empty():
        return contacts
    calls = mixed.filter(live).with_columns(part=pl.lit(CALLS))
    able = _leads(centre, pl.concat([mixed, calls]), Reason.UNITS_FULL).filter("is_able")
    whole = able.filter(part == TOGETHER)
    leaving = able.filter(part == CALLS).join(whole, on="party", how="anti")["party"]
    split = (part == TOGETHER) & pl.col("party").is_in(leaving.implode())
    of_split = pl.when(live).then(pl.lit(CALLS)).otherwise(pl.lit(FOLLOWER))
    return contacts.with_columns(part=pl.when(split).then(of_split).otherwise(part))


def _apart(centre: Centre, contacts: pl.DataFrame) -> pl.DataFrame:
    """Where somebody suits one of the contacts, but nobody all together, only those stay together
    that are alike.
    """
    several = contacts.filter(
        (pl.len().over("party", "part") > 1) & ~pl.col("must_follow")
    ).with_columns(whole=pl.col("part"))
    if several.is_empty():
        return contacts
    single = several.with_columns(part=_alone())
    leads = _leads(centre, pl.concat([several, single]), Reason.SHIFT_TOO_SHORT)
    of, is_whole = ("party", "whole"), pl.col("part") == pl.col("whole")
    stays = leads.filter(is_whole & pl.col("is_able"))
    leaves = leads.filter(~is_whole & pl.col("is_able")).join(stays, on=of, how="anti")
    alike = pl.col("contact_id").max().over(*of, "queue", "channel", "asks")
    parted = leads.filter(~is_whole).join(leaves, on=of, how="semi")
    moved = parted.select("contact_id", alike="alike:" + alike)
    found = contacts.join(moved, on="contact_id", how="left")
    return found.with_columns(part=pl.coalesce("alike", "part")).drop("alike")


def _alone() -> pl.Expr:
    return "alone:" + pl.col("contact_id")


def _leads(centre: Centre, contacts: pl.DataFrame, last: Reason) -> pl.DataFrame:
    """The lead of every `party` and `part`, were these conversations; `is_able` if an agent passes
    all tests up to this one, `asks` equal where they ask for the same.
    """
    members = by_conversation(contacts)
    found = build_conversations(centre, members)
    sides = Sides(centre.batch, centre.policy, found, centre.agents, centre.overflow)
    classes = np.arange(len(sides.example))
    number = num_set(passing(tests_up_to(last, sides), classes, len(centre.agents)))
    return members.filter("is_lead").with_columns(
        is_able=pl.Series(number[sides.class_of] > 0, dtype=pl.Boolean),
        asks=pl.Series(found.need_set),
    )
