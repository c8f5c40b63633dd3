"""KPIs over visits to a queue, one definition for live tables and simulated ones.

A visit has `entered_at`, `answered_at`, `ended_at`, `outcome` (answered, abandoned, waiting) and
`target_answer_s`. Every ratio is None on an empty denominator.
"""

import polars as pl

SHORT_ABANDON_S = 5.0
"""Abandons within this time count neither for nor against anybody."""


def service_level(visits: pl.DataFrame) -> float | None:
    """Share answered within target: answered in time / (answered + abandoned after the target).

    The default variant: whoever left before the target passed is not counted.
    """
    wait = waits(visits)
    late = pl.col("wait_s") > pl.col("target_answer_s")
    answered = pl.col("outcome") == "answered"
    counted = wait.filter(answered | ((pl.col("outcome") == "abandoned") & late))
    return _mean(counted.select(answered & ~late))


def abandonment_rate(visits: pl.DataFrame) -> float | None:
    """Abandoned / (answered + abandoned), short abandons left out of both."""
    abandoned = pl.col("outcome") == "abandoned"
    ended = waits(visits).filter(
        (pl.col("outcome") == "answered") | (abandoned & (pl.col("wait_s") > SHORT_ABANDON_S))
    )
    return _mean(ended.select(abandoned))


def mean_answer_s(visits: pl.DataFrame) -> float | None:
    """Mean wait of answered contacts in seconds."""
    return _mean(waits(visits).filter(pl.col("outcome") == "answered").select("wait_s"))


def waits(visits: pl.DataFrame) -> pl.DataFrame:
    """Visits with `wait_s`: until answered, or until given up; null for those who still wait."""
    until = pl.when(pl.col("outcome") == "answered").then("answered_at").otherwise("ended_at")
    wait = (until - pl.col("entered_at")).dt.total_microseconds() / 1e6
    return visits.with_columns(wait_s=wait)


def _mean(column: pl.DataFrame) -> float | None:
    value = column.to_series().cast(pl.Float64).mean()
    return None if value is None else float(value)  # type: ignore[arg-type]
