"""What is told about one run: a row for the day, rows by class and by interval of entry.

KPIs are those of `models/kpis.py`, money that of `scenarios/lab/value.py`.
"""

from dataclasses import dataclass

import polars as pl

from models import kpis
from scenarios.lab.centre import LabCentre
from scenarios.lab.events import DAY_START, Events
from scenarios.lab.value import value_by_class, value_of

SERVICE = {
    "contacts": pl.Int64,
    "service_level": pl.Float64,
    "abandonment_rate": pl.Float64,
    "mean_answer_s": pl.Float64,
}
"""Columns that days, classes and intervals have in common."""


@dataclass(frozen=True, eq=False)
class Measures:
    """The tables of one run."""

    run: pl.DataFrame
    """One row: value, resolved, waiting, lost, SERVICE, mean_handle_s, occupancy."""
    by_class: pl.DataFrame
    """A row per class: contact_class, name, channel, value, resolved, waiting, lost, SERVICE."""
    by_interval: pl.DataFrame
    """A row per interval of entry: interval, from_s, SERVICE."""


def measure(centre: LabCentre, events: Events) -> Measures:
    """Everything that is kept of a run."""
    money = value_of(centre, events)
    run = pl.DataFrame(
        {
            "value": [money.total],
            "resolved": [money.resolved],
            "waiting": [money.waiting],
            "lost": [money.lost],
            "mean_handle_s": pl.Series([kpis.mean_handle_s(events.handling)], dtype=pl.Float64),
            "occupancy": pl.Series(
                [kpis.occupancy(events.handling, events.agent_state)], dtype=pl.Float64
            ),
        }
    )
    return Measures(
        run=run.hstack(_service([events.visit])),
        by_class=_by_class(centre, events),
        by_interval=_by_interval(centre, events),
    )


def _by_class(centre: LabCentre, events: Events) -> pl.DataFrame:
    number = centre.num_classes
    parts = _parts(events.visit, pl.col("contact_class"), number)
    frame = pl.DataFrame(
        {
            "contact_class": range(number),
            "name": centre.classes.names,
            "channel": pl.Series(["voice", "chat", "email"])[centre.classes.channel],
        }
    )
    money = value_by_class(centre, events).with_columns(
        value=pl.col("resolved") - pl.col("waiting") - pl.col("lost")
    )
    joined = frame.join(money, on="contact_class", how="left", maintain_order="left")
    return joined.with_columns(
        pl.col("value", "resolved", "waiting", "lost").fill_null(0.0)
    ).hstack(_service(parts))


def _by_interval(centre: LabCentre, events: Events) -> pl.DataFrame:
    number = centre.num_intervals
    second = (pl.col("entered_at") - DAY_START).dt.total_microseconds() / 1e6
    # Who comes back after the last arrivals belongs to the last interval.
    interval = (second / centre.interval_s).floor().cast(pl.Int64).clip(upper_bound=number - 1)
    parts = _parts(events.visit, interval, number)
    frame = pl.DataFrame({"interval": range(number)}).with_columns(
        from_s=pl.col("interval") * centre.interval_s
    )
    return frame.hstack(_service(parts))


def _parts(visit: pl.DataFrame, key: pl.Expr, number: int) -> list[pl.DataFrame]:
    """The visits of each key 0, 1, ..., of which some have none."""
    keyed = visit.with_columns(key=key)
    found = keyed.partition_by("key", as_dict=True)
    return [found.get((place,), keyed.clear()) for place in range(number)]


def _service(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """A row of SERVICE for each part."""
    rows = [
        (
            part.height,
            kpis.service_level(part),
            kpis.abandonment_rate(part),
            kpis.mean_answer_s(part),
        )
        for part in parts
    ]
    return pl.DataFrame(rows, schema=SERVICE, orient="row")
