"""Section 1 of `docs/model.md`, written a second time: requirements that change with the wait."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.centre import Centre
from models.recount.clocks import NEVER
from models.recount.numbers import (
    Bools,
    Floats,
    Ints,
    all_of,
    class_of,
    first_of_runs,
    instant,
    ints,
    list_class,
)
from models.recount.skills import LANGUAGE, Skills, Stages, build_skills, build_stages
from models.tables import Importance

LEVELS = 3
"""Rows of low, medium and high importance are dropped at the first, second and third level."""

LASTS = {
    Importance.LOW: 0,
    Importance.MEDIUM: 1,
    Importance.HIGH: 2,
    Importance.REQUIRED: LEVELS,
}
"""The last level at which a row is insisted on."""


@dataclass(frozen=True, eq=False)
class Requirements:
    """What C conversations ask for now; frames are sorted."""

    skills: Skills
    stages: Stages
    needs: pl.DataFrame
    """(conversation, skill, level): every requirement once, at its highest level"""
    steps: pl.DataFrame
    """(conversation, stage): the distinct current steps of the members"""
    named: pl.DataFrame
    """(conversation, skill): no languages"""
    first_steps: pl.DataFrame
    """(conversation, stage): the first step of each member that has one"""
    step: Ints
    """(C,)"""
    relaxes_at: Ints
    """(C,) NEVER where nothing changes any more"""

    def sets(self, num_conversations: int) -> Ints:
        """(C,) equal where requirement, current steps, named skills and first steps are."""
        level = ints(self.needs["level"])
        return class_of(
            _lists(self.needs, 1_000 * self.skills.at(self.needs) + level, num_conversations),
            _lists(self.named, self.skills.at(self.named), num_conversations),
            _lists(self.steps, ints(self.steps["stage"]), num_conversations),
            _lists(self.first_steps, ints(self.first_steps["stage"]), num_conversations),
        )


@dataclass(frozen=True, eq=False)
class _Reach:
    """Who is there for the M members."""

    of_member: Ints
    """(M,) row of `there`"""
    there: Bools
    """(channels and queues, A)"""


@dataclass(frozen=True, eq=False)
class _Levels:
    """The short form of the M members: how far each has come."""

    level: Ints
    """(M,)"""
    relaxes_at: Ints
    """(M,)"""


@dataclass(frozen=True, eq=False)
class _Places:
    """Where the M members are in their steps."""

    place: Ints
    """(M,) 0 for who has no steps, their number after the last"""
    relaxes_at: Ints
    """(M,)"""
    now: pl.DataFrame
    """(member, stage) current steps"""
    first: pl.DataFrame
    """(member, stage)"""


def build_requirements(centre: Centre, members: pl.DataFrame) -> Requirements:
    """From the members, in order: `conversation`, `queue`, `language`, `routed_at`, `relax_s`."""
    batch, of = centre.batch, ints(members["conversation"])
    place = members.select("contact_id", "conversation").with_row_index("member")
    rows = _short_form(batch, place)
    spoken = _spoken(centre.policy, members)
    steps = batch.contact_steps.join(place, on="contact_id").rename({"min_proficiency": "level"})
    asked = pl.concat([rows["skill"], spoken["skill"], steps["skill"]])
    skills = build_skills(batch, centre.agents, asked)
    times, within = _Times(centre, members), _within_reach(centre, members)
    short = _levels(members, times, rows, skills, within)
    step_rows, sequence = _sequences(steps, skills)
    stages = build_stages(skills, step_rows, int(ints(sequence["stage"]).max(initial=0)) + 1)
    places = _places(times, sequence, _somebody_holds(stages, sequence, within))
    insisted = rows.filter(
        pl.col("lasts") >= pl.Series(short.level[ints(rows["member"])], dtype=pl.Int64)
    )
    needs = pl.concat([insisted.select(spoken.columns), spoken])
    start = first_of_runs(of)
    named = rows.filter(~pl.col("skill").str.starts_with(LANGUAGE))
    return Requirements(
        skills=skills,
        stages=stages,
        needs=needs.group_by("conversation", "skill")
        .agg(pl.col("level").max())
        .sort("conversation", "skill"),
        steps=_of_conversations(places.now, of).unique().sort("conversation", "stage"),
        named=named.select("conversation", "skill").unique().sort("conversation", "skill"),
        first_steps=_of_conversations(places.first, of).sort("conversation", "stage"),
        step=np.maximum.reduceat(np.maximum(short.level, places.place), start),
        relaxes_at=np.minimum.reduceat(np.minimum(short.relaxes_at, places.relaxes_at), start),
    )


def _within_reach(centre: Centre, members: pl.DataFrame) -> _Reach:
    channel, queue = ints(members["channel_at"]), ints(members["queue"])
    of_member = class_of(channel, queue)
    example = np.unique(of_member, return_index=True)[1]
    serves = (centre.agents.max_items >= 1).T[channel[example]]
    return _Reach(of_member, centre.agents.there & serves & centre.overflow.reach[queue[example]])


def _somebody_holds(stages: Stages, sequence: pl.DataFrame, within: _Reach) -> Bools:
    """(rows of the sequence,) whether a step holds for one of those there, or nobody is there."""
    stage, where = ints(sequence["stage"]), within.of_member[ints(sequence["member"])]
    kind = class_of(stage, where)
    example = np.unique(kind, return_index=True)[1]
    there = within.there[where[example]]
    somebody: Bools = np.logical_or.reduce(stages.held[stage[example]] & there, axis=1)
    return (somebody | ~there.any(axis=1))[kind]


def _short_form(batch: Batch, place: pl.DataFrame) -> pl.DataFrame:
    """(member, conversation, skill, level, lasts) of all rows of `contact_skills`, sorted."""
    lasts = pl.col("importance").replace_strict(
        {importance.value: last for importance, last in LASTS.items()},
        default=LEVELS,
        return_dtype=pl.Int64,
    )
    return (
        batch.contact_skills.join(place, on="contact_id")
        .select("member", "conversation", "skill", level="min_proficiency", lasts=lasts)
        .sort("member", "skill")
    )


def _spoken(policy: Policy, members: pl.DataFrame) -> pl.DataFrame:
    return members.filter(pl.col("language").is_not_null()).select(
        "conversation",
        skill=LANGUAGE + pl.col("language"),
        level=pl.lit(policy.min_language_proficiency, pl.Int64),
    )


class _Times:
    """How old the requirements of the M members are, by their clocks."""

    def __init__(self, centre: Centre, members: pl.DataFrame) -> None:
        self._clocks, self._timed_by = centre.clocks, ints(members["timed_by"])
        self._begun = ints(members["routed_at"])
        self.age: Floats = self._clocks.elapsed(
            self._timed_by, self._begun, np.full(len(members), instant(centre.batch.now))
        )

    def at(self, member: Ints, age: Floats) -> Ints:
        """When members reach an age."""
        return self._clocks.reached(self._timed_by[member], self._begun[member], age)


def _levels(
    members: pl.DataFrame, times: _Times, rows: pl.DataFrame, skills: Skills, within: _Reach
) -> _Levels:
    relax_s = members["relax_s"].to_numpy()
    member, lasts = ints(rows["member"]), ints(rows["lasts"])
    at, least = skills.at(rows), ints(rows["level"])
    # Members with the same rows, of the same channel and queue, are asked after once.
    asking = np.isin(np.arange(len(members)), member)
    kind = class_of(
        list_class(member, class_of(at, least, lasts), len(members)),
        np.where(asking, within.of_member, -1),
    )
    example = np.unique(kind, return_index=True)[1]
    there = within.there[within.of_member[example]]
    mine = np.flatnonzero(np.isin(member, example))
    of_row = kind[member[mine]]
    mine, of_row = mine[np.argsort(of_row, kind="stable")], np.sort(of_row)
    has = skills.level[at[mine]] >= least[mine][:, None]
    drops = np.zeros((len(example), LEVELS + 1), dtype=bool)
    drops[of_row, lasts[mine]] = True
    timely = np.minimum(LEVELS, np.floor(times.age / relax_s)).astype(np.int64)
    level = np.where(drops[kind, :LEVELS].any(axis=1), timely, 0)
    level[~np.logical_or.reduce(drops[:, :LEVELS], axis=1)[kind]] = 0
    relaxes = np.full(len(level), NEVER)
    for now in range(LEVELS):
        insisted = lasts[mine] >= now
        met = all_of(has[insisted], of_row[insisted], len(example)) & there
        following = now + 1 + np.argmax(drops[:, now:], axis=1)  # the next that drops a row
        relaxable = np.logical_or.reduce(drops[:, now:LEVELS], axis=1)
        leaps = (level == now) & (relaxable & ~met.any(axis=1) & there.any(axis=1))[kind]
        level[leaps] = following[kind[leaps]]
    for now in reversed(range(LEVELS)):
        due = times.at(np.arange(len(level)), (now + 1) * relax_s)
        relaxes = np.where((level <= now) & drops[kind, now], due, relaxes)
    return _Levels(level, relaxes)


def _sequences(steps: pl.DataFrame, skills: Skills) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Distinct steps (stage, alternative, skill, level), and (member, step, stage, lasts_s,
    ends_s, place) of every step of every member.
    """
    rows = steps.with_columns(at=pl.Series(skills.at(steps))).sort(
        "member", "step", "alternative", "skill"
    )
    rows = rows.with_columns(one=pl.struct("member", "step").rle_id())
    one = ints(rows["one"])
    num = int(one.max(initial=-1)) + 1
    code = class_of(ints(rows["alternative"]), ints(rows["at"]), ints(rows["level"]))
    order = np.lexsort((code, one))
    stage = list_class(one[order], code[order], num) if num else one
    example = np.unique(stage, return_index=True)[1]
    distinct = rows.filter(pl.col("one").is_in(example)).with_columns(
        stage=pl.col("one").replace_strict(example, stage[example], return_dtype=pl.Int64)
    )
    sequence = (
        rows.group_by("member", "step", maintain_order=True)
        .agg(lasts_s=pl.col("expires_s").max().fill_null(np.inf))
        .with_columns(
            stage=pl.Series(stage, dtype=pl.Int64),
            ends_s=pl.col("lasts_s").cum_sum().over("member"),
            place=pl.int_range(pl.len()).over("member"),
        )
    )
    return distinct.select("stage", "alternative", "skill", "level"), sequence


def _places(times: _Times, sequence: pl.DataFrame, held: Bools) -> _Places:
    """`held` says of every row of the sequence whether somebody can take the step."""
    age, size = pl.Series(times.age), len(times.age)
    somebody = pl.Series(held, dtype=pl.Boolean)
    left = sequence.filter(
        (pl.col("ends_s") > age.gather(sequence["member"]))
        & (somebody | pl.col("lasts_s").is_infinite())
    )
    now = left.unique("member", keep="first", maintain_order=True)
    place = np.zeros(size, dtype=np.int64)
    counts = sequence.group_by("member").len()
    place[ints(counts["member"])] = ints(counts["len"])
    place[ints(now["member"])] = ints(now["place"])
    relaxes = np.full(size, NEVER)
    ending = now.filter(pl.col("ends_s").is_finite())
    member = ints(ending["member"])
    relaxes[member] = times.at(member, ending["ends_s"].to_numpy())
    first = sequence.filter(pl.col("place") == 0)
    return _Places(place, relaxes, now.select("member", "stage"), first.select("member", "stage"))


def _of_conversations(rows: pl.DataFrame, of_member: Ints) -> pl.DataFrame:
    conversation = pl.Series(of_member[ints(rows["member"])], dtype=pl.Int64)
    return rows.select("stage", conversation=conversation)


def _lists(rows: pl.DataFrame, code: Ints, num_conversations: int) -> Ints:
    owner = ints(rows["conversation"])
    order = np.lexsort((code, owner))
    return list_class(owner[order], code[order], num_conversations)
