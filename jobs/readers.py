"""What can be told from the published tables alone, while another process runs the ticks."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from data_io.publish import CURRENT, Published, read_published
from models.tables import CONTACTS, AssignmentEvent, Decision

NO_TICK = "prices: the store is empty, expected a tick in it; run `omniassign tick` first"


class NotFoundError(LookupError):
    """What was asked for is not in the published tables."""


@dataclass(frozen=True, eq=False)
class Status:
    """State of a job as its last publication shows it."""

    tick: pl.DataFrame
    """The last tick, one row of `tick`."""
    reasons: pl.DataFrame
    """(reason, num) of the contacts that wait."""
    outlook: pl.DataFrame
    """Rows of `outlook`: what will be late first, then what is, then the longest queues."""
    late: pl.DataFrame
    """(contact_id, reason, left_s, breach_at, detail) of those whose breach is unavoidable, the
    nearest first.
    """
    rejected: pl.DataFrame
    """(table_name, rule, num, last_seen_at) of the rows in quarantine."""
    requeue: pl.DataFrame
    """(agent_id, num) of held contacts whose agent is gone."""
    refused: pl.DataFrame
    """(refusal, num) of the responses in the published window that changed nothing."""
    unanswered: pl.DataFrame
    """(agent_id, num) of offers older than the published window whose contacts still wait."""


def read_status(folder: Path, window: timedelta) -> Status:
    """Status from the published tables in `folder`; raises NotFoundError before the first tick.

    Only offers that the platform has not acted on are published for longer than the `window`.
    Tables that an older release did not publish are empty.
    """
    published = _read(folder)
    newest = published.tick.sort("tick_at").tail(1)
    if newest.is_empty():
        raise NotFoundError(f"{folder}: no tick is published; run `omniassign tick` first")
    tick_at: datetime = newest["tick_at"].item()
    return Status(
        tick=newest,
        reasons=_count(published.unassigned, "reason"),
        outlook=published.outlook.sort(
            "num_unavoidable",
            "num_breaching",
            "num_waiting",
            "queue_id",
            descending=[True, True, True, False],
        ),
        late=_late(published.explanation, tick_at),
        rejected=published.rejected_row.group_by("table_name", "rule")
        .agg(num=pl.len(), last_seen_at=pl.col("last_seen_at").max())
        .sort("table_name", "rule"),
        requeue=_count(published.requeue, "agent_id"),
        refused=_count(published.response_result.filter(~pl.col("is_applied")), "refusal"),
        unanswered=_count(_unanswered(published, tick_at - window), "agent_id"),
    )


TERMS = (
    "match",
    "value_at_risk",
    "priority",
    "stickiness",
    "shift_end",
    "handover",
    "region",
    "hold",
    "interruption",
    "fairness",
    "declines",
    "overqualified",
    "borrowing",
    "agent_time",
    "head_worth",
    "balance",
)
"""Columns of `explanation` whose sum is the gain, in the order of `docs/model.md` section 5."""

OFFER_COLUMNS = (
    "tick_at",
    "agent_id",
    "event",
    "event_at",
    "seen_before",
    "num_context",
    "is_borrowed",
)


@dataclass(frozen=True, eq=False)
class Prices:
    """What agents' time is worth, as the last publication shows it."""

    run: pl.DataFrame
    """The newest run of the price job, one row of `price_run`."""
    guards: pl.DataFrame
    """The newest run that says what guard-rails cost, one row or none."""
    by_hour: pl.DataFrame
    """Rows of `skill_price`, by hour, the dearest first."""

    @property
    def newest(self) -> pl.DataFrame:
        """Those of the newest hour."""
        return self.by_hour.filter(pl.col("hour_at") == self.by_hour["hour_at"].max())


def read_prices(folder: Path) -> Prices:
    """Prices from the published tables in `folder`; raises NotFoundError where there are none."""
    if not (folder / CURRENT).exists():
        raise NotFoundError(NO_TICK)
    published = _read(folder)
    if published.price_run.is_empty():
        raise NotFoundError(
            f"{folder}: no prices are published; expected those of a price job: run `omniassign"
            " price` beside `omniassign run`, or `omniassign price --once`"
        )
    runs = published.price_run.sort("priced_at")
    return Prices(
        run=runs.tail(1),
        guards=runs.filter(pl.col("floor_cost_per_h").is_not_null()).tail(1),
        by_hour=published.skill_price.sort(
            "hour_at", "price_per_h", "skills", descending=[False, True, False]
        ),
    )


@dataclass(frozen=True, eq=False)
class Answer:
    """Why a contact got its decision."""

    contact_id: str
    tick_at: datetime
    """Tick of the decision; of a contact in quarantine, when it was last seen."""
    decision: str
    sentence: str
    terms: tuple[tuple[str, float], ...]
    """Terms of the gain in money, where an agent was chosen; those that the release had."""
    next_chance_at: datetime | None
    """When the agent that it waits for should be free, where that is known."""
    offer: dict[str, Any] | None
    """The row of `assignment` with which this tick offered it, if it did."""
    offers: pl.DataFrame
    """OFFER_COLUMNS of all its events in the published window, oldest first."""
    row: dict[str, Any]
    """The row that the answer was read from."""


def read_answer(folder: Path, contact_id: str) -> Answer:
    """Why the last tick decided as it did for a contact, or that an earlier one assigned it.

    Raises NotFoundError, with the closest ids, for a contact that is not in the published tables.
    """
    published = _read(folder)
    events = published.assignment.filter(pl.col("contact_id") == contact_id)
    events = events.sort("tick_at", "event_at", maintain_order=True)
    offers = events.select(OFFER_COLUMNS)
    found = published.explanation.filter(pl.col("contact_id") == contact_id)
    if not found.is_empty():
        row = found.row(0, named=True)
        offered = (pl.col("tick_at") == row["tick_at"]) & (
            pl.col("event") == AssignmentEvent.OFFERED.value
        )
        offer = events.filter(offered)
        waits = published.unassigned.filter(pl.col("contact_id") == contact_id)
        return Answer(
            contact_id=contact_id,
            tick_at=row["tick_at"],
            decision=row["decision"],
            sentence=row["detail"],
            terms=tuple((name, row[name]) for name in TERMS if row[name] is not None),
            next_chance_at=None if waits.is_empty() else waits["next_chance_at"][0],
            offer=None if offer.is_empty() else offer.row(0, named=True),
            offers=offers,
            row=row,
        )
    if not events.is_empty():
        row = events.row(-1, named=True)
        return Answer(
            contact_id=contact_id,
            tick_at=row["tick_at"],
            decision=Decision.ASSIGNED.value,
            sentence=_what_became(row),
            terms=(),
            next_chance_at=None,
            offer=row,
            offers=offers,
            row=row,
        )
    return _in_quarantine(published, contact_id, offers, folder)


def _what_became(row: dict[str, Any]) -> str:
    """The story of an offer whose contact no longer waits, from its last event."""
    worth = f"worth {row['gain']:.2f}" if row["is_lead"] else "with the customer's other contacts"
    told = f"Offered to {row['agent_id']} at {row['tick_at']:%Y-%m-%d %H:%M:%S} UTC, {worth}"
    if row["event"] == AssignmentEvent.OFFERED.value:
        return f"{told}; no answer yet."
    return f"{told}; {row['event']} at {row['event_at']:%H:%M:%S}."


def _in_quarantine(
    published: Published, contact_id: str, offers: pl.DataFrame, folder: Path
) -> Answer:
    named = json.dumps({"contact_id": contact_id}, ensure_ascii=False, separators=(",", ":"))
    rejected = published.rejected_row.filter(
        (pl.col("table_name") == CONTACTS.name)
        & pl.col("raw").str.contains(named.strip("{}"), literal=True)
    ).sort("last_seen_at")
    if rejected.is_empty():
        raise NotFoundError(
            f"contact {contact_id!r} is neither waiting nor assigned in the published tables of"
            f" {folder}; expected an id such as {_examples(published)}"
        )
    row = rejected.row(-1, named=True)
    return Answer(
        contact_id=contact_id,
        tick_at=row["last_seen_at"],
        decision="rejected",
        sentence=f"In quarantine: its row breaks {row['rule']}, so no tick has seen it.",
        terms=(),
        next_chance_at=None,
        offer=None,
        offers=offers,
        row=row,
    )


def _late(explanation: pl.DataFrame, tick_at: datetime) -> pl.DataFrame:
    left = pl.col("breach_at") - tick_at
    return (
        explanation.filter(pl.col("unavoidable").fill_null(value=False))
        .sort("breach_at", "contact_id")
        .select(
            "contact_id",
            "reason",
            "breach_at",
            "detail",
            left_s=left.dt.total_microseconds() / 1e6,
        )
    )


def _unanswered(published: Published, before: datetime) -> pl.DataFrame:
    """Last events that are offers made until then."""
    events = published.assignment.sort("event_at").group_by("contact_id", "contact_version").last()
    standing = pl.col("event") == AssignmentEvent.OFFERED.value
    return events.filter(standing & (pl.col("event_at") <= before))


def _count(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.group_by(name).agg(num=pl.len()).sort(name)


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
