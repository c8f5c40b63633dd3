"""Hours: calendars of queues in their own zone, and callbacks in the customer's."""

from datetime import UTC, datetime

import polars as pl
import pytest

from models.hours import local_minutes
from tests.models.tiny import NOW, Row, tiny
from tests.models.tiny_conversations import conversations, conversations_of

MADRID = "Europe/Madrid"
SUNDAY, WEDNESDAY, THURSDAY = 6, 2, 3


def opening(weekday: int, opens: int, closes: int, zone: str = MADRID) -> Row:
    """One row of the calendar `k`."""
    return {
        "calendar_id": "k",
        "time_zone": zone,
        "weekday": weekday,
        "opens_minute": opens,
        "closes_minute": closes,
    }


NIGHT = [opening(WEDNESDAY, 22 * 60, 1440), opening(THURSDAY, 0, 6 * 60)]
SMALL_HOURS = [opening(SUNDAY, 120, 180)]


@pytest.mark.parametrize(
    ("calendar", "now", "is_open"),
    [
        # An early shift from 9:00 to 18:00 in Madrid, UTC+1 in November.
        ([opening(WEDNESDAY, 540, 1080)], datetime(2026, 11, 18, 7, 59, tzinfo=UTC), False),
        ([opening(WEDNESDAY, 540, 1080)], datetime(2026, 11, 18, 8, 0, tzinfo=UTC), True),
        ([opening(WEDNESDAY, 540, 1080)], datetime(2026, 11, 18, 16, 59, tzinfo=UTC), True),
        ([opening(WEDNESDAY, 540, 1080)], datetime(2026, 11, 18, 17, 0, tzinfo=UTC), False),
        ([opening(WEDNESDAY, 540, 1080)], datetime(2026, 11, 19, 9, 0, tzinfo=UTC), False),
        # A night shift across midnight is two openings that meet at midnight.
        (NIGHT, datetime(2026, 11, 18, 20, 59, tzinfo=UTC), False),
        (NIGHT, datetime(2026, 11, 18, 22, 59, 59, tzinfo=UTC), True),
        (NIGHT, datetime(2026, 11, 18, 23, 0, tzinfo=UTC), True),
        (NIGHT, datetime(2026, 11, 19, 4, 59, tzinfo=UTC), True),
        (NIGHT, datetime(2026, 11, 19, 5, 0, tzinfo=UTC), False),
        # 29 March 2026, clocks jump from 2:00 to 3:00 at 1:00 UTC: that opening does not exist.
        (SMALL_HOURS, datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), False),
        (SMALL_HOURS, datetime(2026, 3, 29, 1, 0, tzinfo=UTC), False),
        ([opening(SUNDAY, 180, 240)], datetime(2026, 3, 29, 1, 0, tzinfo=UTC), True),
        # 25 October 2026, 2:00 to 3:00 happens twice: at 0:30 and at 1:30 UTC.
        (SMALL_HOURS, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True),
        (SMALL_HOURS, datetime(2026, 10, 25, 1, 30, tzinfo=UTC), True),
        (SMALL_HOURS, datetime(2026, 10, 25, 2, 0, tzinfo=UTC), False),
        # UTC+5:45: 10:00 UTC is 15:45, minute 945.
        ([opening(WEDNESDAY, 945, 946, "Asia/Kathmandu")], NOW, True),
        ([opening(WEDNESDAY, 946, 1440, "Asia/Kathmandu")], NOW, False),
        # A calendar without any opening is closed.
        ([], NOW, False),
    ],
)
def test_calendars_are_read_in_their_own_zone(
    calendar: list[Row], now: datetime, is_open: bool
) -> None:
    """Open where `opens_minute <= local minute < closes_minute` of the local weekday."""
    batch = tiny(
        now,
        calendars=calendar,
        queues=[{"queue_id": "q", "calendar_id": "k"}],
        contacts=[{"contact_id": "a", "entered_at": now}],
    )
    assert conversations_of(batch).units["is_open"].to_list() == [is_open]


def test_a_queue_without_a_calendar_is_always_open() -> None:
    """No calendar is no restriction."""
    units = conversations(contacts=[{"contact_id": "a"}]).units
    assert units["is_open"].to_list() == [True]


def test_local_minutes_are_one_row_a_zone() -> None:
    """10:00 UTC on a Wednesday is 19:00 in Tokyo and 5:00 in New York, minutes 1140 and 300."""
    zones = pl.Series(["America/New_York", None, "Asia/Tokyo", "America/New_York"])
    rows = local_minutes(zones, NOW).rows()
    assert rows == [("America/New_York", 2, 300), ("Asia/Tokyo", 2, 1140)]


@pytest.mark.parametrize(
    ("zones", "utc_hour", "may_ring"),
    [
        # Madrid in November is UTC+1: 8:00 to 20:00 there is 7:00 to 19:00 UTC.
        (("Europe/Madrid", None), 6, False),
        (("Europe/Madrid", None), 7, True),
        (("Europe/Madrid", None), 18, True),
        (("Europe/Madrid", None), 19, False),
        ((None, "Europe/Madrid"), 6, False),  # the customer's zone
        (("UTC", "Asia/Tokyo"), 12, True),  # the contact's zone overrides it
        ((None, None), 3, True),  # unknown: no restriction
    ],
)
def test_callbacks_go_out_in_the_customer_s_hours(
    zones: tuple[str | None, str | None], utc_hour: int, may_ring: bool
) -> None:
    """From 8:00 until just before 20:00 where the customer is."""
    now = datetime(2026, 11, 18, utc_hour, tzinfo=UTC)
    call = {"contact_id": "c", "channel": "callback", "customer_id": "u", "entered_at": now}
    batch = tiny(
        now,
        contacts=[call | {"time_zone": zones[0]}],
        customers=[{"customer_id": "u", "time_zone": zones[1]}],
    )
    assert conversations_of(batch).units["customer_open"].to_list() == [may_ring]


def test_at_night_the_callback_of_a_thread_waits_and_the_email_does_not() -> None:
    """At 2:00 an email may be answered; the callback of the same thread is put off by itself."""
    night = {"time_zone": "America/Los_Angeles", "conversation_id": "t"}
    contacts = [{"contact_id": "c"} | night, {"contact_id": "d", "channel": "callback"} | night]
    units = conversations(contacts=contacts).units.sort("lead_contact_id")
    assert units.select("lead_contact_id", "customer_open").rows() == [("c", True), ("d", False)]
