"""The greedy baseline without a list of pairs: the plan of `greedy`, pair for pair.

Every contact stands in line with its best pair now, net of the agent's next load cost; the worth
of a pair only falls, so the first in line holds the best pair of all if it is still worth what it
was. If not, the contact's row is scanned again and it goes back into line. Ties go to the lower
contact position, then to the lower agent position. Only for problems that the auction handles.
"""

from heapq import heapify, heappop, heappush

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from models.bound import no_prices
from models.problem import NOBODY, AssignmentProblem, Floats, Ints, Positions, Prices
from models.solution import (
    Hint,
    Limit,
    Solution,
    SolveOptions,
    Termination,
    counts_by_agent,
    step_costs,
)
from solver.claim import bound_by_class, gain_by_class
from solver.rows import build_rows, longest_slice
from solver.rows_kernels import F8, F8S, I8, LANES, NOTHING, ROWS, Rows, row_gains
from solver.tree import step_cost_at

NAME = "greedy"
FULL = 2.0**60
BEST = types.Tuple((types.float64, types.int64))  # type: ignore[no-untyped-call]


def solve(problem: AssignmentProblem, options: SolveOptions, hint: Hint | None) -> Solution:
    """The greedy assignment with the better bound of the hint's prices and its own."""
    del options
    rows = build_rows(problem)
    agent = _assign(problem, rows)
    offers = [_waiting_prices(problem, rows, agent)]
    if hint is not None and hint.prices is not None:
        offers.append(hint.prices)
    bound, best = min(
        ((bound_by_class(problem, rows, prices), place) for place, prices in enumerate(offers)),
    )
    gain = gain_by_class(problem, agent)
    return Solution(
        agent=agent,
        gain=gain,
        bound=bound,
        prices=offers[best],
        termination=Termination.OPTIMAL if bound == gain else Termination.FEASIBLE,
        limit=None if bound == gain else Limit.METHOD,
        backend=NAME,
        baseline=gain,
    )


def _assign(problem: AssignmentProblem, rows: Rows) -> Positions:
    cap = np.minimum(problem.agent_cap, problem.num_contacts)
    steps = np.array(
        step_costs(problem, max(problem.load_cost.shape[1], 1)), np.float64, order="C"
    )
    chosen = np.full(problem.num_contacts, NOBODY, dtype=np.int64)
    price = np.where(cap > 0, steps[:, 0], FULL)
    buffer = np.empty(longest_slice(rows))
    _take(rows, price, price[rows.entry_agent], cap.copy(), steps, buffer, chosen)
    agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    agent[rows.contact] = chosen
    return agent


def _waiting_prices(problem: AssignmentProblem, rows: Rows, agent: Positions) -> Prices:
    """`solver.potentials.waiting_prices` of this plan: what those who wait would pay."""
    price = np.zeros(problem.num_agents)
    _raise_to_waiting(rows, agent[rows.contact] == NOBODY, price, np.empty(longest_slice(rows)))
    counts = counts_by_agent(problem, agent)
    last = np.where(counts > 0, step_cost_at(problem, np.maximum(counts - 1, 0)), 0)
    free = no_prices(problem)
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


@njit(types.void(ROWS, F8, F8, I8, F8S, F8, I8), cache=True)
def _take(
    rows: Rows,
    price: Floats,
    entry_price: Floats,
    left: Ints,
    steps: Floats,
    gain: Floats,
    chosen: Ints,
) -> None:
    """Fill `chosen` with the agent of each contact, in the order of the rows."""
    slots = left.sum()
    units = np.zeros(len(left), dtype=np.int64)
    line = [(0.0, 0, 0, 0)]
    line.pop()
    for i in range(len(rows.kind)):
        best, entry = _best_entry(rows, entry_price, i, gain)
        if best > 0.0:
            line.append((-best, int(rows.contact[i]), i, entry))
    heapify(line)
    price_when_seen = np.empty(len(rows.kind))
    for place in range(len(line)):
        price_when_seen[line[place][2]] = price[rows.entry_agent[line[place][3]]]
    while len(line) > 0 and slots > 0:
        _, contact, i, entry = heappop(line)
        agent = rows.entry_agent[entry]
        if price[agent] != price_when_seen[i]:
            best, entry = _best_entry(rows, entry_price, i, gain)
            if best > 0.0:
                price_when_seen[i] = price[rows.entry_agent[entry]]
                heappush(line, (-best, contact, i, entry))
            continue
        chosen[i] = agent
        slots -= 1
        left[agent] -= 1
        units[agent] += 1
        now = steps[agent, min(units[agent], steps.shape[1] - 1)] if left[agent] > 0 else FULL
        if now != price[agent]:
            price[agent] = now
            for n in range(rows.agent_start[agent], rows.agent_start[agent + 1]):
                entry_price[rows.agent_entry[n]] = now


@njit(types.void(ROWS, types.boolean[::1], F8, F8), cache=True)
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
