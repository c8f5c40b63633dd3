"""The next month, predicted: with what one knows before it, and with more and more of the truth.

Every replication is a whole month. Days of the known month are resampled for it (per weekday,
with replacement), so that the spread of replications holds both chance and what a month's data
leave open.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl
from scipy import stats

from scenarios.from_log.fit import Fit, refitted
from scenarios.from_log.measures import Part, measured, real_visits
from scenarios.from_log.month import WEEKDAYS, Month, resampled
from scenarios.from_log.presence import fit_presence
from scenarios.from_log.simulated import Calls, Roster, calls_of, roster_of, simulate_day
from scenarios.study.errors import check

CONFIDENCE = 0.95
MOST_DAYS = 1000
"""Seeds of a replication are so far apart."""


class Variant(StrEnum):
    """What is taken from the month that is predicted; all else is from the month before."""

    FORECAST = "forecast"
    """Nothing but its calendar."""
    HEADS = "its heads"
    """Who was there, and when."""
    CALLS = "its heads and calls"
    """And when which calls came."""
    AGAIN = "the known month again"
    """The known month with its own heads and calls: how well the model tells what it has seen."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """R replications beside what happened."""

    fit: Fit
    month: Month
    """The month that was predicted."""
    replications: pl.DataFrame
    """variant, replication, part, key, measure, value."""
    summary: pl.DataFrame
    """variant, part, key, measure, predicted, low, high (of a prediction interval), real, error
    (predicted - real)."""


def predict(
    fit: Fit, month: Month, replications: int, seed: int, done: Callable[[], None]
) -> Prediction:
    """The month predicted from the fit; `done` is told of every simulated month.

    Raises StudyError when the month has a weekday that the fitted month lacks.
    """
    missing = sorted(set(month.weekday.tolist()) - set(fit.month.weekday.tolist()))
    check(
        not missing,
        f"{fit.month.name} has no {', '.join(WEEKDAYS[day] for day in missing)}",
        f"every weekday of {month.name}",
    )
    check(replications > 1, f"{replications} replications", "at least 2")
    own = fit_presence(month, fit.types, fit.agents)
    rosters = [roster_of(own, day, fit.absence_share) for day in range(len(month.days))]
    calls = [calls_of(month, fit.types, day) for day in range(len(month.days))]
    rosters_known = [
        roster_of(fit.presence, day, fit.absence_share) for day in range(len(fit.month.days))
    ]
    again = Known(
        fit.month,
        rosters_known,
        [calls_of(fit.month, fit.types, day) for day in range(len(fit.month.days))],
    )
    parts = []
    for replication in range(replications):
        rng = np.random.default_rng([seed, replication])
        known = refitted(fit, resampled(fit.month, rng))
        past = [rosters_known[day] for day in _same_weekday(fit.month, month, rng)]
        first = seed + replication * MOST_DAYS
        for variant, truth in (
            (Variant.FORECAST, Known(month, past, None)),
            (Variant.HEADS, Known(month, rosters, None)),
            (Variant.CALLS, Known(month, rosters, calls)),
            (Variant.AGAIN, again),
        ):
            rows = measured(_simulated(known, truth, first), len(truth.month.days))
            parts.append(
                rows.select(
                    pl.lit(str(variant)).alias("variant"),
                    pl.lit(replication).alias("replication"),
                    pl.all(),
                )
            )
            done()
    table = pl.concat(parts)
    return Prediction(fit, month, table, _summary(table, fit, month))


@dataclass(frozen=True, eq=False)
class Known:
    """A month's days with rosters, and with calls where they are known."""

    month: Month
    rosters: list[Roster]
    calls: list[Calls] | None


def _simulated(fit: Fit, known: Known, first_seed: int) -> pl.DataFrame:
    return pl.concat(
        simulate_day(
            fit,
            roster,
            int(known.month.weekday[day]),
            first_seed + day,
            None if known.calls is None else known.calls[day],
        )
        for day, roster in enumerate(known.rosters)
    )


def _same_weekday(past: Month, month: Month, rng: np.random.Generator) -> list[int]:
    """For every day of the month, some day of the past month that was the same weekday."""
    return [int(rng.choice(np.flatnonzero(past.weekday == day))) for day in month.weekday]


def _summary(table: pl.DataFrame, fit: Fit, month: Month) -> pl.DataFrame:
    real = pl.concat(
        measured(real_visits(one, fit.types), len(one.days)).with_columns(
            is_again=pl.lit(one is fit.month)
        )
        for one in (month, fit.month)
    )
    keys = ["part", "key", "measure"]
    number = table["replication"].n_unique()
    # Of one more month like these (Student), not of their mean.
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, number - 1)) * (1 + 1 / number) ** 0.5
    spread = reach * pl.col("value").std()
    found = table.group_by("variant", *keys, maintain_order=True).agg(
        predicted=pl.col("value").mean(),
        low=pl.col("value").mean() - spread,
        high=pl.col("value").mean() + spread,
    )
    joined = found.with_columns(is_again=pl.col("variant") == str(Variant.AGAIN)).join(
        real.rename({"value": "real"}), on=[*keys, "is_again"], how="left", maintain_order="left"
    )
    return joined.drop("is_again").with_columns(error=pl.col("predicted") - pl.col("real"))


def of_month(summary: pl.DataFrame, variant: Variant) -> pl.DataFrame:
    """The rows of the whole month of one variant."""
    return summary.filter(variant=str(variant), part=str(Part.ALL))
