"""What of a party goes apart because nobody could take it together: `docs/model.md` 3b."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.columns import LIVE, contacts_of
from models.conversations import build_conversations
from models.eligibility import build_eligibility
from models.needs import Asked
from models.overflow import Overflow
from models.parts import Split
from models.policy import Policy
from models.skills import build_skill_levels

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
    several = contacts.filter(pl.len().over("party") > 1)
    if several.is_empty():
        return Split()
    # Who cools down after a decline is not asked here.
    staff = batch.narrowed(declines=batch.declines.clear(), offers=batch.offers.clear())
    desk = _Desk(staff, policy, several, asked, agents, overflow)
    whole = desk.judged(several["party"].unique(), Split())
    parted = _with_calls_apart(desk, whole)
    left = whole.filter(~contacts_of(parted["contact_id"]))
    stuck = pl.concat([left, parted]).filter(
        ~pl.col("suitable") & ~pl.col("follower") & (pl.len().over("part") > 1)
    )
    return Split(live=parted["party"].unique().sort(), apart=_apart(desk, stuck))


def _with_calls_apart(desk: "_Desk", whole: pl.DataFrame) -> pl.DataFrame:
    """Contacts of the parties whose call goes ahead alone: nobody takes all, somebody the call."""
    is_live = pl.col("is_live")
    is_mixed = is_live.any().over("part") & ~is_live.all().over("part")
    stuck = whole.filter(is_mixed & ~pl.col("fits"))["party"].unique()
    if stuck.is_empty():
        return whole.clear()
    parted = desk.judged(stuck, Split(live=stuck))
    goes = pl.col("part").str.starts_with("live:") & pl.col("fits")
    return parted.filter(goes.any().over("party"))


def _apart(desk: "_Desk", stuck: pl.DataFrame) -> pl.DataFrame:
    """Contacts that nobody could take with the others of their part, where somebody takes one.

    Those that ask for the same stay together: whoever is suitable for one is for all.
    """
    if stuck.is_empty():
        return Split().apart
    each = stuck.select("contact_id", stays_with="contact_id")
    alone = desk.judged(stuck["party"].unique(), Split(apart=each))
    able = alone.select("contact_id", "asks_for", able="suitable")
    parts = stuck.drop("asks_for").join(able, on="contact_id")
    return (
        parts.filter(pl.col("able").any().over("part"))
        .select("contact_id", stays_with=pl.col("contact_id").min().over("part", "asks_for"))
        .sort("contact_id")
    )


@dataclass(frozen=True, eq=False)
class _Desk:
    """Who is there for these contacts (rows of `build_members`)."""

    batch: Batch
    policy: Policy
    contacts: pl.DataFrame
    asked: Asked
    agents: AgentState
    overflow: Overflow

    def judged(self, parties: pl.Series, split: Split) -> pl.DataFrame:
        """(contact_id, party, part, is_live, follower, fits, suitable, asks_for) of these parties.

        Whether somebody passes the tests up to `units_full`, or up to `shift_too_short`, for the
        conversation that the contact is part of if the parties are split so; `asks_for` is equal
        for conversations of a queue and channel that ask for the same.
        """
        batch, policy, agents, overflow = self.batch, self.policy, self.agents, self.overflow
        few = self.contacts.filter(pl.col("party").is_in(parties.implode()))
        conversations = build_conversations(batch, policy, few, self.asked, overflow, split)
        levels = build_skill_levels(batch, conversations, agents, policy)
        found = build_eligibility(batch, conversations, agents, levels, overflow, policy)
        told = pl.DataFrame(
            {
                "class_idx": conversations.classes["class_idx"],
                "fits": np.logical_or.reduce(found.fits, axis=1),
                "suitable": np.logical_or.reduce(found.suitable, axis=1),
            }
        )
        kind = conversations.units.select("conversation_idx", "class_idx", asks_for=_ASKS_FOR)
        return (
            conversations.members.join(kind, on="conversation_idx")
            .join(told, on="class_idx")
            .with_columns(is_live=pl.col("channel").is_in(LIVE))
            .select(
                *("contact_id", "party", "part", "is_live"),
                *("follower", "fits", "suitable", "asks_for"),
            )
        )
