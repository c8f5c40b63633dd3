"""Section 3 of `docs/model.md` as the audit reads it: declines, draining and helping queues."""

from dataclasses import replace

import polars as pl
import pytest

from models.plan import Reason
from models.policy import Policy
from models.recount.case import Recount
from models.recount.pairs import REASONS
from models.tables import Channel
from tests.models.recounted import declined, offer, verdict
from tests.models.tiny import Row, ago, ahead, tiny, with_channel

POLICY = Policy()


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


def test_ids_of_the_rules_are_those_of_the_text() -> None:
    """The audit tests in the order of the table in section 3."""
    lines = pl.Series(REASONS).to_list()
    order = list(Reason)
    assert lines == sorted(lines, key=order.index)
