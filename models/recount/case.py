"""What the checks look at: a plan, and what the tables say about it, recomputed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from models.batch import Batch
from models.plan import Finding, Plan, Reason
from models.policy import Policy
from models.recount.agents import Agents, build_agents
from models.recount.centre import Centre
from models.recount.conversations import Conversations, build_conversations
from models.recount.gain import Terms, Worth, build_worth
from models.recount.hours import Hours, build_hours
from models.recount.members import build_contacts
from models.recount.numbers import Bools, Ints, ints
from models.recount.overflow import Overflow, build_overflow
from models.recount.pairs import Eligibility, build_eligibility
from models.recount.parts import members_of
from models.recount.room import Room, build_room
from models.recount.rules import RULES
from models.recount.sides import Sides
from models.recount.survey import Quoted, Survey, build_survey, in_milli, read_prices
from models.tables import Decision

FIRST_FEW = 3

MOST_TIERS = 4
"""Long starved, starved, and two strict classes."""


@dataclass(frozen=True, eq=False)
class Choice:
    """The N conversations that got an agent, by conversation; each at its lead's row."""

    contact_id: pl.Series
    conversation: Ints
    agent: Ints
    held: Bools

    def __len__(self) -> int:
        """N."""
        return len(self.conversation)


@dataclass(frozen=True, eq=False)
class Recount:
    """What the tables alone say, recomputed on first use; plans of the batch are held to it."""

    batch: Batch
    policy: Policy

    def prepare(self) -> None:
        """Compute every part now; the worth asks for the conversations, agents and eligibility."""
        _ = self.worth, self.room

    @cached_property
    def hours(self) -> Hours:
        """Section 0."""
        return build_hours(self.batch)

    @cached_property
    def agents(self) -> Agents:
        """Section 2."""
        return build_agents(self.batch, self.policy)

    @cached_property
    def overflow(self) -> Overflow:
        """Section 3: how the queues stand, and which help which."""
        return build_overflow(self.batch, self.policy, self.agents, self.hours)

    @cached_property
    def conversations(self) -> Conversations:
        """Section 1, with what leaves its party by section 3b."""
        contacts, clocks = build_contacts(self.batch, self.policy, self.hours)
        centre = Centre(self.batch, self.policy, clocks, self.agents, self.overflow)
        return build_conversations(centre, members_of(centre, contacts))

    @cached_property
    def sides(self) -> Sides:
        """Both sides of every pair."""
        return Sides(self.batch, self.policy, self.conversations, self.agents, self.overflow)

    @cached_property
    def eligibility(self) -> Eligibility:
        """Section 3."""
        return build_eligibility(self.sides)

    @cached_property
    def room(self) -> Room:
        """Section 4."""
        return build_room(self.policy, self.agents, self.conversations)

    @cached_property
    def worth(self) -> Worth:
        """Section 5."""
        return build_worth(self.sides, self.eligibility)


@dataclass(frozen=True, eq=False)
class Case:
    """A plan under audit, and what the tables say."""

    tables: Recount
    plan: Plan

    @property
    def batch(self) -> Batch:
        """The tables."""
        return self.tables.batch

    @property
    def policy(self) -> Policy:
        """The numbers."""
        return self.tables.policy

    @property
    def conversations(self) -> Conversations:
        """Section 1."""
        return self.tables.conversations

    @property
    def agents(self) -> Agents:
        """Section 2."""
        return self.tables.agents

    @property
    def overflow(self) -> Overflow:
        """Section 3."""
        return self.tables.overflow

    @property
    def eligibility(self) -> Eligibility:
        """Section 3."""
        return self.tables.eligibility

    @property
    def room(self) -> Room:
        """Section 4."""
        return self.tables.room

    @property
    def worth(self) -> Worth:
        """Section 5."""
        return self.tables.worth

    @cached_property
    def quoted(self) -> Quoted:
        """The plan's prices."""
        return read_prices(self.plan, self.agents, self.conversations)

    @cached_property
    def stated_rents(self) -> Ints:
        """(C,) rents of the plan in thousandths, by lead; 0 where it states none."""
        members = self.conversations.members.filter("is_lead").select("contact_id", "conversation")
        rows = self.plan.explanations.select("contact_id", "rent").join(members, on="contact_id")
        rents = np.zeros(len(self.conversations), dtype=np.int64)
        rents[ints(rows["conversation"])] = in_milli(rows["rent"].fill_null(0.0).to_numpy())
        return rents

    @cached_property
    def survey(self) -> Survey:
        """Section 6: all eligible pairs at the plan's prices."""
        return build_survey(
            self.conversations, self.eligibility, self.worth, self.quoted, self.raised
        )

    @cached_property
    def level(self) -> Ints:
        """(C,) what the plan says the tier of each conversation weighs; 0 without tier."""
        stated = np.array([max(0, level) for level in self.plan.tier_levels], dtype=np.int64)
        padded = np.zeros(MOST_TIERS + 1, dtype=np.int64)  # the last is for NO_TIER
        kept = min(len(stated), MOST_TIERS)
        padded[:kept] = stated[:kept]
        level: Ints = padded[self.conversations.tier]
        return level

    @cached_property
    def raised(self) -> Ints:
        """(C,) thousandths that the plan's tiers add to the gains of each conversation."""
        raised: Ints = self.level * max(0, self.plan.tier_weight_milli)
        return raised

    @cached_property
    def served(self) -> Bools:
        """(C,) whether the conversation got an agent, now or soon."""
        served = np.zeros(len(self.conversations), dtype=bool)
        served[self.choice.conversation] = True
        return served

    @cached_property
    def decided(self) -> pl.DataFrame:
        """(contact_id, decision, reason, agent_id): every row of the plan, the given agent."""
        # Who waits for the preferred agent is held, too, but takes nobody's slot.
        is_held = (pl.col("decision") == Decision.HELD) & (pl.col("reason") == Reason.HELD_FOR)
        assigned = self.plan.assignments.select(
            "contact_id",
            "agent_id",
            decision=pl.lit(Decision.ASSIGNED.value),
            reason=pl.lit(Reason.BEST_MATCH.value),
        )
        waiting = self.plan.unassigned.select(
            "contact_id",
            "decision",
            "reason",
            agent_id=pl.when(is_held).then("agent_id"),
        )
        return pl.concat([assigned, waiting.select(assigned.columns)])

    @cached_property
    def known(self) -> pl.DataFrame:
        """`decided` where contact and agent exist, with `conversation`, `is_lead` and `agent`."""
        members = self.conversations.members.select("contact_id", "conversation", "is_lead")
        return self.decided.join(members, on="contact_id", maintain_order="left").join(
            self.agents.ids.select("agent_id", "agent"),
            on="agent_id",
            how="left",
            maintain_order="left",
        )

    @cached_property
    def choice(self) -> Choice:
        """Who got whom, as far as contacts and agents exist."""
        rows = (
            self.known.filter(pl.col("is_lead") & pl.col("agent").is_not_null())
            .unique("conversation", keep="first")
            .sort("conversation")
        )
        return Choice(
            contact_id=rows["contact_id"],
            conversation=ints(rows["conversation"]),
            agent=ints(rows["agent"]),
            held=(rows["reason"] == Reason.HELD_FOR).to_numpy(),
        )

    @cached_property
    def ready(self) -> Bools:
        """(N,) whether rules up to `units_full` hold for the chosen pair, so that it has terms."""
        choice = self.choice
        ready: Bools = self.eligibility.num_passed(choice.conversation, choice.agent) == len(RULES)
        return ready

    @cached_property
    def terms(self) -> Terms:
        """Terms of the chosen pairs that are ready."""
        conversation = self.choice.conversation[self.ready]
        agent = self.choice.agent[self.ready]
        return self.worth.terms(conversation, agent, self.eligibility.entry(conversation, agent))


Check = Callable[[Case], Iterator[Finding]]


def findings(rule: str, claim: str, offenders: Sequence[object] | pl.Series) -> Iterator[Finding]:
    """One finding with the number of offenders and the first few, or none if there are none."""
    if len(offenders):
        few = ", ".join(str(offender) for offender in list(offenders[:FIRST_FEW]))
        yield Finding(rule, f"{len(offenders)} x {claim}; first: {few}")


def differing(rows: pl.DataFrame, columns: Sequence[str], suffix: str) -> pl.Series:
    """ "contact_id column" of every cell that differs from its twin `column + suffix`."""
    return pl.concat(
        rows.filter(pl.col(column).ne_missing(pl.col(column + suffix))).select(
            pl.col("contact_id") + " " + column
        )
        for column in columns
    ).to_series()


def agent_names(case: Case, wanted: Bools) -> pl.Series:
    """Ids of the agents of a mask; one of lanes means those with any lane."""
    rows = wanted.any(axis=1) if wanted.ndim > 1 else wanted
    return case.agents.ids["agent_id"].filter(pl.Series(rows, dtype=pl.Boolean))
