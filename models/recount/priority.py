"""Section 5 of `docs/model.md`, written a second time: what a conversation loses by waiting."""

import numpy as np

from models.recount.conversations import Conversations
from models.recount.numbers import Floats, by_channel, class_of
from models.recount.pairs import Eligibility
from models.recount.sides import Sides


def expected_delay(sides: Sides, eligibility: Eligibility) -> Floats:
    """(C,) seconds until the next suitable agent is done, if this tick skips the conversation."""
    policy, servers = sides.policy, eligibility.num_qualified[eligibility.class_of]
    delay = policy.tick_s + sides.conversations.handle_s / np.maximum(servers, 1)
    return np.minimum(delay, policy.longest_delay_s)


def value_at_risk(sides: Sides, missed: Floats, delay_s: Floats) -> Floats:
    """(C,) u(T) in money: the largest over the members; `missed` is M."""
    c, policy, of = sides.conversations, sides.policy, sides.conversations.of_member
    who = c.customers
    anger = policy.sentiment_weight * np.maximum(0, -who.sentiment)
    doubt = 1 + policy.health_weight * (1 - who.health)
    haste = np.minimum(2, np.exp(anger) * doubt)
    escalation = np.where(who.escalated, policy.escalation_factor, 1.0)
    lost = (policy.loss_fixed + policy.loss_share * who.value) * escalation
    lost *= np.minimum(2, (1 + anger) * doubt)
    patience = by_channel(policy, lambda p: p.mean_patience_s)[c.member_channel]
    annoyance = by_channel(policy, lambda p: p.waiting_cost)[c.member_channel]
    t, d, scale = delay_s[of], c.waits.target_s, c.waits.scale_s
    w = c.waits.wait_s + c.boost_age_s[of]
    gives_up = (missed + lost)[of] * -np.expm1(-haste[of] / patience * t)
    waits = annoyance * (((w + t) / scale) ** 2 - (w / scale) ** 2)
    waits = np.minimum(waits, policy.most_waiting_cost)
    nearness = np.exp(-np.maximum(d - w, 0) / t)
    breaches = (who.penalty * escalation)[of] * nearness
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
    order = np.lexsort((lead_id, c.waits.clock, line))
    place = np.zeros(len(c), dtype=np.int64)
    place[order] = np.arange(len(c)) - np.searchsorted(line[order], line[order])
    behind = np.minimum(np.bincount(line)[line], 100) - 1 - place
    return np.maximum(behind, 0) / 1_000


def _ageing(c: Conversations, per_s: float, most: float) -> Floats:
    return np.minimum(most, per_s * c.waits.longest_s)
