"""What people see: tables for the terminal, JSON for programs."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl
from rich.console import Console
from rich.table import Table

from jobs.tick import TickReport
from models.answers import MOST_TOLD

if TYPE_CHECKING:  # loading it loads the engine, which `status` does not need
    from jobs.why_not import AgentSlots, WhyNot

console = Console()


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
        ("gain of the plan", f"{report.gain:,.2f}"),
        ("proven upper bound", f"{report.bound:,.2f} (gap {report.gap:.4%})"),
        ("greedy baseline", f"{report.greedy_gain:,.2f}"),
        ("termination", report.termination + (f", {report.limit}" if report.limit else "")),
        ("seconds", " ".join(f"{name} {s:.3f}" for name, s in report.seconds.items())),
        ("seconds in all", f"{report.total_s:.3f}"),
    ]
    print_rows(title, ("", ""), rows)


def print_tick_line(report: TickReport) -> None:
    """One tick as one line, for a running job."""
    console.print(
        f"{report.tick_at:%H:%M:%S}  assigned {report.num_assigned:>4}  held {report.num_held:>3}"
        f"  waiting {report.num_unassigned:>5}  gain {report.gain:>10,.2f}  gap {report.gap:.4%}"
        f"  {report.total_s * 1000:>5.0f} ms  {report.termination}"
    )


def print_why_not(answer: "WhyNot") -> None:
    """Why a contact is not with an agent: sentence, who would move, and terms of the pair."""
    console.print(f"[bold]{answer.contact_id}[/bold] at {_instant(answer.tick_at)}")
    console.print(answer.sentence)
    console.print(f"The plan: {answer.plan.detail}")
    if len(answer.changes) > MOST_TOLD:
        changes = [(str(change),) for change in answer.changes]
        print_rows(f"If {answer.agent_id} had to take it", ("",), changes)
    if answer.pair is not None:
        terms = [(name, f"{amount:+,.2f}") for name, amount in answer.pair.terms.items()]
        total = ("gain", f"{answer.pair.gain:+,.2f}")
        print_rows(f"Terms of the gain with {answer.agent_id}", ("", "money"), [*terms, total])
    _print_if_other(as_decided=answer.as_decided)


def print_slots(answer: "AgentSlots") -> None:
    """What an agent's slots are worth, channel by channel."""
    rows = [
        (
            lane.channel,
            f"{lane.slots}",
            _interval(*lane.one_more),
            "" if lane.one_fewer is None else _interval(*lane.one_fewer),
        )
        for lane in answer.lanes
    ]
    title = f"What slots of {answer.agent_id} are worth at {_instant(answer.tick_at)}"
    print_rows(title, ("channel", "slots", "one more gains", "one fewer loses"), rows)
    _print_if_other(as_decided=answer.as_decided)


def print_rows(title: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """A table of texts; the first column is the name of the row."""
    table = Table(title=title, title_justify="left", show_header=any(header))
    for place, name in enumerate(header):
        table.add_column(name, justify="left" if place == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_frame(title: str, frame: pl.DataFrame) -> None:
    """A small frame as a table."""
    texts = frame.with_columns(pl.all().cast(pl.String).fill_null(""))
    print_rows(title, tuple(frame.columns), texts.iter_rows())


def _counts(report: TickReport) -> str:
    return f"{report.num_assigned:,} / {report.num_held:,} / {report.num_unassigned:,}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _interval(low: float, high: float) -> str:
    return f"{low:,.2f}" if low == high else f"{low:,.2f} to {high:,.2f}"


def _print_if_other(*, as_decided: bool) -> None:
    if not as_decided:
        console.print("Deciding the batch again gave another plan than the archived one.")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
