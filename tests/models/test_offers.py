"""The life of an offer: which event may follow which, and what snapshot and clock add."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.stand_in import START, complete
from models.offers import (
    CAME_BACK,
    OPEN,
    REPORTED,
    STANDING,
    TRANSITIONS,
    ContactState,
    Shown,
    advance,
    sightings,
)
from models.policy import Policy
from models.tables import (
    AGENT_LOAD,
    AGENTS,
    ASSIGNMENT,
    CONTACTS,
    INSTANT,
    Answer,
    AssignmentEvent,
    Channel,
)

POLICY = Policy()
Row = dict[str, object]


def after(seconds: float) -> datetime:
    """So long after the offers were made."""
    return START + timedelta(seconds=seconds)


def offers(*rows: Row) -> pl.DataFrame:
    """Offers of chats in version 1 to `ana`, made at START, as the rows say."""
    usual = {"agent_id": "ana", "channel": "chat", "event": "offered", "contact_version": 1}
    instants = {"tick_at": START, "event_at": START}
    frame = pl.DataFrame([usual | instants | row for row in rows])
    return complete(ASSIGNMENT, frame)


def shown(
    waiting: dict[str, int] | None = None,
    presence: dict[str, str] | None = None,
    held: tuple[Mapping[str, object], ...] = (),
    seen: dict[str, datetime] | None = None,
    since: datetime | None = None,
) -> Shown:
    """What the platform shows: `ana` is available and contact `c` waits, unless said otherwise.

    Everybody took their presence at `since`.
    """
    waiting = {"c": 1} if waiting is None else waiting
    presence = {"ana": "available"} if presence is None else presence
    seen = {} if seen is None else seen
    contacts = pl.DataFrame(
        {"contact_id": list(waiting), "version": list(waiting.values())},
        {"contact_id": pl.String, "version": pl.Int64},
    )
    agents = pl.DataFrame(
        {
            "agent_id": list(presence),
            "presence": list(presence.values()),
            "presence_since": [since] * len(presence),
        },
        {"agent_id": pl.String, "presence": pl.String, "presence_since": INSTANT},
    )
    return Shown(
        complete(CONTACTS, contacts),
        complete(AGENTS, agents),
        complete(AGENT_LOAD, pl.DataFrame(list(held))) if held else AGENT_LOAD.empty(),
        pl.DataFrame(
            {"contact_id": list(seen), "seen_at": list(seen.values())},
            {"contact_id": pl.String, "seen_at": INSTANT},
        ),
    )


def events(rows: pl.DataFrame, platform: Shown, at_s: float) -> list[tuple[str, str]]:
    """(contact, event) of what is added so many seconds after the offers."""
    added = advance(rows, platform, POLICY, after(at_s))
    assert added.schema == ASSIGNMENT.schema()
    return sorted(added.select("contact_id", "event").rows())


# ------------------------------------------------------------------ the table of transitions


def test_every_event_has_one_transition_and_a_life_ends() -> None:
    """Each event is reached by one named step; what ends an offer is followed by nothing."""
    assert [step.event for step in TRANSITIONS] == list(
        dict.fromkeys(step.event for step in TRANSITIONS)
    )
    assert {step.event for step in TRANSITIONS} == set(AssignmentEvent)
    followed = {before for step in TRANSITIONS for before in step.before}
    assert followed == set(OPEN)
    beginnings = [step.name for step in TRANSITIONS if not step.before]
    assert beginnings == ["offer"]


def test_a_contact_waits_again_after_what_came_back_and_only_then() -> None:
    """Where a step leaves the contact agrees with the sets that the store works by."""
    left = {step.event: step.contact for step in TRANSITIONS}
    assert {e for e, state in left.items() if state is ContactState.WAITING} == set(CAME_BACK)
    assert {e for e, state in left.items() if state is ContactState.OFFERED} == set(STANDING)
    assert {e for e, state in left.items() if state is ContactState.CLOSED} == {
        AssignmentEvent.CANCELLED,
        AssignmentEvent.COMPLETED,
    }


def test_the_platform_reports_every_answer_and_no_rescission() -> None:
    """Each answer may follow something; nobody but the store takes an offer back."""
    assert {answer for _, answer in REPORTED} == set(Answer)
    assert (AssignmentEvent.OFFERED, Answer.ACCEPTED) in REPORTED
    assert (AssignmentEvent.DELIVERED, Answer.DELIVERED) not in REPORTED
    assert (AssignmentEvent.OFFERED, Answer.COMPLETED) not in REPORTED


# ------------------------------------------------------------------ what the platform shows


@pytest.mark.parametrize("state", ["active", "parked", "wrap_up"])
def test_work_that_the_platform_shows_was_accepted(state: str) -> None:
    """Also when nobody said so, and however late: nobody is blamed for an offer that was taken."""
    held = {"contact_id": "c", "agent_id": "ana", "state": state}
    assert events(offers({"contact_id": "c"}), shown({}, held=(held,)), 99) == [("c", "accepted")]


def test_an_offer_that_the_platform_shows_stands() -> None:
    """It rings: neither accepted nor gone."""
    held = {"contact_id": "c", "agent_id": "ana", "state": "offered"}
    assert events(offers({"contact_id": "c"}), shown({}, held=(held,)), 25) == []


def test_what_another_agent_holds_is_rescinded() -> None:
    """A supervisor gave it to ben: ana declined nothing."""
    held = {"contact_id": "c", "agent_id": "ben", "state": "active"}
    assert events(offers({"contact_id": "c"}), shown({}, held=(held,)), 99) == [("c", "rescinded")]


def test_a_raised_version_takes_the_offer_back() -> None:
    """The contact waits anew, so its old offer must not be accepted any more."""
    assert events(offers({"contact_id": "c"}), shown({"c": 2}), 5) == [("c", "rescinded")]
    assert events(offers({"contact_id": "c"}), shown({"c": 1}), 5) == []


@pytest.mark.parametrize("presence", [{"ana": "away"}, {"ana": "offline"}, {}])
def test_an_offer_whose_agent_left_is_rescinded(presence: dict[str, str]) -> None:
    """Away, offline or no longer in the snapshot."""
    platform = shown(presence=presence)
    assert events(offers({"contact_id": "c"}), platform, 5) == [("c", "rescinded")]


@pytest.mark.parametrize("presence", ["busy", "wrap_up"])
def test_an_agent_who_is_only_busy_keeps_the_offer(presence: str) -> None:
    """Ringing makes agents busy on many platforms, which may not say since when."""
    assert events(offers({"contact_id": "c"}), shown(presence={"ana": presence}), 5) == []


@pytest.mark.parametrize("event", ["offered", "delivered"])
@pytest.mark.parametrize(
    ("presence", "since_s", "rescinded"),
    [
        ("busy", 2.001, True),
        ("busy", 2, False),  # not later than the last event: the agent saw it while busy
        ("busy", -60, False),
        ("wrap_up", 4, False),  # wraps up what came before, and will answer
        ("available", 4, False),
    ],
)
def test_an_offer_whose_agent_turned_to_other_work_is_rescinded(
    event: str, presence: str, since_s: float, rescinded: bool
) -> None:
    """Busy since after the offer was made, or seen, while the platform does not show it there."""
    rows = offers({"contact_id": "c", "event": event, "event_at": after(2)})
    platform = shown(presence={"ana": presence}, since=after(since_s))
    assert events(rows, platform, 5) == [("c", "rescinded")] * rescinded


def test_what_made_its_agent_busy_by_ringing_rings_on() -> None:
    """The platform shows `c` with ana as offered, so ana is busy with it; `d` comes back."""
    rows = offers({"contact_id": "c"}, {"contact_id": "d"})
    held = {"contact_id": "c", "agent_id": "ana", "state": "offered"}
    platform = shown({"c": 1, "d": 1}, {"ana": "busy"}, (held,), since=after(2))
    assert events(rows, platform, 5) == [("d", "rescinded")]


def test_work_of_which_nobody_asked_comes_back_from_who_turned_busy() -> None:
    """An email that is still shown as waiting comes back, one that is shown there does not."""
    rows = offers({"contact_id": "c", "channel": "email"})
    held = {"contact_id": "c", "agent_id": "ana", "state": "offered"}
    busy: dict[str, str] = {"ana": "busy"}
    assert events(rows, shown(presence=busy, since=after(2)), 5) == [("c", "rescinded")]
    shown_there = shown({}, busy, (held,), since=after(2))
    assert events(rows, shown_there, 5) == [("c", "accepted")]


# ------------------------------------------------------------------ what the clock does


@pytest.mark.parametrize("event", ["offered", "delivered"])
@pytest.mark.parametrize(
    ("channel", "at_s", "expired"),
    [("voice", 20, False), ("voice", 20.001, True), ("chat", 30, False), ("chat", 35, True)],
)
def test_an_offer_expires_beyond_the_time_out_of_its_channel(
    event: str, channel: str, at_s: float, expired: bool
) -> None:
    """20 s for calls and 30 s for chats, counted from the offer, seen by the agent or not."""
    row = {"contact_id": "c", "channel": channel, "event": event, "event_at": START}
    assert events(offers(row), shown(), at_s) == [("c", "expired")] * expired


def test_an_email_is_accepted_as_soon_as_the_platform_shows_it_with_the_agent() -> None:
    """Its time-out is 0: nobody is asked, so that it never expires and cannot be refused in time.

    While it is still shown as waiting it may be rescinded: nobody must wait for who went home.
    """
    assert POLICY.channels[Channel.EMAIL].accept_timeout_s == 0
    rows = offers({"contact_id": "c", "channel": "email"})
    held = {"contact_id": "c", "agent_id": "ana", "state": "offered"}
    assert events(rows, shown({}, held=(held,)), 5) == [("c", "accepted")]
    assert events(rows, shown(), 1_000_000) == []
    assert events(rows, shown(presence={"ana": "offline"}), 36_000) == [("c", "rescinded")]


@pytest.mark.parametrize(
    ("seen_s", "at_s", "cancelled"),
    [(None, 9.9, False), (None, 10, True), (8, 17, False), (8, 18, True)],
)
def test_a_contact_that_is_nowhere_was_cancelled(
    seen_s: float | None, at_s: float, cancelled: bool
) -> None:
    """Ten seconds after it was last seen waiting, or after the offer where it never was."""
    seen = {} if seen_s is None else {"c": after(seen_s)}
    got = events(offers({"contact_id": "c"}), shown({}, seen=seen), at_s)
    assert got == [("c", "cancelled")] * cancelled


@pytest.mark.parametrize("event", [e.value for e in AssignmentEvent if e not in STANDING])
def test_what_was_answered_moves_no_more(event: str) -> None:
    """Neither clock nor snapshot touches an offer that was accepted or that ended."""
    rows = offers({"contact_id": "c", "event": event})
    for platform in (shown(), shown({}), shown({"c": 2}), shown(presence={})):
        assert events(rows, platform, 1_000) == []


def test_open_offers_are_remembered_where_their_contact_was_last_seen() -> None:
    """Waiting now, or a moment ago and nowhere since; not with an agent, and not for ever."""
    rows = offers(
        {"contact_id": "waits"},
        {"contact_id": "left", "event": "accepted"},
        {"contact_id": "left_long_ago"},
        {"contact_id": "held"},
        {"contact_id": "declined", "event": "declined"},
    )
    held = {"contact_id": "held", "agent_id": "ana", "state": "active"}
    lately = {"left": after(12), "left_long_ago": after(5), "held": after(12)}
    platform = shown({"waits": 1, "declined": 1}, held=(held,), seen=lately)
    assert sightings(rows, platform, after(15)).rows() == [
        ("left", after(12)),
        ("waits", after(15)),
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(list(AssignmentEvent)),
            st.sampled_from(list(Channel)),
        ),
        max_size=6,
    ),
    st.tuples(
        st.sampled_from(["available", "away", "busy"]),
        st.sampled_from([None, START, after(10.0)]),
    ),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 2)),
    st.sampled_from([1.0, 15.0, 31.0, 100.0]),
)
def test_every_step_of_snapshot_and_clock_is_in_the_table(
    drawn: list[tuple[str, AssignmentEvent, Channel]],
    presence: tuple[str, datetime | None],
    waiting: dict[str, int],
    at_s: float,
) -> None:
    """Whatever stands and whatever is shown: each offer gets one event at most, a legal one."""
    ticks = range(len(drawn))
    rows = pl.concat(
        [
            ASSIGNMENT.empty(),
            *(
                offers(
                    {"contact_id": c, "event": e.value, "channel": h.value, "tick_at": after(-n)}
                )
                for n, (c, e, h) in zip(ticks, drawn, strict=True)
            ),
        ]
    )
    platform = shown(waiting, {"ana": presence[0]}, since=presence[1])
    added = advance(rows, platform, POLICY, after(at_s))
    key = ["contact_id", "tick_at"]
    assert not added.select(key).is_duplicated().any()
    steps = added.join(rows.select(*key, before="event"), on=key).select("before", "event")
    legal = {(before.value, step.event.value) for step in TRANSITIONS for before in step.before}
    assert set(steps.iter_rows()) <= legal
    standing = rows.filter(pl.col("event").is_in(STANDING)).join(added, on=key, how="anti")
    # Doing it again adds nothing new.
    now = pl.concat([standing, added])
    assert advance(now, platform, POLICY, after(at_s)).is_empty()
