"""The backend by size: one flow while the pairs can be listed, beyond that the auction."""

from models.problem import AssignmentProblem
from models.solution import Hint, Solution, SolveOptions
from solver.backends import auction, flow
from solver.form import LISTED_PAIRS, count_pairs, only_agents_bind


def solve(problem: AssignmentProblem, options: SolveOptions, hint: Hint | None) -> Solution:
    """The solution of the flow up to LISTED_PAIRS pairs, or where the auction cannot; else its."""
    small = count_pairs(problem) <= LISTED_PAIRS
    if small or not only_agents_bind(problem):
        return flow.solve(problem, options, hint)
    return auction.solve(problem, options, hint)
