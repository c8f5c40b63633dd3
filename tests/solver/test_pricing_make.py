"""From beliefs and a moment to prices: capacities, types, slots, and prices that must be so."""

from dataclasses import replace

import numpy as np
import pytest

from solver.pricing.book import PriceBook, PriceRecipe, empty_book, renewed
from solver.pricing.future import PathRecipe, path_price_at, sampled_future
from solver.pricing.make import (
    SlowRecipe,
    _sampled_free_s,
    _waiting_by_type,
    fast_price_at,
    free_seconds,
    mean_window_s,
    slow_price_at,
)
from solver.pricing.moment import Beliefs, Moment, work_in_progress
from solver.pricing.scenarios import mean_remaining_s
from solver.pricing.slow import signatures

NONE = np.zeros(0, dtype=np.int64)


def beliefs(agents: int = 2, kinds: int = 1) -> Beliefs:
    """Everybody resolves half, in 100 s sharp; values 10 and 30; nobody loses patience."""
    shape = (kinds, agents)
    return Beliefs(
        resolution=np.full(shape, 0.5),
        handling_s=np.full(shape, 100.0),
        handling_sigma=0.0,
        allowed=np.ones(shape, dtype=bool),
        attention=np.ones(kinds),
        slots=np.ones(agents, dtype=np.int64),
        values=np.tile([10.0, 10.0, 30.0, 30.0], (kinds, 1)),
        loss_share=np.zeros(kinds),
        waiting_cost=np.zeros(kinds),
        mean_patience_s=np.full(kinds, np.inf),
    )


def moment(agents: int = 2, kinds: int = 1) -> Moment:
    """Nobody waits, nobody comes within 300 s, everybody is free and stays."""
    return Moment(
        waiting_kind=NONE,
        waiting_value=np.zeros(0),
        held_agent=NONE,
        held_kind=NONE,
        held_elapsed_s=np.zeros(0),
        duty_left_s=np.full(agents, 10_000.0),
        forecast=np.zeros((1, kinds)),
        horizon_s=300.0,
        factor=1.0,
        closing_in_s=5000.0,
    )


def rng() -> np.random.Generator:
    """The same every time."""
    return np.random.default_rng(1)


def test_time_on_offer_is_duty_less_work_in_progress() -> None:
    """Periods of 150 s. Agent 0 has 40 s of a call to go; agent 1 goes in 200 s."""
    now = replace(
        moment(),
        held_agent=np.array([0]),
        held_kind=np.array([0]),
        held_elapsed_s=np.array([60.0]),
        duty_left_s=np.array([1000.0, 200.0]),
        forecast=np.zeros((2, 1)),
    )
    np.testing.assert_allclose(free_seconds(beliefs(), now), [[110, 150], [150, 50]], atol=1e-3)


def test_a_chat_keeps_its_share_of_attention() -> None:
    """100 s of a third of the attention are gone from 300."""
    chat = replace(beliefs(), attention=np.array([1 / 3]))
    now = replace(
        moment(), held_agent=np.array([1]), held_kind=np.array([0]), held_elapsed_s=np.array([0.0])
    )
    np.testing.assert_allclose(free_seconds(chat, now), [[300, 300 - 100 / 3]], atol=1e-2)


def test_waiting_contacts_are_counted_by_value_bucket() -> None:
    """Two buckets part at 30: a contact worth 29 is in the first, one worth 30 in the second."""
    now = replace(
        moment(kinds=2),
        waiting_kind=np.array([0, 0, 1, 1]),
        waiting_value=np.array([5.0, 29.0, 30.0, 99.0]),
    )
    np.testing.assert_array_equal(_waiting_by_type(beliefs(kinds=2), now, 2), [2, 0, 0, 2])
    np.testing.assert_array_equal(_waiting_by_type(beliefs(kinds=2), now, 1), [2, 2])


def test_slots_are_filled_by_what_is_held() -> None:
    """Agent 0 of three slots holds a chat and an email, agent 1 a call, agent 2 is off duty."""
    several = replace(
        beliefs(agents=3, kinds=3),
        attention=np.array([1.0, 1 / 3, 0.05]),
        slots=np.array([3, 3, 1]),
    )
    now = replace(
        moment(agents=3, kinds=3),
        held_agent=np.array([1, 0, 0]),
        held_kind=np.array([0, 1, 2]),
        held_elapsed_s=np.array([25.0, 50.0, 10.0]),
        duty_left_s=np.array([1000.0, 1000.0, 0.0]),
    )
    free = _sampled_free_s(several, now, np.array([3, 1, 0]), 2, rng())
    expected = [50, 0, 0, 75, 75, 75, np.inf]
    np.testing.assert_allclose(free, [expected, expected], atol=1e-3)


def test_the_window_is_the_mean_handling_time_of_who_may_serve() -> None:
    """Class 0 comes three times as often: (3 * 100 + 1 * 300) / 4, without who is not allowed."""
    given = replace(
        beliefs(kinds=2),
        handling_s=np.array([[100.0, 900.0], [200.0, 400.0]]),
        allowed=np.array([[True, False], [True, True]]),
    )
    assert mean_window_s(given, np.array([0.3, 0.1])) == pytest.approx(150.0)


def test_time_that_nobody_wants_costs_nothing() -> None:
    """No contacts, no prices: of any kind."""
    given, groups = beliefs(), signatures(beliefs().resolution)
    slow = slow_price_at(given, groups, moment(), SlowRecipe(), rng())
    assert not slow.agent.any()
    assert not fast_price_at(given, np.zeros(2), moment(), 100.0, 3, rng()).any()
    assert not path_price_at(given, groups, moment(), PathRecipe(), rng(), None).any()


def test_time_that_everybody_wants_costs_what_it_earns() -> None:
    """Many wait, worth 30 each: 0.5 * 30 in 100 s are 0.15 a second, and a slot is worth 15."""
    number = 500
    now = replace(
        moment(),
        waiting_kind=np.zeros(number, dtype=np.int64),
        waiting_value=np.full(number, 30.0),
    )
    given, groups = beliefs(), signatures(beliefs().resolution)
    slow = slow_price_at(given, groups, now, SlowRecipe(), rng())
    np.testing.assert_allclose(slow.agent, 0.15, rtol=1e-6)
    # The queue is not in the futures of the fast price: as many have to come.
    coming = replace(moment(), forecast=np.array([[500.0]]), horizon_s=100.0)
    fast = fast_price_at(given, np.zeros(2), coming, 100.0, 3, rng())
    np.testing.assert_allclose(fast, 15.0, rtol=1e-6)


def test_prices_come_when_they_are_due_and_are_smoothed() -> None:
    """Slow every 60 s, fast every 20 s; half of a new slow price counts, 0.7 of a fast one."""
    given = beliefs()
    groups = signatures(given.resolution)
    recipe = PriceRecipe(slow_every_s=60.0, fast_every_s=20.0)
    busy = replace(
        moment(),
        waiting_kind=np.zeros(500, dtype=np.int64),
        waiting_value=np.full(500, 30.0),
        forecast=np.array([[5000.0]]),
    )

    def at(now_s: float, floor: Moment, book: PriceBook) -> PriceBook:
        def look(horizon_s: float) -> Moment:
            return replace(floor, horizon_s=horizon_s)

        return renewed(book, now_s, look, 100.0, given, groups, recipe, rng())

    first = at(0.0, busy, empty_book(2))
    np.testing.assert_allclose(first.slow_of_agent, 0.15, rtol=1e-6)
    assert (first.slow_due_s, first.fast_due_s) == (60.0, 20.0)
    same = at(19.0, moment(), first)
    assert same is first
    later = at(20.0, moment(), first)
    assert first.fast is not None
    assert later.fast is not None
    np.testing.assert_allclose(later.fast, 0.3 * first.fast)
    np.testing.assert_array_equal(later.slow_of_agent, first.slow_of_agent)
    last = at(60.0, moment(), later)
    np.testing.assert_allclose(last.slow_of_agent, 0.075, rtol=1e-6)


def test_the_horizon_ends_after_closing() -> None:
    """900 s usually; 100 s before closing 300 s, and never below 60 s."""
    given = beliefs()
    asked: list[float] = []

    def look_from(closing_in_s: float) -> list[float]:
        asked.clear()

        def look(horizon_s: float) -> Moment:
            asked.append(horizon_s)
            return replace(moment(), horizon_s=horizon_s, closing_in_s=closing_in_s)

        groups = signatures(given.resolution)
        renewed(empty_book(2), 0.0, look, 100.0, given, groups, PriceRecipe(), rng())
        return asked

    assert look_from(5000.0)[1] == 900.0
    assert look_from(100.0)[1] == 300.0
    assert look_from(-190.0)[1] == 60.0


def test_a_sampled_future_counts_free_staff() -> None:
    """Cells of 100 s. Both agents are alike; one has 150 s to go and leaves in 250 s."""
    given = replace(beliefs(), handling_s=np.full((1, 2), 200.0))
    now = replace(
        moment(),
        held_agent=np.array([0]),
        held_kind=np.array([0]),
        held_elapsed_s=np.array([50.0]),
        duty_left_s=np.array([250.0, 1000.0]),
        forecast=np.array([[30.0]]),
        horizon_s=400.0,
    )
    left_s = mean_remaining_s(work_in_progress(given, now))
    future = sampled_future(given, signatures(given.resolution), now, left_s, 100.0, rng())
    # Cell 0: busy; cell 1: half; cell 2: both (on duty at its start); cell 3: gone.
    np.testing.assert_allclose(future.staff, [[1.0, 1.5, 2.0, 1.0]], atol=1e-3)
    assert len(future.first) > 10
    np.testing.assert_array_equal(future.last, 3)
