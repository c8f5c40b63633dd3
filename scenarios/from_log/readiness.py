"""Whether idle agents are ready: callers wait although somebody seems to have nothing to do.

Of n agents who seem idle as a call comes and nobody waits, each is ready with the same probability
r, so that the call has to wait with (1 - r)^n. Idle agents are unready for a share 1 - r of their
idle time, so a pause lasts (1 - r) x the mean idle time on average (Little's law).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from scenarios.from_log.handling import Agents, skills_of
from scenarios.from_log.month import DAY_S, Month
from scenarios.from_log.presence import Presence, calls_of_agents, gaps_of, queue_times
from scenarios.lab.centre import Flags, Floats, Ints

GRID = np.linspace(0.01, 0.99, 99)


@dataclass(frozen=True, eq=False)
class Readiness:
    """Of agents who seem idle while nobody waits."""

    share: float
    """Ready."""
    pause_s: float
    """Mean of a pause after a call that ended while nobody waited."""
    num_idle: Ints
    """(n,) agents who seemed idle when a call came and nobody waited; at least one."""
    waited: Flags
    """(n,) the call had to wait nevertheless."""


def fit_readiness(
    month: Month, types: tuple[str, ...], agents: Agents, presence: Presence
) -> Readiness:
    """The share that is ready, and the mean pause."""
    calls = month.calls.with_columns(at=DAY_S * pl.col("day") + pl.col("entered_s")).sort("at")
    at_s = calls["at"].to_numpy().astype(np.float64)
    waiting = queue_times(month.calls.filter("waited"))
    # A call's own wait begins as it comes: look just before.
    is_first = waiting.busy_until(at_s - 0.5) <= at_s
    num_idle = _idle_agents(calls, month, types, agents, presence)
    counts = is_first & (num_idle > 0)
    waited = calls["waited"].to_numpy()[counts]
    share = ready_share(num_idle[counts], waited)
    gaps = gaps_of(month).join(
        presence.absences.with_columns(done_s=DAY_S * pl.col("day") + pl.col("from_s")),
        on=["agent_id", "done_s"],
        how="anti",
    )
    done = gaps["done_s"].to_numpy()
    quiet = waiting.busy_until(done) <= done
    idle_s = float((gaps["next_s"].to_numpy() - done)[quiet].mean()) if quiet.any() else 0.0
    return Readiness(share, (1 - share) * idle_s, num_idle[counts], waited)


def ready_share(num_idle: Ints, waited: Flags) -> float:
    """r of the largest likelihood of (1 - r)^n; 1 if nobody ever waited."""
    if not waited.any():
        return 1.0
    none_ready = (1 - GRID[:, None]) ** num_idle
    fit = np.where(waited, np.log(none_ready), np.log1p(-none_ready)).sum(axis=1)
    return float(GRID[fit.argmax()])


def _idle_agents(
    calls: pl.DataFrame, month: Month, types: tuple[str, ...], agents: Agents, presence: Presence
) -> Ints:
    """(n,) agents who are there, serve the type and handle nothing as each call comes."""
    at_s = calls["at"].to_numpy().astype(np.float64)
    kind = np.array([types.index(one) for one in calls["type"]], dtype=np.int64)
    served = calls_of_agents(month)
    number = np.zeros(len(at_s), dtype=np.int64)
    for name in served["agent_id"].unique(maintain_order=True):
        mine = served.filter(agent_id=name)
        begin, end = mine["served_s"].to_numpy(), mine["done_s"].to_numpy()
        # The call itself may start a second before or after it came.
        place = np.searchsorted(begin, at_s - 0.5) - 1
        is_idle = (place >= 0) & (end[place] <= at_s)
        is_there = _covers(presence.shifts, name, at_s) & ~_covers(presence.absences, name, at_s)
        number += is_idle & is_there & skills_of((name,), agents)[kind, 0]
    return number


def _covers(spans: pl.DataFrame, name: str, at_s: Floats) -> Flags:
    """(n,) whether a span of that agent holds each instant; their spans do not overlap."""
    mine = spans.filter(agent_id=name).sort("day", "from_s")
    begin = (DAY_S * mine["day"] + mine["from_s"]).to_numpy()
    end = np.concatenate([(DAY_S * mine["day"] + mine["until_s"]).to_numpy(), [-np.inf]])
    covers: Flags = end[np.searchsorted(begin, at_s, side="right") - 1] > at_s
    return covers
