"""Where ticks and the price job meet: a question and an answer, each one file.

The store has one writer, the tick job. It leaves what prices are made from (`asked.zip`), takes
what was made of it (`made.zip`) into the store, and never waits. Either file is replaced whole, so
a reader sees the old or the new one, whatever kills the writer.
"""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from io import BytesIO
from pathlib import Path

import polars as pl

from data_io.atomic_files import remove_temporaries, write_atomically
from data_io.lease import Lease, is_held
from data_io.price_store import MadePrices, PriceMemory, PriceQuestion
from models.batch import Batch
from models.tables import INPUT_TABLES, SCHEMA_VERSION

HEADER = "header.json"
_MEMORY = tuple(field.name for field in fields(PriceMemory))
_MADE = tuple(field.name for field in fields(MadePrices))
_UNREADABLE = (
    zipfile.BadZipFile,
    OSError,
    KeyError,
    TypeError,
    ValueError,
    pl.exceptions.PolarsError,
)


class PriceDeskError(RuntimeError):
    """A file of the desk cannot be read."""

    def __init__(self, path: Path, found: object) -> None:
        """Say what is wrong with it."""
        super().__init__(
            f"prices: {path} cannot be used ({found}), expected a file of this release; run the"
            " same release for ticks and prices"
        )


class PriceDesk:
    """The folder in which they meet."""

    def __init__(self, folder: Path) -> None:
        """It need not be there yet."""
        self._folder = folder
        self._asked, self._made = folder / "asked.zip", folder / "made.zip"

    def take_seat(self, holder: str, now: datetime) -> Lease:
        """The right to answer, to be released; LeaseTakenError when another process has it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lease = Lease(self._folder / "desk", holder, now)
        remove_temporaries(self._folder)
        return lease

    def is_manned(self) -> bool:
        """Whether anybody is there to answer."""
        return is_held(self._folder / "desk")

    def ask(self, question: PriceQuestion) -> None:
        """Put a question, in place of the one before."""
        batch = {table.name: getattr(question.batch, table.name) for table in INPUT_TABLES}
        memory = {f"memory_{name}": getattr(question.memory, name) for name in _MEMORY}
        self._write(self._asked, question.batch.now, batch | memory)

    def answer(self, made: MadePrices) -> None:
        """Give the answer, in place of the one before."""
        self._write(self._made, made.priced_at, {name: getattr(made, name) for name in _MADE})

    def drop_answer(self) -> None:
        """Remove the answer, if there is one."""
        self._made.unlink(missing_ok=True)

    def asked_at(self) -> datetime | None:
        """Instant of the question, or None; PriceDeskError where it cannot be read."""
        return _instant(self._asked)

    def made_at(self) -> datetime | None:
        """Instant that the answer is of, or None; PriceDeskError where it cannot be read."""
        return _instant(self._made)

    def read_question(self) -> PriceQuestion | None:
        """The newest question, or None; PriceDeskError where it cannot be read."""
        found = _read(self._asked)
        if found is None:
            return None
        now, frames = found
        try:
            memory = PriceMemory(*(frames.pop(f"memory_{name}") for name in _MEMORY))
            return PriceQuestion(Batch(now, **frames), memory)
        except _UNREADABLE as error:
            raise PriceDeskError(self._asked, error) from error

    def read_answer(self) -> MadePrices | None:
        """The newest answer, or None; PriceDeskError where it cannot be read."""
        found = _read(self._made)
        try:
            return None if found is None else MadePrices(**found[1])
        except TypeError as error:
            raise PriceDeskError(self._made, error) from error

    def _write(self, path: Path, at: datetime, frames: dict[str, pl.DataFrame]) -> None:
        header = {"schema_version": SCHEMA_VERSION, "at": at.isoformat()}
        content = BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(HEADER, json.dumps(header))
            for name, frame in frames.items():
                member = BytesIO()
                frame.write_ipc(member, compression="lz4")
                archive.writestr(name, member.getvalue())
        write_atomically(path, lambda temporary: temporary.write_bytes(content.getvalue()))


def _instant(path: Path) -> datetime | None:
    with _opened(path) as archive:
        return None if archive is None else _header(archive, path)


def _read(path: Path) -> tuple[datetime, dict[str, pl.DataFrame]] | None:
    with _opened(path) as archive:
        if archive is None:
            return None
        at = _header(archive, path)
        names = [name for name in archive.namelist() if name != HEADER]
        return at, {name: pl.read_ipc(BytesIO(archive.read(name))) for name in names}


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile | None]:
    """The archive, None where there is none; whatever is wrong with it is a PriceDeskError."""
    if not path.exists():
        yield None
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _UNREADABLE as error:
        raise PriceDeskError(path, error) from error


def _header(archive: zipfile.ZipFile, path: Path) -> datetime:
    header = json.loads(archive.read(HEADER))
    if header["schema_version"] != SCHEMA_VERSION:
        raise PriceDeskError(path, f"schema version {header['schema_version']}")
    return datetime.fromisoformat(header["at"])
