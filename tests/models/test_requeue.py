"""Section 7 of `docs/model.md`: held contacts whose agent is gone go back to their queue."""

from datetime import datetime

import pytest

from models.capacity import build_agent_state
from models.policy import Policy
from models.requeue import build_requeue
from models.tables import REQUEUE, Channel
from tests.models.tiny import NOW, Row, ago, ahead, tiny, with_channel

MINUTE, HOUR = 60.0, 3600.0

AWAY: Row = {"agent_id": "a", "presence": "away", "presence_since": ago(60)}
CHAT: Row = {"agent_id": "a", "contact_id": "h", "channel": "chat", "started_at": ago(HOUR)}


def requeued(agent: Row, *items: Row, policy: Policy | None = None, **tables: list[Row]) -> Row:
    """Contact ids that go back, with the instant since which their agent is gone."""
    chosen = policy or Policy()
    batch = tiny(agents=[agent], agent_load=list(items), **tables)
    found = build_requeue(batch, chosen, build_agent_state(batch, chosen))
    assert found.schema == REQUEUE.schema()
    return dict(found.select("contact_id", "gone_since").iter_rows())


@pytest.mark.parametrize(
    ("channel", "gone_s", "goes"),
    [
        ("chat", 59.999999, False),  # owner_gone_s of live channels and chat is 60 s
        ("chat", 60, True),
        ("voice", 60, True),
        ("messaging", 899, False),  # of written ones 15 min ...
        ("messaging", 900, True),
        ("email", 8 * HOUR - 1, False),  # ... and of emails and cases 8 h
        ("email", 8 * HOUR, True),
    ],
)
def test_an_agent_may_be_gone_for_as_long_as_the_channel_bears(
    channel: str, gone_s: float, goes: bool
) -> None:
    """An active contact of an agent who is away goes back after `owner_gone_s`."""
    away = AWAY | {"presence_since": ago(gone_s), "shift_start_at": ago(10 * HOUR)}
    found = requeued(away, CHAT | {"channel": channel})
    assert found == ({"h": ago(gone_s)} if goes else {})


@pytest.mark.parametrize("presence", ["available", "busy", "wrap_up"])
def test_who_is_there_keeps_what_they_hold(presence: str) -> None:
    """Present and on shift, since whenever."""
    there = {"agent_id": "a", "presence": presence, "presence_since": ago(9 * HOUR)}
    assert requeued(there, CHAT) == {}


def test_the_end_of_the_shift_counts_before_the_presence() -> None:
    """Gone since 17:00, the end of the shift, although the agent logged out only at 17:30."""
    gone = {
        "agent_id": "a",
        "presence": "offline",
        "presence_since": ago(30 * MINUTE),
        "shift_start_at": ago(9 * HOUR),
        "shift_end_at": ago(HOUR),
    }
    assert requeued(gone, CHAT) == {"h": ago(HOUR)}
    # Whoever is still there after the shift is off shift all the same.
    assert requeued(gone | {"presence": "busy"}, CHAT) == {"h": ago(HOUR)}


@pytest.mark.parametrize(
    ("item", "starts_in_h", "stays"),
    [
        ({"due_at": ahead(2 * HOUR)}, 2, True),  # back when the answer is due
        ({"due_at": ahead(2 * HOUR - 1)}, 2, False),
        ({"due_at": ahead(99 * HOUR)}, 2, True),
        # Without a promise: eight hours of an email since it was given, or since the last message.
        ({"started_at": ago(9 * HOUR)}, 2, False),
        ({"started_at": ago(6 * HOUR)}, 2, True),
        ({"started_at": ago(6 * HOUR + 1)}, 2, False),
        ({"started_at": ago(9 * HOUR), "last_customer_at": ago(6 * HOUR)}, 2, True),
        ({"started_at": ago(9 * HOUR), "last_customer_at": ago(6 * HOUR + 1)}, 2, False),
        ({"started_at": ago(6 * HOUR), "last_customer_at": ago(9 * HOUR)}, 2, True),
        # The promise counts, not what is usual.
        ({"started_at": ago(6 * HOUR), "due_at": ahead(HOUR)}, 2, False),
        ({"due_at": ahead(99 * HOUR)}, 0, False),  # nothing is known of a next shift
        ({"due_at": ahead(99 * HOUR), "channel": "chat"}, 2, False),  # the customer is there
        ({"due_at": ahead(99 * HOUR), "channel": "messaging"}, 2, True),
        # Parked, and the customer has written: the same.
        ({"due_at": ahead(99 * HOUR), "state": "parked", "last_customer_at": ago(60)}, 2, True),
        ({"due_at": ahead(HOUR), "state": "parked", "last_customer_at": ago(60)}, 2, False),
    ],
)
def test_what_can_wait_for_the_next_shift_stays(item: Row, starts_in_h: int, stays: bool) -> None:
    """The agent left nine hours ago, and comes back in two hours or has no next shift yet."""
    gone: Row = {
        "agent_id": "a",
        "presence": "offline",
        "presence_since": ago(9 * HOUR),
        "shift_start_at": ahead(starts_in_h * HOUR) if starts_in_h else ago(17 * HOUR),
        "shift_end_at": ahead((starts_in_h + 8) * HOUR) if starts_in_h else ago(9 * HOUR),
    }
    mail: Row = {"agent_id": "a", "contact_id": "h", "started_at": ago(10 * HOUR)}
    assert requeued(gone, mail | item) == ({} if stays else {"h": ago(9 * HOUR)})


def test_a_break_is_not_an_absence() -> None:
    """A present agent in a planned activity is off shift, but not known to be gone."""
    agent = {"agent_id": "a", "presence": "busy", "presence_since": ago(3 * HOUR)}
    coffee = [{"agent_id": "a", "starts_at": ago(300), "ends_at": ahead(300)}]
    assert requeued(agent, CHAT, agent_activities=coffee) == {}


def test_who_is_gone_since_unknown_counts_as_gone_now() -> None:
    """Nothing goes back before `owner_gone_s`, and everything at once where that is 0."""
    away = {"agent_id": "a", "presence": "offline", "presence_since": None}
    assert requeued(away, CHAT) == {}
    at_once = with_channel(Policy(), Channel.CHAT, owner_gone_s=0.0)
    assert requeued(away, CHAT, policy=at_once) == {"h": None}


@pytest.mark.parametrize(
    ("item", "goes"),
    [
        ({"state": "active"}, True),
        ({"state": "offered"}, True),
        ({"state": "wrap_up"}, False),  # the conversation is over
        ({"state": "parked"}, False),  # the customer has not written
        ({"state": "parked", "last_customer_at": ago(121)}, False),  # ... since the agent left
        ({"state": "parked", "last_customer_at": ago(120)}, False),
        ({"state": "parked", "last_customer_at": ago(119)}, True),
        # Active, but silent for the 180 s of a chat: parked.
        ({"state": "active", "last_customer_at": ago(180)}, False),
        ({"state": "active", "last_customer_at": ago(179)}, True),
    ],
)
def test_what_waits_for_the_customer_moves_when_the_customer_writes(item: Row, goes: bool) -> None:
    """The agent left two minutes ago: parked contacts go back only if written to after that."""
    away = AWAY | {"presence_since": ago(120)}
    assert (requeued(away, CHAT | item) == {"h": ago(120)}) == goes


def test_parked_work_of_nobody_knows_when_counts_from_its_start() -> None:
    """Without `gone_since`, the customer must have written after the agent got the contact."""
    away = {"agent_id": "a", "presence": "offline", "presence_since": None}
    at_once = with_channel(Policy(), Channel.CHAT, owner_gone_s=0.0)
    parked = CHAT | {"state": "parked"}
    for written, goes in ((ago(HOUR), False), (ago(HOUR - 1), True)):
        found = requeued(away, parked | {"last_customer_at": written}, policy=at_once)
        assert ("h" in found) == goes


@pytest.mark.parametrize(
    ("event", "goes"),
    [("offered", False), ("delivered", False), ("accepted", False), ("declined", True)],
)
def test_offers_of_our_own_are_rescinded_and_not_requeued(event: str, goes: bool) -> None:
    """A row that stands for an offer of a tick is left out while the offer stands."""
    offer = {
        "contact_id": "h",
        "agent_id": "a",
        "channel": "chat",
        "offered_at": ago(90),
        "event": event,
        "event_at": ago(80),
    }
    found = requeued(AWAY, CHAT | {"state": "offered"}, offers=[offer])
    assert ("h" in found) == goes
    # What the platform shows as active is the agent's, whoever offered it.
    assert "h" in requeued(AWAY, CHAT, offers=[offer])


def test_the_row_says_who_held_what_and_why() -> None:
    """All columns, sorted by contact."""
    policy = Policy()
    items = [CHAT | {"contact_id": name} for name in ("k", "h")]
    batch = tiny(agents=[AWAY | {"presence_since": ago(120)}], agent_load=items)
    found = build_requeue(batch, policy, build_agent_state(batch, policy))
    assert found["contact_id"].to_list() == ["h", "k"]
    since: datetime = ago(120)
    assert found.row(0, named=True) == {
        "tick_at": NOW,
        "contact_id": "h",
        "agent_id": "a",
        "channel": "chat",
        "state": "active",
        "gone_since": since,
        "detail": "a is away since 2026-11-18 09:58 UTC: back to the queue, with its age.",
    }
