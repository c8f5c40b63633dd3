"""Numbers that every part of the audit reads the same way: channels, instants, local times."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.channel_policy import ChannelPolicy
from models.policy import Policy
from models.tables import Channel

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SECOND = 1_000_000
"""Microseconds."""

DECIMALS = 6
"""Units are compared after rounding, so that the order of a sum decides nothing."""

CHANNEL_AT = pl.Enum([channel.value for channel in Channel])
"""Cast to this and to integers: the position of the channel in `Channel`."""


def by_channel(policy: Policy, number: Callable[[ChannelPolicy], float]) -> Floats:
    """One number of the policy for every channel, shape (8,)."""
    return np.array([number(policy.channels[channel]) for channel in Channel], dtype=np.float64)


def is_real_time(policy: Policy) -> Bools:
    """Whether the customer is on the line, for every channel, shape (8,)."""
    return by_channel(policy, lambda c: c.real_time).astype(bool)


def block_matrix(policy: Policy) -> Bools:
    """Whether holding the row's channel forbids the column's, shape (8, 8)."""
    return np.array([[c in policy.channels[held].blocks for c in Channel] for held in Channel])


def instant(now: datetime) -> int:
    """Microseconds since 1970, exact."""
    return int(pl.Series([now]).dt.epoch("us")[0])


def seconds(frame: pl.DataFrame, column: str, since: int) -> Floats:
    """Seconds from `since` to an instant column, NaN where it is empty."""
    passed: Floats = (frame[column].dt.epoch("us") - since).cast(pl.Float64).to_numpy() / SECOND
    return passed


def ints(column: pl.Series) -> Ints:
    """A column of integers without nulls as an array."""
    return column.cast(pl.Int64).to_numpy()


def positions(column: pl.Series) -> Ints:
    """Position of every channel of a column in `Channel`."""
    return ints(column.cast(CHANNEL_AT).to_physical())


def local_times(zones: pl.Series, now: datetime) -> pl.DataFrame:
    """(time_zone, weekday, minute) of `now` in every distinct zone of `zones`."""
    names = zones.drop_nulls().unique().sort().to_list()
    local = [now.astimezone(ZoneInfo(name)) for name in names]
    return pl.DataFrame(
        {
            "time_zone": names,
            "weekday": [time.weekday() for time in local],
            "minute": [60 * time.hour + time.minute for time in local],
        },
        schema={"time_zone": pl.String, "weekday": pl.Int64, "minute": pl.Int64},
    )


def first_of_runs(sorted_values: Ints) -> Ints:
    """Position of the first of every run of equal neighbours."""
    return np.flatnonzero(np.diff(sorted_values, prepend=-1) != 0)


def class_of(*columns: Ints) -> Ints:
    """Numbers from 0 that are equal where all columns are, shape of the columns."""
    found = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        codes = np.unique(column, return_inverse=True)[1]
        found = np.unique(found * (len(column) + 1) + codes, return_inverse=True)[1]
    return found.astype(np.int64)


def list_class(owner: Ints, code: Ints, num_owners: int) -> Ints:
    """(owners,) equal where the lists of codes are; rows are sorted by owner and code."""
    nth = np.arange(len(owner)) - np.searchsorted(owner, owner)
    codes = np.full((int(nth.max(initial=0)) + 1, num_owners), -1, dtype=np.int64)
    codes[nth, owner] = code
    return class_of(*codes)


def all_of(holds: Bools, group: Ints, num_groups: int) -> Bools:
    """(groups, A) whether all rows of a group hold, true for a group without any; sorted."""
    found = np.ones((num_groups, holds.shape[1]), dtype=np.uint8)
    start = first_of_runs(group)
    if len(group):
        found[group[start]] = np.minimum.reduceat(holds.view(np.uint8), start, axis=0)
    return found.view(np.bool_)


def any_of(holds: Bools, group: Ints, num_groups: int) -> Bools:
    """(groups, A) whether a row of a group holds; rows are sorted by group."""
    return ~all_of(~holds, group, num_groups)


def total_of(values: NDArray[np.int8], group: Ints, num_groups: int) -> NDArray[np.int16]:
    """(groups, A) the sum of the rows of a group; rows are sorted by group."""
    found = np.zeros((num_groups, values.shape[1]), dtype=np.int16)
    start = first_of_runs(group)
    if len(group):
        found[group[start]] = np.add.reduceat(values, start, axis=0, dtype=np.int16)
    return found
