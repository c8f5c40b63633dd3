"""What can be told from the published tables alone, while another process runs the ticks."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from data_io.publish import Published, read_published
from models.tables import CONTACTS, AssignmentEvent, Decision


class NotFoundError(LookupError):
    """What was asked for is not in the published tables."""


@dataclass(frozen=True, eq=False)
class Status:
    """State of a job as its last publication shows it."""

    tick: pl.DataFrame
    """The last tick, one row of `tick`."""
    reasons: pl.DataFrame
    """(reason, num) of the contacts that wait."""
    rejected: pl.DataFrame
    """(table_name, rule, num, last_seen_at) of the rows in quarantine."""
    unanswered: pl.DataFrame
    """(agent_id, num) of offers older than the published window whose contacts still wait."""


def read_status(folder: Path, window: timedelta) -> Status:
    """Status from the published tables in `folder`; raises NotFoundError before the first tick.

    Only offers that the platform has not acted on are published for longer than the `window`.
    """
    published = _read(folder)
    newest = published.tick.sort("tick_at").tail(1)
    if newest.is_empty():
        raise NotFoundError(f"{folder}: no tick is published; run `omniassign tick` first")
    events = published.assignment.sort("event_at").group_by("contact_id", "contact_version").last()
    return Status(
        tick=newest,
        reasons=published.unassigned.group_by("reason").agg(num=pl.len()).sort("reason"),
        rejected=published.rejected_row.group_by("table_name", "rule")
        .agg(num=pl.len(), last_seen_at=pl.col("last_seen_at").max())
        .sort("table_name", "rule"),
        unanswered=events.filter(
            (pl.col("event") == AssignmentEvent.OFFERED.value)
            & (pl.col("event_at") <= newest["tick_at"].item() - window)
        )
        .group_by("agent_id")
        .agg(num=pl.len())
        .sort("agent_id"),
    )


@dataclass(frozen=True)
class Answer:
    """Why a contact got its decision."""

    contact_id: str
    tick_at: datetime
    decision: str
    sentence: str
    terms: tuple[tuple[str, float], ...]
    """Terms of the gain in money, where an agent was chosen."""
    row: dict[str, object]
    """The row that the answer was read from."""


TERMS = (
    *("match", "value_at_risk", "priority", "stickiness", "shift_end", "handover", "region"),
    *("hold", "interruption", "fairness", "declines", "overqualified", "borrowing", "balance"),
)
"""Columns of `explanation` whose sum is the gain."""


def read_answer(folder: Path, contact_id: str) -> Answer:
    """Why the last tick decided as it did for a contact, or that an earlier one assigned it.

    Raises NotFoundError, with the closest ids, for a contact that is not in the published tables.
    """
    published = _read(folder)
    found = published.explanation.filter(pl.col("contact_id") == contact_id)
    if not found.is_empty():
        row = found.row(0, named=True)
        return Answer(
            contact_id=contact_id,
            tick_at=row["tick_at"],
            decision=row["decision"],
            sentence=row["detail"],
            terms=tuple((name, row[name]) for name in TERMS if row[name] is not None),
            row=row,
        )
    events = published.assignment.filter(pl.col("contact_id") == contact_id).sort("event_at")
    if not events.is_empty():
        row = events.row(-1, named=True)
        return Answer(
            contact_id=contact_id,
            tick_at=row["tick_at"],
            decision=Decision.ASSIGNED.value,
            sentence=f"Went to {row['agent_id']} at {row['tick_at']:%H:%M:%S} UTC"
            f" (last event: {row['event']}); worth {row['gain']:.2f}.",
            terms=(),
            row=row,
        )
    named = json.dumps({"contact_id": contact_id}, ensure_ascii=False, separators=(",", ":"))
    rejected = published.rejected_row.filter(
        (pl.col("table_name") == CONTACTS.name)
        & pl.col("raw").str.contains(named.strip("{}"), literal=True)
    ).sort("last_seen_at")
    if not rejected.is_empty():
        row = rejected.row(-1, named=True)
        return Answer(
            contact_id=contact_id,
            tick_at=row["last_seen_at"],
            decision="rejected",
            sentence=f"In quarantine: its row breaks {row['rule']}, so no tick has seen it.",
            terms=(),
            row=row,
        )
    raise NotFoundError(
        f"contact {contact_id!r} is neither waiting nor assigned in the published tables of"
        f" {folder}; expected an id such as {_examples(published)}"
    )


def _read(folder: Path) -> Published:
    try:
        return read_published(folder)
    except FileNotFoundError:
        raise NotFoundError(
            f"{folder}: nothing is published; run `omniassign tick` first, or name the job's"
            " folder with --home"
        ) from None


def _examples(published: Published) -> str:
    ids = pl.concat([published.explanation["contact_id"], published.assignment["contact_id"]])
    return ", ".join(ids.unique().sort().head(3).to_list()) or "(none: both tables are empty)"
