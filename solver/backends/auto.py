"""The backend by the problem's form and size.

pair units                                units    Lagrangian bound and search
agents who choose between mixes           mixes    configuration bound and search
networks, pairs few enough to be listed   flow     exact
networks in which only agents bind        auction  exact, nothing listed
other networks                            mixes    lanes and sites beyond what can be listed
"""

from time import monotonic

from models.problem import AssignmentProblem
from models.solution import Hint, Solution, SolveOptions
from solver.backend import Clock
from solver.backends import auction, flow, mixes, units
from solver.form import LISTED_PAIRS, count_pairs, is_network, only_agents_bind


def solve(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """The solution of the backend that the problem's form asks for."""
    if problem.units is not None:
        return units.solve(problem, options, hint, clock)
    if is_network(problem) and count_pairs(problem) <= LISTED_PAIRS:
        return flow.solve(problem, options, hint, clock)
    if only_agents_bind(problem):
        return auction.solve(problem, options, hint, clock)
    return mixes.solve(problem, options, hint, clock)
