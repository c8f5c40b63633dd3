"""What a solved batch knows about its decisions, and the circumstances that a sentence tells."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from models.capacity import AgentState, Mask
from models.conversations import Conversations
from models.eligibility import Eligibility
from models.gain import Gain
from models.outlook import unavoidable
from models.policy import Policy
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Positions
from models.reservations import Reservations
from models.solution import Solution

MOST_NAMED = 3
"""Contacts named that another one lost to."""

_NO_RANK = 2**31
"""Comes after every tier."""


@dataclass(frozen=True, eq=False)
class Facts:
    """What a solved batch knows about its decisions."""

    now: datetime
    policy: Policy
    conversations: Conversations
    agents: AgentState
    eligibility: Eligibility
    gain: Gain
    problem: AssignmentProblem
    solution: Solution
    locked: Positions
    """(C,) the agent that a conversation is locked to, or NOBODY."""
    reserved: Reservations


def is_unavoidable(facts: Facts) -> Mask:
    chosen = facts.solution.agent
    soon = np.append(facts.agents.free_soon, False)[np.maximum(chosen, 0)]
    waits = (chosen == NOBODY) | soon
    return unavoidable(facts.now, facts.conversations, facts.eligibility, facts.agents, waits)


def is_borrowed(facts: Facts) -> Mask:
    """Whether the chosen agent is no member of the conversation's queue, (C,)."""
    chosen = facts.solution.agent
    if not facts.problem.num_agents:
        return np.zeros(len(chosen), dtype=bool)
    row = facts.eligibility.access_of[facts.problem.contact_class]
    own = facts.eligibility.own_member[row, np.maximum(chosen, 0)]
    borrowed: Mask = (chosen != NOBODY) & ~own
    return borrowed


def is_outranked(facts: Facts, runner_up: Positions) -> Mask:
    """Whether the agent that it might have had serves somebody of an earlier tier, (C,)."""
    problem, chosen = facts.problem, facts.solution.agent
    if problem.tier is None:
        return np.zeros(len(chosen), dtype=bool)
    rank = np.where(problem.tier == NO_TIER, _NO_RANK, problem.tier.astype(np.int64))
    first = np.full(problem.num_agents + 1, _NO_RANK)
    np.minimum.at(first, chosen, rank)
    first[NOBODY] = _NO_RANK
    outranked: Mask = first[runner_up] < rank
    return outranked


def takers(facts: Facts, lost_to: Collection[int]) -> pl.DataFrame:
    """(runner_up_idx, takers): whom each of these agents gets instead, by the leads of
    conversations.
    """
    if not lost_to:
        return pl.DataFrame(schema={"runner_up_idx": pl.Int32, "takers": pl.String})
    ids = (
        facts.conversations.units.select("lead_contact_id")
        .with_columns(pl.Series("runner_up_idx", facts.solution.agent, dtype=pl.Int32))
        .filter(pl.col("runner_up_idx").is_in(list(lost_to)))
        .sort("lead_contact_id")
        .group_by("runner_up_idx", maintain_order=True)
        .agg(named=pl.col("lead_contact_id").head(MOST_NAMED).str.join(", "), num=pl.len())
    )
    more = pl.col("num").cast(pl.Int64) - MOST_NAMED
    told = pl.when(more > 0).then(pl.format("{} and {} more", "named", more)).otherwise("named")
    return ids.select("runner_up_idx", takers=told)


def relaxed_classes(conversations: Conversations) -> pl.Series:
    """Classes that ask for less than their contacts did when they came."""
    if not (conversations.units["step"] > 0).any():
        return conversations.classes["class_idx"].clear()
    dropped = conversations.named.join(
        conversations.requirements, on=["class_idx", "skill"], how="anti"
    )
    passed = conversations.first_steps.join(
        conversations.steps, on=["class_idx", "group"], how="anti"
    )
    return pl.concat([dropped["class_idx"], passed["class_idx"]]).unique()
