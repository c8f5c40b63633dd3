"""The backend by the problem's form and size, as `solver.form.choose` says."""

from time import monotonic

from models.problem import AssignmentProblem
from models.solution import Hint, Solution, SolveOptions
from solver.backend import Backend, Clock
from solver.backends import auction, flow, mixes, units
from solver.form import choose

MEMBERS: dict[str, Backend] = {
    "auction": auction.solve,
    "flow": flow.solve,
    "mixes": mixes.solve,
    "units": units.solve,
}


def solve(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """The solution of the backend that the problem's form asks for."""
    return MEMBERS[choose(problem)](problem, options, hint, clock)
