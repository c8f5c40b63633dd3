"""What leaves its conversation, as the audit reads sections 1 and 3b of `docs/model.md`."""

from dataclasses import replace

import pytest

from models.batch import Batch
from models.plan import Reason
from models.policy import Policy, VoiceFollow
from models.recount.case import Recount
from models.tables import Channel, Tier
from tests.models.recounted import conversations, verdict
from tests.models.tiny import NOW, Row, ago, ahead, serves, tiny, with_channel

POLICY = Policy()
KEEP = replace(POLICY, voice_follow=VoiceFollow.KEEP_TEXT_OWNER)
CALL, CALLBACK, VIDEO = ({"channel": name} for name in ("voice", "callback", "video"))
MESSAGE = {"channel": "messaging"}
GERMAN = {"language": "de"}
"""Which nobody speaks."""


def of_one_customer(contacts: dict[str, Row], **tables: list[Row]) -> Batch:
    """Contacts of customer k, of a thread each; agent a can do everything by default."""
    rows: dict[str, list[Row]] = {"agents": [{"agent_id": "a"}]}
    rows["contacts"] = [
        {"contact_id": name, "customer_id": "k"} | row for name, row in contacts.items()
    ]
    return tiny(**rows | tables)


# Put off


@pytest.mark.parametrize(
    ("contact", "reason"),
    [
        ({"hold_until": ahead(1)}, Reason.PAUSED),
        ({"hold_until": NOW}, None),
        # It is 05:00 in New York; callbacks begin at 8.
        (CALLBACK | {"time_zone": "America/New_York"}, Reason.OUTSIDE_CUSTOMER_HOURS),
        (CALLBACK | {"time_zone": "Europe/Madrid"}, None),
        (CALLBACK, None),
        ({"time_zone": "America/New_York"}, None),
    ],
)
def test_what_nobody_can_take_now_leaves_the_rest_to_be_served(
    contact: Row, reason: Reason | None
) -> None:
    """Who is paused or must not be called waits alone; everything else is one conversation."""
    tables = Recount(of_one_customer({"e": {}, "x": contact}), POLICY)
    parted = {"e", "x"} if reason else {"e x"}
    assert conversations(tables) == parted
    assert verdict(tables, "x", "a") is reason
    assert verdict(tables, "e", "a") is None
    # ... also while nobody is there to serve the rest.
    nobody = of_one_customer({"e": {}, "x": contact}, agents=[])
    assert conversations(Recount(nobody, POLICY)) == parted


@pytest.mark.parametrize(("refusing", "leaves"), [("yz", True), ("yy", False)])
def test_what_people_must_decide_leaves(refusing: str, leaves: bool) -> None:
    """Two different agents declined it, or one of them twice."""
    declines = [
        {"agent_id": name, "contact_id": "x", "declined_at": ago(900 + n)}
        for n, name in enumerate(refusing)
    ]
    batch = of_one_customer({"e": {}, "x": {}}, declines=declines)
    tables = Recount(batch, replace(POLICY, max_declining_agents=2))
    assert conversations(tables) == ({"e", "x"} if leaves else {"e x"})
    assert verdict(tables, "x", "a") is (Reason.MANUAL_ONLY if leaves else None)


@pytest.mark.parametrize(
    ("overflow", "helper", "tier", "leaves"),
    [
        ({"condition": "closed"}, {}, None, False),
        (None, {}, None, True),
        ({"condition": "backlog"}, {}, None, True),  # the own queue must be open for it
        ({"condition": "closed"}, {"arrivals_per_h": None}, None, True),  # does not lend
        ({"condition": "closed"}, {"calendar_id": "never"}, None, True),
        ({"condition": "closed", "tier": "gold"}, {}, None, True),  # unknown customers: standard
        ({"condition": "closed", "tier": "standard"}, {}, None, False),
        ({"condition": "closed", "tier": "gold"}, {}, "gold", False),
    ],
)
def test_what_waits_in_a_closed_queue_leaves_unless_another_one_helps(
    overflow: Row | None, helper: Row, tier: str | None, leaves: bool
) -> None:
    """Queue q is never open; r is, lends and has a member, unless it is said otherwise."""
    row = {"queue_id": "q", "to_queue_id": "r", "threshold": 0.0}
    batch = of_one_customer(
        {"e": {"queue_id": "open"}, "x": {"queue_id": "q"}},
        queues=[
            {"queue_id": "open"},
            {"queue_id": "q", "calendar_id": "never"},
            {"queue_id": "r", "arrivals_per_h": 0.0} | helper,
        ],
        customers=[{"customer_id": "k", "tier": tier}] if tier else [],
        overflow=[row | overflow] if overflow else [],
    )
    assert conversations(Recount(batch, POLICY)) == ({"e", "x"} if leaves else {"e x"})


# Second calls


@pytest.mark.parametrize(
    ("contacts", "expected"),
    [
        # The first that came in stays, whatever it is called, and whether it is seen or heard.
        ({"b": CALL | {"entered_at": ago(9)}, "a": VIDEO, "e": {}}, {"a", "b e"}),
        ({"b": CALL, "a": VIDEO, "e": {}}, {"a e", "b"}),
        ({"c": CALL, "b": CALL, "a": CALL}, {"a", "b", "c"}),
        # Callbacks are not on the line.
        ({"c": CALLBACK, "b": CALLBACK, "a": CALL}, {"a b c"}),
        # What is put off is no first call.
        ({"a": CALL | {"hold_until": ahead(9)}, "b": CALL, "e": {}}, {"a", "b e"}),
    ],
)
def test_only_the_first_call_of_a_party_stays(
    contacts: dict[str, Row], expected: set[str]
) -> None:
    """An agent talks to one at a time: other calls and videos go by themselves."""
    assert conversations(Recount(of_one_customer(contacts), POLICY)) == expected


# Split


def on_two_channels(call_agent: Row, **chatter: int) -> Batch:
    """A customer calls and writes; a serves calls, b what is given."""
    return tiny(
        agents=[{"agent_id": "a"} | call_agent, {"agent_id": "b"}],
        agent_channels=serves("a", voice=1) + serves("b", **chatter),
        contacts=[
            {"contact_id": "v", "channel": "voice", "customer_id": "k"},
            {
                "contact_id": "m",
                "channel": "messaging",
                "conversation_id": "t",
                "customer_id": "k",
            },
        ],
    )


def test_a_call_leaves_its_party_when_nobody_can_take_both() -> None:
    """The rest waits for the call, or goes its own way if the policy says so."""
    batch = on_two_channels({}, messaging=5)
    waits = Recount(batch, POLICY)
    assert verdict(waits, "v", "a") is None
    assert verdict(waits, "m", "b") is Reason.CUSTOMER_LOCKED
    own_way = Recount(batch, KEEP)
    assert verdict(own_way, "v", "a") is None
    assert verdict(own_way, "m", "b") is None


def test_a_party_stays_whole_while_splitting_helps_nobody() -> None:
    """Somebody can take both, or nobody could take even the call."""
    both = Recount(on_two_channels({}, messaging=5, voice=1), POLICY)
    assert len(both.conversations) == 1
    assert verdict(both, "m", "b") is None
    neither = Recount(on_two_channels({"presence": "offline"}, chat=5), POLICY)
    assert len(neither.conversations) == 1
    assert verdict(neither, "v", "b") is Reason.CHANNEL_NOT_SERVED


def test_what_follows_a_call_goes_apart_only_if_it_need_not_wait() -> None:
    """Only a calls and only b writes, so the call leaves; nobody takes the German email.

    Going its own way the message leaves that, too; waiting for the call they wait together.
    """
    batch = of_one_customer(
        {"v": CALL, "m": MESSAGE, "g": GERMAN},
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        agent_channels=serves("a", voice=1) + serves("b", messaging=5, email=5),
    )
    own_way = Recount(batch, KEEP)
    assert conversations(own_way) == {"v", "m", "g"}
    assert not own_way.conversations.follower.any()
    assert verdict(own_way, "m", "b") is None
    waiting = Recount(batch, POLICY)
    assert conversations(waiting) == {"v", "g m"}
    assert waiting.conversations.follower.sum() == 1
    assert verdict(waiting, "v", "a") is None


@pytest.mark.parametrize(
    ("contacts", "agent", "expected"),
    [
        # Nobody speaks German: the message goes without the email.
        ({"g": GERMAN, "m": MESSAGE, "e": {}}, {}, {"g", "m", "e"}),
        # The same of live contacts: there are no others, so that nothing is split before.
        ({"g": CALLBACK | GERMAN, "v": CALL}, {}, {"g", "v"}),
        # Whoever suits one of two that are alike suits both: these stay together.
        ({"g": GERMAN, "e": {}, "f": {}, "m": MESSAGE, "n": MESSAGE}, {}, {"g", "e f", "m n"}),
        ({"g": GERMAN, "h": GERMAN, "e": {}}, {}, {"g h", "e"}),
        ({"g": GERMAN, "e": {}, "r": {"queue_id": "r"}}, {}, {"g", "e", "r"}),
        # Nobody is suitable for either.
        ({"g": GERMAN, "h": MESSAGE | GERMAN}, {}, {"g h"}),
        # Somebody is suitable for both, as soon as they are available.
        ({"e": {}, "m": MESSAGE}, {"presence": "busy"}, {"e m"}),
        # Who is away is suitable for nothing.
        ({"g": GERMAN, "m": MESSAGE}, {"presence": "away"}, {"g m"}),
    ],
)
def test_who_suits_nobody_together_goes_apart_if_that_helps(
    contacts: dict[str, Row], agent: Row, expected: set[str]
) -> None:
    """Only what is alike stays together where somebody is suitable for one contact alone."""
    queues = [{"queue_id": "q"}, {"queue_id": "r"}]
    batch = of_one_customer(contacts, agents=[{"agent_id": "a"} | agent], queues=queues)
    assert conversations(Recount(batch, POLICY)) == expected


def test_who_suits_somebody_together_waits_for_room() -> None:
    """a may hold one message, and does; the email alone would fit, but both belong together."""
    batch = of_one_customer(
        {"e": {}, "m": MESSAGE},
        agent_channels=serves("a", messaging=1, email=5),
        agent_load=[{"agent_id": "a", "contact_id": "h", "channel": "messaging"}],
    )
    tables = Recount(batch, POLICY)
    assert conversations(tables) == {"e m"}
    assert verdict(tables, "e", "a") is Reason.LANE_FULL


@pytest.mark.parametrize(
    ("skills", "steps", "alike"),
    [
        ({}, {}, True),
        ({"e": ("x", 5)}, {}, False),
        ({"e": ("x", 5), "f": ("x", 5)}, {}, True),
        ({"e": ("x", 5), "f": ("x", 4)}, {}, False),
        ({}, {"e": "x"}, False),
        ({}, {"e": "x", "f": "x"}, True),
        ({}, {"e": "x", "f": "y"}, False),
    ],
)
def test_only_who_asks_for_the_same_stays_together(
    skills: dict[str, tuple[str, int]], steps: dict[str, str], alike: bool
) -> None:
    """Skills by name and level, and steps; nobody takes the German email."""
    level = [{"agent_id": "a", "skill": name, "proficiency": 7} for name in "xy"]
    batch = of_one_customer(
        {"g": GERMAN, "e": {}, "f": {}},
        agent_skills=level,
        contact_skills=[
            {"contact_id": name, "skill": skill, "min_proficiency": least}
            for name, (skill, least) in skills.items()
        ],
        contact_steps=[
            {"contact_id": name, "step": 0, "alternative": 0, "skill": skill}
            | {"min_proficiency": 5}
            for name, skill in steps.items()
        ],
    )
    assert conversations(Recount(batch, POLICY)) == {"g", *(["e f"] if alike else ["e", "f"])}


def test_calls_that_nobody_takes_together_leave_nothing() -> None:
    """Only a calls and only b writes; nobody speaks the German that the callback asks for.

    Nobody takes call and callback together, so that nothing leaves the message, and all go apart.
    """
    contacts = {"v": CALL, "g": CALLBACK | GERMAN, "m": MESSAGE}
    batch = of_one_customer(
        contacts,
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        agent_channels=serves("a", voice=1, callback=1) + serves("b", messaging=5),
    )
    tables = Recount(batch, POLICY)
    assert conversations(tables) == {"v", "g", "m"}
    assert not tables.conversations.follower.any()
    assert verdict(tables, "m", "b") is None


# What stays


def test_whoever_leaves_keeps_its_party() -> None:
    """Only the paused thread names the customer, and only it is held by b: both concern x, too."""
    thread = {"conversation_id": "t", "customer_id": None}
    held = {"agent_id": "b", "contact_id": "h", "conversation_id": "u"}
    batch = of_one_customer(
        {
            "x": thread,
            "named": thread | {"customer_id": "k", "hold_until": ahead(9)},
            "other": {"conversation_id": "u", "hold_until": ahead(9)},
        },
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        customers=[{"customer_id": "k", "tier": "gold"}],
        agent_load=[held],
    )
    tables = Recount(batch, POLICY)
    assert conversations(tables) == {"x", "named", "other"}
    gold = list(Tier).index(Tier.GOLD)
    assert tables.conversations.customers.tier.tolist() == [gold] * 3
    assert verdict(tables, "x", "a") is Reason.CUSTOMER_LOCKED
    assert verdict(tables, "x", "b") is None
    assert tables.conversations.party.n_unique() == 1


def test_what_is_put_off_splits_nothing() -> None:
    """The call fits a's 100 units, but with an email of 101 it does not, unless that is paused."""
    heavy = with_channel(POLICY, Channel.EMAIL, units=101.0)
    whole = Recount(of_one_customer({"v": CALL, "x": {}}), heavy)
    assert conversations(whole) == {"v", "x"}
    assert whole.conversations.follower.sum() == 1
    paused = Recount(of_one_customer({"v": CALL, "x": {"hold_until": ahead(9)}}), heavy)
    assert conversations(paused) == {"v", "x"}
    assert not paused.conversations.follower.any(), "put off, not split off"
