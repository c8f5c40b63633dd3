"""When contacts come to a generated centre, in which queue, and what agents hold at the start."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.channel_policy import default_channels
from models.problem import NOBODY
from models.tables import Channel
from scenarios.centre import CALENDARS, PROFILES, QUEUES, US, CentreSize
from scenarios.randomness import Purpose, stream
from scenarios.workforce import CHANNELS, Workforce

Ints = NDArray[np.int64]

_DAY_SHAPE = 50.0
"""Of the Gamma factor of the whole period: variance / mean = 1 + mean / 50 (`methods.md` 8.1)."""
_MINUTE_SIGMA = 0.2
_MINUTE_MEMORY = 0.9
_TWIN_SHARE = 0.05
_FILLED = 0.9
"""Share of the usual load that agents hold at the start."""
_TWINS = {
    "chat-service": "voice-service",
    "email-service": "voice-service",
    "messaging-service": "chat-service",
    "social": "messaging-service",
    "voice-service": "messaging-service",
}
"""Where a customer who waits in one queue tries as well."""


@dataclass(frozen=True, eq=False)
class Demand:
    """N contacts in order of time; instants in microseconds since the epoch."""

    queue: Ints
    """Position in QUEUES."""
    entered_us: Ints
    person: Ints
    """Who asks: contacts of one person share it."""
    twin_queue: Ints
    """Queue of the same person's other contact, or NOBODY."""
    holder: Ints
    """Agent who holds the contact at the start, or NOBODY."""

    def __len__(self) -> int:
        """N."""
        return len(self.queue)


def generate_demand(
    seed: int,
    size: CentreSize,
    start_at: datetime,
    workforce: Workforce,
    present: NDArray[np.bool_],
) -> Demand:
    """New contacts over the period, the backlog at its start, and what `present` agents hold."""
    rng = stream(seed, Purpose.VOLUME)
    start_us = instant_us(start_at)
    new_queue, new_us = _new_contacts(rng, size, start_at)
    old_queue, old_age_s = _backlog(rng, size)
    held_queue, holder = _initial_load(seed, size, workforce, present)
    queue = np.concatenate([new_queue, old_queue, held_queue])
    entered = np.concatenate(
        [new_us, start_us - (old_age_s * US).astype(np.int64), np.full(len(holder), start_us - US)]
    )
    held_by = np.concatenate([np.full(len(queue) - len(holder), NOBODY), holder])
    person = np.arange(len(queue))
    source, twin, later_us = _twins(rng, new_queue, len(queue))
    twin_queue = np.full(len(queue), NOBODY)
    twin_queue[source] = twin
    merged = Demand(
        queue=np.concatenate([queue, twin]),
        entered_us=np.concatenate([entered, entered[source] + later_us]),
        person=np.concatenate([person, source]),
        twin_queue=np.concatenate([twin_queue, queue[source]]),
        holder=np.concatenate([held_by, np.full(len(source), NOBODY)]),
    )
    return _in_order_of_time(merged)


def instant_us(instant: datetime) -> int:
    """Microseconds since the epoch."""
    return round(instant.timestamp() * US)


def _new_contacts(
    rng: np.random.Generator, size: CentreSize, start_at: datetime
) -> tuple[Ints, Ints]:
    """Queue and instant of new contacts: Poisson with a random rate, so that counts over-disperse.

    The rate is a Gamma factor of the period, times a lognormal AR(1) factor of queue and minute.
    """
    seconds = size.duration.total_seconds()
    num_minutes = int(np.ceil(seconds / 60))
    length_s = np.minimum(60.0, seconds - 60.0 * np.arange(num_minutes))
    open_now = np.array([_is_open(queue.calendar, start_at) for queue in QUEUES])
    per_hour = np.array([queue.per_hour for queue in QUEUES]) * open_now
    factor = rng.gamma(_DAY_SHAPE, 1 / _DAY_SHAPE)
    noise = rng.standard_normal((len(QUEUES), num_minutes))
    level = np.empty_like(noise)
    level[:, 0] = noise[:, 0]
    for minute in range(1, num_minutes):
        fresh = np.sqrt(1 - _MINUTE_MEMORY**2) * noise[:, minute]
        level[:, minute] = _MINUTE_MEMORY * level[:, minute - 1] + fresh
    wave = np.exp(_MINUTE_SIGMA * level - _MINUTE_SIGMA**2 / 2)
    per_s = per_hour[:, None] / 3600 * size.busyness * size.num_agents / 100
    counts = rng.poisson(per_s * factor * wave * length_s)
    queue, minute_of = np.nonzero(counts)
    times = counts[queue, minute_of]
    queue, minute_of = np.repeat(queue, times), np.repeat(minute_of, times)
    offset_s = 60.0 * minute_of + rng.random(len(queue)) * length_s[minute_of]
    return queue, instant_us(start_at) + (offset_s * US).astype(np.int64)


def _is_open(calendar: str | None, now: datetime) -> bool:
    """Customers call only where someone answers."""
    for name, zone, weekdays, opens, closes in CALENDARS:
        if name == calendar:
            local = now.astimezone(ZoneInfo(zone))
            return local.weekday() in weekdays and opens <= local.hour * 60 + local.minute < closes
    return True


def _backlog(rng: np.random.Generator, size: CentreSize) -> tuple[Ints, NDArray[np.float64]]:
    """Queue and age in seconds of what waits at the start: within its target, mostly."""
    channels = default_channels()
    expected = np.array([queue.backlog for queue in QUEUES])
    counts = rng.poisson(expected * size.busyness * size.num_agents / 100)
    target_s = np.array([q.target_s or channels[q.channel].target_answer_s for q in QUEUES])
    queue = np.repeat(np.arange(len(QUEUES)), counts)
    age_s = rng.exponential(0.4, len(queue)) * target_s[queue]
    return queue, np.round(age_s + 0.5, 3)


def _initial_load(
    seed: int, size: CentreSize, workforce: Workforce, present: NDArray[np.bool_]
) -> tuple[Ints, Ints]:
    """Queue and agent of the contacts that present agents hold at the start."""
    rng = stream(seed, Purpose.INITIAL_LOAD)
    usual = np.zeros((len(PROFILES), len(CHANNELS)), dtype=np.int64)
    for row, profile in enumerate(PROFILES):
        for channel, items in profile.fill:
            usual[row, CHANNELS.index(channel)] = items
    most = np.minimum(usual[workforce.profile], workforce.max_items) * present[:, None]
    held = rng.binomial(most, min(1.0, _FILLED * size.busyness))
    agent, channel_idx = np.nonzero(held)
    times = held[agent, channel_idx]
    agent, channel_idx = np.repeat(agent, times), np.repeat(channel_idx, times)
    usual_queue = np.array([_usual_queue(channel) for channel in CHANNELS])
    return usual_queue[channel_idx], agent


def _usual_queue(channel: Channel) -> int:
    served = [row for row, queue in enumerate(QUEUES) if queue.channel is channel]
    return max(served, key=lambda row: QUEUES[row].per_hour, default=NOBODY)


def _twins(rng: np.random.Generator, new_queue: Ints, num_rows: int) -> tuple[Ints, Ints, Ints]:
    """Contacts whose customer tries a second channel: (row, its other queue, how much later)."""
    names = [queue.name for queue in QUEUES]
    other = np.array([names.index(_TWINS[name]) if name in _TWINS else NOBODY for name in names])
    lucky = np.flatnonzero(rng.random(num_rows)[: len(new_queue)] < _TWIN_SHARE)
    source = lucky[other[new_queue[lucky]] != NOBODY]
    return source, other[new_queue[source]], rng.integers(3 * US, 60 * US, len(source))


def _in_order_of_time(demand: Demand) -> Demand:
    order = np.lexsort((demand.person, demand.queue, demand.entered_us))
    return Demand(
        queue=demand.queue[order],
        entered_us=demand.entered_us[order],
        person=demand.person[order],
        twin_queue=demand.twin_queue[order],
        holder=demand.holder[order],
    )
