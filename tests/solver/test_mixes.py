"""Mixes: valid plans, bounds over all pairs, proofs on small problems, always on time."""

from dataclasses import replace
from itertools import count, product

import numpy as np
import pytest

from benchmarks.engine_instances import Form, Size
from benchmarks.mixed_instances import build_mixed, new_contacts, next_mixed_tick
from models.bound import configuration_bound, upper_bound
from models.feasibility import violations
from models.problem import MILLI, NOBODY, AssignmentProblem, Mixes, PairUnits
from models.solution import (
    NO_RENT,
    Hint,
    Limit,
    Proof,
    Solution,
    SolveOptions,
    Termination,
    total_load_cost,
)
from solver.backend import BackendError, assignment_gain
from solver.backends import flow, mixes

PATIENT = SolveOptions(backend="mixes", deadline_s=60.0)
SMALL = Size(120, 25)


def tiny(draw: np.random.Generator, contacts: int = 5, agents: int = 3) -> AssignmentProblem:
    """A problem with every feature that the method handles; whole gains with many ties."""
    lanes, classes, terms = (int(draw.integers(low, 4)) for low in (1, 1, 0))
    member = draw.random((classes, agents)) < 0.75
    pair = draw.permutation(contacts * agents)
    bans, extras = pair[: draw.integers(0, 3)], pair[-draw.integers(1, 4) :]
    only = np.where(draw.random(contacts) < 0.15, draw.integers(0, agents, contacts), NOBODY)
    sizes = draw.integers(1, 4, agents)
    rows = draw.integers(0, 3, (int(sizes.sum()), lanes))
    start = np.concatenate([[0], np.cumsum(sizes)])
    given = Mixes(start, rows) if draw.random() < 0.75 else None
    sites = int(draw.integers(0, 3))
    steps = int(draw.integers(0, 3)) if draw.random() < 0.5 else 0
    few = draw.random() < 0.5
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
        contact_lane=draw.integers(0, lanes, contacts).astype(np.int32),
        lane_cap=np.maximum.reduceat(rows, start[:-1]),
        agent_cap=draw.integers(0, 4, agents) if few else np.full(agents, 9),
        load_cost=np.sort(draw.integers(0, 6, (agents, steps)), axis=1),
        agent_site=draw.integers(NOBODY, max(sites, 0), agents).astype(np.int32),
        site_cap=draw.integers(0, 4, sites),
        mixes=given,
    )


def best_of_all(problem: AssignmentProblem) -> int:
    """The largest gain of any valid assignment, by listing them all."""
    pairs, best = problem.pairs, 0
    options = [
        [(NOBODY, 0), *((int(pairs.agent[n]), int(pairs.gain[n])) for n in range(first, last))]
        for first, last in zip(pairs.start[:-1], pairs.start[1:], strict=True)
    ]
    for plan in product(*options):
        gain = sum(chosen[1] for chosen in plan)
        if gain <= best:
            continue
        agent = np.array([chosen[0] for chosen in plan], dtype=np.int32)
        gain -= total_load_cost(problem, agent)
        if gain > best and not violations(problem, agent):
            best = gain
    return best


def check(problem: AssignmentProblem, solution: Solution) -> None:
    """Valid, the gain is that of the plan, and the bound that of what is said to prove it."""
    assert violations(problem, solution.agent) == ()
    assert solution.gain == assignment_gain(problem, solution.agent)
    assert solution.rents is not None
    by_rents = configuration_bound(problem, solution.rents, solution.prices.site)
    if solution.proof is Proof.RENTS:
        assert solution.bound == by_rents
    elif solution.proof is Proof.PRICES:
        assert solution.bound == upper_bound(problem, solution.prices)
    else:
        assert solution.bound <= by_rents


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_small_problems_are_solved_to_the_proven_optimum(first: int) -> None:
    """Mixes, lanes, sites, load costs, bans, only agents: equal to enumeration, and said so."""
    for seed in range(first, first + 20):
        problem = tiny(np.random.default_rng(seed))
        solution = mixes.solve(problem, PATIENT, None)
        check(problem, solution)
        assert solution.gain == solution.bound == best_of_all(problem), seed
        assert solution.termination is Termination.OPTIMAL


@pytest.mark.parametrize("form", list(Form))
def test_a_small_centre_is_proven_and_its_bound_holds_over_all_pairs(form: Form) -> None:
    """The optimum lies between a plan without the complete search and the bound of its rents."""
    problem = build_mixed(5, SMALL, form)
    proven = mixes.solve(problem, PATIENT, None)
    early = mixes.solve(problem, replace(PATIENT, gap_target=0.02), None)
    check(problem, proven)
    check(problem, early)
    assert proven.termination is Termination.OPTIMAL
    assert early.gain <= proven.gain <= early.bound
    assert early.gain == early.bound or early.limit is Limit.GAP
    assert early.gap <= 0.02


def test_one_mix_for_every_agent_is_a_network_solved_by_the_auction_on_nodes() -> None:
    """Then rents prove the optimum of the flow, whether the mix is stated or the lane caps are."""
    mixed = build_mixed(2, Size(300, 60))
    start = mixed.all_mixes.start
    row = mixed.all_mixes.count[start[:-1]]
    stated = Mixes(np.arange(61, dtype=np.int64), row)
    for problem in (replace(mixed, mixes=stated), replace(mixed, mixes=None, lane_cap=row)):
        solution = mixes.solve(problem, PATIENT, None)
        check(problem, solution)
        best = flow.solve(replace(problem, mixes=None, lane_cap=row), PATIENT, None)
        assert solution.gain == solution.bound == best.gain
        assert solution.proof is Proof.RENTS


def test_site_caps_and_load_costs_of_a_network_are_met_exactly() -> None:
    """One mix each, two full sites, rising load costs: the optimum of the flow, proven."""
    mixed = build_mixed(2, Size(200, 40))
    draw = np.random.default_rng(0)
    problem = replace(
        mixed,
        mixes=None,
        lane_cap=draw.integers(0, 3, (40, 3)),
        agent_cap=np.full(40, 3),
        load_cost=np.sort(draw.integers(0, 9_000, (40, 2)), axis=1),
        agent_site=draw.integers(NOBODY, 2, 40).astype(np.int32),
        site_cap=np.array([15, 20]),
    )
    solution = mixes.solve(problem, PATIENT, None)
    check(problem, solution)
    assert solution.gain == solution.bound == flow.solve(problem, PATIENT, None).gain


def test_mixes_with_site_caps_and_load_costs_are_valid_with_a_valid_bound() -> None:
    """The search ignores nothing: few per cent remain at most, and no limit is broken."""
    mixed = build_mixed(4, Size(300, 60))
    draw = np.random.default_rng(1)
    problem = replace(
        mixed,
        agent_cap=np.full(60, 3),
        load_cost=np.sort(draw.integers(0, 9_000, (60, 3)), axis=1),
        agent_site=draw.integers(NOBODY, 2, 60).astype(np.int32),
        site_cap=np.array([20, 25]),
    )
    solution = mixes.solve(problem, replace(PATIENT, gap_target=0.005), None)
    check(problem, solution)
    assert solution.gap <= 0.005
    assert (solution.prices.site > 0).any()


def test_the_same_seed_gives_the_same_answer() -> None:
    """When no deadline strikes nothing but the seed is random."""
    problem = build_mixed(3, Size(400, 80))
    options = replace(PATIENT, gap_target=0.003)
    first, second = (mixes.solve(problem, options, None) for _ in range(2))
    assert (first.agent == second.agent).all()
    assert (first.gain, first.bound) == (second.gain, second.bound)


@pytest.mark.parametrize("looks", [1, 3, 30, 300])
def test_a_late_clock_stops_the_run_with_what_it_has(looks: int) -> None:
    """A clock that strikes after so many looks: a valid plan and bound, stopped by time."""
    problem, ticks = build_mixed(7, Size(500, 100)), count()

    def clock() -> float:
        return 0.0 if next(ticks) < looks else 100.0

    solution = mixes.solve(problem, SolveOptions(backend="mixes", deadline_s=1.0), None, clock)
    check(problem, solution)
    assert solution.limit is Limit.TIME
    # Nothing but the last checks may follow: they do not look at the clock.
    assert next(ticks) < looks + 40


def test_last_ticks_rents_start_close_and_garbage_does_no_harm() -> None:
    """Rents of the tick before give a low bound at once; any others only cost time."""
    size = Size(600, 120)
    before, now = build_mixed(6, size), next_mixed_tick(6, size)
    options = replace(PATIENT, gap_target=0.005)
    last = mixes.solve(before, options, None)
    assert last.rents is not None
    rents = last.rents.copy()
    rents[new_contacts(6, size)] = NO_RENT
    draw = np.random.default_rng(0)
    wild = draw.integers(NO_RENT, 2**40, len(rents))
    hints = (
        Hint(last.prices, rents),
        Hint(None, rents),
        Hint(last.prices, wild),
        Hint(None, np.full_like(rents, NO_RENT)),
        Hint(last.prices, rents[:5]),
    )
    for hint in hints:
        solution = mixes.solve(now, options, hint)
        check(now, solution)
        assert solution.gap <= 0.005


def test_nothing_to_do_is_done() -> None:
    """No slot, no room, or no gain above zero: nobody is served, and that is proven."""
    problem = build_mixed(1, Size(20, 5))
    full = Mixes(np.arange(6, dtype=np.int64), np.zeros((5, 3), dtype=np.int64))
    worthless = replace(
        problem, base=problem.base - 1e6, extra_gain=np.zeros_like(problem.extra_gain)
    )
    for empty in (
        replace(problem, mixes=full),
        replace(problem, agent_cap=np.zeros(5, dtype=int)),
        worthless,
    ):
        solution = mixes.solve(empty, PATIENT, None)
        check(empty, solution)
        assert solution.gain == solution.bound == 0


def test_what_it_does_not_handle_is_refused() -> None:
    """Pair units and tiers belong to other methods."""
    problem = build_mixed(1, Size(20, 5))
    pair_units = PairUnits(np.ones(len(problem.pairs), dtype=np.int64), np.ones(5, dtype=np.int64))
    for other in (
        replace(problem, units=pair_units),
        replace(problem, tier=np.zeros(20, dtype=np.int32)),
    ):
        assert not mixes.handles(other)
        with pytest.raises(BackendError, match="mixes at most"):
            mixes.solve(other, PATIENT, None)
    assert mixes.handles(problem)
