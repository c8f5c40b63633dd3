"""`omniassign import`: from real logs and foreign folders into the store."""

import shutil
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from data_io.completeness import check_complete
from data_io.imports.anonymous_bank import import_bank
from data_io.imports.folder import read_folder
from data_io.imports.imported import Imported
from data_io.imports.servicenow import import_servicenow
from data_io.quarantine import no_rejects
from data_io.store import Store
from data_io.validate import validate
from jobs import show
from jobs.cli import ConfigOption, HomeOption, JsonOption, load, parse_instant
from jobs.clock import SystemClock
from jobs.config import ConfigError
from models.tables import INPUT_TABLES, InputTables

app = typer.Typer(no_args_is_help=True, help="Build a snapshot from a log or a folder.")

FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Put the old home folder aside and start an empty store.")
]


@app.command()
def servicenow(
    path: Path,
    at: Annotated[str, typer.Option("--at", help="Instant of the backlog, UTC.")],
    config: ConfigOption = None,
    home: HomeOption = None,
    fresh: FreshOption = False,
    as_json: JsonOption = False,
) -> None:
    """The backlog of the ServiceNow incident log at one instant (docs/importers.md)."""
    _take(
        lambda: import_servicenow(path, parse_instant(at)),
        config,
        home,
        fresh=fresh,
        as_json=as_json,
    )


@app.command("anonymous-bank")
def anonymous_bank(
    path: Path,
    day: Annotated[str, typer.Option("--date", help="Day of the log, such as 1999-02-01.")],
    at: Annotated[str, typer.Option("--at", help="Local time of that day, such as 10:00.")],
    config: ConfigOption = None,
    home: HomeOption = None,
    fresh: FreshOption = False,
    as_json: JsonOption = False,
) -> None:
    """Calls in queue and servers of the anonymous bank at one instant (docs/importers.md)."""
    _take(
        lambda: import_bank(path, parse_day(day), parse_time(at)),
        config,
        home,
        fresh=fresh,
        as_json=as_json,
    )


@app.command()
def folder(
    path: Path,
    at: Annotated[str | None, typer.Option("--at", help="Instant of the snapshot.")] = None,
    config: ConfigOption = None,
    home: HomeOption = None,
    fresh: FreshOption = False,
    as_json: JsonOption = False,
) -> None:
    """Input tables as Parquet, CSV or NDJSON that follow the contracts (docs/tables.md)."""
    read = read_folder(path)
    now = parse_instant(at) if at else SystemClock().now()
    _take(
        lambda: Imported(read.tables, read.notes, now, attribution=str(path)),
        config,
        home,
        fresh=fresh,
        as_json=as_json,
        rejects=read.rejects,
    )


def parse_day(text: str) -> date:
    """An ISO date; raises ConfigError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--date is {text!r}; expected e.g. 1999-02-01") from None


def parse_time(text: str) -> time:
    """An ISO time of day; raises ConfigError."""
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at is {text!r}; expected a time of day such as 10:00") from None


def put_aside(home: Path, now: datetime) -> None:
    """Rename a home folder, so that a new store can start in its place."""
    if home.exists():
        shutil.move(home, home.with_name(f"{home.name}-until-{now:%Y%m%dT%H%M%S}"))


def _take(
    build: Callable[[], Imported],
    config: Path | None,
    home: Path | None,
    *,
    fresh: bool,
    as_json: bool,
    rejects: pl.DataFrame | None = None,
) -> None:
    settings = load(config, home)
    clock = SystemClock()
    imported = build()
    unreadable = no_rejects() if rejects is None else rejects
    check_complete(imported.tables, unreadable)
    checked = validate(imported.tables, imported.now)
    bad = pl.concat([unreadable, checked.rejects])
    if fresh:
        put_aside(settings.store.home, clock.now())
    with Store.open(settings.store.database, "omniassign import", clock.now()) as store:
        last = store.last_tick_at()
        if last is not None and last > imported.now:
            raise ConfigError(
                f"the store in {settings.store.home} has ticks up to {last:%Y-%m-%d %H:%M:%S} UTC,"
                f" later than this snapshot of {imported.now:%Y-%m-%d %H:%M:%S} UTC; use --fresh,"
                " or another folder with --home"
            )
        store.replace_current(_all_tables(checked.tables), bad, imported.now)
    _show(imported, checked.tables, bad, checked.notes, as_json=as_json)


def _all_tables(tables: InputTables) -> InputTables:
    """Tables that the import does not have are emptied: a snapshot is the whole truth."""
    return InputTables(
        *(
            table.empty() if (frame := tables.frame(table)) is None else frame
            for table in INPUT_TABLES
        )
    )


def _show(
    imported: Imported,
    tables: InputTables,
    bad: pl.DataFrame,
    notes: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    counts = {
        table.name: len(frame)
        for table in INPUT_TABLES
        if (frame := tables.frame(table)) is not None
    }
    if as_json:
        show.print_json(
            {
                "snapshot_at": imported.now,
                "rows": counts,
                "rejected": len(bad),
                "notes": notes,
                "assumptions": imported.assumptions,
                "attribution": imported.attribution,
            }
        )
        return
    rows = [(name, f"{count:,}") for name, count in counts.items()]
    rows.append(("in quarantine", f"{len(bad):,}"))
    show.print_rows(f"Snapshot of {imported.now:%Y-%m-%d %H:%M} UTC", ("table", "rows"), rows)
    for text in (*notes, *imported.assumptions):
        show.console.print(f"- {text}")
    show.console.print(f"Data: {imported.attribution}")
