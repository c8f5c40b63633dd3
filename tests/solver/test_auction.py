"""The auction: exact on small, medium and hard problems, honest whenever it is stopped."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from benchmarks.engine_instances import Form, Size, Structure, build_instance
from models.bound import no_prices, upper_bound
from models.dense_problem import dense_problem
from models.problem import MILLI, NOBODY, AssignmentProblem, Prices
from models.solution import Hint, Limit, Solution, SolveOptions, Termination, step_costs
from solver.backend import BackendError, assignment_gain
from solver.backends import auction, auto, finish, flow, greedy, greedy_by_class
from solver.claim import bound_by_class, gain_by_class
from solver.form import count_pairs, only_agents_bind
from solver.rows import build_rows, longest_slice
from solver.rows_kernels import NOTHING, column_gains, row_gains

PATIENT = SolveOptions(backend="auction", deadline_s=60.0)


def tiny(draw: np.random.Generator, contacts: int = 4, agents: int = 3) -> AssignmentProblem:
    """A problem with every feature that the auction handles; whole gains with many ties."""
    classes, terms = int(draw.integers(1, 4)), int(draw.integers(0, 4))
    member = draw.random((classes, agents)) < 0.7
    pair = draw.permutation(contacts * agents)
    bans, extras = pair[: draw.integers(0, 3)], pair[-draw.integers(1, 5) :]
    only = np.where(draw.random(contacts) < 0.15, draw.integers(0, agents, contacts), NOBODY)
    cap = draw.integers(0, 4, agents)
    return AssignmentProblem(
        contact_class=draw.integers(0, classes, contacts).astype(np.int32),
        class_ptr=np.concatenate([[0], np.cumsum(member.sum(axis=1))]).astype(np.int64),
        class_agent=np.nonzero(member)[1].astype(np.int32),
        only_agent=only.astype(np.int32),
        banned_contact=(bans // agents).astype(np.int32),
        banned_agent=(bans % agents).astype(np.int32),
        base=draw.integers(-4, 9, contacts) / MILLI,
        term_row=draw.integers(0, 3, (contacts, terms)).astype(np.int32),
        term_coef=draw.integers(-1, 4, (contacts, terms)).astype(np.float64),
        rate=draw.integers(0, 5, (3, agents)) / MILLI,
        extra_contact=(extras // agents).astype(np.int32),
        extra_agent=(extras % agents).astype(np.int32),
        extra_gain=draw.integers(-3, 7, len(extras)) / MILLI,
        contact_lane=draw.integers(0, 2, contacts).astype(np.int32),
        lane_cap=np.stack([cap, cap + draw.integers(0, 2, agents)], axis=1),
        agent_cap=cap,
        load_cost=np.sort(draw.integers(0, 6, (agents, int(draw.integers(0, 3)))), axis=1),
        agent_site=draw.integers(NOBODY, 1, agents).astype(np.int32),
        site_cap=np.array([int(cap.sum())]),
    )


def best_of_all(problem: AssignmentProblem) -> int:
    """The largest gain of any assignment, by listing all (A + 1)^C of them."""
    contacts, agents = problem.num_contacts, problem.num_agents
    pairs = problem.pairs
    gain = np.full((contacts, agents + 1), -(10**9))
    gain[pairs.contact, pairs.agent] = pairs.gain
    gain[:, agents] = 0
    choices = np.indices((agents + 1,) * contacts).reshape(contacts, -1)
    total = gain[np.arange(contacts)[:, None], choices].sum(axis=0)
    steps = np.cumsum(step_costs(problem, contacts), axis=1)
    for j in range(agents):
        taken = (choices == j).sum(axis=0)
        total -= np.concatenate([[0], steps[j]])[taken]
        total[taken > problem.agent_cap[j]] = -(10**9)
    return int(total.max())


def checked(problem: AssignmentProblem, solution: Solution) -> Solution:
    """The solution, after its gain, bound and capacities are worked out from the listed pairs."""
    assert solution.gain == assignment_gain(problem, solution.agent)
    assert solution.bound == upper_bound(problem, solution.prices)
    taken = np.bincount(solution.agent[solution.agent != NOBODY], minlength=problem.num_agents)
    assert (taken <= problem.agent_cap).all()
    return solution


def stopping_after(looks: int) -> Callable[[], float]:
    """A clock that stands still for so many looks at it, and then jumps past any deadline."""
    look = count()
    return lambda: 0.0 if next(look) <= looks else 1e9


@pytest.mark.parametrize("block", range(2))
def test_the_auction_equals_enumeration(block: int) -> None:
    """500 problems of 4 contacts and 3 agents a block: optimal and proven."""
    draw = np.random.default_rng([1, block])
    for _ in range(500):
        problem = tiny(draw)
        solution = checked(problem, auction.solve(problem, PATIENT, None))
        assert solution.gain == best_of_all(problem)
        assert solution.termination is Termination.OPTIMAL


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("structure", Structure)
def test_the_auction_equals_the_flow_on_hard_structures(structure: Structure, form: Form) -> None:
    """Ties, clones, chains, surplus and full centres; cold, and warm from another optimum."""
    for seed in range(2):
        problem = build_instance(seed, Size(300, 70), form, structure)
        problem = replace(problem, load_cost=_some_load_costs(seed, problem))
        exact = flow.solve(problem, SolveOptions(), None)
        cold = checked(problem, auction.solve(problem, PATIENT, None))
        warm = checked(problem, auction.solve(problem, PATIENT, Hint(exact.prices)))
        assert cold.gain == warm.gain == exact.gain
        assert cold.termination is warm.termination is Termination.OPTIMAL


def test_equal_problems_give_equal_solutions() -> None:
    """Assignment and prices do not depend on the run."""
    problem = build_instance(5, Size(400, 90), Form.FULL)
    first, second = (auction.solve(problem, PATIENT, None) for _ in range(2))
    assert (first.agent == second.agent).all()
    assert (first.prices.agent == second.prices.agent).all()


@pytest.mark.parametrize("hinted", [False, True])
def test_a_plan_stopped_at_any_look_at_the_clock_is_valid_with_a_valid_bound(
    monkeypatch: pytest.MonkeyPatch, hinted: bool
) -> None:
    """gain <= optimum <= bound however early it stops; the limit is time until it is optimal."""
    monkeypatch.setattr("solver.auction.WORK_BETWEEN_LOOKS", 30_000)
    problem = build_instance(2, Size(200, 50), Form.FULL)
    exact = flow.solve(problem, SolveOptions(), None)
    hint = Hint(replace(exact.prices, agent=exact.prices.agent * 2)) if hinted else None
    for looks in range(0, 400, 3):
        stopped = checked(problem, auction.solve(problem, PATIENT, hint, stopping_after(looks)))
        assert stopped.gain <= exact.gain <= stopped.bound
        assert stopped.limit in {Limit.TIME, None}
        if stopped.limit is None:
            break
    else:
        pytest.fail("never reached the optimum")


def test_a_gap_target_stops_the_auction_with_that_gap() -> None:
    """1 % asked for: at most 1 % left, limit GAP, and less work than to the optimum."""
    problem = build_instance(2, Size(600, 120))
    near = checked(problem, auction.solve(problem, replace(PATIENT, gap_target=0.01), None))
    assert 0 < near.gap <= 0.01
    assert (near.termination, near.limit) == (Termination.FEASIBLE, Limit.GAP)


def test_row_and_column_scans_give_the_listed_gains_bit_by_bit() -> None:
    """Random floats with extras, bans and only agents: the integers of `problem.pairs`."""
    for seed in range(20):
        problem = _random_floats(seed)
        pairs, rows = problem.pairs, build_rows(problem)
        where = zip(pairs.contact.tolist(), pairs.agent.tolist(), strict=True)
        listed = dict(zip(where, pairs.gain.tolist(), strict=True))
        by_row, by_column = {}, {}
        for i, contact in enumerate(rows.contact.tolist()):
            gain = np.empty(longest_slice(rows))
            start = rows.entry_start[rows.kind[i]]
            for e in range(row_gains(rows, i, gain)):
                if gain[e] > NOTHING:
                    by_row[contact, int(rows.entry_agent[start + e])] = int(gain[e])
        for entry, agent in enumerate(rows.entry_agent.tolist()):
            gain = np.empty(longest_slice(rows))
            start = rows.kind_start[rows.entry_kind[entry]]
            for c in range(column_gains(rows, entry, gain)):
                if gain[c] > NOTHING:
                    by_column[int(rows.contact[start + c]), agent] = int(gain[c])
        assert by_row == listed == by_column


def test_the_bound_by_class_is_the_bound_over_listed_pairs() -> None:
    """Any prices of lanes, agents and sites; and a negative price is refused by both."""
    for seed in range(20):
        problem, draw = _random_floats(seed), np.random.default_rng(seed)
        prices = Prices(
            draw.integers(0, 9_000, problem.lane_cap.shape),
            draw.integers(0, 90_000, problem.num_agents),
            draw.integers(0, 9_000, len(problem.site_cap)),
        )
        rows = build_rows(problem)
        assert bound_by_class(problem, rows, prices) == upper_bound(problem, prices)
        with pytest.raises(ValueError, match="a price is negative"):
            bound_by_class(problem, rows, replace(prices, agent=prices.agent - 10**6))


def test_a_gain_by_class_refuses_pairs_that_are_not_eligible() -> None:
    """The diagonal alone is eligible: its plan gains 7 + 7, the other one is an error."""
    problem = dense_problem(
        np.full((2, 2), 7), np.array([1, 1]), eligible=np.eye(2, dtype=np.bool_)
    )
    assert gain_by_class(problem, np.array([0, 1], dtype=np.int32)) == 14
    with pytest.raises(ValueError, match="2 contacts have an agent they are not eligible for"):
        gain_by_class(problem, np.array([1, 0], dtype=np.int32))


def test_the_baseline_by_class_is_the_baseline() -> None:
    """Assignment, gain, bound and prices of greedy over listed pairs, load costs and ties too."""
    draw = np.random.default_rng(4)
    tried = [tiny(draw) for _ in range(200)]
    tried += [build_instance(1, Size(300, 60), f, s) for f in Form for s in Structure]
    for problem in tried:
        listed = greedy.solve(problem, SolveOptions(), None)
        by_class = greedy_by_class.solve(problem, SolveOptions(), None)
        assert (by_class.agent == listed.agent).all()
        assert (by_class.gain, by_class.bound) == (listed.gain, listed.bound)
        assert (by_class.prices.agent == listed.prices.agent).all()


def test_the_finish_proves_the_optimum_from_rough_prices() -> None:
    """A loose plan and its prices: the flow over the pairs left is exact, and proven over all."""
    for structure in Structure:
        problem = build_instance(7, Size(300, 70), Form.FULL, structure)
        rough = auction.solve(problem, replace(PATIENT, gap_target=0.003), None)
        rows = build_rows(problem)
        done = finish.finished_by_flow(problem, rows, rough.gain, rough.bound, rough.prices)
        assert done is not None
        exact = flow.solve(problem, SolveOptions(), None)
        assert gain_by_class(problem, done.agent) == done.gain == exact.gain == done.bound
        assert done.num_pairs <= count_pairs(problem)


def test_auto_takes_the_flow_for_what_the_auction_cannot_or_need_not_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Flow up to the limit of listed pairs, then the auction, then flow again for a full lane."""
    problem = build_instance(1, Size(100, 30))
    assert auto.solve(problem, PATIENT, None).backend == "flow"
    monkeypatch.setattr("solver.form.LISTED_PAIRS", 10)
    assert auto.solve(problem, PATIENT, None).backend == "auction"
    narrow = replace(problem, lane_cap=np.minimum(problem.lane_cap, 1))
    by_lanes = auto.solve(narrow, PATIENT, None)
    assert (by_lanes.backend, by_lanes.termination) == ("mixes", Termination.OPTIMAL)
    assert by_lanes.gain == flow.solve(narrow, PATIENT, None).gain


def test_what_the_auction_cannot_solve_it_declares_and_refuses() -> None:
    """A lane or a site that can be full before its agents; caps that cannot bind are no matter."""
    problem = build_instance(1, Size(100, 30))
    sites = np.zeros(30, dtype=np.int32)
    everybody = int(problem.agent_cap.sum())
    wide = replace(problem, agent_site=sites, site_cap=np.array([everybody]))
    narrow = replace(problem, agent_site=sites, site_cap=np.array([everybody - 1]))
    assert auction.handles(wide)
    assert not only_agents_bind(narrow)
    assert not auction.handles(replace(problem, lane_cap=problem.lane_cap - 1))
    with pytest.raises(BackendError, match="use flow, or auto"):
        auction.solve(narrow, PATIENT, None)


def test_gains_too_large_are_refused_as_by_the_list() -> None:
    """A gain beyond 2^40 milli-units is an error; a rate that large which nobody uses is not."""
    problem = dense_problem(np.full((2, 2), 2**41), np.array([1, 1]))
    with pytest.raises(OverflowError, match="too large"):
        auction.solve(problem, PATIENT, None)
    nobody = dense_problem(
        np.array([[2**41, 5]]), np.array([1, 1]), eligible=np.array([[False, True]])
    )
    assert auction.solve(nobody, PATIENT, None).gain == 5


def test_an_agent_without_slots_has_the_price_that_its_best_contact_would_pay() -> None:
    """Agent 0 is full: contact 0 would gain 9 there and nothing else, so its price is 9."""
    problem = dense_problem(np.array([[9, 0], [0, 4]]), np.array([0, 1]))
    solution = auction.solve(problem, PATIENT, None)
    assert solution.gain == solution.bound == 4
    assert solution.prices.agent[0] == 9
    assert solution.bound < upper_bound(problem, no_prices(problem))


def _some_load_costs(seed: int, problem: AssignmentProblem) -> np.ndarray:
    """Two or three ascending steps, or none."""
    draw = np.random.default_rng(seed)
    return np.sort(draw.integers(0, 9_000, (problem.num_agents, 3 * (seed % 2))), axis=1)


def _random_floats(seed: int) -> AssignmentProblem:
    """`tiny`, larger and with gains that are no whole milli-units."""
    draw = np.random.default_rng([9, seed])
    problem = tiny(draw, contacts=40, agents=37)
    return replace(
        problem,
        base=draw.normal(5, 40, 40),
        term_coef=draw.normal(1, 30, problem.term_coef.shape),
        rate=draw.random(problem.rate.shape),
        extra_gain=draw.normal(0, 9, len(problem.extra_gain)),
    )
