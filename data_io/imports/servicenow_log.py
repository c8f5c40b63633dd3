"""Events of the ServiceNow incident log, as they were known at an instant.

The log is published with hindsight: `resolved_by`, `resolved_at`, `closed_at` and `closed_code`
hold an incident's final values on every one of its rows, also on its first. Only the columns
of `_LIVE` change from event to event, so only those may say anything about an instant.
"""

from datetime import datetime
from pathlib import Path

import polars as pl

from data_io.imports.imported import UnreadableLogError
from models.tables import INSTANT

_LIVE = {
    "number": pl.String(),
    "sys_updated_at": pl.Datetime("us"),
    "sys_mod_count": pl.Int64(),
    "incident_state": pl.String(),
    "opened_at": pl.Datetime("us"),
    "caller_id": pl.String(),
    "priority": pl.String(),
    "assignment_group": pl.String(),
    "assigned_to": pl.String(),
}
_DONE = ("Resolved", "Closed")


def read_seen(path: Path, at: datetime) -> pl.DataFrame:
    """Events with `seen_at` up to `at` (UTC), oldest first, one row each.

    Columns: contact_id, seen_at, version, state, opened_at, customer_id, priority, group and
    agent_id (null where the event names none). Raises UnreadableLogError.
    """
    events = _read(path, list(_LIVE))
    span = events.select(
        pl.col("sys_updated_at").min().alias("first"), pl.col("sys_updated_at").max().alias("last")
    )
    seen = (
        events.select(
            contact_id="number",
            seen_at=pl.col("sys_updated_at").dt.replace_time_zone("UTC"),
            version="sys_mod_count",
            state="incident_state",
            opened_at=pl.col("opened_at").dt.replace_time_zone("UTC"),
            customer_id="caller_id",
            priority="priority",
            group="assignment_group",
            agent_id="assigned_to",
        )
        .filter(pl.col("seen_at") <= pl.lit(at, INSTANT))
        .sort("seen_at", "version", "contact_id")
    )
    if seen.is_empty():
        raise UnreadableLogError(
            f"{path.name}: no event up to {at:%Y-%m-%d %H:%M} UTC",
            f"an instant within the log, {span['first'].item()} to {span['last'].item()}",
            "give a later --at",
        )
    return seen


def latest(seen: pl.DataFrame) -> pl.DataFrame:
    """One row per incident: its last event, with what earlier events say of group and resolver.

    Adds known_group (last group named), last_agent_id (last resolver named) and last_agent_at.
    """
    named = pl.col("agent_id").is_not_null()
    return seen.group_by("contact_id", maintain_order=True).agg(
        pl.all().last(),
        pl.col("group").drop_nulls().last().alias("known_group"),
        pl.col("agent_id").drop_nulls().last().alias("last_agent_id"),
        pl.col("seen_at").filter(named).last().alias("last_agent_at"),
    )


def is_open() -> pl.Expr:
    """Whether an incident's last event leaves it unresolved."""
    return pl.col("state").is_in(_DONE).not_()


def read_outcomes(path: Path) -> pl.DataFrame:
    """Who really resolved every incident, in the end: for benchmarks, never for an importer.

    Columns: contact_id, really_resolved_by (a resolver as `assigned_to` names them) and
    really_resolved_group (the last group that the log names; null when it never does). The log
    numbers `resolved_by` apart from `assigned_to`; a person is matched to the resolver who is
    most often named beside them once an incident is done.
    """
    log = _read(
        path, ["number", "sys_updated_at", "sys_mod_count", "resolved_by", "incident_state"]
    )
    names = _read(path, ["assignment_group", "assigned_to"])
    final = (
        pl.concat([log, names], how="horizontal")
        .sort("sys_updated_at", "sys_mod_count", "number")
        .group_by(pl.col("number").alias("contact_id"), maintain_order=True)
        .agg(
            pl.col("resolved_by").last(),
            pl.col("assigned_to").filter(pl.col("incident_state").is_in(_DONE)).last(),
            pl.col("assignment_group").drop_nulls().last().alias("really_resolved_group"),
        )
    )
    person = (
        final.drop_nulls(["resolved_by", "assigned_to"])
        .group_by("resolved_by", "assigned_to")
        .len()
        .sort("len", "assigned_to", descending=[True, False])
        .group_by("resolved_by", maintain_order=True)
        .agg(pl.col("assigned_to").first().alias("resolver"))
    )
    return final.join(person, on="resolved_by", how="left").select(
        "contact_id",
        pl.coalesce("resolver", "assigned_to").alias("really_resolved_by"),
        "really_resolved_group",
    )


def _read(path: Path, columns: list[str]) -> pl.DataFrame:
    if not path.is_file():
        raise UnreadableLogError(
            f"{path}: no such file", "incident_event_log.parquet", "check the path"
        )
    missing = sorted(set(columns) - set(pl.read_parquet_schema(path)))
    if missing:
        raise UnreadableLogError(
            f"{path.name}: no columns {missing}",
            "the 36 columns of the UCI incident event log",
            "check that this is that log",
        )
    dtypes = {name: dtype for name, dtype in _LIVE.items() if name in columns}
    return pl.read_parquet(path, columns=columns).select(columns).cast(dtypes)  # type: ignore[arg-type]
