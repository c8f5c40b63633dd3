"""Folders of CSV, NDJSON or Parquet files as snapshots: one file a table, named after it.

    contacts.parquet  contact_skills.csv  agents.ndjson  ...

Beside them, `responses/` or `responses.<format>` answer offers (`data_io/imports/answers.py`).

A missing file is a table without rows, but for the required tables, without which a snapshot is
refused (`data_io/completeness.py`). So a file of no bytes is taken for one that was cut short
(rule `file_readable`; a table without rows is a header, or one line break in NDJSON). Where the
file of a guarded table cannot be read, its parents go to quarantine too: contacts must not be
routed as if they required nothing, nor agents as if they held nothing.

Whoever replaces files in place can be read between two of them. The way without such moments:
write each snapshot to a new sub folder, then replace `CURRENT.json`: {"folder": "<sub folder>"}.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from data_io.completeness import check_complete
from data_io.imports.answers import ANSWERS, AnswerFiles
from data_io.imports.files import FAILURES, FILE_RULE, FORMATS, described, read_rows
from data_io.quarantine import READ_RULE, no_rejects, rejected_whole
from data_io.source import Snapshot
from models.tables import INPUT_TABLES, InputTables, Table

CURRENT = "CURRENT.json"


class FolderError(ValueError):
    """A folder that is not there, or that leaves open what its tables are."""

    def __init__(self, found: str, expected: str, remedy: str) -> None:
        """State what was found, what was expected and what to do."""
        super().__init__(f"{found}; expected {expected}; {remedy}")


@dataclass(frozen=True, eq=False)
class FolderRead:
    """Raw rows of every table, entries of the files that could not be read, and what was odd."""

    tables: InputTables
    rejects: pl.DataFrame
    notes: tuple[str, ...]


def read_folder(folder: Path) -> FolderRead:
    """The files of the folder as raw tables; a broken line or file never raises.

    Raises FolderError where there is no such folder, or where a table is there in two formats.
    """
    files = _table_files(folder)
    read = FolderRead(InputTables(), no_rejects(), tuple(_foreign_files(folder)))
    for table, path in files:
        try:
            rows = read_rows(path, table)
        except FAILURES as failure:
            read = _with_unreadable(read, table, path, failure)
        else:
            read = replace(read, tables=replace(read.tables, **{table.name: rows}))
    return read


class FolderSource:
    """Snapshots of a folder, or of the sub folder that its `CURRENT.json` names.

    A snapshot with a file that cannot be read, or without a file that the last one had, is taken
    for one being written and held back: unchanged at a later instant, it counts as it is. Reads of
    one instant, such as the two of a tick, agree. The first read has nothing to fall back on and
    takes what is there. A snapshot without a required table never counts.
    """

    def __init__(self, folder: Path) -> None:
        """Follow `folder`; nothing is read yet."""
        self._folder = folder
        self._taken: _Signature | None = None
        self._held_back: _HeldBack | None = None
        self._answers = AnswerFiles()

    def read(self, now: datetime) -> Snapshot | None:
        """The newest snapshot and answers, None when no file changed.

        Without tables where there are only answers, or where no snapshot can be read. Raises
        IncompleteSnapshotError, at every read until it is mended, where one lacks what no tick
        can do without.
        """
        snapshot = self._read_tables(now)
        answers = self._answers.read(_answer_folders(self._folder))
        if not answers.drops and answers.rejects.is_empty():
            return snapshot
        return replace(snapshot or Snapshot(None, no_rejects()), answers=answers)

    def _read_tables(self, now: datetime) -> Snapshot | None:
        """The newest snapshot, None when no file changed, or one without tables and the cause."""
        try:
            folder = _current_folder(self._folder)
            signature = _signature(folder)
            if signature == self._taken:
                self._held_back = None
                return None
            held_since = self._held_since(signature)
            if held_since is not None and now <= held_since:
                return None
            read = read_folder(folder)
            if _signature(_current_folder(self._folder)) != signature:
                return Snapshot(None, no_rejects(), (f"{folder.name}: {_CHANGED}",))
        except (FolderError, OSError) as failure:
            entry = {"file": self._folder.name, "error": described(failure)}
            return Snapshot(None, rejected_whole("snapshot", FILE_RULE, entry), (entry["error"],))
        if held_since is None and self._is_doubtful(read, signature):
            self._held_back = _HeldBack(signature, now)
            return Snapshot(None, read.rejects, (*read.notes, f"{folder.name}: {_INCOMPLETE}"))
        check_complete(read.tables, read.rejects)
        self._taken, self._held_back = signature, None
        return Snapshot(read.tables, read.rejects, read.notes)

    def _held_since(self, signature: "_Signature") -> datetime | None:
        """When this very state of the folder was held back, or None."""
        held = self._held_back
        return held.since if held is not None and held.signature == signature else None

    def _is_doubtful(self, read: FolderRead, signature: "_Signature") -> bool:
        if self._taken is None:
            return False
        is_same_folder = self._taken.folder == signature.folder
        is_less = is_same_folder and not self._taken.tables() <= signature.tables()
        return is_less or not read.rejects.is_empty()


_CHANGED = "files changed while they were read; the last snapshot stays until the next read"
_INCOMPLETE = (
    "a file is gone or cannot be read; the last snapshot stays, and this one counts as it is if"
    " a later tick finds it unchanged and no required table is missing"
)


@dataclass(frozen=True)
class _Signature:
    """What tells one state of a folder from the next without reading the files."""

    folder: Path
    files: tuple[tuple[str, int, int, int], ...]
    """Name, size, modification time in ns and inode of every table file."""

    def tables(self) -> set[str]:
        """Names of the tables that have a file."""
        return {Path(name).stem for name, *_ in self.files}


@dataclass(frozen=True)
class _HeldBack:
    """A doubtful state of a folder, and the instant of the read that first found it."""

    signature: _Signature
    since: datetime


def _signature(folder: Path) -> _Signature:
    files = []
    for _, path in _table_files(folder):
        stat = path.stat()
        files.append((path.name, stat.st_size, stat.st_mtime_ns, stat.st_ino))
    return _Signature(folder, tuple(files))


def _current_folder(folder: Path) -> Path:
    """The folder itself, or the sub folder that its `CURRENT.json` names."""
    try:
        text = (folder / CURRENT).read_text(encoding="utf-8")
    except FileNotFoundError:
        return folder
    try:
        named: str = json.loads(text)["folder"]
        is_below = not Path(named).is_absolute() and ".." not in Path(named).parts
    except (ValueError, KeyError, TypeError, RecursionError):
        is_below, named = False, text[:100]
    if not is_below:
        raise FolderError(
            f"{CURRENT} holds {named!r}", '{"folder": "<sub folder>"}', "replace it atomically"
        )
    return folder / named


def _answer_folders(folder: Path) -> list[Path]:
    """Where answers may be: beside the tables, and beside the `CURRENT.json` that names them."""
    try:
        return sorted({folder, _current_folder(folder)})
    except (FolderError, OSError):
        return [folder]


def _table_files(folder: Path) -> list[tuple[Table, Path]]:
    """The files of the tables, parents first."""
    if not folder.is_dir():
        raise FolderError(
            f"{folder.name}: no such folder", "a folder with a file a table", "check the path"
        )
    files = []
    for table in INPUT_TABLES:
        paths = [folder / f"{table.name}{suffix}" for suffix in FORMATS]
        there = [path for path in paths if path.exists()]
        if len(there) > 1:
            names = " and ".join(path.name for path in there)
            raise FolderError(f"{table.name}: {names}", "one file a table", "remove all but one")
        files += [(table, path) for path in there]
    return files


def _foreign_files(folder: Path) -> Iterator[str]:
    names = (*(table.name for table in INPUT_TABLES), ANSWERS)
    known = {f"{name}{suffix}" for name in names for suffix in FORMATS} | {CURRENT, ANSWERS}
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in known)
    if foreign:
        shown = ", ".join(foreign[:5]) + (", ..." if len(foreign) > 5 else "")
        yield f"{len(foreign)} files are no table of the contract and were ignored: {shown}"


def _with_unreadable(
    read: FolderRead, table: Table, path: Path, failure: BaseException
) -> FolderRead:
    """The read with an entry for the file, and with the parents that the file guards marked."""
    entry = {"file": path.name, "error": described(failure)}
    rejects = pl.concat([read.rejects, rejected_whole(table.name, FILE_RULE, entry)])
    read = replace(read, rejects=rejects)
    if table.guarded_parent is None:
        return read
    name = table.guarded_parent.table
    parents: pl.DataFrame | None = getattr(read.tables, name)
    if parents is None:
        return read
    marked = parents.with_columns(pl.lit(f"{table.name}_rejected").alias(READ_RULE))
    return replace(read, tables=replace(read.tables, **{name: marked}))
