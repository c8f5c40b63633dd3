"""Which kept batch a question is about."""

from datetime import datetime
from pathlib import Path

from data_io.batch_files import HEADER
from jobs.readers import NotFoundError

EXAMPLE = "20261103T140000000000-1a2b3c4d"
"""Name of a kept batch: the instant of its tick, and the beginning of its plan's fingerprint."""


def find_batch(archive: Path) -> Path:
    """The folder itself if it is a batch, else the newest batch in it, or in the `archive` of a
    home folder; NotFoundError if there is none.
    """
    # Whatever way leads there: `..` has no name of its own.
    archive = archive.resolve()
    if (archive / HEADER).exists():
        return archive
    batches = _batches(archive, "") or _batches(archive / "archive", "")
    if not batches:
        raise NotFoundError(
            f"{archive}: no archived batch, expected a folder such as {EXAMPLE} with {HEADER} in"
            " it, or a folder of such folders; run ticks with --archive FOLDER and name that"
            " folder here"
        )
    # Names begin with the instant; of two plans for one instant the later was committed.
    return max(batches, key=lambda path: (path.name.split("-")[0], path.stat().st_mtime_ns))


def batch_of(archive: Path, tick_at: datetime) -> Path | None:
    """The batch of that tick in the archive, the one written last, or None."""
    batches = _batches(archive, f"{tick_at:%Y%m%dT%H%M%S%f}-")
    return max(batches, key=lambda path: path.stat().st_mtime_ns, default=None)


def _batches(archive: Path, prefix: str) -> list[Path]:
    # Folders with a leading dot are what a killed writer left.
    found = archive.glob(f"{prefix}*/{HEADER}")
    return [path.parent for path in found if not path.parent.name.startswith(".")]
