"""Losses of forced pairs in any plan: what prices may promise, and no more."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from time import monotonic

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from benchmarks.small_instances import Family, Worth, best_worth
from models.bound import configuration_bound, no_prices
from models.dense_problem import dense_problem
from models.feasibility import violations
from models.problem import LARGEST_GAIN, MILLI, NO_TIER, NOBODY, AssignmentProblem, Mixes
from models.solution import Hint, Limit, Proof, Solution, SolveOptions, Termination, served_by_tier
from solver.backend import BackendError, Clock, assignment_gain
from solver.backends import flow, greedy
from solver.forced import Move, build_exchanges, forced_pair
from solver.questions import (
    ForcedLoss,
    best_with_pair,
    least_loss,
    loss_of_pair,
    reduced_loss,
)
from solver.solve import solve
from solver.tiers import solve_in_tiers
from tests.solver.lawful import drawn_in_tiers

Problems = SearchStrategy[AssignmentProblem]
BruteForce = Callable[[AssignmentProblem], int]

OPTIONS = SolveOptions()
PATIENT = SolveOptions(deadline_s=30.0)
PRIZE = 10**6
TORN = (Family.UNITS, 205)
some = settings(max_examples=40, deadline=None)


@some
@given(data=st.data())
def test_the_reduced_loss_never_exceeds_the_loss(data: DataObject, problems: Problems) -> None:
    """For an optimal plan the least loss is the reduced loss, and a true lower bound."""
    problem = data.draw(problems)
    solution = flow.solve(problem, OPTIONS, None)
    exchanges = build_exchanges(problem, solution.agent)
    for i, j in zip(problem.pairs.contact.tolist(), problem.pairs.agent.tolist(), strict=True):
        least = reduced_loss(problem, solution, i, j)
        assert least == least_loss(problem, solution, i, j) >= 0
        forced = forced_pair(exchanges, i, j)
        assert forced is None or least <= forced.loss


@some
@given(data=st.data())
def test_a_plan_with_a_gap_promises_only_what_its_bound_allows(
    data: DataObject, problems: Problems, brute_force: BruteForce
) -> None:
    """Greedy plans: no plan with the pair gains more than the plan's gain less the least loss."""
    problem = data.draw(problems)
    solution = greedy.solve(problem, OPTIONS, None)
    for i, j in zip(problem.pairs.contact.tolist(), problem.pairs.agent.tolist(), strict=True):
        here = np.arange(problem.num_contacts) == i
        forced = replace(
            problem,
            only_agent=np.where(here, np.int32(j), problem.only_agent),
            base=problem.base + here * (PRIZE / MILLI),
        )
        with_pair = brute_force(forced) - PRIZE
        assert solution.gain - with_pair >= least_loss(problem, solution, i, j)
        again = best_with_pair(problem, i, j, OPTIONS, flow.solve)
        assert with_pair < -PRIZE // 2 if again is None else again.gain == with_pair


@some
@given(data=st.data())
def test_with_mixes_the_rents_bound_the_loss(data: DataObject) -> None:
    """Voice or two chats; any rents: the best valid plan with the pair is within the promise."""
    small = st.integers(-3, 12)
    gain = np.array(data.draw(st.lists(small, min_size=8, max_size=8))).reshape(4, 2)
    rents = np.array(data.draw(st.lists(st.integers(0, 8), min_size=4, max_size=4)))
    problem = dense_problem(
        gain,
        np.array([2, 2]),
        lane=np.array([0, 0, 1, 1], dtype=np.int32),
        lane_cap=np.array([[1, 2], [1, 2]]),
        mixes=Mixes(np.array([0, 2, 4]), np.array([[1, 0], [0, 2], [1, 0], [0, 2]])),
    )
    plans = [np.array(c, dtype=np.int32) - 1 for c in np.ndindex(3, 3, 3, 3)]
    valued = [
        (assignment_gain(problem, plan), plan) for plan in plans if not violations(problem, plan)
    ]
    prices = no_prices(problem)
    nobody = np.full(4, NOBODY, dtype=np.int32)
    bound = configuration_bound(problem, rents, prices.site)
    solution = Solution(
        nobody, 0, bound, prices, Termination.FEASIBLE, Limit.METHOD, "none", 0, Proof.RENTS, rents
    )
    for i, j in np.ndindex(4, 2):
        most = max(value for value, plan in valued if plan[i] == j)
        assert solution.gain - most >= least_loss(problem, solution, i, j)


def test_rents_see_what_an_exclusive_call_displaces() -> None:
    """Chats worth 10 each beside a call worth 1: at rents 0 forcing the call loses 20 - 1 = 19."""
    problem = dense_problem(
        np.array([[1], [10], [10]]),
        np.array([2]),
        lane=np.array([0, 1, 1], dtype=np.int32),
        lane_cap=np.array([[1, 2]]),
        mixes=Mixes(np.array([0, 2]), np.array([[1, 0], [0, 2]])),
    )
    rents, prices = np.zeros(3, dtype=np.int64), no_prices(problem)
    chats = np.array([NOBODY, 0, 0], dtype=np.int32)
    solution = Solution(
        chats, 20, 20, prices, Termination.OPTIMAL, None, "none", 0, Proof.RENTS, rents
    )
    assert least_loss(problem, solution, 0, 0) == 19


def test_questions_that_prices_cannot_answer_are_refused() -> None:
    """Tiers, pairs that are not eligible, and weights that do not fit."""
    tiered = dense_problem(np.array([[5]]), np.array([1]), tier=np.zeros(1, dtype=np.int32))
    solution = flow.solve(replace(tiered, tier=None), OPTIONS, None)
    with pytest.raises(ValueError, match="the problem has tiers"):
        least_loss(tiered, solution, 0, 0)
    nobody = dense_problem(np.array([[5]]), np.array([1]), eligible=np.array([[False]]))
    with pytest.raises(ValueError, match="not eligible"):
        reduced_loss(nobody, flow.solve(nobody, OPTIONS, None), 0, 0)
    gain = LARGEST_GAIN // 4
    dear = dense_problem(np.full((2, 1), gain), np.array([1]), tier=np.array([0, NO_TIER]))
    plan = Solution(
        np.array([0, NOBODY]), gain, gain, no_prices(dear), Termination.OPTIMAL, None, "none"
    )
    with pytest.raises(OverflowError, match="use fewer tiers"):
        loss_of_pair(dear, plan, 1, 0, OPTIONS, flow.solve)


def by_enumeration(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """An exact backend for two agents and four contacts, with mixes."""
    del options, hint, clock
    plans = [np.array(c, dtype=np.int32) - 1 for c in np.ndindex(3, 3, 3, 3)]
    able = {(i, j) for i, j in zip(*_listed(problem), strict=True)}
    valid = [
        plan
        for plan in plans
        if {(i, j) for i, j in enumerate(plan.tolist()) if j != NOBODY} <= able
        and not violations(problem, plan)
    ]
    plan = max(valid, key=lambda plan: assignment_gain(problem, plan))
    gain = assignment_gain(problem, plan)
    free = no_prices(problem)
    return Solution(plan, gain, gain, free, Termination.OPTIMAL, None, "all", 0, Proof.SEARCH)


def _listed(problem: AssignmentProblem) -> tuple[list[int], list[int]]:
    return problem.pairs.contact.tolist(), problem.pairs.agent.tolist()


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_loss_with_mixes_is_exact_where_solving_again_is(data: DataObject) -> None:
    """The moves lead from the plan to a valid one with the pair that gains that much less."""
    small = st.integers(-3, 12)
    gain = np.array(data.draw(st.lists(small, min_size=8, max_size=8))).reshape(4, 2)
    problem = dense_problem(
        gain,
        np.array([2, 2]),
        lane=np.array([0, 0, 1, 1], dtype=np.int32),
        lane_cap=np.array([[1, 2], [1, 2]]),
        mixes=Mixes(np.array([0, 2, 4]), np.array([[1, 0], [0, 2], [1, 0], [0, 2]])),
    )
    plan = by_enumeration(problem, OPTIONS, None)
    for i, j in np.ndindex(4, 2):
        loss = loss_of_pair(problem, plan, i, j, OPTIONS, by_enumeration)
        assert loss is not None
        assert loss.is_exact
        assert loss.at_most >= 0
        moved = plan.agent.copy()
        for move in loss.moves:
            assert moved[move.contact] == move.from_agent
            moved[move.contact] = move.to_agent
        assert moved[i] == j
        assert violations(problem, moved) == ()
        assert assignment_gain(problem, moved) == plan.gain - loss.at_most


@pytest.mark.parametrize(("family", "seed"), [*product([Family.MIXES], range(3)), TORN])
def test_the_loss_in_tiers_is_that_of_the_best_plan_with_the_pair(
    family: Family, seed: int
) -> None:
    """Counts come first. With units, changes that share nothing but an agent's room belong to it,
    too: leaving some out would state the loss of another plan, which gains less.
    """
    problem = drawn_in_tiers(family, seed)
    plan = solve(problem, PATIENT)
    assert plan.termination is Termination.OPTIMAL
    for i, j in zip(problem.pairs.contact.tolist(), problem.pairs.agent.tolist(), strict=True):
        best = best_worth_with(problem, i, j)
        loss = loss_of_pair(problem, plan, i, j, PATIENT, solve)
        assert (loss is None) == (best is None)
        if loss is not None and loss.is_exact:
            fewer = loss.fewer_served or (0,) * len(plan.served)
            counts = [had - less for had, less in zip(plan.served, fewer, strict=True)]
            assert (*counts, plan.gain - loss.at_most) == best


def best_worth_with(problem: AssignmentProblem, i: int, j: int) -> Worth | None:
    """The best of all assignments with the pair: contact i may go nowhere else, before all tiers.

    None where it cannot go there.
    """
    assert problem.tier is not None
    here, pairs, units = np.arange(problem.num_contacts) == i, problem.pairs, problem.units
    if units is not None:
        units = replace(units, of_pair=units.of_pair[(pairs.contact != i) | (pairs.agent == j)])
    later = np.where(problem.tier == NO_TIER, NO_TIER, problem.tier + 1)
    there, *worth = best_worth(
        replace(
            problem,
            only_agent=np.where(here, j, problem.only_agent).astype(np.int32),
            tier=np.where(here, 0, later).astype(np.int32),
            units=units,
        )
    )
    counts = [*worth[:-1], *[0] * (int(problem.tier.max()) + 2 - len(worth))]
    if problem.tier[i] != NO_TIER:
        counts[problem.tier[i]] += 1
    return (*counts, worth[-1]) if there else None


def test_changes_that_have_nothing_to_do_with_the_pair_are_left_out() -> None:
    """c0 and c1 compete for agent 0; c2 and c3, alike for agent 1, may swap when solving again."""
    problem = dense_problem(
        np.array([[5, 0], [4, 0], [0, 3], [0, 3]]),
        np.array([1, 1]),
        eligible=np.array([[True, False], [True, False], [False, True], [False, True]]),
    )
    # Feasible by name only, so that the answer comes from solving again.
    plan = replace(
        flow.solve(problem, OPTIONS, None),
        agent=np.array([0, NOBODY, 1, NOBODY], dtype=np.int32),
        termination=Termination.FEASIBLE,
        limit=Limit.METHOD,
    )

    def swapping(
        problem: AssignmentProblem,
        options: SolveOptions,
        hint: Hint | None,
        clock: Clock = monotonic,
    ) -> Solution:
        found = flow.solve(problem, options, hint, clock)
        return replace(found, agent=np.array([NOBODY, 0, NOBODY, 1], dtype=np.int32))

    loss = loss_of_pair(problem, plan, 1, 0, OPTIONS, swapping)
    assert loss == ForcedLoss(1, 1, (Move(1, NOBODY, 0), Move(0, 0, NOBODY)))


def test_a_bound_that_a_plan_disproves_is_a_defect() -> None:
    """A plan of 4 is called optimal by search, but with the other contact it is 5."""
    problem = dense_problem(
        np.array([[5], [4]]), np.array([1]), mixes=Mixes(np.array([0, 2]), np.array([[1], [0]]))
    )
    wrong = Solution(
        np.array([NOBODY, 0]), 4, 4, no_prices(problem), Termination.OPTIMAL, None, "search"
    )
    with pytest.raises(BackendError, match="a plan that gains 5 exists, but its bound is 4"):
        loss_of_pair(problem, wrong, 0, 0, OPTIONS, greedy.solve)


def test_changes_at_one_agent_are_told_apart_by_their_slots() -> None:
    """Agent 0 has two slots: c1 comes for c0, and that c2 and c3 swap there is left out."""
    problem = dense_problem(
        np.array([[5, 0], [4, 0], [0, 0], [0, 0]]),
        np.array([2, 1]),
        eligible=np.array([[True, False], [True, False], [True, True], [True, True]]),
    )
    plan = Solution(
        np.array([0, NOBODY, 0, 1]),
        5,
        8,
        no_prices(problem),
        Termination.FEASIBLE,
        Limit.METHOD,
        "a",
    )

    def swapping(
        problem: AssignmentProblem,
        options: SolveOptions,
        hint: Hint | None,
        clock: Clock = monotonic,
    ) -> Solution:
        del problem, options, hint, clock
        return replace(plan, agent=np.array([NOBODY, NOBODY, 1, 0]), gain=0, bound=0)

    loss = loss_of_pair(problem, plan, 1, 0, OPTIONS, swapping)
    assert loss is not None
    assert (loss.at_most, loss.moves) == (1, (Move(1, NOBODY, 0), Move(0, 0, NOBODY)))


def test_of_plans_worth_the_same_the_one_that_keeps_mixes_is_told() -> None:
    """c1 leaves agent 1: c2 takes its slot there, not c3, for whom the agent changes his mix.

    The plan has c0 at 0 for 5 and c1 at 1 for 6; with c1 at 0 for 4, c2 or c3 brings 3: 11 - 7.
    """
    problem = dense_problem(
        np.array([[5, 0], [4, 6], [0, 3], [0, 3]]),
        np.array([1, 1]),
        eligible=np.array([[True, False], [True, True], [False, True], [False, True]]),
        lane=np.array([0, 0, 0, 1], dtype=np.int32),
        lane_cap=np.array([[1, 1], [1, 1]]),
        mixes=Mixes(np.array([0, 2, 4]), np.array([[1, 0], [0, 1], [1, 0], [0, 1]])),
    )
    plan = Solution(
        np.array([0, 1, NOBODY, NOBODY]), 11, 11, no_prices(problem), Termination.OPTIMAL, None, ""
    )

    def changing(
        problem: AssignmentProblem,
        options: SolveOptions,
        hint: Hint | None,
        clock: Clock = monotonic,
    ) -> Solution:
        del options, hint, clock
        is_kept = len(problem.all_mixes.count) == problem.num_agents
        agent = [NOBODY, NOBODY, 1, NOBODY] if is_kept else [NOBODY, NOBODY, NOBODY, 1]
        return replace(plan, agent=np.array(agent), gain=3, bound=3)

    loss = loss_of_pair(problem, plan, 1, 0, OPTIONS, changing)
    moves = (Move(1, 1, 0), Move(0, 0, NOBODY), Move(2, NOBODY, 1))
    assert loss == ForcedLoss(4, 4, moves)


def test_a_pair_that_no_plan_contains() -> None:
    """No room at all is proven whatever the plan: of slots, or of units."""
    problem = dense_problem(np.array([[5]]), np.array([0]))
    plan = flow.solve(problem, OPTIONS, None)
    unproven = replace(plan, termination=Termination.FEASIBLE, limit=Limit.METHOD)
    for told in (plan, unproven):
        assert loss_of_pair(problem, told, 0, 0, OPTIONS, flow.solve) is None
    heavy = dense_problem(
        np.array([[5]]), np.array([1]), units=np.array([[7]]), unit_cap=np.array([6])
    )
    assert loss_of_pair(heavy, unproven, 0, 0, OPTIONS, flow.solve) is None


def test_the_units_of_the_pair_are_taken_from_the_others() -> None:
    """Cap 10: forcing the contact of 6 leaves 4 units, and only the one of 4 fits beside it."""
    problem = dense_problem(
        np.array([[1], [9], [5]]),
        np.array([3]),
        units=np.array([[6], [7], [4]]),
        unit_cap=np.array([10]),
    )

    found = best_with_pair(problem, 0, 0, OPTIONS, greedy.solve)
    assert found is not None
    assert (found.agent.tolist(), found.gain) == ([0, NOBODY, 0], 1 + 5)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_with_tiers_counts_come_before_money(data: DataObject, problems: Problems) -> None:
    """Of all plans with the pair the best in tiers, by enumeration; proven by path or unproven."""
    drawn = data.draw(problems)
    size = drawn.num_contacts
    tier = data.draw(st.lists(st.integers(NO_TIER, 2), min_size=size, max_size=size))
    problem = replace(drawn, tier=np.array(tier, dtype=np.int32))
    plan = in_tiers(problem, OPTIONS, None)
    pairs = problem.pairs
    own = [[NOBODY, *pairs.agent[pairs.start[i] : pairs.start[i + 1]]] for i in range(size)]
    plans = [np.array(choice, dtype=np.int32) for choice in product(*own)]
    valued = [
        (served_by_tier(problem, one), assignment_gain(problem, one), one)
        for one in plans
        if not violations(problem, one)
    ]
    rough = replace(plan, termination=Termination.FEASIBLE, limit=Limit.METHOD)
    for i, j in zip(pairs.contact.tolist(), pairs.agent.tolist(), strict=True):
        with_pair = [value[:2] for value in valued if value[2][i] == j]
        for known in (plan, rough):
            loss = loss_of_pair(problem, known, i, j, OPTIONS, in_tiers)
            if loss is None:
                assert with_pair == []
                continue
            served, gain = max(with_pair)
            assert loss.at_most == plan.gain - gain
            fewer = [had - has for had, has in zip(plan.served, served, strict=True)]
            assert not any(fewer) if loss.fewer_served == () else list(loss.fewer_served) == fewer
            assert loss.at_least is None or loss.at_least <= loss.at_most
            assert loss.is_exact or known is rough


def in_tiers(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """An exact solver that knows tiers."""
    return solve_in_tiers(problem, options, hint, flow.solve, clock)


def test_the_plans_own_pair_costs_nothing() -> None:
    """Also in a plan that may not be the best."""
    problem = dense_problem(np.array([[5], [4]]), np.array([1]))
    greedy_plan = replace(
        greedy.solve(problem, OPTIONS, None), termination=Termination.FEASIBLE, limit=Limit.METHOD
    )
    assert loss_of_pair(problem, greedy_plan, 0, 0, OPTIONS, flow.solve) == ForcedLoss(0, 0, ())
