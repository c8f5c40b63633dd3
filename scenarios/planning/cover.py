"""The least costly heads that cover what every class needs in every interval.

    min  sum_m cost_m y_m + PENALTY sum_k short_k
    s.t. sum_m f_km / work_km + short_k >= rate_k     contacts per second that must be served
         sum_k f_km <= y_m <= most_m                  heads of a group, given to classes

with whole heads y and a share f of them per class, an interval by itself; work is left out only
where the most heads are not enough, and simulation tells what that does. What a simulation
teaches comes in as larger rates: cuts on the heads that a class is given.
"""

from dataclasses import dataclass

import numpy as np
import pulp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from scenarios.erlang import required_servers, square_root_staffing
from scenarios.lab.centre import Flags, Floats, Ints, LabCentre
from scenarios.planning.groups import AgentGroups
from scenarios.planning.programme import Patience, solve

SLACK = 0.3
"""Of the square-root rule, where customers leave: lower than most targets need, cuts add more."""
START_LEVEL = 0.8
"""Of Erlang C, where nobody leaves."""
PENALTY = 100.0
"""Heads that one erlang of uncovered work costs, so that it is only where there are no more."""
ADVICE = "raise the most heads of a group, train a group for the class, or lower the targets"


@dataclass(frozen=True, eq=False)
class Needs:
    """What must be covered in T intervals, K classes by M groups."""

    rate: Floats
    """(K, T) contacts per second, safety included."""
    usual_s: Floats
    """(K,) agent-seconds of a contact of the class, mean of the skilled groups."""
    work_s: Floats
    """(K, M) agent-seconds per contact."""
    skilled: Flags
    """(K, M)"""
    cost: Floats
    """(M,) money per head and interval."""
    most: Floats
    """(M,) heads; may be infinite."""


def cover(needs: Needs) -> Ints:
    """(T, M) heads; raises NoSolutionError."""
    rows = [_cover_interval(needs, rate) for rate in needs.rate.T]
    return np.array(rows, dtype=np.int64)


def first_needs(centre: LabCentre, groups: AgentGroups, cost: Floats, most: Floats) -> Needs:
    """Offered load of every class, with the safety that its pool would need if all shared it.

    That is less than a class by itself needs, so it does not ask for more than a good plan has.
    A pool is whoever can help each other, directly or through others.
    """
    skilled = groups.skilled
    if not skilled.any(axis=1).all():
        name = centre.classes.names[int(np.argmin(skilled.any(axis=1)))]
        raise ValueError(f"staffing: no group may do {name!r}; expected one at least: {ADVICE}")
    work_s = groups.h * centre.attention[:, None]
    usual_s = (work_s * skilled).sum(axis=1) / skilled.sum(axis=1)
    load = np.stack(
        [
            modified_offered_load(rate, handle_s, centre.interval_s)
            for rate, handle_s in zip(centre.classes.rate, usual_s, strict=True)
        ]
    )
    pool = _pools(skilled)
    safety = np.ones_like(load)
    for each in np.unique(pool):
        inside = np.flatnonzero(pool == each)
        for t, traffic in enumerate(load[inside].sum(axis=0).tolist()):
            if traffic > 0:
                safety[inside, t] = _pool_heads(centre, inside, usual_s, traffic) / traffic
    return Needs(load * safety / usual_s[:, None], usual_s, work_s, skilled, cost, most)


def modified_offered_load(rate: Floats, handle_s: float, interval_s: float) -> Floats:
    """(T,) mean number of busy agents if there were always enough, from an empty start.

    The load follows the rate with the delay of a handling time: `m' = rate - m / handle_s`
    (Jennings, Mandelbaum, Massey and Whitt 1996), averaged over each interval.
    """
    load, busy = np.zeros(len(rate)), 0.0
    decay = float(np.exp(-interval_s / handle_s))
    for t, each in enumerate((rate * handle_s).tolist()):
        load[t] = each + (busy - each) * handle_s / interval_s * (1 - decay)
        busy = each + (busy - each) * decay
    return load


def _pool_heads(centre: LabCentre, inside: Ints, usual_s: Floats, traffic: float) -> float:
    classes = centre.classes
    if np.isfinite(classes.patience_s[inside]).all():
        return float(square_root_staffing(traffic, SLACK))
    target_s = float(classes.target_s[inside].min())
    return required_servers(traffic, float(usual_s[inside].mean()), target_s, START_LEVEL)


def _pools(skilled: Flags) -> Ints:
    """(K,) pool of each class."""
    together = csr_array((skilled @ skilled.T).astype(np.int8))
    pools: Ints = connected_components(together, directed=False)[1]
    return pools


def _cover_interval(needs: Needs, rate: Floats) -> list[int]:
    problem = pulp.LpProblem("staffing", pulp.LpMinimize)
    heads = [
        problem.add_variable(f"y_{m}", 0, most if np.isfinite(most) else None, pulp.LpInteger)
        for m, most in enumerate(needs.most.tolist())
    ]
    given: list[list[pulp.LpVariable]] = [[] for _ in heads]
    cost = [float(each) * y for each, y in zip(needs.cost, heads, strict=True)]
    penalty = PENALTY * float(needs.cost.max())
    for k in np.flatnonzero(rate > 0).tolist():
        served = []
        for m in np.flatnonzero(needs.skilled[k]).tolist():
            share = problem.add_variable(f"f_{k}_{m}", 0)
            given[m].append(share)
            served.append((1.0 / float(needs.work_s[k, m])) * share)
        short = problem.add_variable(f"short_{k}", 0)
        cost.append(penalty * float(needs.usual_s[k]) * short)
        problem.addConstraint(pulp.lpSum([*served, short]) >= float(rate[k]))
    for y, shares in zip(heads, given, strict=True):
        if shares:
            problem.addConstraint(pulp.lpSum(shares) <= y)
    problem.setObjective(pulp.lpSum(cost))
    solve(problem, Patience(), ADVICE)
    return [round(y.value() or 0.0) for y in heads]
