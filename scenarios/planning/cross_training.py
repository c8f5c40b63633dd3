"""Who should learn what: skills that nobody in a group has yet, priced, then simulated.

In a linear programme of the day every period's contacts of a class have a price and every group's
time has one (`sampled.py`). If an agent of group m learned class k, an hour of theirs would earn
`(reward - price of the contact) / work - price of their time` more than it does: the reduced
profit of a column that does not exist yet (`methods.md` 8.4), for as much of each period as there
are contacts of the class. That ranks all pairs of group and class without simulation.

Prices change once somebody is trained, and routers do less than programmes, so the best are
simulated: one agent of the group with the new skill, the same customers with the same luck.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from scenarios.lab.centre import Flags, Floats, LabCentre
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.policies import SBR, new_router
from scenarios.lab.value import value_of
from scenarios.planning.groups import AgentGroups, group_agents
from scenarios.planning.sampled import PERIOD_S, SampledDay, price_day, served_reward
from scenarios.planning.staffing import TELL_NOBODY

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Training:
    """What somebody newly trained can do, and what it costs to get there."""

    quality: float = 0.95
    """Of the mean probability of those who have the skill."""
    slowness: float = 1.05
    """Of the mean handling time of those who have the skill."""
    cost: float = 500.0
    """Money per agent and skill."""


@dataclass(frozen=True)
class TrainingEffort:
    """How much is priced and simulated; no day is used for both."""

    pricing_days: int = 20
    simulated_days: int = 30
    top: int = 10
    """Trainings that are simulated, the best priced ones."""
    first_seed: int = 80_001

    def __post_init__(self) -> None:
        """An interval needs two days."""
        if self.pricing_days < 1 or self.simulated_days < 2 or self.top < 1:
            raise ValueError(
                f"training effort: {self.pricing_days} days priced, {self.simulated_days}"
                f" simulated, top {self.top}; expected at least 1, 2 and 1"
            )

    @property
    def pricing_seeds(self) -> range:
        """Of the days that are priced."""
        return range(self.first_seed, self.first_seed + self.pricing_days)

    @property
    def simulated_seeds(self) -> range:
        """Of the days that are simulated."""
        first = self.first_seed + self.pricing_days
        return range(first, first + self.simulated_days)


@dataclass(frozen=True)
class Lesson:
    """One agent of a group learns one class."""

    group: int
    kind: int
    priced: float
    """Money per day, by prices."""


@dataclass(frozen=True)
class SimulatedLesson:
    """The same, simulated."""

    lesson: Lesson
    gain: float
    """Money per day, mean over days."""
    half_width: float
    """Of its 95 % interval over paired days."""
    payback_days: float
    """Days until the training is paid; infinite if it gains nothing."""

    @property
    def is_clear(self) -> bool:
        """The gain is more than luck."""
        return self.gain > self.half_width


def recommend_training(
    centre: LabCentre,
    training: Training,
    effort: TrainingEffort,
    policy: str = SBR,
    tell: Callable[[str], None] = TELL_NOBODY,
) -> tuple[list[SimulatedLesson], list[Lesson]]:
    """The simulated lessons, the largest gain first, and all lessons as priced, best first."""
    tell(f"pricing {effort.pricing_days} days")
    lessons = price_lessons(centre, training, effort.pricing_seeds)
    found = []
    for number, lesson in enumerate(lessons[: effort.top]):
        tell(f"simulating training {number + 1} of {min(effort.top, len(lessons))}")
        found.append(simulate_lesson(centre, lesson, training, effort.simulated_seeds, policy))
    return sorted(found, key=lambda one: -one.gain), lessons


def price_lessons(centre: LabCentre, training: Training, seeds: Sequence[int]) -> list[Lesson]:
    """Every skill that a group does not have, by its price, the best first; none worth 0."""
    missing, p, h = newly_trained(group_agents(centre).groups, training)
    work_s = np.where(missing, h, 1.0) * centre.attention[:, None]
    reward = served_reward(centre, p)
    days = [lesson_worths(price_day(centre, seed), reward, work_s) for seed in seeds]
    worth = np.where(missing, np.mean(days, axis=0), 0.0)
    pairs = np.argwhere(worth > 0)
    order = np.argsort(-worth[worth > 0], kind="stable")
    return [Lesson(int(m), int(k), float(worth[k, m])) for k, m in pairs[order]]


def lesson_worths(day: SampledDay, reward: Floats, work_s: Floats) -> Floats:
    """(K, M) money that one agent of each group, trained for each class, would add that day."""
    earns = (reward - day.prices.contact[:, :, None]) / work_s
    more = np.maximum(earns - day.prices.agent[:, None, :], 0.0)
    busy_s = np.minimum(day.demand[:, :, None] * work_s, PERIOD_S)
    return np.asarray((more * busy_s).sum(axis=0))


def newly_trained(groups: AgentGroups, training: Training) -> tuple[Flags, Floats, Floats]:
    """(K, M) skills that are missing and could be learned, and p and h once they are.

    A class that nobody has the skill for teaches nobody.
    """
    has = groups.eligible & groups.skilled
    teachers = has.sum(axis=1, keepdims=True)
    mean_p = (groups.p * has).sum(axis=1, keepdims=True) / np.maximum(teachers, 1)
    mean_h = (groups.h * has).sum(axis=1, keepdims=True) / np.maximum(teachers, 1)
    p = np.broadcast_to(training.quality * mean_p, groups.p.shape)
    h = np.broadcast_to(training.slowness * mean_h, groups.h.shape)
    missing: Flags = ~has & (teachers > 0) & ((p > groups.p) | ~groups.eligible)
    return missing, p, h


def simulate_lesson(
    centre: LabCentre, lesson: Lesson, training: Training, seeds: Sequence[int], policy: str
) -> SimulatedLesson:
    """What the training earns on these days, paired with the same days without it."""
    trained = with_lesson(centre, lesson, training)
    gains = np.array(
        [_value(trained, seed, policy) - _value(centre, seed, policy) for seed in seeds]
    )
    mean, days = float(gains.mean()), len(gains)
    half = float(student.ppf((1 + CONFIDENCE) / 2, days - 1) * gains.std(ddof=1) / np.sqrt(days))
    payback = training.cost / mean if mean > 0 else np.inf
    return SimulatedLesson(lesson, mean, half, payback)


def with_lesson(centre: LabCentre, lesson: Lesson, training: Training) -> LabCentre:
    """The centre in which the first agent of the group has learned the class."""
    grouping = group_agents(centre)
    _, p, h = newly_trained(grouping.groups, training)
    agent = int(np.argmax(grouping.of_agent == lesson.group))
    at = (lesson.kind, agent)
    new_p, new_h, eligible = centre.p.copy(), centre.h.copy(), centre.eligible.copy()
    new_p[at] = p[lesson.kind, lesson.group]
    new_h[at] = h[lesson.kind, lesson.group]
    eligible[at] = True
    return replace(centre, p=new_p, h=new_h, eligible=eligible)


def _value(centre: LabCentre, seed: int, policy: str) -> float:
    router = new_router(policy, centre, seed)
    return value_of(centre, simulate(centre, draw_day(centre, seed), router)).total
