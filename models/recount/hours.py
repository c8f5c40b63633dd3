"""Section 0 of `docs/model.md`, written a second time: when queues are open, customers reachable.

Instants are microseconds since 1970, everything by queue is in the order of `batch.queues`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.numbers import SECOND, Bools, Ints, instant, ints

MINUTE = 60 * SECOND
DAY = 1_440 * MINUTE
WINDOW = 60 * DAY
"""Openings are known so far back and ahead of now."""

PLAIN = -1
"""The calendar, and the clock, of what is never closed."""


@dataclass(frozen=True, eq=False)
class Openings:
    """Starts and ends of openings, ascending, none touching another."""

    begin: Ints
    end: Ints


@dataclass(frozen=True, eq=False)
class Hours:
    """When the Q queues are open."""

    is_open: Bools
    """(Q,)"""
    calendar: Ints
    """(Q,) position in `openings`, or PLAIN"""
    openings: tuple[Openings, ...]
    """Those of each calendar, cut to 60 days around now."""


def build_hours(batch: Batch) -> Hours:
    """Openings of the calendars that queues have."""
    now = instant(batch.now)
    names = batch.queues["calendar_id"].drop_nulls().unique().sort()
    openings = [_of_calendar(batch, name) for name in names]
    at = pl.DataFrame({"calendar_id": names}).with_row_index("at")
    number = batch.queues.join(at, on="calendar_id", how="left", maintain_order="left")["at"]
    calendar = ints(number.cast(pl.Int64).fill_null(PLAIN))
    open_now = [bool(((begin <= now) & (now < end)).any()) for begin, end in openings]
    return Hours(
        is_open=np.append(np.array(open_now, dtype=bool), True)[calendar],
        calendar=calendar,
        openings=tuple(_cut_and_merged(begin, end, now) for begin, end in openings),
    )


def in_customer_hours(zone: str, policy: Policy, now: datetime) -> Openings:
    """When customers of a zone may be called back, cut to 60 days around now."""
    day = ints(_days(now)["day"])
    first, last = policy.callback_from_hour, policy.callback_until_hour
    begin = _in_utc(ZoneInfo(zone), day + 60 * first * MINUTE, now)
    end = _in_utc(ZoneInfo(zone), day + 60 * last * MINUTE, now)
    return _cut_and_merged(begin, end, instant(now))


def common(several: Sequence[Openings]) -> Openings:
    """When all of them are open."""
    change = np.unique(np.concatenate([part for one in several for part in (one.begin, one.end)]))
    begin, end = change[:-1], change[1:]
    for one in several:
        within = np.searchsorted(one.begin, begin, "right") > np.searchsorted(
            one.end, begin, "right"
        )
        begin, end = begin[within], end[within]
    return _merged(begin, end)


def _of_calendar(batch: Batch, name: str) -> tuple[Ints, Ints]:
    """Starts and ends of a calendar's openings on all local days that the window may touch."""
    weekly = batch.calendars.filter(pl.col("calendar_id") == name)
    if weekly.is_empty():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    days = _days(batch.now)
    special = batch.holidays.filter(pl.col("calendar_id") == name).with_columns(
        date=pl.col("day").str.to_date("%Y-%m-%d")
    )
    columns = ("day", "opens_minute", "closes_minute")
    usual = days.join(special, on="date", how="anti").join(weekly, on="weekday").select(columns)
    other = days.join(special.drop("day"), on="date").select(columns)
    rows = pl.concat([usual, other]).filter(pl.col("closes_minute") > pl.col("opens_minute"))
    zone = ZoneInfo(str(weekly["time_zone"].min()))
    day = ints(rows["day"])
    begin = _in_utc(zone, day + ints(rows["opens_minute"]) * MINUTE, batch.now)
    end = _in_utc(zone, day + ints(rows["closes_minute"]) * MINUTE, batch.now)
    return begin, end


def _days(now: datetime) -> pl.DataFrame:
    """(date, day, weekday) of all local days that the window may touch; `day` in microseconds."""
    first = now.date() - timedelta(days=63)
    dates = pl.date_range(first, first + timedelta(days=126), eager=True)
    return pl.DataFrame({"date": dates}).with_columns(
        day=pl.col("date").cast(pl.Int64) * DAY,
        weekday=pl.col("date").dt.weekday().cast(pl.Int64) - 1,
    )


def _in_utc(zone: ZoneInfo, local: Ints, now: datetime) -> Ints:
    """Instants of wall clock times; around a change of the offset, that before it is taken.

    A wall clock has left a change behind when it shows what both offsets would show after it.
    """
    change, offset = _offsets(zone, now)
    passed = change + np.maximum(offset[1:], offset[:-1])
    utc: Ints = local - offset[np.searchsorted(passed, local, side="right")]
    return utc


def _offsets(zone: ZoneInfo, now: datetime) -> tuple[Ints, Ints]:
    """Instants at which the zone changes its offset around now, and the offsets before, between
    and after them.
    """
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) - timedelta(days=66)
    days = [midnight + timedelta(days=n) for n in range(133)]
    offsets = [_offset(zone, day) for day in days]
    changed = [n for n in range(1, len(days)) if offsets[n] != offsets[n - 1]]
    changes = [_change(zone, days[n - 1], days[n]) for n in changed]
    return (
        np.array([instant(change) for change in changes], dtype=np.int64),
        np.array([offsets[0], *(offsets[n] for n in changed)], dtype=np.int64),
    )


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second from which on the offset is that of `after`."""
    old = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset / timedelta(microseconds=1))


def _cut_and_merged(begin: Ints, end: Ints, now: int) -> Openings:
    """Openings within the window, overlapping ones joined, empty ones left out."""
    return _merged(np.maximum(begin, now - WINDOW), np.minimum(end, now + WINDOW))


def _merged(begin: Ints, end: Ints) -> Openings:
    filled = np.flatnonzero(end > begin)
    order = filled[np.argsort(begin[filled], kind="stable")]
    begin, end = begin[order], np.maximum.accumulate(end[order])
    fresh = begin[1:] > end[:-1]
    return Openings(
        begin[np.append(True, fresh)[: len(begin)]], end[np.append(fresh, True)[: len(end)]]
    )
