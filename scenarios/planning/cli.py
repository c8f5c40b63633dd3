"""`omniassign plan`: its options. The work is in `commands.py`."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Plan heads, shifts and trainings, each verified by simulation.")

FileArgument = Annotated[Path, typer.Argument(help="TOML file: centre, targets, costs.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Parquet file for the heads or the roster.")
]

# Imports inside: other commands must start without the simulator and its solvers.


@app.command("staffing")
def staffing_command(
    file: FileArgument, out: OutOption = None, as_json: JsonOption = False
) -> None:
    """Heads by team and interval that keep the promises; exit code 1 if fresh days break one."""
    from scenarios.planning import commands  # noqa: PLC0415

    commands.staffing(file, out, as_json=as_json)


@app.command("shifts")
def shifts_command(file: FileArgument, out: OutOption = None, as_json: JsonOption = False) -> None:
    """A week's roster within contracts; exit code 1 if fresh days break a promise."""
    from scenarios.planning import commands  # noqa: PLC0415

    commands.shifts(file, out, as_json=as_json)


@app.command("cross-training")
def cross_training_command(file: FileArgument, as_json: JsonOption = False) -> None:
    """Who should learn what: priced for all, simulated for the best."""
    from scenarios.planning import commands  # noqa: PLC0415

    commands.cross_training(file, as_json=as_json)
