"""What a policy of the lab asks for agents' time: at two prices, or along a path of prices."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from scenarios.lab.beliefs import Forecast, moment_of
from scenarios.lab.centre import Floats
from scenarios.lab.floor import Floor
from solver.pricing.book import PriceRecipe, empty_book, renewed
from solver.pricing.cost import Charges, CostParameters, charges_at, path_cost, time_cost
from solver.pricing.future import PathRecipe, path_price_at
from solver.pricing.make import mean_window_s
from solver.pricing.moment import Beliefs, Moment
from solver.pricing.slow import Signatures, signatures


class Asking(Protocol):
    """Keeps its prices fresh; one object serves one day."""

    def ask(self, floor: Floor) -> Floats:
        """(K, A) money for the time that a contact of each class takes of each agent."""


class NoPrices:
    """Time costs nothing: the myopic batch."""

    def ask(self, floor: Floor) -> Floats:
        """Zeros."""
        return np.zeros(floor.centre.p.shape)


class TwoPrices:
    """The slow price of scarcity and the fast price of being missed (`value.md` 1)."""

    def __init__(
        self, beliefs: Beliefs, forecast: Forecast, recipe: PriceRecipe, rng: np.random.Generator
    ) -> None:
        """For one day."""
        self.beliefs, self.forecast, self.recipe, self.rng = beliefs, forecast, recipe, rng
        self.groups = agents_alike(beliefs)
        window_s = mean_window_s(beliefs, forecast.mean_rate)
        self.parameters = CostParameters(window_s)
        self.book = empty_book(beliefs.resolution.shape[1])

    def ask(self, floor: Floor) -> Floats:
        """What both prices charge for the handling times that are believed."""
        charges = self.charges(floor)
        return time_cost(self.beliefs.handling_s, self.beliefs.attention, charges)

    def charges(self, floor: Floor) -> Charges:
        """The charges of both prices, renewed where they are due."""

        def look(horizon_s: float) -> Moment:
            return moment_of(floor, self.forecast, horizon_s)

        book = self.book = renewed(
            self.book,
            floor.now_s,
            look,
            self.parameters.window_s,
            self.beliefs,
            self.groups,
            self.recipe,
            self.rng,
        )
        fast = np.zeros(len(book.slow_of_agent)) if book.fast is None else book.fast
        closing_in_s = floor.centre.horizon_s - floor.now_s
        return charges_at(fast, book.slow_of_agent, closing_in_s, self.parameters)


@dataclass(frozen=True)
class PathTimes:
    """When price paths are made, and for how long a future."""

    every_s: float = 60.0
    horizon_s: float = 900.0
    after_closing_s: float = 300.0
    smoothing: float = 0.5


class PricePaths:
    """Mean price path of sampled futures, the online version of the hindsight bound."""

    def __init__(
        self, beliefs: Beliefs, forecast: Forecast, recipe: PathRecipe, rng: np.random.Generator
    ) -> None:
        """For one day."""
        self.beliefs, self.forecast, self.recipe, self.rng = beliefs, forecast, recipe, rng
        self.times = PathTimes()
        self.groups = agents_alike(beliefs)
        self.path: Floats | None = None
        self.made_at_s = -np.inf

    def ask(self, floor: Floor) -> Floats:
        """The price of the work's whole stretch of time, from now on."""
        if floor.now_s >= self.made_at_s + self.times.every_s:
            self._make(floor)
        path = np.zeros((len(self.groups.example), 1)) if self.path is None else self.path
        at_s = floor.now_s - self.made_at_s
        of_agent = path[self.groups.of_agent]
        cost = path_cost(of_agent, self.recipe.cell_s, at_s, self.beliefs.handling_s)
        asked: Floats = self.beliefs.attention[:, None] * cost
        return asked

    def _make(self, floor: Floor) -> None:
        times = self.times
        left_s = floor.centre.horizon_s - floor.now_s + times.after_closing_s
        horizon_s = max(min(times.horizon_s, left_s), self.recipe.cell_s)
        moment = moment_of(floor, self.forecast, horizon_s)
        old = self._old(floor.now_s, int(np.ceil(horizon_s / self.recipe.cell_s)))
        new = path_price_at(self.beliefs, self.groups, moment, self.recipe, self.rng, old)
        weight = times.smoothing
        self.path = new if old is None else weight * old + (1.0 - weight) * new
        self.made_at_s = floor.now_s

    def _old(self, now_s: float, cells: int) -> Floats | None:
        """The former path from now on, its last price going on; None at first."""
        if self.path is None:
            return None
        past = round((now_s - self.made_at_s) / self.recipe.cell_s)
        cell = np.minimum(past + np.arange(cells), self.path.shape[1] - 1)
        return self.path[:, cell]


def agents_alike(beliefs: Beliefs) -> Signatures:
    """Agents with the same beliefs share a signature."""
    allowed = beliefs.allowed.astype(np.float64)
    return signatures(beliefs.resolution, beliefs.handling_s, allowed)
