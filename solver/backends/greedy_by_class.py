"""The greedy baseline without a list of pairs: the plan of `greedy`, pair for pair.

Every contact stands in line with its best pair now, net of the agent's next load cost; the worth
of a pair only falls, so the first in line holds the best pair of all if it is still worth what it
was. If not, the contact's row is scanned again and it goes back into line. Ties go to the lower
contact position, then to the lower agent position. Tiers come one after the other. Pair units,
which are listed by pair, are not for it.
"""

from heapq import heapify, heappop, heappush
from time import monotonic
from typing import NamedTuple

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from models.bound import no_prices
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Floats, Ints, Positions, Prices
from models.solution import (
    Hint,
    Limit,
    Solution,
    SolveOptions,
    Termination,
    counts_by_agent,
    served_by_tier,
    step_costs,
)
from solver.array_types import B1, F8, F8S, I4, I8, I8S
from solver.backend import Clock
from solver.claim import bound_by_class, gain_by_class, lane_of_entries
from solver.form import only_agents_bind
from solver.room_kernels import fits_a_mix
from solver.rows import build_rows, longest_slice
from solver.rows_kernels import LANES, NOTHING, ROWS, Rows, row_gains
from solver.tree import step_cost_at

NAME = "greedy"
FULL = 2.0**60

WHATEVER = -(2.0**59)
"""Below any gain less load cost, and above any less FULL."""


class Room(NamedTuple):
    """What is left of every limit while contacts are given away."""

    lane: Positions
    """(C,) in the order of the rows"""
    entry_lane: Positions
    """(N,)"""
    lane_left: Ints
    """(A, L)"""
    agent_left: Ints
    site: Positions
    """(A,) or NOBODY"""
    site_left: Ints
    mix_start: Ints
    mix_count: Ints
    held: Ints
    """(A, L) given away so far"""
    steps: Floats
    """(A, F) load costs"""


ROOM = types.NamedTuple(  # type: ignore[no-untyped-call]
    (I4, I4, I8S, I8, I4, I8, I8, I8S, I8S, F8S), Room
)
BEST = types.Tuple((types.float64, types.int64))  # type: ignore[no-untyped-call]


def solve(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """The greedy assignment with the better bound of the hint's prices and its own."""
    del options, clock
    rows = build_rows(problem)
    agent = _assign(problem, rows)
    offers = [_waiting_prices(problem, rows, agent)]
    if hint is not None and hint.prices is not None:
        offers.append(hint.prices)
    bound, best = min(
        ((bound_by_class(problem, rows, prices), place) for place, prices in enumerate(offers)),
    )
    gain, served = gain_by_class(problem, agent), served_by_tier(problem, agent)
    optimal = bound == gain and not served
    return Solution(
        agent=agent,
        gain=gain,
        bound=bound,
        prices=offers[best],
        termination=Termination.OPTIMAL if optimal else Termination.FEASIBLE,
        limit=None if optimal else Limit.METHOD,
        backend=NAME,
        baseline=gain,
        served=served,
    )


def _assign(problem: AssignmentProblem, rows: Rows) -> Positions:
    mixes = problem.all_mixes
    steps = step_costs(problem, max(problem.load_cost.shape[1], 1))
    chosen = np.full(problem.num_contacts, NOBODY, dtype=np.int64)
    room = Room(
        lane=problem.contact_lane[rows.contact].astype(np.int32),
        entry_lane=lane_of_entries(problem, rows),
        lane_left=np.array(problem.lane_cap, dtype=np.int64, order="C"),
        agent_left=np.minimum(problem.agent_cap, problem.num_contacts).astype(np.int64),
        site=problem.agent_site.astype(np.int32),
        site_left=problem.site_cap.astype(np.int64),
        mix_start=np.ascontiguousarray(mixes.start, dtype=np.int64),
        mix_count=np.ascontiguousarray(mixes.count, dtype=np.int64),
        held=np.zeros(problem.lane_cap.shape, dtype=np.int64),
        steps=np.array(steps, np.float64, order="C"),
    )
    tier = np.full(problem.num_contacts, NO_TIER) if problem.tier is None else problem.tier
    tier = tier[rows.contact]
    buffer = np.empty(longest_slice(rows))
    for strict in np.unique(tier[tier != NO_TIER]).tolist():
        _take(rows, room, tier == strict, WHATEVER, buffer, chosen)
    _take(rows, room, tier == NO_TIER, 0.0, buffer, chosen)
    agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    agent[rows.contact] = chosen
    return agent


def _waiting_prices(problem: AssignmentProblem, rows: Rows, agent: Positions) -> Prices:
    """`solver.potentials.waiting_prices` of this plan: what those who wait would pay.

    Nothing where other limits than the agents' own may be what they wait for.
    """
    free = no_prices(problem)
    if not only_agents_bind(problem):
        return free
    price = np.zeros(problem.num_agents)
    _raise_to_waiting(rows, agent[rows.contact] == NOBODY, price, np.empty(longest_slice(rows)))
    counts = counts_by_agent(problem, agent)
    last = np.where(counts > 0, step_cost_at(problem, np.maximum(counts - 1, 0)), 0)
    return Prices(free.lane, np.maximum(price.astype(np.int64), last), free.site)


@njit(BEST(ROWS, F8, types.int64, F8), cache=True, forceinline=True)
def _best_entry(rows: Rows, entry_price: Floats, i: int, gain: Floats) -> tuple[float, int]:
    """Largest gain less price of contact i, and the first entry that has it."""
    size = row_gains(rows, i, gain)
    start = rows.entry_start[rows.kind[i]]
    price = entry_price[start : start + size]
    worth = gain[:size]
    for e in range(size):
        worth[e] -= price[e]
    top = np.full(LANES, NOTHING)
    whole = size - size % LANES
    for block in range(0, whole, LANES):
        part = worth[block : block + LANES]
        for lane in range(LANES):
            top[lane] = part[lane] if part[lane] > top[lane] else top[lane]
    best = top.max()
    for e in range(whole, size):
        best = max(best, worth[e])
    for e in range(size):
        if worth[e] == best:
            return best, start + e
    return NOTHING, -1


@njit(types.float64(ROOM, types.int64, types.int64), cache=True)
def _price(room: Room, agent: int, lane: int) -> float:
    """Load cost of one more contact in that lane of the agent, FULL if it does not fit."""
    site = room.site[agent]
    if room.agent_left[agent] <= 0 or room.lane_left[agent, lane] <= 0:
        return FULL
    if site >= 0 and room.site_left[site] <= 0:
        return FULL
    if not fits_a_mix(agent, lane, room.mix_start, room.mix_count, room.held):
        return FULL
    return float(room.steps[agent, min(room.held[agent].sum(), room.steps.shape[1] - 1)])


@njit(types.void(ROWS, ROOM, types.int64, F8), cache=True)
def _post(rows: Rows, room: Room, agent: int, entry_price: Floats) -> None:
    """Write the agent's present prices to its entries."""
    for n in range(rows.agent_start[agent], rows.agent_start[agent + 1]):
        entry = rows.agent_entry[n]
        entry_price[entry] = _price(room, agent, room.entry_lane[entry])


@njit(types.void(ROWS, ROOM, types.int64, F8), cache=True)
def _leave_site(rows: Rows, room: Room, site: int, entry_price: Floats) -> None:
    """One place less at a site; its agents' prices where it was the last."""
    room.site_left[site] -= 1
    if room.site_left[site] == 0:
        for agent in range(len(room.site)):
            if room.site[agent] == site:
                _post(rows, room, agent, entry_price)


@njit(types.void(ROWS, ROOM, B1, types.float64, F8, I8), cache=True)
def _take(
    rows: Rows, room: Room, mine: NDArray[np.bool_], floor: float, gain: Floats, chosen: Ints
) -> None:
    """Fill `chosen` with the agent of each contact of a mask, in the order of the rows.

    Pairs whose gain less price is at most `floor` are left alone.
    """
    entry_price = np.empty(len(rows.entry_agent))
    for agent in range(len(room.agent_left)):
        _post(rows, room, agent, entry_price)
    slots = room.agent_left.sum()
    line = [(0.0, 0, 0, 0)]
    line.pop()
    price_when_seen = np.empty(len(rows.kind))
    for i in range(len(rows.kind)):
        if not mine[i]:
            continue
        best, entry = _best_entry(rows, entry_price, i, gain)
        if best > floor:
            line.append((-best, int(rows.contact[i]), i, entry))
            price_when_seen[i] = entry_price[entry]
    heapify(line)
    while len(line) > 0 and slots > 0:
        _, contact, i, entry = heappop(line)
        if entry_price[entry] != price_when_seen[i]:
            best, entry = _best_entry(rows, entry_price, i, gain)
            if best > floor:
                price_when_seen[i] = entry_price[entry]
                heappush(line, (-best, contact, i, entry))
            continue
        agent = rows.entry_agent[entry]
        chosen[i] = agent
        slots -= 1
        room.agent_left[agent] -= 1
        room.lane_left[agent, room.lane[i]] -= 1
        room.held[agent, room.lane[i]] += 1
        _post(rows, room, agent, entry_price)
        if room.site[agent] >= 0:
            _leave_site(rows, room, room.site[agent], entry_price)


@njit(types.void(ROWS, B1, F8, F8), cache=True)
def _raise_to_waiting(rows: Rows, waits: NDArray[np.bool_], price: Floats, gain: Floats) -> None:
    """Raise the price of each agent to the largest gain of a waiting contact there."""
    entry_price = np.zeros(len(rows.entry_agent))
    for i in range(len(rows.kind)):
        if waits[i]:
            size = row_gains(rows, i, gain)
            start = rows.entry_start[rows.kind[i]]
            high = entry_price[start : start + size]
            for e in range(size):
                high[e] = gain[e] if gain[e] > high[e] else high[e]
    for entry in range(len(entry_price)):
        agent = rows.entry_agent[entry]
        price[agent] = max(price[agent], entry_price[entry])
