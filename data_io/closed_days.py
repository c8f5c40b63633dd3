"""Days that stay closed although the row that closes them cannot be read whole.

A rejected row of `holidays` would make its day an ordinary one, and people would be called who are
at home: so a day that is known, of a calendar that is known, counts as closed all day.
"""

import polars as pl

from models.tables import HOLIDAYS, ID_LENGTH

_ISO_DAY = r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ].*)?$"
"""A day, also where a time of day follows, which the contract does not allow."""


def closed_days(bad: pl.DataFrame, raw_day: pl.Series, good: pl.DataFrame) -> pl.DataFrame:
    """Rows by the contract of `holidays` without an opening, one for each day that bad rows name.

    `bad` has the calendar and day of rejected rows as far as they could be read, `raw_day` their
    days as they came. A day of which a good row tells the hours is left out.
    """
    calendar = pl.col("calendar_id")
    is_known = calendar.str.len_chars().is_between(1, ID_LENGTH) & ~calendar.str.contains_any(
        ["\ufffd", "\0"]
    )
    return (
        bad.select("calendar_id", day=pl.coalesce(_named_day(pl.col("day")), _day_of(raw_day)))
        .filter(is_known, pl.col("day").is_not_null())
        .unique()
        .join(good, on=["calendar_id", "day"], how="anti")
        .with_columns(opens_minute=pl.lit(0, pl.Int64), closes_minute=pl.lit(0, pl.Int64))
        .select(HOLIDAYS.schema().names())
        .sort("calendar_id", "day")
    )


def _named_day(text: pl.Expr) -> pl.Expr:
    day = text.str.extract(_ISO_DAY)
    return pl.when(day.str.to_date("%Y-%m-%d", strict=False).is_not_null()).then(day)


def _day_of(raw_day: pl.Series) -> pl.Series:
    """Days of a column of instants, which is no text to begin with."""
    if not isinstance(raw_day.dtype, pl.Datetime):
        return pl.repeat(None, len(raw_day), dtype=pl.String, eager=True)
    return raw_day.dt.date().cast(pl.String)
