"""What the families leave out: breaks, uneven shifts, customers who come back, slower chats."""

from dataclasses import replace

import numpy as np

from scenarios.lab.centre import Breaks, Habits, Ints, LabCentre, LabChannel
from scenarios.lab.day import LabPurpose, stream

BREAK_S = 600.0
UNEVEN_S = 1200.0
"""Shifts begin up to so much late, or end so much early."""
INTERVAL_SHAPE = 200.0
SLOWDOWN = 0.1


def lifelike(centre: LabCentre, seed: int) -> LabCentre:
    """The centre with a break for everybody, uneven shifts, returns and volatile intervals.

    Half of those who leave a call redial after 10 min (half of the chats after 5), a third of
    those who were not helped reconnect, 30 % of returns are on the next channel of the topic.
    """
    rng = stream(seed, LabPurpose.STRUCTURE)
    agents = centre.num_agents
    late = rng.random(agents) * UNEVEN_S * (rng.random(agents) < 0.25)
    early = rng.random(agents) * UNEVEN_S * (rng.random(agents) < 0.25)
    from_s = rng.uniform(0.2, 0.7, agents) * centre.horizon_s
    return replace(
        centre,
        name=f"{centre.name}-lifelike",
        classes=replace(centre.classes, habits=_habits(centre)),
        shift_from_s=centre.shift_from_s + late,
        shift_until_s=centre.shift_until_s - early,
        breaks=Breaks(np.arange(agents), from_s, from_s + BREAK_S),
        slowdown=SLOWDOWN,
        interval_shape=INTERVAL_SHAPE,
    )


def _habits(centre: LabCentre) -> Habits:
    channel = centre.classes.channel
    one = np.ones(len(channel))
    other = _next_channel(centre)
    moves = other != np.arange(len(channel))
    return Habits(
        redial_share=np.array([0.5, 0.5, 0.0])[channel],
        redial_median_s=np.array([600.0, 300.0, 600.0])[channel],
        reconnect_share=one / 3,
        reconnect_median_s=1800 * one,
        switch_share=0.3 * moves,
        switch_to=other,
    )


def _next_channel(centre: LabCentre) -> Ints:
    """Class of the same topic on the next channel, where classes are named "topic channel"."""
    names = list(centre.classes.names)
    channels = [channel.name.lower() for channel in LabChannel]
    found = []
    for position, name in enumerate(names):
        topic, _, channel = name.rpartition(" ")
        following = channels[(channels.index(channel) + 1) % 3] if channel in channels else ""
        other = f"{topic} {following}"
        found.append(names.index(other) if other in names else position)
    return np.array(found, dtype=np.int64)
