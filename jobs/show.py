"""What people see: tables for the terminal, JSON for programs."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.clock import Stopwatch
from jobs.readers import Answer, Status
from jobs.tick import TickReport, read_report
from models.answers import MOST_TOLD
from models.sentences import length
from models.tables import EXPLANATION

if TYPE_CHECKING:  # loading it loads the engine, which `status` does not need
    from jobs.why_nobody import WhyNobody
    from jobs.why_not import AgentSlots, WhyNot

console = Console()

MOST_SHOWN = 20
"""Rows of tables that grow with the centre; --json has all."""

DOC_OF_TERM = {column.name: column.doc for column in EXPLANATION.columns}
"""What each column of `explanation` says, for people."""


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


def print_status(found: Status, window: timedelta) -> None:
    """The state of a job for people."""
    print_report(read_report(found.tick, Stopwatch(), already_committed=True), "Last tick")
    print_frame("Why contacts wait", found.reasons)
    print_outlook(found.outlook)
    rows = [
        (row["contact_id"], length(row["left_s"]), f"{row['breach_at']:%H:%M:%S}", row["reason"])
        for row in found.late.head(MOST_SHOWN).iter_rows(named=True)
    ]
    title = _first(f"Targets that nobody can meet any more: {len(found.late)}", found.late)
    if rows:
        print_rows(title, ("contact", "left", "missed at", "reason"), rows)
    else:
        console.print("Targets that nobody can meet any more: none")
    print_frame("Quarantine", found.rejected)
    print_frame("Refused responses of the platform", found.refused)
    print_frame("To be put back in their queue, by the agent who is gone", found.requeue)
    stuck = f"{found.unanswered['num'].sum()} offers to {len(found.unanswered)} agents"
    console.print(f"Older than {window} and not acted on by the platform: {stuck}")


def print_outlook(outlook: pl.DataFrame) -> None:
    """Each queue before the tick."""
    if outlook.is_empty():
        console.print("Queues: none")
        return
    waits = ("queue", "open", "waiting", "free", "predicted\nwait")
    helps = ("lends", "borrows\nfrom", "late", "will be\nlate")
    rows = [
        (
            row["queue_id"],
            _yes(row["is_open"]),
            f"{row['num_waiting']:,}",
            f"{row['num_free']:,}",
            "unknown" if row["predicted_wait_s"] is None else length(row["predicted_wait_s"]),
            _yes(row["lends"]),
            row["borrows_from"] or "",
            f"{row['num_breaching']:,}",
            f"{row['num_unavoidable']:,}",
        )
        for row in outlook.head(MOST_SHOWN).iter_rows(named=True)
    ]
    print_rows(_first("Queues", outlook), (*waits, *helps), rows, narrow=True)


def print_answer(answer: Answer, hint: str | None) -> None:
    """Why a contact got its decision, and where to read on."""
    console.print(
        f"[bold]{escape(answer.contact_id)}[/bold] at {_instant(answer.tick_at)}:"
        f" {answer.decision}"
    )
    console.print(answer.sentence, markup=False)
    for line in facts_of(answer):
        console.print(line, markup=False)
    if answer.terms:
        rows = [(_named(name), signed(amount)) for name, amount in answer.terms]
        total = signed(sum(amount for _, amount in answer.terms))
        print_rows("Terms of the gain", ("", "money"), [*rows, ("gain", total)])
    if not answer.offers.is_empty():
        events = [_event_of_offer(row) for row in answer.offers.iter_rows(named=True)]
        header = ("offered at", "agent", "event", "at", "knows\nthem", "other\ncontacts")
        print_rows("Its offers", (*header, "bor-\nrowed"), events, narrow=True)
    if hint is not None:
        console.print(hint, markup=False, soft_wrap=True)


def facts_of(answer: Answer) -> list[str]:
    """Tier, requirement, target and context in plain words; what is not known is left out."""
    row, facts = answer.row, []
    if row.get("tier") is not None:
        facts.append(f"Comes before money counts: tier {row['tier']}.")
    if row.get("step"):
        facts.append(f"Asks for less than at first: step {row['step']}.")
    if row.get("relaxes_at") is not None:
        less = "still less" if row["step"] else "less"
        facts.append(f"Asks for {less} from {_moment(row['relaxes_at'], answer)}.")
    if row.get("breach_at") is not None:
        fate = ", which nobody can prevent any more" if row["unavoidable"] else ""
        facts.append(f"Misses its target at {_moment(row['breach_at'], answer)}{fate}.")
    if answer.offer is not None and answer.offer["seen_before"] is not None:
        offer = answer.offer
        had = "had" if offer["seen_before"] else "never had"
        others = offer["num_context"]
        context = f"{others} other contacts" if others != 1 else "1 other contact"
        borrowed = ", and is borrowed from another queue" if offer["is_borrowed"] else ""
        facts.append(
            f"{offer['agent_id']} {had} this customer before, will see {context} of"
            f" theirs{borrowed}."
        )
    return facts


def signed(amount: float) -> str:
    """Money with its sign; what rounds to nothing is `0.00`."""
    text = f"{amount:+,.2f}"
    return "0.00" if float(text.replace(",", "")) == 0 else text


def print_why_nobody(answer: "WhyNobody") -> None:
    """Why a contact waits, which tests keep whom away, and what would change that."""
    console.print(f"[bold]{escape(answer.contact_id)}[/bold] at {_instant(answer.tick_at)}")
    console.print(answer.sentence, markup=False)
    if answer.sentence != answer.plan.detail:
        console.print(f"The plan: {answer.plan.detail}", markup=False)
    obstacles = answer.obstacles
    rows = [
        (test.name, f"{test.num_failing:,} of {obstacles.num_agents:,}")
        for test in obstacles.tests
    ]
    print_rows("What keeps agents away", ("", "agents"), rows)
    if len(answer.changes) > MOST_TOLD:
        changes = [(str(change),) for change in answer.changes]
        print_rows("If it had to be served", ("",), changes)
    _print_if_other(as_decided=answer.as_decided)


def print_why_not(answer: "WhyNot") -> None:
    """Why a contact is not with an agent: sentence, who would move, and terms of the pair."""
    console.print(f"[bold]{answer.contact_id}[/bold] at {_instant(answer.tick_at)}")
    console.print(answer.sentence)
    console.print(f"The plan: {answer.plan.detail}")
    if len(answer.changes) > MOST_TOLD:
        changes = [(str(change),) for change in answer.changes]
        print_rows(f"If {answer.agent_id} had to take it", ("",), changes)
    if answer.pair is not None:
        terms = [(_named(name), signed(amount)) for name, amount in answer.pair.terms.items()]
        total = ("gain", signed(answer.pair.gain))
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


def _counts(report: TickReport) -> str:
    return f"{report.num_assigned:,} / {report.num_held:,} / {report.num_unassigned:,}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _named(term: str) -> str:
    """A term with what it means."""
    doc = DOC_OF_TERM[term].rstrip(".")
    return f"{term}: {doc[0].lower()}{doc[1:]}"


def _event_of_offer(row: dict[str, Any]) -> tuple[str, ...]:
    known = [
        "" if row[name] is None else _yes(row[name]) for name in ("seen_before", "is_borrowed")
    ]
    others = "" if row["num_context"] is None else f"{row['num_context']}"
    offered, event_at = (f"{row[name]:%m-%d %H:%M:%S}" for name in ("tick_at", "event_at"))
    return (offered, row["agent_id"], row["event"], event_at, known[0], others, known[1])


def _moment(at: datetime, answer: Answer) -> str:
    """An instant, and how far it is from the decision."""
    return f"{_instant(at)}, in {length((at - answer.tick_at).total_seconds())}"


def _first(title: str, frame: pl.DataFrame) -> str:
    return f"{title} (the first {MOST_SHOWN})" if len(frame) > MOST_SHOWN else title


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _interval(low: float, high: float) -> str:
    return f"{low:,.2f}" if low == high else f"{low:,.2f} to {high:,.2f}"


def _print_if_other(*, as_decided: bool) -> None:
    if not as_decided:
        console.print("Deciding the batch again gave another plan than the archived one.")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
