"""Which parties are split into a call and what else the customer sent: `docs/model.md` 3b."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState, Mask
from models.columns import LIVE
from models.conversations import Conversations, build_conversations
from models.eligibility import build_eligibility
from models.hours import OpenHours
from models.members import party_names
from models.overflow import Overflow
from models.policy import Policy
from models.skills import build_skill_levels

NO_SPLIT = pl.Series("party", [], dtype=pl.String)


@dataclass(frozen=True, eq=False)
class _Site:
    """What the parties meet: everything that the rules look at but the contacts."""

    policy: Policy
    hours: OpenHours
    agents: AgentState
    overflow: Overflow


def build_splits(
    batch: Batch, policy: Policy, hours: OpenHours, agents: AgentState, overflow: Overflow
) -> pl.Series:
    """Parties whose call goes ahead alone, sorted: nobody takes all of it, somebody the call.

    Looks at parties with live and other contacts only, so that it costs nothing where there are
    none.
    """
    contacts = _mixed(batch.contacts)
    if contacts.is_empty():
        return NO_SPLIT
    site = _Site(policy, hours, agents, overflow)
    whole = _somebody_passes(replace(batch, contacts=contacts), site, NO_SPLIT)
    stuck = whole.filter(~pl.col("passes"))["party"].sort()
    if stuck.is_empty():
        return NO_SPLIT
    of_stuck = party_names(contacts).filter(pl.col("party").is_in(stuck.implode()))
    contacts = contacts.join(of_stuck, on="contact_id", how="semi")
    parts = _somebody_passes(replace(batch, contacts=contacts), site, stuck)
    return parts.filter("any_live", "passes")["party"].sort()


def _mixed(contacts: pl.DataFrame) -> pl.DataFrame:
    """Contacts of parties with live and other contacts."""
    is_live = pl.col("channel").is_in(LIVE)
    if not contacts.select(is_live.any() & ~is_live.all()).item():
        return contacts.clear()
    parties = contacts.select("contact_id", "channel").join(party_names(contacts), on="contact_id")
    is_mixed = is_live.any().over("party") & ~is_live.all().over("party")
    return contacts.join(parties.filter(is_mixed), on="contact_id", how="semi")


def _somebody_passes(batch: Batch, site: _Site, split: pl.Series) -> pl.DataFrame:
    """(party, any_live, passes): whether an agent passes the tests up to `units_full`."""
    conversations = build_conversations(
        batch, site.policy, site.hours, site.agents, site.overflow, split
    )
    passes = _class_passes(batch, site, conversations)
    units = conversations.units
    of_class = passes[units["class_idx"].to_numpy().astype(np.int64)]
    parties = conversations.members.filter(pl.col("position") == 0).select(
        "conversation_idx", "party"
    )
    return units.select(
        "conversation_idx", "any_live", passes=pl.Series(of_class, dtype=pl.Boolean)
    ).join(parties, on="conversation_idx")


def _class_passes(batch: Batch, site: _Site, conversations: Conversations) -> Mask:
    """(K,)"""
    levels = build_skill_levels(batch, conversations, site.agents, site.policy)
    eligibility = build_eligibility(
        batch, conversations, site.agents, levels, site.overflow, site.policy
    )
    passes: Mask = np.logical_or.reduce(eligibility.fits, axis=1)
    return passes
