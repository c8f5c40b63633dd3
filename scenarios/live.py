"""A simulated world as a running job sees it: time goes on while the job thinks."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from data_io.imports.anonymous_bank import BankDay
from data_io.publish import read_published
from data_io.source import Snapshot
from models.policy import Policy
from models.tables import Channel, InputTables
from scenarios.centre import Centre
from scenarios.world import Acceptance, World

THINKING = timedelta(milliseconds=300)
"""Simulated time between a tick's snapshot and its commit: customers may hang up in it."""


class LiveWorld:
    """A `Source` over a world; the second look at the same instant is a little later."""

    def __init__(self, world: World) -> None:
        """Watch `world` from its present instant on."""
        self.world = world
        self._seen_at: datetime | None = None
        self._seen: Snapshot | None = None

    def read(self, now: datetime) -> Snapshot | None:
        """All that the platform shows at `now`; a moment later, what has changed, if anything."""
        again = self._seen_at == now
        later = self.world.read(max(now + THINKING if again else now, self.world.clock))
        if again and self._seen is not None and not _differ(self._seen, later):
            return None
        self._seen_at, self._seen = now, later
        return later

    def take_published(self, folder: Path, tick_at: datetime) -> Acceptance:
        """Do what an integration does: read the published assignments of a tick and start them."""
        rows = read_published(folder).assignment
        return self.world.accept(rows.filter(pl.col("tick_at") == tick_at))


def world_of_centre(centre: Centre, policy: Policy, seed: int) -> World:
    """The world of a generated centre at its start."""
    return World(
        centre.tables,
        centre.arrivals,
        centre.arrival_skills,
        policy,
        seed,
        start_at=centre.start_at,
        breaks=centre.breaks,
    )


def world_of_bank_day(
    day: BankDay, start_at: datetime, end_at: datetime, policy: Policy, seed: int
) -> World:
    """The bank's real arrivals between two instants; the centre is empty at the start.

    Patience and handling times that the log does not show are drawn from the policy.
    """
    arrivals = day.arrivals.filter(pl.col("entered_at").is_between(start_at, end_at))
    tables = InputTables(
        queues=day.queues,
        customers=day.customers,
        agents=day.agents,
        agent_channels=day.agent_channels,
        agent_skills=day.agent_skills,
    )
    return World(tables, arrivals, None, policy, seed, start_at=start_at)


def real_visits(
    day: BankDay, start_at: datetime, end_at: datetime, policy: Policy
) -> pl.DataFrame:
    """What really happened to the arrivals between two instants, as visits of `models/kpis.py`."""
    target_s = policy.channels[Channel.VOICE].target_answer_s
    served = pl.col("handle_s").is_not_null()
    waited = pl.duration(microseconds=(pl.col("waited_s") * 1e6).cast(pl.Int64))
    left_at = pl.col("entered_at") + waited
    return (
        day.arrivals.filter(pl.col("entered_at").is_between(start_at, end_at))
        .join(day.queues.select("queue_id", "target_answer_s"), on="queue_id", how="left")
        .select(
            "contact_id",
            "entered_at",
            pl.col("target_answer_s").fill_null(target_s),
            answered_at=pl.when(served).then(left_at),
            ended_at=left_at,
            outcome=pl.when(served).then(pl.lit("answered")).otherwise(pl.lit("abandoned")),
        )
    )


def _differ(one: Snapshot, other: Snapshot) -> bool:
    """Whether a contact, an agent or what agents hold differs; nothing else moves."""
    before, after = one.tables, other.tables
    if before is None or after is None:
        return True
    pairs = (
        (before.contacts, after.contacts),
        (before.agents, after.agents),
        (before.agent_load, after.agent_load),
    )
    return any(a is None or b is None or not a.equals(b) for a, b in pairs)
