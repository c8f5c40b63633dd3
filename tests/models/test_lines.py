"""Section 5 of `docs/model.md`: among equals of a queue and channel, first come, first served."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batch_problem import BatchProblem, build_problem
from models.policy import Policy
from models.tables import Channel
from tests.models.tiny import Row, ago, pair_gains, tiny, with_channel

PLAIN = replace(Policy(), idle_worth=0.0, utilisation_worth=0.0, busy_cost=0.0)
"""Agents do not differ."""


def stated(policy: Policy, /, **tables: list[Row]) -> BatchProblem:
    """A tiny batch as a problem; unless named, `a` could serve everything."""
    base: dict[str, list[Row]] = {"agents": [{"agent_id": "a"}]}
    return build_problem(tiny(**base | tables), policy)


def priorities(found: BatchProblem) -> dict[str, float]:
    """The term `priority` by lead contact."""
    leads = found.conversations.units["lead_contact_id"].to_list()
    return dict(zip(leads, found.gain.priority.tolist(), strict=True))


def test_whoever_came_first_in_a_line_is_worth_a_thousandth_more_for_each_who_came_later() -> None:
    """By clock and then by id, over all emails of the queue, whatever else parts them.

    `b` wrote again 30 s ago and counts from then; the case and the other queue are other lines.
    """
    found = stated(
        PLAIN,
        queues=[{"queue_id": "q"}, {"queue_id": "r"}],
        contacts=[
            {"contact_id": "a", "entered_at": ago(20)},
            {"contact_id": "b", "entered_at": ago(900), "last_message_at": ago(30)},
            {"contact_id": "c", "entered_at": ago(20), "language": "es"},
            {"contact_id": "d", "entered_at": ago(10), "profiles": "x"},
            {"contact_id": "e", "entered_at": ago(99), "channel": "case"},
            {"contact_id": "f", "entered_at": ago(99), "queue_id": "r"},
        ],
    )
    expected = {"b": 0.003, "a": 0.002, "c": 0.001, "d": 0.0, "e": 0.0, "f": 0.0}
    assert priorities(found) == pytest.approx(expected, abs=1e-12)


def test_of_a_long_line_the_first_hundred_are_told_apart() -> None:
    """102 emails: 0.099 for the oldest, 0 for the hundredth and whoever came later."""
    waiting = [{"contact_id": f"c{n:03}", "entered_at": ago(500 - n)} for n in range(102)]
    found = priorities(stated(PLAIN, contacts=waiting))
    expected = [max(99 - n, 0) / 1000 for n in range(102)]
    assert [found[f"c{n:03}"] for n in range(102)] == pytest.approx(expected, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(
    channel=st.sampled_from(["voice", "chat", "messaging", "email"]),
    waits=st.lists(st.integers(1, 1000), min_size=2, max_size=6, unique=True),
    target_s=st.integers(1, 1001),
    num_agents=st.integers(1, 3),
)
def test_whoever_came_first_of_equals_gains_most(
    channel: str, waits: list[int], target_s: int, num_agents: int
) -> None:
    """By at least a thousandth, with every agent, before the target, across it and after it.

    Classes by urgency and hold right do not matter.
    """
    found = stated(
        with_channel(PLAIN, Channel(channel), max_wait_s=0.0),
        queues=[{"queue_id": "q", "target_answer_s": float(target_s)}],
        agents=[{"agent_id": f"a{n}"} for n in range(num_agents)],
        contacts=[
            {"contact_id": f"c{n}", "channel": channel, "entered_at": ago(wait)}
            for n, wait in enumerate(waits)
        ],
    )
    gains = pair_gains(found)
    for agent in range(num_agents):
        in_order = [
            gains[f"c{waits.index(wait)}", f"a{agent}"] for wait in sorted(waits, reverse=True)
        ]
        assert all(older > younger for older, younger in pairwise(in_order))
