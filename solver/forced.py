"""What it would cost to force a pair into an optimal plan, and who would move (`methods.md` 7).

The best plan with the pair differs from the optimal plan by cycles of the residual network. A
cycle that does not pass through the pair costs nothing or more, so the cheapest single cycle
through it is exact: the contact's move, and then the cheapest way of the displaced unit from the
node that it enters back to the node that it left, or to the sink if it waited. With the
potentials of any optimal prices every arc costs its slack, >= 0, so one search answers:

    loss = slack of the pair + shortest way back          (and the slack alone is a lower bound)
"""

from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.problem import NOBODY, AssignmentProblem, Ints, Positions
from models.solution import total_load_cost
from solver.backend import BackendError
from solver.flat import starts_of
from solver.potentials import smallest_prices, to_potential, tree_arcs
from solver.tree import NO_PAIR, CapacityTree, build_tree, chosen_pairs, units_passing

FAR = 2**62
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Exchanges:
    """An optimal plan and every single change of it, as arcs between nodes of the tree."""

    problem: AssignmentProblem
    tree: CapacityTree
    agent: Positions
    """(C,) the plan."""
    chosen: Ints
    """(C,) its pairs, or NO_PAIR."""
    node: Ints
    """(C,) where each contact is: a node of the tree, the sink if it waits."""
    held_gain: Ints
    """(C,) what it gains there, milli-units."""
    potential: Ints
    """(N,) at the smallest optimal prices."""
    first: Ints
    """(N + 1,) arcs that leave node n are first[n]:first[n + 1]."""
    tail: Positions
    head: Positions
    slack: Ints
    """What the change costs at these prices, milli-units, >= 0."""
    contact: Positions
    """Who moves, or starts or stops waiting (from or to the sink); NOBODY: a unit of capacity."""
    to_agent: Positions
    """Where to; NOBODY if the contact then waits."""


@dataclass(frozen=True)
class Move:
    """One contact's change; NOBODY is waiting."""

    contact: int
    from_agent: int
    to_agent: int


@dataclass(frozen=True, eq=False)
class ForcedPair:
    """The best plan that contains a pair, against the optimal one."""

    loss: int
    """Milli-units, >= 0."""
    moves: tuple[Move, ...]
    """The forced contact first, then who it displaces; of equal chains one of the shortest."""
    agent: Positions
    """(C,) the plan with the pair."""


def build_exchanges(problem: AssignmentProblem, agent: Positions) -> Exchanges:
    """The changes that an optimal plan of a network allows; mixes, units and tiers aside.

    Raises NotOptimalError when the plan is not optimal, ValueError when it is not valid.
    """
    tree, pairs = build_tree(problem), problem.pairs
    chosen = chosen_pairs(problem, agent)
    potential = to_potential(tree, smallest_prices(problem, agent, tree))
    leave = chosen[chosen != NO_PAIR]
    node, held = np.full(len(chosen), tree.sink), np.zeros(len(chosen), dtype=np.int64)
    node[pairs.contact[leave]], held[pairs.contact[leave]] = (
        tree.pair_node[leave],
        pairs.gain[leave],
    )
    enter = np.flatnonzero(chosen[pairs.contact] != np.arange(len(pairs)))
    up_tail, up_head, up_length = tree_arcs(problem, tree, units_passing(tree, chosen))

    who = pairs.contact[enter]
    of_tree = np.full(len(up_tail), NOBODY)
    tail = np.concatenate([node[who], tree.pair_node[leave], up_tail])
    head = np.concatenate([tree.pair_node[enter], np.full(len(leave), tree.sink), up_head])
    length = np.concatenate([pairs.gain[enter] - held[who], -pairs.gain[leave], up_length])
    contact = np.concatenate([who, pairs.contact[leave], of_tree])
    to_agent = np.concatenate([pairs.agent[enter], np.full(len(leave), NOBODY), of_tree])
    order = np.argsort(tail, kind="stable")
    return Exchanges(
        problem=problem,
        tree=tree,
        agent=agent,
        chosen=chosen,
        node=node,
        held_gain=held,
        potential=potential,
        first=starts_of(tail, tree.num_nodes),
        tail=tail[order].astype(np.int32),
        head=head[order].astype(np.int32),
        slack=(potential[head] - potential[tail] - length)[order],
        contact=contact[order].astype(np.int32),
        to_agent=to_agent[order].astype(np.int32),
    )


def forced_pair(exchanges: Exchanges, contact: int, to_agent: int) -> ForcedPair | None:
    """What giving the contact to that agent would cost, and the moves; None if no plan can.

    Raises ValueError when the pair is not eligible.
    """
    pair = _pair(exchanges, contact, to_agent)
    if exchanges.chosen[contact] == pair:
        return ForcedPair(0, (), exchanges.agent)
    source, target = int(exchanges.tree.pair_node[pair]), int(exchanges.node[contact])
    distance, via = _search(exchanges, source, target)
    if distance[target] >= FAR:
        return None
    moves = [Move(contact, int(exchanges.agent[contact]), to_agent)]
    for arc in _path(exchanges, via, source, target):
        who = int(exchanges.contact[arc])
        if who != NOBODY:
            moves.append(Move(who, int(exchanges.agent[who]), int(exchanges.to_agent[arc])))
    loss = _slack(exchanges, pair) + int(distance[target])
    return _checked(exchanges, loss, tuple(moves))


def _checked(exchanges: Exchanges, loss: int, moves: tuple[Move, ...]) -> ForcedPair:
    """The answer, after making the moves and counting again; BackendError if it differs."""
    problem, before = exchanges.problem, exchanges.chosen
    after, agent = before.copy(), exchanges.agent.copy()
    for move in moves:
        stays = move.to_agent != NOBODY
        after[move.contact] = _pair(exchanges, move.contact, move.to_agent) if stays else NO_PAIR
        agent[move.contact] = move.to_agent
    gained = problem.pairs.gain[after[after != NO_PAIR]].sum()
    had = problem.pairs.gain[before[before != NO_PAIR]].sum()
    cost = total_load_cost(problem, agent) - total_load_cost(problem, exchanges.agent)
    over = (units_passing(exchanges.tree, after) > exchanges.tree.cap).any()
    if over or had - gained + cost != loss:
        raise BackendError(
            "forced pair",
            f"the moves lose {had - gained + cost}" + (" and exceed a cap" if over else ""),
            f"a loss of {loss} within every cap",
            "this is a defect, keep the batch and report it",
        )
    return ForcedPair(loss, moves, agent)


def _pair(exchanges: Exchanges, contact: int, to_agent: int) -> int:
    pairs = exchanges.problem.pairs
    begin, end = pairs.start[contact : contact + 2]
    place = int(begin + np.searchsorted(pairs.agent[begin:end], to_agent))
    if place == end or pairs.agent[place] != to_agent:
        raise ValueError(
            f"forced pair: contact {contact} is not eligible for agent {to_agent}; expected a"
            " pair of problem.pairs: ask which rule it fails instead"
        )
    return place


def _slack(exchanges: Exchanges, pair: int) -> int:
    """What giving the pair costs at the prices, before anybody makes room, milli-units, >= 0."""
    pairs, potential = exchanges.problem.pairs, exchanges.potential
    contact = pairs.contact[pair]
    climb = potential[exchanges.tree.pair_node[pair]] - potential[exchanges.node[contact]]
    return int(climb - (pairs.gain[pair] - exchanges.held_gain[contact]))


def _search(exchanges: Exchanges, source: int, target: int) -> tuple[Ints, Ints]:
    """Cheapest ways from the source, as far as the target, and the last arc of each."""
    nodes = exchanges.tree.num_nodes
    distance = np.full(nodes, FAR, dtype=np.int64)
    via = np.full(nodes, NO_PAIR, dtype=np.int64)
    moved = exchanges.contact != NOBODY
    _shortest(
        exchanges.first, exchanges.head, exchanges.slack, moved, source, target, distance, via
    )
    return distance, via


def _path(exchanges: Exchanges, via: Ints, source: int, target: int) -> list[int]:
    """Arcs from the source to the target, in order."""
    path, node = [], target
    while node != source:
        path.append(int(via[node]))
        node = int(exchanges.tail[via[node]])
    return path[::-1]


@njit(
    "void(i8[::1], i4[::1], i8[::1], b1[::1], i8, i8, i8[::1], i8[::1])",
    cache=True,
)
def _shortest(
    first: Ints,
    head: Positions,
    slack: Ints,
    moved: Flags,
    source: int,
    target: int,
    distance: Ints,
    via: Ints,
) -> None:
    """Dijkstra's method; of equally cheap ways the one on which fewest contacts move."""
    moves = np.zeros(len(distance), dtype=np.int64)
    done = np.zeros(len(distance), dtype=np.bool_)
    distance[source] = 0
    queue = [(np.int64(0), np.int64(0), np.int64(source))]
    while len(queue) > 0:
        _, _, node = heappop(queue)
        if done[node]:
            continue
        done[node] = True
        if node == target:
            return
        for arc in range(first[node], first[node + 1]):
            to = head[arc]
            far = distance[node] + slack[arc]
            many = moves[node] + moved[arc]
            if far < distance[to] or (far == distance[to] and many < moves[to]):
                distance[to] = far
                moves[to] = many
                via[to] = arc
                heappush(queue, (far, many, np.int64(to)))
