"""Section 3 of `docs/model.md`: who helps whom, who is kept back, how long a queue will take.

There are a queue `q`, which borrows, and a queue `to`, which may lend.
"""

from typing import Any

import polars as pl
import pytest

from models.capacity import build_agent_state
from models.hours import build_hours
from models.overflow import Overflow, build_overflow
from models.policy import Policy
from tests.models.tiny import Row, ago, ahead, tiny

LENDER: Row = {"queue_id": "to", "arrivals_per_h": 0.0}
CLOSED: Row = {"queue_id": "q", "calendar_id": "a calendar without openings"}


def overflow_of(**tables: list[Row]) -> Overflow:
    """Overflow of a tiny batch; unless given, `a` serves `q` and `z` serves `to`."""
    base: dict[str, list[Row]] = {
        "queues": [{"queue_id": "q"}, LENDER],
        "agents": [{"agent_id": "a"}, {"agent_id": "z"}],
        "queue_members": members("q", "a") + members("to", "z"),
    }
    batch = tiny(**base | tables)
    policy = Policy()
    agents = build_agent_state(batch, policy)
    return build_overflow(batch, policy, agents, build_hours(batch, policy))


def members(queue_id: str, *agent_ids: str) -> list[Row]:
    """Rows of `queue_members`."""
    return [{"queue_id": queue_id, "agent_id": agent_id} for agent_id in agent_ids]


def waiting(number: int) -> list[Row]:
    """So many contacts of `q`."""
    return [{"contact_id": f"c{place}"} for place in range(number)]


def helps(condition: str, threshold: float = 0.0, **more: object) -> list[Row]:
    """One row of `overflow` from `q` to `to`."""
    row = {"queue_id": "q", "to_queue_id": "to", "condition": condition, "threshold": threshold}
    return [row | more]


def is_open(**tables: Any) -> bool:  # noqa: ANN401
    """Whether the one row of `overflow` is open."""
    return len(overflow_of(**tables).open_rows) == 1


def state_of(found: Overflow, queue_id: str) -> Row:
    """The row of one queue."""
    return found.queues.row(by_predicate=pl.col("queue_id") == queue_id, named=True)


def kept_of(found: Overflow) -> list[str]:
    """Agents whom `to` keeps back."""
    return found.kept_back.filter(queue_id="to")["agent_id"].to_list()


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"overflow": helps("backlog", 2), "contacts": waiting(2)}, False),
        ({"overflow": helps("backlog", 2), "contacts": waiting(3)}, True),
        # 90 s a contact, one of the three goes to `a`, who is alone: (3 - 1) * 90 / 1 = 180
        ({"overflow": helps("predicted_wait", 180), "contacts": waiting(3)}, False),
        ({"overflow": helps("predicted_wait", 179.9), "contacts": waiting(3)}, True),
        ({"overflow": helps("closed")}, False),
        ({"overflow": helps("closed"), "queues": [CLOSED, LENDER]}, True),
    ],
)
def test_a_row_is_open_while_its_condition_holds(
    tables: dict[str, list[Row]], expected: bool
) -> None:
    """Either side of every threshold."""
    assert is_open(**tables) is expected


@pytest.mark.parametrize("condition", ["backlog", "predicted_wait", "waited"])
def test_a_closed_queue_gets_help_only_for_being_closed(condition: str) -> None:
    """What waits in a closed queue waits for its opening, unless a row says otherwise."""
    tables = {"overflow": helps(condition), "contacts": waiting(9)}
    assert is_open(**tables)
    assert not is_open(**tables, queues=[CLOSED, LENDER])


@pytest.mark.parametrize(
    ("lender", "expected"),
    [
        ({"arrivals_per_h": 3.0}, True),
        ({"arrivals_per_h": None}, False),
        ({"arrivals_per_h": 3.0, "service_level": 0.8}, True),  # lend_service_level
        ({"arrivals_per_h": 3.0, "service_level": 0.79}, False),
        ({"arrivals_per_h": 3.0, "calendar_id": "none"}, False),
    ],
)
def test_a_queue_helps_while_it_is_open_and_lends(lender: Row, expected: bool) -> None:
    """Arrivals are known, the service level is not known to be low, and it is open."""
    queues = [{"queue_id": "q"}, {"queue_id": "to"} | lender]
    assert is_open(overflow=helps("waited", 1), queues=queues) is expected


def test_a_queue_without_members_helps_nobody() -> None:
    """Its contacts are open to whoever has the skills, which is no team that could help."""
    assert not is_open(overflow=helps("waited", 1), queue_members=members("q", "a"))


def test_what_only_a_conversation_knows_is_left_to_it() -> None:
    """Threshold and tier stay in the row."""
    rows = overflow_of(overflow=helps("waited", 600.0, tier="gold")).open_rows
    assert rows.rows() == [("q", "to", "waited", 600.0, "gold")]


def test_predicted_wait_divides_the_queue_by_the_agents_who_are_there() -> None:
    """Members count with 1 over the number of their queues; away, off shift: not at all.

    `q` has 7 contacts, `a` and `b` are free, `c` is busy, `d` away: 120 s * (7 - 2) / N with
    N = 1 + 1/2 + 1/3 (`b` serves two queues, `c` three).
    """
    found = overflow_of(
        queues=[{"queue_id": "q", "mean_handle_s": 120.0}, LENDER, {"queue_id": "x"}],
        agents=[
            {"agent_id": "a"},
            {"agent_id": "b"},
            {"agent_id": "c", "presence": "busy"},
            {"agent_id": "d", "presence": "away"},
            {"agent_id": "e", "shift_end_at": ago(1)},
        ],
        queue_members=[
            *members("q", "a", "b", "c", "d", "e", "unknown"),
            *members("to", "b", "c"),
            *members("x", "c"),
        ],
        contacts=waiting(7),
    )
    state = state_of(found, "q")
    assert (state["num_waiting"], state["num_free"]) == (7, 2)
    assert state["effective_agents"] == pytest.approx(11 / 6)
    assert state["predicted_wait_s"] == pytest.approx(600 / (11 / 6))


def test_a_queue_without_members_counts_every_agent_as_one() -> None:
    """Three agents are there, two of them free: 90 s * (5 - 2) / 3."""
    found = overflow_of(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}, {"agent_id": "c", "presence": "busy"}],
        queue_members=members("to", "a", "b"),
        contacts=waiting(5),
    )
    state = state_of(found, "q")
    assert (state["num_free"], state["effective_agents"]) == (2, 3.0)
    assert state["predicted_wait_s"] == 90.0


def test_where_nobody_is_there_the_wait_is_unknown_and_help_may_come() -> None:
    """However high the threshold."""
    tables: dict[str, list[Row]] = {
        "agents": [{"agent_id": "a", "presence": "offline"}, {"agent_id": "z"}],
        "overflow": helps("predicted_wait", 1e9),
        "contacts": waiting(1),
    }
    assert state_of(overflow_of(**tables), "q")["predicted_wait_s"] is None
    assert is_open(**tables)


FOUR: list[Row] = [
    {"agent_id": "a", "idle_since": ago(10)},
    {"agent_id": "b", "idle_since": ago(20)},
    {"agent_id": "c", "idle_since": ago(10)},
    {"agent_id": "d", "idle_since": None},
]


@pytest.mark.parametrize(
    ("arrivals_per_h", "kept"),
    [
        (0.0, []),
        (0.1, ["c"]),  # a part of a contact needs a whole agent; `a` ties and comes first
        (12.0, ["c"]),  # 12 / h * 300 s = 1
        (12.1, ["a", "c"]),
        (36.0, ["a", "b", "c"]),
        (48.0, ["a", "b", "c", "d"]),  # who never had anything helps first
        (480.0, ["a", "b", "c", "d"]),
    ],
)
def test_a_lender_keeps_back_who_became_idle_last(arrivals_per_h: float, kept: list[str]) -> None:
    """An agent for every contact expected within `lend_horizon_s` = 300 s."""
    found = overflow_of(
        queues=[{"queue_id": "q"}, {"queue_id": "to", "arrivals_per_h": arrivals_per_h}],
        agents=FOUR,
        queue_members=members("to", "a", "b", "c", "d"),
    )
    assert kept_of(found) == kept


def test_members_who_are_not_free_do_not_help() -> None:
    """Busy, off shift or silent: they are kept back, and no free one is kept in their place."""
    expired: Row = {"event": "expired", "offered_at": ago(30), "event_at": ago(10)}
    found = overflow_of(
        queues=[{"queue_id": "q"}, {"queue_id": "to", "arrivals_per_h": 12.0}],
        agents=[
            {"agent_id": "a"},
            {"agent_id": "b", "idle_since": ago(60)},
            {"agent_id": "busy", "presence": "busy"},
            {"agent_id": "early", "shift_start_at": ahead(60)},
            {"agent_id": "silent"},
        ],
        queue_members=members("to", "a", "b", "busy", "early", "silent"),
        offers=[{"contact_id": "c", "agent_id": "silent", "channel": "chat"} | expired],
    )
    assert kept_of(found) == ["a", "busy", "early", "silent"]


def test_a_queue_that_does_not_lend_keeps_nobody_back() -> None:
    """`kept_back` lists members of lending queues only."""
    found = overflow_of(queues=[{"queue_id": "q"}, {"queue_id": "to"}])
    assert found.kept_back.is_empty()
