"""Commands on files: check a folder of tables, export tables, replay an archived batch."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from data_io.completeness import IncompleteSnapshotError, lacking_tables
from data_io.imports.folder import read_folder
from data_io.publish import read_published
from data_io.store import Store
from data_io.validate import validate
from jobs import archive, show
from jobs.cli import ConfigOption, HomeOption, JsonOption, load, parse_instant
from jobs.clock import SystemClock
from jobs.kept_batches import find_batch
from models.policy import Policy
from models.problem import MILLI
from models.reference_check import ids_are_known
from models.solution import Limit
from models.tables import OUTPUT_TABLES
from solver.solve import solve

app = typer.Typer()


class FileFormat(StrEnum):
    """Formats that tables are exported in."""

    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"


@app.command("validate")
def validate_command(
    folder: Path,
    at: Annotated[str | None, typer.Option("--at", help="Instant of the snapshot.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a folder of input tables; exits with 1 if a row breaks a rule of the contracts, or if
    no tick would take the folder because a required table is missing. Ids that lead nowhere are
    only noted.
    """
    read = read_folder(folder)
    now = parse_instant(at) if at else SystemClock().now()
    checked = validate(read.tables, now)
    rejects = pl.concat([read.rejects, checked.rejects])
    by_rule = rejects.group_by("table_name", "rule").agg(num=pl.len(), first=pl.col("raw").first())
    by_rule = by_rule.sort("table_name", "rule")
    unknown = ids_are_known(Policy(), checked.batch(now))
    notes = [*read.notes, *checked.notes, *(str(finding) for finding in unknown)]
    lacking = tuple(lacking_tables(read.tables, read.rejects))
    if as_json:
        good = {
            name: 0 if frame is None else len(frame)
            for name, frame in vars(checked.tables).items()
        }
        found = {"good": good, "rejected": by_rule.to_dicts(), "notes": notes}
        show.print_json(found | {"lacking": lacking})
    else:
        show.print_frame("Rows that break a rule", by_rule)
        for note in notes:
            show.console.print(f"note: {note}")
        if lacking:
            show.console.print(f"REFUSED: {IncompleteSnapshotError(lacking)}")
    if len(rejects) or lacking:
        raise typer.Exit(1)


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    file_format: Annotated[FileFormat, typer.Option("--format")] = FileFormat.PARQUET,
    everything: Annotated[
        bool, typer.Option("--all", help="All that the store holds; no job may be running.")
    ] = False,
    config: ConfigOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the output tables as files: the published window, or everything in the store."""
    settings = load(config, home)
    if everything:
        now = SystemClock().now()
        with Store.open(settings.store.database, "omniassign export", now) as store:
            tables = store.read_output(now - datetime(1970, 1, 1, tzinfo=UTC))
    else:
        tables = read_published(settings.store.published)
    out.mkdir(parents=True, exist_ok=True)
    written = {}
    for table in OUTPUT_TABLES:
        frame = tables.frame(table)
        path = out / f"{table.name}.{file_format}"
        _write(frame, path, file_format)
        written[str(path)] = len(frame)
    if as_json:
        show.print_json(written)
    else:
        show.print_rows("Written", ("file", "rows"), [(p, f"{n:,}") for p, n in written.items()])


@app.command("replay")
def replay_command(
    folder: Annotated[
        Path, typer.Argument(help="An archived batch, or an archive, of which the newest counts.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Decide an archived batch again; exits with 1 unless the plan is the archived one."""
    kept = find_batch(folder)
    again = archive.replay(kept, solve)
    plan = again.plan
    if as_json:
        show.print_json(
            {
                "folder": kept,
                "identical": again.identical,
                "plan_digest": plan.digest(),
                "archived_digest": again.archived_digest,
                "num_assigned": len(plan.assignments),
                "gain": plan.gain_milli / MILLI,
                "gap": plan.gap,
                "termination": plan.termination,
            }
        )
    else:
        verdict = "identical to the archived plan" if again.identical else "NOT the archived plan"
        if not again.identical and plan.limit is Limit.TIME:
            verdict += ", because the deadline stopped it, which no clock does twice alike"
        show.console.print(
            f"{kept.name}: {len(plan.assignments)} assigned, gain {plan.gain_milli / MILLI:,.2f},"
            f" {plan.termination}: {verdict}"
        )
    if not again.identical:
        raise typer.Exit(1)


def _write(frame: pl.DataFrame, path: Path, file_format: FileFormat) -> None:
    match file_format:
        case FileFormat.PARQUET:
            frame.write_parquet(path)
        case FileFormat.CSV:
            frame.write_csv(path)
        case FileFormat.NDJSON:
            frame.write_ndjson(path)
