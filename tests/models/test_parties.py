"""What agents hold of the parties that wait, and locks to an agent (section 3)."""

from dataclasses import replace
from datetime import datetime

import pytest

from models.batch_problem import BatchProblem, build_problem
from models.policy import Policy, VoiceFollow
from tests.models.tiny import Row, ago, ahead, pair_gains, serves, tiny

Tables = dict[str, list[Row]]


def stated(policy: Policy | None = None, /, **tables: list[Row]) -> BatchProblem:
    """A tiny batch as a problem; unless named, agent `a` could serve the one email `c`."""
    base: Tables = {"agents": [{"agent_id": "a"}], "contacts": [{"contact_id": "c"}]}
    return build_problem(tiny(**base | tables), policy or Policy())


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
        ({"channel": "voice"}, {}, "b"),  # talking to the customer: the email is theirs too
        # Not suitable for mail, but on the line with the customer right now.
        (
            {"channel": "voice"},
            {"agent_channels": [*serves("a", email=1), *serves("b", voice=1)]},
            "b",
        ),
        (
            {"channel": "voice"},
            {"agents": [{"agent_id": "a"}, {"agent_id": "b", "presence": "offline"}]},
            None,
        ),
        # Silent for an hour, and so parked: still the agent of the customer.
        ({"channel": "chat", "last_customer_at": ago(3600)}, {}, "b"),
        (
            {},
            {"contacts": [{"contact_id": "c", "channel": "voice", **OF_CUSTOMER}]},
            None,
        ),  # calls are never locked
        ({}, {"contacts": [{"contact_id": "c", "channel": "callback", **OF_CUSTOMER}]}, None),
    ],
)
def test_a_customer_in_talk_with_an_agent_is_locked_to_them(
    item: Row, tables: Tables, agent_id: str | None
) -> None:
    """Offered or active with an agent on duty who passes every test before capacity."""
    load = {"contact_id": "h", "agent_id": "b", **OF_CUSTOMER} | item
    assert locking(stated(**TWO | tables, agent_load=[load])) == [agent_id]


MAIL_OF_B: Row = {"contact_id": "h", "agent_id": "b", **OF_CUSTOMER}
CALL_OF_B: Row = MAIL_OF_B | {"channel": "voice"}


@pytest.mark.parametrize(
    ("item", "num_declines", "agent_id"),
    [
        (MAIL_OF_B, 2, "b"),
        (MAIL_OF_B, 3, None),  # `max_declines`: banned, and somebody else is left
        (CALL_OF_B, 2, "b"),
        (CALL_OF_B, 3, None),
    ],
)
def test_who_declined_for_good_locks_nothing(
    item: Row, num_declines: int, agent_id: str | None
) -> None:
    """Otherwise the mail would wait for somebody who may not have it."""
    declines: list[Row] = [
        {"contact_id": "c", "agent_id": "b", "declined_at": ago(900 + n)}
        for n in range(num_declines)
    ]
    found = stated(**TWO, agent_load=[item], declines=declines)
    assert locking(found) == [agent_id]
    # Locked to `b`, who is on the phone, it waits.
    beside = {("c", "b")} if item is MAIL_OF_B else set()
    assert set(pair_gains(found)) == ({("c", "a")} if agent_id is None else beside)


def test_of_two_who_hold_something_who_declined_is_left_out() -> None:
    """`b` got theirs later, but is banned: `a` has the lock."""
    of_a = MAIL_OF_B | {"contact_id": "k", "agent_id": "a", "started_at": ago(900)}
    declines: list[Row] = [
        {"contact_id": "c", "agent_id": "b", "declined_at": ago(900 + n)} for n in range(3)
    ]
    assert locking(stated(**TWO, agent_load=[MAIL_OF_B, of_a])) == ["b"]
    assert locking(stated(**TWO, agent_load=[MAIL_OF_B, of_a], declines=declines)) == ["a"]


@pytest.mark.parametrize(
    ("item", "hours", "agent_id"),
    [
        (MAIL_OF_B, 72.0, "b"),  # `max_wait_s` of an email, and not more
        (MAIL_OF_B, 72.01, None),
        (MAIL_OF_B, 145.0, None),  # long starved
        (CALL_OF_B, 72.01, "b"),  # the customer is on the phone with `b`
        (MAIL_OF_B | {"channel": "chat"}, 72.01, None),
    ],
)
def test_who_waited_too_long_is_locked_only_to_whom_they_talk(
    item: Row, hours: float, agent_id: str | None
) -> None:
    """A mail that waited three days goes to whoever is free, though `b` holds another one."""
    mail = {"contact_id": "c", "entered_at": ago(3600 * hours), **OF_CUSTOMER}
    found = stated(**TWO | {"contacts": [mail]}, agent_load=[item])
    assert locking(found) == [agent_id]


@pytest.mark.parametrize(
    ("item", "agent_id"),
    [(CALL_OF_B, None), (CALL_OF_B | {"channel": "callback"}, None), (MAIL_OF_B, "b")],
)
def test_where_what_is_written_keeps_its_agent_a_call_locks_nothing(
    item: Row, agent_id: str | None
) -> None:
    """`keep_text_owner`: what is written goes its own way while they talk, as while it rings."""
    policy = replace(Policy(), voice_follow=VoiceFollow.KEEP_TEXT_OWNER)
    assert locking(stated(policy, **TWO, agent_load=[item])) == [agent_id]
    # A mail that `a` holds beside the call of `b` still locks, to `a`.
    of_a = MAIL_OF_B | {"contact_id": "k", "agent_id": "a"}
    assert locking(stated(policy, **TWO, agent_load=[CALL_OF_B, of_a])) == ["a"]
    assert locking(stated(**TWO, agent_load=[CALL_OF_B, of_a])) == ["b"]


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
    """A customer who also calls is not kept waiting for the agent who answers their mail."""
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


def test_a_call_in_progress_locks_before_a_later_chat() -> None:
    """Live items first, whatever began later."""
    rows: list[Row] = [
        {"contact_id": "h1", "agent_id": "a", "channel": "voice", "started_at": ago(500)},
        {"contact_id": "h2", "agent_id": "b", "channel": "chat", "started_at": ago(5)},
    ]
    found = stated(**TWO, agent_load=[row | OF_CUSTOMER for row in rows])
    assert locking(found) == ["a"]


@pytest.mark.parametrize(
    ("agent", "tables", "is_locked"),
    [
        ({"presence_since": ago(59)}, {}, True),
        ({"presence_since": ago(60)}, {}, False),  # released
        ({"presence_since": None}, {}, False),
        ({"presence_since": ago(59), "presence": "offline"}, {}, False),
        ({"presence_since": ago(59), "shift_end_at": ago(1)}, {}, False),
        (
            {"presence_since": ago(59)},
            {"agent_activities": [{"agent_id": "b", "starts_at": ago(60), "ends_at": ahead(60)}]},
            False,  # on a break: off shift
        ),
        (
            {"presence_since": ago(59)},
            {"queue_members": [{"queue_id": "q", "agent_id": "a"}]},
            False,  # would not be suitable if present
        ),
    ],
)
def test_a_lock_outlives_a_minute_away(agent: Row, tables: Tables, is_locked: bool) -> None:
    """Nobody else gets the customer of an agent who stepped away a moment ago; then somebody."""
    team = [{"agent_id": "a"}, {"agent_id": "b", "presence": "away"} | agent]
    load = {"contact_id": "h", "agent_id": "b", **OF_CUSTOMER}
    found = stated(**TWO | {"agents": team} | tables, agent_load=[load])
    assert locking(found) == (["b"] if is_locked else [None])
    assert set(pair_gains(found)) == (set() if is_locked else {("c", "a")})


@pytest.mark.parametrize(("since", "is_held"), [(ago(59), True), (ago(60), False), (None, True)])
def test_wrap_up_that_is_over_is_held_no_more(since: datetime | None, is_held: bool) -> None:
    """After `wrap_block_s` it is nothing; without `state_since` nobody knows."""
    item = {"contact_id": "h", "agent_id": "b", "state": "wrap_up", "state_since": since}
    found = stated(**TWO, agent_load=[item | OF_CUSTOMER])
    assert found.held.items["contact_id"].to_list() == (["h"] if is_held else [])
