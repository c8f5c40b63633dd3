"""What a tier weighs: whole levels that fall with the tier, and which weights to try.

`solver/tiers.py` says why this is enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from models.lifted import largest_gain
from models.problem import LARGEST_GAIN, MILLI, NO_TIER, AssignmentProblem, Ints
from solver.form import folded, is_network

RAISE = 16
"""The weight is raised so many times where the optimum serves fewer than it should."""

MONEY_ONLY = 0
"""Level of contacts without a tier."""

USUAL_GAINS = 3
"""Mean gains of a served contact that the gentle weight exceeds."""


@dataclass(frozen=True, eq=False)
class Weighing:
    """What is added to gains so that tiers are served first."""

    level: Ints
    """(C,) of each contact's tier, MONEY_ONLY where it has none."""
    weight: int
    """Milli-units a level."""

    @property
    def lift(self) -> Ints:
        """What every gain of each contact is raised by, milli-units, (C,)."""
        return self.weight * self.level


def weighings(problem: AssignmentProblem, mean_gain: int) -> Iterator[Weighing]:
    """What to try, each one more surely in order of the tiers than the last, as far as it fits.

    For a network, weights of `first_weight` on; otherwise a gentle one before, above what contacts
    usually gain (milli-units) and no more, so that a method that stops near the optimum still
    sees money.
    """
    level = tier_levels(problem)
    first = first_weight(problem)
    if not is_network(folded(problem)):
        gentle = 2 ** (USUAL_GAINS * max(mean_gain, 0)).bit_length()
        yield Weighing(ranks(problem), min(gentle, first))
    for power in count():
        weight = first * RAISE**power
        if not fits(problem, level, weight):
            return
        yield Weighing(level, weight)


def affordable(problem: AssignmentProblem) -> AssignmentProblem:
    """The problem without its weakest tiers, as far as their weights would be too large.

    Their contacts compete by money. A tick must not fail because one gain is enormous.
    """
    while problem.tier is not None:
        present = np.unique(problem.tier[problem.tier != NO_TIER])
        if len(present) == 0:
            return replace(problem, tier=None)
        try:
            check_weight(problem, ranks(problem), first_weight(problem))
        except OverflowError:
            weaker = np.where(problem.tier == present[-1], NO_TIER, problem.tier)
            problem = replace(problem, tier=weaker.astype(np.int32))
        else:
            return problem
    return problem


def ranks(problem: AssignmentProblem) -> Ints:
    """1 for contacts of the last tier, 2 for those of the last but one and so on, shape (C,)."""
    level = np.full(problem.num_contacts, MONEY_ONLY, dtype=np.int64)
    if problem.tier is not None:
        tiered = problem.tier != NO_TIER
        present, place = np.unique(problem.tier[tiered], return_inverse=True)
        level[tiered] = len(present) - place
    return level


def tier_levels(problem: AssignmentProblem) -> Ints:
    """v_k of every contact's tier, shape (C,): whole, falling with the tier, 1 for the last.

    Ranks for a network; otherwise each is above the sum of all that are smaller, if that fits.
    """
    rank = ranks(problem)
    if problem.tier is None or is_network(folded(problem)):
        return rank
    of_rank = [1]
    for number in np.bincount(rank)[1:-1].tolist():
        of_rank.append(of_rank[-1] * (number + 1))
    if of_rank[-1] > LARGEST_GAIN:
        return rank
    level: Ints = np.array([MONEY_ONLY, *of_rank], dtype=np.int64)[rank]
    return level


def decide_counts(problem: AssignmentProblem, level: Ints) -> bool:
    """Whether plans with the largest sum of levels served are those with the largest counts."""
    above = (one > int(level[level < one].sum()) for one in np.unique(level).tolist() if one)
    return is_network(folded(problem)) or all(above)


def first_weight(problem: AssignmentProblem) -> int:
    """A power of two above what moving one contact can be worth, milli-units."""
    worth = 2 * largest_gain(problem) + int(problem.load_cost.max(initial=0))
    return int(2 ** (worth + 1).bit_length())


def fits(problem: AssignmentProblem, level: Ints, weight: int) -> bool:
    """Whether gains with `weight` a level are within the range of money."""
    return weight * int(level.max(initial=0)) + largest_gain(problem) <= LARGEST_GAIN


def check_weight(problem: AssignmentProblem, level: Ints, weight: int) -> None:
    """Raise OverflowError if gains with `weight` a level would be too large."""
    if not fits(problem, level, weight):
        found = weight * int(level.max()) + largest_gain(problem)
        raise OverflowError(
            f"tiers: a weight of {found / MILLI:,.0f} would be needed, expected at most"
            f" {LARGEST_GAIN / MILLI:,.0f}: use fewer tiers, or check customer values and load"
            " costs"
        )
