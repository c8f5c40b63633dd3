"""Price paths: any prices bound every feasible plan, and the best come close to the optimum."""

from dataclasses import replace
from itertools import product

import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulp.apis.coin_api import pulp_cbc_path

from models.problem import Floats
from solver.pricing.path import PathProblem, Search, lower_path, path_bound

some = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 10**6)


def random_problem(seed: int, contacts: int, groups: int, cells: int) -> PathProblem:
    """Cells of 10 s; voice and chats; some contacts leave at once, some groups end early."""
    rng = np.random.default_rng(seed)
    arrival = np.sort(rng.uniform(0.0, 10.0 * cells - 10.0, contacts))
    patience = rng.exponential(20.0, contacts)
    eligible = rng.random((contacts, groups)) < 0.7
    contact, group = np.nonzero(eligible)
    staff = rng.integers(0, 3, (groups, 1)) * np.ones((groups, cells))
    may_start = np.ones((groups, cells), dtype=bool)
    if seed % 3 == 0:
        staff[0, cells // 2 :], may_start[0, cells // 2 :] = np.inf, False
    return PathProblem(
        cell_s=10.0,
        staff=staff,
        may_start=may_start & (staff > 0),
        first=np.ceil(arrival / 10.0).astype(np.int64),
        last=np.minimum((arrival + patience) // 10.0, cells - 1).astype(np.int64),
        arrival_s=arrival,
        waiting_cost=rng.choice([0.0, 0.01], contacts),
        attention=rng.choice([0.5, 1.0], contacts),
        unserved=-rng.uniform(0.0, 2.0, contacts),
        start=np.searchsorted(contact, np.arange(contacts + 1)),
        group=group,
        reward=rng.uniform(0.0, 10.0, len(group)),
        work_s=rng.uniform(5.0, 45.0, len(group)),
    )


def starts(problem: PathProblem, i: int) -> list[tuple[int, int, float]]:
    """Option, cell and money of every way to serve contact i."""
    return [
        (e, t, float(problem.reward[e] - problem.waiting_cost[i] * (10.0 * t - arrival)))
        for arrival in [problem.arrival_s[i]]
        for e in range(problem.start[i], problem.start[i + 1])
        for t in range(problem.first[i], problem.last[i] + 1)
        if problem.may_start[problem.group[e], t]
    ]


def usage(problem: PathProblem, i: int, option: int, cell: int) -> Floats:
    """(T,) attention taken in each cell of the option's group, in agents."""
    begin = np.arange(problem.staff.shape[1]) - cell
    taken = np.clip(problem.work_s[option] / 10.0 - begin, 0.0, 1.0)
    taken[begin < 0] = 0.0
    return np.asarray(problem.attention[i] * taken, dtype=np.float64)


def best_plan(problem: PathProblem) -> float:
    """The best of all plans, one by one."""
    contacts = len(problem.first)
    best = -np.inf
    for chosen in product(*([None, *starts(problem, i)] for i in range(contacts))):
        taken, money = np.zeros(problem.staff.shape), 0.0
        for i, start in enumerate(chosen):
            if start is None:
                money += problem.unserved[i]
                continue
            option, cell, gain = start
            money += gain
            taken[problem.group[option]] += usage(problem, i, option, cell)
        if (taken <= problem.staff + 1e-9).all():
            best = max(best, money)
    return float(best)


def linear_optimum(problem: PathProblem) -> float:
    """The clairvoyant linear programme, in PuLP, solved by CBC."""
    model = pulp.LpProblem("clairvoyant", pulp.LpMaximize)
    used: dict[tuple[int, int], list[pulp.LpAffineExpression]] = {}
    money = []
    for i in range(len(problem.first)):
        choices = []
        for option, cell, gain in starts(problem, i):
            served = model.add_variable(f"x_{option}_{cell}", 0)
            choices.append(served)
            money.append((gain - problem.unserved[i]) * served)
            group = int(problem.group[option])
            for t, taken in enumerate(usage(problem, i, option, cell)):
                if taken > 0.0 and np.isfinite(problem.staff[group, t]):
                    used.setdefault((group, t), []).append(float(taken) * served)
        if choices:
            model += pulp.lpSum(choices) <= 1
    model += pulp.lpSum(money)
    for (group, t), terms in used.items():
        model += pulp.lpSum(terms) <= float(problem.staff[group, t])
    model.solve(pulp.COIN_CMD(path=pulp_cbc_path, msg=False))
    return float(pulp.value(model.objective) or 0.0) + float(problem.unserved.sum())


@some
@given(seed=seeds)
def test_any_prices_bound_every_plan(seed: int) -> None:
    """Weak duality, against all plans of 4 contacts: at 0, at random and at high prices."""
    problem = random_problem(seed, contacts=4, groups=2, cells=5)
    rng = np.random.default_rng(seed)
    best = best_plan(problem)
    for size in (0.0, 0.05, 0.5, 50.0):
        price = size * rng.random(problem.staff.shape)
        assert path_bound(problem, price) >= best - 1e-9


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_every_iteration_is_a_bound(seed: int) -> None:
    """The trace never falls below the best plan; the bound is its lowest entry."""
    problem = random_problem(seed, contacts=4, groups=2, cells=5)
    found = lower_path(problem, search=Search(iterations=50))
    assert (found.trace >= best_plan(problem) - 1e-9).all()
    assert found.bound == found.trace.min()
    assert (found.price >= 0).all()
    assert path_bound(problem, found.price) == pytest.approx(found.bound)


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_close_to_the_clairvoyant_programme(seed: int) -> None:
    """Within 0.5 % of the linear optimum, and never below it (120 contacts, 3 groups)."""
    problem = random_problem(seed, contacts=120, groups=3, cells=60)
    optimum = linear_optimum(problem)
    found = lower_path(problem, search=Search(iterations=400))
    assert found.bound >= optimum - 1e-6
    assert found.bound <= optimum + 0.005 * abs(optimum)


def test_the_dual_function_by_hand() -> None:
    """One agent, one contact of 25 s worth 10, at prices 0.1, 0.2, 0.3 per second."""
    problem = PathProblem(
        cell_s=10.0,
        staff=np.ones((1, 3)),
        may_start=np.ones((1, 3), dtype=bool),
        first=np.array([0]),
        last=np.array([1]),
        arrival_s=np.array([0.0]),
        waiting_cost=np.array([0.05]),
        attention=np.array([0.5]),
        unserved=np.array([-1.0]),
        start=np.array([0, 1]),
        group=np.array([0]),
        reward=np.array([10.0]),
        work_s=np.array([25.0]),
    )
    price = np.array([[0.1, 0.2, 0.3]])
    # Staff: 10 s * 0.6 = 6. Start at 0: 10 - 0.5 (1 + 2 + 1.5) = 7.75. Start at 10 s: the work
    # ends after the last cell, where time is free: 10 - 0.5 - 0.5 (2 + 3) = 7. So 6 + 7.75.
    assert path_bound(problem, price) == pytest.approx(13.75)
    # At ten times the prices the contact is better left: 60 - 1.
    assert path_bound(problem, 10 * price) == pytest.approx(59.0)


def test_time_that_nobody_needs_costs_nothing() -> None:
    """With more agents than contacts the prices are 0 and the bound is what can be earned."""
    problem = random_problem(5, contacts=40, groups=3, cells=60)
    problem = replace(
        problem, staff=np.full((3, 60), 50.0), may_start=np.ones((3, 60), dtype=bool)
    )
    found = lower_path(problem, price=np.full((3, 60), 0.02))
    expected = sum(
        max([problem.unserved[i], *(gain for _, _, gain in starts(problem, i))]) for i in range(40)
    )
    assert found.bound == pytest.approx(expected)
    assert found.price.max() == pytest.approx(0.0, abs=1e-9)


def test_chats_share_an_agent() -> None:
    """Two chats of half an agent's attention fit where one of two calls does."""
    problem = random_problem(1, contacts=2, groups=1, cells=4)
    problem = replace(
        problem,
        staff=np.ones((1, 4)),
        may_start=np.array([[True, False, False, False]]),
        first=np.zeros(2, dtype=np.int64),
        last=np.zeros(2, dtype=np.int64),
        waiting_cost=np.zeros(2),
        unserved=np.zeros(2),
        start=np.array([0, 1, 2]),
        group=np.zeros(2, dtype=np.int64),
        reward=np.array([6.0, 4.0]),
        work_s=np.full(2, 20.0),
    )
    calls = lower_path(replace(problem, attention=np.ones(2)))
    chats = lower_path(replace(problem, attention=np.full(2, 0.5)))
    assert calls.bound == pytest.approx(6.0, rel=0.005)
    assert chats.bound == pytest.approx(10.0, rel=0.005)


def test_prices_that_are_near_help() -> None:
    """Started from the prices of a longer search, a short one is no worse than them."""
    problem = random_problem(2, contacts=120, groups=3, cells=60)
    long = lower_path(problem)
    again = lower_path(problem, long.price, Search(iterations=10))
    assert again.bound <= long.bound + 1e-9
    assert lower_path(problem, search=Search(iterations=10)).bound > again.bound


def test_the_same_problem_gives_the_same_path() -> None:
    """Nothing is random."""
    problem = random_problem(3, contacts=60, groups=3, cells=60)
    one, other = lower_path(problem), lower_path(problem)
    np.testing.assert_array_equal(one.price, other.price)
    np.testing.assert_array_equal(one.trace, other.trace)


def test_wrong_problems_are_refused() -> None:
    """Arrays that differ in length, starts outside the day and negative numbers are named."""
    good = random_problem(1, contacts=4, groups=2, cells=5)
    with pytest.raises(ValueError, match="contact arrays differ"):
        replace(good, attention=good.attention[1:])
    with pytest.raises(ValueError, match="option arrays differ"):
        replace(good, reward=good.reward[1:])
    with pytest.raises(ValueError, match="expected \\(M, T\\) for both"):
        replace(good, staff=good.staff - 5.0)
    with pytest.raises(ValueError, match="a start outside"):
        replace(good, last=good.last + 5)
    with pytest.raises(ValueError, match="negative work"):
        replace(good, work_s=-good.work_s)
