"""Days of the lab: what is drawn, how it is distributed, and that nothing moves it."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.lab.centre import LabCentre
from scenarios.lab.day import LabPurpose, draw_day, stream
from scenarios.lab.engine import simulate
from scenarios.lab.rules.best_agent import BestAgent
from scenarios.lab.rules.longest_idle import LongestIdle
from tests.scenarios.lab.hand_made import centre, classes


def busy(horizon_s: float = 36_000.0) -> LabCentre:
    """Two classes of one contact a second together, values spread."""
    kinds = replace(classes(2, rate=0.5), value_sigma=np.full(2, 0.5))
    return centre(20, kinds, horizon_s=horizon_s, tick_s=5.0)


def test_the_same_seed_is_the_same_day() -> None:
    """Every array, to the last bit; another seed is another day."""
    one, same, other = (draw_day(busy(), seed) for seed in (7, 7, 8))
    assert (one.arrival_s == same.arrival_s).all()
    assert (one.noise == same.noise).all()
    assert len(one) != len(other)


def test_streams_of_purposes_differ() -> None:
    """No two purposes share their draws, nor do two seeds."""
    firsts = [stream(1, purpose).random() for purpose in LabPurpose]
    assert len(set(firsts)) == len(LabPurpose)
    assert stream(2, LabPurpose.VOLUME).random() != firsts[0]


def test_luck_belongs_to_the_customer_whatever_the_router() -> None:
    """Two routers, one day: the same customers enter at the same instants with the same values.

    Those who are answered under both take as long, since all agents are alike here.
    """
    where = replace(busy(1800.0), h=np.full((2, 20), 30.0))
    drawn = draw_day(where, 3)
    one, other = (simulate(where, drawn, router) for router in (LongestIdle(), BestAgent()))
    shared = ["customer_id", "contact_class", "entered_at", "value"]
    assert one.visit.select(shared).equals(other.visit.select(shared))
    both = one.handling.join(other.handling, on="visit_id")
    assert both.height > 300
    length = both["wrapped_up_at"] - both["answered_at"]
    again = both["wrapped_up_at_right"] - both["answered_at_right"]
    assert (length - again).dt.total_microseconds().abs().max() <= 1  # type: ignore[operator]


def test_means_are_what_the_centre_says() -> None:
    """36,000 contacts: rates, values, handling factors and patience within 4 standard errors."""
    drawn = draw_day(busy(), 1)
    number = len(drawn)
    assert abs(number - 36_000) < 4 * 36_000**0.5
    assert drawn.value.mean() == pytest.approx(10.0, abs=4 * drawn.value.std() / number**0.5)
    assert drawn.noise.mean() == pytest.approx(1.0, abs=4 * drawn.noise.std() / number**0.5)
    assert drawn.patience.mean() == pytest.approx(1.0, abs=4 / number**0.5)
    assert (np.diff(drawn.arrival_s) >= 0).all()
    assert drawn.arrival_s.max() < 36_000


def test_a_day_factor_makes_days_differ_more_than_poisson() -> None:
    """Shape 50: variance m + m^2 / 50 = 200 + 800 instead of 200, over 300 days of 200."""
    plain = centre(kinds=classes(rate=0.2), horizon_s=1000.0)
    moody = replace(plain, day_shape=50.0)
    spread = [np.var([len(draw_day(one, s)) for s in range(300)]) for one in (plain, moody)]
    # The relative standard error of a variance from 300 normal draws is sqrt(2 / 299) = 8 %.
    assert spread[0] == pytest.approx(200, rel=0.33)
    assert spread[1] == pytest.approx(1000, rel=0.33)


def test_rates_follow_their_intervals() -> None:
    """No arrivals in the first interval, all in the second and third, which is cut short."""
    kinds = replace(classes(), rate=np.array([[0.0, 0.5, 0.5]]))
    where = replace(centre(), classes=kinds, horizon_s=2500.0, interval_s=1000.0)
    drawn = draw_day(where, 2)
    assert drawn.arrival_s.min() >= 1000
    assert drawn.arrival_s.max() < 2500
    late = (drawn.arrival_s >= 2000).sum()
    assert late == pytest.approx(250, abs=4 * 250**0.5)


def test_a_centre_that_does_not_fit_together_is_refused() -> None:
    """Shapes, rates and ranges, each with what was found."""
    good = centre(2)
    with pytest.raises(ValueError, match=r"shapes \(1, 2\), \(1, 3\)"):
        replace(good, h=np.ones((1, 3)))
    with pytest.raises(ValueError, match="one column per interval"):
        replace(good, interval_s=500.0)
    with pytest.raises(ValueError, match="not within 0 and 1"):
        replace(good, p=np.full((1, 2), 1.5))
    with pytest.raises(ValueError, match="0 chats"):
        replace(good, chats=0)
