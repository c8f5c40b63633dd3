"""Values of any type to the types of the contract, without guessing: what does not fit is named.

Accepted, besides the type itself: whole numbers as "7", 7.0 or 7; numbers as text; booleans as
true, false, 1, 0 in either case; identities as whole numbers; days as dates; instants as ISO 8601
text (date alone, space or T, fractions of a second, Z, an offset, or none for UTC), as dates and
as datetimes of any unit and zone. A number is never an instant: nobody knows its unit.
"""

from collections.abc import Callable
from datetime import date

import polars as pl

from models.tables import INSTANT

_LONGEST_SCALAR = 100
"""No number, boolean or instant is written with more characters."""
_MOST_BITS = 256
"""Whole numbers beyond are outside every contract, and slow to write out."""
_ISO_8601 = (
    r"^(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?<minute>[0-9]{2}:[0-9]{2})(?::(?<second>[0-5][0-9])(?:[.,](?<part>[0-9]{1,9}))?)?"
    r"\s?(?:[Zz]|(?<sign>[+-])(?<hours>[01][0-9]|2[0-3])(?::?(?<minutes>[0-5][0-9]))?)?)?$"
)


def convert(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """The values in `dtype`, null where one does not fit; never fails, whatever the values are."""
    if values.dtype == dtype:
        return values
    if values.dtype == pl.Null:
        return values.cast(dtype)
    if values.dtype in (pl.Object, pl.Binary):
        values = _scalar_texts(values, dtype)
    return _CONVERSIONS[dtype](values)


def valid_text(text: str) -> str:
    """The text, with U+FFFD for halves of characters: JSON can hold them and UTF-8 cannot."""
    return text.encode(errors="surrogatepass").decode(errors="replace")


def _to_text(values: pl.Series) -> pl.Series:
    if values.dtype == pl.String:
        return values
    if values.dtype.is_integer() or values.dtype in (pl.Categorical, pl.Enum):
        return values.cast(pl.String)
    if values.dtype == pl.Date:
        # Polars panics on years that have no four digits.
        four_digits = pl.col("value").is_between(date(1, 1, 1), date(9999, 12, 31))
        day = pl.when(four_digits).then("value").otherwise(date(1970, 1, 1)).dt.to_string("iso")
        return _evaluate(values, pl.when(four_digits).then(day))
    return _nothing(values, pl.String())


def _to_whole(values: pl.Series) -> pl.Series:
    value = pl.col("value")
    if values.dtype.is_integer():
        return values.cast(pl.Int64, strict=False)
    if values.dtype.is_float() or values.dtype.is_decimal():
        return _evaluate(values, _whole(value.cast(pl.Float64, strict=False)))
    if values.dtype == pl.String:
        text = _scalar(value)
        number = _whole(text.cast(pl.Float64, strict=False))
        return _evaluate(values, pl.coalesce(text.cast(pl.Int64, strict=False), number))
    return _nothing(values, pl.Int64())


def _to_number(values: pl.Series) -> pl.Series:
    if values.dtype.is_numeric():
        return values.cast(pl.Float64, strict=False)
    if values.dtype == pl.String:
        return _evaluate(values, _scalar(pl.col("value")).cast(pl.Float64, strict=False))
    return _nothing(values, pl.Float64())


def _to_boolean(values: pl.Series) -> pl.Series:
    value = pl.col("value")
    if values.dtype.is_numeric():
        number = value.cast(pl.Float64, strict=False)
        yes, no = number == 1.0, number == 0.0
    elif values.dtype == pl.String:
        word = _scalar(value).str.to_lowercase()
        yes, no = word.is_in(["true", "1"]), word.is_in(["false", "0"])
    else:
        return _nothing(values, pl.Boolean())
    return _evaluate(values, pl.when(yes).then(True).when(no).then(False))


def _to_instant(values: pl.Series) -> pl.Series:
    value, dtype = pl.col("value"), values.dtype
    if dtype == pl.String:
        return _evaluate(values, _parsed_instant(_scalar(value)))
    if dtype == pl.Date or (isinstance(dtype, pl.Datetime) and dtype.time_zone is None):
        naive = value.cast(pl.Datetime("us"), strict=False)
        return _evaluate(values, naive.dt.replace_time_zone("UTC"))
    if isinstance(dtype, pl.Datetime):
        return values.cast(INSTANT, strict=False)
    return _nothing(values, INSTANT)


def _parsed_instant(text: pl.Expr) -> pl.Expr:
    part = text.str.extract_groups(_ISO_8601).struct.field
    local = pl.format(
        "{}T{}:{}", part("date"), part("minute").fill_null("00:00"), part("second").fill_null("00")
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    fraction = part("part").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64).fill_null(0)
    hours = part("hours").cast(pl.Int64).fill_null(0)
    minutes = part("minutes").cast(pl.Int64).fill_null(0)
    east = pl.when(part("sign") == "-").then(-1).otherwise(1)
    offset = pl.duration(minutes=east * (60 * hours + minutes))
    return (local + pl.duration(microseconds=fraction) - offset).dt.replace_time_zone("UTC")


def _scalar(text: pl.Expr) -> pl.Expr:
    """The text without blanks around it, null where it is too long to be a scalar."""
    return pl.when(text.str.len_bytes() <= _LONGEST_SCALAR).then(text).str.strip_chars()


def _whole(number: pl.Expr) -> pl.Expr:
    return pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False)


def _scalar_texts(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Python objects and bytes as text; what is nested becomes null, broken bytes U+FFFD."""
    texts = [_scalar_text(value, dtype) for value in values.to_list()]
    return pl.Series(values.name, texts, pl.String())


def _scalar_text(value: object, dtype: pl.DataType) -> str | None:
    text = None
    if isinstance(value, bytes):
        text = value.decode(errors="replace")
    elif isinstance(value, str):
        text = valid_text(value)
    elif isinstance(value, bool):
        text = str(value) if dtype == pl.Boolean else None
    elif isinstance(value, int):
        text = f"{value:d}" if value.bit_length() <= _MOST_BITS else None
    elif isinstance(value, float):
        text = repr(float(value)) if dtype != pl.String else None
    elif isinstance(value, date):
        text = value.isoformat() if dtype == INSTANT else None
    return text


def _evaluate(values: pl.Series, expression: pl.Expr) -> pl.Series:
    return values.alias("value").to_frame().select(expression.alias(values.name))[values.name]


def _nothing(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    return pl.repeat(None, len(values), dtype=dtype, eager=True).alias(values.name)


_CONVERSIONS: dict[pl.DataType, Callable[[pl.Series], pl.Series]] = {
    pl.String(): _to_text,
    pl.Int64(): _to_whole,
    pl.Float64(): _to_number,
    pl.Boolean(): _to_boolean,
    INSTANT: _to_instant,
}
