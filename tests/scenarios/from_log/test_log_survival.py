"""Kaplan-Meier by hand."""

import numpy as np
import pytest

from scenarios.from_log.survival import kaplan_meier

# Five waits: left after 2, 4 and 4 s; answered after 3 and 5 s.
SECONDS = np.array([4.0, 2.0, 3.0, 5.0, 4.0])
LEFT = np.array([True, True, False, False, True])


def test_the_curve_falls_at_events_by_their_share_of_those_at_risk() -> None:
    """At 2 s one of five leaves, at 4 s two of the three who are still there."""
    curve = kaplan_meier(SECONDS, LEFT)
    # 1 - 1/5 = 0.8; 0.8 x (1 - 2/3) = 0.2667
    assert curve.at_s.tolist() == [2.0, 4.0]
    assert curve.survives == pytest.approx([0.8, 0.8 / 3])


def test_the_mean_is_total_time_over_events() -> None:
    """18 seconds were waited in all, three customers left: the exponential's mean is 6 s."""
    assert kaplan_meier(SECONDS, LEFT).mean_s == pytest.approx(18 / 3)


def test_a_time_cut_short_at_the_instant_of_an_event_was_at_risk() -> None:
    """An answer at 4 s counts among those who could have left at 4 s."""
    curve = kaplan_meier(np.array([4.0, 4.0]), np.array([True, False]))
    assert curve.survives == pytest.approx([0.5])


def test_shares_are_steps_and_then_exponential() -> None:
    """Between events nothing changes; after the last the hazard is that of the whole."""
    curve = kaplan_meier(SECONDS, LEFT)
    share = curve.share_after(np.array([0.0, 1.9, 2.0, 3.9, 4.0, 10.0]))
    tail = 0.8 / 3 * np.exp(-(10 - 4) / 6)
    assert share == pytest.approx([1, 1, 0.8, 0.8, 0.8 / 3, tail])


def test_draws_follow_the_curve() -> None:
    """Of exponential hazards, those below -log 0.8 leave at 2 s, as 20 % should."""
    curve = kaplan_meier(SECONDS, LEFT)
    # -log 0.8 = 0.223; -log 0.2667 = 1.322; beyond, 6 s for each unit of hazard
    drawn = curve.draw(np.array([0.1, 0.22, 0.23, 1.32, 2.3218]))
    assert drawn == pytest.approx([2, 2, 4, 4, 4 + 6 * (2.3218 + np.log(0.8 / 3))])


def test_nobody_ever_leaves_where_nobody_did() -> None:
    """Without events the mean is infinite, and so are draws."""
    curve = kaplan_meier(np.array([3.0, 5.0]), np.array([False, False]))
    assert curve.mean_s == np.inf
    assert np.isinf(curve.draw(np.array([0.5]))).all()
    assert curve.share_after(np.array([100.0])) == pytest.approx([1.0])
