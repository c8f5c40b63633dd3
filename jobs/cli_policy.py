"""Commands on policies: list, show, check, and rehearse a change on archived batches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.progress import track

from data_io.batch_files import HEADER, read_batch_files
from data_io.imports.folder import read_folder
from data_io.validate import validate
from jobs import show
from jobs.cli import JsonOption, load, parse_instant
from jobs.clock import SystemClock
from jobs.config import READY_MADE, ConfigError, read_config, read_ready_made, ready_made
from jobs.rehearsal import Rehearsal, find_batches, rehearse, unhurried
from models.batch import Batch
from models.centre_check import check_centre
from models.policy import Policy
from models.policy_check import PolicyFinding, Severity, check_policy
from models.problem import MILLI
from models.tables import INPUT_TABLES
from solver.solve import solve

app = typer.Typer(no_args_is_help=True, help="Check, compare and start from policies.")

MOST_SHOWN = 20
"""Moves in a table for people; --json has all."""


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """The ready-made policies; `base` in [policy] starts from one."""
    rows = [(name, _headline(name)) for name in ready_made()]
    if as_json:
        show.print_json([{"name": name, "is": headline} for name, headline in rows])
    else:
        show.print_rows("Ready-made policies", ("base", "behaves like"), rows)


@app.command("show")
def show_command(name: str) -> None:
    """Print a ready-made policy as its file, with its comments, to copy from."""
    read_ready_made(name)
    typer.echo((READY_MADE / f"{name}.toml").read_text(encoding="utf-8"), nl=False)


@app.command("check")
def check_command(
    file: Annotated[Path | None, typer.Argument(help="TOML file; else ./omniassign.toml.")] = None,
    on: Annotated[
        Path | None,
        typer.Option("--on", help="Input tables or an archived batch to check it against."),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="Instant of the input tables.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Contradictions and starvation, in the numbers and for a centre; exits with 1 for errors."""
    policy = read_config(file, lenient=True).policy
    findings = check_policy(policy)
    if on is not None:
        findings += check_centre(policy, _read_centre(on, at))
    num_errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if as_json:
        show.print_json({"errors": num_errors, "findings": [vars(one) for one in findings]})
    else:
        _print_findings(findings)
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
    before, after = _policy(old), _policy(new)
    options = unhurried(load(None, None).solver)
    paths = find_batches(on)
    shown = track(paths, "Rehearsing", console=show.console, disable=as_json or len(paths) < 2)
    found: list[Rehearsal] = []
    for path in shown:
        batch, _, previous = read_batch_files(path)
        found.append(rehearse(batch, before, after, options, solve, previous))
    changed = _changed(before, after)
    if as_json:
        ticks = [_tick_json(one) for one in found]
        show.print_json({"settings": changed, "ticks": ticks, **_totals(found)})
    else:
        _print_diff(changed, found)


def _headline(name: str) -> str:
    """The first comment line of a ready-made policy."""
    first = (READY_MADE / f"{name}.toml").read_text(encoding="utf-8").splitlines()[0]
    return first.removeprefix("#").strip()


def _policy(name: str) -> Policy:
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        return read_config(path).policy
    if name == "default":
        return Policy()
    if name in ready_made():
        return load_ready_made(name)
    raise ConfigError(
        f"policy: {name!r} is neither a TOML file nor one of default, {', '.join(ready_made())};"
        " give one of them"
    )


def load_ready_made(name: str) -> Policy:
    """A ready-made policy by name."""
    return read_config(READY_MADE / f"{name}.toml").policy


def _read_centre(folder: Path, at: str | None) -> Batch:
    """The tables of an archived batch, or valid rows of a folder of input tables."""
    if (folder / HEADER).exists():
        return read_batch_files(folder)[0]
    now = parse_instant(at) if at else SystemClock().now()
    tables = validate(read_folder(folder).tables, now).tables
    frames = {table: tables.frame(table) for table in INPUT_TABLES}
    return Batch(
        now, *(table.empty() if frame is None else frame for table, frame in frames.items())
    )


def _print_findings(findings: Sequence[PolicyFinding]) -> None:
    if not findings:
        show.console.print("Nothing contradicts itself, and nobody is left to starve.")
        return
    rows = [(one.severity.value, one.where, one.detail) for one in findings]
    show.print_rows("Policy", ("", "where", "what is wrong, and what to do"), rows)


def _changed(before: Policy, after: Policy) -> list[tuple[str, str, str]]:
    """Every number that differs: key, old, new."""
    old, new = _flat(before), _flat(after)
    keys = sorted({*old, *new})
    nothing = "-"
    return [
        (key, old.get(key, nothing), new.get(key, nothing))
        for key in keys
        if old.get(key, nothing) != new.get(key, nothing)
    ]


def _flat(policy: Policy) -> dict[str, str]:
    """Every number of a policy as text, by its key in the settings."""
    flat: dict[str, str] = {}
    for name, value in vars(policy).items():
        if isinstance(value, dict) or hasattr(value, "items"):
            for key, below in value.items():
                inner = vars(below).items() if hasattr(below, "__dataclass_fields__") else ()
                flat |= {f"{name}.{key}.{item}": _text(number) for item, number in inner}
                if not inner:
                    flat[f"{name}.{key}"] = _text(below)
        else:
            flat[name] = _text(value)
    return flat


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_text(one) for one in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _totals(found: Sequence[Rehearsal]) -> dict[str, float | int]:
    return {
        "num_contacts": sum(one.num_contacts for one in found),
        "num_moved": sum(one.num_moved for one in found),
        "old_plan_by_old": sum(one.gain_by_old[0] for one in found) / MILLI,
        "new_plan_by_old": sum(one.gain_by_old[1] for one in found) / MILLI,
        "old_plan_by_new": sum(one.gain_by_new[0] for one in found) / MILLI,
        "new_plan_by_new": sum(one.gain_by_new[1] for one in found) / MILLI,
        "old_not_allowed": sum(one.old_not_allowed for one in found),
        "new_not_allowed": sum(one.new_not_allowed for one in found),
    }


def _tick_json(one: Rehearsal) -> dict[str, object]:
    return {"tick_at": one.tick_at, "moves": one.moves.to_dicts()} | _totals([one])


def _print_diff(changed: list[tuple[str, str, str]], found: Sequence[Rehearsal]) -> None:
    show.print_rows("Settings that differ", ("key", "old", "new"), changed)
    moves = pl.concat([one.moves.with_columns(tick_at=pl.lit(one.tick_at)) for one in found])
    moves = moves.sort(
        pl.col("worth").abs().fill_null(0.0), "contact_id", descending=[True, False]
    )
    place = ("contact_id", "queue_id", "channel", "old_agent_id", "new_agent_id", "worth", "why")
    title = f"Contacts that would move: {len(moves)}"
    if len(moves) > MOST_SHOWN:
        title += f", the {MOST_SHOWN} that matter most"
    show.print_frame(title, moves.select(place).head(MOST_SHOWN))
    totals = _totals(found)
    rows = [
        ("batches", f"{len(found):,}", ""),
        (
            "contacts, of which would move",
            f"{totals['num_contacts']:,}",
            f"{totals['num_moved']:,}",
        ),
        (
            "by the old numbers: old plan, new plan",
            f"{totals['old_plan_by_old']:,.2f}",
            f"{totals['new_plan_by_old']:,.2f}",
        ),
        (
            "by the new numbers: old plan, new plan",
            f"{totals['old_plan_by_new']:,.2f}",
            f"{totals['new_plan_by_new']:,.2f}",
        ),
        (
            "pairs that the other policy does not allow",
            f"{totals['old_not_allowed']:,}",
            f"{totals['new_not_allowed']:,}",
        ),
    ]
    show.print_rows("What it is worth", ("", "", ""), rows)
    show.console.print(
        "A pair that a policy does not allow gains nothing in its numbers; limits of agents are"
        " not checked again."
    )
