"""Problems with pair units against every assignment there is, and what the backend promises."""

from itertools import count, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.small_instances import Family, best_gain, draw_problem
from models.dense_problem import dense_problem
from models.feasibility import violations
from models.problem import MILLI, NO_TIER, NOBODY, AssignmentProblem, Mixes
from models.solution import Hint, Limit, SolveOptions, Termination, served_by_tier
from solver.backend import assignment_gain
from solver.backends import units
from solver.units_bound import bound_at
from solver.units_form import build_form

OPTIONS = SolveOptions(deadline_s=30.0)


@st.composite
def small_problems(draw: st.DrawFn) -> AssignmentProblem:
    """Up to five contacts and three agents with everything that a problem may have."""
    contacts, agents = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lane_cap = rng.integers(0, 4, (agents, 2))
    mixes = None
    if draw(st.booleans()):
        count = np.minimum(rng.integers(0, 4, (2 * agents, 2)), np.repeat(lane_cap, 2, axis=0))
        mixes = Mixes(2 * np.arange(agents + 1, dtype=np.int64), count)
    return dense_problem(
        rng.integers(-4, 12, (contacts, agents)),
        rng.integers(0, 5, agents),
        eligible=rng.random((contacts, agents)) < 0.8,
        lane=rng.integers(0, 2, contacts).astype(np.int32),
        lane_cap=lane_cap,
        load_cost=np.sort(rng.integers(0, 4, (agents, draw(st.integers(0, 2)))), axis=1),
        agent_site=rng.integers(NOBODY, 1, agents).astype(np.int32),
        site_cap=rng.integers(0, 5, 1),
        mixes=mixes,
        units=rng.integers(0, 9, (contacts, agents)),
        unit_cap=rng.integers(0, 15, agents),
        tier=rng.integers(NO_TIER, 3, contacts).astype(np.int32) if draw(st.booleans()) else None,
    )


@settings(max_examples=60, deadline=None)
@given(small_problems())
def test_counts_and_gain_equal_those_of_every_assignment(problem: AssignmentProblem) -> None:
    """Lexicographically most served by tier, then most gain, proven, as brute force finds it."""
    solution = units.solve(problem, OPTIONS, None)
    assert violations(problem, solution.agent) == ()
    assert solution.termination is Termination.OPTIMAL
    assert solution.gain == assignment_gain(problem, solution.agent)
    assert (solution.served, solution.gain) == max(_outcomes(problem))


@settings(max_examples=80, deadline=None)
@given(small_problems(), st.integers(0, 2**32 - 1))
def test_any_rents_bound_every_plan_that_serves_as_many(
    problem: AssignmentProblem, seed: int
) -> None:
    """D holds at any rents, those of contacts without a tier >= 0, for any counts."""
    form = build_form(problem)
    rng = np.random.default_rng(seed)
    rents = rng.integers(-6, 12, problem.num_contacts)
    rents = np.where(form.limits.tier == NO_TIER, np.maximum(rents, 0), rents)
    for served, gain in _outcomes(problem):
        occurring = tuple(served[tier] for tier in form.tiers)
        assert gain <= bound_at(form, rents, occurring)


def test_a_negative_rent_without_a_tier_is_refused() -> None:
    """Such a rent would prove nothing: nobody makes the contact be served."""
    form = build_form(_knapsack())
    with pytest.raises(ValueError, match="negative rent"):
        bound_at(form, np.array([-1, 0, 0, 0]), ())


def test_tiers_are_served_at_a_loss_and_before_money() -> None:
    """One agent of 10 units. Tier 0 weighs 6 and loses 5; money of 9 and weight 5 must wait.

    Serving the first alone gives (1, -5); the second would gain 9 but leaves no room for it.
    """
    problem = dense_problem(
        np.array([[-5], [9]]),
        np.array([2]),
        units=np.array([[6], [5]]),
        unit_cap=np.array([10]),
        tier=np.array([0, NO_TIER], dtype=np.int32),
    )
    solution = units.solve(problem, OPTIONS, None)
    assert solution.agent.tolist() == [0, NOBODY]
    assert (solution.served, solution.gain, solution.bound) == ((1,), -5, -5)


def test_more_light_contacts_of_a_tier_beat_one_heavy() -> None:
    """Not everybody fits: two of 5 units each are more than one of 10 that gains a thousand."""
    problem = dense_problem(
        np.array([[1000], [1], [1]]),
        np.array([3]),
        units=np.array([[10], [5], [5]]),
        unit_cap=np.array([10]),
        tier=np.zeros(3, dtype=np.int32),
    )
    solution = units.solve(problem, OPTIONS, None)
    assert (solution.served, solution.gain) == ((2,), 2)
    assert solution.termination is Termination.OPTIMAL


def test_weightless_contacts_all_fit_and_too_heavy_ones_never() -> None:
    """Zero units take no room, more units than the cap are never served, even alone."""
    problem = dense_problem(
        np.array([[3], [4], [50]]),
        np.array([3]),
        units=np.array([[0], [0], [8]]),
        unit_cap=np.array([7]),
    )
    solution = units.solve(problem, OPTIONS, None)
    assert solution.agent.tolist() == [0, 0, NOBODY]
    assert (solution.gain, solution.bound) == (7, 7)


@pytest.mark.parametrize(("contacts", "agents"), [(0, 0), (0, 2), (3, 0), (3, 2)])
def test_nothing_to_give_is_a_proven_plan(contacts: int, agents: int) -> None:
    """Without contacts, agents or eligible pairs everybody waits, which is optimal."""
    problem = dense_problem(
        np.zeros((contacts, agents), dtype=np.int64),
        np.ones(agents, dtype=np.int64),
        eligible=np.zeros((contacts, agents), dtype=bool),
        units=np.zeros((contacts, agents), dtype=np.int64),
        unit_cap=np.ones(agents, dtype=np.int64),
    )
    solution = units.solve(problem, OPTIONS, None)
    assert (solution.agent == NOBODY).all()
    assert (solution.gain, solution.bound) == (0, 0)


def test_units_too_fine_for_a_table_still_give_a_valid_bound() -> None:
    """Capacities of billions are rounded in the bound, never in the plan: 4 + 3 fits, 4 + 5 not.

    In units of 1e9 plus odd remainders: weights 6, 5, 4 with gains 4, 5, 3 and room for 9.
    """
    weight = np.array([[6_000_000_007], [5_000_000_009], [4_000_000_011]])
    problem = dense_problem(
        np.array([[4], [5], [3]]),
        np.array([3]),
        units=weight,
        unit_cap=np.array([9_000_000_020]),
    )
    solution = units.solve(problem, OPTIONS, None)
    # 5 and 4 need 9,000,000,020 units exactly; 6 with any other is too heavy.
    assert (solution.agent.tolist(), solution.gain) == ([NOBODY, 0, 0], 8)


def test_equal_arguments_give_equal_solutions() -> None:
    """Same problem, options and hint: the same plan, bound and rents."""
    problem = _random(20, 4, seed=3)
    one, other = (units.solve(problem, OPTIONS, None) for _ in range(2))
    assert one.agent.tolist() == other.agent.tolist()
    assert one.rents is not None
    assert other.rents is not None
    assert one.rents.tolist() == other.rents.tolist()
    assert (one.gain, one.bound) == (other.gain, other.bound)


def test_a_hint_of_rents_changes_no_optimum() -> None:
    """Known rents are where the descent begins, nothing else."""
    problem = _random(20, 4, seed=4)
    cold = units.solve(problem, OPTIONS, None)
    warm = units.solve(problem, OPTIONS, Hint(rents=cold.rents))
    assert cold.termination is warm.termination is Termination.OPTIMAL
    assert cold.gain == warm.gain


def test_a_deadline_that_has_passed_leaves_a_valid_plan_and_bound() -> None:
    """A clock that jumps an hour at every look: the first steps still give plan and bound."""
    problem = _random(24, 4, seed=5)
    hours = count(0, 3600)
    solution = units.solve(problem, SolveOptions(deadline_s=1.0), None, lambda: next(hours))
    assert violations(problem, solution.agent) == ()
    assert solution.limit is Limit.TIME
    best = units.solve(problem, OPTIONS, None)
    assert solution.gain <= best.gain <= solution.bound


def test_the_gap_asked_for_is_enough() -> None:
    """A target of half the gain stops before the proof, and says so."""
    problem = _random(24, 4, seed=5)
    solution = units.solve(problem, SolveOptions(deadline_s=30.0, gap_target=0.5), None)
    assert solution.limit is Limit.GAP
    assert solution.gap <= 0.5


def _random(contacts: int, agents: int, seed: int) -> AssignmentProblem:
    """Room for about two thirds of the contacts, gains that go with the units."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(5, 26, (contacts, agents))
    return dense_problem(
        weight * MILLI + rng.integers(0, 9000, (contacts, agents)),
        np.full(agents, contacts),
        units=weight,
        unit_cap=np.full(agents, 10 * contacts // agents),
    )


def _knapsack() -> AssignmentProblem:
    return dense_problem(
        np.array([[6], [5], [4], [1]]),
        np.array([4]),
        units=np.array([[3], [2], [2], [1]]),
        unit_cap=np.array([4]),
    )


def _outcomes(problem: AssignmentProblem) -> list[tuple[tuple[int, ...], int]]:
    """Counts by tier and gain of every valid assignment."""
    rows = [
        [
            NOBODY,
            *problem.pairs.agent[problem.pairs.start[i] : problem.pairs.start[i + 1]].tolist(),
        ]
        for i in range(problem.num_contacts)
    ]
    outcomes = []
    for choice in product(*rows):
        agent = np.array(choice, dtype=np.int32)
        if violations(problem, agent) == ():
            outcomes.append((served_by_tier(problem, agent), assignment_gain(problem, agent)))
    return outcomes


def test_a_window_that_holds_no_multiple_of_its_gains_is_empty() -> None:
    """Open pairs gain multiples of 3 while others do not: 4 to 5 is no question for CP-SAT."""
    problem = draw_problem(Family.UNITS, 2246)
    solution = units.solve(problem, OPTIONS, None)
    assert solution.gain == solution.bound == best_gain(problem)
