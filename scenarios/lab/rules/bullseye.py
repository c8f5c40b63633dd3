"""Bullseye rings: the best agents first; with every ring that the wait passes, more of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision
from scenarios.lab.rules.one_by_one import by_priority, one_by_one


@dataclass(frozen=True)
class Ring:
    """From this wait on, agents with at least this probability may serve."""

    after_s: float
    at_least: float


RINGS = (Ring(0.0, 0.75), Ring(20.0, 0.6), Ring(60.0, 0.45), Ring(120.0, 0.0))


@dataclass(frozen=True)
class Bullseye:
    """Priority and FIFO; agents of the ring that the contact has reached, longest idle first."""

    rings: Sequence[Ring] = RINGS
    """In order of `after_s`; the first begins at 0."""

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        after_s = np.array([ring.after_s for ring in self.rings])
        at_least = np.array([ring.at_least for ring in self.rings])
        reached = at_least[np.searchsorted(after_s, floor.waited_s, side="right") - 1]
        p = floor.centre.p
        return one_by_one(
            floor,
            by_priority(floor),
            p >= at_least.min(),
            may_serve=lambda contact: p[floor.kind[contact]] >= reached[contact],
        )
