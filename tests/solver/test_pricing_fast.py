"""The fast price: the value lost if a slot were missing, in exact matchings of sampled futures."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from models.dense_problem import dense_problem
from models.problem import MILLI, Floats
from models.solution import SolveOptions
from solver.pricing.fast import (
    FastInputs,
    FastScenario,
    SlotWorths,
    fast_prices,
    largest_duals,
    pair_worths,
    smoothed,
)
from solver.pricing.fast_kernels import Worths
from solver.pricing.scenarios import SampledContacts, sampled_contacts
from solver.solve import solve

some = settings(max_examples=150, deadline=None)
seeds = st.integers(0, 10**6)


def sparse(worth: Floats) -> SlotWorths:
    """The positive entries of an (N, J) matrix."""
    row, slot = (np.ascontiguousarray(x) for x in np.nonzero(worth > 0))
    start = np.searchsorted(row, np.arange(len(worth) + 1))
    return SlotWorths(Worths(start, slot, worth[row, slot]), worth.shape[1])


def dense(pairs: SlotWorths) -> Floats:
    """And back, with 0 elsewhere."""
    worth = np.zeros((len(pairs.worths.start) - 1, pairs.num_slots))
    row = np.repeat(np.arange(len(worth)), np.diff(pairs.worths.start))
    worth[row, pairs.worths.slot] = pairs.worths.worth
    return worth


def best(worth: Floats) -> float:
    """The optimal matching's worth, by another solver."""
    row, slot = linear_sum_assignment(worth, maximize=True)
    return float(worth[row, slot].sum())


def random_worth(seed: int) -> Floats:
    """Up to 9 contacts and slots; sparse or full, with ties or without."""
    rng = np.random.default_rng(seed)
    size = tuple(rng.integers(1, 10, 2))
    worth: Floats = rng.uniform(0.0, 10.0, size)
    if seed % 2:
        worth = np.floor(worth / 2)
    worth[rng.random(size) >= rng.choice([0.3, 0.7, 1.0])] = 0.0
    return worth


def random_future(seed: int, agents: int = 12) -> tuple[FastInputs, FastScenario]:
    """3 classes; agents with 1 to 3 slots; the last class takes two parts."""
    rng = np.random.default_rng(seed)
    inputs = FastInputs(
        resolution=rng.uniform(0.4, 1.0, (3, agents)),
        handling_s=rng.uniform(100.0, 400.0, (3, agents)),
        allowed=rng.random((3, agents)) < 0.6,
        loss=np.array([1.0, 0.0, 2.0]),
        waiting_cost=np.array([0.01, 0.0, 0.0]),
        mean_patience_s=np.array([60.0, np.inf, 300.0]),
        parts=np.array([1, 1, 2]),
        slow_price=rng.uniform(0.0, 0.02, agents),
        slots=rng.integers(1, 4, agents),
        window_s=250.0,
    )
    values = rng.uniform(2.0, 20.0, (3, 10))
    contacts = sampled_contacts(np.full(3, agents / 900.0), 250.0, values, 1.0, rng)
    free = rng.choice([0.0, 50.0, 200.0, np.inf], inputs.slots.sum())
    return inputs, FastScenario(contacts, free)


@some
@given(seed=seeds)
def test_the_matching_is_optimal_and_its_duals_prove_it(seed: int) -> None:
    """Prices and rents are >= 0, cover every pair, and add up to the worth of the matching."""
    worth = random_worth(seed)
    found = largest_duals(sparse(worth))
    assert (found.price >= 0).all()
    assert (found.rent >= -1e-9).all()
    assert (found.price + found.rent[:, None] >= worth - 1e-9).all()
    matched = np.flatnonzero(found.slot_of >= 0)
    assert len(set(found.slot_of[matched])) == len(matched)
    total = worth[matched, found.slot_of[matched]].sum()
    assert total == pytest.approx(best(worth))
    assert found.price.sum() + found.rent.sum() == pytest.approx(total)


@some
@given(seed=seeds)
def test_a_price_is_what_is_lost_without_the_slot(seed: int) -> None:
    """The largest dual equals the optimum less the optimum without that slot, solved again."""
    worth = random_worth(seed)
    whole = best(worth)
    lost = [whole - best(np.delete(worth, j, axis=1)) for j in range(worth.shape[1])]
    np.testing.assert_allclose(largest_duals(sparse(worth)).price, lost, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_the_prices_are_the_fixed_point_of_the_design(seed: int) -> None:
    """Raising rents from 0 with `value.md`'s sweeps ends at the same prices."""
    worth = random_worth(seed)
    found = largest_duals(sparse(worth))
    matched = np.flatnonzero(found.slot_of >= 0)
    rent, price = np.zeros(len(worth)), np.zeros(worth.shape[1])
    for _ in range(200):
        price[found.slot_of[matched]] = worth[matched, found.slot_of[matched]] - rent[matched]
        rent[matched] = np.maximum((worth - price)[matched].max(axis=1), 0.0)
    np.testing.assert_allclose(found.price, price, atol=1e-9)


def test_a_large_matching_is_that_of_other_solvers() -> None:
    """A sampled future of 200 agents: scipy's optimum, and the product's own in milli-units."""
    rng = np.random.default_rng(3)
    worth = np.rint(rng.uniform(0.0, 20.0, (190, 200)) * MILLI) / MILLI
    worth *= rng.random(worth.shape) < 0.3
    found = largest_duals(sparse(worth))
    total = found.price.sum() + found.rent.sum()
    assert total == pytest.approx(best(worth))
    gain = np.rint(worth * MILLI).astype(np.int64)
    problem = dense_problem(gain, np.ones(200, dtype=np.int64), eligible=gain > 0)
    assert solve(problem, SolveOptions()).gain == pytest.approx(total * MILLI)


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_pairs_are_worth_what_the_design_says(seed: int) -> None:
    """S(wait) (p V + L) - c wait - slow price * overrun, cut at 0, for every pair and part."""
    inputs, future = random_future(seed)
    contacts = future.contacts
    expected = []
    for k, arrival, value in zip(contacts.kind, contacts.arrival_s, contacts.value, strict=True):
        row = np.zeros(len(future.free_s))
        for j, agent in enumerate(np.repeat(np.arange(12), inputs.slots)):
            if not inputs.allowed[k, agent] or future.free_s[j] == np.inf:
                continue
            wait = max(future.free_s[j] - arrival, 0.0)
            stays = np.exp(-wait / inputs.mean_patience_s[k])
            gain = stays * (inputs.resolution[k, agent] * value + inputs.loss[k])
            handling = inputs.handling_s[k, agent]
            late = max(arrival, future.free_s[j]) + handling - 250.0
            overrun = inputs.slow_price[agent] / inputs.slots[agent] * min(handling, max(0, late))
            row[j] = max(0.0, (gain - inputs.waiting_cost[k] * wait) / inputs.parts[k] - overrun)
        expected += [row] * int(inputs.parts[k])
    found = dense(pair_worths(inputs, future))
    np.testing.assert_allclose(found, np.array(expected).reshape(found.shape), atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_an_agents_price_is_the_sum_over_their_slots_averaged_over_futures(seed: int) -> None:
    """By solving again without each slot, in two futures."""
    inputs, one = random_future(seed)
    other = replace(one, free_s=one.free_s[::-1].copy())
    slot_agent = np.repeat(np.arange(12), inputs.slots)
    expected = np.zeros(12)
    for future in (one, other):
        worth = dense(pair_worths(inputs, future))
        if len(worth) == 0:
            continue
        lost = [best(worth) - best(np.delete(worth, j, axis=1)) for j in range(worth.shape[1])]
        np.add.at(expected, slot_agent, np.array(lost) / 2)
    np.testing.assert_allclose(fast_prices(inputs, [one, other]), expected, atol=1e-9)


def test_nobody_is_missed_where_agents_abound() -> None:
    """One contact and two agents who are as good: without either nothing is lost."""
    contacts = SampledContacts(np.array([0]), np.array([10.0]), np.array([8.0]))
    inputs = FastInputs(
        resolution=np.array([[0.5, 0.5]]),
        handling_s=np.full((1, 2), 100.0),
        allowed=np.ones((1, 2), dtype=bool),
        loss=np.array([1.0]),
        waiting_cost=np.zeros(1),
        mean_patience_s=np.array([100.0]),
        parts=np.array([1]),
        slow_price=np.zeros(2),
        slots=np.array([1, 1]),
        window_s=300.0,
    )
    free = fast_prices(inputs, [FastScenario(contacts, np.zeros(2))])
    np.testing.assert_allclose(free, [0.0, 0.0])
    # If the second is busy for long, the first would be missed: 0.5 * 8 + 1 = 5.
    busy = fast_prices(inputs, [FastScenario(contacts, np.array([0.0, np.inf]))])
    np.testing.assert_allclose(busy, [5.0, 0.0])


def test_with_concurrency_one_chat_leaves_room_for_another() -> None:
    """Two chats worth 4 each and two agents with two slots: nobody would be missed.

    With one slot each they would be: that is the wrong picture of `value.md` 4.
    """
    contacts = SampledContacts(np.array([0, 0]), np.zeros(2), np.array([8.0, 8.0]))
    inputs, _ = random_future(0, agents=2)
    inputs = replace(
        inputs,
        resolution=np.full((3, 2), 0.5),
        allowed=np.ones((3, 2), dtype=bool),
        loss=np.zeros(3),
        slow_price=np.zeros(2),
        slots=np.array([2, 2]),
    )
    wide = fast_prices(inputs, [FastScenario(contacts, np.zeros(4))])
    np.testing.assert_allclose(wide, [0.0, 0.0])
    narrow = replace(inputs, slots=np.array([1, 1]))
    np.testing.assert_allclose(fast_prices(narrow, [FastScenario(contacts, np.zeros(2))]), 4.0)


def test_a_call_beside_chats_prices_every_part_of_the_attention() -> None:
    """One agent with two slots: a call worth 4 in two parts outbids one chat worth 1.

    The parts are worth 2 each and fill both slots; without a slot a part of 2 is lost, but the
    chat does not fit in either case: 2 a slot, 4 for all of the agent's attention.
    """
    contacts = SampledContacts(np.array([0, 2]), np.zeros(2), np.array([2.0, 8.0]))
    inputs, _ = random_future(0, agents=1)
    inputs = replace(
        inputs,
        resolution=np.full((3, 1), 0.5),
        allowed=np.ones((3, 1), dtype=bool),
        loss=np.zeros(3),
        slow_price=np.zeros(1),
        slots=np.array([2]),
    )
    np.testing.assert_allclose(fast_prices(inputs, [FastScenario(contacts, np.zeros(2))]), [4.0])


def test_smoothing_keeps_three_tenths_of_the_old_price() -> None:
    """0.3 old + 0.7 new; the new ones where the agents are others."""
    new, old = np.array([1.0, 2.0]), np.array([3.0, 0.0])
    np.testing.assert_allclose(smoothed(new, old), [1.6, 1.4])
    np.testing.assert_allclose(smoothed(new, None), new)
    np.testing.assert_allclose(smoothed(new, np.ones(3)), new)


def test_wrong_inputs_are_refused() -> None:
    """Shapes that differ, missing rows, agents without slots and strange futures are named."""
    inputs, future = random_future(1)
    with pytest.raises(ValueError, match="differ in shape"):
        replace(inputs, handling_s=inputs.handling_s[:, 1:])
    with pytest.raises(ValueError, match="a row per class or agent is missing"):
        replace(inputs, loss=np.zeros(2))
    with pytest.raises(ValueError, match="an agent without slots"):
        replace(inputs, slots=np.zeros(12, dtype=np.int64))
    with pytest.raises(ValueError, match="free times for"):
        fast_prices(inputs, [replace(future, free_s=future.free_s[1:])])


def test_no_future_and_no_contacts_cost_nothing() -> None:
    """Without samples, or with one in which nobody comes, every price is 0."""
    inputs, future = random_future(2)
    empty = SampledContacts(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    np.testing.assert_allclose(fast_prices(inputs, []), 0.0)
    np.testing.assert_allclose(fast_prices(inputs, [replace(future, contacts=empty)]), 0.0)
