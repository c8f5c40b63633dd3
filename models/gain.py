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
from models.skills import SkillLevels
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


@dataclass(frozen=True, eq=False)
class Gain:
    """The gain in the form of `AssignmentProblem`: C conversations, A agents, R rated terms."""

    match_base: Floats
    """(C,) match value at proficiency 0 in every required skill."""
    value_at_risk: Floats
    """(C,)"""
    rated: tuple[Term, ...]
    """(R,) the term that each column of `term_row` and `term_coef` belongs to."""
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
class _Rated:
    """One column of the rated part: a row of its term's rates and a coefficient, (C,) each."""

    term: Term
    row: Ints
    coef: Floats


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
    levels: SkillLevels,
    eligibility: Eligibility,
    held: HeldByParty,
) -> Gain:
    """All terms for the conversations and agents of the batch."""
    units = conversations.units
    kind = units["class_idx"].to_numpy().astype(np.int64)
    stakes = _stakes(units, policy)
    spread = stakes.benefit + stakes.failure
    mean_p = levels.mean_probability(eligibility.suitable)[kind]
    later = np.maximum(mean_p * spread - stakes.failure, 0.0)
    delay_s = _delay_if_skipped(units, eligibility, agents, policy)
    horizon = np.full(len(units), policy.hold_horizon_s)
    risk_rate = (
        value_at_risk(conversations, stakes, later, horizon, policy) / policy.hold_horizon_s
    )
    work, work_of = _work_types(units)
    base_p, skill_of, share = levels.match_terms()
    everyone = np.zeros(len(units), dtype=np.int64)
    rated = (
        *(
            _Rated(Term.MATCH, skill_of[kind, place], spread * share[kind, place])
            for place in range(share.shape[1])
        ),
        _Rated(Term.SHIFT_END, work_of, np.full(len(units), -1.0)),
        _Rated(Term.HANDOVER, work_of, np.full(len(units), -1.0)),
        _Rated(Term.HOLD, everyone, -risk_rate),
        _Rated(Term.BALANCE, everyone, np.ones(len(units))),
    )
    rates = {
        Term.MATCH: np.maximum(levels.proficiency, 0).astype(np.float64),
        Term.SHIFT_END: expected_overtime(work, agents, policy),
        Term.HANDOVER: expected_handover(work, agents, policy),
        Term.HOLD: agents.free_in_s[None, :],
        Term.BALANCE: idle_bonus(batch, agents, policy),
    }
    first_row = dict(zip(rates, np.cumsum([0, *map(len, rates.values())]), strict=False))
    return Gain(
        match_base=base_p[kind] * spread - stakes.failure,
        value_at_risk=value_at_risk(conversations, stakes, later, delay_s, policy),
        rated=tuple(column.term for column in rated),
        term_row=np.stack(
            [column.row + first_row[column.term] for column in rated], axis=1
        ).astype(np.int32),
        term_coef=np.stack([column.coef for column in rated], axis=1),
        rate=np.concatenate(list(rates.values()), axis=0),
        sticky=stickiness(batch, policy, conversations, agents, held),
    )


def value_at_risk(
    conversations: Conversations, stakes: _Stakes, later: Floats, delay_s: Floats, policy: Policy
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
    growth = ((wait + delay) / target) ** 2 - (wait / target) ** 2
    waits = np.minimum(members["waiting_cost"].to_numpy() * growth, policy.most_waiting_cost)
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


def _delay_if_skipped(
    units: pl.DataFrame, eligibility: Eligibility, agents: AgentState, policy: Policy
) -> Floats:
    """T: expected delay until the next good chance if this tick skips the conversation, (C,)."""
    kind = units["class_idx"].to_numpy().astype(np.int64)
    rank = units["rank"].to_numpy().astype(np.float64)
    idle = np.count_nonzero(eligibility.eligible & agents.free_now[None, :], axis=1)[kind]
    suitable = np.maximum(np.count_nonzero(eligibility.suitable, axis=1), 1)[kind]
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
