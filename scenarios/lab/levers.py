"""The bonus per head: the lever against abandonment, at rest or moved by a controller."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from scenarios.lab.beliefs import Forecast
from scenarios.lab.centre import Floats, Ints, LabCentre, LabChannel
from scenarios.lab.floor import Floor
from solver.pricing.lever import Departures, next_head_worth
from solver.pricing.moment import Beliefs

REMEMBERED_S = 3600.0
STEP_S = 60.0


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


class CeilingLever:
    """Moved by the product's controller: up while more leave than the ceiling allows.

    Who is gone from the queue and was not started has left; the last hour counts.
    """

    def __init__(self, start: Floats, ceiling: Callable[[Floor], Floats], most: float) -> None:
        """From these worths (K,), under ceilings (K,) of the share who leave, to `most`."""
        self.worth, self.ceiling, self.most = start, ceiling, most
        self.seen: dict[int, int] = {}
        """Class of every contact that waited at the last tick."""
        self.gone: deque[tuple[float, int, bool]] = deque()
        """When, of which class, and whether they left."""
        self.begun: set[int] = set()
        self.stepped_at_s = 0.0

    def head_worth(self, floor: Floor) -> Floats:
        """After a step, where one is due."""
        waiting = dict(zip(floor.contact.tolist(), floor.kind.tolist(), strict=True))
        for contact, kind in self.seen.items():
            if contact not in waiting:
                self.gone.append((floor.now_s, kind, contact not in self.begun))
        self.seen, self.begun = waiting, set()
        while self.gone and self.gone[0][0] < floor.now_s - REMEMBERED_S:
            self.gone.popleft()
        if floor.now_s >= self.stepped_at_s + STEP_S:
            self._step(floor)
        return self.worth

    def started(self, contact: Ints) -> None:
        """They were served."""
        self.begun.update(contact.tolist())

    def _step(self, floor: Floor) -> None:
        kind = np.array([kind for _, kind, _ in self.gone], dtype=np.int64)
        has_left = np.array([has_left for _, _, has_left in self.gone], dtype=np.float64)
        size = len(self.worth)
        departures = Departures(
            left=np.bincount(kind, has_left, size).astype(np.float64),
            gone=np.bincount(kind, minlength=size).astype(np.float64),
        )
        since_s = floor.now_s - self.stepped_at_s
        ceiling = self.ceiling(floor)
        self.worth = next_head_worth(self.worth, departures, ceiling, self.most, since_s)
        self.stepped_at_s = floor.now_s


def fixed_lever(
    centre: LabCentre, beliefs: Beliefs, forecast: Forecast, share: float
) -> FixedLever:
    """A bonus of that share of a mean contact's value; none for emails, who never leave."""
    rate = forecast.mean_rate
    mean_value = float((beliefs.value_mean * rate).sum() / rate.sum())
    is_live = centre.classes.channel != LabChannel.EMAIL
    return FixedLever(np.where(is_live, share * mean_value, 0.0))
