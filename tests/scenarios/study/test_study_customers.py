"""Common random numbers across overrides: the same people, and each override's own law."""

from dataclasses import fields, replace

import numpy as np
from scipy import stats

from scenarios.lab.centre import LabCentre
from scenarios.lab.day import Day, draw_day
from scenarios.study.altered import alter
from scenarios.study.base import build_base
from scenarios.study.changes import Changes, Volume
from scenarios.study.customers import draw_customers, largest_rate
from tests.scenarios.study.studies import tiny_study

BASE = build_base(tiny_study().centre)


def spiked(factor: float) -> LabCentre:
    """The tiny centre with so many times the contacts of class A in the second interval."""
    return alter(BASE, Changes(volume=(Volume(factor, ("calls A",), (1,)),))).truth


def test_without_other_rates_a_day_is_the_labs() -> None:
    """To the last bit, in every array."""
    centre = BASE.centre
    ours, labs = draw_customers(centre, 5, largest_rate([centre])), draw_day(centre, 5)
    for item in fields(Day):
        np.testing.assert_array_equal(getattr(ours, item.name), getattr(labs, item.name))


def test_more_customers_are_the_same_ones_and_some_others() -> None:
    """Whoever calls without the spike calls with it, with the same luck; all others are of it."""
    usual, spike = spiked(1.0), spiked(2.5)
    largest = largest_rate([usual, spike])
    few, many = draw_customers(usual, 3, largest), draw_customers(spike, 3, largest)
    same = np.isin(many.arrival_s, few.arrival_s)
    assert len(few) < len(many)
    for item in fields(Day):
        np.testing.assert_array_equal(getattr(many, item.name)[same], getattr(few, item.name))
    added = many.arrival_s[~same]
    assert (added >= 900).all()
    assert (many.kind[~same] == 0).all()


def test_a_thinned_day_has_the_law_of_its_own_rates() -> None:
    """Contacts of A in the spike: mean 15, and the variance of 15 by a Gamma factor of shape 50.

    Var N = 15 + 15^2 / 50 = 19.5. Over 500 days the mean has a deviation of
    sqrt(19.5 / 500) = 0.2, and the variance one of about 19.5 sqrt(2 / 500) = 1.2.
    """
    usual, spike = spiked(1.0), spiked(3.0)
    largest = largest_rate([usual, spike])
    counts = []
    for seed in range(500):
        day = draw_customers(usual, seed, largest)
        counts.append(np.count_nonzero((day.kind == 0) & (day.arrival_s >= 900)))
    assert abs(np.mean(counts) - 15) < 0.7
    assert abs(np.var(counts) - 19.5) < 4.5


def test_arrivals_of_a_thinned_day_are_even_within_an_interval() -> None:
    """Given their number, arrivals of an interval are uniform (Kolmogorov and Smirnov)."""
    usual, spike = spiked(1.0), spiked(3.0)
    largest = largest_rate([usual, spike])
    at = [draw_customers(usual, seed, largest) for seed in range(60)]
    late = np.concatenate([day.arrival_s[(day.kind == 0) & (day.arrival_s >= 900)] for day in at])
    assert stats.kstest((late - 900) / 900, "uniform").pvalue > 0.001


def test_other_agents_meet_the_same_customers() -> None:
    """What is no rate takes no part in the draw."""
    fewer = replace(BASE.centre, p=BASE.centre.p / 2, h=BASE.centre.h * 2, tick_s=30.0)
    largest = largest_rate([BASE.centre, fewer])
    ours, theirs = draw_customers(BASE.centre, 4, largest), draw_customers(fewer, 4, largest)
    np.testing.assert_array_equal(ours.arrival_s, theirs.arrival_s)
    np.testing.assert_array_equal(ours.noise, theirs.noise)
