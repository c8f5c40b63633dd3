"""What a router may see at an instant: the queue, the agents and the clock, never hidden truth."""

from dataclasses import dataclass

from scenarios.lab.centre import Flags, Floats, Ints, LabCentre

NOTHING = -1
"""In `held_kind`: this place is empty."""


@dataclass(frozen=True, eq=False)
class Floor:
    """W waiting contacts in order of entry, A agents with R places each.

    The arrays are the engine's own: read them, do not write or keep them.
    """

    centre: LabCentre
    now_s: float
    contact: Ints
    """(W,) names of the waiting contacts, the same at every tick."""
    kind: Ints
    """(W,) contact class."""
    value: Floats
    """(W,) money if resolved."""
    waited_s: Floats
    """(W,)"""
    room: Ints
    """(A, 3) contacts of each channel that the agent could start now; 0 off duty."""
    on_duty: Flags
    """(A,) takes work now."""
    idle_since_s: Floats
    """(A,) when the agent last had nothing to do; means nothing while they hold something."""
    held_kind: Ints
    """(A, R) class of what is held, or NOTHING."""
    held_since_s: Floats
    """(A, R) when it was started."""
    taken: Ints
    """(A,) contacts taken so far today."""
    busy_s: Floats
    """(A,) handling seconds finished so far today."""
    arrived: Ints
    """(K,) contacts that have entered so far today."""

    @property
    def shift_left_s(self) -> Floats:
        """(A,) seconds until the end of the shift, not below 0."""
        left: Floats = (self.centre.shift_until_s - self.now_s).clip(min=0.0)
        return left

    @property
    def can_start(self) -> Flags:
        """(K, A) agents who are eligible for the class and have room for its channel now."""
        channels = self.centre.classes.channel
        return self.centre.eligible & (self.room[:, channels].T > 0)
