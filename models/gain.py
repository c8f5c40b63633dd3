"""What a pair is worth, term by term, in money: `docs/model.md` section 5.

Every term is one function and one line in `build_gain`. What does not depend on the agent is the
base of the conversation; what depends on few facts of it is a coefficient times a row over agents,
so that no pair need be stored; only what belongs to single pairs is a row of `extra`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from models.agent_time import head_worth, time_cost
from models.batch import Batch
from models.capacity import AgentState
from models.conversations import Conversations
from models.declines import Declines
from models.eligibility import Eligibility
from models.fairness import balance, excess_cost
from models.overqualified import levels_above
from models.parties import HeldByParty
from models.policy import Policy
from models.problem import Floats, Ints, Positions
from models.shift_end import expected_handover, expected_overtime, work_types
from models.skills import SkillLevels
from models.stickiness import stickiness, terms_of_pairs
from models.urgency import Stakes, build_stakes, delay_if_skipped, priority, value_at_risk


class Term(StrEnum):
    """Terms of the gain, as they are explained; costs are negative."""

    MATCH = "match"
    VALUE_AT_RISK = "value_at_risk"
    PRIORITY = "priority"
    STICKINESS = "stickiness"
    SHIFT_END = "shift_end"
    HANDOVER = "handover"
    REGION = "region"
    HOLD = "hold"
    INTERRUPTION = "interruption"
    FAIRNESS = "fairness"
    DECLINES = "declines"
    OVERQUALIFIED = "overqualified"
    BORROWING = "borrowing"
    AGENT_TIME = "agent_time"
    HEAD_WORTH = "head_worth"
    BALANCE = "balance"


@dataclass(frozen=True, eq=False)
class Gain:
    """The gain in the form of `AssignmentProblem`: C conversations, A agents, R rated columns."""

    match_base: Floats
    """(C,) match value at proficiency 0 in every named skill."""
    value_at_risk: Floats
    """(C,)"""
    priority: Floats
    """(C,)"""
    head_worth: Floats
    """(C,)"""
    rated: tuple[Term, ...]
    """(R,) the term that each column of `term_row` and `term_coef` belongs to."""
    term_row: Positions
    term_coef: Floats
    rate: Floats
    extra: pl.DataFrame
    """(conversation_idx, agent_idx, stickiness, declines, worth): one row per pair, sorted; the
    worth is the sum of the two."""

    @property
    def base(self) -> Floats:
        """(C,) part of the gain that does not depend on the agent."""
        return self.match_base + self.value_at_risk + self.priority + self.head_worth

    @property
    def has_prices(self) -> bool:
        """Whether time costs anything anywhere, or a head is worth anything."""
        return Term.AGENT_TIME in self.rated or bool(self.head_worth.any())


@dataclass(frozen=True, eq=False)
class Rated:
    """A term as rates over agents (T, A) and, per conversation, rows of them and coefficients."""

    rate: Floats
    row: Ints
    """(C, R)"""
    coef: Floats
    """(C, R)"""


@dataclass(frozen=True, eq=False)
class _Facts:
    """What the rated terms are made of."""

    batch: Batch
    policy: Policy
    conversations: Conversations
    agents: AgentState
    levels: SkillLevels
    eligibility: Eligibility
    stakes: Stakes
    risk_rate: Floats
    """(C,) value at risk of a second, up to the horizon of holds."""

    @property
    def units(self) -> pl.DataFrame:
        """One row per conversation."""
        return self.conversations.units


def build_gain(
    batch: Batch,
    policy: Policy,
    conversations: Conversations,
    agents: AgentState,
    levels: SkillLevels,
    eligibility: Eligibility,
    held: HeldByParty,
    declines: Declines,
) -> Gain:
    """All terms for the conversations and agents of the batch."""
    units = conversations.units
    kind = units["class_idx"].to_numpy().astype(np.int64)
    stakes = build_stakes(units, policy)
    mean_p = levels.mean_probability(eligibility.suitable)[kind]
    # A failure that nobody there can expect to avoid is not charged to whom it is given.
    best_p = levels.best_probability(eligibility.suitable)[kind]
    later = np.maximum(mean_p * stakes.spread - stakes.failure, 0.0)
    delay_s = delay_if_skipped(units, eligibility, policy)
    horizon = np.full(len(units), policy.hold_horizon_s)
    soon = value_at_risk(conversations, stakes, later, horizon, policy)
    facts = _Facts(
        batch,
        policy,
        conversations,
        agents,
        levels,
        eligibility,
        stakes,
        soon / policy.hold_horizon_s,
    )
    terms, rated = _side_by_side([(term, of(facts)) for term, of in RATED_TERMS])
    sticky = stickiness(batch, policy, conversations, agents, held)
    return Gain(
        match_base=levels.match_terms()[0][kind] * stakes.spread
        - np.minimum(stakes.failure, best_p * stakes.spread - policy.service_worth),
        value_at_risk=value_at_risk(conversations, stakes, later, delay_s, policy),
        priority=priority(units, policy),
        head_worth=head_worth(batch, units, policy),
        rated=terms,
        term_row=rated.row.astype(np.int32),
        term_coef=rated.coef,
        rate=rated.rate,
        extra=terms_of_pairs(sticky, declines, policy),
    )


def _side_by_side(parts: list[tuple[Term, Rated]]) -> tuple[tuple[Term, ...], Rated]:
    """The term of each column, and all columns of the parts in one.

    A term that is nothing anywhere is left out: it would cost a pass over all pairs.
    """
    told = [(term, part) for term, part in parts if part.rate.any() and part.coef.any()]
    told = told or parts[:1]
    first = np.cumsum([0, *(len(part.rate) for _, part in told)])
    rows = [part.row + first[place] for place, (_, part) in enumerate(told)]
    return tuple(term for term, part in told for _ in range(part.row.shape[1])), Rated(
        rate=np.concatenate([part.rate for _, part in told], axis=0),
        row=np.concatenate(rows, axis=1),
        coef=np.concatenate([part.coef for _, part in told], axis=1),
    )


def by_match(facts: _Facts) -> Rated:
    """What the agent's levels add to the probability of resolving."""
    kind = facts.units["class_idx"].to_numpy().astype(np.int64)
    _, row, share = facts.levels.match_terms()
    coef = facts.stakes.spread[:, None] * share[kind]
    return Rated(facts.levels.match_rates(), row[kind], coef)


def by_shift_end(facts: _Facts) -> Rated:
    """Expected overtime of live work."""
    work, of = work_types(facts.units)
    return _alone(expected_overtime(work, facts.agents, facts.policy), of, -np.ones(len(of)))


def by_handover(facts: _Facts) -> Rated:
    """Expected handover of written work."""
    work, of = work_types(facts.units)
    return _alone(expected_handover(work, facts.agents, facts.policy), of, -np.ones(len(of)))


def by_region(facts: _Facts) -> Rated:
    """Taking the conversation away from the site that had it; one row per site."""
    if not facts.units["preferred_by_window"].any():
        return _nothing(facts)
    site_of = facts.agents.agents.select("agent_id", "site")
    sites = site_of.select("site").unique().sort("site").with_row_index("site_idx")
    preferred = facts.units.join(
        site_of.join(sites, on="site"),
        left_on="preferred_agent_id",
        right_on="agent_id",
        how="left",
        maintain_order="left",
    )
    had = preferred["preferred_by_window"] & preferred["site_idx"].is_not_null()
    elsewhere = sites["site"].to_numpy()[:, None] != site_of["site"].to_numpy()[None, :]
    row = preferred["site_idx"].fill_null(0).to_numpy().astype(np.int64)
    cost = np.where(had.fill_null(value=False).to_numpy(), -facts.policy.region_cost, 0.0)
    return _alone(elsewhere.astype(np.float64), row, cost)


def by_hold(facts: _Facts) -> Rated:
    """The risk of the wait for an agent who is free soon."""
    return _alone(facts.agents.free_in_s[None, :], None, -facts.risk_rate)


def by_interruption(facts: _Facts) -> Rated:
    """What the agent holds that yields to the channel; one row per channel."""
    channel = facts.units["channel_idx"].to_numpy().astype(np.int64)
    cost = np.full(len(channel), -facts.policy.interrupt_cost)
    return _alone(facts.agents.interrupts.T.astype(np.float64), channel, cost)


def by_fairness(facts: _Facts) -> Rated:
    """Beyond the agent's fair share of today's work."""
    cost = excess_cost(facts.agents, facts.policy)
    return _alone(cost, None, np.full(len(facts.units), -1.0))


def by_overqualification(facts: _Facts) -> Rated:
    """Levels above those that are insisted on; one row per set of required skills."""
    cost = facts.policy.overqualified_cost
    found = levels_above(facts.levels) if cost else None
    if found is None:
        return _nothing(facts)
    kind = facts.units["class_idx"].to_numpy().astype(np.int64)
    return _alone(found.above, found.of_class[kind], -cost * found.asks[kind])


def by_borrowing(facts: _Facts) -> Rated:
    """An agent who is no member of the queue but of one that helps; one row per access row."""
    if facts.conversations.helping.is_empty():
        return _nothing(facts)
    kind = facts.units["class_idx"].to_numpy().astype(np.int64)
    cost = np.full(len(kind), -facts.policy.borrow_cost)
    borrowed = (~facts.eligibility.own_member).astype(np.float64)
    return _alone(borrowed, facts.eligibility.access_of[kind], cost)


def by_agent_time(facts: _Facts) -> Rated:
    """What others would lose; one row per kind of price."""
    cost = time_cost(facts.batch, facts.units, facts.agents, facts.policy)
    if cost is None:
        return _nothing(facts)
    return Rated(
        cost.price, np.tile(np.arange(len(cost.price)), (len(facts.units), 1)), -cost.amount
    )


def by_balance(facts: _Facts) -> Rated:
    """Tie-break by idleness and by what the agent did today."""
    worth = balance(facts.batch, facts.agents, facts.policy)
    return _alone(worth, None, np.ones(len(facts.units)))


RATED_TERMS: tuple[tuple[Term, Callable[[_Facts], Rated]], ...] = (
    (Term.BALANCE, by_balance),
    (Term.MATCH, by_match),
    (Term.SHIFT_END, by_shift_end),
    (Term.HANDOVER, by_handover),
    (Term.REGION, by_region),
    (Term.HOLD, by_hold),
    (Term.INTERRUPTION, by_interruption),
    (Term.FAIRNESS, by_fairness),
    (Term.OVERQUALIFIED, by_overqualification),
    (Term.BORROWING, by_borrowing),
    (Term.AGENT_TIME, by_agent_time),
)
"""Terms that are a coefficient times a row over agents."""


def _alone(rate: Floats, row: Ints | None, coef: Floats) -> Rated:
    """One column; without rows, everybody has the first one."""
    row = np.zeros(len(coef), dtype=np.int64) if row is None else row
    return Rated(rate, row[:, None], coef[:, None])


def _nothing(facts: _Facts) -> Rated:
    none = np.zeros(len(facts.units))
    return _alone(np.zeros((1, len(facts.agents.agents))), None, none)
