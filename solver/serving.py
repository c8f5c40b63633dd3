"""What it would take to serve a contact that waits: how much more it would have to be worth, and
whether one more slot would do.
"""

from dataclasses import dataclass, replace

import numpy as np

from models.lifted import largest_gain, lifted
from models.problem import NO_TIER, NOBODY, AssignmentProblem
from models.solution import Solution, SolveOptions, Termination, served_by_tier
from solver.backend import assignment_gain
from solver.changes import changes_between
from solver.questions import ForcedLoss
from solver.slots import Worth, with_one_more
from solver.solve import Solver


@dataclass(frozen=True)
class SlotMore:
    """What one more slot of an agent would do."""

    worth: Worth | None
    """Milli-units; None where contacts of a tier come before money."""
    serves: bool
    """Whether the contact would be served then."""


def loss_of_serving(
    problem: AssignmentProblem,
    solution: Solution,
    contact: int,
    options: SolveOptions,
    solver: Solver,
) -> ForcedLoss | None:
    """What the best plan that serves the contact would cost; None where no prize gets it a slot.

    Were all its gains larger by more than the loss, every best plan would serve it. Found by
    solving again with a prize on it that outweighs any loss, but no tier. Raises OverflowError
    where the prize would be too large to be exact.
    """
    prize = _prize(problem)
    raised = lifted(problem, np.where(np.arange(problem.num_contacts) == contact, prize, 0))
    found = solver(replace(raised, tier=problem.tier), options, None)
    if found.agent[contact] == NOBODY:
        return None
    plan, moves = changes_between(problem, solution, found, contact)
    loss = solution.gain - assignment_gain(problem, plan)
    least: int | None = solution.gain - (found.bound - prize)
    if _has_tiers(problem):
        # Bounds are those of plans that serve as many of each tier.
        least = loss if _both_optimal(solution, found) else None
    before, after = (served_by_tier(problem, agent) for agent in (solution.agent, plan))
    fewer = tuple(had - has for had, has in zip(before, after, strict=True))
    return ForcedLoss(least, loss, moves, fewer)


def one_more_slot(
    problem: AssignmentProblem,
    solution: Solution,
    contact: int,
    agent: int,
    options: SolveOptions,
    solver: Solver,
) -> SlotMore:
    """What one more slot of the agent would do, in the lane of the contact."""
    more = with_one_more(problem, agent, int(problem.contact_lane[contact]))
    found = solver(more, options, None)
    serves = bool(found.agent[contact] != NOBODY)
    if _has_tiers(problem):
        return SlotMore(None, serves)
    worth = Worth(max(found.gain - solution.bound, 0), max(found.bound - solution.gain, 0))
    return SlotMore(worth, serves)


def _prize(problem: AssignmentProblem) -> int:
    """Milli-units above any loss: the contact takes the place of those whom one agent could take,
    of whom each earns no more than the largest gain, and of one more at a site.
    """
    most = int(problem.agent_cap.max(initial=0)) + 2
    steps = int(problem.load_cost.max(initial=0)) * most
    return (most + 1) * largest_gain(problem) + steps


def _has_tiers(problem: AssignmentProblem) -> bool:
    return problem.tier is not None and bool((problem.tier != NO_TIER).any())


def _both_optimal(*solutions: Solution) -> bool:
    return all(one.termination is Termination.OPTIMAL for one in solutions)
