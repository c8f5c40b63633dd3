"""What conversations require and agents can do: requirement sets by agent, each set once.

Two conversations have the same set if they insist on the same, and name the same for the match.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.policy import Policy
from models.recount.conversations import Conversations
from models.recount.numbers import Bools, Floats, Ints, all_of, first_of_runs, ints, total_of
from models.recount.requirements import Requirements
from models.recount.skills import LANGUAGE


@dataclass(frozen=True, eq=False)
class Needs:
    """The requirements of all requirement sets, sorted by set."""

    of_row: Ints
    """(rows,) requirement set"""
    level: NDArray[np.int8]
    is_language: Bools
    agent_level: NDArray[np.int8]
    """(rows, A), -1 where the agent does not have the skill"""
    steps_held: Bools
    """(sets, A) whether all current steps hold"""
    match: Floats
    """(sets, A) mean of the parts of the match, 0 to 1"""
    num_parts: Ints
    """(sets,)"""
    num_sets: int


def build_needs(conversations: Conversations) -> Needs:
    """The distinct requirement sets, with the levels of all agents in what they require."""
    asked = conversations.asked
    need_set, first = np.unique(conversations.need_set, return_index=True)
    sets = pl.DataFrame({"conversation": first, "need_set": need_set})
    needs = _of_sets(asked.needs, sets)
    steps = _of_sets(asked.steps, sets)
    held = asked.stages.held[ints(steps["stage"])]
    match, num_parts = _match(asked, sets)
    return Needs(
        of_row=ints(needs["need_set"]),
        level=needs["level"].cast(pl.Int8).to_numpy(),
        is_language=needs["skill"].str.starts_with(LANGUAGE).to_numpy(),
        agent_level=asked.skills.level[asked.skills.at(needs)],
        steps_held=all_of(held, ints(steps["need_set"]), len(sets)),
        match=match,
        num_parts=num_parts,
        num_sets=len(need_set),
    )


def skills_met(needs: Needs) -> Bools:
    """(sets, A) whether the agent has every skill that is no language, and every step holds."""
    return all_met(needs, ~needs.is_language) & needs.steps_held


def languages_met(needs: Needs) -> Bools:
    """(sets, A) whether the agent speaks every language, at the level."""
    return all_met(needs, needs.is_language)


def all_met(needs: Needs, wanted: Bools) -> Bools:
    """(sets, A) whether the agent meets every wanted requirement."""
    rows = np.flatnonzero(wanted)
    met = needs.agent_level[rows] >= needs.level[rows][:, None]
    return all_of(met, needs.of_row[rows], needs.num_sets)


def resolving(policy: Policy, needs: Needs) -> Floats:
    """(sets, A) probability of resolving; of use where the skills are met."""
    slope = policy.p_highest - policy.p_lowest
    some = needs.num_parts[:, None] > 0
    return np.where(some, policy.p_lowest + slope * needs.match, policy.p_no_skill)


def levels_above(needs: Needs) -> Floats:
    """(sets, A) mean of the levels beyond those insisted on, over ten; languages left out."""
    rows = np.flatnonzero(~needs.is_language)
    above = needs.agent_level[rows] - needs.level[rows][:, None]
    number = np.bincount(needs.of_row[rows], minlength=needs.num_sets)[:, None]
    mean: Floats = total_of(above, needs.of_row[rows], needs.num_sets) / np.maximum(number, 1)
    return mean / 10


def _match(asked: Requirements, sets: pl.DataFrame) -> tuple[Floats, Ints]:
    """Mean over named skills and first steps, and how many these are."""
    named, steps = _of_sets(asked.named, sets), _of_sets(asked.first_steps, sets)
    of_skill, of_step = ints(named["need_set"]), ints(steps["need_set"])
    level = np.maximum(asked.skills.level[asked.skills.at(named)], 0)
    total: Floats = total_of(level, of_skill, len(sets)) / 10
    best = asked.stages.mean_levels(ints(steps["stage"]))
    if len(steps):
        start = first_of_runs(of_step)
        total[of_step[start]] += np.add.reduceat(best, start, axis=0)
    number = np.bincount(of_skill, minlength=len(sets)) + np.bincount(of_step, minlength=len(sets))
    return total / np.maximum(number, 1)[:, None], number


def _of_sets(rows: pl.DataFrame, sets: pl.DataFrame) -> pl.DataFrame:
    """The rows of the conversations that stand for their sets, sorted by set."""
    found = rows.join(sets, on="conversation", maintain_order="left")
    return found.sort("need_set", maintain_order=True)
