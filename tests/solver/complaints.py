"""Situations that users of today's routers complain about, decided and audited."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from models.audit import audit, recount
from models.batch import Batch
from models.plan import Plan
from models.policy import Policy
from models.solution import SolveOptions
from solver.assign import assign
from tests.models.tiny import NOW, Row, tiny

MOST_ROWS = 12
"""A situation is small enough to be taken in at one glance."""


@dataclass(frozen=True, eq=False)
class Decided:
    """A plan that the audit found nothing wrong with."""

    plan: Plan

    @property
    def given(self) -> dict[str, str]:
        """Agent of every contact that was assigned."""
        return dict(self.plan.assignments.select("contact_id", "agent_id").iter_rows())

    @property
    def reasons(self) -> dict[str, str]:
        """Reason of every contact that waits."""
        return dict(self.plan.unassigned.select("contact_id", "reason").iter_rows())

    @property
    def waits_for(self) -> dict[str, str]:
        """Agent of every contact that is held for one."""
        held = self.plan.unassigned.filter(pl.col("decision") == "held")
        return dict(held.select("contact_id", "agent_id").iter_rows())

    @property
    def requeued(self) -> list[str]:
        """Held contacts that should go back to their queue."""
        return self.plan.requeue["contact_id"].to_list()

    def explained(self, contact_id: str) -> Row:
        """The explanation of one contact."""
        row = self.plan.explanations.filter(pl.col("contact_id") == contact_id)
        return row.row(0, named=True)

    def number_of(self, agent_id: str) -> int:
        """How many contacts the agent got."""
        return list(self.given.values()).count(agent_id)


def decide(policy: Policy | None = None, /, **tables: list[Row]) -> Decided:
    """The decision about at most a dozen rows; what `tiny` adds by itself does not count."""
    return decide_at(NOW, policy, **tables)


def decide_at(now: datetime, policy: Policy | None = None, /, **tables: list[Row]) -> Decided:
    """The same at another instant."""
    return decide_batch(small(now, **tables), policy)


def small(now: datetime = NOW, /, **tables: list[Row]) -> Batch:
    """A batch of at most a dozen rows."""
    num_rows = sum(len(rows) for rows in tables.values())
    assert num_rows <= MOST_ROWS, f"{num_rows} rows; expected a dozen at most"
    return tiny(now, **tables)


def decide_batch(batch: Batch, policy: Policy | None = None) -> Decided:
    """The decision about a batch, audited."""
    policy = policy or Policy()
    plan = assign(batch, policy, SolveOptions())
    assert audit(plan, recount(batch, policy)) == ()
    return Decided(plan)


def held(contact_id: str, agent_id: str, channel: str, **more: object) -> Row:
    """A row of `agent_load`."""
    return {"contact_id": contact_id, "agent_id": agent_id, "channel": channel} | more
