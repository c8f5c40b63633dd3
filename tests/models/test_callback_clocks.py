"""Section 0 of `docs/model.md`: a callback ages while its customer may be called."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.policy import Policy
from tests.models.tiny import Row, tiny
from tests.models.tiny_conversations import conversations_of

HOUR = 3600.0
ANGELES, MADRID = "America/Los_Angeles", "Europe/Madrid"
MORNING = datetime(2026, 11, 18, 17, tzinfo=UTC)
"""Wednesday, 9:00 in Los Angeles: of the hours from 8:00 to 20:00 one is over."""
EVENING = datetime(2026, 11, 18, 3, tzinfo=UTC)
"""Tuesday, 19:00 in Los Angeles: one hour of the day is left."""


def callback(**more: object) -> Row:
    """A callback that was asked for in the evening."""
    return {"contact_id": "c", "channel": "callback", "entered_at": EVENING} | more


def member(
    contact: Row, policy: Policy | None = None, /, now: datetime = MORNING, **tables: list[Row]
) -> dict[str, Any]:
    """The one contact with its clock; three hours are its target unless it has another one."""
    queues = tables.pop("queues", [{"queue_id": "q", "target_answer_s": 3 * HOUR}])
    found = conversations_of(tiny(now, contacts=[contact], queues=queues, **tables), policy)
    return found.members.row(0, named=True)


def waited_h(contact: Row, policy: Policy | None = None, /, **more: Any) -> float:  # noqa: ANN401
    """Hours that it has waited."""
    hours: float = member(contact, policy, **more)["wait_s"] / HOUR
    return hours


@pytest.mark.parametrize(
    ("contact", "hours"),
    [
        (callback(time_zone=ANGELES), 2.0),  # until 20:00, and since 8:00
        (callback(time_zone=None), 14.0),  # nobody knows when they sleep
        (callback(time_zone=ANGELES, channel="voice"), 14.0),
        (callback(time_zone=ANGELES, channel="email"), 14.0),
        # 4:00 to 18:00 in Madrid, from 8:00 on.
        (callback(time_zone=MADRID), 10.0),
    ],
)
def test_the_clock_of_a_callback_stands_still_while_nobody_may_call(
    contact: Row, hours: float
) -> None:
    """From 8:00 to 20:00 where the customer is; other channels age all the time."""
    assert waited_h(contact) == hours


def test_the_zone_is_the_contact_s_else_the_customer_s() -> None:
    """The customer lives in Los Angeles, and the contact may say better."""
    customers: list[Row] = [{"customer_id": "u", "time_zone": ANGELES}]
    known = callback(customer_id="u")
    assert waited_h(known, customers=customers) == 2.0
    assert waited_h(known | {"time_zone": MADRID}, customers=customers) == 10.0
    # The customer of the thread is the customer of the callback.
    thread: Row = {"contact_id": "d", "customer_id": "u", "entered_at": MORNING}
    found = conversations_of(
        tiny(
            MORNING,
            customers=customers,
            contacts=[callback(conversation_id="t"), thread | {"conversation_id": "t"}],
        )
    )
    waits = dict(found.members.select("contact_id", "wait_s").iter_rows())
    assert waits == {"c": 2 * HOUR, "d": 0.0}


def test_clocks_may_run_at_night() -> None:
    """With `age_outside_hours` all 14 hours count."""
    policy = replace(Policy(), age_outside_hours=True)
    assert waited_h(callback(time_zone=ANGELES), policy) == 14.0


def test_the_hours_are_numbers_of_the_policy() -> None:
    """From 9:00 to 19:00 nothing is left of the evening, and nothing is over of the morning."""
    policy = replace(Policy(), callback_from_hour=9, callback_until_hour=19)
    assert waited_h(callback(time_zone=ANGELES), policy) == 0.0


@pytest.mark.parametrize(
    ("now", "entered", "hours"),
    [
        # 8:00 is 7:00 UTC on 28 March and 6:00 UTC on 29 March: an hour each day.
        (datetime(2026, 3, 29, 7, tzinfo=UTC), datetime(2026, 3, 28, 18, tzinfo=UTC), 2.0),
        # 20:00 is 18:00 UTC on 24 October, and 8:00 is 7:00 UTC on 25 October.
        (datetime(2026, 10, 25, 8, tzinfo=UTC), datetime(2026, 10, 24, 17, tzinfo=UTC), 2.0),
    ],
)
def test_the_hours_are_those_of_the_day_on_which_clocks_change(
    now: datetime, entered: datetime, hours: float
) -> None:
    """Eight in the morning is what the zone says on that very day, spring and autumn."""
    assert waited_h(callback(time_zone=MADRID, entered_at=entered), now=now) == hours


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-28", 4.0), ("2026-03-29", 3.0), ("2026-10-24", 4.0), ("2026-10-25", 5.0)],
)
def test_a_window_across_the_change_is_as_long_as_that_night(day: str, hours: float) -> None:
    """Were calls allowed from 1:00 to 5:00: an hour less in spring, one more in autumn."""
    policy = replace(Policy(), callback_from_hour=1, callback_until_hour=5)
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC)
    asked = callback(time_zone=MADRID, entered_at=noon - timedelta(hours=18))
    assert waited_h(asked, policy, now=noon) == hours


def opening(weekday: int, opens_h: int, closes_h: int) -> Row:
    """A row of the calendar `k`, in UTC."""
    minutes = {"opens_minute": 60 * opens_h, "closes_minute": 60 * closes_h}
    return {"calendar_id": "k", "time_zone": "UTC", "weekday": weekday} | minutes


WITH_HOURS: list[Row] = [{"queue_id": "q", "calendar_id": "k", "target_answer_s": 3 * HOUR}]
TUESDAY, WEDNESDAY = 1, 2


@pytest.mark.parametrize(
    ("calendar", "hours"),
    [
        # Los Angeles may be called from 16:00 to 4:00 UTC, until 4:00 and since 16:00 here.
        ([opening(WEDNESDAY, 0, 24)], 2.0),
        ([opening(WEDNESDAY, 9, 17)], 1.0),  # the queue was closed in the evening
        ([opening(WEDNESDAY, 2, 4)], 1.0),  # and here it has not opened yet
        ([opening(WEDNESDAY, 4, 16)], 0.0),  # open exactly while nobody may call
        ([opening(WEDNESDAY, 3, 17)], 2.0),
        ([opening(WEDNESDAY, 16, 17), opening(WEDNESDAY, 9, 12)], 1.0),
        ([opening(TUESDAY, 0, 24)], 0.0),
        ([], 0.0),  # never open
    ],
)
def test_both_the_queue_and_the_customer_must_be_there(calendar: list[Row], hours: float) -> None:
    """Only what lies in an opening and in the customer's hours counts."""
    asked = callback(time_zone=ANGELES)
    assert waited_h(asked, queues=WITH_HOURS, calendars=calendar) == hours
    # Mail of the same queue ages by its openings alone: after 3:00, until 17:00.
    mail = callback(time_zone=ANGELES, channel="email")
    in_openings = sum(
        min(row["closes_minute"] // 60, 17) - max(row["opens_minute"] // 60, 3)
        for row in calendar
        if row["weekday"] == WEDNESDAY
    )
    assert waited_h(mail, queues=WITH_HOURS, calendars=calendar) == in_openings


def test_the_target_is_reached_in_those_hours() -> None:
    """Two of three hours are over at 9:00. Of sixteen 14 are left: 11 of today, 3 of tomorrow."""
    at_ten = MORNING + timedelta(hours=1)
    assert member(callback(time_zone=ANGELES))["breach_at"] == at_ten
    long: list[Row] = [{"queue_id": "q", "target_answer_s": 16 * HOUR}]
    tomorrow = MORNING + timedelta(days=1, hours=2)
    assert member(callback(time_zone=ANGELES), queues=long)["breach_at"] == tomorrow


def test_a_promise_is_measured_in_those_hours() -> None:
    """Promised for noon, three hours from now: 5 hours in all, of which 2 are over."""
    due = MORNING + timedelta(hours=3)
    found = member(callback(time_zone=ANGELES, due_at=due))
    assert (found["target_s"], found["wait_s"], found["breach_at"]) == (5 * HOUR, 2 * HOUR, due)


def test_what_is_required_does_not_relax_at_night() -> None:
    """Steps of an hour and a half: of the second one half an hour is over, not the whole night."""
    steps: list[Row] = [
        {"step": n, "alternative": 0, "skill": "s", "min_proficiency": 9 - n, "expires_s": 5400.0}
        for n in range(9)
    ]
    found = conversations_of(
        tiny(
            MORNING,
            agents=[
                {
                    "agent_id": "a",
                    "shift_start_at": EVENING,
                    "shift_end_at": MORNING + timedelta(hours=9),
                }
            ],
            agent_skills=[{"agent_id": "a", "skill": "s", "proficiency": 9}],
            contacts=[callback(time_zone=ANGELES)],
            contact_steps=[{"contact_id": "c"} | row for row in steps],
        )
    )
    in_an_hour = MORNING + timedelta(hours=1)
    assert found.units.select("step", "relaxes_at").row(0) == (1, in_an_hour)


def test_callbacks_of_several_zones_and_queues_have_clocks_of_their_own() -> None:
    """Two zones in two queues, one of them with hours; 4:00 to 18:00 in Madrid.

    Of Wednesday 9:00 to 17:00 UTC one hour counts in Los Angeles and all eight in Madrid.
    """
    found = conversations_of(
        tiny(
            MORNING,
            queues=[{"queue_id": "plain"}, {"queue_id": "q", "calendar_id": "k"}],
            calendars=[opening(WEDNESDAY, 9, 17)],
            contacts=[
                callback(contact_id=f"{queue}-{zone}", queue_id=queue, time_zone=zone)
                for queue in ("plain", "q")
                for zone in (ANGELES, MADRID, None)
            ]
            # Mail of the same queue and zone knows no night.
            + [callback(contact_id="mail", queue_id="plain", time_zone=ANGELES, channel="email")],
        )
    )
    waits = dict(found.members.select("contact_id", "wait_s").iter_rows())
    assert {name: wait / HOUR for name, wait in waits.items()} == {
        f"plain-{ANGELES}": 2.0,
        f"plain-{MADRID}": 10.0,
        "plain-None": 14.0,
        f"q-{ANGELES}": 1.0,
        f"q-{MADRID}": 8.0,
        "q-None": 8.0,
        "mail": 14.0,
    }
