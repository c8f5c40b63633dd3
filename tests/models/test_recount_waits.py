"""From when and by what scale contacts wait, as the audit reads section 1 of `docs/model.md`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models.plan import Reason
from models.policy import Policy
from models.recount.case import Recount
from models.tables import Channel
from tests.models.recounted import verdict
from tests.models.tiny import NOW, Row, ago, ahead, serves, tiny, with_channel

POLICY = Policy()
LONG_AGO = {"entered_at": ago(600)}


def one(contact: Row, **tables: list[Row]) -> Recount:
    """One contact, an email unless it says otherwise, of a customer in Madrid."""
    madrid = {"customer_id": "k", "time_zone": "Europe/Madrid"}
    rows = {"contacts": [{"contact_id": "c", "customer_id": "k"} | contact], "customers": [madrid]}
    return Recount(tiny(**rows | tables), POLICY)


# Clocks


@pytest.mark.parametrize(
    ("contact", "wait_s"),
    [
        (LONG_AGO, 600),
        # The wait begins when the pause ends, ...
        (LONG_AGO | {"hold_until": ago(60)}, 60),
        # ... unless it began later.
        ({"entered_at": ago(30), "hold_until": ago(60)}, 30),
        (LONG_AGO | {"hold_until": ago(60), "last_message_at": ago(100)}, 60),
        (LONG_AGO | {"hold_until": ago(60), "last_message_at": ago(20)}, 20),
        # Chats count from when they came in, whatever was written since.
        (LONG_AGO | {"channel": "chat", "hold_until": ago(60), "last_message_at": ago(20)}, 60),
        # A wait before a transfer comes on top, but for what was written last.
        (LONG_AGO | {"hold_until": ago(60), "waited_before_s": 50.0}, 110),
        (
            LONG_AGO
            | {"hold_until": ago(60), "last_message_at": ago(99), "waited_before_s": 50.0},
            60,
        ),
        (LONG_AGO | {"hold_until": ahead(60)}, 0),
    ],
)
def test_a_pause_is_no_wait(contact: Row, wait_s: float) -> None:
    """Clocks start where a pause ends, if that is later."""
    assert one(contact).conversations.waits.longest_s.tolist() == [wait_s]


def test_what_is_paused_breaches_its_target_after_the_pause() -> None:
    """8 h of an email begin in 60 s."""
    waits = one(LONG_AGO | {"hold_until": ahead(60)}).conversations.waits
    assert waits.breach_s.tolist() == [60 + 8 * 3600]


@pytest.mark.parametrize(
    ("contact", "step", "relaxes_in_s"),
    [
        ({"entered_at": ago(150)}, 1, None),
        ({"entered_at": ago(150), "hold_until": ago(60)}, 0, 40),
        ({"entered_at": ago(150), "hold_until": ago(60), "waited_before_s": 40.0}, 1, None),
        # Messages of the customer are no new arrival.
        ({"entered_at": ago(150), "last_message_at": ago(1)}, 1, None),
    ],
)
def test_requirements_age_from_the_end_of_a_pause(
    contact: Row, step: int, relaxes_in_s: float | None
) -> None:
    """What is of low importance is dropped after 100 s."""
    tables = one(
        contact,
        queues=[{"queue_id": "q", "relax_after_s": 100.0}],
        agents=[{"agent_id": "a"}],
        agent_skills=[{"agent_id": "a", "skill": "x", "proficiency": 5}],
        contact_skills=[
            {"contact_id": "c", "skill": "x", "min_proficiency": 5, "importance": "low"}
        ],
    )
    assert tables.conversations.step.tolist() == [step]
    if relaxes_in_s is not None:
        at = int(ahead(relaxes_in_s).timestamp()) * 1_000_000
        assert tables.conversations.asked.relaxes_at.tolist() == [at]


# Callbacks, 8 to 20 of the customer

YESTERDAY = {"channel": "callback", "entered_at": NOW - timedelta(hours=16)}
"""18:00 UTC, which is 19:00 in Madrid; now it is 11:00 there."""


@pytest.mark.parametrize(
    ("contact", "customer_zone", "hours"),
    [
        # One hour of yesterday, 19 to 20, and three of today, 8 to 11.
        (YESTERDAY, "Europe/Madrid", 4),
        # The contact's own zone counts first: 13:00 to 20:00 in New York; it is 5:00 there now.
        (YESTERDAY | {"time_zone": "America/New_York"}, "Europe/Madrid", 7),
        (YESTERDAY, None, 16),
        (YESTERDAY | {"channel": "voice"}, "Europe/Madrid", 16),
    ],
)
def test_a_callback_waits_while_its_customer_may_be_called(
    contact: Row, customer_zone: str | None, hours: float
) -> None:
    """Clocks of callbacks stand still at night, where the zone is known; others do not."""
    customer = {"customer_id": "k", "time_zone": customer_zone}
    waits = one(contact, customers=[customer]).conversations.waits
    assert waits.longest_s.tolist() == [hours * 3600]


@pytest.mark.parametrize(
    ("target_h", "breach_h"),
    [
        (10, 6),  # four have passed, six are left of today's nine
        (13, 9),  # reached as the last of them ends
        (14, 22),  # today's nine, and the first hour of tomorrow, from 8 in Madrid, in 21 h, on
    ],
)
def test_a_callback_breaches_its_target_by_the_same_clock(target_h: int, breach_h: int) -> None:
    """What does not fit today goes on when the customer may be called again."""
    queue = {"queue_id": "q", "target_answer_s": target_h * 3600.0}
    waits = one(YESTERDAY, queues=[queue]).conversations.waits
    assert waits.breach_s.tolist() == [breach_h * 3600]


@pytest.mark.parametrize(("outside", "wait_h", "target_h"), [(False, 4, 5), (True, 22, 26)])
def test_a_callback_of_a_queue_with_hours_waits_while_both_are_open(
    outside: bool, wait_h: float, target_h: float
) -> None:
    """Madrid opens 8 to 17 UTC and New York may be called 13 to 1 UTC: 13 to 17, four hours a day.

    In at 12 UTC of yesterday, promised at 14 UTC of today; if clocks never stand still, 26 h.
    """
    contact = {
        "channel": "callback",
        "entered_at": NOW - timedelta(hours=22),
        "due_at": NOW + timedelta(hours=4),
        "time_zone": "America/New_York",
    }
    week = {"calendar_id": "w", "time_zone": "Europe/Madrid"}
    tables = one(
        contact,
        queues=[{"queue_id": "q", "calendar_id": "w"}],
        calendars=[
            week | {"weekday": day, "opens_minute": 9 * 60, "closes_minute": 18 * 60}
            for day in range(7)
        ],
    )
    policy = replace(POLICY, age_outside_hours=outside)
    waits = replace(tables, policy=policy).conversations.waits
    assert waits.longest_s.tolist() == [wait_h * 3600]
    assert waits.target_s.tolist() == [target_h * 3600]
    assert waits.breach_s.tolist() == [4 * 3600], "by either clock it was promised then"


@pytest.mark.parametrize(("relax_h", "step"), [(4, 1), (5, 0)])
def test_requirements_of_a_callback_age_by_its_clock(relax_h: int, step: int) -> None:
    """Four hours have passed since yesterday."""
    tables = one(
        YESTERDAY,
        queues=[{"queue_id": "q", "relax_after_s": relax_h * 3600.0}],
        agents=[{"agent_id": "a"}],
        agent_skills=[{"agent_id": "a", "skill": "x", "proficiency": 5}],
        contact_skills=[
            {"contact_id": "c", "skill": "x", "min_proficiency": 5, "importance": "low"}
        ],
    )
    assert tables.conversations.step.tolist() == [step]


# Scales and holds


@pytest.mark.parametrize(
    ("due_s", "target_s", "target_of_queue", "scale_s"),
    [
        (None, 60, None, 60),
        (30, 30, None, 30),
        (2, 2, None, 6),  # a tenth of the usual 60 s
        (-9, 1, None, 6),  # promised before it came in: a second at least
        (2, 2, 15.0, 2),
        (2, 2, 600.0, 60),
    ],
)
def test_hopeless_promises_are_measured_by_a_tenth_of_the_usual_target(
    due_s: float | None, target_s: float, target_of_queue: float | None, scale_s: float
) -> None:
    """A chat that just came in."""
    contact = {"channel": "chat", "due_at": None if due_s is None else ahead(due_s)}
    queue = {"queue_id": "q", "target_answer_s": target_of_queue}
    waits = one(contact, queues=[queue]).conversations.waits
    assert waits.target_s.tolist() == [target_s]
    assert waits.scale_s.tolist() == pytest.approx([scale_s])


@pytest.mark.parametrize(
    ("contact", "may_be_held"),
    [
        # A chat is accepted within 30 s, and two ticks are 10 s: 40 of its 60 s must be left.
        ({"channel": "chat", "entered_at": ago(20)}, True),
        ({"channel": "chat", "entered_at": ago(21)}, False),
        # Emails are accepted at once.
        ({"entered_at": ago(8 * 3600 - 10)}, True),
        ({"entered_at": ago(8 * 3600 - 9)}, False),
        # Calls have 20 s, which is less than 2 * 5 + 20.
        ({"channel": "voice"}, False),
    ],
)
def test_who_is_held_can_still_be_offered_and_accepted_in_time(
    contact: Row, may_be_held: bool
) -> None:
    """At least two ticks and the time in which an offer is accepted are left."""
    assert one(contact).conversations.may_be_held.tolist() == [may_be_held]


def test_every_member_must_be_answered_in_time() -> None:
    """The email could wait for hours; the message has 69 s left, of which 60 are to accept it."""
    both = [{"contact_id": "e", "customer_id": "k"}, {"contact_id": "m", "customer_id": "k"}]
    both[1] |= {"channel": "messaging"}
    for age_s, may in ((530, True), (531, False)):
        rows: list[Row] = [both[0], {**both[1], "entered_at": ago(age_s)}]
        tables = Recount(tiny(agents=[{"agent_id": "a"}], contacts=rows), POLICY)
        assert tables.conversations.may_be_held.tolist() == [may]


# Skip at once


@pytest.mark.parametrize(
    ("agent", "overflow", "step"),
    [
        ({}, False, 0),
        # b writes and is there, but cannot; a could, and is not there for this chat:
        ({"chat": 0}, False, 1),
        ({"queue": "r"}, False, 1),
        ({"queue": None}, False, 1),
        ({"presence": "away"}, False, 1),
        # ... unless the queue could ever borrow from a's, whatever the condition and the tier.
        ({"queue": "r"}, True, 0),
        ({"queue": None}, True, 1),
    ],
)
def test_only_who_is_there_for_a_contact_can_keep_its_skills(
    agent: Row, overflow: bool, step: int
) -> None:
    """Only a has skill x, which is of low importance."""
    rows: dict[str, list[Row]] = {
        "queues": [{"queue_id": "q"}, {"queue_id": "r", "calendar_id": "never"}],
        "agents": [
            {"agent_id": "a", "presence": agent.get("presence", "available")},
            {"agent_id": "b"},
        ],
        "agent_channels": serves("a", chat=agent.get("chat", 1), email=1) + serves("b", chat=1),
        "queue_members": [
            {"queue_id": queue, "agent_id": name}
            for queue, name in ((agent.get("queue", "q"), "a"), ("q", "b"), ("r", "b"))
            if queue is not None
        ],
        "agent_skills": [{"agent_id": "a", "skill": "x", "proficiency": 5}],
        "contact_skills": [
            {"contact_id": "c", "skill": "x", "min_proficiency": 5, "importance": "low"}
        ],
        "overflow": [
            {"queue_id": "q", "to_queue_id": "r", "tier": "gold"}
            | {"condition": "backlog", "threshold": 1e6}
        ]
        if overflow
        else [],
    }
    assert one({"channel": "chat"}, **rows).conversations.step.tolist() == [step]


def test_where_nobody_is_there_for_a_contact_nothing_is_skipped() -> None:
    """Only emails are served, and by somebody without skill x; the chat keeps it, the email not.

    A queue without members reaches everybody.
    """
    contacts = [{"contact_id": "c", "channel": "chat"}, {"contact_id": "e"}]
    asked = {"skill": "x", "min_proficiency": 5, "importance": "low"}
    batch = tiny(
        agents=[{"agent_id": "a"}],
        queue_members=[],
        agent_channels=serves("a", email=1, chat=0),
        contacts=contacts,
        contact_skills=[{"contact_id": row["contact_id"]} | asked for row in contacts],
    )
    tables = Recount(batch, POLICY)
    lead = tables.conversations.members["contact_id"].gather(tables.conversations.start)
    step = dict(zip(lead, tables.conversations.step.tolist(), strict=True))
    assert step == {"c": 0, "e": 1}


@pytest.mark.parametrize(("chats_of_a", "chats_of_b", "step"), [(1, 1, 0), (0, 1, 1), (0, 0, 0)])
def test_a_step_is_skipped_if_it_holds_for_nobody_who_is_there_for_the_contact(
    chats_of_a: int, chats_of_b: int, step: int
) -> None:
    """Only a meets the first step, which lasts 60 s; where nobody chats, it lasts as well."""
    first = {"contact_id": "c", "step": 0, "alternative": 0, "min_proficiency": 5}
    tables = one(
        {"channel": "chat"},
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        agent_channels=serves("a", chat=chats_of_a, email=1) + serves("b", chat=chats_of_b),
        agent_skills=[{"agent_id": "a", "skill": "x", "proficiency": 5}],
        contact_steps=[first | {"skill": "x", "expires_s": 60.0}],
    )
    assert tables.conversations.step.tolist() == [step]
    if chats_of_b:
        assert verdict(tables, "c", "b") is (None if step else Reason.SKILL_MISSING)


def test_two_ticks_are_enough_where_offers_count_as_accepted() -> None:
    """A call that has 10 s left is held if the policy waits for no answer."""
    silent = with_channel(POLICY, Channel.VOICE, accept_timeout_s=0.0)
    call = {"contact_id": "c", "channel": "voice", "entered_at": ago(10)}
    tables = Recount(tiny(agents=[{"agent_id": "a"}], contacts=[call]), silent)
    assert tables.conversations.may_be_held.tolist() == [True]
