"""What of a party goes apart because nobody could take it together: `docs/model.md` 3b."""

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.columns import LIVE
from models.conversations import build_conversations
from models.eligibility import build_eligibility
from models.needs import Asked
from models.overflow import Overflow
from models.parts import Split, with_parts
from models.policy import Policy, VoiceFollow
from models.skills import build_skill_levels

_LIVE, _FOLLOWER, _ALONE = "live:", "follower:", "apart:"
_ASKS_FOR = pl.struct("queue_id", "channel", "requirements", "steps", "named", "first_steps")


def build_splits(
    batch: Batch,
    policy: Policy,
    contacts: pl.DataFrame,
    asked: Asked,
    agents: AgentState,
    overflow: Overflow,
) -> Split:
    """What goes apart: calls that somebody takes alone, and contacts that need different agents.

    Looks at parties with several contacts only, so that it costs nothing where there are none.
    """
    core = _together(contacts, policy)
    if core.is_empty():
        return Split()
    told = _judged(core, batch, policy, asked, agents, overflow)
    is_live = pl.col("is_live")
    leaves = pl.col("fits_live").fill_null(value=False) & ~pl.col("fits_whole")
    side = pl.when(is_live).then(pl.lit(_LIVE)).otherwise(pl.lit(_FOLLOWER))
    waits = policy.voice_follow is not VoiceFollow.KEEP_TEXT_OWNER
    parted = told.with_columns(
        leaves=leaves,
        part=pl.when(leaves).then(side + pl.col("party")).otherwise("party"),
        follows=leaves & ~is_live & waits,
        suits=pl.when(~leaves).then("suits_whole").otherwise(is_live | pl.col("suits_follower")),
    )
    # Those that ask for the same stay together: whoever is suitable for one is for all.
    stuck = parted.filter(~pl.col("follows") & ~pl.col("suits") & (pl.len().over("part") > 1))
    apart = stuck.filter(pl.col("suits_alone").any().over("part")).select(
        "contact_id", stays_with=pl.col("contact_id").min().over("part", "asks_for")
    )
    return Split(
        live=parted.filter("leaves")["party"].unique().sort(), apart=apart.sort("contact_id")
    )


def _together(contacts: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Contacts that are one conversation with others of their party if nothing is split."""
    several = contacts.filter(pl.len().over("party") > 1)
    if several.is_empty():
        return several
    core = with_parts(several, policy, Split()).filter(pl.col("part") == pl.col("party"))
    return core.drop("part", "follower").filter(pl.len().over("party") > 1)


def _judged(
    core: pl.DataFrame,
    batch: Batch,
    policy: Policy,
    asked: Asked,
    agents: AgentState,
    overflow: Overflow,
) -> pl.DataFrame:
    """The contacts with what is true of the whole party, its call, the rest, and each alone.

    Columns contact_id, party, is_live, fits_whole, suits_whole, fits_live, suits_follower,
    suits_alone and asks_for: whether somebody passes the tests up to `units_full`, or up to
    `shift_too_short`; the three of the two sides are null where a party has but one. All forms
    of a party are conversations side by side, so that they are looked at once.
    """
    is_live = pl.col("channel").is_in(LIVE)
    core = core.with_columns(is_live=is_live)
    mixed = core.filter(is_live.any().over("party") & ~is_live.all().over("party"))
    side = pl.when(is_live).then(pl.lit(_LIVE)).otherwise(pl.lit(_FOLLOWER))
    forms = (
        core.with_columns(part=pl.col("party")),
        mixed.with_columns(part=side + pl.col("party")),
        core.with_columns(part=_ALONE + pl.col("contact_id")),
    )
    told = _told(
        pl.concat(forms).with_columns(follower=False), batch, policy, asked, agents, overflow
    )
    return (
        core.select(
            *("contact_id", "party", "is_live"),
            live=_LIVE + pl.col("party"),
            follower=_FOLLOWER + pl.col("party"),
            alone=_ALONE + pl.col("contact_id"),
        )
        .join(told.select(party="part", fits_whole="fits", suits_whole="suits"), on="party")
        .join(told.select(live="part", fits_live="fits"), on="live", how="left")
        .join(told.select(follower="part", suits_follower="suits"), on="follower", how="left")
        .join(told.select("asks_for", alone="part", suits_alone="suits"), on="alone")
    )


def _told(
    parted: pl.DataFrame,
    batch: Batch,
    policy: Policy,
    asked: Asked,
    agents: AgentState,
    overflow: Overflow,
) -> pl.DataFrame:
    """(part, fits, suits, asks_for) of every part; `asks_for` is equal for those of a queue and
    channel that ask for the same.
    """
    # Who cools down after a decline is not asked here.
    staff = batch.narrowed(declines=batch.declines.clear(), offers=batch.offers.clear())
    conversations = build_conversations(staff, policy, parted, asked, overflow)
    levels = build_skill_levels(staff, conversations, agents, policy)
    found = build_eligibility(staff, conversations, agents, levels, overflow, policy)
    passed = conversations.classes.select(
        "class_idx",
        fits=pl.Series(np.logical_or.reduce(found.fits, axis=1), dtype=pl.Boolean),
        suits=pl.Series(np.logical_or.reduce(found.suitable, axis=1), dtype=pl.Boolean),
    )
    parts = conversations.members.filter(pl.col("position") == 0).select(
        "conversation_idx", "part"
    )
    return (
        conversations.units.select("conversation_idx", "class_idx", asks_for=_ASKS_FOR)
        .join(parts, on="conversation_idx")
        .join(passed, on="class_idx")
        .drop("conversation_idx", "class_idx")
    )
