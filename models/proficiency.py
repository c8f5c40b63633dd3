"""What agents can do, as levels: skills by agents, and who meets a list of levels."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.problem import Floats, Ints

MISSING = -1
"""An agent without a skill has no level, not level 0."""
AGENT_PREFIX = "agent:"
"""`agent:<id>` is a skill that only that agent has, at the top level."""
LANGUAGE_PREFIX = "language:"
TOP_LEVEL = 10

Levels = NDArray[np.int8]
Mask = NDArray[np.bool_]
Rows = TypeVar("Rows", Floats, NDArray[np.int16])


def proficiency_table(batch: Batch, agents: pl.DataFrame, skills: pl.DataFrame) -> Levels:
    """Level of every agent (`agent_id`, `agent_idx`) in every skill (`skill`, `skill_idx`).

    Shape (S, A), MISSING where the agent does not have the skill.
    """
    table = np.full((max(len(skills), 1), len(agents)), MISSING, dtype=np.int8)
    is_agent = pl.col("skill").str.starts_with(AGENT_PREFIX)
    positions = agents.select("agent_id", "agent_idx")
    known = batch.agent_skills.join(skills.filter(~is_agent), on="skill").join(
        positions, on="agent_id"
    )
    named = skills.filter(is_agent).with_columns(
        agent_id=pl.col("skill").str.strip_prefix(AGENT_PREFIX)
    )
    oneself = named.join(positions, on="agent_id").with_columns(
        proficiency=pl.lit(TOP_LEVEL, pl.Int64)
    )
    for rows in (known, oneself):
        place = rows["skill_idx"].to_numpy(), rows["agent_idx"].to_numpy()
        table[place] = rows["proficiency"].to_numpy()
    return table


def turns(owner: Ints) -> Iterator[Ints]:
    """Positions of the first rows of all owners, then of the second, and so on.

    Within a turn no owner comes twice, so that a turn can be written in one pass.
    """
    order = np.argsort(owner, kind="stable")
    first = np.flatnonzero(np.diff(owner[order], prepend=-1))
    size = np.diff(first, append=len(owner))
    for turn in range(int(size.max(initial=0))):
        yield order[first[size > turn] + turn]


def list_sums(rows: Rows, num_lists: int, owner: Ints, item: Ints) -> Rows:
    """[list, agent] sum of the rows that are the items of the list `owner`, in their order."""
    total = np.zeros((num_lists, rows.shape[1]), dtype=rows.dtype)
    for turn in turns(owner):
        if len(turn) == num_lists:
            total += rows[item[turn]]
        else:
            total[owner[turn]] += rows[item[turn]]
    return total


def meets_all(levels: Levels, num_lists: int, owner: Ints, skill: Ints, least: Ints) -> Mask:
    """[list, agent] whether the agent has every skill of the list at its level.

    Each row is one skill of the list `owner`; a list without rows asks for nothing.
    """
    met = np.ones((num_lists, levels.shape[1]), dtype=bool)
    at_least = least.astype(np.int8)
    for turn in turns(owner):
        enough = levels[skill[turn]] >= at_least[turn, None]
        if len(turn) == num_lists:
            met &= enough
        else:
            met[owner[turn]] &= enough
    return met
