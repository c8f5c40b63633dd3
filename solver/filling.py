"""What a plan leaves of its problem, and the plan with everybody who still fits into that.

A plan that is not proven may leave somebody waiting beside an agent who could take them: its
method ran out of time, or was about something else. Who is served stays where they are; the rest
is the greedy plan of what is left, tiers first.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.feasibility import counts_by_lane
from models.problem import NOBODY, AssignmentProblem, Ints, Mixes, PairUnits, Positions
from models.solution import Solution, SolveOptions, Termination, served_by_tier, step_costs
from solver.baseline import solve_baseline
from solver.claim import gain_by_class
from solver.flat import starts_of
from solver.rows import restricted


def filled_up(problem: AssignmentProblem, solution: Solution) -> Solution:
    """The solution with everybody who still fits and pays, or comes before money; its bound stays.

    What is added to a plan serves as many of every tier, or more, so that the bound holds for it.
    """
    if solution.termination is Termination.OPTIMAL:
        return solution
    agent = filled(problem, solution.agent)
    gain = gain_by_class(problem, agent)
    return replace(solution, agent=agent, gain=gain, served=served_by_tier(problem, agent))


def filled(problem: AssignmentProblem, agent: Positions) -> Positions:
    """The plan (C,) with the greedy plan of what it leaves; nobody who is served moves."""
    more = solve_baseline(left_over(problem, agent), SolveOptions(), None)
    return np.where(agent == NOBODY, more.agent, agent)


def filled_from(problem: AssignmentProblem, agent: Positions, wanted: Positions) -> Positions:
    """The plan (C,) with those whom another plan serves and who still fit where it does so.

    Those who gain most come first. Pair units, which are listed by pair, are not for it.
    """
    contact = np.flatnonzero((wanted != NOBODY) & (agent == NOBODY))
    pairs = restricted(left_over(problem, agent), contact, wanted[contact].astype(np.int64))
    more = solve_baseline(pairs, SolveOptions(), None)
    return np.where(agent == NOBODY, more.agent, agent)


def left_over(problem: AssignmentProblem, agent: Positions) -> AssignmentProblem:
    """The problem of who waits in a plan (C,) and of what is left of every limit beside it.

    Positions stay; who is served has no agent here, and agents who are full no contact. Raises
    ValueError when the plan breaks a limit.
    """
    waits = agent == NOBODY
    by_lane = counts_by_lane(problem, agent)
    by_agent = by_lane.sum(axis=1)
    by_site = np.bincount(problem.agent_site + 1, by_agent, len(problem.site_cap) + 1)[1:]
    has_room = problem.agent_cap > by_agent
    open_entry = has_room[problem.class_agent]
    before = np.concatenate([[0], np.cumsum(open_entry)])[problem.class_ptr]
    nobody = len(problem.class_ptr) - 1
    return replace(
        problem,
        contact_class=np.where(waits, problem.contact_class, nobody).astype(np.int32),
        class_ptr=np.append(before, before[-1]),
        class_agent=problem.class_agent[open_entry],
        lane_cap=problem.lane_cap - by_lane,
        agent_cap=problem.agent_cap - by_agent,
        load_cost=_later_steps(problem, by_agent),
        site_cap=problem.site_cap - by_site.astype(np.int64),
        mixes=_mixes_left(problem, by_lane),
        units=_units_left(problem, agent, waits, has_room),
    )


def _later_steps(problem: AssignmentProblem, taken: Ints) -> Ints:
    """Load costs of what comes after the contacts that agents have taken, (A, F)."""
    given = problem.load_cost.shape[1]
    steps = step_costs(problem, given + int(taken.max(initial=0)))
    later: Ints = np.take_along_axis(steps, taken[:, None] + np.arange(given), axis=1)
    return later


def _mixes_left(problem: AssignmentProblem, by_lane: Ints) -> Mixes | None:
    """What is left of the mixes that hold what the agents have taken."""
    if problem.mixes is None:
        return None
    of = np.repeat(np.arange(problem.num_agents), np.diff(problem.mixes.start))
    left = problem.mixes.count - by_lane[of]
    covers = (left >= 0).all(axis=1)
    return Mixes(starts_of(of[covers], problem.num_agents), left[covers])


def _units_left(
    problem: AssignmentProblem,
    agent: Positions,
    waits: NDArray[np.bool_],
    has_room: NDArray[np.bool_],
) -> PairUnits | None:
    """Units of the pairs that are left, and what is left of the agents'."""
    if problem.units is None:
        return None
    pairs, of_pair = problem.pairs, problem.units.of_pair
    chosen = agent[pairs.contact] == pairs.agent
    used = np.zeros(problem.num_agents, dtype=np.int64)
    np.add.at(used, pairs.agent[chosen], of_pair[chosen])
    left = waits[pairs.contact] & has_room[pairs.agent]
    return PairUnits(of_pair[left], problem.units.cap - used)
