"""A centre for the lab: who calls about what, who can help, when they work, and the house rules.

K contact classes, A agents, T intervals. Times are seconds since the day's start, money is in the
currency of the values. All of this is known to everybody; what a day will bring is in `day.py`.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

EMAIL_ATTENTION = 0.3
"""Share of an agent's attention that an email takes, since everything else interrupts it."""


class LabChannel(IntEnum):
    """How a contact is held: alone (voice), beside others (chat), or when nothing else is."""

    VOICE = 0
    CHAT = 1
    EMAIL = 2


@dataclass(frozen=True, eq=False)
class Habits:
    """What customers do after it went wrong; each array (K,), shares 0 to 1, delays in seconds.

    Delays are lognormal around their median; a customer gives up after `attempts` visits.
    """

    redial_share: Floats
    """Of those who left while waiting: come back."""
    redial_median_s: Floats
    reconnect_share: Floats
    """Of those who were served and not helped: come back."""
    reconnect_median_s: Floats
    switch_share: Floats
    """Of those who come back: in another class (mostly another channel), `switch_to`."""
    switch_to: Ints
    attempts: int = 3


@dataclass(frozen=True, eq=False)
class ContactClasses:
    """K kinds of contacts; every array has K rows."""

    names: tuple[str, ...]
    channel: Ints
    """`LabChannel` of each."""
    rate: Floats
    """(K, T) expected arrivals per second in each interval."""
    value_mean: Floats
    value_sigma: Floats
    """Of the lognormal of the value; 0: everybody is worth the mean."""
    loss_share: Floats
    """Of the value: lost if the customer leaves for good."""
    waiting_cost: Floats
    """Money per second of waiting."""
    patience_s: Floats
    """Mean, exponential; inf: never leaves."""
    target_s: Floats
    """Wait within which an answer is in time."""
    wrap_up_share: Floats
    """Of the handling time: work after the customer has gone."""
    habits: Habits | None = None
    """None: who leaves or is not helped does not come back."""


@dataclass(frozen=True, eq=False)
class Breaks:
    """Rows of planned absence; work that is held is finished first, and the whole length follows.

    A break that falls into another, or outside the shift, is left out.
    """

    agent: Ints
    from_s: Floats
    until_s: Floats


@dataclass(frozen=True, eq=False)
class Staffing:
    """Heads per team instead of personal shifts: idle agents go first, busy ones when done.

    From `from_s[r]` on, `heads[r, g]` agents of team g take work. If more are busy, whoever
    finishes first goes, until the heads are right: nothing new starts before.
    """

    team: Ints
    """(A,)"""
    from_s: Floats
    """(R,) ascending."""
    heads: Ints
    """(R, number of teams)"""


@dataclass(frozen=True)
class HouseRules:
    """What the building does to contacts, whatever the router says."""

    max_waiting: int | None = None
    """Contacts that would have to wait beyond it are turned away (blocked)."""
    max_present: int | None = None
    """Lines: contacts beyond it, waiting or served, are turned away."""
    clears_queue_at_s: float | None = None
    """Whoever waits then is disconnected."""
    gives_up_after_s: float | None = None
    """Longest wait the house allows: the contact leaves a message instead."""


@dataclass(frozen=True, eq=False)
class LabCentre:
    """One centre; checked on construction."""

    name: str
    classes: ContactClasses
    p: Floats
    """(K, A) probability that the agent resolves the contact."""
    h: Floats
    """(K, A) mean handling time in seconds, wrap-up included."""
    eligible: Flags
    """(K, A)"""
    shift_from_s: Floats
    """(A,)"""
    shift_until_s: Floats
    """(A,)"""
    horizon_s: float
    """End of arrivals."""
    interval_s: float
    tick_s: float = 5.0
    """Seconds between decisions; 0: at every event."""
    overtime_s: float = 3600.0
    """After it, beyond the horizon, whoever still waits is sent away."""
    breaks: Breaks | None = None
    staffing: Staffing | None = None
    """Not None: replaces shifts and breaks."""
    chats: int = 1
    """Chats that one agent holds at once."""
    slowdown: float = 0.0
    """Every chat beside others takes this much longer per other chat (0.1: 10 %)."""
    handle_sigma: float = 0.6
    """Of the lognormal of handling times around their means."""
    day_shape: float = np.inf
    """Shape of the Gamma factor, mean 1, on all rates of a day; inf: no such factor."""
    interval_shape: float = np.inf
    """The same for every interval by itself."""
    house: HouseRules = field(default_factory=HouseRules)

    @property
    def num_classes(self) -> int:
        """K."""
        return int(self.p.shape[0])

    @property
    def num_agents(self) -> int:
        """A."""
        return int(self.p.shape[1])

    @property
    def attention(self) -> Floats:
        """(K,) share of an agent's attention: voice 1, chat 1 / concurrency, email 0.3."""
        by_channel = np.array([1.0, 1.0 / self.chats, EMAIL_ATTENTION])
        return by_channel[self.classes.channel]

    @property
    def is_exclusive(self) -> bool:
        """Agents hold one contact at a time, whatever it is."""
        chats = (self.classes.channel == LabChannel.CHAT) & (self.chats > 1)
        return not bool((chats | (self.classes.channel == LabChannel.EMAIL)).any())

    @property
    def attempts(self) -> int:
        """Most visits that one customer makes."""
        return 1 if self.classes.habits is None else self.classes.habits.attempts

    def __post_init__(self) -> None:
        """Check shapes and ranges; raises ValueError with what was found and expected."""
        shape = self.p.shape
        if self.h.shape != shape or self.eligible.shape != shape:
            raise ValueError(
                f"centre {self.name}: p, h and eligible have shapes {shape}, {self.h.shape} and"
                f" {self.eligible.shape}; expected the same (classes, agents)"
            )
        rows = len(self.classes.names)
        if shape[0] != rows or self.classes.rate.shape != (rows, self.num_intervals):
            raise ValueError(
                f"centre {self.name}: {rows} classes, rates {self.classes.rate.shape}; expected"
                f" ({shape[0]}, {self.num_intervals}), one column per interval"
            )
        if (self.h[self.eligible] <= 0).any() or (self.p < 0).any() or (self.p > 1).any():
            raise ValueError(
                f"centre {self.name}: a handling time is not positive or a probability not within"
                " 0 and 1; expected both for every eligible pair"
            )
        if self.chats < 1 or self.tick_s < 0:
            raise ValueError(
                f"centre {self.name}: {self.chats} chats, tick {self.tick_s} s; expected at least"
                " one and no negative time"
            )

    @property
    def num_intervals(self) -> int:
        """T."""
        return int(np.ceil(self.horizon_s / self.interval_s - 1e-9))
