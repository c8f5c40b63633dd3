"""Our policies, put together from beliefs, prices, lever and holds."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from scenarios.lab.asking import Asking, NoPrices, PricePaths, TwoPrices
from scenarios.lab.beliefs import (
    TRUE,
    BeliefErrors,
    Forecast,
    beliefs_of,
    forecast_of,
    moment_of,
)
from scenarios.lab.centre import Floats, LabCentre
from scenarios.lab.day import LabPurpose, stream
from scenarios.lab.floor import Floor
from scenarios.lab.levers import CeilingLever, Lever, fixed_lever
from scenarios.lab.past import Past, learned_beliefs, learned_forecast, usual_abandonment
from scenarios.lab.priced_tick import PricedTick
from scenarios.lab.rules.ours import HOLD_S, PricedBatch
from solver.pricing.book import PriceRecipe
from solver.pricing.future import PathRecipe
from solver.pricing.make import SlowRecipe
from solver.pricing.moment import Beliefs

MANY_AGENTS, VERY_MANY_AGENTS = 50, 400


class Prices(Enum):
    """What is asked for agents' time."""

    NONE = "none"
    TWO = "two"
    PATHS = "paths"


@dataclass(frozen=True)
class OwnSettings:
    """Numbers of our policies; tuned on companies and days that no result is reported for."""

    prices: Prices = Prices.TWO
    recipe: PriceRecipe | None = None
    """None: by the size of the centre."""
    head_share: float = 0.125
    """Bonus per head as a share of a mean contact's value; where the controller starts."""
    most_head_share: float = 0.5
    """The controller's largest."""
    slack: float = 0.0
    """Share of customers by which the ceiling lies above what the centre is used to."""
    floor_p: float = 0.45
    hold_s: float = HOLD_S
    errors: BeliefErrors = TRUE


OURS = OwnSettings()


def ours(centre: LabCentre, seed: int, settings: OwnSettings = OURS) -> PricedBatch:
    """With true probabilities and rates, or wrong ones, and a bonus per head that stays."""
    beliefs = beliefs_of(centre, settings.floor_p, settings.errors, seed)
    forecast = forecast_of(centre, settings.errors, seed)
    lever = fixed_lever(centre, beliefs, forecast, settings.head_share)
    return _priced(centre, seed, settings, beliefs, forecast, lever)


def ours_with_past(
    centre: LabCentre, seed: int, past: Past, settings: OwnSettings = OURS, *, learned: bool
) -> PricedBatch:
    """The controller keeps abandonment at what the centre is used to from its past.

    `learned`: probabilities, handling times, patience and rates are those of the past, too.
    """
    if learned:
        beliefs = learned_beliefs(centre, past, settings.floor_p)
        forecast = learned_forecast(centre, past)
    else:
        beliefs = beliefs_of(centre, settings.floor_p, settings.errors, seed)
        forecast = forecast_of(centre, settings.errors, seed)
    start = fixed_lever(centre, beliefs, forecast, settings.head_share).worth
    most = float(start.max()) * settings.most_head_share / max(settings.head_share, 1e-9)

    def ceiling(floor: Floor) -> Floats:
        factor = moment_of(floor, forecast, 1.0).factor
        usual = usual_abandonment(past, factor) + settings.slack
        # Who never leaves needs no lever, and stays without one.
        return np.where(start > 0, usual, 1.0)

    lever = CeilingLever(start, ceiling, most)
    return _priced(centre, seed, settings, beliefs, forecast, lever)


def product_with_prices(centre: LabCentre, seed: int, settings: OwnSettings = OURS) -> PricedTick:
    """The product's own tick at the same prices and bonus; true beliefs, or wrong ones."""
    beliefs = beliefs_of(centre, settings.floor_p, settings.errors, seed)
    forecast = forecast_of(centre, settings.errors, seed)
    recipe = recipe_for(centre.num_agents) if settings.recipe is None else settings.recipe
    asking = TwoPrices(beliefs, forecast, recipe, stream(seed, LabPurpose.PRICES))
    lever = fixed_lever(centre, beliefs, forecast, settings.head_share)
    return PricedTick(centre, asking, lever, settings.floor_p, settings.hold_s)


def recipe_for(agents: int) -> PriceRecipe:
    """Large centres have steadier prices: fewer futures, less often (`value.md` 1)."""
    if agents < MANY_AGENTS:
        return PriceRecipe()
    if agents < VERY_MANY_AGENTS:
        slow = SlowRecipe(buckets=2, scenarios=4)
        return PriceRecipe(slow=slow, slow_every_s=120.0, fast_every_s=30.0, fast_scenarios=4)
    slow = SlowRecipe(buckets=1, scenarios=3)
    return PriceRecipe(slow=slow, slow_every_s=180.0, fast_every_s=60.0, fast_scenarios=3)


def _priced(
    centre: LabCentre,
    seed: int,
    settings: OwnSettings,
    beliefs: Beliefs,
    forecast: Forecast,
    lever: Lever,
) -> PricedBatch:
    rng = stream(seed, LabPurpose.PRICES)
    recipe = recipe_for(centre.num_agents) if settings.recipe is None else settings.recipe
    asking: Asking = NoPrices()
    if settings.prices is Prices.TWO:
        asking = TwoPrices(beliefs, forecast, recipe, rng)
    elif settings.prices is Prices.PATHS:
        asking = PricePaths(beliefs, forecast, PathRecipe(), rng)
    return PricedBatch(beliefs, forecast, asking, lever, settings.hold_s)
