"""The configuration bound and the limits of an assignment, against enumeration."""

import itertools

import numpy as np
import pytest

from models.bound import configuration_bound, contact_rents, no_prices, upper_bound
from models.dense_problem import dense_problem
from models.feasibility import violations
from models.problem import NOBODY, AssignmentProblem, Mixes, Positions
from models.solution import total_load_cost


def draw_problem(draw: np.random.Generator) -> AssignmentProblem:
    """At most 5 contacts, 2 agents with up to 2 mixes of 2 lanes, load costs, a capped site."""
    contacts, agents, lanes = int(draw.integers(1, 6)), int(draw.integers(1, 3)), 2
    sizes = draw.integers(1, 3, agents)
    count = draw.integers(0, 3, (int(sizes.sum()), lanes))
    lane_cap = np.zeros((agents, lanes), dtype=np.int64)
    np.maximum.at(lane_cap, np.repeat(np.arange(agents), sizes), count)
    return dense_problem(
        draw.integers(-5, 30, (contacts, agents)),
        draw.integers(0, 4, agents),
        lane=draw.integers(0, lanes, contacts).astype(np.int32),
        lane_cap=lane_cap,
        load_cost=np.sort(draw.integers(0, 4, (agents, 2)), axis=1),
        agent_site=np.zeros(agents, dtype=np.int32),
        site_cap=draw.integers(0, 5, 1),
        mixes=Mixes(np.append(0, np.cumsum(sizes)), count),
    )


def gain_of(problem: AssignmentProblem, agent: Positions) -> int:
    """Gain by the definition: pair by pair, load costs taken off."""
    gain = {
        (int(i), int(j)): int(g)
        for i, j, g in zip(
            problem.pairs.contact, problem.pairs.agent, problem.pairs.gain, strict=True
        )
    }
    served = [(i, int(j)) for i, j in enumerate(agent) if j != NOBODY]
    return sum(gain[pair] for pair in served) - total_load_cost(problem, agent)


def best_by_enumeration(problem: AssignmentProblem) -> int:
    """Largest gain of all valid assignments."""
    best = 0
    for choice in itertools.product(range(-1, problem.num_agents), repeat=problem.num_contacts):
        agent = np.array(choice, dtype=np.int32)
        if not violations(problem, agent):
            best = max(best, gain_of(problem, agent))
    return best


def test_no_rents_prove_less_than_the_best_assignment_gains() -> None:
    """Weak duality: any rents and site prices, drawn at random, bound every valid assignment."""
    draw = np.random.default_rng(5)
    for _ in range(120):
        problem = draw_problem(draw)
        best = best_by_enumeration(problem)
        for _ in range(8):
            rents = draw.integers(0, 25, problem.num_contacts)
            assert configuration_bound(problem, rents, draw.integers(0, 10, 1)) >= best


def test_rents_of_prices_prove_at_least_as_much_as_the_prices() -> None:
    """In a network the configuration bound at the prices' rents is no larger than theirs."""
    draw = np.random.default_rng(6)
    for _ in range(100):
        problem = dense_problem(draw.integers(-5, 30, (8, 4)), draw.integers(0, 4, 4))
        prices = no_prices(problem)
        prices.agent[:] = draw.integers(0, 20, 4)
        by_rents = configuration_bound(problem, contact_rents(problem, prices), prices.site)
        assert by_rents <= upper_bound(problem, prices)


def test_negative_rents_prove_nothing() -> None:
    """A rent below 0 would let the bound fall below the optimum."""
    problem = dense_problem(np.array([[5]]), np.array([1]))
    with pytest.raises(ValueError, match="expected all >= 0"):
        configuration_bound(problem, np.array([-1]), problem.site_cap)


@pytest.mark.parametrize(
    ("agent", "broken"),
    [
        ([0, 0, NOBODY], "none of their mixes"),  # one call and one chat: (1, 0) or (0, 2)
        ([1, 1, 1], "more than their cap"),  # agent 1 has room for two
        ([2, NOBODY, NOBODY], "does not exist"),
        ([NOBODY, NOBODY, 0], None),
        ([NOBODY, 0, 0], None),
    ],
)
def test_violations_name_the_broken_limit(agent: list[int], broken: str | None) -> None:
    """Agent 0 takes one call or two chats, agent 1 two of anything; contact 0 is a call."""
    problem = dense_problem(
        np.full((3, 2), 7),
        np.array([2, 2]),
        lane=np.array([0, 1, 1], dtype=np.int32),
        lane_cap=np.array([[1, 2], [2, 2]]),
        mixes=Mixes(np.array([0, 2, 3]), np.array([[1, 0], [0, 2], [2, 2]])),
    )
    found = violations(problem, np.array(agent, dtype=np.int32))
    assert (broken is None and not found) or any(broken in text for text in found if broken)
