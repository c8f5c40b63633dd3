"""The baseline: always take the pair that gains most now, and never take it back.

Gain here is net of the agent's next load cost, so it falls as the agent fills. Ties go to the
lower contact position, then to the lower agent position. A pair is taken when its contact is still
waiting, the lane, the agent and the site have a unit left, a mix of the agent and its units have
room for one more, and the net gain is above 0. Tiers come one after the other, whatever they cost.
"""

from dataclasses import replace
from heapq import heappop, heappush
from time import monotonic
from typing import NamedTuple

import numpy as np
from numba import njit, types

from models.bound import no_prices, upper_bound
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Ints, Positions
from models.solution import (
    Hint,
    Limit,
    Solution,
    SolveOptions,
    Termination,
    served_by_tier,
    step_costs,
)
from solver.array_types import I4, I8, I8S
from solver.backend import Clock, with_bound
from solver.potentials import waiting_prices
from solver.room_kernels import fits_a_mix
from solver.tree import NO_PAIR, CapacityTree, build_tree

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
    pairs, room = _pair_list(problem, tree), _all_room(problem, tree)
    net = pairs.gain - room.step_cost[pairs.agent, 0]
    chosen = np.full(problem.num_contacts, NO_PAIR, dtype=np.int64)
    tier = np.full(problem.num_contacts, NO_TIER) if problem.tier is None else problem.tier

    def take(number: int, floor: int) -> None:
        useful = np.flatnonzero((tier == number)[problem.pairs.contact] & (net > floor))
        order = useful[np.argsort(-net[useful], kind="stable")]
        _take(pairs, room, order, net, floor, chosen)

    for strict in np.unique(tier[tier != NO_TIER]).tolist():
        take(strict, WHATEVER)
    take(NO_TIER, 0)
    return chosen


class PairList(NamedTuple):
    """E pairs, as far as taking them goes."""

    gain: Ints
    contact: Positions
    agent: Positions
    lane: Positions
    node: Positions
    """Where the contact enters the tree."""
    units: Ints


class Room(NamedTuple):
    """What is left of every limit while pairs are taken."""

    parent: Positions
    """(N,) of the tree's nodes"""
    node_left: Ints
    """(N,) contacts that may still pass"""
    mix_start: Ints
    mix_count: Ints
    held: Ints
    """(A, L) taken so far"""
    units_left: Ints
    """(A,)"""
    step_cost: Ints
    """(A, F) load costs, F >= 1"""


PAIRS = types.NamedTuple((I8, I4, I4, I4, I4, I8), PairList)  # type: ignore[no-untyped-call]
ROOM = types.NamedTuple((I4, I8, I8, I8S, I8S, I8, I8S), Room)  # type: ignore[no-untyped-call]


def _pair_list(problem: AssignmentProblem, tree: CapacityTree) -> PairList:
    pairs, units = problem.pairs, problem.units
    return PairList(
        gain=np.array(pairs.gain),
        contact=pairs.contact.astype(np.int32),
        agent=pairs.agent.astype(np.int32),
        lane=problem.contact_lane[pairs.contact].astype(np.int32),
        node=tree.pair_node,
        units=np.zeros(len(pairs), np.int64) if units is None else np.array(units.of_pair),
    )


def _all_room(problem: AssignmentProblem, tree: CapacityTree) -> Room:
    mixes, units = problem.all_mixes, problem.units
    nothing = np.zeros(problem.num_agents, dtype=np.int64)
    return Room(
        parent=tree.parent,
        node_left=tree.cap.copy(),
        mix_start=np.ascontiguousarray(mixes.start, dtype=np.int64),
        mix_count=np.ascontiguousarray(mixes.count, dtype=np.int64),
        held=np.zeros(tree.entry.shape, dtype=np.int64),
        units_left=nothing if units is None else units.cap.copy(),
        step_cost=np.array(step_costs(problem, max(problem.load_cost.shape[1], 1)), order="C"),
    )


@njit(types.int64(ROOM, types.int64), cache=True)
def _next_step(room: Room, agent: int) -> int:
    """Load cost of the agent's next contact."""
    number = min(room.held[agent].sum(), room.step_cost.shape[1] - 1)
    return int(room.step_cost[agent, number])


@njit(types.boolean(PAIRS, ROOM, types.int64), cache=True)
def _fits(pairs: PairList, room: Room, pair: int) -> bool:
    agent, node = pairs.agent[pair], pairs.node[pair]
    if pairs.units[pair] > room.units_left[agent]:
        return False
    while room.node_left[node] > 0 and room.parent[node] != node:
        node = room.parent[node]
    if room.node_left[node] <= 0:
        return False
    lane = pairs.lane[pair]
    return bool(fits_a_mix(agent, lane, room.mix_start, room.mix_count, room.held))


@njit(types.void(PAIRS, ROOM, types.int64), cache=True)
def _enter(pairs: PairList, room: Room, pair: int) -> None:
    agent, node = pairs.agent[pair], pairs.node[pair]
    room.held[agent, pairs.lane[pair]] += 1
    room.units_left[agent] -= pairs.units[pair]
    while room.parent[node] != node:
        room.node_left[node] -= 1
        node = room.parent[node]


@njit(types.void(PAIRS, ROOM, I8, I8, types.int64, I8), cache=True)
def _take(pairs: PairList, room: Room, order: Ints, net: Ints, floor: int, chosen: Ints) -> None:
    """Fill `chosen` (C,) from these pairs, whose net gains (E,) fall in this order.

    A pair whose load cost has risen goes back into line at its new worth, if above the floor.
    """
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
        if chosen[pairs.contact[pair]] != NO_PAIR or not _fits(pairs, room, pair):
            continue
        now = pairs.gain[pair] - _next_step(room, pairs.agent[pair])
        if now == worth:
            chosen[pairs.contact[pair]] = pair
            _enter(pairs, room, pair)
        elif now > floor:
            heappush(back_in_line, (-now, pair))
