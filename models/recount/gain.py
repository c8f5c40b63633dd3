"""Section 5 of `docs/model.md`, written a second time: what a pair is worth, term by term."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.recount.numbers import (
    SECOND,
    Bools,
    Floats,
    Ints,
    by_channel,
    instant,
    ints,
    is_real_time,
    seconds,
)
from models.recount.pairs import Eligibility
from models.recount.rules import Sides

MILLI = 1_000
NEARLY = 1e-6
"""Thousandths of the currency: two ways to sum the same terms may differ by much less."""

IDLE_CAP_S = 600.0


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms of the gain of some pairs in money, costs negative: their sum is the gain."""

    match: Floats
    value_at_risk: Floats
    stickiness: Floats
    shift_end: Floats
    handover: Floats
    hold: Floats
    balance: Floats

    @property
    def gain(self) -> Floats:
        """Sum of the terms, not rounded."""
        lasting = self.match + self.value_at_risk + self.stickiness + self.balance
        return lasting + self.shift_end + self.handover + self.hold


@dataclass(frozen=True, eq=False)
class Worth:
    """What the terms are made of: by conversation (C,), and by entry of `ready_agent`."""

    resolved: Floats
    """B"""
    failed: Floats
    """F"""
    at_risk: Floats
    hold_rate: Floats
    """Per second that the agent is not free yet."""
    sticky_key: Ints
    """Sorted keys, conversation * A + agent, of the pairs with stickiness."""
    sticky: Floats
    probability: Floats
    """(entries,) as all that follow"""
    shift_end: Floats
    handover: Floats
    free_in_s: Floats
    balance: Floats

    def terms(self, conversation: Ints, entry: Ints, key: Ints) -> Terms:
        """The terms of pairs; `key` (conversation * A + agent) ascends without repetition."""
        failed = self.failed[conversation]
        match = self.probability[entry] * (self.resolved[conversation] + failed) - failed
        place = np.searchsorted(key, self.sticky_key)
        hit = np.append(key, -1)[place] == self.sticky_key
        stickiness = np.zeros(len(key))
        stickiness[place[hit]] = self.sticky[hit]
        return Terms(
            match=match,
            value_at_risk=self.at_risk[conversation],
            stickiness=stickiness,
            shift_end=self.shift_end[entry],
            handover=self.handover[entry],
            hold=-self.hold_rate[conversation] * self.free_in_s[entry],
            balance=self.balance[entry],
        )


def rounded_down_if_in_doubt(money: Floats) -> Ints:
    """Thousandths; where the last bit of a sum decides, the smaller."""
    return np.rint(money * MILLI - NEARLY).astype(np.int64)


def build_worth(sides: Sides, eligibility: Eligibility) -> Worth:
    """All that is needed for the terms of any ready pair."""
    c, policy = sides.conversations, sides.policy
    resolved = policy.benefit_fixed + policy.benefit_share * c.value
    failed = policy.failure_fixed + policy.failure_share * c.value
    chance = eligibility.mean_probability[eligibility.class_of]
    missed = np.maximum(0, chance * (resolved + failed) - failed)
    kind, agent = eligibility.ready_class, eligibility.ready_agent
    sticky_key, sticky = _stickiness(sides, eligibility)
    shift_end, handover = _end_of_shift(sides)
    moment = sides.handling.row[kind]
    horizon = np.full(len(c), policy.hold_horizon_s)
    at_horizon = _value_at_risk(sides, missed, horizon)
    return Worth(
        resolved=resolved,
        failed=failed,
        at_risk=_value_at_risk(sides, missed, _delay(sides, eligibility)),
        hold_rate=at_horizon / policy.hold_horizon_s if policy.hold_horizon_s else at_horizon,
        sticky_key=sticky_key,
        sticky=sticky,
        probability=sides.probability[sides.set_of[kind], agent],
        shift_end=-shift_end[moment, agent],
        handover=-handover[moment, agent],
        free_in_s=sides.agents.free_in_s[agent],
        balance=policy.idle_worth
        * (np.minimum(IDLE_CAP_S, sides.agents.idle_s) / IDLE_CAP_S)[agent],
    )


def _delay(sides: Sides, eligibility: Eligibility) -> Floats:
    """(C,) seconds that a conversation waits on if this tick skips it."""
    c, policy, kind = sides.conversations, sides.policy, eligibility.class_of
    lead_id = c.members["contact_id"].rank("ordinal").to_numpy()[c.start]
    order = np.lexsort((lead_id, c.clock, kind))
    begin = np.searchsorted(kind[order], kind[order])
    rank = np.zeros(len(c), dtype=np.int64)
    rank[order] = np.arange(len(c)) - begin
    idle = eligibility.num_idle[kind]
    servers = eligibility.num_qualified[kind]
    queued = (rank - idle + 1) * c.handle_s / np.maximum(servers, 1)
    delay = policy.tick_s + np.where(rank < idle, 0, queued)
    return np.minimum(delay, policy.longest_delay_s)


def _value_at_risk(sides: Sides, missed: Floats, delay_s: Floats) -> Floats:
    """(C,) u(T): the largest over the members."""
    c, policy, of = sides.conversations, sides.policy, sides.conversations.of_member
    anger = np.maximum(0, -c.sentiment)
    haste = np.minimum(2, np.exp(policy.sentiment_weight * anger))
    escalation = np.where(c.escalated, policy.escalation_factor, 1.0)
    lost = (policy.loss_fixed + policy.loss_share * c.value) * escalation
    lost *= np.minimum(2, 1 + policy.sentiment_weight * anger)
    patience = by_channel(policy, lambda p: p.mean_patience_s)[c.channel]
    annoyance = by_channel(policy, lambda p: p.waiting_cost)[c.channel]
    t, w, d = delay_s[of], c.wait_s, c.target_s
    gives_up = (missed + lost)[of] * -np.expm1(-haste[of] / patience * t)
    waits = annoyance * (((w + t) / d) ** 2 - (w / d) ** 2)
    waits = np.minimum(waits, policy.most_waiting_cost)
    slack = np.maximum(d - w, 0)
    nearness = np.exp(-np.divide(slack, t, out=np.full(len(t), np.inf), where=t > 0))
    breaches = np.where(w < d, (c.penalty * escalation)[of] * nearness, 0)
    return np.maximum.reduceat(gives_up + waits + breaches, c.start)


def _stickiness(sides: Sides, eligibility: Eligibility) -> tuple[Ints, Floats]:
    """Keys and worth of the pairs that know each other, the largest where there are several."""
    c, policy = sides.conversations, sides.policy
    agents = sides.agents.ids.select("agent_id", "agent")
    half_life = by_channel(policy, lambda p: p.stick_half_life_s)
    last = c.members.join(agents, left_on="last_agent_id", right_on="agent_id")
    age = -seconds(last, "last_agent_at", instant(sides.batch.now))
    worth = policy.stick_worth * np.exp2(-np.maximum(0, age) / half_life[ints(last["channel_at"])])
    owner = c.members.filter("is_lead").join(agents, left_on="owner_agent_id", right_on="agent_id")
    pairs = pl.concat(
        [
            _sticky(last, worth),
            _sticky(owner, np.full(len(owner), policy.owner_worth)),
            _sticky(eligibility.ties, np.full(len(eligibility.ties), policy.stick_worth)),
        ]
    )
    key = pl.col("conversation") * len(sides.agents) + pl.col("agent")
    best = (
        pairs.filter(pl.col("worth").is_not_nan())
        .group_by(key.alias("key"))
        .agg(pl.col("worth").max())
        .sort("key")
    )
    return ints(best["key"]), best["worth"].to_numpy()


def _sticky(pairs: pl.DataFrame, worth: Floats) -> pl.DataFrame:
    return pairs.select(
        pl.col("conversation").cast(pl.Int64),
        pl.col("agent").cast(pl.Int64),
        worth=pl.Series(worth, dtype=pl.Float64),
    )


def _end_of_shift(sides: Sides) -> tuple[Floats, Floats]:
    """Expected cost of overtime and of handover, each (lanes and handling times, A)."""
    c, policy = sides.conversations, sides.policy
    example = sides.example[sides.handling.example]
    lane, handle = c.lane[example][:, None], c.handle_s[example][:, None]
    left = np.maximum(sides.agents.shift_left_s, 1 / SECOND)  # off shift there are no pairs
    live = is_real_time(policy)[lane]
    sigma = by_channel(policy, lambda p: p.handle_sigma)[lane]
    excess = np.where(live, expected_excess(handle, sigma, left), 0)
    episode = by_channel(policy, lambda p: p.mean_episode_s)[lane]
    handover = np.where(live, 0, policy.handover_cost * np.exp(-left / episode))
    return policy.overtime_cost_per_s * excess, handover


def expected_excess(mean_s: Floats, sigma: Floats, limit_s: Floats) -> Floats:
    """E[(H - limit)+] of lognormal H with this mean and sigma, seconds."""
    log_limit = np.log(limit_s)
    location = np.log(mean_s) - sigma**2 / 2
    above = _normal_cdf((location + sigma**2 - log_limit) / sigma)
    return mean_s * above - limit_s * _normal_cdf((location - log_limit) / sigma)


def _normal_cdf(z: Floats) -> Floats:
    found = (z > 0).astype(np.float64)
    some: Bools = np.abs(z) < 9  # beyond it the other side is below 1e-18
    value, place = np.unique(z[some], return_inverse=True)
    erf = np.array([math.erf(x / math.sqrt(2)) for x in value.tolist()])
    found[some] = ((1 + erf) / 2)[place]
    return found
