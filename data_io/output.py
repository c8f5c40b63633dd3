"""The output tables as readers get them."""

from dataclasses import dataclass, fields

import polars as pl

from models.tables import OUTPUT_TABLES, Table


@dataclass(frozen=True, eq=False)
class OutputTables:
    """One frame per output table, each following its contract.

    `tick`, `assignment`, `response_result` and `price_run` hold the last window only;
    `unassigned`, `explanation`, `price`, `requeue` and `outlook` are those of the last tick;
    `skill_price` is that of the last day.
    """

    tick: pl.DataFrame
    assignment: pl.DataFrame
    unassigned: pl.DataFrame
    explanation: pl.DataFrame
    price: pl.DataFrame
    requeue: pl.DataFrame
    outlook: pl.DataFrame
    response_result: pl.DataFrame
    rejected_row: pl.DataFrame
    price_run: pl.DataFrame
    skill_price: pl.DataFrame

    def frame(self, table: Table) -> pl.DataFrame:
        """Frame of `table`."""
        frame: pl.DataFrame = getattr(self, table.name)
        return frame


assert [field.name for field in fields(OutputTables)] == [table.name for table in OUTPUT_TABLES]  # noqa: S101
