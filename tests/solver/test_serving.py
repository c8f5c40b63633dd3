"""What it takes to serve a contact that waits: the amount that flips the plan, and no less."""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from models.dense_problem import dense_problem
from models.feasibility import violations
from models.problem import MILLI, NO_TIER, NOBODY, AssignmentProblem
from models.solution import Hint, Solution, SolveOptions
from solver.backend import assignment_gain
from solver.backends import flow, greedy
from solver.serving import loss_of_serving, one_more_slot
from solver.slots import Worth
from solver.tiers import solve_in_tiers

Problems = SearchStrategy[AssignmentProblem]
BruteForce = Callable[[AssignmentProblem], int]

OPTIONS = SolveOptions()
PRIZE = 10**6
some = settings(max_examples=40, deadline=None)


def raised(problem: AssignmentProblem, contact: int, milli: int) -> AssignmentProblem:
    """Every gain of the contact larger by so much."""
    here = np.arange(problem.num_contacts) == contact
    return replace(problem, base=problem.base + here * (milli / MILLI))


def in_tiers(problem: AssignmentProblem, options: SolveOptions, hint: Hint | None) -> Solution:
    """An exact solver that knows tiers."""
    return solve_in_tiers(problem, options, hint, flow.solve, monotonic)


@some
@given(data=st.data())
def test_the_loss_is_what_flips_the_plan(
    data: DataObject, problems: Problems, brute_force: BruteForce
) -> None:
    """By enumeration: with a gain larger by one milli-unit more than the loss the best plan serves
    it, and with one less the best plan is the one before.
    """
    problem = data.draw(problems)
    solution = flow.solve(problem, OPTIONS, None)
    for i in np.flatnonzero(solution.agent == NOBODY).tolist():
        loss = loss_of_serving(problem, solution, i, OPTIONS, flow.solve)
        with_it = brute_force(raised(problem, i, PRIZE)) - PRIZE
        if loss is None:
            assert with_it < -PRIZE // 2  # it is in no plan, so the prize was never won
            continue
        assert loss.is_exact
        assert loss.at_most == solution.gain - with_it >= 0
        assert brute_force(raised(problem, i, loss.at_most + 1)) == solution.gain + 1
        assert brute_force(raised(problem, i, loss.at_most - 1)) == solution.gain
        plan = solution.agent.copy()
        for move in loss.moves:
            plan[move.contact] = move.to_agent
        assert loss.moves[0].contact == i
        assert plan[i] != NOBODY
        assert violations(problem, plan) == ()
        assert assignment_gain(problem, plan) == with_it


@some
@given(data=st.data())
def test_of_an_unproven_plan_both_ends_hold(
    data: DataObject, problems: Problems, brute_force: BruteForce
) -> None:
    """Greedy plans, which may lose less than nothing: the true loss lies between the ends."""
    problem = data.draw(problems)
    solution = greedy.solve(problem, OPTIONS, None)
    for i in np.flatnonzero(solution.agent == NOBODY).tolist():
        loss = loss_of_serving(problem, solution, i, OPTIONS, flow.solve)
        if loss is None:
            continue
        true = solution.gain - (brute_force(raised(problem, i, PRIZE)) - PRIZE)
        assert loss.at_least is not None
        assert loss.at_least <= true <= loss.at_most


def test_no_prize_beats_a_tier() -> None:
    """One slot, for 9 of money or for 1 of tier 0; within the tier money decides.

    Rows: money 9, tier 0 with 1, tier 0 with 3. The plan serves the third; the second would take
    its place for 2 more, the first for nothing.
    """
    gain = np.array([[9_000], [1_000], [3_000]])
    tier = np.array([NO_TIER, 0, 0], dtype=np.int32)
    problem = dense_problem(gain, np.array([1]), tier=tier)
    solution = in_tiers(problem, OPTIONS, None)
    assert solution.agent.tolist() == [NOBODY, NOBODY, 0]
    assert loss_of_serving(problem, solution, 0, OPTIONS, in_tiers) is None
    loss = loss_of_serving(problem, solution, 1, OPTIONS, in_tiers)
    assert loss is not None
    assert (loss.at_least, loss.at_most, loss.fewer_served) == (2_000, 2_000, (0,))


@pytest.mark.parametrize(("contact", "serves"), [(1, True), (2, False)])
def test_one_more_slot_serves_whoever_is_next(contact: int, serves: bool) -> None:
    """One slot and gains 9, 5 and 3: the second is next, and worth 5 there."""
    problem = dense_problem(np.array([[9_000], [5_000], [3_000]]), np.array([1]))
    solution = flow.solve(problem, OPTIONS, None)
    found = one_more_slot(problem, solution, contact, 0, OPTIONS, flow.solve)
    assert (found.worth, found.serves) == (Worth(5_000, 5_000), serves)


def test_one_more_slot_has_no_worth_in_money_where_there_are_tiers() -> None:
    """The slot goes to tier 0, whatever the money; a second one would do."""
    tier = np.array([0, NO_TIER], dtype=np.int32)
    problem = dense_problem(np.array([[1_000], [9_000]]), np.array([1]), tier=tier)
    solution = in_tiers(problem, OPTIONS, None)
    found = one_more_slot(problem, solution, 1, 0, OPTIONS, in_tiers)
    assert (found.worth, found.serves) == (None, True)
