"""Preferences are followed as far as customers lose next to nothing."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.dense_problem import dense_problem
from models.problem import NO_TIER, NOBODY, AssignmentProblem
from models.solution import Hint, Limit, Solution, SolveOptions, Termination
from models.wishes import Wishes
from solver.solve import solve
from solver.wishes import follow_wishes, total_weight, with_wishes

OPTIONS = SolveOptions(backend="flow")


def solver(problem: AssignmentProblem, options: SolveOptions, hint: Hint | None) -> Solution:
    """The door, as a tick uses it."""
    return solve(problem, options, hint)


def test_a_preference_decides_between_plans_that_earn_nearly_the_same() -> None:
    """Swapping two agents costs 4 of 2,000, 0.2 %: less than 1 %, so both get what they like."""
    problem = dense_problem(np.array([[1002, 1000], [1000, 1002]]), np.array([1, 1]))
    wishes = Wishes(np.array([0, 1], dtype=np.int32), np.array([[-1.0, 1.0], [1.0, -1.0]]))
    first = solver(problem, OPTIONS, None)
    found = follow_wishes(problem, wishes, 0.01, OPTIONS, first, solver)
    assert found.agent.tolist() == [1, 0]
    assert (found.gain, found.preference_cost, found.bound) == (2000, 4, 2004)
    assert (found.termination, found.limit) == (Termination.FEASIBLE, Limit.PREFERENCE)


def test_a_preference_does_not_cost_customers_more_than_its_share() -> None:
    """Here swapping costs 400 of 2,400, so the plan stays as it is, and stays optimal."""
    problem = dense_problem(np.array([[1200, 1000], [1000, 1200]]), np.array([1, 1]))
    wishes = Wishes(np.array([0, 1], dtype=np.int32), np.array([[-1.0, 1.0], [1.0, -1.0]]))
    first = solver(problem, OPTIONS, None)
    found = follow_wishes(problem, wishes, 0.01, OPTIONS, first, solver)
    assert found.agent.tolist() == [0, 1]
    assert (found.preference_cost, found.termination) == (0, Termination.OPTIMAL)


def test_between_equal_plans_a_preference_is_free() -> None:
    """Nothing is given up, so the plan is still called optimal."""
    problem = dense_problem(np.array([[1000, 1000]]), np.array([1, 1]))
    for liked in (0, 1):
        rate = np.zeros((1, 2))
        rate[0, liked] = 1.0
        wishes = Wishes(np.zeros(1, dtype=np.int32), rate)
        first = solver(problem, OPTIONS, None)
        found = follow_wishes(problem, wishes, 0.01, OPTIONS, first, solver)
        assert found.agent.tolist() == [liked]
        assert (found.preference_cost, found.termination) == (0, Termination.OPTIMAL)


def test_tiers_come_before_preferences() -> None:
    """A contact of a tier is served although serving the other one is liked better."""
    problem = dense_problem(
        np.array([[1000], [1000]]), np.array([1]), tier=np.array([0, NO_TIER], dtype=np.int32)
    )
    wishes = Wishes(np.array([0, 1], dtype=np.int32), np.array([[-1.0], [1.0]]))
    first = solver(problem, OPTIONS, None)
    found = follow_wishes(problem, wishes, 0.01, OPTIONS, first, solver)
    assert found.agent.tolist() == [0, NOBODY]


@settings(max_examples=60, deadline=None)
@given(
    gains=st.lists(st.lists(st.integers(-50, 2000), min_size=3, max_size=3), max_size=5),
    weights=st.lists(
        st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0]), min_size=3, max_size=3),
        min_size=5,
        max_size=5,
    ),
    share=st.sampled_from([0.0, 0.01, 0.2]),
)
def test_the_cost_is_bounded_and_the_weight_never_falls(
    gains: list[list[int]], weights: list[list[float]], share: float
) -> None:
    """At least (1 - share) of the optimum, and no less weight; the cost is the difference."""
    if not gains:
        return
    problem = dense_problem(np.array(gains), np.ones(3, dtype=np.int64))
    wishes = Wishes(np.arange(len(gains), dtype=np.int32), np.array(weights[: len(gains)]))
    first = solver(problem, OPTIONS, None)
    found = follow_wishes(problem, wishes, share, OPTIONS, first, solver)
    assert found.gain >= first.gain - share * max(0, first.gain)
    assert total_weight(wishes, found.agent) >= total_weight(wishes, first.agent)
    assert found.preference_cost == first.gain - found.gain
    assert found.bound == first.bound


def test_the_weights_are_added_in_money() -> None:
    """A price of 0.5 and a weight of -1 take 500 milli-units off."""
    problem = dense_problem(np.array([[1000, 2000]]), np.array([1, 1]))
    wishes = Wishes(np.zeros(1, dtype=np.int32), np.array([[-1.0, 1.0]]))
    assert with_wishes(problem, wishes, 0.5).pairs.gain.tolist() == [500, 2500]
    assert replace(problem).pairs.gain.tolist() == [1000, 2000]
