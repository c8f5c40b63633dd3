"""CSV and NDJSON as raw rows: every line stands alone, so one broken line costs one row.

Both are UTF-8 with one record a line; a line break inside quotes is not part of the format. Bytes
that are not UTF-8 become U+FFFD, which validation finds. A line that cannot be read whole comes
back as a row with what could be read and `quarantine.READ_RULE`, the rule that it broke:

- `line_is_csv`: a quote opens or closes in the middle of a field;
- `line_fits_header`: more fields than the header names (fewer are completed with nulls);
- `line_is_json`: not one JSON object.
"""

import json
import re
from typing import Any

import polars as pl

from data_io.conversion import valid_text
from data_io.quarantine import READ_LINE, READ_RULE
from models.tables import HOLIDAYS, Table

_QUOTED = r'"(?:[^"]|"")*"'
_FIELD = rf'(?:[^",]*|{_QUOTED})'
_WELL_FORMED = rf"^{_FIELD}(?:,{_FIELD})*$"
_NUM_FIELDS = pl.col("line").str.replace_all(_QUOTED, "").str.count_matches(",", literal=True) + 1
_MAX_COLUMNS = 1_000
_MAX_FOREIGN = 16
"""Columns beyond the contract that NDJSON rows keep for quarantine."""
_DTYPES: dict[type, pl.DataType] = {
    str: pl.String(),
    int: pl.Int64(),
    float: pl.Float64(),
    bool: pl.Boolean(),
}


def csv_rows(payload: bytes) -> pl.DataFrame:
    """The records of a CSV file with a header, all columns as text, empty fields as null.

    Raises ValueError where there is no header, or one of too many columns.
    """
    lines = _lines(payload)
    if lines.is_empty():
        raise ValueError("no header; expected the names of the columns in the first line")
    records = lines.to_frame().select("line", _NUM_FIELDS.alias("width"))
    width: int = records["width"][0]
    if width > _MAX_COLUMNS:
        raise ValueError(f"{width} columns in the header; expected at most {_MAX_COLUMNS}")
    rows = _fields(lines, width)
    broken = (
        pl.when(~pl.col("line").str.contains(_WELL_FORMED))
        .then(pl.lit("line_is_csv"))
        .when(pl.col("width") > width)
        .then(pl.lit("line_fits_header"))
    )
    marks = records.select(broken.alias(READ_RULE), "line").slice(1)
    names = _unique(rows.row(0))
    rows = rows.slice(1)
    rows.columns = names
    if marks[READ_RULE].is_null().all():
        return rows
    line = pl.when(pl.col(READ_RULE).is_not_null()).then("line").alias(READ_LINE)
    return rows.hstack(marks.select(READ_RULE, line))


def ndjson_rows(payload: bytes, table: Table) -> pl.DataFrame:
    """The objects of an NDJSON file; a column of mixed types holds Python objects."""
    records = [_record(line, table) for line in _lines(payload)]
    if not records:
        return table.empty()
    names = dict.fromkeys(name for record in records for name in record)
    expected = {*table.schema(), READ_RULE, READ_LINE}
    foreign = [name for name in names if name not in expected][:_MAX_FOREIGN]
    columns = [
        _column(name, [record.get(name) for record in records])
        for name in names
        if name in expected or name in foreign
    ]
    return pl.DataFrame(columns or None, height=len(records))


def _lines(payload: bytes) -> pl.Series:
    text = payload.decode("utf-8", errors="replace").removeprefix("\ufeff")
    lines = pl.Series("line", text.split("\n"), pl.String()).str.strip_chars_end("\r")
    return lines.filter(lines.str.strip_chars() != "")


def _fields(lines: pl.Series, width: int) -> pl.DataFrame:
    """The first `width` fields of every line; a line that is no CSV is cut at its commas."""
    line = pl.col("line")
    bare = pl.concat_str(line.str.replace_all('"', "", literal=True), pl.lit(","))
    records = pl.when(line.str.contains(_WELL_FORMED)).then(line).otherwise(bare)
    numbered = ",".join(f"c{position}" for position in range(width))
    body = "\n".join([numbered, *lines.to_frame().select(records).to_series()])
    fields = pl.read_csv(body.encode(), infer_schema=False, truncate_ragged_lines=True)
    return fields.with_columns(pl.when(pl.all() != "").then(pl.all()))


def _unique(names: tuple[str | None, ...]) -> list[str]:
    """Column names without blanks; one that was there already gets its position."""
    unique: list[str] = []
    for position, given in enumerate(names):
        name = (given or "").strip()
        is_taken = name in unique or name in (READ_RULE, READ_LINE)
        unique.append(f"{name}#{position}" if is_taken or not name else name)
    return unique


def _record(line: str, table: Table) -> dict[str, Any]:
    """One line as an object; a line that is none names its rule and what it is about."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return {READ_RULE: "line_is_json", READ_LINE: line, **_legible(line, table)}
    if "\\u" not in line and '"!' not in line:
        return record  # all names are plain: this spares looking at each
    named = {valid_text(name): value for name, value in record.items()}
    return {f"{name}#" if name in (READ_RULE, READ_LINE) else name: named[name] for name in named}


def _legible(line: str, table: Table) -> dict[str, str]:
    """What a broken line says of its guarded parent, which must not be routed without what was
    lost, or of its holiday, which stays closed.
    """
    names = ["calendar_id", "day"] if table is HOLIDAYS else []
    names += [table.guarded_parent.column] if table.guarded_parent else []
    found = {name: re.search(rf'"{name}"\s*:\s*"([^"\\]*)"', line) for name in names}
    return {name: match[1] for name, match in found.items() if match}


def _column(name: str, values: list[Any]) -> pl.Series:
    """The values in the one type that all of them have, or as Python objects."""
    kinds = {type(value) for value in values if value is not None}
    dtype = _DTYPES.get(kinds.pop()) if len(kinds) == 1 else None
    if dtype == pl.String:
        values = [None if value is None else valid_text(value) for value in values]
    elif dtype == pl.Int64 and any(value.bit_length() > 63 for value in values if value):
        dtype = None
    return pl.Series(name, values, dtype or pl.Object())
