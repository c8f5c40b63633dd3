"""The tables beside the report, tidy Parquet."""

from pathlib import Path

import numpy as np
import polars as pl

from scenarios.from_log.arrivals import INTERVAL_S
from scenarios.from_log.fit import Fit
from scenarios.from_log.month import WEEKDAYS, Month
from scenarios.from_log.predict import Prediction
from scenarios.from_log.presence import fit_presence, heads
from scenarios.lab.centre import Floats


def write_tables(folder: Path, found: Prediction) -> None:
    """summary, replications, patience, heads and routing, each a Parquet file."""
    for name, table in (
        ("summary", found.summary),
        ("replications", found.replications),
        ("patience", patience_table(found.fit)),
        ("heads", heads_table(found)),
        ("routing", routing_table(found.fit)),
    ):
        table.write_parquet(folder / f"{name}.parquet")


def patience_table(fit: Fit) -> pl.DataFrame:
    """contact_class, at_s, survives (Kaplan-Meier) and exponential, a row per event's instant."""
    parts = [
        pl.DataFrame(
            {
                "contact_class": [name] * len(curve.at_s),
                "at_s": curve.at_s,
                "survives": curve.survives,
                "exponential": curve.exponential_after(curve.at_s),
            },
            schema_overrides={"contact_class": pl.String},
        )
        for name, curve in zip(fit.segments.names, fit.patience, strict=True)
    ]
    return pl.concat(parts)


def heads_table(found: Prediction) -> pl.DataFrame:
    """month, weekday, from_s, heads: agents there and not away, mean over days of that weekday."""
    own = fit_presence(found.month, found.fit.types, found.fit.agents)
    return pl.concat(
        _heads(month, heads(presence, len(month.days), INTERVAL_S))
        for month, presence in ((found.fit.month, found.fit.presence), (found.month, own))
    )


def routing_table(fit: Fit) -> pl.DataFrame:
    """day, first_come: share of decisions between priorities that were in order of entry."""
    return pl.DataFrame({"day": fit.month.days, "first_come": fit.rule.first_come_by_day})


def _heads(month: Month, there: Floats) -> pl.DataFrame:
    intervals = there.shape[1]
    return pl.concat(
        pl.DataFrame(
            {
                "month": [month.name] * intervals,
                "weekday": [WEEKDAYS[weekday]] * intervals,
                "from_s": np.arange(intervals) * INTERVAL_S,
                "heads": there[month.weekday == weekday].mean(axis=0),
            }
        )
        for weekday in np.unique(month.weekday).tolist()
    )
