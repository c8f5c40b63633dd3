"""A day in hindsight: no router beats its bound, and what the bound believes is so."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.lab.centre import Breaks, Habits, LabCentre
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.families import TUNING_STRUCTURES, Family, build_centre
from scenarios.lab.hindsight import bound_of_day, duty_groups, hindsight_day
from scenarios.lab.lifelike import lifelike
from scenarios.lab.own_policies import ours
from scenarios.lab.policies import new_router
from scenarios.lab.value import value_of
from tests.scenarios.lab.hand_made import NEVER, centre, classes, day

QUICK = 30
"""Iterations: any number gives a bound."""


@pytest.mark.parametrize("family", [Family.SMALL, Family.BLEND])
@pytest.mark.parametrize("is_lifelike", [False, True])
@pytest.mark.parametrize("load", [0.8, 1.1])
def test_no_router_beats_the_bound(family: Family, is_lifelike: bool, load: float) -> None:
    """Whatever is in the centre: breaks, uneven shifts, returns, slower chats, emails."""
    given = build_centre(family, TUNING_STRUCTURES[1], load)
    if is_lifelike:
        given = lifelike(given, 3)
    luck = draw_day(given, 405)
    bound = bound_of_day(given, luck, QUICK)
    for router in (
        *(new_router(name, given, 1) for name in ("fifo", "skills", "best-agent")),
        ours(given, 1),
    ):
        assert value_of(given, simulate(given, luck, router)).total <= bound


def test_agents_who_differ_in_anything_are_groups_of_their_own() -> None:
    """Equal but for the shift, or a break: not one group."""
    given = centre(4, tick_s=5.0)
    assert len(duty_groups(given).example) == 1
    shifts = replace(given, shift_until_s=np.array([900.0, NEVER, NEVER, NEVER]))
    assert len(duty_groups(shifts).example) == 2
    breaks = Breaks(np.array([3]), np.array([100.0]), np.array([200.0]))
    assert len(duty_groups(replace(shifts, breaks=breaks)).example) == 3


def staff_of(given: LabCentre) -> list[float]:
    """Agents counted in each tick of 100 s, until the end of arrivals."""
    luck = day([50.0], patience=100.0, noise=1.0)
    found = hindsight_day(given, luck).duty.staff[0, :10]
    return [float(number) for number in found]


def test_a_break_is_not_counted() -> None:
    """One agent, 1,000 s, a break from 300 to 500 s: free to finish, nobody else is there."""
    breaks = Breaks(np.array([0]), np.array([300.0]), np.array([500.0]))
    given = replace(centre(1, tick_s=100.0), breaks=breaks, shift_until_s=np.array([2000.0]))
    free = np.inf
    assert staff_of(given) == [1, 1, 1, free, free, 1, 1, 1, 1, 1]


def test_a_break_that_may_be_left_out_is_not_believed() -> None:
    """The first break may end as late as 400 + 100 s: one at 450 s may fall into it, 550 not."""
    free = np.inf
    for begin, expected in ((450.0, 1.0), (550.0, free)):
        breaks = Breaks(
            np.array([0, 0]), np.array([300.0, begin]), np.array([400.0, begin + 250.0])
        )
        given = replace(centre(1, tick_s=100.0), breaks=breaks, shift_until_s=np.array([2000.0]))
        assert staff_of(given)[3] == free
        assert staff_of(given)[6] == expected


def test_returns_that_luck_allows_are_contacts_of_their_own() -> None:
    """Who redials comes back `patience + delay` after the arrival: then, not earlier or later."""
    one = np.ones(1)
    habits = Habits(
        redial_share=one,
        redial_median_s=60 * one,
        reconnect_share=0 * one,
        reconnect_median_s=60 * one,
        switch_share=0 * one,
        switch_to=np.zeros(1, dtype=np.int64),
        attempts=2,
    )
    kinds = replace(classes(patience_s=100.0, loss_share=0.5, waiting_cost=0.01), habits=habits)
    given = centre(1, kinds, tick_s=5.0)
    luck = day([50.0], patience=1.0, returns=0.0, attempts=2)
    found = hindsight_day(given, luck)
    np.testing.assert_allclose(found.arrival_s, [50.0, 210.0])
    # The second try may begin until its own patience of 100 s ends.
    np.testing.assert_allclose(found.arrival_s + found.patience_s, [150.0, 310.0])
    # Who may come back is not lost yet, and only the first wait is charged.
    np.testing.assert_allclose(found.loss, [0.0, 0.0])
    np.testing.assert_allclose(found.waiting_cost, [0.01, 0.0])


def test_centres_that_the_bound_does_not_know_are_refused() -> None:
    """Decisions at every event have no ticks."""
    with pytest.raises(ValueError, match="tick 0"):
        hindsight_day(centre(1), day([50.0], patience=1.0))
