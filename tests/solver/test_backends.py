"""Every backend against enumeration, and the laws that any exact optimum obeys."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from models.dense_problem import dense_problem
from models.problem import LARGEST_CAP, MILLI, NOBODY, AssignmentProblem
from models.solution import Hint, Limit, SolveOptions, Termination
from solver.backend import BackendError
from solver.backends import flow
from solver.form import only_agents_bind
from solver.solve import BACKENDS, better_of, solve

Problems = SearchStrategy[AssignmentProblem]
BruteForce = Callable[[AssignmentProblem], int]
ValueOf = Callable[[AssignmentProblem, list[int]], int]

some = settings(max_examples=40, deadline=None)


def best(problem: AssignmentProblem) -> int:
    """The optimal gain by the flow, which the tests above compare with enumeration."""
    return solve(problem, SolveOptions()).gain


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_flow_equals_enumeration(
    data: DataObject, problems: Problems, brute_force: BruteForce, value_of: ValueOf
) -> None:
    """The flow's gain is the largest of all valid assignments, its plan is one, gap 0."""
    problem = data.draw(problems)
    solution = solve(problem, SolveOptions(backend="flow"))
    assert solution.gain == value_of(problem, solution.agent.tolist()) == brute_force(problem)
    assert solution.termination is Termination.OPTIMAL
    assert solution.bound == solution.gain


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_linear_programme_equals_enumeration(
    data: DataObject, problems: Problems, brute_force: BruteForce, value_of: ValueOf
) -> None:
    """CBC's vertex is whole and optimal, and its rounded duals give a valid bound."""
    problem = data.draw(problems)
    solution = solve(problem, SolveOptions(backend="lp", deadline_s=60))
    assert solution.gain == value_of(problem, solution.agent.tolist()) == brute_force(problem)
    assert solution.bound >= solution.gain


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_greedy_is_valid_and_its_bound_holds(
    data: DataObject, problems: Problems, brute_force: BruteForce, value_of: ValueOf
) -> None:
    """greedy <= optimum <= greedy's bound, and it claims optimality only where they meet."""
    problem = data.draw(problems)
    solution = solve(problem, SolveOptions(backend="greedy"))
    optimum = brute_force(problem)
    assert value_of(problem, solution.agent.tolist()) == solution.gain
    assert solution.gain <= optimum <= solution.bound
    assert (solution.limit is Limit.METHOD) == (solution.bound > solution.gain)


@some
@given(data=st.data())
def test_the_hint_tightens_the_baseline_s_bound(data: DataObject, problems: Problems) -> None:
    """Optimal prices as a hint prove the optimum as the bound, whatever the plan is."""
    problem = data.draw(problems)
    exact = solve(problem, SolveOptions())
    hinted = solve(problem, SolveOptions(backend="greedy"), Hint(prices=exact.prices))
    assert hinted.bound == exact.gain


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_flow_and_linear_programme_agree_on_larger_problems(seed: int) -> None:
    """Two libraries, one optimum; greedy below it and its bound above."""
    draw = np.random.default_rng(seed)
    lane_cap = draw.integers(0, 3, (15, 3))
    problem = dense_problem(
        draw.integers(-200, 1000, (60, 15)),
        draw.integers(0, 5, 15),
        eligible=draw.random((60, 15)) < 0.4,
        lane=draw.integers(0, 3, 60).astype(np.int32),
        lane_cap=lane_cap,
        load_cost=np.sort(draw.integers(0, 300, (15, 3)), axis=1),
        agent_site=draw.integers(-1, 2, 15).astype(np.int32),
        site_cap=draw.integers(0, 12, 2),
    )
    exact, oracle, baseline = (
        solve(problem, SolveOptions(backend=name, deadline_s=60))
        for name in ("flow", "lp", "greedy")
    )
    assert baseline.gain <= exact.gain == oracle.gain == exact.bound <= baseline.bound
    assert exact.baseline == oracle.baseline == baseline.baseline == baseline.gain


@some
@given(data=st.data())
def test_the_order_of_contacts_and_agents_does_not_matter(
    data: DataObject, problems: Problems
) -> None:
    """Renumbering contacts and agents leaves the optimal gain as it is."""
    problem = data.draw(problems)
    contacts = data.draw(st.permutations(range(problem.num_contacts)))
    agents = data.draw(st.permutations(range(problem.num_agents)))
    assert best(_renumbered(problem, contacts, agents)) == best(problem)


@some
@given(data=st.data())
def test_more_room_never_lowers_the_optimum(data: DataObject, problems: Problems) -> None:
    """One more unit for any agent, lane or site, an agent more, or one ban less."""
    problem = data.draw(problems)
    before = best(problem)
    for j in range(problem.num_agents):
        unit = (np.arange(problem.num_agents) == j).astype(np.int64)
        assert best(replace(problem, agent_cap=problem.agent_cap + unit)) >= before
        assert best(replace(problem, lane_cap=problem.lane_cap + unit[:, None])) >= before
        assert best(replace(problem, agent_cap=problem.agent_cap * (1 - unit))) <= before
    assert best(replace(problem, site_cap=problem.site_cap + 1)) >= before
    fewer_bans = replace(
        problem, banned_contact=problem.banned_contact[1:], banned_agent=problem.banned_agent[1:]
    )
    assert best(fewer_bans) >= before


@some
@given(data=st.data())
def test_raising_gains_never_lowers_the_optimum(data: DataObject, problems: Problems) -> None:
    """A higher base of one contact, or a higher extra of one pair."""
    problem = data.draw(problems)
    before = best(problem)
    for i in range(problem.num_contacts):
        raised = problem.base + (np.arange(problem.num_contacts) == i) * 3 / MILLI
        assert best(replace(problem, base=raised)) >= before
    for e in range(len(problem.extra_gain)):
        raised = problem.extra_gain + (np.arange(len(problem.extra_gain)) == e) * 3 / MILLI
        assert best(replace(problem, extra_gain=raised)) >= before


@some
@given(data=st.data(), factor=st.integers(1, 1000))
def test_scaling_all_gains_scales_the_optimum(
    data: DataObject, problems: Problems, factor: int
) -> None:
    """Gains and load costs times k give an optimum times k."""
    problem = data.draw(problems)
    scaled = replace(
        problem,
        base=problem.base * factor,
        rate=problem.rate * factor,
        extra_gain=problem.extra_gain * factor,
        load_cost=problem.load_cost * factor,
    )
    assert best(scaled) == factor * best(problem)


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_nothing_is_assigned_where_nothing_gains(backend: str) -> None:
    """Leaving a contact in the queue is worth 0, so gains of 0 and less assign nobody."""
    problem = dense_problem(np.array([[0, -5], [-1, 0]]), np.array([2, 2]))
    solution = solve(problem, SolveOptions(backend=backend, deadline_s=60))
    assert solution.agent.tolist() == [NOBODY, NOBODY]
    assert solution.gain == 0


CORNERS = {
    "empty": (dense_problem(np.zeros((0, 0), dtype=np.int64), np.zeros(0, dtype=np.int64)), 0),
    "no agents": (dense_problem(np.zeros((3, 0), dtype=np.int64), np.zeros(0, dtype=np.int64)), 0),
    "no contacts": (dense_problem(np.zeros((0, 2), dtype=np.int64), np.array([1, 4])), 0),
    "no pairs": (dense_problem(np.ones((2, 2), dtype=np.int64), np.array([1, 1]),
                               eligible=np.zeros((2, 2), dtype=bool)), 0),
    "zero agent caps": (dense_problem(np.full((2, 2), 7), np.array([0, 0])), 0),
    "zero lane caps": (dense_problem(np.full((2, 2), 7), np.array([2, 2]),
                                     lane_cap=np.array([[0], [0]])), 0),
    "zero site cap": (dense_problem(np.full((2, 2), 7), np.array([2, 2]),
                                    agent_site=np.zeros(2, dtype=np.int32),
                                    site_cap=np.array([0])), 0),
    # Clones: 2 slots for 9 equal contacts worth 7.
    "clones": (dense_problem(np.full((9, 2), 7), np.array([1, 1])), 14),
    # Surplus: 3 contacts, each finds its best agent: 20 + 21 + 22.
    "surplus": (dense_problem(np.arange(63).reshape(3, 21) % 21 + np.arange(3)[:, None],
                              np.ones(21, dtype=np.int64)), 20 + 20 + 20),
    # Caps far beyond the number of contacts must not cost memory or overflow.
    "vast sites": (dense_problem(np.full((2, 1), 7), np.array([2]),
                                 agent_site=np.zeros(1, dtype=np.int32),
                                 site_cap=np.array([LARGEST_CAP])), 14),
}  # fmt: skip


@pytest.mark.parametrize("backend", sorted(BACKENDS))
@pytest.mark.parametrize("corner", CORNERS)
def test_corner_cases(corner: str, backend: str) -> None:
    """Empty sides, caps of zero, clones and surplus, where greedy is optimal too."""
    problem, expected = CORNERS[corner]
    if backend == "auction" and not only_agents_bind(problem):
        with pytest.raises(BackendError, match="use flow, or auto"):
            solve(problem, SolveOptions(backend=backend))
        return
    assert solve(problem, SolveOptions(backend=backend, deadline_s=60)).gain == expected


def test_a_chain_of_displacements_is_followed_to_its_end() -> None:
    """Contact i fits agents i and i+1; a newcomer for agent 0 pushes everybody along by one."""
    size = 50
    eligible = np.eye(size, size, dtype=bool) | np.eye(size, size, 1, dtype=bool)
    eligible[-1] = np.arange(size) == 0  # the newcomer, for agent 0 alone
    problem = dense_problem(
        np.full((size, size), 10), np.ones(size, dtype=np.int64), eligible=eligible
    )
    # Greedy keeps contacts 0 to 48 on agents 0 to 48; only moving all of them on serves all 50.
    assert solve(problem, SolveOptions(backend="greedy")).gain == 49 * 10
    assert best(problem) == 50 * 10


def test_greedy_takes_the_largest_net_gain_first_and_breaks_ties_by_position() -> None:
    """Load costs push the next contact to an agent whose next step is cheaper."""
    # Agent 0 costs 0, then 4; agent 1 costs 1, then 9. Contact 0 takes agent 0 (10 - 0), then
    # contact 1 compares 10 - 4 with 9 - 1 and takes agent 1; contact 2 compares 6 with 0.
    problem = dense_problem(
        np.array([[10, 9], [10, 9], [10, 9]]),
        np.array([2, 2]),
        load_cost=np.array([[0, 4], [1, 9]]),
    )
    solution = solve(problem, SolveOptions(backend="greedy"))
    assert solution.agent.tolist() == [0, 1, 0]
    assert solution.gain == (10 - 0) + (9 - 1) + (10 - 4)


def test_an_unknown_backend_is_an_error_that_lists_the_names() -> None:
    """A typing error in the configuration is answered with what may stand there."""
    with pytest.raises(ValueError, match="'flwo', expected one of auction, auto, flow"):
        solve(CORNERS["clones"][0], SolveOptions(backend="flwo"))


def test_a_linear_programme_out_of_time_leaves_the_baseline_s_plan() -> None:
    """A microsecond is too short for CBC: failed on time, and never called optimal."""
    draw = np.random.default_rng(1)
    # Large enough that CBC cannot be done before it looks at its clock, on any machine.
    problem = dense_problem(draw.integers(1, 1000, (300, 80)), np.ones(80, dtype=np.int64))
    late = solve(problem, SolveOptions(backend="lp", deadline_s=1e-6))
    assert (late.termination, late.limit) == (Termination.FAILED, Limit.TIME)
    assert late.gain == late.baseline <= best(problem) <= late.bound


def test_costs_beyond_the_range_of_the_flow_are_an_error_not_a_wrong_plan() -> None:
    """A load cost of 2^61 times the number of nodes does not fit 64 bits."""
    problem = dense_problem(np.full((3, 1), 7), np.array([3]), load_cost=np.array([[0, 2**61]]))
    with pytest.raises(BackendError, match="too large for the flow"):
        solve(problem, SolveOptions())


def test_the_better_gain_and_the_better_bound_are_kept_wherever_they_come_from() -> None:
    """Gain 3 under a bound of 9 and gain 4 under a bound of 8, either way round: 4 under 8."""
    problem = dense_problem(np.array([[3, 4]]), np.array([1, 1]))
    loose = replace(
        solve(problem, SolveOptions(backend="greedy")),
        gain=3,
        bound=9,
        termination=Termination.FEASIBLE,
        limit=Limit.METHOD,
        agent=np.array([0], dtype=np.int32),
    )
    tight = replace(loose, gain=4, bound=8, agent=np.array([1], dtype=np.int32))
    for solution, baseline in ((loose, tight), (tight, loose)):
        best_of_both = better_of(solution, baseline)
        assert (best_of_both.gain, best_of_both.bound) == (4, 8)
        assert best_of_both.agent.tolist() == [1]
        assert best_of_both.baseline == baseline.gain


def test_every_status_of_the_flow_is_known() -> None:
    """A new status of the library must be given a meaning before it is met in a tick."""
    known = set(flow.MEANING) | {flow.Status.OPTIMAL}
    assert known == set(flow.Status.__members__.values())


def _renumbered(
    problem: AssignmentProblem, contacts: list[int], agents: list[int]
) -> AssignmentProblem:
    """The same problem with contact `contacts[n]` and agent `agents[n]` in position n."""
    where_contact, where_agent = np.argsort(contacts), np.argsort(agents)
    rows, columns = np.array(contacts, dtype=np.int64), np.array(agents, dtype=np.int64)
    only = problem.only_agent[rows]
    lists = [
        np.sort(where_agent[problem.class_agent[start:end]])
        for start, end in zip(problem.class_ptr, problem.class_ptr[1:], strict=False)
    ]
    return replace(
        problem,
        contact_class=problem.contact_class[rows],
        class_agent=np.concatenate(lists).astype(np.int32),
        only_agent=np.array([NOBODY if j == NOBODY else where_agent[j] for j in only], np.int32),
        banned_contact=where_contact[problem.banned_contact].astype(np.int32),
        banned_agent=where_agent[problem.banned_agent].astype(np.int32),
        base=problem.base[rows],
        term_row=problem.term_row[rows],
        term_coef=problem.term_coef[rows],
        rate=problem.rate[:, columns],
        extra_contact=where_contact[problem.extra_contact].astype(np.int32),
        extra_agent=where_agent[problem.extra_agent].astype(np.int32),
        contact_lane=problem.contact_lane[rows],
        lane_cap=problem.lane_cap[columns],
        agent_cap=problem.agent_cap[columns],
        load_cost=problem.load_cost[columns],
        agent_site=problem.agent_site[columns],
    )
