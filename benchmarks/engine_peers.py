"""What the engine is compared with: each a function of the problem, listing the pairs itself.

For problems without lanes, sites and load costs, as `benchmarks/engine_instances.py` makes them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow
from ortools.linear_solver.python import model_builder_helper
from ortools.sat.python import cp_model
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix

from models.problem import NOBODY, AssignmentProblem, Ints, Positions
from models.solution import Limit, SolveOptions, Termination
from solver.baseline import solve_baseline
from solver.form import count_pairs
from solver.rows import build_rows, longest_slice, restricted
from solver.rows_kernels import row_gains
from solver.solve import find_backend

LIMIT_S = 120.0

CORES = 2
"""Of the machine; those peers that can use several use both, the engine uses one."""


@dataclass(frozen=True, eq=False)
class Answer:
    """An assignment, and the bound that the peer itself claims to have proven, if any."""

    agent: Positions
    bound: int | None
    limit: Limit | None = None
    """What stopped the peer, if it was not the end of its method."""


def ortools_flow(problem: AssignmentProblem) -> Answer:
    """OR-Tools' min-cost flow on all pairs that gain something; exact."""
    pairs = problem.pairs
    useful = np.flatnonzero(pairs.gain > 0)
    contact, gain = pairs.contact[useful], pairs.gain[useful]
    best = np.zeros(problem.num_contacts, dtype=np.int64)
    np.maximum.at(best, contact, gain)
    waits = np.flatnonzero(best).astype(np.int32)
    first, sink = np.int32(problem.num_agents + 1), np.int32(problem.num_agents)
    agents = np.arange(problem.num_agents, dtype=np.int32)
    one = np.ones(len(useful), dtype=np.int64)
    flow = SimpleMinCostFlow()
    arcs = flow.add_arcs_with_capacity_and_unit_cost(
        contact + first, pairs.agent[useful], one, best[contact] - gain
    )
    flow.add_arcs_with_capacity_and_unit_cost(
        waits + first, np.full_like(waits, sink), np.ones(len(waits), np.int64), best[waits]
    )
    flow.add_arcs_with_capacity_and_unit_cost(
        agents, np.full_like(agents, sink), problem.agent_cap, np.zeros(len(agents), np.int64)
    )
    flow.set_nodes_supplies(waits + first, np.ones(len(waits), dtype=np.int64))
    flow.set_node_supply(sink, -len(waits))
    if flow.solve() != flow.OPTIMAL:
        raise RuntimeError("flow: no optimum")
    agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    taken = flow.flows(arcs) > 0
    agent[contact[taken]] = pairs.agent[useful[taken]]
    return Answer(agent, int(gain[taken].sum()))


def scipy_assignment(problem: AssignmentProblem) -> Answer:
    """scipy's linear_sum_assignment on contacts by slots, 0 where not eligible; exact."""
    pairs = problem.pairs
    slot_agent = np.repeat(np.arange(problem.num_agents), problem.agent_cap)
    by_agent = np.zeros((problem.num_contacts, problem.num_agents))
    by_agent[pairs.contact, pairs.agent] = np.maximum(pairs.gain, 0)
    gain = by_agent[:, slot_agent]
    row, column = linear_sum_assignment(gain, maximize=True)
    served = gain[row, column] > 0
    agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    agent[row[served]] = slot_agent[column[served]]
    return Answer(agent, int(gain[row, column].sum()))


def linear_programme(solver: str) -> Callable[[AssignmentProblem], Answer]:
    """The network form as a linear programme, through OR-Tools; its vertices are whole."""

    def solve(problem: AssignmentProblem) -> Answer:
        pairs = problem.pairs
        size = len(pairs)
        row = np.concatenate([pairs.contact, problem.num_contacts + pairs.agent])
        column = np.tile(np.arange(size), 2)
        rows = problem.num_contacts + problem.num_agents
        matrix = coo_matrix((np.ones(2 * size), (row, column)), shape=(rows, size)).tocsr()
        cap = np.concatenate([np.ones(problem.num_contacts), problem.agent_cap]).astype(float)
        model = model_builder_helper.ModelBuilderHelper()
        column_data: tuple[Any, ...] = (np.zeros(size), np.ones(size), pairs.gain.astype(float))
        row_data: tuple[Any, ...] = (np.zeros(rows), cap, matrix)
        model.fill_model_from_sparse_data(*column_data, *row_data)
        model.set_maximize(True)
        helper = model_builder_helper.ModelSolverHelper(solver)
        helper.set_time_limit_in_seconds(LIMIT_S)
        helper.solve(model)
        if helper.status() != model_builder_helper.SolveStatus.OPTIMAL:
            raise RuntimeError(f"{solver}: {helper.status()}")
        taken = np.flatnonzero(np.array(helper.variable_values()) > 0.5)
        agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
        agent[pairs.contact[taken]] = pairs.agent[taken]
        return Answer(agent, round(helper.objective_value()))

    return solve


def cp_sat(problem: AssignmentProblem) -> Answer:
    """CP-SAT on the plain model: a Boolean a pair."""
    return knapsacks_by_cp_sat(
        problem, np.ones(problem.num_contacts, dtype=np.int64), problem.agent_cap
    )


def knapsacks_by_cp_sat(problem: AssignmentProblem, weight: Ints, room: Ints) -> Answer:
    """CP-SAT with a Boolean a pair; contacts (C,) of these weights fit into agents' room (A,)."""
    pairs = problem.pairs
    model = cp_model.CpModel()
    take = [model.new_bool_var("") for _ in range(len(pairs))]
    for i in range(problem.num_contacts):
        model.add_at_most_one(take[pairs.start[i] : pairs.start[i + 1]])
    by_agent = np.argsort(pairs.agent, kind="stable")
    first = np.searchsorted(pairs.agent[by_agent], np.arange(problem.num_agents + 1))
    for j in range(problem.num_agents):
        own = by_agent[first[j] : first[j + 1]]
        weights = weight[pairs.contact[own]].tolist()
        terms = cp_model.LinearExpr.weighted_sum([take[place] for place in own], weights)
        model.add(terms <= int(room[j]))
    model.maximize(cp_model.LinearExpr.weighted_sum(take, pairs.gain.tolist()))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = LIMIT_S
    solver.parameters.num_workers = CORES
    status = solver.solve(model)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        raise RuntimeError(f"CP-SAT: {solver.status_name(status)}")
    agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    taken = np.flatnonzero([bool(solver.value(one)) for one in take])
    agent[pairs.contact[taken]] = pairs.agent[taken]
    limit = None if status == cp_model.OPTIMAL else Limit.TIME
    return Answer(agent, round(solver.best_objective_bound), limit)


def top_20(problem: AssignmentProblem) -> Answer:
    """Min-cost flow over the 20 best agents of each contact by gain alone."""
    return Answer(ortools_flow(best_20(problem)).agent, None)


def best_20(problem: AssignmentProblem) -> AssignmentProblem:
    """The problem with the 20 pairs of each contact that gain most, and no others."""
    rows = build_rows(problem)
    buffer = np.empty(longest_slice(rows))
    contact, agent = [], []
    for i, where in enumerate(rows.contact.tolist()):
        size = row_gains(rows, i, buffer)
        best = np.argsort(-buffer[:size], kind="stable")[:20]
        start = rows.entry_start[rows.kind[i]]
        agent.append(rows.entry_agent[start + best].astype(np.int64))
        contact.append(np.full(len(best), where, dtype=np.int64))
    return restricted(problem, _joined(contact), _joined(agent))


def greedy(problem: AssignmentProblem) -> Answer:
    """The baseline, without listing pairs where they are many."""
    baseline = solve_baseline(problem, SolveOptions(), None)
    return Answer(baseline.agent, baseline.bound)


def backend(name: str) -> Callable[[AssignmentProblem], Answer]:
    """A backend of this project; its bound is an answer's bound."""

    def solve(problem: AssignmentProblem) -> Answer:
        options = SolveOptions(backend=name, deadline_s=LIMIT_S)
        solution = find_backend(name)(problem, options, None)
        if solution.termination is Termination.FAILED:
            raise RuntimeError(f"{name}: {solution.limit}")
        return Answer(solution.agent, solution.bound)

    return solve


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Peer:
    """A method and the most pairs at which it is tried: beyond, it was seen not to finish."""

    solve: Callable[[AssignmentProblem], Answer]
    max_pairs: float = np.inf
    slow_above: float = np.inf
    """Pairs beyond which it is tried on the first plain cold instance of each size only."""

    def tries(self, problem: AssignmentProblem) -> bool:
        """Whether the problem is small enough."""
        return count_pairs(problem) <= self.max_pairs

    def is_slow(self, problem: AssignmentProblem) -> bool:
        """Whether it takes long enough to be tried once only."""
        return count_pairs(problem) > self.slow_above


PEERS = {
    "ortools_flow": Peer(ortools_flow, slow_above=2e7),
    "greedy": Peer(greedy),
    "top_20": Peer(top_20),
    "flow": Peer(backend("flow"), 2e7, 0),
    "scipy": Peer(scipy_assignment, 1e6, 0),
    "pulp_cbc": Peer(backend("lp"), 1e6, 0),
    "glop": Peer(linear_programme("glop"), 1e6, 0),
    "highs": Peer(linear_programme("highs_lp"), 1e6, 0),
    "cp_sat": Peer(cp_sat, 1e6, 0),
}
"""For networks; those for mixed channels are in `benchmarks/engine_mixed_peers.py`."""
