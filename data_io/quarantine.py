"""Rejected rows as they are kept: the rule they broke and what stood in them, bounded in size.

A row is shown as a JSON object of texts (null stays null), so that NaN, instants out of range,
nested values and broken bytes all have a form. The digest is a fingerprint that is the same on
every machine and for every order of rows: the same bad row in the next snapshot is the same entry.
"""

import hashlib

import polars as pl

from models.tables import REJECTED_ROW

MAX_CHARACTERS = 200
"""Longer values are cut; a mark says how long they were."""
MAX_COLUMNS = 32
"""Further columns of a rejected row are not kept."""

READ_RULE = "!rule"
"""Column in which a reader names the rule that a line broke, null on the lines that it read whole.
Such a row carries what could be read, so that the row it belongs to is known."""
READ_LINE = "!line"
"""Column with the text of such a line."""

_MAX_NAME = 60
_SEEN_AT = {"first_seen_at", "last_seen_at"}
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31, from 1970-01-01
_PER_SECOND = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

REJECTS = pl.Schema({c.name: c.dtype for c in REJECTED_ROW.columns if c.name not in _SEEN_AT})
"""`rejected_row` without the instants, which the store knows."""


def no_rejects() -> pl.DataFrame:
    """A frame of quarantine entries without rows."""
    return pl.DataFrame(schema=REJECTS)


def rejected(table_name: str, rows: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """Quarantine entries, one a row and in the order of `rows`, with the columns `REJECTS`.

    `rules` has `rule` and `num_rules` for each of the rows.
    """
    entries = rules.select(
        pl.lit(table_name).alias("table_name"),
        "rule",
        pl.col("num_rules").cast(pl.Int64),
        raw_json(rows).alias("raw"),
    )
    digests = [
        hashlib.sha256("\x1f".join(entry).encode()).hexdigest()[:32]
        for entry in entries.select("table_name", "rule", "raw").iter_rows()
    ]
    return entries.with_columns(pl.Series("row_digest", digests, pl.String())).match_to_schema(
        REJECTS
    )


def rejected_whole(table_name: str, rule: str, row: dict[str, str]) -> pl.DataFrame:
    """One quarantine entry for something larger than a row: a file, a snapshot."""
    return rejected(
        table_name, pl.DataFrame(row), pl.DataFrame({"rule": [rule], "num_rules": [1]})
    )


def raw_json(rows: pl.DataFrame) -> pl.Series:
    """The rows as JSON objects of texts, at most `MAX_COLUMNS` values of `MAX_CHARACTERS` each."""
    if rows.width == 0:
        return pl.Series("raw", ["{}"] * rows.height, pl.String())
    texts = [
        _cut(_text(rows[name])).alias(_short(name, position))
        for position, name in enumerate(rows.columns[:MAX_COLUMNS])
    ]
    return pl.DataFrame(texts).select(pl.struct(pl.all()).struct.json_encode().alias("raw"))["raw"]


def _short(name: str, position: int) -> str:
    return name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}…{position}"


def _cut(texts: pl.Series) -> pl.Series:
    text = pl.col("text")
    long = text.str.len_chars() > MAX_CHARACTERS
    mark = pl.format(
        "{}… ({} characters)", text.str.slice(0, MAX_CHARACTERS), text.str.len_chars()
    )
    return texts.alias("text").to_frame().select(pl.when(long).then(mark).otherwise(text))["text"]


def _text(values: pl.Series) -> pl.Series:
    """The values as text, whatever their type: nothing that a file may hold fails here."""
    dtype = values.dtype
    if dtype == pl.String:
        return values
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null, pl.Time, pl.Categorical, pl.Enum):
        return values.cast(pl.String)
    if dtype in (pl.Date, pl.Datetime):
        return _instant_text(values)
    if dtype == pl.Duration:
        return values.to_physical().cast(pl.String)
    # Nested instants as stored numbers: Polars panics where Python has no such year.
    plain = values.to_physical() if dtype.is_nested() else values
    return pl.Series(values.name, [_value_text(value) for value in plain.to_list()], pl.String())


def _instant_text(values: pl.Series) -> pl.Series:
    """ISO 8601; the stored number where the year has no four digits (Polars panics on those)."""
    dtype = values.dtype
    per_day = 86_400 * _PER_SECOND[dtype.time_unit] if isinstance(dtype, pl.Datetime) else 1
    stored, epoch = pl.col("stored"), pl.lit(0).cast(dtype)
    four_digits = (stored // per_day).is_between(_FIRST_DAY, _LAST_DAY)
    shown = pl.when(four_digits).then(pl.col("value")).otherwise(epoch).dt.to_string("iso")
    texts = pl.when(four_digits).then(shown).otherwise(stored.cast(pl.String))
    frame = pl.DataFrame({"value": values, "stored": values.to_physical().cast(pl.Int64)})
    return frame.select(texts.alias("text"))["text"]


def _value_text(value: object) -> str | None:
    if value is None:
        return None
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text.encode(errors="replace").decode()
