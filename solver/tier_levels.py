"""What a tier weighs: whole levels that fall with the tier, and the first weight to try.

`solver/tiers.py` says why this is enough.
"""

from dataclasses import replace

import numpy as np

from models.lifted import largest_gain
from models.problem import LARGEST_GAIN, MILLI, NO_TIER, AssignmentProblem, Ints, Mixes
from solver.form import folded, is_network

RAISE = 16
"""The weight is raised so many times where the optimum serves fewer than it should."""

MONEY_ONLY = 0
"""Level of contacts without a tier."""


def affordable(problem: AssignmentProblem) -> AssignmentProblem:
    """The problem without its weakest tiers, as far as their weights would be too large.

    Their contacts compete by money. A tick must not fail because one gain is enormous.
    """
    while problem.tier is not None:
        present = np.unique(problem.tier[problem.tier != NO_TIER])
        if len(present) == 0:
            return replace(problem, tier=None)
        try:
            check_weight(problem, tier_levels(problem), first_weight(problem))
        except OverflowError:
            weaker = np.where(problem.tier == present[-1], NO_TIER, problem.tier)
            problem = replace(problem, tier=weaker.astype(np.int32))
        else:
            return problem
    return problem


def tier_levels(problem: AssignmentProblem) -> Ints:
    """v_k of every contact's tier, shape (C,): whole, falling with the tier, 1 for the last."""
    level = np.full(problem.num_contacts, MONEY_ONLY, dtype=np.int64)
    if problem.tier is None:
        return level
    tiered = problem.tier != NO_TIER
    present, place = np.unique(problem.tier[tiered], return_inverse=True)
    from_last = len(present) - 1 - place
    if is_network(folded(problem)):
        level[tiered] = from_last + 1
    else:
        mixes = problem.all_mixes
        most = np.minimum(problem.agent_cap, _largest_mix(mixes)).max(initial=0)
        most = min(int(most), len(level))
        steps = [int(most + 1) ** n for n in range(len(present))]
        if steps and steps[-1] > LARGEST_GAIN:
            raise too_large(steps[-1])
        level[tiered] = np.array(steps, dtype=np.int64)[from_last]
    return level


def _largest_mix(mixes: Mixes) -> Ints:
    """Most contacts that any mix of each agent holds, (A,)."""
    total = mixes.count.sum(axis=1)
    most: Ints = np.maximum.reduceat(total, mixes.start[:-1]) if len(total) else total
    return most


def fits(problem: AssignmentProblem, level: Ints, weight: int) -> bool:
    """Whether gains with `weight` a level are within the range of money."""
    return weight * int(level.max(initial=0)) + largest_gain(problem) <= LARGEST_GAIN


def check_weight(problem: AssignmentProblem, level: Ints, weight: int) -> None:
    """Raise OverflowError if gains with `weight` a level would be too large."""
    if not fits(problem, level, weight):
        raise too_large(weight * int(level.max()) + largest_gain(problem))


def first_weight(problem: AssignmentProblem) -> int:
    """A power of two above what moving one contact can be worth, milli-units."""
    worth = 2 * largest_gain(problem) + int(problem.load_cost.max(initial=0))
    return int(2 ** (worth + 1).bit_length())


def too_large(found: int) -> OverflowError:
    return OverflowError(
        f"tiers: a weight of {found / MILLI:,.0f} would be needed, expected at most"
        f" {LARGEST_GAIN / MILLI:,.0f}: use fewer tiers, or check customer values and load costs"
    )
