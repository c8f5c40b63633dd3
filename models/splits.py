"""What of a party goes apart because nobody could take it together: `docs/model.md` 3b."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.columns import LIVE, contacts_of, party_columns
from models.conversations import build_conversations
from models.eligibility import build_eligibility
from models.hours import OpenHours
from models.overflow import Overflow
from models.parts import Split
from models.policy import Policy
from models.skills import build_skill_levels


def build_splits(
    batch: Batch, policy: Policy, hours: OpenHours, agents: AgentState, overflow: Overflow
) -> Split:
    """What goes apart: calls that somebody takes alone, and contacts that need different agents.

    Looks at parties with several contacts only, so that it costs nothing where there are none.
    """
    contacts = _of_several(batch.contacts)
    if contacts.is_empty():
        return Split()
    desk = _Desk(batch, policy, hours, agents, overflow, contacts)
    whole = desk.judged(contacts["party"].unique(), Split())
    parted = _with_calls_apart(desk, whole)
    left = whole.filter(~contacts_of(parted["contact_id"]))
    stuck = pl.concat([left, parted]).filter(
        ~pl.col("suitable") & ~pl.col("follower") & (pl.len().over("part") > 1)
    )
    return Split(live=parted["party"].unique().sort(), alone=_alone(desk, stuck))


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


def _alone(desk: "_Desk", stuck: pl.DataFrame) -> pl.Series:
    """Contacts that nobody could take with the others of their part, where somebody takes one."""
    if stuck.is_empty():
        return stuck["contact_id"]
    alone = desk.judged(stuck["party"].unique(), Split(alone=stuck["contact_id"]))
    able = alone.select("contact_id", able="suitable")
    parts = stuck.join(able, on="contact_id").filter(pl.col("able").any().over("part"))
    return parts["contact_id"].sort()


@dataclass(frozen=True, eq=False)
class _Desk:
    """Who is there for the contacts of parties with several contacts."""

    batch: Batch
    policy: Policy
    hours: OpenHours
    agents: AgentState
    overflow: Overflow
    contacts: pl.DataFrame
    """Rows of `contacts`, with `party`."""

    def judged(self, parties: pl.Series, split: Split) -> pl.DataFrame:
        """(contact_id, party, part, is_live, follower, fits, suitable) of these parties.

        Whether somebody passes the tests up to `units_full`, or up to `shift_too_short`, for the
        conversation that the contact is part of if the parties are split so.
        """
        few = self._narrowed(self.contacts.filter(pl.col("party").is_in(parties.implode())))
        conversations = build_conversations(
            few, self.policy, self.hours, self.agents, self.overflow, split
        )
        levels = build_skill_levels(few, conversations, self.agents, self.policy)
        eligibility = build_eligibility(
            few, conversations, self.agents, levels, self.overflow, self.policy
        )
        kind = conversations.units["class_idx"].to_numpy()
        found = conversations.units.select(
            "conversation_idx",
            fits=pl.Series(np.logical_or.reduce(eligibility.fits, axis=1)[kind], dtype=pl.Boolean),
            suitable=pl.Series(
                np.logical_or.reduce(eligibility.suitable, axis=1)[kind], dtype=pl.Boolean
            ),
        )
        return conversations.members.join(found, on="conversation_idx").select(
            "contact_id",
            "party",
            "part",
            pl.col("channel").is_in(LIVE).alias("is_live"),
            "follower",
            "fits",
            "suitable",
        )

    def _narrowed(self, contacts: pl.DataFrame) -> Batch:
        kept = contacts.select("contact_id")
        tables = {
            table: frame.join(kept, on="contact_id", how="semi", maintain_order="left")
            for table, frame in (
                ("contact_skills", self.batch.contact_skills),
                ("contact_steps", self.batch.contact_steps),
                ("declines", self.batch.declines),
            )
        }
        return self.batch.narrowed(
            contacts=contacts.select(self.batch.contacts.columns),
            # Who cools down after a decline is not asked here.
            offers=self.batch.offers.clear(),
            **tables,
        )


def _of_several(contacts: pl.DataFrame) -> pl.DataFrame:
    """Contacts of parties that have more than one, with `party`."""
    _, party = party_columns()
    return contacts.with_columns(party).filter(pl.len().over("party") > 1)
