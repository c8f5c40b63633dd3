"""Paired differences of a study: the same days with and without a change, with 95 % intervals.

Both sides of a pair meet the same customers, so most of the noise of a day cancels. Intervals are
Student's t over days. A difference is called clear if Holm's correction over all differences of
the same measure and kind leaves its p-value below 5 % (`methods.md` 8.2).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import polars as pl
from scipy import stats

from scenarios.lab.centre import Floats
from scenarios.study.spec import Study

CONFIDENCE = 0.95


class Kind(StrEnum):
    """What differs between the two sides of a pair."""

    CHANGE = "change"
    """The override, under the same policy."""
    POLICY = "policy"
    """The policy, under the same override."""


class Measure(StrEnum):
    """Columns of `runs` that are compared."""

    VALUE = "value"
    CAPTURED = "captured"
    SERVICE_LEVEL = "service_level"
    ABANDONMENT = "abandonment_rate"
    MEAN_ANSWER_S = "mean_answer_s"
    OCCUPANCY = "occupancy"


@dataclass(frozen=True)
class Interval:
    """A mean and the half-width of its 95 % interval; nan from a single day."""

    mean: float
    half_width: float


@dataclass(frozen=True)
class Difference:
    """One paired difference, over the days that both sides have."""

    kind: Kind
    override: str
    policy: str
    against: str
    """The other override, or the other policy."""
    measure: Measure
    num_days: int
    before: float
    """Mean of the baseline."""
    after: float
    difference: Interval
    relative: Interval
    """Share of the baseline's mean."""
    p_value: float
    """Two-sided, of no difference, corrected for their number (Holm)."""

    @property
    def is_clear(self) -> bool:
        """Not to be explained by luck."""
        return self.p_value < 1 - CONFIDENCE


def mean_interval(values: Floats) -> Interval:
    """Student's t interval of the mean of a sample."""
    number = len(values)
    if number < 2:
        return Interval(float(values.mean()) if number else np.nan, np.nan)
    t = stats.t.ppf((1 + CONFIDENCE) / 2, number - 1)
    return Interval(float(values.mean()), float(t * values.std(ddof=1) / np.sqrt(number)))


def mean_of(column: pl.Series) -> float | None:
    """Mean of the values that there are; None without any."""
    values = column.drop_nulls().to_numpy()
    return float(values.mean()) if len(values) else None


def compare(study: Study, runs: pl.DataFrame) -> list[Difference]:
    """All differences to what each override and policy is compared with, in the study's order."""
    found = []
    for measure in Measure:
        if measure not in runs.columns:
            continue
        sides = _Sides(runs, measure)
        changes = [
            _difference(Kind.CHANGE, (one.name, policy), sides, (study.against(one), policy))
            for one in study.overrides
            if one.name != study.against(one)
            for policy in study.policies
        ]
        policies = [
            _difference(Kind.POLICY, (one.name, policy), sides, (one.name, study.baseline_policy))
            for one in study.overrides
            for policy in study.policies
            if policy != study.baseline_policy
        ]
        found += _holm([one for one in changes if one]) + _holm([one for one in policies if one])
    return found


def difference_table(differences: list[Difference]) -> pl.DataFrame:
    """A row per difference, for programs."""
    return pl.DataFrame(
        [
            {
                "kind": str(one.kind),
                "override": one.override,
                "policy": one.policy,
                "against": one.against,
                "measure": str(one.measure),
                "num_days": one.num_days,
                "before": one.before,
                "after": one.after,
                "difference": one.difference.mean,
                "half_width": one.difference.half_width,
                "relative": one.relative.mean,
                "relative_half_width": one.relative.half_width,
                "p_value": one.p_value,
                "is_clear": one.is_clear,
            }
            for one in differences
        ]
    )


class _Sides:
    """The days of every override and policy, for one measure."""

    def __init__(self, runs: pl.DataFrame, measure: Measure) -> None:
        self.measure = measure
        days = runs.select("override", "policy", "day", pl.col(str(measure))).drop_nulls()
        self.of = {
            (str(override), str(policy)): part
            for (override, policy), part in days.partition_by(
                "override", "policy", as_dict=True
            ).items()
        }

    def pair(self, one: tuple[str, str], other: tuple[str, str]) -> tuple[Floats, Floats]:
        """The values of the days that both have, in the same order."""
        if one not in self.of or other not in self.of:
            return np.zeros(0), np.zeros(0)
        both = self.of[one].join(self.of[other], on="day", suffix="_other").sort("day")
        name = str(self.measure)
        return both[name].to_numpy(), both[f"{name}_other"].to_numpy()


def _difference(
    kind: Kind, name: tuple[str, str], sides: _Sides, baseline: tuple[str, str]
) -> Difference | None:
    """The paired difference; None where no day has both sides."""
    after, before = sides.pair(name, baseline)
    if len(after) == 0:
        return None
    difference = mean_interval(after - before)
    base = float(before.mean())
    # Ratio of means; its spread is that of the residuals (delta method).
    ratio = difference.mean / base if base else np.nan
    spread = mean_interval(after - before - ratio * before).half_width
    return Difference(
        kind=kind,
        override=name[0],
        policy=name[1],
        against=baseline[0] if kind is Kind.CHANGE else baseline[1],
        measure=sides.measure,
        num_days=len(after),
        before=base,
        after=float(after.mean()),
        difference=difference,
        relative=Interval(ratio, spread / abs(base) if base else np.nan),
        p_value=_p_value(difference, len(after)),
    )


def _p_value(difference: Interval, number: int) -> float:
    """Two-sided, of a mean of 0."""
    if number < 2:
        return 1.0
    if difference.half_width == 0:
        return 0.0 if difference.mean else 1.0
    scale = difference.half_width / stats.t.ppf((1 + CONFIDENCE) / 2, number - 1)
    return float(2 * stats.t.sf(abs(difference.mean) / scale, number - 1))


def _holm(found: list[Difference]) -> list[Difference]:
    """The differences with p-values as if the best of so many had not been picked (Holm 1979)."""
    order = sorted(range(len(found)), key=lambda place: found[place].p_value)
    corrected, so_far = list(found), 0.0
    for rank, place in enumerate(order):
        so_far = max(so_far, min(1.0, (len(found) - rank) * found[place].p_value))
        corrected[place] = replace(found[place], p_value=so_far)
    return corrected
