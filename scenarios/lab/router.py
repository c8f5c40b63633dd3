"""The two ways to be a router: decide over the whole floor at a tick, or at single events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from scenarios.lab.centre import Ints, LabCentre
from scenarios.lab.floor import Floor

NOBODY = -1


@dataclass(frozen=True, eq=False)
class Decision:
    """Pairs that start now; whoever is not named waits. Positions are those of the floor."""

    contact: Ints
    """(n,) positions in `Floor.contact`, no contact twice."""
    agent: Ints
    """(n,) positions of agents."""


class Router(Protocol):
    """Decides at every tick at which somebody waits; may remember what it saw.

    One object routes one day: make a new one for the next.
    """

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now; the engine refuses pairs for which there is no room."""


@dataclass(frozen=True, eq=False)
class Board:
    """What an `EventRouter` may look at: live lists of the engine, by contact and by agent."""

    waits: Sequence[bool]
    """By contact: still in the queue."""
    is_free: Sequence[bool]
    """By agent: on duty and holds nothing."""
    idle_since_s: Sequence[float]
    """By agent."""


@runtime_checkable
class EventRouter(Protocol):
    """Decides without delay, one event at a time, as switches do; needs `tick_s` 0.

    For centres whose agents hold one contact at a time.
    """

    def begin(self, centre: LabCentre, board: Board) -> None:
        """A day begins; the lists of `board` live on."""

    def entered(self, contact: int, kind: int) -> int:
        """The agent who takes this new contact at once, or NOBODY: it waits."""

    def freed(self, agent: int) -> int:
        """The waiting contact that this free agent takes now, or NOBODY: they stay free."""


def nothing_starts() -> Decision:
    """Everybody waits on."""
    none = np.zeros(0, dtype=np.int64)
    return Decision(none, none)
