"""Arrivals, handling times, shrinkage and skills by hand."""

import numpy as np
import pytest

from scenarios.from_log.arrivals import arrival_counts, fit_arrivals, gamma_shape
from scenarios.from_log.handling import fit_agents, fit_handling, shrunk, skills_of
from tests.scenarios.from_log.invented_months import month_of


def call(day: int, kind: str, at_s: float, service_s: float, agent: str) -> tuple[object, ...]:
    """A call that was answered at once."""
    return (day, kind, None, at_s, 0.0, False, False, service_s, agent)


def test_rates_are_means_over_days_of_the_weekday() -> None:
    """Days 0 and 7 are Mondays: two and four calls at 8:00 are three per half-hour."""
    calls = [call(0, "PS", 8 * 3600 + s, 60, "A") for s in range(2)]
    calls += [call(7, "PS", 8 * 3600 + 1799, 60, "A")] * 4
    month = month_of(calls, [])
    assert arrival_counts(month, ("PS",))[7, 0, 16] == 4
    rate = fit_arrivals(month, ("PS",)).rate
    assert rate[0, 0, 16] * 1800 == pytest.approx(3.0)
    assert rate[0, 0, 17] == 0


def test_gamma_shape_is_what_variance_leaves_beyond_poisson() -> None:
    """Var = mean + mean^2 / shape; equal counts need no factor."""
    # Mean 100: deviations of 20 give 400 = 100 + 100^2 / shape, so shape = 33.3.
    expected, free = np.full(2, 100.0), np.ones(2)
    assert gamma_shape(np.array([80.0, 120.0]), expected, free) == pytest.approx(10000 / 300)
    assert gamma_shape(np.array([95.0, 105.0]), expected, free) == np.inf


def test_means_of_few_calls_are_pulled_to_one() -> None:
    """Weight between / (between + variance / n) with the between that the means leave."""
    # Means 0.5 and 1.5: spread 0.25; chance adds 0.4 x (1/4 + 1/100) / 2 = 0.052; between 0.198.
    # Weights 0.198 / (0.198 + 0.1) and 0.198 / (0.198 + 0.004).
    factor = shrunk(np.array([0.5, 1.5]), np.array([4.0, 100.0]), variance=0.4)
    assert factor == pytest.approx([1 - 0.5 * 0.198 / 0.298, 1 + 0.5 * 0.198 / 0.202])


def test_differences_that_chance_explains_are_none() -> None:
    """Where chance alone spreads means as much, everybody is as fast."""
    assert shrunk(np.array([0.9, 1.1]), np.array([4.0, 4.0]), variance=1.0).tolist() == [1, 1]


def test_the_lognormal_has_the_mean_and_variance_of_the_month() -> None:
    """Services of 60 and 180 s: mean 120, variance 7200, so sigma^2 = log(1 + 7200/14400)."""
    month = month_of([call(0, "PS", 0, 60, "A"), call(0, "PS", 300, 180, "A")], [])
    handling = fit_handling(month, ("PS",))
    assert handling.mean_s.tolist() == [120.0]
    assert handling.sigma == pytest.approx([np.sqrt(np.log(1.5))])


def test_a_skill_is_a_type_that_is_served_often_enough() -> None:
    """At least 5 calls, and at least a quarter of the usual share; strangers do what most do."""
    calls = [call(0, "PS", s, 60, agent) for s in range(90) for agent in ("A", "B", "C")]
    calls += [call(0, "NW", s, 60, "A") for s in range(30)]
    # Usual share of NW: 40 / 310 = 12.9 %. A has 25 %, B 4 of 94, C 6 of 96 = 6.3 %.
    calls += [call(0, "NW", s, 60, "B") for s in range(4)]
    calls += [call(0, "NW", s, 60, "C") for s in range(6)]
    month = month_of(calls, [])
    types = ("PS", "NW")
    agents = fit_agents(month, types, fit_handling(month, types))
    assert agents.names == ("A", "B", "C")
    assert agents.can_serve.tolist() == [[True, True, True], [True, False, True]]
    assert skills_of(("B", "stranger"), agents).tolist() == [[True, True], [False, True]]
