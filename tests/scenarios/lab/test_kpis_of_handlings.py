"""KPIs over handlings and agents' states: handling time, occupancy, captured value."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from models.kpis import busy_spans, captured_share, gap_closed, mean_handle_s, occupancy
from models.tables import INSTANT

START = datetime(2026, 11, 18, 10, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """An instant that many seconds after the start."""
    return START + timedelta(seconds=seconds)


def handlings(*rows: tuple[int, float, float, float]) -> pl.DataFrame:
    """Rows of agent, answered, conversation ended, wrapped up."""
    return pl.DataFrame(
        [(agent, at(a), at(b), at(c)) for agent, a, b, c in rows],
        schema={
            "agent_id": pl.Int64(),
            "answered_at": INSTANT,
            "ended_at": INSTANT,
            "wrapped_up_at": INSTANT,
        },
        orient="row",
    )


def states(*rows: tuple[int, str, float, float]) -> pl.DataFrame:
    """Rows of agent, state, from, until."""
    return pl.DataFrame(
        [(agent, state, at(a), at(b)) for agent, state, a, b in rows],
        schema={
            "agent_id": pl.Int64(),
            "state": pl.String(),
            "started_at": INSTANT,
            "ended_at": INSTANT,
        },
        orient="row",
    )


def test_handling_time_includes_wrap_up() -> None:
    """(100 + 20 of wrap-up) and 300 without any: 420 / 2 = 210 s."""
    found = mean_handle_s(handlings((1, 0, 100, 120), (2, 50, 350, 350)))
    assert found == pytest.approx(210.0)


def test_contacts_at_once_occupy_once() -> None:
    """Three chats over 0-100, 50-150, 150-160 and a call 200-250: one span of 160 s, one of 50."""
    rows = handlings((1, 0, 100, 100), (1, 50, 140, 150), (1, 150, 160, 160), (1, 200, 250, 250))
    spans = busy_spans(rows).rows()
    assert spans == [(1, at(0), at(160)), (1, at(200), at(250))]
    assert occupancy(rows, states((1, "available", 0, 420))) == pytest.approx(210 / 420)


def test_a_long_contact_hides_the_short_one_inside_it() -> None:
    """0-100 holds 10-20 inside; 50-60 is inside too, so the span does not end at 20."""
    rows = handlings((1, 0, 100, 100), (1, 10, 20, 20), (1, 50, 60, 60))
    assert busy_spans(rows).rows() == [(1, at(0), at(100))]


def test_only_available_time_counts() -> None:
    """Available 0-100 and 200-300; busy 50-250: 50 + 50 of 200 s. Breaks count on neither side."""
    rows = handlings((1, 50, 250, 250))
    spans = states((1, "available", 0, 100), (1, "nonproductive", 100, 200))
    spans = pl.concat([spans, states((1, "available", 200, 300))])
    assert occupancy(rows, spans) == pytest.approx(0.5)


def test_agents_are_kept_apart() -> None:
    """Agent 1 is busy 100 of 100 s, agent 2 none of 100 s: one half together."""
    spans = states((1, "available", 0, 100), (2, "available", 0, 100))
    assert occupancy(handlings((1, 0, 100, 100)), spans) == pytest.approx(0.5)


def test_nothing_handled_is_zero_occupied_and_nobody_there_is_unknown() -> None:
    """0 of 100 s is 0; of no time at all it is None."""
    assert occupancy(handlings(), states((1, "available", 0, 100))) == 0.0
    assert occupancy(handlings((1, 0, 9, 9)), states((1, "offline", 0, 100))) is None
    assert mean_handle_s(handlings()) is None


def test_captured_and_closed_shares() -> None:
    """90 of 100 is captured; from 80 to 90 of the 20 to the bound, half the gap is closed."""
    assert captured_share(90.0, 100.0) == pytest.approx(0.9)
    assert gap_closed(90.0, 80.0, 100.0) == pytest.approx(0.5)
    assert captured_share(1.0, 0.0) is None
    assert gap_closed(1.0, 2.0, 2.0) is None
