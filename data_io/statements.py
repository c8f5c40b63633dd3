"""Named SQL: every statement of the store stands in `data_io/sql/*.sql` under its own name."""

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from models.tables import Table

SQL = Path(__file__).parent / "sql"
NAME = "-- name: "
PARAMETER = re.compile(r"\$(\w+)")

Value = datetime | int | str | None


def statement(name: str, table: Table | None = None, /, **values: Value) -> str:
    """Text of the statement `name`, with `{table}` and every `$value` written in.

    KeyError when there is no such statement, or a value is not given.
    """
    text = _statements()[name]
    if table is not None:
        text = text.replace("{table}", table.name)
    return PARAMETER.sub(lambda match: _literal(values[match[1]]), text)


def _literal(value: Value) -> str:
    # Bound parameters would make DuckDB 1.5 import pandas (a second) and hand out the rows of a
    # query one by one in Python (five times slower).
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value.astimezone(UTC).isoformat()}'"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


@cache
def _statements() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(SQL.glob("*.sql")):
        _, *blocks = path.read_text(encoding="utf-8").split(NAME)
        for block in blocks:
            name, _, text = block.partition("\n")
            if name.strip() in found:
                raise ValueError(
                    f"sql: {path.name} names {name.strip()!r} a second time; expected one"
                    " statement a name; rename one of them"
                )
            found[name.strip()] = text.strip()
    return found
