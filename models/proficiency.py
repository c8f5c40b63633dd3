"""What agents can do, as levels: skills by agents, and who meets a list of levels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.columns import places
from models.problem import Floats, Ints
from models.remembered import remembered

MISSING = -1
"""An agent without a skill has no level, not level 0."""
AGENT_PREFIX = "agent:"
"""`agent:<id>` is a skill that only that agent has, at the top level."""
LANGUAGE_PREFIX = "language:"
TOP_LEVEL = 10

Levels = NDArray[np.int8]
Mask = NDArray[np.bool_]
Rows = TypeVar("Rows", Floats, NDArray[np.int16])


def proficiency_table(batch: Batch, agents: pl.DataFrame, skills: pl.Series) -> Levels:
    """Level of every agent (`agent_id`, `agent_idx`) in every skill in their order.

    Shape (S, A), MISSING where the agent does not have the skill.
    """
    known = _all_levels(batch.agent_skills)
    listed = np.ix_(places(skills, known.skills), places(agents["agent_id"], known.agents))
    table: Levels = known.levels[listed]
    own = skills.str.starts_with(AGENT_PREFIX).to_numpy()
    if own.any():
        ids = skills.str.strip_prefix(AGENT_PREFIX)
        oneself = (ids.to_numpy()[:, None] == agents["agent_id"].to_numpy()) & own[:, None]
        table = np.where(oneself, np.int8(TOP_LEVEL), np.where(own[:, None], MISSING, table))
    return table if len(table) else np.full((1, len(agents)), MISSING, dtype=np.int8)


@dataclass(frozen=True, eq=False)
class _AllLevels:
    """All rows of `agent_skills` side by side; the last row and column are those of nobody."""

    skills: pl.Series
    """Sorted."""
    agents: pl.Series
    """Sorted."""
    levels: Levels


@remembered
def _all_levels(agent_skills: pl.DataFrame) -> _AllLevels:
    skills = agent_skills["skill"].unique().sort()
    agents = agent_skills["agent_id"].unique().sort()
    levels = np.full((len(skills) + 1, len(agents) + 1), MISSING, dtype=np.int8)
    place = places(agent_skills["skill"], skills), places(agent_skills["agent_id"], agents)
    levels[place] = agent_skills["proficiency"].to_numpy()
    return _AllLevels(skills, agents, levels)


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
