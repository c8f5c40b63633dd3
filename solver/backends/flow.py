"""Exact: min-cost flow of OR-Tools on arrays, certified by recovered prices (`methods.md` 1.2).

    contact --(best - gain)--> lane or agent --(load costs)--> site --> sink
    contact --(best)---------> sink                                        it waits

`best` is the contact's largest gain, so every cost is >= 0. Each contact sends one unit, which
leaves by one arc, so the shift cancels. Pairs that gain nothing are left out.
"""

from time import monotonic

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from models.problem import NOBODY, AssignmentProblem, Ints, Positions
from models.solution import Hint, Solution, SolveOptions
from solver.backend import BackendError, Clock, certified
from solver.potentials import smallest_prices
from solver.tree import CapacityTree, build_tree, load_segments

NAME = "flow"
Status = SimpleMinCostFlow.Status

MEANING = {
    Status.NOT_SOLVED: "the flow was not solved",
    Status.FEASIBLE: "the flow stopped before the optimum",
    Status.INFEASIBLE: "the flow is infeasible although every contact may wait",
    Status.UNBALANCED: "supply and demand of the flow differ",
    Status.BAD_RESULT: "the flow reports a bad result",
    Status.BAD_COST_RANGE: "gains are too large for the flow's 64-bit arithmetic",
    Status.BAD_CAPACITY_RANGE: "capacities are too large for the flow's 64-bit arithmetic",
}


def solve(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """The optimal assignment with the smallest optimal prices; hint and options are not needed.

    Raises BackendError when the library fails or its answer does not check.
    """
    del options, hint, clock
    tree = build_tree(problem)
    agent = _assign(problem, tree)
    return certified(problem, agent, smallest_prices(problem, agent, tree), NAME)


def _assign(problem: AssignmentProblem, tree: CapacityTree) -> Positions:
    pairs = problem.pairs
    agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    useful = np.flatnonzero(pairs.gain > 0)
    if len(useful) == 0:
        return agent
    contact, gain = pairs.contact[useful], pairs.gain[useful]
    best = np.zeros(problem.num_contacts, dtype=np.int64)
    np.maximum.at(best, contact, gain)
    supply = np.flatnonzero(best).astype(np.int32)
    sink = tree.sink

    # Contacts come after the nodes of the tree.
    flow = SimpleMinCostFlow()
    first = np.int32(tree.num_nodes)
    given = _add(flow, contact + first, tree.pair_node[useful], 1, best[contact] - gain)
    _add(flow, supply + first, np.full_like(supply, sink), 1, best[supply])
    _add(flow, *_tree_arcs(problem, tree))
    flow.set_nodes_supplies(supply + first, np.ones(len(supply), dtype=np.int64))
    flow.set_node_supply(sink, -len(supply))

    status = flow.solve()
    if status != Status.OPTIMAL:
        found = MEANING.get(status, f"unknown status {status}")
        raise BackendError(NAME, found, "an optimal flow", "check the size of gains and caps")
    taken = useful[flow.flows(given) > 0]
    agent[pairs.contact[taken]] = pairs.agent[taken]
    return agent


def _tree_arcs(
    problem: AssignmentProblem, tree: CapacityTree
) -> tuple[Positions, Positions, Ints, Ints]:
    """Tail, head, units and cost of the arcs above the entry nodes."""
    agent, units, cost = load_segments(problem)
    plain = np.r_[tree.num_agents : tree.sink, tree.first_lane : tree.num_nodes].astype(np.int32)
    tail = np.concatenate([agent, plain])
    return (
        tail,
        tree.parent[tail],
        np.concatenate([units, np.minimum(tree.cap[plain], problem.num_contacts)]),
        np.concatenate([cost, np.zeros(len(plain), dtype=np.int64)]),
    )


def _add(
    flow: SimpleMinCostFlow, tail: Positions, head: Positions, units: Ints | int, cost: Ints
) -> Positions:
    cap = np.broadcast_to(np.asarray(units, dtype=np.int64), cost.shape)
    arcs: Positions = flow.add_arcs_with_capacity_and_unit_cost(
        tail, head, np.ascontiguousarray(cap), cost
    )
    return arcs
