"""Lower limits with the work of the days as control."""

import numpy as np
import pytest
from scipy.stats import t as student

from scenarios.planning.limits import lower_limits, surplus_work
from scenarios.planning.service import Days
from tests.scenarios.planning.planned_centres import queue

SURPLUS = np.array([[-2.0], [-1.0], [0.0], [1.0], [3.0], [5.0]])


def test_luck_that_is_explained_by_work_is_taken_out_whole() -> None:
    """Slack 7 - 2 surplus exactly: the days were 1 too busy on average, the truth is 7."""
    slack = (7.0 - 2.0 * SURPLUS)[None]
    assert lower_limits(slack, SURPLUS, 0.9) == pytest.approx(np.array([[7.0]]))


def test_without_anything_to_explain_it_is_the_usual_limit() -> None:
    """Nothing is in surplus: mean 2, sum of squares 10 over 6 - 2, an error of sqrt(2.5 / 6)."""
    slack = np.array([1.0, 3.0, 2.0, 4.0, 0.0, 2.0]).reshape(1, 6, 1)
    limit = lower_limits(slack, np.zeros((6, 1)), 0.9).item()
    assert limit == pytest.approx(2.0 - student.ppf(0.9, 4) * np.sqrt(2.5 / 6))


def test_surplus_is_nothing_on_average() -> None:
    """100 calls of 60 s an hour: 6,000 s expected; over 400 days the mean is within 3 errors."""
    centre = queue([100.0, 50.0])
    surplus = surplus_work(centre, Days(centre, tuple(range(400))), np.array([60.0]))
    error = surplus.std(axis=0) / np.sqrt(400)
    assert surplus.shape == (400, 2)
    assert (np.abs(surplus.mean(axis=0)) < 3 * error).all()
    # Poisson with lognormal handling, sigma 0.6: variance n h^2 exp(0.36).
    assert surplus[:, 0].std() == pytest.approx(60 * np.sqrt(100 * np.exp(0.36)), rel=0.15)
