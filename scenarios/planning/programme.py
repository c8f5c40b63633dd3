"""Solve an integer programme with the CBC that comes with PuLP."""

from dataclasses import dataclass

import pulp
from pulp.apis.coin_api import pulp_cbc_path


@dataclass(frozen=True)
class Patience:
    """When the solver may stop."""

    gap: float = 1e-3
    """Relative, proven."""
    limit_s: int = 30
    """Seconds; the best solution so far counts."""


class NoSolutionError(RuntimeError):
    """No solution was found."""

    def __init__(self, what: str, found: str, advice: str) -> None:
        """State what was found, expected and to be done."""
        super().__init__(f"{what}: the solver says {found!r}; expected a solution: {advice}")


def solve(problem: pulp.LpProblem, patience: Patience, advice: str) -> bool:
    """Whether the solution is proven to be within the gap; NoSolutionError without one."""
    solver = pulp.COIN_CMD(
        path=pulp_cbc_path, msg=False, gapRel=patience.gap, timeLimit=patience.limit_s
    )
    problem.solve(solver)
    found = problem.sol_status
    if found not in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible):
        raise NoSolutionError(problem.name, pulp.LpSolution[found], advice)
    return bool(found == pulp.LpSolutionOptimal)
