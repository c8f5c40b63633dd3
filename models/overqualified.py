"""How far agents are above what is insisted on: `docs/model.md` section 5, "overqualified"."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.problem import Floats, Ints
from models.proficiency import TOP_LEVEL, list_sums
from models.skills import SkillLevels


@dataclass(frozen=True, eq=False)
class LevelsAbove:
    """Mean of the levels above those asked for, over ten, by distinct set of required skills."""

    above: Floats
    """(sets, A)"""
    of_class: Ints
    """(K,) set of each class, 0 for those that ask for none."""
    asks: Floats
    """(K,) 1 where the class insists on a skill, else 0."""


def levels_above(levels: SkillLevels) -> LevelsAbove | None:
    """None where no class insists on a skill that is no language."""
    asked = levels.requirements.filter(pl.col("from_skills") & ~pl.col("is_language"))
    if asked.is_empty():
        return None
    sets = (
        asked.group_by("class_idx", maintain_order=True)
        .agg(key=pl.format("{}:{}", "skill_idx", "min_proficiency").str.join(","))
        .with_columns(row=pl.col("key").rank("dense").cast(pl.Int64) - 1)
    )
    of_class = np.zeros(len(levels.num_skills), dtype=np.int64)
    asks = np.zeros(len(levels.num_skills))
    of_class[sets["class_idx"].to_numpy()] = sets["row"].to_numpy()
    asks[sets["class_idx"].to_numpy()] = 1.0
    first = sets.unique("row", keep="first", maintain_order=True).select("class_idx", "row")
    return LevelsAbove(_mean_above(levels, asked, first), of_class, asks)


def _mean_above(levels: SkillLevels, asked: pl.DataFrame, first: pl.DataFrame) -> Floats:
    """[set, agent] of the classes that stand `first` for their set."""
    parts = asked.join(first, on="class_idx", maintain_order="left")
    skill, least, row = (
        parts[name].to_numpy().astype(np.int64) for name in ("skill_idx", "min_proficiency", "row")
    )
    num = np.bincount(row)[row]
    code = (skill * (TOP_LEVEL + 1) + least) * (int(num.max()) + 1) + num
    _, part, part_of = np.unique(code, return_index=True, return_inverse=True)
    by_part = (levels.proficiency[skill[part]] - least[part, None]) / (TOP_LEVEL * num[part, None])
    above: Floats = list_sums(by_part, len(first), row, part_of)
    return above
