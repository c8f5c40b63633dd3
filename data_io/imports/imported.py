"""What every importer of a real log returns."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from models.tables import InputTables, Table


@dataclass(frozen=True, eq=False)
class Imported:
    """One instant of a log as input tables, with everything that the log did not say."""

    tables: InputTables
    """Typed frames of the contracts in `models/tables.py`; still to be validated as any input."""
    assumptions: tuple[str, ...]
    """Plain sentences: what was counted, and what was assumed because the log does not hold it."""
    now: datetime
    """The instant, UTC."""
    attribution: str
    """Who made the data, and under which licence."""


class UnreadableLogError(ValueError):
    """A log is not there, lacks columns, or holds nothing for the instant asked for."""

    def __init__(self, found: str, expected: str, remedy: str) -> None:
        """State what was found, what was expected and what to do."""
        super().__init__(f"{found}; expected {expected}; {remedy}")


def typed_frame(
    table: Table, rows: pl.DataFrame, **columns: pl.Expr | str | float | None
) -> pl.DataFrame:
    """`rows` in the columns and dtypes of the contract; a column nobody gives is empty."""
    given = rows.with_columns(**columns)
    return given.select(
        (pl.col(name) if name in given.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in table.schema().items()
    )
