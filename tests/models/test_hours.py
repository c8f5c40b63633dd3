"""Section 0 of `docs/model.md`: opening hours as a clock that stands still while closed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.hours import NO_CALENDAR, OpenHours, build_hours
from models.openings import microseconds
from models.policy import Policy
from tests.models.tiny import NOW, Row, tiny

MADRID, NEW_YORK = "Europe/Madrid", "America/New_York"
SUNDAY = 6
HOUR = 3600.0


def opening(weekday: int, opens: int, closes: int, zone: str, calendar: str = "k") -> Row:
    """One row of a calendar."""
    return {
        "calendar_id": calendar,
        "time_zone": zone,
        "weekday": weekday,
        "opens_minute": opens,
        "closes_minute": closes,
    }


def every_day(opens: int, closes: int, zone: str = "UTC", calendar: str = "k") -> list[Row]:
    """The same opening on all days."""
    return [opening(day, opens, closes, zone, calendar) for day in range(7)]


def hours_of(now: datetime, calendars: list[Row], holidays: list[Row] | None = None) -> OpenHours:
    """Hours of queue `q` with the calendar `k`, and of queue `r` with the calendar `l`."""
    queues = [{"queue_id": "q", "calendar_id": "k"}, {"queue_id": "r", "calendar_id": "l"}]
    return build_hours(
        tiny(now, queues=queues, calendars=calendars, holidays=holidays or []), Policy()
    )


def elapsed(hours: OpenHours, start: datetime, end: datetime, queue: str = "q") -> float:
    """Opening seconds of one queue between two instants."""
    clock = dict(hours.queues.select("queue_id", "calendar_idx").iter_rows())[queue]
    begin, finish = np.array([microseconds(start)]), np.array([microseconds(end)])
    return float(hours.elapsed_s(np.array([clock]), begin, finish)[0])


def reached(hours: OpenHours, start: datetime, lasting_s: float) -> datetime | None:
    """First instant at which queue `q` was open for so long since `start`."""
    clock = np.array([hours.queues["calendar_idx"][0]])
    at, found = hours.reached(clock, np.array([microseconds(start)]), np.array([lasting_s]))
    return datetime.fromtimestamp(int(at[0]) / 1e6, UTC) if found[0] else None


@pytest.mark.parametrize(
    ("zone", "day", "opens", "closes", "hours"),
    [
        # Spring: 29 March 2026 in Madrid, 8 March in New York; 2:00 to 3:00 does not exist.
        (MADRID, date(2026, 3, 29), 0, 1440, 23.0),
        (NEW_YORK, date(2026, 3, 8), 0, 1440, 23.0),
        (MADRID, date(2026, 3, 29), 60, 240, 2.0),  # 1:00 to 4:00 across the change
        (NEW_YORK, date(2026, 3, 8), 60, 240, 2.0),
        (MADRID, date(2026, 3, 29), 120, 180, 0.0),
        # 2:30 is taken as 1:30 UTC = 3:30 summer time: half an hour is left until 4:00.
        (MADRID, date(2026, 3, 29), 150, 240, 0.5),
        (NEW_YORK, date(2026, 3, 8), 150, 240, 0.5),
        # Until 2:30, taken as 3:30 summer time: an hour to 2:00 and the half hour after 3:00.
        (MADRID, date(2026, 3, 29), 60, 150, 1.5),
        # 2:30 would be after 3:15, so nothing is open.
        (MADRID, date(2026, 3, 29), 150, 195, 0.0),
        # Autumn: 25 October 2026 in Madrid, 1 November in New York, an hour comes twice.
        (MADRID, date(2026, 10, 25), 0, 1440, 25.0),
        (NEW_YORK, date(2026, 11, 1), 0, 1440, 25.0),
        (MADRID, date(2026, 10, 25), 60, 240, 4.0),
        (NEW_YORK, date(2026, 11, 1), 0, 180, 4.0),
        # 2:00 and 2:30 are the first ones: that opening comes once, half an hour.
        (MADRID, date(2026, 10, 25), 120, 150, 0.5),
        (NEW_YORK, date(2026, 11, 1), 60, 90, 0.5),
        # From the first 2:30 to 3:00: half an hour and the second hour.
        (MADRID, date(2026, 10, 25), 150, 180, 1.5),
    ],
)
def test_openings_on_the_days_of_a_clock_change(
    zone: str, day: date, opens: int, closes: int, hours: float
) -> None:
    """Wall-clock minutes with the zone's rules; where in doubt the offset before the change."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = hours_of(noon, [opening(SUNDAY, opens, closes, zone)])
    around = timedelta(hours=30)
    assert elapsed(found, noon - around, noon + around) == hours * HOUR


def test_the_clock_stands_still_while_closed() -> None:
    """9:00 to 17:00 UTC: from 16:00 yesterday to 10:00 today are 1 h + 1 h."""
    found = hours_of(NOW, every_day(540, 1020))
    yesterday = NOW - timedelta(days=1)
    assert elapsed(found, yesterday.replace(hour=16), NOW) == 2 * HOUR
    assert elapsed(found, yesterday.replace(hour=18), NOW.replace(hour=8)) == 0.0


def test_time_never_runs_backwards() -> None:
    """From later to earlier nothing elapses, with and without a calendar."""
    found = hours_of(NOW, every_day(0, 1440))
    assert elapsed(found, NOW, NOW - timedelta(hours=1)) == 0.0
    later, earlier = np.array([microseconds(NOW)]), np.array([microseconds(NOW) - 1])
    assert found.elapsed_s(np.array([NO_CALENDAR]), later, earlier).tolist() == [0.0]


def test_overlapping_openings_count_once() -> None:
    """9 to 13, 11 to 12 and 12 to 15 are 6 hours a day."""
    rows = [*every_day(540, 780), *every_day(660, 720), *every_day(720, 900)]
    found = hours_of(NOW, rows)
    assert elapsed(found, NOW - timedelta(days=7), NOW) == 7 * 6 * HOUR


def test_calendars_do_not_mix() -> None:
    """One hour a day here and twelve there; a calendar without rows has no opening."""
    found = hours_of(NOW, [*every_day(0, 60), *every_day(0, 720, calendar="l")])
    day = NOW - timedelta(days=1)
    assert (elapsed(found, day, NOW), elapsed(found, day, NOW, "r")) == (HOUR, 12 * HOUR)
    lonely = hours_of(NOW, every_day(0, 60))
    assert elapsed(lonely, NOW - timedelta(days=50), NOW, "r") == 0.0
    assert dict(lonely.queues.select("queue_id", "is_open").iter_rows()) == {
        "q": False,
        "r": False,
    }


def test_rows_of_one_calendar_follow_its_smallest_zone() -> None:
    """10:00 to 11:00 in New York (15:00 UTC) of a calendar that also says Madrid."""
    rows = [opening(2, 600, 660, MADRID), opening(3, 600, 660, NEW_YORK)]
    found = hours_of(NOW.replace(hour=15), rows)
    assert found.queues["is_open"].to_list() == [True, False]


@pytest.mark.parametrize(
    ("holidays", "hours"),
    [
        ([], 8.0),
        ([(0, 0)], 0.0),  # closed
        ([(600, 660)], 1.0),  # other hours
        ([(0, 0), (600, 660)], 1.0),  # the row that closes adds nothing
        ([(600, 660), (1380, 1440)], 2.0),
    ],
)
def test_a_holiday_replaces_the_hours_of_its_day(
    holidays: list[tuple[int, int]], hours: float
) -> None:
    """9 to 17 in Madrid on other days; only the local day of the holiday changes."""
    rows: list[Row] = [
        {"calendar_id": "k", "day": "2026-11-17", "opens_minute": opens, "closes_minute": closes}
        for opens, closes in holidays
    ]
    found = hours_of(NOW, every_day(540, 1020, MADRID), rows)
    start = datetime(2026, 11, 16, 23, tzinfo=UTC)  # midnight in Madrid
    assert elapsed(found, start, start + timedelta(days=1)) == hours * HOUR
    assert elapsed(found, start - timedelta(days=1), start) == 8 * HOUR


def test_a_holiday_opens_a_day_that_is_closed_otherwise() -> None:
    """A calendar that is open on Mondays, and on one Sunday by way of exception."""
    rows: list[Row] = [
        {"calendar_id": "k", "day": "2026-11-15", "opens_minute": 600, "closes_minute": 660}
    ]
    found = hours_of(NOW, [opening(0, 540, 600, "UTC")], rows)
    assert elapsed(found, NOW - timedelta(days=6), NOW) == 2 * HOUR


def test_a_night_shift_crosses_midnight_without_a_gap() -> None:
    """22:00 to 24:00 and 0:00 to 6:00 are eight hours; open at midnight itself."""
    rows = [*every_day(1320, 1440), *every_day(0, 360)]
    found = hours_of(NOW.replace(hour=0), rows)
    assert elapsed(found, NOW.replace(hour=0) - timedelta(days=1), NOW.replace(hour=0)) == 8 * HOUR
    assert found.queues["is_open"][0]


def test_hours_are_known_for_sixty_days() -> None:
    """A day of 24 hours: 60 days back and not one more, 60 ahead and not one more."""
    found = hours_of(NOW, every_day(0, 1440))
    assert elapsed(found, NOW - timedelta(days=90), NOW) == 60 * 24 * HOUR
    assert elapsed(found, NOW, NOW + timedelta(days=90)) == 60 * 24 * HOUR


@pytest.mark.parametrize(
    ("lasting_s", "at"),
    [
        (HOUR, NOW.replace(hour=11)),
        (7 * HOUR, NOW.replace(hour=17)),  # the last second of today, not tomorrow's first
        (7 * HOUR + 1, NOW.replace(day=19, hour=9, second=1)),
        (400 * HOUR, NOW + timedelta(days=50)),  # 8 hours a day
        (481 * HOUR, None),  # 60 days * 8 hours
    ],
)
def test_when_an_opening_time_is_reached(lasting_s: float, at: datetime | None) -> None:
    """Open 9 to 17 UTC, from 10:00 on."""
    assert reached(hours_of(NOW, every_day(540, 1020)), NOW, lasting_s) == at


def test_without_a_calendar_time_runs_plainly() -> None:
    """Queues without a calendar are always open and count every second."""
    found = build_hours(tiny(queues=[{"queue_id": "q"}]), Policy())
    assert found.queues["is_open"].to_list() == [True]
    assert elapsed(found, NOW - timedelta(days=300), NOW) == 300 * 24 * HOUR
    assert reached(found, NOW, 90.0) == NOW + timedelta(seconds=90)


_MINUTES = st.integers(0, 1440)
_OPENINGS = st.lists(st.tuples(st.integers(0, 6), _MINUTES, _MINUTES), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    rows=_OPENINGS,
    zone=st.sampled_from([MADRID, NEW_YORK, "Asia/Kathmandu", "Australia/Lord_Howe"]),
    hour=st.integers(0, 24 * 365),
    back_s=st.integers(0, 40 * 86_400),
)
def test_opening_hours_are_those_of_the_minutes(
    rows: list[tuple[int, int, int]], zone: str, hour: int, back_s: int
) -> None:
    """Open exactly where the local minute is within an opening, except around clock changes; the
    clock advances by at most the time that passes, and `reached` inverts it.
    """
    now = datetime(2026, 1, 1, 0, 30, tzinfo=UTC) + timedelta(hours=hour)
    unique = {(day, opens): closes for day, opens, closes in rows if closes > opens}
    calendar = [opening(day, opens, closes, zone) for (day, opens), closes in unique.items()]
    found = hours_of(now, calendar)
    start = now - timedelta(seconds=back_s)
    passed = elapsed(found, start, now)
    assert 0 <= passed <= back_s
    middle = start + (now - start) / 2
    assert elapsed(found, start, middle) + elapsed(found, middle, now) == pytest.approx(passed)
    if passed:
        at = reached(found, start, passed)
        assert at is not None
        assert at <= now
        assert elapsed(found, start, at) == passed
    local = now.astimezone(ZoneInfo(zone))
    before, after = (now + timedelta(days=day) for day in (-1, 1))
    if (
        before.astimezone(ZoneInfo(zone)).utcoffset()
        != after.astimezone(ZoneInfo(zone)).utcoffset()
    ):
        return
    minute = local.hour * 60 + local.minute
    assert found.queues["is_open"][0] == any(
        day == local.weekday() and opens <= minute < closes
        for (day, opens), closes in unique.items()
    )
