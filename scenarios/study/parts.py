"""Finished runs on disk: a folder for each, there as a whole or not at all."""

import os
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Parts:
    """The folder of a study's finished runs."""

    folder: Path

    def __contains__(self, key: str) -> bool:
        """The run of that key has been finished."""
        return (self.folder / key).is_dir()

    def write(self, key: str, tables: Any) -> None:  # noqa: ANN401
        """Keep the tables of a finished run, the fields of a dataclass of frames.

        A second writer of the same run loses.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = Path(mkdtemp(prefix=".unfinished-", dir=self.folder))
        for item in fields(tables):
            getattr(tables, item.name).write_parquet(unfinished / f"{item.name}.parquet")
        try:
            os.replace(unfinished, self.folder / key)  # noqa: PTH105 - the word says what it does
        except OSError:
            if key not in self:
                raise
            shutil.rmtree(unfinished)

    def read(self, key: str, name: str) -> pl.DataFrame:
        """A table of a finished run."""
        return pl.read_parquet(self.folder / key / f"{name}.parquet")

    def clear(self) -> None:
        """Forget every run."""
        shutil.rmtree(self.folder, ignore_errors=True)
