"""What conversations require and agents can do: requirement sets by agent, each set once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.policy import Policy
from models.recount.agents import Agents
from models.recount.conversations import Conversations
from models.recount.numbers import Bools, Floats, Ints, ints


@dataclass(frozen=True, eq=False)
class Needs:
    """The requirements of all requirement sets, sorted by set."""

    of_row: Ints
    """(rows,) requirement set"""
    level: NDArray[np.int8]
    is_language: Bools
    agent_level: NDArray[np.int8]
    """(rows, A), -1 where the agent does not have the skill"""
    num_sets: int


def build_needs(batch: Batch, conversations: Conversations, agents: Agents) -> Needs:
    """The distinct requirement sets, with the levels of all agents in what they require."""
    need_set, first = np.unique(conversations.need_set, return_index=True)
    sets = pl.DataFrame({"conversation": first, "need_set": need_set})
    rows = conversations.needs.join(sets, on="conversation").sort("need_set", "skill")
    skills = rows.select(pl.col("skill").unique(maintain_order=True)).with_row_index("at")
    known = batch.agent_skills.join(skills, on="skill").join(agents.ids, on="agent_id")
    level = np.full((len(skills), len(agents)), -1, dtype=np.int8)
    level[ints(known["at"]), ints(known["agent"])] = ints(known["proficiency"])
    at = ints(rows.join(skills, on="skill", how="left", maintain_order="left")["at"])
    return Needs(
        of_row=ints(rows["need_set"]),
        level=rows["level"].cast(pl.Int8).to_numpy(),
        is_language=rows["skill"].str.starts_with("language:").to_numpy(),
        agent_level=level[at],
        num_sets=len(need_set),
    )


def all_met(needs: Needs, wanted: Bools) -> Bools:
    """(requirement sets, A) whether the agent meets every wanted requirement."""
    met = np.ones((needs.num_sets, needs.agent_level.shape[1]), dtype=bool)
    for rows in _one_of_each_set(needs, wanted):
        met[needs.of_row[rows]] &= needs.agent_level[rows] >= needs.level[rows][:, None]
    return met


def resolving(policy: Policy, needs: Needs) -> Floats:
    """(requirement sets, A) probability of resolving; of use where the skills are met."""
    skills = ~needs.is_language
    count = np.bincount(needs.of_row[skills], minlength=needs.num_sets)[:, None]
    total = np.zeros((needs.num_sets, needs.agent_level.shape[1]), dtype=np.int16)
    for rows in _one_of_each_set(needs, skills):
        total[needs.of_row[rows]] += needs.agent_level[rows]
    slope = (policy.p_highest - policy.p_lowest) / (10 * np.maximum(count, 1))
    return np.where(count > 0, policy.p_lowest + slope * total, policy.p_no_skill)


def _one_of_each_set(needs: Needs, wanted: Bools) -> Iterator[Ints]:
    """Rows with the first wanted requirement of every set, then with the second, and so on."""
    rows = np.flatnonzero(wanted)
    of_row = needs.of_row[rows]
    nth = np.arange(len(rows)) - np.searchsorted(of_row, of_row)
    for number in range(int(nth.max(initial=-1)) + 1):
        yield rows[nth == number]
