"""The bonus per head: the lever against abandonment, at rest or moved by a controller."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from scenarios.lab.beliefs import Forecast
from scenarios.lab.centre import Floats, Ints, LabCentre, LabChannel
from scenarios.lab.floor import Floor
from solver.pricing.moment import Beliefs


class Lever(Protocol):
    """Says what serving anybody is worth beyond their value; one object serves one day."""

    def head_worth(self, floor: Floor) -> Floats:
        """(K,) money per contact served."""

    def started(self, contact: Ints) -> None:
        """These contacts of the last floor were started, so they have not left."""


@dataclass(frozen=True, eq=False)
class FixedLever:
    """The same bonus all day."""

    worth: Floats
    """(K,)"""

    def head_worth(self, floor: Floor) -> Floats:  # noqa: ARG002 - whatever the floor
        """As it is."""
        return self.worth

    def started(self, contact: Ints) -> None:
        """Nothing to learn."""


def fixed_lever(
    centre: LabCentre, beliefs: Beliefs, forecast: Forecast, share: float
) -> FixedLever:
    """A bonus of that share of a mean contact's value; none for emails, who never leave."""
    rate = forecast.mean_rate
    mean_value = float((beliefs.value_mean * rate).sum() / rate.sum())
    is_live = centre.classes.channel != LabChannel.EMAIL
    return FixedLever(np.where(is_live, share * mean_value, 0.0))
