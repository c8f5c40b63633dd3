"""Sections 2 to 4 of `docs/model.md` as the audit reads them: expectations are the text's own."""

import math
from dataclasses import replace

import polars as pl
import pytest

from models.batch import Batch
from models.plan import Reason
from models.policy import Policy, VoiceFollow
from models.recount.case import Recount
from models.recount.pairs import REASONS
from models.tables import Channel
from tests.models.recounted import offer, verdict
from tests.models.tiny import NOW, Row, ago, ahead, serves, tiny, with_channel

POLICY = Policy()
KEEP_TEXT_OWNER = replace(POLICY, voice_follow=VoiceFollow.KEEP_TEXT_OWNER)
EMAIL, CHAT = (list(Channel).index(c) for c in (Channel.EMAIL, Channel.CHAT))


def declined(contact: str, agent: str, *seconds: float) -> list[Row]:
    """Declines so many seconds ago."""
    return [{"contact_id": contact, "agent_id": agent, "declined_at": ago(age)} for age in seconds]


# Declines


@pytest.mark.parametrize(
    ("channel", "num_declines", "expected"),
    [
        # Written, and the only suitable agent declined 3 >= 3 times: z = 1, the ban is 6.
        ("email", 3, None),
        ("email", 5, None),
        ("email", 6, Reason.DECLINED),
        # Real-time: z = 0.
        ("voice", 2, None),
        ("voice", 3, Reason.DECLINED),
    ],
)
def test_declines_are_forgiven_once(
    channel: str, num_declines: int, expected: Reason | None
) -> None:
    """The last suitable agent of a written contact gets as many chances again."""
    batch = tiny(
        agents=[{"agent_id": "a"}],
        contacts=[{"contact_id": "c", "channel": channel}],
        declines=declined("c", "a", *(700 + n for n in range(num_declines))),
    )
    assert verdict(Recount(batch, POLICY), "c", "a") is expected


def test_nothing_is_forgiven_while_another_agent_is_left() -> None:
    """One suitable agent without declines keeps z at 0; who is offline is not suitable."""
    contacts = [{"contact_id": "c"}]
    declines = declined("c", "a", 700, 701, 702)
    both = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}], contacts=contacts, declines=declines
    )
    assert verdict(Recount(both, POLICY), "c", "a") is Reason.DECLINED
    assert verdict(Recount(both, POLICY), "c", "b") is None
    alone = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b", "presence": "offline"}],
        contacts=contacts,
        declines=declines,
    )
    assert verdict(Recount(alone, POLICY), "c", "a") is None


def test_pairs_rest_only_while_somebody_neither_banned_nor_resting_is_left() -> None:
    """A decline 100 s ago (less than 600) rests the pair; when all would rest, nobody does."""
    agents = [{"agent_id": "a"}, {"agent_id": "b"}, {"agent_id": "c", "presence": "away"}]
    contacts = [{"contact_id": "x"}]
    one = Recount(tiny(agents=agents, contacts=contacts, declines=declined("x", "a", 100)), POLICY)
    assert verdict(one, "x", "a") is Reason.DECLINED
    assert verdict(one, "x", "b") is None
    rows = declined("x", "a", 100) + declined("x", "b", 50)
    two = Recount(tiny(agents=agents, contacts=contacts, declines=rows), POLICY)
    assert verdict(two, "x", "a") is None
    assert verdict(two, "x", "b") is None
    # b is banned (3 declines, and a has fewer, so z = 0): a is the last one and does not rest.
    rows = declined("x", "a", 100) + declined("x", "b", 700, 701, 702)
    last = Recount(tiny(agents=agents, contacts=contacts, declines=rows), POLICY)
    assert verdict(last, "x", "a") is None
    assert verdict(last, "x", "b") is Reason.DECLINED


@pytest.mark.parametrize(
    ("offers", "expected"),
    [
        # The offer of the declined contact says that it was an email.
        ([offer("a", "gone", "declined", 20)], Reason.COOLING_DOWN),
        # Of several offers the latest counts: a chat.
        ([offer("a", "gone", "declined", 20), offer("a", "gone", "declined", 5, "chat")], None),
        # Neither offered nor waiting: the channel is unknown.
        ([], None),
    ],
)
def test_an_agent_who_declined_a_moment_ago_gets_nothing_of_that_channel(
    offers: list[Row], expected: Reason | None
) -> None:
    """10 s are less than `decline_pause_s` (15); other channels go on."""
    batch = tiny(
        agents=[{"agent_id": "a"}],
        contacts=[{"contact_id": "c"}, {"contact_id": "m", "channel": "messaging"}],
        declines=declined("gone", "a", 10),
        offers=offers,
    )
    tables = Recount(batch, POLICY)
    assert verdict(tables, "c", "a") is expected
    assert verdict(tables, "m", "a") is None


# Presence


@pytest.mark.parametrize(
    ("expired_s", "presence_since", "expected"),
    [
        (299, None, Reason.NOT_RESPONDING),  # within auto_ready_s = 300
        (300, None, None),
        (299, ago(299), Reason.NOT_RESPONDING),  # not after the event
        (299, ago(298), None),
    ],
)
def test_who_let_an_offer_expire_must_come_back(
    expired_s: float, presence_since: object, expected: Reason | None
) -> None:
    """Nothing for `auto_ready_s` unless the agent takes a presence anew."""
    batch = tiny(
        agents=[{"agent_id": "a", "presence_since": presence_since}],
        contacts=[{"contact_id": "c"}],
        offers=[offer("a", "gone", "expired", expired_s)],
    )
    assert verdict(Recount(batch, POLICY), "c", "a") is expected


def test_activities_end_the_shift_early_and_interrupt_it() -> None:
    """A break under way takes the agent off shift; one ahead is the end of the time left."""
    agents = [{"agent_id": "a"}, {"agent_id": "b"}]
    activities = [
        {"agent_id": "a", "starts_at": NOW, "ends_at": ahead(60)},
        # 300 s of handling and 120 s of margin do not fit 419 s.
        {"agent_id": "b", "starts_at": ahead(419), "ends_at": ahead(900)},
    ]
    contacts = [{"contact_id": "v", "channel": "voice"}]
    batch = tiny(agents=agents, contacts=contacts, agent_activities=activities)
    tables = Recount(batch, POLICY)
    assert verdict(tables, "v", "a") is Reason.OFF_SHIFT
    assert verdict(tables, "v", "b") is Reason.SHIFT_TOO_SHORT
    assert tables.agents.shift_left_s.tolist() == [4 * 3600, 419]


@pytest.mark.parametrize(
    ("agent", "ends_s", "expected"),
    [
        ({"shift_start_at": ahead(100)}, [], 100),
        ({"shift_start_at": ahead(100)}, [50], 100),  # whatever is going on
        ({}, [50], 50),
        ({}, [50, 80], 80),  # of several the latest
        ({"shift_end_at": ahead(81)}, [80], 80),
        ({"shift_end_at": ahead(80)}, [80], None),  # the shift is over by then
        ({"shift_end_at": ago(1)}, [], None),
        ({}, [], None),  # on shift
    ],
)
def test_who_is_not_on_shift_starts_with_it_or_after_a_break(
    agent: Row, ends_s: list[float], expected: float | None
) -> None:
    """Breaks began 10 s ago; another one, ahead, is none of them. E is the same."""
    breaks = [{"starts_at": ago(10), "ends_at": ahead(end)} for end in ends_s]
    breaks.append({"starts_at": ahead(1), "ends_at": ahead(99)})
    batch = tiny(
        agents=[{"agent_id": "a"} | agent],
        contacts=[{"contact_id": "c"}],
        agent_activities=[{"agent_id": "a"} | row for row in breaks],
    )
    agents = Recount(batch, POLICY).agents
    known = math.inf if expected is None else expected
    assert agents.starts_in_s.tolist() == [known]
    assert agents.free_later_s.tolist() == [known]


@pytest.mark.parametrize(
    ("agent", "ends_s", "expected"),
    [
        ({"presence": "busy"}, [900, 400], 400),  # beyond any horizon
        ({}, [400], 400),  # also of who is free now
        ({}, [-1, 400], 400),
        ({}, [-1], None),
        ({}, [], None),
        ({"presence": "away"}, [400], None),
        ({"shift_end_at": ago(1)}, [400], None),
        ({"shift_start_at": ahead(900)}, [400], 900),
    ],
)
def test_who_is_at_work_is_free_when_the_first_item_ends(
    agent: Row, ends_s: list[float], expected: float | None
) -> None:
    """E is known of who is present and on shift and holds what is not overdue."""
    held = [{"contact_id": f"h{n}", "expected_end_at": ahead(end)} for n, end in enumerate(ends_s)]
    batch = tiny(
        agents=[{"agent_id": "a"} | agent],
        contacts=[{"contact_id": "c"}],
        agent_load=[{"agent_id": "a"} | row for row in held],
    )
    found = Recount(batch, POLICY).agents.free_later_s.tolist()
    assert found == [math.inf if expected is None else expected]


@pytest.mark.parametrize(
    ("item", "free_for_chat", "blocks_voice"),
    [
        # Chats: 33 units in full, 6.6 parked; they block calls unless parked or over.
        ({"state": "active", "last_customer_at": ago(179)}, 67.0, True),
        ({"state": "active", "last_customer_at": ago(180)}, 93.4, False),
        ({"state": "parked"}, 93.4, False),
        ({"state": "wrap_up", "state_since": ago(59)}, 67.0, True),
        ({"state": "wrap_up", "state_since": ago(60)}, 100.0, False),
        ({"state": "wrap_up"}, 67.0, True),
    ],
)
def test_silence_parks_and_wrap_up_ends(
    item: Row, free_for_chat: float, blocks_voice: bool
) -> None:
    """`inactive_after_s` of a chat is 180, `wrap_block_s` 60; both limits are met exactly."""
    held = {"agent_id": "a", "contact_id": "h", "channel": "chat", "expected_end_at": ahead(900)}
    batch = tiny(
        agents=[{"agent_id": "a"}], contacts=[{"contact_id": "c"}], agent_load=[held | item]
    )
    agents = Recount(batch, POLICY).agents
    assert agents.free_units[0, CHAT] == pytest.approx(free_for_chat, abs=1e-9)
    assert bool(agents.blocked[0, 0]) is blocks_voice


@pytest.mark.parametrize(
    ("item", "blocked"),
    [
        ({"channel": "chat", "state": "offered"}, {"voice", "video", "callback", "chat"}),
        ({"channel": "chat", "last_customer_at": ago(5)}, {"voice", "video", "callback"}),
        ({"channel": "email", "state": "offered"}, set()),
    ],
)
def test_what_rings_keeps_other_rings_away(item: Row, blocked: set[str]) -> None:
    """A real-time item that is only offered blocks all real-time channels; answered, a chat
    blocks calls.
    """
    batch = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        contacts=[{"contact_id": "c"}],
        agent_load=[{"agent_id": "a", "contact_id": "h"} | item],
    )
    agents = Recount(batch, POLICY).agents
    assert [name in blocked for name in Channel] == agents.blocked[0].tolist()
    assert not agents.blocked[1].any()


def test_what_yields_takes_nothing_from_its_interrupter() -> None:
    """Emails yield to calls: 100 units are free for a call, 90 for an email."""
    held = [{"agent_id": "a", "contact_id": "h", "expected_end_at": ahead(900)}]
    batch = tiny(agents=[{"agent_id": "a"}], contacts=[{"contact_id": "c"}], agent_load=held)
    agents = Recount(batch, with_channel(POLICY, Channel.CHAT, extra_units=5.0)).agents
    assert agents.free_units[0, 0] == 100
    assert agents.free_units[0, EMAIL] == 90
    assert agents.free_units[0, CHAT] == 95
    assert agents.interrupts[0, [0, EMAIL]].tolist() == [1, 0]


# Locks and reservations


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        # Available, or away for less than lock_release_s = 60.
        ({"presence": "available"}, Reason.CUSTOMER_LOCKED),
        ({"presence": "away", "presence_since": ago(59)}, Reason.CUSTOMER_LOCKED),
        ({"presence": "away", "presence_since": ago(60)}, None),
        ({"presence": "away"}, None),
        ({"presence": "offline", "presence_since": ago(1)}, None),
        ({"presence": "away", "presence_since": ago(1), "shift_end_at": NOW}, None),
    ],
)
def test_a_lock_outlives_a_short_absence(agent: Row, expected: Reason | None) -> None:
    """Who holds an email of the customer keeps the message that just came in."""
    batch = tiny(
        agents=[{"agent_id": "a"} | agent, {"agent_id": "b"}],
        contacts=[{"contact_id": "m", "channel": "messaging", "customer_id": "k"}],
        agent_load=[{"agent_id": "a", "contact_id": "h", "customer_id": "k"}],
    )
    assert verdict(Recount(batch, POLICY), "m", "b") is expected


def test_a_call_locks_whatever_its_agent_can_do_and_is_never_locked_itself() -> None:
    """Agent a serves only calls, so a written item would lock nothing."""
    agents = [{"agent_id": "a"}, {"agent_id": "b"}]
    channels = serves("a", voice=1) + serves("b", voice=1, messaging=5)

    def tables(held: str, waiting: str) -> Recount:
        item = {"agent_id": "a", "contact_id": "h", "customer_id": "k", "channel": held}
        contacts = [{"contact_id": "c", "channel": waiting, "customer_id": "k"}]
        rows: dict[str, list[Row]] = {"agents": agents, "agent_channels": channels}
        return Recount(tiny(**rows, contacts=contacts, agent_load=[item]), POLICY)

    assert verdict(tables("voice", "messaging"), "c", "b") is Reason.CUSTOMER_LOCKED
    assert verdict(tables("email", "messaging"), "c", "b") is None
    assert verdict(tables("voice", "voice"), "c", "b") is None


def test_of_several_locks_the_live_item_then_the_latest_wins() -> None:
    """b has the later email, a the call; without the call the email that started last decides."""
    contacts = [{"contact_id": "m", "channel": "messaging", "customer_id": "k"}]
    agents = [{"agent_id": "a"}, {"agent_id": "b"}, {"agent_id": "c"}]

    def only(*items: Row) -> int:
        load = [{"customer_id": "k", "contact_id": f"h{n}"} | item for n, item in enumerate(items)]
        batch = tiny(agents=agents, contacts=contacts, agent_load=load)
        return int(Recount(batch, POLICY).eligibility.only_agent[0])

    early = {"agent_id": "b", "started_at": ago(50)}
    assert only({"agent_id": "a", "channel": "voice", "started_at": ago(90)}, early) == 0
    assert only({"agent_id": "a", "started_at": ago(90)}, early) == 1
    assert only({"agent_id": "c", "started_at": ago(50)}, early) == 2


@pytest.mark.parametrize(
    ("declines_s", "held", "waited_s", "policy", "expected"),
    [
        ((), "email", 0, POLICY, Reason.CUSTOMER_LOCKED),
        ((), "voice", 0, POLICY, Reason.CUSTOMER_LOCKED),
        # Three declines ban the pair, as b could serve it: neither item locks any more.
        ((700, 701, 702), "email", 0, POLICY, None),
        ((700, 701, 702), "voice", 0, POLICY, None),
        # One, a moment ago, only lets it rest.
        ((100,), "email", 0, POLICY, Reason.CUSTOMER_LOCKED),
        # Beyond 4 h a message is starved: only the agent of a call is waited for.
        ((), "email", 4 * 3600 + 1, POLICY, None),
        ((), "voice", 4 * 3600 + 1, POLICY, Reason.CUSTOMER_LOCKED),
        # Where texts keep their own agent a call locks nothing, whoever has it.
        ((), "email", 0, KEEP_TEXT_OWNER, Reason.CUSTOMER_LOCKED),
        ((), "voice", 0, KEEP_TEXT_OWNER, None),
    ],
)
def test_who_can_no_longer_serve_a_customer_locks_nothing(
    declines_s: tuple[float, ...],
    held: str,
    waited_s: float,
    policy: Policy,
    expected: Reason | None,
) -> None:
    """Agent a holds something of the customer, whose message b could take."""
    batch = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        contacts=[
            {"contact_id": "m", "channel": "messaging", "customer_id": "k"}
            | {"entered_at": ago(waited_s)}
        ],
        agent_load=[{"agent_id": "a", "contact_id": "h", "customer_id": "k", "channel": held}],
        declines=declined("m", "a", *declines_s),
    )
    assert verdict(Recount(batch, policy), "m", "b") is expected


@pytest.mark.parametrize(("ends_s", "expected"), [(250, Reason.HELD_FOR_PREFERRED), (251, None)])
def test_a_message_waits_for_the_agent_who_had_it(ends_s: float, expected: Reason | None) -> None:
    """1.2 E may be min(600, 0.5 * 600) = 300 s: E is 250 s at most."""
    contact = {"contact_id": "m", "channel": "messaging", "last_agent_id": "a"}
    call = {"channel": "voice", "contact_id": "h", "expected_end_at": ahead(ends_s)}
    batch = tiny(
        agents=[{"agent_id": "a", "presence": "busy"}, {"agent_id": "b"}],
        contacts=[contact | {"last_agent_at": ago(3599)}],
        agent_load=[call | {"agent_id": "a"}],
    )
    assert verdict(Recount(batch, POLICY), "m", "b") is expected


@pytest.mark.parametrize(("waited_s", "expected"), [(300, Reason.HELD_FOR_PREFERRED), (301, None)])
def test_a_wait_for_one_agent_is_bounded_from_its_first_second(
    waited_s: float, expected: Reason | None
) -> None:
    """The target is far away; 300 s and 1.2 * 250 s are the 600 s of `hold_preferred_s`."""
    contact = {"contact_id": "m", "channel": "messaging", "entered_at": ago(waited_s)}
    call = {"channel": "voice", "contact_id": "h", "expected_end_at": ahead(250)}
    batch = tiny(
        queues=[{"queue_id": "q", "target_answer_s": 1e6}],
        agents=[{"agent_id": "a", "presence": "busy"}, {"agent_id": "b"}],
        contacts=[contact | {"last_agent_id": "a", "last_agent_at": ago(600)}],
        agent_load=[call | {"agent_id": "a"}],
    )
    assert verdict(Recount(batch, POLICY), "m", "b") is expected


@pytest.mark.parametrize(
    ("most", "ends_s", "declines", "expected"),
    [
        # Free for emails, but with as many messages as a may have: any of them may end.
        (1, 250, 0, Reason.HELD_FOR_PREFERRED),
        (1, 251, 0, None),
        (1, -1, 0, None),  # nobody knows when
        (2, 250, 0, None),  # there is room now
        # What keeps the pair apart is not waited for.
        (1, 250, 1, None),
    ],
)
def test_a_message_waits_for_room_at_an_agent_who_is_free(
    most: int, ends_s: float, declines: int, expected: Reason | None
) -> None:
    """Failing a test from `at_capacity` to `units_full` is like being busy."""
    contact = {"contact_id": "m", "channel": "messaging"}
    item = {"contact_id": "h", "channel": "messaging", "expected_end_at": ahead(ends_s)}
    batch = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        agent_channels=serves("a", messaging=most, email=1) + serves("b", messaging=1),
        contacts=[contact | {"last_agent_id": "a", "last_agent_at": ago(600)}],
        agent_load=[item | {"agent_id": "a"}],
        declines=declined("m", "a", *(100,) * declines),
    )
    assert verdict(Recount(batch, POLICY), "m", "b") is expected


def test_a_chat_is_held_for_the_preferred_agent_alone_who_is_free_soon() -> None:
    """a's call ends in 25 s, 1.2 * 25 = 30 is half of 60: a may take the chat, b must not."""
    batch = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        contacts=[
            {"contact_id": "c", "channel": "chat"}
            | {"last_agent_id": "a", "last_agent_at": ago(600)}
        ],
        agent_load=[
            {"agent_id": "a", "contact_id": "h", "channel": "voice"}
            | {"expected_end_at": ahead(25)}
        ],
    )
    tables = Recount(batch, POLICY)
    assert tables.agents.free_soon.tolist() == [True, False]
    assert verdict(tables, "c", "a") is None
    assert verdict(tables, "c", "b") is Reason.HELD_FOR_PREFERRED


@pytest.mark.parametrize(
    ("starts_s", "expected"),
    [
        # E + h <= left: 28,200 + 600 = 8 h.
        (28_200, Reason.HELD_FOR_PREFERRED),
        (28_201, None),
    ],
)
def test_an_email_waits_for_its_owner_to_come(starts_s: float, expected: Reason | None) -> None:
    """The owner is offline and starts within `ahead_s`, early enough for the target."""
    owner = {"agent_id": "a", "presence": "offline", "shift_start_at": ahead(starts_s)}
    batch = tiny(
        agents=[owner | {"shift_end_at": ahead(60_000)}, {"agent_id": "b"}],
        customers=[{"customer_id": "k", "owner_agent_id": "a"}],
        contacts=[{"contact_id": "c", "customer_id": "k"}],
    )
    assert verdict(Recount(batch, POLICY), "c", "b") is expected


@pytest.mark.parametrize(
    ("back_s", "expected"), [(3_000, Reason.HELD_FOR_PREFERRED), (4 * 3_600, None)]
)
def test_an_email_waits_for_an_owner_on_a_break(back_s: float, expected: Reason | None) -> None:
    """Who is back before the shift ends, in 4 h, is waited for; the target leaves 8 h."""
    batch = tiny(
        agents=[{"agent_id": "a", "presence": "away"}, {"agent_id": "b"}],
        agent_activities=[{"agent_id": "a", "starts_at": ago(60), "ends_at": ahead(back_s)}],
        customers=[{"customer_id": "k", "owner_agent_id": "a"}],
        contacts=[{"contact_id": "c", "customer_id": "k"}],
    )
    assert verdict(Recount(batch, POLICY), "c", "b") is expected


# Draining

RINGING = {"channel": "voice", "entered_at": ago(11)}
"""11 s are more than half of the 20 s within which calls are to be answered."""


def ringing(policy: Policy, calls: int, **ends_s: float) -> Recount:
    """Calls and others wait while all hold a message for so long; `free` holds nothing."""
    others: list[Row] = [
        {"contact_id": "c"},
        {"contact_id": "now", "channel": "chat"},
        {"contact_id": "soon", "channel": "chat", "entered_at": ago(31)},
        {"contact_id": "late", "channel": "chat", "entered_at": ago(30.2)},
    ]
    batch = tiny(
        agents=[{"agent_id": agent} for agent in ends_s],
        contacts=others + [{"contact_id": f"v{n}"} | RINGING for n in range(calls)],
        agent_load=[
            {
                "agent_id": agent,
                "contact_id": f"h-{agent}",
                "channel": "messaging",
                "expected_end_at": ahead(end),
            }
            for agent, end in ends_s.items()
            if agent != "free"
        ],
    )
    return Recount(batch, policy)


def drained(policy: Policy, calls: int, **ends_s: float) -> set[str]:
    """Who drains, so that the chat is kept from them."""
    tables = ringing(policy, calls, **ends_s)
    return {a for a in ends_s if verdict(tables, "now", a) is Reason.DRAINING}


def test_urgent_calls_drain_those_with_the_least_work_left() -> None:
    """Messages that do not yield keep calls out; ties go to the smaller id."""
    policy = with_channel(replace(POLICY, drain_agents=2), Channel.MESSAGING, yields_to=())
    assert drained(policy, 1, a=300, b=100, c=100) == {"b"}
    assert drained(policy, 2, a=300, b=100, c=100) == {"b", "c"}
    assert drained(policy, 3, a=300, b=100, c=100) == {"b", "c"}, "drain_agents is 2"
    # Overdue messages are taken to last as long again as messages do, 600 s.
    assert drained(policy, 1, a=-5, b=599) == {"b"}
    assert drained(policy, 1, a=-5, b=600) == {"a"}
    assert drained(policy, 1, a=300, free=0) == set(), "somebody can take the call"
    assert drained(POLICY, 1, a=300, b=100) == set(), "messages yield to calls by default"
    assert drained(replace(policy, drain_agents=0), 1, a=300, b=100) == set()


def test_who_drains_gets_calls_and_what_makes_way_for_them() -> None:
    """A chat is to be answered within 60 s: after 31 s it is urgent, and stays away, too.

    Emails yield to calls; if they do not yield to one of the live channels, they stay away.
    """
    policy = with_channel(replace(POLICY, drain_agents=1), Channel.MESSAGING, yields_to=())
    tables = ringing(policy, 1, a=100, b=200)
    assert verdict(tables, "c", "a") is None
    two = with_channel(policy, Channel.EMAIL, yields_to=(Channel.VOICE, Channel.VIDEO))
    assert verdict(ringing(two, 1, a=100, b=200), "c", "a") is Reason.DRAINING
    assert verdict(tables, "now", "a") is Reason.DRAINING
    assert verdict(tables, "soon", "a") is Reason.DRAINING
    assert verdict(tables, "v0", "a") is Reason.UNITS_FULL
    assert verdict(tables, "now", "b") is None
    assert verdict(tables, "soon", "b") is None


def test_who_starves_is_not_kept_from_who_drains() -> None:
    """Beyond its queue's longest wait, 30.5 s, a chat goes before money, and to who drains.

    Another one, as urgent, has not waited so long and stays away: they are of two classes.
    """
    policy = with_channel(replace(POLICY, drain_agents=1), Channel.MESSAGING, yields_to=())
    batch = ringing(policy, 1, a=100).batch
    patient = {"queue_id": "q", "max_wait_s": 30.5}
    queues = tiny(queues=[patient], queue_members=[]).queues
    tables = Recount(replace(batch, queues=queues), policy)
    assert verdict(tables, "soon", "a") is None
    assert verdict(tables, "late", "a") is Reason.DRAINING


def test_nobody_drains_for_a_chat() -> None:
    """Chats that have waited for more than half of their time, and nobody has room for one."""
    policy = with_channel(replace(POLICY, drain_agents=1), Channel.MESSAGING, units=90.0)
    tables = ringing(policy, 0, a=100)
    assert verdict(tables, "soon", "a") is Reason.UNITS_FULL
    assert verdict(tables, "c", "a") is None


# Helping queues


def borrowing(**helper: object) -> Recount:
    """Queue q, whose only member is away, may borrow from h: a and b are free, c is busy."""
    overflow = {"condition": "backlog", "threshold": 0.0} | {
        name: helper.pop(name) for name in ("condition", "threshold") if name in helper
    }
    members = {"q": ["x"], "h": ["a", "b", "c"]}
    queue = {"queue_id": "h", "arrivals_per_h": 12.0} | helper
    batch = tiny(
        queues=[{"queue_id": "q"}, queue],
        agents=[
            {"agent_id": "a", "idle_since": ago(10)},
            {"agent_id": "b", "idle_since": ago(500)},
            {"agent_id": "c", "presence": "busy"},
            {"agent_id": "x", "presence": "away"},
        ],
        queue_members=[{"queue_id": q, "agent_id": a} for q, of in members.items() for a in of],
        contacts=[{"contact_id": "k"}],
        overflow=[{"queue_id": "q", "to_queue_id": "h"} | overflow],
    )
    return Recount(batch, POLICY)


def test_a_helping_queue_keeps_who_came_back_last() -> None:
    """R = ceil(12 * 300 / 3600) = 1: of a and b, a got something last; c is not free."""
    tables = borrowing()
    assert verdict(tables, "k", "a") is Reason.RESERVED
    assert verdict(tables, "k", "b") is None
    assert verdict(tables, "k", "c") is Reason.RESERVED
    assert verdict(borrowing(arrivals_per_h=12.1), "k", "b") is Reason.RESERVED
    assert verdict(borrowing(arrivals_per_h=0.0), "k", "a") is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"threshold": 1.0}, Reason.NOT_A_MEMBER),  # one contact is not more than one
        ({"service_level": 0.79}, Reason.NOT_A_MEMBER),
        ({"service_level": 0.8}, None),
        ({"arrivals_per_h": None}, Reason.NOT_A_MEMBER),
        ({"condition": "predicted_wait", "threshold": 1e8}, None),  # nobody there: unknown
        ({"condition": "waited"}, Reason.NOT_A_MEMBER),  # it entered now
        ({"condition": "closed"}, Reason.NOT_A_MEMBER),  # the queue is open
        ({"calendar_id": "never"}, Reason.NOT_A_MEMBER),  # the helper is closed
    ],
)
def test_help_comes_only_under_its_condition(change: Row, expected: Reason | None) -> None:
    """b is free and not kept back, so only the row decides."""
    assert verdict(borrowing(**change), "k", "b") is expected


def test_predicted_wait_divides_members_by_the_queues_that_they_serve() -> None:
    """q: a and b, b serves both queues: N = 1 + 1/2; 90 s * (4 - 2) / 1.5 = 120 s."""
    batch = tiny(
        queues=[{"queue_id": "q"}, {"queue_id": "r"}],
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        queue_members=[
            {"queue_id": "q", "agent_id": "a"},
            {"queue_id": "q", "agent_id": "b"},
            {"queue_id": "r", "agent_id": "b"},
        ],
        contacts=[{"contact_id": f"c{n}"} for n in range(4)],
    )
    overflow = Recount(batch, POLICY).overflow
    assert overflow.predicted_wait_s.tolist() == [120.0, 0.0]
    assert overflow.num_waiting.tolist() == [4, 0]


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
    own_way = Recount(batch, KEEP_TEXT_OWNER)
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


def test_ids_of_the_rules_are_those_of_the_text() -> None:
    """The audit tests in the order of the table in section 3."""
    lines = pl.Series(REASONS).to_list()
    order = list(Reason)
    assert lines == sorted(lines, key=order.index)
