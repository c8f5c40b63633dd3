"""One file of rows, in any of the three formats, read so that nothing in it ends the process."""

from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from data_io.imports.text import csv_rows, ndjson_rows
from data_io.quarantine import READ_LINE, READ_RULE
from models.tables import Table

FORMATS = (".parquet", ".csv", ".ndjson")
MAX_FILE_BYTES = 1 << 30
"""A larger file is not read: a snapshot that is not one would take the memory of the tick."""
FILE_RULE = "file_readable"
"""Rule that a file breaks which cannot be read at all."""
FAILURES = (
    OSError,
    ValueError,
    MemoryError,
    pa.ArrowException,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)
"""What reading a broken file may raise."""


def read_rows(path: Path, table: Table) -> pl.DataFrame:
    """The raw rows of one file; whatever is wrong with the whole of it is one of `FAILURES`."""
    if not path.is_file():
        raise ValueError("not a file; expected a file of rows")
    size = path.stat().st_size
    if not 0 < size <= MAX_FILE_BYTES:
        raise ValueError(f"{size} bytes; expected 1 to {MAX_FILE_BYTES}")
    # Never a memory map: a file that shrinks under it would end the process.
    payload = path.read_bytes()
    if path.suffix == ".csv":
        return csv_rows(payload)
    return ndjson_rows(payload, table) if path.suffix == ".ndjson" else _parquet_rows(payload)


def _parquet_rows(payload: bytes) -> pl.DataFrame:
    """The rows by way of Arrow: on broken files Polars' own reader can abort the process."""
    arrow = parquet.ParquetFile(pa.BufferReader(payload)).read()
    try:
        arrow.validate(full=True)
    except pa.ArrowInvalid:
        # Texts that are no UTF-8 go on as bytes, so that only their rows are lost.
        arrow = arrow.cast(pa.schema(_as_bytes(field) for field in arrow.schema))
        arrow.validate(full=True)
    return pl.DataFrame(arrow).drop(READ_RULE, READ_LINE, strict=False)


def _as_bytes(field: pa.Field) -> pa.Field:
    is_text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    return field.with_type(pa.large_binary()) if is_text else field


def described(failure: BaseException) -> str:
    """The cause without paths, so that it is the same entry on every machine."""
    text = failure.strerror if isinstance(failure, OSError) and failure.strerror else failure
    return f"{type(failure).__name__}: {text}"
