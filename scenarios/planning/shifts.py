"""Shifts and breaks that cover required heads at least cost, within contracts, agent by agent.

First how many of each staff work which shift on which day, and how many take their break when:

    min  sum wage * paid hours + under_cost * head-hours missing + over_cost * head-hours to spare
    s.t. at work + missing - to spare = required     by day, interval and group
         breaks of a shift add up to who works it    implicit breaks (Bechtold and Jacobs 1990)
         shifts and hours of a staff in a week       at most those of all its contracts together
         late shifts + early shifts of the next day <= agents, for every length of night's rest

The last makes it possible to hand consecutive days to people who rest enough: who ends late may
not start early, and such conflicts are nested, so Hall's condition is these sums. Then who works
what: a programme per staff, which spreads hours evenly; what no contract allows is left out.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from scenarios.lab.centre import Floats
from scenarios.planning.people import assign_people
from scenarios.planning.programme import Patience, solve
from scenarios.planning.shift_programme import ShiftProgramme, place
from scenarios.planning.shift_rules import ShiftCase

PEOPLE = Patience(gap=0.01, limit_s=10)
"""For who works what: evenness matters less than time."""
ADVICE = "allow more shifts or more staff"


@dataclass(frozen=True, eq=False)
class Roster:
    """Who works when."""

    rows: pl.DataFrame
    """A row per agent and day at work: day, agent_id, group, contract, from_s, until_s,
    break_from_s, break_until_s (null without a break)."""
    at_work: Floats
    """(D, T, M) heads, breaks taken off."""
    missing_hours: float
    """Head-hours below what is required."""
    wages: float
    """Money."""
    is_proven: bool
    """Shifts and breaks cost within the gap of the least; people were found for all of them."""


def plan_roster(case: ShiftCase) -> Roster:
    """The cheapest roster found; NoSolutionError where the solver finds none in time."""
    problem = ShiftProgramme(case)
    is_proven = solve(problem.lp, case.patience, ADVICE)
    people = [assign_people(duties, PEOPLE) for duties in problem.duties()]
    rows = pl.concat([one.rows for one in people])
    breaks = problem.breaks()
    rows = _with_breaks(rows, breaks, case.rules.break_s)
    at_work = _at_work(case, rows)
    missing = np.maximum(case.required - at_work, 0.0).sum() * case.interval_s / 3600.0
    return Roster(
        rows=rows,
        at_work=at_work,
        missing_hours=float(missing),
        wages=sum(one.wages for one in people),
        is_proven=is_proven and all(one.is_complete for one in people),
    )


def _with_breaks(rows: pl.DataFrame, breaks: pl.DataFrame, break_s: float) -> pl.DataFrame:
    """Whoever works the same shift takes its breaks in order of agent."""
    keys = ["group", "day", "from_s", "until_s"]
    return (
        rows.sort("day", "agent_id")
        .with_columns(place())
        .join(breaks, on=[*keys, "place"], how="left", maintain_order="left")
        .with_columns(break_until_s=pl.col("break_from_s") + break_s)
        .drop("place")
    )


def _at_work(case: ShiftCase, rows: pl.DataFrame) -> Floats:
    """(D, T, M) heads."""
    begin = np.arange(case.required.shape[1]) * case.interval_s
    at_work = np.zeros(case.required.shape)

    def shares(from_s: str, until_s: str) -> Floats:
        first = rows[from_s].fill_null(0.0).to_numpy()[:, None]
        last = rows[until_s].fill_null(0.0).to_numpy()[:, None]
        overlap = np.minimum(last, begin + case.interval_s) - np.maximum(first, begin)
        return np.asarray(np.clip(overlap / case.interval_s, 0.0, 1.0))

    net = shares("from_s", "until_s") - shares("break_from_s", "break_until_s")
    days, groups = rows["day"].to_numpy(), rows["group"].to_numpy()
    np.add.at(np.moveaxis(at_work, 2, 1), (days, groups), net)
    return at_work
