"""Named SQL: every statement of the store stands in `data_io/sql/*.sql` under its own name."""

from functools import cache
from pathlib import Path

from models.tables import Table

SQL = Path(__file__).parent / "sql"
NAME = "-- name: "


def statement(name: str, table: Table | None = None) -> str:
    """Text of the statement `name`, with `{table}` replaced; KeyError when there is none."""
    text = _statements()[name]
    return text if table is None else text.replace("{table}", table.name)


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
