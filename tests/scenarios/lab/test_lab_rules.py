"""The rules of today's routers on floors of a few agents."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.lab.centre import Floats, LabCentre
from scenarios.lab.floor import NOTHING, Floor
from scenarios.lab.router import Router
from scenarios.lab.rules.best_agent import BestAgent
from scenarios.lab.rules.bullseye import Bullseye
from scenarios.lab.rules.least_active import LeastActive
from scenarios.lab.rules.longest_idle import LongestIdle
from scenarios.lab.rules.most_available import MostAvailable
from scenarios.lab.rules.myopic import MyopicBatch
from scenarios.lab.rules.priority_any import PriorityAnybody
from scenarios.lab.rules.round_robin import RoundRobin
from scenarios.lab.rules.skills import SkillsBased
from tests.scenarios.lab.hand_made import centre, classes

P = np.array([[0.9, 0.8, 0.5], [0.7, 0.65, 0.3]])
"""Two classes, worth 10 and 50, and three agents."""


def where(p: Floats = P) -> LabCentre:
    """The small centre of these tests, with ticks of 5 s."""
    return centre(p.shape[1], classes(2, value=[10, 50]), p=p, tick_s=5.0)


def floor(
    kind: list[int],
    *,
    at: LabCentre | None = None,
    waited_s: list[float] | None = None,
    idle_since_s: list[float] | None = None,
    busy: list[int] | None = None,
    value: list[float] | None = None,
) -> Floor:
    """Contacts of these classes at second 100; agents idle since 0 unless said or busy."""
    place = where() if at is None else at
    agents, waiting = place.num_agents, len(kind)
    room = np.tile(np.array([1, place.chats, 1]), (agents, 1))
    held = np.full((agents, 2), NOTHING)
    for agent in busy or []:
        room[agent], held[agent, 0] = 0, 0
    means = place.classes.value_mean[kind]
    return Floor(
        centre=place,
        now_s=100.0,
        contact=np.arange(waiting) + 70,
        kind=np.array(kind),
        value=means if value is None else np.array(value),
        waited_s=np.zeros(waiting) if waited_s is None else np.array(waited_s),
        room=room,
        on_duty=np.ones(agents, dtype=bool),
        idle_since_s=np.zeros(agents) if idle_since_s is None else np.array(idle_since_s),
        held_kind=held,
        held_since_s=np.zeros((agents, 2)),
        taken=np.zeros(agents, dtype=np.int64),
        busy_s=np.zeros(agents),
        arrived=np.zeros(place.num_classes, dtype=np.int64),
    )


def pairs(router: Router, seen: Floor) -> list[tuple[int, int]]:
    """Contact and agent positions that start."""
    decision = router.decide(seen)
    return list(zip(decision.contact.tolist(), decision.agent.tolist(), strict=True))


def test_longest_idle_takes_the_first() -> None:
    """Agent 1 idle since 10, agent 2 since 20, agent 0 since 30."""
    seen = floor([0, 1, 0], idle_since_s=[30, 10, 20])
    assert pairs(LongestIdle(), seen) == [(0, 1), (1, 2), (2, 0)]


def test_round_robin_goes_on_where_it_stopped() -> None:
    """After agents 0 and 1 come 2 and 0, whoever has been idle longest; the busy are skipped."""
    router = RoundRobin()
    assert pairs(router, floor([0, 0], idle_since_s=[30, 10, 20])) == [(0, 0), (1, 1)]
    assert pairs(router, floor([0, 0])) == [(0, 2), (1, 0)]
    assert pairs(router, floor([0], busy=[1])) == [(0, 2)]


def test_priority_without_skills_serves_the_valuable_class_first() -> None:
    """Class 1 is worth more: the third contact goes first, to the longest idle."""
    seen = floor([0, 0, 1], idle_since_s=[30, 10, 20], busy=[0])
    assert pairs(PriorityAnybody(), seen) == [(2, 1), (0, 2)]


def test_skills_wait_for_a_skilled_agent() -> None:
    """Agents 0 and 1 are skilled (at least 0.6); agent 2 stays free though somebody waits."""
    seen = floor([0, 1, 1], idle_since_s=[20, 30, 0])
    assert pairs(SkillsBased(), seen) == [(1, 0), (2, 1)]


def test_a_skill_begins_at_the_threshold() -> None:
    """0.6 is a skill, 0.59 is none."""
    seen = floor([0], at=where(np.array([[0.59, 0.6], [0.1, 0.1]])))
    assert pairs(SkillsBased(), seen) == [(0, 1)]


def test_rings_open_with_the_wait() -> None:
    """p 0.5 needs the third ring, from 60 s on; before it only better agents may."""
    only = where(np.array([[0.5], [0.5]]))
    assert pairs(Bullseye(), floor([0], at=only, waited_s=[59.9])) == []
    assert pairs(Bullseye(), floor([0], at=only, waited_s=[60.0])) == [(0, 0)]


def test_the_best_agent_is_who_resolves_most() -> None:
    """The valuable contact takes agent 0 though idle shortest; the other the next best."""
    seen = floor([0, 1], idle_since_s=[90, 50, 10])
    assert pairs(BestAgent(), seen) == [(1, 0), (0, 1)]


def chats() -> LabCentre:
    """Everything is chat, three at once."""
    kinds = classes(2, channel=[1, 1])
    return replace(centre(3, kinds, p=P, tick_s=5.0), chats=3)


def test_least_active_counts_what_is_open() -> None:
    """Agent 0 holds two chats, agent 1 one, agent 2 one and is idle shortest: 1 comes first."""
    seen = floor([0], at=chats(), idle_since_s=[0, 0, 50])
    seen.held_kind[:] = [[0, 0], [0, NOTHING], [0, NOTHING]]
    assert pairs(LeastActive(), seen) == [(0, 1)]
    seen.held_kind[2] = NOTHING
    assert pairs(LeastActive(), seen) == [(0, 2)]


def test_most_available_counts_what_is_left() -> None:
    """Room for one, three and two more chats: agent 1, then, with two left, 1 or 2."""
    seen = floor([0], at=chats())
    seen.room[:, 1] = [1, 3, 2]
    assert pairs(MostAvailable(), seen) == [(0, 1)]


def test_chats_of_one_decision_are_spread() -> None:
    """Each chat counts for the next: room 3 then 2 and 2; in turn; the fewest open first."""
    seen = floor([0, 0, 0, 0], at=chats())
    seen.room[:, 1] = [1, 3, 2]
    assert pairs(MostAvailable(), seen) == [(0, 1), (1, 1), (2, 2), (3, 0)]
    assert pairs(RoundRobin(), seen) == [(0, 0), (1, 1), (2, 2), (3, 1)]
    assert pairs(LeastActive(), seen) == [(0, 0), (1, 1), (2, 2), (3, 1)]


def test_chats_fill_up_within_one_decision() -> None:
    """Seven chats, three agents with room for 1, 3 and 2: six start and one waits."""
    seen = floor([0] * 7, at=chats())
    seen.room[:, 1] = [1, 3, 2]
    started = pairs(LongestIdle(), seen)
    assert [contact for contact, _ in started] == [0, 1, 2, 3, 4, 5]
    assert np.bincount([agent for _, agent in started]).tolist() == [1, 3, 2]


def test_the_myopic_batch_is_the_best_joint_assignment() -> None:
    """Two agents, two classes of value 10: 0.9 and 0.8 for class 0, 0.7 and 0.3 for class 1.

    One by one, contact 0 takes agent 0 (0.9) and leaves 0.3: 12. Jointly 8 + 7 = 15.
    """
    p = np.array([[0.9, 0.8], [0.7, 0.3]])
    seen = floor([0, 1], at=where(p), value=[10, 10])
    assert sorted(pairs(MyopicBatch(), seen)) == [(0, 1), (1, 0)]


def test_the_myopic_batch_serves_what_is_worth_most() -> None:
    """One agent free, classes worth 10 at 0.9 and 50 at 0.7: 35 beats 9."""
    assert pairs(MyopicBatch(), floor([0, 1], busy=[1, 2])) == [(1, 0)]


@pytest.mark.parametrize(("patience_s", "first"), [((1000.0, 10.0), 1), ((10.0, 1000.0), 0)])
def test_the_myopic_batch_counts_what_waiting_costs(
    patience_s: tuple[float, float], first: int
) -> None:
    """Equal but for patience: whoever would leave sooner goes first, wherever they stand.

    Value 10, loss 50 %: at patience 10 s, 5 s of waiting cost 39 % of 5; at 1,000 s none.
    """
    kinds = classes(2, value=[10, 10], loss_share=0.5)
    place = centre(1, replace(kinds, patience_s=np.array(patience_s)), tick_s=5.0)
    assert pairs(MyopicBatch(), floor([0, 1], at=place)) == [(first, 0)]


@pytest.mark.parametrize(
    "router",
    [
        LongestIdle,
        RoundRobin,
        LeastActive,
        MostAvailable,
        PriorityAnybody,
        SkillsBased,
        Bullseye,
        BestAgent,
        MyopicBatch,
    ],
)
def test_no_rule_starts_what_cannot_be(router: type[Router]) -> None:
    """Nobody free: nothing starts. Not eligible: never, however long it waits."""
    assert pairs(router(), floor([0, 1], busy=[0, 1, 2])) == []
    barred = replace(where(), eligible=np.array([[False] * 3, [True, False, False]]))
    seen = floor([0, 1, 0, 1], at=barred, waited_s=[500.0] * 4)
    assert pairs(router(), seen) == [(1, 0)]
