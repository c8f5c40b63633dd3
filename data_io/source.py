"""Where snapshots come from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from models.tables import InputTables


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The newest raw rows of a source, before validation.

    `tables` is None where something new is there that cannot be read (a file half written): the
    last snapshot stays in force, and `rejects` and `notes` say why. `rejects` has the columns
    `quarantine.REJECTS` and holds what was lost before it was a row.
    """

    tables: InputTables | None
    rejects: pl.DataFrame
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Anything that hands over snapshots of the platform."""

    def read(self, now: datetime) -> Snapshot | None:
        """The newest snapshot as of `now`, or None when nothing changed since the last read."""
        ...
