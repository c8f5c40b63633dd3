"""What people see of the state of a job."""

from datetime import timedelta

import polars as pl

from jobs.clock import Stopwatch
from jobs.over_limit import told_limits
from jobs.readers import Status
from jobs.show import MOST_SHOWN, console, first_few, print_frame, print_report, print_rows, yes
from jobs.tick_report import read_report
from models.sentences import length


def print_status(found: Status, window: timedelta, over_limit: pl.DataFrame | None) -> None:
    """The state of a job for people; `over_limit` is None where nobody kept who that is."""
    print_report(read_report(found.tick, Stopwatch(), already_committed=True), "Last tick")
    print_frame("Why contacts wait", found.reasons)
    print_outlook(found.outlook)
    rows = [
        (row["contact_id"], length(row["left_s"]), f"{row['breach_at']:%H:%M:%S}", row["reason"])
        for row in found.late.head(MOST_SHOWN).iter_rows(named=True)
    ]
    title = first_few(f"Targets that nobody can meet any more: {len(found.late)}", found.late)
    if rows:
        print_rows(title, ("contact", "left", "missed at", "reason"), rows)
    else:
        console.print("Targets that nobody can meet any more: none")
    _print_over_limit(found.tick["num_over_limit"].item() or 0, over_limit)
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
            yes(row["is_open"]),
            f"{row['num_waiting']:,}",
            f"{row['num_free']:,}",
            "unknown" if row["predicted_wait_s"] is None else length(row["predicted_wait_s"]),
            yes(row["lends"]),
            row["borrows_from"] or "",
            f"{row['num_breaching']:,}",
            f"{row['num_unavoidable']:,}",
        )
        for row in outlook.head(MOST_SHOWN).iter_rows(named=True)
    ]
    print_rows(first_few("Queues", outlook), (*waits, *helps), rows, narrow=True)


def _print_over_limit(number: int, rows: pl.DataFrame | None) -> None:
    """Who holds more than ticks would have given them; nobody takes it away."""
    if not number:
        console.print("Agents who hold more than their limits: none")
    elif rows is None:
        console.print(
            f"Agents who hold more than their limits: {number:,}; to see who, run ticks with"
            " --archive FOLDER, and status with the same"
        )
    else:
        agents = rows.partition_by("agent_id", maintain_order=True)
        told = [(each["agent_id"][0], told_limits(each)) for each in agents[:MOST_SHOWN]]
        more = f" (the first {MOST_SHOWN})" if number > MOST_SHOWN else ""
        title = f"Agents who hold more than their limits: {number:,}{more}"
        print_rows(title, ("agent", "holds, of what is allowed"), told)
