"""Where snapshots, and the platform's answers to offers, come from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import polars as pl

from data_io.quarantine import no_rejects
from models.tables import InputTables


def _nothing() -> None:
    """Nobody waits to hear that answers are safe."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Raw rows of `responses`, one frame a drop, before validation.

    `rejects` has the columns `quarantine.REJECTS` and holds drops that could not be read. Whoever
    has stored the rows calls `acknowledge`; until then the source hands them over again.
    """

    drops: tuple[pl.DataFrame, ...] = ()
    rejects: pl.DataFrame = field(default_factory=no_rejects)
    acknowledge: Callable[[], None] = _nothing


NO_ANSWERS = Answers()


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The newest raw rows of a source, before validation.

    `tables` is None where there is nothing new but answers, or where something new is there that
    cannot be read (a file half written): the last snapshot stays in force, and `rejects` and
    `notes` say why. `rejects` has the columns `quarantine.REJECTS` and holds what was lost before
    it was a row.
    """

    tables: InputTables | None
    rejects: pl.DataFrame
    notes: tuple[str, ...] = ()
    answers: Answers = NO_ANSWERS


class Source(Protocol):
    """Anything that hands over snapshots of the platform."""

    def read(self, now: datetime) -> Snapshot | None:
        """The newest snapshot as of `now`, or None when nothing changed since the last read."""
        ...
