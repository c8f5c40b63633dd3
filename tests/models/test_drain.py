"""Section 3 of `docs/model.md`, draining: who finishes what they hold for a call that waits."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batch_problem import BatchProblem, build_problem
from models.eligibility import REASONS
from models.plan import Reason
from models.policy import Policy
from models.tables import Channel
from tests.models.tiny import Row, ago, ahead, serves, tiny, with_channel

HOLDING_ON = with_channel(Policy(), Channel.MESSAGING, yields_to=())
"""Whoever answers a message has no units for a call, and some for an email."""


def stated(policy: Policy = HOLDING_ON, /, **tables: list[Row]) -> BatchProblem:
    """A tiny batch as a problem; unless given, `a` and `b` each hold one message."""
    base: dict[str, list[Row]] = {
        "agents": [{"agent_id": "a"}, {"agent_id": "b"}],
        "agent_load": [message("a", 300), message("b", 200)],
        "contacts": [call("v1", 11)],
    }
    return build_problem(tiny(**base | tables), policy)


def message(agent_id: str, ends_in_s: float, *, place: int = 0, **more: object) -> Row:
    """An item that an agent holds."""
    held = {"agent_id": agent_id, "contact_id": f"held-{agent_id}-{place}", "channel": "messaging"}
    return held | {"expected_end_at": ahead(ends_in_s)} | more


def call(contact_id: str, waited_s: float, **more: object) -> Row:
    """A call; its target is 20 s."""
    row = {"contact_id": contact_id, "channel": "voice", "entered_at": ago(waited_s)}
    return row | more


def draining(found: BatchProblem) -> str:
    """Ids of the agents who drain, one letter each."""
    ids = found.agents.agents["agent_id"].to_list()
    return "".join(ids[place] for place in np.flatnonzero(found.eligibility.draining))


def test_a_drained_agent_gets_what_a_call_interrupts() -> None:
    """`b` could take the email and both chats by all other tests.

    Chats would keep a call away, so none may refill who drains for one, not even the urgent one.
    An email yields to whatever call comes, and here a message does not.
    """
    found = stated(
        replace(HOLDING_ON, drain_agents=1),
        contacts=[
            call("v1", 11),
            {"contact_id": "e"},
            {"contact_id": "m", "channel": "messaging"},
            {"contact_id": "t", "channel": "chat"},
            {"contact_id": "u", "channel": "chat", "entered_at": ago(31)},  # of a target of 60 s
        ],
    )
    assert draining(found) == "b"
    leads = found.conversations.units["lead_contact_id"].to_list()
    kinds = found.problem.contact_class.astype(np.int64)
    codes = found.eligibility.first_failures(kinds)
    reasons = {
        lead: [None if code == 0 else REASONS[code - 1] for code in row]
        for lead, row in zip(leads, codes.tolist(), strict=True)
    }
    assert reasons["e"] == [None, None]
    assert reasons["m"] == [None, Reason.DRAINING]
    assert reasons["t"] == [None, Reason.DRAINING]
    assert reasons["u"] == [None, Reason.DRAINING]
    assert reasons["v1"] == [Reason.UNITS_FULL, Reason.UNITS_FULL]
    eligible = found.eligibility.eligible[kinds]
    assert eligible.tolist() == [[reason is None for reason in reasons[lead]] for lead in leads]


@pytest.mark.parametrize(
    ("yields_to", "waited_s", "reason"),
    [
        ((Channel.VOICE, Channel.VIDEO, Channel.CALLBACK), 99, None),
        ((Channel.VOICE, Channel.CALLBACK), 99, Reason.DRAINING),  # a video call would wait
        ((), 72 * 3600, Reason.DRAINING),  # `max_wait_s` of an email, not more
        ((), 72 * 3600 + 1, None),  # starved
    ],
)
def test_only_what_yields_to_every_kind_of_call_or_waited_too_long_may_refill(
    yields_to: tuple[Channel, ...], waited_s: float, reason: Reason | None
) -> None:
    """An email beside the agent who drains for a call."""
    mail: Row = {"contact_id": "e", "entered_at": ago(waited_s)}
    found = stated(
        with_channel(HOLDING_ON, Channel.EMAIL, yields_to=yields_to),
        contacts=[call("v1", 11), mail],
        agents=[{"agent_id": "b"}],
        agent_load=[message("b", 200)],
    )
    assert draining(found) == "b"
    leads = found.conversations.units["lead_contact_id"].to_list()
    kind = found.problem.contact_class[leads.index("e")]
    codes = found.eligibility.first_failures(np.array([kind], dtype=np.int64))
    assert codes.tolist() == [[0 if reason is None else 1 + REASONS.index(reason)]]


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        (call("v1", 10), ""),  # half of the target, not more
        (call("v1", 10.001), "b"),
        ({"contact_id": "e", "entered_at": ago(9e5)}, ""),  # an email is never urgent
        (call("v1", 151, channel="callback"), "b"),  # of a target of 300 s
    ],
)
def test_nobody_drains_before_a_call_waited_half_its_target(contact: Row, expected: str) -> None:
    """`drain_share` of the target; one agent for one call, who has less left to do."""
    assert draining(stated(contacts=[contact])) == expected


def test_nobody_drains_for_a_chat() -> None:
    """The only two chat slots are taken while a chat waits for most of its minute: it waits on."""
    tables: dict[str, list[Row]] = {
        "agent_channels": [row for name in "ab" for row in serves(name, chat=1, email=9, voice=1)],
        "agent_load": [message(name, 300, channel="chat") for name in "ab"],
        "contacts": [{"contact_id": "u", "channel": "chat", "entered_at": ago(50)}],
    }
    found = stated(**tables)
    assert found.conversations.units["urgent"].to_list() == [True]
    assert draining(found) == ""
    tables["contacts"].append(call("v1", 11))
    # Both have 300 s to go, and one call asks for one of them.
    assert draining(stated(**tables)) == "a"


def test_nobody_drains_while_somebody_free_could_take_the_call() -> None:
    """A third agent holds nothing: free for calls, unless they do not serve them."""
    agents = [{"agent_id": name} for name in "abc"]
    everything = [row for name in "ab" for row in serves(name, voice=1, messaging=5, email=9)]
    free = stated(agents=agents, agent_channels=everything + serves("c", voice=1, email=9))
    assert draining(free) == ""
    unable = stated(agents=agents, agent_channels=everything + serves("c", email=9))
    assert draining(unable) == "b"


@pytest.mark.parametrize(
    ("num_calls", "expected"), [(1, "b"), (2, "bd"), (3, "abd"), (4, "abd"), (9, "abd")]
)
def test_the_agents_with_the_least_left_to_do_drain(num_calls: int, expected: str) -> None:
    """One for each call, three at most; `b` and `d` tie at 200 s, `a` has 150 s and 100 s.

    `c` is overdue, which counts as the 600 s of a whole message: who is late by 50 s has not shown
    to be done sooner than who is in time. `e` holds nothing that is not parked and could not
    finish anything.
    """
    found = stated(
        agents=[{"agent_id": name} for name in "abcd"]
        + [{"agent_id": "e", "capacity_units": 40.0}],
        agent_load=[
            message("a", 150, place=1),
            message("a", 100, place=2),
            message("b", 200),
            message("c", -50),
            message("d", 200),
            message("e", 50, state="parked"),
        ],
        contacts=[call(f"v{place}", 11) for place in range(num_calls)],
    )
    assert draining(found) == expected


def test_who_could_not_serve_the_call_does_not_drain() -> None:
    """`b` is no member of the queue; `c` is away; `a` is in a call, and free for the next one."""
    found = stated(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}, {"agent_id": "c", "presence": "away"}],
        agent_load=[
            message("a", 900, place=1),
            message("a", 900, channel="voice"),
            message("b", 300),
            message("c", 300),
        ],
        queue_members=[{"queue_id": "q", "agent_id": name} for name in "ac"],
    )
    assert draining(found) == "a"


def test_classes_choose_in_turn_and_nobody_twice() -> None:
    """The call in Spanish waits longest and takes `b`, whom the other one would have taken."""
    speaks = [{"agent_id": name, "skill": "language:es", "proficiency": 9} for name in "abc"]
    tables: dict[str, list[Row]] = {
        "agents": [{"agent_id": name} for name in "abc"],
        "agent_load": [message("a", 300), message("b", 200), message("c", 250)],
        "contacts": [call("v1", 11), call("v2", 12, language="es")],
    }
    assert draining(stated(agent_skills=speaks, **tables)) == "bc"
    # Were `v1` first, it would take `b` and leave nobody for Spanish.
    assert draining(stated(agent_skills=speaks[1:2], **tables)) == "bc"
    tables["contacts"][0]["entered_at"] = ago(13)
    assert draining(stated(agent_skills=speaks[1:2], **tables)) == "b"


def test_of_classes_that_wait_as_long_the_one_with_the_smallest_urgent_lead_chooses() -> None:
    """Only `b` speaks Spanish; `v0` makes the Spanish class first, though `v5` precedes `v9`."""
    found = stated(
        replace(HOLDING_ON, drain_agents=1),
        agent_skills=[{"agent_id": "b", "skill": "language:es", "proficiency": 9}],
        contacts=[
            call("v9", 12, language="es"),
            call("v0", 11, language="es"),
            call("v5", 12),
        ],
    )
    assert draining(found) == "ab"


def test_nobody_drains_where_the_policy_names_no_agents() -> None:
    """`drain_agents = 0` turns it off."""
    assert draining(stated()) == "b"
    assert draining(stated(replace(HOLDING_ON, drain_agents=0))) == ""


@settings(deadline=None, max_examples=15)
@given(
    waits=st.lists(st.integers(0, 40), max_size=5),
    ends=st.lists(st.integers(-100, 900), max_size=5),
    most=st.integers(0, 4),
)
def test_never_more_drain_than_calls_wait_and_the_policy_allows(
    waits: list[int], ends: list[int], most: int
) -> None:
    """All calls are of one class, and who holds nothing yields no time."""
    found = stated(
        replace(HOLDING_ON, drain_agents=most),
        agents=[{"agent_id": f"a{place}"} for place in range(len(ends))],
        agent_load=[message(f"a{place}", end) for place, end in enumerate(ends)],
        contacts=[call(f"v{place}", wait) for place, wait in enumerate(waits)],
    )
    urgent = sum(wait > 10 for wait in waits)
    assert np.count_nonzero(found.eligibility.draining) == min(urgent, most, len(ends))
