"""Section 2 of `docs/model.md`: what agents hold, and when they are free."""

from dataclasses import replace

import numpy as np
import pytest

from models.capacity import AgentState, build_agent_state
from models.policy import Policy
from models.tables import Channel
from tests.models.tiny import Row, ago, ahead, serves, tiny, with_channel

LANES = tuple(Channel)
EMAIL = LANES.index(Channel.EMAIL)
VOICE = LANES.index(Channel.VOICE)


def held(contact_id: str = "h", agent_id: str = "a", /, **changes: object) -> Row:
    """A held item."""
    return {"contact_id": contact_id, "agent_id": agent_id} | changes


def state_of(
    load: list[Row],
    agent: Row | None = None,
    policy: Policy | None = None,
    /,
    **tables: list[Row],
) -> AgentState:
    """State of agent `a`, who holds `load` and for whom one email waits."""
    batch = tiny(
        agents=[{"agent_id": "a"} | (agent or {})],
        agent_load=load,
        contacts=[{"contact_id": "c"}],
        **tables,
    )
    return build_agent_state(batch, policy or Policy())


@pytest.mark.parametrize(
    ("load", "free"),
    [
        ([], 100.0),
        ([held(channel="chat")], 67.0),  # the channel's 33
        ([held(channel="chat", units=40.0)], 60.0),  # its own units instead
        ([held(channel="chat", state="parked")], 93.4),  # 0.2 * 33 = 6.6
        ([held(channel="messaging", state="parked", units=50.0)], 90.0),  # 0.2 * 50
        ([held(state="parked")], 100.0),  # a parked email consumes nothing
        ([held(state="wrap_up"), held("i", state="offered")], 80.0),  # in full, both
        ([held(units=70.0), held("i", units=80.0)], 0.0),  # never negative
    ],
)
def test_free_units_are_what_held_items_leave(load: list[Row], free: float) -> None:
    """Capacity 100 less units held, for an email; parked ones count with the channel's share."""
    assert state_of(load).free_units[:, EMAIL].tolist() == [free]


def test_sums_of_units_do_not_decide_by_their_last_bit() -> None:
    """0.3 - 0.1 - 0.1 leaves 0.1 for an email of 0.1, though the binary sum is a bit less."""
    policy = with_channel(Policy(), Channel.EMAIL, units=0.1)
    state = state_of(
        [held(), held("i")],
        {"capacity_units": 0.3},
        policy,
        agent_channels=serves("a", email=3),
    )
    assert 0.3 - 0.1 - 0.1 < 0.1
    assert state.free_now.tolist() == [True]


@pytest.mark.parametrize(
    ("agent", "load", "free"),
    [
        ({}, [], True),
        ({"presence": "busy"}, [], False),
        ({"presence": "wrap_up"}, [], False),
        ({"presence": "away"}, [], False),
        ({"presence": "offline"}, [], False),
        ({"capacity_units": 9.0}, [], False),  # not even an email of 10 fits
        ({"capacity_units": 10.0}, [], True),
        ({}, [held(channel="voice")], False),  # voice blocks everything
        ({}, [held(channel="voice", units=0.0)], False),  # even where it consumes nothing
        ({}, [held(channel="voice", state="parked", units=20.0)], True),  # parked never blocks
        ({}, [held(channel="chat")], True),  # chat blocks live channels, not email
        ({}, [held(units=95.0)], True),  # 5 units left, but an email yields to a call
        ({}, [held(units=95.0), held("i", channel="chat")], False),
    ],
)
def test_an_agent_is_free_now_if_one_served_channel_is_open(
    agent: Row, load: list[Row], free: bool
) -> None:
    """Available, and for one channel: nothing blocks, fewer than `max_items`, units fit."""
    assert state_of(load, agent).free_now.tolist() == [free]


@pytest.mark.parametrize(
    ("load", "free"),
    [
        ([held()], True),  # one of two
        ([held(), held("i")], False),  # two of two
        ([held(), held("i", state="parked")], True),  # a parked one is not counted
        ([held(channel="case"), held("i", channel="case")], True),  # another channel's count
    ],
)
def test_a_lane_is_full_at_its_max_items(load: list[Row], free: bool) -> None:
    """An agent who serves email only, two at once."""
    assert state_of(load, agent_channels=serves("a", email=2)).free_now.tolist() == [free]


def test_a_channel_with_max_items_zero_is_not_served() -> None:
    """A row that says 0 is the same as no row."""
    state = state_of([], agent_channels=serves("a", email=0, chat=1))
    served = {channel for channel, there in zip(LANES, state.served[0], strict=True) if there}
    assert served == {Channel.CHAT}


CALL = {"channel": "voice", "started_at": ago(200)}


@pytest.mark.parametrize(
    ("agent", "load", "free_in_s"),
    [
        ({}, [held(**CALL, expected_end_at=ahead(40))], 40.0),
        ({}, [held(**CALL, expected_end_at=ahead(60))], 60.0),  # hold_horizon_s
        ({}, [held(**CALL, expected_end_at=ahead(60.5))], None),
        ({}, [held(**CALL, expected_end_at=ahead(2))], 5.0),  # at least a tick
        ({}, [held(**CALL, expected_end_at=ago(30))], None),  # overdue: promises nothing
        ({}, [held(channel="voice", started_at=ago(270))], 30.0),  # 300 s is the channel's mean
        ({}, [held(channel="voice", started_at=ago(200))], None),  # 100 s to go
        ({}, [held(**CALL, expected_end_at=ahead(40), state="parked")], None),  # free now
        ({}, [], None),
        ({"presence": "busy"}, [held(**CALL, expected_end_at=ahead(40))], 40.0),
        ({"presence": "wrap_up"}, [held(**CALL, expected_end_at=ahead(40))], 40.0),
        ({"presence": "away"}, [held(**CALL, expected_end_at=ahead(40))], None),
        ({"presence": "busy"}, [], None),  # nothing that would end
        ({"shift_end_at": ago(1)}, [held(**CALL, expected_end_at=ahead(40))], None),
        ({}, [held(expected_end_at=ahead(40))], None),  # free now beside an email
    ],
)
def test_an_agent_is_free_soon_if_an_item_ends_within_the_horizon(
    agent: Row, load: list[Row], free_in_s: float | None
) -> None:
    """Present, on shift, not free now, with an unparked item ending within 60 s."""
    state = state_of(load, agent)
    assert state.free_soon.tolist() == [free_in_s is not None]
    assert state.free_in_s.tolist() == [free_in_s or 0.0]


def test_the_item_that_ends_first_is_taken_as_ended() -> None:
    """Of 50 + 45 units the 45 end first: 55 are free then; the other email still counts."""
    state = state_of(
        [
            held("later", units=50.0, expected_end_at=ahead(50)),
            held("first", units=45.0, expected_end_at=ahead(20)),
        ],
        {"presence": "busy"},
        agent_channels=serves("a", email=3),
    )
    assert (state.free_in_s.tolist(), state.free_units[:, EMAIL].tolist()) == ([20.0], [50.0])
    assert state.lane_left[0, EMAIL] == 2  # 3 - 1


def test_of_two_items_that_end_together_the_smallest_id_goes() -> None:
    """Both end in 20 s: `h1` (30 units) is taken as ended, `h2` (60 units) is not."""
    state = state_of(
        [
            held("h2", units=60.0, expected_end_at=ahead(20)),
            held("h1", units=30.0, expected_end_at=ahead(20)),
        ],
        {"presence": "busy"},
    )
    assert state.free_units[:, EMAIL].tolist() == [40.0]


def test_a_parked_item_never_frees_an_agent() -> None:
    """A parked chat that ends first is passed over for the call that ends later."""
    state = state_of(
        [
            held("parked", channel="chat", state="parked", expected_end_at=ahead(10)),
            held("call", channel="voice", units=90.0, expected_end_at=ahead(30)),
        ]
    )
    # 100 - 0.2 * 33; the call is gone, so nothing blocks either.
    assert (state.free_in_s.tolist(), state.free_units[:, EMAIL].tolist()) == ([30.0], [93.4])
    assert not state.blocked.any()


@pytest.mark.parametrize(
    ("item", "parked"),
    [
        ({"channel": "chat", "last_customer_at": ago(180)}, True),  # inactive_after_s of a chat
        ({"channel": "chat", "last_customer_at": ago(179)}, False),
        ({"channel": "chat"}, False),  # nobody knows
        ({"channel": "chat", "last_customer_at": ago(999), "state": "offered"}, False),
        ({"channel": "email", "last_customer_at": ago(99_999)}, False),  # never by inactivity
        ({"channel": "messaging", "last_customer_at": ago(600)}, True),
    ],
)
def test_who_says_nothing_for_long_is_parked(item: Row, parked: bool) -> None:
    """An active item whose customer is silent for `inactive_after_s` frees its place and units."""
    policy = Policy()
    state = state_of([held(**item)], None, policy)
    numbers = policy.channels[Channel(item["channel"])]
    share = numbers.parked_share if parked else 1.0
    assert state.free_units[0, EMAIL] == pytest.approx(100.0 - share * numbers.units)
    assert state.num_busy.tolist() == [0 if parked else 1]


@pytest.mark.parametrize(
    ("item", "free"),
    [
        ({"state": "wrap_up", "state_since": ago(59)}, 0.0),
        ({"state": "wrap_up", "state_since": ago(60)}, 100.0),  # wrap_block_s
        ({"state": "wrap_up"}, 0.0),  # nobody knows since when
        ({"state": "active", "state_since": ago(999)}, 0.0),
    ],
)
def test_wrap_up_blocks_for_a_minute(item: Row, free: float) -> None:
    """A call in wrap-up consumes units and blocks everything until `wrap_block_s` is over."""
    state = state_of([held(channel="voice", **item)])
    assert state.free_units[:, EMAIL].tolist() == [free]
    assert state.free_now.tolist() == [free > 0]
    assert state.blocked.all() == (free == 0)


def test_wrap_up_that_never_blocks() -> None:
    """With a `wrap_block_s` of 0 wrap-up is over at once: the agent is free in the same tick."""
    policy = with_channel(Policy(), Channel.VOICE, wrap_block_s=0.0)
    wrapping = held(channel="voice", state="wrap_up", state_since=ago(0))
    assert state_of([wrapping], None, policy).free_now.tolist() == [True]


def test_a_call_interrupts_messages_and_not_the_other_way_round() -> None:
    """Messaging yields to voice: 4 x 25 held units leave a call its 100, a fifth message 0."""
    chats = [held(f"m{n}", channel="messaging") for n in range(4)]
    state = state_of(chats)
    assert state.free_units[0, [VOICE, LANES.index(Channel.MESSAGING)]].tolist() == [100.0, 0.0]
    assert state.interrupts[0, [VOICE, EMAIL]].tolist() == [4, 0]
    # A call in progress yields to nothing, and a parked message is not interrupted.
    state = state_of([held(channel="voice"), held("m", channel="messaging", state="parked")])
    assert not state.interrupts.any()
    assert state.blocked.all()


INTERRUPTIBLE = (Channel.EMAIL, Channel.CASE)
PRIMARY = tuple(channel for channel in Channel if channel not in INTERRUPTIBLE)


def pools(extra: float) -> Policy:
    """Primary and interruptible pools: written work yields to all else and has `extra` units."""
    policy = Policy()
    for channel in INTERRUPTIBLE:
        policy = with_channel(policy, channel, yields_to=PRIMARY, extra_units=extra)
    return policy


@pytest.mark.parametrize(
    ("extra", "load", "primary", "interruptible"),
    [
        (0.0, [("case", 60.0)], 100.0, 40.0),  # C, and C - 60
        (0.0, [("chat", 70.0)], 30.0, 30.0),  # both pools count primary work
        (0.0, [("chat", 70.0), ("case", 20.0)], 30.0, 10.0),
        (30.0, [("chat", 70.0), ("case", 20.0)], 30.0, 40.0),  # C + I - 70 - 20
        (30.0, [("case", 60.0), ("email", 70.0)], 100.0, 0.0),
    ],
)
def test_primary_work_does_not_see_interruptible_work(
    extra: float, load: list[tuple[str, float]], primary: float, interruptible: float
) -> None:
    """New primary work fits C less primary load; interruptible work C + I less all load."""
    items = [held(f"h{n}", channel=name, units=units) for n, (name, units) in enumerate(load)]
    free = state_of(items, None, pools(extra)).free_units
    assert free[0, LANES.index(Channel.CHAT)] == primary
    assert free[0, EMAIL] == interruptible


@pytest.mark.parametrize(
    ("activities", "on_shift", "left_s"),
    [
        ([], True, 14_400.0),
        ([(-10, 10)], False, 14_400.0),  # in a meeting
        ([(0, 10)], False, 14_400.0),  # start included ...
        ([(-10, 0)], True, 14_400.0),  # ... end not
        ([(600, 900), (300, 400)], True, 300.0),  # the next one
        ([(-10, 10), (600, 900)], False, 600.0),
        ([(99_999, 999_999)], True, 14_400.0),  # after the shift
    ],
)
def test_breaks_and_meetings_are_off_shift(
    activities: list[tuple[int, int]], on_shift: bool, left_s: float
) -> None:
    """Nothing comes during an activity, and the time left ends where the next one starts."""
    rows = [{"agent_id": "a", "starts_at": ahead(s), "ends_at": ahead(e)} for s, e in activities]
    state = state_of([], agent_activities=rows)
    assert state.on_shift.tolist() == [on_shift]
    assert state.free_now.tolist() == [on_shift]
    assert state.shift_left_s.tolist() == [left_s]


@pytest.mark.parametrize(
    ("agent", "load", "free_later_s"),
    [
        ({}, [], np.inf),  # nothing that would end
        ({}, [held(expected_end_at=ahead(500))], 500.0),  # free now, beside an email
        ({}, [held(**CALL, expected_end_at=ahead(500))], 500.0),  # whatever the horizon
        ({}, [held(**CALL, expected_end_at=ahead(2))], 2.0),
        ({}, [held(**CALL, expected_end_at=ago(2))], np.inf),  # overdue
        ({"presence": "busy"}, [], np.inf),
        ({"presence": "away"}, [held(**CALL, expected_end_at=ahead(500))], np.inf),
        ({"presence": "offline", "shift_start_at": ahead(900)}, [], 900.0),
        ({"presence": "away", "shift_end_at": ago(1)}, [], np.inf),  # gone home
    ],
)
def test_when_an_agent_can_be_free_at_all(
    agent: Row, load: list[Row], free_later_s: float
) -> None:
    """`E`: the first end of an item that is not overdue, or the start of the shift."""
    assert state_of(load, agent).free_later_s.tolist() == [free_later_s]


@pytest.mark.parametrize(
    ("agent", "activities", "starts_in_s"),
    [
        ({}, [], np.inf),  # on shift
        ({"shift_start_at": ahead(900)}, [], 900.0),
        ({"shift_start_at": ahead(900)}, [(-60, 99)], 900.0),
        ({}, [(-60, 99)], 99.0),
        ({}, [(-60, 99), (-60, 300), (200, 900)], 300.0),  # of those that go on the latest end
        ({}, [(60, 99)], np.inf),  # not begun yet: on shift
        ({}, [(-60, 4 * 3600)], np.inf),  # until the shift ends
        ({"shift_end_at": ago(60)}, [(-90, 99)], np.inf),  # the shift is over
    ],
)
@pytest.mark.parametrize("presence", ["available", "away"])
def test_when_an_agent_who_is_off_shift_starts(
    presence: str, agent: Row, activities: list[tuple[int, int]], starts_in_s: float
) -> None:
    """With the shift, or when the break ends; `E` of who is not on shift is the same."""
    rows = [{"agent_id": "a", "starts_at": ahead(s), "ends_at": ahead(e)} for s, e in activities]
    state = state_of([], agent | {"presence": presence}, agent_activities=rows)
    assert state.starts_in_s.tolist() == [starts_in_s]
    assert state.free_later_s.tolist() == [starts_in_s]


@pytest.mark.parametrize(
    ("agent", "recently"),
    [
        ({"presence": "away", "presence_since": ago(59)}, True),
        ({"presence": "away", "presence_since": ago(60)}, False),  # lock_release_s
        ({"presence": "away"}, False),
        ({"presence": "offline", "presence_since": ago(1)}, False),
        ({"presence": "away", "presence_since": ago(1), "shift_end_at": ago(0)}, False),
    ],
)
def test_who_is_away_for_a_moment_keeps_customers(agent: Row, recently: bool) -> None:
    """Away on shift for less than a minute."""
    assert state_of([], agent).away_recently.tolist() == [recently]


def test_remaining_work_is_the_time_to_all_ends() -> None:
    """40 s and 100 s, an overdue email 600 s (a whole handling), a parked one nothing."""
    load = [
        held("h1", expected_end_at=ahead(40)),
        held("h2", expected_end_at=ahead(100)),
        held("h3", expected_end_at=ago(7)),
        held("h4", expected_end_at=ahead(9), state="parked"),
    ]
    state = state_of(load)
    assert (state.num_busy.tolist(), state.remaining_s.tolist()) == ([3], [740.0])
    # Free soon: the 40 s are taken as ended, 100 + 600 s are left.
    state = state_of(load, {"presence": "busy"})
    assert (state.num_busy.tolist(), state.remaining_s.tolist()) == ([2], [700.0])


def test_locks_are_kept_as_long_as_the_policy_says() -> None:
    """`lock_release_s` of 10: twenty seconds away are no longer a moment."""
    agent = {"presence": "away", "presence_since": ago(20)}
    short = replace(Policy(), lock_release_s=10.0)
    assert state_of([], agent).away_recently.tolist() == [True]
    assert state_of([], agent, short).away_recently.tolist() == [False]
