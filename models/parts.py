"""Which contacts of a party are one conversation: `docs/model.md` sections 1 and 3b."""

from dataclasses import dataclass, field

import polars as pl

from models.columns import CALLS, LIVE, contacts_of
from models.overflow import Overflow
from models.policy import Policy, VoiceFollow
from models.tables import OverflowWhen


def _nobody() -> pl.Series:
    return pl.Series([], dtype=pl.String)


@dataclass(frozen=True, eq=False)
class Split:
    """What is taken apart because nobody could serve it together."""

    live: pl.Series = field(default_factory=_nobody)
    """Parties whose live contacts are a conversation, and the others a second one."""
    alone: pl.Series = field(default_factory=_nobody)
    """Contacts each of which is a conversation by itself."""


def with_parts(
    members: pl.DataFrame, overflow: Overflow, policy: Policy, split: Split
) -> pl.DataFrame:
    """The members with `part`, equal where they are one conversation, and `follower`.

    The part is the party's name; in front of it stands `live:` or `follower:` where the party is
    split, and `alone:` before the id of a contact that is a conversation by itself.
    """
    helped = _helped_while_closed(members, overflow)
    is_live = pl.col("channel").is_in(LIVE)
    is_split = pl.col("party").is_in(split.live.implode())
    waits = policy.voice_follow is not VoiceFollow.KEEP_TEXT_OWNER
    reached = pl.col("is_open") | contacts_of(helped)
    alone = pl.col("put_off") | pl.col("second_call") | contacts_of(split.alone)
    side = pl.when(is_live).then(pl.lit("live:")).otherwise(pl.lit("follower:"))
    return (
        members.with_columns(
            put_off=pl.col("paused") | pl.col("manual_only") | ~pl.col("member_open") | ~reached
        )
        .with_columns(second_call=_is_second_call())
        .with_columns(
            part=pl.when(alone)
            .then(pl.lit("alone:") + pl.col("contact_id"))
            .when(is_split)
            .then(side + pl.col("party"))
            .otherwise("party"),
            follower=is_split & ~is_live & ~alone & waits,
        )
    )


def _is_second_call() -> pl.Expr:
    """An agent talks to one at a time: whoever of the party called first comes first."""
    is_call = pl.col("channel").is_in(CALLS) & ~pl.col("put_off")
    place = pl.struct("entered_at", "contact_id").rank("ordinal").over("party", is_call)
    return is_call & (place > 1)


def _helped_while_closed(members: pl.DataFrame, overflow: Overflow) -> pl.Series:
    """Contacts of a closed queue that members of another one may take."""
    rows = overflow.open_rows.filter(pl.col("condition") == OverflowWhen.CLOSED.value).select(
        "queue_id", row_tier="tier"
    )
    fits = pl.col("row_tier").is_null() | (pl.col("row_tier") == pl.col("tier"))
    asked = members.select("contact_id", "queue_id", "tier").join(rows, on="queue_id")
    return asked.filter(fits)["contact_id"].unique()
