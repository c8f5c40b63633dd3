"""Section 4 of `docs/model.md`: how many new conversations fit an agent, and which together."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audit import audit, recount
from models.batch_problem import BatchProblem, build_problem
from models.count_vectors import MOST_VECTORS, Limits, Rules, build_fits
from models.policy import Policy, ProfilePolicy
from models.solution import SolveOptions
from models.tables import Channel
from solver.solve import solve
from tests.models.tiny import Row, ago, ahead, serves, tiny, with_channel

LANES = tuple(Channel)
LIVE = (Channel.VOICE, Channel.VIDEO, Channel.CALLBACK)


def held(contact_id: str = "h", agent_id: str = "a", /, **changes: object) -> Row:
    """A held item."""
    return {"contact_id": contact_id, "agent_id": agent_id} | changes


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
    names = lane_names(found)
    return [
        " + ".join(
            f"{count} {names[lane]}"
            for lane, count in zip(asked.tolist(), vector, strict=True)
            if count
        )
        for vector in maximal
    ]


def lane_names(found: BatchProblem) -> list[str]:
    """Names of all lanes: `email`, or `email[x]` for those that carry a profile."""
    lanes = found.conversations.lanes
    return [
        f"{channel}[{profiles}]" if profiles else channel
        for channel, profiles in lanes.select("channel", "profiles").iter_rows()
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


def carrying(*named: tuple[str, str]) -> list[Row]:
    """One waiting contact of each (channel, profiles) named."""
    return [
        {"contact_id": f"c{n}", "channel": channel, "profiles": profiles}
        for n, (channel, profiles) in enumerate(named)
    ]


def limited(**most: int) -> Policy:
    """Policy with these limits of capacity profiles at a time."""
    return replace(Policy(), profiles={name: ProfilePolicy(n) for name, n in most.items()})


@pytest.mark.parametrize(
    ("policy", "contacts", "mixes"),
    [
        # Three new emails in a tick, whichever lane they come in.
        (
            limited(),
            [("email", ""), ("email", "x")],
            "1 email + 2 email[x] | 2 email + 1 email[x] | 3 email | 3 email[x]",
        ),
        (
            limited(x=2),
            [("email", ""), ("email", "x")],
            "1 email + 2 email[x] | 2 email + 1 email[x] | 3 email",
        ),
        (limited(x=0), [("email", ""), ("email", "x")], "3 email"),
        (
            limited(x=2),
            [("email", "x"), ("case", "x")],
            "1 email[x] + 1 case[x] | 2 case[x] | 2 email[x]",
        ),
        (limited(x=1, y=1), [("email", "x"), ("email", "y")], "1 email[x] + 1 email[y]"),
        (limited(x=1), [("email", "y, x"), ("email", "x")], "1 email[x,y] | 1 email[x]"),
        (
            limited(high=2, total=3),
            [("email", "high,total"), ("case", "total")],
            "1 email[high,total] + 2 case[total] | 2 email[high,total] + 1 case[total]"
            " | 3 case[total]",
        ),
    ],
)
def test_lanes_that_share_a_channel_or_a_profile_share_its_cap(
    policy: Policy, contacts: list[tuple[str, str]], mixes: str
) -> None:
    """A lane is a channel with profiles; what it takes counts in its channel and its profiles."""
    found = stated(carrying(*contacts), policy, agents=[{"agent_id": "a"}])
    assert sorted(mix_names(found)) == sorted(mixes.split(" | "))


def test_a_channel_that_blocks_itself_comes_once_in_all_its_lanes() -> None:
    """Calls of 10 units would fit ten times, but who talks to one caller talks to no other."""
    policy = with_channel(Policy(), Channel.VOICE, units=10.0, max_new_per_tick=5)
    found = stated(carrying(("voice", ""), ("voice", "x")), policy, agents=[{"agent_id": "a"}])
    assert sorted(mix_names(found)) == ["1 voice", "1 voice[x]"]


def test_the_hourly_limit_caps_all_lanes_of_a_channel() -> None:
    """Two an hour, one had: one more email, with a profile or without."""
    policy = with_channel(Policy(), Channel.EMAIL, max_per_hour=2)
    offer = {"contact_id": "o", "agent_id": "a", "channel": "email", "event": "accepted"}
    found = stated(
        carrying(("email", ""), ("email", "x")),
        policy,
        agents=[{"agent_id": "a"}],
        offers=[offer | {"offered_at": ago(60), "event_at": ago(50)}],
    )
    assert sorted(mix_names(found)) == ["1 email", "1 email[x]"]


@pytest.mark.parametrize(
    ("extra", "mixes"),
    [
        (0.0, ["1 messaging", "1 voice"]),  # a message beside the call would make 125 of 100
        (25.0, ["1 voice + 1 messaging"]),  # the call ignores messages; these have 125 units
    ],
)
def test_what_yields_takes_no_units_from_what_interrupts_it(
    extra: float, mixes: list[str]
) -> None:
    """Messaging yields to voice, voice yields to nothing; here a call blocks nothing, either."""
    policy = with_channel(Policy(), Channel.VOICE, blocks=())
    policy = with_channel(policy, Channel.MESSAGING, extra_units=extra)
    found = stated(waiting("voice", "messaging"), policy, agents=[{"agent_id": "a"}])
    assert sorted(mix_names(found)) == mixes


def assigned(
    contacts: list[Row], policy: Policy | None = None, /, **tables: list[Row]
) -> set[str]:
    """Contacts that the best plan of a tiny batch assigns."""
    found = stated(contacts, policy, **tables)
    plan = found.to_plan(solve(found.problem, SolveOptions()))
    return set(plan.assignments["contact_id"])


def test_a_call_interrupts_four_messages() -> None:
    """An agent full of messages takes the call, and neither an email nor one more message."""
    full = [held(f"m{n}", channel="messaging") for n in range(4)]
    agents: list[Row] = [{"agent_id": "a"}]
    for channel, given_to_a in (("voice", True), ("email", False), ("messaging", False)):
        got = assigned(waiting(channel), agents=agents, agent_load=full)
        assert got == ({"c0"} if given_to_a else set())


@pytest.mark.parametrize(
    ("channel", "waited_s", "yields_to", "given_to_a"),
    [
        ("voice", 10.0, (), {"mail"}),  # half of the 20 s that a call may wait
        ("voice", 11.0, (), set()),
        ("voice", 11.0, LIVE, {"mail"}),  # it takes nothing away from the call
        ("chat", 50.0, (), {"mail"}),  # of 60 s: nobody drains for a chat
    ],
)
def test_freed_units_are_not_refilled_while_a_call_waits(
    channel: str, waited_s: float, yields_to: tuple[Channel, ...], given_to_a: set[str]
) -> None:
    """Four cases that yield to nobody leave 20 units: an email would fit, a call or chat does not.

    Beyond half of its time the call has the agent drain: refilled with emails that do not yield to
    calls, they would never have room for it.
    """
    policy = with_channel(Policy(), Channel.CASE, yields_to=())
    policy = with_channel(policy, Channel.EMAIL, yields_to=yields_to)
    contacts: list[Row] = [
        {"contact_id": "late", "channel": channel, "entered_at": ago(waited_s)},
        {"contact_id": "mail", "channel": "email"},
    ]
    load = [held(f"h{n}", channel="case") for n in range(4)]
    assert assigned(contacts, policy, agents=[{"agent_id": "a"}], agent_load=load) == given_to_a


@pytest.mark.parametrize(
    ("state", "channel", "blocked"),
    [
        ("offered", "chat", {"voice", "video", "callback", "chat"}),
        ("active", "chat", {"voice", "video", "callback"}),  # answered: what it blocks, it blocks
        ("parked", "chat", set()),
        ("offered", "email", set()),  # rings nowhere
        ("offered", "voice", set(LANES)),  # a call keeps everything away anyway
    ],
)
def test_one_real_time_offer_at_a_time(state: str, channel: str, blocked: set[str]) -> None:
    """While something real-time rings, nothing else real-time may: a second ring is missed."""
    # An agent of its own for each channel, all of whom hold the same.
    got = assigned(
        [{"contact_id": lane, "channel": lane, "queue_id": lane} for lane in LANES],
        queues=[{"queue_id": lane} for lane in LANES],
        queue_members=[{"queue_id": lane, "agent_id": lane} for lane in LANES],
        agents=[{"agent_id": lane, "capacity_units": 300.0} for lane in LANES],
        agent_load=[
            held(f"h-{lane}", lane, channel=channel, state=state, last_customer_at=ago(5))
            for lane in LANES
        ],
    )
    assert got == set(LANES) - blocked


def test_too_many_mixes_with_shared_lanes_keep_the_smallest_shared_cap() -> None:
    """Two lanes more, which carry a profile with room for two: two in all, not floor(100 / 21)."""
    policy = limited(x=2)
    weights = {"chat": 20.0, "messaging": 21.0, "social": 7.0, "email": 9.0, "case": 11.0}
    for name, weight in weights.items():
        policy = with_channel(policy, Channel(name), units=weight, max_new_per_tick=9)
    shared = carrying(("email", "x"), ("case", "x"))
    others = [row | {"contact_id": f"d{n}"} for n, row in enumerate(waiting(*weights))]
    tables = {
        "agents": [{"agent_id": "a"}],
        "agent_channels": serves("a", **dict.fromkeys(weights, 9)),
    }
    found = stated([*others, *shared], policy, **tables)
    assert (found.problem.mixes, found.problem.agent_cap.tolist()) == (None, [2])


def test_one_conversation_fits_alone_however_many_mixes_there_are() -> None:
    """More than 1,000 of small ones; the case that is held yields to calls and to nothing else.

    A call of 100 units fits into its 100, the others have 60: floor(60 / 100) would be none.
    """
    policy = with_channel(Policy(), Channel.VOICE, blocks=())
    for name in ("chat", "messaging", "social", "email"):
        policy = with_channel(policy, Channel(name), units=1.0, max_new_per_tick=9, blocks=())
    small = ("chat", "messaging", "social", "email")
    names = ("voice", *small)
    tables: dict[str, list[Row]] = {
        "agents": [{"agent_id": "a"}],
        "agent_channels": serves("a", **dict.fromkeys(names, 9), case=9),
        "agent_load": [held("h", channel="case", units=40.0)],
    }
    waiting_for_a = waiting(*names, *small)
    found = stated(waiting_for_a, policy, **tables)
    # 10^4 vectors of the small ones alone.
    assert (found.problem.mixes, found.problem.agent_cap.tolist()) == (None, [1])
    assert len(assigned(waiting_for_a, policy, **tables)) == 1


@st.composite
def patterns(draw: st.DrawFn) -> tuple[Limits, Rules]:
    """Limits of a few agents in up to four lanes; every lane alone fits its cap."""
    lanes, budgets, groups = draw(st.integers(0, 4)), draw(st.integers(1, 2)), 2

    def flags(rows: int) -> np.ndarray:
        flat = draw(st.lists(st.booleans(), min_size=rows * lanes, max_size=rows * lanes))
        return np.array(flat, dtype=bool).reshape(rows, lanes)

    def numbers(columns: int, least: int, most: int) -> np.ndarray:
        ints = st.lists(st.integers(least, most), min_size=3 * columns, max_size=3 * columns)
        return np.array(draw(ints), dtype=np.int64).reshape(3, columns)

    clash = np.triu(flags(lanes), 1)
    guards = np.zeros((budgets, lanes), dtype=bool)
    guards[[draw(st.integers(0, budgets - 1)) for _ in range(lanes)], range(lanes)] = True
    rules = Rules(clash | clash.T, guards | flags(budgets), guards, flags(groups))
    limits = Limits(
        numbers(lanes, 0, 6), numbers(lanes, 1, 30), numbers(budgets, 0, 90), numbers(groups, 0, 9)
    )
    own = [limits.budget[:, row] for row in guards.argmax(axis=0)]
    cap = np.minimum(limits.cap, np.array(own).reshape(lanes, 3).T // limits.weight)
    for group in range(groups):
        tight = np.minimum(cap, limits.group_cap[:, [group]])
        cap = np.where(rules.group[group], tight, cap)
    return replace(limits, cap=cap), rules


def fitting(limits: Limits, rules: Rules, agent: int) -> list[tuple[int, ...]]:
    """Every count vector that fits, looked at one by one."""
    cap, weight = limits.cap[agent], limits.weight[agent]
    found = []
    for vector in itertools.product(*(range(most + 1) for most in cap.tolist())):
        count = np.array(vector, dtype=np.int64)
        there = count > 0
        clashes = rules.clash[np.ix_(there, there)].any()
        units = (rules.adds * (count * weight)).sum(axis=1)
        over = (units > limits.budget[agent]) & (rules.guards & there).any(axis=1)
        many = (rules.group * count).sum(axis=1) > limits.group_cap[agent]
        if not (clashes or over.any() or many.any()):
            found.append(vector)
    return found


def test_what_fits_an_agent_does_not_depend_on_who_else_is_there() -> None:
    """Of 300 agents, many of whom have too many vectors, each one alone gets the same."""
    rng = np.random.default_rng(11)
    weight = np.tile([5, 6, 7, 9, 11], (300, 1))
    budget = rng.integers(20, 140, (300, 1))
    cap = np.minimum(rng.integers(0, 9, weight.shape), budget // weight)
    limits = Limits(cap, weight, budget, np.zeros((300, 0), dtype=np.int64))
    every = np.ones((1, 5), dtype=bool)
    nothing = np.zeros((5, 5), dtype=bool)
    rules = Rules(nothing, every, every, nothing[:0])
    together = build_fits(limits, rules)
    assert 50 < np.count_nonzero(together.too_many) < 250
    for agent in range(300):
        alone = build_fits(limits.of(np.array([agent])), rules)
        assert alone.total.tolist() == [together.total[agent]]
        assert alone.too_many.tolist() == [together.too_many[agent]]
        rows = together.maximal[together.start[agent] : together.start[agent + 1]]
        assert alone.maximal.tolist() == rows.tolist()


@given(patterns())
@settings(max_examples=150, deadline=None)
def test_all_that_fits_is_found_at_once_as_one_by_one(case: tuple[Limits, Rules]) -> None:
    """Largest total; where caps and total do not say it all, every maximal vector."""
    limits, rules = case
    fits = build_fits(limits, rules)
    for agent in range(len(limits.cap)):
        vectors = fitting(limits, rules, agent)
        assert fits.too_many[agent] == (len(vectors) > MOST_VECTORS)
        if fits.too_many[agent]:
            continue
        total = max(map(sum, vectors))
        box = itertools.product(*(range(most + 1) for most in limits.cap[agent].tolist()))
        nested = sum(sum(vector) <= total for vector in box) == len(vectors)
        maximal = [v for v in vectors if not any(w != v and above(w, v) for w in vectors)]
        rows = map(tuple, fits.maximal[fits.start[agent] : fits.start[agent + 1]].tolist())
        assert (fits.total[agent], sorted(rows)) == (total, [] if nested else maximal)


def above(vector: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether a vector is nowhere below the other."""
    return all(a >= b for a, b in zip(vector, other, strict=True))
