"""What a policy of the lab believes: a forecast, probabilities, handling times, values.

By default all of it is true in the mean, and only the day's own luck is hidden. `BeliefErrors`
make it wrong on purpose, as forecasts and learned numbers are.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import ndtri

from scenarios.lab.centre import Floats, LabCentre, LabChannel
from scenarios.lab.day import LabPurpose, stream
from scenarios.lab.floor import NOTHING, Floor
from solver.pricing.moment import Beliefs, Moment
from solver.pricing.scenarios import day_factor

EMAIL_KEEPS = 0.05
"""Emails lie still while anything else is held, so live contacts hardly miss the time that they
take. With 0.3, the attention they are reported with, they were served at the cost of chats."""

QUANTILES = 20
"""Equal steps of probability at which values are known."""


@dataclass(frozen=True)
class BeliefErrors:
    """How wrong beliefs are: standard deviations of lognormal factors of mean 1."""

    forecast: float = 0.0
    """Of the arrival rate of each class, all day long."""
    resolution: float = 0.0
    """Of the odds p / (1 - p) of each pair."""
    handling: float = 0.0
    """Of each pair's mean handling time."""


TRUE = BeliefErrors()


def beliefs_of(
    centre: LabCentre, floor_p: float, errors: BeliefErrors = TRUE, seed: int = 0
) -> Beliefs:
    """What the policy knows about classes and agents; pairs below the floor are left out."""
    classes = centre.classes
    rng = stream(seed, LabPurpose.FORECAST)
    odds = centre.p / np.maximum(1 - centre.p, 1e-9)
    odds = odds * _factor(rng, errors.resolution, odds.shape)
    resolution = odds / (1 + odds)
    chats = (classes.channel != LabChannel.VOICE) & (centre.chats > 1)
    several = (centre.eligible & chats[:, None]).any(axis=0)
    middle = (np.arange(QUANTILES) + 0.5) / QUANTILES
    sigma = classes.value_sigma[:, None]
    values = classes.value_mean[:, None] * np.exp(sigma * ndtri(middle) - sigma**2 / 2)
    return Beliefs(
        resolution=resolution,
        handling_s=centre.h * _factor(rng, errors.handling, centre.h.shape),
        handling_sigma=centre.handle_sigma,
        allowed=centre.eligible & (resolution >= floor_p),
        attention=_priced_attention(centre),
        slots=np.where(several, centre.chats, 1).astype(np.int64),
        values=values * (classes.value_mean / values.mean(axis=1))[:, None],
        loss_share=classes.loss_share,
        waiting_cost=classes.waiting_cost,
        mean_patience_s=classes.patience_s,
    )


@dataclass(frozen=True, eq=False)
class Forecast:
    """Expected arrivals per second by class and interval, as the policy believes them."""

    rate: Floats
    """(K, T)"""
    interval_s: float
    closes_s: float
    """End of arrivals."""

    @property
    def mean_rate(self) -> Floats:
        """(K,) contacts per second, over the day."""
        mean: Floats = self.expected(0.0, self.closes_s) / self.closes_s
        return mean

    def expected(self, from_s: float, until_s: float) -> Floats:
        """(K,) contacts between two instants."""
        begin = np.arange(self.rate.shape[1]) * self.interval_s
        end = np.minimum(begin + self.interval_s, self.closes_s)
        overlap = np.minimum(end, until_s) - np.maximum(begin, from_s)
        contacts: Floats = self.rate @ np.maximum(overlap, 0.0)
        return contacts

    def by_period(self, from_s: float, horizon_s: float, periods: int) -> Floats:
        """(P, K) contacts in each of P equal parts of the horizon."""
        edges = from_s + np.linspace(0.0, horizon_s, periods + 1)
        return np.stack([self.expected(a, b) for a, b in pairwise(edges)])


def forecast_of(centre: LabCentre, errors: BeliefErrors = TRUE, seed: int = 0) -> Forecast:
    """The centre's own rates, or wrong ones."""
    rate = centre.classes.rate
    rng = stream(seed + 1, LabPurpose.FORECAST)
    factor = _factor(rng, errors.forecast, (len(rate), 1))
    return Forecast(rate * factor, centre.interval_s, centre.horizon_s)


def moment_of(floor: Floor, forecast: Forecast, horizon_s: float, periods: int = 1) -> Moment:
    """The floor as prices see it; near closing time the horizon shrinks to what is left."""
    centre = floor.centre
    agent, place = np.nonzero(floor.held_kind != NOTHING)
    seen = float(floor.arrived.sum())
    expected = float(forecast.expected(0.0, floor.now_s).sum())
    return Moment(
        waiting_kind=floor.kind,
        waiting_value=floor.value,
        held_agent=agent,
        held_kind=floor.held_kind[agent, place],
        held_elapsed_s=floor.now_s - floor.held_since_s[agent, place],
        duty_left_s=np.where(floor.on_duty, floor.shift_left_s, 0.0),
        forecast=forecast.by_period(floor.now_s, horizon_s, periods),
        horizon_s=horizon_s,
        factor=day_factor(seen, expected),
        closing_in_s=centre.horizon_s - floor.now_s,
    )


def _priced_attention(centre: LabCentre) -> Floats:
    """(K,) share of an agent's time that a contact keeps from others: hardly any for emails."""
    is_email = centre.classes.channel == LabChannel.EMAIL
    attention: Floats = np.where(is_email, EMAIL_KEEPS, centre.attention)
    return attention


def _factor(rng: np.random.Generator, sigma: float, shape: tuple[int, ...]) -> Floats:
    """Lognormal factors of mean 1."""
    factor: Floats = np.exp(sigma * rng.standard_normal(shape) - sigma**2 / 2)
    return factor
