"""Several contacts in one agent's hands: chats together, calls alone, still emails."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from models.kpis import busy_spans
from scenarios.lab.centre import LabCentre
from scenarios.lab.engine import simulate
from scenarios.lab.events import DAY_START, Events
from scenarios.lab.rules.longest_idle import LongestIdle
from tests.scenarios.lab.hand_made import centre, classes, day

VOICE, CHAT, EMAIL = 0, 1, 2


def blend(agents: int = 1, chats: int = 3, slowdown: float = 0.0) -> LabCentre:
    """Classes 0, 1, 2 are voice, chat and email, each 100 s."""
    kinds = classes(3, channel=[VOICE, CHAT, EMAIL])
    return replace(centre(agents, kinds), chats=chats, slowdown=slowdown)


def times(events: Events) -> list[tuple[float, float]]:
    """Answered and ended of every visit, in order of entry."""
    both = [
        (pl.col(name) - DAY_START).dt.total_microseconds() / 1e6
        for name in ("answered_at", "ended_at")
    ]
    return events.visit.select(both).rows()


def run(where: LabCentre, kind: list[int], arrival_s: list[float]) -> Events:
    """The day under first come, longest idle."""
    return simulate(where, day(arrival_s, kind=kind), LongestIdle())


def test_three_chats_at_once_and_the_fourth_waits() -> None:
    """Without slowdown each takes 100 s; the fourth starts when the first ends."""
    events = run(blend(), [CHAT] * 4, [0, 10, 20, 30])
    assert times(events) == [(0, 100), (10, 110), (20, 120), (100, 200)]
    assert busy_spans(events.handling).height == 1


def test_chats_slow_each_other_down() -> None:
    """A second chat makes both 1.5 times as long.

    The first does 50 s alone, then 50 / 1.5 per second of its other 50: 75 s more, until 125. By
    then the second has done 75 / 1.5 = 50 s and goes on alone: until 175.
    """
    events = run(blend(slowdown=0.5), [CHAT, CHAT], [0, 50])
    assert times(events) == [(0, 125), (50, 175)]


def test_a_call_is_alone() -> None:
    """No chat during the call, no call during the chat."""
    assert times(run(blend(), [VOICE, CHAT], [0, 10])) == [(0, 100), (100, 200)]
    assert times(run(blend(), [CHAT, VOICE], [0, 10])) == [(0, 100), (100, 200)]


def test_an_email_lies_still_while_somebody_is_there() -> None:
    """40 s done, a call from 40 to 140, then the other 60 s: until 200."""
    events = run(blend(), [EMAIL, VOICE], [0, 40])
    assert times(events) == [(0, 200), (40, 140)]


def test_an_email_lies_still_until_the_last_chat_ends() -> None:
    """10 s done, chats from 10 to 110 and 60 to 160, then the other 90 s: until 250."""
    events = run(blend(), [EMAIL, CHAT, CHAT], [0, 10, 60])
    assert times(events) == [(0, 250), (10, 110), (60, 160)]


def test_one_email_at_a_time() -> None:
    """The second is begun when nothing else is held."""
    assert times(run(blend(), [EMAIL, EMAIL], [0, 10])) == [(0, 100), (100, 200)]


def test_attention_is_a_share_of_the_agent() -> None:
    """Voice 1, chat 1 / 3, email 0.3; it is written beside every handling."""
    where = blend()
    assert where.attention == pytest.approx([1.0, 1 / 3, 0.3])
    events = run(where, [CHAT], [0])
    assert events.handling["attention"].to_list() == pytest.approx([1 / 3])


def test_one_chat_at_a_time_is_as_exclusive_as_a_call() -> None:
    """With room for one chat nothing overlaps, whether the fast path is taken or not."""
    only = replace(centre(1, classes(2, channel=[VOICE, CHAT])), chats=1)
    assert only.is_exclusive
    assert times(run(only, [CHAT, CHAT, VOICE], [0, 1, 2])) == [(0, 100), (100, 200), (200, 300)]


def test_work_is_neither_lost_nor_made_by_changes_of_pace() -> None:
    """On a random blended day every agent's chats sum to their work: pace integrates to it."""
    rng = np.random.default_rng(3)
    number = 300
    arrival = np.sort(rng.uniform(0, 6000, number))
    where = replace(blend(4, slowdown=0.3), horizon_s=6000.0, interval_s=6000.0)
    what = day(arrival.tolist(), kind=rng.integers(1, 2, number).tolist())
    events = simulate(where, what, LongestIdle())
    edges = times(events)
    marks = np.unique(np.array(edges))
    agent = events.visit["agent_id"].to_numpy()
    begin, end = np.array(edges).T
    done = np.zeros(number)
    for low, high in pairwise(marks):
        held = (begin <= low) & (end >= high)
        others = np.bincount(agent[held], minlength=4)[agent] - 1
        done += np.where(held, (high - low) / (1 + 0.3 * others), 0.0)
    assert done == pytest.approx(np.full(number, 100.0), abs=1e-3)
