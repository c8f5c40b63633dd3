"""Publication: the output tables as files that other processes read while ticks go on.

A folder holds immutable batches and `CURRENT.json`, the manifest that names the newest one and is
replaced atomically. All tables come from the store, so publishing again repairs any crash. Only
the certificate of a tick is not stored: one that dies between commit and publication has none.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from data_io.atomic_files import new_folder, remove_temporaries, write_atomically, write_json
from data_io.output import OutputTables
from data_io.store import Store
from models.tables import OUTPUT_TABLES, SCHEMA_VERSION, Table

CURRENT = "CURRENT.json"
BATCH = "batch-"
CERTIFICATE = "certificate.npz"


_ADDED_EMPTY = {
    "assignment": ("profiles", "seen_before", "num_context", "is_borrowed"),
    "explanation": (
        *("priority", "interruption", "fairness", "declines", "overqualified", "borrowing"),
        *("region", "tier", "step", "relaxes_at", "breach_at", "unavoidable"),
        *("agent_time", "head_worth"),
    ),
    "price": ("profiles",),
    "tick": ("tier_weight", "preference_cost", "policy_arm", "num_over_limit", "priced_at"),
}
ADDED: dict[tuple[str, str], float | str | None] = {
    ("explanation", "rent"): 0.0,
    ("tick", "proof"): "prices",
    ("outlook", "num_manual_only"): 0,
    **{(table, column): None for table, columns in _ADDED_EMPTY.items() for column in columns},
}
"""Columns that an earlier release did not publish, with what they would have said."""
ADDED_TABLES = ("requeue", "outlook", "response_result", "price_run", "skill_price")
"""Tables that an earlier release did not publish; they would have had no rows."""


class PublicationError(RuntimeError):
    """The publication folder holds what it should not, or lacks what it should."""


@dataclass(frozen=True)
class PublishedFile:
    """One table of a published batch: path relative to the folder, and number of rows."""

    table: str
    path: str
    num_rows: int


@dataclass(frozen=True)
class Manifest:
    """What `CURRENT.json` says; `sequence` rises with every publication of the folder."""

    schema_version: int
    sequence: int
    tick_at: datetime | None
    """The last committed tick, UTC, or None before the first."""
    files: tuple[PublishedFile, ...]
    certificate: str | None = None
    """Path of the tick's certificate relative to the folder, or None if there is none."""


@dataclass(frozen=True, eq=False)
class Published(OutputTables):
    """One whole published batch."""

    manifest: Manifest


def publish(
    store: Store, folder: Path, window: timedelta, keep: int, certificate: bytes | None = None
) -> Manifest:
    """Manifest of the new batch in `folder`, which is complete before any reader can find it.

    `certificate` is that of the last tick (`docs/certificate.md`); a tick that is published again
    keeps the one it had. Events and ticks of the last `window` are published; the newest `keep`
    batches stay, so that a reader has `keep - 1` publications of time. PublicationError when the
    folder is ahead of the store, which means that it belongs to another one, or when a newer
    release wrote it.
    """
    if keep < 1:
        raise ValueError(f"publish: keep is {keep}, expected at least 1; keep some batches")
    folder.mkdir(parents=True, exist_ok=True)
    tables = store.read_output(window)
    tick_at = store.last_tick_at()
    before = _last_publication(folder, tick_at)
    if certificate is None and before is not None and before.tick_at == tick_at:
        certificate = _certificate(folder, before)
    remove_temporaries(folder)

    # A crash may have left a batch that the manifest never named: its number is used up.
    sequence = max((_sequence(batch) for batch in _batches(folder)), default=0) + 1
    batch = folder / f"{BATCH}{sequence:010d}"
    with new_folder(batch) as temporary:
        for table in OUTPUT_TABLES:
            tables.frame(table).write_parquet(temporary / f"{table.name}.parquet")
        if certificate is not None:
            (temporary / CERTIFICATE).write_bytes(certificate)
    files = tuple(
        PublishedFile(table.name, f"{batch.name}/{table.name}.parquet", tables.frame(table).height)
        for table in OUTPUT_TABLES
    )
    proof = None if certificate is None else f"{batch.name}/{CERTIFICATE}"
    manifest = Manifest(SCHEMA_VERSION, sequence, tick_at, files, proof)
    write_atomically(folder / CURRENT, lambda path: write_json(path, _as_json(manifest)))
    for retired in _batches(folder)[:-keep]:
        shutil.rmtree(retired)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """What is published in `folder`; PublicationError when nothing, or another schema, is."""
    path = folder / CURRENT
    if not path.exists():
        raise PublicationError(
            f"published: {folder} has no {CURRENT}, expected one; run a tick first, or correct the"
            " folder"
        )
    return _read_current(path, oldest=SCHEMA_VERSION)


def read_published(folder: Path) -> Published:
    """The newest whole batch; PublicationError when a file that the manifest names is missing.

    A batch that is retired while it is read is no error: the next one is read instead.
    """
    manifest = read_manifest(folder)
    while True:
        try:
            frames = {table.name: _read_table(folder, manifest, table) for table in OUTPUT_TABLES}
            return Published(manifest=manifest, **frames)
        except FileNotFoundError as missing:
            newer = read_manifest(folder)
            if newer.sequence == manifest.sequence:
                raise PublicationError(
                    f"published: {missing.filename or missing} is missing, expected every file of"
                    f" batch {manifest.sequence}; publish again"
                ) from missing
            manifest = newer


def _read_current(path: Path, oldest: int) -> Manifest:
    """The manifest; PublicationError unless it has a schema version from `oldest` to this one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = int(content["schema_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise PublicationError(
            f"published: {path} cannot be read ({error!r}), expected a manifest; publish again"
            " into a new folder, or remove this one"
        ) from error
    if not oldest <= version <= SCHEMA_VERSION:
        at_most = "" if oldest == SCHEMA_VERSION else "at most "
        raise PublicationError(
            f"published: {path} has schema version {version}, expected {at_most}{SCHEMA_VERSION};"
            " use the release that wrote it"
        )
    tick_at = content["tick_at"]
    return Manifest(
        version,
        content["sequence"],
        None if tick_at is None else datetime.fromisoformat(tick_at),
        tuple(
            PublishedFile(file["table"], file["path"], file["num_rows"])
            for file in content["files"]
        ),
        content.get("certificate"),
    )


def _read_table(folder: Path, manifest: Manifest, table: Table) -> pl.DataFrame:
    file = next((file for file in manifest.files if file.table == table.name), None)
    if file is None:
        if table.name in ADDED_TABLES:
            return table.empty()
        raise PublicationError(
            f"published: batch {manifest.sequence} has no table {table.name}, expected one file a"
            " table; publish again with this release"
        )
    with (folder / file.path).open("rb") as stream:
        # Additive columns of a later release are not this contract's.
        frame = pl.read_parquet(stream)
    missing = [name for name in table.schema().names() if name not in frame.columns]
    if unknown := [name for name in missing if (table.name, name) not in ADDED]:
        raise PublicationError(
            f"published: {file.path} has no column {', '.join(unknown)}, expected the contract of"
            f" {table.name}; publish again with this release"
        )
    schema = table.schema()
    frame = frame.with_columns(
        pl.lit(ADDED[table.name, name], schema[name]).alias(name) for name in missing
    )
    frame = frame.select(table.schema().names())
    if frame.height != file.num_rows:
        raise PublicationError(
            f"published: {file.path} has {frame.height} rows, expected {file.num_rows}; something"
            " else writes this folder; publish into a folder of its own"
        )
    return frame


def _last_publication(folder: Path, tick_at: datetime | None) -> Manifest | None:
    """What the folder shows; PublicationError if that is ahead of a store at `tick_at`."""
    if not (folder / CURRENT).exists():
        return None
    # An earlier release's folder is replaced: an upgrade must not stop publication.
    manifest = _read_current(folder / CURRENT, oldest=0)
    published = manifest.tick_at
    if published is not None and (tick_at is None or tick_at < published):
        raise PublicationError(
            f"publish: {folder} shows tick {published}, the store's last is {tick_at}; expected a"
            " folder of this store; publish into a new folder, or remove the old one"
        )
    return manifest


def _certificate(folder: Path, manifest: Manifest) -> bytes | None:
    if manifest.certificate is None or not (folder / manifest.certificate).exists():
        return None
    return (folder / manifest.certificate).read_bytes()


def _batches(folder: Path) -> list[Path]:
    return sorted(folder.glob(BATCH + 10 * "[0-9]"))


def _sequence(batch: Path) -> int:
    return int(batch.name.removeprefix(BATCH))


def _as_json(manifest: Manifest) -> dict[str, Any]:
    return {
        "schema_version": manifest.schema_version,
        "sequence": manifest.sequence,
        "tick_at": None if manifest.tick_at is None else manifest.tick_at.isoformat(),
        "files": [
            {"table": file.table, "path": file.path, "num_rows": file.num_rows}
            for file in manifest.files
        ],
        "certificate": manifest.certificate,
    }
