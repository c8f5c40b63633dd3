"""Files in which the platform answers offers, beside the input tables: one file a drop.

    responses/2026-11-22T10-00-05.ndjson  ...    and, where one file is simpler, responses.csv

A file is read when it is new or changed, and again until its rows are stored; rows that came
before change nothing, so files may stay, grow or be written twice. Write a drop under another name
and rename it; remove it once `response_result` has its rows.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from data_io.imports.files import FAILURES, FILE_RULE, FORMATS, described, read_rows
from data_io.quarantine import no_rejects, rejected_whole
from data_io.source import Answers
from models.tables import RESPONSES

ANSWERS = RESPONSES.name
"""Name of the folder, and of the file."""

_State = tuple[int, int, int]
"""Size, modification time in ns and inode: what tells one state of a file from the next."""


class AnswerFiles:
    """The drops of a source's folders, each handed over until it was acknowledged."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._stored: dict[Path, _State] = {}

    def read(self, places: Iterable[Path]) -> Answers:
        """The drops in `places` that are new or changed since they were acknowledged."""
        there = dict(_files(places))
        self._stored = {path: state for path, state in self._stored.items() if path in there}
        new = {path: state for path, state in there.items() if self._stored.get(path) != state}
        drops: list[pl.DataFrame] = []
        rejects = [no_rejects()]
        for path in sorted(new):
            try:
                drops.append(read_rows(path, RESPONSES))
            except FAILURES as failure:
                if path.exists():  # otherwise it was tidied up this very moment
                    entry = {"file": path.name, "error": described(failure)}
                    rejects.append(rejected_whole(ANSWERS, FILE_RULE, entry))
        return Answers(tuple(drops), pl.concat(rejects), lambda: self._stored.update(new))


def _files(places: Iterable[Path]) -> Iterator[tuple[Path, _State]]:
    """Every drop with its state as it is before it is read."""
    for place in places:
        named = [place / f"{ANSWERS}{suffix}" for suffix in FORMATS]
        folder = place / ANSWERS
        dropped = folder.iterdir() if folder.is_dir() else ()
        for path in (*named, *dropped):
            if path.suffix in FORMATS and not path.name.startswith(".") and path.is_file():
                stat = path.stat()
                yield path, (stat.st_size, stat.st_mtime_ns, stat.st_ino)
