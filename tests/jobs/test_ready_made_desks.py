"""The ready-made policies of Zendesk and Freshdesk behave as those products do."""

import pytest

from tests.jobs.ready_made import DAY, HOUR, holding, plan_of, routed, waiting
from tests.models.tiny import Row, ago, ahead, serves

# Zendesk


@pytest.mark.parametrize(("silent_s", "expected"), [(599.0, "at_capacity"), (600.0, "a1")])
def test_zendesk_an_inactive_messaging_conversation_takes_no_capacity(
    silent_s: float, expected: str
) -> None:
    """Capacity one, and one conversation held: ten minutes without a word give it back."""
    found = routed(
        "zendesk",
        agents=[{"agent_id": "a1"}],
        agent_channels=serves("a1", messaging=1),
        agent_load=[holding("a1", "c0", "messaging", last_customer_at=ago(silent_s))],
        contacts=[waiting("c1", "messaging")],
    )
    assert found == {"c1": expected}


def test_zendesk_a_conversation_that_wakes_up_only_stops_new_work() -> None:
    """Two active ones over a capacity of one: nothing is taken away, and nothing is added."""
    held = [holding("a1", f"c{n}", "messaging", last_customer_at=ago(5)) for n in range(2)]
    plan = plan_of(
        "zendesk",
        agents=[{"agent_id": "a1"}],
        agent_channels=serves("a1", messaging=1),
        agent_load=held,
        contacts=[waiting("c9", "messaging")],
    )
    assert plan.unassigned["reason"].to_list() == ["at_capacity"]
    assert plan.requeue.is_empty()


def test_zendesk_channels_have_capacities_of_their_own() -> None:
    """On a call with two messages open, the agent still gets an email, and no second call."""
    found = routed(
        "zendesk",
        agents=[{"agent_id": "a1"}],
        agent_channels=serves("a1", voice=1, messaging=2, email=3),
        agent_load=[
            holding("a1", "v0", "voice"),
            *(holding("a1", c, "messaging", last_customer_at=ago(5)) for c in ("c0", "c1")),
        ],
        contacts=[waiting("m1"), waiting("v1", "voice"), waiting("c2", "messaging")],
    )
    # The item held last that keeps the agent from everything of the channel is the count or the
    # matrix: a call blocks calls, messages are full.
    assert found == {"m1": "a1", "v1": "channel_blocked", "c2": "lane_full"}


def test_zendesk_priority_first_then_the_longest_waiting() -> None:
    """One slot at a time, taken in the order: urgent, then the older of two normal ones."""
    given = {"agents": [{"agent_id": "a1"}], "agent_channels": serves("a1", email=1)}
    older = waiting("older", priority=2, entered_at=ago(5 * HOUR))
    younger = waiting("younger", entered_at=ago(5 * HOUR - 1))
    urgent = waiting("urgent", priority=0)
    found = routed("zendesk", **given, contacts=[older, urgent, younger])
    assert found == {"urgent": "a1", "older": "lost_to", "younger": "lost_to"}
    found = routed("zendesk", **given, contacts=[older, younger])
    assert found == {"older": "a1", "younger": "lost_to"}


def test_zendesk_an_optional_skill_times_out() -> None:
    """The only agent with the skill is full. A low one is dropped after 45 s, a required never."""
    given = {
        "agents": [{"agent_id": "skilled"}, {"agent_id": "other"}],
        "agent_channels": [*serves("skilled", voice=1), *serves("other", voice=1)],
        "agent_skills": [{"agent_id": "skilled", "skill": "tax", "proficiency": 5}],
        "agent_load": [holding("skilled", "v0", "voice")],
    }
    tax: Row = {"contact_id": "v1", "skill": "tax", "min_proficiency": 0, "importance": "low"}
    before, after = ([waiting("v1", "voice", entered_at=ago(s))] for s in (44, 45))
    asked = given | {"contact_skills": [tax]}
    assert routed("zendesk", **asked, contacts=before) == {"v1": "at_capacity"}
    assert routed("zendesk", **asked, contacts=after) == {"v1": "other"}
    asked = given | {"contact_skills": [tax | {"importance": "required"}]}
    assert routed("zendesk", **asked, contacts=after) == {"v1": "at_capacity"}


@pytest.mark.parametrize(("held", "expected"), [(0, "a1"), (1, "a2")])
def test_zendesk_a_reopened_ticket_returns_to_its_agent_with_capacity(
    held: int, expected: str
) -> None:
    """a2 is first in turn; a1 had the ticket two days ago. At capacity nobody is waited for."""
    found = routed(
        "zendesk",
        agents=[{"agent_id": "a1"}, {"agent_id": "a2", "idle_since": ago(8 * HOUR)}],
        agent_channels=[*serves("a1", email=1), *serves("a2", email=1)],
        agent_load=[holding("a1", "m0", "email")][:held],
        contacts=[waiting("m1", last_agent_id="a1", last_agent_at=ago(2 * DAY))],
    )
    assert found == {"m1": expected}


def test_zendesk_round_robin_gives_to_who_was_assigned_longest_ago() -> None:
    """One second of difference is enough, whatever they hold."""
    found = routed(
        "zendesk",
        agents=[
            {"agent_id": "a1", "idle_since": ago(600)},
            {"agent_id": "a2", "idle_since": ago(601)},
        ],
        agent_load=[holding("a2", f"m{n}", "email") for n in range(3)],
        contacts=[waiting("m9")],
    )
    assert found == {"m9": "a2"}


# Freshdesk


def test_freshdesk_least_loaded_first_up_to_the_cap() -> None:
    """a1 has one open ticket and a2 two of three; a1 with as many goes first by its day."""
    given = {
        "agents": [
            {"agent_id": "a1", "handled_s": 6e3, "productive_s": 1e4},
            {"agent_id": "a2", "handled_s": 7e3, "productive_s": 1e4, "idle_since": ago(7200)},
        ],
        "agent_channels": [*serves("a1", email=3), *serves("a2", email=3)],
        "contacts": [waiting("m9")],
    }
    of_a1 = [holding("a1", f"m{n}", "email") for n in range(3)]
    of_a2 = [holding("a2", f"n{n}", "email") for n in range(2)]
    assert routed("freshdesk", **given, agent_load=of_a1[:1] + of_a2) == {"m9": "a1"}
    assert routed("freshdesk", **given, agent_load=of_a1[:2] + of_a2[:1]) == {"m9": "a2"}
    assert routed("freshdesk", **given, agent_load=of_a1[:2] + of_a2) == {"m9": "a1"}
    assert routed("freshdesk", **given, agent_load=of_a1 + of_a2) == {"m9": "a2"}
    full = [*of_a2, holding("a2", "n2", "email")]
    assert routed("freshdesk", **given, agent_load=of_a1 + full) == {"m9": "at_capacity"}


def test_freshdesk_a_burst_is_spread_by_load() -> None:
    """Three tickets at once, a1 has two open and a2 none: two for a2, then one for a1 or a2."""
    held = [holding("a1", "m0", "email"), holding("a1", "m1", "email")]
    found = routed(
        "freshdesk",
        agents=[{"agent_id": "a1", "idle_since": ago(7200)}, {"agent_id": "a2"}],
        agent_load=held,
        contacts=[waiting(f"n{n}") for n in range(3)],
    )
    # a2 with two new ones has as many as a1, who has been without new work for longer.
    assert sorted(found.values()) == ["a1", "a2", "a2"]


def test_freshdesk_tickets_that_wait_for_the_customer_do_not_count() -> None:
    """Cap two: one open and one waiting leave room."""
    held = [holding("a1", "m1", "email"), holding("a1", "m2", "email", state="parked")]
    found = routed(
        "freshdesk",
        agents=[{"agent_id": "a1"}],
        agent_channels=serves("a1", email=2),
        agent_load=held,
        contacts=[waiting("m9")],
    )
    assert found == {"m9": "a1"}


def test_freshdesk_tickets_and_chats_have_caps_of_their_own() -> None:
    """Full of tickets, free for a chat; and the other way round."""
    given = {
        "agents": [{"agent_id": "a1"}],
        "agent_channels": serves("a1", email=1, chat=1),
        "contacts": [waiting("m9"), waiting("c9", "chat")],
    }
    mail = [holding("a1", "m0", "email")]
    assert routed("freshdesk", **given, agent_load=mail) == {"m9": "lane_full", "c9": "a1"}
    chat = [holding("a1", "c0", "chat", last_customer_at=ago(5))]
    assert routed("freshdesk", **given, agent_load=chat) == {"m9": "a1", "c9": "lane_full"}


def test_freshdesk_what_is_due_first_comes_first_also_among_old_tickets() -> None:
    """One slot. Due in ten minutes before due tomorrow, though the latter is five hours older."""
    found = routed(
        "freshdesk",
        agents=[{"agent_id": "a1"}],
        agent_channels=serves("a1", email=1),
        contacts=[
            waiting("tomorrow", entered_at=ago(6 * HOUR), due_at=ahead(DAY)),
            waiting("soon", entered_at=ago(HOUR), due_at=ahead(600)),
        ],
    )
    assert found == {"soon": "a1", "tomorrow": "lost_to"}


@pytest.mark.parametrize(("target_s", "first"), [(28_800.0, "older"), (6500.0, "sooner")])
def test_freshdesk_promises_of_minutes_are_told_apart_where_minutes_are_usual(
    target_s: float, first: str
) -> None:
    """Promised within 2500 and 650 s. A tenth of eight hours, 2880 s, is the scale of both.

    So the older one costs more: for w = 100 and 50 s (2 w + 1) / 2880^2. Where 6500 s are usual it
    is 201 / 2500^2 against 101 / 650^2.
    """
    found = routed(
        "freshdesk",
        queues=[{"queue_id": "q", "target_answer_s": target_s}],
        agents=[{"agent_id": "a1"}],
        agent_channels=serves("a1", email=1),
        contacts=[
            waiting("older", entered_at=ago(100), due_at=ahead(2400)),
            waiting("sooner", entered_at=ago(50), due_at=ahead(600)),
        ],
    )
    assert [contact for contact, agent in found.items() if agent == "a1"] == [first]


def test_freshdesk_assigns_nothing_outside_business_hours_or_to_who_is_away() -> None:
    """NOW is a Wednesday, 10:00 UTC: open from 9 to 17, and from 11."""
    given = {
        "agents": [{"agent_id": "a1"}],
        "queues": [{"queue_id": "q", "calendar_id": "week"}],
        "contacts": [waiting("m1")],
    }
    day = {"calendar_id": "week", "time_zone": "UTC", "weekday": 2, "closes_minute": 17 * 60}
    found = routed("freshdesk", **given, calendars=[day | {"opens_minute": 9 * 60}])
    assert found == {"m1": "a1"}
    found = routed("freshdesk", **given, calendars=[day | {"opens_minute": 11 * 60}])
    assert found == {"m1": "closed_hours"}
    given["agents"] = [{"agent_id": "a1", "presence": "away"}]
    found = routed("freshdesk", **given, calendars=[day | {"opens_minute": 9 * 60}])
    assert found == {"m1": "no_present_agent"}


def test_freshdesk_a_skill_is_insisted_on_until_it_is_dropped() -> None:
    """The French speaker has handled all day and gets it all the same; others after two hours."""
    given = {
        "agents": [
            {"agent_id": "fr", "handled_s": 9e3, "productive_s": 9e3},
            {"agent_id": "en", "handled_s": 0.0, "productive_s": 9e3},
        ],
        "agent_channels": [*serves("fr", email=1), *serves("en", email=1)],
        "agent_skills": [{"agent_id": "fr", "skill": "french", "proficiency": 5}],
        "contact_skills": [
            {"contact_id": "m1", "skill": "french", "min_proficiency": 0, "importance": "low"}
        ],
        "contacts": [waiting("m1")],
    }
    assert routed("freshdesk", **given) == {"m1": "fr"}
    given["agent_load"] = [holding("fr", "m0", "email")]
    assert routed("freshdesk", **given) == {"m1": "at_capacity"}
    given["contacts"] = [waiting("m1", entered_at=ago(2 * HOUR))]
    assert routed("freshdesk", **given) == {"m1": "en"}
