"""Who should learn what: skills that nobody in a group has yet, priced, then simulated.

With the prices of the hindsight bound every contact i has a net worth u_i: what its best option
pays beyond the time that it takes. If an agent of group m learned class k, they could also serve a
contact of that class, from t on, for `reward - waiting cost - price of their time - u_i`, which is
the reduced profit of an edge that does not exist yet (`methods.md` 8.4). One agent serves one
contact at a time, so a day's worth of the training is the most that contacts can pay whose service
does not overlap: weighted interval scheduling, by dynamic programming.

Prices change once somebody is trained and routers are not clairvoyant, so the best are simulated:
one agent of the group with the new skill, the same customers with the same luck.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from scenarios.lab.bound import HindsightDay, hindsight_bound, hindsight_problem
from scenarios.lab.centre import Flags, Floats, Ints, LabCentre
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.hindsight import duty_groups, hindsight_day
from scenarios.lab.policies import SBR, new_router
from scenarios.lab.value import value_of
from scenarios.planning.groups import AgentGroups, group_agents
from scenarios.planning.staffing import TELL_NOBODY
from solver.pricing.path import PathProblem, PricePath, Search

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

    pricing_days: int = 5
    simulated_days: int = 30
    top: int = 10
    """Trainings that are simulated, the best priced ones."""
    iterations: int = 200
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
    lessons = price_lessons(centre, training, effort.pricing_seeds, effort.iterations)
    found = []
    for number, lesson in enumerate(lessons[: effort.top]):
        tell(f"simulating training {number + 1} of {min(effort.top, len(lessons))}")
        found.append(simulate_lesson(centre, lesson, training, effort.simulated_seeds, policy))
    return sorted(found, key=lambda one: -one.gain), lessons


def price_lessons(
    centre: LabCentre, training: Training, seeds: Sequence[int], iterations: int = 200
) -> list[Lesson]:
    """Every skill that a group does not have, by its price, the best first; none worth 0.

    Work goes to those who have the skill only, as under skills-based routing: a clairvoyant who
    gives work to others leaves less for a training to earn than routers do.
    """
    grouping = group_agents(centre)
    missing, p, h = newly_trained(grouping.groups, training)
    centre = replace(centre, eligible=grouping.groups.skilled[:, grouping.of_agent])
    total = np.zeros(missing.shape)
    for seed in seeds:
        day = hindsight_day(centre, draw_day(centre, seed))
        path = hindsight_bound(day, search=Search(iterations=iterations))
        total += price_day(day, path, _group_rows(centre), missing, p, h)
    worth = total / len(seeds)
    pairs = np.argwhere(worth > 0)
    order = np.argsort(-worth[worth > 0], kind="stable")
    return [Lesson(int(m), int(k), float(worth[k, m])) for k, m in pairs[order]]


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


def price_day(
    day: HindsightDay, path: PricePath, row: Ints, missing: Flags, p: Floats, h: Floats
) -> Floats:
    """(K, M) money that one agent of each group could add that day with each missing skill.

    `row` gives the group's row among the prices.
    """
    problem = hindsight_problem(day)
    length = problem.staff.shape[1]
    # Time after the last tick costs nothing, as in the bound.
    spent = np.concatenate(
        [np.zeros((len(path.price), 1)), np.cumsum(path.price * day.tick_s, axis=1)], axis=1
    )
    net = _net_worth(problem, path, spent)
    worth = np.zeros(missing.shape)
    for k, m in np.argwhere(missing).tolist():
        rows = np.flatnonzero((day.kind == k) & (problem.last >= problem.first))
        if len(rows) == 0:
            continue
        cells = np.minimum(h[k, m] * day.effort[rows] / day.tick_s, length)
        reward = p[k, m] * day.value[rows]
        start, pays = _best_start(problem, rows, reward, cells, spent[row[m]])
        worth[k, m] = most_paid(start, start + cells, pays - net[rows])
    return worth


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


def most_paid(start: Floats, end: Floats, pays: Floats) -> float:
    """The most that stretches of time can pay of which no two overlap; those may touch."""
    good = pays > 0
    order = np.argsort(end[good], kind="stable")
    start, end, pays = start[good][order], end[good][order], pays[good][order]
    before = np.searchsorted(end, start, side="right").tolist()
    best = [0.0]
    for place, pay in enumerate(pays.tolist()):
        best.append(max(best[-1], pay + best[min(before[place], place)]))
    return best[-1]


def _net_worth(problem: PathProblem, path: PricePath, spent: Floats) -> Floats:
    """(N,) what each contact's best option pays at these prices, or never being served."""
    net = problem.unserved.copy()
    served = np.flatnonzero(path.choice.option >= 0)
    option, cell = path.choice.option[served], path.choice.cell[served]
    waited = cell * problem.cell_s - problem.arrival_s[served]
    group = problem.group[option]
    time = _price_of(spent, group, cell, problem.work_s[option] / problem.cell_s)
    net[served] = (
        problem.reward[option]
        - problem.waiting_cost[served] * waited
        - problem.attention[served] * time
    )
    return net


def _price_of(spent: Floats, group: Ints, cell: Ints, cells: Floats) -> Floats:
    """Price of a group's time from a cell's start on, linear inside the last cell."""
    end = np.minimum(cell + cells, spent.shape[1] - 1)
    whole = np.floor(end).astype(np.int64)
    part = end - whole
    following = np.minimum(whole + 1, spent.shape[1] - 1)
    until = spent[group, whole] + part * (spent[group, following] - spent[group, whole])
    return np.asarray(until - spent[group, cell])


def _best_start(
    problem: PathProblem, rows: Ints, reward: Floats, cells: Floats, spent: Floats
) -> tuple[Floats, Floats]:
    """Cell at which each of these contacts pays most for this group's time, and how much."""
    first, last = problem.first[rows], problem.last[rows]
    step = np.arange(int((last - first).max()) + 1)
    cell = np.minimum(first[:, None] + step, last[:, None])
    wide = np.broadcast_to(cells[:, None], cell.shape)
    time = _price_of(spent[None, :], np.zeros_like(cell), cell, wide)
    waited = cell * problem.cell_s - problem.arrival_s[rows, None]
    pays = (
        reward[:, None]
        - problem.waiting_cost[rows, None] * waited
        - problem.attention[rows, None] * time
    )
    best = pays.argmax(axis=1)
    every = np.arange(len(rows))
    return cell[every, best].astype(np.float64), pays[every, best]


def _group_rows(centre: LabCentre) -> Ints:
    """(M,) row among the hindsight prices of each group of `group_agents`: of its first agent."""
    first = np.unique(group_agents(centre).of_agent, return_index=True)[1]
    rows: Ints = duty_groups(centre).of_agent[first]
    return rows


def _value(centre: LabCentre, seed: int, policy: str) -> float:
    router = new_router(policy, centre, seed)
    return value_of(centre, simulate(centre, draw_day(centre, seed), router)).total
