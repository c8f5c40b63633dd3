"""Priority classes, boosts, starvation, urgency and the tiers of the model."""

from dataclasses import replace

import pytest

from models.policy import Boost, Policy
from models.tables import Channel, Tier
from tests.models.tiny import Row, ago, with_channel
from tests.models.tiny_conversations import conversations, only_unit


def waiting(channel: str, waited_s: float, name: str = "c") -> Row:
    """A contact of thread `t` that waits so long."""
    return {
        "contact_id": name,
        "conversation_id": "t",
        "channel": channel,
        "entered_at": ago(waited_s),
    }


@pytest.mark.parametrize(
    ("contacts", "queue", "priority"),
    [
        ([{}], {}, 5),  # default_priority
        ([{}], {"priority": 3}, 3),
        ([{"priority": 7}], {"priority": 3}, 7),  # the contact's own goes first
        ([{"priority": 0}], {"priority": 3}, 0),
        ([{"priority": 7}, {"priority": 4}, {}], {}, 4),  # the smallest of the members
    ],
)
def test_the_priority_class(contacts: list[Row], queue: Row, priority: int) -> None:
    """The smallest over the members of the contact's, else its queue's, else the policy's."""
    rows = [waiting("chat", 0, f"c{place}") | row for place, row in enumerate(contacts)]
    unit = only_unit(queues=[{"queue_id": "q"} | queue], contacts=rows)
    assert unit["priority"] == priority


@pytest.mark.parametrize(
    ("waited_s", "queue", "tier"),
    [
        (1200, {}, -1),  # 20 minutes of a chat are the limit, not beyond it
        (1200.001, {}, 1),
        (2400, {}, 1),
        (2400.001, {}, 0),
        (1300, {"max_wait_s": 1400.0}, -1),  # the queue knows better
        (90_000, {"max_wait_s": 0.0}, -1),  # no guarantee
    ],
)
def test_who_waits_too_long_is_starved(waited_s: float, queue: Row, tier: int) -> None:
    """Beyond `max_wait_s` tier 1, beyond twice of it tier 0; waits that do not count money."""
    unit = only_unit(queues=[{"queue_id": "q"} | queue], contacts=[waiting("chat", waited_s)])
    assert unit["tier_idx"] == tier
    assert unit["waited_s"] == waited_s


def test_the_most_starved_member_decides() -> None:
    """An email of 40 h is fine (72 h); the call of 601 s in the thread is not (600 s)."""
    unit = only_unit(contacts=[waiting("email", 144_000), waiting("voice", 601, "d")])
    assert unit["tier_idx"] == 1


@pytest.mark.parametrize(("max_wait_s", "may_hold"), [(0.0, True), (60.0, True), (59.0, False)])
def test_who_is_starved_is_not_held(max_wait_s: float, may_hold: bool) -> None:
    """An email of a minute has hours to its target; beyond `max_wait_s` it is not held."""
    unit = only_unit(
        queues=[{"queue_id": "q", "max_wait_s": max_wait_s}], contacts=[waiting("email", 60)]
    )
    assert unit["may_hold"] is may_hold


@pytest.mark.parametrize(
    ("strict", "priority", "waited_s", "tier"),
    [
        (0, 0, 0, -1),
        (1, 0, 0, 2),
        (1, 1, 0, -1),
        (2, 1, 0, 3),
        (2, 0, 1201, 1),  # the starved go first
        (2, 0, 2401, 0),
    ],
)
def test_strict_classes_come_after_the_starved(
    strict: int, priority: int, waited_s: float, tier: int
) -> None:
    """Tier 2 + class where the class is below `strict_classes`."""
    policy = replace(Policy(), strict_classes=strict)
    contact = waiting("chat", waited_s) | {"priority": priority}
    assert only_unit(policy, contacts=[contact])["tier_idx"] == tier


GOLD_CALL: dict[str, list[Row]] = {
    "customers": [{"customer_id": "u", "tier": "gold"}],
    "contacts": [
        {"contact_id": "a", "customer_id": "u", "channel": "voice"},
        {"contact_id": "b", "customer_id": "u", "escalated": True, "queue_id": "other"},
    ],
    "queues": [{"queue_id": "q"}, {"queue_id": "other"}],
}
"""A gold customer with a call in `q` and an escalated email elsewhere."""


@pytest.mark.parametrize(
    ("rules", "worth", "age_s"),
    [
        ((), 0.0, 0.0),
        ((Boost(worth=1.0, age_s=2.0),), 1.0, 2.0),  # matches everything
        ((Boost(queue_id="q", worth=1.0),), 1.0, 0.0),
        ((Boost(queue_id="other", worth=1.0),), 0.0, 0.0),  # the lead's queue
        ((Boost(channel=Channel.VOICE, worth=1.0),), 1.0, 0.0),
        ((Boost(channel=Channel.EMAIL, worth=1.0),), 0.0, 0.0),  # the lead's channel
        ((Boost(tier=Tier.GOLD, worth=1.0),), 1.0, 0.0),
        ((Boost(tier=Tier.STANDARD, worth=1.0),), 0.0, 0.0),
        ((Boost(escalated=True, age_s=60.0),), 0.0, 60.0),  # of any member
        ((Boost(tier=Tier.GOLD, queue_id="other", worth=1.0),), 0.0, 0.0),  # all parts of a rule
        ((Boost(worth=1.0), Boost(tier=Tier.GOLD, worth=2.0, age_s=5.0)), 3.0, 5.0),  # they add up
    ],
)
def test_boosts_of_the_rules_that_match(
    rules: tuple[Boost, ...], worth: float, age_s: float
) -> None:
    """What a rule leaves empty matches everything; reports keep the true wait."""
    unit = only_unit(replace(Policy(), boosts=rules), **GOLD_CALL)
    assert (unit["boost_worth"], unit["boost_age_s"]) == (worth, age_s)
    assert unit["waited_s"] == 0.0


@pytest.mark.parametrize(
    ("contacts", "urgent"),
    [
        ([waiting("chat", 30)], False),  # half of 60 s, not beyond
        ([waiting("chat", 30.001)], True),
        ([waiting("email", 28_000)], False),  # nobody is on the line
        ([waiting("chat", 0), waiting("email", 28_000, "d")], True),  # any member may press
    ],
)
def test_urgent_conversations(contacts: list[Row], urgent: bool) -> None:
    """A real-time channel and a member beyond `drain_share` of its target."""
    unit = only_unit(contacts=contacts)
    assert unit["urgent"] is urgent
    assert unit["urgent_clock"] == (unit["clock"] if urgent else None)


def test_urgency_parts_the_classes() -> None:
    """Two chats that differ in nothing but half of the target are two classes."""
    chats = [waiting("chat", 30), waiting("chat", 31, "d") | {"conversation_id": "s"}]
    found = conversations(with_channel(Policy(), Channel.CHAT, max_wait_s=0.0), contacts=chats)
    assert len(found.classes) == 2
