"""What an override changes, and that it changes nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.lab.centre import Breaks
from scenarios.lab.families import REPORTING_STRUCTURES, Family, build_centre
from scenarios.study.altered import alter, spread
from scenarios.study.base import Base, build_base
from scenarios.study.changes import (
    Changes,
    Chats,
    Close,
    Handling,
    Hire,
    Learn,
    Volume,
    Weigh,
)
from scenarios.study.described import FamilyCentre
from tests.scenarios.study.studies import tiny_study

BASE = build_base(tiny_study().centre)
"""Teams first (agents 0 to 2: A 0.8) and second (3 to 5: A 0.5, B 0.9)."""


def test_a_centre_of_its_own() -> None:
    """Half an hour in two intervals; 60 an hour are one a minute; who has no p cannot."""
    centre = BASE.centre
    np.testing.assert_allclose(centre.classes.rate * 3600, [[60, 60], [30, 40]])
    np.testing.assert_array_equal(centre.p, [[0.8] * 3 + [0.5] * 3, [0] * 3 + [0.9] * 3])
    np.testing.assert_array_equal(centre.eligible, centre.p > 0)
    assert BASE.team == ("first",) * 3 + ("second",) * 3


def test_a_family_is_the_labs() -> None:
    """The same company as `build_centre` gives."""
    base = build_base(FamilyCentre("small", "cedar", 0.8))
    same = build_centre(Family.SMALL, REPORTING_STRUCTURES[0], 0.8)
    np.testing.assert_array_equal(base.centre.p, same.p)
    np.testing.assert_array_equal(base.centre.classes.rate, same.classes.rate)


def test_nothing_changes_nothing() -> None:
    """Not even what routers believe."""
    altered = alter(BASE, Changes())
    np.testing.assert_array_equal(altered.truth.p, BASE.centre.p)
    np.testing.assert_array_equal(altered.truth.classes.rate, BASE.centre.classes.rate)
    assert altered.weights is altered.truth


def test_who_learns_was_weaker_before() -> None:
    """Two of the three who do not know B, evenly: agents 0 and 1 (places 0 and 3 // 2)."""
    truth = alter(BASE, Changes(learn=(Learn(2, ("calls B",), p=0.7),))).truth
    np.testing.assert_allclose(truth.p[1], [0.7, 0.7, 0, 0.9, 0.9, 0.9])
    np.testing.assert_array_equal(truth.eligible[1], [1, 1, 0, 1, 1, 1])
    np.testing.assert_array_equal(truth.p[0], BASE.centre.p[0])
    # Where the others are weaker they learn, too; who is better stays as they are.
    truth = alter(BASE, Changes(learn=(Learn(3, ("calls A",), p=0.7),))).truth
    np.testing.assert_allclose(truth.p[0], [0.8, 0.8, 0.8, 0.7, 0.7, 0.7])


def test_a_language_is_learned_for_what_one_knows() -> None:
    """* stands for the same text: B as good as in A times 0.9, and as fast as there."""
    named = replace(
        BASE.centre, classes=replace(BASE.centre.classes, names=("topic English", "topic Spanish"))
    )
    learn = Learn(3, ("* Spanish",), as_in="* English", times=0.9)
    truth = alter(replace(BASE, centre=named), Changes(learn=(learn,))).truth
    np.testing.assert_allclose(truth.p[1], [0.72, 0.72, 0.72, 0.9, 0.9, 0.9])
    np.testing.assert_allclose(truth.h[1], [200.0] * 3 + [300.0] * 3)


def test_a_site_is_a_share_of_everybody() -> None:
    """A third of six: agents 0 and 3 go, and with them their breaks."""
    breaks = Breaks(
        np.array([0, 1, 5]), np.array([10.0, 20.0, 30.0]), np.array([11.0, 21.0, 31.0])
    )
    base = Base(replace(BASE.centre, breaks=breaks), BASE.team)
    truth = alter(base, Changes(close=(Close(share=1 / 3),))).truth
    np.testing.assert_array_equal(truth.p, BASE.centre.p[:, [1, 2, 4, 5]])
    assert truth.breaks is not None
    # Old agent 1 is new agent 0, old 5 is new 3.
    np.testing.assert_array_equal(truth.breaks.agent, [0, 3])
    np.testing.assert_array_equal(truth.breaks.from_s, [20.0, 30.0])


def test_a_team_closes_and_others_are_hired() -> None:
    """In this order: two more like the second team."""
    changes = Changes(close=(Close(team="first"),), hire=(Hire(2, team="second"),))
    truth = alter(BASE, changes).truth
    np.testing.assert_array_equal(truth.p, np.repeat([[0.5], [0.9]], 5, axis=1))
    assert len(truth.shift_until_s) == 5


def test_more_contacts_where_it_says() -> None:
    """Only class B in the second interval, and handling times only of A."""
    changes = Changes(
        volume=(Volume(3.0, ("* B",), (1,)), Volume(2.0)),
        handling=(Handling(0.5, ("calls A",)),),
        chats=Chats(4, 0.2),
        tick_s=9.0,
    )
    truth = alter(BASE, changes).truth
    np.testing.assert_allclose(truth.classes.rate * 3600, [[120, 120], [60, 240]])
    np.testing.assert_allclose(truth.h / BASE.centre.h, [[0.5] * 6, [1.0] * 6])
    assert (truth.chats, truth.slowdown, truth.tick_s) == (4, 0.2, 9.0)


def test_weights_are_for_routers_only() -> None:
    """A loss 3 times as large while values count 2 times: the share of the value is 1.5 times."""
    altered = alter(BASE, Changes(weigh=(Weigh(("calls B",), 2.0, 3.0, 4.0),)))
    truth, weights = altered.truth.classes, altered.weights.classes
    np.testing.assert_array_equal(truth.value_mean, BASE.centre.classes.value_mean)
    np.testing.assert_allclose(weights.value_mean / truth.value_mean, [1.0, 2.0])
    np.testing.assert_allclose(weights.loss_share / truth.loss_share, [1.0, 1.5])
    np.testing.assert_allclose(weights.waiting_cost / truth.waiting_cost, [1.0, 4.0])


@pytest.mark.parametrize(
    ("of", "number", "places"), [(6, 3, [0, 2, 4]), (5, 2, [0, 2]), (3, 0, [])]
)
def test_spread_is_even(of: int, number: int, places: list[int]) -> None:
    """Every (of / number)th."""
    np.testing.assert_array_equal(spread(np.arange(of), number), places)
