"""Conversations of hand-made batches, with everything that they are built from."""

from typing import Any

import polars as pl

from models.attendance import build_attendance
from models.batch import Batch
from models.capacity import build_agent_state
from models.conversations import Conversations, build_conversations
from models.hours import build_hours
from models.members import build_members
from models.needs import build_asked
from models.overflow import build_overflow
from models.parts import Split, with_parts
from models.policy import Policy
from models.skills import SkillLevels, build_skill_levels
from tests.models.tiny import Row, tiny


def conversations_of(
    batch: Batch, policy: Policy | None = None, split: tuple[str, ...] = ()
) -> Conversations:
    """Conversations of a batch; `split` names the parties that are split."""
    policy = policy or Policy()
    hours, agents = build_hours(batch, policy), build_agent_state(batch, policy)
    overflow = build_overflow(batch, policy, agents, hours)
    apart = Split(live=pl.Series("party", split, dtype=pl.String))
    contacts = build_members(batch, policy, hours, overflow)
    asked = build_asked(batch, policy, contacts, build_attendance(batch, agents), hours)
    parted = with_parts(contacts, policy, apart)
    return build_conversations(batch, policy, parted, asked, overflow)


def conversations(policy: Policy | None = None, /, **tables: list[Row]) -> Conversations:
    """Conversations of a tiny batch."""
    return conversations_of(tiny(**tables), policy)


def only_unit(policy: Policy | None = None, /, **tables: list[Row]) -> dict[str, Any]:
    """The one conversation of a tiny batch."""
    units = conversations(policy, **tables).units
    assert len(units) == 1
    return units.row(0, named=True)


def skill_levels(policy: Policy | None = None, /, **tables: list[Row]) -> SkillLevels:
    """What a tiny batch asks for against what its agents can do."""
    policy, batch = policy or Policy(), tiny(**tables)
    return build_skill_levels(
        batch, conversations_of(batch, policy), build_agent_state(batch, policy), policy
    )
