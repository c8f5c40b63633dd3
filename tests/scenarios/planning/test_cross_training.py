"""Trainings are priced by edges that do not exist yet, and simulated."""

import numpy as np
import pytest

from scenarios.planning.cross_training import (
    Lesson,
    Training,
    TrainingEffort,
    lesson_worths,
    newly_trained,
    price_lessons,
    recommend_training,
    with_lesson,
)
from scenarios.planning.groups import AgentGroups, group_agents
from scenarios.planning.sampled import SampledDay
from solver.pricing.slow import SlowPrices
from tests.scenarios.planning.planned_centres import queue, two_teams


def test_a_lesson_is_worth_its_reduced_profit_while_there_are_contacts() -> None:
    """Reward 10 in 60 s. First period: contacts at 4, time at 0.05: 6 / 60 - 0.05 = 0.05 a second.

    2 contacts keep an agent busy for 120 s: 6. Then 9 contacts fill 300 s, at 0.1 - 0.02: 24.
    Where time is dearer than what it would earn, the lesson is worth nothing.
    """
    prices = SlowPrices(
        agent=np.array([[0.05], [0.02], [0.2]]), contact=np.array([[4.0], [4.0], [4.0]]), value=0.0
    )
    day = SampledDay(np.array([[2.0], [9.0], [9.0]]), prices)
    worth = lesson_worths(day, np.array([[10.0]]), np.array([[60.0]]))
    assert worth == pytest.approx(np.array([[6.0 + 24.0]]))


def test_newly_trained_are_a_little_worse_than_those_who_teach() -> None:
    """Teachers resolve 0.8 and 0.9 in 100 and 200 s: 0.95 * 0.85 and 1.05 * 150.

    Nobody teaches class 1, and whoever has the skill learns nothing.
    """
    groups = AgentGroups(
        names=("a", "b", "c"),
        p=np.array([[0.8, 0.9, 0.3], [0.0, 0.0, 0.0]]),
        h=np.array([[100.0, 200.0, 300.0], [100.0, 100.0, 100.0]]),
        eligible=np.array([[True, True, True], [False, False, False]]),
    )
    missing, p, h = newly_trained(groups, Training())
    assert missing.tolist() == [[False, False, True], [False, False, False]]
    assert p[0, 2] == pytest.approx(0.95 * 0.85)
    assert h[0, 2] == pytest.approx(1.05 * 150)


def test_idle_people_should_learn_what_is_asked_for() -> None:
    """Team 0 has hardly anything to do, team 1 cannot serve half of what comes.

    The other lesson is worth next to nothing; simulation agrees, and it pays back.
    """
    training = Training(cost=100.0)
    effort = TrainingEffort(pricing_days=2, simulated_days=4, top=2)
    found, lessons = recommend_training(two_teams(), training, effort)
    assert (lessons[0].group, lessons[0].kind) == (0, 1)
    others = [lesson.priced for lesson in lessons[1:]]
    assert max(others, default=0.0) < lessons[0].priced / 5
    assert found[0].lesson == lessons[0]
    assert found[0].is_clear
    assert found[0].payback_days == pytest.approx(100.0 / found[0].gain)


def test_a_lesson_changes_one_pair_of_one_agent() -> None:
    """The first agent of team 0 can do class 1; nobody else changes."""
    centre = two_teams()
    trained = with_lesson(centre, Lesson(0, 1, 1.0), Training())
    changed = np.argwhere(trained.eligible != centre.eligible)
    assert changed.tolist() == [[1, 0]]
    assert trained.p[1, 0] == pytest.approx(0.95 * 0.9)
    assert group_agents(trained).heads.tolist() == [1, 1, 2]


def test_where_everybody_can_do_everything_nothing_is_to_be_learned() -> None:
    """No edge is missing."""
    assert price_lessons(queue([60.0], agents=2), Training(), [1]) == []


def test_no_lesson_is_priced_and_simulated_on_the_same_day() -> None:
    """Seeds are disjoint; days that give no interval are refused."""
    effort = TrainingEffort()
    assert not set(effort.pricing_seeds) & set(effort.simulated_seeds)
    with pytest.raises(ValueError, match="expected at least 1, 2 and 1"):
        TrainingEffort(simulated_days=1)
