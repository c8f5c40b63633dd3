"""Files and folders that appear whole or not at all, whatever kills the writer."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".tmp-"


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Replace the file `path` with what `write` puts into the path that it is given."""
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    write(temporary)
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


def write_json(path: Path, content: object) -> None:
    """Write `content` as indented JSON; not atomic by itself."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Folder to fill; it becomes `path` when the block ends, and vanishes when the block raises.

    FileExistsError when `path` is there already: such a folder is never changed.
    """
    if path.exists():
        raise FileExistsError(
            f"{path} is there already, expected a new folder; choose another name or remove it"
        )
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for file in temporary.iterdir():
            sync(file)
        sync(temporary)
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync(path.parent)


def remove_temporaries(folder: Path) -> None:
    """Remove what killed writers left in `folder`."""
    for left in folder.glob(f"{TEMPORARY}*"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def sync(path: Path) -> None:
    """Force a file's content, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
