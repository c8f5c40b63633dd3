"""The loss of a forced pair is exact, and so is the story of who moves."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from benchmarks.questions import compare, random_problem, time_answers
from models.dense_problem import dense_problem
from models.feasibility import violations
from models.problem import MILLI, NOBODY, AssignmentProblem
from models.solution import SolveOptions
from solver.backend import BackendError
from solver.backends import flow
from solver.forced import Move, build_exchanges, forced_pair
from solver.potentials import NotOptimalError

Problems = SearchStrategy[AssignmentProblem]
BruteForce = Callable[[AssignmentProblem], int]
Value = Callable[[AssignmentProblem, list[int]], int]

OPTIONS = SolveOptions()
PRIZE = 10**6
"""Milli-units; outweighs every gain of the tiny problems."""


def optimal(problem: AssignmentProblem) -> np.ndarray:
    """An optimal plan."""
    return flow.solve(problem, OPTIONS, None).agent


def must_have(problem: AssignmentProblem, contact: int, to_agent: int) -> AssignmentProblem:
    """The problem in which the contact may go nowhere else and brings a prize."""
    here = np.arange(problem.num_contacts) == contact
    return replace(
        problem,
        only_agent=np.where(here, np.int32(to_agent), problem.only_agent),
        base=problem.base + here * (PRIZE / MILLI),
    )


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_the_loss_of_every_pair_is_that_of_enumeration(
    data: DataObject, problems: Problems, brute_force: BruteForce, value_of: Value
) -> None:
    """Lanes, sites, load costs, ties; the moves lead to a valid plan that loses just that."""
    problem = data.draw(problems)
    plan = optimal(problem)
    gain = value_of(problem, plan.tolist())
    exchanges = build_exchanges(problem, plan)
    for contact, agent in zip(problem.pairs.contact, problem.pairs.agent, strict=True):
        forced = forced_pair(exchanges, int(contact), int(agent))
        best = brute_force(must_have(problem, int(contact), int(agent)))
        if forced is None:
            assert best < PRIZE // 2
            continue
        assert forced.loss == gain - (best - PRIZE)
        assert forced.agent[contact] == agent
        assert value_of(problem, forced.agent.tolist()) == gain - forced.loss
        moved = plan.copy()
        for move in forced.moves:
            assert moved[move.contact] == move.from_agent
            moved[move.contact] = move.to_agent
        assert (moved == forced.agent).all()
        assert len({move.contact for move in forced.moves}) == len(forced.moves)


def test_the_story_names_who_moves_and_who_waits() -> None:
    """Three contacts, two agents: giving c2 to agent 0 sends c0 to agent 1, and c1 waits.

    Optimum: c0 at 0 (9), c1 at 1 (5), c2 waits (only agent 0, 4). With c2 at 0: c0 moves to 1 for
    8 and c1 waits: 12 instead of 14; c0 waiting instead would leave 4 + 5 = 9.
    """
    problem = dense_problem(
        np.array([[9, 8], [0, 5], [4, 0]]),
        np.array([1, 1]),
        eligible=np.array([[True, True], [False, True], [True, False]]),
    )
    forced = forced_pair(build_exchanges(problem, optimal(problem)), 2, 0)
    assert forced is not None
    assert forced.loss == 2
    assert forced.moves == (Move(2, NOBODY, 0), Move(0, 0, 1), Move(1, 1, NOBODY))


def test_the_contact_leaves_a_slot_that_another_takes() -> None:
    """Two slots, three contacts: c0 forced to agent 1 (3, not 9) lets c2 (2) have agent 0."""
    problem = dense_problem(
        np.array([[9, 3], [2, 0]]),
        np.array([1, 1]),
        eligible=np.array([[True, True], [True, False]]),
    )
    forced = forced_pair(build_exchanges(problem, optimal(problem)), 0, 1)
    assert forced is not None
    assert forced.loss == 9 - (3 + 2)
    assert forced.moves == (Move(0, 0, 1), Move(1, NOBODY, 0))


def test_of_equal_chains_the_shortest_is_told() -> None:
    """c1 can wait at no loss (gain 0), or c0 and c1 swap around at no loss: it just waits."""
    problem = dense_problem(np.array([[0, 0], [0, 0], [5, 5]]), np.array([1, 1]))
    plan = np.array([0, 1, NOBODY], dtype=np.int32)
    plan[2], plan[1] = 1, NOBODY  # c2 must be served at an optimum
    forced = forced_pair(build_exchanges(problem, plan), 2, 0)
    assert forced is not None
    assert forced.loss == 0
    assert len(forced.moves) == 2


def test_the_pair_of_the_plan_costs_nothing_and_moves_nobody() -> None:
    """It is there already."""
    problem = dense_problem(np.array([[5]]), np.array([1]))
    forced = forced_pair(build_exchanges(problem, optimal(problem)), 0, 0)
    assert forced is not None
    assert (forced.loss, forced.moves, forced.agent.tolist()) == (0, (), [0])


def test_questions_that_have_no_answer_are_refused() -> None:
    """A pair that is not eligible, a plan that is not optimal, a plan over its caps."""
    problem = dense_problem(
        np.array([[5, 9], [7, 0]]),
        np.array([1, 1]),
        eligible=np.array([[True, True], [True, False]]),
    )
    exchanges = build_exchanges(problem, optimal(problem))
    with pytest.raises(ValueError, match="not eligible"):
        forced_pair(exchanges, 1, 1)
    with pytest.raises(NotOptimalError):
        build_exchanges(problem, np.array([0, NOBODY], dtype=np.int32))
    with pytest.raises(ValueError, match="more than their cap"):
        build_exchanges(problem, np.array([0, 0], dtype=np.int32))


def test_an_answer_that_does_not_add_up_is_found_out() -> None:
    """The moves are made and counted before the loss is told."""
    problem = dense_problem(np.array([[9], [7]]), np.array([1]))
    exchanges = build_exchanges(problem, optimal(problem))
    wrong = replace(exchanges, slack=exchanges.slack + 1)
    with pytest.raises(BackendError, match="keep the batch"):
        forced_pair(wrong, 1, 0)


def test_medium_problems_agree_with_solving_again() -> None:
    """The benchmark's questions, sixty of them: equal to the last milli-unit."""
    agreement = compare(60, seed=1)
    assert agreement.num_equal == agreement.num_questions == 60
    assert agreement.num_impossible < 30
    assert agreement.longest_chain >= 3


def test_the_benchmark_times_what_it_says() -> None:
    """As many questions as asked, on the instance named."""
    timing = time_answers(20, 0, "S")
    assert (timing.size, timing.num_questions) == ("S", 20)
    assert 0 < timing.median_ms <= timing.p95_ms <= timing.worst_ms


def test_the_benchmark_problems_have_every_feature() -> None:
    """Lanes, sites and load costs bind somewhere, and the plan is valid."""
    problem = random_problem(np.random.default_rng(3))
    assert problem.load_cost.any()
    assert len(problem.site_cap)
    assert (problem.lane_cap < problem.agent_cap[:, None]).any()
    assert violations(problem, optimal(problem)) == ()
