"""Whatever the deadline, gain and bound are true: against the optimum of small problems."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from ortools.sat.python import cp_model

from benchmarks.engine_instances import SIZES, Size
from benchmarks.mixed_instances import build_mixed
from benchmarks.small_instances import Family, best_gain, draw_problem
from models.bound import configuration_bound
from models.dense_problem import dense_problem
from models.problem import LARGEST_GAIN, NO_TIER, Mixes
from models.solution import Hint, SolveOptions, Termination
from solver.backends import greedy_by_class
from solver.backends.mix_proof import proven_by_search
from solver.mix_bound import Proven
from solver.mix_form import build_form
from solver.solve import better_of, solve
from tests.solver.lawful import assert_lawful

DEADLINES = (1e-6, 2e-3, 0.01, 0.05)


@pytest.mark.parametrize("family", list(Family))
def test_claims_hold_at_every_deadline(family: Family) -> None:
    """A valid plan, gain <= optimum <= bound, optimal only if it is, and nobody left to add."""
    for seed in range(12):
        problem = draw_problem(family, seed)
        most = best_gain(problem)
        for deadline_s in DEADLINES:
            found = solve(problem, SolveOptions(deadline_s=deadline_s))
            assert_lawful(problem, found)
            assert found.gain <= most <= found.bound
            assert found.gain == most or found.termination is not Termination.OPTIMAL


class _StoppedAtOnce:
    """CP-SAT as it is when time is up before it has a plan: its bound is 0, which is none."""

    best_objective_bound = 0.0

    def __init__(self) -> None:
        self.parameters = SimpleNamespace()

    def solve(self, model: cp_model.CpModel) -> int:
        del model
        return int(cp_model.UNKNOWN)


def test_a_search_without_time_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a plan nor a bound comes of it; taken for one, 0 would call any plan optimal."""
    problem = build_mixed(0, Size(100, 20))
    plan = solve(problem, SolveOptions(backend="greedy"))
    form, rents = build_form(problem), np.full(100, LARGEST_GAIN // 1000)
    bound = configuration_bound(problem, rents, problem.site_cap)
    proven = Proven(rents, problem.site_cap, bound)
    found = proven_by_search(form, proven, plan.agent, plan.gain, 0, lambda: 30.0)
    assert found is not None
    assert found.bound > plan.gain
    monkeypatch.setattr("solver.backends.mix_proof.cp_model.CpSolver", _StoppedAtOnce)
    assert proven_by_search(form, proven, plan.agent, plan.gain, 0, lambda: 30.0) is None


@pytest.mark.parametrize("deadline_s", [0.6, 1.0])
def test_nothing_is_called_optimal_for_lack_of_time(deadline_s: float) -> None:
    """At sizes whose search takes about a second: optimal plans gain what patience finds."""
    problem = build_mixed(0, SIZES["S"])
    hasty = solve(problem, SolveOptions(deadline_s=deadline_s))
    assert hasty.gain <= 30_897_416 <= hasty.bound  # proven by a search without a limit


def test_counts_of_tiers_are_not_proven_by_a_gain_that_meets_its_bound() -> None:
    """Greedy gives agent 0 to contact 0, who could have had agent 1, and contact 1 waits.

    Nothing gains anything, so 0 meets the bound; yet both contacts of tier 0 can be served.
    """
    problem = dense_problem(
        np.zeros((2, 2), dtype=np.int64),
        np.array([1, 1]),
        eligible=np.array([[True, True], [True, False]]),
        tier=np.zeros(2, dtype=np.int32),
    )
    plan = solve(problem, SolveOptions(backend="greedy"))
    assert (plan.served, plan.gain, plan.bound) == ((1,), 0, 0)
    assert plan.termination is Termination.FEASIBLE
    assert better_of(plan, plan).termination is Termination.FEASIBLE
    best = solve(problem, SolveOptions())
    assert (best.served, best.termination) == ((2,), Termination.OPTIMAL)


def test_auto_leaves_tiers_of_pair_units_to_their_backend() -> None:
    """Six tiers of weights would not fit; the units backend needs none."""
    draw = np.random.default_rng(0)
    problem = dense_problem(
        draw.integers(1_000, 90_000, (30, 6)),
        np.full(6, 30),
        units=draw.integers(1, 9, (30, 6)),
        unit_cap=np.full(6, 12),
        tier=draw.integers(0, 6, 30).astype(np.int32),
    )
    found = solve(problem, SolveOptions(deadline_s=5.0))
    alone = solve(problem, SolveOptions(backend="units", deadline_s=5.0))
    assert (found.served, found.gain) == (alone.served, alone.gain)


def test_tiers_that_nobody_is_in_change_nothing() -> None:
    """All NO_TIER is no tier: the same plan, and the baseline still lists no pairs."""
    problem = build_mixed(0, Size(200, 40))
    same = replace(problem, tier=np.full(200, NO_TIER, dtype=np.int32))
    one, other = (solve(p, SolveOptions(gap_target=0.01)) for p in (problem, same))
    assert (one.gain, one.bound, other.served) == (other.gain, other.bound, ())


def test_the_baseline_by_class_serves_tiers_first() -> None:
    """One place: tier 0 gets it at a loss of 4, as in the listed baseline."""
    problem = dense_problem(
        np.array([[9], [-4]]), np.array([1]), tier=np.array([NO_TIER, 0], dtype=np.int32)
    )
    plan = greedy_by_class.solve(problem, SolveOptions(), None)
    assert (plan.agent.tolist(), plan.gain, plan.served) == ([-1, 0], -4, (1,))
    assert plan.termination is Termination.FEASIBLE


def test_hints_that_do_not_fit_do_no_harm() -> None:
    """Wrong shapes and absurd rents are left out or cut; the optimum stays what it is."""
    problem = draw_problem(Family.MIXES, 3)
    exact = solve(problem, SolveOptions())
    for rents in (np.zeros(1, dtype=np.int64), np.full(problem.num_contacts, 2**62)):
        again = solve(problem, SolveOptions(), Hint(None, rents))
        assert (again.gain, again.bound) == (exact.gain, exact.bound)


def test_read_only_capacities_are_no_matter() -> None:
    """Columns of other libraries often are; kernels get arrays of the problem's own."""
    count = np.array([[1, 0], [0, 2]])
    count.flags.writeable = False
    cap = np.array([2])
    cap.flags.writeable = False
    problem = dense_problem(
        np.array([[5], [4], [3]]),
        cap,
        lane=np.array([0, 1, 1], dtype=np.int32),
        lane_cap=np.array([[1, 2]]),
        mixes=Mixes(np.array([0, 2]), count),
    )
    assert solve(problem, SolveOptions()).gain == 7
