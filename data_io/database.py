"""One DuckDB connection that runs named statements and speaks frames."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from data_io.statements import Value, statement
from models.tables import Table

CHECKPOINT_THRESHOLD = "1GB"
"""High, so that no commit pays for an automatic checkpoint: `Store.checkpoint` comes between."""


class Database:
    """An open database file, or a database in memory for `:memory:`.

    Instants come back as frames only, because the library's own rows of them need pytz. Every
    result is fetched at once, because DuckDB 2.0 refuses work while one is open.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file; duckdb.IOException when another process has it open."""
        self._connection = duckdb.connect(
            str(path),
            config={
                "checkpoint_threshold": CHECKPOINT_THRESHOLD,
                "python_enable_replacements": False,
            },
        )
        self.run_text("SET TimeZone = 'UTC'")
        # DuckDB 1.5 imports pandas, where installed, before it reads its first frame: a second
        # that belongs to opening and not to the first tick.
        with self.incoming(pl.DataFrame({"warm": [True]})):
            self.frame("read_incoming")

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        self._connection.close()

    def run_text(self, sql: str) -> None:
        """Run statements that have no name: migrations and settings."""
        self._connection.execute(sql).fetchall()

    def run(self, name: str, table: Table | None = None, /, **values: Value) -> None:
        """Run the statement `name`."""
        self.run_text(statement(name, table, **values))

    def frame(self, name: str, table: Table | None = None, /, **values: Value) -> pl.DataFrame:
        """Rows of the query `name`."""
        return self._connection.sql(statement(name, table, **values)).pl()

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        """Append rows that follow the contract of `table`; ValueError when they do not."""
        check_contract(table, rows)
        with self.incoming(rows):
            self.run("append_incoming", table)

    def replace(self, table: Table, rows: pl.DataFrame) -> None:
        """Make `rows` the whole content of `table`."""
        self.run("delete_rows", table)
        self.append(table, rows)

    @contextmanager
    def incoming(self, rows: pl.DataFrame) -> Iterator[None]:
        """Show `rows` to statements under the name `incoming`."""
        self._connection.register("incoming", rows)
        yield
        # After an error the rollback drops the view; DuckDB 2.0 refuses to do it before that.
        self._connection.unregister("incoming")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: an exception inside, or at the commit itself, leaves no trace."""
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()


def check_contract(table: Table, rows: pl.DataFrame) -> None:
    """Raise ValueError unless `rows` has the columns of `table`, in order and with their types."""
    if rows.schema != table.schema():
        raise ValueError(
            f"store: rows for {table.name} have columns {dict(rows.schema)}, expected"
            f" {dict(table.schema())}; bring them to the contract of models/tables.py"
        )
