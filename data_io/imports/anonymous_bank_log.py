"""Calls of the anonymous bank's log as instants, and what history shows of its servers.

The log gives the clock only. A call's times lie within half a day of its entry, so a clock that
reads earlier than that belongs to the next day; `0:00:00` stands for "did not happen". Negative
`vru_time` is harmless: nothing is computed from it.
"""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from data_io.imports.imported import UnreadableLogError
from models.tables import INSTANT

ZONE = "Asia/Jerusalem"
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
STINT_BREAK = timedelta(hours=4)
"""A server without a call for this long has gone home and come back."""
MIN_CALLS = 5
"""A server has a call type as a skill from this many calls on; fewer may be stray."""
NO_SERVER = "NO_SERVER"

_COLUMNS = (
    "vru+line",
    "call_id",
    "customer_id",
    "priority",
    "type",
    "date",
    "vru_entry",
    "vru_exit",
    "q_start",
    "q_exit",
    "outcome",
    "ser_start",
    "ser_exit",
    "server",
)
_DAY_S = 86_400


def read_calls(path: Path) -> pl.DataFrame:
    """Calls that asked for an agent, in order of entry, one row each; times in UTC.

    Columns: contact_id, customer_id (null when not identified), priority, type, abandoned,
    entered_at, left_queue_at (null without a queue), served_at and done_at (null when not served)
    and agent_id (null when not served or served by nobody named). `path` is one month's file,
    read with its months beside it, or their folder. Raises UnreadableLogError.
    """
    calls = pl.concat([_read_month(file) for file in _months(path)])
    asked = (pl.col("outcome") == "AGENT") | (
        (pl.col("outcome") == "HANG") & pl.col("q_start").is_not_null()
    )
    abandoned = pl.col("outcome") == "HANG"
    served = ~abandoned & (pl.col("ser_exit") > pl.col("ser_start"))
    named = served & (pl.col("server") != NO_SERVER)
    return (
        calls.filter(asked)
        .select(
            contact_id=pl.concat_str("vru+line", "call_id", separator="-"),
            customer_id=pl.when(pl.col("customer_id") != "0").then("customer_id"),
            priority=pl.col("priority").cast(pl.Int64),
            type="type",
            abandoned=abandoned,
            entered_at=pl.coalesce("q_start", "ser_start", "vru_exit"),
            left_queue_at=pl.col("q_exit"),
            served_at=pl.when(served).then("ser_start"),
            done_at=pl.when(served).then("ser_exit"),
            agent_id=pl.when(named).then("server"),
        )
        .sort("entered_at", "contact_id")
    )


def stints(calls: pl.DataFrame) -> pl.DataFrame:
    """(agent_id, shift_start_at, shift_end_at): every server's first to last call without a break.

    A break is STINT_BREAK without a call, so a night shift is one stint on both sides of midnight.
    """
    busy = calls.drop_nulls("agent_id").sort("agent_id", "served_at", "contact_id")
    until_now = pl.col("done_at").cum_max().shift().over("agent_id")
    begins = (pl.col("served_at") - until_now > STINT_BREAK).fill_null(value=True)
    return (
        busy.with_columns(stint=begins.cum_sum().over("agent_id"))
        .group_by("agent_id", "stint", maintain_order=True)
        .agg(shift_start_at=pl.col("served_at").min(), shift_end_at=pl.col("done_at").max())
        .drop("stint")
    )


def calls_before(calls: pl.DataFrame, instant: datetime) -> pl.DataFrame:
    """Calls that a named server had finished by `instant`: all that history may know then."""
    return calls.filter(
        pl.col("agent_id").is_not_null(), pl.col("done_at") <= pl.lit(instant, INSTANT)
    )


def observed_skills(history: pl.DataFrame, agents: pl.DataFrame) -> pl.DataFrame:
    """(agent_id, skill, proficiency) of `agents`: the call types that they have handled.

    5 calls give level 3, and every doubling one more, up to 10. A server whom history does not
    know starts with regular calls at level 1.
    """
    level = (1 + (1 + pl.len()).log(2).floor()).clip(1, 10).cast(pl.Int64)
    known = (
        history.group_by("agent_id", pl.col("type").alias("skill"))
        .agg(pl.len().alias("calls"), proficiency=level)
        .filter(pl.col("calls") >= MIN_CALLS)
        .drop("calls")
    )
    new = agents.join(known, on="agent_id", how="anti").select(
        "agent_id", skill=pl.lit("PS"), proficiency=pl.lit(1, pl.Int64)
    )
    wanted = known.join(agents, on="agent_id", how="semi")
    return pl.concat([wanted, new]).sort("agent_id", "skill")


def last_servers(history: pl.DataFrame) -> pl.DataFrame:
    """(customer_id, last_agent_id, last_agent_at): who served an identified customer last."""
    return (
        history.drop_nulls("customer_id")
        .sort("done_at", "contact_id")
        .group_by("customer_id", maintain_order=True)
        .agg(last_agent_id=pl.col("agent_id").last(), last_agent_at=pl.col("done_at").last())
    )


def _months(path: Path) -> list[Path]:
    folder = path if path.is_dir() else path.parent
    files = [folder / f"{month}.txt" for month in MONTHS]
    found = [file for file in files if file.is_file()]
    if path.is_file() and path not in found:
        found = [path]
    if not found or not path.exists():
        raise UnreadableLogError(
            f"{path}: no such log", "january.txt, february.txt or their folder", "check the path"
        )
    return found


def _read_month(file: Path) -> pl.DataFrame:
    rows = pl.read_csv(file, separator="\t", infer_schema=False)
    missing = sorted(set(_COLUMNS) - set(rows.columns))
    if missing:
        raise UnreadableLogError(
            f"{file.name}: no columns {missing}",
            "the 17 tab-separated columns of the anonymous bank's log",
            "check that this is that log",
        )
    midnight = pl.col("date").str.to_datetime("%y%m%d", time_unit="us")
    entry = _clock_s("vru_entry")
    queued = (pl.col("q_start") != "0:00:00") | (pl.col("q_exit") != "0:00:00")
    served = (pl.col("ser_start") != "0:00:00") | (pl.col("ser_exit") != "0:00:00")
    happened = {
        "vru_exit": pl.lit(value=True),
        "q_start": queued,
        "q_exit": queued,
        "ser_start": served,
        "ser_exit": served,
    }
    return rows.select(
        pl.col("vru+line", "call_id", "customer_id", "priority", "type", "outcome", "server"),
        *(
            pl.when(whether)
            .then(_in_utc(midnight + pl.duration(seconds=entry + _offset_s(name, entry))))
            .alias(name)
            for name, whether in happened.items()
        ),
    )


def _in_utc(local: pl.Expr) -> pl.Expr:
    zoned = local.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC")


def _clock_s(column: str) -> pl.Expr:
    parts = pl.col(column).str.split(":")
    hours, minutes, seconds = (parts.list.get(i).cast(pl.Int64) for i in range(3))
    return hours * 3600 + minutes * 60 + seconds


def _offset_s(column: str, entry: pl.Expr) -> pl.Expr:
    """Seconds from the call's entry, within half a day on either side of it."""
    half = _DAY_S // 2
    return (_clock_s(column) - entry + half) % _DAY_S - half
