"""What is predicted: service numbers of a month, of its call types and of its hours.

The same functions (`models/kpis.py`) count real and simulated visits.
"""

from collections.abc import Callable
from enum import StrEnum

import polars as pl

from models.kpis import abandonment_rate, mean_answer_s, service_level, waits
from scenarios.from_log.month import Month
from scenarios.lab.events import DAY_START

TARGET_S = 20.0
"""Wait within which an answer is in time."""
AT_ONCE_S = 0.5
"""The log has whole seconds; a wait of 0 means that the call never was in the queue."""
ENDED = ("answered", "abandoned")


class Measure(StrEnum):
    """Service numbers; shares are 0 to 1, waits are seconds."""

    CALLS = "calls a day"
    SERVICE_LEVEL = "service level"
    AT_ONCE = "answered at once"
    ANSWER_S = "wait of answered"
    WAIT_S = "wait of all"
    ABANDONED = "abandoned"


class Part(StrEnum):
    """Of what."""

    ALL = "all"
    TYPE = "type"
    HOUR = "hour"


def measured(visits: pl.DataFrame, num_days: int) -> pl.DataFrame:
    """Rows of part, key, measure, value (null where nothing was to be counted)."""
    hours = visits.with_columns(hour=pl.col("entered_at").dt.hour().cast(pl.String))
    groups = [(Part.ALL, "", visits)]
    groups += [(Part.TYPE, str(key), rows) for (key,), rows in hours.group_by("type")]
    groups += [(Part.HOUR, str(key), rows) for (key,), rows in hours.group_by("hour")]
    table = [
        (str(part), key, str(measure), count(rows, num_days))
        for part, key, rows in groups
        for measure, count in _COUNTS.items()
    ]
    schema = {"part": pl.String, "key": pl.String, "measure": pl.String, "value": pl.Float64}
    return pl.DataFrame(table, schema=schema, orient="row")


def real_visits(month: Month, types: tuple[str, ...]) -> pl.DataFrame:
    """What really happened, in the columns that KPIs count; types as in `types`."""
    entered = pl.lit(DAY_START) + pl.duration(microseconds=_micro("entered_s"))
    left = entered + pl.duration(microseconds=_micro("wait_s"))
    return month.calls.filter(pl.col("type").is_in(types)).select(
        "type",
        entered_at=entered,
        answered_at=pl.when(~pl.col("abandoned")).then(left),
        ended_at=left,
        outcome=pl.when("abandoned").then(pl.lit("abandoned")).otherwise(pl.lit("answered")),
        target_answer_s=pl.lit(TARGET_S),
    )


def _micro(column: str) -> pl.Expr:
    return (pl.col(column) * 1e6).round().cast(pl.Int64)


def _at_once(visits: pl.DataFrame, num_days: int) -> float | None:  # noqa: ARG001 - as its kin
    """Share of all visits that did not wait."""
    at_once = (pl.col("outcome") == "answered") & (pl.col("wait_s") < AT_ONCE_S)
    return _mean(waits(visits), at_once)


def _wait_s(visits: pl.DataFrame, num_days: int) -> float | None:  # noqa: ARG001 - as its kin
    """Mean wait of answered and abandoned visits."""
    return _mean(waits(visits).filter(pl.col("outcome").is_in(ENDED)), pl.col("wait_s"))


def _mean(rows: pl.DataFrame, value: pl.Expr) -> float | None:
    found = rows.select(value.cast(pl.Float64)).to_series().mean()
    return None if found is None else float(found)  # type: ignore[arg-type]


_COUNTS: dict[Measure, Callable[[pl.DataFrame, int], float | None]] = {
    Measure.CALLS: lambda visits, num_days: len(visits) / num_days,
    Measure.SERVICE_LEVEL: lambda visits, _: service_level(visits),
    Measure.AT_ONCE: _at_once,
    Measure.ANSWER_S: lambda visits, _: mean_answer_s(visits),
    Measure.WAIT_S: _wait_s,
    Measure.ABANDONED: lambda visits, _: abandonment_rate(visits),
}
