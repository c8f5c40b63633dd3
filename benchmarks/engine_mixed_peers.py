"""What the engine is compared with where channels are mixed (`benchmarks/mixed_instances.py`).

All but greedy list the pairs; none knows a bound but its own.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

from benchmarks.engine_peers import (
    LIMIT_S,
    Answer,
    Peer,
    best_20,
    greedy,
    knapsacks_by_cp_sat,
)
from models.problem import NOBODY, AssignmentProblem, Ints, Positions
from models.solution import Limit, SolveOptions
from solver.backends import auction, mixes

UNITS = np.array([100, 34, 20])
"""That a voice, a chat and an email contact weigh."""

NEAR = 1e-3
"""Gap at which our own engine stops on pruned pairs."""


def cp_sat_knapsack(problem: AssignmentProblem) -> Answer:
    """CP-SAT on the plain model: a Boolean a pair, a knapsack an agent.

    The room of an agent is what its largest mix weighs, 100, 60 or 40 units: exactly its mixes fit
    into it.
    """
    mixes_ = problem.all_mixes
    room = np.maximum.reduceat(mixes_.count @ UNITS, mixes_.start[:-1])
    return knapsacks_by_cp_sat(problem, UNITS[problem.contact_lane], room)


def mix_model(solver: mathopt.SolverType) -> Callable[[AssignmentProblem], Answer]:
    """A mixed-integer programme through OR-Tools: each agent chooses a mix, whose lanes its
    contacts fill.
    """

    def solve(problem: AssignmentProblem) -> Answer:
        model = mathopt.Model.from_model_proto(_mix_model(problem))
        limit = mathopt.SolveParameters(time_limit=timedelta(seconds=LIMIT_S))
        result = mathopt.solve(model, solver, params=limit)
        if not result.has_primal_feasible_solution():
            raise RuntimeError(f"{solver.name}: nothing found in {LIMIT_S:.0f} s")
        pairs = problem.pairs
        value = np.fromiter(result.variable_values().values(), dtype=np.float64)
        taken = np.flatnonzero(value[: len(pairs)] > 0.5)
        agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
        agent[pairs.contact[taken]] = pairs.agent[taken]
        in_time = result.termination.reason is mathopt.TerminationReason.OPTIMAL
        return Answer(agent, round(result.dual_bound()), None if in_time else Limit.TIME)

    return solve


def _mix_model(problem: AssignmentProblem) -> model_pb2.ModelProto:
    """Variables: pairs, then mixes. Rows: contacts, lanes of agents, agents."""
    pairs, given = problem.pairs, problem.all_mixes
    contacts, agents, lanes = problem.num_contacts, problem.num_agents, problem.num_lanes
    mix_agent = np.repeat(np.arange(agents), np.diff(given.start))
    pair, mix = np.arange(len(pairs)), len(pairs) + np.arange(len(mix_agent))
    of_mix, lane = np.nonzero(given.count)
    path = contacts + pairs.agent * lanes + problem.contact_lane[pairs.contact]
    row = (
        pairs.contact,
        path,
        contacts + mix_agent[of_mix] * lanes + lane,
        contacts + agents * lanes + mix_agent,
    )
    column = (pair, pair, mix[of_mix], mix)
    coefficient = (
        np.ones(2 * len(pairs)),
        -given.count[of_mix, lane].astype(float),
        np.ones(len(mix)),
    )
    most = (np.ones(contacts), np.zeros(agents * lanes), np.ones(agents))
    gain = np.concatenate([pairs.gain.astype(float), np.zeros(len(mix))])
    return _whole_number_model(
        gain, *(np.concatenate(part) for part in (row, column, coefficient, most))
    )


def _whole_number_model(
    gain: np.ndarray, row: Ints, column: Ints, coefficient: np.ndarray, most: np.ndarray
) -> model_pb2.ModelProto:
    """Maximise the gain of Booleans whose rows stay at or below `most`."""
    model = model_pb2.ModelProto()
    size = len(gain)
    model.variables.ids.extend(range(size))
    model.variables.lower_bounds.extend(np.zeros(size))
    model.variables.upper_bounds.extend(np.ones(size))
    model.variables.integers.extend([True] * size)
    model.objective.maximize = True
    worth = np.flatnonzero(gain)
    model.objective.linear_coefficients.ids.extend(worth)
    model.objective.linear_coefficients.values.extend(gain[worth])
    model.linear_constraints.ids.extend(range(len(most)))
    model.linear_constraints.lower_bounds.extend(np.full(len(most), -np.inf))
    model.linear_constraints.upper_bounds.extend(most)
    order = np.lexsort((column, row))
    model.linear_constraint_matrix.row_ids.extend(row[order])
    model.linear_constraint_matrix.column_ids.extend(column[order])
    model.linear_constraint_matrix.coefficients.extend(coefficient[order])
    return model


def pruned(problem: AssignmentProblem) -> Answer:
    """Our own engine over the 20 best agents of each contact by gain alone, to 0.1 % of those."""
    options = SolveOptions(deadline_s=LIMIT_S, gap_target=NEAR)
    return Answer(mixes.solve(best_20(problem), options, None).agent, None)


def rounds(problem: AssignmentProblem) -> Answer:
    """Networks one after the other, each solved exactly, in which an agent takes one contact."""
    agent = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    while True:
        network = one_each(problem, agent)
        found = auction.solve(network, SolveOptions(deadline_s=LIMIT_S), None).agent
        if (found == NOBODY).all():
            return Answer(agent, None)
        agent = np.where(found == NOBODY, agent, found).astype(np.int32)


def one_each(problem: AssignmentProblem, agent: Positions) -> AssignmentProblem:
    """The network of contacts that wait and agents for whom one more of their lane fits."""
    agents, lanes = problem.num_agents, problem.num_lanes
    fits = _fits_one_more(problem, agent)
    classes = len(problem.class_ptr) - 1
    members = np.tile(problem.class_agent, lanes)
    lane = np.repeat(np.arange(lanes), len(problem.class_agent))
    of = np.repeat(np.arange(classes), np.diff(problem.class_ptr))
    keep = fits[members, lane]
    # One class more, of nobody, for those who have an agent.
    size = np.bincount((np.tile(of, lanes) + lane * classes)[keep], minlength=lanes * classes + 1)
    waits = agent == NOBODY
    of_contact = problem.contact_lane * classes + problem.contact_class
    return replace(
        problem,
        contact_class=np.where(waits, of_contact, lanes * classes).astype(np.int32),
        class_ptr=np.concatenate([[0], np.cumsum(size)]),
        class_agent=members[keep],
        contact_lane=np.zeros(problem.num_contacts, dtype=np.int32),
        lane_cap=np.ones((agents, 1), dtype=np.int64),
        agent_cap=np.ones(agents, dtype=np.int64),
        mixes=None,
    )


def _fits_one_more(problem: AssignmentProblem, agent: Positions) -> np.ndarray:
    """Whether an agent's contacts and one more in a lane are within one of its mixes, (A, L)."""
    given, lanes = problem.all_mixes, problem.num_lanes
    served = np.flatnonzero(agent != NOBODY)
    place = agent[served].astype(np.int64) * lanes + problem.contact_lane[served]
    held = np.bincount(place, minlength=problem.num_agents * lanes).reshape(-1, lanes)
    mix_agent = np.repeat(np.arange(problem.num_agents), np.diff(given.start))
    left = given.count - held[mix_agent]
    within = (left >= 0).all(axis=1, keepdims=True)
    fits = within & (left > 0)
    found: np.ndarray = np.logical_or.reduceat(fits, given.start[:-1], axis=0)
    return found


MIXED_PEERS = {
    "greedy": Peer(greedy),
    "top_20": Peer(pruned),
    "rounds": Peer(rounds),
    "cp_sat": Peer(cp_sat_knapsack, 1e6, 0),
    "highs": Peer(mix_model(mathopt.SolverType.HIGHS), 1e6, 0),
    "scip": Peer(mix_model(mathopt.SolverType.GSCIP), 1e6, 0),
}
