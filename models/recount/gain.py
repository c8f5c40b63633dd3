"""Section 5 of `docs/model.md`, written a second time: what a pair is worth, term by term."""

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.needs import levels_above
from models.recount.numbers import Bools, Floats, Ints
from models.recount.pairs import Eligibility
from models.recount.price import price_of_time, worth_of_heads
from models.recount.priority import expected_delay, priority_worth, value_at_risk
from models.recount.shift_end import end_of_shift
from models.recount.sides import Sides
from models.recount.stickiness import Between, build_between

MILLI = 1_000
NEARLY = 1e-6
"""Thousandths of the currency: two ways to sum the same terms may differ by much less."""

NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms of the gain of some pairs in money, costs negative: their sum is the gain."""

    match: Floats
    value_at_risk: Floats
    priority: Floats
    stickiness: Floats
    shift_end: Floats
    handover: Floats
    region: Floats
    hold: Floats
    interruption: Floats
    fairness: Floats
    declines: Floats
    overqualified: Floats
    borrowing: Floats
    agent_time: Floats
    head_worth: Floats
    balance: Floats

    @property
    def gain(self) -> Floats:
        """Sum of the terms, not rounded."""
        total: Floats = sum(getattr(self, field.name) for field in fields(self))
        return total


@dataclass(frozen=True, eq=False)
class Worth:
    """What the terms are made of, and the part of the gain that a class has with an agent."""

    resolved: Floats
    """(C,) B"""
    failed: Floats
    """(C,) F"""
    charged: Floats
    """(C,) what a failure costs whoever takes it: F, or the worth of the best chance"""
    at_risk: Floats
    """(C,)"""
    priority: Floats
    """(C,)"""
    head: Floats
    """(C,)"""
    hold_rate: Floats
    """(C,) per second that the agent is not free yet"""
    kept_at: Ints
    """(C,) site of the preferred agent where region counts, or NOWHERE"""
    between: Between
    costs: "ClassCosts"
    region_cost: float
    probability: Floats
    """(entries,) of the eligible classes and agents, as `fixed`"""
    fixed: Floats
    """(entries,) sum of the terms that are the same for the whole class"""

    def gain(self, conversation: Ints, agent: Ints, entry: Ints) -> Floats:
        """Gain of ready pairs, not rounded; conversation and then agent ascend."""
        gain = self._match(conversation, entry)
        gain += (self.at_risk + self.priority + self.head)[conversation] + self.fixed[entry]
        gain -= self.hold_rate[conversation] * self.costs.free_in_s[agent]
        gain += self._region(conversation, agent)
        place, here = self.between.of(conversation * len(self.costs.site) + agent)
        gain[place] += self.between.stickiness[here] - self.between.declines[here]
        return gain

    def terms(self, conversation: Ints, agent: Ints, entry: Ints) -> Terms:
        """The terms of ready pairs; conversation and then agent ascend."""
        costs = self.costs
        stickiness, declines = np.zeros(len(agent)), np.zeros(len(agent))
        place, here = self.between.of(conversation * len(costs.site) + agent)
        stickiness[place] = self.between.stickiness[here]
        declines[place] = -self.between.declines[here]
        return Terms(
            match=self._match(conversation, entry),
            value_at_risk=self.at_risk[conversation],
            priority=self.priority[conversation],
            stickiness=stickiness,
            shift_end=-costs.overtime[costs.moment[conversation], agent],
            handover=-costs.handover[costs.moment[conversation], agent],
            region=self._region(conversation, agent),
            hold=-self.hold_rate[conversation] * costs.free_in_s[agent],
            interruption=-costs.interruption[agent, costs.channel[conversation]],
            fairness=-costs.fairness[agent],
            declines=declines,
            overqualified=-costs.overqualified[costs.need_set[conversation], agent],
            borrowing=-costs.borrowing[costs.queue[conversation], agent],
            agent_time=-costs.time[costs.moment[conversation], agent],
            head_worth=self.head[conversation],
            balance=costs.balance[agent],
        )

    def _match(self, conversation: Ints, entry: Ints) -> Floats:
        at_stake = self.resolved[conversation] + self.failed[conversation]
        match: Floats = self.probability[entry] * at_stake - self.charged[conversation]
        return match

    def _region(self, conversation: Ints, agent: Ints) -> Floats:
        kept = self.kept_at[conversation]
        moved: Bools = (kept != NOWHERE) & (kept != self.costs.site[agent])
        return np.where(moved, -self.region_cost, 0.0)


@dataclass(frozen=True, eq=False)
class ClassCosts:
    """Costs that are the same for all conversations of a class, and what they look up."""

    moment: Ints
    """(C,) lane and handling time"""
    channel: Ints
    need_set: Ints
    queue: Ints
    overtime: Floats
    """(moments, A)"""
    handover: Floats
    time: Floats
    """(moments, A)"""
    interruption: Floats
    """(A, 8)"""
    overqualified: Floats
    """(sets, A)"""
    borrowing: Floats
    """(Q, A)"""
    fairness: Floats
    """(A,)"""
    balance: Floats
    """(A,) worth"""
    free_in_s: Floats
    """(A,)"""
    site: Ints
    """(A,)"""

    def total(self, conversation: Ints, agent: Ints) -> Floats:
        """Worth of the balance less all costs."""
        moment = self.moment[conversation]
        total: Floats = (self.balance - self.fairness)[agent]
        total -= (self.overtime + self.handover + self.time)[moment, agent]
        total -= self.interruption[agent, self.channel[conversation]]
        total -= self.overqualified[self.need_set[conversation], agent]
        total -= self.borrowing[self.queue[conversation], agent]
        return total


def rounded_down_if_in_doubt(money: Floats) -> Ints:
    """Thousandths; where the last bit of a sum decides, the smaller."""
    return np.rint(money * MILLI - NEARLY).astype(np.int64)


def build_worth(sides: Sides, eligibility: Eligibility) -> Worth:
    """All that is needed for the terms of any ready pair."""
    c, policy = sides.conversations, sides.policy
    value, kind_of = c.customers.value, eligibility.class_of
    resolved = policy.benefit_fixed + policy.benefit_share * value
    failed = policy.failure_fixed + policy.failure_share * value
    chance = eligibility.mean_probability[kind_of]
    missed = np.maximum(0, chance * (resolved + failed) - failed)
    horizon = np.full(len(c), policy.hold_horizon_s)
    costs = _class_costs(sides, eligibility)
    kind, agent = eligibility.ready_class, eligibility.ready_agent
    preferred = np.where(c.preferred_by_window, c.preferred, NOWHERE)
    return Worth(
        resolved=resolved,
        failed=failed,
        charged=np.minimum(
            failed,
            eligibility.best_probability[kind_of] * (resolved + failed) - policy.service_worth,
        ),
        at_risk=value_at_risk(sides, missed, expected_delay(sides, eligibility)),
        priority=priority_worth(sides),
        head=worth_of_heads(sides),
        hold_rate=value_at_risk(sides, missed, horizon) / policy.hold_horizon_s,
        kept_at=np.append(costs.site, NOWHERE)[preferred],
        between=build_between(sides, eligibility),
        costs=costs,
        region_cost=policy.region_cost,
        probability=sides.probability[sides.set_of[kind], agent],
        fixed=costs.total(sides.example[kind], agent),
    )


def _class_costs(sides: Sides, eligibility: Eligibility) -> ClassCosts:
    c, policy, batch = sides.conversations, sides.policy, sides.batch
    kind, agents = eligibility.class_of, sides.agents
    overtime, handover = end_of_shift(sides)
    borrowed = sides.overflow.has_members[:, None] & ~sides.overflow.member
    return ClassCosts(
        moment=sides.handling.row[kind],
        channel=c.channel,
        need_set=sides.set_of[kind],
        queue=c.queue,
        overtime=overtime,
        handover=handover,
        time=price_of_time(sides),
        interruption=policy.interrupt_cost * agents.interrupts.astype(np.float64),
        overqualified=policy.overqualified_cost * levels_above(sides.needs),
        borrowing=np.where(borrowed, policy.borrow_cost, 0.0),
        fairness=_fairness(batch, policy),
        balance=_balance(batch, policy, agents.idle_s) - policy.busy_cost * agents.num_busy,
        free_in_s=agents.free_in_s,
        site=agents.ids["site"].rank("dense").to_numpy().astype(np.int64),
    )


def _fairness(batch: Batch, policy: Policy) -> Floats:
    """(A,) cost of more work than the agent's share of today's."""
    handled, productive, known = _today(batch)
    all_handled, all_productive = handled[known].sum(), productive[known].sum()
    if not all_handled > 0:
        return np.zeros(len(known))
    share = np.divide(productive, all_productive, out=np.ones(len(known)), where=known)
    excess = handled / all_handled / share - 1 - policy.fairness_band
    return np.where(known, policy.fairness_cost * np.clip(excess, 0, 1), 0)


def _balance(batch: Batch, policy: Policy, idle_s: Floats) -> Floats:
    """(A,) worth of giving work to who is idle and has done little today, whatever is held."""
    handled, productive, known = _today(batch)
    used = np.divide(handled, productive, out=np.zeros(len(known)), where=known)
    full = policy.idle_full_s
    idle = policy.idle_worth * (np.minimum(full, idle_s) / full)
    return idle + policy.utilisation_worth * (1 - np.minimum(1, used))


def _today(batch: Batch) -> tuple[Floats, Floats, Bools]:
    """(A,) time handled, productive time, and where both are known and there was some."""
    handled, productive = (
        batch.agents[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for column in ("handled_s", "productive_s")
    )
    known: Bools = ~np.isnan(handled) & (productive > 0)
    return handled, productive, known
