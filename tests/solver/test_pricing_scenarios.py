"""Sampled futures: their means are the forecasts', and a seed decides."""

import numpy as np
import pytest
from scipy import integrate, stats

from solver.pricing.scenarios import (
    Remaining,
    day_factor,
    demand_scenarios,
    mean_remaining_s,
    sampled_contacts,
    sampled_remaining_s,
    value_buckets,
)

WORK = Remaining(
    elapsed_s=np.array([0.0, 100.0, 600.0, 3000.0, 120.0]),
    log_mean=np.array([5.0, 5.0, 5.5, 5.0, np.log(300.0)]),
    log_sd=np.array([0.5, 0.8, 0.6, 0.7, 0.0]),
)
"""Just begun, on the way, long overdue, far in the tail, and known: 180 of 300 s to go."""


def generator() -> np.random.Generator:
    """Always the same."""
    return np.random.default_rng(5)


def test_the_day_factor_moves_from_the_forecast_to_what_is_seen() -> None:
    """(50 + seen) / (50 + expected)."""
    assert day_factor(0.0, 0.0) == 1.0
    assert day_factor(150.0, 50.0) == pytest.approx(2.0)
    assert day_factor(30.0, 40.0, prior=10.0) == pytest.approx(0.8)


def test_demand_has_the_forecast_mean_and_the_waiting_contacts_first() -> None:
    """Mean factor * forecast, queue in the first sub-period; variance above Poisson's."""
    forecast = np.array([[10.0, 0.0], [40.0, 4.0]])
    demand = demand_scenarios(np.array([3.0, 1.0]), forecast, 1.5, 40_000, generator())
    assert demand.shape == (40_000, 2, 2)
    expected = 1.5 * forecast + np.array([[3.0, 1.0], [0.0, 0.0]])
    # Standard errors are below sqrt(60 + 60 ** 2 / 200) / 200 = 0.045.
    np.testing.assert_allclose(demand.mean(axis=0), expected, atol=0.2)
    # Var = m + m ** 2 / 200 = 60 + 18 at m = 60.
    assert demand[:, 1, 0].var() == pytest.approx(78.0, rel=0.05)


def test_sampled_contacts_have_the_rates_times_and_values_of_their_classes() -> None:
    """Poisson numbers, uniform arrivals in order, values from the class's own quantiles."""
    rate, values = np.array([0.5, 0.0, 2.0]), np.array([[1.0, 3.0], [9.0, 9.0], [5.0, 7.0]])
    rng = generator()
    samples = [sampled_contacts(rate, 200.0, values, 1.2, rng) for _ in range(400)]
    counts = np.array([np.bincount(one.kind, minlength=3) for one in samples])
    # Means 120, 0 and 480; standard errors below sqrt(480 + 480 ** 2 / 200) / 20 = 2.
    np.testing.assert_allclose(counts.mean(axis=0), [120.0, 0.0, 480.0], atol=6.0)
    for one in samples[:5]:
        assert (np.diff(one.arrival_s) >= 0).all()
        assert (one.arrival_s >= 0).all()
        assert (one.arrival_s < 200.0).all()
        assert set(one.value[one.kind == 0]) == {1.0, 3.0}
        assert set(one.value[one.kind == 2]) == {5.0, 7.0}


def test_remaining_time_is_the_conditional_lognormal_mean() -> None:
    """E[X - e | X > e] by quadrature of the survival function; a known time is what is left."""
    found = mean_remaining_s(WORK)
    for n in range(4):
        law = stats.lognorm(WORK.log_sd[n], scale=np.exp(WORK.log_mean[n]))
        whole, _ = integrate.quad(law.sf, WORK.elapsed_s[n], np.inf, limit=200)
        assert found[n] == pytest.approx(whole / law.sf(WORK.elapsed_s[n]), rel=1e-4)
    assert found[4] == pytest.approx(180.0, rel=1e-6)


def test_sampled_remaining_times_have_the_conditional_law() -> None:
    """Mean as above; and X given X > e has uniform conditional ranks."""
    drawn = sampled_remaining_s(WORK, 20_000, generator())
    assert drawn.shape == (20_000, 5)
    np.testing.assert_allclose(drawn.mean(axis=0), mean_remaining_s(WORK), rtol=0.05)
    for n in range(4):
        law = stats.lognorm(WORK.log_sd[n], scale=np.exp(WORK.log_mean[n]))
        rank = law.sf(WORK.elapsed_s[n] + drawn[:, n]) / law.sf(WORK.elapsed_s[n])
        assert stats.kstest(rank, "uniform").pvalue > 1e-3


def test_work_far_beyond_its_law_ends_soon() -> None:
    """A lognormal that cannot reach so far leaves numbers, not NaN, and no negative time."""
    late = Remaining(np.array([1e7]), np.array([4.0]), np.array([0.05]))
    for seconds in (mean_remaining_s(late), sampled_remaining_s(late, 100, generator())):
        assert np.isfinite(seconds).all()
        assert (seconds >= 0).all()


def test_value_buckets_are_means_of_equally_likely_parts() -> None:
    """1..4 in two: 1.5 and 3.5; in one: the mean."""
    values = np.array([[4.0, 1.0, 3.0, 2.0]])
    np.testing.assert_allclose(value_buckets(values, 2), [[1.5, 3.5]])
    np.testing.assert_allclose(value_buckets(values, 1), [[2.5]])


def test_a_seed_decides() -> None:
    """The same generator gives the same futures, another one others."""
    forecast = np.full((2, 3), 20.0)
    one, same = (demand_scenarios(np.zeros(3), forecast, 1.0, 4, generator()) for _ in range(2))
    other = demand_scenarios(np.zeros(3), forecast, 1.0, 4, np.random.default_rng(6))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
