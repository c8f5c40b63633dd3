"""The switch's rule: found in choices, and followed by the floor."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.from_log.pausing import simulate_pausing
from scenarios.from_log.routing import step
from scenarios.lab.centre import Breaks, ContactClasses, LabCentre
from scenarios.lab.day import Day
from scenarios.lab.engine import simulate
from scenarios.lab.rules.head_start import HeadStart

NEVER = float("inf")


def centre_of(agents: int) -> LabCentre:
    """Two classes that everybody serves in 100 s; shifts of a thousand seconds."""
    ones, nothing = np.ones(2), np.zeros(2)
    pairs = np.ones((2, agents))
    return LabCentre(
        name="two",
        classes=ContactClasses(
            names=("low", "high"),
            channel=np.zeros(2, dtype=np.int64),
            rate=np.zeros((2, 1)),
            value_mean=ones,
            value_sigma=nothing,
            loss_share=nothing,
            waiting_cost=nothing,
            patience_s=np.full(2, NEVER),
            target_s=np.full(2, 20.0),
            wrap_up_share=nothing,
        ),
        p=pairs,
        h=100 * pairs,
        eligible=pairs > 0,
        shift_from_s=np.zeros(agents),
        shift_until_s=np.full(agents, 2000.0),
        horizon_s=1000.0,
        interval_s=1000.0,
        tick_s=0.0,
    )


def day_of(arrival_s: list[float], kind: list[int]) -> Day:
    """Customers who wait for ever, and services of exactly their mean."""
    column = np.ones((len(kind), 1))
    return Day(
        arrival_s=np.array(arrival_s),
        kind=np.array(kind),
        value=np.ones(len(kind)),
        patience=column,
        noise=column,
        outcome=0 * column,
        returns=column,
        delay=column,
        switch=column,
    )


def answered_s(arrival_s: list[float], kind: list[int], head_s: float) -> list[float]:
    """When each is answered by one agent under a head start of class `high`."""
    router = HeadStart([0.0, head_s], arrival_s)
    visit = simulate(centre_of(1), day_of(arrival_s, kind), router).visit
    answer = visit["answered_at"] - visit["entered_at"]
    waits = answer.dt.total_microseconds().to_numpy() / 1e6
    answers: list[float] = (waits + np.array(arrival_s)).tolist()
    return answers


@pytest.mark.parametrize(
    ("head_s", "low_s", "high_s"),
    [
        (0.0, 100.0, 200.0),  # order of entry
        (29.0, 100.0, 200.0),  # high came 30 s after low: 29 are too few
        (31.0, 200.0, 100.0),
    ],
)
def test_a_head_start_overtakes_whoever_came_at_most_so_much_earlier(
    head_s: float, low_s: float, high_s: float
) -> None:
    """The agent is busy from 0 to 100 s; low comes at 10 s, high at 40 s."""
    assert answered_s([0.0, 10.0, 40.0], [0, 0, 1], head_s) == [0.0, low_s, high_s]


@pytest.mark.parametrize(
    ("arrival_s", "answers"),
    [
        # Quiet as the first call ends at 100: the pause lasts until 160, and somebody waits then.
        ([0.0, 130.0], [0.0, 160.0]),
        # Somebody waits as it ends: only 5 s.
        ([0.0, 50.0], [0.0, 105.0]),
        # The pause is over when the second comes: at once.
        ([0.0, 170.0], [0.0, 170.0]),
    ],
)
def test_agents_pause_long_if_nobody_waits(arrival_s: list[float], answers: list[float]) -> None:
    """One agent, services of 100 s; pauses of 60 s if nobody waits, 5 s if somebody does."""
    day = day_of(arrival_s, [0] * len(arrival_s))
    pauses = np.tile([60.0, 5.0], (len(arrival_s), 1))
    visit = simulate_pausing(centre_of(1), day, np.zeros(2), pauses).visit
    waits = (visit["answered_at"] - visit["entered_at"]).dt.total_seconds().to_numpy()
    assert (waits + np.array(arrival_s)).tolist() == answers


def test_a_break_that_begins_late_ends_in_time() -> None:
    """Away from 50 to 120 s, but busy until 100 s: back at 120 s, not 70 s after they went."""
    away = Breaks(np.array([0]), np.array([50.0]), np.array([120.0]))
    centre = replace(centre_of(1), breaks=away)
    day = day_of([0.0, 105.0], [0, 0])
    visit = simulate_pausing(centre, day, np.zeros(2), np.zeros((2, 2))).visit
    waits = (visit["answered_at"] - visit["entered_at"]).dt.total_seconds().to_list()
    assert waits == [0, 15]


def test_another_agent_who_is_ready_takes_the_call() -> None:
    """Only the first agent pauses: the second call finds the other one ready."""
    day = day_of([0.0, 130.0], [0, 0])
    visit = simulate_pausing(centre_of(2), day, np.zeros(2), np.full((2, 2), 60.0)).visit
    assert visit["agent_id"].n_unique() == 2
    assert (visit["answered_at"] == visit["entered_at"]).all()


def test_a_step_lies_where_the_shares_differ_most() -> None:
    """Ten successes up to 5, ten failures beyond: the first place on the grid that parts them."""
    at = np.concatenate([np.linspace(1, 5, 10), np.linspace(11, 15, 10)])
    assert step(at, at < 10, np.arange(0.0, 20.0, 2.0)) == (6.0, 1.0, 0.0)


def test_without_a_difference_there_is_no_step() -> None:
    """Half of everything succeeds everywhere: both sides say so."""
    at = np.arange(40.0)
    _, within, beyond = step(at, np.arange(40) % 2 == 0, np.array([19.5]))
    assert within == beyond == 0.5
