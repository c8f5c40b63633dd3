"""The hidden truth of a world: what each contact will do, whoever gets it.

Everything random about a contact is drawn once, by its position in the arrivals, so two policies
on the same seed meet the same customers (common random numbers, `methods.md` 8.2).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.policy import Policy
from models.tables import Channel
from scenarios.randomness import Purpose, stream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER = 2**62
"""An instant, in microseconds, that does not come."""

MILESTONES = 5
ANSWERED, PARKED, RETURNED, ENDED, WRAPPED = range(MILESTONES)
"""Instants in the life of a held contact, in this order."""

CONCURRENCY_SLOWDOWN = 0.25
"""Each further active contact of the agent adds this share to the time (`methods.md` 3.5)."""
SKILL_EFFECT = 0.02
"""Each level above 5 in the required skills takes this share off the handling time."""
WRAP_UP_SHARE = 0.1
"""Part of the handling time that follows the end of the conversation."""

_ANSWER_FROM_S, _ANSWER_UNTIL_S = 1.0, 4.0
_PARKING = (Channel.MESSAGING.value, Channel.SOCIAL.value)
_PARKED_SHARE = 0.35
_MEAN_PAUSE_S = 240.0


@dataclass(frozen=True, eq=False)
class Fates:
    """Truth of N contacts, durations in microseconds."""

    patience_us: Ints
    handle_us: Ints
    """Alone at an agent of level 5."""
    answer_us: Ints
    """From assignment to answer: the agent has to pick up."""
    talk_before_pause: Floats
    """Share of the handling time after which the customer pauses."""
    pause_us: Ints
    """0 for those who do not pause."""


def draw_fates(arrivals: pl.DataFrame, policy: Policy, seed: int) -> Fates:
    """Fates of arrivals with `patience_s` and `handle_s`; null there means drawn from the policy.

    Patience is then exponential and handling time lognormal, both with the channel's numbers.
    """
    rng = stream(seed, Purpose.FATES)
    count = len(arrivals)
    numbers = [policy.channels[Channel(name)] for name in arrivals["channel"].to_list()]
    patience = rng.exponential(1.0, count) * [number.mean_patience_s for number in numbers]
    sigma = np.array([number.handle_sigma for number in numbers])
    handle = np.exp(sigma * rng.standard_normal(count) - sigma**2 / 2)
    handle *= [number.mean_handle_s for number in numbers]
    answer = rng.uniform(_ANSWER_FROM_S, _ANSWER_UNTIL_S, count)
    pauses = arrivals["channel"].is_in(_PARKING).to_numpy() & (rng.random(count) < _PARKED_SHARE)
    pause = np.where(pauses, rng.exponential(_MEAN_PAUSE_S, count), 0.0)
    return Fates(
        patience_us=_micros(_known_or(arrivals["patience_s"], patience)),
        handle_us=_micros(_known_or(arrivals["handle_s"], handle)),
        answer_us=_micros(answer),
        talk_before_pause=rng.uniform(0.2, 0.8, count),
        pause_us=_micros(pause),
    )


def timeline(
    fates: Fates, contact: Ints, assigned_us: Ints, num_active: Ints, level: Floats
) -> Ints:
    """Milestones of contacts from their assignment on, shape (K, MILESTONES), microseconds.

    handle = handle_s x (1 + 0.25 (n - 1)) x (1 - 0.02 (level - 5)), where n counts the active
    contacts of the agent with this one (1 where it takes the whole agent, as a call does), and
    level is the agent's mean in the required skills.
    """
    slowdown = 1 + CONCURRENCY_SLOWDOWN * (num_active - 1)
    handle = fates.handle_us[contact] * slowdown * (1 - SKILL_EFFECT * (level - 5))
    talk = handle * (1 - WRAP_UP_SHARE)
    pause = fates.pause_us[contact]
    answered = assigned_us + fates.answer_us[contact]
    parked = answered + (talk * fates.talk_before_pause[contact]).astype(np.int64)
    ended = answered + talk.astype(np.int64) + pause
    life = np.empty((len(contact), MILESTONES), dtype=np.int64)
    life[:, ANSWERED] = answered
    life[:, PARKED] = np.where(pause > 0, parked, NEVER)
    life[:, RETURNED] = np.where(pause > 0, parked + pause, NEVER)
    life[:, ENDED] = ended
    life[:, WRAPPED] = ended + (handle * WRAP_UP_SHARE).astype(np.int64)
    return life


def _known_or(known: pl.Series, drawn: Floats) -> Floats:
    filled: Floats = (
        known.cast(pl.Float64).zip_with(known.is_not_null(), pl.Series(drawn)).to_numpy()
    )
    return filled


def _micros(seconds: Floats) -> Ints:
    return np.round(seconds * 1e6).astype(np.int64)
