"""`omniassign study`: its options. The work is in `command.py`."""

from pathlib import Path
from typing import Annotated

import typer

from scenarios.study.errors import StudyError

app = typer.Typer()

SOME_FAILED = 1


@app.command("study")
def study_command(
    file: Annotated[
        str | None, typer.Argument(help="TOML file, or the name of a ready study.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the results; var/study/NAME by default."),
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="Name the ready studies.")] = False,
    days: Annotated[
        int | None, typer.Option(min=2, help="Days instead of the file's; a difference takes two.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; one per core by default.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a dask scheduler: run on its workers instead.")
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Forget runs that are finished.")] = False,
    from_log: Annotated[
        Path | None, typer.Option(help="A month of a bank's real log, to fit a centre to.")
    ] = None,
    predict: Annotated[
        Path | None, typer.Option(help="With --from-log: the month to predict from it.")
    ] = None,
    replications: Annotated[
        int, typer.Option(min=2, help="With --from-log: simulated months.")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs.")] = False,
) -> None:
    """What if? Simulate days with and without a change, under several routers, and compare.

    Writes tables and report.html to --out. What is finished there is not run again.
    """
    # Only here: other commands must start without the simulator, its routers and plots.
    from scenarios.study import command  # noqa: PLC0415

    if show_list:
        command.list_studies(as_json=as_json)
        return
    if from_log is not None and predict is not None:
        from scenarios.from_log.command import run_from_log  # noqa: PLC0415

        folder = out or Path("var") / "study" / f"{predict.stem}-from-{from_log.stem}"
        run_from_log(from_log, predict, folder, replications, as_json=as_json)
        return
    if from_log is not None or predict is not None:
        raise StudyError(
            "study: only one of --from-log and --predict; expected the month to fit and the month"
            " to predict: give both"
        )
    if file is None:
        raise StudyError(
            "study: no file; expected a TOML file or a ready study: omniassign study --list"
        )
    num_failed = command.run_study(
        file, out, days, processes, scheduler, fresh=fresh, as_json=as_json
    )
    if num_failed:
        raise typer.Exit(SOME_FAILED)
