"""What a tick did, in numbers: as its row of `tick`, and as a report for people and programs."""

from dataclasses import dataclass, fields
from datetime import datetime

import polars as pl

from jobs.clock import Stopwatch
from jobs.switchback import Arm
from models.batch import Batch
from models.plan import Plan
from models.problem import MILLI
from models.tables import TICK, Decision, Presence
from solver.assign import Stage

AFTER_PLAN = ("commit", "publish", "ask")
"""Stages that end after the row of `tick` is written; the last asks for prices."""
STAGES = ("ingest", "read", *(stage.value for stage in Stage), "audit", *AFTER_PLAN)
"""Stages of a tick in order, as they are timed."""


@dataclass(frozen=True)
class TickReport:
    """What a tick did, in numbers."""

    tick_at: datetime
    already_committed: bool
    num_contacts: int
    num_agents: int
    num_assigned: int
    num_held: int
    num_unassigned: int
    num_lost: int
    num_rejected: int
    gain: float
    bound: float
    gap: float
    greedy_gain: float
    termination: str
    limit: str | None
    backend: str
    policy_arm: str | None
    """Which policy of a switchback decided; None where there is but one."""
    num_over_limit: int | None
    """Agents who hold more than their limits; None for a tick of a release that did not count."""
    priced_at: datetime | None
    """Run of the price job whose prices were used; None where none was young enough."""
    seconds: dict[str, float]
    """Wall seconds by stage that is known, in the order of `STAGES`; a tick that was read back
    knows none of what followed its commit."""

    @property
    def total_s(self) -> float:
        """Wall seconds of those stages."""
        return sum(self.seconds.values())


def tick_row(
    batch: Batch,
    plan: Plan,
    num_over_limit: int,
    num_rejected: int,
    arm: Arm | None,
    prices_of: datetime | None,
    watch: Stopwatch,
) -> pl.DataFrame:
    """The row of `tick` for a plan that is about to be committed, as if all of it will land."""
    held = plan.unassigned.filter(pl.col("decision") == Decision.HELD.value).height
    present = batch.agents.filter(pl.col("presence") != Presence.OFFLINE.value).height
    timed = [name for name in STAGES if name not in AFTER_PLAN]
    row = {
        "tick_at": plan.tick_at,
        "num_contacts": len(batch.contacts),
        "num_agents": present,
        "num_assigned": len(plan.assignments),
        "num_held": held,
        "num_unassigned": len(plan.unassigned) - held,
        "num_lost": 0,
        "num_rejected": num_rejected,
        "gain": plan.gain_milli / MILLI,
        "bound": plan.bound_milli / MILLI,
        "gap": plan.gap,
        "greedy_gain": plan.greedy_milli / MILLI,
        "termination": plan.termination.value,
        "limit": plan.limit.value if plan.limit else None,
        "backend": plan.backend,
        "policy_digest": plan.policy_digest,
        "proof": plan.proof.value,
        "tier_weight": plan.tier_weight_milli / MILLI,
        "preference_cost": plan.preference_cost_milli / MILLI,
        "policy_arm": arm,
        "num_over_limit": num_over_limit,
        "priced_at": prices_of,
        **{f"{name}_s": watch.seconds(name) for name in timed},
    }
    return pl.DataFrame([row], schema=TICK.schema())


def read_report(row: pl.DataFrame, watch: Stopwatch, *, already_committed: bool) -> TickReport:
    """The report of a committed tick from its row in `tick`; `watch` knows the last stages."""
    values = row.row(0, named=True)
    numbers = {item.name: values[item.name] for item in fields(TickReport) if item.name in values}
    seconds = {name: values.get(f"{name}_s", watch.seconds(name)) for name in STAGES}
    seconds = {name: spent for name, spent in seconds.items() if spent or f"{name}_s" in values}
    return TickReport(**numbers, already_committed=already_committed, seconds=seconds)
