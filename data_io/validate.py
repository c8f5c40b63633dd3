"""Raw tables of a snapshot to the rows that keep their contract, and the rest to quarantine.

The rules of a row, in the order in which the first broken one names the rejection:

1. what its reader found (`line_is_json`, `line_is_csv`, `line_fits_header`);
2. for each column in contract order: `<col>_missing` (no such column), `<col>_required` (null),
   `<col>_type`, `<col>_utf8` (U+FFFD or NUL), `<col>_finite`, `<col>_range`, `<col>_known` (not
   one of the choices), `<col>_length` (empty, or longer than `ID_LENGTH`);
3. the row rules of the table;
4. `key_unique`, among rows that are good so far;
5. `<col>_exists`: the parent must be in the same snapshot and good itself; a table that is not
   there has no rows;
6. `<child>_rejected`: a good parent whose guarded child was rejected.

Steps 5 and 6 repeat until nothing changes. Days of rejected `holidays` stay closed all the same
(`data_io/closed_days.py`). `num_rules` counts the rules that the row broke in the step that
rejected it (1 to 3 are one step). The result is the same for every order of rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from data_io.closed_days import closed_days
from data_io.conversion import convert
from data_io.quarantine import READ_LINE, READ_RULE, no_rejects, raw_json, rejected
from data_io.row_rules import row_rules, typed_rows
from models.batch import Batch
from models.tables import HOLIDAYS, INPUT_TABLES, InputTables, Table


@dataclass(frozen=True, eq=False)
class Validated:
    """Good rows in the columns and types of the contract, rejected rows, and what else was odd.

    `rejects` has the columns `quarantine.REJECTS`, one row for every rejected one.
    """

    tables: InputTables
    rejects: pl.DataFrame
    notes: tuple[str, ...]

    def batch(self, now: datetime) -> Batch:
        """The good rows as the tables of one instant."""
        frames = ((table, self.tables.frame(table)) for table in INPUT_TABLES)
        return Batch(now, *(table.empty() if rows is None else rows for table, rows in frames))


def validate(raw: InputTables, now: datetime) -> Validated:
    """Every input table as a frame of its contract, with the rows that broke a rule set apart.

    Frames may have any types, lack columns or have more; nothing in them raises. That required
    tables are there is for `data_io/completeness.py` to say. `now` is the
    instant of the snapshot: what happened lies before it (`CLOCK_SKEW` apart).
    """
    sheets = tuple(_checked(table, raw.frame(table), now) for table in INPUT_TABLES)
    sheets = tuple(_kept_closed(sheet) for sheet in _consistent(sheets))
    return Validated(
        InputTables(*(sheet.good.select(sheet.table.schema().names()) for sheet in sheets)),
        pl.concat([no_rejects(), *(_entries(sheet) for sheet in sheets if sheet.bad)]),
        tuple(note for sheet in sheets for note in sheet.notes),
    )


@dataclass(frozen=True, eq=False)
class ValidatedTable:
    """Good rows of one table, quarantine entries of the others, and what else was odd."""

    rows: pl.DataFrame
    rejects: pl.DataFrame
    notes: tuple[str, ...]


def validate_alone(table: Table, raw: pl.DataFrame, now: datetime) -> ValidatedTable:
    """A table that is no part of a snapshot: steps 1 to 4, as nothing refers to it."""
    sheet = _checked(table, raw, now)
    rejects = _entries(sheet) if sheet.bad else no_rejects()
    return ValidatedTable(sheet.good.select(table.schema().names()), rejects, sheet.notes)


_ROW = "!row"
_GUARDS = "!guards"
_POSITION = {table.name: position for position, table in enumerate(INPUT_TABLES)}


@dataclass(frozen=True, eq=False)
class _Sheet:
    """One table under validation.

    `good` has the typed columns and `_ROW`, the number of the raw row; the frames of `bad` have
    `rule`, `num_rules` and `_GUARDS` as well: whether the loss of the row may loosen a rule.
    """

    table: Table
    raw: pl.DataFrame
    good: pl.DataFrame
    bad: tuple[pl.DataFrame, ...] = ()
    notes: tuple[str, ...] = ()


def _checked(table: Table, raw: pl.DataFrame | None, now: datetime) -> _Sheet:
    """The sheet after steps 1 to 4: what can be told from the table alone."""
    if raw is None:
        return _Sheet(table, table.empty(), table.empty().with_row_index(_ROW))
    typed = typed_rows(table, raw)
    rows = typed.select(table.schema().names()).with_row_index(_ROW)
    broken = typed.select(rule.alias(name) for name, rule in row_rules(table, raw, now))
    read_rule = convert(raw[READ_RULE], pl.String()) if READ_RULE in raw.columns else None
    sheet = _Sheet(table, raw, rows, notes=tuple(_notes(table, raw)))
    return _with_unique_keys(_without(sheet, broken, read_rule))


def _without(sheet: _Sheet, broken: pl.DataFrame, read_rule: pl.Series | None = None) -> _Sheet:
    """The sheet without those of its good rows for which a column of `broken` is true.

    The columns of `broken` are named after the rules; `read_rule` names one more, or is null.
    """
    is_bad = broken.select(pl.any_horizontal(pl.all()).fill_null(value=False)).to_series()
    if read_rule is not None:
        is_bad |= read_rule.is_not_null()
    if not is_bad.any():
        return sheet
    unread = pl.lit(None, pl.String) if read_rule is None else read_rule.filter(is_bad)
    first = [pl.when(name).then(pl.lit(name)) for name in broken.columns]
    reasons = broken.filter(is_bad).with_columns(unread.alias(READ_RULE))
    bad = sheet.good.filter(is_bad).hstack(
        reasons.select(
            pl.coalesce(READ_RULE, *first).alias("rule"),
            pl.sum_horizontal(*broken.columns, pl.col(READ_RULE).is_not_null()).alias("num_rules"),
            pl.repeat(value=True, n=pl.len()).alias(_GUARDS),
        )
    )
    return replace(sheet, good=sheet.good.filter(~is_bad), bad=(*sheet.bad, bad))


def _with_unique_keys(sheet: _Sheet) -> _Sheet:
    """The sheet with one row a key: the highest version, then the largest values in order.

    A lost twin guards its parent only where the row that stays names another parent: otherwise
    the stricter requirement, or the one load, is still there.
    """
    key, parent = list(sheet.table.key), sheet.table.guarded_parent
    is_twin = sheet.good.select(key).is_duplicated()
    if not is_twin.any():
        return sheet
    twins = sheet.good.filter(is_twin)
    names = [name for name in sheet.table.schema() if name not in (*key, "version")]
    order = ["version", *names] if "version" in sheet.good.columns else names
    texts = raw_json(sheet.raw[twins[_ROW]])
    ranked = twins.with_columns(texts.alias("!raw")).sort(
        *order, "!raw", descending=True, nulls_last=True
    )
    kept = ranked.unique(subset=key, keep="first", maintain_order=True)
    owner = pl.col(parent.column if parent else key[0])
    lost = (
        ranked.drop("!raw")
        .join(kept.select(_ROW), on=_ROW, how="anti")
        .join(kept.select(*key, owner.alias("!kept")), on=key)
        .with_columns(
            pl.lit("key_unique").alias("rule"),
            pl.lit(1).alias("num_rules"),
            (owner != pl.col("!kept")).alias(_GUARDS),
        )
        .drop("!kept")
    )
    good = sheet.good.filter(~pl.col(_ROW).is_in(lost[_ROW].implode()))
    return replace(sheet, good=good, bad=(*sheet.bad, lost))


def _consistent(sheets: tuple[_Sheet, ...]) -> tuple[_Sheet, ...]:
    """The sheets after steps 5 and 6, repeated until no more rows are lost."""
    while True:
        found: list[_Sheet] = []
        for sheet in sheets:
            found.append(_without_orphans(sheet, found))
        guarded = [_without_guarded(sheet, found) for sheet in found]
        if guarded == found:
            return tuple(found)
        sheets = tuple(guarded)


def _without_orphans(sheet: _Sheet, parents: list[_Sheet]) -> _Sheet:
    """The sheet without rows that name a parent which is not there, or not good."""
    orphans = []
    for reference in sheet.table.references:
        parent = parents[_POSITION[reference.table]]
        keys = parent.good[parent.table.key[0]].implode()
        is_orphan = ~pl.col(reference.column).is_in(keys)
        orphans.append(is_orphan.alias(f"{reference.column}_exists"))
    return _without(sheet, sheet.good.select(orphans)) if orphans else sheet


def _without_guarded(sheet: _Sheet, children: list[_Sheet]) -> _Sheet:
    """The sheet without the parents of rejected rows whose loss may loosen a rule."""
    for child in children:
        guarded = child.table.guarded_parent
        if guarded is None or guarded.table != sheet.table.name or not child.bad:
            continue
        lost = pl.concat([bad.filter(_GUARDS)[guarded.column] for bad in child.bad])
        is_guarded = pl.col(sheet.table.key[0]).is_in(lost.drop_nulls().implode())
        broken = sheet.good.select(is_guarded.alias(f"{child.table.name}_rejected"))
        sheet = _without(sheet, broken)
    return sheet


def _kept_closed(sheet: _Sheet) -> _Sheet:
    """The sheet of `holidays` with a closed day for each that only rejected rows name."""
    if sheet.table is not HOLIDAYS or not sheet.bad:
        return sheet
    bad = pl.concat([rows.select(_ROW, "calendar_id", "day") for rows in sheet.bad])
    given = "day" in sheet.raw.columns
    raw_day = sheet.raw["day"][bad[_ROW]] if given else bad["day"]
    closed = closed_days(bad, raw_day, sheet.good)
    if closed.is_empty():
        return sheet
    days = ", ".join(f"{calendar} {day}" for calendar, day, *_ in closed.head(5).iter_rows())
    more = ", ..." if len(closed) > 5 else ""
    note = f"holidays: rows are rejected, but their days stay closed ({days}{more})"
    good = pl.concat([sheet.good, closed.with_row_index(_ROW)], how="diagonal")
    return replace(sheet, good=good, notes=(*sheet.notes, note))


def _entries(sheet: _Sheet) -> pl.DataFrame:
    """Quarantine entries of the sheet, by rule and digest: the order of the rows does not show."""
    first = [name for name in (*sheet.table.schema(), READ_LINE) if name in sheet.raw.columns]
    names = [*first, *(name for name in sheet.raw.columns if name not in (*first, READ_RULE))]
    entries = []
    for bad in sheet.bad:
        # A selection of no columns would forget how many rows there are.
        rows = sheet.raw.select(names)[bad[_ROW]] if names else pl.DataFrame(height=bad.height)
        entries.append(rejected(sheet.table.name, rows, bad))
    return pl.concat(entries).sort("rule", "row_digest")


def _notes(table: Table, raw: pl.DataFrame) -> Iterator[str]:
    """What is odd about the columns: some are not in the contract, or are missing in every row."""
    known = (*table.schema(), READ_RULE, READ_LINE)
    foreign = [name for name in raw.columns if name not in known]
    needed = [column.name for column in table.columns if not column.nullable]
    absent = [name for name in needed if name not in raw.columns]
    if foreign:
        yield f"{table.name}: {_listed(foreign)} not in the contract; ignored"
    if absent:
        yield f"{table.name}: {_listed(absent)} not given; no row is complete"


def _listed(names: list[str]) -> str:
    shown = ", ".join(name[:60] for name in sorted(names)[:5])
    more = ", ..." if len(names) > 5 else ""
    return f"{len(names)} column{'s' if len(names) > 1 else ''} ({shown}{more})"
