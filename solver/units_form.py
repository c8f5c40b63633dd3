"""A problem with pair units as flat arrays for compiled loops: what may enter where, at what gain.

Pairs that can never be used (heavier than their agent's cap, a lane or an agent without room) are
left out once, so that everything behind works on pairs that fit at least alone.
"""

from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import NamedTuple

import numpy as np
from numba import types

from models.problem import NO_TIER, NOBODY, AssignmentProblem, Ints, Positions
from models.solution import step_costs
from solver.array_types import I8, I8S
from solver.flat import starts_of

NO_PLACE = -1

MOST_CELLS = 2_000_000
"""Of one agent's knapsack table; agents whose table would be larger get coarser weights, which
makes the bound weaker but keeps it valid.
"""
FEWEST_STEPS = 256


class Limits(NamedTuple):
    """Everything that a plan must keep; E usable pairs sorted by contact, then agent."""

    start: Ints
    """(C + 1,)"""
    contact: Ints
    """(E,)"""
    agent: Ints
    """(E,)"""
    lane: Ints
    """(E,)"""
    gain: Ints
    """(E,) milli-units"""
    units: Ints
    """(E,)"""
    unit_cap: Ints
    """(A,)"""
    agent_cap: Ints
    """(A,)"""
    site: Ints
    """(A,) or NOBODY"""
    site_cap: Ints
    """(S,)"""
    mix_start: Ints
    """(A + 1,)"""
    mix: Ints
    """(P, L)"""
    step_cost: Ints
    """(A, F), F >= 1"""
    tier: Ints
    """(C,) number of the contact's tier among those that occur, or NO_TIER"""


class Knapsacks(NamedTuple):
    """The pairs once more, by agent, with weights that small tables can hold."""

    start: Ints
    """(A + 1,)"""
    pair: Ints
    """(E,) positions in `Limits`"""
    weight: Ints
    """(E,) in steps, in the order of `pair`"""
    room: Ints
    """(A,) steps; sums of weights within it are all that the agent's units allow, or more"""


LIMITS = types.NamedTuple(  # type: ignore[no-untyped-call]
    (*[I8] * 11, I8S, I8S, I8), Limits
)
KNAPSACKS = types.NamedUniTuple(I8, 4, Knapsacks)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, eq=False)
class UnitsForm:
    """A problem as the compiled loops see it."""

    problem: AssignmentProblem
    limits: Limits
    knapsacks: Knapsacks
    tiers: tuple[int, ...]
    """The tiers that occur, the strictest first."""
    reachable: Ints
    """(T,) contacts of each tier that have a usable pair: no plan serves more."""
    granule: int
    """Milli-units; every plan's gain is a multiple of it."""


def build_form(problem: AssignmentProblem) -> UnitsForm:
    """The arrays of a problem; where it has no units every pair weighs one place at its agent."""
    pairs, mixes = problem.pairs, problem.all_mixes
    agent, contact = pairs.agent.astype(np.int64), pairs.contact.astype(np.int64)
    units = np.ones(len(pairs), dtype=np.int64)
    unit_cap = problem.agent_cap
    if problem.units is not None:
        units, unit_cap = problem.units.of_pair, problem.units.cap
    lane = problem.contact_lane[contact].astype(np.int64)
    most = np.maximum.reduceat(mixes.count, mixes.start[:-1]) if len(mixes.count) else mixes.count
    usable = (units <= unit_cap[agent]) & (problem.agent_cap[agent] > 0) & (most[agent, lane] > 0)
    kept = np.flatnonzero(usable)
    tiers, tier = _tiers(problem)
    start = starts_of(contact[kept], problem.num_contacts)
    limits = Limits(
        start=start,
        contact=contact[kept],
        agent=agent[kept],
        lane=lane[kept],
        gain=pairs.gain[kept],
        units=units[kept],
        unit_cap=_whole(unit_cap),
        agent_cap=_whole(problem.agent_cap),
        site=_whole(problem.agent_site),
        site_cap=_whole(problem.site_cap),
        mix_start=_whole(mixes.start),
        mix=_whole(mixes.count),
        step_cost=_whole(step_costs(problem, max(problem.load_cost.shape[1], 1))),
        tier=tier,
    )
    served = np.diff(start) > 0
    return UnitsForm(
        problem=problem,
        limits=limits,
        knapsacks=_knapsacks(limits),
        tiers=tiers,
        reachable=np.bincount(tier[served & (tier != NO_TIER)], minlength=len(tiers)),
        granule=int(np.gcd.reduce(np.append(limits.gain, limits.step_cost.ravel()))) or 1,
    )


def tier_counts(form: UnitsForm, place: Ints) -> tuple[int, ...]:
    """Contacts of each tier that a plan serves, the strictest tier first."""
    tier = form.limits.tier[place != NO_PLACE]
    counts = np.bincount(tier[tier != NO_TIER], minlength=len(form.tiers))
    return tuple(counts.tolist())


def plan_gain(form: UnitsForm, place: Ints) -> int:
    """Milli-units that a plan, pairs of `Limits` by contact (C,), gains after load costs."""
    chosen = place[place != NO_PLACE]
    counts = np.bincount(form.limits.agent[chosen], minlength=len(form.limits.agent_cap))
    width = int(counts.max(initial=0))
    steps = step_costs(form.problem, width)
    used = np.arange(width)[None, :] < counts[:, None]
    return int(form.limits.gain[chosen].sum()) - int(steps[used].sum())


def agents_of(form: UnitsForm, place: Ints) -> Positions:
    """The plan as an agent for each contact, or NOBODY, shape (C,)."""
    agent = np.full(len(place), NOBODY, dtype=np.int32)
    served = np.flatnonzero(place != NO_PLACE)
    agent[served] = form.limits.agent[place[served]]
    return agent


def _tiers(problem: AssignmentProblem) -> tuple[tuple[int, ...], Ints]:
    tier = np.full(problem.num_contacts, NO_TIER, dtype=np.int64)
    if problem.tier is None:
        return (), tier
    ranked = problem.tier != NO_TIER
    names, number = np.unique(problem.tier[ranked], return_inverse=True)
    tier[ranked] = number
    return tuple(names.tolist()), tier


def _knapsacks(limits: Limits) -> Knapsacks:
    pair = np.argsort(limits.agent, kind="stable").astype(np.int64)
    start = starts_of(limits.agent, len(limits.unit_cap))
    weight = limits.units[pair]
    room = np.zeros(len(limits.unit_cap), dtype=np.int64)
    for j, cap in enumerate(limits.unit_cap.tolist()):
        mine = slice(start[j], start[j + 1])
        if start[j] == start[j + 1]:
            continue
        step = max(reduce(gcd, np.unique(weight[mine]).tolist()), 1)
        most = max(FEWEST_STEPS, MOST_CELLS // int(start[j + 1] - start[j]))
        # Rounded down, weights within a plan's cap stay within the room: the bound stays valid.
        step *= -(-(cap // step) // most) or 1
        weight[mine] //= step
        room[j] = min(cap // step, int(weight[mine].sum()))
    return Knapsacks(start, pair, weight, room)


def _whole(values: Ints | Positions) -> Ints:
    return np.ascontiguousarray(values, dtype=np.int64)
