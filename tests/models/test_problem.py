"""The problem as arrays: pairs by a plain double loop, rounding, and what it refuses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bound import contact_rents, no_prices, path_prices, upper_bound
from models.dense_problem import dense_problem
from models.problem import LARGEST_GAIN, MILLI, NOBODY, AssignmentProblem, Prices, to_milli
from models.solution import SolveOptions, total_load_cost
from solver.solve import solve

seeds = st.integers(0, 2**32 - 1)


def random_problem(seed: int) -> AssignmentProblem:
    """Up to 7 contacts in 3 classes and 6 agents, with terms, extras, bans and locks."""
    rng = np.random.default_rng(seed)
    contacts, agents = int(rng.integers(0, 8)), int(rng.integers(1, 7))
    classes, terms, rows = 3, int(rng.integers(0, 4)), 5
    member = rng.random((classes, agents)) < 0.6
    banned = np.argwhere(rng.random((contacts, agents)) < 0.15)
    extra = np.argwhere(rng.random((contacts, agents)) < 0.3)
    only = np.where(rng.random(contacts) < 0.3, rng.integers(0, agents, contacts), NOBODY)
    return AssignmentProblem(
        contact_class=rng.integers(0, classes, contacts).astype(np.int32),
        class_ptr=np.concatenate([[0], np.cumsum(member.sum(axis=1))]).astype(np.int64),
        class_agent=np.nonzero(member)[1].astype(np.int32),
        only_agent=only.astype(np.int32),
        banned_contact=banned[:, 0].astype(np.int32),
        banned_agent=banned[:, 1].astype(np.int32),
        base=rng.normal(0, 5, contacts),
        term_row=rng.integers(0, rows, (contacts, terms)).astype(np.int32),
        term_coef=rng.normal(0, 2, (contacts, terms)),
        rate=rng.normal(0, 2, (rows, agents)),
        extra_contact=extra[:, 0].astype(np.int32),
        extra_agent=extra[:, 1].astype(np.int32),
        extra_gain=rng.normal(0, 3, len(extra)),
        contact_lane=rng.integers(0, 2, contacts).astype(np.int32),
        lane_cap=rng.integers(0, 3, (agents, 2)),
        agent_cap=rng.integers(0, 4, agents),
        load_cost=np.sort(rng.integers(0, 900, (agents, 2)), axis=1),
        agent_site=rng.integers(NOBODY, 2, agents).astype(np.int32),
        site_cap=rng.integers(0, 4, 2),
    )


def listed_pairs(problem: AssignmentProblem) -> list[tuple[int, int, int]]:
    """(contact, agent, milli-gain) of every eligible pair, by the definition."""
    found = []
    banned = set(zip(problem.banned_contact.tolist(), problem.banned_agent.tolist(), strict=True))
    extra = {
        (i, j): worth
        for i, j, worth in zip(
            problem.extra_contact.tolist(),
            problem.extra_agent.tolist(),
            problem.extra_gain.tolist(),
            strict=True,
        )
    }
    for i in range(problem.num_contacts):
        k = int(problem.contact_class[i])
        mine = problem.class_agent[problem.class_ptr[k] : problem.class_ptr[k + 1]].tolist()
        for j in range(problem.num_agents):
            if j not in mine or (i, j) in banned or problem.only_agent[i] not in {NOBODY, j}:
                continue
            gain = problem.base[i] + extra.get((i, j), 0.0)
            for r in range(problem.term_row.shape[1]):
                gain += problem.term_coef[i, r] * problem.rate[problem.term_row[i, r], j]
            found.append((i, j, round(1000 * float(gain))))
    return found


@settings(max_examples=150, deadline=None)
@given(seed=seeds)
def test_pairs_are_those_of_a_double_loop(seed: int) -> None:
    """Class agents less bans, only the one agent where set; base + terms + extra, rounded."""
    problem = random_problem(seed)
    pairs = problem.pairs
    listed = listed_pairs(problem)
    rows = zip(pairs.contact.tolist(), pairs.agent.tolist(), pairs.gain.tolist(), strict=True)
    assert list(rows) == listed
    assert len(pairs) == len(listed)
    count = [sum(i == contact for contact, _, _ in listed) for i in range(problem.num_contacts)]
    assert np.diff(pairs.start).tolist() == count
    assert pairs.start[0] == 0


def test_an_extra_for_a_pair_that_is_not_eligible_is_ignored() -> None:
    """Contact 0 cannot have agent 1; the extra of 7 for that pair changes nothing."""
    problem = dense_problem(
        np.array([[1000, 2000]]), np.array([1, 1]), eligible=np.array([[True, False]])
    )
    problem = replace(
        problem,
        extra_contact=np.array([0, 0], dtype=np.int32),
        extra_agent=np.array([0, 1], dtype=np.int32),
        extra_gain=np.array([0.5, 7.0]),
    )
    assert listed_pairs(problem) == [(0, 0, 1500)]
    assert problem.pairs.gain.tolist() == [1500]


@pytest.mark.parametrize(
    ("money", "milli"),
    [
        (0.0005, 0),  # 0.5 to even
        (0.0015, 2),  # 1.5 to even
        (0.0025, 2),  # 2.5 to even
        (-0.0005, 0),
        (-0.0015, -2),
        (0.00051, 1),
        (12.3456, 12346),
        (LARGEST_GAIN / MILLI, LARGEST_GAIN),
    ],
)
def test_money_is_rounded_half_to_even(money: float, milli: int) -> None:
    """Thousandths, ties to the even one."""
    assert to_milli(np.array([money])).tolist() == [milli]


@pytest.mark.parametrize("money", [1.1e9 + 1e3, -2e9, 1e300])
def test_a_gain_too_large_for_the_solvers_raises(money: float) -> None:
    """Beyond 2^40 thousandths, about 1.0995e9, an OverflowError names gain, limit and cure."""
    with pytest.raises(OverflowError, match=r"too large; expected at most 1,099,511,628: check"):
        to_milli(np.array([0.0, money]))
    problem = dense_problem(np.array([[0]]), np.array([1]))
    with pytest.raises(OverflowError):
        _ = replace(problem, base=np.array([money])).pairs


def test_no_money_is_no_error() -> None:
    """An empty array has no largest gain."""
    assert to_milli(np.zeros(0)).tolist() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base": np.zeros(3)}, "contact arrays differ in length; expected 2 rows"),
        ({"only_agent": np.zeros(1, dtype=np.int32)}, "contact arrays differ in length"),
        ({"contact_lane": np.zeros(3, dtype=np.int32)}, "contact arrays differ in length"),
        ({"term_coef": np.ones((2, 2))}, "term_row and term_coef differ in shape"),
        ({"lane_cap": np.ones((2, 1), dtype=np.int64)}, "agent arrays differ.*expected 3 rows"),
        ({"load_cost": np.zeros((1, 0), dtype=np.int64)}, "agent arrays differ in length"),
        ({"agent_site": np.zeros(4, dtype=np.int32)}, "agent arrays differ in length"),
        ({"rate": np.zeros((2, 2))}, "rate has 2 agents, expected 3"),
        ({"base": np.array([0.0, np.nan])}, "base has NaN or infinite values"),
        ({"term_coef": np.array([[np.inf], [1.0]])}, "term_coef has NaN or infinite"),
        ({"rate": np.full((2, 3), -np.inf)}, "rate has NaN or infinite"),
        ({"extra_gain": np.array([np.nan])}, "extra_gain has NaN or infinite"),
        ({"lane_cap": np.array([[1], [-1], [1]])}, "lane_cap has negative values"),
        ({"agent_cap": np.array([1, 1, -1])}, "agent_cap has negative values"),
        ({"site_cap": np.array([-1])}, "site_cap has negative values"),
        ({"load_cost": np.array([[0, 1], [0, 0], [-1, 0]])}, "load_cost has negative values"),
        ({"load_cost": np.array([[0, 1], [2, 1], [0, 0]])}, "load_cost falls along a row"),
    ],
)
def test_a_wrong_problem_never_reaches_a_solver(changes: dict[str, Any], message: str) -> None:
    """Two contacts, three agents, one array wrong: ValueError that names it."""
    problem = dense_problem(np.ones((2, 3), dtype=np.int64), np.ones(3, dtype=np.int64))
    with pytest.raises(ValueError, match=message):
        replace(problem, **changes)


def test_a_dense_problem_is_its_matrix() -> None:
    """Every entry that is eligible is a pair with exactly that gain; defaults do not bind."""
    gain = np.array([[1, -2, LARGEST_GAIN], [4, 5, -LARGEST_GAIN]])
    eligible = np.array([[True, False, True], [False, True, True]])
    problem = dense_problem(gain, np.array([1, 2, 3]), eligible=eligible)
    pairs = problem.pairs
    assert list(zip(pairs.contact.tolist(), pairs.agent.tolist(), strict=True)) == [
        (0, 0),
        (0, 2),
        (1, 1),
        (1, 2),
    ]
    assert pairs.gain.tolist() == [1, LARGEST_GAIN, 5, -LARGEST_GAIN]
    assert (problem.num_contacts, problem.num_agents, problem.num_lanes) == (2, 3, 1)
    assert problem.lane_cap.tolist() == [[1], [2], [3]]
    assert total_load_cost(problem, np.array([2, 2], dtype=np.int32)) == 0


def test_a_dense_problem_takes_lanes_loads_and_sites() -> None:
    """The optional arrays arrive as they are: two lanes, a step of 3, one site."""
    problem = dense_problem(
        np.array([[9], [8]]),
        np.array([2]),
        lane=np.array([0, 1], dtype=np.int32),
        lane_cap=np.array([[1, 1]]),
        load_cost=np.array([[0, 3]]),
        agent_site=np.array([0], dtype=np.int32),
        site_cap=np.array([2]),
    )
    solution = solve(problem, SolveOptions())
    assert (solution.agent.tolist(), solution.gain) == ([0, 0], 9 + 8 - 3)


@settings(max_examples=100, deadline=None)
@given(seed=seeds)
def test_any_prices_bound_any_plan(seed: int) -> None:
    """gain <= D(prices) for random prices; D by the sums of its definition."""
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    prices = Prices(
        lane=rng.integers(0, 9000, problem.lane_cap.shape),
        agent=rng.integers(0, 9000, problem.num_agents),
        site=rng.integers(0, 9000, 2),
    )
    site = [0 if s == NOBODY else int(prices.site[s]) for s in problem.agent_site]
    rent = [0] * problem.num_contacts
    for i, j, gain in listed_pairs(problem):
        price = int(prices.lane[j, problem.contact_lane[i]]) + int(prices.agent[j]) + site[j]
        rent[i] = max(rent[i], gain - price)
    surplus = sum(
        max(0, int(prices.agent[j]) - int(problem.load_cost[j, min(n, 1)]))
        for j in range(problem.num_agents)
        for n in range(int(problem.agent_cap[j]))
    )
    caps = int((prices.lane * problem.lane_cap).sum() + (prices.site * problem.site_cap).sum())
    assert contact_rents(problem, prices).tolist() == rent
    assert upper_bound(problem, prices) == sum(rent) + caps + surplus
    assert solve(problem, SolveOptions()).gain <= upper_bound(problem, prices)


def test_without_prices_the_bound_is_every_contact_s_best_gain() -> None:
    """max(0, best) of each row: 5 + 7 + 0; a path costs nothing."""
    problem = dense_problem(np.array([[5, 3], [7, 7], [-1, -2]]), np.array([1, 1]))
    assert upper_bound(problem, no_prices(problem)) == 12
    assert path_prices(problem, no_prices(problem)).tolist() == [[0], [0]]


def test_a_negative_price_proves_nothing() -> None:
    """ValueError, because weak duality needs prices of at least 0."""
    problem = dense_problem(np.array([[5]]), np.array([1]))
    prices = replace(no_prices(problem), agent=np.array([-1]))
    with pytest.raises(ValueError, match="a price is negative; expected all prices >= 0"):
        upper_bound(problem, prices)
