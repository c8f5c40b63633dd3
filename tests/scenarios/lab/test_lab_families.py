"""The four families: their size, their load, and what today's rules make of them."""

import numpy as np
import pytest

from scenarios.lab.centre import LabChannel
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.families import (
    LOADS,
    REPORTING_DAYS,
    REPORTING_STRUCTURES,
    TUNING_DAYS,
    TUNING_STRUCTURES,
    Family,
    Structure,
    build_centre,
)
from scenarios.lab.router import Router
from scenarios.lab.rules.best_agent import BestAgent
from scenarios.lab.rules.longest_idle import LongestIdle
from scenarios.lab.rules.myopic import MyopicBatch
from scenarios.lab.rules.skills import SkillsBased
from scenarios.lab.value import value_of

ALL = (*TUNING_STRUCTURES, *REPORTING_STRUCTURES)


def test_tuning_and_reporting_share_neither_companies_nor_days() -> None:
    """What is tuned on some is reported on others."""
    assert not set(TUNING_DAYS) & set(REPORTING_DAYS)
    assert len({structure.seed for structure in ALL}) == len(ALL)
    assert len({structure.name for structure in ALL}) == len(ALL)
    assert len(REPORTING_DAYS) >= 12


@pytest.mark.parametrize(
    ("family", "agents", "classes"),
    [(Family.SMALL, 35, 4), (Family.MEDIUM, 150, 30), (Family.LARGE, 600, 80)],
)
def test_families_have_their_sizes(family: Family, agents: int, classes: int) -> None:
    """Medium: 10 skills x 3 languages; large: 20 x 4."""
    found = build_centre(family, ALL[0], 0.95)
    assert (found.num_agents, found.num_classes) == (agents, classes)
    assert (found.tick_s, found.chats) == (5.0, 1)


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("structure", ALL, ids=lambda one: one.name)
def test_every_class_has_somebody_and_companies_differ(
    family: Family, structure: Structure
) -> None:
    """At least one eligible agent a class who reaches the usual floor, and no two alike."""
    found = build_centre(family, structure, 0.95)
    assert (found.eligible & (found.p >= 0.45)).any(axis=1).all()
    other = next(one for one in ALL if one != structure)
    assert not np.array_equal(found.p, build_centre(family, other, 0.95).p)
    assert np.array_equal(found.p, build_centre(family, structure, 0.95).p)


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("load", LOADS)
def test_load_is_attention_asked_for_per_agent(family: Family, load: float) -> None:
    """Rate x attention x handling time of skilled agents, summed and divided by agents.

    A mean of rates over the intervals is the rate of the day: the wave is balanced.
    """
    found = build_centre(family, ALL[0], load)
    skilled = found.eligible & (found.p >= 0.6)
    attention = np.where(found.classes.channel == LabChannel.CHAT, 1 / found.chats, 1.0)
    handle_s = np.array([h[s].mean() for h, s in zip(found.h, skilled, strict=True)])
    rate = found.classes.rate.mean(axis=1)
    assert (rate * attention * handle_s).sum() / found.num_agents == pytest.approx(load)


def test_the_blend_has_exclusive_calls_and_patient_emails() -> None:
    """All three channels; emails never leave; a third of the agents take calls only."""
    found = build_centre(Family.BLEND, ALL[0], 0.95)
    channel = found.classes.channel
    assert set(channel.tolist()) == {0, 1, 2}
    assert np.isinf(found.classes.patience_s[channel == LabChannel.EMAIL]).all()
    assert (found.eligible[channel == LabChannel.CHAT].sum(axis=1) == 40).all()
    assert not found.is_exclusive


def test_todays_rules_stand_in_the_known_order() -> None:
    """Small, 0.95, 4 tuning days: first come < best agent < skills; myopic below skills or level.

    `value.md` 2: best agent 6 %, myopic batch 5 %, first come 5 to 23 % below skills.
    """
    centre = build_centre(Family.SMALL, TUNING_STRUCTURES[0], 0.95)
    days = [draw_day(centre, seed) for seed in TUNING_DAYS[:4]]

    def worth(router: Router) -> float:
        return sum(value_of(centre, simulate(centre, day, router)).total for day in days)

    first, best = worth(LongestIdle()), worth(BestAgent())
    myopic, skills = worth(MyopicBatch()), worth(SkillsBased())
    assert first < 0.9 * skills
    assert first < best < 0.97 * skills
    assert best < myopic < 1.01 * skills
