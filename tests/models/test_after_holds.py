"""Section 1 of `docs/model.md`: waits and requirements begin when a hold ends."""

from dataclasses import replace
from datetime import datetime

import pytest

from models.policy import Policy
from tests.models.tiny import Row, ago, ahead
from tests.models.tiny_conversations import conversations, only_unit


def waited_s(policy: Policy | None = None, /, **contact: object) -> float:
    """Wait of one contact that came 100 s ago."""
    row: Row = {"contact_id": "c", "entered_at": ago(100)} | contact
    found: float = only_unit(policy, contacts=[row])["waited_s"]
    return found


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ({}, 100.0),
        ({"hold_until": ago(30)}, 30.0),
        ({"hold_until": ago(0)}, 0.0),
        ({"hold_until": ahead(30)}, 0.0),  # no negative wait
        ({"hold_until": ago(200)}, 100.0),  # over before it came
        # What was waited before a transfer counts beside it.
        ({"hold_until": ago(30), "waited_before_s": 20.0}, 50.0),
        ({"hold_until": ahead(30), "waited_before_s": 50.0}, 20.0),
        # A mail waits for an answer to its last message, and for the end of the hold.
        ({"hold_until": ago(30), "last_message_at": ago(90)}, 30.0),
        ({"hold_until": ago(30), "last_message_at": ago(10)}, 10.0),
        ({"hold_until": ago(90), "last_message_at": ago(30)}, 30.0),
        ({"hold_until": ago(30), "last_message_at": ago(90), "waited_before_s": 20.0}, 30.0),
        # A chat waits since it came, whatever was written meanwhile.
        ({"hold_until": ago(30), "last_message_at": ago(10), "channel": "chat"}, 30.0),
        ({"hold_until": None, "last_message_at": ago(10), "channel": "chat"}, 100.0),
    ],
)
def test_the_wait_begins_when_the_hold_ends(contact: Row, expected: float) -> None:
    """The later of both instants, less the credit where there is no message."""
    assert waited_s(**contact) == expected


def test_half_of_the_credit_counts_where_the_policy_says_so() -> None:
    """30 s since the hold and half of 20 s."""
    policy = replace(Policy(), age_credit=0.5)
    assert waited_s(policy, hold_until=ago(30), waited_before_s=20.0) == 40.0


@pytest.mark.parametrize(
    ("contact", "breach_at"),
    [
        ({}, None),  # a chat of 100 s has missed its 60 s ...
        ({"hold_until": ago(30)}, ahead(30)),  # ... which began 30 s ago
        ({"hold_until": ahead(30)}, ahead(90)),
        # A promise is kept as it was given.
        ({"hold_until": ago(30), "due_at": ahead(20)}, ahead(20)),
        ({"hold_until": ago(30), "due_at": ago(1)}, None),
    ],
)
def test_the_target_runs_from_there(contact: Row, breach_at: datetime | None) -> None:
    """60 s of a chat after the hold, unless the answer was promised for an instant."""
    chat: Row = {"contact_id": "c", "channel": "chat", "entered_at": ago(100)}
    assert only_unit(contacts=[chat | contact])["breach_at"] == breach_at


@pytest.mark.parametrize(
    ("contact", "step", "relaxes_at"),
    [
        ({}, 2, ahead(35)),  # 100 s of a chat that relaxes every 45 s
        ({"hold_until": ago(44)}, 0, ahead(1)),
        ({"hold_until": ago(45)}, 1, ahead(45)),
        ({"hold_until": ahead(7)}, 0, ahead(52)),
        ({"hold_until": ago(44), "waited_before_s": 3.0}, 1, ahead(43)),
        # Not since the last message: what is required ages since it came, or since the hold.
        ({"hold_until": ago(44), "last_message_at": ago(1)}, 0, ahead(1)),
    ],
)
@pytest.mark.parametrize("channel", ["chat", "email"])
def test_what_is_required_relaxes_from_there(
    channel: str, contact: Row, step: int, relaxes_at: datetime
) -> None:
    """Low, medium and high skills go 45, 90 and 135 s after the hold; the agent there has them."""
    ranks = ("low", "medium", "high")
    row: Row = {"contact_id": "c", "channel": channel, "entered_at": ago(100)}
    unit = only_unit(
        queues=[{"queue_id": "q", "relax_after_s": 45.0}],
        agents=[{"agent_id": "a"}],
        contacts=[row | contact],
        contact_skills=[
            {"contact_id": "c", "skill": rank, "min_proficiency": 1, "importance": rank}
            for rank in ranks
        ],
        agent_skills=[{"agent_id": "a", "skill": rank, "proficiency": 5} for rank in ranks],
    )
    assert (unit["step"], unit["relaxes_at"]) == (step, relaxes_at)


def test_steps_follow_one_another_from_there() -> None:
    """Two steps of 60 s: 70 s after the hold the second one holds, for 50 s more."""
    steps: list[Row] = [
        {"step": n, "alternative": 0, "skill": "s", "min_proficiency": 8 - n, "expires_s": 60.0}
        for n in range(2)
    ]
    found = conversations(
        queues=[{"queue_id": "q", "relax_after_s": 1e6}],
        agents=[{"agent_id": "a"}],
        agent_skills=[{"agent_id": "a", "skill": "s", "proficiency": 9}],
        contacts=[{"contact_id": "c", "entered_at": ago(900), "hold_until": ago(70)}],
        contact_steps=[{"contact_id": "c"} | row for row in steps],
    )
    assert found.steps["min_proficiency"].to_list() == [7]
    assert found.units.select("step", "relaxes_at").row(0) == (1, ahead(50))


def test_nobody_is_starved_by_a_hold() -> None:
    """A chat that was on hold for an hour has not waited beyond 20 minutes, but ten."""
    chat: Row = {"contact_id": "c", "channel": "chat", "entered_at": ago(4200)}
    assert only_unit(contacts=[chat])["is_starved"] is True
    assert only_unit(contacts=[chat | {"hold_until": ago(600)}])["is_starved"] is False
