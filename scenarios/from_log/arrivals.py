"""How many calls come: by weekday, type and half-hour, and how much days differ beyond chance."""

from dataclasses import dataclass

import numpy as np

from scenarios.from_log.month import DAY_S, Month
from scenarios.lab.centre import Floats

INTERVAL_S = 1800
INTERVALS = DAY_S // INTERVAL_S


@dataclass(frozen=True, eq=False)
class Arrivals:
    """What to expect; a weekday without a day in the month is nan."""

    rate: Floats
    """(7, types, T) calls per second by weekday from Monday."""
    day_shape: float
    """Of the Gamma factor of a day, mean 1; inf: days of one weekday differ by chance only."""
    interval_shape: float
    """The same for every half-hour of a day by itself."""


def fit_arrivals(month: Month, types: tuple[str, ...]) -> Arrivals:
    """Means over the days of each weekday; shapes by moments."""
    count = arrival_counts(month, types)
    mean = np.full((7, *count.shape[1:]), np.nan)
    for weekday in np.unique(month.weekday):
        mean[weekday] = count[month.weekday == weekday].mean(axis=0)
    expected = mean[month.weekday].sum(axis=1)
    observed = count.sum(axis=1)
    free = 1 - 1 / np.bincount(month.weekday, minlength=7)[month.weekday]
    day_shape = gamma_shape(observed.sum(axis=1), expected.sum(axis=1), free)
    of_day = observed.sum(axis=1) / np.maximum(expected.sum(axis=1), np.finfo(float).tiny)
    within = expected * of_day[:, None]
    return Arrivals(
        rate=mean / INTERVAL_S,
        day_shape=day_shape,
        interval_shape=gamma_shape(observed, within, np.repeat(free[:, None], INTERVALS, 1)),
    )


def arrival_counts(month: Month, types: tuple[str, ...]) -> Floats:
    """(D, types, T) calls."""
    calls = month.calls
    count = np.zeros((len(month.days), len(types), INTERVALS))
    position = np.array([types.index(one) for one in calls["type"]], dtype=np.int64)
    interval = (calls["entered_s"].to_numpy() // INTERVAL_S).astype(np.int64)
    np.add.at(count, (calls["day"].to_numpy(), position, interval), 1.0)
    return count


def gamma_shape(observed: Floats, expected: Floats, free: Floats) -> float:
    """Shape of a Gamma factor of mean 1 on Poisson means, by moments; inf if none is needed.

    Var = mean + mean^2 / shape. A mean that was fitted to n observations leaves a share
    `free` = 1 - 1/n of the variance to be seen; where it is 0, nothing is.
    """
    excess = ((observed - expected) ** 2 - free * expected).sum()
    scale = (free * expected**2).sum()
    return float(scale / excess) if excess > 0 else np.inf
