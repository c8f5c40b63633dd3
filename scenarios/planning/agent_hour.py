"""What one more agent-hour is worth, by group and hour: from prices, and from simulation.

Three prices, cheap enough for every group and hour at once:

* SAMPLED: duals of the linear programme of the slow price over a whole day in periods of five
  minutes, for sampled demands (`sampled.py`). It does not know who comes when inside a
  period, nor whom to keep free for whom, which is as much as routers know.
* HINDSIGHT: the mean price path of days known in advance (`scenarios/lab/bound.py`). A clairvoyant
  avoids most of what routers lose, so one more agent is worth half as much to them.
* SKILLED: the same, where nobody does work for which they have no skill.

Simulation is the judge: one more agent for that hour, the same customers with the same luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from scenarios.lab.bound import hindsight_bound, worth_of_one_more
from scenarios.lab.centre import Floats, Ints, LabCentre
from scenarios.lab.day import Day, LabPurpose, draw_day, stream
from scenarios.lab.engine import simulate
from scenarios.lab.hindsight import duty_groups, hindsight_day
from scenarios.lab.policies import new_router
from scenarios.lab.value import value_of
from scenarios.planning.groups import AgentGroups, group_agents
from scenarios.planning.sampled import PERIOD_S, price_day
from solver.pricing.path import Search

HOUR_S = 3600.0
AROUND_S = 3600.0
"""Simulated before the hour, to fill the centre, and after it, until nothing is felt any more."""


class Estimate(StrEnum):
    """Where a price comes from."""

    SAMPLED = "sampled programme"
    HINDSIGHT = "hindsight"
    SKILLED = "hindsight, skilled only"


@dataclass(frozen=True)
class Hour:
    """One more agent of a group for an hour of the day."""

    group: int
    hour: int


def estimate_prices(
    centre: LabCentre, estimate: Estimate, seeds: Sequence[int], iterations: int = 200
) -> Floats:
    """(M, hours) money for one more agent-hour, by `group_agents`, mean over days or demands.

    Raises ValueError for centres without a tick or with heads instead of shifts.
    """
    if estimate == Estimate.SAMPLED:
        return sampled_prices(centre, seeds)
    if estimate == Estimate.SKILLED:
        grouping = group_agents(centre)
        centre = replace(centre, eligible=grouping.groups.skilled[:, grouping.of_agent])
    days = [_hindsight_prices(centre, seed, iterations) for seed in seeds]
    return np.asarray(np.mean(days, axis=0))


def sampled_prices(centre: LabCentre, seeds: Sequence[int]) -> Floats:
    """(M, hours) from the duals of one linear programme per seed."""
    per_hour = round(HOUR_S / PERIOD_S)
    days = [price_day(centre, seed).prices.agent for seed in seeds]
    price = np.mean(days, axis=0)
    edges = np.arange(0, len(price), per_hour)
    return np.asarray(np.add.reduceat(price, edges, axis=0).T * PERIOD_S)


def simulate_hours(
    centre: LabCentre, hours: Sequence[Hour], seeds: Sequence[int], policy: str
) -> Floats:
    """(pairs, D) money that each agent-hour adds, by day.

    Each day is cut to the hour and what surrounds it; what it adds later is noise.
    """
    groups = group_agents(centre).groups
    days = [draw_day(centre, seed) for seed in seeds]
    gained = np.zeros((len(hours), len(days)))
    for hour in sorted({pair.hour for pair in hours}):
        window = _window(centre, hour)
        cut = [_cut(day, hour, window.horizon_s) for day in days]
        base = _values(window, cut, seeds, policy)
        for row, pair in enumerate(hours):
            if pair.hour == hour:
                more = with_one_more(window, groups, pair)
                gained[row] = _values(more, cut, seeds, policy) - base
    return gained


def with_one_more(centre: LabCentre, groups: AgentGroups, pair: Hour) -> LabCentre:
    """The centre with one more agent of the group, from the hour's begin to its end."""
    column = slice(pair.group, pair.group + 1)
    begin_s = pair.hour * HOUR_S
    return replace(
        centre,
        p=np.concatenate([centre.p, groups.p[:, column]], axis=1),
        h=np.concatenate([centre.h, groups.h[:, column]], axis=1),
        eligible=np.concatenate([centre.eligible, groups.eligible[:, column]], axis=1),
        shift_from_s=np.append(centre.shift_from_s, begin_s),
        shift_until_s=np.append(centre.shift_until_s, begin_s + HOUR_S),
    )


def random_hours(groups: int, hours: int, number: int, seed: int) -> list[Hour]:
    """That many different pairs, in random order."""
    chosen = stream(seed, LabPurpose.STRUCTURE).permutation(groups * hours)[:number]
    return [Hour(group, hour) for group, hour in zip(*divmod(chosen, hours), strict=True)]


def _hindsight_prices(centre: LabCentre, seed: int, iterations: int) -> Floats:
    day = hindsight_day(centre, draw_day(centre, seed))
    path = hindsight_bound(day, search=Search(iterations=iterations))
    worth = worth_of_one_more(path, centre.tick_s, round(HOUR_S / centre.tick_s))
    example = _first_agents(group_agents(centre).of_agent)
    of_agent = duty_groups(centre).of_agent
    return worth[of_agent[example], : round(centre.horizon_s / HOUR_S)]


def _first_agents(of_agent: Ints) -> Ints:
    """(M,) the first agent of each group."""
    first: Ints = np.unique(of_agent, return_index=True)[1]
    return first


def _window(centre: LabCentre, hour: int) -> LabCentre:
    """The centre until what the hour changes is over."""
    end_s = min((hour + 1) * HOUR_S + AROUND_S, centre.horizon_s)
    intervals = int(np.ceil(end_s / centre.interval_s - 1e-9))
    classes = replace(centre.classes, rate=centre.classes.rate[:, :intervals])
    return replace(centre, classes=classes, horizon_s=end_s)


def _cut(day: Day, hour: int, until_s: float) -> Day:
    """Only who comes in the hour and around it."""
    inside = (day.arrival_s >= hour * HOUR_S - AROUND_S) & (day.arrival_s < until_s)
    return Day(**{name: getattr(day, name)[inside] for name in Day.__dataclass_fields__})


def _values(centre: LabCentre, days: Sequence[Day], seeds: Sequence[int], policy: str) -> Floats:
    """(D,) money."""
    return np.array(
        [
            value_of(centre, simulate(centre, day, new_router(policy, centre, seed))).total
            for day, seed in zip(days, seeds, strict=True)
        ]
    )
