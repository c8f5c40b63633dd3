"""`omniassign study --from-log`: fit a month, predict another, tell and write what came of it."""

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from scenarios.from_log.calibrate import calibrated
from scenarios.from_log.fit import fit_month
from scenarios.from_log.measures import Part
from scenarios.from_log.month import read_month
from scenarios.from_log.page import write_page
from scenarios.from_log.predict import Prediction, Variant, predict
from scenarios.from_log.tables import write_tables
from scenarios.from_log.told import (
    again_table,
    error_sentences,
    fitted_sentences,
    month_table,
    part_table,
    weekdays_told,
)

SEED = 1999
REPORT = "report.html"


def run_from_log(
    log: Path, to_predict: Path, folder: Path, replications: int, *, as_json: bool
) -> None:
    """Print the prediction beside what happened, and write report.html and tables to `folder`.

    Raises UnreadableLogError or StudyError.
    """
    console = Console()
    known, month = read_month(log), read_month(to_predict)
    columns = (TextColumn("months"), BarColumn(), MofNCompleteColumn())
    hidden = as_json or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden) as bar:
        task = bar.add_task("months", total=len(Variant) * replications)
        fit = calibrated(fit_month(known), SEED)
        found = predict(fit, month, replications, SEED, lambda: bar.advance(task))
    folder.mkdir(parents=True, exist_ok=True)
    write_tables(folder, found)
    write_page(folder / REPORT, found)
    if as_json:
        sys.stdout.write(json.dumps(_summary(found, folder), allow_nan=False) + "\n")
        return
    for sentence in fitted_sentences(found):
        console.print(f"- {escape(sentence)}", highlight=False)
    console.print(month_table(found))
    console.print(
        f"In brackets errors, below 95 % prediction intervals of {replications} simulated months"
        f" ({weekdays_told(found)}).",
        highlight=False,
    )
    for sentence in error_sentences(found):
        console.print(f"- {escape(sentence)}", highlight=False)
    console.print(again_table(found))
    for part in (Part.TYPE, Part.HOUR):
        console.print(part_table(found, part))
    console.print(f"Report: {folder / REPORT}", highlight=False, markup=False, soft_wrap=True)


def _summary(found: Prediction, folder: Path) -> dict[str, object]:
    return {
        "fitted": found.fit.month.name,
        "predicted": found.month.name,
        "fit": fitted_sentences(found),
        "findings": error_sentences(found),
        "summary": found.summary.fill_nan(None).to_dicts(),
        "report": str(folder / REPORT),
    }
