"""What a pair is worth, term by term, in money: `docs/model.md` section 5.

Every term is one function and one line in `build_gain`. Terms that depend on the pair are stated
as a coefficient per conversation times a row over agents, so that no pair need be stored.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.conversations import Conversations, seconds
from models.eligibility import Eligibility
from models.parties import HeldByParty
from models.policy import Policy
from models.problem import Floats, Ints, Positions
from models.tables import Channel


class Term(StrEnum):
    """Terms of the gain, as they are explained."""

    MATCH = "match"
    VALUE_AT_RISK = "value_at_risk"
    STICKINESS = "stickiness"
    SHIFT_END = "shift_end"
    HANDOVER = "handover"
    HOLD = "hold"
    BALANCE = "balance"


RATED_TERMS = (Term.MATCH, Term.SHIFT_END, Term.HANDOVER, Term.HOLD, Term.BALANCE)
"""Order of the columns of `term_row` and `term_coef`."""


@dataclass(frozen=True, eq=False)
class Gain:
    """The gain in the form of `AssignmentProblem`: C conversations, A agents, R rated terms."""

    match_base: Floats
    """(C,) what a contact that is handled and not resolved costs, negative."""
    value_at_risk: Floats
    """(C,)"""
    term_row: Positions
    term_coef: Floats
    rate: Floats
    sticky: pl.DataFrame
    """(conversation_idx, agent_idx, worth): one row per pair, sorted."""

    @property
    def base(self) -> Floats:
        """(C,) part of the gain that does not depend on the agent."""
        return self.match_base + self.value_at_risk


@dataclass(frozen=True, eq=False)
class _Stakes:
    """Money and time at stake, per conversation (C,)."""

    benefit: Floats
    failure: Floats
    loss: Floats
    breach: Floats
    impatience: Floats


def build_gain(
    batch: Batch,
    policy: Policy,
    conversations: Conversations,
    agents: AgentState,
    eligibility: Eligibility,
    held: HeldByParty,
) -> Gain:
    """All terms for the conversations and agents of the batch."""
    units = conversations.units
    kind = units["class_idx"].to_numpy().astype(np.int64)
    stakes = _stakes(units, policy)
    later = _value_when_served_later(eligibility, kind, stakes, policy)
    delay_s = _delay_if_skipped(units, eligibility, agents, policy)
    risk = value_at_risk(conversations, stakes, later, delay_s)
    horizon_s = policy.hold_horizon_s
    horizon = np.full(len(units), horizon_s)
    risk_rate = value_at_risk(conversations, stakes, later, horizon) / horizon_s
    work, work_of = _work_types(units)
    rows = (
        (eligibility.p, kind, stakes.benefit + stakes.failure),
        (expected_overtime(work, agents, policy), work_of, np.full(len(units), -1.0)),
        (expected_handover(work, agents, policy), work_of, np.full(len(units), -1.0)),
        (agents.free_in_s[None, :], np.zeros(len(units), dtype=np.int64), -risk_rate),
        (
            idle_bonus(batch, agents, policy),
            np.zeros(len(units), dtype=np.int64),
            np.ones(len(units)),
        ),
    )
    offsets = np.cumsum([0, *(len(rate) for rate, _, _ in rows[:-1])])
    return Gain(
        match_base=-stakes.failure,
        value_at_risk=risk,
        term_row=np.stack(
            [row + offset for (_, row, _), offset in zip(rows, offsets, strict=True)], axis=1
        ).astype(np.int32),
        term_coef=np.stack([coef for _, _, coef in rows], axis=1),
        rate=np.concatenate([rate for rate, _, _ in rows], axis=0),
        sticky=stickiness(batch, policy, conversations, agents, held),
    )


def value_at_risk(
    conversations: Conversations, stakes: _Stakes, later: Floats, delay_s: Floats
) -> Floats:
    """u(T): expected loss if the conversation is skipped for `delay_s`, shape (C,).

    Loss by giving up, growth of the waiting cost, and a breach of the target caused by this skip
    (`methods.md` 2.1); the largest over the members of the conversation.
    """
    members = conversations.members
    of = members["conversation_idx"].to_numpy().astype(np.int64)
    if not len(of):
        return np.zeros(0)
    wait = members["wait_s"].to_numpy()
    target = members["target_s"].to_numpy()
    delay = delay_s[of]
    leave_rate = stakes.impatience[of] / members["mean_patience_s"].to_numpy()
    leaves = (later + stakes.loss)[of] * -np.expm1(-leave_rate * delay)
    waits = members["waiting_cost"].to_numpy() * (
        ((wait + delay) / target) ** 2 - (wait / target) ** 2
    )
    left = np.maximum(target - wait, 0.0)
    breach = np.where(wait < target, stakes.breach[of] * np.exp(-left / delay), 0.0)
    first = np.flatnonzero(np.diff(of, prepend=-1))
    worst: Floats = np.maximum.reduceat(leaves + waits + breach, first)
    return worst


def expected_overtime(work: pl.DataFrame, agents: AgentState, policy: Policy) -> Floats:
    """Cost of handling past the end of the shift, per work type and agent, shape (W, A).

    E[(H - b)+] of a lognormal handling time H with b seconds left (`methods.md` 6.3); 0 for work
    that can be handed over.
    """
    left, where = np.unique(np.maximum(agents.shift_left_s, 1e-6), return_inverse=True)
    cost = np.zeros((len(work), len(left)))
    for row, (channel, handle_s, real_time) in enumerate(work.iter_rows()):
        if real_time:
            sigma = policy.channels[Channel(channel)].handle_sigma
            middle = math.log(handle_s) - sigma**2 / 2
            upper = normal_cdf((middle + sigma**2 - np.log(left)) / sigma)
            lower = normal_cdf((middle - np.log(left)) / sigma)
            cost[row] = policy.overtime_cost_per_s * (handle_s * upper - left * lower)
    return cost[:, where]


def expected_handover(work: pl.DataFrame, agents: AgentState, policy: Policy) -> Floats:
    """Cost of an episode that outlives the agent's shift, per work type and agent, (W, A)."""
    episode_s = np.array(
        [policy.channels[Channel(channel)].mean_episode_s for channel in work["lane"]]
    )
    outlives = np.exp(-np.maximum(agents.shift_left_s, 0.0)[None, :] / episode_s[:, None])
    cost: Floats = policy.handover_cost * outlives * ~work["real_time"].to_numpy()[:, None]
    return cost


def idle_bonus(batch: Batch, agents: AgentState, policy: Policy) -> Floats:
    """Tie-break towards whoever has been without a new contact longest, shape (1, A)."""
    now = pl.lit(batch.now, pl.Datetime("us", "UTC"))
    idle_s = agents.agents.select(
        seconds(now - pl.col("idle_since")).clip(0.0, 600.0).fill_null(600.0)
    ).to_series()
    bonus: Floats = policy.idle_worth * idle_s.to_numpy() / 600.0
    return bonus[None, :]


def stickiness(
    batch: Batch,
    policy: Policy,
    conversations: Conversations,
    agents: AgentState,
    held: HeldByParty,
) -> pl.DataFrame:
    """Worth of an agent whom the customer knows; only the strongest reason counts (R.7).

    Returns (conversation_idx, agent_idx, worth), one row per pair, sorted.
    """
    now = pl.lit(batch.now, pl.Datetime("us", "UTC"))
    age_s = seconds(now - pl.col("last_agent_at")).clip(lower_bound=0.0)
    last = conversations.members.filter(pl.col("last_agent_at").is_not_null()).select(
        "conversation_idx",
        agent_id="last_agent_id",
        worth=policy.stick_worth * (-age_s / pl.col("stick_half_life_s") * math.log(2)).exp(),
    )
    owner = conversations.units.select(
        "conversation_idx", agent_id="owner_agent_id", worth=pl.lit(policy.owner_worth)
    )
    open_item = held.items.select("conversation_idx", "agent_id", worth=pl.lit(policy.stick_worth))
    return (
        pl.concat([last, owner, open_item])
        .join(agents.agents.select("agent_id", "agent_idx"), on="agent_id")
        .group_by("conversation_idx", "agent_idx")
        .agg(pl.col("worth").max())
        .sort("conversation_idx", "agent_idx")
    )


def normal_cdf(x: Floats) -> Floats:
    """Standard normal distribution function, to the last digit of `math.erf`."""
    return np.array([0.5 * (1.0 + math.erf(value / math.sqrt(2.0))) for value in x])


def _stakes(units: pl.DataFrame, policy: Policy) -> _Stakes:
    value = units["value"].to_numpy()
    anger = np.maximum(-units["sentiment"].to_numpy(), 0.0) * policy.sentiment_weight
    escalated = np.where(units["escalated"].to_numpy(), policy.escalation_factor, 1.0)
    penalties = {tier.value: penalty for tier, penalty in policy.breach_penalties.items()}
    breach = units["tier"].replace_strict(penalties, return_dtype=pl.Float64).to_numpy()
    loss = policy.loss_fixed + policy.loss_share * value
    return _Stakes(
        benefit=policy.benefit_fixed + policy.benefit_share * value,
        failure=policy.failure_fixed + policy.failure_share * value,
        loss=loss * np.minimum(1.0 + anger, 2.0) * escalated,
        breach=breach * escalated,
        impatience=np.minimum(np.exp(anger), 2.0),
    )


def _value_when_served_later(
    eligibility: Eligibility, kind: Ints, stakes: _Stakes, policy: Policy
) -> Floats:
    """M: expected value of serving the conversation later, by an average suitable agent, (C,)."""
    count = eligibility.suitable.sum(axis=1)
    total = np.where(eligibility.suitable, eligibility.p, 0.0).sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), policy.p_no_skill)[kind]
    return np.maximum(mean * (stakes.benefit + stakes.failure) - stakes.failure, 0.0)


def _delay_if_skipped(
    units: pl.DataFrame, eligibility: Eligibility, agents: AgentState, policy: Policy
) -> Floats:
    """T: expected delay until the next good chance if this tick skips the conversation, (C,)."""
    kind = units["class_idx"].to_numpy().astype(np.int64)
    rank = units["rank"].to_numpy().astype(np.float64)
    idle = ((eligibility.failed == 0) & agents.free_now[None, :]).sum(axis=1)[kind]
    suitable = np.maximum(eligibility.suitable.sum(axis=1), 1)[kind]
    queued = policy.tick_s + (rank - idle + 1) * units["handle_s"].to_numpy() / suitable
    delay: Floats = np.where(rank < idle, policy.tick_s, queued)
    return np.minimum(delay, policy.longest_delay_s)


def _work_types(units: pl.DataFrame) -> tuple[pl.DataFrame, Ints]:
    """Distinct (lane, handling time, real time), and the work type of each conversation."""
    columns = ("lane", "handle_s", "real_time")
    work = units.select(columns).unique().sort(columns)
    of = units.select(columns).join(
        work.with_row_index("work_idx"), on=columns, how="left", maintain_order="left"
    )
    return work, of["work_idx"].to_numpy().astype(np.int64)
