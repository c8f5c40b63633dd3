"""Section 0 of `docs/model.md`, written a second time: when queues are open, and how time passes.

Instants are microseconds since 1970, everything by queue is in the order of `batch.queues`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.numbers import SECOND, Bools, Floats, Ints, instant, ints

MINUTE = 60 * SECOND
DAY = 1_440 * MINUTE
WINDOW = 60 * DAY
"""Openings are known so far back and ahead of now."""

NEVER = 2**62
"""Later than any instant."""

PLAIN = -1
"""The calendar of a clock that never stands still."""


@dataclass(frozen=True, eq=False)
class Hours:
    """When the Q queues are open, and how long something lasted by the clock of each."""

    is_open: Bools
    """(Q,)"""
    calendar: Ints
    """(Q,) whose openings the queue's clock counts, or PLAIN"""
    opens: tuple[Ints, ...]
    """For each calendar the starts of its openings, ascending, none touching another."""
    closes: tuple[Ints, ...]

    def elapsed(self, queue: Ints, begin: Ints, end: Ints) -> Floats:
        """Seconds from one instant to the other by each queue's clock, never below 0."""
        passed: Floats = (self._clock(queue, end) - self._clock(queue, begin)) / SECOND
        return np.maximum(passed, 0)

    def reached(self, queue: Ints, begin: Ints, seconds: Floats) -> Ints:
        """The first instant at which so much has elapsed since `begin`; NEVER if none is known."""
        wanted = self._clock(queue, begin) + np.rint(seconds * SECOND).astype(np.int64)
        found = wanted.copy()
        for number in np.unique(self.calendar[queue]).tolist():
            if number == PLAIN:
                continue
            mine = np.flatnonzero(self.calendar[queue] == number)
            opens, closes = self.opens[number], self.closes[number]
            total = np.cumsum(closes - opens)
            at = np.searchsorted(total, wanted[mine], side="left")
            known = at < len(total)
            found[mine] = NEVER
            # The opening during which the total is reached ends when its own total is full.
            place = at[known]
            found[mine[known]] = closes[place] - (total[place] - wanted[mine[known]])
        return found

    def _clock(self, queue: Ints, at: Ints) -> Ints:
        """Microseconds of opening up to each instant; the instant itself for plain clocks."""
        shown = at.copy()
        for number in np.unique(self.calendar[queue]).tolist():
            if number == PLAIN:
                continue
            mine = np.flatnonzero(self.calendar[queue] == number)
            opens, closes = self.opens[number], self.closes[number]
            before = np.append(0, np.cumsum(closes - opens))
            begun = np.searchsorted(opens, at[mine], side="right")
            last_close = np.append(-NEVER, closes)[begun]
            ahead = np.maximum(last_close - at[mine], 0)
            shown[mine] = before[begun] - np.where(begun > 0, ahead, 0)
        return shown


def build_hours(batch: Batch, policy: Policy) -> Hours:
    """Openings of the calendars that queues have, cut to 60 days around now."""
    now = instant(batch.now)
    names = batch.queues["calendar_id"].drop_nulls().unique().sort()
    openings = [_openings(batch, name) for name in names]
    kept = [_cut_and_merged(begin, end, now) for begin, end in openings]
    at = pl.DataFrame({"calendar_id": names}).with_row_index("at")
    number = batch.queues.join(at, on="calendar_id", how="left", maintain_order="left")["at"]
    calendar = ints(number.cast(pl.Int64).fill_null(PLAIN))
    open_now = [bool(((begin <= now) & (now < end)).any()) for begin, end in openings]
    return Hours(
        is_open=np.append(np.array(open_now, dtype=bool), True)[calendar],
        calendar=np.full_like(calendar, PLAIN) if policy.age_outside_hours else calendar,
        opens=tuple(begin for begin, _ in kept),
        closes=tuple(end for _, end in kept),
    )


def _openings(batch: Batch, name: str) -> tuple[Ints, Ints]:
    """Starts and ends of a calendar's openings on all local days that the window may touch."""
    weekly = batch.calendars.filter(pl.col("calendar_id") == name)
    if weekly.is_empty():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    first = batch.now.date() - timedelta(days=63)
    days = pl.DataFrame({"date": pl.date_range(first, first + timedelta(days=126), eager=True)})
    days = days.with_columns(
        day=pl.col("date").cast(pl.Int64) * DAY,
        weekday=pl.col("date").dt.weekday().cast(pl.Int64) - 1,
    )
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


def _cut_and_merged(begin: Ints, end: Ints, now: int) -> tuple[Ints, Ints]:
    """Openings within the window, overlapping ones joined, empty ones left out."""
    begin, end = np.maximum(begin, now - WINDOW), np.minimum(end, now + WINDOW)
    filled = np.flatnonzero(end > begin)
    order = filled[np.argsort(begin[filled], kind="stable")]
    begin, end = begin[order], np.maximum.accumulate(end[order])
    fresh = begin[1:] > end[:-1]
    return begin[np.append(True, fresh)[: len(begin)]], end[np.append(fresh, True)[: len(end)]]
