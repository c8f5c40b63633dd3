"""Shifts, absences, pauses and readiness by hand."""

import numpy as np
import pytest

from scenarios.from_log.handling import Agents
from scenarios.from_log.presence import (
    QueueTimes,
    fit_presence,
    heads,
    is_away,
    queue_times,
    time_off,
)
from scenarios.from_log.readiness import fit_readiness, ready_share
from tests.scenarios.from_log.invented_months import month_of

AGENTS = Agents(("A", "B"), np.ones(2), np.ones((1, 2), dtype=np.bool_))
WAITING = QueueTimes(np.array([100.0, 500.0]), np.array([200.0, 700.0]))


def test_waits_that_overlap_are_one_stretch() -> None:
    """Waits from 0 to 50 and 40 to 80 leave no gap; one from 90 is another stretch."""
    rows: list[tuple[object, ...]] = [
        (0, "PS", 1, begin, wait_s, True, True, None, None)
        for begin, wait_s in ((40.0, 40.0), (0.0, 50.0), (90.0, 5.0))
    ]
    found = queue_times(month_of(rows, []).calls)
    assert found.from_s.tolist() == [0.0, 90.0]
    assert found.until_s.tolist() == [80.0, 95.0]


def test_time_with_somebody_waiting_is_counted_up_to_any_instant() -> None:
    """Stretches 100 to 200 and 500 to 700: at 150 half of the first, at 600 a half more."""
    at_s = np.array([50.0, 150.0, 300.0, 600.0, 900.0])
    assert WAITING.busy_s(at_s).tolist() == [0, 50, 100, 200, 300]
    assert WAITING.busy_until(at_s).tolist() == [50, 200, 300, 700, 900]


def test_away_is_who_takes_no_call_for_long_while_somebody_waits() -> None:
    """Long gaps count if 60 s of waiting fall into them, and any gap of more than an hour."""
    done = np.array([0.0, 0.0, 190.0, 800.0])
    taken = np.array([800.0, 1000.0, 1200.0, 5000.0])
    # 800 s is too short; 1000 s with 300 s of waiting; 1010 s with 210 s; 4200 s, nobody waits
    assert is_away(done, taken, WAITING).tolist() == [False, True, True, True]
    quiet = QueueTimes(np.array([100.0]), np.array([150.0]))
    assert is_away(np.array([0.0]), np.array([1000.0]), quiet).tolist() == [False]


def test_a_pause_is_seen_to_its_end_only_while_somebody_waits() -> None:
    """Calls end at 0 (quiet: unknown), 120 and 520; the queue empties at 200 and at 700."""
    off_s, is_event = time_off(
        np.array([0.0, 120.0, 520.0]), np.array([30.0, 130.0, 900.0]), WAITING
    )
    # 10 s until the next call; at least the 180 s until the queue was empty
    assert off_s.tolist() == [10.0, 180.0]
    assert is_event.tolist() == [True, False]


def test_heads_are_shifts_less_absences() -> None:
    """A works from 0 to 3600 s and is away from 900 to 2700; B works from 1800 to 2700."""
    rows: list[tuple[object, ...]] = [
        (0, "PS", None, 0.0, 0.0, False, False, 900.0, "A"),
        (0, "PS", None, 2700.0, 0.0, False, False, 900.0, "A"),
        (0, "PS", None, 1800.0, 0.0, False, False, 900.0, "B"),
        # Somebody waits for 100 s of the half-hour in which A takes no call.
        (0, "PS", 1, 1000.0, 100.0, True, True, None, None),
    ]
    month = month_of(rows, [("A", 0, 0.0, 3600.0), ("B", 0, 1800.0, 2700.0)])
    presence = fit_presence(month, ("PS",), AGENTS)
    assert presence.absences.rows() == [("A", 0, 900.0, 2700.0)]
    there = heads(presence, 1, 1800.0)[0]
    # First half-hour: A for half of it. Second: A and B for half of it each.
    assert there[:3] == pytest.approx([0.5, 1.0, 0.0])


def test_ready_is_the_share_that_explains_how_many_had_to_wait() -> None:
    """One idle agent and half of the calls wait: r = 0.5; two idle: a quarter waits."""
    one, two = np.ones(8, dtype=np.int64), np.full(8, 2)
    assert ready_share(one, np.arange(8) < 4) == pytest.approx(0.5)
    assert ready_share(two, np.arange(8) < 2) == pytest.approx(0.5)
    assert ready_share(one, np.zeros(8, dtype=np.bool_)) == 1.0


def test_a_pause_is_the_unready_share_of_the_idle_time() -> None:
    """Four calls find one idle agent, three are taken at once: r = 0.75."""
    rows: list[tuple[object, ...]] = [
        (0, "PS", None, at_s, 0.0, False, False, 60.0, "A") for at_s in (0.0, 160.0, 320.0, 480.0)
    ]
    rows.append((0, "PS", 1, 640.0, 20.0, True, False, 60.0, "A"))
    month = month_of(rows, [("A", 0, 0.0, 720.0)])
    agents = Agents(("A",), np.ones(1), np.ones((1, 1), dtype=np.bool_))
    presence = fit_presence(month, ("PS",), agents)
    readiness = fit_readiness(month, ("PS",), agents, presence)
    # Idle for 100, 100, 100 and 120 s while nobody waited as the call before ended: 105 on average
    assert readiness.num_idle.tolist() == [1, 1, 1, 1]
    assert readiness.waited.tolist() == [False, False, False, True]
    assert readiness.share == pytest.approx(0.75)
    assert readiness.pause_s == pytest.approx(0.25 * 105)
