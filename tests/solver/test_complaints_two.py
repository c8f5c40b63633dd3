"""What users of today's routers complain about, 19 to 35: absent here (`docs/complaints.md`).

Complaints that need the store are in `tests/jobs/test_complaints_store.py`.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from jobs.config import ConfigError, read_config
from models.kpis import service_level
from models.policy import Policy
from models.tables import Channel, Presence
from tests.models.tiny import NOW, Row, ago, ahead, serves
from tests.solver.complaints import Decided, decide, decide_at, decide_batch, held, small

HOUR = 3600.0
DAY = 24 * HOUR
ONE: list[Row] = [{"agent_id": "a"}]
TWO: list[Row] = [{"agent_id": "a"}, {"agent_id": "b"}]


def test_19_mail_never_keeps_an_agent_from_a_call() -> None:
    """Ten emails take all units of `a`, and none of them away from a call: it interrupts."""
    mails = [held(f"h{n}", "a", "email") for n in range(10)]
    call: Row = {"contact_id": "call", "channel": "voice"}
    assert decide(agents=ONE, agent_load=mails, contacts=[call]).given == {"call": "a"}


@pytest.mark.parametrize("presence", list(Presence))
def test_19_the_matrix_decides_what_stands_beside_what_and_presence_who_is_there(
    presence: Presence,
) -> None:
    """Beside a call nothing is given, beside mail a call is; mail makes nobody busy or unbusy."""
    agents: list[Row] = [{"agent_id": "a", "presence": presence.value}]
    call: Row = {"contact_id": "call", "channel": "voice"}
    found = decide(agents=agents, agent_load=[held("h", "a", "email")], contacts=[call])
    assert found.given == ({"call": "a"} if presence is Presence.AVAILABLE else {})
    if presence is Presence.AVAILABLE:
        call_held = [held("h", "a", "voice", started_at=ago(10))]
        beside = decide(agents=agents, agent_load=call_held, contacts=[{"contact_id": "c"}])
        assert beside.given == {}


@pytest.mark.parametrize(("num_chats", "num_messages"), [(0, 0), (1, 1), (2, 1), (4, 0), (0, 4)])
def test_20_nobody_is_given_more_than_a_limit_allows(num_chats: int, num_messages: int) -> None:
    """Held and new together stay within 100 units and two chats; more by hand stays as it is.

    Chats weigh 33, messages 25 and emails 10, of which one fits wherever that much is left.
    """
    units = {"chat": 33, "messaging": 25, "email": 10}
    kinds = ["chat"] * num_chats + ["messaging"] * num_messages
    waiting = dict(zip("uvwx", ("chat", "messaging", "email", "email"), strict=True))
    found = decide(
        agents=ONE,
        agent_channels=serves("a", chat=2, messaging=4, email=10),
        agent_load=[
            held(f"h{n}", "a", kind, last_customer_at=ago(5)) for n, kind in enumerate(kinds)
        ],
        contacts=[{"contact_id": name, "channel": channel} for name, channel in waiting.items()],
    )
    used = sum(units[kind] for kind in kinds)
    given = [waiting[contact] for contact in found.given]
    assert used + sum(units[channel] for channel in given) <= max(100, used)
    assert num_chats + given.count("chat") <= max(2, num_chats)
    assert bool(given) == (used <= 90)


def test_21_nobody_is_skipped_or_out_of_reach_however_long_the_queue() -> None:
    """150 contacts that come first need what nobody has; the last one goes to the free agent.

    The situation has five rows; the first contact and its skill are then repeated. There is no
    block of the first 100, and each that waits says why.
    """
    batch = small(
        agents=ONE,
        contacts=[
            {"contact_id": "high", "priority": 0, "value": 9000.0, "entered_at": ago(HOUR)},
            {"contact_id": "low", "priority": 9},
        ],
        contact_skills=[{"contact_id": "high", "skill": "latin", "min_proficiency": 5}],
    )
    numbers = pl.DataFrame({"n": range(150)})
    name = pl.format("{}-{}", "contact_id", "n")
    high, low = (batch.contacts.filter(contact_id=contact) for contact in ("high", "low"))
    many = high.join(numbers, how="cross").with_columns(contact_id=name, conversation_id=name)
    skills = batch.contact_skills.join(numbers, how="cross").with_columns(contact_id=name)
    found = decide_batch(
        replace(batch, contacts=pl.concat([many.drop("n"), low]), contact_skills=skills.drop("n")),
        replace(Policy(), strict_classes=1),
    )
    assert found.given == {"low": "a"}
    assert list(found.reasons.values()) == ["skill_missing"] * 150


@pytest.mark.parametrize("overqualified_cost", [0.0, 0.1])
def test_22_equal_matches_spread_over_agents(overqualified_cost: float) -> None:
    """Four emails, two agents at the very level: two each; the next goes to who idles longer."""
    policy = replace(Policy(), overqualified_cost=overqualified_cost)
    knows = [{"agent_id": name, "skill": "s", "proficiency": 5} for name in "ab"]
    waiting: list[Row] = [{"contact_id": f"c{n}"} for n in range(4)]
    asks = [{"contact_id": f"c{n}", "skill": "s", "min_proficiency": 5} for n in range(4)]
    found = decide(policy, agents=TWO, agent_skills=knows, contacts=waiting, contact_skills=asks)
    assert (found.number_of("a"), found.number_of("b")) == (2, 2)
    fed = [{"agent_id": "a", "idle_since": ago(5)}, {"agent_id": "b", "idle_since": ago(300)}]
    found = decide(
        policy, agents=fed, agent_skills=knows, contacts=waiting[:1], contact_skills=asks[:1]
    )
    assert found.given == {"c0": "b"}


def test_23_an_assignment_can_be_paused_and_the_pause_is_explained() -> None:
    """Until `hold_until` it waits while others are served; then it goes as any other."""
    until = ahead(600)
    waiting: list[Row] = [{"contact_id": "paused", "hold_until": until}, {"contact_id": "other"}]
    found = decide(agents=ONE, contacts=waiting)
    assert (found.given, found.reasons) == ({"other": "a"}, {"paused": "paused"})
    told = "Waits: it was put on hold by hand, until 10:10:00 UTC."
    assert found.explained("paused")["detail"] == told
    assert decide_at(until, agents=ONE, contacts=waiting[:1]).given == {"paused": "a"}


def test_23_a_pause_that_ends_in_time_raises_no_alarm() -> None:
    """Ten minutes' pause of mail that has eight hours, and an agent who is free."""
    paused = decide(agents=ONE, contacts=[{"contact_id": "c", "hold_until": ahead(600)}])
    assert paused.explained("c")["unavoidable"] is False


def test_24_an_alert_that_was_not_taken_does_not_set_the_idle_clock_back() -> None:
    """`b` has no chat and was last alerted 20 s ago, in vain; their last assignment is older."""
    found = decide(
        agents=[
            {"agent_id": "a", "idle_since": ago(60)},
            {"agent_id": "b", "idle_since": ago(300)},
        ],
        agent_load=[held(f"h{n}", "a", "chat", last_customer_at=ago(5)) for n in range(2)],
        offers=[
            {
                "contact_id": "gone",
                "agent_id": "b",
                "channel": "chat",
                "offered_at": ago(30),
                "event": "declined",
                "event_at": ago(20),
            }
        ],
        contacts=[{"contact_id": "c", "channel": "chat"}],
    )
    assert found.given == {"c": "b"}


@pytest.mark.parametrize("num_held", [1, 2])
def test_24_a_chat_goes_to_who_has_none_rather_than_to_who_has_two(num_held: int) -> None:
    """`a` has been idle for ten minutes, `b` got the one that is over just now.

    0.1 for each chat of `a` against at most 0.05 for being idle; both worked as much today.
    """
    worked: Row = {"handled_s": HOUR, "productive_s": 2 * HOUR}
    found = decide(
        agents=[
            {"agent_id": "a", "idle_since": ago(600)} | worked,
            {"agent_id": "b", "idle_since": ago(5)} | worked,
        ],
        agent_load=[held(f"h{n}", "a", "chat", last_customer_at=ago(5)) for n in range(num_held)],
        contacts=[{"contact_id": "c", "channel": "chat"}],
    )
    assert found.given == {"c": "b"}
    assert found.explained("c")["runner_up_agent_id"] == "a"


RINGS: list[Row] = [
    {"step": 0, "alternative": 0, "skill": "s", "min_proficiency": 8, "expires_s": 60.0},
    {"step": 1, "alternative": 0, "skill": "s", "min_proficiency": 5, "expires_s": 60.0},
]


@pytest.mark.parametrize(
    ("waited_s", "goes_to", "step", "relaxes_in_s"),
    [(0, None, 0, 60), (59, None, 0, 1), (60, "good", 1, 60), (119, "good", 1, 1)],
)
def test_25_rings_follow_each_other_and_no_skill_is_ignored(
    waited_s: int, goes_to: str | None, step: int, relaxes_in_s: int
) -> None:
    """Level 8 is in a call, 5 and 2 are free: level 5 comes after a minute, and 2 not before two.

    The preview says which ring it is and when the next one opens.
    """
    found = in_rings(waited_s)
    assert found.given == ({"c": goes_to} if goes_to else {})
    told = found.explained("c")
    assert (told["step"], told["relaxes_at"]) == (step, ahead(relaxes_in_s))


def test_25_after_the_last_ring_the_best_of_all_members_is_chosen() -> None:
    """Nothing is asked any more after two minutes, and still the better one is preferred."""
    found = in_rings(120)
    assert found.given == {"c": "good"}
    told = found.explained("c")
    assert (told["step"], told["relaxes_at"]) == (2, None)
    assert in_rings(120, "poor").given == {"c": "poor"}
    assert in_rings(119, "poor").given == {}


def in_rings(waited_s: int, *free: str) -> Decided:
    """A message in its rings; `best` is in a call, and the others are free."""
    levels = {"best": 8, "good": 5, "poor": 2}
    there = ("best", *(free or ("good", "poor")))
    return decide(
        agents=[{"agent_id": name} for name in there],
        agent_skills=[
            {"agent_id": name, "skill": "s", "proficiency": levels[name]} for name in there
        ],
        agent_load=[held("h", "best", "voice", started_at=ago(5), expected_end_at=ahead(900))],
        contacts=[{"contact_id": "c", "channel": "messaging", "entered_at": ago(waited_s)}],
        contact_steps=[{"contact_id": "c"} | ring for ring in RINGS],
    )


def test_26_the_predicted_wait_is_the_published_formula() -> None:
    """240 s * max(0, 4 waiting - 1 free) / (1 + 1/2): `a` serves one queue, `b` in a call two."""
    found = decide(
        queues=[{"queue_id": "q", "mean_handle_s": 240.0}, {"queue_id": "r"}],
        agents=TWO,
        queue_members=[
            {"queue_id": "q", "agent_id": "a"},
            {"queue_id": "q", "agent_id": "b"},
            {"queue_id": "r", "agent_id": "b"},
        ],
        agent_load=[held("h", "b", "voice")],
        contacts=[{"contact_id": f"c{n}", "channel": "voice"} for n in range(4)],
    )
    told = found.plan.outlook.row(by_predicate=pl.col("queue_id") == "q", named=True)
    assert (told["num_waiting"], told["num_free"]) == (4, 1)
    assert told["effective_agents"] == pytest.approx(1.5)
    assert told["predicted_wait_s"] == pytest.approx(240 * (4 - 1) / 1.5)
    formula = "`h * max(0, waiting - free) / N`"
    assert formula in (Path(__file__).parents[2] / "docs/model.md").read_text()


def test_26_the_service_level_names_its_variant() -> None:
    """Answered in 10 s and in 30 s, left after 5 s and after 40 s; the target is 20 s.

    Of three that count, as who left before the target does not, one was in time.
    """
    outcomes = [("answered", 10), ("answered", 30), ("abandoned", 5), ("abandoned", 40)]
    visits = pl.DataFrame(
        {
            "entered_at": [NOW] * 4,
            "answered_at": [ahead(s) if kind == "answered" else None for kind, s in outcomes],
            "ended_at": [ahead(s) for _, s in outcomes],
            "outcome": [kind for kind, _ in outcomes],
            "target_answer_s": [20.0] * 4,
        },
        schema_overrides={"answered_at": pl.Datetime("us", "UTC")},
    )
    assert service_level(visits) == pytest.approx(1 / 3)
    assert "left before the target passed is not counted" in " ".join(
        str(service_level.__doc__).split()
    )


def test_27_no_call_rings_while_another_live_offer_does() -> None:
    """Of two calls `a` gets one; and none while a call or a chat still rings there."""
    calls: list[Row] = [{"contact_id": f"v{n}", "channel": "voice"} for n in range(2)]
    assert list(decide(agents=ONE, contacts=calls).given.values()) == ["a"]
    for channel in ("voice", "chat"):
        ringing = [held("h", "a", channel, state="offered", started_at=ago(5))]
        found = decide(agents=TWO, agent_load=ringing, contacts=calls[:1])
        assert found.given == {"v0": "b"}
        assert decide(agents=ONE, agent_load=ringing, contacts=calls[:1]).given == {}


def test_27_no_second_chat_rings_while_the_first_one_does() -> None:
    """A chat is real-time and has a time-out: who answers the first one misses the second."""
    ringing = [held("h", "a", "chat", state="offered", started_at=ago(5))]
    waiting: list[Row] = [{"contact_id": "c", "channel": "chat"}]
    found = decide(agents=ONE, agent_load=ringing, contacts=waiting)
    assert (found.given, found.reasons) == ({}, {"c": "channel_blocked"})
    answered = [held("h", "a", "chat", started_at=ago(5), last_customer_at=ago(5))]
    assert decide(agents=ONE, agent_load=answered, contacts=waiting).given == {"c": "a"}


def calls_behind_chats(chat_waited_s: float) -> Decided:
    """`a` holds a chat; two chats wait, and a call that waited longer than half its 20 s."""
    waiting: Row = {"channel": "chat", "entered_at": ago(chat_waited_s)}
    return decide(
        agents=ONE,
        agent_load=[held("h", "a", "chat", last_customer_at=ago(5))],
        contacts=[
            {"contact_id": "call", "channel": "voice", "entered_at": ago(15)},
            {"contact_id": "c1"} | waiting,
            {"contact_id": "c2"} | waiting,
        ],
    )


def test_28_a_chat_is_not_refilled_while_a_call_waits() -> None:
    """`a` finishes the chat and gets no other, so that the call comes next."""
    found = calls_behind_chats(10)
    assert found.given == {}
    assert found.reasons == {"call": "channel_blocked", "c1": "draining", "c2": "draining"}
    call: Row = {"contact_id": "call", "channel": "voice", "entered_at": ago(15)}
    chat: Row = {"contact_id": "c1", "channel": "chat", "entered_at": ago(10)}
    assert decide(agents=ONE, contacts=[call, chat]).given == {"call": "a"}


def test_28_a_backlog_of_chats_does_not_lock_calls_out() -> None:
    """The same with chats that waited for longer than half their minute."""
    found = calls_behind_chats(50)
    assert found.given == {}
    assert found.reasons == {"call": "channel_blocked", "c1": "draining", "c2": "draining"}


def test_30_relaxing_before_an_offer_can_be_answered_is_refused(tmp_path: Path) -> None:
    """Chats ring for 30 s and a tick is 5 s: two ticks and an offer are 40 s."""
    file = tmp_path / "omniassign.toml"
    file.write_text("[policy.channels.chat]\nrelax_after_s = 39\n")
    with pytest.raises(ConfigError, match="expected at least 2 \\* tick_s") as refused:
        read_config(file)
    assert "channels.chat.relax_after_s" in str(refused.value)
    file.write_text("[policy.channels.chat]\nrelax_after_s = 40\n")
    assert read_config(file).policy.channels[Channel.CHAT].relax_after_s == 40


def test_30_outbound_does_not_put_an_agent_at_the_end_of_the_idle_list() -> None:
    """The order follows `idle_since` alone, in which a platform may leave outbound out."""
    callback: Row = {"channel": "callback", "event": "completed"}
    found = decide(
        agents=[
            {"agent_id": "a", "idle_since": ago(300)},
            {"agent_id": "b", "idle_since": ago(60)},
        ],
        offers=[
            {"contact_id": "o", "agent_id": "a", "offered_at": ago(20), "event_at": ago(5)}
            | callback
        ],
        contacts=[{"contact_id": "call", "channel": "voice"}],
    )
    assert found.given == {"call": "a"}


def test_31_a_closed_queue_and_people_off_shift_get_nothing() -> None:
    """Madrid opens at 9:00, which is 8:00 UTC in November; a holiday stays closed."""
    opens = datetime(2026, 11, 18, 8, tzinfo=UTC)
    shift: Row = {"shift_start_at": opens - timedelta(hours=2), "shift_end_at": ahead(8 * HOUR)}
    tables: dict[str, list[Row]] = {
        "queues": [{"queue_id": "q", "calendar_id": "k"}],
        "calendars": [
            {
                "calendar_id": "k",
                "time_zone": "Europe/Madrid",
                "weekday": 2,
                "opens_minute": 540,
                "closes_minute": 1080,
            }
        ],
        "agents": [{"agent_id": "a"} | shift],
        "contacts": [{"contact_id": "c", "entered_at": opens - timedelta(hours=1)}],
    }
    before = decide_at(opens - timedelta(microseconds=1), **tables)
    assert (before.given, before.reasons) == ({}, {"c": "closed_hours"})
    assert decide_at(opens, **tables).given == {"c": "a"}
    closed = {"calendar_id": "k", "day": "2026-11-18", "opens_minute": 0, "closes_minute": 0}
    assert decide_at(opens, holidays=[closed], **tables).given == {}


def test_31_the_turns_of_absent_agents_do_not_come_round() -> None:
    """Of three, one is offline and one, who forgot to log out, is off shift; nothing is lost."""
    found = decide(
        agents=[
            {"agent_id": "offline", "presence": "offline", "idle_since": ago(DAY)},
            {"agent_id": "off", "shift_end_at": ago(1), "idle_since": ago(DAY)},
            {"agent_id": "on"},
        ],
        contacts=[{"contact_id": f"c{n}"} for n in range(3)],
    )
    assert found.given == dict.fromkeys(["c0", "c1", "c2"], "on")


@pytest.mark.parametrize(("waited_s", "given"), [(59, {}), (60, {"c": "good"})])
def test_33_requirements_relax_while_somebody_is_being_offered_the_contact(
    waited_s: int, given: dict[str, str]
) -> None:
    """`best` was offered it all the time and declined a second ago: the second step is reached.

    The age counts from the first moment on, not from the end of the offer; before 60 s only
    `best` could have it, who gets no message within 15 s of a decline.
    """
    found = decide(
        agents=[{"agent_id": "best"}, {"agent_id": "good"}],
        agent_skills=[
            {"agent_id": "best", "skill": "s", "proficiency": 9},
            {"agent_id": "good", "skill": "s", "proficiency": 6},
        ],
        offers=[
            {
                "contact_id": "c",
                "agent_id": "best",
                "channel": "messaging",
                "offered_at": ago(waited_s),
                "event": "declined",
                "event_at": ago(1),
            }
        ],
        declines=[{"contact_id": "c", "agent_id": "best", "declined_at": ago(1)}],
        contacts=[{"contact_id": "c", "channel": "messaging", "entered_at": ago(waited_s)}],
        contact_steps=[{"contact_id": "c"} | ring for ring in RINGS],
    )
    assert found.given == given


def test_33_a_matching_agent_who_rings_does_not_hold_the_next_step_up() -> None:
    """`best` has the skill and is being offered another call: after 60 s `good` gets this one."""
    found = decide(
        agents=[{"agent_id": "best"}, {"agent_id": "good"}],
        agent_skills=[
            {"agent_id": "best", "skill": "s", "proficiency": 9},
            {"agent_id": "good", "skill": "s", "proficiency": 6},
        ],
        agent_load=[held("h", "best", "voice", state="offered", started_at=ago(5))],
        contacts=[{"contact_id": "c", "channel": "voice", "entered_at": ago(60)}],
        contact_steps=[{"contact_id": "c"} | ring for ring in RINGS],
    )
    assert found.given == {"c": "good"}


def test_34_what_is_overdue_does_not_always_come_before_what_is_new() -> None:
    """Mail that is three times overdue waits for new mail of a customer worth ten times as much.

    Another 605 s cost it 0.3 * ((86400 + 605)^2 - 86400^2) / 28800^2 = 0.04, and the missed target
    1.0, whereas the new one brings 0.7 * 44 - 0.3 * 24 = 23.6 instead of 0.7 * 8 - 0.3 * 6 = 3.8.
    With equal value the overdue one goes first; and beyond 72 hours it does, whatever the other
    is worth.
    """
    slot: dict[str, list[Row]] = {"agents": ONE, "agent_channels": serves("a", email=1)}
    overdue: Row = {"contact_id": "overdue", "entered_at": ago(24 * HOUR)}
    new: Row = {"contact_id": "new", "entered_at": ago(60)}
    found = decide(contacts=[overdue, new | {"value": 2000.0}], **slot)
    assert found.given == {"new": "a"}
    assert decide(contacts=[overdue, new], **slot).given == {"overdue": "a"}
    forgotten = overdue | {"entered_at": ago(72 * HOUR + 1)}
    found = decide(contacts=[forgotten, new | {"value": 2000.0}], **slot)
    assert found.given == {"overdue": "a"}


def test_34_lateness_is_bounded() -> None:
    """A chat 19 minutes late would cost ever more; no more than `most_waiting_cost` counts.

    Nothing else is at risk that grows with its wait: losing the customer costs at most
    M + L = 3.8 + 4, and the missed target 1.0, however long ago it was.
    """
    policy = replace(Policy(), most_waiting_cost=10.0)
    late: Row = {"contact_id": "late", "channel": "chat", "entered_at": ago(1190)}
    waiting: list[Row] = [late, {"contact_id": "c2", "channel": "chat", "entered_at": ago(1195)}]
    one_chat: dict[str, list[Row]] = {"agents": ONE, "agent_channels": serves("a", chat=1)}
    bounded = decide(policy, contacts=waiting, **one_chat)
    free = decide(replace(policy, most_waiting_cost=1000.0), contacts=waiting, **one_chat)
    name = next(iter(bounded.given))
    assert 11 <= bounded.explained(name)["value_at_risk"] <= 11 + 3.8 + 4
    assert free.explained(name)["value_at_risk"] > 11 + 3.8 + 4


@pytest.mark.parametrize(
    ("due_in_s", "given", "waits_for"),
    [
        (15 * HOUR + 600, {}, {"case": "porto"}),
        (15 * HOUR + 599, {"case": "cebu"}, {}),
    ],
    ids=["in time", "too late"],
)
def test_35_the_same_engineer_goes_on_next_day_if_that_is_in_time(
    due_in_s: float, given: dict[str, str], waits_for: dict[str, str]
) -> None:
    """`porto` comes back in 15 hours and needs ten minutes; `cebu` is there now, and a stranger.

    Where the promise forbids to wait, the stranger's pass has its price.
    """
    found = decide(
        agents=[
            {
                "agent_id": "porto",
                "site": "porto",
                "presence": "offline",
                "shift_start_at": ahead(15 * HOUR),
                "shift_end_at": ahead(23 * HOUR),
            },
            {"agent_id": "cebu", "site": "cebu"},
        ],
        contacts=[
            {
                "contact_id": "case",
                "channel": "case",
                "last_agent_id": "porto",
                "last_agent_at": ago(HOUR),
                "due_at": ahead(due_in_s),
            }
        ],
    )
    assert (found.given, found.waits_for) == (given, waits_for)
    if given:
        assert found.explained("case")["region"] == pytest.approx(-Policy().region_cost)
