"""What is wrong with a raw row by itself: columns, types, ranges and the rules of its table."""

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from data_io.conversion import convert
from models.tables import ID_LENGTH, Column, Table


def typed_rows(table: Table, raw: pl.DataFrame) -> pl.DataFrame:
    """The columns of the contract in their types, and `!<col>`: true where a value did not fit.

    What a source may leave empty has its value.
    """
    columns: list[pl.Series] = []
    for name, dtype in table.schema().items():
        if name not in raw.columns:
            columns.append(pl.repeat(None, raw.height, dtype=dtype, eager=True).alias(name))
            continue
        columns.append(convert(raw[name], dtype))
        if raw.schema[name] != dtype:
            misfit = columns[-1].is_null() & raw[name].is_not_null()
            columns.append(misfit.alias(f"!{name}"))
    return pl.DataFrame(columns).with_columns(
        pl.when(~_misfit(column, raw)).then(pl.coalesce(column.name, column.when_empty()))
        for column in table.columns
        if column.when_empty is not None
    )


def row_rules(table: Table, raw: pl.DataFrame, now: datetime) -> Iterator[tuple[str, pl.Expr]]:
    """Name and condition of everything that breaks a row of the table by itself, in order."""
    for column in table.columns:
        name, value = column.name, pl.col(column.name)
        if name not in raw.columns:
            if not column.nullable:
                yield f"{name}_missing", value.is_null()
            continue
        misfit = _misfit(column, raw)
        if not column.nullable:
            yield f"{name}_required", value.is_null() & ~misfit
        if raw.schema[name] != column.dtype:
            yield f"{name}_type", misfit
        yield from _value_rules(column)
    for rule in table.rules:
        yield rule.name, ~rule.holds(now)


def _misfit(column: Column, raw: pl.DataFrame) -> pl.Expr:
    """Whether a value was given that does not fit the type of the column."""
    is_read = column.name in raw.columns and raw.schema[column.name] != column.dtype
    return pl.col(f"!{column.name}") if is_read else pl.lit(value=False)


def _value_rules(column: Column) -> Iterator[tuple[str, pl.Expr]]:
    """Name and condition of what can be wrong with a value of the column's type."""
    name, value = column.name, pl.col(column.name)
    if column.dtype == pl.String:
        yield f"{name}_utf8", value.str.contains_any(["\ufffd", "\0"])
    if column.dtype == pl.Float64:
        yield f"{name}_finite", ~value.is_finite()
        value = pl.when(value.is_finite()).then(value)
    limits = [value < column.minimum] if column.minimum is not None else []
    limits += [value > column.maximum] if column.maximum is not None else []
    if limits:
        yield f"{name}_range", pl.any_horizontal(limits)
    if column.choices:
        yield f"{name}_known", ~value.is_in(column.choices)
    elif column.dtype == pl.String:
        yield f"{name}_length", ~value.str.len_chars().is_between(1, ID_LENGTH)
