"""What guard-rails cost: the slow programme without one of them, less the one with all."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from jobs.price_future import HOUR_S
from jobs.price_probe import Probed
from models.capacity import Mask
from solver.pricing.book import PriceRecipe
from solver.pricing.make import SlowRecipe, slow_price_at
from solver.pricing.moment import Beliefs, Moment
from solver.pricing.slow import signatures

COARSE = SlowRecipe(buckets=1, scenarios=3)
"""People compare these costs with each other, so they need not be as fine as prices."""


@dataclass(frozen=True)
class GuardCosts:
    """Money per hour that would be gained without each; None where nobody asked."""

    floor_per_h: float | None = None
    member_per_h: float | None = None
    skill_per_h: float | None = None


def guard_costs(
    probed: Probed, look: Callable[[float], Moment], recipe: PriceRecipe, seed: int
) -> GuardCosts:
    """Costs of the floor, of membership and of skills, over the horizon of the slow price.

    With the same sampled demand, so that the difference is none of luck. Who lacks a skill is
    believed to resolve as if at level 0: the last is what the policy's probabilities make of it.
    """
    recipe = replace(recipe, slow=COARSE)
    beliefs, moment = probed.beliefs, look(recipe.horizon_s)
    with_all = _worth(beliefs, moment, recipe, seed)

    def cost(allowed: Mask) -> float:
        if np.array_equal(allowed, beliefs.allowed):
            return 0.0
        without = _worth(replace(beliefs, allowed=allowed), moment, recipe, seed)
        return max(without - with_all, 0.0) * HOUR_S / moment.horizon_s

    return GuardCosts(*map(cost, probed.allowed_without))


def _worth(beliefs: Beliefs, moment: Moment, recipe: PriceRecipe, seed: int) -> float:
    allowed = beliefs.allowed.astype(np.float64)
    groups = signatures(beliefs.resolution, beliefs.handling_s, allowed)
    rng = np.random.default_rng(seed)
    return slow_price_at(beliefs, groups, moment, recipe.slow, rng).value
