"""Both prices of a moment, from beliefs: the recipe of `value.md` 1, for the job and for the lab.

beliefs, moment --> slow_price_at --> money per agent-second, over the next quarter of an hour
                --> fast_price_at --> money per agent, over the next handling time
"""

from dataclasses import dataclass

import numpy as np

from models.problem import Floats, Ints
from solver.pricing.fast import FastInputs, FastScenario, fast_prices
from solver.pricing.moment import Beliefs, Moment, work_in_progress
from solver.pricing.scenarios import (
    demand_scenarios,
    mean_remaining_s,
    sampled_contacts,
    sampled_remaining_s,
    value_buckets,
)
from solver.pricing.slow import (
    Signatures,
    SlowInputs,
    SlowPrices,
    reward_per_contact,
    slow_prices,
    total_by_signature,
)


@dataclass(frozen=True)
class SlowRecipe:
    """How the slow price is made."""

    buckets: int = 4
    """Equally likely parts into which each class's values are cut."""
    scenarios: int = 6


def slow_price_at(
    beliefs: Beliefs,
    groups: Signatures,
    moment: Moment,
    recipe: SlowRecipe,
    rng: np.random.Generator,
) -> SlowPrices:
    """Prices by signature and sub-period; contact rows: classes x value buckets, class first."""
    buckets = recipe.buckets
    values = value_buckets(beliefs.values, buckets)
    value = values.ravel()
    kinds = np.repeat(np.arange(len(values)), buckets)
    periods = len(moment.forecast)
    period_s = moment.horizon_s / periods
    resolution = beliefs.resolution[:, groups.example]
    reward = reward_per_contact(
        resolution[kinds],
        value,
        beliefs.loss_share[kinds] * value,
        beliefs.waiting_cost[kinds],
        beliefs.mean_patience_s[kinds],
        moment.horizon_s,
    )
    work_s = beliefs.attention[:, None] * beliefs.handling_s[:, groups.example]
    inputs = SlowInputs(
        reward=reward,
        work_s=work_s[kinds],
        allowed=beliefs.allowed[:, groups.example][kinds],
        capacity_s=total_by_signature(groups, free_seconds(beliefs, moment)),
        stay=np.exp(-period_s / beliefs.mean_patience_s)[kinds],
    )
    demand = demand_scenarios(
        waiting=_waiting_by_type(beliefs, moment, buckets),
        forecast=np.repeat(moment.forecast / buckets, buckets, axis=1),
        factor=moment.factor,
        scenarios=recipe.scenarios,
        rng=rng,
    )
    return slow_prices(inputs, demand)


def fast_price_at(
    beliefs: Beliefs,
    slow_price: Floats,
    moment: Moment,
    window_s: float,
    scenarios: int,
    rng: np.random.Generator,
) -> Floats:
    """(A,) money; `slow_price` is (A,) money per agent-second, for work beyond the window."""
    parts = np.rint(beliefs.attention * beliefs.slots.max(initial=1)).astype(np.int64)
    inputs = FastInputs(
        resolution=beliefs.resolution,
        handling_s=beliefs.handling_s,
        allowed=beliefs.allowed,
        loss=beliefs.loss,
        waiting_cost=beliefs.waiting_cost,
        mean_patience_s=beliefs.mean_patience_s,
        parts=np.maximum(parts, 1),
        slow_price=slow_price,
        slots=beliefs.slots,
        window_s=window_s,
    )
    rate = moment.forecast.sum(axis=0) / max(moment.horizon_s, 1.0)
    free_s = _sampled_free_s(beliefs, moment, parts, scenarios, rng)
    futures = [
        FastScenario(sampled_contacts(rate, window_s, beliefs.values, moment.factor, rng), free)
        for free in free_s
    ]
    return fast_prices(inputs, futures)


def free_seconds(beliefs: Beliefs, moment: Moment) -> Floats:
    """(P, A) seconds of attention on offer: duty within the horizon, less the work still held.

    What is held takes its attention from the first sub-periods on.
    """
    periods = len(moment.forecast)
    period_s = moment.horizon_s / periods
    begin = np.arange(periods)[:, None] * period_s
    duty = np.clip(moment.duty_left_s - begin, 0.0, period_s)
    busy: Floats = np.zeros(duty.shape)
    if len(moment.held_agent):
        left_s = mean_remaining_s(work_in_progress(beliefs, moment))
        share = beliefs.attention[moment.held_kind]
        for period, start in enumerate(begin.ravel()):
            spent = share * np.clip(left_s - start, 0.0, period_s)
            busy[period] = np.bincount(moment.held_agent, spent, minlength=duty.shape[1])
    free: Floats = np.maximum(duty - busy, 0.0)
    return free


def mean_window_s(beliefs: Beliefs, rate: Floats) -> float:
    """Rate-weighted mean handling time over the agents who may serve each class; seconds."""
    allowed = beliefs.allowed
    mean_s = (beliefs.handling_s * allowed).sum(axis=1) / np.maximum(allowed.sum(axis=1), 1)
    return float((mean_s * rate).sum() / max(rate.sum(), 1e-12))


def _waiting_by_type(beliefs: Beliefs, moment: Moment, buckets: int) -> Floats:
    """(K * B,) waiting contacts of each class and value bucket."""
    parts = np.array_split(np.sort(beliefs.values, axis=1), buckets, axis=1)
    floor = np.stack([part[:, 0] for part in parts[1:]], axis=1) if buckets > 1 else None
    bucket: Ints = np.zeros(len(moment.waiting_kind), dtype=np.int64)
    if floor is not None:
        bucket = (moment.waiting_value[:, None] >= floor[moment.waiting_kind]).sum(axis=1)
    row = moment.waiting_kind * buckets + bucket
    waiting: Floats = np.bincount(row, minlength=len(beliefs.values) * buckets).astype(np.float64)
    return waiting


def _sampled_free_s(
    beliefs: Beliefs, moment: Moment, parts: Ints, scenarios: int, rng: np.random.Generator
) -> Floats:
    """(S, J) seconds until each slot is free; an agent's contacts fill their first slots.

    What takes less than half a slot, such as an email that lies still, fills none.
    """
    slots = beliefs.slots
    first = np.concatenate([[0], np.cumsum(slots)[:-1]])
    free = np.zeros((scenarios, int(slots.sum())))
    left_s = sampled_remaining_s(work_in_progress(beliefs, moment), scenarios, rng)
    order = np.argsort(moment.held_agent, kind="stable")
    agent = moment.held_agent[order]
    size = np.minimum(parts[moment.held_kind[order]], slots[agent])
    end = np.cumsum(size)
    before = end - size
    base = before[np.searchsorted(agent, agent)]
    row = np.repeat(np.arange(len(agent)), size)
    place = (before - base)[row] + np.arange(len(row)) - before[row]
    fits = place < slots[agent[row]]
    slot = (first[agent[row]] + place)[fits]
    free[:, slot] = left_s[:, order][:, row[fits]]
    off = np.repeat(moment.duty_left_s <= 0, slots)
    free[:, off] = np.inf
    return free
