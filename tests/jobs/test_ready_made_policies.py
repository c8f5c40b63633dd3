"""Ready-made policies are whole, and Gladly's and Hiver's behave as those products do."""

import tomllib

import pytest

from jobs.cli_policy import load_ready_made
from jobs.config import READY_MADE, read_ready_made, ready_made
from models.policy_check import check_policy
from tests.jobs.ready_made import DAY, HOUR, holding, routed, waiting
from tests.models.tiny import ago, serves

NAMES = (
    "dynamics",
    "freshdesk",
    "genesys",
    "gladly",
    "hiver_round_robin",
    "hiver_rules",
    "salesforce",
    "zendesk",
)


def test_the_list_is_complete_and_each_says_what_it_behaves_like() -> None:
    """One file each; the first line is a comment that names the product."""
    assert tuple(ready_made()) == NAMES
    products = ("Dynamics", "Freshdesk", "Genesys", "Gladly", "Hiver", "Hiver", "Salesforce")
    for name, product in zip(NAMES, (*products, "Zendesk"), strict=True):
        text = (READY_MADE / f"{name}.toml").read_text(encoding="utf-8")
        assert text.startswith(f"# {product}")
        assert {"# Reproduces", "# Differs"} <= set(text.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_none_contradicts_itself(name: str) -> None:
    """No finding but one that is meant: these products hold nothing for a busy agent."""
    rules = [finding.rule for finding in check_policy(load_ready_made(name))]
    assert rules == ["horizon_below_tick"]


@pytest.mark.parametrize("name", NAMES)
def test_each_file_says_nothing_but_policy(name: str) -> None:
    """A file is its [policy], so `base` finds all of it."""
    whole = tomllib.loads((READY_MADE / f"{name}.toml").read_text(encoding="utf-8"))
    assert whole == {"policy": read_ready_made(name)}


# Gladly


def test_gladly_all_of_a_customer_goes_to_one_agent() -> None:
    """Two agents are free; a chat and a mail of one customer are one conversation."""
    contacts = [waiting(c, k, customer_id="ann") for c, k in [("c1", "chat"), ("m1", "email")]]
    agents = [{"agent_id": "a1"}, {"agent_id": "a2"}]
    found = routed("gladly", agents=agents, contacts=contacts)
    assert found["c1"] == found["m1"]
    assert found["c1"] in {"a1", "a2"}


def test_gladly_a_call_may_go_to_somebody_else_and_the_written_part_rests() -> None:
    """a1 takes calls only and a2 mail only: the voice exception; mail is for after the call."""
    found = routed(
        "gladly",
        agents=[{"agent_id": "a1"}, {"agent_id": "a2"}],
        agent_channels=[*serves("a1", voice=1), *serves("a2", email=5)],
        contacts=[waiting(c, k, customer_id="ann") for c, k in [("c1", "voice"), ("m1", "email")]],
    )
    assert found == {"c1": "a1", "m1": "customer_locked"}


def test_gladly_nobody_else_gets_the_messages_of_a_customer_in_conversation() -> None:
    """a1 chats with ann and is full; a2 is free, and gets the message of bob only."""
    found = routed(
        "gladly",
        agents=[{"agent_id": "a1"}, {"agent_id": "a2"}],
        agent_channels=[*serves("a1", chat=1, messaging=0), *serves("a2", chat=1, messaging=5)],
        agent_load=[holding("a1", "c0", "chat", customer_id="ann", last_customer_at=ago(5))],
        contacts=[
            waiting("c1", "chat", customer_id="ann"),
            waiting("c2", "messaging", customer_id="bob"),
        ],
    )
    assert found == {"c1": "customer_locked", "c2": "a2"}


def test_gladly_calls_come_before_messages_and_messages_before_mail() -> None:
    """Mail waits longest and is last. The agent can take one: channels block each other."""
    waits = {"call": ("voice", 5.0), "text": ("messaging", 300.0), "mail": ("email", 2 * HOUR)}
    kinds = [waiting(c, k, entered_at=ago(w)) for c, (k, w) in waits.items()]
    given = {
        "agents": [{"agent_id": "a1", "capacity_units": 25.0}],
        "agent_channels": serves("a1", messaging=1, email=1),
        "contacts": kinds[1:],
    }
    # Mail yields to messages, but not messages to mail: 25 + 10 units are too many for 25.
    assert routed("gladly", **given) == {"text": "a1", "mail": "lost_to"}
    given["agents"] = [{"agent_id": "a1"}]
    given["agent_channels"] = serves("a1", voice=1, messaging=1)
    assert routed("gladly", **(given | {"contacts": kinds[:2]})) == {
        "call": "a1",
        "text": "lost_to",
    }


@pytest.mark.parametrize(("presence", "expected"), [("available", "hero"), ("offline", "other")])
def test_gladly_a_dedicated_hero_comes_first_if_there(presence: str, expected: str) -> None:
    """The other agent had no work for eight hours, which is worth less than a hero."""
    found = routed(
        "gladly",
        agents=[
            {"agent_id": "hero", "presence": presence},
            {"agent_id": "other", "idle_since": ago(8 * HOUR)},
        ],
        customers=[{"customer_id": "ann", "owner_agent_id": "hero"}],
        contacts=[waiting("c1", "messaging", customer_id="ann")],
    )
    assert found == {"c1": expected}


@pytest.mark.parametrize(("seconds", "expected"), [(14.0, "cooling_down"), (15.0, "a1")])
def test_gladly_a_decline_is_followed_by_a_pause(seconds: float, expected: str) -> None:
    """For 15 s nothing more of that channel, of whatever customer."""
    found = routed(
        "gladly",
        agents=[{"agent_id": "a1"}],
        declines=[{"contact_id": "gone", "agent_id": "a1", "declined_at": ago(seconds)}],
        offers=[
            {
                "contact_id": "gone",
                "agent_id": "a1",
                "channel": "voice",
                "offered_at": ago(seconds + 5),
                "event": "declined",
                "event_at": ago(seconds),
            }
        ],
        contacts=[waiting("c1", "voice")],
    )
    assert found == {"c1": expected}


# Hiver


def test_hiver_round_robin_takes_turns_and_skips_who_is_away() -> None:
    """Last served longest ago first: a3, then a1. a2 would be first, but is away."""
    agents = [
        {"agent_id": "a1", "idle_since": ago(600)},
        {"agent_id": "a2", "idle_since": ago(7200), "presence": "away"},
        {"agent_id": "a3", "idle_since": ago(1200)},
    ]
    mails = [waiting(f"m{n}", entered_at=ago(60 - n)) for n in range(3)]
    assert routed("hiver_round_robin", agents=agents, contacts=mails[:1]) == {"m0": "a3"}
    found = routed("hiver_round_robin", agents=agents, contacts=mails[:2])
    assert sorted(found.values()) == ["a1", "a3"]
    # A third one goes round: to a3 again, who is further ahead in turn.
    found = routed("hiver_round_robin", agents=agents, contacts=mails)
    assert sorted(found.values()) == ["a1", "a3", "a3"]


def test_hiver_round_robin_who_was_away_has_lost_no_turn() -> None:
    """Back at the desk, the one who had none for longest is next."""
    agents = [
        {"agent_id": "a1", "idle_since": ago(600)},
        {"agent_id": "a2", "idle_since": ago(7200), "presence_since": ago(1)},
    ]
    found = routed("hiver_round_robin", agents=agents, contacts=[waiting("m1")])
    assert found == {"m1": "a2"}


def test_hiver_round_robin_stops_at_the_limit_of_open_conversations() -> None:
    """Limit 2: a1 has two open and waits, although next in turn; those that wait do not count."""
    given = {
        "agents": [{"agent_id": "a1", "idle_since": ago(7200)}, {"agent_id": "a2"}],
        "agent_channels": [*serves("a1", email=2), *serves("a2", email=2)],
        "contacts": [waiting("m9")],
    }
    held = [holding("a1", "m1", "email"), holding("a1", "m2", "email")]
    assert routed("hiver_round_robin", **given, agent_load=held) == {"m9": "a2"}
    held[1] |= {"state": "parked"}
    assert routed("hiver_round_robin", **given, agent_load=held) == {"m9": "a1"}


def test_hiver_rules_a_condition_sends_to_a_person_and_after_its_time_to_the_team() -> None:
    """A step names ada, who is full, for an hour: the mail waits for it, then goes to ben."""
    given = {
        "agents": [{"agent_id": "ada"}, {"agent_id": "ben"}],
        "agent_channels": [*serves("ada", email=1), *serves("ben", email=5)],
        "agent_load": [holding("ada", "m0", "email")],
        "contact_steps": [
            {
                "contact_id": "m1",
                "step": 0,
                "alternative": 0,
                "skill": "agent:ada",
                "min_proficiency": 0,
                "expires_s": HOUR,
            }
        ],
    }
    early = [waiting("m1", entered_at=ago(HOUR - 1))]
    assert routed("hiver_rules", **given, contacts=early) == {"m1": "at_capacity"}
    late = [waiting("m1", entered_at=ago(HOUR))]
    assert routed("hiver_rules", **given, contacts=late) == {"m1": "ben"}
    free = given | {"agent_load": []}
    assert routed("hiver_rules", **free, contacts=early) == {"m1": "ada"}


@pytest.mark.parametrize(("presence", "expected"), [("available", "ada"), ("away", "ben")])
def test_hiver_rules_a_reply_returns_to_its_person(presence: str, expected: str) -> None:
    """ada had the conversation yesterday, and worked all day since; unless ada is not there."""
    found = routed(
        "hiver_rules",
        agents=[
            {"agent_id": "ada", "presence": presence, "handled_s": 9e3, "productive_s": 9e3},
            {"agent_id": "ben", "idle_since": ago(8 * HOUR)},
        ],
        contacts=[waiting("m1", last_agent_id="ada", last_agent_at=ago(DAY))],
    )
    assert found == {"m1": expected}


def test_hiver_rules_within_a_team_who_has_fewest_open_is_next() -> None:
    """a1 has one open conversation, a2 none; as many, and who has handled less today is."""
    agents = [
        {"agent_id": "a1", "handled_s": 1e3, "productive_s": 1e4, "idle_since": ago(8 * HOUR)},
        {"agent_id": "a2", "handled_s": 5e3, "productive_s": 1e4},
    ]
    given = {"agents": agents, "contacts": [waiting("m9")]}
    held = [holding("a1", "m1", "email"), holding("a2", "m2", "email")]
    assert routed("hiver_rules", **given, agent_load=held[:1]) == {"m9": "a2"}
    assert routed("hiver_rules", **given, agent_load=held) == {"m9": "a1"}


def test_hiver_rules_what_a_rule_marks_as_urgent_comes_first() -> None:
    """One slot, and the other mail has waited for a day."""
    found = routed(
        "hiver_rules",
        agents=[{"agent_id": "a1"}],
        agent_channels=serves("a1", email=1),
        contacts=[waiting("m1", escalated=True), waiting("m2", entered_at=ago(DAY))],
    )
    assert found == {"m1": "a1", "m2": "lost_to"}
