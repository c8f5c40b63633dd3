"""The baseline keeps every limit, tiers first, and is the same plan by pair and by class."""

import numpy as np
import pytest

from models.dense_problem import dense_problem
from models.feasibility import violations
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Mixes
from models.solution import SolveOptions
from solver.backends import greedy, greedy_by_class


def draw_problem(draw: np.random.Generator, *, with_mixes: bool) -> AssignmentProblem:
    """Up to 30 contacts, 8 agents, 3 lanes, load costs and one capped site."""
    contacts, agents, lanes = int(draw.integers(1, 30)), int(draw.integers(1, 8)), 3
    sizes = draw.integers(1, 4, agents)
    count = draw.integers(0, 4, (int(sizes.sum()), lanes))
    lane_cap = np.zeros((agents, lanes), dtype=np.int64)
    np.maximum.at(lane_cap, np.repeat(np.arange(agents), sizes), count)
    return dense_problem(
        draw.integers(-5, 300, (contacts, agents)),
        draw.integers(0, 6, agents),
        lane=draw.integers(0, lanes, contacts).astype(np.int32),
        lane_cap=lane_cap,
        load_cost=np.sort(draw.integers(0, 40, (agents, 2)), axis=1),
        agent_site=np.zeros(agents, dtype=np.int32),
        site_cap=draw.integers(0, 9, 1),
        mixes=Mixes(np.append(0, np.cumsum(sizes)), count) if with_mixes else None,
    )


@pytest.mark.parametrize("with_mixes", [False, True])
def test_by_class_takes_the_same_pairs(with_mixes: bool) -> None:
    """Both ways to the baseline give every contact the same agent, within every limit."""
    draw = np.random.default_rng(1)
    for _ in range(100):
        problem = draw_problem(draw, with_mixes=with_mixes)
        listed = greedy.solve(problem, SolveOptions(), None)
        by_class = greedy_by_class.solve(problem, SolveOptions(), None)
        assert listed.agent.tolist() == by_class.agent.tolist()
        assert listed.gain == by_class.gain
        assert not violations(problem, listed.agent)


def test_units_of_pairs_are_kept() -> None:
    """Five units: 9 + 7 would weigh 6, so the worth of 7 waits and that of 1 comes along."""
    problem = dense_problem(
        np.array([[9], [7], [1]]),
        np.array([3]),
        units=np.array([[3], [3], [2]]),
        unit_cap=np.array([5]),
    )
    assert greedy.solve(problem, SolveOptions(), None).agent.tolist() == [0, NOBODY, 0]


def test_tiers_come_first_and_at_a_loss() -> None:
    """One place: the contact of tier 0 gets it although it costs 4 and the other would bring 9."""
    problem = dense_problem(
        np.array([[9], [-4]]), np.array([1]), tier=np.array([NO_TIER, 0], dtype=np.int32)
    )
    plan = greedy.solve(problem, SolveOptions(), None)
    assert plan.agent.tolist() == [NOBODY, 0]
    assert (plan.gain, plan.served) == (-4, (1,))
    assert plan.bound >= 9  # of all plans, also those that leave tier 0 waiting
