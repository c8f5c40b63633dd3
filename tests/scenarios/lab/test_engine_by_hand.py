"""The engine on days whose course can be worked out on paper."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.kpis import occupancy
from scenarios.lab.centre import Breaks, Habits, HouseRules, LabCentre, Staffing
from scenarios.lab.day import Day
from scenarios.lab.engine import simulate
from scenarios.lab.events import DAY_START, Events
from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision
from scenarios.lab.rules.longest_idle import LongestIdle
from scenarios.lab.rules.team_fifo import TeamFifo
from tests.scenarios.lab.hand_made import centre, classes, day


def run(where: LabCentre, what: Day) -> Events:
    """The day under first come, longest idle."""
    return simulate(where, what, LongestIdle())


def story(events: Events) -> list[tuple[str, float | None, float | None]]:
    """Outcome, answered and ended of every visit, in seconds since the day's start."""

    def seconds(name: str) -> pl.Expr:
        return (pl.col(name) - DAY_START).dt.total_microseconds() / 1e6

    return events.visit.select("outcome", seconds("answered_at"), seconds("ended_at")).rows()


def spans(events: Events, agent: int = 0) -> list[tuple[str, float, float]]:
    """State, from and until of an agent."""
    own = events.agent_state.filter(pl.col("agent_id") == agent)
    return [
        (state, (begin - DAY_START).total_seconds(), (end - DAY_START).total_seconds())
        for _, state, begin, end in own.rows()
    ]


def test_one_agent_serves_in_order_of_entry() -> None:
    """Handling takes 100 s: starts at 0, 100 and, after a pause, at 250."""
    events = run(centre(), day([0, 10, 250]))
    assert story(events) == [
        ("answered", 0, 100),
        ("answered", 100, 200),
        ("answered", 250, 350),
    ]


def test_whoever_runs_out_of_patience_leaves() -> None:
    """The second waits 60 s of the 90 left and goes; the third is answered at 100."""
    events = run(centre(), day([0, 10, 20], patience=[500, 60, 500]))
    assert story(events) == [("answered", 0, 100), ("abandoned", None, 70), ("answered", 100, 200)]


def test_ticks_are_the_only_instants_of_decision() -> None:
    """Every 15 s: arrivals at 1 and 16 start at 15 and, the agent being free at 115, at 120."""
    events = run(centre(tick_s=15.0), day([1, 16]))
    assert story(events) == [("answered", 15, 115), ("answered", 120, 220)]


def test_an_arrival_at_the_very_tick_is_seen_by_it() -> None:
    """At 30 the contact is there and so is the tick; at 0 as well."""
    events = run(centre(2, tick_s=15.0), day([0, 30]))
    assert story(events) == [("answered", 0, 100), ("answered", 30, 130)]


def test_shift_ends_after_the_last_contact_and_takes_no_more() -> None:
    """Until 50: the call of 0 is finished at 100; who comes at 60 is never answered."""
    short = replace(centre(), shift_until_s=np.array([50.0]), overtime_s=200.0)
    events = run(short, day([0, 60]))
    assert story(events) == [("answered", 0, 100), ("disconnected", None, 1200)]
    assert spans(events) == [("available", 0, 100)]


def test_breaks_wait_for_the_contact_and_are_whole() -> None:
    """Break 50 to 150: begins at 100 when the call ends, so that the next call waits until 200."""
    resting = Breaks(np.array([0]), np.array([50.0]), np.array([150.0]))
    events = run(replace(centre(), breaks=resting), day([0, 60]))
    assert story(events) == [("answered", 0, 100), ("answered", 200, 300)]
    assert spans(events) == [
        ("available", 0, 100),
        ("nonproductive", 100, 200),
        ("available", 200, 300),
    ]


def test_nobody_comes_back_from_a_break_after_their_shift() -> None:
    """Break 50 to 150 in a shift until 120: gone from then on; nobody answers the second."""
    resting = Breaks(np.array([0]), np.array([50.0]), np.array([150.0]))
    short = replace(centre(), breaks=resting, shift_until_s=np.array([120.0]), overtime_s=200.0)
    events = run(short, day([60]))
    assert story(events) == [("disconnected", None, 1200)]
    assert spans(events) == [("available", 0, 50), ("nonproductive", 50, 120)]


def test_fewer_heads_send_the_idle_home_first() -> None:
    """3 heads, one busy; at 50 only 1: both idle agents go, so the busy one stays on duty."""
    events = run(replace(centre(3), staffing=heads((0, 3), (50, 1))), day([0, 60]))
    assert story(events) == [("answered", 0, 100), ("answered", 100, 200)]
    assert sorted(spans(events, 0) + spans(events, 1) + spans(events, 2)) == [
        ("available", 0, 50),
        ("available", 0, 50),
        ("available", 0, 200),
    ]


def heads(*rows: tuple[float, int]) -> Staffing:
    """One team with so many heads from each instant on; three agents at most."""
    from_s, number = zip(*rows, strict=True)
    count = np.array(number, dtype=np.int64)[:, None]
    return Staffing(np.zeros(3, dtype=np.int64), np.array(from_s), count)


def test_whoever_finishes_first_goes_when_heads_are_too_many() -> None:
    """3 busy until 80, 100 and 130, 2 heads from 50 on: who ends at 80 goes though two wait.

    Those are answered at 100 and 130.
    """
    fewer = replace(centre(3), staffing=heads((0, 3), (50, 2)))
    events = run(fewer, day([0, 0, 0, 60, 60], noise=[0.8, 1.0, 1.3, 1.0, 1.0]))
    assert story(events)[3:] == [("answered", 100, 200), ("answered", 130, 230)]
    assert spans(events, 0) == [("available", 0, 80)]


def test_heads_that_return_in_time_keep_whoever_was_to_go() -> None:
    """The third head comes back at 70, before anybody has finished: nobody goes."""
    same = replace(centre(3), staffing=heads((0, 3), (50, 2), (70, 3)))
    events = run(same, day([0, 0, 0, 60, 60], noise=[0.8, 1.0, 1.3, 1.0, 1.0]))
    assert story(events)[3:] == [("answered", 80, 180), ("answered", 100, 200)]


def test_heads_that_return_late_call_somebody_in() -> None:
    """The first has gone at 80; the third head at 90 answers at once; all ends at 200."""
    later = replace(centre(3), staffing=heads((0, 3), (50, 2), (90, 3)))
    events = run(later, day([0, 0, 0, 60, 60], noise=[0.8, 1.0, 1.3, 1.0, 1.0]))
    assert story(events)[3:] == [("answered", 90, 190), ("answered", 100, 200)]
    assert spans(events, 0) == [("available", 0, 80), ("available", 90, 200)]


@pytest.mark.parametrize("router", [LongestIdle, lambda: TeamFifo([0], [[0]], [[0]])])
def test_the_house_turns_away_and_clears(router: type[LongestIdle]) -> None:
    """One may wait, the third is blocked; at 50 whoever waits is disconnected."""
    strict = replace(centre(), house=HouseRules(max_waiting=1, clears_queue_at_s=50.0))
    assert story(simulate(strict, day([0, 10, 20]), router())) == [
        ("answered", 0, 100),
        ("disconnected", None, 50),
        ("blocked", None, 20),
    ]


def test_lines_bound_whoever_is_present() -> None:
    """Two lines: one served and one waiting; the third is blocked, the fourth comes later."""
    strict = replace(centre(), house=HouseRules(max_present=2))
    assert [row[0] for row in story(run(strict, day([0, 10, 20, 150])))] == [
        "answered",
        "answered",
        "blocked",
        "answered",
    ]


def test_a_message_ends_waits_that_the_house_finds_too_long() -> None:
    """After 30 s: the patient one leaves a message, the impatient one leaves before."""
    strict = replace(centre(), house=HouseRules(gives_up_after_s=30.0))
    events = run(strict, day([0, 10, 20], patience=[500, 500, 25]))
    assert story(events)[1:] == [("message", None, 40), ("abandoned", None, 45)]


def habits(**changes: float) -> Habits:
    """Everybody comes back after 50 s, in the same class, three visits at most."""
    numbers = {"redial_share": 1.0, "reconnect_share": 1.0, "switch_share": 0.0} | changes
    return Habits(
        redial_share=np.full(2, numbers["redial_share"]),
        redial_median_s=np.full(2, 50.0),
        reconnect_share=np.full(2, numbers["reconnect_share"]),
        reconnect_median_s=np.full(2, 80.0),
        switch_share=np.full(2, numbers["switch_share"]),
        switch_to=np.array([1, 0]),
    )


def test_who_leaves_redials_until_attempts_run_out() -> None:
    """Patience 20: leaves at 30, redials at 80, leaves at 100, redials at 150 when it is free."""
    again = centre(kinds=replace(classes(2), habits=habits()))
    what = day([0, 10], patience=20.0, returns=0.0, attempts=3)
    events = run(again, replace(what, noise=np.array([[1.4] * 3, [1.0] * 3])))
    assert story(events)[1:] == [
        ("abandoned", None, 30),
        ("abandoned", None, 100),
        ("answered", 150, 250),
    ]
    assert events.visit["comes_back"].to_list() == [False, True, True, False]
    assert events.visit["attempt"].to_list() == [0, 0, 1, 2]


def test_who_is_not_helped_reconnects_perhaps_in_another_class() -> None:
    """Outcome 0.7 >= p 0.5: back 80 s after the end at 100; in class 1 if they switch."""
    again = centre(kinds=replace(classes(2), habits=habits(switch_share=1.0)))
    events = run(again, day([0], outcome=0.7, returns=0.0, switch=0.5, attempts=3))
    assert story(events) == [
        ("answered", 0, 100),
        ("answered", 180, 280),
        ("answered", 360, 460),
    ]
    assert events.visit["contact_class"].to_list() == [0, 1, 0]
    assert not events.handling["is_resolved"].any()


def test_who_is_helped_stays_away() -> None:
    """Outcome 0.3 < p 0.5 resolves: one visit."""
    again = centre(kinds=replace(classes(2), habits=habits()))
    events = run(again, day([0], outcome=0.3, returns=0.0, attempts=3))
    assert events.visit.height == 1
    assert events.handling["is_resolved"].all()


def test_nobody_comes_back_after_closing() -> None:
    """Horizon 60: the return at 180 is tomorrow's; the customer is gone for good today."""
    again = replace(centre(kinds=replace(classes(2), habits=habits())), horizon_s=60.0)
    again = replace(again, interval_s=60.0)
    events = run(again, day([0], outcome=0.7, returns=0.0, attempts=3))
    assert events.visit.height == 1
    assert not events.visit["comes_back"].any()


def test_wrap_up_is_the_end_of_handling() -> None:
    """30 % of 100 s: the customer goes at 70, the agent is free at 100."""
    slow = centre(kinds=replace(classes(), wrap_up_share=np.array([0.3])))
    row = run(slow, day([0, 1])).handling.row(0, named=True)
    assert row["ended_at"] == DAY_START + timedelta(seconds=70)
    assert row["wrapped_up_at"] == DAY_START + timedelta(seconds=100)


def test_occupancy_counts_all_there_is() -> None:
    """Two agents until 1,000 s, 100 + 100 s of work: 10 %."""
    there = replace(centre(2), shift_until_s=np.full(2, 1000.0))
    events = run(there, day([0, 300]))
    assert occupancy(events.handling, events.agent_state) == pytest.approx(0.1)


class Wrong:
    """Gives the first contact to the last agent, twice if asked to."""

    def __init__(self, times: int = 1) -> None:
        self._times = times

    def decide(self, floor: Floor) -> Decision:
        """The same pair, so many times."""
        contact = np.zeros(self._times, dtype=np.int64)
        return Decision(contact, np.full(self._times, len(floor.on_duty) - 1))


def test_the_engine_refuses_what_cannot_be() -> None:
    """No room, not eligible, started twice: an error names the pair."""
    busy = centre()
    with pytest.raises(ValueError, match="agent 0 has no room for contact 1"):
        simulate(busy, day([0, 10]), Wrong())
    barred = replace(busy, eligible=np.zeros((1, 1), dtype=bool))
    with pytest.raises(ValueError, match="eligible for its class"):
        simulate(barred, day([0]), Wrong())
    with pytest.raises(ValueError, match="a contact that waits"):
        simulate(busy, day([0]), Wrong(2))


def test_event_routers_need_events() -> None:
    """With a tick, they would decide at instants that the engine does not have."""
    with pytest.raises(ValueError, match="an event router met a tick"):
        simulate(centre(tick_s=5.0), day([0]), TeamFifo([0], [[0]], [[0]]))
