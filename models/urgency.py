"""What is lost if a tick leaves a conversation waiting: `docs/model.md` section 5."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.conversations import Conversations
from models.eligibility import Eligibility
from models.policy import Policy
from models.problem import Floats

ORDERED = 100
"""So many of a line are told apart by who came first, where nothing else does."""
STEP = 0.001
"""Money, the least that a gain can differ by."""


@dataclass(frozen=True, eq=False)
class Stakes:
    """Money and time at stake, per conversation (C,)."""

    benefit: Floats
    """B"""
    failure: Floats
    """F"""
    loss: Floats
    """L"""
    breach: Floats
    """P"""
    impatience: Floats
    """f"""
    boost_age_s: Floats
    """Added to every wait."""

    @property
    def spread(self) -> Floats:
        """B + F: what a higher probability of resolving is worth."""
        return self.benefit + self.failure


def build_stakes(units: pl.DataFrame, policy: Policy) -> Stakes:
    """What customer, mood, relationship and escalation put at stake."""
    value = units["value"].to_numpy()
    anger = np.maximum(-units["sentiment"].to_numpy(), 0.0) * policy.sentiment_weight
    worry = 1.0 + policy.health_weight * (1.0 - units["health"].to_numpy())
    escalated = np.where(units["escalated"].to_numpy(), policy.escalation_factor, 1.0)
    penalties = {tier.value: penalty for tier, penalty in policy.breach_penalties.items()}
    breach = units["tier"].replace_strict(penalties, return_dtype=pl.Float64).to_numpy()
    loss = policy.loss_fixed + policy.loss_share * value
    return Stakes(
        benefit=policy.benefit_fixed + policy.benefit_share * value,
        failure=policy.failure_fixed + policy.failure_share * value,
        loss=loss * np.minimum((1.0 + anger) * worry, 2.0) * escalated,
        breach=breach * escalated,
        impatience=np.minimum(np.exp(anger) * worry, 2.0),
        boost_age_s=units["boost_age_s"].to_numpy(),
    )


def value_at_risk(
    conversations: Conversations, stakes: Stakes, later: Floats, delay_s: Floats, policy: Policy
) -> Floats:
    """u(T): expected loss if the conversation is skipped for `delay_s`, shape (C,).

    Loss by giving up, growth of the waiting cost, and a breach of the target caused by this skip
    (`methods.md` 2.1); the largest over the members of the conversation.
    """
    members = conversations.members
    of = members["conversation_idx"].to_numpy().astype(np.int64)
    if not len(of):
        return np.zeros(0)
    wait = members["wait_s"].to_numpy() + stakes.boost_age_s[of]
    target, scale = members["target_s"].to_numpy(), members["scale_s"].to_numpy()
    delay = delay_s[of]
    leave_rate = stakes.impatience[of] / members["mean_patience_s"].to_numpy()
    leaves = (later + stakes.loss)[of] * -np.expm1(-leave_rate * delay)
    growth = ((wait + delay) / scale) ** 2 - (wait / scale) ** 2
    waits = np.minimum(members["waiting_cost"].to_numpy() * growth, policy.most_waiting_cost)
    # It stays after the target: who was missed must not fall behind all who may still be saved,
    # nor behind who was missed later.
    breach = stakes.breach[of] * np.exp(-np.maximum(target - wait, 0.0) / delay)
    first = np.flatnonzero(np.diff(of, prepend=-1))
    worst: Floats = np.maximum.reduceat(leaves + waits + breach, first)
    return worst


def delay_if_skipped(units: pl.DataFrame, eligibility: Eligibility, policy: Policy) -> Floats:
    """T: expected delay until the next good chance if this tick skips the conversation, (C,).

    A tick, and until the next of the suitable agents is done. It is the same for all who have the
    same agents, whatever line they wait in: were it longer for those who came last, or for longer
    lines, they would outbid whoever came first.
    """
    kind = units["class_idx"].to_numpy().astype(np.int64)
    suitable = np.maximum(np.count_nonzero(eligibility.suitable, axis=1), 1)[kind]
    delay: Floats = policy.tick_s + units["handle_s"].to_numpy() / suitable
    return np.minimum(delay, policy.longest_delay_s)


def priority(units: pl.DataFrame, policy: Policy) -> Floats:
    """Money that classes, boosts, ageing and the place in line add, shape (C,)."""
    listed = np.zeros(max(len(policy.priority_worth), 10))
    listed[: len(policy.priority_worth)] = policy.priority_worth
    ageing = policy.ageing_per_s * units["waited_s"].to_numpy()
    worth: Floats = listed[units["priority"].to_numpy()] + units["boost_worth"].to_numpy()
    line, place = units["line_size"].to_numpy(), units["line_place"].to_numpy()
    ahead = np.maximum(np.minimum(line.astype(np.int64), ORDERED) - 1 - place, 0)
    lifted: Floats = worth + np.minimum(ageing, policy.most_ageing) + ahead * STEP
    return lifted
