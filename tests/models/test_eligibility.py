"""Section 3 of `docs/model.md`: every rule with a case that fails it and a case that passes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from models.batch_problem import BatchProblem, build_problem
from models.eligibility import REASONS
from models.plan import Reason
from models.policy import Policy
from models.tables import Channel
from tests.models.tiny import NOW, Row, ago, ahead, serves, tiny, with_channel

Tables = dict[str, list[Row]]
PAUSE_S = Policy().decline_pause_s


def stated(
    policy: Policy | None = None, now: datetime = NOW, /, **tables: list[Row]
) -> BatchProblem:
    """A tiny batch as a problem; unless named, agent `a` could serve the one email `c`."""
    base: Tables = {"agents": [{"agent_id": "a"}], "contacts": [{"contact_id": "c"}]}
    return build_problem(tiny(now, **base | tables), policy or Policy())


def first_failure(found: BatchProblem, agent: int = 0) -> Reason | None:
    """The rule that the first conversation and the agent break first."""
    kind = found.problem.contact_class[:1].astype(np.int64)
    code = int(found.eligibility.first_failures(kind)[0, agent])
    return None if code == 0 else REASONS[code - 1]


def agent(**changes: object) -> Tables:
    """Agent `a` with other values."""
    return {"agents": [{"agent_id": "a"} | changes]}


def contact(**changes: object) -> Tables:
    """Contact `c` with other values."""
    return {"contacts": [{"contact_id": "c"} | changes]}


def asks(skill: str, level: int) -> Tables:
    """Contact `c` needs the skill."""
    return {"contact_skills": [{"contact_id": "c", "skill": skill, "min_proficiency": level}]}


def has(skill: str, level: int) -> Tables:
    """Agent `a` has the skill."""
    return {"agent_skills": [{"agent_id": "a", "skill": skill, "proficiency": level}]}


def holds(**changes: object) -> Tables:
    """Agent `a` holds one item."""
    return {"agent_load": [{"agent_id": "a", "contact_id": "h"} | changes]}


def declined(channel: str, seconds: float, **offer: object) -> Tables:
    """Agent `a` declined a contact of the channel, which has left, so long ago."""
    row = {"contact_id": "gone", "agent_id": "a"}
    event = {"event": "declined", "event_at": ago(seconds), "offered_at": ago(seconds + 20)}
    return {
        "declines": [row | {"declined_at": ago(seconds)}],
        "offers": [row | {"channel": channel} | event | offer],
    }


def expired(seconds: float) -> Tables:
    """An offer to agent `a` expired so long ago."""
    times = {"offered_at": ago(seconds + 20), "event_at": ago(seconds)}
    row = {"contact_id": "gone", "agent_id": "a", "channel": "chat", "event": "expired"}
    return {"offers": [row | times]}


def helped(calendar: str | None = None, **lender: object) -> Tables:
    """The queue, whose only member is somebody else, may borrow agent `a` of `to`."""
    row = {"queue_id": "q", "to_queue_id": "to", "condition": "waited", "threshold": 0.0}
    rows = [row, row | {"condition": "closed"}]
    return {
        "queues": [
            {"queue_id": "q", "calendar_id": calendar},
            {"queue_id": "to", "arrivals_per_h": 0.0} | lender,
        ],
        "queue_members": [
            {"queue_id": "q", "agent_id": "someone else"},
            {"queue_id": "to", "agent_id": "a"},
        ],
        "overflow": rows,
        "contacts": [{"contact_id": "c", "entered_at": ago(1)}],
    }


def limits(profile: str, most: int) -> Tables:
    """Agent `a` takes so many contacts of the profile."""
    return {"agent_profiles": [{"agent_id": "a", "profile": profile, "max_items": most}]}


def two(channel: str) -> Tables:
    """Contact `c`, an email, and another one."""
    return {"contacts": [{"contact_id": "c"}, {"contact_id": "d", "channel": channel}]}


def opens(minute: int) -> Tables:
    """The queue opens on Wednesdays at that minute, UTC."""
    row = {"weekday": 2, "opens_minute": minute, "closes_minute": 1440}
    return {
        "calendars": [{"calendar_id": "k", "time_zone": "UTC"} | row],
        "queues": [{"queue_id": "q", "calendar_id": "k"}],
    }


def many_declined(*agents: str) -> Tables:
    """Contact `c` was declined by these."""
    return {
        "declines": [
            {"contact_id": "c", "agent_id": name, "declined_at": ago(9000)} for name in agents
        ]
    }


CASES: list[tuple[Reason, Tables, Tables]] = [
    (Reason.PAUSED, contact(hold_until=ahead(0.001)), contact(hold_until=NOW)),
    (
        Reason.MANUAL_ONLY,
        many_declined(*"0123456789"),  # max_declining_agents = 10
        many_declined(*"012345678"),
    ),
    (Reason.NO_PRESENT_AGENT, agent(presence="away"), agent(presence="available")),
    (Reason.NO_PRESENT_AGENT, agent(presence="offline"), agent()),
    (Reason.CLOSED_HOURS, opens(601), opens(600)),  # 10:00 is minute 600
    (Reason.CLOSED_HOURS, helped("none", arrivals_per_h=None), helped("none")),
    (
        Reason.OUTSIDE_CUSTOMER_HOURS,
        contact(channel="callback", time_zone="America/New_York"),  # 5:00
        contact(channel="callback", time_zone="Europe/Madrid"),  # 11:00
    ),
    (Reason.OFF_SHIFT, agent(shift_start_at=ahead(0.001)), agent(shift_start_at=NOW)),
    (Reason.OFF_SHIFT, agent(shift_end_at=NOW), agent(shift_end_at=ahead(0.001))),
    (
        Reason.OFF_SHIFT,
        {"agent_activities": [{"agent_id": "a", "starts_at": NOW, "ends_at": ahead(60)}]},
        {"agent_activities": [{"agent_id": "a", "starts_at": ago(60), "ends_at": NOW}]},
    ),
    (Reason.NOT_RESPONDING, expired(299), expired(300)),  # auto_ready_s
    (
        Reason.NOT_RESPONDING,
        expired(200) | agent(presence_since=ago(200)),
        expired(200) | agent(presence_since=ago(199)),
    ),
    (
        Reason.NOT_A_MEMBER,
        {"queue_members": [{"queue_id": "q", "agent_id": "someone else"}]},
        {"queue_members": [{"queue_id": "q", "agent_id": "a"}]},
    ),
    (Reason.NOT_A_MEMBER, helped(service_level=0.5), helped(service_level=0.9)),
    (Reason.RESERVED, helped(arrivals_per_h=1.0), helped(arrivals_per_h=0.0)),
    (
        Reason.CHANNEL_NOT_SERVED,
        {"agent_channels": serves("a", chat=5, email=0)},
        {"agent_channels": serves("a", email=1)},
    ),
    (
        Reason.SKILL_MISSING,
        asks("billing", 6) | has("billing", 5),
        asks("billing", 6) | has("billing", 6),
    ),
    (Reason.SKILL_MISSING, asks("billing", 0), asks("billing", 0) | has("billing", 0)),
    (
        Reason.LANGUAGE_MISSING,
        contact(language="es") | has("language:es", 4),
        contact(language="es") | has("language:es", 5),
    ),
    (
        Reason.LANGUAGE_MISSING,
        asks("language:es", 8) | has("language:es", 7),
        asks("language:es", 8) | has("language:es", 8),
    ),
    (
        Reason.SHIFT_TOO_SHORT,
        contact(channel="voice") | agent(shift_end_at=ahead(419.999)),
        contact(channel="voice") | agent(shift_end_at=ahead(420)),  # 300 + 120
    ),
    (
        Reason.SHIFT_TOO_SHORT,
        contact(channel="chat") | agent(shift_end_at=ahead(599)),  # real-time: 480 + 120
        contact(channel="email") | agent(shift_end_at=ahead(1)),  # can be handed over
    ),
    (Reason.AT_CAPACITY, agent(presence="busy"), agent()),
    (
        Reason.AT_CAPACITY,
        holds(channel="voice", expected_end_at=ahead(61)),
        holds(channel="voice", expected_end_at=ahead(60)),  # free soon, and an email can wait
    ),
    (
        Reason.CHANNEL_BLOCKED,
        contact(channel="voice") | holds(channel="chat", units=0.0),
        contact(channel="voice") | holds(channel="chat", units=0.0, state="parked"),
    ),
    (
        Reason.LANE_FULL,
        holds() | {"agent_channels": serves("a", email=1, case=1)},
        holds() | {"agent_channels": serves("a", email=2, case=1)},
    ),
    (
        Reason.PROFILE_FULL,
        contact(profiles="vip, crypto") | holds(profiles="crypto") | limits("crypto", 1),
        contact(profiles="vip, crypto") | holds(profiles="crypto") | limits("crypto", 2),
    ),
    (
        Reason.UNITS_FULL,
        contact(channel="case") | agent(capacity_units=19.9),
        contact(channel="case") | agent(capacity_units=20.0),
    ),
    (
        Reason.UNITS_FULL,  # a case interrupts nothing, a call interrupts cases
        contact(channel="case") | holds(channel="case", units=81.0),
        contact(channel="voice") | holds(channel="case", units=81.0),
    ),
    (
        Reason.COOLING_DOWN,
        declined("email", PAUSE_S - 0.001),
        declined("email", PAUSE_S),
    ),
    (Reason.COOLING_DOWN, declined("email", 1), declined("chat", 1)),
    (
        Reason.COOLING_DOWN,  # unless the offer is known, the contact says what channel it was
        {"declines": [{"contact_id": "d", "agent_id": "a", "declined_at": ago(1)}]} | two("email"),
        {"declines": [{"contact_id": "d", "agent_id": "a", "declined_at": ago(1)}]} | two("chat"),
    ),
]


@pytest.mark.parametrize(("reason", "fails", "passes"), CASES, ids=[str(c[0]) for c in CASES])
def test_every_rule_turns_away_exactly_what_it_should(
    reason: Reason, fails: Tables, passes: Tables
) -> None:
    """A case on either side of the rule's line; all other rules hold in both."""
    assert first_failure(stated(**fails)) is reason
    assert first_failure(stated(**passes)) is None


def test_the_floor_on_the_probability_of_resolving() -> None:
    """p = 0.35 + 0.6 * 2.5 / 10 = 0.5 with proficiencies 2 and 3: a floor of 0.5 still passes."""
    tables: Tables = {
        "contact_skills": [*asks("x", 1)["contact_skills"], *asks("y", 1)["contact_skills"]],
        "agent_skills": [*has("x", 2)["agent_skills"], *has("y", 3)["agent_skills"]],
    }
    assert first_failure(stated(replace(Policy(), p_floor=0.5), **tables)) is None
    above = replace(Policy(), p_floor=0.501)
    assert first_failure(stated(above, **tables)) is Reason.P_BELOW_FLOOR


def test_languages_do_not_count_in_the_probability() -> None:
    """Only a language is required: p is `p_no_skill` = 0.7, however well it is spoken."""
    tables = contact(language="es") | has("language:es", 10)
    assert first_failure(stated(replace(Policy(), p_floor=0.7), **tables)) is None
    above = replace(Policy(), p_floor=0.71)
    assert first_failure(stated(above, **tables)) is Reason.P_BELOW_FLOOR


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        ({}, Reason.RATE_LIMITED),
        ({"event": "rescinded"}, None),
        ({"offered_at": ago(3600)}, None),
        ({"channel": "chat"}, None),
    ],
)
def test_offers_of_the_last_hour_count_against_the_rate(offer: Row, reason: Reason | None) -> None:
    """One email an hour: one that was offered counts, unless it was taken back."""
    policy = with_channel(Policy(), Channel.EMAIL, max_per_hour=1)
    row: Row = {"contact_id": "gone", "agent_id": "a", "channel": "email", "event": "accepted"}
    row = row | {"offered_at": ago(3599), "event_at": ago(3590)} | offer
    assert first_failure(stated(policy, offers=[row])) is reason


def test_the_last_offer_says_in_which_channel_an_agent_declined() -> None:
    """Offered as an email, then as a chat: the agent rests from chats."""
    early = declined("email", 1, offered_at=ago(50), event_at=ago(45))
    late = declined("chat", 1)
    tables = late | {"offers": [*late["offers"], *early["offers"]]}
    assert first_failure(stated(**tables)) is None
    chat = contact(channel="chat")
    assert first_failure(stated(**tables, **chat)) is Reason.COOLING_DOWN


def test_a_decline_of_an_unknown_contact_has_no_effect_on_channels() -> None:
    """Neither `offers` nor `contacts` say what it was."""
    row = {"contact_id": "gone", "agent_id": "a", "declined_at": ago(1)}
    assert first_failure(stated(declines=[row])) is None


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        (helped(), None),
        (helped() | {"contacts": [{"contact_id": "c"}]}, Reason.NOT_A_MEMBER),  # waited 0 s
        (helped(calendar_id="none"), Reason.NOT_A_MEMBER),  # the lender is closed
    ],
)
def test_members_of_a_queue_that_helps_may_serve(tables: Tables, reason: Reason | None) -> None:
    """The row of `overflow` must be open for the very conversation."""
    assert first_failure(stated(**tables)) is reason


@pytest.mark.parametrize(("tier", "reason"), [("gold", None), ("silver", Reason.NOT_A_MEMBER)])
def test_help_may_be_for_one_tier_of_customers(tier: str, reason: Reason | None) -> None:
    """A row with a tier is open for customers of that tier."""
    tables = helped()
    tables["overflow"] = [row | {"tier": "gold"} for row in tables["overflow"]]
    tables["contacts"][0]["customer_id"] = "x"
    customers = [{"customer_id": "x", "tier": tier}]
    assert first_failure(stated(customers=customers, **tables)) is reason


def test_whoever_is_a_member_is_not_kept_back_by_another_queue() -> None:
    """Agent `a` belongs to both: the lender keeps them from helping, not from their own work."""
    tables = helped(arrivals_per_h=1e6)
    tables["queue_members"].append({"queue_id": "q", "agent_id": "a"})
    assert first_failure(stated(**tables)) is None


def test_one_of_several_lenders_is_enough() -> None:
    """Kept back by one queue, lent by another; ids of queues may contain commas."""
    tables = helped(arrivals_per_h=1e6)
    tables["queues"].append({"queue_id": "to, too", "arrivals_per_h": 0.0})
    tables["queue_members"].append({"queue_id": "to, too", "agent_id": "a"})
    tables["overflow"].append(tables["overflow"][0] | {"to_queue_id": "to, too"})
    assert first_failure(stated(**tables)) is None


def test_a_queue_without_members_may_be_helped() -> None:
    """Open to nobody of its own while it asks for nothing, and still to those who help."""
    tables = helped()
    tables["queue_members"] = tables["queue_members"][1:]
    assert first_failure(stated(**tables)) is None
    tables["agents"] = [{"agent_id": "a"}, {"agent_id": "b"}]
    assert first_failure(stated(**tables), 1) is Reason.NOT_A_MEMBER


@pytest.mark.parametrize(
    ("tables", "is_own"),
    [
        ({}, [True]),
        (helped(), [False]),
        ({"queue_members": []}, [True]),  # nobody is a member, so nobody is borrowed
    ],
)
def test_own_members_need_no_help(tables: Tables, is_own: list[bool]) -> None:
    """What borrowing costs is asked of the agents of other queues."""
    found = stated(**tables).eligibility
    assert found.own_member[found.access_of[0]].tolist() == is_own


@pytest.mark.parametrize(
    "away",
    [
        agent(presence="offline"),
        agent(shift_start_at=ahead(60)),
        expired(10),
        {"agent_activities": [{"agent_id": "a", "starts_at": ago(1), "ends_at": ahead(60)}]},
    ],
)
def test_who_is_not_on_duty_may_still_be_suitable_otherwise(away: Tables) -> None:
    """Presence, shift and silence pass; a missing skill does not."""
    found = stated(**away).eligibility
    assert (found.suitable.tolist(), found.suitable_off_duty.tolist()) == ([[False]], [[True]])
    unable = stated(**away, **asks("billing", 1)).eligibility
    assert unable.suitable_off_duty.tolist() == [[False]]


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({}, Reason.NOT_A_MEMBER),  # asks for nothing: open to nobody
        (asks("billing", 3) | has("billing", 3), None),
        (asks("billing", 3) | has("billing", 2), Reason.SKILL_MISSING),
        (contact(language="es") | has("language:es", 5), None),  # a language is a requirement
    ],
)
def test_a_queue_without_members_is_open_to_whoever_meets_a_requirement(
    tables: Tables, reason: Reason | None
) -> None:
    """Open to all if the conversation has a requirement, to nobody otherwise."""
    assert first_failure(stated(queue_members=[], **tables)) is reason


def test_every_channel_of_a_conversation_must_be_served() -> None:
    """Serving the lane alone is not enough; that a follower's channel is blocked counts too."""
    both = [
        {"contact_id": "c", "conversation_id": "t"},
        {"contact_id": "d", "conversation_id": "t", "channel": "chat"},
    ]
    only_chat = stated(contacts=both, agent_channels=serves("a", chat=2))
    assert first_failure(only_chat) is Reason.CHANNEL_NOT_SERVED
    assert first_failure(stated(contacts=both)) is None


def test_a_blocked_follower_blocks_the_conversation() -> None:
    """A message held blocks nothing; once it blocks chats, a chat that follows a case fails."""
    both = [
        {"contact_id": "c", "conversation_id": "t", "channel": "case"},
        {"contact_id": "d", "conversation_id": "t", "channel": "chat"},
    ]
    policy = with_channel(Policy(), Channel.MESSAGING, blocks=(Channel.CHAT,))
    tables: Tables = {"contacts": both, **holds(channel="messaging")}
    assert first_failure(stated(**tables)) is None
    assert first_failure(stated(policy, **tables)) is Reason.CHANNEL_BLOCKED


@pytest.mark.parametrize(
    ("waited_s", "reason"), [(20, None), (21, Reason.AT_CAPACITY), (61, Reason.AT_CAPACITY)]
)
def test_only_what_can_wait_may_be_held(waited_s: float, reason: Reason | None) -> None:
    """An agent who is free soon may be held for a chat with 40 of its 60 s left or more.

    Two ticks of 5 s, and the 30 s in which the agent may let the offer expire.
    """
    tables = contact(channel="chat", entered_at=ago(waited_s)) | holds(
        channel="voice", expected_end_at=ahead(30)
    )
    assert first_failure(stated(**tables)) is reason


REPAIRS: list[tuple[Reason, Callable[[Tables], object]]] = [
    (Reason.PAUSED, lambda t: t["contacts"][0].update(hold_until=None)),
    (Reason.MANUAL_ONLY, lambda t: t["declines"].pop()),
    (Reason.NO_PRESENT_AGENT, lambda t: t["agents"][0].update(presence="busy")),
    (Reason.CLOSED_HOURS, lambda t: t["calendars"][0].update(opens_minute=0)),
    (Reason.OUTSIDE_CUSTOMER_HOURS, lambda t: t["contacts"][0].update(time_zone="UTC")),
    (Reason.OFF_SHIFT, lambda t: t["agents"][0].update(shift_start_at=ago(9))),
    (Reason.NOT_RESPONDING, lambda t: t["agents"][0].update(presence_since=ago(1))),
    (Reason.NOT_A_MEMBER, lambda t: t["queue_members"][1].update(agent_id="a")),
    (Reason.RESERVED, lambda t: t["queue_members"][0].update(agent_id="a")),
    (Reason.CHANNEL_NOT_SERVED, lambda t: t["agent_channels"][0].update(channel="callback")),
    (Reason.SKILL_MISSING, lambda t: t["agent_skills"][0].update(proficiency=5)),
    (Reason.LANGUAGE_MISSING, lambda t: t["agent_skills"][1].update(proficiency=5)),
    (Reason.SHIFT_TOO_SHORT, lambda t: t["agents"][0].update(shift_end_at=ahead(9000))),
    (Reason.AT_CAPACITY, lambda t: t["agents"][0].update(presence="available")),
    (Reason.CHANNEL_BLOCKED, lambda t: t["agent_load"][0].update(channel="callback")),
    (Reason.LANE_FULL, lambda t: t["agent_channels"][0].update(max_items=2)),
    (Reason.PROFILE_FULL, lambda t: t["agent_profiles"][0].update(max_items=2)),
    (Reason.RATE_LIMITED, lambda t: t["offers"][0].update(event="rescinded")),
    (Reason.UNITS_FULL, lambda t: t["agents"][0].update(capacity_units=900.0)),
    (Reason.COOLING_DOWN, lambda t: t["declines"][0].update(declined_at=ago(60))),
]


def test_the_first_rule_that_fails_is_the_reason() -> None:
    """A pair that breaks every rule; repairing them in the order of the table names the next.

    But `p_below_floor` and `draining`, which have tests of their own.
    """
    policy = with_channel(Policy(), Channel.CALLBACK, blocks=(), max_per_hour=1)
    policy = with_channel(policy, Channel.CHAT, blocks=(Channel.CALLBACK,))
    tables: Tables = {
        "queues": [
            {"queue_id": "q", "calendar_id": "k"},
            {"queue_id": "to", "arrivals_per_h": 0.0},
        ],
        "overflow": [
            {"queue_id": "q", "to_queue_id": "to", "condition": "waited", "threshold": 0.5}
        ],
        "declines": [
            {"contact_id": "gone", "agent_id": "a", "declined_at": ago(1)},
            *many_declined(*"0123456789")["declines"],
        ],
        "offers": [expired(10)["offers"][0] | {"channel": "callback"}],
        "agent_profiles": limits("crypto", 1)["agent_profiles"],
        "calendars": [
            {
                "calendar_id": "k",
                "time_zone": "UTC",
                "weekday": 2,
                "opens_minute": 1439,
                "closes_minute": 1440,
            }
        ],
        "agents": [
            {
                "agent_id": "a",
                "presence": "away",
                "shift_start_at": ahead(9),
                "shift_end_at": ahead(99),
                "capacity_units": 120.0,
            }
        ],
        "queue_members": [
            {"queue_id": "q", "agent_id": "someone else"},
            {"queue_id": "to", "agent_id": "someone else"},
        ],
        "agent_channels": [
            *serves("a", video=1),
            *serves("a", email=1),
        ],
        "agent_load": holds(channel="chat", profiles="crypto")["agent_load"],
        "agent_skills": [
            {"agent_id": "a", "skill": "billing", "proficiency": 1},
            {"agent_id": "a", "skill": "language:es", "proficiency": 1},
        ],
        "contacts": [
            {
                "contact_id": "c",
                "channel": "callback",
                "entered_at": ago(1),
                "hold_until": ahead(1),
                "profiles": "crypto",
                "language": "es",
                "time_zone": "America/New_York",
            }
        ],
        "contact_skills": [{"contact_id": "c", "skill": "billing", "min_proficiency": 5}],
    }
    for reason, repair in REPAIRS:
        assert first_failure(stated(policy, **tables)) is reason
        repair(tables)
    assert first_failure(stated(policy, **tables)) is None
