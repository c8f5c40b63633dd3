"""Whether a snapshot holds what no tick can do without.

A table that is missing looks like a table without rows, and agents who are not there are agents
whose offers come back: so a snapshot without one of the required tables is refused as a whole.
"""

import json
from collections.abc import Iterator

import polars as pl

from data_io.imports.files import FILE_RULE
from models.tables import INPUT_TABLES, InputTables

REQUIRED = tuple(table for table in INPUT_TABLES if table.required)


class IncompleteSnapshotError(ValueError):
    """A snapshot lacks what no tick can do without; nothing of it may be taken."""

    def __init__(self, lacking: tuple[str, ...]) -> None:
        """Say what is missing, what is needed, and what to do."""
        needed = ", ".join(table.name for table in REQUIRED)
        super().__init__(
            f"snapshot: {', '.join(lacking)}; expected all of {needed}, each with its columns (a"
            " table may have no rows); nothing of it was taken: write what is missing, or check"
            " the folder"
        )


def check_complete(tables: InputTables, rejects: pl.DataFrame) -> None:
    """Raise IncompleteSnapshotError where a required table is missing, unreadable or cut.

    `tables` are raw frames; `rejects` names files that could not be read (`quarantine.REJECTS`).
    """
    lacking = tuple(lacking_tables(tables, rejects))
    if lacking:
        raise IncompleteSnapshotError(lacking)


def lacking_tables(tables: InputTables, rejects: pl.DataFrame) -> Iterator[str]:
    """For each required table that cannot be used at all, what is wrong with it."""
    unreadable = rejects.filter(pl.col("rule") == FILE_RULE).select("table_name", "raw")
    causes = dict(unreadable.iter_rows())
    for table in REQUIRED:
        rows = tables.frame(table)
        if rows is None and table.name in causes:
            entry = json.loads(causes[table.name])
            yield f"{entry['file']} cannot be read ({entry['error']})"
        elif rows is None:
            yield f"no table {table.name}"
        elif not rows.is_empty():
            needed = [column.name for column in table.columns if not column.nullable]
            absent = [name for name in needed if name not in rows.columns]
            if absent:
                yield f"{table.name} without column {' and '.join(absent)}"
