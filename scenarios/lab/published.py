"""Published measures of the examples: which counts make them, and intervals for ours.

A measure is a mean over observations, or a ratio of two means; intervals are Student's, for
ratios by the delta method, as ContactCenters computes them.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import t as student

from models.kpis import AVAILABLE, waits
from scenarios.lab.events import DAY_START, Events
from scenarios.lab.examples import MINUTE, Example


@dataclass(frozen=True)
class Counts:
    """What is counted on one day; times in minutes, as published."""

    arrived: int
    served: int
    abandoned: int
    abandoned_late: int
    """After the acceptable wait."""
    blocked: int
    disconnected: int
    messages: int
    good: int
    """Served within the acceptable wait."""
    left_or_served_soon: int
    """Out of the queue within the acceptable wait, one way or the other."""
    served_wait: float
    all_wait: float
    busy: float
    """Agent-minutes with a contact."""
    staffed: float
    """Agent-minutes on duty, overtime to finish included."""
    expected: float
    """Contacts expected."""
    planned: float
    """Agent-minutes planned while contacts arrive, for a constant number of agents."""
    good_by_cell: tuple[int, ...]
    """`good` by type and arrival period, types first."""


@dataclass(frozen=True)
class Published:
    """One row of the published results."""

    example: str
    measure: str
    row: str
    observations: int
    mean: float
    low: float
    high: float
    level: float
    decimals: int
    """Of the mean, as printed."""


@dataclass(frozen=True)
class Estimate:
    """A mean and the half-width of its interval."""

    mean: float
    half_width: float


Formula = Callable[[Counts], float]

Ratio = tuple[Formula, Formula]
"""A measure is the mean of the first over the mean of the second."""


def _one(_: Counts) -> float:
    return 1.0


def _expected(day: Counts) -> float:
    return day.expected


_GOOD_OF_SERVED: Ratio = (lambda day: day.good, lambda day: day.served)
_GOOD_OF_LATE: Ratio = (lambda day: day.good, lambda day: day.served + day.abandoned_late)

_FORMULAS: dict[str, Ratio] = {
    "Number of arrivals per day": (lambda day: day.arrived, _one),
    "Number of arrived contacts": (lambda day: day.arrived, _one),
    "Number of served contacts": (lambda day: day.served, _one),
    "Number of abandoned contacts": (lambda day: day.abandoned, _one),
    "Number of contacts having abandoned": (lambda day: day.abandoned, _one),
    "Number of blocked contacts": (lambda day: day.blocked, _one),
    "Number of disconnected contacts": (lambda day: day.disconnected, _one),
    "Number of messages": (lambda day: day.messages, _one),
    "Number of contacts in target": (lambda day: day.good, _one),
    "Proportion of calls lost": (lambda day: day.abandoned, _expected),
    "Proportion of waiting times < s": (lambda day: day.left_or_served_soon, _expected),
    "Average waiting time per customer": (lambda day: day.all_wait * MINUTE, _expected),
    "Speed of answer": (lambda day: day.served_wait, lambda day: day.served),
    "Occupancy ratio": (lambda day: day.busy, lambda day: day.staffed),
    "Agents' occupancy ratio": (lambda day: 100 * day.busy, lambda day: day.planned),
    "Service level": _GOOD_OF_SERVED,
    "Service level with abandonment": _GOOD_OF_LATE,
    "Service level with blocked contacts": (
        lambda day: day.good,
        lambda day: day.served + day.blocked,
    ),
    "Service level with disconnected contacts": (
        lambda day: day.good,
        lambda day: day.served + day.disconnected,
    ),
}
_OWN_SERVICE_LEVELS: dict[str, Ratio] = {
    "SimpleMSK": _GOOD_OF_LATE,
    "Telethon": (lambda day: 100 * day.good, _expected),
}
"""Examples that mean something else by their service level."""
_BY_CELL = "Number of contacts meeting target service level"


def read_published(folder: Path) -> list[Published]:
    """Rows of the published results."""
    with (folder / "reference_results.csv").open(newline="") as file:
        return [
            Published(
                example=row["example"],
                measure=row["measure"],
                row=row["row"],
                observations=int(row["n_obs"]),
                mean=float(row["mean"]),
                low=float(row["ci_lo"]),
                high=float(row["ci_hi"]),
                level=float(row["ci_level"]),
                decimals=len(row["mean"].partition(".")[2]),
            )
            for row in csv.DictReader(file)
        ]


def count_day(example: Example, events: Events) -> Counts:
    """The counts of one run."""
    visit = waits(events.visit)
    wait, outcome = pl.col("wait_s"), pl.col("outcome")
    answered, abandoned = outcome == "answered", outcome == "abandoned"
    soon = wait < example.awt_s
    row = visit.select(
        arrived=pl.len(),
        served=answered.sum(),
        abandoned=abandoned.sum(),
        abandoned_late=(abandoned & ~soon).sum(),
        blocked=(outcome == "blocked").sum(),
        disconnected=(outcome == "disconnected").sum(),
        messages=(outcome == "message").sum(),
        good=(answered & soon).sum(),
        left_or_served_soon=((answered | abandoned) & soon).sum(),
        served_wait=wait.filter(answered).sum() / MINUTE,
        all_wait=wait.filter(answered | abandoned).sum() / MINUTE,
    ).row(0, named=True)
    busy, staffed = _minutes(example, events)
    cells = _good_by_cell(example, visit.filter(answered & soon))
    return Counts(
        **row,
        busy=busy,
        staffed=staffed,
        expected=example.expected / example.runs,
        planned=example.centre.num_agents * example.centre.horizon_s / MINUTE,
        good_by_cell=cells,
    )


def together(runs: list[Counts]) -> Counts:
    """The counts of several runs that make one observation."""
    names = [field.name for field in fields(Counts) if field.name != "good_by_cell"]
    sums = {name: sum(getattr(run, name) for run in runs) for name in names}
    cells = tuple(map(sum, zip(*(run.good_by_cell for run in runs), strict=True)))
    return Counts(**sums, good_by_cell=cells)


def estimate(periods: int, published: Published, days: list[Counts]) -> Estimate:
    """Our mean of the measure over the days, with its interval at the published level."""
    top, bottom = _formula(periods, published)
    over = np.array([top(day) for day in days], dtype=np.float64)
    under = np.array([bottom(day) for day in days], dtype=np.float64)
    mean = float(over.mean() / under.mean())
    # Delta method: the ratio varies like over - ratio * under, divided by the mean of under.
    spread = (over - mean * under) / under.mean()
    quantile = float(student.ppf(0.5 + published.level / 2, len(days) - 1))
    return Estimate(mean, quantile * float(spread.std(ddof=1)) / len(days) ** 0.5)


def _formula(periods: int, published: Published) -> Ratio:
    if published.measure == "Service level" and published.example in _OWN_SERVICE_LEVELS:
        return _OWN_SERVICE_LEVELS[published.example]
    if published.measure != _BY_CELL:
        return _FORMULAS[published.measure]
    kind, period = (int(part.split()[1]) for part in published.row.split(", "))
    cell = kind * periods + period
    return lambda day: day.good_by_cell[cell], _one


def _minutes(example: Example, events: Events) -> tuple[float, float]:
    """Agent-minutes busy and on duty, of all agents or of the first team, up to the cut."""
    staffing = example.centre.staffing
    last = example.centre.num_agents
    if example.first_team_only and staffing is not None:
        last = int((staffing.team == 0).sum())
    cut = DAY_START + timedelta(seconds=example.occupied_until_s)

    def minutes(table: pl.DataFrame, begin: str, end: str) -> float:
        length = pl.min_horizontal(end, pl.lit(cut)) - pl.min_horizontal(begin, pl.lit(cut))
        rows = table.filter(pl.col("agent_id") < last)
        found: float = rows.select(length.dt.total_microseconds().sum()).item() / 60e6
        return found

    on_duty = events.agent_state.filter(pl.col("state") == AVAILABLE)
    return (
        minutes(events.handling, "answered_at", "wrapped_up_at"),
        minutes(on_duty, "started_at", "ended_at"),
    )


def _good_by_cell(example: Example, good: pl.DataFrame) -> tuple[int, ...]:
    centre = example.centre
    second = (good["entered_at"] - DAY_START).dt.total_microseconds().to_numpy() / 1e6
    period = np.floor(second / centre.interval_s).astype(np.int64)
    cell = good["contact_class"].to_numpy() * centre.num_intervals + period
    size = centre.num_classes * centre.num_intervals
    return tuple(np.bincount(cell, minlength=size).tolist())
