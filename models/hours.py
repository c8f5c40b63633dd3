"""Opening hours as intervals of UTC: `docs/model.md` section 0.

Calendars are expanded once per batch. All calendars share one axis of microseconds, one stretch of
`_SPAN` each, so that one binary search answers for contacts of any calendar.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from models.batch import Batch
from models.columns import party_columns
from models.openings import SECOND, callback_hours, microseconds, weekly_openings
from models.policy import Policy
from models.problem import Floats, Ints
from models.remembered import remembered
from models.tables import Channel

NO_CALENDAR = -1
_DAY = 86_400 * SECOND
_REACH = 60 * _DAY
"""Openings are known so far into the past and the future."""
_SPAN = 2 * _REACH + _DAY
_NO_CLOCKS = pl.DataFrame(
    schema={
        "queue_id": pl.String,
        "zone": pl.String,
        "callback_idx": pl.Int64,
        "channel": pl.String,
    }
)
_NO_CALLBACKS = pl.DataFrame(
    schema={"calendar_idx": pl.Int64, "zone": pl.String, "callback_idx": pl.Int64}
)


@dataclass(frozen=True, eq=False)
class OpenHours:
    """Openings of every calendar around one instant.

    `queues`: (queue_id, is_open, calendar_idx), one row per queue, in the order of the batch;
    NO_CALENDAR is always open.
    `callbacks`: (queue_id, zone, channel, callback_idx): the clock of callbacks, which runs in the
    openings of the queue in which the customer may be called.
    """

    now: datetime
    queues: pl.DataFrame
    callbacks: pl.DataFrame
    start: Ints
    """(n,) starts of the openings on the shared axis, sorted, without overlaps."""
    length: Ints
    """(n,) microseconds"""
    before: Ints
    """(n + 1,) microseconds of opening, of all calendars, before each opening and after all."""

    def of_queues(self, queues: pl.DataFrame) -> pl.DataFrame:
        """The queues of the batch, in its order, with `is_open` and `calendar_idx`."""
        return queues.hstack(self.queues[["is_open", "calendar_idx"]])

    def elapsed_s(self, clock: Ints, start: Ints, end: Ints) -> Floats:
        """Seconds from `start` to `end` as the clock counts them, never below 0, shape (n,).

        `clock` is `calendar_idx` or `callback_idx` of an item that ages in these hours only, else
        NO_CALENDAR;
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

    def closes_in_s(self, calendar: Ints) -> Floats:
        """Seconds until calendars that are open now close, shape (n,)."""
        axis = calendar * _SPAN + _REACH
        place = np.searchsorted(self.start, axis, side="right") - 1
        closes: Floats = (self.start[place] + self.length[place] - axis) / 1e6
        return closes

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


def build_hours(batch: Batch, policy: Policy) -> OpenHours:
    """Openings of all calendars that queues name, from 60 days before to 60 days after `now`."""
    queues, calendars = _numbered(batch.queues)
    openings = weekly_openings(batch, calendars)
    start, length = _disjoint(*_on_axis(openings, batch.now))
    callbacks = _callbacks(batch, queues, len(calendars))
    called, lasting = _disjoint(*_on_axis(callback_hours(callbacks, policy, batch.now), batch.now))
    called, lasting = _in_openings(callbacks, called, lasting, start, length)
    axis = queues["calendar_idx"].to_numpy() * _SPAN + _REACH
    place = np.searchsorted(start, axis, side="right") - 1
    within = np.append(start + length, 0)[place] > axis
    is_open = (queues["calendar_idx"].to_numpy() == NO_CALENDAR) | (within & (place >= 0))
    length = np.concatenate([length, lasting])
    return OpenHours(
        now=batch.now,
        queues=pl.DataFrame(
            [
                queues["queue_id"],
                pl.Series("is_open", is_open, dtype=pl.Boolean),
                queues["calendar_idx"],
            ]
        ),
        callbacks=_clocks_of_callbacks(queues, callbacks),
        start=np.concatenate([start, called]),
        length=length,
        before=np.concatenate([[0], np.cumsum(length)]).astype(np.int64),
    )


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


@remembered
def _numbered(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(queue_id, calendar_id, calendar_idx) of the queues, and (calendar_id, calendar_idx)."""
    calendars = lines.select(pl.col("calendar_id").drop_nulls().unique().sort())
    calendars = calendars.with_row_index("calendar_idx").with_columns(
        pl.col("calendar_idx").cast(pl.Int64)
    )
    queues = lines.select("queue_id", "calendar_id").join(
        calendars, on="calendar_id", how="left", maintain_order="left"
    )
    return queues.with_columns(pl.col("calendar_idx").fill_null(NO_CALENDAR)), calendars


def _callbacks(batch: Batch, queues: pl.DataFrame, num_calendars: int) -> pl.DataFrame:
    """(calendar_idx, zone, callback_idx) of callbacks whose customer's zone is known."""
    if Channel.CALLBACK.value not in batch.contacts["channel"]:
        return _NO_CALLBACKS
    customer, _ = party_columns()
    zones = batch.customers.select(party_customer="customer_id", customer_zone="time_zone")
    return (
        batch.contacts.with_columns(customer)
        .filter(pl.col("channel") == Channel.CALLBACK.value)
        .join(zones, on="party_customer", how="left")
        .join(queues, on="queue_id")
        .select("calendar_idx", zone=pl.coalesce("time_zone", "customer_zone"))
        .drop_nulls()
        .unique()
        .sort("calendar_idx", "zone")
        .with_row_index("callback_idx", offset=num_calendars)
        .with_columns(pl.col("callback_idx").cast(pl.Int64))
    )


def _clocks_of_callbacks(queues: pl.DataFrame, callbacks: pl.DataFrame) -> pl.DataFrame:
    """(queue_id, zone, callback_idx, channel)"""
    if callbacks.is_empty():
        return _NO_CLOCKS
    return queues.join(callbacks, on="calendar_idx").select(
        "queue_id", "zone", "callback_idx", channel=pl.lit(Channel.CALLBACK.value)
    )


def _on_axis(openings: pl.DataFrame, now: datetime) -> tuple[Ints, Ints]:
    """Starts and ends of openings (calendar_idx, opens, closes) on the shared axis."""
    first = microseconds(now) - _REACH
    offset = openings["calendar_idx"].to_numpy() * _SPAN
    begins = np.clip(openings["opens"].to_numpy() - first, 0, 2 * _REACH)
    ends = np.clip(openings["closes"].to_numpy() - first, 0, 2 * _REACH)
    return begins + offset, ends + offset


def _in_openings(
    callbacks: pl.DataFrame, called: Ints, lasting: Ints, start: Ints, length: Ints
) -> tuple[Ints, Ints]:
    """What of the callback hours lies in openings of the queue: starts and lengths, sorted."""
    if callbacks.is_empty():
        return called, lasting
    begins, ends = [called], [called + lasting]
    for calendar, callback in callbacks.select("calendar_idx", "callback_idx").iter_rows():
        if calendar == NO_CALENDAR:
            begins.append(np.array([callback * _SPAN]))
            ends.append(np.array([callback * _SPAN + 2 * _REACH]))
            continue
        of = start // _SPAN == calendar
        moved = start[of] + (callback - calendar) * _SPAN
        begins.append(moved)
        ends.append(moved + length[of])
    at = np.concatenate([*ends, *begins])
    step = np.repeat([-1, 1], len(at) // 2)
    order = np.argsort(at, kind="stable")
    at, depth = at[order], np.cumsum(step[order])
    # Both kinds of intervals are disjoint in themselves: two deep is inside one of each.
    inside = np.flatnonzero(depth == 2)
    lasts = at[np.minimum(inside + 1, len(at) - 1)] - at[inside]
    return at[inside][lasts > 0], lasts[lasts > 0]


def _disjoint(begins: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Starts and lengths of the intervals, sorted, with what overlaps counted once."""
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], ends[order]
    earlier = np.concatenate([[0], np.maximum.accumulate(ends)[:-1]]) if len(ends) else ends
    start = np.maximum(begins, earlier)
    lasting = ends > start
    return start[lasting], (ends - start)[lasting]
