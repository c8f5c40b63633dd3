"""What a slot is worth: from prices where they prove it, by solving again where they do not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from models.dense_problem import dense_problem
from models.problem import NOBODY, AssignmentProblem, Mixes
from models.solution import Limit, SolveOptions, Termination
from solver.backends import flow, greedy
from solver.slots import (
    NO_SLOT,
    LaneWorth,
    Worth,
    lanes_of_agent,
    slot_values,
    with_one_fewer,
    with_one_more,
)

Problems = SearchStrategy[AssignmentProblem]

OPTIONS = SolveOptions()
some = settings(max_examples=35, deadline=None)


def best(problem: AssignmentProblem) -> int:
    """The optimal gain of a network."""
    return flow.solve(problem, OPTIONS, None).gain


@some
@given(data=st.data())
def test_both_ends_are_what_solving_again_says(data: DataObject, problems: Problems) -> None:
    """Lanes, sites, load costs: one slot more gains, one held by a visitor loses, just that."""
    problem = data.draw(problems)
    solution = flow.solve(problem, OPTIONS, None)
    values = slot_values(problem, solution.agent)
    for j, lane in np.ndindex(problem.lane_cap.shape):
        assert best(with_one_more(problem, j, lane)) - solution.gain == values.one_more[j, lane]
        fewer = with_one_fewer(problem, j, lane)
        if fewer is None:
            assert values.one_fewer[j, lane] == NO_SLOT
        else:
            assert solution.gain - best(fewer[0]) + fewer[1] == values.one_fewer[j, lane]
            assert values.one_more[j, lane] <= values.one_fewer[j, lane]


@some
@given(data=st.data())
def test_one_fewer_is_what_a_unit_less_on_the_way_loses(
    data: DataObject, problems: Problems
) -> None:
    """Without load costs: the optimum with lane, agent and site one smaller is that much less."""
    drawn = data.draw(problems)
    problem = replace(drawn, load_cost=drawn.load_cost[:, :0])
    solution = flow.solve(problem, OPTIONS, None)
    values = slot_values(problem, solution.agent)
    for j, lane in np.ndindex(problem.lane_cap.shape):
        smaller = _one_fewer(problem, j, lane)
        if smaller is None:
            assert values.one_fewer[j, lane] == NO_SLOT
        else:
            assert solution.gain - best(smaller) == values.one_fewer[j, lane]
            assert values.one_more[j, lane] <= values.one_fewer[j, lane]


def _one_fewer(problem: AssignmentProblem, agent: int, lane: int) -> AssignmentProblem | None:
    lane_cap, agent_cap = problem.lane_cap.copy(), problem.agent_cap.copy()
    site_cap, site = problem.site_cap.copy(), problem.agent_site[agent]
    lane_cap[agent, lane] -= 1
    agent_cap[agent] -= 1
    if site != NOBODY:
        site_cap[site] -= 1
    if min(lane_cap.min(), agent_cap.min(), site_cap.min(initial=0)) < 0:
        return None
    return replace(problem, lane_cap=lane_cap, agent_cap=agent_cap, site_cap=site_cap)


def test_a_slot_is_worth_an_interval() -> None:
    """Claims of 10 and 7 on one slot: a second one gains 7, losing the first loses 10."""
    problem = dense_problem(np.array([[10], [7]]), np.array([1]))
    values = slot_values(problem, np.array([0, NOBODY], dtype=np.int32))
    assert (values.one_more.tolist(), values.one_fewer.tolist()) == ([[7]], [[10]])


@pytest.mark.parametrize(
    ("lane_cap", "agent_cap", "site_cap"),
    [(0, 1, 1), (1, 0, 1), (1, 1, 0)],  # the lane, the agent, the site without a slot
)
def test_without_a_slot_there_is_none_to_lose(
    lane_cap: int, agent_cap: int, site_cap: int
) -> None:
    """One more on the whole way gains what the waiting contact brings."""
    problem = dense_problem(
        np.array([[6]]),
        np.array([agent_cap]),
        lane_cap=np.array([[lane_cap]]),
        agent_site=np.zeros(1, dtype=np.int32),
        site_cap=np.array([site_cap]),
    )
    values = slot_values(problem, np.array([NOBODY], dtype=np.int32))
    assert (values.one_more.tolist(), values.one_fewer.tolist()) == ([[6]], [[NO_SLOT]])


@some
@given(data=st.data())
def test_an_unproven_plan_gives_intervals_that_hold_the_truth(
    data: DataObject, problems: Problems
) -> None:
    """Greedy plans and greedy answers: the exact worth lies between the ends."""
    problem = data.draw(problems)
    exact = flow.solve(problem, OPTIONS, None)
    rough = greedy.solve(problem, OPTIONS, None)
    if rough.termination is Termination.OPTIMAL:
        rough = replace(rough, termination=Termination.FEASIBLE, limit=Limit.METHOD)
    lanes = range(problem.num_lanes)
    for j in range(problem.num_agents):
        truth = lanes_of_agent(problem, exact, j, lanes, OPTIONS, flow.solve)
        for solver in (greedy.solve, flow.solve):
            for told, true in zip(
                lanes_of_agent(problem, rough, j, lanes, OPTIONS, solver), truth, strict=True
            ):
                assert (told.lane, told.slots) == (true.lane, true.slots)
                assert _holds(told.one_more, true.one_more)
                assert (told.one_fewer is None) == (true.one_fewer is None)
                if told.one_fewer is not None and true.one_fewer is not None:
                    assert _holds(told.one_fewer, true.one_fewer)


def _holds(interval: Worth, exact: Worth) -> bool:
    return interval.at_least <= exact.at_least == exact.at_most <= interval.at_most


def test_with_mixes_every_mix_gets_the_slot_or_gives_it() -> None:
    """A call or two chats: a call more fits beside the chats, a call fewer ends the first mix."""
    mixes = Mixes(np.array([0, 2, 3]), np.array([[1, 0], [0, 2], [1, 1]]))
    problem = dense_problem(
        np.zeros((1, 2), dtype=np.int64),
        np.array([2, 2]),
        lane_cap=np.array([[1, 2], [1, 1]]),
        mixes=mixes,
    )
    more = with_one_more(problem, 0, 0)
    assert more.all_mixes.count.tolist() == [[2, 0], [1, 2], [1, 1]]
    assert more.agent_cap.tolist() == [3, 2]
    fewer = with_one_fewer(problem, 0, 0)
    assert fewer is not None
    assert fewer[0].all_mixes.count.tolist() == [[0, 0], [1, 1]]
    assert fewer[0].all_mixes.start.tolist() == [0, 1, 2]


def test_one_mix_each_is_a_network() -> None:
    """A single mix is its agent's lane caps: exact, without solving again."""
    problem = dense_problem(
        np.array([[10], [7]]),
        np.array([2]),
        lane_cap=np.array([[2]]),
        mixes=Mixes(np.array([0, 1]), np.array([[1]])),
    )
    plain = replace(problem, mixes=None, lane_cap=np.array([[1]]))
    solution = flow.solve(plain, OPTIONS, None)
    assert lanes_of_agent(problem, solution, 0, [0], OPTIONS, greedy.solve) == (
        LaneWorth(0, 1, Worth(7, 7), Worth(10, 10)),
    )


def test_tiers_are_refused() -> None:
    """A slot that serves one of a tier more has no price."""
    problem = dense_problem(np.array([[5]]), np.array([1]), tier=np.zeros(1, dtype=np.int32))
    plan = flow.solve(replace(problem, tier=None), OPTIONS, None)
    with pytest.raises(ValueError, match="tiers"):
        lanes_of_agent(problem, plan, 0, [0], OPTIONS, flow.solve)
