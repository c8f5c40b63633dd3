"""Optimal prices recovered from an optimal assignment (`methods.md` 5.5 and 7).

The min-cost flow of OR-Tools exposes no duals, so they are rebuilt. With a potential per node of
the capacity tree, 0 at the sink, an assignment is optimal if and only if these hold (i a contact
with gain g at each node it may enter, a the node it entered, b any other):

    pi[b] >= g[i, b]                       i unassigned: it must not want to enter
    pi[b] >= pi[a] + g[i, b] - g[i, a]     i assigned: it must not want to move
    pi[a] <= g[i, a]                       i assigned: it must not want to leave
    pi[n] >= pi[parent] + cost of the last step used (0 if none)
    pi[n] <= pi[parent] + cost of the next step, where the arc to the parent has one left

All are differences, so the solutions form a lattice: the smallest is a fixed point of raising
values along arcs from below (longest paths from the sink), the largest the same on the reversed
arcs. The price of a cap is the potential of its node less its parent's. A node's smallest
potential is the exact gain from one more unit of every cap from there to the sink, the agent's
free of load cost; its largest the exact loss from one unit less. A lane that is its agent's node
(`solver/tree.py`) gets that unit together with its agent.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from models.problem import AssignmentProblem, Ints, Positions, Prices
from solver.flat import starts_of
from solver.tree import (
    NO_PAIR,
    UNLIMITED,
    CapacityTree,
    build_tree,
    chosen_pairs,
    step_cost_at,
    units_passing,
)


class NotOptimalError(ValueError):
    """No prices prove the assignment: a better one exists."""

    def __init__(self) -> None:
        """State what was found, expected and to be done."""
        super().__init__(
            "prices: the assignment can be improved; expected an optimal one:"
            " only an exact backend's assignment has prices that prove it"
        )


@dataclass(frozen=True, eq=False)
class _Residual:
    """Arcs of the residual network: head's potential >= tail's + length; sorted by tail."""

    tail: Positions
    head: Positions
    length: Ints
    floor: Ints
    """(N,) potential that each node has at least, whatever the others are."""
    ceiling: Ints
    """(N,) and at most."""


def smallest_prices(
    problem: AssignmentProblem, agent: Positions, tree: CapacityTree | None = None
) -> Prices:
    """The smallest optimal prices: path prices are the gains from one more unit on the way.

    Raises NotOptimalError when the assignment is not optimal, ValueError when it is not valid.
    """
    tree = build_tree(problem) if tree is None else tree
    residual = _residual(problem, tree, agent)
    return _to_prices(tree, _smallest(residual, residual.floor))


def largest_prices(
    problem: AssignmentProblem, agent: Positions, tree: CapacityTree | None = None
) -> Prices:
    """The largest optimal prices: path prices are the losses from one unit less on the way.

    Where there is no unit to lose (a cap of 0 on the way) nothing limits the price from above;
    there it is the smallest that fits the others. Raises as `smallest_prices` does.
    """
    tree = build_tree(problem) if tree is None else tree
    residual = _residual(problem, tree, agent)
    largest = _largest(residual)
    bounded = largest < UNLIMITED
    return _to_prices(tree, _smallest(residual, np.where(bounded, largest, residual.floor)))


def nearest_prices(
    problem: AssignmentProblem,
    agent: Positions,
    prices: Prices,
    tree: CapacityTree | None = None,
) -> Prices:
    """Optimal prices near the given ones: cut down to the largest, then raised where they must.

    Raises as `smallest_prices` does.
    """
    tree = build_tree(problem) if tree is None else tree
    residual = _residual(problem, tree, agent)
    given = to_potential(tree, prices)
    ceiling = _largest(residual)
    return _to_prices(tree, _smallest(residual, np.clip(given, residual.floor, ceiling)))


def waiting_prices(
    problem: AssignmentProblem, agent: Positions, tree: CapacityTree | None = None
) -> Prices:
    """What the waiting contacts would pay for a unit where they are blocked: no proof, but cheap.

    The smallest prices without the moves of assigned contacts; they exist for every assignment
    to which no waiting contact can be added at a gain (NotOptimalError otherwise).
    """
    tree = build_tree(problem) if tree is None else tree
    residual = _residual(problem, tree, agent, moves=False)
    return _to_prices(tree, _smallest(residual, residual.floor))


def _residual(
    problem: AssignmentProblem, tree: CapacityTree, agent: Positions, *, moves: bool = True
) -> _Residual:
    pairs, chosen = problem.pairs, chosen_pairs(problem, agent)
    units = units_passing(tree, chosen)
    if (units > tree.cap).any():
        raise ValueError(
            f"assignment: {int((units > tree.cap).sum())} lanes, agents or sites hold more than"
            " their cap; expected at most the cap: check that it belongs to this problem"
        )
    served = chosen != NO_PAIR
    own_gain, own_node = pairs.gain[chosen[served]], tree.pair_node[chosen[served]]

    floor = np.zeros(tree.num_nodes, dtype=np.int64)
    waiting = np.flatnonzero(~served[pairs.contact])
    np.maximum.at(floor, tree.pair_node[waiting], pairs.gain[waiting])
    ceiling = np.full(tree.num_nodes, UNLIMITED, dtype=np.int64)
    ceiling[tree.sink] = 0
    if moves:
        np.minimum.at(ceiling, own_node, own_gain)

    move = np.flatnonzero(served[pairs.contact]) if moves else np.zeros(0, dtype=np.int64)
    own = chosen[pairs.contact[move]]
    tails, heads, lengths = tree_arcs(problem, tree, units)
    return _Residual(
        tail=np.concatenate([tree.pair_node[own], tails]),
        head=np.concatenate([tree.pair_node[move], heads]),
        length=np.concatenate([pairs.gain[move] - pairs.gain[own], lengths]),
        floor=floor,
        ceiling=ceiling,
    )


def tree_arcs(
    problem: AssignmentProblem, tree: CapacityTree, units: Ints
) -> tuple[Positions, Positions, Ints]:
    """Arcs from every node's parent, and to it where units are left: tail, head, length."""
    last, following = np.zeros_like(units), np.zeros_like(units)
    agents = slice(tree.num_agents)
    last[agents] = np.where(
        units[agents] > 0, step_cost_at(problem, np.maximum(units[agents] - 1, 0)), 0
    )
    following[agents] = step_cost_at(problem, units[agents])
    node = np.delete(np.arange(tree.num_nodes, dtype=np.int32), tree.sink)
    spare = node[units[node] < tree.cap[node]]
    return (
        np.concatenate([tree.parent[node], spare]),
        np.concatenate([node, tree.parent[spare]]),
        np.concatenate([last[node], -following[spare]]),
    )


def _largest(residual: _Residual) -> Ints:
    """Largest potentials, UNLIMITED where nothing limits them; NotOptimalError if none fit."""
    _smallest(residual, residual.floor)
    mirrored = _Residual(
        tail=residual.head,
        head=residual.tail,
        length=residual.length,
        floor=-residual.ceiling,
        ceiling=-residual.floor,
    )
    return -_smallest(mirrored, mirrored.floor)


def _smallest(residual: _Residual, start: Ints) -> Ints:
    order = np.argsort(residual.tail, kind="stable")
    first = starts_of(residual.tail, len(start))
    value = start.copy()
    queue = np.argsort(-start, kind="stable")
    if not _raise_along(
        first, residual.head[order], residual.length[order], residual.ceiling, value, queue
    ):
        raise NotOptimalError
    return value


@njit("b1(i8[::1], i4[::1], i8[::1], i8[::1], i8[::1], i8[::1])", cache=True)
def _raise_along(
    first: Ints, head: Positions, length: Ints, ceiling: Ints, value: Ints, queue: Ints
) -> bool:
    """Raise `value` to its least fixed point along the arcs; False if it passes the ceiling.

    First in, first out label correction. `queue` names the nodes in their first order.
    """
    nodes = len(value)
    queued = np.ones(nodes, dtype=np.bool_)
    at, left = 0, nodes
    while left > 0:
        node = queue[at]
        at = at + 1 if at + 1 < nodes else 0
        left -= 1
        queued[node] = False
        if value[node] <= -UNLIMITED:
            continue
        if value[node] > ceiling[node]:
            return False
        for arc in range(first[node], first[node + 1]):
            target = head[arc]
            raised = value[node] + length[arc]
            if raised > value[target]:
                value[target] = raised
                if not queued[target]:
                    queued[target] = True
                    end = at + left
                    queue[end if end < nodes else end - nodes] = target
                    left += 1
    return True


def _to_prices(tree: CapacityTree, potential: Ints) -> Prices:
    price = potential - potential[tree.parent]
    lane = np.zeros(tree.entry.shape, dtype=np.int64)
    is_lane = tree.entry >= tree.first_lane
    lane[is_lane] = price[tree.entry[is_lane]]
    return Prices(
        lane=lane, agent=price[: tree.num_agents], site=price[tree.num_agents : tree.sink]
    )


def to_potential(tree: CapacityTree, prices: Prices) -> Ints:
    """Potential of every node at these prices, shape (N,)."""
    potential = np.zeros(tree.num_nodes, dtype=np.int64)
    potential[tree.num_agents : tree.sink] = prices.site
    potential[: tree.num_agents] = prices.agent + potential[tree.parent[: tree.num_agents]]
    agent, lane = np.nonzero(tree.entry >= tree.first_lane)
    potential[tree.entry[agent, lane]] = potential[agent] + prices.lane[agent, lane]
    return potential
