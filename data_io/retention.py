"""Old events leave the database for Parquet files, one an hour, without loss under any kill."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from data_io.atomic_files import write_atomically
from data_io.database import Database
from data_io.offers import EVENT_KEY
from models.tables import ASSIGNMENT, RESPONSE_RESULT, TICK, Table


@dataclass(frozen=True)
class Retained:
    """How many rows left the database: three kinds moved to files, quarantined rows dropped."""

    num_assignments: int
    num_ticks: int
    num_rejected: int
    num_responses: int = 0


def retain(database: Database, before: datetime, folder: Path) -> Retained:
    """Move assignments, ticks and responses of before `before` to `folder/<table>/<hour>.parquet`.

    The newest tick always stays, because it keeps time from going backwards; so do the events of
    contact versions that the platform still shows as waiting, because without them those would be
    assigned again. Files are complete
    before anything is deleted, and an hour's file takes each key once, so a kill at any moment
    costs nothing but a repetition.
    """
    newest: datetime | None = database.frame("newest_tick")["tick_at"].item()
    before = before if newest is None else min(before, newest)
    num_assignments = _archive(database, ASSIGNMENT, before, folder)
    num_ticks = _archive(database, TICK, before, folder)
    num_responses = _archive(database, RESPONSE_RESULT, before, folder)
    num_rejected: int = database.frame("count_rejected_before", before=before)["num_rows"].item()
    with database.transaction():
        for table in (ASSIGNMENT, TICK, RESPONSE_RESULT):
            database.run(f"delete_{table.name}_before", before=before)
        for name in ("delete_lost_before", "delete_rejected_before", "delete_snapshots_before"):
            database.run(name, before=before)
    return Retained(num_assignments, num_ticks, num_rejected, num_responses)


def _archive(database: Database, table: Table, before: datetime, folder: Path) -> int:
    rows = database.frame(f"read_{table.name}_before", before=before)
    decided_at = "applied_at" if table is RESPONSE_RESULT else "tick_at"
    hours = rows.group_by(pl.col(decided_at).dt.strftime("%Y-%m-%dT%H"), maintain_order=True)
    for (hour,), part in hours:
        _add_to_hour(folder / table.name / f"{hour}.parquet", part, table)
    return rows.height


def _add_to_hour(path: Path, rows: pl.DataFrame, table: Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        # A file from before an additive change of the contract lacks the new columns.
        stored = pl.read_parquet(path)
        rows = pl.concat([stored, rows], how="diagonal")
    key = EVENT_KEY if table is ASSIGNMENT else table.key
    merged = rows.unique(key, keep="first", maintain_order=True)
    write_atomically(path, merged.write_parquet)
