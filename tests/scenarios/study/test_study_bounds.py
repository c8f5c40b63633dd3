"""What an agent's hour is worth, by class, from the hindsight bound's prices."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.lab.day import draw_day
from scenarios.lab.hindsight import duty_groups, price_path_of_day
from scenarios.study import bounds
from scenarios.study.base import build_base
from scenarios.study.bounds import bound_the_day
from tests.scenarios.study.studies import tiny_study

CENTRE = build_base(tiny_study().centre).centre
"""Teams first (A 0.8) and second (A 0.5, B 0.9), three agents each; intervals of 15 min."""


def test_the_bound_is_the_labs() -> None:
    """After as many iterations."""
    day = draw_day(CENTRE, 1)
    assert bound_the_day(CENTRE, day, 7).bound.item() == price_path_of_day(CENTRE, day, 7).bound


def test_a_price_is_the_mean_of_those_who_do_the_class_well() -> None:
    """A is done well by the first team only, B by the second; per hour, by interval."""
    day = draw_day(CENTRE, 1)
    path = price_path_of_day(CENTRE, day, 7)
    by_agent = path.price[duty_groups(CENTRE).of_agent] * 3600
    table = bound_the_day(CENTRE, day, 7).price
    # 180 ticks of 5 s an interval; what lies beyond the second interval is nobody's.
    first, second = by_agent[:, :180].mean(axis=1), by_agent[:, 180:360].mean(axis=1)
    expected = [first[0], second[0], first[3], second[3]]
    assert table["price_per_hour"].to_list() == pytest.approx(expected)
    assert table["name"].to_list() == ["calls A"] * 2 + ["calls B"] * 2
    assert table["from_s"].to_list() == [0.0, 900.0, 0.0, 900.0]
    assert max(expected) > 0


def test_a_class_that_nobody_does_well_has_everybody() -> None:
    """Both teams below 0.6 in A: the mean of all six."""
    centre = replace(CENTRE, p=np.minimum(CENTRE.p, [[0.55], [1.0]]))
    price = np.arange(6.0)[:, None] * np.ones((6, 360))
    by_class = bounds._by_class(centre, price)
    np.testing.assert_allclose(by_class, 3600 * np.array([[2.5, 2.5], [4.0, 4.0]]))
