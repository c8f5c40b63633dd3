"""What a day is worth, from its events alone."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.lab.centre import Habits
from scenarios.lab.engine import simulate
from scenarios.lab.rules.longest_idle import LongestIdle
from scenarios.lab.value import value_by_class, value_of
from tests.scenarios.lab.hand_made import centre, classes, day


def test_expected_resolution_less_waiting_less_leaving() -> None:
    """One agent, 100 s each, p 0.5, value 10, 0.01 a second, loss 15 %.

    The first is answered at once, the second after 90 s, the third leaves after 60 s:
    0.5 * 10 * 2 = 10; 0.01 * (0 + 90 + 60) = 1.5; 0.15 * 10 = 1.5. Together 7.
    """
    where = centre(kinds=classes(loss_share=0.15, waiting_cost=0.01))
    events = simulate(where, day([0, 10, 20], patience=[500, 500, 60]), LongestIdle())
    found = value_of(where, events)
    assert (found.resolved, found.waiting, found.lost) == pytest.approx((10.0, 1.5, 1.5))
    assert found.total == pytest.approx(7.0)


def test_the_outcome_that_was_drawn_does_not_count() -> None:
    """Helped or not, the expected value is the same."""
    where = centre()
    totals = {
        value_of(where, simulate(where, day([0], outcome=outcome), LongestIdle())).total
        for outcome in (0.1, 0.9)
    }
    assert totals == {5.0}


def test_who_comes_back_is_not_lost_yet() -> None:
    """Leaves at 30, redials at 80 and is answered: no loss; both waits cost."""
    two = np.ones(1)
    habits = Habits(
        redial_share=two,
        redial_median_s=50 * two,
        reconnect_share=0 * two,
        reconnect_median_s=two,
        switch_share=0 * two,
        switch_to=np.zeros(1, dtype=np.int64),
        attempts=2,
    )
    kinds = replace(classes(loss_share=0.15, waiting_cost=0.01), habits=habits)
    what = day([0, 10], patience=20.0, returns=0.0, attempts=2)
    where = centre(kinds=kinds)
    found = value_of(where, simulate(where, what, LongestIdle()))
    # Waits: 0, 10 to 30 = 20, then 80 to 100 = 20, answered at the instant of leaving or left.
    assert found.waiting == pytest.approx(0.4)
    assert found.resolved == pytest.approx(10.0)
    assert found.lost == pytest.approx(0.0)


def test_classes_add_up_and_unserved_customers_are_lost() -> None:
    """Nobody may serve class 1: its contact is sent away when the day ends and counts as lost."""
    kinds = classes(2, loss_share=0.15)
    where = replace(centre(kinds=kinds), eligible=np.array([[True], [False]]), overtime_s=60.0)
    events = simulate(where, day([0, 10], kind=[0, 1]), LongestIdle())
    rows = value_by_class(where, events).rows()
    assert rows == [(0, 5.0, 0.0, 0.0), (1, 0.0, 0.0, 1.5)]
    assert value_of(where, events).total == pytest.approx(3.5)
