"""Batch to arrays and back: ids become positions here, and positions become ids again.

`build_problem` states the rules and the gain of a batch as an `AssignmentProblem`; `to_plan` turns
a solution of it into a plan that names every contact. Nothing else maps one to the other.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from models.attendance import build_attendance
from models.batch import Batch
from models.capacity import AgentState, build_agent_state
from models.circumstances import Facts
from models.conversations import Conversations, build_conversations
from models.declines import Declines, build_declines
from models.eligibility import Eligibility, build_eligibility
from models.explanations import build_explanations
from models.gain import Gain, build_gain
from models.hours import OpenHours, build_hours
from models.members import build_members
from models.mixes import build_room
from models.needs import build_asked
from models.outlook import build_outlook
from models.overflow import Overflow, build_overflow
from models.parties import HeldByParty, build_held_by_party, locked_to
from models.parts import with_parts
from models.plan import Carried, Plan
from models.plan_tables import assignment_frame, price_frame, prices_of_frame, to_money
from models.policy import Policy
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Ints, Positions, to_milli
from models.requeue import build_requeue
from models.reservations import Reservations, reserved_for
from models.skills import build_skill_levels
from models.solution import NO_RENT, Hint, Solution
from models.splits import build_splits
from models.tables import EXPLANATION, INSTANT, UNASSIGNED, Decision, Table
from models.wishes import Wishes, build_wishes


@dataclass(frozen=True, eq=False)
class BatchProblem:
    """A batch stated as a problem, with what it takes to come back."""

    batch: Batch
    policy: Policy
    hours: OpenHours
    agents: AgentState
    overflow: Overflow
    conversations: Conversations
    eligibility: Eligibility
    held: HeldByParty
    declines: Declines
    locked: Positions
    """(C,) the agent that a conversation is locked to, or NOBODY."""
    reserved: Reservations
    gain: Gain
    wishes: Wishes | None
    """None where no agent has a wish that concerns the batch."""
    problem: AssignmentProblem
    sites: tuple[str, ...]
    """Capped sites in position order."""

    def hint(self, previous: Carried | None) -> Hint | None:
        """Prices and rents of the previous tick in this problem's positions.

        Agents without a price get 0, conversations that were not there NO_RENT.
        """
        if previous is None:
            return None
        prices = prices_of_frame(
            previous.prices,
            previous.site_prices,
            self.problem,
            self.conversations,
            self.agents,
            self.sites,
        )
        return Hint(prices, self._rents(previous))

    def _rents(self, previous: Carried) -> Ints:
        """Rent of each conversation in the previous tick, by its lead, or NO_RENT."""
        leads = self.conversations.members.filter(pl.col("position") == 0)
        known = leads.select("contact_id", "conversation_idx").join(
            previous.rents, on="contact_id"
        )
        rents = np.full(self.problem.num_contacts, NO_RENT, dtype=np.int64)
        rents[known["conversation_idx"].to_numpy()] = to_milli(known["rent"].to_numpy())
        return rents

    def to_plan(self, solution: Solution) -> Plan:
        """The plan that a solution of this problem stands for, with a reason for every contact."""
        now, conversations = self.batch.now, self.conversations
        rows = build_explanations(self._facts(solution))
        decided = _decided(conversations.members, rows)
        waiting = decided.filter(pl.col("decision") != Decision.ASSIGNED.value)
        return Plan(
            tick_at=now,
            assignments=assignment_frame(
                decided, self.batch, conversations, self.agents, self.held
            ),
            unassigned=_by_contract(waiting, UNASSIGNED, now),
            explanations=_by_contract(decided, EXPLANATION, now),
            prices=price_frame(solution.prices, self.problem, conversations, self.agents, now),
            site_prices=pl.DataFrame(
                {"site": self.sites, "price": to_money(solution.prices.site)},
                schema={"site": pl.String, "price": pl.Float64},
            ),
            gain_milli=solution.gain,
            bound_milli=solution.bound,
            greedy_milli=solution.baseline,
            termination=solution.termination,
            limit=solution.limit,
            backend=solution.backend,
            policy_digest=self.policy.digest(),
            proof=solution.proof,
            tier_weight_milli=solution.tier_weight,
            tier_levels=solution.tier_levels,
            preference_cost_milli=solution.preference_cost,
            requeue=build_requeue(self.batch, self.policy, self.agents),
            outlook=build_outlook(
                now,
                conversations,
                self.overflow,
                self.eligibility,
                self.agents,
                solution.agent,
            ),
        )

    def _facts(self, solution: Solution) -> Facts:
        return Facts(
            now=self.batch.now,
            policy=self.policy,
            conversations=self.conversations,
            agents=self.agents,
            eligibility=self.eligibility,
            gain=self.gain,
            problem=self.problem,
            solution=solution,
            locked=self.locked,
            reserved=self.reserved,
        )


def build_problem(batch: Batch, policy: Policy) -> BatchProblem:
    """The batch as arrays: eligibility as classes, gain in money, residual capacity."""
    hours = build_hours(batch, policy)
    agents = build_agent_state(batch, policy)
    overflow = build_overflow(batch, policy, agents, hours)
    contacts = build_members(batch, policy, hours, overflow)
    asked = build_asked(batch, policy, contacts, build_attendance(batch, agents), hours)
    split = build_splits(batch, policy, contacts, asked, agents, overflow)
    parted = with_parts(contacts, policy, split)
    conversations = build_conversations(batch, policy, parted, asked, overflow)
    levels = build_skill_levels(batch, conversations, agents, policy)
    eligibility = build_eligibility(batch, conversations, agents, levels, overflow, policy)
    held = build_held_by_party(batch, conversations, agents, policy)
    declines = build_declines(batch, policy, conversations, agents, eligibility)
    locked = locked_to(held, conversations, agents, eligibility, declines, policy)
    reserved = reserved_for(conversations, agents, eligibility, declines, locked, policy)
    gain = build_gain(batch, policy, conversations, agents, levels, eligibility, held, declines)
    sites = _sites(agents, policy)
    only = np.where(locked != NOBODY, locked, reserved.agent)
    return BatchProblem(
        batch=batch,
        policy=policy,
        hours=hours,
        agents=agents,
        overflow=overflow,
        conversations=conversations,
        eligibility=eligibility,
        held=held,
        declines=declines,
        locked=locked,
        reserved=reserved,
        gain=gain,
        wishes=build_wishes(batch, conversations, agents, policy),
        problem=_arrays(policy, conversations, agents, eligibility, declines, only, gain, sites),
        sites=sites,
    )


def _arrays(
    policy: Policy,
    conversations: Conversations,
    agents: AgentState,
    eligibility: Eligibility,
    declines: Declines,
    only: Positions,
    gain: Gain,
    sites: tuple[str, ...],
) -> AssignmentProblem:
    """What the engine is given: positions instead of ids; `only` is whom a lock or wait is for."""
    room = build_room(agents, conversations, policy)
    apart = declines.apart
    class_ptr, class_agent = _agents_of_classes(conversations, eligibility)
    position = {site: place for place, site in enumerate(sites)}
    return AssignmentProblem(
        contact_class=conversations.units["class_idx"].to_numpy().astype(np.int32),
        class_ptr=class_ptr,
        class_agent=class_agent,
        only_agent=only,
        banned_contact=apart["conversation_idx"].to_numpy().astype(np.int32),
        banned_agent=apart["agent_idx"].to_numpy().astype(np.int32),
        base=gain.base,
        term_row=gain.term_row,
        term_coef=gain.term_coef,
        rate=gain.rate,
        extra_contact=gain.extra["conversation_idx"].to_numpy().astype(np.int32),
        extra_agent=gain.extra["agent_idx"].to_numpy().astype(np.int32),
        extra_gain=gain.extra["worth"].to_numpy(),
        contact_lane=conversations.units["lane_idx"].to_numpy().astype(np.int32),
        lane_cap=room.lane_cap,
        agent_cap=room.agent_cap,
        load_cost=_load_cost(room.agent_cap, policy),
        agent_site=agents.agents["site"]
        .replace_strict(position, default=NOBODY, return_dtype=pl.Int32)
        .to_numpy(),
        site_cap=np.array([policy.site_caps[site] for site in sites], dtype=np.int64),
        mixes=room.mixes,
        tier=_tiers(conversations),
    )


def _agents_of_classes(
    conversations: Conversations, eligibility: Eligibility
) -> tuple[Ints, Positions]:
    """Eligible agents of each class; nobody for followers, who wait while the customer talks."""
    classes = conversations.classes.sort("class_idx")
    eligible = eligibility.eligible & ~classes["follower"].to_numpy()[:, None]
    kind, agent = np.divmod(np.flatnonzero(eligible), max(eligible.shape[1], 1))
    per_class = np.bincount(kind, minlength=len(eligible))
    pointer = np.concatenate([[0], np.cumsum(per_class)]).astype(np.int64)
    return pointer, agent.astype(np.int32)


def _tiers(conversations: Conversations) -> Positions | None:
    """Tier of each conversation, None where nobody has one: tiers cost the engine solves."""
    tier = conversations.units["tier_idx"].to_numpy().astype(np.int32)
    return tier if (tier != NO_TIER).any() else None


def _load_cost(slots: Ints, policy: Policy) -> Ints:
    steps = to_milli(np.arange(float(slots.max(initial=0))) * policy.load_step_cost)
    return np.tile(steps, (len(slots), 1))


def _sites(agents: AgentState, policy: Policy) -> tuple[str, ...]:
    """Capped sites that have agents, sorted."""
    present = set(agents.agents["site"].unique())
    return tuple(sorted(site for site in policy.site_caps if site in present))


def _decided(members: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Members with the published columns of their conversation, sorted by contact."""
    published = {*EXPLANATION.schema(), *UNASSIGNED.schema()} - {"contact_id", "conversation_id"}
    decided = [name for name in rows.columns if name in published]
    # The tier of a customer and that of the model have one name.
    own = [name for name in members.columns if name not in decided]
    of = members["conversation_idx"].to_numpy()
    return members[own].hstack(rows[decided][of]).sort("contact_id")


def _by_contract(rows: pl.DataFrame, table: Table, now: datetime) -> pl.DataFrame:
    schema = table.schema()
    at = pl.Series("tick_at", [now], dtype=INSTANT).new_from_index(0, len(rows))
    return rows.hstack([at])[schema.names()].cast(schema)
