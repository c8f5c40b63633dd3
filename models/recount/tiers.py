"""Checks of section 6: who waited too long goes first, and what preferences may cost."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl

from models.plan import Finding
from models.recount.case import Case, findings
from models.recount.gain import MILLI
from models.recount.numbers import Ints
from models.recount.standing import NO_TIER
from models.solution import Termination

IN_RANGE = 2**34
"""Thousandths: raised gains up to here are within the range of money, whoever rounds them up."""

NO_LEVEL = 2**62
"""Above that of any tier: of lanes that nobody new is in."""


def tier_levels_fall(case: Case) -> Iterator[Finding]:
    """Every tier that waits has a level, whole and falling; only the weakest may be without.

    Tiers whose weight would be out of the range of money are left to money, from the last on.
    """
    levels, weight = case.plan.tier_levels, case.plan.tier_weight_milli
    some = case.conversations.tier[(case.survey.num_eligible > 0)]
    present = np.unique(some[some != NO_TIER]).tolist()
    stated = [levels[tier] if tier < len(levels) else 0 for tier in present]
    falling = all(a > b or a == b == 0 for a, b in pairwise(stated))
    if min((0, weight, *levels)) < 0 or not falling:
        claim = (
            f"levels {levels} of weight {weight}; expected them above 0, falling, for {present}"
        )
        yield Finding("tier_levels", claim)
    if not all(stated) and _fits(case, len(present)):
        yield Finding("tier_levels_missing", f"levels {levels} for the tiers {present}")


def tiers_served_first(case: Case) -> Iterator[Finding]:
    """In an optimal plan nobody of a tier waits for a slot that a weaker one got.

    The slot is of the same lane, so that the two could change places.
    """
    waiting = np.flatnonzero((case.level > 0) & ~case.served)
    if case.plan.termination is not Termination.OPTIMAL or not len(waiting):
        return
    c, e, choice = case.conversations, case.eligibility, case.choice
    weakest = np.full(case.room.lane_cap.shape, NO_LEVEL)
    place = (choice.agent, c.lane[choice.conversation])
    np.minimum.at(weakest, place, case.level[choice.conversation])
    conversation, agent = _ready_pairs(case, waiting)
    better = weakest[agent, c.lane[conversation]] < case.level[conversation]
    better[better] &= ~e.barred(conversation[better], agent[better])
    overtaken = np.unique(conversation[better])
    leads = c.members["contact_id"].gather(c.start[overtaken])
    yield from findings("tier_overtaken", "slot given to a weaker tier", leads)


def preferences_affordable(case: Case) -> Iterator[Finding]:
    """What agents prefer costs no more than its share, and such a plan is not called optimal."""
    plan, cost = case.plan, case.plan.preference_cost_milli
    best = plan.gain_milli + cost
    if cost < 0 or best > plan.bound_milli:
        claim = f"gain {plan.gain_milli} gives up {cost}, the bound is {plan.bound_milli}"
        yield Finding("preference_cost", claim + " thousandths")
    if cost > case.policy.preference_share * max(0, best) + 1:
        claim = f"{cost} of {best} thousandths are given up, allowed is a share of"
        yield Finding("preference_share", f"{claim} {case.policy.preference_share}")
    if cost > 0 and plan.termination is Termination.OPTIMAL:
        yield Finding("preference_optimal", f"plan is called optimal and gives up {cost}")


def tiers_told(case: Case) -> Iterator[Finding]:
    """Explanations state the tier of every conversation."""
    tier = pl.Series(case.conversations.tier, dtype=pl.Int64)
    members = case.conversations.members.select(
        "contact_id", true=tier.gather(case.conversations.of_member).replace(NO_TIER, None)
    )
    rows = case.plan.explanations.select("contact_id", "tier").join(members, on="contact_id")
    wrong = rows.filter(pl.col("tier").ne_missing(pl.col("true")))["contact_id"]
    yield from findings("tier", "contact with another tier", wrong)


def _fits(case: Case, num_tiers: int) -> bool:
    """Whether the weights that so many tiers need are surely in the range of money."""
    if case.plan.termination is not Termination.OPTIMAL:
        return False
    largest = int(np.abs(case.survey.best_gain[case.survey.num_eligible > 0]).max(initial=MILLI))
    most = int(case.room.agent_cap.max(initial=0)) + 1
    weight: int = largest * most ** max(0, num_tiers - 1)
    return weight <= IN_RANGE


def _ready_pairs(case: Case, conversation: Ints) -> tuple[Ints, Ints]:
    """All pairs of these conversations and agents who pass the tests of their class."""
    e = case.eligibility
    kind = e.class_of[conversation]
    size = e.num_ready[kind]
    first = (np.cumsum(e.num_ready) - e.num_ready)[kind]
    shift = first - (np.cumsum(size) - size)
    entry = np.arange(int(size.sum())) + np.repeat(shift, size)
    return np.repeat(conversation, size), e.ready_agent[entry]
