"""Ordered steps of a contact's requirement, and which of them it has come to.

Follows `docs/model.md` section 1. A step is a *group* of alternatives; steps that say the same are
one group, whatever their numbers, so each is looked at once.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.attendance import Attendance
from models.batch import Batch
from models.columns import places
from models.proficiency import Levels, Mask, meets_all, proficiency_table, turns

_SKILL, _ALTERNATIVE = "\x1e", "\x1d"


@dataclass(frozen=True, eq=False)
class CurrentSteps:
    """Steps of the contacts of a batch.

    `steps`, `first_steps`: (contact_id, group): current and first step of each contact.
    `groups`: (group, alternative, skill, min_proficiency): what a group says, sorted.
    `progress`: (contact_id, place, ends_s): the place of the current step, from 0, and the age at
    which it ends; only contacts with steps.
    """

    steps: pl.DataFrame
    first_steps: pl.DataFrame
    groups: pl.DataFrame
    progress: pl.DataFrame


_STEP_OF = {"contact_id": pl.String, "group": pl.Int64}
_NO_STEPS = CurrentSteps(
    steps=pl.DataFrame(schema=_STEP_OF),
    first_steps=pl.DataFrame(schema=_STEP_OF),
    groups=pl.DataFrame(
        schema={
            "group": pl.Int64,
            "alternative": pl.Int64,
            "skill": pl.String,
            "min_proficiency": pl.Int64,
        }
    ),
    progress=pl.DataFrame(
        schema={"contact_id": pl.String, "place": pl.Int64, "ends_s": pl.Float64}
    ),
)


def build_current_steps(batch: Batch, aged: pl.DataFrame, there: Attendance) -> CurrentSteps:
    """Steps at this moment, for contacts with `age_s` and `reach`.

    A step with an end that nobody who is there for the contact could ever meet is skipped.
    """
    if batch.contact_steps.is_empty():
        return _NO_STEPS
    listed = _listed(batch.contact_steps.join(aged, on="contact_id", how="semi"))
    groups = _groups(listed)
    timed = (
        listed.group_by("contact_id", "step", "group")
        .agg(lasts_s=pl.col("expires_s").max().fill_null(np.inf))
        .sort("contact_id", "step")
        .with_columns(
            place=pl.int_range(pl.len()).over("contact_id"),
            until_s=pl.col("lasts_s").cum_sum().over("contact_id"),
        )
        .join(aged, on="contact_id", maintain_order="left")
    )
    skipped = pl.Series(_hopeless(batch, groups, timed, there), dtype=pl.Boolean)
    ends = pl.col("until_s").is_finite()
    current = (
        timed.filter((pl.col("until_s") > pl.col("age_s")) & ~(skipped & ends))
        .group_by("contact_id", maintain_order=True)
        .first()
        .with_columns(ends_s=pl.when(ends).then("until_s"))
    )
    return CurrentSteps(
        steps=current.select("contact_id", "group"),
        first_steps=timed.filter(pl.col("place") == 0).select("contact_id", "group"),
        groups=groups,
        progress=timed.group_by("contact_id")
        .agg(num_steps=pl.len().cast(pl.Int64))
        .join(current.select("contact_id", "place", "ends_s"), on="contact_id", how="left")
        .select("contact_id", pl.coalesce("place", "num_steps").alias("place"), "ends_s"),
    )


def _listed(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of `contact_steps` with `group`: equal where two steps say the same."""
    item = pl.format("{}\x1f{}", "skill", "min_proficiency")
    says = (
        rows.group_by("contact_id", "step", "alternative")
        .agg(says=item.sort().str.join(_SKILL))
        .group_by("contact_id", "step")
        .agg(says=pl.col("says").unique().sort().str.join(_ALTERNATIVE))
    )
    numbers = says.select("says").unique().sort("says").with_row_index("group")
    return rows.join(says, on=["contact_id", "step"]).join(
        numbers.with_columns(pl.col("group").cast(pl.Int64)), on="says"
    )


def _groups(listed: pl.DataFrame) -> pl.DataFrame:
    """(group, alternative, skill, min_proficiency), as the first contact of each group says it."""
    steps = listed.select("group", "contact_id", "step").sort(pl.all())
    first = steps.unique("group", keep="first", maintain_order=True)
    return (
        listed.join(first, on=["group", "contact_id", "step"], how="semi")
        .select("group", "alternative", "skill", "min_proficiency")
        .sort("group", "alternative", "skill")
    )


def _hopeless(batch: Batch, groups: pl.DataFrame, timed: pl.DataFrame, there: Attendance) -> Mask:
    """Whether nobody who is there for the contact meets the `group` of a row, shape of `timed`.

    Where nobody is there, nothing is hopeless: they may come.
    """
    skills = groups["skill"].unique().sort()
    levels = proficiency_table(batch, there.agents, skills)
    met = steps_met(
        groups.with_columns(pl.Series("skill_idx", places(groups["skill"], skills))), levels
    )
    pairs = timed.select("group", "reach").unique().sort("group", "reach")
    group = pairs["group"].to_numpy().astype(np.int64)
    found = there.nobody_meets(met[group], pairs["reach"].to_numpy())
    told = pairs.with_columns(hopeless=pl.Series(found, dtype=pl.Boolean))
    rows = timed.join(told, on=["group", "reach"], how="left", maintain_order="left")
    hopeless: Mask = rows["hopeless"].to_numpy()
    return hopeless


def steps_met(groups: pl.DataFrame, levels: Levels) -> Mask:
    """[group, agent] whether a group (with `skill_idx`) holds for the agent."""
    if groups.is_empty():
        return np.zeros((0, levels.shape[1]), dtype=bool)
    rows = groups.sort("group", "alternative").with_columns(
        row=pl.struct("group", "alternative").rle_id().cast(pl.Int64)
    )
    alternatives = rows.select("row", "group").unique().sort("row")
    met = meets_all(
        levels,
        len(alternatives),
        rows["row"].to_numpy(),
        rows["skill_idx"].to_numpy().astype(np.int64),
        rows["min_proficiency"].to_numpy(),
    )
    group = alternatives["group"].to_numpy()
    holds = np.zeros((int(group.max()) + 1, levels.shape[1]), dtype=bool)
    for row in turns(group):
        holds[group[row]] |= met[row]
    return holds
