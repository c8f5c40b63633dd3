"""Section 2 of `docs/model.md`: what recent offers say of agents."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from models.batch_problem import build_problem
from models.capacity import AgentState, build_agent_state
from models.policy import Policy, ProfilePolicy, ProfileReset
from models.solution import SolveOptions
from models.tables import Channel
from models.usage import NO_LIMIT
from solver.solve import solve
from tests.models.tiny import NOW, Row, ago, ahead, serves, tiny, with_channel

EMAIL = tuple(Channel).index(Channel.EMAIL)
REAL_TIME = [
    tuple(Channel).index(channel)
    for channel in (Channel.VOICE, Channel.VIDEO, Channel.CALLBACK, Channel.CHAT)
]


def offer(seconds_ago: float, event: str = "accepted", /, **changes: object) -> Row:
    """An offer to agent `a`, whose last event came with it."""
    at = ago(seconds_ago)
    row = {"contact_id": f"o{seconds_ago}", "agent_id": "a", "channel": "email"}
    return row | {"offered_at": at, "event": event, "event_at": at} | changes


def state_of(
    offers: list[Row],
    policy: Policy | None = None,
    agent: Row | None = None,
    /,
    profiles: str | None = None,
    **tables: list[Row],
) -> AgentState:
    """State of agent `a` after these offers, while one email waits that carries `profiles`."""
    batch = tiny(
        agents=[{"agent_id": "a"} | (agent or {})],
        contacts=[{"contact_id": "c", "profiles": profiles}],
        offers=offers,
        **tables,
    )
    return build_agent_state(batch, policy or Policy())


@pytest.mark.parametrize(
    ("offers", "agent", "responding"),
    [
        ([], {}, True),
        ([offer(299, "expired")], {}, False),
        ([offer(300, "expired")], {}, True),  # auto_ready_s
        ([offer(299, "declined")], {}, True),  # who declines is there
        ([offer(299, "expired")], {"presence_since": ago(298)}, True),  # came back since
        ([offer(299, "expired")], {"presence_since": ago(299)}, False),
        ([offer(299, "expired"), offer(10)], {}, False),  # accepting another changes nothing
        ([offer(299, "expired", agent_id="b")], {}, True),
    ],
)
def test_who_lets_an_offer_expire_gets_nothing(
    offers: list[Row], agent: Row, responding: bool
) -> None:
    """For `auto_ready_s`, or until the agent takes a new presence."""
    batch = tiny(
        agents=[{"agent_id": "a"} | agent, {"agent_id": "b"}],
        contacts=[{"contact_id": "c"}],
        offers=offers,
    )
    state = build_agent_state(batch, Policy())
    assert (state.responding[0], state.free_now[0]) == (responding, responding)


def test_who_does_not_respond_is_not_free_soon() -> None:
    """A call that ends in 30 s frees nobody who let the last offer expire."""
    call = {"contact_id": "h", "agent_id": "a", "channel": "voice", "expected_end_at": ahead(30)}
    assert state_of([], agent_load=[call]).free_soon.tolist() == [True]
    silent = state_of([offer(20, "expired")], agent_load=[call])
    assert silent.free_soon.tolist() == [False]


@pytest.mark.parametrize(
    ("offers", "left"),
    [
        ([], 3),
        ([offer(10), offer(3599)], 1),
        ([offer(10), offer(3600)], 2),  # an hour ago
        ([offer(10, "declined"), offer(20, "expired"), offer(30, "offered")], 0),
        ([offer(10, "rescinded"), offer(20, "cancelled")], 3),  # never the agent's to answer
        ([offer(n) for n in range(5)], 0),  # never negative
        ([offer(10, channel="case")], 3),
        ([offer(10, agent_id="b")], 3),
    ],
)
def test_the_hourly_limit_counts_offers_of_the_channel(offers: list[Row], left: int) -> None:
    """Three emails an hour."""
    policy = with_channel(Policy(), Channel.EMAIL, max_per_hour=3)
    state = state_of(offers, policy, agent_channels=serves("a", email=9, case=9))
    assert state.rate_left[0, EMAIL] == left
    assert state.rate_left[0, REAL_TIME].tolist() == [NO_LIMIT] * 4


def test_written_work_comes_a_hundred_times_an_hour_at_most() -> None:
    """By default: who answers calls and chats gets them as fast as they can."""
    left = dict(zip(Channel, state_of([offer(10)]).rate_left[0].tolist(), strict=True))
    calls = dict.fromkeys(("voice", "video", "callback", "chat"), NO_LIMIT)
    assert left == calls | {"messaging": 100, "social": 100, "email": 99, "case": 100}


def test_an_agent_at_the_hourly_limit_of_all_channels_is_not_free() -> None:
    """With one channel served and nothing left of it, the agent is not free now."""
    policy = with_channel(Policy(), Channel.EMAIL, max_per_hour=1)
    state = state_of([offer(10)], policy, agent_channels=serves("a", email=9))
    assert state.free_now.tolist() == [False]


def with_profiles(reset: ProfileReset, /, **most: int) -> Policy:
    """Policy with these limits of capacity profiles."""
    return replace(
        Policy(), profiles={name: ProfilePolicy(limit, reset) for name, limit in most.items()}
    )


def test_profiles_are_those_that_waiting_contacts_carry() -> None:
    """Blanks, empty names and repetitions do not count; nobody limits `y`."""
    policy = with_profiles(ProfileReset.IMMEDIATE, x=2, other=1)
    state = state_of([], policy, profiles=" y,x ,, x")
    assert state.profiles == ("x", "y")
    assert state.profile_left.tolist() == [[2, NO_LIMIT]]


def test_an_agent_s_own_limit_comes_first() -> None:
    """`a` may have five of `x` instead of the policy's two, and one of `y`, which has no limit."""
    own = [
        {"agent_id": "a", "profile": name, "max_items": limit}
        for name, limit in {"x": 5, "y": 1, "z": 9}.items()
    ]
    policy = with_profiles(ProfileReset.IMMEDIATE, x=2)
    state = state_of([], policy, profiles="x,y", agent_profiles=own)
    assert state.profile_left.tolist() == [[5, 1]]


@pytest.mark.parametrize(
    ("item", "left"),
    [
        ({"profiles": "x"}, 1),
        ({"profiles": "y, x"}, 1),
        ({"profiles": "xy"}, 2),
        ({}, 2),
        ({"profiles": "x", "state": "parked"}, 2),
        ({"profiles": "x", "state": "wrap_up", "state_since": ago(99)}, 2),  # over
    ],
)
def test_held_items_use_profiles_that_are_given_back_at_once(item: Row, left: int) -> None:
    """Two of `x` at a time; offers of the past do not count."""
    load = [{"contact_id": "h", "agent_id": "a"} | item]
    policy = with_profiles(ProfileReset.IMMEDIATE, x=2)
    state = state_of([offer(9, profiles="x")], policy, profiles="x", agent_load=load)
    assert state.profile_left.tolist() == [[left]]


@pytest.mark.parametrize(
    ("offers", "left"),
    [
        ([offer(9, profiles="x"), offer(8, "completed", profiles="x,y")], 0),
        ([offer(3600, profiles="x")], 1),  # the first instant of the shift
        ([offer(3601, profiles="x")], 2),  # yesterday's
        (
            [
                offer(n, event, profiles="x")
                for n, event in enumerate(("declined", "expired", "rescinded", "cancelled"))
            ],
            2,
        ),
        ([offer(9, "offered", profiles="x"), offer(8, "delivered", profiles="x")], 0),
        ([offer(9, profiles="x", agent_id="b"), offer(8, profiles="y")], 2),
    ],
)
def test_a_daily_quota_counts_the_offers_of_the_shift(offers: list[Row], left: int) -> None:
    """Two of `x` per shift, whatever is held now."""
    load = [{"contact_id": "h", "agent_id": "a", "profiles": "x"}]
    policy = with_profiles(ProfileReset.END_OF_SHIFT, x=2)
    state = state_of(offers, policy, profiles="x", agent_load=load)
    assert state.profile_left.tolist() == [[left]]


def test_two_high_four_normal_five_in_total_over_a_day() -> None:
    """The published example of profiles: high 2 and normal 4 a day, 5 in total.

    Ten contacts come, one every ten minutes, each done before the next. Of the highs two are
    given; then three normals fill the total of five, so the fourth normal is refused, too. What
    was declined gives its place back, and the next shift begins at nothing.
    """
    policy = with_profiles(ProfileReset.END_OF_SHIFT, high=2, normal=4, total=5)
    kinds = ["high", "high", "high", "normal", "normal", "high", "normal", "normal", "normal"]
    offers: list[Row] = []
    given: list[bool] = []
    for place, kind in enumerate(kinds):
        now = NOW + timedelta(minutes=10 * place)
        carries = f"{kind}, total"
        given.append(is_given(now, carries, offers, policy))
        if given[-1]:
            row = {"contact_id": f"c{place}", "agent_id": "a", "channel": "email"}
            done = {"offered_at": now, "event": "completed", "event_at": now}
            offers.append(row | done | {"profiles": carries})
    assert given == [True, True, False, True, True, False, True, False, False]
    later = NOW + timedelta(minutes=100)
    declined = [*offers[:-1], offers[-1] | {"event": "declined"}]
    assert is_given(later, "normal, total", declined, policy)
    assert not is_given(later, "high, total", declined, policy)
    tomorrow = NOW + timedelta(days=1)
    assert is_given(tomorrow, "high, total", offers, policy, tomorrow)


def is_given(
    now: datetime, profiles: str, offers: list[Row], policy: Policy, shift_start: datetime = NOW
) -> bool:
    """Whether the one agent gets the one contact that waits."""
    shift = {"shift_start_at": shift_start, "shift_end_at": shift_start + timedelta(hours=8)}
    batch = tiny(
        now,
        agents=[{"agent_id": "a"} | shift],
        contacts=[{"contact_id": "c", "entered_at": now, "profiles": profiles}],
        offers=offers,
    )
    stated = build_problem(batch, policy)
    return bool(len(stated.to_plan(solve(stated.problem, SolveOptions())).assignments))
