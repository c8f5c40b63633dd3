"""Who works which of the shifts that a staff must work: rest, shifts and hours of each person."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pulp

from scenarios.lab.centre import Floats, Ints
from scenarios.planning.programme import Patience, solve

DAY_S = 86_400.0
NOT_WORKED = 1000.0
"""Hours of unevenness that one shift without a person is worth."""
ADVICE = "give the solver more time"


@dataclass(frozen=True, eq=False)
class Duties:
    """N shifts that agents of one group and contract must work."""

    staff: int
    group: int
    agents: int
    contract: str
    wage: float
    max_shifts: int
    max_hours: float
    rest_s: float
    day: Ints
    """(N,)"""
    from_s: Floats
    until_s: Floats
    paid_hours: Floats


@dataclass(frozen=True, eq=False)
class People:
    """Who works them."""

    rows: pl.DataFrame
    """day, agent_id, group, contract, from_s, until_s."""
    wages: float
    is_complete: bool
    """Every shift is worked by somebody."""


def assign_people(duties: Duties, patience: Patience) -> People:
    """Shifts to people: as many as contracts allow, then the hours as even as they can be."""
    agents, count = duties.agents, len(duties.day)
    lp = pulp.LpProblem("people", pulp.LpMinimize)
    takes = [
        [lp.add_variable(f"x_{a}_{n}", 0, 1, pulp.LpInteger) for n in range(count)]
        for a in range(agents)
    ]
    longest = lp.add_variable("longest", 0, duties.max_hours)
    lost = []
    for n in range(count):
        nobody = lp.add_variable(f"nobody_{n}", 0, 1)
        lost.append(nobody)
        lp.addConstraint(pulp.lpSum([takes[a][n] for a in range(agents)]) + nobody == 1)
    for row in takes:
        _keep_contract(lp, duties, row, longest)
    lp.setObjective(NOT_WORKED * pulp.lpSum(lost) + longest)
    solve(lp, patience, ADVICE)
    worked = [(a, n) for a, row in enumerate(takes) for n, x in enumerate(row) if x.value() > 0.5]
    who = np.array([a for a, _ in worked], dtype=np.int64)
    which = np.array([n for _, n in worked], dtype=np.int64)
    rows = pl.DataFrame(
        {
            "day": duties.day[which],
            "agent_id": [f"{duties.group + 1}-{duties.staff + 1}-{a + 1:03}" for a in who],
            "group": np.full(len(which), duties.group),
            "contract": pl.Series([duties.contract] * len(which), dtype=pl.String),
            "from_s": duties.from_s[which],
            "until_s": duties.until_s[which],
        },
        schema_overrides={"agent_id": pl.String},
    )
    wages = float(duties.wage * duties.paid_hours[which].sum())
    return People(rows, wages, len(worked) == count)


def _keep_contract(
    lp: pulp.LpProblem, duties: Duties, row: list[pulp.LpVariable], longest: pulp.LpVariable
) -> None:
    """One shift a day, rest between days, shifts and hours of a week."""
    if not row:
        return
    lp.addConstraint(pulp.lpSum(row) <= duties.max_shifts)
    lp.addConstraint(pulp.lpDot(duties.paid_hours.tolist(), row) <= longest)
    for day in np.unique(duties.day).tolist():
        today = np.flatnonzero(duties.day == day)
        lp.addConstraint(pulp.lpSum([row[n] for n in today]) <= 1)
        tomorrow = np.flatnonzero(duties.day == day + 1)
        for end_s in np.unique(duties.until_s[today]).tolist():
            late = today[duties.until_s[today] >= end_s]
            early = tomorrow[duties.from_s[tomorrow] < end_s + duties.rest_s - DAY_S]
            if len(early):
                both = [row[n] for n in (*late, *early)]
                lp.addConstraint(pulp.lpSum(both) <= 1)
