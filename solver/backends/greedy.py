"""The baseline: always take the pair that gains most now, and never take it back.

Gain here is net of the agent's next load cost, so it falls as the agent fills. Ties go to the
lower contact position, then to the lower agent position. A pair is taken when its contact is still
waiting, the lane, the agent and the site have a unit left, a mix of the agent and its units have
room for one more, and the net gain is above 0. Tiers come one after the other, whatever they cost.
"""

from dataclasses import replace
from heapq import heappop, heappush
from time import monotonic

import numpy as np
from numba import njit

from models.bound import no_prices, upper_bound
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Ints, PairUnits, Positions
from models.solution import (
    Hint,
    Limit,
    Solution,
    SolveOptions,
    Termination,
    served_by_tier,
)
from solver.backend import Clock, with_bound
from solver.potentials import waiting_prices
from solver.room_kernels import fits_a_mix
from solver.tree import NO_PAIR, CapacityTree, build_tree, step_cost_at

NAME = "greedy"

WHATEVER = -(2**62)
"""Below any net gain."""


def solve(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """The greedy assignment with the best bound of the hint's prices and its own.

    No assignment gains more than the bound, also none that serves the tiers otherwise.
    """
    del options, clock
    tree = build_tree(problem)
    chosen = _assign(problem, tree)
    agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    served = chosen != NO_PAIR
    agent[served] = problem.pairs.agent[chosen[served]]
    offers = [
        no_prices(problem) if _goes_further(problem) else waiting_prices(problem, agent, tree)
    ]
    if hint is not None and hint.prices is not None:
        offers.append(hint.prices)
    best = min(offers, key=lambda prices: upper_bound(problem, prices))
    solution = with_bound(problem, agent, best, NAME)
    solution = replace(solution, baseline=solution.gain, served=served_by_tier(problem, agent))
    if solution.served:  # its counts may not be the largest, whatever it gains
        solution = replace(solution, termination=Termination.FEASIBLE, limit=Limit.METHOD)
    return solution


def _goes_further(problem: AssignmentProblem) -> bool:
    """Whether contacts may wait although all caps have room, or be served at a loss."""
    return problem.mixes is not None or problem.units is not None or problem.tier is not None


def _assign(problem: AssignmentProblem, tree: CapacityTree) -> Ints:
    """Chosen pair of each contact, or NO_PAIR, shape (C,)."""
    room = _Room(problem, tree)
    chosen = np.full(problem.num_contacts, NO_PAIR, dtype=np.int64)
    tier = np.full(problem.num_contacts, NO_TIER) if problem.tier is None else problem.tier
    for strict in np.unique(tier[tier != NO_TIER]).tolist():
        room.take(np.flatnonzero((tier == strict)[problem.pairs.contact]), chosen, WHATEVER)
    room.take(np.flatnonzero((tier == NO_TIER)[problem.pairs.contact]), chosen, 0)
    return chosen


class _Room:
    """What is left of every limit while pairs are taken."""

    def __init__(self, problem: AssignmentProblem, tree: CapacityTree) -> None:
        pairs, mixes = problem.pairs, problem.all_mixes
        cost = problem.load_cost if problem.load_cost.shape[1] else np.zeros((len(tree.entry), 1))
        nothing = np.zeros(problem.num_agents, dtype=np.int64)
        units = problem.units or PairUnits(np.zeros(len(pairs), dtype=np.int64), nothing)
        self._first_cost = step_cost_at(problem, nothing)
        self._gain, self._agent = np.array(pairs.gain), pairs.agent
        self._pairs = (self._gain, pairs.contact.astype(np.int32), pairs.agent.astype(np.int32))
        self._lane = problem.contact_lane[pairs.contact].astype(np.int32)
        self._tree = (tree.pair_node, tree.parent, tree.cap.copy())
        self._mixes = (
            np.ascontiguousarray(mixes.start, dtype=np.int64),
            np.ascontiguousarray(mixes.count, dtype=np.int64),
            np.zeros(tree.entry.shape, dtype=np.int64),
        )
        self._units = (np.ascontiguousarray(units.of_pair, dtype=np.int64), units.cap.copy())
        self._cost = np.array(cost, dtype=np.int64, order="C")

    def take(self, candidates: Ints, chosen: Ints, floor: int) -> None:
        """Fill `chosen` from these pairs, as long as their net gain is above the floor."""
        net = self._gain - self._first_cost[self._agent]
        useful = candidates[net[candidates] > floor]
        order = useful[np.argsort(-net[useful], kind="stable")]
        _take(
            order,
            net,
            *self._pairs,
            self._lane,
            *self._tree,
            *self._mixes,
            *self._units,
            self._cost,
            floor,
            chosen,
        )


@njit(
    "void(i8[::1], i8[::1], i8[::1], i4[::1], i4[::1], i4[::1], i4[::1], i4[::1], i8[::1],"
    " i8[::1], i8[:, ::1], i8[:, ::1], i8[::1], i8[::1], i8[:, ::1], i8, i8[::1])",
    cache=True,
)
def _take(
    order: Ints,
    net: Ints,
    gain: Ints,
    contact: Positions,
    agent: Positions,
    lane: Positions,
    entry: Positions,
    parent: Positions,
    left: Ints,
    mix_start: Ints,
    mix_count: Ints,
    held: Ints,
    units: Ints,
    units_left: Ints,
    cost: Ints,
    floor: int,
    chosen: Ints,
) -> None:
    """Fill `chosen`; a pair whose load cost has risen goes back into line at its new worth."""
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
        who = agent[pair]
        if chosen[contact[pair]] >= 0 or units[pair] > units_left[who]:
            continue
        node = entry[pair]
        while left[node] > 0 and parent[node] != node:
            node = parent[node]
        if left[node] <= 0 or not fits_a_mix(who, lane[pair], mix_start, mix_count, held):
            continue
        now = gain[pair] - cost[who, min(held[who].sum(), cost.shape[1] - 1)]
        if now < worth:
            if now > floor:
                heappush(back_in_line, (-now, pair))
            continue
        chosen[contact[pair]] = pair
        held[who, lane[pair]] += 1
        units_left[who] -= units[pair]
        node = entry[pair]
        while parent[node] != node:
            left[node] -= 1
            node = parent[node]
