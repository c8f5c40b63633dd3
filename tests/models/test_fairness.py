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


def worths(*agents: Row, policy: Policy | None = None) -> list[float]:
    """Tie-break by agent."""
    chosen = policy or Policy()
    batch = tiny(agents=list(agents))
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


@settings(max_examples=25, deadline=None)
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
        (0.0, HOUR, 0.02),
        (900.0, HOUR, 0.015),  # a quarter of the time is gone
        (HOUR, HOUR, 0.0),
        (2 * HOUR, HOUR, 0.0),  # at most always busy
        (None, HOUR, 0.02),  # nothing known counts as nothing done
        (900.0, None, 0.02),
        (900.0, 0.0, 0.02),
    ],
)
def test_of_equal_agents_the_one_who_did_less_is_preferred(
    handled_s: float | None, productive_s: float | None, worth: float
) -> None:
    """0.02 * (1 - handled / productive), beside idleness, which is 0 for who was just assigned."""
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
