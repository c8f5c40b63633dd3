"""Our policies, put together from beliefs, prices, lever and holds."""

from dataclasses import dataclass

from scenarios.lab.asking import NoPrices, PricePaths, TwoPrices
from scenarios.lab.beliefs import TRUE, BeliefErrors, beliefs_of, forecast_of
from scenarios.lab.centre import LabCentre
from scenarios.lab.day import LabPurpose, stream
from scenarios.lab.levers import fixed_lever
from scenarios.lab.rules.ours import HOLD_S, PricedBatch
from solver.pricing.book import PriceRecipe
from solver.pricing.future import PathRecipe
from solver.pricing.make import SlowRecipe

HEAD_SHARE = 0.2
"""Bonus per head as a share of a mean contact's value."""
FLOOR_P = 0.45
MANY_AGENTS, VERY_MANY_AGENTS = 100, 400


@dataclass(frozen=True)
class OwnSettings:
    """Numbers of our policies; tuned on companies and days that no result is reported for."""

    head_share: float = HEAD_SHARE
    floor_p: float = FLOOR_P
    hold_s: float = HOLD_S
    recipe: PriceRecipe | None = None
    """None: by the size of the centre."""
    errors: BeliefErrors = TRUE


def two_prices(
    centre: LabCentre,
    seed: int,
    settings: OwnSettings = OwnSettings(),
) -> PricedBatch:
    """The policy that we stand for."""
    beliefs = beliefs_of(centre, settings.floor_p, settings.errors, seed)
    forecast = forecast_of(centre, settings.errors, seed)
    recipe = recipe_for(centre.num_agents) if settings.recipe is None else settings.recipe
    asking = TwoPrices(beliefs, forecast, recipe, stream(seed, LabPurpose.PRICES))
    lever = fixed_lever(centre, beliefs, forecast, settings.head_share)
    return PricedBatch(beliefs, forecast, asking, lever, settings.hold_s)


def price_paths(
    centre: LabCentre,
    seed: int,
    settings: OwnSettings = OwnSettings(),
) -> PricedBatch:
    """The same with price paths of sampled futures in place of the two prices."""
    beliefs = beliefs_of(centre, settings.floor_p, settings.errors, seed)
    forecast = forecast_of(centre, settings.errors, seed)
    asking = PricePaths(beliefs, forecast, PathRecipe(), stream(seed, LabPurpose.PRICES))
    lever = fixed_lever(centre, beliefs, forecast, settings.head_share)
    return PricedBatch(beliefs, forecast, asking, lever, settings.hold_s)


def without_prices(
    centre: LabCentre,
    seed: int,
    settings: OwnSettings = OwnSettings(),
) -> PricedBatch:
    """The same, holds and floor included, but agents' time costs nothing."""
    beliefs = beliefs_of(centre, settings.floor_p, settings.errors, seed)
    forecast = forecast_of(centre, settings.errors, seed)
    lever = fixed_lever(centre, beliefs, forecast, settings.head_share)
    return PricedBatch(beliefs, forecast, NoPrices(), lever, settings.hold_s)


def recipe_for(agents: int) -> PriceRecipe:
    """Large centres have steadier prices: fewer futures, less often (`value.md` 1)."""
    if agents < MANY_AGENTS:
        return PriceRecipe()
    if agents < VERY_MANY_AGENTS:
        slow = SlowRecipe(buckets=2, scenarios=4)
        return PriceRecipe(slow=slow, slow_every_s=120.0, fast_every_s=30.0, fast_scenarios=4)
    slow = SlowRecipe(buckets=1, scenarios=3)
    return PriceRecipe(slow=slow, slow_every_s=180.0, fast_every_s=60.0, fast_scenarios=3)
