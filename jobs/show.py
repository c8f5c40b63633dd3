"""What people see: tables for the terminal, JSON for programs."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

import polars as pl
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.tick_report import STAGES, TickReport

console = Console()

NOTHING = "0.00"
MOST_SHOWN = 20
"""Rows of tables that grow with the centre; --json has all."""


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    # Straight to the stream: a terminal's width must not wrap what programs read.
    console.file.write(json.dumps(value, default=_plain) + "\n")
    console.file.flush()


def report_json(report: TickReport) -> dict[str, object]:
    """A tick's report as JSON values, with the total of its seconds."""
    return asdict(report) | {"total_s": report.total_s}


def print_report(report: TickReport, title: str = "Tick") -> None:
    """One tick for people."""
    rows = [
        ("tick", f"{report.tick_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("contacts waiting", f"{report.num_contacts:,}"),
        ("agents not offline", f"{report.num_agents:,}"),
        ("assigned / held / waiting", _counts(report)),
        ("planned, but gone at commit", f"{report.num_lost:,}"),
        ("rows in quarantine", f"{report.num_rejected:,}"),
        ("agents above their limits", _counted(report.num_over_limit)),
        ("prices of agents' time", _priced(report)),
        ("gain of the plan", f"{report.gain:,.2f}"),
        ("proven upper bound", f"{report.bound:,.2f} (gap {report.gap:.4%})"),
        ("greedy baseline", f"{report.greedy_gain:,.2f}"),
        ("termination", report.termination + (f", {report.limit}" if report.limit else "")),
        ("seconds", " ".join(f"{name} {s:.3f}" for name, s in report.seconds.items())),
        (_span(report), f"{report.total_s:.3f}"),
    ]
    print_rows(title, ("", ""), rows)


def print_tick_line(report: TickReport) -> None:
    """One tick as one line, for a running job."""
    console.print(
        f"{report.tick_at:%H:%M:%S}  assigned {report.num_assigned:>4}  held {report.num_held:>3}"
        f"  waiting {report.num_unassigned:>5}  gain {report.gain:>10,.2f}  gap {report.gap:.4%}"
        f"  {report.total_s * 1000:>5.0f} ms  {report.termination}"
    )


def signed(amount: float) -> str:
    """Money with its sign; what rounds to nothing is `NOTHING`."""
    text = f"{amount:+,.2f}"
    return NOTHING if float(text.replace(",", "")) == 0 else text


def print_rows(
    title: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, narrow: bool = False
) -> None:
    """A table of texts; the first column is the name of the row. Narrow is without lines between
    columns.
    """
    table = Table(title=escape(title), title_justify="left", show_header=any(header))
    if narrow:
        table.box, table.padding = box.SIMPLE_HEAD, (0, 0, 0, 0)
    for place, name in enumerate(header):
        table.add_column(name, justify="left" if place == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_frame(title: str, frame: pl.DataFrame) -> None:
    """A small frame as a table, or one line that says that it is empty."""
    if frame.is_empty():
        console.print(f"{title}: none")
        return
    texts = frame.with_columns(pl.all().cast(pl.String).fill_null(""))
    print_rows(title, tuple(frame.columns), texts.iter_rows())


def instant(at: datetime) -> str:
    """An instant to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def first_few(title: str, frame: pl.DataFrame) -> str:
    """The title of a table that shows only the first of many rows."""
    return f"{title} (the first {MOST_SHOWN})" if len(frame) > MOST_SHOWN else title


def yes(value: object) -> str:
    """Yes or no."""
    return "yes" if value else "no"


def _counted(number: int | None) -> str:
    return "not counted" if number is None else f"{number:,}"


def _priced(report: TickReport) -> str:
    """How old the prices were that the tick used, if any."""
    if report.priced_at is None:
        return "none, or too old"
    return f"{(report.tick_at - report.priced_at).total_seconds():,.0f} s old"


def _span(report: TickReport) -> str:
    """What the seconds add up to: a tick that was read back knows those before its commit."""
    return "seconds in all" if tuple(report.seconds) == STAGES else "seconds up to the commit"


def _counts(report: TickReport) -> str:
    return f"{report.num_assigned:,} / {report.num_held:,} / {report.num_unassigned:,}"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
