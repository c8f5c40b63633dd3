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


def opens(minute: int) -> Tables:
    """The queue opens on Wednesdays at that minute, UTC."""
    row = {"weekday": 2, "opens_minute": minute, "closes_minute": 1440}
    return {
        "calendars": [{"calendar_id": "k", "time_zone": "UTC"} | row],
        "queues": [{"queue_id": "q", "calendar_id": "k"}],
    }


CASES: list[tuple[Reason, Tables, Tables]] = [
    (Reason.NO_PRESENT_AGENT, agent(presence="away"), agent(presence="available")),
    (Reason.NO_PRESENT_AGENT, agent(presence="offline"), agent()),
    (Reason.CLOSED_HOURS, opens(601), opens(600)),  # 10:00 is minute 600
    (
        Reason.OUTSIDE_CUSTOMER_HOURS,
        contact(channel="callback", time_zone="America/New_York"),  # 5:00
        contact(channel="callback", time_zone="Europe/Madrid"),  # 11:00
    ),
    (Reason.OFF_SHIFT, agent(shift_start_at=ahead(0.001)), agent(shift_start_at=NOW)),
    (Reason.OFF_SHIFT, agent(shift_end_at=NOW), agent(shift_end_at=ahead(0.001))),
    (
        Reason.NOT_A_MEMBER,
        {"queue_members": [{"queue_id": "q", "agent_id": "someone else"}]},
        {"queue_members": [{"queue_id": "q", "agent_id": "a"}]},
    ),
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
        Reason.UNITS_FULL,
        contact(channel="case") | agent(capacity_units=19.9),
        contact(channel="case") | agent(capacity_units=20.0),
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
    ("waited_s", "reason"), [(50, None), (51, Reason.AT_CAPACITY), (61, Reason.AT_CAPACITY)]
)
def test_only_what_can_wait_may_be_held(waited_s: float, reason: Reason | None) -> None:
    """An agent who is free soon may be held for a chat with at least 10 of its 60 s left."""
    tables = contact(channel="chat", entered_at=ago(waited_s)) | holds(
        channel="voice", expected_end_at=ahead(30)
    )
    assert first_failure(stated(**tables)) is reason


REPAIRS: list[tuple[Reason, Callable[[Tables], object]]] = [
    (Reason.NO_PRESENT_AGENT, lambda t: t["agents"][0].update(presence="busy")),
    (Reason.CLOSED_HOURS, lambda t: t["calendars"][0].update(opens_minute=0)),
    (Reason.OUTSIDE_CUSTOMER_HOURS, lambda t: t["contacts"][0].update(time_zone="UTC")),
    (Reason.OFF_SHIFT, lambda t: t["agents"][0].update(shift_start_at=ago(9))),
    (Reason.NOT_A_MEMBER, lambda t: t["queue_members"].clear()),
    (Reason.CHANNEL_NOT_SERVED, lambda t: t["agent_channels"][0].update(channel="callback")),
    (Reason.SKILL_MISSING, lambda t: t["agent_skills"][0].update(proficiency=5)),
    (Reason.LANGUAGE_MISSING, lambda t: t["agent_skills"][1].update(proficiency=5)),
    (Reason.SHIFT_TOO_SHORT, lambda t: t["agents"][0].update(shift_end_at=ahead(9000))),
    (Reason.AT_CAPACITY, lambda t: t["agents"][0].update(presence="available")),
    (Reason.CHANNEL_BLOCKED, lambda t: t["agent_load"][0].update(channel="callback")),
    (Reason.LANE_FULL, lambda t: t["agent_channels"][0].update(max_items=2)),
    (Reason.UNITS_FULL, lambda t: t["agents"][0].update(capacity_units=900.0)),
]


def test_the_first_rule_that_fails_is_the_reason() -> None:
    """A pair that breaks every rule; repairing them in the order of the table names the next."""
    policy = with_channel(Policy(), Channel.CALLBACK, blocks=())
    policy = with_channel(policy, Channel.CHAT, blocks=(Channel.CALLBACK,))
    tables: Tables = {
        "queues": [{"queue_id": "q", "calendar_id": "k"}],
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
        "queue_members": [{"queue_id": "q", "agent_id": "someone else"}],
        "agent_channels": [
            *serves("a", video=1),
            *serves("a", email=1),
        ],
        "agent_load": [{"agent_id": "a", "contact_id": "h", "channel": "chat"}],
        "agent_skills": [
            {"agent_id": "a", "skill": "billing", "proficiency": 1},
            {"agent_id": "a", "skill": "language:es", "proficiency": 1},
        ],
        "contacts": [
            {
                "contact_id": "c",
                "channel": "callback",
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
