"""A batch as a folder of files, so that its tick can be replayed anywhere."""

import json
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from data_io.atomic_files import new_folder, write_json
from models.batch import Batch
from models.plan import Carried
from models.tables import INPUT_TABLES, PRICE, SCHEMA_VERSION, Table

HEADER = "batch.json"
SETTINGS = "settings.json"
_ADDED_TABLES = frozenset(
    (
        *("holidays", "overflow", "customer_agents", "agent_activities", "agent_profiles"),
        *("agent_preferences", "agent_quotas", "contact_steps", "offers"),
        *("agent_prices", "queue_prices"),
    )
)
"""Tables that an earlier release did not archive; they would have had no rows."""
_CARRIED = tuple(field.name for field in fields(Carried))


class BatchFilesError(ValueError):
    """The folder is not an archived batch that this release can read."""


def write_batch(folder: Path, batch: Batch, settings: str, carried: Carried | None = None) -> None:
    """Write one Parquet file per input table, the instant, and `settings` (JSON) as it is.

    What the tick before carried over, if anything, goes with it.

    The folder appears whole or not at all; FileExistsError when it is there already.
    """
    with new_folder(folder) as temporary:
        for table in INPUT_TABLES:
            frame: pl.DataFrame = getattr(batch, table.name)
            frame.write_parquet(temporary / f"{table.name}.parquet")
        for name in _CARRIED if carried is not None else ():
            getattr(carried, name).write_parquet(temporary / f"carried_{name}.parquet")
        header = {"schema_version": SCHEMA_VERSION, "now": batch.now.isoformat()}
        write_json(temporary / HEADER, header)
        (temporary / SETTINGS).write_text(settings, encoding="utf-8", newline="")


def read_batch_files(folder: Path) -> tuple[Batch, str, Carried | None]:
    """Batch, settings and carried hint that `write_batch` wrote; BatchFilesError otherwise."""
    if not (folder / HEADER).exists():
        raise BatchFilesError(
            f"batch: {folder} has no {HEADER}, expected a folder of an archived batch; give the"
            " folder that the tick wrote"
        )
    header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
    if header["schema_version"] != SCHEMA_VERSION:
        raise BatchFilesError(
            f"batch: {folder} has schema version {header['schema_version']}, expected"
            f" {SCHEMA_VERSION}; replay it with the release that wrote it"
        )
    frames = {table.name: _read_table(folder, table) for table in INPUT_TABLES}
    with (folder / SETTINGS).open(encoding="utf-8", newline="") as stream:
        settings = stream.read()
    return Batch(datetime.fromisoformat(header["now"]), **frames), settings, _read_carried(folder)


def _read_carried(folder: Path) -> Carried | None:
    paths = [folder / f"carried_{name}.parquet" for name in _CARRIED]
    there = [path.exists() for path in paths]
    if not any(there):
        return None
    if not all(there):
        raise BatchFilesError(
            f"batch: {folder} has {sum(there)} of {len(paths)} carried_*.parquet files, expected"
            " all or none; copy the whole folder"
        )
    carried = Carried(*(pl.read_parquet(path) for path in paths))
    prices = carried.prices.match_to_schema(PRICE.schema(), missing_columns="insert")
    return replace(carried, prices=prices)


def _read_table(folder: Path, table: Table) -> pl.DataFrame:
    path = folder / f"{table.name}.parquet"
    if not path.exists() and table.name in _ADDED_TABLES:
        return table.empty()
    if not path.exists():
        raise BatchFilesError(
            f"batch: {path} is missing, expected one file per input table; copy the whole folder"
        )
    # Columns that an earlier release did not know may all be empty.
    frame = pl.read_parquet(path)
    empty = [column.name for column in table.columns if column.nullable]
    return frame.match_to_schema(
        table.schema(),
        missing_columns=dict.fromkeys(empty, "insert"),
        extra_columns="ignore",
    )
