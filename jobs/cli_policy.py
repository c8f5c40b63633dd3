"""Commands on policies: list, show, check, and rehearse a change on archived batches."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from data_io.batch_files import HEADER, read_batch_files
from data_io.completeness import check_complete
from data_io.imports.folder import read_folder
from data_io.validate import validate
from jobs import policy_report, show
from jobs.cli import JsonOption, load, parse_instant
from jobs.clock import SystemClock
from jobs.config import READY_MADE, ConfigError, read_config, ready_made
from jobs.rehearsal import find_batches, rehearse_archived
from models.batch import Batch
from models.centre_check import check_centre
from models.policy import Policy
from models.policy_check import PolicyFinding, Severity, check_policy
from solver.solve import solve

app = typer.Typer(no_args_is_help=True, help="Check, compare and start from policies.")

DEFAULT = "default"
"""Name of the policy of a centre that has set nothing."""


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """The ready-made policies; `base` in [policy] starts from one."""
    rows = [(name, _headline(name)) for name in ready_made()]
    if as_json:
        show.print_json([{"name": name, "is": headline} for name, headline in rows])
    else:
        show.print_rows("Ready-made policies", ("base", "behaves like"), rows)


@app.command("show")
def show_command(name: str, as_json: JsonOption = False) -> None:
    """Print a ready-made policy as its file, with comments, to copy from; or all its numbers."""
    if name not in ready_made():
        raise ConfigError(f"policy: no ready-made {name!r}; expected one of {_names()}")
    if as_json:
        show.print_json(asdict(load_ready_made(name)))
        return
    typer.echo((READY_MADE / f"{name}.toml").read_text(encoding="utf-8"), nl=False)


@app.command("check")
def check_command(
    policy: Annotated[
        str | None, typer.Argument(help="TOML file or ready-made policy; else ./omniassign.toml.")
    ] = None,
    on: Annotated[
        Path | None,
        typer.Option("--on", help="Input tables or an archived batch to check it against."),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="Instant of the input tables.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Contradictions and starvation, in the numbers and for a centre; exits with 1 for errors."""
    # A policy with errors is read all the same: this command is there to list them.
    numbers = read_config(None, lenient=True).policy if policy is None else find_policy(policy)
    findings, num_rejected = check_policy(numbers), 0
    if on is not None:
        batch, num_rejected = _read_centre(on, at)
        findings += check_centre(numbers, batch)
    num_errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if as_json:
        found = [vars(finding) for finding in findings]
        show.print_json({"errors": num_errors, "findings": found, "rejected_rows": num_rejected})
    else:
        _print_findings(findings, num_rejected)
    if num_errors:
        raise typer.Exit(1)


@app.command("diff")
def diff_command(
    old: Annotated[str, typer.Argument(help="TOML file, or the name of a ready-made policy.")],
    new: Annotated[str, typer.Argument(help="TOML file, or the name of a ready-made policy.")],
    on: Annotated[Path, typer.Option("--on", help="Folder of archived batches, or one of them.")],
    as_json: JsonOption = False,
) -> None:
    """Decide archived batches under both policies: who would move, and what it is worth."""
    before, after = (find_policy(name, lenient=False) for name in (old, new))
    options = load(None, None).solver
    paths = find_batches(on)
    quiet = as_json or len(paths) < 2 or not show.console.is_terminal
    shown = track(paths, "Rehearsing", console=show.console, disable=quiet)
    found = [rehearse_archived(path, before, after, options, solve) for path in shown]
    changes = policy_report.changes(before, after)
    if as_json:
        show.print_json(policy_report.diff_json(changes, found))
    else:
        policy_report.print_diff(changes, found)


def find_policy(name: str, *, lenient: bool = True) -> Policy:
    """The policy of a TOML file, of a ready-made one by name, or "default" without any setting.

    Raises ConfigError as `read_config` does, and for a name that is nothing of it.
    """
    if name == DEFAULT:
        return Policy()
    if name in ready_made():
        return load_ready_made(name)
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return read_config(path, lenient=lenient).policy
    raise ConfigError(f"policy: {name!r} is no TOML file, expected one, {DEFAULT} or {_names()}")


def load_ready_made(name: str) -> Policy:
    """A ready-made policy by name."""
    return read_config(READY_MADE / f"{name}.toml").policy


def _headline(name: str) -> str:
    """The first comment line of a ready-made policy."""
    first = (READY_MADE / f"{name}.toml").read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix("#").strip()


def _names() -> str:
    return ", ".join(ready_made())


def _read_centre(folder: Path, at: str | None) -> tuple[Batch, int]:
    """The tables of an archived batch, or the valid rows of a folder of input tables; and how many
    rows broke their contract.
    """
    if (folder / HEADER).exists():
        return read_batch_files(folder)[0], 0
    now = parse_instant(at) if at else SystemClock().now()
    read = read_folder(folder)
    check_complete(read.tables, read.rejects)
    checked = validate(read.tables, now)
    return checked.batch(now), len(read.rejects) + len(checked.rejects)


def _print_findings(findings: Sequence[PolicyFinding], num_rejected: int) -> None:
    if num_rejected:
        show.console.print(
            f"{num_rejected:,} rows broke their contract and were left out: omniassign validate"
        )
    if not findings:
        show.console.print("Nothing contradicts itself, and nobody is left to starve.")
        return
    rows = [(one.severity.value, one.where, one.detail) for one in findings]
    show.print_rows("Policy", ("", "where", "what is wrong, and what to do"), rows)
