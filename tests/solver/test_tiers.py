"""Tiers: the largest counts in their order, the most gain among those, and both proven."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain, count, islice, product, repeat
from time import monotonic

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from benchmarks.engine_instances import Form, Size, Structure, build_instance
from models.bound import upper_bound
from models.dense_problem import dense_problem
from models.feasibility import violations
from models.lifted import lifted
from models.problem import LARGEST_GAIN, MILLI, NO_TIER, NOBODY, AssignmentProblem, Mixes
from models.solution import (
    Hint,
    Limit,
    Proof,
    Solution,
    SolveOptions,
    Termination,
    served_by_tier,
)
from solver.backend import BackendError, Clock
from solver.backends import auction, flow, greedy
from solver.solve import solve
from solver.tier_levels import decide_counts, ranks, tier_levels, weighings
from solver.tier_search import LEAST_S, TimeLeft
from solver.tiers import solve_in_tiers

Problems = SearchStrategy[AssignmentProblem]
Value = Callable[[AssignmentProblem, list[int]], int]

OPTIONS = SolveOptions()
PATIENT = SolveOptions(deadline_s=30.0)
many = settings(max_examples=60, deadline=None)
some = settings(max_examples=40, deadline=None)


def with_tiers(data: DataObject, problem: AssignmentProblem) -> AssignmentProblem:
    """The problem with up to five tiers, some of them empty."""
    size = problem.num_contacts
    drawn = data.draw(st.lists(st.integers(NO_TIER, 4), min_size=size, max_size=size))
    return replace(problem, tier=np.array(drawn, dtype=np.int32))


def best_by_enumeration(problem: AssignmentProblem) -> tuple[tuple[int, ...], int]:
    """The largest (counts by tier, gain) of all valid assignments."""
    pairs = problem.pairs
    own = [
        [NOBODY, *pairs.agent[pairs.start[i] : pairs.start[i + 1]].tolist()]
        for i in range(problem.num_contacts)
    ]
    plain = replace(problem, tier=None)
    found = [((0,) * len(served_by_tier(problem, np.full(len(own), NOBODY))), 0)]
    for choice in product(*own):
        agent = np.array(choice, dtype=np.int32)
        if not violations(plain, agent):
            gain = greedy_free_gain(plain, agent)
            found.append((served_by_tier(problem, agent), gain))
    return max(found)


def greedy_free_gain(problem: AssignmentProblem, agent: np.ndarray) -> int:
    """Gain by definition: pair gains less the load cost of every agent's first n contacts."""
    pairs = problem.pairs
    gain = sum(
        int(pairs.gain[e]) for e in range(len(pairs)) if agent[pairs.contact[e]] == pairs.agent[e]
    )
    steps = problem.load_cost.shape[1]
    for j in range(problem.num_agents):
        for n in range(int((agent == j).sum()) if steps else 0):
            gain -= int(problem.load_cost[j, min(n, steps - 1)])
    return gain


@many
@given(data=st.data())
def test_counts_and_gain_are_those_of_enumeration(data: DataObject, problems: Problems) -> None:
    """Lanes, sites, load costs, negative gains, up to five tiers: equal to brute force, proven."""
    problem = with_tiers(data, data.draw(problems))
    solution = solve_in_tiers(problem, PATIENT, None, flow.solve)
    assert (solution.served, solution.gain) == best_by_enumeration(problem)
    assert solution.termination is Termination.OPTIMAL
    assert solution.bound == solution.gain
    assert violations(problem, solution.agent) == ()


@some
@given(data=st.data())
def test_the_counts_are_those_of_maximum_flows(data: DataObject, problems: Problems) -> None:
    """P_k, served of tiers 0 to k, is the maximum flow of their contacts alone, for every k."""
    problem = with_tiers(data, data.draw(problems))
    served = solve_in_tiers(problem, PATIENT, None, flow.solve).served
    for k in range(len(served)):
        assert problem.tier is not None
        within = (problem.tier != NO_TIER) & (problem.tier <= k)
        assert sum(served[: k + 1]) == most_served(problem, within)


def most_served(problem: AssignmentProblem, contacts: np.ndarray) -> int:
    """Most of the chosen contacts that can be served together: source, contacts, lanes, agents,
    sites, sink, by scipy.
    """
    place = count(1)
    rows: list[tuple[int, int, int]] = []
    lane_at = {at: next(place) for at in np.ndindex(problem.lane_cap.shape)}
    agent_in = [next(place) for _ in range(problem.num_agents)]
    site_at = [next(place) for _ in problem.site_cap]
    contact_at = [next(place) for _ in range(problem.num_contacts)]
    sink = next(place)
    for (j, lane), node in lane_at.items():
        rows.append((node, agent_in[j], int(problem.lane_cap[j, lane])))
    for j, node in enumerate(agent_in):
        site = int(problem.agent_site[j])
        rows.append((node, sink if site == NOBODY else site_at[site], int(problem.agent_cap[j])))
    rows += [(node, sink, int(problem.site_cap[s])) for s, node in enumerate(site_at)]
    rows += [(0, contact_at[i], 1) for i in np.flatnonzero(contacts).tolist()]
    pairs = problem.pairs
    for i, j in zip(pairs.contact.tolist(), pairs.agent.tolist(), strict=True):
        rows.append((contact_at[i], lane_at[j, int(problem.contact_lane[i])], 1))
    tail, head, cap = np.array(rows or [(0, sink, 0)], dtype=np.int32).T
    arcs = csr_array((cap, (tail, head)), shape=(sink + 1, sink + 1), dtype=np.int32)
    return int(maximum_flow(arcs, 0, sink).flow_value)


@some
@given(data=st.data())
def test_prices_and_weight_prove_the_gain(data: DataObject, problems: Problems) -> None:
    """D of the weighted gains at the prices, less the weights served, is the bound."""
    problem = with_tiers(data, data.draw(problems))
    solution = solve_in_tiers(problem, PATIENT, None, flow.solve)
    assert problem.tier is not None
    lift = solution.tier_weight * np.array((*solution.tier_levels, 0))[problem.tier]
    proven = upper_bound(lifted(problem, lift), solution.prices)
    assert proven - int(lift[solution.agent != NOBODY].sum()) == solution.gain


@some
@given(data=st.data())
def test_a_greedy_backend_gives_honest_counts_and_bounds(
    data: DataObject, problems: Problems
) -> None:
    """No assignment that serves as many of tiers 0 to k for every k gains more than the bound."""
    problem = with_tiers(data, data.draw(problems))
    solution = solve_in_tiers(problem, PATIENT, None, greedy.solve)
    assert solution.served == served_by_tier(problem, solution.agent)
    assert violations(problem, solution.agent) == ()
    exact = solve_in_tiers(problem, PATIENT, None, flow.solve)
    assert solution.served <= exact.served
    assert solution.bound >= max(solution.gain, exact.gain)
    if solution.termination is Termination.OPTIMAL:
        assert (solution.served, solution.gain) == (exact.served, exact.gain)


def test_a_tiered_contact_is_served_at_a_loss() -> None:
    """One slot; the tiered contact loses 5, the other would gain 100: tiers come first."""
    problem = dense_problem(
        np.array([[-5_000], [100_000]]), np.array([1]), tier=np.array([0, NO_TIER])
    )
    solution = solve_in_tiers(problem, PATIENT, None, flow.solve)
    assert solution.agent.tolist() == [0, NOBODY]
    assert (solution.served, solution.gain, solution.bound) == ((1,), -5_000, -5_000)


def test_the_weight_is_raised_where_serving_one_more_costs_a_long_chain() -> None:
    """Serving the tiered contact moves three others, each at a loss of the whole spread.

    Contacts 0, 1, 2 sit at agents 0, 1, 2 for 100 each; moving one to the next agent leaves it
    -100, and contact 3 (tiered) can only be served by agent 0. The last one, contact 2, moves to
    agent 3. Everybody is tiered, so nobody may be dropped: 300 become 3 x -100 + 0 = -300.
    """
    eligible = np.zeros((4, 4), dtype=bool)
    gain = np.zeros((4, 4), dtype=np.int64)
    for i in range(3):
        eligible[i, [i, i + 1]] = True
        gain[i, [i, i + 1]] = 100, -100
    eligible[3, 0] = True
    problem = dense_problem(
        gain, np.ones(4, dtype=np.int64), eligible=eligible, tier=np.zeros(4, dtype=np.int32)
    )
    solution = solve_in_tiers(problem, PATIENT, None, flow.solve)
    assert (solution.served, solution.gain) == ((4,), -300)
    # One exchange is worth 203 at most, 2 x (100 + 1) + 1, so the first weight is 256; the chain
    # costs 600, so it is raised once.
    assert solution.tier_weight == 16 * 256


def test_money_alone_is_left_to_the_backend() -> None:
    """Without a tiered contact nothing is weighed, and nobody is counted."""
    problem = dense_problem(np.array([[5], [9]]), np.array([1]), tier=np.full(2, NO_TIER))
    solution = solve_in_tiers(problem, PATIENT, None, flow.solve)
    assert (solution.gain, solution.served) == (9, ())
    assert solution.termination is Termination.OPTIMAL


def test_levels_fall_with_the_tier() -> None:
    """Numbers of tiers need not be dense; contacts without one have level 0."""
    problem = dense_problem(np.ones((4, 1), dtype=np.int64), np.array([1]))
    tiered = replace(problem, tier=np.array([7, 0, NO_TIER, 2], dtype=np.int32))
    assert tier_levels(tiered).tolist() == [1, 3, 0, 2]
    assert served_by_tier(tiered, np.array([0, NOBODY, 0, NOBODY])) == (0, 0, 0, 0, 0, 0, 0, 1)


def one_call_or_three_chats(tier: list[int], call: int = 10) -> AssignmentProblem:
    """One agent, who takes a call, which gains that much, or up to three chats, which gain 10."""
    return dense_problem(
        np.array([[call], [10], [10], [10]]),
        np.array([3]),
        lane=np.array([0, 1, 1, 1], dtype=np.int32),
        lane_cap=np.array([[1, 3]]),
        mixes=Mixes(np.array([0, 2]), np.array([[1, 0], [0, 3]])),
        tier=np.array(tier, dtype=np.int32),
    )


def test_with_mixes_one_call_outranks_many_chats_of_the_next_tier() -> None:
    """Each level is above the sum of the smaller ones, 4 > 3 x 1: most levels are most calls."""
    problem = one_call_or_three_chats([0, 1, 1, 1])
    level = tier_levels(problem)
    assert level.tolist() == [4, 1, 1, 1]
    assert decide_counts(problem, level)
    assert not decide_counts(problem, ranks(problem))
    solution = solve_in_tiers(problem, OPTIONS, None, by_enumeration)
    assert (solution.served, solution.gain) == ((1, 0), 10)
    assert solution.termination is Termination.OPTIMAL


def test_the_bound_is_that_of_the_plan_returned_and_not_of_the_one_it_came_with() -> None:
    """A gentle weight, 512, prefers three chats, 30 + 3 x 512, to the call, 100 + 2 x 512.

    So plans that serve the call gain 30 + 512 at most by this answer, and 130 by no price at all;
    30, what plans with three chats gain, would be no bound.
    """
    problem = one_call_or_three_chats([0, 1, 1, 1], call=100)

    def unproven(
        problem: AssignmentProblem,
        options: SolveOptions,
        hint: Hint | None,
        clock: Clock = monotonic,
    ) -> Solution:
        found = by_enumeration(problem, options, hint, clock)
        return replace(found, termination=Termination.FEASIBLE, limit=Limit.TIME)

    found = solve_in_tiers(problem, OPTIONS, None, unproven)
    assert (found.served, found.gain, found.bound) == ((1, 0), 100, 130)
    assert (found.termination, found.limit) == (Termination.FEASIBLE, Limit.TIME)


def test_a_plan_that_only_counts_is_filled() -> None:
    """A site has one place, which contact 0 must leave to contact 1: neither greed nor chains see.

    A method that stops with nothing, but counts to the end, finds both. To it contact 2, who has
    no tier, is nobody; they still get the agent who is free, and that plan meets its bound.
    """
    problem = dense_problem(
        np.array([[0, 9, 1, 0], [5, 0, 0, 0], [0, 0, 0, 7]]),
        np.ones(4, dtype=np.int64),
        eligible=np.array([[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]) > 0,
        agent_site=np.array([0, 0, NOBODY, NOBODY]),
        site_cap=np.array([1]),
        tier=np.array([0, 0, NO_TIER]),
    )

    def counting(
        problem: AssignmentProblem,
        options: SolveOptions,
        hint: Hint | None,
        clock: Clock = monotonic,
    ) -> Solution:
        found = flow.solve(problem, options, hint, clock)
        if not problem.term_coef.any():
            return found
        nobody = np.full(3, NOBODY, dtype=np.int32)
        cut = replace(found, termination=Termination.FEASIBLE, limit=Limit.TIME)
        return replace(cut, agent=nobody, gain=0)

    found = solve_in_tiers(problem, OPTIONS, None, counting)
    assert found.agent.tolist() == [2, 0, 3]
    assert (found.served, found.gain, found.termination) == ((2,), 13, Termination.OPTIMAL)


def test_levels_of_mixes_that_would_be_too_large_are_ranks() -> None:
    """40 tiers of 9: levels would be powers of 10 up to 10^39; their counts stay unproven."""
    tier = np.repeat(np.arange(40, dtype=np.int32), 9)
    problem = replace(
        dense_problem(np.full((360, 1), 10), np.array([2])),
        lane_cap=np.array([[2]]),
        mixes=Mixes(np.array([0, 2]), np.array([[1], [2]])),
        tier=tier,
    )
    level = tier_levels(problem)
    assert (level == 40 - tier).all()
    assert not decide_counts(problem, level)
    found = solve(problem, OPTIONS)
    assert (found.served[0], sum(found.served), found.gain) == (2, 2, 20)
    assert found.termination is Termination.FEASIBLE


def test_for_mixes_a_gentle_weight_is_tried_first() -> None:
    """Three mean gains of 10 are 30, below 32; then come weights that no exchange outweighs."""
    problem = one_call_or_three_chats([0, 1, 1, NO_TIER])
    gentle, sure, surer = islice(weighings(problem, 10), 3)
    assert (gentle.weight, gentle.level.tolist()) == (32, [2, 1, 1, 0])
    # No gain is above 11, so moving a contact is worth 23 at most.
    assert (sure.weight, sure.level.tolist()) == (32, [3, 1, 1, 0])
    assert surer.weight == 16 * sure.weight
    network = replace(problem, mixes=None)
    assert next(weighings(network, 10)).level.tolist() == [2, 1, 1, 0]


def by_enumeration(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """An exact backend for tiny problems with mixes."""
    del options, hint, clock
    choices = product(*[[NOBODY, 0]] * problem.num_contacts)
    agents = [np.array(choice, dtype=np.int32) for choice in choices]
    valid = [agent for agent in agents if not violations(problem, agent)]
    best = max(valid, key=lambda agent: greedy_free_gain(problem, agent))
    gain = greedy_free_gain(problem, best)
    free = flow.solve(replace(problem, mixes=None), OPTIONS, None).prices
    return Solution(best, gain, gain, free, Termination.OPTIMAL, None, "all", proof=Proof.SEARCH)


def test_weights_that_do_not_fit_are_refused_with_advice() -> None:
    """A gain near the largest leaves no room for weights."""
    problem = dense_problem(
        np.array([[LARGEST_GAIN - 10]]), np.array([1]), tier=np.zeros(1, dtype=np.int32)
    )
    with pytest.raises(OverflowError, match="use fewer tiers"):
        solve_in_tiers(problem, PATIENT, None, flow.solve)


def test_a_tick_does_without_tiers_that_do_not_fit() -> None:
    """The door drops the weakest tiers, whose contacts then compete by money."""
    problem = dense_problem(
        np.array([[LARGEST_GAIN - 10], [5]]), np.array([1]), tier=np.array([1, 0], dtype=np.int32)
    )
    found = solve(problem, OPTIONS)
    # Neither tier fits beside such a gain, so the slot goes to whom it is worth most.
    assert (found.agent.tolist(), found.termination) == ([0, NOBODY], Termination.OPTIMAL)


def test_a_backend_that_misstates_its_gain_is_found_out() -> None:
    """Gain and weights are counted again from the plan."""
    problem = dense_problem(np.array([[5]]), np.array([1]), tier=np.zeros(1, dtype=np.int32))

    def boasting(
        problem: AssignmentProblem,
        options: SolveOptions,
        hint: Hint | None,
        clock: Clock = monotonic,
    ) -> Solution:
        del clock
        found = flow.solve(problem, options, hint)
        return replace(found, gain=found.gain + 1, bound=found.bound + 1)

    with pytest.raises(BackendError, match="keep the batch"):
        solve_in_tiers(problem, OPTIONS, None, boasting)


def test_what_is_left_of_the_deadline_is_shared() -> None:
    """Half where another solve may follow, else all but twice what the first plan took."""
    seconds = iter([10.0, 10.25, 10.5, 11.0, 10.75, 11.25, 12.5, 12.5])
    time = TimeLeft(SolveOptions(deadline_s=2.0, gap_target=0.5), lambda: next(seconds))
    time.first_plan_is_there()  # after 0.25 s
    part = time.all_but_closing()
    assert (part.deadline_s, part.gap_target) == (1.0, 0.0)  # of 1.5 s, twice 0.25 are kept
    assert time.half().deadline_s == 0.5
    assert time.is_worth_a_try()  # 1.25 s are left, more than twice what is kept
    assert not time.is_worth_a_try()
    assert time.half().deadline_s == LEAST_S  # half a second late
    assert time.is_up()


def test_a_solve_that_finds_no_time_leaves_the_first_plan() -> None:
    """Two contacts of tier 0, one slot: the better one is served, and nothing is proven."""
    problem = dense_problem(np.array([[4], [5]]), np.array([1]), tier=np.zeros(2, dtype=np.int32))
    clock = chain([0.0], repeat(3.0))
    found = solve_in_tiers(problem, OPTIONS, None, flow.solve, clock=lambda: next(clock))
    assert (found.agent.tolist(), found.served, found.gain) == ([NOBODY, 0], (1,), 5)
    assert (found.termination, found.limit) == (Termination.FEASIBLE, Limit.TIME)
    assert found.tier_levels == (1,)


def test_counts_that_there_was_no_time_to_prove_are_not_proven() -> None:
    """Time is up after the first solve, which serves one of two: that might not be the most."""
    problem = dense_problem(np.array([[5], [4]]), np.array([1]), tier=np.zeros(2, dtype=np.int32))
    now = 0.0

    def slow(
        problem: AssignmentProblem,
        options: SolveOptions,
        hint: Hint | None,
        clock: Clock = monotonic,
    ) -> Solution:
        nonlocal now
        now = 3.0
        return flow.solve(problem, options, hint, clock)

    found = solve_in_tiers(problem, OPTIONS, None, slow, clock=lambda: now)
    assert (found.served, found.gain, found.bound) == ((1,), 5, 5)
    assert found.termination is Termination.FEASIBLE


@pytest.mark.parametrize("structure", [Structure.PLAIN, Structure.TIES])
def test_auction_and_flow_agree_on_a_medium_problem(structure: Structure) -> None:
    """Class form with extras, three tiers: the same counts and gain, both proven."""
    problem = build_instance(3, Size(400, 60), Form.FULL, structure)
    tier = np.random.default_rng(5).integers(NO_TIER, 3, problem.num_contacts)
    tiered = replace(problem, tier=tier.astype(np.int32))
    first, second = (solve_in_tiers(tiered, PATIENT, None, b.solve) for b in (flow, auction))
    assert (first.served, first.gain) == (second.served, second.gain)
    assert first.termination is second.termination is Termination.OPTIMAL


@many
@given(data=st.data())
def test_lifting_adds_exactly_its_milli_units(data: DataObject) -> None:
    """Gains at the very edge of two milli-units are not rounded the other way."""
    contacts, agents = 4, 3
    edge = st.integers(-2000, 2000).map(lambda whole: (whole + 0.5) / MILLI)
    near = st.tuples(edge, st.sampled_from([0.0, 1e-19, -1e-19, 1e-16, -1e-16])).map(sum)
    values = data.draw(st.lists(near, min_size=12, max_size=12))
    lift = data.draw(st.lists(st.integers(0, 2**38), min_size=4, max_size=4))
    plain = dense_problem(np.zeros((contacts, agents), dtype=np.int64), np.ones(agents, int))
    problem = replace(
        plain,
        rate=np.array(values).reshape(contacts, agents),
        base=np.array(data.draw(st.lists(st.sampled_from([0.0, 1 / 3]), min_size=4, max_size=4))),
        extra_contact=np.array([0, 1], dtype=np.int32),
        extra_agent=np.array([1, 2], dtype=np.int32),
        extra_gain=np.array(data.draw(st.lists(near, min_size=2, max_size=2))),
    )
    raised = lifted(problem, np.array(lift, dtype=np.int64))
    before, after = problem.pairs, raised.pairs
    assert (after.gain == before.gain + np.array(lift)[before.contact]).all()
