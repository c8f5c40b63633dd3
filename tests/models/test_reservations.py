"""Waiting for the agent whom the customer knows, and for how long (`docs/model.md` 3)."""

from dataclasses import replace

import pytest

from models.batch_problem import BatchProblem, build_problem
from models.policy import Policy
from models.problem import NOBODY
from models.tables import Channel
from tests.models.tiny import Row, ago, ahead, pair_gains, serves, tiny, with_channel

Tables = dict[str, list[Row]]
HOUR = 3600.0

KNOWN: Row = {"contact_id": "c", "channel": "messaging", "last_agent_id": "b"}
"""A message of a customer whom `b` served ten minutes ago."""
RECENT: Row = {**KNOWN, "last_agent_at": ago(600)}


def on_call(seconds_left: float, agent_id: str = "b") -> Row:
    """A call that ends so soon."""
    return {
        "contact_id": f"h-{agent_id}",
        "agent_id": agent_id,
        "channel": "voice",
        "started_at": ago(100),
        "expected_end_at": ahead(seconds_left),
    }


def stated(policy: Policy | None = None, /, **tables: list[Row]) -> BatchProblem:
    """`a` is free and `b` on a call for two more minutes, unless said otherwise."""
    base: Tables = {
        "agents": [{"agent_id": "a"}, {"agent_id": "b"}],
        "contacts": [RECENT],
        "agent_load": [on_call(120)],
    }
    return build_problem(tiny(**base | tables), policy or Policy())


def waits_for(found: BatchProblem) -> str | None:
    """Id of the agent that the one conversation waits for."""
    agent = int(found.reserved.agent[0])
    return None if agent == NOBODY else found.agents.agents["agent_id"][agent]


def test_a_message_waits_for_the_agent_of_ten_minutes_ago() -> None:
    """`b` is free in 120 s; 1.2 * 120 <= min(600, 0.5 * 600): nobody else gets it, until then."""
    found = stated()
    assert waits_for(found) == "b"
    assert found.reserved.free_in_s.tolist() == [120.0]
    assert pair_gains(found) == {}
    assert found.problem.only_agent.tolist() == [1]


@pytest.mark.parametrize(
    ("left_s", "waits"),
    [
        (249.0, True),  # 1.2 * 249 = 298.8 <= 0.5 * 600
        (251.0, False),  # 301.2 > 300, half of what is left of the target
    ],
)
def test_nobody_waits_beyond_half_of_the_time_left(left_s: float, waits: bool) -> None:
    """Beyond it, whoever is free takes it."""
    found = stated(agent_load=[on_call(left_s)])
    assert waits_for(found) == ("b" if waits else None)
    assert set(pair_gains(found)) == (set() if waits else {("c", "a")})


@pytest.mark.parametrize(("hold_s", "waits"), [(145.0, True), (143.0, False)])
def test_nobody_waits_beyond_the_hold_of_the_channel(hold_s: float, waits: bool) -> None:
    """1.2 * 120 = 144 s against `hold_preferred_s`."""
    policy = with_channel(Policy(), Channel.MESSAGING, hold_preferred_s=hold_s)
    assert waits_for(stated(policy)) == ("b" if waits else None)


def reserved(found: BatchProblem) -> dict[str, bool]:
    """Whether each conversation waits for somebody, by its lead."""
    leads = found.conversations.units["lead_contact_id"].to_list()
    return dict(zip(leads, (found.reserved.agent != NOBODY).tolist(), strict=True))


@pytest.mark.parametrize("slips_by_s", [20.0, 100.0, 400.0, 499.0])
def test_the_wait_for_one_agent_is_bounded_from_its_first_second(slips_by_s: float) -> None:
    """Looked at every 5 s, `b` always seems to be free so soon. Nobody waits for more than 600 s.

    Each contact is one look, at one that has waited so long: w + 1.2 E <= 600 holds for all looks
    up to some second and for none after it, though E itself would be allowed for ever.
    """
    looks = range(0, 900, 5)
    contacts = [
        RECENT | {"contact_id": f"{waited}", "entered_at": ago(waited), "due_at": ahead(10 * HOUR)}
        for waited in looks
    ]
    found = reserved(stated(contacts=contacts, agent_load=[on_call(slips_by_s)]))
    last = 600 - 1.2 * slips_by_s
    assert found == {f"{waited}": waited <= last for waited in looks}
    # Who is released at the next look has waited for less than the bound.
    assert max(waited for waited in looks if found[f"{waited}"]) + 5 <= 600


def test_the_longest_wait_of_the_members_counts() -> None:
    """Two messages of one customer, of 460 s and of now: 460 + 144 s are more than 600 s."""
    thread = {"conversation_id": "t", "due_at": ahead(10 * HOUR)}
    for waited_s, waits in ((460.0, False), (450.0, True)):
        old: Row = {"contact_id": "d", "channel": "messaging", "entered_at": ago(waited_s)}
        found = stated(contacts=[RECENT | thread, old | thread])
        assert list(reserved(found).values()) == [waits]


@pytest.mark.parametrize(
    ("items", "pairs"),
    [
        ([120.0], ""),  # the only message that `b` may have; a call could begin
        ([120.0, 60.0], ""),
        ([-5.0], "a"),  # overdue: nobody knows when there will be room
        ([], "ab"),  # room for it now
    ],
)
def test_an_agent_who_is_full_here_but_free_elsewhere_is_waited_for(
    items: list[float], pairs: str
) -> None:
    """`b` may have one message at a time, and takes calls as well: free now, but not for this."""
    load: list[Row] = [
        on_call(left_s) | {"contact_id": f"h{n}", "channel": "messaging"}
        for n, left_s in enumerate(items)
    ]
    found = stated(
        agent_channels=[*serves("a", messaging=5), *serves("b", messaging=1, voice=1)],
        agent_load=load,
    )
    assert found.agents.free_now.tolist() == [True, True]
    assert waits_for(found) == (None if pairs else "b")
    assert set(pair_gains(found)) == {("c", agent) for agent in pairs}
    if not pairs:
        assert found.reserved.free_in_s.tolist() == [min(items)]


@pytest.mark.parametrize(
    ("due_in_s", "left_s", "waits"),
    [
        (60.0, 25.0, True),  # 1.2 * 25 = 30, half of the 60 s of a chat
        (60.0, 26.0, False),
        (600.0, 37.5, True),  # 1.2 * 37.5 = 45, all that a chat waits for somebody
        (600.0, 38.0, False),
    ],
)
def test_a_chat_waits_for_an_agent_who_is_free_soon(
    due_in_s: float, left_s: float, waits: bool
) -> None:
    """Though it might be held for `b` anyway, nobody else gets it meanwhile."""
    chat = RECENT | {"channel": "chat", "due_at": ahead(due_in_s)}
    found = stated(contacts=[chat], agent_load=[on_call(left_s)])
    assert found.agents.free_soon.tolist() == [False, True]
    assert waits_for(found) == ("b" if waits else None)
    assert set(pair_gains(found)) == ({("c", "b")} if waits else {("c", "a"), ("c", "b")})


def test_who_has_room_now_is_not_waited_for_whatever_else_ends_soon() -> None:
    """`b` holds an email that ends in two minutes and could take the message now."""
    mail = on_call(120) | {"channel": "email"}
    found = stated(agent_load=[mail])
    assert waits_for(found) is None
    assert set(pair_gains(found)) == {("c", "a"), ("c", "b")}


@pytest.mark.parametrize(
    ("channel", "activities", "due_in_s", "waits_s"),
    [
        ("email", [(-60, 900)], 8 * HOUR, 900.0),  # back from a break in a quarter of an hour
        ("email", [(-60, 900), (-30, 1200)], 8 * HOUR, 1200.0),  # two at once: the later end
        ("email", [(-60, 900), (950, 1200)], 8 * HOUR, 900.0),  # the next one has not begun
        ("email", [(-60, 900)], 1500.0, 900.0),  # 900 + 600 s to handle it
        ("email", [(-60, 900)], 1499.0, None),
        ("email", [(-60, 4 * HOUR)], 8 * HOUR, None),  # until the end of the shift: not back
        ("email", [(-60, 5 * HOUR)], 8 * HOUR, None),
        ("messaging", [(-60, 900)], 8 * HOUR, None),  # messaging waits for no shift
        ("chat", [(-60, 5)], 8 * HOUR, None),  # real-time
    ],
)
def test_mail_may_wait_for_the_end_of_a_break(
    channel: str,
    activities: list[tuple[float, float]],
    due_in_s: float,
    waits_s: float | None,
) -> None:
    """`b` is in an activity and has four hours of shift left; away, as people on a break are."""
    contact = RECENT | {"channel": channel, "due_at": ahead(due_in_s), "entered_at": ago(0)}
    found = stated(
        agents=[{"agent_id": "a"}, {"agent_id": "b", "presence": "away"}],
        agent_load=[],
        contacts=[contact],
        agent_activities=[
            {"agent_id": "b", "starts_at": ahead(begin), "ends_at": ahead(end)}
            for begin, end in activities
        ],
    )
    assert waits_for(found) == ("b" if waits_s else None)
    if waits_s:
        assert found.reserved.free_in_s.tolist() == [waits_s]


@pytest.mark.parametrize(
    ("contact", "agent_id"),
    [
        (RECENT, "b"),
        ({**RECENT, "last_agent_at": ago(HOUR)}, None),  # not within the hour of messaging
        ({**RECENT, "last_agent_at": ago(HOUR), "customer_id": "u"}, "b"),  # then the owner
        ({**RECENT, "channel": "voice"}, None),  # voice waits for nobody
    ],
)
def test_whom_a_customer_waits_for(contact: Row, agent_id: str | None) -> None:
    """The last agent within the window of the channel, else the owner."""
    customers: list[Row] = [{"customer_id": "u", "owner_agent_id": "b"}]
    assert waits_for(stated(contacts=[contact], customers=customers)) == agent_id


def test_of_dedicated_agents_the_best_is_preferred() -> None:
    """Highest score, then the smallest id; the next one is not waited for."""
    contact: Row = {"contact_id": "c", "channel": "email", "customer_id": "u"}
    scores: list[Row] = [
        {"customer_id": "u", "agent_id": "a", "score": 10.0},
        {"customer_id": "u", "agent_id": "b", "score": 90.0},
    ]
    assert waits_for(stated(contacts=[contact], customer_agents=scores)) == "b"
    equal = [row | {"score": 50.0} for row in scores]
    # Now a, who is free and so is not waited for.
    found = stated(contacts=[contact], customer_agents=equal)
    assert waits_for(found) is None
    assert set(pair_gains(found)) == {("c", "a")}


@pytest.mark.parametrize(
    "tables",
    [
        {"agent_load": []},  # free now
        {"agents": [{"agent_id": "a"}, {"agent_id": "b", "presence": "away"}]},  # absent
        {"agents": [{"agent_id": "a"}, {"agent_id": "b", "shift_end_at": ago(1)}]},  # gone home
        {"agents": [{"agent_id": "a"}]},  # not known
        {"queue_members": [{"queue_id": "q", "agent_id": "a"}]},  # no member any more
        {"declines": [{"contact_id": "c", "agent_id": "b", "declined_at": ago(60)}]},
    ],
    ids=["free", "absent", "gone home", "unknown", "no member", "declined"],
)
def test_nobody_waits_for_an_agent_who_cannot_take_it(tables: Tables) -> None:
    """The most repeated complaint: a customer held for an agent who is not there."""
    load: Tables = {"agent_load": [on_call(120)] if len(tables.get("agents", "ab")) == 2 else []}
    found = stated(**load | tables)
    assert waits_for(found) is None
    assert ("c", "a") in pair_gains(found)


def test_an_agent_on_an_overdue_call_is_not_waited_for() -> None:
    """Who is late once promises nothing."""
    assert waits_for(stated(agent_load=[on_call(-5)])) is None


def test_a_starved_conversation_waits_for_nobody() -> None:
    """After `max_wait_s` it goes to whoever is free, although its target is far away."""
    policy = with_channel(Policy(), Channel.MESSAGING, max_wait_s=300.0)
    contact = {**RECENT, "entered_at": ago(200), "due_at": ahead(HOUR)}
    assert waits_for(stated(policy, contacts=[contact])) == "b"
    starved = contact | {"entered_at": ago(301)}
    found = stated(policy, contacts=[starved])
    assert waits_for(found) is None
    assert set(pair_gains(found)) == {("c", "a")}


def test_a_lock_comes_before_a_reservation() -> None:
    """Talking to `a`, the customer does not wait for `b`."""
    item = {"contact_id": "h", "agent_id": "a", "channel": "chat", "customer_id": "u"}
    contact = {**RECENT, "customer_id": "u"}
    found = stated(contacts=[contact], agent_load=[on_call(120), item])
    assert waits_for(found) is None
    assert set(pair_gains(found)) == {("c", "a")}


def tomorrow(starts_in_s: float) -> list[Row]:
    """`b` starts then, `a` is there."""
    shift = {"shift_start_at": ahead(starts_in_s), "shift_end_at": ahead(starts_in_s + 8 * HOUR)}
    return [{"agent_id": "a"}, {"agent_id": "b", "presence": "offline", **shift}]


@pytest.mark.parametrize(
    ("channel", "starts_in_s", "due_in_s", "waits"),
    [
        ("email", 14 * HOUR, 15 * HOUR, True),  # back before it is due, with 600 s to handle it
        ("email", 14 * HOUR, 14 * HOUR + 599, False),  # not handled in time
        ("email", 16.1 * HOUR, 40 * HOUR, False),  # beyond ahead_s
        ("messaging", 1 * HOUR, 15 * HOUR, False),  # messaging has no ahead_s
        ("chat", 60.0, 15 * HOUR, False),  # nor has chat, which is real-time besides
    ],
)
def test_mail_may_wait_for_the_next_shift_of_its_agent(
    channel: str, starts_in_s: float, due_in_s: float, waits: bool
) -> None:
    """The same engineer next morning, if the promise allows it."""
    contact = {
        "contact_id": "c",
        "channel": channel,
        "last_agent_id": "b",
        "last_agent_at": ago(60),
        "due_at": ahead(due_in_s),
    }
    found = stated(agents=tomorrow(starts_in_s), contacts=[contact], agent_load=[])
    assert waits_for(found) == ("b" if waits else None)
    if waits:
        assert found.reserved.free_in_s.tolist() == [starts_in_s]


def test_an_owner_who_lost_the_skill_is_not_waited_for() -> None:
    """Tomorrow's agent would have to be suitable but for being there."""
    contact = {"contact_id": "c", "last_agent_id": "b", "last_agent_at": ago(60)}
    tables: Tables = {"agents": tomorrow(HOUR), "contacts": [contact], "agent_load": []}
    assert waits_for(stated(**tables)) == "b"
    asks: list[Row] = [{"contact_id": "c", "skill": "refunds", "min_proficiency": 3}]
    has: list[Row] = [{"agent_id": "a", "skill": "refunds", "proficiency": 5}]
    assert waits_for(stated(**tables, contact_skills=asks, agent_skills=has)) is None


def test_the_share_of_the_slack_is_a_number_of_the_policy() -> None:
    """With no slack to give away nobody waits."""
    assert waits_for(stated(replace(Policy(), hold_slack_share=0.0))) is None
