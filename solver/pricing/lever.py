"""The abandonment lever: what it is worth to serve a head, so that not too many give up.

An integral controller per queue (`value.md` 1 has a fixed worth per head instead): while more
customers give up than the ceiling allows, each head is worth more; while fewer do, less. The worth
itself is the integral, and it stays within its bounds, so nothing winds up while it is at one.
"""

from dataclasses import dataclass

import numpy as np

from models.problem import Floats

DOUBT = 20.0
"""Contacts' worth of belief that the queue is at its ceiling: two who gave up are no trend."""
FULL_EXCESS = 0.1
"""An excess of so many of a hundred ..."""
FULL_AFTER_S = 3600.0
"""... raises the worth from nothing to the most in this time."""
LONGEST_STEP_S = 300.0
"""A controller that was off for long takes one step of this length."""


@dataclass(frozen=True, eq=False)
class Departures:
    """Customers of Q queues who stopped waiting in the last hour."""

    left: Floats
    """(Q,) gave up."""
    gone: Floats
    """(Q,) gave up or were served."""


def share_left(departures: Departures, ceiling: Floats) -> Floats:
    """(Q,) share who give up, believed to be the ceiling where few have gone."""
    share: Floats = (departures.left + DOUBT * ceiling) / (departures.gone + DOUBT)
    return share


def next_head_worth(
    worth: Floats, departures: Departures, ceiling: Floats, most: float, elapsed_s: float
) -> Floats:
    """(Q,) money per head after a step of `elapsed_s` seconds from `worth`, 0 to `most`."""
    excess = share_left(departures, ceiling) - ceiling
    step_s = min(max(elapsed_s, 0.0), LONGEST_STEP_S)
    step = most * excess / FULL_EXCESS * step_s / FULL_AFTER_S
    return np.clip(worth + step, 0.0, most)
