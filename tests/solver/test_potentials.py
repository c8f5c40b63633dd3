"""Recovered prices: they prove the optimum and they are what a unit more or less is worth."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from models.bound import path_prices, upper_bound
from models.dense_problem import dense_problem
from models.problem import NOBODY, AssignmentProblem
from models.solution import SolveOptions, step_costs
from solver.potentials import NotOptimalError, largest_prices, smallest_prices, waiting_prices
from solver.solve import solve
from solver.tree import build_tree

Problems = SearchStrategy[AssignmentProblem]
BruteForce = Callable[[AssignmentProblem], int]

PRIZE = 10**6
"""Milli-units; outweighs every gain of the tiny problems."""

some = settings(max_examples=35, deadline=None)


def best(problem: AssignmentProblem) -> int:
    """The optimal gain."""
    return solve(problem, SolveOptions()).gain


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_smallest_and_largest_prices_both_prove_the_optimum(
    data: DataObject, problems: Problems
) -> None:
    """D at either end of the lattice equals the gain; every path price lies between the ends."""
    problem = data.draw(problems)
    solution = solve(problem, SolveOptions())
    low, high = (find(problem, solution.agent) for find in (smallest_prices, largest_prices))
    assert upper_bound(problem, low) == upper_bound(problem, high) == solution.gain
    assert (path_prices(problem, low) <= path_prices(problem, high)).all()


@some
@given(data=st.data())
def test_the_smallest_path_price_is_the_gain_from_one_more_unit(
    data: DataObject, problems: Problems
) -> None:
    """One unit for all caps on the way from a lane, free of load cost, gains its path price."""
    problem = data.draw(problems)
    solution = solve(problem, SolveOptions())
    price = path_prices(problem, smallest_prices(problem, solution.agent))
    for j, lane in np.ndindex(problem.lane_cap.shape):
        assert best(_with_unit(problem, j, lane)) - solution.gain == price[j, lane]


@some
@given(data=st.data())
def test_the_largest_path_price_is_the_loss_from_one_unit_less(
    data: DataObject, problems: Problems
) -> None:
    """A visitor who must be served in a lane takes one unit there and costs the price."""
    problem = data.draw(problems)
    solution = solve(problem, SolveOptions())
    price = path_prices(problem, largest_prices(problem, solution.agent))
    capped = problem.agent_site != NOBODY
    room = problem.agent_cap.copy()
    room[capped] = np.minimum(room, np.append(problem.site_cap, 0)[problem.agent_site])[capped]
    for j, lane in np.ndindex(problem.lane_cap.shape):
        if min(problem.lane_cap[j, lane], room[j]) > 0:
            left = best(_with_visitor(problem, j, lane)) - PRIZE
            assert solution.gain - left == price[j, lane]


@some
@given(data=st.data())
def test_prices_exist_only_for_optimal_assignments(
    data: DataObject, problems: Problems, brute_force: BruteForce
) -> None:
    """The greedy plan is refused exactly when enumeration finds a better one."""
    problem = data.draw(problems)
    greedy = solve(problem, SolveOptions(backend="greedy"))
    if greedy.gain == brute_force(problem):
        assert upper_bound(problem, smallest_prices(problem, greedy.agent)) == greedy.gain
    else:
        with pytest.raises(NotOptimalError):
            smallest_prices(problem, greedy.agent)
        with pytest.raises(NotOptimalError):
            largest_prices(problem, greedy.agent)
    assert upper_bound(problem, waiting_prices(problem, greedy.agent)) >= greedy.gain


def test_the_price_of_a_slot_lies_between_second_and_first_claim() -> None:
    """One slot, claims of 10 and 7: one more gains 7, one fewer loses 10 - 0 for the winner."""
    problem = dense_problem(np.array([[10], [7]]), np.array([1]))
    winner = np.array([0, NOBODY], dtype=np.int32)
    assert smallest_prices(problem, winner).agent.tolist() == [7]
    assert largest_prices(problem, winner).agent.tolist() == [10]


def test_a_lane_a_site_and_a_load_cost_are_priced_where_they_bind() -> None:
    """Each price stands at the cap that stops the waiting contact."""
    # Two calls worth 9 and 6, lane cap 1 of agent cap 2: the lane stops the second one.
    lane = dense_problem(np.array([[9], [6]]), np.array([2]), lane_cap=np.array([[1]]))
    prices = smallest_prices(lane, np.array([0, NOBODY], dtype=np.int32))
    assert (prices.lane.tolist(), prices.agent.tolist()) == ([[6]], [0])
    # The same with room at the agent but a site cap of 1: the site stops it.
    site = dense_problem(
        np.array([[9], [6]]),
        np.array([2]),
        agent_site=np.zeros(1, dtype=np.int32),
        site_cap=np.array([1]),
    )
    prices = smallest_prices(site, np.array([0, NOBODY], dtype=np.int32))
    assert (prices.agent.tolist(), prices.site.tolist()) == ([0], [6])
    # A second step of 8 is dearer than the 6 it would gain: nothing is scarce but the price of
    # entering is what the waiting contact offers, below the step.
    load = dense_problem(np.array([[9], [6]]), np.array([2]), load_cost=np.array([[0, 8]]))
    prices = smallest_prices(load, np.array([0, NOBODY], dtype=np.int32))
    assert prices.agent.tolist() == [6]
    assert upper_bound(load, prices) == 9


def test_a_plan_that_is_not_valid_is_refused() -> None:
    """Prices of a plan over capacity or with ineligible pairs would mean nothing."""
    problem = dense_problem(np.array([[5], [5]]), np.array([1]))
    with pytest.raises(ValueError, match="more than their cap"):
        smallest_prices(problem, np.zeros(2, dtype=np.int32))
    nobody = dense_problem(np.array([[5]]), np.array([1]), eligible=np.array([[False]]))
    with pytest.raises(ValueError, match="not eligible"):
        smallest_prices(nobody, np.zeros(1, dtype=np.int32))


def _gains(problem: AssignmentProblem) -> tuple[np.ndarray, np.ndarray]:
    gain = np.zeros((problem.num_contacts, problem.num_agents), dtype=np.int64)
    eligible = np.zeros(gain.shape, dtype=bool)
    pairs = problem.pairs
    gain[pairs.contact, pairs.agent], eligible[pairs.contact, pairs.agent] = pairs.gain, True
    return gain, eligible


def _with_unit(problem: AssignmentProblem, agent: int, lane: int) -> AssignmentProblem:
    """One unit more for the lane, the agent (free of load cost) and its site.

    Lanes that cannot bind get it with their agent, so that they still cannot.
    """
    here = np.arange(problem.num_agents) == agent
    with_agent = build_tree(problem).entry[agent] == agent
    lanes = with_agent | (np.arange(problem.num_lanes) == lane)
    dear = step_costs(problem, problem.load_cost.shape[1] + 1)
    free_first = np.column_stack([np.zeros_like(problem.agent_cap), problem.load_cost])
    return replace(
        problem,
        lane_cap=problem.lane_cap + np.outer(here, lanes),
        agent_cap=problem.agent_cap + here,
        load_cost=np.where(here[:, None], free_first, dear),
        site_cap=problem.site_cap
        + (np.arange(len(problem.site_cap)) == problem.agent_site[agent]),
    )


def _with_visitor(problem: AssignmentProblem, agent: int, lane: int) -> AssignmentProblem:
    """One contact more: worth PRIZE in this lane of this agent and eligible nowhere else."""
    gain, eligible = _gains(problem)
    here = np.arange(problem.num_agents) == agent
    visited = dense_problem(
        np.vstack([gain, np.where(here, PRIZE, 0)]),
        problem.agent_cap,
        eligible=np.vstack([eligible, here]),
        lane=np.append(problem.contact_lane, lane).astype(np.int32),
        lane_cap=problem.lane_cap,
        agent_site=problem.agent_site,
        site_cap=problem.site_cap,
    )
    return replace(visited, load_cost=problem.load_cost)
