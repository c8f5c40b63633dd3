"""The abandonment lever as a controller."""

import numpy as np
import pytest

from solver.pricing.lever import Departures, next_head_worth, share_left

MOST = 20.0
HALF = np.array([0.05])


def departures(left: float, gone: float) -> Departures:
    """One queue."""
    return Departures(np.array([left]), np.array([gone]))


def test_at_the_ceiling_nothing_changes() -> None:
    """5 of 100 gave up, 5 % may: the worth stays, as it does where nobody went at all."""
    for gone in (departures(5, 100), departures(0, 0)):
        worth = next_head_worth(np.array([3.0]), gone, HALF, MOST, 60)
        assert worth == pytest.approx([3.0])


def test_an_excess_of_ten_points_reaches_the_most_in_an_hour() -> None:
    """180 of 1180 left, with the 20 believed ones 181 of 1200 = 5 % + 10.083 points, so that 12
    steps of 300 s are worth 20 * 1.0083 * 1, and a minute 1 / 60 of that.
    """
    busy = departures(180, 1180)
    assert share_left(busy, HALF) == pytest.approx([181 / 1200])
    step = next_head_worth(np.zeros(1), busy, HALF, MOST, 60)
    assert step == pytest.approx([MOST * (181 / 1200 - 0.05) / 0.1 / 60])
    worth = np.zeros(1)
    for _ in range(12):
        worth = next_head_worth(worth, busy, HALF, MOST, 300)
    assert worth == pytest.approx([MOST])


def test_nothing_winds_up_at_a_bound() -> None:
    """After hours at the most, the first quiet minute lowers the worth at once."""
    worth = np.array([MOST])
    for _ in range(100):
        worth = next_head_worth(worth, departures(50, 100), HALF, MOST, 300)
    assert worth == pytest.approx([MOST])
    assert next_head_worth(worth, departures(0, 100), HALF, MOST, 60) < worth
    assert next_head_worth(np.zeros(1), departures(0, 100), HALF, MOST, 300) == 0


def test_few_contacts_are_no_trend() -> None:
    """The one customer of a queue gave up: (1 + 20 * 0.05) / 21 = 9.5 %, not 100 %."""
    assert share_left(departures(1, 1), HALF) == pytest.approx([2 / 21])


def test_a_pause_is_one_step() -> None:
    """A job that was off for a night does not raise the worth by a night's steps."""
    busy = departures(50, 100)
    night = next_head_worth(np.zeros(1), busy, HALF, MOST, 40_000)
    assert night == next_head_worth(np.zeros(1), busy, HALF, MOST, 300)
    assert next_head_worth(np.ones(1), busy, HALF, MOST, -5) == 1


def test_it_settles_where_the_queue_meets_its_ceiling() -> None:
    """In a queue whose share falls with the worth, as 20 % - 1 % per money, it ends at 15 money,
    where 5 % leave, without overshooting by more than a tenth.
    """
    worth = np.zeros(1)
    path = []
    for _ in range(1000):
        left = 1000 * (0.2 - 0.01 * worth[0])
        worth = next_head_worth(worth, departures(left, 1000), HALF, MOST, 60)
        path.append(worth[0])
    assert path[-1] == pytest.approx(15.0, abs=0.01)
    assert max(path) < 16.5
