"""What `omniassign plan` does: heads, shifts, trainings; all that is shown has been simulated."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from scenarios.planning import plan_file
from scenarios.planning.cross_training import Lesson, recommend_training
from scenarios.planning.programme import NoSolutionError
from scenarios.planning.staffing import plan_staffing
from scenarios.planning.verify import DAY, Verification
from scenarios.planning.week import plan_week
from scenarios.study.errors import StudyError

console = Console()
NOT_KEPT = 1


def staffing(file: Path, out: Path | None, *, as_json: bool) -> None:
    """Heads by team and interval that keep the promises; exit code 1 if fresh days break one."""
    asked = plan_file.read_plan_file(file)
    case = plan_file.staffing_case(asked)
    with _working(as_json) as tell:
        plan = plan_staffing(case, asked.asked.effort, tell)
    heads = pl.DataFrame(plan.heads, schema=list(asked.names)).with_row_index("interval")
    _write(heads, out)
    if as_json:
        _print_json(
            {
                "cost": plan.cost,
                "holds": plan.verification.holds,
                "attempts": plan.attempts,
                "heads": heads.to_dicts(),
                "verification": plan.verification.rows.to_dicts(),
            }
        )
    else:
        _print_frame(f"Heads at work, {plan.cost:,.0f} a day", heads)
        _print_verification(plan.verification, case.centre.classes.names)
    _end(holds=plan.verification.holds)


def shifts(file: Path, out: Path | None, *, as_json: bool) -> None:
    """A week's roster within contracts; exit code 1 if fresh days break a promise."""
    asked = plan_file.read_plan_file(file)
    case = plan_file.week_case(asked)
    with _working(as_json) as tell:
        plan = plan_week(case, asked.asked.effort, tell)
    team = pl.Series("team", asked.names).gather(plan.roster.rows["group"])
    rows = plan.roster.rows.with_columns(team).sort("day", "from_s", "agent_id")
    _write(rows, out)
    if as_json:
        _print_json(
            {
                "wages": plan.roster.wages,
                "missing_hours": plan.roster.missing_hours,
                "is_proven": plan.roster.is_proven,
                "holds": plan.holds,
                "roster": rows.to_dicts(),
                "verification": [day.rows.to_dicts() for day in plan.verification],
            }
        )
    else:
        proven = "proven" if plan.roster.is_proven else "not proven to be the least"
        _print_frame(
            f"{rows.height} shifts, wages {plan.roster.wages:,.0f} ({proven}),"
            f" {plan.roster.missing_hours:.1f} head-hours missing",
            rows.group_by("day", "team", "contract", "from_s", "until_s", "break_from_s")
            .len("agents")
            .sort("day", "team", "from_s", "break_from_s", "contract")
            .select(
                pl.col("day") + 1,
                "team",
                "contract",
                _clock("from_s").alias("from"),
                _clock("until_s").alias("until"),
                _clock("break_from_s").alias("break"),
                "agents",
            ),
        )
        for day, said in enumerate(plan.verification):
            _print_verification(said, case.day.centre.classes.names, f" of day {day + 1}")
    _end(holds=plan.holds)


def cross_training(file: Path, *, as_json: bool) -> None:
    """Who should learn what: priced for all, simulated for the best."""
    asked = plan_file.read_plan_file(file)
    centre, sections = asked.base.centre, asked.asked
    with _working(as_json) as tell:
        found, lessons = recommend_training(
            centre, sections.training, sections.training_effort, sections.policy, tell
        )
    classes = centre.classes.names

    def row(lesson: Lesson) -> dict[str, object]:
        return {
            "team": asked.names[lesson.group],
            "learns": classes[lesson.kind],
            "priced": lesson.priced,
        }

    simulated = [
        {
            **row(one.lesson),
            "gain": one.gain,
            "half_width": one.half_width,
            "is_clear": one.is_clear,
            "payback_days": one.payback_days,
        }
        for one in found
    ]
    if as_json:
        _print_json({"simulated": simulated, "priced": [row(lesson) for lesson in lessons]})
        return
    if not simulated:
        console.print("Nobody could learn anything that would be worth something.")
        return
    _print_frame("One agent learns one class, money per day", pl.DataFrame(simulated))


@contextmanager
def _working(as_json: bool) -> Iterator[Callable[[str], None]]:
    """What is being done, on the terminal; NoSolutionError becomes what the program reports."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    off = as_json or not console.is_terminal
    try:
        with Progress(*columns, console=console, disable=off, transient=True) as bar:
            task = bar.add_task("drawing days", total=None)
            yield lambda text: bar.update(task, description=text)
    except NoSolutionError as error:
        raise StudyError(str(error)) from None


def _print_verification(said: Verification, classes: tuple[str, ...], of_what: str = "") -> None:
    """Promises first, then the intervals of each class: share, interval, verdict."""
    word = "kept" if said.holds else "NOT kept"
    rows = said.rows.filter(pl.col("contact_class").is_in(classes))
    table = Table(
        title=f"Promises{of_what} {word} on {len(said.seeds)} fresh days", title_justify="left"
    )
    for name in ("measure", "class", "when", "share", "95 % interval", "target", "verdict"):
        table.add_column(name, justify="left" if name in {"measure", "class"} else "right")
    for one in rows.sort("is_promised", descending=True, maintain_order=True).iter_rows(
        named=True
    ):
        table.add_row(
            one["measure"],
            one["contact_class"],
            "all day" if one["interval"] == DAY else f"interval {one['interval']}",
            f"{one['share']:.1%}",
            f"{one['low']:.1%} to {one['high']:.1%}",
            f"{one['target']:.1%}" if one["is_promised"] else f"({one['target']:.1%})",
            one["verdict"],
        )
    console.print(table)


def _print_frame(title: str, frame: pl.DataFrame) -> None:
    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        table.add_column(name, justify="right")
    for row in frame.iter_rows():
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def _clock(seconds: str) -> pl.Expr:
    """Hours and minutes since opening."""
    minutes = (pl.col(seconds) / 60).round().cast(pl.Int64)
    return pl.format("{}:{}", minutes // 60, (minutes % 60).cast(pl.String).str.zfill(2))


def _cell(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else "" if value is None else str(value)


def _write(frame: pl.DataFrame, out: Path | None) -> None:
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(out)


def _print_json(value: object) -> None:
    # Infinite and unknown numbers are no JSON: programs get null.
    text = json.dumps(value, default=str).replace("Infinity", "null").replace("NaN", "null")
    sys.stdout.write(text + "\n")


def _end(*, holds: bool) -> None:
    if not holds:
        raise typer.Exit(NOT_KEPT)
