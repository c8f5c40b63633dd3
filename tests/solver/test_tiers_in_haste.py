"""Whatever time there is, a plan in tiers is no worse than the greedy one, and nobody waits who
fits and pays.
"""

from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import accumulate
from time import monotonic

import numpy as np
import pytest

from benchmarks.small_instances import Family, best_worth, draw_problem
from models.batch_problem import build_problem
from models.problem import NO_TIER, NOBODY, AssignmentProblem
from models.solution import Hint, Limit, Solution, SolveOptions, Termination
from scenarios.ruled_batch import ruled_batch
from solver.backend import Backend, Clock, assignment_gain
from solver.solve import solve, solve_alone
from solver.tiers import solve_in_tiers
from tests.solver.lawful import assert_lawful, drawn_in_tiers

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)
PATIENT = SolveOptions(deadline_s=30.0)


@pytest.fixture(scope="module")
def ruled() -> AssignmentProblem:
    """A centre with mixes and tiers."""
    return build_problem(*ruled_batch(1, 300, 60, NOW)).problem


def assert_true(problem: AssignmentProblem, found: Solution) -> None:
    """No plan is better than the best of all assignments, which OPTIMAL says it is; and the bound
    holds for the best one where it serves as many of tiers 0 to k for every k.
    """
    *counts, gain = best_worth(problem)
    assert (*found.served, found.gain) <= (*counts, gain)
    if found.termination is Termination.OPTIMAL:
        assert (*found.served, found.gain) == (*counts, gain)
    reached = zip(accumulate(counts), accumulate(found.served), strict=True)
    assert gain <= found.bound or any(best < mine for best, mine in reached)


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("deadline_s", [1e-6, 5e-3])
def test_every_claim_holds_at_every_deadline(family: Family, deadline_s: float) -> None:
    """Through the door, for every form of problem."""
    for seed in range(12):
        problem = drawn_in_tiers(family, seed)
        found = solve(problem, SolveOptions(deadline_s=deadline_s))
        assert_lawful(problem, found)
        assert_true(problem, found)


@pytest.mark.parametrize("family", [Family.NETWORK, Family.MIXES])
def test_with_time_small_problems_are_solved_to_the_proven_optimum(family: Family) -> None:
    """Counts by tier, then gain, equal those of the best of all assignments; with mixes, too."""
    for seed in range(15):
        problem = drawn_in_tiers(family, seed)
        found = solve(problem, PATIENT)
        assert (*found.served, found.gain) == best_worth(problem)
        assert found.termination is Termination.OPTIMAL


@pytest.mark.parametrize("deadline_s", [1e-6, 0.01, 0.05, 0.2])
@pytest.mark.parametrize("form", ["mixes", "no mixes", "sites"])
def test_a_centre_with_every_rule_is_served_at_every_deadline(
    form: str, deadline_s: float, ruled: AssignmentProblem
) -> None:
    """Also by the child's half of the work, which does not have the baseline to fall back on."""
    problem = ruled
    if form == "no mixes":
        problem = replace(problem, mixes=None)
    if form == "sites":
        site = np.arange(problem.num_agents, dtype=np.int32) % 3
        problem = replace(problem, agent_site=site, site_cap=np.array([2, 7, 30]))
    assert_lawful(problem, solve_alone(problem, SolveOptions(deadline_s=deadline_s), None))


class Part(StrEnum):
    """What a method may come to of the optimum when time is short."""

    NOTHING = "nothing"
    HALF = "half"
    """Every other contact."""
    MONEY = "money"
    """Those without a tier."""
    LAST_TIER = "last tier"
    COUNTS = "counts"
    """Nothing where there are gains, all of it where levels are counted."""


def stopping_at(part: Part, tiered: AssignmentProblem) -> Backend:
    """A backend that comes to a part of the optimum, with its bound, which holds for all plans."""
    assert tiered.tier is not None
    place = np.arange(tiered.num_contacts)
    kept = {
        Part.NOTHING: place < 0,
        Part.HALF: place % 2 == 0,
        Part.MONEY: tiered.tier == NO_TIER,
        Part.LAST_TIER: tiered.tier == tiered.tier.max(),
        Part.COUNTS: place < 0,
    }[part]

    def solve_partly(
        problem: AssignmentProblem,
        options: SolveOptions,
        hint: Hint | None,
        clock: Clock = monotonic,
    ) -> Solution:
        del options, hint, clock
        best = solve(replace(problem, tier=None), PATIENT)
        if part is Part.COUNTS and not problem.term_coef.any():
            return best
        agent = np.where(kept, best.agent, NOBODY).astype(np.int32)
        return replace(
            best,
            agent=agent,
            gain=assignment_gain(problem, agent),
            termination=Termination.FEASIBLE,
            limit=Limit.TIME,
        )

    return solve_partly


@pytest.mark.parametrize("part", list(Part))
@pytest.mark.parametrize("family", [Family.NETWORK, Family.MIXES])
def test_whatever_a_method_comes_to_the_plan_is_filled(family: Family, part: Part) -> None:
    """And its bound holds, whichever of the answers it is from."""
    for seed in range(8):
        problem = drawn_in_tiers(family, seed)
        found = solve_in_tiers(problem, SolveOptions(), None, stopping_at(part, problem))
        assert_lawful(problem, found)
        assert_true(problem, found)


@pytest.mark.parametrize("backend", ["flow", "mixes"])
def test_plans_without_tiers_are_filled_too(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other contact of the optimum waits, until the door looks who still fits."""
    family = Family.NETWORK if backend == "flow" else Family.MIXES
    for seed in range(12):
        problem = draw_problem(family, seed)
        half = stopping_at(Part.HALF, drawn_in_tiers(family, seed))(problem, PATIENT, None)
        with monkeypatch.context() as patched:
            patched.setattr(f"solver.backends.{backend}.solve", lambda *_, half=half: half)
            assert_lawful(problem, solve_alone(problem, SolveOptions(backend=backend), None))
