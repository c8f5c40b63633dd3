"""The slow price: an optimal dual of a linear programme, averaged over sampled demands."""

from dataclasses import replace

import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulp.apis.coin_api import pulp_cbc_path

from models.problem import Floats, Ints
from solver.pricing.slow import (
    SlowInputs,
    SlowPrices,
    reward_per_contact,
    signatures,
    slow_prices,
    smoothed,
    total_by_signature,
)

some = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 10**6)

CLOSE = 1e-6


def random_inputs(seed: int) -> tuple[SlowInputs, Floats]:
    """Up to 5 classes, 4 signatures, 3 sub-periods, 3 demands; tight and slack, with zeros."""
    rng = np.random.default_rng(seed)
    classes, groups, periods = rng.integers(1, 6), rng.integers(1, 5), rng.integers(1, 4)
    inputs = SlowInputs(
        reward=rng.uniform(-1.0, 20.0, (classes, groups)),
        work_s=rng.uniform(50.0, 500.0, (classes, groups)),
        allowed=rng.random((classes, groups)) < 0.7,
        capacity_s=rng.choice([0.0, 0.2, 1.0, 5.0], (periods, groups))
        * rng.uniform(100.0, 2000.0, (periods, groups)),
        stay=rng.choice([0.0, 0.5, 1.0], classes),
    )
    return inputs, rng.poisson(rng.uniform(0.0, 5.0), (3, periods, classes)).astype(float)


def optimum(inputs: SlowInputs, demand: Floats) -> float:
    """The same programme stated in PuLP and solved by CBC."""
    periods, groups = inputs.capacity_s.shape
    model = pulp.LpProblem("slow", pulp.LpMaximize)
    served = {
        (s, k, m): model.add_variable(f"f_{s}_{k}_{m}", 0)
        for s in range(periods)
        for k, m in np.argwhere(inputs.allowed).tolist()
    }
    queue = [
        [model.add_variable(f"q_{s}_{k}", 0) for k in range(len(inputs.stay))]
        for s in range(periods)
    ]
    model += pulp.lpSum(inputs.reward[k, m] * f for (_, k, m), f in served.items())
    for s in range(periods):
        for m in range(groups):
            work = [inputs.work_s[k, n] * f for (t, k, n), f in served.items() if (t, n) == (s, m)]
            model += pulp.lpSum(work) <= inputs.capacity_s[s, m]
        for k in range(len(inputs.stay)):
            left = inputs.stay[k] * queue[s - 1][k] if s else 0.0
            gone = pulp.lpSum(f for (t, j, _), f in served.items() if (t, j) == (s, k))
            model += gone + queue[s][k] == float(demand[s, k]) + left
    model.solve(pulp.COIN_CMD(path=pulp_cbc_path, msg=False))
    return float(pulp.value(model.objective) or 0.0)


@settings(max_examples=12, deadline=None)
@given(seed=seeds)
def test_the_optimum_is_that_of_another_solver(seed: int) -> None:
    """The value of the prices equals CBC's optimum, averaged over the demands."""
    inputs, demand = random_inputs(seed)
    expected = np.mean([optimum(inputs, sampled) for sampled in demand])
    assert slow_prices(inputs, demand).value == pytest.approx(expected, rel=CLOSE, abs=CLOSE)


@some
@given(seed=seeds)
def test_prices_are_feasible_duals_whose_value_is_the_optimum(seed: int) -> None:
    """No class is worth more at a signature than the prices ask; the prices cost the optimum.

    Both together prove, by weak duality, that the prices are optimal.
    """
    inputs, demand = random_inputs(seed)
    for sampled in demand:
        prices = slow_prices(inputs, sampled[None])
        assert (prices.agent >= 0).all()
        assert (prices.contact >= 0).all()
        asked = inputs.work_s * prices.agent[:, None] + prices.contact[:, :, None]
        assert (asked >= inputs.reward - CLOSE)[:, inputs.allowed].all()
        later = np.vstack([prices.contact[1:], np.zeros_like(prices.contact[:1])])
        assert (prices.contact >= inputs.stay * later - CLOSE).all()
        cost = (sampled * prices.contact).sum() + (inputs.capacity_s * prices.agent).sum()
        assert cost == pytest.approx(prices.value, rel=CLOSE, abs=CLOSE)


@some
@given(seed=seeds)
def test_an_own_price_never_rises_with_own_staffing(seed: int) -> None:
    """The optimum is concave in the capacities, so each price falls in its own."""
    inputs, demand = random_inputs(seed)
    more = inputs.capacity_s.copy()
    more[0, 0] += 300.0
    before = slow_prices(inputs, demand).agent[0, 0]
    after = slow_prices(replace(inputs, capacity_s=more), demand).agent[0, 0]
    assert after <= before + CLOSE


@some
@given(seed=seeds)
def test_time_that_is_never_all_used_costs_nothing(seed: int) -> None:
    """With more time than all demands together could need, every price of time is 0."""
    inputs, demand = random_inputs(seed)
    work = np.where(inputs.allowed, inputs.work_s, 0.0).sum(axis=0)
    plenty = np.ones_like(inputs.capacity_s) * (1.0 + work.max() * demand.sum())
    prices = slow_prices(replace(inputs, capacity_s=plenty), demand)
    np.testing.assert_allclose(prices.agent, 0.0, atol=CLOSE)


def test_prices_of_the_smallest_case_by_hand() -> None:
    """One class, one signature: 10 money for 100 s. Demand decides who is scarce."""
    inputs = SlowInputs(
        reward=np.array([[10.0]]),
        work_s=np.array([[100.0]]),
        allowed=np.array([[True]]),
        capacity_s=np.array([[250.0]]),
        stay=np.array([1.0]),
    )
    # 250 s serve 2.5 contacts. Of 2 each one more is worth 10 and time nothing; of 3 time is
    # worth 10 / 100 per second and one more contact nothing. So half of each, on average.
    prices = slow_prices(inputs, np.array([[[2.0]], [[3.0]]]))
    np.testing.assert_allclose(prices.agent, [[0.05]], rtol=CLOSE)
    np.testing.assert_allclose(prices.contact, [[5.0]], rtol=CLOSE)
    # 2 contacts at 10, then 2.5 of 3: 22.5 on average.
    assert prices.value == pytest.approx(22.5)


def test_a_queue_is_carried_to_a_later_sub_period() -> None:
    """Half of those who wait are still there, so a contact too many is worth half of one later."""
    inputs = SlowInputs(
        reward=np.array([[10.0]]),
        work_s=np.array([[100.0]]),
        allowed=np.array([[True]]),
        capacity_s=np.array([[100.0], [1000.0]]),
        stay=np.array([0.5]),
    )
    # 3 now, 1 fits; of the 2 others 1 comes to the second period, which has time to spare.
    prices = slow_prices(inputs, np.array([[[3.0], [0.0]]]))
    assert prices.value == pytest.approx(20.0)
    np.testing.assert_allclose(prices.contact, [[5.0], [10.0]], rtol=CLOSE)
    # A second now serves 1/100 more at 10, which would have been worth 5 in the queue.
    np.testing.assert_allclose(prices.agent, [[0.05], [0.0]], atol=CLOSE)


def test_prices_differ_from_those_at_mean_demand() -> None:
    """What is not scarce on average, but sometimes, has a price (`methods.md` 4.3)."""
    inputs = SlowInputs(
        reward=np.array([[10.0]]),
        work_s=np.array([[100.0]]),
        allowed=np.array([[True]]),
        capacity_s=np.array([[250.0]]),
        stay=np.array([1.0]),
    )
    demand = np.array([[[1.0]], [[3.0]]])
    assert slow_prices(inputs, demand.mean(axis=0, keepdims=True)).agent[0, 0] == 0.0
    assert slow_prices(inputs, demand).agent[0, 0] == pytest.approx(0.05)


def test_identical_agents_share_a_row_and_its_price() -> None:
    """A programme over signatures has the optimum and the prices of one over agents."""
    rng = np.random.default_rng(7)
    resolution = rng.uniform(0.5, 1.0, (4, 3))[:, [0, 1, 0, 2, 1, 0]]
    work = rng.uniform(100.0, 300.0, (4, 3))[:, [0, 1, 0, 2, 1, 0]]
    groups = signatures(resolution, work)
    assert len(groups.example) == 3
    np.testing.assert_array_equal(resolution[:, groups.example[groups.of_agent]], resolution)

    def inputs(columns: slice | Ints, capacity: Floats) -> SlowInputs:
        reward = 10.0 * resolution[:, columns]
        allowed = np.ones(reward.shape, dtype=bool)
        return SlowInputs(reward, work[:, columns], allowed, capacity, np.zeros(4))

    time = rng.uniform(200.0, 900.0, (1, 6))
    demand = rng.poisson(3.0, (5, 1, 4)).astype(float)
    each = slow_prices(inputs(slice(None), time), demand)
    shared = slow_prices(inputs(groups.example, total_by_signature(groups, time)), demand)
    assert shared.value == pytest.approx(each.value)
    np.testing.assert_allclose(shared.agent[:, groups.of_agent], each.agent, rtol=1e-6, atol=1e-9)


def test_smoothing_mixes_old_and_new() -> None:
    """Half of each by default; without old prices, or with others' shapes, the new ones."""
    old, new = (SlowPrices(np.full((1, 2), x), np.full((1, 3), x), x) for x in (1.0, 3.0))
    assert smoothed(new, None) is new
    np.testing.assert_allclose(smoothed(new, old).agent, 2.0)
    np.testing.assert_allclose(smoothed(new, old, weight=0.25).contact, 2.5)
    other = replace(old, agent=np.ones((1, 9)))
    assert smoothed(new, other) is new


def test_a_reward_is_relative_to_never_being_served() -> None:
    """p V + L + c times the mean patience, which ends with the horizon."""
    reward = reward_per_contact(
        resolution=np.array([[0.5], [1.0]]),
        value=np.array([10.0, 20.0]),
        loss=np.array([1.0, 2.0]),
        waiting_cost=np.array([0.01, 0.01]),
        patience_s=np.array([100.0, np.inf]),
        horizon_s=900.0,
    )
    # 0.5 * 10 + 1 + 0.01 * 100 = 7; 20 + 2 + 0.01 * 900 = 31
    np.testing.assert_allclose(reward, [[7.0], [31.0]])


def test_wrong_inputs_are_refused() -> None:
    """Shapes that differ, pairs without work, negative time and negative demand are named."""
    good, demand = random_inputs(1)
    with pytest.raises(ValueError, match="differ in shape"):
        replace(good, work_s=good.work_s[:, :-1])
    with pytest.raises(ValueError, match="no finite reward, or no work"):
        replace(good, allowed=np.ones_like(good.allowed), work_s=np.zeros_like(good.work_s))
    with pytest.raises(ValueError, match="negative capacity"):
        replace(good, capacity_s=good.capacity_s - 1e9)
    with pytest.raises(ValueError, match="expected \\("):
        replace(good, stay=np.ones(len(good.stay) + 1))
    with pytest.raises(ValueError, match="nothing negative"):
        slow_prices(good, demand - 100.0)


def test_many_random_programmes_end_at_an_optimum() -> None:
    """Ties everywhere (integer rates, equal capacities, no demand) do not stop the simplex."""
    rng = np.random.default_rng(11)
    for _ in range(150):
        classes, groups, periods = rng.integers(1, 12), rng.integers(1, 30), rng.integers(1, 4)
        inputs = SlowInputs(
            reward=rng.integers(0, 4, (classes, groups)).astype(float),
            work_s=rng.choice([100.0, 200.0], (classes, groups)),
            allowed=rng.random((classes, groups)) < 0.5,
            capacity_s=rng.choice([0.0, 300.0, 600.0], (periods, groups)),
            stay=np.ones(classes),
        )
        demand = rng.integers(0, 6, (4, periods, classes)).astype(float)
        prices = slow_prices(inputs, demand)
        assert prices.value >= 0.0
        asked = inputs.work_s * prices.agent[:, None] + prices.contact[:, :, None]
        assert (asked >= inputs.reward - CLOSE)[:, inputs.allowed].all()


def test_classes_of_very_different_size_share_a_programme() -> None:
    """Seconds and hours, cents and hundreds: the prices still prove the optimum."""
    rng = np.random.default_rng(12)
    for _ in range(40):
        classes, groups, periods = rng.integers(2, 30), rng.integers(2, 50), rng.integers(1, 4)
        shape = (classes, groups)
        inputs = SlowInputs(
            reward=10.0 ** rng.uniform(-2.0, 3.0, (classes, 1)) * rng.uniform(0.3, 1.0, shape),
            work_s=10.0 ** rng.uniform(0.0, 4.5, (classes, 1)) * rng.uniform(0.5, 2.0, shape),
            allowed=rng.random(shape) < 0.5,
            capacity_s=rng.uniform(0.0, 9000.0, (periods, groups)),
            stay=rng.uniform(0.0, 1.0, classes),
        )
        demand = rng.poisson(4.0, (1, periods, classes)).astype(float)
        prices = slow_prices(inputs, demand)
        asked = inputs.work_s * prices.agent[:, None] + prices.contact[:, :, None]
        short = (inputs.reward - asked)[:, inputs.allowed].max(initial=0.0)
        assert short <= CLOSE * inputs.reward.max()
        cost = (demand[0] * prices.contact).sum() + (inputs.capacity_s * prices.agent).sum()
        assert cost == pytest.approx(prices.value, rel=CLOSE, abs=CLOSE)
