"""The linear programme of the slow price over a whole day in periods of five minutes.

Its demands are those of days of the lab, so they vary as days do; its duals are what agents' time
and contacts are worth to somebody who knows each period's contacts, but not when in it they come.
"""

from dataclasses import dataclass

import numpy as np

from scenarios.lab.centre import Floats, LabCentre
from scenarios.lab.day import draw_day
from scenarios.planning.groups import Grouping, group_agents
from solver.pricing.slow import SlowInputs, SlowPrices, reward_per_contact, slow_prices

PERIOD_S = 300.0
"""About a handling time."""


@dataclass(frozen=True, eq=False)
class SampledDay:
    """A day's contacts and their prices."""

    demand: Floats
    """(P, K) contacts that come."""
    prices: SlowPrices


def price_day(centre: LabCentre, seed: int) -> SampledDay:
    """The day of that seed with its duals, by groups as `group_agents` has them."""
    grouping = group_agents(centre)
    groups, classes = grouping.groups, centre.classes
    periods = int(np.ceil(centre.horizon_s / PERIOD_S))
    inputs = SlowInputs(
        reward=served_reward(centre, groups.p),
        work_s=groups.h * centre.attention[:, None],
        allowed=groups.eligible,
        capacity_s=np.stack([_on_duty_s(centre, grouping, period) for period in range(periods)]),
        stay=np.exp(-PERIOD_S / classes.patience_s),
    )
    day = draw_day(centre, seed)
    kinds = centre.num_classes
    cell = (day.arrival_s // PERIOD_S).astype(np.int64) * kinds + day.kind
    demand = np.bincount(cell, minlength=periods * kinds).reshape(1, periods, kinds)
    sampled = demand.astype(np.float64)
    return SampledDay(sampled[0], slow_prices(inputs, sampled))


def served_reward(centre: LabCentre, p: Floats) -> Floats:
    """(K, M) money of a contact that is served with probability p, relative to one who leaves."""
    classes = centre.classes
    return reward_per_contact(
        p,
        classes.value_mean,
        classes.loss_share * classes.value_mean,
        classes.waiting_cost,
        classes.patience_s,
        centre.horizon_s,
    )


def _on_duty_s(centre: LabCentre, grouping: Grouping, period: int) -> Floats:
    """(M,) agent-seconds of the period within shifts, breaks taken off."""
    begin, end = period * PERIOD_S, (period + 1) * PERIOD_S

    def inside(from_s: Floats, until_s: Floats) -> Floats:
        overlap = np.minimum(until_s, end) - np.maximum(from_s, begin)
        return np.asarray(np.clip(overlap, 0.0, None))

    seconds = inside(centre.shift_from_s, centre.shift_until_s)
    breaks = centre.breaks
    if breaks is not None:
        np.subtract.at(seconds, breaks.agent, inside(breaks.from_s, breaks.until_s))
    worked = np.maximum(seconds, 0.0)
    total = np.bincount(grouping.of_agent, weights=worked, minlength=len(grouping.groups))
    return np.asarray(total, dtype=np.float64)
