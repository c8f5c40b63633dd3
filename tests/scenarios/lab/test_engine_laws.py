"""Laws of queues that every run obeys, and the Erlang formulas as limits of the engine."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.kpis import AVAILABLE, waits
from scenarios.erlang import erlang_a, erlang_b, erlang_c
from scenarios.lab.centre import HouseRules, LabCentre
from scenarios.lab.day import Day, draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.events import DAY_START, Events
from scenarios.lab.router import EventRouter, Router
from scenarios.lab.rules.longest_idle import LongestIdle
from scenarios.lab.rules.team_fifo import TeamFifo
from tests.scenarios.lab.hand_made import centre, classes

HOUR = 3600.0


def markov(agents: int, traffic: float, patience_s: float, hours: float) -> LabCentre:
    """One class, handling 100 s on average, over that many hours."""
    kinds = classes(rate=traffic / 100.0, patience_s=patience_s)
    return centre(agents, kinds, horizon_s=hours * HOUR)


def exponential(where: LabCentre, seed: int) -> Day:
    """A day whose handling times are exponential."""
    drawn = draw_day(where, seed)
    rng = np.random.default_rng(seed)
    return replace(drawn, noise=rng.standard_exponential(drawn.noise.shape))


def fifo(agents: int) -> TeamFifo:
    """One team for one class."""
    return TeamFifo([0] * agents, [[0]], [[0]])


def shares(where: LabCentre, days: int) -> pl.DataFrame:
    """Per day: shares of contacts that waited, left and were blocked; the first hour left out."""
    warm = pl.col("entered_at") >= DAY_START + pl.duration(seconds=HOUR)
    waited = (pl.col("outcome") != "answered") | (pl.col("wait_s") > 0)
    rows = []
    for seed in range(days):
        events = simulate(where, exponential(where, seed), fifo(where.num_agents))
        rows.append(
            waits(events.visit)
            .filter(warm)
            .select(
                waited=waited.mean(),
                left=(pl.col("outcome") == "abandoned").mean(),
                blocked=(pl.col("outcome") == "blocked").mean(),
                wait_s=pl.col("wait_s").mean(),
            )
        )
    return pl.concat(rows)


def assert_near(found: pl.Series, exact: float) -> None:
    """The mean of independent days is within 4 standard errors of the exact value."""
    error = float(found.std()) / len(found) ** 0.5  # type: ignore[arg-type]
    assert float(found.mean()) == pytest.approx(exact, abs=4 * error)  # type: ignore[arg-type]
    assert error < 0.1 * exact


def test_without_patience_limits_it_is_erlang_c() -> None:
    """M/M/10 with 8 erlang: the share that waits, and the mean wait C h / (n - a)."""
    found = shares(markov(10, 8.0, float("inf"), 16), 12)
    assert_near(found["waited"], erlang_c(10, 8.0))
    assert_near(found["wait_s"], erlang_c(10, 8.0) * 100.0 / 2)


def test_with_patience_it_is_erlang_a() -> None:
    """M/M/10+M at 11 erlang, patience 60 s: shares that wait and leave, and the mean wait."""
    exact = erlang_a(10, 11.0, 100.0, 60.0)
    found = shares(markov(10, 11.0, 60.0, 16), 8)
    assert_near(found["waited"], exact.wait_share)
    assert_near(found["left"], exact.abandon_share)
    assert_near(found["wait_s"], exact.mean_wait)


def test_without_a_queue_it_is_erlang_b() -> None:
    """Nobody may wait: M/M/10/10 at 9 erlang."""
    where = replace(markov(10, 9.0, float("inf"), 16), house=HouseRules(max_waiting=0))
    assert_near(shares(where, 8)["blocked"], erlang_b(10, 9.0))


def everything_happens(seed: int) -> tuple[LabCentre, Events]:
    """A day at overload with impatient customers, decided every 5 s."""
    where = replace(markov(10, 12.0, 80.0, 3), tick_s=5.0)
    return where, simulate(where, draw_day(where, seed), LongestIdle())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everybody_who_enters_comes_to_one_end(seed: int) -> None:
    """Arrived = answered + abandoned + disconnected; answered visits are the handlings."""
    where, events = everything_happens(seed)
    outcomes = events.visit["outcome"].value_counts()
    assert outcomes["count"].sum() == len(draw_day(where, seed))
    assert set(outcomes["outcome"]) <= {"answered", "abandoned", "disconnected"}
    answered = events.visit.filter(pl.col("outcome") == "answered")
    assert answered["visit_id"].to_list() == events.handling["visit_id"].to_list()
    assert (answered["ended_at"] > answered["answered_at"]).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nobody_handles_two_at_once_or_off_duty(seed: int) -> None:
    """Handlings of an agent do not overlap and lie inside the spans of being available."""
    _, events = everything_happens(seed)
    own = events.handling.sort("agent_id", "answered_at")
    before = pl.col("wrapped_up_at").shift(1).over("agent_id")
    assert own.filter(pl.col("answered_at") < before).is_empty()
    spans = events.agent_state.filter(pl.col("state") == AVAILABLE)
    inside = own.join(spans, on="agent_id").filter(
        (pl.col("started_at") <= pl.col("answered_at"))
        & (pl.col("wrapped_up_at") <= pl.col("ended_at_right"))
    )
    assert inside.height == own.height


@pytest.mark.parametrize("seed", [1, 2])
def test_littles_law_in_the_queue(seed: int) -> None:
    """Contacts counted second by second make the same area as their waits added up."""
    _, events = everything_happens(seed)
    visit = waits(events.visit)
    entered = (visit["entered_at"] - DAY_START).dt.total_microseconds().to_numpy() / 1e6
    left = entered + visit["wait_s"].to_numpy()
    edges = np.concatenate([entered, left])
    change = np.repeat([1, -1], len(entered))
    order = np.argsort(edges)
    queue = np.cumsum(change[order])[:-1]
    area = (queue * np.diff(edges[order])).sum()
    assert area == pytest.approx(visit["wait_s"].sum(), rel=1e-9)
    assert queue.min() >= 0


def test_deciding_over_the_floor_at_events_is_the_switch() -> None:
    """At tick 0 the rule over the floor and the event router make the very same day."""
    where = markov(6, 6.5, 90.0, 3)
    routers: list[Router | EventRouter] = [LongestIdle(), fifo(6)]
    one, other = (simulate(where, exponential(where, 5), router) for router in routers)
    assert one.visit.equals(other.visit)
    assert one.agent_state.equals(other.agent_state)


def test_a_short_tick_comes_close_to_no_tick() -> None:
    """Waits at tick 1 s exceed those at tick 0 by less than a second and a half."""
    where = markov(10, 9.0, 200.0, 6)
    exact = waits(simulate(where, exponential(where, 4), LongestIdle()).visit)["wait_s"]
    ticking = replace(where, tick_s=1.0)
    coarse = waits(simulate(ticking, exponential(where, 4), LongestIdle()).visit)["wait_s"]
    assert 0 < (coarse.to_numpy().mean() - exact.to_numpy().mean()) < 1.5
