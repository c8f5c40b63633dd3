"""Opening hours as intervals of UTC: `docs/model.md` section 0.

Calendars are expanded once per batch. All calendars share one axis of microseconds, one stretch of
`_SPAN` each, so that one binary search answers for contacts of any calendar.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from models.batch import Batch
from models.problem import Floats, Ints

NO_CALENDAR = -1
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_REACH = 60 * _DAY
"""Openings are known so far into the past and the future."""
_SPAN = 2 * _REACH + _DAY
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class OpenHours:
    """Openings of every calendar around one instant.

    `queues`: (queue_id, is_open, calendar_idx), one row per queue; NO_CALENDAR is always open.
    """

    now: datetime
    queues: pl.DataFrame
    start: Ints
    """(n,) starts of the openings on the shared axis, sorted, without overlaps."""
    length: Ints
    """(n,) microseconds"""
    before: Ints
    """(n + 1,) microseconds of opening, of all calendars, before each opening and after all."""

    def elapsed_s(self, clock: Ints, start: Ints, end: Ints) -> Floats:
        """Seconds from `start` to `end` as the clock counts them, never below 0, shape (n,).

        `clock` is the calendar of an item that ages in opening hours only, else NO_CALENDAR;
        instants are microseconds since 1970.
        """
        plain = end - start
        counted = np.where(
            clock == NO_CALENDAR, plain, self._opened(clock, end) - self._opened(clock, start)
        )
        elapsed: Floats = np.maximum(counted, 0) / 1e6
        return elapsed

    def reached(self, clock: Ints, start: Ints, lasting_s: Floats) -> tuple[Ints, np.ndarray]:
        """First instants at which `lasting_s` above 0 have elapsed since `start`, and whether any.

        Instants are microseconds since 1970; opening hours may not reach so far.
        """
        lasting = np.rint(lasting_s * 1e6).astype(np.int64)
        if not len(self.start):
            return start + lasting, clock == NO_CALENDAR
        target = self._opened(clock, start) + lasting
        place = np.searchsorted(self.before[1:], target, side="left")
        found = place < len(self.start)
        place = np.minimum(place, len(self.start) - 1)
        on_axis = self.start[place] + target - self.before[place]
        found &= on_axis // _SPAN == clock
        opening = on_axis - clock * _SPAN + self._first()
        plain = clock == NO_CALENDAR
        return np.where(plain, start + lasting, opening), plain | found

    def _opened(self, clock: Ints, at: Ints) -> Ints:
        """Microseconds of opening before each instant; comparable within one calendar."""
        if not len(self.start):
            return np.zeros(len(at), dtype=np.int64)
        axis = np.clip(at - self._first(), 0, 2 * _REACH) + np.maximum(clock, 0) * _SPAN
        place = np.maximum(np.searchsorted(self.start, axis, side="right") - 1, 0)
        inside = np.clip(axis - self.start[place], 0, self.length[place])
        opened: Ints = self.before[place] + inside
        return opened

    def _first(self) -> int:
        return microseconds(self.now) - _REACH


def build_hours(batch: Batch) -> OpenHours:
    """Openings of all calendars that queues name, from 60 days before to 60 days after `now`."""
    now = microseconds(batch.now)
    queues = batch.queues.select("queue_id", "calendar_id").join(
        batch.queues.select(pl.col("calendar_id").drop_nulls().unique().sort()).with_row_index(
            "calendar_idx"
        ),
        on="calendar_id",
        how="left",
        maintain_order="left",
    )
    queues = queues.with_columns(pl.col("calendar_idx").cast(pl.Int64).fill_null(NO_CALENDAR))
    named = queues.select("calendar_id", "calendar_idx").filter(
        pl.col("calendar_idx") != NO_CALENDAR
    )
    openings = _openings(batch, named.unique().sort("calendar_idx"))
    first = now - _REACH
    begins = np.clip(openings["opens"].to_numpy() - first, 0, 2 * _REACH)
    ends = np.clip(openings["closes"].to_numpy() - first, 0, 2 * _REACH)
    offset = openings["calendar_idx"].to_numpy() * _SPAN
    start, length = _disjoint(begins + offset, ends + offset)
    axis = queues["calendar_idx"].to_numpy() * _SPAN + _REACH
    place = np.searchsorted(start, axis, side="right") - 1
    within = np.append(start + length, 0)[place] > axis
    is_open = (queues["calendar_idx"].to_numpy() == NO_CALENDAR) | (within & (place >= 0))
    return OpenHours(
        now=batch.now,
        queues=queues.select(
            "queue_id", pl.Series("is_open", is_open, dtype=pl.Boolean), "calendar_idx"
        ),
        start=start,
        length=length,
        before=np.concatenate([[0], np.cumsum(length)]).astype(np.int64),
    )


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def local_minutes(zones: pl.Series, now: datetime) -> pl.DataFrame:
    """(time_zone, weekday, minute) at `now`, one row per distinct zone; Monday is 0."""
    distinct = zones.drop_nulls().unique().sort().to_list()
    local = [now.astimezone(ZoneInfo(zone)) for zone in distinct]
    return pl.DataFrame(
        {
            "time_zone": distinct,
            "weekday": [time.weekday() for time in local],
            "minute": [time.hour * 60 + time.minute for time in local],
        },
        schema={"time_zone": pl.String, "weekday": pl.Int64, "minute": pl.Int64},
    )


def _openings(batch: Batch, calendars: pl.DataFrame) -> pl.DataFrame:
    """(calendar_idx, opens, closes) in microseconds since 1970, as far as they may be needed."""
    hours = batch.calendars.join(calendars, on="calendar_id")
    zones = hours.group_by("calendar_idx").agg(time_zone=pl.col("time_zone").min())
    today = batch.now.date()
    margin = timedelta(days=62)
    days = pl.select(day=pl.date_range(today - margin, today + margin)).with_columns(
        weekday=pl.col("day").dt.weekday().cast(pl.Int64) - 1
    )
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
    midnight = pl.col("day").cast(pl.Datetime("us")).dt.epoch("us")
    walls = rows.with_columns(
        opens=midnight + pl.col("opens_minute") * 60 * _SECOND,
        closes=midnight + pl.col("closes_minute") * 60 * _SECOND,
    )
    per_zone = [
        part.with_columns(
            pl.Series("opens", _from_wall(part["opens"].to_numpy(), zone, batch.now)),
            pl.Series("closes", _from_wall(part["closes"].to_numpy(), zone, batch.now)),
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


def _disjoint(begins: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Starts and lengths of the intervals, sorted, with what overlaps counted once."""
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], ends[order]
    earlier = np.concatenate([[0], np.maximum.accumulate(ends)[:-1]]) if len(ends) else ends
    start = np.maximum(begins, earlier)
    lasting = ends > start
    return start[lasting], (ends - start)[lasting]
