"""One door to every backend: `solve(problem, options, hint) -> Solution`, without any I/O."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from time import monotonic
from typing import cast

import numpy as np

from models.dense_problem import dense_problem
from models.problem import NO_TIER, AssignmentProblem, Mixes, PairUnits
from models.solution import Hint, Limit, Solution, SolveOptions, Termination, usable
from solver.backend import Backend
from solver.baseline import BASELINE_BY_CLASS, solve_baseline
from solver.form import choose, folded, is_network
from solver.tier_levels import affordable

BACKENDS = {
    "auction": "solver.backends.auction",
    "auto": "solver.backends.auto",
    "flow": "solver.backends.flow",
    "greedy": "solver.backends.greedy",
    "lp": "solver.backends.lp",
    "mixes": "solver.backends.mixes",
    "units": "solver.backends.units",
}
"""Module of each backend, imported when it is first asked for."""

FOR_NETWORKS = ("auction", "flow", "lp")
"""Backends that need capacities that nest; other problems go where `auto` sends them."""

OWN_TIERS = ("greedy", "units")
"""Backends that serve tiers by themselves."""

MEMBERS = ("flow", "auction", "mixes", "units")
"""What `auto` chooses from."""

FOR_LARGE = ("auction", "auto", "mixes")
"""Backends that do not list the pairs of large problems."""

AT_ONCE_S = 1e-3
LONG_PAST_S = 1e9
"""Whoever looks at the clock after an interruption finds that time is up."""

TIERS, FILLING = "solver.tiers", "solver.filling"
"""Imported, as backends are, when they are first asked for: compiled code takes long to load."""

BASELINE = "greedy"


def never() -> bool:
    """No, go on."""
    return False


Solver = Callable[[AssignmentProblem, SolveOptions, Hint | None], Solution]
"""Anything that solves: `solve` itself, or a warm child process around it."""


def solve(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None = None,
    stop: Callable[[], bool] = never,
) -> Solution:
    """The backend's solution, or the baseline's assignment where that gains more.

    Once `stop` says so, methods that come closer step by step give what they have, with the limit
    INTERRUPTED. Raises ValueError for an unknown backend and BackendError when the method breaks
    down.
    """
    find_backend(options.backend)
    problem = affordable(problem)
    begun = monotonic()
    baseline = solve_baseline(problem, options, hint)
    if options.backend == BASELINE:
        return baseline
    left_s = options.deadline_s - (monotonic() - begun)
    options = replace(options, deadline_s=max(left_s, AT_ONCE_S))
    return better_of(solve_alone(problem, options, hint, stop), baseline)


def solve_alone(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    stop: Callable[[], bool] = never,
) -> Solution:
    """The backend's own solution, tier by tier where the problem has tiers; else as `solve`."""
    problem, hint = folded(problem), usable(hint, problem)
    find_backend(options.backend)
    if options.backend == "auto" or (options.backend in FOR_NETWORKS and not is_network(problem)):
        options = replace(options, backend=choose(problem))
    backend = find_backend(options.backend)

    if stop():
        options = replace(options, deadline_s=AT_ONCE_S)

    def clock() -> float:
        return monotonic() + (LONG_PAST_S if stop() else 0.0)

    solution: Solution
    if problem.tier is None or options.backend in OWN_TIERS:
        solution = backend(problem, options, hint, clock)
        if solution.termination is not Termination.OPTIMAL:
            solution = import_module(FILLING).filled_up(problem, solution)
    else:
        solution = import_module(TIERS).solve_in_tiers(problem, options, hint, backend, clock)
    if solution.limit is Limit.TIME and stop():
        return replace(solution, limit=Limit.INTERRUPTED)
    return solution


def find_backend(name: str) -> Backend:
    """The backend of that name; raises ValueError, which lists the names, if there is none."""
    check_backend(name)
    return cast(Backend, import_module(BACKENDS[name]).solve)


def check_backend(name: str) -> None:
    """Raise ValueError, which lists the names, if there is no backend of that name; loads none."""
    if name not in BACKENDS:
        raise ValueError(
            f"solve options: backend is {name!r}, expected one of {', '.join(sorted(BACKENDS))}:"
            " correct the name in the configuration"
        )


def better_of(solution: Solution, baseline: Solution) -> Solution:
    """The solution beside its baseline, with the latter's assignment and bound where better.

    Better is who serves more of the strictest tier that they differ in, then who gains more.
    """
    solution = replace(solution, baseline=baseline.gain)
    if baseline.bound < solution.bound:
        solution = replace(
            solution,
            bound=baseline.bound,
            prices=baseline.prices,
            rents=baseline.rents,
            proof=baseline.proof,
            tier_weight=baseline.tier_weight,
            tier_levels=baseline.tier_levels,
        )
    if (baseline.served, baseline.gain) > (solution.served, solution.gain):
        if baseline.served != solution.served:
            # The bound of a tiered solution is about plans that serve as many as it does.
            return replace(baseline, termination=Termination.FEASIBLE, limit=solution.limit)
        solution = replace(solution, agent=baseline.agent, gain=baseline.gain)
    # With tiers, counts must be proven too, and only who proved them can say so.
    plain = not solution.served
    if plain and solution.gain == solution.bound and solution.termination is Termination.FEASIBLE:
        solution = replace(solution, termination=Termination.OPTIMAL, limit=None)
    return solution


def warm_up(backend: str = "auto") -> None:
    """Load what ticks with this backend may need and solve a tiny problem with it.

    So no tick pays for loading, nor, on the first run after an installation, for compiling.
    """
    for name in (BASELINE, *(MEMBERS if backend == "auto" else (backend,))):
        problem = tiny_problem()
        if name == "mixes":
            either = Mixes(np.array([0, 2, 4]), np.array([[1], [0], [1], [0]]))
            problem = replace(problem, mixes=either, tier=np.array([0, NO_TIER], dtype=np.int32))
        if name == "units":
            problem = replace(problem, units=PairUnits(np.ones(4, np.int64), np.ones(2, np.int64)))
        solve(problem, SolveOptions(backend=name))
    warm_up_baseline(backend)


def warm_up_baseline(backend: str = "auto") -> None:
    """Load the baseline for large problems, where the backend is for them."""
    if backend in FOR_LARGE:
        import_module(BASELINE_BY_CLASS).solve(tiny_problem(), SolveOptions(), None)


def tiny_problem() -> AssignmentProblem:
    """Two contacts, two agents with room for one each."""
    return dense_problem(np.array([[5, 4], [4, 1]]), np.array([1, 1]))
