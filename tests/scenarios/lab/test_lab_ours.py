"""Our policy: gains by hand, holds, levers, and that it pays."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.lab.beliefs import beliefs_of, forecast_of
from scenarios.lab.centre import Floats, LabCentre
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.families import TUNING_STRUCTURES, Family, build_centre
from scenarios.lab.floor import NOTHING, Floor
from scenarios.lab.levers import CeilingLever, fixed_lever
from scenarios.lab.own_policies import OURS, Prices, ours, ours_with_past
from scenarios.lab.past import live_through
from scenarios.lab.policies import POLICIES, new_router
from scenarios.lab.value import value_of
from scenarios.lab.worth import Openings, tick_problem
from tests.scenarios.lab.hand_made import centre, classes

SMALL = build_centre(Family.SMALL, TUNING_STRUCTURES[0], 0.95)


def hand_made(p: Floats) -> LabCentre:
    """Calls of 100 s worth 10; patience 200 s, a tenth of the value lost, 0.01 a second."""
    kinds = classes(patience_s=200.0, loss_share=0.1, waiting_cost=0.01)
    return centre(p.shape[1], kinds, p=p, tick_s=5.0)


def floor_of(given: LabCentre, busy: list[bool], value: float = 10.0) -> Floor:
    """One contact waits; the agents named busy hold one since 40 s."""
    agents = given.num_agents
    held = np.where(np.array(busy), 0, NOTHING)[:, None]
    return Floor(
        centre=given,
        now_s=100.0,
        contact=np.array([7]),
        kind=np.array([0]),
        value=np.array([value]),
        waited_s=np.array([10.0]),
        room=np.where(np.array(busy)[:, None], 0, 1) * np.ones((agents, 3), dtype=np.int64),
        on_duty=np.ones(agents, dtype=bool),
        idle_since_s=np.zeros(agents),
        held_kind=held,
        held_since_s=np.full((agents, 1), 60.0),
        taken=np.zeros(agents, dtype=np.int64),
        busy_s=np.zeros(agents),
        arrived=np.array([8]),
    )


def gains(problem_of: tuple[LabCentre, Floor, Openings], cost: Floats, head: float) -> Floats:
    """(agents,) gain of the one contact at each agent."""
    given, floor, openings = problem_of
    beliefs = beliefs_of(given, 0.0)
    tick = tick_problem(floor, beliefs, openings, cost, np.array([head]))
    assert tick is not None
    problem = tick.problem
    rates = problem.rate[problem.term_row[0]]
    gain: Floats = problem.base[0] + problem.term_coef[0] @ rates
    return gain


def test_gain_of_an_agent_who_is_free() -> None:
    """p V - cost + nu + u; both are free, so the delay is a tick.

    Offers: 0.5 * 10 - 1 + 0.2 = 4.2 and 0.3 * 10 - 0.4 + 0.2 = 2.8, the best is 4.2.
    u = (1 - exp(-5 / 200)) (0.1 * 10 + 4.2) + 0.01 * 5.
    """
    given = hand_made(np.array([[0.5, 0.3]]))
    floor = floor_of(given, [False, False])
    openings = Openings(floor.can_start, np.zeros((1, 2), dtype=bool), np.zeros(2))
    urgency = -np.expm1(-5 / 200) * 5.2 + 0.05
    found = gains((given, floor, openings), np.array([[1.0, 0.4]]), 0.2)
    np.testing.assert_allclose(found, [4.2 + urgency, 2.8 + urgency])


def test_gain_of_a_hold() -> None:
    """Agent 0 is the better one and free in 60 s: S = exp(-0.3).

    S (5 + 0.2 - 1) - (1 - S) 1 - 0.01 * 60 + u, where nobody who is near the best (4.2; agent 1
    offers 2.8) is free: T = 100 s / 1 agent, u = (1 - exp(-0.5)) 5.2 + 0.01 * 100.
    """
    given = hand_made(np.array([[0.5, 0.3]]))
    floor = floor_of(given, [True, False])
    holds = np.array([[True, False]])
    openings = Openings(floor.can_start, holds, np.array([60.0, 0.0]))
    stays = np.exp(-0.3)
    urgency = -np.expm1(-0.5) * 5.2 + 1.0
    found = gains((given, floor, openings), np.array([[1.0, 0.4]]), 0.2)
    expected = [stays * 4.2 - (1 - stays) - 0.6 + urgency, 2.8 + urgency]
    np.testing.assert_allclose(found, expected)


def test_what_is_held_does_not_start() -> None:
    """A good agent is nearly done, a bad one is free: with holds the contact waits for the first.

    Lengths are known (no spread), so the good agent, 40 of 45 s on a call, is free in 5 s: the
    hold is worth S 0.9 * 10 = 8.8, the free agent 2.
    """
    given = replace(hand_made(np.array([[0.9, 0.2]])), handle_sigma=0.0)
    given = replace(given, h=np.array([[45.0, 100.0]]))
    settings = replace(OURS, prices=Prices.NONE, head_share=0.0, floor_p=0.0)
    floor = floor_of(given, [True, False])
    with_holds = ours(given, 1, settings).decide(floor)
    assert len(with_holds.contact) == 0
    without = ours(given, 1, replace(settings, hold_s=0.0)).decide(floor)
    assert without.contact.tolist() == [0]
    assert without.agent.tolist() == [1]


def test_nobody_below_the_floor_is_asked() -> None:
    """The only free agent resolves too little: the contact waits."""
    given = hand_made(np.array([[0.4]]))
    floor = floor_of(given, [False])
    strict = ours(given, 1, replace(OURS, prices=Prices.NONE, floor_p=0.45))
    assert len(strict.decide(floor).contact) == 0
    lax = ours(given, 1, replace(OURS, prices=Prices.NONE, floor_p=0.35))
    assert len(lax.decide(floor).contact) == 1


def test_the_fixed_lever_is_a_share_of_a_mean_contact() -> None:
    """In the small family the mean is by rates; all classes are live."""
    beliefs, forecast = beliefs_of(SMALL, 0.45), forecast_of(SMALL)
    rate = SMALL.classes.rate.sum(axis=1)
    mean = (rate * SMALL.classes.value_mean).sum() / rate.sum()
    lever = fixed_lever(SMALL, beliefs, forecast, 0.1)
    np.testing.assert_allclose(lever.worth, 0.1 * mean)


def test_emails_need_no_lever() -> None:
    """Who never leaves is worth no bonus."""
    blend = build_centre(Family.BLEND, TUNING_STRUCTURES[0], 0.95)
    lever = fixed_lever(blend, beliefs_of(blend, 0.45), forecast_of(blend), 0.1)
    assert ((lever.worth == 0) == np.isinf(blend.classes.patience_s)).all()


def test_the_lever_rises_while_too_many_leave() -> None:
    """A contact waits at every tick and is gone at the next: not started, so it left.

    If the router started it, nobody has left and the worth falls.
    """
    given = hand_made(np.array([[0.5]]))

    def after(started: bool) -> float:
        lever = CeilingLever(np.array([1.0]), lambda _: np.array([0.1]), most=5.0)
        for tick in range(200):
            floor = replace(floor_of(given, [False]), now_s=5.0 * tick, contact=np.array([tick]))
            lever.head_worth(floor)
            if started:
                lever.started(floor.contact)
        return float(lever.worth[0])

    assert after(started=False) > 1.5
    assert after(started=True) < 1.0


def test_the_same_seed_decides_the_same() -> None:
    """Prices are sampled, but from the seed: two runs are equal to the last row."""
    day = draw_day(SMALL, 402)
    first, second = (simulate(SMALL, day, ours(SMALL, 5)) for _ in range(2))
    assert first.visit.equals(second.visit)


@pytest.mark.parametrize("learned", [False, True])
def test_it_earns_more_than_todays_routers(learned: bool) -> None:
    """Three tuning days, true and learned beliefs: more than each of the registered rules."""
    past = live_through(SMALL, range(601, 611))
    days = [draw_day(SMALL, seed) for seed in (402, 403, 404)]
    own = sum(
        value_of(
            SMALL, simulate(SMALL, day, ours_with_past(SMALL, 1, past, learned=learned))
        ).total
        for day in days
    )
    for name in POLICIES:
        if name in {"ours", "product", "product-with-prices"}:
            continue
        other = sum(
            value_of(SMALL, simulate(SMALL, day, new_router(name, SMALL, 1))).total for day in days
        )
        assert own > other, name
