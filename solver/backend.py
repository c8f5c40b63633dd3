"""What every backend offers, and how an assignment becomes a `Solution` with a checked claim."""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Protocol

import numpy as np

from models.bound import upper_bound
from models.problem import AssignmentProblem, Positions, Prices
from models.solution import Hint, Limit, Solution, SolveOptions, Termination, total_load_cost
from solver.tree import NO_PAIR, chosen_pairs

Clock = Callable[[], float]
"""Seconds since some instant."""


class Backend(Protocol):
    """The function `solve` of a module under `solver/backends/`."""

    def __call__(
        self,
        problem: AssignmentProblem,
        options: SolveOptions,
        hint: Hint | None,
        clock: Clock = monotonic,
    ) -> Solution:
        """A valid assignment with a valid bound; raises when the method breaks down.

        The hint may be ignored. Equal arguments give equal solutions, unless time runs out.
        Methods that come closer step by step look at the clock between steps.
        """


class BackendError(RuntimeError):
    """A backend broke its promise: the method failed or its claim did not check."""

    def __init__(self, backend: str, found: str, expected: str, advice: str) -> None:
        """Join the three parts of the message."""
        super().__init__(f"backend {backend}: {found}; expected {expected}: {advice}")


def assignment_gain(problem: AssignmentProblem, agent: Positions) -> int:
    """Gain of an assignment in milli-units, load costs taken off.

    Raises ValueError when a pair is not eligible.
    """
    chosen = chosen_pairs(problem, agent)
    pair_gain = problem.pairs.gain[chosen[chosen != NO_PAIR]].sum(dtype=np.int64)
    return int(pair_gain) - total_load_cost(problem, agent)


def certified(
    problem: AssignmentProblem, agent: Positions, prices: Prices, backend: str
) -> Solution:
    """The optimal solution that these prices prove.

    Raises BackendError when gain and bound differ: then assignment or prices are wrong.
    """
    solution = with_bound(problem, agent, prices, backend)
    if solution.termination is not Termination.OPTIMAL:
        raise BackendError(
            backend,
            f"gain {solution.gain} and bound {solution.bound} differ",
            "equality at an optimum",
            "this is a defect, keep the batch and report it",
        )
    return solution


def with_bound(
    problem: AssignmentProblem, agent: Positions, prices: Prices, backend: str
) -> Solution:
    """The assignment with the bound that the prices give: optimal if they meet, else feasible."""
    gain, bound = assignment_gain(problem, agent), upper_bound(problem, prices)
    optimal = gain == bound
    return Solution(
        agent=agent,
        gain=gain,
        bound=bound,
        prices=prices,
        termination=Termination.OPTIMAL if optimal else Termination.FEASIBLE,
        limit=None if optimal else Limit.METHOD,
        backend=backend,
    )


def failed(baseline: Solution, limit: Limit) -> Solution:
    """The baseline's plan and bound, marked as what remained when a backend failed."""
    return replace(baseline, termination=Termination.FAILED, limit=limit)
