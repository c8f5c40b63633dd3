"""What users of today's routers complain about, 1 to 18: absent here (`docs/complaints.md`).

Complaints that need the store are in `tests/jobs/test_complaints_store.py`.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.readers import TERMS
from models.centre_check import check_centre
from models.policy import Boost, Policy
from models.policy_check import check_policy
from models.tables import Channel
from tests.models.tiny import NOW, Row, ago, ahead, serves, with_channel
from tests.solver.complaints import Decided, decide, decide_at, held, small

HOUR = 3600.0
DAY = 24 * HOUR
TWO: list[Row] = [{"agent_id": "a"}, {"agent_id": "b"}]


@pytest.mark.parametrize(
    "absence",
    [
        {"presence": "offline"},
        {"presence": "away", "presence_since": ago(120)},
        {"presence": "available", "shift_end_at": ago(60)},
        {"presence": "offline", "shift_start_at": ahead(3 * DAY), "shift_end_at": ahead(4 * DAY)},
    ],
    ids=["offline", "away", "shift over", "on leave"],
)
def test_01_a_reopened_conversation_never_goes_to_an_absent_agent(absence: Row) -> None:
    """`a` owns the customer, had them half an hour ago and still holds their thread; `b` gets it.

    It keeps its age: it came two hours ago, so its eight hours end six hours from now.
    """
    tables: dict[str, list[Row]] = {
        "customers": [{"customer_id": "u", "owner_agent_id": "a"}],
        "agent_load": [held("old", "a", "email", customer_id="u")],
        "contacts": [
            {
                "contact_id": "c",
                "customer_id": "u",
                "entered_at": ago(2 * HOUR),
                "last_agent_id": "a",
                "last_agent_at": ago(1800),
            }
        ],
    }
    absent: Row = {"agent_id": "a"} | absence
    found = decide(agents=[absent, {"agent_id": "b"}], **tables)
    assert found.given == {"c": "b"}
    assert found.explained("c")["breach_at"] == ahead(6 * HOUR)
    alone = decide(agents=[absent], **tables)
    assert (alone.given, alone.waits_for) == ({}, {})


def test_02_a_chat_that_waited_at_full_capacity_gets_the_slot_that_frees() -> None:
    """Both wait while `a` is full; 1,300 s are more than the 1,200 s that nobody waits beyond.

    So the old one comes first, although the customer of the new one is worth 50 times as much.
    """
    tables: dict[str, list[Row]] = {
        "agents": [{"agent_id": "a"}],
        "agent_channels": serves("a", chat=1),
        "contacts": [
            {"contact_id": "old", "channel": "chat", "entered_at": ago(1300)},
            {"contact_id": "new", "channel": "chat", "entered_at": ago(10), "value": 10_000.0},
        ],
    }
    busy = held("h", "a", "chat", last_customer_at=ago(5))
    assert decide(agent_load=[busy], **tables).given == {}
    freed = decide(**tables)
    assert freed.given == {"old": "a"}
    assert freed.reasons == {"new": "lost_to"}


LINES: list[tuple[str, tuple[float, ...]]] = [
    ("chat", (50, 40, 10)),
    ("chat", (21, 19)),  # the first has less than 40 s left, so that it may not be held
    ("chat", (31, 29)),  # of 60 s: the first is urgent
    ("chat", (61, 59)),  # the first has just missed its target, the second could still meet it
    ("chat", (400, 300, 61)),  # all overdue
    ("chat", (1300, 1290)),  # beyond the 1,200 s that nobody waits: first come in there, too
    ("voice", (15, 10, 5)),
    ("voice", (11, 9)),  # the first is urgent, so that agents would drain for it
    ("voice", (590, 300, 120, 60, 25, 21, 19, 5)),  # more than anybody can answer in time
    ("callback", (200, 150, 149)),
    ("messaging", (300, 299)),
    ("social", (30, 5)),
    ("email", (30, 5)),  # a target of eight hours: 25 s are no money
    ("case", (6 * HOUR, 3 * HOUR, HOUR)),
]


@pytest.mark.parametrize(
    ("channel", "waits", "oldest_is"),
    # Equal gains would be decided by name, for the first one.
    [
        *((channel, waits, "last by name") for channel, waits in LINES),
        *((channel, waits, "first by name") for channel, waits in LINES[::5]),
    ],
)
def test_02_of_equal_contacts_the_oldest_gets_the_slot_that_frees(
    channel: str, waits: tuple[float, ...], oldest_is: str
) -> None:
    """One slot for contacts that differ only in how long they waited, whatever they are called."""
    by_age = range(len(waits)) if oldest_is == "first by name" else range(len(waits), 0, -1)
    names = [f"c{number}" for number in by_age]
    found = decide(
        agents=[{"agent_id": "a"}],
        agent_channels=serves("a", **{channel: 1}),
        contacts=[
            {"contact_id": name, "channel": channel, "entered_at": ago(wait)}
            for name, wait in zip(names, waits, strict=True)
        ],
    )
    assert found.given == {names[0]: "a"}


def test_02_the_whole_line_is_served_in_the_order_in_which_it_came() -> None:
    """Five emails, one slot at a time: whatever the slot's owner does in between, nobody skips."""
    waiting: list[Row] = [
        {"contact_id": name, "entered_at": ago(wait)}
        for name, wait in zip("ebdac", (600, 599, 300, 30, 5), strict=True)
    ]
    served = ""
    for tick in range(5):
        found = decide_at(
            NOW + timedelta(seconds=5 * tick),
            agents=[{"agent_id": "z"}],
            agent_channels=serves("z", email=1),
            contacts=[row for row in waiting if row["contact_id"] not in served],
        )
        served += "".join(found.given)
    assert served == "ebdac"


AWAY: Row = {
    "presence": "offline",
    "shift_start_at": ahead(HOUR),
    "shift_end_at": ahead(9 * HOUR),
}
CHAT: Row = {"contact_id": "chat", "channel": "chat"}
MAIL: Row = {"contact_id": "mail"}
REPLY: Row = {"contact_id": "reply", "last_agent_id": "a", "last_agent_at": ago(DAY)}


def with_a(contacts: list[Row], **agent: object) -> Decided:
    """The contacts, and `a`, whose shift starts in an hour unless it is said otherwise."""
    return decide(agents=[{"agent_id": "a"} | AWAY | agent], contacts=contacts)


def test_04_what_comes_while_all_are_offline_waits_with_an_alarm() -> None:
    """A chat cannot be answered within its minute by somebody who comes in an hour."""
    found = with_a([CHAT])
    assert (found.given, found.reasons) == ({}, {"chat": "no_present_agent"})
    assert found.explained("chat")["unavoidable"]
    assert found.plan.outlook["num_unavoidable"].to_list() == [1]


def test_04_mail_waits_for_an_offline_agent_only_if_that_is_in_time() -> None:
    """`a` comes in an hour and needs ten minutes: within eight hours, not within half an hour."""
    in_time = with_a([REPLY])
    assert (in_time.given, in_time.waits_for) == ({}, {"reply": "a"})
    assert in_time.plan.unassigned["next_chance_at"].to_list() == [ahead(HOUR)]
    assert not in_time.explained("reply")["unavoidable"]
    late = with_a([REPLY | {"due_at": ahead(1800)}])
    assert (late.given, late.waits_for) == ({}, {})
    assert late.explained("reply")["unavoidable"]


def test_04_mail_that_there_is_time_for_raises_no_alarm() -> None:
    """`a` comes in an hour and has seven hours for two emails of ten minutes each."""
    found = with_a([MAIL, REPLY])
    assert found.plan.outlook["num_unavoidable"].to_list() == [0]


def test_04_it_is_assigned_as_soon_as_somebody_comes() -> None:
    """Nothing stays in limbo: one tick gives everything to the first who is there."""
    there = with_a([CHAT, MAIL, REPLY], presence="available", shift_start_at=ago(1))
    assert there.given == dict.fromkeys(["chat", "mail", "reply"], "a")


def test_05_open_conversations_are_limited_per_agent_and_inbox() -> None:
    """Of the inbox `sales` `a` may hold one and has it, `b` two; the third of four waits."""
    found = decide(
        agents=TWO,
        agent_profiles=[
            {"agent_id": "a", "profile": "sales", "max_items": 1},
            {"agent_id": "b", "profile": "sales", "max_items": 2},
        ],
        agent_load=[held("h", "a", "email", profiles="sales")],
        contacts=[{"contact_id": f"c{n}", "profiles": "sales"} for n in range(3)]
        + [{"contact_id": "other"}],
    )
    sales = {contact: agent for contact, agent in found.given.items() if contact != "other"}
    assert list(sales.values()) == ["b", "b"]
    assert "other" in found.given
    assert list(found.reasons.values()) == ["lost_to"]


def test_05_who_was_given_too_much_by_hand_keeps_it_and_gets_no_more() -> None:
    """Four chats where three are the limit: nothing is taken away, and the next goes to `b`."""
    loads = [held(f"h{n}", "a", "chat", last_customer_at=ago(5)) for n in range(4)]
    channels = serves("a", chat=3) + serves("b", chat=3)
    waiting: list[Row] = [{"contact_id": "c", "channel": "chat"}]
    found = decide(agents=TWO, agent_channels=channels, agent_load=loads, contacts=waiting)
    assert (found.given, found.requeued) == ({"c": "b"}, [])
    alone = decide(agents=TWO[:1], agent_channels=channels[:1], agent_load=loads, contacts=waiting)
    assert (alone.given, alone.requeued) == ({}, [])


def test_06_every_decision_says_why_in_words_and_in_money() -> None:
    """The pair, the next best and the terms of its worth; and the rule that keeps `x` waiting."""
    found = decide(
        replace(Policy(), boosts=(Boost(channel=Channel.EMAIL, worth=5.0),)),
        agents=TWO,
        agent_skills=[
            {"agent_id": "a", "skill": "billing", "proficiency": 9},
            {"agent_id": "b", "skill": "billing", "proficiency": 6},
        ],
        contacts=[{"contact_id": "c"}, {"contact_id": "x"}],
        contact_skills=[
            {"contact_id": "c", "skill": "billing", "min_proficiency": 5},
            {"contact_id": "x", "skill": "latin", "min_proficiency": 1},
        ],
    )
    chosen, waiting = found.explained("c"), found.explained("x")
    assert (chosen["agent_id"], chosen["runner_up_agent_id"]) == ("a", "b")
    # p = 0.35 + 0.6 * 0.9 = 0.89, B = 4 + 0.02 * 200 = 8, F = 4 + 0.01 * 200 = 6.
    assert chosen["match"] == pytest.approx(0.89 * 8 - 0.11 * 6)
    assert chosen["detail"].startswith("Goes to a: worth ")
    assert "next best b: worth " in chosen["detail"]
    assert sum(chosen[term] for term in TERMS) == pytest.approx(chosen["gain"], abs=1e-3)
    assert waiting["reason"] == "skill_missing"
    assert waiting["detail"].startswith(
        "Waits: of 2 agents 2 pass every earlier test and none of them has the skills"
    )


def test_08_what_is_hoarded_is_not_rewarded_with_more() -> None:
    """Of 8,000 s today `a` handled 7,200 in the same hours as `b`, and is idle for longer.

    x = 0.9 / 0.5 = 1.8, so `a` costs 0.2 * (1.8 - 1 - 0.15) = 0.13 more. Today's work adds
    0.06 * 0.44 to that, and being idle for longer is worth 0.05 at most.
    """
    hours: Row = {"productive_s": 4 * HOUR}
    found = decide(
        agents=[
            {"agent_id": "a", "handled_s": 7200.0, "idle_since": ago(HOUR)} | hours,
            {"agent_id": "b", "handled_s": 800.0, "idle_since": ago(5)} | hours,
        ],
        contacts=[{"contact_id": "c"}],
    )
    assert found.given == {"c": "b"}


def test_08_work_of_somebody_on_leave_is_distributed_again() -> None:
    """`a` went nine hours ago, longer than the eight after which mail goes back to its queue."""
    gone: Row = {
        "agent_id": "a",
        "presence": "offline",
        "shift_start_at": ago(17 * HOUR),
        "shift_end_at": ago(9 * HOUR),
    }
    loads = [held("left", "a", "email", started_at=ago(10 * HOUR)), held("kept", "b", "email")]
    assert decide(agents=[gone, {"agent_id": "b"}], agent_load=loads).requeued == ["left"]


@pytest.mark.parametrize(
    "bond",
    [
        {"last_agent_id": "b", "last_agent_at": ago(DAY)},
        {"resolver_agent_id": "b", "resolved_at": ago(7 * DAY)},
        {"customer_id": "owned"},
    ],
    ids=["last agent", "resolver", "owner"],
)
def test_09_future_contacts_go_to_the_employee_who_had_the_customer(bond: Row) -> None:
    """Nothing else tells `a` and `b` apart but that `a` is idle for longer."""
    found = decide(
        agents=[{"agent_id": "a", "idle_since": ago(HOUR)}, {"agent_id": "b"}],
        customers=[{"customer_id": "owned", "owner_agent_id": "b"}],
        contacts=[{"contact_id": "c"} | bond, {"contact_id": "other"}],
    )
    assert found.given == {"c": "b", "other": "a"}
    assert found.explained("c")["stickiness"] > 0


def test_10_a_wake_up_is_never_unassigned_and_stops_only_new_work() -> None:
    """Four parked messages leave `a` 100 - 4 * 5 units; awake they take 100, and one more 25."""
    loads = [held(f"h{n}", "a", "messaging", state="parked") for n in range(5)]
    waiting: list[Row] = [{"contact_id": "c", "channel": "messaging"}]
    only_a: list[Row] = [{"agent_id": "a"}]
    assert decide(agents=only_a, agent_load=loads, contacts=waiting).given == {"c": "a"}
    awake = [load | {"state": "active", "last_customer_at": ago(5)} for load in loads]
    found = decide(agents=TWO, agent_load=awake, contacts=waiting)
    assert (found.given, found.requeued) == ({"c": "b"}, [])


def test_10_the_night_does_not_land_on_the_first_agent_of_the_morning() -> None:
    """Of nine emails the first to come gets three, and five seconds later the second three.

    Three is what one agent gets per tick (`max_new_per_tick`), however much is free.
    """
    night: list[Row] = [{"contact_id": f"c{n}", "entered_at": ago(n * HOUR)} for n in range(9)]
    first = decide(agents=TWO[:1], contacts=night)
    assert first.number_of("a") == 3
    loads = [held(contact, "a", "email") for contact in first.given]
    left = [row for row in night if row["contact_id"] in first.reasons]
    second = decide_at(NOW + timedelta(seconds=5), agents=TWO, agent_load=loads, contacts=left)
    assert (second.number_of("a"), second.number_of("b")) == (3, 3)


@pytest.mark.parametrize("longest_idle", ["fast", "slow"])
def test_11_who_closes_many_short_contacts_is_loaded_neither_more_nor_less(
    longest_idle: str,
) -> None:
    """Both worked an hour today, `fast` on four contacts: who is idle for longer gets the next."""
    worked: Row = {"handled_s": HOUR, "productive_s": 2 * HOUR}
    idle = {name: {"idle_since": ago(400 if name == longest_idle else 100)} for name in SPEEDS}
    closed: Row = {"channel": "email", "event": "completed", "event_at": ago(600)}
    found = decide(
        agents=[{"agent_id": name} | worked | idle[name] for name in SPEEDS],
        offers=[
            {"contact_id": f"o{n}", "agent_id": "fast", "offered_at": ago(3600 - n)} | closed
            for n in range(4)
        ],
        contacts=[{"contact_id": "c"}],
    )
    assert found.given == {"c": longest_idle}
    assert found.explained("c")["fairness"] == 0


def test_11_who_worked_more_minutes_is_spared() -> None:
    """90 minutes against 30: `fast` is at 1.5 times the fair share, `slow` gets the next three."""
    found = decide(
        agents=[
            {"agent_id": "fast", "handled_s": 5400.0, "productive_s": 2 * HOUR},
            {"agent_id": "slow", "handled_s": 1800.0, "productive_s": 2 * HOUR},
        ],
        contacts=[{"contact_id": f"c{n}"} for n in range(3)],
    )
    assert found.number_of("slow") == 3


SPEEDS = ("fast", "slow")


@pytest.mark.parametrize(("minutes", "goes_back"), [(14, []), (15, ["active", "woken"])])
def test_13_what_an_agent_who_left_holds_goes_back_to_its_queue(
    minutes: int, goes_back: list[str]
) -> None:
    """After 15 minutes away (`owner_gone_s`), and what is parked only once the customer writes."""
    found = decide(
        agents=[
            {"agent_id": "a", "presence": "offline", "presence_since": ago(60 * minutes)},
            {"agent_id": "b"},
        ],
        agent_load=[
            held("active", "a", "messaging", last_customer_at=ago(5)),
            held("silent", "a", "messaging", state="parked", last_customer_at=ago(HOUR)),
            held("woken", "a", "messaging", state="parked", last_customer_at=ago(5)),
            held("there", "b", "messaging", last_customer_at=ago(5)),
        ],
    )
    assert sorted(found.requeued) == goes_back


def test_14_after_a_leave_work_comes_back_by_and_by() -> None:
    """At most two cases per tick and three per hour, however long the queue is."""
    policy = with_channel(Policy(), Channel.CASE, max_new_per_tick=2, max_per_hour=3)
    waiting: list[Row] = [{"contact_id": f"c{n}", "channel": "case"} for n in range(6)]

    def got(num_recent: int, seconds: float) -> int:
        offer: Row = {"agent_id": "a", "channel": "case", "event": "accepted"}
        at: Row = {"offered_at": ago(seconds), "event_at": ago(seconds)}
        offers = [{"contact_id": f"o{n}"} | offer | at for n in range(num_recent)]
        return decide(
            policy, agents=[{"agent_id": "a"}], contacts=waiting, offers=offers
        ).number_of("a")

    assert [got(0, 5), got(2, 5), got(3, 5), got(3, 3601)] == [2, 1, 0, 2]


def test_14_cases_in_progress_that_wait_for_the_customer_do_not_block() -> None:
    """Six parked cases would weigh 120 of 100 units; parked they weigh nothing."""
    parked = [held(f"h{n}", "a", "case", state="parked") for n in range(6)]
    waiting: list[Row] = [{"contact_id": "c", "channel": "case"}]
    agents: list[Row] = [{"agent_id": "a"}]
    assert decide(agents=agents, agent_load=parked, contacts=waiting).given == {"c": "a"}
    active = [load | {"state": "active"} for load in parked]
    assert decide(agents=agents, agent_load=active, contacts=waiting).given == {}


@pytest.mark.parametrize(
    ("state", "gets"),
    [
        ({"last_customer_at": ago(179)}, False),
        ({"last_customer_at": ago(180)}, True),
        ({"state": "wrap_up", "state_since": ago(59)}, False),
        ({"state": "wrap_up", "state_since": ago(60)}, True),
    ],
    ids=["customer wrote", "customer silent", "just closed", "closed"],
)
def test_15_tabs_kept_open_or_closed_do_not_change_what_counts(state: Row, gets: bool) -> None:
    """Three chats fill `a` only while their customers write, or for a minute of wrap-up."""
    found = decide(
        agents=[{"agent_id": "a"}],
        agent_channels=serves("a", chat=3),
        agent_load=[held(f"h{n}", "a", "chat") | state for n in range(3)],
        contacts=[{"contact_id": "c", "channel": "chat"}],
    )
    assert found.given == ({"c": "a"} if gets else {})


@pytest.mark.parametrize(
    ("channel", "num_declines", "offered"),
    [("email", 3, True), ("email", 5, True), ("email", 6, False), ("chat", 3, False)],
)
def test_16_who_declined_too_often_is_asked_once_more_where_nobody_else_is_left(
    channel: str, num_declines: int, offered: bool
) -> None:
    """Three declines ban the pair; they are forgiven once, unless the customer is on the line."""
    found = decide(
        agents=[{"agent_id": "a", "presence_since": ago(DAY)}],
        contacts=[{"contact_id": "c", "channel": channel, "entered_at": ago(HOUR)}],
        declines=[
            {"contact_id": "c", "agent_id": "a", "declined_at": ago(700 + n)}
            for n in range(num_declines)
        ],
    )
    assert (found.given, found.reasons) == (
        ({"c": "a"}, {}) if offered else ({}, {"c": "declined"})
    )


def test_18_a_channel_of_high_priority_lets_the_others_through_in_the_end() -> None:
    """Calls come first by class; yet mail that waited 72 hours goes before the call, and then it.

    A call takes all of an agent and stands beside nothing, so one of them has to wait a tick;
    while `a` holds the mail, the call may interrupt.
    """
    policy = replace(Policy(), strict_classes=1)
    call: Row = {"contact_id": "call", "channel": "voice", "priority": 0}
    late: Row = {"contact_id": "late", "entered_at": ago(72 * HOUR + 1)}
    agents: list[Row] = [{"agent_id": "a"}]
    assert decide(policy, agents=agents, contacts=[call, late]).given == {"late": "a"}
    then = decide(policy, agents=agents, contacts=[call], agent_load=[held("late", "a", "email")])
    assert then.given == {"call": "a"}
    early = late | {"entered_at": ago(71 * HOUR)}
    assert decide(policy, agents=agents, contacts=[call, early]).given == {"call": "a"}


def test_18_a_guarantee_that_is_switched_off_behind_classes_is_refused() -> None:
    """Classes that are always first would starve the others: an error, not advice."""
    policy = replace(Policy(), strict_classes=1)
    assert check_policy(policy) == ()
    endless = with_channel(policy, Channel.EMAIL, max_wait_s=0.0)
    assert [finding.rule for finding in check_policy(endless)] == ["starves_behind_classes"]


def test_18_a_combination_of_skills_that_nobody_has_is_told_before_anybody_waits() -> None:
    """Six skills, of which the best agent has three; with the other three it can be served."""
    names = [f"s{n}" for n in range(6)]
    tables: dict[str, list[Row]] = {
        "agents": [{"agent_id": "a"}],
        "contacts": [{"contact_id": "c"}],
        "contact_skills": [
            {"contact_id": "c", "skill": name, "min_proficiency": 3} for name in names
        ],
    }
    knows = [{"agent_id": "a", "skill": name, "proficiency": 5} for name in names]
    found = check_centre(Policy(), small(agent_skills=knows[:3], **tables))
    assert [finding.rule for finding in found] == ["nobody_has_the_skills"]
    assert "3 of 6" in found[0].detail
    able = {**tables, "contact_skills": tables["contact_skills"][:3]}
    assert check_centre(Policy(), small(agent_skills=knows[:3], **able)) == ()
    assert decide(agent_skills=knows[:3], **able).given == {"c": "a"}
