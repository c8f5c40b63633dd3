"""What `omniassign study` does: run a study, show what came of it, write its report."""

import json
import os
import sys
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from scenarios.study import read
from scenarios.study.compare import Difference, Kind, Measure, compare, difference_table
from scenarios.study.conduct import Findings, Progress, conduct, engine_of
from scenarios.study.parts import Parts
from scenarios.study.report.page import write_report
from scenarios.study.report.words import summarise
from scenarios.study.spec import Study
from scenarios.study.tables import write_tables

console = Console()

REPORT = "report.html"
NAMES = 3
"""Columns of names, before those of numbers."""


def run_study(
    file: str,
    out: Path | None,
    days: int | None,
    processes: int | None,
    scheduler: str | None,
    *,
    fresh: bool,
    as_json: bool,
) -> int:
    """Run the study of a file or of the library, print it, write its tables and report.

    Returns how many runs failed; raises StudyError for what cannot be meant or run.
    """
    study = read.find_study(file)
    if days is not None:
        study = read.with_days(study, days)
    folder = out or Path("var") / "study" / study.name
    if fresh:
        Parts(folder / "parts").clear()
    engine = engine_of(processes or os.cpu_count() or 1, scheduler)
    with _Bar(disable=as_json) as bar:
        findings = conduct(study, folder, engine, bar)
    differences = compare(study, findings.runs)
    write_tables(folder, study, findings, difference_table(differences))
    write_report(folder / REPORT, study, findings, differences)
    if as_json:
        _print_json(_summary(study, findings, differences, folder))
    else:
        _print_findings(study, findings, differences, folder)
    return len(findings.failures)


def list_studies(*, as_json: bool) -> None:
    """Name the ready studies."""
    studies = [read.find_study(name) for name in read.ready_studies()]
    if as_json:
        _print_json(
            [{"name": one.name, "title": one.title, "question": one.question} for one in studies]
        )
        return
    table = _table("Ready studies", ("name", "asks"))
    for one in studies:
        table.add_row(escape(one.name), escape(one.question))
    console.print(table)


class _Bar(Progress):
    """A progress bar on the terminal."""

    def __init__(self, *, disable: bool) -> None:
        columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bars = Bars(*columns, console=console, disable=disable or not console.is_terminal)
        self.task = self.bars.add_task("runs", total=None)

    def __enter__(self) -> "_Bar":
        self.bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bars.stop()

    def begin(self, num_finished: int, num_runs: int) -> None:
        self.bars.update(self.task, total=num_runs, completed=num_finished)

    def advance(self) -> None:
        self.bars.advance(self.task)


def _summary(
    study: Study, findings: Findings, differences: list[Difference], folder: Path
) -> dict[str, object]:
    return {
        "study": study.name,
        "runs": findings.runs.height,
        "done_now": findings.num_done,
        "failed": [{"piece": repr(one.piece), "reason": one.reason} for one in findings.failures],
        "findings": [one.text for one in summarise(study, findings, differences)],
        "differences": difference_table(differences).fill_nan(None).to_dicts(),
        "report": str(folder / REPORT),
    }


def _print_findings(
    study: Study, findings: Findings, differences: list[Difference], folder: Path
) -> None:
    console.print(f"[bold]{escape(study.title)}[/bold]")
    for sentence in summarise(study, findings, differences):
        console.print(f"- {escape(sentence.text)}", highlight=False)
    for kind, title in (
        (Kind.CHANGE, "What the change does, same router"),
        (Kind.POLICY, "What the router does, same centre"),
    ):
        rows = [one for one in differences if one.kind is kind]
        if rows:
            _print_differences(title, rows)
    for failure in findings.failures:
        told = f"failed: {failure.piece}: {failure.reason.strip().splitlines()[-1]}"
        console.print(told, style="red", markup=False)
    console.print(
        f"{findings.num_done} pieces done now, the others before. Report: {folder / REPORT}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _print_differences(title: str, rows: list[Difference]) -> None:
    table = _table(
        f"{title} (difference ± 95 % interval; ~ may be luck)",
        ("what if", "router", "against", "value, %", "service, pts", "abandoned, pts"),
    )
    names = dict.fromkeys((one.override, one.policy, one.against) for one in rows)
    for override, policy, against in names:
        cells = []
        for measure in (Measure.VALUE, Measure.SERVICE_LEVEL, Measure.ABANDONMENT):
            found = [
                one
                for one in rows
                if (one.override, one.policy, one.measure) == (override, policy, measure)
            ]
            cells.append(_cell(found[0]) if found else "")
        table.add_row(escape(override), escape(policy), escape(against), *cells)
    console.print(table)


def _cell(one: Difference) -> str:
    found = one.relative if one.measure is Measure.VALUE else one.difference
    luck = "" if one.is_clear else "~ "
    return f"{luck}{100 * found.mean:+.1f} ± {100 * found.half_width:.1f}"


def _table(title: str, header: tuple[str, ...]) -> Table:
    table = Table(title=escape(title), title_justify="left")
    for place, name in enumerate(header):
        is_name = place < NAMES
        justify: Literal["left", "right"] = "left" if is_name else "right"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=not is_name)
    return table


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")
