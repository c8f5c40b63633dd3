"""Which contacts of a party are one conversation: `docs/model.md` sections 1 and 3b."""

from dataclasses import dataclass, field

import polars as pl

from models.columns import CALLS, LIVE, with_facts
from models.policy import Policy, VoiceFollow


def _no_party() -> pl.Series:
    return pl.Series([], dtype=pl.String)


def _no_contact() -> pl.DataFrame:
    return pl.DataFrame(schema={"contact_id": pl.String, "stays_with": pl.String})


@dataclass(frozen=True, eq=False)
class Split:
    """What is taken apart because nobody could serve it together."""

    live: pl.Series = field(default_factory=_no_party)
    """Parties whose live contacts are a conversation, and the others a second one."""
    apart: pl.DataFrame = field(default_factory=_no_contact)
    """(contact_id, stays_with): contacts that leave their party; those that stay with the same
    contact, which may be themselves, are a conversation."""


def with_parts(contacts: pl.DataFrame, policy: Policy, split: Split) -> pl.DataFrame:
    """The contacts with `part`, equal where they are one conversation, and `follower`.

    The part is the party's name; in front of it stands `live:` or `follower:` where the party is
    split, and `apart:` before the id of a contact that is a conversation by itself, or with those
    that stay with it. `follower`s wait for the call of their party.
    """
    is_live = pl.col("channel").is_in(LIVE)
    is_split = pl.col("party").is_in(split.live.implode())
    waits = policy.voice_follow is not VoiceFollow.KEEP_TEXT_OWNER
    alone = pl.col("put_off") | pl.col("second_call")
    stays_with = pl.when(alone).then("contact_id").otherwise("stays_with")
    side = pl.when(is_live).then(pl.lit("live:")).otherwise(pl.lit("follower:"))
    return (
        with_facts(contacts, split.apart, "contact_id")
        .with_columns(second_call=_is_second_call())
        .with_columns(stays_with=stays_with)
        .with_columns(
            part=pl.when(pl.col("stays_with").is_not_null())
            .then(pl.lit("apart:") + pl.col("stays_with"))
            .when(is_split)
            .then(side + pl.col("party"))
            .otherwise("party"),
            follower=is_split & ~is_live & pl.col("stays_with").is_null() & waits,
        )
    )


def in_conversations(parted: pl.DataFrame) -> pl.DataFrame:
    """Contacts with `part` as members, sorted by `conversation_idx`, the lead of each first
    (`position` 0).
    """
    return (
        parted.sort(
            "part",
            "channel_units",
            "entered_at",
            "contact_id",
            descending=[False, True, False, False],
        )
        .with_columns(conversation_idx=pl.col("part").rle_id())
        .with_columns(position=pl.int_range(pl.len()).over("conversation_idx"))
    )


def _is_second_call() -> pl.Expr:
    """An agent talks to one at a time: whoever of the party called first comes first."""
    is_call = pl.col("channel").is_in(CALLS) & ~pl.col("put_off")
    place = pl.struct("entered_at", "contact_id").rank("ordinal").over("party", is_call)
    return is_call & (place > 1)
