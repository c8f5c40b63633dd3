"""Wall-clock hours of days as instants: `docs/model.md` section 0."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.problem import Ints

SECOND = 1_000_000
"""Microseconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_OPENINGS = pl.DataFrame(
    schema={"calendar_idx": pl.Int64, "opens": pl.Int64, "closes": pl.Int64}
)


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def weekly_openings(batch: Batch, calendars: pl.DataFrame) -> pl.DataFrame:
    """(calendar_idx, opens, closes) in microseconds since 1970, as far as they may be needed."""
    if calendars.is_empty() or batch.calendars.is_empty():
        return _NO_OPENINGS
    hours = batch.calendars.join(calendars, on="calendar_id")
    zones = hours.group_by("calendar_idx").agg(time_zone=pl.col("time_zone").min())
    days = _days(batch.now).with_columns(weekday=pl.col("day").dt.weekday().cast(pl.Int64) - 1)
    holidays = batch.holidays.join(calendars, on="calendar_id").with_columns(
        pl.col("day").str.to_date("%Y-%m-%d")
    )
    columns = ("calendar_idx", "day", "opens_minute", "closes_minute")
    weekly = hours.join(days, on="weekday").join(holidays, on=["calendar_idx", "day"], how="anti")
    special = holidays.filter(
        (pl.col("closes_minute") > pl.col("opens_minute"))
        & pl.col("day").is_in(days["day"].implode())
    )
    rows = pl.concat([weekly.select(columns), special.select(columns)]).join(
        zones, on="calendar_idx"
    )
    return _instants(rows, batch.now)


def callback_hours(callbacks: pl.DataFrame, policy: Policy, now: datetime) -> pl.DataFrame:
    """(calendar_idx, opens, closes) of the hours of each of `callbacks`, whatever its queue's."""
    if callbacks.is_empty():
        return _NO_OPENINGS
    return _instants(
        callbacks.select(calendar_idx="callback_idx", time_zone="zone").join(
            _days(now).select(
                "day",
                opens_minute=pl.lit(policy.callback_from_hour * 60, pl.Int64),
                closes_minute=pl.lit(policy.callback_until_hour * 60, pl.Int64),
            ),
            how="cross",
        ),
        now,
    )


def _days(now: datetime) -> pl.DataFrame:
    """(day,) of all days that may be needed."""
    margin = timedelta(days=62)
    return pl.select(day=pl.date_range(now.date() - margin, now.date() + margin))


def _instants(rows: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """(calendar_idx, opens, closes) in microseconds since 1970 of minutes of days in zones."""
    midnight = pl.col("day").cast(pl.Datetime("us")).dt.epoch("us")
    walls = rows.with_columns(
        opens=midnight + pl.col("opens_minute") * 60 * SECOND,
        closes=midnight + pl.col("closes_minute") * 60 * SECOND,
    )
    per_zone = [
        part.with_columns(
            pl.Series("opens", _from_wall(part["opens"].to_numpy(), zone, now)),
            pl.Series("closes", _from_wall(part["closes"].to_numpy(), zone, now)),
        )
        for (zone,), part in walls.partition_by("time_zone", as_dict=True).items()
    ]
    return pl.concat([walls.clear(), *per_zone]).select("calendar_idx", "opens", "closes")


def _from_wall(wall: Ints, zone: str, now: datetime) -> Ints:
    """Instants of wall-clock times, both in microseconds.

    A time that does not exist or exists twice is taken with the offset before the change, so the
    new offset rules from the later of the two wall-clock times of the change on.
    """
    changes, offsets = _offsets(ZoneInfo(zone), now)
    switch = changes + np.maximum(offsets[:-1], offsets[1:])
    instants: Ints = wall - offsets[np.searchsorted(switch, wall, side="right")]
    return instants


def _offsets(zone: ZoneInfo, now: datetime) -> tuple[Ints, Ints]:
    """Instants within reach at which the zone's offset changes, and the offsets around them."""
    at = [now + timedelta(days=day) for day in range(-64, 65)]
    offset = [_offset(zone, instant) for instant in at]
    changes, offsets = [], [offset[0]]
    for place in range(1, len(at)):
        if offset[place] == offset[place - 1]:
            continue
        early, late = at[place - 1], at[place]
        while late - early > timedelta(microseconds=1):
            middle = early + (late - early) // 2
            early, late = (
                (middle, late) if _offset(zone, middle) == offset[place - 1] else (early, middle)
            )
        changes.append(microseconds(late))
        offsets.append(offset[place])
    return np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _offset(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset() or timedelta()
    return offset // timedelta(microseconds=1)
