"""Compiled search among plans for problems with pair units: fill, then anneal.

Everything is compiled and keeps every limit of the problem at every moment: units, lanes, mixes,
agents' and sites' caps. Plans are compared tier by tier and then by gain, exactly; the prizes that
make the annealing care for tiers only guide it.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types

from models.problem import NO_TIER, NOBODY, Floats, Ints
from solver.array_types import F8, I8, I8S
from solver.units_form import LIMITS, NO_PLACE, Limits


class Plan(NamedTuple):
    """A plan that keeps every limit, with what it uses up."""

    place: Ints
    """(C,) position in `Limits` of the pair that serves the contact, or NO_PLACE"""
    used: Ints
    """(A,) units"""
    items: Ints
    """(A,) contacts"""
    in_lane: Ints
    """(A, L)"""
    in_site: Ints
    """(S,)"""
    first: Ints
    """(A,) the contact that the agent was given last, or NO_PLACE"""
    after: Ints
    """(C,) the contact that its agent was given before it, or NO_PLACE"""
    before: Ints
    """(C,) the same backwards"""
    served: Ints
    """(T + 1,) contacts by tier, then the plan's gain after load costs"""


class Candidates(NamedTuple):
    """The pairs that the search may use, sorted by contact; N of them."""

    start: Ints
    """(C + 1,)"""
    pair: Ints
    """(N,) positions in `Limits`"""


PLAN = types.NamedTuple((I8, I8, I8, I8S, *[I8] * 5), Plan)  # type: ignore[no-untyped-call]
LEFT, ENTERED, MADE_ROOM, WENT_ON = range(4)
"""Places in a trail: the pair that the contact left, the one by which it entered, the one of who
made room for it, and the one by which they entered elsewhere; NO_PLACE where there is none.
"""

CANDIDATES = types.NamedUniTuple(I8, 2, Candidates)  # type: ignore[no-untyped-call]


def empty_plan(limits: Limits, num_tiers: int) -> Plan:
    """Nobody is served."""
    agents = len(limits.agent_cap)
    return Plan(
        place=np.full(len(limits.tier), NO_PLACE, dtype=np.int64),
        used=np.zeros(agents, dtype=np.int64),
        items=np.zeros(agents, dtype=np.int64),
        in_lane=np.zeros((agents, limits.mix.shape[1]), dtype=np.int64),
        in_site=np.zeros(len(limits.site_cap), dtype=np.int64),
        first=np.full(agents, NO_PLACE, dtype=np.int64),
        after=np.full(len(limits.tier), NO_PLACE, dtype=np.int64),
        before=np.full(len(limits.tier), NO_PLACE, dtype=np.int64),
        served=np.zeros(num_tiers + 1, dtype=np.int64),
    )


@njit(types.int64(LIMITS, types.int64, types.int64), cache=True)
def _step_cost(limits: Limits, agent: int, number: int) -> int:
    cost: int = limits.step_cost[agent, min(number, limits.step_cost.shape[1] - 1)]
    return cost


@njit(types.boolean(LIMITS, PLAN, types.int64), cache=True)
def _fits(limits: Limits, plan: Plan, pair: int) -> bool:
    agent, lane = limits.agent[pair], limits.lane[pair]
    if plan.used[agent] + limits.units[pair] > limits.unit_cap[agent]:
        return False
    if plan.items[agent] >= limits.agent_cap[agent]:
        return False
    site = limits.site[agent]
    if site != NOBODY and plan.in_site[site] >= limits.site_cap[site]:
        return False
    for mix in range(limits.mix_start[agent], limits.mix_start[agent + 1]):
        room = True
        for other in range(limits.mix.shape[1]):
            more = 1 if other == lane else 0
            if plan.in_lane[agent, other] + more > limits.mix[mix, other]:
                room = False
                break
        if room:
            return True
    return False


@njit(types.int64(LIMITS, PLAN, types.int64), cache=True)
def _enter(limits: Limits, plan: Plan, pair: int) -> int:
    """Milli-units gained by serving the pair's contact there."""
    contact, agent = limits.contact[pair], limits.agent[pair]
    gained = limits.gain[pair] - _step_cost(limits, agent, plan.items[agent])
    plan.place[contact] = pair
    plan.before[contact], plan.after[contact] = NO_PLACE, plan.first[agent]
    if plan.first[agent] != NO_PLACE:
        plan.before[plan.first[agent]] = contact
    plan.first[agent] = contact
    plan.used[agent] += limits.units[pair]
    plan.items[agent] += 1
    plan.in_lane[agent, limits.lane[pair]] += 1
    if limits.site[agent] != NOBODY:
        plan.in_site[limits.site[agent]] += 1
    if limits.tier[contact] != NO_TIER:
        plan.served[limits.tier[contact]] += 1
    plan.served[-1] += gained
    return int(gained)


@njit(types.int64(LIMITS, PLAN, types.int64), cache=True)
def _leave(limits: Limits, plan: Plan, pair: int) -> int:
    """Milli-units gained, mostly negative, by serving the pair's contact no more."""
    contact, agent = limits.contact[pair], limits.agent[pair]
    plan.place[contact] = NO_PLACE
    if plan.before[contact] != NO_PLACE:
        plan.after[plan.before[contact]] = plan.after[contact]
    else:
        plan.first[agent] = plan.after[contact]
    if plan.after[contact] != NO_PLACE:
        plan.before[plan.after[contact]] = plan.before[contact]
    plan.used[agent] -= limits.units[pair]
    plan.items[agent] -= 1
    plan.in_lane[agent, limits.lane[pair]] -= 1
    if limits.site[agent] != NOBODY:
        plan.in_site[limits.site[agent]] -= 1
    if limits.tier[contact] != NO_TIER:
        plan.served[limits.tier[contact]] -= 1
    gained = _step_cost(limits, agent, plan.items[agent]) - limits.gain[pair]
    plan.served[-1] += gained
    return int(gained)


@njit(types.void(LIMITS, PLAN, I8), cache=True)
def fill(limits: Limits, plan: Plan, order: Ints) -> None:
    """Serve in this order of pairs whoever is not served yet, where it fits and pays.

    Contacts with a tier are served at a loss, too.
    """
    for pair in order:
        contact = limits.contact[pair]
        if plan.place[contact] == NO_PLACE and _fits(limits, plan, pair):
            gained = _enter(limits, plan, pair)
            if gained <= 0 and limits.tier[contact] == NO_TIER:
                _leave(limits, plan, pair)


@njit(types.boolean(I8, I8), cache=True)
def _beats(mine: Ints, other: Ints) -> bool:
    for n in range(len(mine)):
        if mine[n] != other[n]:
            return bool(mine[n] > other[n])
    return False


@njit(types.float64(LIMITS, F8, types.int64), cache=True)
def _prize(limits: Limits, prize: Floats, contact: int) -> float:
    return prize[limits.tier[contact]] if limits.tier[contact] != NO_TIER else 0.0


@njit(types.int64(LIMITS, CANDIDATES, types.int64, types.int64), cache=True)
def _pair_with(limits: Limits, candidates: Candidates, contact: int, agent: int) -> int:
    low, high = candidates.start[contact], candidates.start[contact + 1]
    while low < high:
        middle = (low + high) // 2
        if limits.agent[candidates.pair[middle]] < agent:
            low = middle + 1
        else:
            high = middle
    if low < candidates.start[contact + 1] and limits.agent[candidates.pair[low]] == agent:
        return int(candidates.pair[low])
    return NO_PLACE


@njit(types.int64(PLAN, types.int64), cache=True)
def _someone_at(plan: Plan, agent: int) -> int:
    """One of the contacts that the agent serves, or NO_PLACE."""
    contact = plan.first[agent]
    if contact != NO_PLACE:
        for _ in range(np.random.randint(plan.items[agent])):  # noqa: NPY002
            contact = plan.after[contact]
    return int(contact)


@njit(types.int64(LIMITS, CANDIDATES, types.int64, types.int64), cache=True)
def _elsewhere(limits: Limits, candidates: Candidates, contact: int, left: int) -> int:
    """A pair for who made room: where the newcomer left, or any of its own; or NO_PLACE."""
    if left != NO_PLACE and np.random.random() < 0.5:  # noqa: NPY002
        return _pair_with(limits, candidates, contact, limits.agent[left])
    size = candidates.start[contact + 1] - candidates.start[contact]
    if size == 0:
        return NO_PLACE
    return int(candidates.pair[candidates.start[contact] + np.random.randint(size)])  # noqa: NPY002


@njit(types.float64(LIMITS, CANDIDATES, F8, PLAN, types.int64, I8), cache=True)
def _move(
    limits: Limits, candidates: Candidates, prize: Floats, plan: Plan, pair: int, trail: Ints
) -> float:
    """Gain with prizes of serving a contact by this pair, which is done at once.

    The trail says what to undo.
    """
    contact, agent = limits.contact[pair], limits.agent[pair]
    old = plan.place[contact]
    trail[:] = NO_PLACE
    trail[LEFT] = old
    delta = 0.0
    if old != NO_PLACE:
        delta += _leave(limits, plan, old) - _prize(limits, prize, contact)
    if old == pair:
        return delta
    out = NO_PLACE
    if not _fits(limits, plan, pair):
        out = _someone_at(plan, agent)
        if out != NO_PLACE:
            trail[MADE_ROOM] = plan.place[out]
            delta += _leave(limits, plan, trail[MADE_ROOM]) - _prize(limits, prize, out)
        if not _fits(limits, plan, pair):
            return -np.inf
    trail[ENTERED] = pair
    delta += _enter(limits, plan, pair) + _prize(limits, prize, contact)
    if out != NO_PLACE:
        other = _elsewhere(limits, candidates, out, old)
        if other != NO_PLACE and _fits(limits, plan, other):
            trail[WENT_ON] = other
            delta += _enter(limits, plan, other) + _prize(limits, prize, out)
    return delta


@njit(types.void(LIMITS, PLAN, I8), cache=True)
def _undo(limits: Limits, plan: Plan, trail: Ints) -> None:
    for entered in (WENT_ON, ENTERED):
        if trail[entered] != NO_PLACE:
            _leave(limits, plan, trail[entered])
    for left in (MADE_ROOM, LEFT):
        if trail[left] != NO_PLACE:
            _enter(limits, plan, trail[left])


@njit(
    types.void(
        LIMITS, CANDIDATES, F8, PLAN, I8, I8, types.int64, types.int64,
        types.float64, types.float64,
    ),
    cache=True,
)  # fmt: skip
def anneal(
    limits: Limits,
    candidates: Candidates,
    prize: Floats,
    plan: Plan,
    best_place: Ints,
    best_served: Ints,
    seed: int,
    tries: int,
    hot: float,
    cold: float,
) -> None:
    """Simulated annealing from `hot` to `cold` milli-units; the best plan is written to `best_*`.

    A try moves a contact to another of its pairs, or out of its own; where it does not fit,
    somebody there makes room and goes where the contact came from, or elsewhere, or waits.
    """
    np.random.seed(seed)  # noqa: NPY002
    factor = (cold / hot) ** (1.0 / tries)
    heat = hot
    trail = np.empty(WENT_ON + 1, dtype=np.int64)
    for _ in range(tries):
        heat *= factor
        pair = candidates.pair[np.random.randint(len(candidates.pair))]  # noqa: NPY002
        delta = _move(limits, candidates, prize, plan, pair, trail)
        if delta < 0 and np.random.random() >= np.exp(delta / heat):  # noqa: NPY002
            _undo(limits, plan, trail)
        elif _beats(plan.served, best_served):
            best_place[:] = plan.place
            best_served[:] = plan.served
