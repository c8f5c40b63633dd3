"""What conversations ask for at this moment: requirements over time, `docs/model.md` section 1.

Skills of a short form are dropped level by level, steps follow one another; what nobody who is
there could ever do is skipped at once. Equal lists are looked at once, whoever asks for them.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.attendance import Attendance
from models.batch import Batch
from models.columns import places, with_facts
from models.hours import OpenHours
from models.policy import Policy
from models.problem import Ints
from models.proficiency import LANGUAGE_PREFIX, Mask, meets_all, proficiency_table
from models.steps import CurrentSteps, build_current_steps
from models.tables import INSTANT, Importance

LAST_LEVEL = 3
_DROPPED_AFTER = {Importance.HIGH: 2, Importance.MEDIUM: 1, Importance.LOW: 0}
"""Highest level at which a skill of this importance is still insisted on."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What each contact asks for, whatever conversation it is part of.

    `insisted`, `named`: (contact_id, skill, min_proficiency) that are insisted on now, and those
    that count for the match. `languages` (contact_id, skill, min_proficiency) of the customers.
    `steps`, `first_steps`: (contact_id, group): current and first step; `groups`: (group,
    alternative, skill, min_proficiency), what each step says.
    `progress`: (contact_id, step, relaxes_at): how far it has come, and when it goes on.
    """

    insisted: pl.DataFrame
    named: pl.DataFrame
    languages: pl.DataFrame
    steps: pl.DataFrame
    first_steps: pl.DataFrame
    groups: pl.DataFrame
    progress: pl.DataFrame


@dataclass(frozen=True, eq=False)
class Needs:
    """What each conversation (`conversation_idx`) asks for.

    `plain`: (conversation_idx, skill, min_proficiency, from_skills), the highest level per
    skill, sorted.
    `named`: (conversation_idx, skill), sorted: skills of `contact_skills` that are no languages.
    `steps`, `first_steps`: (conversation_idx, group, num): current and first steps of its
    members, and of how many of them; `groups`: (group, alternative, skill, min_proficiency), what
    each step says.
    """

    plain: pl.DataFrame
    named: pl.DataFrame
    steps: pl.DataFrame
    first_steps: pl.DataFrame
    groups: pl.DataFrame


def build_asked(
    batch: Batch, policy: Policy, members: pl.DataFrame, there: Attendance, hours: OpenHours
) -> Asked:
    """Skills and steps of every contact at this moment."""
    aged = members[["contact_id", "relax_s", "began_at", "clock_idx", "age_s"]]
    aged = aged.hstack([there.reach(members)])
    skills = _with_importance(batch, aged)
    levels = _levels(batch, aged, skills, there)
    current = build_current_steps(batch, aged, there)
    return Asked(
        insisted=_insisted(skills, levels).select("contact_id", "skill", "min_proficiency"),
        named=skills.filter(~pl.col("skill").str.starts_with(LANGUAGE_PREFIX)).select(
            "contact_id", "skill"
        ),
        languages=members.filter(pl.col("language").is_not_null()).select(
            "contact_id",
            skill=pl.lit(LANGUAGE_PREFIX) + pl.col("language"),
            min_proficiency=pl.lit(policy.min_language_proficiency, pl.Int64),
        ),
        steps=current.steps,
        first_steps=current.first_steps,
        groups=current.groups,
        progress=_progress(aged, levels, current, hours),
    )


def needs_of(asked: Asked, members: pl.DataFrame) -> Needs:
    """What conversations ask for, of the contacts that are their `members`."""
    of = members.select("contact_id", "conversation_idx")
    return Needs(
        plain=_plain(asked, of),
        named=asked.named.join(of, on="contact_id")
        .select("conversation_idx", "skill")
        .unique()
        .sort("conversation_idx", "skill"),
        steps=_counted(asked.steps.join(of, on="contact_id")),
        first_steps=_counted(asked.first_steps.join(of, on="contact_id")),
        groups=asked.groups,
    )


def _with_importance(batch: Batch, aged: pl.DataFrame) -> pl.DataFrame:
    """(contact_id, skill, min_proficiency, dropped_after) of contact_skills."""
    importance = {kind.value: level for kind, level in _DROPPED_AFTER.items()}
    return batch.contact_skills.join(aged, on="contact_id", how="semi").select(
        "contact_id",
        "skill",
        "min_proficiency",
        dropped_after=pl.col("importance")
        .replace_strict(importance, default=LAST_LEVEL, return_dtype=pl.Int64)
        .fill_null(LAST_LEVEL),
    )


def _insisted(skills: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    """The rows that are not dropped at the level of their contact."""
    if not (levels["level"] > 0).any():
        return skills
    return skills.join(levels.select("contact_id", "level"), on="contact_id").filter(
        pl.col("dropped_after") >= pl.col("level")
    )


def _levels(
    batch: Batch, aged: pl.DataFrame, skills: pl.DataFrame, there: Attendance
) -> pl.DataFrame:
    """(contact_id, level, due_s) of every contact: how many levels were dropped, and the age at
    which the next one is.
    """
    if not (skills["dropped_after"] < LAST_LEVEL).any():
        return aged.select("contact_id", level=pl.lit(0, pl.Int64), due_s=pl.lit(None, pl.Float64))
    timely = (pl.col("age_s") / pl.col("relax_s")).floor().clip(0, LAST_LEVEL).cast(pl.Int64)
    asked = skills.filter((pl.col("dropped_after") < LAST_LEVEL).any().over("contact_id"))
    item = pl.format("{}\x1f{}\x1f{}", "skill", "min_proficiency", "dropped_after")
    lists = (
        asked.sort("contact_id", "skill")
        .group_by("contact_id", maintain_order=True)
        .agg(
            key=item.str.join("\x1e"),
            **{f"drops_{n}": (pl.col("dropped_after") == n).any() for n in range(LAST_LEVEL)},
        )
    )
    lists = lists.join(aged.select("contact_id", "reach"), on="contact_id", maintain_order="left")
    leads = lists.group_by("key", "reach", maintain_order=True).agg(pl.col("contact_id").first())
    leads = leads.with_row_index("list")
    rows = asked.join(leads.select("contact_id", "list"), on="contact_id")
    hopeless = _hopeless(batch, rows, leads["reach"].to_numpy(), there)
    timed = aged.join(
        lists.join(leads.select("key", "reach", "list"), on=["key", "reach"]).drop("key", "reach"),
        on="contact_id",
        how="left",
    ).with_columns(level=pl.when(pl.col("list").is_not_null()).then(timely).otherwise(0))
    drops = timed.select(pl.col("^drops_.$").fill_null(value=False)).to_numpy().astype(bool)
    of = timed["list"].fill_null(len(leads)).to_numpy().astype(np.int64)
    level = timed["level"].to_numpy()
    for n in range(LAST_LEVEL):
        following = _next_drop(drops, np.full(len(level), n))
        skips = (level == n) & hopeless[of, n] & (following > n)
        level = np.where(skips, following, level)
    following = _next_drop(drops, level)
    ahead = pl.Series(following > level, dtype=pl.Boolean)
    due_s = pl.Series(following, dtype=pl.Float64) * timed["relax_s"]
    return timed.select(
        "contact_id",
        level=pl.Series(level, dtype=pl.Int64),
        due_s=pl.when(ahead).then(due_s),
    )


def _next_drop(drops: Mask, level: Ints) -> Ints:
    """The next level of each contact at which a skill is dropped, or its own if there is none."""
    ahead = drops & (np.arange(LAST_LEVEL) >= level[:, None])
    following: Ints = np.where(ahead.any(axis=1), ahead.argmax(axis=1) + 1, level)
    return following


def _hopeless(batch: Batch, rows: pl.DataFrame, reach: Ints, there: Attendance) -> Mask:
    """[list, level] whether nobody who is there for the list has all skills insisted on.

    The last row is that of contacts from whom nothing is ever dropped. Where nobody is there,
    nothing is hopeless: they may come.
    """
    hopeless = np.zeros((len(reach) + 1, LAST_LEVEL), dtype=bool)
    if rows.is_empty() or there.agents.is_empty():
        return hopeless
    skills = rows["skill"].unique().sort()
    levels = proficiency_table(batch, there.agents, skills)
    placed = rows.with_columns(pl.Series("skill_idx", places(rows["skill"], skills)))
    for n in range(LAST_LEVEL):
        insisted = placed.filter(pl.col("dropped_after") >= n)
        met = meets_all(
            levels,
            len(reach),
            insisted["list"].to_numpy().astype(np.int64),
            insisted["skill_idx"].to_numpy().astype(np.int64),
            insisted["min_proficiency"].to_numpy(),
        )
        hopeless[:-1, n] = there.nobody_meets(met, reach)
    return hopeless


def _plain(asked: Asked, of: pl.DataFrame) -> pl.DataFrame:
    parts = [(asked.insisted, True), (asked.languages, False)]
    asking = [part for part in parts if not part[0].is_empty()] or parts[:1]
    rows = [
        part.join(of, on="contact_id").with_columns(from_skills=pl.lit(value=from_skills))
        for part, from_skills in asking
    ]
    return (
        pl.concat(rows)
        .group_by("conversation_idx", "skill")
        .agg(pl.col("min_proficiency").max(), pl.col("from_skills").any())
        .sort("conversation_idx", "skill")
    )


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        return rows.select("conversation_idx", "group", num=pl.lit(0, pl.UInt32))
    return (
        rows.group_by("conversation_idx", "group")
        .agg(num=pl.len())
        .sort("conversation_idx", "group")
    )


def _progress(
    aged: pl.DataFrame, levels: pl.DataFrame, current: CurrentSteps, hours: OpenHours
) -> pl.DataFrame:
    step = pl.max_horizontal("level", "place").cast(pl.Int32)
    each = with_facts(with_facts(aged, levels, "contact_id"), current.progress, "contact_id")
    each = each.with_columns(next_s=pl.min_horizontal("due_s", "ends_s"))
    began_us = each["began_at"].dt.epoch("us").to_numpy()
    next_s = each["next_s"].fill_null(1.0).to_numpy()
    at, found = hours.reached(each["clock_idx"].to_numpy(), began_us, next_s)
    goes_on = pl.Series(found, dtype=pl.Boolean) & each["next_s"].is_not_null()
    relaxes_at = pl.Series(at, dtype=pl.Int64).cast(INSTANT)
    return each.select("contact_id", step=step, relaxes_at=pl.when(goes_on).then(relaxes_at))
