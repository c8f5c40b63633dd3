"""What conversations ask for against the agents' levels, and the probability of resolving."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.capacity import AgentState, Mask
from models.columns import places
from models.conversations import Conversations
from models.policy import Policy
from models.problem import Floats, Ints
from models.proficiency import (
    AGENT_PREFIX,
    LANGUAGE_PREFIX,
    TOP_LEVEL,
    Levels,
    list_sums,
    meets_all,
    proficiency_table,
    turns,
)
from models.steps import steps_met

ROUNDING = 1e-12
"""A probability that equals the floor but for its last bits reaches it."""


@dataclass(frozen=True, eq=False)
class SkillLevels:
    """S skills that are asked for, K classes of conversations, A agents.

    The probability of resolving is linear in the mean of the levels in the named skills and first
    steps of a class, so it is kept as such: a base plus shares of rows of `match_rates`. The
    first steps of a class are one such row, the sum of what they come to.
    """

    policy: Policy
    proficiency: Levels
    """(S, A), MISSING where the agent does not have the skill."""
    requirements: pl.DataFrame
    """(class_idx, skill_idx, min_proficiency, is_language, from_skills), sorted."""
    named: pl.DataFrame
    """(class_idx, skill_idx), sorted."""
    list_of: Ints
    """(K,) number of the list of named skills, the same where two classes name the same."""
    num_skills: Ints
    """(K,) named skills."""
    num_first: Ints
    """(K,) first steps."""
    first_of: Ints
    """(K,) row of `first_levels`, where the class has first steps."""
    first_levels: Floats
    """(F, A) sum over the first steps of a class of the level in each, 0 to 10."""
    group_of: pl.DataFrame
    """(class_idx, group): the steps of each class that must hold."""
    group_met: Mask
    """(groups, A) whether the agent meets one of the alternatives of the step."""

    def all_met(self, *, language: bool) -> Mask:
        """[k, a] whether agent a meets what class k requires: languages, or all else and steps."""
        rows = self.requirements.filter(pl.col("is_language") == language)
        met = meets_all(
            self.proficiency,
            len(self.num_skills),
            rows["class_idx"].to_numpy(),
            rows["skill_idx"].to_numpy().astype(np.int64),
            rows["min_proficiency"].to_numpy(),
        )
        if not language and len(self.group_of):
            owner, group = self.group_of["class_idx"].to_numpy(), self.group_of["group"].to_numpy()
            for turn in turns(owner):
                met[owner[turn]] &= self.group_met[group[turn]]
        return met

    def reaches_floor(self) -> Mask:
        """[k, a] whether the probability of resolving is at least the policy's floor."""
        policy = self.policy
        if min(policy.p_lowest, policy.p_no_skill) >= policy.p_floor:
            return np.ones((len(self.num_skills), self.proficiency.shape[1]), dtype=bool)
        total, stands_for = self._sums_of_lists()
        reached = (total >= self._least_sums()[stands_for][:, None])[self.list_of]
        stepped = np.flatnonzero(self.num_first)
        sums = total[self.list_of[stepped]] + self.first_levels[self.first_of[stepped]]
        probability = self._probability(sums, self._num_parts()[stepped][:, None])
        reached[stepped] = probability >= policy.p_floor - ROUNDING
        return reached

    def mean_probability(self, chosen: Mask) -> Floats:
        """Mean probability of resolving over the chosen agents of each class, (K,)."""
        owner_of, agent = np.divmod(np.flatnonzero(chosen), max(chosen.shape[1], 1))
        count = np.bincount(owner_of, minlength=len(chosen))
        known = np.maximum(self.proficiency, 0)
        total = np.zeros(len(count))
        for owner, skill in self._by_place():
            skill_of = np.full(len(count), len(known) - 1)
            skill_of[owner] = skill
            # Sums of small integers are exact.
            sums = np.bincount(owner_of, known[skill_of[owner_of], agent], minlength=len(count))
            total[owner] += sums[owner]
        stepped = np.flatnonzero(self.num_first)
        total[stepped] += (chosen[stepped] * self.first_levels[self.first_of[stepped]]).sum(axis=1)
        mean = self._probability(total / np.maximum(count, 1), self._num_parts())
        return np.where(count > 0, mean, self.policy.p_no_skill)

    def best_probability(self, chosen: Mask) -> Floats:
        """Largest probability of resolving of the chosen agents of each class, (K,); 1 without."""
        total, _ = self._sums_of_lists()
        named = np.where(chosen, total[self.list_of], 0)
        sums = named.max(axis=1, initial=0).astype(np.float64)
        stepped = np.flatnonzero(self.num_first)
        steps = chosen[stepped] * self.first_levels[self.first_of[stepped]]
        sums[stepped] = (named[stepped] + steps).max(axis=1, initial=0.0)
        best = self._probability(sums, self._num_parts())
        return np.where(np.logical_or.reduce(chosen, axis=1), best, 1.0)

    def match_rates(self) -> Floats:
        """Levels that the match is made of, 0 where missing: S skills, then F first steps."""
        skills = np.maximum(self.proficiency, 0).astype(np.float64)
        return np.concatenate([skills, self.first_levels])

    def match_terms(self) -> tuple[Floats, Ints, Floats]:
        """The probability as base (K,) plus share (K, R) times row (K, R) of `match_rates`.

        R is the largest number of named skills of a class, and one more where a class has first
        steps; shorter lists are padded with share 0.
        """
        width = int(self.num_skills.max(initial=0))
        columns = width + int(self.num_first.any())
        row = np.zeros((len(self.num_skills), columns), dtype=np.int64)
        share = np.zeros((len(self.num_skills), columns))
        each = self._slope() / (TOP_LEVEL * np.maximum(self._num_parts(), 1))
        for place, (owner, skill) in enumerate(self._by_place()):
            row[owner, place] = skill
            share[owner, place] = each[owner]
        stepped = np.flatnonzero(self.num_first)
        row[stepped, width:] = (len(self.proficiency) + self.first_of[stepped])[:, None]
        share[stepped, width:] = each[stepped, None]
        base = np.where(self._num_parts() > 0, self.policy.p_lowest, self.policy.p_no_skill)
        return base, row, share

    def _probability(self, total: Floats, parts: Ints) -> Floats:
        """Probability of resolving from the sum of levels over so many parts, of any shape."""
        mean = total / (TOP_LEVEL * np.maximum(parts, 1))
        linear = self.policy.p_lowest + self._slope() * mean
        return np.where(parts > 0, linear, self.policy.p_no_skill)

    def _sums_of_lists(self) -> tuple[NDArray[np.int16], Ints]:
        """Sum of the levels in each distinct list of named skills, (lists, A), and a class that
        has it, (lists,).
        """
        _, stands_for = np.unique(self.list_of, return_index=True)
        owner, skill = self.named["class_idx"].to_numpy(), self.named["skill_idx"].to_numpy()
        kept = stands_for[self.list_of[owner]] == owner
        row, skill = self.list_of[owner[kept]], skill[kept]
        known = np.maximum(self.proficiency, 0).astype(np.int16)
        return list_sums(known, len(stands_for), row, skill), stands_for

    def _least_sums(self) -> Ints:
        """Smallest sum of levels in its named skills with which each class reaches the floor,
        were it not for first steps, (K,).
        """
        parts, of_class = np.unique(self.num_skills, return_inverse=True)
        never = TOP_LEVEL * int(parts.max(initial=0)) + 1
        sums = np.arange(never, dtype=np.float64)
        reaches = self._probability(sums[None, :], parts[:, None])
        reaches_at = reaches >= self.policy.p_floor - ROUNDING
        least = np.where(reaches_at.any(axis=1), reaches_at.argmax(axis=1), never)
        found: Ints = least[of_class]
        return found

    def _slope(self) -> float:
        return self.policy.p_highest - self.policy.p_lowest

    def _num_parts(self) -> Ints:
        return self.num_skills + self.num_first

    def _by_place(self) -> list[tuple[Ints, Ints]]:
        """(class, skill) of the first, second ... named skill of every class."""
        owner = self.named["class_idx"].to_numpy()
        skill = self.named["skill_idx"].to_numpy().astype(np.int64)
        return [(owner[rows], skill[rows]) for rows in turns(owner)]


_NO_FIRST_STEPS = pl.DataFrame(schema={"class_idx": pl.Int64, "row": pl.UInt32, "num": pl.UInt32})


def build_skill_levels(
    batch: Batch, conversations: Conversations, agents: AgentState, policy: Policy
) -> SkillLevels:
    """Levels of every agent in every skill that a conversation of the batch asks for."""
    found = conversations
    lists = (found.requirements, found.named, found.steps, found.first_steps)
    skills = pl.concat([rows["skill"] for rows in lists]).unique().sort()
    levels = proficiency_table(batch, agents.agents, skills)
    requirements, named, steps, first_steps = (
        rows.with_columns(pl.Series("skill_idx", places(rows["skill"], skills), dtype=pl.UInt32))
        for rows in lists
    )
    num_classes = len(found.classes)
    first_of, first_levels = _first_levels(first_steps, levels)
    groups = steps.drop("class_idx").unique()
    return SkillLevels(
        policy=policy,
        proficiency=levels,
        requirements=requirements,
        named=named,
        list_of=found.classes["named"].rank("dense").to_numpy().astype(np.int64) - 1,
        num_skills=_count(named, num_classes),
        num_first=_first_steps_of(first_of, "num", num_classes),
        first_of=_first_steps_of(first_of, "row", num_classes),
        first_levels=first_levels,
        group_of=steps.select("class_idx", "group").unique().sort("class_idx", "group"),
        group_met=steps_met(groups, levels),
    )


def _first_levels(steps: pl.DataFrame, levels: Levels) -> tuple[pl.DataFrame, Floats]:
    """(class_idx, row, num) of the classes with first steps, and the rows, (F, A)."""
    if steps.is_empty():
        return _NO_FIRST_STEPS, np.zeros((0, levels.shape[1]))
    of_class = (
        steps.select("class_idx", "group", "num")
        .unique()
        .sort("class_idx", "group")
        .group_by("class_idx", maintain_order=True)
        .agg(key=pl.format("{}:{}", "group", "num").str.join(","), num=pl.col("num").sum())
    )
    sets = of_class.group_by("key", maintain_order=True).agg(pl.col("class_idx").first())
    sets = sets.with_row_index("row")
    parts = steps.select("class_idx", "group", "num").unique().sort("class_idx", "group")
    parts = parts.join(sets.select("row", "class_idx"), on="class_idx", maintain_order="left")
    groups, by_group = _group_levels(steps, levels)
    rows = np.zeros((len(sets), levels.shape[1]))
    place = np.searchsorted(groups, parts["group"].to_numpy())
    times, row = parts["num"].to_numpy().astype(np.float64), parts["row"].to_numpy()
    for turn in turns(row):
        rows[row[turn]] += times[turn, None] * by_group[place[turn]]
    return of_class.join(sets.select("key", "row"), on="key").select(
        "class_idx", "row", "num"
    ), rows


def _group_levels(steps: pl.DataFrame, levels: Levels) -> tuple[Ints, Floats]:
    """The groups, sorted, and their levels: of the alternatives the best mean level, (G, A).

    Languages and `agent:` skills do not count; an alternative of nothing else is at the top.
    """
    kept = ~pl.col("skill").str.starts_with(LANGUAGE_PREFIX)
    kept &= ~pl.col("skill").str.starts_with(AGENT_PREFIX)
    rows = steps.select("group", "alternative", "skill", "skill_idx").unique()
    rows = rows.sort("group", "alternative", "skill").with_columns(
        row=pl.struct("group", "alternative").rle_id().cast(pl.Int64), counts=kept
    )
    alternatives = rows.group_by("row").agg(
        pl.col("group").first(), num=pl.col("counts").sum().cast(pl.Int64)
    )
    alternatives = alternatives.sort("row")
    counted = rows.filter("counts")
    total = np.zeros((len(alternatives), levels.shape[1]))
    known = np.maximum(levels[counted["skill_idx"].to_numpy()], 0).astype(np.float64)
    owner = counted["row"].to_numpy()
    for turn in turns(owner):
        total[owner[turn]] += known[turn]
    num = alternatives["num"].to_numpy()[:, None]
    mean = np.where(num > 0, total / np.maximum(num, 1), float(TOP_LEVEL))
    groups, group_of = np.unique(alternatives["group"].to_numpy(), return_inverse=True)
    best = np.zeros((len(groups), levels.shape[1]))
    for turn in turns(group_of):
        best[group_of[turn]] = np.maximum(best[group_of[turn]], mean[turn])
    return groups, best


def _count(rows: pl.DataFrame, num_classes: int) -> Ints:
    return np.bincount(rows["class_idx"].to_numpy(), minlength=num_classes).astype(np.int64)


def _first_steps_of(first_of: pl.DataFrame, column: str, num_classes: int) -> Ints:
    """The column as an array over all classes, 0 for those without first steps."""
    values = np.zeros(num_classes, dtype=np.int64)
    values[first_of["class_idx"].to_numpy()] = first_of[column].to_numpy()
    return values
