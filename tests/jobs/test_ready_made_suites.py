"""The ready-made policies of Salesforce, Dynamics 365 and Genesys Cloud behave as they do."""

from typing import Any

import pytest

from tests.jobs.ready_made import DAY, HOUR, holding, routed, waiting
from tests.models.tiny import Row, ago, ahead, serves

# Salesforce


def test_salesforce_email_does_not_stand_in_the_way_of_a_call_but_a_chat_does() -> None:
    """Ten emails of 10 units fill an agent of 100; a call of 100 comes through all the same."""
    given = {"agents": [{"agent_id": "a1"}], "contacts": [waiting("v1", "voice")]}
    mails = [holding("a1", f"m{n}", "email") for n in range(10)]
    assert routed("salesforce", **given, agent_load=mails) == {"v1": "a1"}
    chat = [holding("a1", "c0", "chat", last_customer_at=ago(5))]
    assert routed("salesforce", **given, agent_load=chat) == {"v1": "channel_blocked"}


def test_salesforce_primary_work_stands_in_the_way_of_interruptible_work() -> None:
    """Three chats take 99 of 100 units: no room for an email of 10; two leave 34."""
    given = {"agents": [{"agent_id": "a1"}], "contacts": [waiting("m1")]}
    chats = [holding("a1", f"c{n}", "chat", last_customer_at=ago(5)) for n in range(3)]
    assert routed("salesforce", **given, agent_load=chats) == {"m1": "at_capacity"}
    assert routed("salesforce", **given, agent_load=chats[:2]) == {"m1": "a1"}


@pytest.mark.parametrize(("held", "expected"), [(2, "a1"), (3, "at_capacity")])
def test_salesforce_weights_add_up_to_the_capacity(held: int, expected: str) -> None:
    """Messages weigh 33: three fit into 100, a fourth does not."""
    texts = [holding("a1", f"t{n}", "messaging", last_customer_at=ago(5)) for n in range(held)]
    found = routed(
        "salesforce",
        agents=[{"agent_id": "a1"}],
        agent_load=texts,
        contacts=[waiting("t9", "messaging")],
    )
    assert found == {"t9": expected}


def test_salesforce_the_least_active_agent_is_next() -> None:
    """Fewest open items; between two of them, who has handled less of today."""
    agents = [
        {"agent_id": "a1", "handled_s": 0.0, "productive_s": 9e3, "idle_since": ago(7200)},
        {"agent_id": "a2", "handled_s": 9e3, "productive_s": 9e3},
        {"agent_id": "a3", "handled_s": 6e3, "productive_s": 9e3},
    ]
    held = [holding("a1", f"k{n}", "case") for n in range(2)]
    held += [holding("a2", "k2", "case"), holding("a3", "k3", "case")]
    found = routed("salesforce", agents=agents, agent_load=held, contacts=[waiting("k9", "case")])
    assert found == {"k9": "a3"}


def test_salesforce_parked_work_takes_nothing() -> None:
    """Five cases of 20 units fill the agent; on hold they do not."""
    given = {"agents": [{"agent_id": "a1"}], "contacts": [waiting("k9", "case")]}
    cases = [holding("a1", f"k{n}", "case") for n in range(5)]
    assert routed("salesforce", **given, agent_load=cases) == {"k9": "units_full"}
    cases = [case | {"state": "parked"} for case in cases]
    assert routed("salesforce", **given, agent_load=cases) == {"k9": "a1"}


def test_salesforce_a_declined_case_goes_on_and_comes_round_once_all_declined() -> None:
    """Declined by a1: to a2. By both: to both again, once. Twice by both: to nobody."""
    agents = [{"agent_id": "a1", "idle_since": ago(8 * HOUR)}, {"agent_id": "a2"}]
    no = [
        {"contact_id": "k1", "agent_id": agent, "declined_at": ago(seconds)}
        for seconds in (600, 300)
        for agent in ("a1", "a2")
    ]
    case = [waiting("k1", "case", entered_at=ago(900))]

    def after(declines: list[Row]) -> str:
        return routed("salesforce", agents=agents, contacts=case, declines=declines)["k1"]

    assert after([]) == "a1"
    assert after(no[:1]) == "a2"
    assert after(no[:2]) == "a1"
    assert after(no[:3]) == "a2"
    assert after(no) == "declined"


def test_salesforce_a_chat_that_all_declined_does_not_come_round() -> None:
    """Real-time work is left to people."""
    found = routed(
        "salesforce",
        agents=[{"agent_id": "a1"}],
        contacts=[waiting("c1", "chat", entered_at=ago(30))],
        declines=[{"contact_id": "c1", "agent_id": "a1", "declined_at": ago(20)}],
    )
    assert found == {"c1": "declined"}


def test_salesforce_lower_routing_priority_first_then_the_oldest() -> None:
    """One case at a time; queue p1 before p2, whatever the age."""
    given = {
        "agents": [{"agent_id": "a1"}],
        "agent_channels": serves("a1", case=1),
        "queues": [{"queue_id": "p1", "priority": 1}, {"queue_id": "p2", "priority": 2}],
    }
    first = waiting("first", "case", queue_id="p1")
    second = waiting("second", "case", queue_id="p2", entered_at=ago(2 * DAY))
    third = waiting("third", "case", queue_id="p2", entered_at=ago(2 * DAY - 1))
    found = routed("salesforce", **given, contacts=[third, second, first])
    assert found == {"first": "a1", "second": "lost_to", "third": "lost_to"}
    found = routed("salesforce", **given, contacts=[third, second])
    assert found == {"second": "a1", "third": "lost_to"}


def test_salesforce_nobody_gets_a_fortnight_of_cases_at_once() -> None:
    """Five wait for one agent back from leave: two in this tick; none after 20 in an hour."""
    cases = [waiting(f"k{n}", "case", entered_at=ago(DAY)) for n in range(5)]
    given = {"agents": [{"agent_id": "a1"}], "contacts": cases}
    found = routed("salesforce", **given)
    assert sorted(found.values()) == ["a1", "a1", "lost_to", "lost_to", "lost_to"]
    had = [
        {
            "contact_id": f"h{n}",
            "agent_id": "a1",
            "channel": "case",
            "offered_at": ago(60 + n),
            "event": "completed",
            "event_at": ago(30),
        }
        for n in range(20)
    ]
    assert set(routed("salesforce", **given, offers=had).values()) == {"rate_limited"}


def test_salesforce_additional_skills_are_dropped_after_a_time_out() -> None:
    """Two hours of an email (relax_after_s) drop the least important; the holder is full."""
    given = {
        "agents": [{"agent_id": "skilled"}, {"agent_id": "other"}],
        "agent_channels": [*serves("skilled", email=1), *serves("other", email=1)],
        "agent_skills": [{"agent_id": "skilled", "skill": "mouse", "proficiency": 5}],
        "agent_load": [holding("skilled", "m0", "email")],
        "contact_skills": [
            {"contact_id": "m1", "skill": "mouse", "min_proficiency": 0, "importance": "low"}
        ],
    }
    before, after = ([waiting("m1", entered_at=ago(s))] for s in (2 * HOUR - 1, 2 * HOUR))
    assert routed("salesforce", **given, contacts=before) == {"m1": "at_capacity"}
    assert routed("salesforce", **given, contacts=after) == {"m1": "other"}


# Dynamics 365


def test_dynamics_the_closest_proficiency_goes_first() -> None:
    """Asked for is 5: 6 is closer than 8, though 8 is first in turn; 4 is not eligible."""
    found = routed(
        "dynamics",
        agents=[
            {"agent_id": "four", "idle_since": ago(8 * HOUR)},
            {"agent_id": "six"},
            {"agent_id": "eight", "idle_since": ago(8 * HOUR)},
        ],
        agent_skills=[
            {"agent_id": agent, "skill": "tax", "proficiency": level}
            for agent, level in [("four", 4), ("six", 6), ("eight", 8)]
        ],
        contact_skills=[{"contact_id": "c1", "skill": "tax", "min_proficiency": 5}],
        contacts=[waiting("c1", "case")],
    )
    assert found == {"c1": "six"}


def test_dynamics_the_closest_match_does_not_feed_one_agent_until_full() -> None:
    """Two cases in one tick: the second goes to the next closest, one level up."""
    found = routed(
        "dynamics",
        agents=[{"agent_id": "six"}, {"agent_id": "seven"}],
        agent_skills=[
            {"agent_id": "six", "skill": "tax", "proficiency": 6},
            {"agent_id": "seven", "skill": "tax", "proficiency": 7},
        ],
        contact_skills=[
            {"contact_id": case, "skill": "tax", "min_proficiency": 5} for case in ("c1", "c2")
        ],
        contacts=[waiting("c1", "case"), waiting("c2", "case")],
    )
    assert sorted(found.values()) == ["seven", "six"]


def test_dynamics_profiles_reset_at_the_end_of_the_shift() -> None:
    """Two of high priority a day: the third waits, though both are done; yesterday is over."""
    had = [
        {
            "contact_id": f"h{n}",
            "agent_id": "a1",
            "channel": "case",
            "offered_at": ago(1800 + n),
            "event": "completed",
            "event_at": ago(900),
            "profiles": "high, total",
        }
        for n in range(2)
    ]
    given = {
        "agents": [{"agent_id": "a1"}],
        "contacts": [
            waiting("third", "case", profiles="high, total"),
            waiting("other", "case", profiles="normal, total"),
        ],
    }
    assert routed("dynamics", **given, offers=had) == {"third": "profile_full", "other": "a1"}
    # The shift began an hour ago.
    yesterday = [offer | {"offered_at": ago(2 * HOUR)} for offer in had[:1]]
    found = routed("dynamics", **given, offers=[*had[1:], *yesterday])
    assert found == {"third": "a1", "other": "a1"}


@pytest.mark.parametrize(("seconds", "expected"), [(119.0, "at_capacity"), (120.0, "a1")])
def test_dynamics_wrap_up_keeps_its_units_for_two_minutes(seconds: float, expected: str) -> None:
    """A call in wrap-up blocks the next one, then no longer."""
    wrap = holding("a1", "v0", "voice", state="wrap_up", state_since=ago(seconds))
    found = routed(
        "dynamics",
        agents=[{"agent_id": "a1"}],
        agent_load=[wrap],
        contacts=[waiting("v1", "voice")],
    )
    assert found == {"v1": expected}


@pytest.mark.parametrize(("ends_s", "expected"), [(400.0, "held_for_preferred"), (520.0, "other")])
def test_dynamics_a_preferred_agent_is_waited_for_then_the_next_best(
    ends_s: float, expected: str
) -> None:
    """hold_preferred_s is 600 s, and of a target of 1200 s half: 1.2 * 400 fits, 1.2 * 520 not."""
    found = routed(
        "dynamics",
        agents=[{"agent_id": "liked"}, {"agent_id": "other"}],
        agent_channels=[*serves("liked", messaging=1), *serves("other", messaging=1)],
        agent_load=[holding("liked", "t0", "messaging", expected_end_at=ahead(ends_s))],
        customers=[{"customer_id": "ann"}],
        customer_agents=[{"customer_id": "ann", "agent_id": "liked", "score": 100.0}],
        contacts=[waiting("t1", "messaging", customer_id="ann", due_at=ahead(1200))],
    )
    assert found == {"t1": expected}


def test_dynamics_declines_lower_the_pair_and_the_third_ends_it() -> None:
    """One decline: the other agent, though one level further. Three of the only agent: nobody."""
    skilled = [
        {"agent_id": "six", "skill": "tax", "proficiency": 6},
        {"agent_id": "seven", "skill": "tax", "proficiency": 7},
    ]
    given = {
        "contact_skills": [{"contact_id": "v1", "skill": "tax", "min_proficiency": 6}],
        "contacts": [waiting("v1", "voice", entered_at=ago(500))],
    }
    no = [{"contact_id": "v1", "agent_id": "six", "declined_at": ago(100 * n)} for n in (2, 3, 4)]
    both = [{"agent_id": "six"}, {"agent_id": "seven"}]
    assert routed("dynamics", **given, agents=both, agent_skills=skilled) == {"v1": "six"}
    found = routed("dynamics", **given, agents=both, agent_skills=skilled, declines=no[:1])
    assert found == {"v1": "seven"}
    alone = {"agents": both[:1], "agent_skills": skilled[:1]}
    assert routed("dynamics", **given, **alone, declines=no[:2]) == {"v1": "six"}
    assert routed("dynamics", **given, **alone, declines=no) == {"v1": "declined"}


def test_dynamics_a_case_does_not_block_a_call() -> None:
    """Five cases of 20 units fill the agent; a call of 100 comes through."""
    found = routed(
        "dynamics",
        agents=[{"agent_id": "a1"}],
        agent_load=[holding("a1", f"k{n}", "case") for n in range(5)],
        contacts=[waiting("v1", "voice")],
    )
    assert found == {"v1": "a1"}


# Genesys Cloud


@pytest.mark.parametrize(("hours", "expected"), [(71.0, "last"), (73.0, "idle")])
def test_genesys_a_reply_by_email_goes_to_the_last_agent_for_72_hours(
    hours: float, expected: str
) -> None:
    """The other agent had nothing for eight hours, which counts again after 72."""
    found = routed(
        "genesys",
        agents=[{"agent_id": "last"}, {"agent_id": "idle", "idle_since": ago(8 * HOUR)}],
        contacts=[waiting("m1", last_agent_id="last", last_agent_at=ago(hours * HOUR))],
    )
    assert found == {"m1": expected}


def test_genesys_a_busy_last_agent_is_waited_for_but_not_an_absent_one() -> None:
    """Free in an hour: held for the last agent; offline: to the other."""
    given = {
        "agent_channels": [*serves("last", email=1), *serves("other", email=1)],
        "contacts": [waiting("m1", last_agent_id="last", last_agent_at=ago(HOUR))],
        "agent_load": [holding("last", "m0", "email", expected_end_at=ahead(HOUR))],
    }
    agents = [{"agent_id": "last"}, {"agent_id": "other"}]
    assert routed("genesys", **given, agents=agents) == {"m1": "held_for_preferred"}
    agents[0]["presence"] = "offline"
    assert routed("genesys", **given, agents=agents) == {"m1": "other"}


@pytest.mark.parametrize(
    ("held", "new", "expected"),
    [
        ("email", "voice", "a1"),
        ("email", "chat", "a1"),
        ("messaging", "voice", "a1"),
        ("messaging", "email", "channel_blocked"),
        ("chat", "chat", "a1"),
        ("chat", "voice", "channel_blocked"),
        ("voice", "email", "at_capacity"),
    ],
)
def test_genesys_media_interrupt_as_the_utilization_says(
    held: str, new: str, expected: str
) -> None:
    """One media type at a time, except what may interrupt it."""
    found = routed(
        "genesys",
        agents=[{"agent_id": "a1"}],
        agent_load=[holding("a1", "h0", held)],
        contacts=[waiting("n1", new)],
    )
    assert found == {"n1": expected}


@pytest.mark.parametrize(("minutes", "expected"), [(1.9, "lifted"), (2.1, "plain")])
def test_genesys_a_point_of_priority_is_a_minute_in_queue(minutes: float, expected: str) -> None:
    """One slot; two points (class 7) against so many minutes, in another queue."""
    found = routed(
        "genesys",
        agents=[{"agent_id": "a1"}],
        agent_channels=serves("a1", voice=1),
        queues=[{"queue_id": "q"}, {"queue_id": "r"}],
        contacts=[
            waiting("lifted", "voice", priority=7),
            waiting("plain", "voice", queue_id="r", entered_at=ago(60 * minutes)),
        ],
    )
    assert [contact for contact, agent in found.items() if agent == "a1"] == [expected]


def test_genesys_bullseye_takes_skills_away_ring_by_ring() -> None:
    """Low after 30 s, high after 90 s. Who has both is busy; b has the high one, c none."""
    levels = [("both", "high"), ("both", "low"), ("b", "high")]
    given = {
        "agents": [{"agent_id": agent} for agent in ("both", "b", "c")],
        "agent_channels": [row for agent in ("both", "b", "c") for row in serves(agent, voice=1)],
        "agent_skills": [{"agent_id": a, "skill": s, "proficiency": 1} for a, s in levels],
        "agent_load": [holding("both", "v0", "voice")],
        "contact_skills": [
            {"contact_id": "v1", "skill": s, "min_proficiency": 0, "importance": s}
            for s in ("high", "low")
        ],
    }

    def at(seconds: float, **more: Any) -> str:  # noqa: ANN401
        call = waiting("v1", "voice", entered_at=ago(seconds))
        return routed("genesys", **(given | {"contacts": [call]} | more))["v1"]

    assert [at(29), at(30)] == ["at_capacity", "b"]
    busy = [*given["agent_load"], holding("b", "v2", "voice")]
    assert [at(89, agent_load=busy), at(90, agent_load=busy)] == ["at_capacity", "c"]


def test_genesys_who_lets_an_alert_run_out_is_not_responding_until_back() -> None:
    """Ten minutes later still; with a presence taken since, the agent is back."""
    offer = {
        "contact_id": "v0",
        "agent_id": "a1",
        "channel": "voice",
        "offered_at": ago(620),
        "event": "expired",
        "event_at": ago(600),
    }
    given = {"offers": [offer], "contacts": [waiting("v1", "voice")]}
    silent = [{"agent_id": "a1", "presence_since": ago(900)}]
    assert routed("genesys", **given, agents=silent) == {"v1": "not_responding"}
    back = [{"agent_id": "a1", "presence_since": ago(300)}]
    assert routed("genesys", **given, agents=back) == {"v1": "a1"}


def test_genesys_the_longest_without_an_interaction_is_next() -> None:
    """By a second, whatever the media type was."""
    found = routed(
        "genesys",
        agents=[
            {"agent_id": "a1", "idle_since": ago(600)},
            {"agent_id": "a2", "idle_since": ago(601)},
        ],
        contacts=[waiting("v1", "voice")],
    )
    assert found == {"v1": "a2"}
