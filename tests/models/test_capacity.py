"""Sections 2 and 4 of `docs/model.md`: what agents hold, when they are free, and for how many."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from models.audit import audit, recount
from models.batch_problem import BatchProblem, build_problem
from models.capacity import AgentState, build_agent_state
from models.policy import Policy
from models.solution import SolveOptions
from models.tables import Channel
from solver.solve import solve
from tests.models.tiny import Row, ago, ahead, serves, tiny, with_channel

LANES = tuple(Channel)


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
    """Capacity 100 less units held; parked ones count with the channel's share."""
    assert state_of(load).free_units.tolist() == [free]


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
        ({}, [held(units=95.0)], False),  # 5 units left
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
    assert (state.free_in_s.tolist(), state.free_units.tolist()) == ([20.0], [50.0])
    assert state.lane_left[0, LANES.index(Channel.EMAIL)] == 2  # 3 - 1


def test_of_two_items_that_end_together_the_smallest_id_goes() -> None:
    """Both end in 20 s: `h1` (30 units) is taken as ended, `h2` (60 units) is not."""
    state = state_of(
        [
            held("h2", units=60.0, expected_end_at=ahead(20)),
            held("h1", units=30.0, expected_end_at=ahead(20)),
        ],
        {"presence": "busy"},
    )
    assert state.free_units.tolist() == [40.0]


def test_a_parked_item_never_frees_an_agent() -> None:
    """A parked chat that ends first is passed over for the call that ends later."""
    state = state_of(
        [
            held("parked", channel="chat", state="parked", expected_end_at=ahead(10)),
            held("call", channel="voice", units=90.0, expected_end_at=ahead(30)),
        ]
    )
    # 100 - 0.2 * 33; the call is gone, so nothing blocks either.
    assert (state.free_in_s.tolist(), state.free_units.tolist()) == ([30.0], [93.4])
    assert not state.blocked.any()


def stated(
    contacts: list[Row], policy: Policy | None = None, /, **tables: list[Row]
) -> BatchProblem:
    """A tiny batch as a problem."""
    return build_problem(tiny(contacts=contacts, **tables), policy or Policy())


def waiting(*names: str) -> list[Row]:
    """One waiting contact of each channel named."""
    return [{"contact_id": f"c{n}", "channel": name} for n, name in enumerate(names)]


def test_lane_caps_are_the_least_of_room_units_and_the_tick_s_limit() -> None:
    """min(max_items - unparked, max_new_per_tick, free units / weight), 0 where blocked."""
    found = stated(
        waiting("email", "case"),
        agents=[{"agent_id": "a", "capacity_units": 87.0}],
        agent_load=[held("h", channel="chat"), held("j", state="parked")],
        agent_channels=serves("a", voice=1, chat=1, email=4, case=9),
    )
    caps = dict(zip(LANES, found.problem.lane_cap[0].tolist(), strict=True))
    # 87 less the chat's 33 leaves 54.
    assert caps[Channel.EMAIL] == 3  # min(4, 3, floor(54 / 10))
    assert caps[Channel.CASE] == 2  # min(9, 5, floor(54 / 20))
    assert caps[Channel.CHAT] == 0  # 1 - 1
    assert caps[Channel.VOICE] == 0  # the chat blocks it
    assert caps[Channel.SOCIAL] == 0  # not served


@pytest.mark.parametrize(
    ("names", "units", "mixes"),
    [
        (["email", "email"], 100.0, "3 email"),  # 100 / 10 = 10, but 3 new emails a tick
        (["email", "email"], 25.0, "2 email"),  # floor(25 / 10)
        # 59: two cases and an email, or one case and three emails; three emails alone are less.
        (["case", "email"], 59.0, "1 email + 2 case | 3 email + 1 case"),
        (["case", "email"], 100.0, "2 email + 4 case | 3 email + 3 case | 5 case"),
        (["email"], 59.0, "3 email"),  # no case waits
        (["case", "email"], 15.0, "1 email"),  # no case fits
        (["voice", "email"], 100.0, "1 voice | 3 email"),  # voice blocks email
        (["chat", "voice"], 200.0, "1 chat | 1 voice"),  # voice blocks chat
        (["chat", "email"], 100.0, "1 chat + 3 email"),  # 33 + 30
        (["chat", "email", "email"], 50.0, "1 chat + 1 email | 3 email"),  # 33 + 10, or 30
        (["email"], 0.0, ""),
    ],
)
def test_an_agent_gets_every_mix_that_fits(names: list[str], units: float, mixes: str) -> None:
    """Count vectors within lane caps, free units and what may stand beside each other."""
    found = stated(waiting(*names), agents=[{"agent_id": "a", "capacity_units": units}])
    assert " | ".join(sorted(mix_names(found))) == mixes


def mix_names(found: BatchProblem) -> list[str]:
    """Maximal count vectors of agent 0 in the lanes in which somebody waits, as words."""
    problem = found.problem
    asked = np.unique(problem.contact_lane)
    box = np.array(problem.all_mixes.count)
    start, end = problem.all_mixes.start[:2].tolist()
    fits = {
        vector
        for mix in box[start:end, asked].tolist()
        for vector in itertools.product(*(range(most + 1) for most in mix))
        if 0 < sum(vector) <= problem.agent_cap[0]
    }
    maximal = [
        vector
        for vector in fits
        if not any(
            other != vector and all(a >= b for a, b in zip(other, vector, strict=True))
            for other in fits
        )
    ]
    return [
        " + ".join(
            f"{count} {LANES[lane].value}"
            for lane, count in zip(asked.tolist(), vector, strict=True)
            if count
        )
        for vector in maximal
    ]


def test_too_many_mixes_fall_back_to_what_surely_fits() -> None:
    """Five lanes of up to nine: thousands of vectors fit, so floor(100 / 21) of anything."""
    policy = Policy()
    weights = {"chat": 20.0, "messaging": 21.0, "social": 7.0, "email": 9.0, "case": 11.0}
    for name, weight in weights.items():
        policy = with_channel(policy, Channel(name), units=weight, max_new_per_tick=9)
    found = stated(
        waiting(*weights),
        policy,
        agents=[{"agent_id": "a"}],
        agent_channels=serves("a", **dict.fromkeys(weights, 9)),
    )
    # Without the fallback 14 social ones would not fit either, but 5 + 4 + ... vectors would.
    assert (found.problem.mixes, found.problem.agent_cap.tolist()) == (None, [4])


def test_the_heaviest_conversation_counts_with_its_followers() -> None:
    """Two emails in one thread weigh 12.5, so 37 units hold two such and not three."""
    thread = [{"contact_id": name, "conversation_id": "t"} for name in ("x", "y")]
    problem = stated(
        [*thread, {"contact_id": "z"}], agents=[{"agent_id": "a", "capacity_units": 37.0}]
    ).problem
    # 12.5 is the heaviest, so floor(37 / 12.5), although z alone would leave room for one more.
    assert problem.agent_cap.tolist() == [2]


def test_an_agent_who_is_free_soon_gets_one() -> None:
    """One slot when the call ends, though three emails would fit then."""
    problem = stated(
        waiting("email", "email", "email"),
        agents=[{"agent_id": "a"}],
        agent_load=[held(channel="voice", expected_end_at=ahead(30))],
    ).problem
    assert problem.agent_cap.tolist() == [1]


def test_nobody_off_duty_has_a_slot() -> None:
    """Away, off shift or busy for long: no lane is open."""
    problem = stated(
        waiting("email"),
        agents=[
            {"agent_id": "away", "presence": "away"},
            {"agent_id": "early", "shift_start_at": ahead(1)},
            {"agent_id": "late", "shift_end_at": ago(0)},
            {"agent_id": "busy", "presence": "busy"},
        ],
    ).problem
    assert problem.agent_cap.tolist() == [0, 0, 0, 0]
    assert not problem.lane_cap.any()


def test_each_further_conversation_of_a_tick_costs_a_step_more() -> None:
    """(n - 1) * 0.02: 0, 20 and 40 thousandths for an agent who may get three."""
    problem = stated(waiting("email"), agents=[{"agent_id": "a"}]).problem
    assert problem.load_cost.tolist() == [[0, 20, 40]]


def test_only_named_sites_with_agents_are_capped() -> None:
    """Porto has 2, Lima none, Oslo has no agents: one capped site, others have no position."""
    policy = replace(Policy(), site_caps={"porto": 2, "oslo": 7})
    found = stated(
        waiting("email"),
        policy,
        agents=[
            {"agent_id": "a", "site": "lima"},
            {"agent_id": "b", "site": "porto"},
            {"agent_id": "c", "site": "porto"},
        ],
    )
    assert (found.sites, found.problem.site_cap.tolist()) == (("porto",), [2])
    assert found.problem.agent_site.tolist() == [-1, 0, 0]


def test_no_mix_of_new_conversations_overfills_an_agent() -> None:
    """Whatever of its eligible conversations an agent gets within a mix, the units fit."""
    rng = np.random.default_rng(7)
    names = ["chat", "messaging", "social", "email", "case"]
    for _ in range(25):
        units = float(rng.integers(5, 150))
        found = stated(
            waiting(*rng.choice(names, 8)), agents=[{"agent_id": "a", "capacity_units": units}]
        )
        problem = found.problem
        lane = problem.contact_lane[problem.pairs.contact]
        weights = found.conversations.units["units"].to_numpy()[problem.pairs.contact]
        for mix in problem.all_mixes.count:
            taken = [np.sort(weights[lane == of])[::-1][:count] for of, count in enumerate(mix)]
            worst = np.sort(np.concatenate(taken))[::-1][: int(problem.agent_cap[0])]
            assert worst.sum() <= units


@pytest.mark.parametrize(
    ("units", "capacity", "fits"), [(0.1, 0.3, 3), (200 / 3, 200.0, 2), (66.666666, 200.0, 3)]
)
def test_what_fits_does_not_hang_on_a_last_bit(units: float, capacity: float, fits: int) -> None:
    """0.3 / 0.1 is 2.9999... in floats, yet three fit; three times 66.666667 is more than 200."""
    policy = with_channel(Policy(), Channel.EMAIL, units=units, max_new_per_tick=9)
    batch = tiny(
        agents=[{"agent_id": "a", "capacity_units": capacity}],
        agent_channels=serves("a", email=9),
        contacts=[{"contact_id": f"c{n}"} for n in range(5)],
    )
    stated = build_problem(batch, policy)
    assert stated.problem.agent_cap.tolist() == [fits]
    plan = stated.to_plan(solve(stated.problem, SolveOptions()))
    assert audit(plan, recount(batch, policy)) == ()


def test_a_caller_with_an_open_email_can_be_answered() -> None:
    """100 + 0.25 * 10 units are capped at 100, all that a usual agent has."""
    batch = tiny(
        agents=[{"agent_id": "a"}],
        agent_channels=serves("a", voice=1, email=9),
        contacts=[
            {"contact_id": "call", "customer_id": "u", "channel": "voice"},
            {"contact_id": "mail", "customer_id": "u", "channel": "email"},
        ],
    )
    stated = build_problem(batch, Policy())
    plan = stated.to_plan(solve(stated.problem, SolveOptions()))
    assert plan.assignments["contact_id"].to_list() == ["call", "mail"]
    assert audit(plan, recount(batch, Policy())) == ()
