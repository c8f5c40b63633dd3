"""How many contacts come, by class, weekday and interval of the day, with quantiles.

Counts are Poisson, their rates Gamma: what was seen in a cell (weekday, interval, class) is
weighed against what its neighbours say, so that a cell seen twice is no oracle (Gamma-Poisson
shrinkage; `methods.md` 8.1):

    centre's profile over the day --> class's level and profile --> weekday --> cell

Recent days weigh more. Counts of single days vary more than Poisson ones, by `OVERDISPERSION`.
"""

from dataclasses import dataclass

import numpy as np

from models.problem import Floats, Ints

HALF_LIFE_D = 21.0
"""A day so long ago counts half."""
PROFILE_DAYS = 2.0
"""Days' worth of belief that a class has the profile of the centre ..."""
WEEKDAY_DAYS = 2.0
"""... and that a weekday is like the others."""
OVERDISPERSION = 0.02
"""Variance of the factor by which a day differs from its forecast: 1 / 50, as for the day factor
of the prices."""
WEEK = 7


@dataclass(frozen=True, eq=False)
class History:
    """Counts of D days, T equal intervals a day, K classes."""

    counts: Floats
    """(D, T, K)"""
    seen: Floats
    """(D, T) share of each interval that was watched, 0 to 1."""
    weekday: Ints
    """(D,) 0 is Monday."""
    age_d: Floats
    """(D,) days since, 0 is today."""

    @property
    def before_today(self) -> "History":
        """Of the days that are over."""
        over = self.age_d > 0
        return History(self.counts[over], self.seen[over], self.weekday[over], self.age_d[over])

    def __post_init__(self) -> None:
        """Check shapes and signs."""
        days, intervals, _ = self.counts.shape
        if self.seen.shape != (days, intervals) or {len(self.weekday), len(self.age_d)} != {days}:
            raise ValueError(
                f"forecast: counts are {self.counts.shape}, seen {self.seen.shape}, weekdays"
                f" {len(self.weekday)}, ages {len(self.age_d)}; expected (D, T, K), (D, T), (D,)"
                " and (D,): build them from the same days"
            )
        if (self.counts < 0).any() or (self.seen < 0).any() or (self.seen > 1).any():
            raise ValueError(
                "forecast: negative counts, or shares outside 0 to 1; expected neither: correct"
                " the history"
            )


@dataclass(frozen=True, eq=False)
class Prior:
    """What is believed of K classes that nobody has seen yet."""

    rate: Floats
    """(K,) contacts per interval; 0: nothing is believed."""
    contacts: Floats | float
    """How many contacts of each class the belief is worth, (K,) or the same for all."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """Gamma beliefs about the rate of each cell: W weekdays, T intervals, K classes."""

    shape: Floats
    """(W, T, K)"""
    scale: Floats
    """(W, T, K) contacts per interval; the mean is shape times scale."""

    @property
    def mean(self) -> Floats:
        """(W, T, K) contacts expected per interval."""
        return self.shape * self.scale

    def quantile(self, probability: float, weekday: int) -> Floats:
        """(T, K) least number of contacts that is not exceeded with this probability.

        Of a single day: its factor varies too. ValueError unless 0 < probability < 1.
        """
        if not 0 < probability < 1:
            raise ValueError(
                f"forecast: quantile {probability}; expected one between 0 and 1, such as 0.9"
            )
        mean = self.mean[weekday]
        spread = 1.0 / np.maximum(self.shape[weekday], 1e-12) + OVERDISPERSION
        return _negative_binomial_quantile(mean, 1.0 / spread, probability)

    def expected(self, weekday: int, from_interval: float, until_interval: float) -> Floats:
        """(K,) contacts between two moments of a day, in intervals since its midnight.

        A moment beyond midnight lies on the next day.
        """
        intervals = self.shape.shape[1]
        edges = np.arange(2 * intervals)
        overlap = np.minimum(edges + 1, until_interval) - np.maximum(edges, from_interval)
        both = np.concatenate([self.mean[weekday], self.mean[(weekday + 1) % WEEK]])
        contacts: Floats = np.maximum(overlap, 0.0) @ both
        return contacts


def build_forecast(history: History, prior: Prior) -> Forecast:
    """Beliefs from what was seen and what is believed without; no day at all is a history too."""
    _, intervals, classes = history.counts.shape
    weight = 0.5 ** (history.age_d / HALF_LIFE_D)
    counts = np.zeros((WEEK, intervals, classes))
    seen = np.zeros((WEEK, intervals))
    np.add.at(counts, history.weekday, history.counts * weight[:, None, None])
    np.add.at(seen, history.weekday, history.seen * weight[:, None])

    profile = _profile(counts.sum(axis=(0, 2)), seen.sum(axis=0))
    watched = (seen.sum(axis=0) * profile).sum()
    level = _level(counts.sum(axis=(0, 1)), watched, prior)
    usual = profile[:, None] * level
    ours = PROFILE_DAYS * usual + counts.sum(axis=0)
    usual = ours / (PROFILE_DAYS + seen.sum(axis=0))[:, None]
    expected = (seen[:, :, None] * usual).sum(axis=(1, 2))
    # As many contacts as a day brings keep a weekday that was hardly seen like the others.
    worth = WEEKDAY_DAYS * usual.sum()
    factor = (worth + counts.sum(axis=(1, 2))) / np.maximum(worth + expected, 1e-12)
    factor = np.where(worth > 0, factor, 1.0)
    shape = WEEKDAY_DAYS * factor[:, None, None] * usual + counts
    known = WEEKDAY_DAYS + seen[:, :, None]
    return Forecast(shape=shape, scale=np.broadcast_to(1.0 / known, shape.shape))


def _profile(counts: Floats, seen: Floats) -> Floats:
    """(T,) how busy the centre is in each interval, 1 on average; flat where nothing is known."""
    busy = float(counts.sum() / max(seen.sum(), 1e-12))
    if busy <= 0:
        return np.ones(len(counts))
    profile = (PROFILE_DAYS * busy + counts) / ((PROFILE_DAYS + seen) * busy)
    mean = profile.mean()
    normal: Floats = profile / mean
    return normal


def _level(counts: Floats, watched: float, prior: Prior) -> Floats:
    """(K,) contacts per average interval: Gamma posterior means, the prior worth its contacts."""
    believed = prior.rate > 0
    exposure = np.where(believed, prior.contacts / np.where(believed, prior.rate, 1.0), 1.0)
    level: Floats = (np.where(believed, prior.contacts, 0.0) + counts) / (exposure + watched)
    return level


def _negative_binomial_quantile(mean: Floats, shape: Floats, probability: float) -> Floats:
    """Quantiles of Poisson counts whose rate is Gamma of this mean and shape, cell by cell.

    Probabilities are summed from 0 on, as logarithms: those of large means begin below any float.
    """
    share = mean / (mean + shape)
    with np.errstate(divide="ignore"):
        log_share = np.log(share)
    log_each = -shape * np.log1p(mean / shape)
    total = np.exp(log_each)
    quantile = np.zeros(mean.shape)
    number = 0
    while (short := total < probability * (1 - 1e-12)).any():
        quantile[short] = number + 1
        log_each = log_each + np.log((shape + number) / (number + 1)) + log_share
        total = total + np.exp(log_each)
        number += 1
    return quantile
