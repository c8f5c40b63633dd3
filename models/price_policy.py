"""How agents' time is priced, in numbers: what the price job goes by (`docs/model.md` 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from models.number_ranges import Money, Share, UpToDay, Weight, Within, check_numbers


@dataclass(frozen=True)
class PricePolicy:
    """Numbers of the price job; ticks only ask how old its prices may be."""

    price_max_age_s: UpToDay = 600.0
    """Ticks do without prices that are older."""
    fast_share: Weight = 0.8
    """Of the fast price, what is charged; tuned in the lab, as the next."""
    slow_share: Weight = 0.3
    """Of the slow price within the window, where the fast price tells most."""
    expected_load: Annotated[float, Within(0.01, 2)] = 0.85
    """Load of the staff that is expected where there is no history ..."""
    prior_contacts: Annotated[float, Within(1, 100_000)] = 20.0
    """... which is worth as much as so many contacts of each queue."""
    abandonment_ceiling: Share = 0.05
    """Share of a queue's customers who may give up before serving them is worth more."""
    abandonment_ceilings: Mapping[str, Share] = field(default_factory=dict)
    """The same for single queues."""
    most_head_worth: Money = 20.0
    """Serving somebody is never worth more than this beyond what comes of it."""

    def __post_init__(self) -> None:
        """Check ranges."""
        check_numbers(self)
