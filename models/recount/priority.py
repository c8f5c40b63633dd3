"""Section 5 of `docs/model.md`, written a second time: what a conversation loses by waiting."""

import numpy as np

from models.recount.conversations import Conversations
from models.recount.numbers import Floats, by_channel, class_of
from models.recount.pairs import Eligibility
from models.recount.sides import Sides


def expected_delay(sides: Sides, eligibility: Eligibility) -> Floats:
    """(C,) seconds that a conversation waits on if this tick skips it."""
    c, policy, kind = sides.conversations, sides.policy, eligibility.class_of
    line = class_of(c.queue, c.channel)
    size = np.bincount(line)[line]
    idle = eligibility.num_idle[kind]
    servers = eligibility.num_qualified[kind]
    queued = c.handle_s / np.maximum(servers, 1)
    delay = policy.tick_s + np.where(size <= idle, 0, queued)
    return np.minimum(delay, policy.longest_delay_s)


def value_at_risk(sides: Sides, missed: Floats, delay_s: Floats) -> Floats:
    """(C,) u(T) in money: the largest over the members; `missed` is M."""
    c, policy, of = sides.conversations, sides.policy, sides.conversations.of_member
    anger = policy.sentiment_weight * np.maximum(0, -c.sentiment)
    doubt = 1 + policy.health_weight * (1 - c.health)
    haste = np.minimum(2, np.exp(anger) * doubt)
    escalation = np.where(c.escalated, policy.escalation_factor, 1.0)
    lost = (policy.loss_fixed + policy.loss_share * c.value) * escalation
    lost *= np.minimum(2, (1 + anger) * doubt)
    patience = by_channel(policy, lambda p: p.mean_patience_s)[c.member_channel]
    annoyance = by_channel(policy, lambda p: p.waiting_cost)[c.member_channel]
    t, d = delay_s[of], c.target_s
    w = c.wait_s + c.boost_age_s[of]
    gives_up = (missed + lost)[of] * -np.expm1(-haste[of] / patience * t)
    waits = annoyance * (((w + t) / d) ** 2 - (w / d) ** 2)
    waits = np.minimum(waits, policy.most_waiting_cost)
    slack = np.maximum(d - w, 0)
    nearness = np.exp(-np.divide(slack, t, out=np.full(len(t), np.inf), where=t > 0))
    breaches = np.where(w < d, (c.penalty * escalation)[of] * nearness, 0)
    largest: Floats = np.maximum.reduceat(gives_up + waits + breaches, c.start)
    return largest


def priority_worth(sides: Sides) -> Floats:
    """(C,) money for the class of priority, boosts, ageing, and for coming first in line."""
    policy, c = sides.policy, sides.conversations
    listed = np.append(np.array(policy.priority_worth, dtype=np.float64), 0)
    by_class = listed[np.minimum(c.priority, len(policy.priority_worth))]
    aged = by_class + c.boost_worth + _ageing(c, policy.ageing_per_s, policy.most_ageing)
    return aged + _coming_first(c)


def _coming_first(c: Conversations) -> Floats:
    """(C,) a thousandth for each of the line who came later, as far as the first hundred go."""
    line = class_of(c.queue, c.channel)
    lead_id = c.members["contact_id"].rank("ordinal").to_numpy()[c.start]
    order = np.lexsort((lead_id, c.clock, line))
    place = np.zeros(len(c), dtype=np.int64)
    place[order] = np.arange(len(c)) - np.searchsorted(line[order], line[order])
    behind = np.minimum(np.bincount(line)[line], 100) - 1 - place
    return np.maximum(behind, 0) / 1_000


def _ageing(c: Conversations, per_s: float, most: float) -> Floats:
    return np.minimum(most, per_s * c.waited_s)
