"""Write-back of a plan: what still matches lands, the rest is returned with its cause."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import polars as pl

from data_io.database import Database, check_contract
from models.plan import Plan
from models.tables import (
    ASSIGNMENT,
    EXPLANATION,
    OUTLOOK,
    PRICE,
    REQUEUE,
    TICK,
    UNASSIGNED,
    AssignmentEvent,
)


class LostCause(StrEnum):
    """Why a planned row did not land. The order is the order in which causes are tested."""

    CONTACT_GONE = "contact_gone"
    CONTACT_CHANGED = "contact_changed"
    AGENT_GONE = "agent_gone"
    AGENT_CHANGED = "agent_changed"
    ALREADY_ASSIGNED = "already_assigned"
    CONVERSATION_CHANGED = "conversation_changed"


class LateTickError(RuntimeError):
    """A newer tick is committed."""

    def __init__(self, tick_at: datetime, newest: datetime) -> None:
        """Say both instants."""
        super().__init__(
            f"commit: tick {tick_at.isoformat()} is older than the last committed tick"
            f" {newest.isoformat()}, expected a newer one; skip this tick"
        )


class DoubledAssignmentError(RuntimeError):
    """A version of a contact would be assigned twice."""

    def __init__(self, tick_at: datetime, doubled: pl.DataFrame) -> None:
        """Count them and name the first."""
        contact_id, version = doubled.row(0)
        super().__init__(
            f"commit: tick {tick_at.isoformat()} would assign {doubled.height} contact versions"
            f" twice, first: contact {contact_id!r}, version {version}; expected each once;"
            " nothing was committed; keep the batch and report the plan"
        )


@dataclass(frozen=True, eq=False)
class CommitResult:
    """What landed. `lost` has the columns of `assignment` and `cause` (`LostCause`)."""

    tick_at: datetime
    num_assigned: int
    num_lost: int
    lost: pl.DataFrame
    already_committed: bool


def stored_result(database: Database, tick_at: datetime) -> CommitResult | None:
    """What the tick committed before, or None; LateTickError when a newer tick came first."""
    tick = database.frame("read_tick", tick_at=tick_at)
    if not tick.is_empty():
        num_assigned, num_lost = tick.row(0)
        lost = database.frame("read_lost", tick_at=tick_at)
        return CommitResult(tick_at, num_assigned, num_lost, lost, already_committed=True)
    newest: datetime | None = database.frame("newest_tick")["tick_at"].item()
    if newest is not None and newest > tick_at:
        raise LateTickError(tick_at, newest)
    return None


def land(database: Database, plan: Plan, tick_row: pl.DataFrame) -> CommitResult:
    """Write the decision of a new tick; the caller holds the transaction.

    A planned row lands when the current tables still hold its contact and agent in the planned
    versions, every earlier offer of that version of the contact came back, and so for every
    planned row of its party. DoubledAssignmentError when the plan itself names a contact twice.
    """
    with database.incoming(plan.assignments):
        judged = _whole_parties(database.frame("judge_planned"))
    landed = judged.filter(pl.col("cause").is_null()).drop("cause")
    lost = judged.filter(pl.col("cause").is_not_null())
    if not lost.is_empty():
        with database.incoming(lost):
            database.run("append_lost")
    database.append(ASSIGNMENT, landed)
    with database.incoming(landed):
        doubled = database.frame("read_doubled")
    if not doubled.is_empty():
        raise DoubledAssignmentError(plan.tick_at, doubled)

    database.replace(UNASSIGNED, plan.unassigned)
    # A lost row must not be explained as assigned; the contact returns with the next tick.
    database.replace(EXPLANATION, plan.explanations.join(lost, on="contact_id", how="anti"))
    database.replace(PRICE, plan.prices)
    database.replace(REQUEUE, plan.requeue)
    database.replace(OUTLOOK, plan.outlook)
    counted = tick_row.with_columns(
        num_assigned=pl.lit(landed.height, pl.Int64), num_lost=pl.lit(lost.height, pl.Int64)
    )
    database.append(TICK, counted)
    return CommitResult(plan.tick_at, landed.height, lost.height, lost, already_committed=False)


def check_decision(plan: Plan, tick_row: pl.DataFrame) -> None:
    """Raise ValueError unless the plan and its tick row speak of one tick, and only of offers."""
    check_contract(ASSIGNMENT, plan.assignments)
    check_contract(TICK, tick_row)
    if tick_row["tick_at"].to_list() != [plan.tick_at]:
        raise ValueError(
            f"commit: tick row is for {tick_row['tick_at'].to_list()}, expected one row for"
            f" {plan.tick_at.isoformat()}; build it from the plan"
        )
    foreign = plan.assignments.filter(
        (pl.col("tick_at") != plan.tick_at) | (pl.col("event") != AssignmentEvent.OFFERED)
    )
    if not foreign.is_empty():
        raise ValueError(
            f"commit: {foreign.height} planned rows are not offers of {plan.tick_at.isoformat()},"
            f" first: contact {foreign['contact_id'][0]!r}; expected only those; correct the plan"
        )


def _whole_parties(judged: pl.DataFrame) -> pl.DataFrame:
    """The judged rows, where one lost row of a party costs it the others too.

    The lead alone carries units and gain: without it, its followers would load nobody. Parties
    are those of `docs/model.md`, section 1.
    """
    customer = pl.col("customer_id").max().over("conversation_id")
    party = pl.coalesce(
        pl.lit("customer:") + customer, pl.lit("conversation:") + pl.col("conversation_id")
    )
    is_broken = pl.col("cause").is_not_null().any().over("party")
    broken = pl.when(is_broken).then(pl.lit(LostCause.CONVERSATION_CHANGED.value))
    return (
        judged.with_columns(party=party)
        .with_columns(cause=pl.coalesce("cause", broken))
        .drop("party")
    )
