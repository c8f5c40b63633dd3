"""The hindsight bound of a day, and what it says that an agent's hour was worth, by class."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from scenarios.lab.centre import Floats, LabCentre
from scenarios.lab.day import Day
from scenarios.lab.families import SKILLED
from scenarios.lab.hindsight import duty_groups, price_path_of_day


@dataclass(frozen=True, eq=False)
class BoundOfDay:
    """The tables of one bound."""

    bound: pl.DataFrame
    """One row: bound, money that no router could have beaten."""
    price: pl.DataFrame
    """A row per class and interval: contact_class, name, interval, from_s, price_per_hour."""


def bound_the_day(centre: LabCentre, day: Day, iterations: int) -> BoundOfDay:
    """The bound after so many iterations, with its prices."""
    path = price_path_of_day(centre, day, iterations)
    price = _by_class(centre, path.price[duty_groups(centre).of_agent])
    kind, interval = np.indices(price.shape).reshape(2, -1)
    table = pl.DataFrame(
        {
            "contact_class": kind,
            "name": pl.Series(centre.classes.names).gather(pl.Series(kind)),
            "interval": interval,
            "from_s": interval * centre.interval_s,
            "price_per_hour": price.ravel(),
        }
    )
    return BoundOfDay(pl.DataFrame({"bound": [path.bound]}), table)


def _by_class(centre: LabCentre, price: Floats) -> Floats:
    """(K, T) money per hour: mean price of the time of those who do the class well, by interval.

    `price` is (A, ticks) per second. A class that nobody does well has everybody eligible.
    """
    from_s = np.arange(centre.num_intervals + 1) * centre.interval_s
    edges = np.minimum(np.round(from_s / centre.tick_s), price.shape[1]).astype(np.int64)
    length = np.diff(edges)
    so_far = np.pad(np.cumsum(price, axis=1), ((0, 0), (1, 0)))
    mean = np.diff(so_far[:, edges], axis=1) / np.maximum(length, 1)
    well = centre.eligible & (centre.p >= SKILLED)
    nobody = np.logical_not(np.logical_or.reduce(well, axis=1))
    able = well | (centre.eligible & nobody.reshape(-1, 1))
    number = np.maximum(able.sum(axis=1), 1)
    by_class: Floats = 3600.0 * (able @ mean) / number[:, None]
    return by_class
