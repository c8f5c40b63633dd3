"""One decision: a batch in, a plan out. No clock, file, database or logging set-up."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum

from models.batch import Batch
from models.batch_problem import BatchProblem, build_problem
from models.plan import Carried, Plan
from models.policy import Policy
from models.solution import Solution, SolveOptions
from solver.solve import Solver, solve


class Stage(StrEnum):
    """Parts of a decision that somebody outside may want to time."""

    BUILD = "build"
    SOLVE = "solve"
    EXPLAIN = "explain"


Watch = Callable[[Stage], AbstractContextManager[None]]

Witness = Callable[[BatchProblem, Solution], None]
"""Told what a plan is made of, for whoever has to prove it later."""


def assign(
    batch: Batch,
    policy: Policy,
    options: SolveOptions,
    previous: Carried | None = None,
    *,
    solver: Solver = solve,
    watch: Watch = lambda _: nullcontext(),
    witness: Witness = lambda *_: None,
) -> Plan:
    """The best plan for the batch that can be had within the options, with its proof.

    `previous` is what the last tick carried over, a hint; it never changes what is optimal.
    `solver`, `watch` and `witness` let a job run the solver elsewhere, time the stages, and keep
    what proves the plan.
    """
    with watch(Stage.BUILD):
        stated = build_problem(batch, policy)
    with watch(Stage.SOLVE):
        solution = solver(stated.problem, options, stated.hint(previous))
        if stated.wishes is not None:
            # Its compiled code takes seconds to load, which most commands need not pay for.
            from solver.wishes import follow_wishes  # noqa: PLC0415

            share = policy.preference_share
            solution = follow_wishes(
                stated.problem, stated.wishes, share, options, solution, solver
            )
    witness(stated, solution)
    with watch(Stage.EXPLAIN):
        return stated.to_plan(solution)
