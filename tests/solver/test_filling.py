"""What a plan leaves of its problem, and who still fits into that."""

import numpy as np
import pytest

from benchmarks.small_instances import Family, best_gain, draw_problem
from models.dense_problem import dense_problem
from models.feasibility import violations
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Mixes, Positions
from models.solution import Limit, Solution, SolveOptions, Termination
from solver.backend import assignment_gain
from solver.backends import greedy
from solver.filling import filled, filled_from, filled_up, left_over
from solver.solve import solve
from tests.solver.lawful import left_waiting


def part_of(agent: Positions, draw: np.random.Generator) -> Positions:
    """The plan without about half of those whom it serves."""
    return np.where(draw.random(len(agent)) < 0.5, agent, NOBODY).astype(np.int32)


@pytest.mark.parametrize("family", list(Family))
def test_what_is_left_takes_exactly_what_fits_beside_the_plan(family: Family) -> None:
    """A plan of what is left is, with the plan held, one of the whole: gains add up, load costs
    included. And the rest of the best plan is among them, so that both are the optimum.
    """
    for seed in range(15):
        problem = draw_problem(family, seed)
        best = solve(problem, SolveOptions(deadline_s=30.0))
        held = part_of(best.agent, np.random.default_rng(seed))
        rest = left_over(problem, held)
        more = solve(rest, SolveOptions(deadline_s=30.0))
        both = np.where(held == NOBODY, more.agent, held)
        assert not violations(problem, both)
        assert more.agent[held != NOBODY].tolist() == [NOBODY] * int((held != NOBODY).sum())
        assert assignment_gain(problem, both) == assignment_gain(problem, held) + more.gain
        assert assignment_gain(problem, both) == best.gain == best_gain(problem)


@pytest.mark.parametrize("family", list(Family))
def test_a_filled_plan_leaves_nobody_who_fits_and_pays(family: Family) -> None:
    """Whatever it was; who had an agent keeps them, and nothing is lost."""
    for seed in range(40):
        problem = draw_problem(family, seed)
        plan = greedy.solve(problem, SolveOptions(), None)
        held = part_of(plan.agent, np.random.default_rng(seed))
        agent = filled(problem, held)
        assert (agent[held != NOBODY] == held[held != NOBODY]).all()
        assert left_waiting(problem, agent) == []
        assert assignment_gain(problem, agent) >= assignment_gain(problem, held)


def test_nobody_has_room_beside_a_full_plan() -> None:
    """The agent takes two mails or one call, and has one mail: half a call is no call."""
    problem = dense_problem(
        np.array([[5], [9], [3]]),
        np.array([2]),
        lane=np.array([0, 1, 0], dtype=np.int32),
        lane_cap=np.array([[2, 1]]),
        mixes=Mixes(np.array([0, 2]), np.array([[2, 0], [0, 1]])),
    )
    assert left_over(problem, np.array([0, NOBODY, NOBODY])).all_mixes.count.tolist() == [[1, 0]]
    assert filled(problem, np.array([0, NOBODY, NOBODY])).tolist() == [0, NOBODY, 0]


def test_a_plan_that_breaks_a_limit_leaves_nothing() -> None:
    """Three at an agent who takes two: there is no such thing as minus one slot."""
    problem = dense_problem(np.full((3, 1), 5), np.array([2]))
    with pytest.raises(ValueError, match="negative"):
        left_over(problem, np.zeros(3, dtype=np.int32))


def test_a_plan_is_filled_from_another_one_as_far_as_it_fits() -> None:
    """Agent 0 is held by contact 0; of those whom the other plan puts there 9 fits, 8 does not.

    Contact 3 stays where the other plan has it, although agent 0 would gain it more.
    """
    gain = np.array([[1, 1], [9, 1], [8, 1], [7, 6]])
    problem = dense_problem(gain, np.array([2, 1]))
    held = np.array([0, NOBODY, NOBODY, NOBODY])
    wanted = np.array([NOBODY, 0, 0, 1])
    assert filled_from(problem, held, wanted).tolist() == [0, 0, NOBODY, 1]


def two_with_one_of_a_tier() -> AssignmentProblem:
    """Room for two; contact 1 has a tier and loses 4, the other one would gain 9."""
    return dense_problem(
        np.array([[9], [-4]]), np.array([2]), tier=np.array([NO_TIER, 0], dtype=np.int32)
    )


def test_filling_counts_whom_it_adds_and_keeps_the_bound() -> None:
    """9 - 4 = 5 gained, one of the tier served; no plan with both gains more than 12, either."""
    problem = two_with_one_of_a_tier()
    empty = Solution(
        agent=np.full(2, NOBODY, dtype=np.int32),
        gain=0,
        bound=12,
        prices=greedy.solve(problem, SolveOptions(), None).prices,
        termination=Termination.FEASIBLE,
        limit=Limit.TIME,
        backend="units",
        served=(0,),
    )
    found = filled_up(problem, empty)
    assert (found.agent.tolist(), found.gain, found.served) == ([0, 0], 5, (1,))
    assert (found.bound, found.limit, found.backend) == (12, Limit.TIME, "units")
