"""One door to every backend: `solve(problem, options, hint) -> Solution`. No clock, no I/O."""

from dataclasses import replace
from importlib import import_module
from typing import cast

import numpy as np

from models.dense_problem import dense_problem
from models.problem import AssignmentProblem
from models.solution import Hint, Solution, SolveOptions, Termination
from solver.backend import Backend
from solver.form import LISTED_PAIRS, count_pairs, only_agents_bind

BACKENDS = {
    "auction": "solver.backends.auction",
    "auto": "solver.backends.auto",
    "flow": "solver.backends.flow",
    "greedy": "solver.backends.greedy",
    "lp": "solver.backends.lp",
}
"""Module of each backend, imported when it is first asked for."""

FOR_LARGE = ("auction", "auto")
"""Backends that do not list the pairs of large problems."""

BASELINE = "greedy"
BASELINE_BY_CLASS = "solver.backends.greedy_by_class"
"""The same plan as the baseline's, for problems whose pairs are too many to list."""


def solve(problem: AssignmentProblem, options: SolveOptions, hint: Hint | None = None) -> Solution:
    """The backend's solution, or the baseline's assignment where that gains more.

    Raises ValueError for an unknown backend and BackendError when the method breaks down.
    """
    backend = find_backend(options.backend)
    baseline = solve_baseline(problem, options, hint)
    if options.backend == BASELINE:
        return baseline
    return better_of(backend(problem, options, hint), baseline)


def find_backend(name: str) -> Backend:
    """The backend of that name; raises ValueError, which lists the names, if there is none."""
    if name not in BACKENDS:
        raise ValueError(
            f"solve options: backend is {name!r}, expected one of {', '.join(sorted(BACKENDS))}:"
            " correct the name in the configuration"
        )
    return cast(Backend, import_module(BACKENDS[name]).solve)


def solve_baseline(
    problem: AssignmentProblem, options: SolveOptions, hint: Hint | None
) -> Solution:
    """The greedy plan: always the pair that gains most now, by whichever way is faster."""
    backend = find_backend(BASELINE)
    if count_pairs(problem) > LISTED_PAIRS and only_agents_bind(problem):
        backend = cast(Backend, import_module(BASELINE_BY_CLASS).solve)
    plan = backend(problem, options, hint)
    return replace(plan, baseline=plan.gain)


def better_of(solution: Solution, baseline: Solution) -> Solution:
    """The solution beside its baseline, with the latter's assignment and bound where better."""
    solution = replace(solution, baseline=baseline.gain)
    if baseline.bound < solution.bound:
        solution = replace(solution, bound=baseline.bound, prices=baseline.prices)
    if baseline.gain > solution.gain:
        solution = replace(solution, agent=baseline.agent, gain=baseline.gain)
    if solution.gain == solution.bound and solution.termination is Termination.FEASIBLE:
        solution = replace(solution, termination=Termination.OPTIMAL, limit=None)
    return solution


def warm_up(backend: str = "flow") -> None:
    """Load what ticks with this backend may need and solve a tiny problem with it.

    So no tick pays for loading, nor, on the first run after an installation, for compiling.
    """
    for name in (BASELINE, *(("flow", "auction") if backend in FOR_LARGE else (backend,))):
        solve(tiny_problem(), SolveOptions(backend=name))
    warm_up_baseline(backend)


def warm_up_baseline(backend: str = "flow") -> None:
    """Load the baseline for large problems, where the backend is for them."""
    if backend in FOR_LARGE:
        import_module(BASELINE_BY_CLASS).solve(tiny_problem(), SolveOptions(), None)


def tiny_problem() -> AssignmentProblem:
    """Two contacts, two agents with room for one each."""
    return dense_problem(np.array([[5, 4], [4, 1]]), np.array([1, 1]))
