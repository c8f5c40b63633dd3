"""Large problems through the solver child: `auto` picks the auction, the deadline holds."""

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.engine_instances import SIZES, Form, build_instance
from models.problem import NOBODY
from models.solution import Hint, Limit, SolveOptions, Termination
from solver.backends import greedy_by_class
from solver.child import SolverChild
from solver.form import LISTED_PAIRS, count_pairs


@pytest.fixture(scope="module")
def child() -> Iterator[SolverChild]:
    """A loaded child."""
    with SolverChild("auto") as started:
        started.warm_up()
        yield started


def test_auto_proves_a_large_problem_without_listing_its_pairs(child: SolverChild) -> None:
    """Beyond the limit of listed pairs: optimal by the auction, cold and warm, above greedy."""
    problem = build_instance(0, SIZES["M"], Form.FULL)
    assert count_pairs(problem) > LISTED_PAIRS
    options = SolveOptions(backend="auto", deadline_s=60.0)
    cold = child.solve(problem, options)
    warm = child.solve(problem, options, Hint(cold.prices))
    baseline = greedy_by_class.solve(problem, options, None)
    for solution in (cold, warm):
        assert (solution.backend, solution.termination) == ("auction", Termination.OPTIMAL)
        assert solution.gain == solution.bound == cold.gain > baseline.gain == solution.baseline
    assert "pairs" not in vars(problem)  # the cached list was never made


def test_a_short_deadline_gives_a_valid_plan_with_its_gap(child: SolverChild) -> None:
    """Two fifths of a second for 6 million pairs: a valid plan, at least as good as greedy."""
    problem = build_instance(0, SIZES["L"])
    solution = child.solve(problem, SolveOptions(backend="auto", deadline_s=0.4))
    served = solution.agent[solution.agent != NOBODY]
    assert (np.bincount(served, minlength=problem.num_agents) <= problem.agent_cap).all()
    assert solution.baseline <= solution.gain <= solution.bound
    assert solution.limit in {Limit.TIME, None}
