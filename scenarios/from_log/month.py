"""One month of the log as calls per local day, in seconds since that day's midnight.

Calls that somebody without a name answered (`NO_SERVER`, mostly of a few seconds) are left out:
they kept no agent of the log busy. Phantom calls and those that ended in the voice menu are left
out by the importer.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from data_io.imports.anonymous_bank_log import ZONE, read_calls, stints
from scenarios.lab.centre import Ints
from scenarios.study.errors import StudyError

DAY_S = 86_400
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, eq=False)
class Month:
    """D days of a log; `day` is a position in `days`."""

    name: str
    days: tuple[date, ...]
    """Days with calls, ascending."""
    calls: pl.DataFrame
    """A row per call that asked for an agent: day, type, priority (null where it was answered at
    once, since the log looks customers up only when they wait), entered_s, wait_s, waited (was in
    the queue), abandoned, service_s and agent_id (null where nobody served)."""
    stints: pl.DataFrame
    """A row per stretch of work: agent_id, day, from_s, until_s (first to last call)."""

    @property
    def weekday(self) -> Ints:
        """(D,) 0 Monday to 6 Sunday."""
        return np.array([day.weekday() for day in self.days])


def read_month(path: Path) -> Month:
    """The month of that file; raises UnreadableLogError, or StudyError where no call is left."""
    calls = read_calls(path)
    local = _dates_of(path)
    entry = pl.col("entered_at").dt.convert_time_zone(ZONE)
    calls = calls.filter(entry.dt.date().is_in(local))
    if calls.is_empty():
        raise StudyError(f"{path}: no call asked for an agent; expected a month's log: mend it")
    days = calls.select(entry.dt.date().unique().sort()).to_series().to_list()
    counted = calls.filter(pl.col("abandoned") | pl.col("agent_id").is_not_null())
    return Month(
        name=path.stem.capitalize(),
        days=tuple(days),
        calls=_in_seconds(_on_day(counted, "entered_at", days)),
        stints=_in_day(_on_day(stints(calls), "shift_start_at", days)),
    )


def resampled(month: Month, rng: np.random.Generator) -> Month:
    """As many days of every weekday, drawn with replacement from the month's: a bootstrap."""
    weekday = month.weekday
    drawn = np.concatenate(
        [
            rng.choice(np.flatnonzero(weekday == one), (weekday == one).sum())
            for one in np.unique(weekday)
        ]
    )
    again = pl.DataFrame({"old": drawn, "day": np.arange(len(drawn))})

    def renumbered(frame: pl.DataFrame) -> pl.DataFrame:
        rows = frame.rename({"day": "old"})
        return rows.join(again, on="old", maintain_order="right_left").drop("old")

    days = tuple(month.days[old] for old in drawn)
    return Month(month.name, days, renumbered(month.calls), renumbered(month.stints))


def _dates_of(path: Path) -> list[date]:
    """Dates that the file itself names: the importer reads the months beside it, too."""
    dates = pl.read_csv(path, separator="\t", columns=["date"], infer_schema=False)["date"]
    return dates.unique().str.to_date("%y%m%d").to_list()


def _on_day(rows: pl.DataFrame, instant: str, days: list[date]) -> pl.DataFrame:
    """The rows with `day` and its `midnight` added; those of no day are left out."""
    midnight = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone(ZONE)
    known = pl.DataFrame({"date": days}).with_columns(
        day=pl.int_range(pl.len()), midnight=midnight.dt.convert_time_zone("UTC")
    )
    local = pl.col(instant).dt.convert_time_zone(ZONE).dt.date()
    return rows.with_columns(date=local).join(known, on="date", maintain_order="left")


def _in_seconds(calls: pl.DataFrame) -> pl.DataFrame:
    waited = pl.col("left_queue_at").is_not_null()
    wait_s = _seconds("entered_at", "left_queue_at").clip(lower_bound=0)
    return calls.select(
        "day",
        "type",
        priority=pl.when(waited).then("priority"),
        entered_s=_seconds("midnight", "entered_at"),
        wait_s=pl.when(waited).then(wait_s).otherwise(0.0),
        waited=waited,
        abandoned="abandoned",
        service_s=_seconds("served_at", "done_at"),
        agent_id="agent_id",
    ).sort("day", "entered_s", maintain_order=True)


def _in_day(found: pl.DataFrame) -> pl.DataFrame:
    return found.select(
        "agent_id",
        "day",
        from_s=_seconds("midnight", "shift_start_at"),
        until_s=_seconds("midnight", "shift_end_at"),
    ).sort("day", "agent_id", "from_s")


def _seconds(begin: str, end: str) -> pl.Expr:
    return (pl.col(end) - pl.col(begin)).dt.total_microseconds() / 1e6
