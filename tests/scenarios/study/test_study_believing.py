"""Routers that believe other numbers: they decide otherwise, and the day is counted as before."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.lab.centre import LabCentre
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.floor import Floor
from scenarios.lab.policies import new_router
from scenarios.lab.router import Decision, Router, nothing_starts
from scenarios.lab.value import value_of
from scenarios.study.altered import Altered, alter
from scenarios.study.base import build_base
from scenarios.study.believing import believed_centre, believing_router
from scenarios.study.changes import Changes, Errors, Weigh
from tests.scenarios.study.studies import tiny_study

BASE = build_base(tiny_study().centre)


class Watcher:
    """Starts nothing, and remembers what it was shown."""

    def __init__(self, centre: LabCentre) -> None:
        self.made_for = centre
        self.floors: list[Floor] = []

    def decide(self, floor: Floor) -> Decision:
        """Nothing starts."""
        self.floors.append(floor)
        return nothing_starts()


def shown(altered: Altered) -> Watcher:
    """What a router was shown on a day of the tiny centre."""
    made: list[Watcher] = []

    def new_watcher(centre: LabCentre, seed: int) -> Router:  # noqa: ARG001
        made.append(Watcher(centre))
        return made[0]

    router = believing_router(new_watcher, altered, 1)
    simulate(altered.truth, draw_day(altered.truth, 1), router)
    return made[0]


def test_a_router_sees_the_weights() -> None:
    """Values of B count double for it, before the day and at every tick."""
    altered = alter(BASE, Changes(weigh=(Weigh(("calls B",), value=2.0),)))
    watcher, plain = shown(altered), shown(alter(BASE, Changes()))
    assert watcher.made_for is altered.weights
    for ours, theirs in zip(watcher.floors, plain.floors, strict=True):
        assert ours.centre is altered.weights
        np.testing.assert_allclose(ours.value, theirs.value * np.array([1.0, 2.0])[ours.kind])


def test_a_router_that_ignores_weights_earns_the_same() -> None:
    """First come, first served knows no values: not a cent differs."""
    altered = alter(BASE, Changes(weigh=(Weigh(value=5.0, loss=9.0, waiting_cost=7.0),)))
    day = draw_day(BASE.centre, 2)
    heavy = believing_router(lambda centre, seed: new_router("fifo", centre, seed), altered, 2)
    plain = new_router("fifo", BASE.centre, 2)
    ours = value_of(BASE.centre, simulate(BASE.centre, day, heavy))
    assert ours == value_of(BASE.centre, simulate(BASE.centre, day, plain))


def test_priority_follows_the_weights() -> None:
    """SBR serves A before B once A is believed to be worth more, so B loses more customers."""
    base = replace(BASE.centre, eligible=np.ones((2, 6), dtype=bool), p=np.full((2, 6), 0.9))
    base = replace(base, classes=replace(base.classes, rate=base.classes.rate * 2))
    turned = alter(replace(BASE, centre=base), Changes(weigh=(Weigh(("calls A",), value=100.0),)))
    lost = []
    for altered in (alter(replace(BASE, centre=base), Changes()), turned):
        router = believing_router(
            lambda centre, seed: new_router("skills", centre, seed), altered, 3
        )
        visit = simulate(base, draw_day(base, 3), router).visit
        lost.append(visit.filter(outcome="abandoned", contact_class=1).height)
    assert lost[0] < lost[1]


def test_without_errors_routers_believe_the_truth() -> None:
    """The very same centre."""
    altered = alter(BASE, Changes())
    assert believed_centre(altered, 1) is altered.truth


def test_errors_have_their_size() -> None:
    """Log of the factors: mean -s^2/2 and deviation s, over 4,000 pairs; every day its own.

    The deviation of 0.3 over 4,000 is known to 0.3 / sqrt(8000) = 0.0034.
    """
    centre = replace(
        BASE.centre,
        p=np.full((2, 2000), 0.5),
        h=np.full((2, 2000), 100.0),
        eligible=np.ones((2, 2000), dtype=bool),
    )
    altered = Altered(centre, centre, Errors(0.2, 1.5, resolution=0.3, handling=0.3))
    today, tomorrow = believed_centre(altered, 1), believed_centre(altered, 2)
    assert np.log(today.h / 100.0).std() == pytest.approx(0.3, abs=0.015)
    odds = today.p / (1 - today.p)
    assert np.log(odds).std() == pytest.approx(0.3, abs=0.015)
    assert odds.mean() == pytest.approx(1.0, abs=0.03)
    assert (today.h != tomorrow.h).all()
    ratio = today.classes.rate / centre.classes.rate
    assert 1.0 < ratio.mean() < 2.0
    assert (today.classes.rate != tomorrow.classes.rate).all()


def test_errors_of_one_kind_leave_the_others_alone() -> None:
    """Rounding moves nobody across a threshold."""
    altered = alter(BASE, Changes(errors=Errors(forecast=0.2)))
    believed = believed_centre(altered, 1)
    np.testing.assert_array_equal(believed.p, BASE.centre.p)
    np.testing.assert_array_equal(believed.h, BASE.centre.h)
