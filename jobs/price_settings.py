"""How the price job runs: how often, from how much future and past. What it goes by is policy."""

from dataclasses import dataclass
from typing import Annotated

from models.number_ranges import DAY_S, HOUR_S, Within, check_numbers


@dataclass(frozen=True)
class PriceConfig:
    """Settings of `omniassign price` (`docs/prices.md`)."""

    slow_every_s: Annotated[float, Within(1, HOUR_S, "s")] = 60.0
    """The slow price, of scarcity over the horizon, is made anew so often ..."""
    fast_every_s: Annotated[float, Within(1, HOUR_S, "s")] = 20.0
    """... and the fast one, of being missed in the next handling time, so often."""
    horizon_s: Annotated[float, Within(60, DAY_S, "s")] = 900.0
    """Future of the slow price."""
    scenarios: Annotated[int, Within(1, 100)] = 6
    """Sampled futures that each price is the mean of."""
    most_classes: Annotated[int, Within(1, 1_000)] = 60
    """Classes of contacts that are told apart; rarer ones count as the most like them."""
    history_days: Annotated[float, Within(1, 1_000)] = 56.0
    """So much history makes the forecast."""
    keep_h: Annotated[float, Within(1, 10_000)] = 6.0
    """The prices of single agents stay in the store for so long."""
    guards: bool = True
    """Whether every slow price comes with what guard-rails cost."""
    seed: Annotated[int, Within(0, 2**31)] = 0
    """Of the sampled futures."""

    def __post_init__(self) -> None:
        """Check ranges."""
        check_numbers(self)
