"""What policies believe: true in the mean by default, wrong by as much as they are told."""

import numpy as np
import pytest

from scenarios.lab.beliefs import BeliefErrors, Forecast, beliefs_of, forecast_of, moment_of
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.families import TUNING_STRUCTURES, Family, build_centre
from scenarios.lab.floor import NOTHING, Floor
from scenarios.lab.past import (
    PRIOR_CONTACTS,
    PROMISED,
    _shrunk,
    declared_levels,
    learned_beliefs,
    learned_forecast,
    learned_patience_s,
    live_through,
    usual_abandonment,
)
from scenarios.lab.router import Decision
from scenarios.lab.rules.skills import SkillsBased

SMALL = build_centre(Family.SMALL, TUNING_STRUCTURES[0], 0.95)


def test_by_default_beliefs_are_true() -> None:
    """Probabilities, times, rates; values have the right mean."""
    beliefs = beliefs_of(SMALL, 0.45)
    np.testing.assert_allclose(beliefs.resolution, SMALL.p)
    np.testing.assert_allclose(beliefs.handling_s, SMALL.h)
    np.testing.assert_allclose(beliefs.value_mean, SMALL.classes.value_mean)
    np.testing.assert_array_equal(beliefs.allowed, SMALL.p >= 0.45)
    np.testing.assert_allclose(forecast_of(SMALL).rate, SMALL.classes.rate)


def test_wrong_forecasts_are_wrong_by_class_and_right_on_average() -> None:
    """A factor per class, the same all day; of 400 seeds their mean is 1 and their spread 20 %."""
    ratio = np.array(
        [
            forecast_of(SMALL, BeliefErrors(forecast=0.2), seed).rate / SMALL.classes.rate
            for seed in range(400)
        ]
    )
    np.testing.assert_allclose(ratio, ratio[:, :, :1] * np.ones(ratio.shape))
    # 1,600 factors: the mean is known to 0.2 / 40 = 0.005, the spread to about 0.0036.
    assert ratio[:, :, 0].mean() == pytest.approx(1.0, abs=0.02)
    assert ratio[:, :, 0].std() == pytest.approx(0.2, abs=0.02)


def test_a_forecast_counts_by_overlap() -> None:
    """Rates 0.1 and 0.3 in intervals of 100 s, closed at 150 s: 5 + 0.3 * 50 from 50 s on."""
    forecast = Forecast(np.array([[0.1, 0.3]]), 100.0, 150.0)
    np.testing.assert_allclose(forecast.expected(50.0, 400.0), [20.0])
    np.testing.assert_allclose(forecast.by_period(50.0, 100.0, 2), [[5.0], [15.0]])
    assert forecast.mean_rate == pytest.approx(25.0 / 150.0)


def test_a_moment_shows_what_is_held_and_how_busy_the_day_is() -> None:
    """At the first decision after an hour; the factor is (50 + seen) / (50 + expected)."""
    seen: list[Floor] = []

    class Watcher(SkillsBased):
        def decide(self, floor: Floor) -> Decision:
            if floor.now_s >= 3600.0 and not seen:
                seen.append(floor)
                forecast = forecast_of(SMALL)
                moment = moment_of(floor, forecast, 900.0)
                busy = (floor.held_kind != NOTHING).any(axis=1)
                np.testing.assert_array_equal(np.unique(moment.held_agent), busy.nonzero()[0])
                assert (moment.held_elapsed_s >= 0).all()
                expected = forecast.expected(0.0, floor.now_s).sum()
                factor = (50.0 + floor.arrived.sum()) / (50.0 + expected)
                assert moment.factor == pytest.approx(factor)
                assert moment.closing_in_s == pytest.approx(7200.0 - floor.now_s)
            return super().decide(floor)

    simulate(SMALL, draw_day(SMALL, 402), Watcher())
    assert seen


def test_shrinkage_by_hand() -> None:
    """Two agents of one level that promises 0.6, 30 contacts' worth at both steps.

    One resolved 45 of 60, the other has none: the level's mean is (45 + 18) / (60 + 30) = 0.7;
    the pairs are (45 + 21) / 90 and 0.7.
    """
    assert PRIOR_CONTACTS == 30.0
    found = _shrunk(
        np.array([[45.0, 0.0]]), np.array([[60.0, 0.0]]), np.zeros((1, 2), int), np.array([0.6])
    )
    np.testing.assert_allclose(found, [[66 / 90, 0.7]])


def test_what_is_learned_comes_near_the_truth() -> None:
    """Twenty days teach more than the declared levels alone; rates within 10 % in total.

    Patience within 15 %: about 500 customers of a class left, which tells it to 5 % or so.
    """
    past = live_through(SMALL)
    learned = learned_beliefs(SMALL, past, 0.45)
    tried = past.handled >= 50
    declared = PROMISED[declared_levels(SMALL)]
    error = np.abs(learned.resolution - SMALL.p)[tried].mean()
    assert error < 0.8 * np.abs(declared - SMALL.p)[tried].mean()
    relative = learned.handling_s[tried] / SMALL.h[tried]
    assert np.abs(relative - 1).mean() < 0.1
    total = learned_forecast(SMALL, past).rate.sum() / SMALL.classes.rate.sum()
    assert total == pytest.approx(1.0, abs=0.1)
    np.testing.assert_allclose(learned_patience_s(past), SMALL.classes.patience_s, rtol=0.15)


def test_usual_abandonment_is_what_the_days_had() -> None:
    """One past day: the share per class of its own visits."""
    events = simulate(SMALL, draw_day(SMALL, 601), SkillsBased())
    share = usual_abandonment(live_through(SMALL, [601]))
    for kind in range(SMALL.num_classes):
        visits = events.visit.filter(events.visit["contact_class"] == kind)
        left = (visits["outcome"] != "answered").sum()
        assert share[kind] == pytest.approx(left / visits.height)
