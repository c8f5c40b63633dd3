"""The hindsight bound of a day: ticks, patience, duty and losses as policies meet them."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.lab.bound import (
    DutyCells,
    HindsightDay,
    duty_cells,
    hindsight_bound,
    hindsight_problem,
    worth_of_one_more,
)
from solver.pricing.path import PricePath, Search
from solver.pricing.path_kernels import Choice

ONE_AGENT = DutyCells(np.ones((1, 100)), np.ones((1, 100), dtype=bool))


def calls(
    arrival_s: list[float], patience_s: list[float], duty: DutyCells = ONE_AGENT
) -> HindsightDay:
    """Calls worth 10, every second one resolved; 2 lost, 0.01 a second; 60 s each, 5-s ticks."""
    ones = np.ones(len(arrival_s))
    return HindsightDay(
        kind=np.zeros(len(ones), dtype=np.int64),
        arrival_s=np.array(arrival_s),
        patience_s=np.array(patience_s),
        value=10.0 * ones,
        loss=2.0 * ones,
        waiting_cost=0.01 * ones,
        attention=ones,
        effort=ones,
        resolution=np.array([[0.5]]),
        handling_s=np.array([[60.0]]),
        eligible=np.array([[True]]),
        duty=duty,
        tick_s=5.0,
    )


def test_a_call_is_served_at_the_next_tick() -> None:
    """It comes at 12 s and starts at 15 s: 0.5 * 10 - 0.01 * 3."""
    assert hindsight_bound(calls([12.0], [60.0])).bound == pytest.approx(4.97)


def test_a_customer_without_patience_until_the_next_tick_is_lost() -> None:
    """It comes at 12 s and leaves at 14 s: -2 - 0.01 * 2, whatever the router does."""
    assert hindsight_bound(calls([12.0], [2.0])).bound == pytest.approx(-2.02)


def test_who_leaves_at_a_tick_can_still_be_served_at_it() -> None:
    """It comes at 12 s and would leave at 15 s."""
    assert hindsight_bound(calls([12.0], [3.0])).bound == pytest.approx(4.97)


def test_two_calls_at_once_and_one_agent() -> None:
    """Both come at 0. One waits for 60 s, or leaves after 20 s and is lost.

    Patient: 5 + 5 - 0.6 = 9.4. Impatient: 5 - 2 - 0.2 = 2.8.
    """
    exact = Search(iterations=2000)
    patient = hindsight_bound(calls([0.0, 0.0], [600.0, 600.0]), search=exact).bound
    assert 9.4 - 1e-9 <= patient <= 9.4 * 1.005
    hasty = hindsight_bound(calls([0.0, 0.0], [20.0, 20.0]), search=exact).bound
    assert 2.8 - 1e-9 <= hasty <= 2.8 * 1.005


def test_who_still_waits_at_the_end_is_not_lost() -> None:
    """Nobody may start; of two who came at 100 s one leaves at 200 s, one waits until 500 s.

    -2 - 0.01 * 100 - 0.01 * 400 = -7.
    """
    nobody = DutyCells(np.ones((1, 100)), np.zeros((1, 100), dtype=bool))
    day = calls([100.0, 100.0], [100.0, np.inf], duty=nobody)
    assert hindsight_bound(day).bound == pytest.approx(-7.0)


def test_options_are_the_eligible_groups_with_their_rewards_and_work() -> None:
    """p V and the group's time multiplied by the contact's own effort."""
    day = replace(
        calls([0.0, 10.0], [30.0, 30.0]),
        kind=np.array([1, 0]),
        value=np.array([10.0, 20.0]),
        effort=np.array([1.0, 2.0]),
        resolution=np.array([[0.5, 0.9], [0.4, 0.8]]),
        handling_s=np.array([[60.0, 50.0], [40.0, 30.0]]),
        eligible=np.array([[True, True], [False, True]]),
        duty=DutyCells(np.ones((2, 100)), np.ones((2, 100), dtype=bool)),
    )
    problem = hindsight_problem(day)
    np.testing.assert_array_equal(problem.start, [0, 1, 3])
    np.testing.assert_array_equal(problem.group, [1, 0, 1])
    np.testing.assert_allclose(problem.reward, [8.0, 10.0, 18.0])
    np.testing.assert_allclose(problem.work_s, [30.0, 120.0, 100.0])


def test_duty_by_hand() -> None:
    """Ticks of 10 s. One group is there from 5 to 25 s; of two agents of the other one leaves.

    The first may start at 10 and 20 s, and counts in cells 0 to 2; later it may finish freely.
    Of the second both count while the one who left at 20 s may still hold 15 s of work.
    """
    cells = duty_cells(
        group=np.array([0, 1, 1]),
        from_s=np.array([5.0, 0.0, 0.0]),
        until_s=np.array([25.0, 20.0, 60.0]),
        finish_s=15.0,
        shape=(2, 6),
        tick_s=10.0,
    )
    free = np.inf
    np.testing.assert_array_equal(cells.staff, [[1, 1, 1, free, free, free], [2, 2, 2, 2, 1, 1]])
    np.testing.assert_array_equal(
        cells.may_start, [[False, True, True, False, False, False], [True] * 6]
    )


def test_work_that_lasts_beyond_duty_is_finished() -> None:
    """On duty for 30 s, a call of 60 s begun then earns all of its value."""
    duty = duty_cells(
        np.array([0]), np.array([0.0]), np.array([30.0]), finish_s=0.0, shape=(1, 100), tick_s=5.0
    )
    assert hindsight_bound(calls([25.0], [500.0], duty)).bound == pytest.approx(5.0)
    # At 30 s duty is over, so this one waits in vain: -0.01 * 470, and nobody leaves before 500 s.
    assert hindsight_bound(calls([30.0], [500.0], duty)).bound == pytest.approx(-4.7)


def test_one_more_agent_is_worth_the_prices_of_the_period() -> None:
    """Seconds times prices, summed by period; the last may be shorter."""
    price = np.array([[0.1, 0.2, 0.3, 0.4, 0.5]])
    nothing = np.zeros(0, dtype=np.int64)
    path = PricePath(0.0, price, np.zeros(1), Choice(nothing, nothing))
    np.testing.assert_allclose(worth_of_one_more(path, 5.0, 2), [[1.5, 3.5, 2.5]])


def test_one_more_agent_earns_no_more_than_the_prices_say() -> None:
    """The optimum is concave in the staff: with one more all day it rises by at most that."""
    rng = np.random.default_rng(4)
    arrival = np.sort(rng.uniform(0.0, 400.0, 30))
    day = calls(arrival.tolist(), rng.exponential(60.0, 30).tolist())
    one = hindsight_bound(day, search=Search(iterations=1000))
    more = replace(ONE_AGENT, staff=ONE_AGENT.staff + 1.0)
    two = hindsight_bound(replace(day, duty=more), one.price, Search(iterations=1000))
    promised = float(worth_of_one_more(one, 5.0, 100).sum())
    assert 0.0 < two.bound - one.bound <= promised + 1e-9
