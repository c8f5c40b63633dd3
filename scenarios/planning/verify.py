"""Does a plan keep its promises on days that it was not made for? Shares with their intervals."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl
from scipy.stats import t as student

from scenarios.lab.centre import Floats, LabCentre
from scenarios.planning.service import Days, Measure, Scope, Service, Targets, simulate_service

CONFIDENCE = 0.95
DAY = -1
"""In the column `interval`: all of the day."""


class Verdict(StrEnum):
    """What fresh days say about one target."""

    MET = "met"
    """The share is on the right side of the target."""
    TOO_CLOSE = "too close to call"
    """It is on the wrong side, but the interval reaches the target."""
    MISSED = "missed"
    """The whole interval is on the wrong side."""


@dataclass(frozen=True, eq=False)
class Verification:
    """What fresh days say about a plan."""

    rows: pl.DataFrame
    """measure, contact_class, interval (DAY: all day), share, low, high, target, is_promised,
    verdict; promised rows decide, the others tell."""
    seeds: tuple[int, ...]
    """Of the days, none of which was used for planning."""

    @property
    def promised(self) -> pl.DataFrame:
        """Rows that decide."""
        return self.rows.filter("is_promised")

    @property
    def holds(self) -> bool:
        """Every promised row is met."""
        return bool((self.promised["verdict"] == Verdict.MET).all())


def verify(
    centre: LabCentre,
    days: Days,
    targets: Targets,
    policy: str,
    used: tuple[int, ...],
) -> Verification:
    """Simulate a staffed centre on days that planning has not `used`; ValueError if it has."""
    both = sorted(set(days.seeds) & set(used))
    if both:
        raise ValueError(
            f"verification: {len(both)} seeds were used for planning, first {both[0]}; expected"
            " none: choose others"
        )
    service = simulate_service(centre, days, policy)
    return Verification(judge(centre, service, targets), days.seeds)


def judge(centre: LabCentre, service: Service, targets: Targets) -> pl.DataFrame:
    """The rows of a `Verification`: every class with a target, by day and by interval."""
    names = centre.classes.names
    level = (Measure.SERVICE_LEVEL, service.in_time, service.counted, targets.service_level)
    gone = (Measure.ABANDONMENT, service.abandoned, service.ended, targets.abandonment)
    frames = []
    for measure, part, whole, wanted in (level, gone):
        for scope in Scope:
            parts, wholes = _by_scope(part, scope), _by_scope(whole, scope)
            share, half = ratio(parts, wholes)
            frames.append(
                _frame(names, measure, share, half, wanted, scope, scope == targets.scope)
            )
    return pl.concat(frames).sort(
        "measure", "contact_class", "interval", descending=[True, False, False]
    )


def ratio(parts: Floats, wholes: Floats) -> tuple[Floats, Floats]:
    """Sum of parts / sum of wholes over D days (axis 0), and half the width of its interval.

    The usual ratio estimator: the variance of `part - share * whole` over days, Student's t with
    D - 1 degrees. Not a number where nothing was counted.
    """
    days = len(parts)
    total = wholes.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = parts.sum(axis=0) / total
        rest = parts - share * wholes
        spread = np.sqrt((rest**2).sum(axis=0) * days / max(days - 1, 1)) / total
    width = float(student.ppf((1 + CONFIDENCE) / 2, days - 1)) if days > 1 else np.inf
    return share, np.asarray(width * spread)


def _by_scope(counts: Floats, scope: Scope) -> Floats:
    return counts.sum(axis=2, keepdims=True) if scope == Scope.DAY else counts


def _frame(
    names: tuple[str, ...],
    measure: Measure,
    share: Floats,
    half: Floats,
    wanted: Floats,
    scope: Scope,
    is_promised: bool,
) -> pl.DataFrame:
    kind, interval = (index.ravel() for index in np.indices(share.shape))
    sign = 1 if measure == Measure.SERVICE_LEVEL else -1
    better = sign * (pl.col("share") - pl.col("target"))
    reach = pl.col("high") - pl.col("share")
    return (
        pl.DataFrame(
            {
                "measure": [measure.value] * share.size,
                "contact_class": pl.Series(names).gather(kind),
                "interval": interval if scope == Scope.INTERVAL else interval + DAY,
                "share": share.ravel(),
                "low": (share - half).ravel(),
                "high": (share + half).ravel(),
                "target": wanted[kind],
                "is_promised": [is_promised] * share.size,
            }
        )
        .filter(~pl.col("target").is_nan() & ~pl.col("share").is_nan())
        .with_columns(
            verdict=pl.when(better >= 0)
            .then(pl.lit(Verdict.MET.value))
            .when(better >= -reach)
            .then(pl.lit(Verdict.TOO_CLOSE.value))
            .otherwise(pl.lit(Verdict.MISSED.value))
        )
    )
