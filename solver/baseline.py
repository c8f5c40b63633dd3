"""The baseline of every tick: the greedy plan, by whichever way is faster."""

from dataclasses import replace
from importlib import import_module
from typing import cast

from models.problem import AssignmentProblem
from models.solution import Hint, Solution, SolveOptions, usable
from solver.backend import Backend
from solver.form import LISTED_PAIRS, count_pairs, folded

BASELINE = "solver.backends.greedy"
BASELINE_BY_CLASS = "solver.backends.greedy_by_class"
"""The same plan, for problems whose pairs are too many to list. Both are imported when they are
first asked for: compiled code takes long to load.
"""


def solve_baseline(
    problem: AssignmentProblem, options: SolveOptions, hint: Hint | None
) -> Solution:
    """The greedy plan: always the pair that gains most now, the strictest tier first."""
    problem, hint = folded(problem), usable(hint, problem)
    lists = count_pairs(problem) <= LISTED_PAIRS or problem.units is not None
    backend = cast(Backend, import_module(BASELINE if lists else BASELINE_BY_CLASS).solve)
    plan = backend(problem, options, hint)
    return replace(plan, baseline=plan.gain)
