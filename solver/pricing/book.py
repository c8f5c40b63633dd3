"""The prices in force: when each is due, made and smoothed; one code for the job and the lab."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from models.problem import Floats
from solver.pricing import fast, slow
from solver.pricing.make import SlowRecipe, fast_price_at, slow_price_at
from solver.pricing.moment import Beliefs, Moment
from solver.pricing.slow import Signatures, SlowPrices

LEAST_HORIZON_S = 60.0

Look = Callable[[float], Moment]
"""Length of the future in seconds -> the floor now, with the forecast for that future."""


@dataclass(frozen=True)
class PriceRecipe:
    """How often prices are made, and from how much future."""

    slow_every_s: float = 60.0
    horizon_s: float = 900.0
    """Future of the slow price; near closing time it ends `after_closing_s` after that."""
    after_closing_s: float = 200.0
    slow: SlowRecipe = field(default_factory=SlowRecipe)
    fast_every_s: float = 20.0
    fast_scenarios: int = 6


@dataclass(frozen=True, eq=False)
class PriceBook:
    """Prices in force, and when they are due again, on the clock of whoever keeps them."""

    slow: SlowPrices | None
    """By signature; None before the first."""
    slow_of_agent: Floats
    """(A,) money per agent-second."""
    fast: Floats | None
    """(A,) money for all of an agent's attention over one window; None before the first."""
    slow_due_s: float = -np.inf
    fast_due_s: float = -np.inf


def empty_book(num_agents: int) -> PriceBook:
    """No price has been made."""
    return PriceBook(None, np.zeros(num_agents), None)


def renewed(
    book: PriceBook,
    now_s: float,
    look: Look,
    window_s: float,
    beliefs: Beliefs,
    groups: Signatures,
    recipe: PriceRecipe,
    rng: np.random.Generator,
) -> PriceBook:
    """The book with every price that is due at `now_s` made anew and smoothed.

    `window_s` is the future of the fast price. Raises slow.PricesNotFoundError.
    """
    if now_s >= book.slow_due_s:
        left_s = look(LEAST_HORIZON_S).closing_in_s + recipe.after_closing_s
        moment = look(max(min(recipe.horizon_s, left_s), LEAST_HORIZON_S))
        new = slow_price_at(beliefs, groups, moment, recipe.slow, rng)
        prices = slow.smoothed(new, book.slow)
        book = replace(
            book,
            slow=prices,
            slow_of_agent=prices.agent[0][groups.of_agent],
            slow_due_s=now_s + recipe.slow_every_s,
        )
    if now_s >= book.fast_due_s:
        moment = look(window_s)
        scenarios = recipe.fast_scenarios
        new_fast = fast_price_at(beliefs, book.slow_of_agent, moment, window_s, scenarios, rng)
        book = replace(
            book,
            fast=fast.smoothed(new_fast, book.fast),
            fast_due_s=now_s + recipe.fast_every_s,
        )
    return book
