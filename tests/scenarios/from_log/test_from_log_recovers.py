"""A log simulated from known parameters gives them back."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from scenarios.from_log.fit import Fit, fit_month
from scenarios.from_log.measures import Measure
from scenarios.from_log.month import Month, resampled
from scenarios.from_log.predict import Variant, of_month, predict
from scenarios.from_log.simulated import Calls, Roster, simulate_day
from tests.scenarios.from_log.invented_months import exponential, known_centre, simulated_month

DAYS = 20
AGENTS = 10


@pytest.fixture(scope="module")
def month() -> Month:
    """Four weeks of about 1,400 calls a day."""
    return simulated_month(known_centre(AGENTS), DAYS, seed=31)


@pytest.fixture(scope="module")
def fit(month: Month) -> Fit:
    """What their log shows."""
    return fit_month(month)


def test_rates_come_back(fit: Fit) -> None:
    """1,000 calls of PS and 400 of NW a day, four days per weekday: within 4 deviations."""
    daily = fit.arrivals.rate[:5].sum(axis=2) * 1800
    assert fit.types == ("PS", "NW")
    assert (np.abs(daily - [1000, 400]) < 4 * np.sqrt([1000 / 4, 400 / 4])).all()
    # Poisson days: the factor that is found moves a day by no more than 3 %.
    assert fit.arrivals.day_shape > 1000


def test_handling_times_come_back(fit: Fit, month: Month) -> None:
    """Means 200 and 110 s within 4 deviations; sigma 0.8 and 1; everybody is as fast."""
    served = month.calls.filter(pl.col("service_s") > 0)["type"].value_counts().sort("count")
    number = served["count"].to_numpy()[::-1]
    # The standard deviation of a lognormal is mean x sqrt(exp(sigma^2) - 1).
    error = np.array([200 * np.sqrt(np.expm1(0.64)), 110 * np.sqrt(np.expm1(1.0))])
    assert (np.abs(fit.handling.mean_s - [200, 110]) < 4 * error / np.sqrt(number)).all()
    assert fit.handling.sigma == pytest.approx([0.8, 1.0], abs=0.1)
    assert fit.agents.factor == pytest.approx(np.ones(AGENTS), abs=0.05)
    assert fit.agents.can_serve.all()


@pytest.mark.parametrize(("kind", "mean_s"), [("PS 1", 300.0), ("PS 2", 300.0), ("NW", 150.0)])
def test_patience_comes_back(fit: Fit, kind: str, mean_s: float) -> None:
    """Kaplan-Meier at 30, 60 and 90 s within 4 Greenwood deviations, about (1 - S) / sqrt(d)."""
    curve = dict(zip(fit.segments.names, fit.patience, strict=True))[kind]
    at_s = np.array([30.0, 60.0, 90.0])
    true = np.exp(-at_s / mean_s)
    events = curve.num_observed * (1 - true).min()
    reach = 4 * true / np.sqrt(events)
    assert (np.abs(curve.share_after(at_s) - true) < reach).all()
    assert curve.mean_s == pytest.approx(mean_s, rel=4 / np.sqrt(curve.num_events))


def test_the_rule_comes_back(fit: Fit) -> None:
    """Head starts of 90 s and 180 s to a step of the grid, no change of rule, half with more."""
    assert fit.rule.since_day == 0
    assert fit.rule.head_start_s == pytest.approx([0, 90, 180], abs=5)
    assert fit.rule.has_extra == pytest.approx(0.5, abs=0.12)
    heads = dict(zip(fit.segments.names, fit.segments.head_start_s.tolist(), strict=True))
    assert heads == pytest.approx({"PS 1": 90, "PS 2 ahead": 180, "PS 2": 90, "NW": 0}, abs=5)


def test_pauses_come_back(fit: Fit) -> None:
    """10 s if somebody waits, 60 s if nobody does."""
    assert fit.presence.time_off.mean_s == pytest.approx(10, rel=0.1)
    assert fit.readiness.pause_s == pytest.approx(60, rel=0.2)


def test_a_bootstrap_keeps_the_number_of_each_weekday(month: Month) -> None:
    """Four of each weekday again, and every drawn day with all its calls."""
    again = resampled(month, np.random.default_rng(1))
    assert (np.sort(again.weekday) == np.sort(month.weekday)).all()
    sizes = month.calls.group_by("day").len()
    of_date = {month.days[day]: size for day, size in sizes.rows()}
    drawn = {again.days[day]: size for day, size in again.calls.group_by("day").len().rows()}
    assert drawn.items() <= of_date.items()


def test_the_next_month_of_the_same_centre_is_predicted(fit: Fit) -> None:
    """Another week of it lies within the intervals of the forecast."""
    month = simulated_month(known_centre(AGENTS), 5, seed=77)
    found = predict(fit, month, replications=3, seed=5, done=lambda: None)
    rows = of_month(found.summary, Variant.FORECAST)
    assert rows.height == len(Measure)
    assert rows.filter(~pl.col("real").is_between("low", "high"))["measure"].to_list() == []


def test_whoever_closes_the_house_stays_until_nobody_waits() -> None:
    """A call that comes seconds before closing, behind another, is answered after it."""
    centre = replace(known_centre(1), patience=(exponential(1e9),) * 4)
    shifts = pl.DataFrame({"agent_id": ["A00"], "day": 0, "from_s": [0.0], "until_s": [36000.0]})
    calls = Calls(np.array([35990.0, 35995.0]), np.zeros(2, np.int64), np.ones(2, np.int64))
    roster = Roster(shifts, centre.presence.absences)
    visits = simulate_day(centre, roster, weekday=0, seed=3, calls=calls)
    assert visits["outcome"].to_list() == ["answered", "answered"]
    assert visits["ended_at"][1].hour >= 10
