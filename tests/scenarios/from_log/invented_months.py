"""Months that no bank has seen: made by hand, or simulated from known parameters."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from scenarios.from_log.arrivals import INTERVALS, Arrivals
from scenarios.from_log.fit import Fit, Segments
from scenarios.from_log.handling import Agents, Handling
from scenarios.from_log.month import Month
from scenarios.from_log.presence import Presence
from scenarios.from_log.readiness import Readiness
from scenarios.from_log.routing import Rule
from scenarios.from_log.simulated import Roster, simulate_day
from scenarios.from_log.survival import Survival
from scenarios.lab.events import DAY_START

CALLS = {
    "day": pl.Int64,
    "type": pl.String,
    "priority": pl.Int64,
    "entered_s": pl.Float64,
    "wait_s": pl.Float64,
    "waited": pl.Boolean,
    "abandoned": pl.Boolean,
    "service_s": pl.Float64,
    "agent_id": pl.String,
}
STINTS = {"agent_id": pl.String, "day": pl.Int64, "from_s": pl.Float64, "until_s": pl.Float64}
MONDAY = date(1999, 1, 4)
OPENS_S, CLOSES_S = 8 * 3600.0, 18 * 3600.0


def month_of(calls: list[tuple[object, ...]], stints: list[tuple[object, ...]]) -> Month:
    """A month from Monday on, of rows in the order of CALLS and STINTS."""
    rows = pl.DataFrame(calls, schema=CALLS, orient="row")
    days = int(rows["day"].max()) + 1  # type: ignore[arg-type]
    return Month(
        name="Invented",
        days=tuple(MONDAY + timedelta(days=day) for day in range(days)),
        calls=rows,
        stints=pl.DataFrame(stints, schema=STINTS, orient="row"),
    )


def exponential(mean_s: float) -> Survival:
    """Exponential times, as a curve without steps."""
    return Survival(np.zeros(0), np.zeros(0), mean_s, 0, 0)


def known_centre(agents: int) -> Fit:
    """100 calls an hour of PS and 40 of NW from 8 to 18 o'clock, Monday to Friday.

    PS waits 300 s for an answer, NW 150 s. 60 % of PS have priority, half of them the head start
    of 180 s, all others of PS 90 s. Agents pause for 10 s if somebody waits, 60 s if nobody does.
    """
    rate = np.zeros((7, 2, INTERVALS))
    opens, closes = int(OPENS_S // 1800), int(CLOSES_S // 1800)
    rate[:5, 0, opens:closes] = 100 / 3600
    rate[:5, 1, opens:closes] = 40 / 3600
    names = tuple(f"A{number:02}" for number in range(agents))
    nothing = month_of([(0, "PS", None, 0.0, 0.0, False, True, None, None)], [])
    return Fit(
        month=nothing,
        types=("PS", "NW"),
        arrivals=Arrivals(rate, day_shape=np.inf, interval_shape=np.inf),
        handling=Handling(np.array([200.0, 110.0]), np.array([0.8, 1.0]), np.ones(24)),
        agents=Agents(names, np.ones(agents), np.ones((2, agents), dtype=np.bool_)),
        presence=Presence(nothing.stints, nothing.stints, exponential(10.0)),
        readiness=Readiness(0.5, 60.0, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)),
        rule=Rule(0, np.array([0.0, 90.0, 180.0]), 0.5, 1.0, np.ones(1)),
        segments=Segments(
            names=("PS 1", "PS 2 ahead", "PS 2", "NW"),
            type_idx=np.array([0, 0, 0, 1]),
            priority=np.array([1, 2, 2, 0]),
            share=np.array([0.4, 0.3, 0.3, 1.0]),
            head_start_s=np.array([90.0, 180.0, 90.0, 0.0]),
        ),
        patience=(*[exponential(300.0)] * 3, exponential(150.0)),
    )


def simulated_month(fit: Fit, days: int, seed: int) -> Month:
    """What the log of so many working days of that centre would show, all agents there all day."""
    shifts = pl.DataFrame(
        {"agent_id": fit.agents.names, "day": 0, "from_s": OPENS_S, "until_s": CLOSES_S}
    )
    roster = Roster(shifts, fit.presence.absences)
    parts = [
        _as_logged(simulate_day(fit, roster, 0, seed + day), fit).with_columns(day=pl.lit(day))
        for day in range(days)
    ]
    calls = pl.concat(parts).select(*CALLS).with_columns(pl.col("day").cast(pl.Int64))
    begin = pl.col("entered_s") + pl.col("wait_s")
    stints = (
        calls.drop_nulls("agent_id")
        .group_by("agent_id", "day")
        .agg(from_s=begin.min(), until_s=(begin + pl.col("service_s")).max())
    )
    working = [MONDAY + timedelta(days=7 * (day // 5) + day % 5) for day in range(days)]
    return Month("Invented", tuple(working), calls, stints.sort("day", "agent_id"))


def _as_logged(visits: pl.DataFrame, fit: Fit) -> pl.DataFrame:
    answered = pl.col("outcome") == "answered"
    until = pl.when(answered).then("answered_at").otherwise("ended_at")
    wait_s = (until - pl.col("entered_at")).dt.total_microseconds() / 1e6
    names = pl.Series("agent_id", fit.agents.names)
    priority = pl.Series("priority", fit.segments.priority)
    agent = visits["agent_id"].to_numpy()
    return visits.with_columns(
        names.gather(np.maximum(agent, 0)), priority.gather(visits["contact_class"])
    ).select(
        "type",
        priority=pl.when(wait_s > 0).then("priority"),
        entered_s=(pl.col("entered_at") - pl.lit(DAY_START)).dt.total_microseconds() / 1e6,
        wait_s=wait_s,
        waited=wait_s > 0,
        abandoned=~answered,
        service_s=pl.when(answered).then(
            (pl.col("ended_at") - pl.col("answered_at")).dt.total_microseconds() / 1e6
        ),
        agent_id=pl.when(answered).then("agent_id"),
    )
