"""What keeps single pairs apart or together: declines, and locks to an agent (section 3)."""

import pytest

from models.batch_problem import BatchProblem, build_problem
from models.policy import Policy
from tests.models.tiny import Row, ago, pair_gains, serves, tiny

Tables = dict[str, list[Row]]


def stated(**tables: list[Row]) -> BatchProblem:
    """A tiny batch as a problem; unless named, agent `a` could serve the one email `c`."""
    base: Tables = {"agents": [{"agent_id": "a"}], "contacts": [{"contact_id": "c"}]}
    return build_problem(tiny(**base | tables), Policy())


@pytest.mark.parametrize(
    ("declined_s_ago", "is_kept_apart"),
    [
        ([], False),
        ([599], True),  # within 600 s
        ([601], False),
        ([3000, 2000], False),  # two, both long ago
        ([3000, 2000, 1000], True),  # the third ends it
    ],
)
def test_declines_keep_a_pair_apart(declined_s_ago: list[float], is_kept_apart: bool) -> None:
    """Three declines at any time, or one within the cool-down; for this agent only."""
    found = stated(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        declines=[
            {"contact_id": "c", "agent_id": "a", "declined_at": ago(s)} for s in declined_s_ago
        ],
    )
    expected = {("c", "b")} if is_kept_apart else {("c", "a"), ("c", "b")}
    assert set(pair_gains(found)) == expected


def test_a_decline_of_any_member_counts_for_the_conversation() -> None:
    """The follower was declined a minute ago, so the whole conversation is."""
    thread = [{"contact_id": name, "conversation_id": "t"} for name in ("c", "d")]
    declined = {"contact_id": "d", "agent_id": "a", "declined_at": ago(60)}
    assert pair_gains(stated(contacts=thread, declines=[declined])) == {}


def locking(found: BatchProblem) -> list[str | None]:
    """Id of the agent that each conversation is locked to."""
    ids = found.agents.agents["agent_id"].to_list()
    return [None if only < 0 else ids[only] for only in found.problem.only_agent.tolist()]


OF_CUSTOMER = {"customer_id": "u"}
TWO: Tables = {
    "agents": [{"agent_id": "a"}, {"agent_id": "b"}],
    "contacts": [{"contact_id": "c", **OF_CUSTOMER}],
}


@pytest.mark.parametrize(
    ("item", "tables", "agent_id"),
    [
        ({}, {}, "b"),
        ({"state": "offered"}, {}, "b"),
        ({"state": "parked"}, {}, None),
        ({"state": "wrap_up"}, {}, None),
        ({"customer_id": "another"}, {}, None),
        ({"customer_id": None}, {}, None),
        ({"customer_id": None, "conversation_id": "t-c"}, {}, "b"),  # same thread
        ({}, {"agents": [{"agent_id": "a"}, {"agent_id": "b", "presence": "busy"}]}, "b"),
        ({}, {"agents": [{"agent_id": "a"}, {"agent_id": "b", "presence": "away"}]}, None),
        ({}, {"agents": [{"agent_id": "a"}, {"agent_id": "b", "shift_end_at": ago(1)}]}, None),
        ({}, {"agent_channels": [*serves("a", email=1), *serves("b", chat=1)]}, None),
        ({}, {"agent_channels": [*serves("a", email=1), *serves("b", email=1)]}, "b"),  # full
        ({"channel": "voice"}, {}, "b"),  # talking to the customer: the email is his too
        (
            {},
            {"contacts": [{"contact_id": "c", "channel": "voice", **OF_CUSTOMER}]},
            None,
        ),  # calls are never locked
        ({}, {"contacts": [{"contact_id": "c", "channel": "callback", **OF_CUSTOMER}]}, None),
    ],
)
def test_a_customer_in_talk_with_an_agent_is_locked_to_him(
    item: Row, tables: Tables, agent_id: str | None
) -> None:
    """Offered or active with an agent on duty who passes every test before capacity."""
    load = {"contact_id": "h", "agent_id": "b", **OF_CUSTOMER} | item
    assert locking(stated(**TWO | tables, agent_load=[load])) == [agent_id]


def test_of_several_agents_in_talk_the_latest_locks() -> None:
    """Latest `started_at`, then the largest id."""

    def item(name: str, agent_id: str, started_s_ago: float) -> Row:
        row = {"contact_id": name, "agent_id": agent_id, "started_at": ago(started_s_ago)}
        return row | OF_CUSTOMER

    agents = [{"agent_id": name} for name in "abc"]
    found = stated(
        **TWO | {"agents": agents},
        agent_load=[item("h1", "a", 10), item("h2", "b", 5), item("h3", "c", 20)],
    )
    assert locking(found) == ["b"]
    found = stated(
        **TWO | {"agents": agents},
        agent_load=[item("h1", "c", 5), item("h2", "b", 5), item("h3", "a", 5)],
    )
    assert locking(found) == ["c"]


def test_a_live_member_keeps_the_conversation_unlocked() -> None:
    """A customer who also calls is not kept waiting for the agent who answers his mail."""
    both = [
        {"contact_id": "c", **OF_CUSTOMER},
        {"contact_id": "d", "channel": "video", **OF_CUSTOMER},
    ]
    load = {"contact_id": "h", "agent_id": "b", **OF_CUSTOMER}
    assert locking(stated(**TWO | {"contacts": both}, agent_load=[load])) == [None]


def test_a_locked_conversation_has_one_pair_at_most() -> None:
    """Locked to b: only b is left; none if b is full, though a is free."""
    load = {"contact_id": "h", "agent_id": "b", **OF_CUSTOMER}
    assert set(pair_gains(stated(**TWO, agent_load=[load]))) == {("c", "b")}
    full = {"agent_channels": [*serves("a", email=1), *serves("b", email=1, case=1)]}
    assert pair_gains(stated(**TWO, **full, agent_load=[load])) == {}
