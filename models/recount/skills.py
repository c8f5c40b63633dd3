"""What agents can do and which steps they meet, by `docs/model.md`, written a second time."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.recount.agents import Agents
from models.recount.numbers import Bools, Floats, Ints, all_of, ints, largest_of, total_of

LANGUAGE = "language:"
ONLY_AGENT = "agent:"


@dataclass(frozen=True, eq=False)
class Skills:
    """The S skills that somebody asks for, by name, and the levels of all agents in them."""

    names: pl.DataFrame
    """(skill, at)"""
    level: NDArray[np.int8]
    """(S, A), -1 where the agent does not have the skill"""

    def at(self, rows: pl.DataFrame) -> Ints:
        """Position of the skill of every row."""
        placed = rows.select("skill").join(
            self.names, on="skill", how="left", maintain_order="left"
        )
        return ints(placed["at"])


@dataclass(frozen=True, eq=False)
class Stages:
    """The N distinct steps of `contact_steps`, whatever contact they are of."""

    held: Bools
    """(N, A) whether one of the alternatives holds for the agent"""
    mean_level: Floats
    """(N, A) the best alternative's mean of levels over ten"""


def build_skills(batch: Batch, agents: Agents, asked: pl.Series) -> Skills:
    """Levels of all agents in the distinct skills of a column."""
    names = pl.DataFrame({"skill": asked.unique().sort()}).with_row_index("at")
    level = np.full((len(names), len(agents)), -1, dtype=np.int8)
    rows = batch.agent_skills.join(names, on="skill").join(agents.ids, on="agent_id")
    level[ints(rows["at"]), ints(rows["agent"])] = ints(rows["proficiency"])
    one_only = names.filter(pl.col("skill").str.starts_with(ONLY_AGENT))
    level[ints(one_only["at"])] = -1
    them = one_only.with_columns(agent_id=pl.col("skill").str.strip_prefix(ONLY_AGENT)).join(
        agents.ids, on="agent_id"
    )
    level[ints(them["at"]), ints(them["agent"])] = 10
    return Skills(names.select("skill", pl.col("at").cast(pl.Int64)), level)


def build_stages(skills: Skills, rows: pl.DataFrame, num_stages: int) -> Stages:
    """From the (stage, alternative, skill, level) of all distinct steps."""
    rows = rows.sort("stage", "alternative", "skill").with_columns(
        choice=pl.struct("stage", "alternative").rle_id()
    )
    choice = ints(rows["choice"])
    stage = ints(rows.unique("choice", maintain_order=True)["stage"])
    has = skills.level[skills.at(rows)]
    met = all_of(has >= ints(rows["level"])[:, None], choice, len(stage))
    left_out = pl.any_horizontal(
        pl.col("skill").str.starts_with(LANGUAGE), pl.col("skill").str.starts_with(ONLY_AGENT)
    )
    counts = ~rows.select(left_out).to_series().to_numpy()
    number = np.bincount(choice[counts], minlength=len(stage))[:, None]
    total = total_of(np.maximum(has[counts], 0) / 10.0, choice[counts], len(stage))
    mean = np.where(number > 0, total / np.maximum(number, 1), 1.0)
    return Stages(
        held=largest_of(met.astype(np.float64), stage, num_stages) > 0,
        mean_level=largest_of(mean, stage, num_stages),
    )
