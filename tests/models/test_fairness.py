"""Shares of today's work, minutes and not contacts (`docs/model.md` 5)."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.capacity import build_agent_state
from models.fairness import balance, excess_cost
from models.policy import Policy
from tests.models.tiny import NOW, Row, ago, ahead, tiny

HOUR = 3600.0


def agent(name: str, handled_s: float | None, productive_s: float | None) -> Row:
    """An agent with so much of today's work."""
    return {"agent_id": name, "handled_s": handled_s, "productive_s": productive_s}


def costs(*agents: Row, policy: Policy | None = None) -> list[float]:
    """Cost of a further contact, by agent."""
    chosen = policy or Policy()
    state = build_agent_state(tiny(agents=list(agents)), chosen)
    found: list[float] = excess_cost(state, chosen)[0].tolist()
    return found


def worths(
    *agents: Row, policy: Policy | None = None, agent_load: list[Row] | None = None
) -> list[float]:
    """Tie-break by agent."""
    chosen = policy or Policy()
    batch = tiny(agents=list(agents), agent_load=agent_load or [])
    found: list[float] = balance(batch, build_agent_state(batch, chosen), chosen)[0].tolist()
    return found


def test_who_did_more_than_the_fair_share_costs_more() -> None:
    """5400 of 9000 s handled in half of the productive time: x = 0.6 / 0.5 = 1.2.

    Beyond the band of 0.15 that leaves 0.05, of 0.2: 0.01.
    """
    found = costs(agent("a", 5400.0, 4 * HOUR), agent("b", 3600.0, 4 * HOUR))
    assert found == pytest.approx([0.01, 0.0])


def test_part_time_is_a_smaller_fair_share() -> None:
    """A quarter of the time and a quarter of the work is fair; half of the work is twice that."""
    assert costs(agent("a", 900.0, HOUR), agent("b", 2700.0, 3 * HOUR)) == [0.0, 0.0]
    # x = 0.5 / 0.25 = 2, less 1.15: 0.85 of 0.2.
    found = costs(agent("a", 1800.0, HOUR), agent("b", 1800.0, 3 * HOUR))
    assert found == pytest.approx([0.17, 0.0])


def test_the_cost_is_capped() -> None:
    """x = 1 / 0.25 = 4 is 2.85 beyond the band, and counts as 1: 0.2."""
    assert costs(agent("a", 60.0, HOUR), agent("b", 0.0, 3 * HOUR)) == [0.2, 0.0]


@pytest.mark.parametrize(
    ("handled_s", "productive_s"), [(None, HOUR), (9000.0, None), (9000.0, 0.0)]
)
def test_agents_of_whom_too_little_is_known_are_left_out(
    handled_s: float | None, productive_s: float | None
) -> None:
    """They cost nothing and change nobody's share: that of `a` alone is 1 of 1."""
    found = costs(agent("a", 3600.0, HOUR), agent("b", handled_s, productive_s))
    assert found == [0.0, 0.0]


def test_nobody_is_beyond_a_share_of_nothing() -> None:
    """At the start of the day nobody has handled anything."""
    assert costs(agent("a", 0.0, HOUR), agent("b", 0.0, HOUR)) == [0.0, 0.0]
    assert costs() == []


minutes = st.floats(1.0, 600.0)


@settings(max_examples=15, deadline=None)
@given(work=st.lists(st.tuples(minutes, minutes), min_size=2, max_size=6), factor=minutes)
def test_only_shares_matter(work: list[tuple[float, float]], factor: float) -> None:
    """Counted in other units the costs are the same, and somebody always pays nothing."""
    today = [agent(f"a{n}", handled, productive) for n, (handled, productive) in enumerate(work)]
    scaled = [
        row | {"handled_s": row["handled_s"] * factor, "productive_s": row["productive_s"] * 2}
        for row in today
    ]
    found = costs(*today)
    assert costs(*scaled) == pytest.approx(found, abs=1e-9)
    assert min(found) == 0.0
    assert max(found) <= 0.2


@pytest.mark.parametrize(
    ("handled_s", "productive_s", "worth"),
    [
        (0.0, HOUR, 0.06),
        (900.0, HOUR, 0.045),  # a quarter of the time is gone
        (HOUR, HOUR, 0.0),
        (2 * HOUR, HOUR, 0.0),  # at most always busy
        (None, HOUR, 0.06),  # nothing known counts as nothing done
        (900.0, None, 0.06),
        (900.0, 0.0, 0.06),
    ],
)
def test_of_equal_agents_the_one_who_did_less_is_preferred(
    handled_s: float | None, productive_s: float | None, worth: float
) -> None:
    """0.06 * (1 - handled / productive), beside idleness, which is 0 for who was just assigned."""
    row = agent("a", handled_s, productive_s) | {"idle_since": NOW}
    assert worths(row) == pytest.approx([worth])


def test_the_time_that_counts_as_fully_idle_is_a_number_of_the_policy() -> None:
    """150 s of 300 are half of 0.05; ahead of the clock is 0, unknown is all of it."""
    policy = replace(Policy(), idle_full_s=300.0, utilisation_worth=0.0)
    rows = [
        {"agent_id": name, "idle_since": since}
        for name, since in (("a", ago(150)), ("b", ahead(9)), ("d", None), ("e", ago(900)))
    ]
    assert worths(*rows, policy=policy) == pytest.approx([0.025, 0.0, 0.05, 0.05])


def item(contact_id: str, agent_id: str, **more: object) -> Row:
    """A chat that an agent holds."""
    held = {"contact_id": contact_id, "agent_id": agent_id, "channel": "chat"}
    return held | {"last_customer_at": ago(5)} | more


def test_each_item_that_an_agent_holds_costs() -> None:
    """0.1 for each; offered and in wrap-up ones too, parked ones and those that are over not."""
    policy = replace(Policy(), utilisation_worth=0.0)
    agents = [{"agent_id": name} for name in "abcd"]
    load = [
        item("h1", "b"),
        item("h2", "b", state="offered"),
        item("h3", "b", state="wrap_up", state_since=ago(59)),
        item("h4", "c", state="parked"),
        item("h5", "c", last_customer_at=ago(180)),  # inactive for as long as counts as parked
        item("h6", "d", state="wrap_up", state_since=ago(60)),  # a chat's wrap-up is over by now
    ]
    found = worths(*agents, policy=policy, agent_load=load)
    assert found == pytest.approx([0.0, -0.3, 0.0, 0.0])
    dearer = replace(policy, busy_cost=1.5)
    assert worths(*agents, policy=dearer, agent_load=load)[1] == pytest.approx(-4.5)


def test_who_holds_nothing_is_preferred_to_who_is_idle_for_longer_and_did_less() -> None:
    """`a` has a chat and no work today, idle for 600 s: 0.05 + 0.06 - 0.1 = 0.01.

    `b` has none, and everything else against them: idle for 150 s of 600, half of the day busy,
    0.0125 + 0.03.
    """
    rows = [
        agent("a", 0.0, HOUR) | {"idle_since": ago(600)},
        agent("b", HOUR / 2, HOUR) | {"idle_since": ago(150)},
    ]
    busy = worths(*rows, agent_load=[item("h", "a")])
    assert busy == pytest.approx([0.01, 0.0425])
    assert worths(*rows) == pytest.approx([0.11, 0.0425])


def test_the_item_that_ends_before_an_agent_is_free_does_not_count() -> None:
    """`a` is free in 30 s: of a call and an email that they hold, the email is left."""
    load = [
        item("call", "a", channel="voice", expected_end_at=ahead(30)),
        item("mail", "a", channel="email"),
    ]
    policy = replace(Policy(), utilisation_worth=0.0)
    assert worths({"agent_id": "a"}, policy=policy, agent_load=load) == pytest.approx([-0.1])
