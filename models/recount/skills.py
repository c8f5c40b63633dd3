"""What agents can do and which steps they meet, by `docs/model.md`, written a second time."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.recount.agents import Agents
from models.recount.numbers import (
    Bools,
    Floats,
    Ints,
    all_of,
    any_of,
    first_of_runs,
    ints,
    total_of,
)

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

    skills: Skills
    rows: pl.DataFrame
    """(stage, alternative, skill, level), sorted"""
    held: Bools
    """(N, A) whether one of the alternatives holds for the agent"""

    def mean_levels(self, wanted: Ints) -> Floats:
        """(wanted, A) the best alternative's mean of levels over ten."""
        stages, place = np.unique(wanted, return_inverse=True)
        at = pl.DataFrame({"stage": stages, "place": np.arange(len(stages))})
        rows = _numbered(self.rows.join(at, on="stage", maintain_order="left"))
        choice = ints(rows["choice"])
        of_choice = ints(rows.unique("choice", maintain_order=True)["place"])
        counts = ~rows.select(_left_out()).to_series().to_numpy()
        level = self.skills.level[self.skills.at(rows)[counts]]
        total = total_of(np.maximum(level, 0), choice[counts], len(of_choice))
        number = np.bincount(choice[counts], minlength=len(of_choice))[:, None]
        mean = np.where(number > 0, total / (10.0 * np.maximum(number, 1)), 1.0)
        best = np.zeros((len(stages), level.shape[1]))
        if len(of_choice):
            best = np.maximum.reduceat(mean, first_of_runs(of_choice), axis=0)
        found: Floats = best[place]
        return found


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
    rows = _numbered(rows.sort("stage", "alternative", "skill"))
    of_choice = ints(rows.unique("choice", maintain_order=True)["stage"])
    has = skills.level[skills.at(rows)] >= rows["level"].cast(pl.Int8).to_numpy()[:, None]
    met = all_of(has, ints(rows["choice"]), len(of_choice))
    return Stages(skills, rows, any_of(met, of_choice, num_stages))


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """With `choice`, which counts the alternatives of all steps."""
    return rows.with_columns(choice=pl.struct("stage", "alternative").rle_id())


def _left_out() -> pl.Expr:
    """Whether a skill says nothing of how good an agent is."""
    prefixes = (LANGUAGE, ONLY_AGENT)
    return pl.any_horizontal(pl.col("skill").str.starts_with(prefix) for prefix in prefixes)
