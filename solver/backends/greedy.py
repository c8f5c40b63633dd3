"""The baseline: always take the pair that gains most now, and never take it back.

Gain here is net of the agent's next load cost, so it falls as the agent fills. Ties go to the
lower contact position, then to the lower agent position. A pair is taken when its contact is still
waiting, the lane, the agent and the site have a unit left and the net gain is above 0.
"""

from dataclasses import replace
from heapq import heappop, heappush

import numpy as np
from numba import njit

from models.bound import upper_bound
from models.problem import NOBODY, AssignmentProblem, Ints, Positions
from models.solution import Hint, Solution, SolveOptions
from solver.backend import with_bound
from solver.potentials import waiting_prices
from solver.tree import NO_PAIR, CapacityTree, build_tree, step_cost_at

NAME = "greedy"


def solve(problem: AssignmentProblem, options: SolveOptions, hint: Hint | None) -> Solution:
    """The greedy assignment with the best bound of the hint's prices and its own."""
    del options
    tree = build_tree(problem)
    chosen = _assign(problem, tree)
    agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    served = chosen != NO_PAIR
    agent[served] = problem.pairs.agent[chosen[served]]
    own = waiting_prices(problem, agent, tree)
    offers = [own] if hint is None or hint.prices is None else [own, hint.prices]
    best = min(offers, key=lambda prices: upper_bound(problem, prices))
    solution = with_bound(problem, agent, best, NAME)
    return replace(solution, baseline=solution.gain)


def _assign(problem: AssignmentProblem, tree: CapacityTree) -> Ints:
    """Chosen pair of each contact, or NO_PAIR, shape (C,)."""
    pairs = problem.pairs
    first_cost = step_cost_at(problem, np.zeros(problem.num_agents, dtype=np.int64))
    net = pairs.gain - first_cost[pairs.agent]
    useful = np.flatnonzero(net > 0)
    order = useful[np.argsort(-net[useful], kind="stable")]
    chosen = np.full(problem.num_contacts, NO_PAIR, dtype=np.int64)
    cost = problem.load_cost if problem.load_cost.shape[1] else np.zeros((problem.num_agents, 1))
    _take(
        order,
        net,
        np.array(pairs.gain),
        pairs.contact.astype(np.int32),
        pairs.agent.astype(np.int32),
        tree.pair_node,
        tree.parent,
        tree.cap.copy(),
        np.array(cost, dtype=np.int64, order="C"),
        chosen,
    )
    return chosen


@njit(
    "void(i8[::1], i8[::1], i8[::1], i4[::1], i4[::1],"
    " i4[::1], i4[::1], i8[::1], i8[:, ::1], i8[::1])",
    cache=True,
)
def _take(
    order: Ints,
    net: Ints,
    gain: Ints,
    contact: Positions,
    agent: Positions,
    entry: Positions,
    parent: Positions,
    left: Ints,
    cost: Ints,
    chosen: Ints,
) -> None:
    """Fill `chosen`; a pair whose load cost has risen goes back into line at its new worth."""
    units = np.zeros(cost.shape[0], dtype=np.int64)
    back_in_line = [(np.int64(0), np.int64(0))]
    back_in_line.pop()
    at = 0
    while at < len(order) or len(back_in_line) > 0:
        if len(back_in_line) == 0 or (
            at < len(order) and (-net[order[at]], order[at]) < back_in_line[0]
        ):
            pair = order[at]
            worth = net[pair]
            at += 1
        else:
            negative, pair = heappop(back_in_line)
            worth = -negative
        if chosen[contact[pair]] >= 0:
            continue
        node = entry[pair]
        while left[node] > 0 and parent[node] != node:
            node = parent[node]
        if left[node] <= 0:
            continue
        filled = units[agent[pair]]
        now = gain[pair] - cost[agent[pair], min(filled, cost.shape[1] - 1)]
        if now < worth:
            if now > 0:
                heappush(back_in_line, (-now, pair))
            continue
        chosen[contact[pair]] = pair
        units[agent[pair]] = filled + 1
        node = entry[pair]
        while parent[node] != node:
            left[node] -= 1
            node = parent[node]
