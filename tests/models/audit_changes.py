"""An honest plan, and ways to change it or the tables under it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import polars as pl

from models.audit import audit, recount
from models.batch import Batch
from models.plan import Plan
from models.policy import Policy
from models.recount.case import Recount
from models.tables import AGENT_LOAD, DECLINES
from tests.models.honest_plan import POLICY, ago, honest_batch, honest_plan, rows


@dataclass(frozen=True)
class Tick:
    """What is audited."""

    batch: Batch
    policy: Policy
    plan: Plan

    def table(self, name: str, frame: pl.DataFrame) -> "Tick":
        """The same with another table in the batch."""
        values: dict[str, Any] = {name: frame}
        return replace(self, batch=replace(self.batch, **values))

    def rows(self, name: str, frame: pl.DataFrame) -> "Tick":
        """The same with another frame in the plan."""
        values: dict[str, Any] = {name: frame}
        return replace(self, plan=replace(self.plan, **values))

    def says(self, **numbers: Any) -> "Tick":  # noqa: ANN401
        """The same with other numbers of the plan."""
        return replace(self, plan=replace(self.plan, **numbers))

    def under(self, policy: Policy) -> "Tick":
        """The same under another policy, which the plan states."""
        plan = replace(self.plan, policy_digest=policy.digest())
        return Tick(self.batch, policy, plan)


Change = Callable[[Tick], Tick]


@cache
def honest() -> Tick:
    """The honest plan."""
    return Tick(honest_batch(), POLICY, honest_plan())


def rules(tick: Tick) -> set[str]:
    """Rules that the audit finds broken."""
    return {finding.rule for finding in audit(tick.plan, tables_of(tick))}


def tables_of(tick: Tick) -> Recount:
    """What the tables say, which most changes leave as they are."""
    is_honest = tick.batch is honest().batch and tick.policy is honest().policy
    return _honest_tables() if is_honest else recount(tick.batch, tick.policy)


def in_batch(table: str, key: str, row: str, **values: object) -> Change:
    """Change cells of one row of the batch."""

    def change(tick: Tick) -> Tick:
        frame: pl.DataFrame = getattr(tick.batch, table)
        return tick.table(table, with_cells(frame, pl.col(key) == row, values))

    return change


def in_plan(frame: str, row: str, key: str = "contact_id", **values: object) -> Change:
    """Change cells of one row of the plan (of every row of an agent, for prices)."""

    def change(tick: Tick) -> Tick:
        given: pl.DataFrame = getattr(tick.plan, frame)
        return tick.rows(frame, with_cells(given, pl.col(key) == row, values))

    return change


def without(frame: str, row: str, key: str = "contact_id") -> Change:
    """Drop one row of the plan."""

    def change(tick: Tick) -> Tick:
        given: pl.DataFrame = getattr(tick.plan, frame)
        return tick.rows(frame, given.filter(pl.col(key) != row))

    return change


def doubled(frame: str, row: str, key: str = "contact_id", **values: object) -> Change:
    """State one row of the plan twice, the second time with other values."""

    def change(tick: Tick) -> Tick:
        given: pl.DataFrame = getattr(tick.plan, frame)
        more = given.filter(pl.col(key) == row)
        return tick.rows(frame, pl.concat([given, with_cells(more, pl.lit(value=True), values)]))

    return change


def says(**numbers: Any) -> Change:  # noqa: ANN401
    """Change numbers of the plan."""
    return lambda tick: tick.says(**numbers)


def under(**numbers: Any) -> Change:  # noqa: ANN401
    """Change numbers of the policy."""
    return lambda tick: tick.under(replace(tick.policy, **numbers))


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(tick: Tick) -> Tick:
        for one in changes:
            tick = one(tick)
        return tick

    return change


def more_load(*items: dict[str, object]) -> Change:
    """Agents hold more."""
    return lambda tick: tick.table(
        "agent_load", pl.concat([tick.batch.agent_load, rows(AGENT_LOAD, *items)])
    )


def assigned_too(contact_id: str, agent_id: str) -> Change:
    """Assign a contact that the honest plan leaves waiting."""

    def change(tick: Tick) -> Tick:
        like = tick.plan.assignments.filter(pl.col("contact_id") == "e1")
        thread = tick.batch.contacts.filter(pl.col("contact_id") == contact_id)
        values = {
            "contact_id": contact_id,
            "conversation_id": thread["conversation_id"][0],
            "channel": thread["channel"][0],
            "agent_id": agent_id,
        }
        more = with_cells(like, pl.lit(value=True), values)
        tick = tick.rows("assignments", pl.concat([tick.plan.assignments, more]))
        return without("unassigned", contact_id)(tick)

    return change


def declined_once(contact_id: str, agent_id: str, age_s: float) -> Change:
    """An agent declined a contact."""
    row = {"contact_id": contact_id, "agent_id": agent_id, "declined_at": ago(age_s)}
    return lambda tick: tick.table("declines", rows(DECLINES, row))


@cache
def _honest_tables() -> Recount:
    return recount(honest().batch, honest().policy)


def with_cells(frame: pl.DataFrame, where: pl.Expr, values: dict[str, object]) -> pl.DataFrame:
    """The frame with these values in the rows that fit."""
    return frame.with_columns(
        pl.when(where).then(pl.lit(value, frame.schema[name])).otherwise(name).alias(name)
        for name, value in values.items()
    )
