"""The only output of the engine: three flat tables, from which every KPI and value is computed."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl

from models.tables import INSTANT
from scenarios.lab.centre import Floats, Ints, LabCentre
from scenarios.lab.day import Day
from scenarios.lab.ledger import AgentState, Ledger, Outcome

DAY_START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday; second 0 of every simulated day."""

_OUTCOMES = [outcome.name.lower() for outcome in Outcome]
_CHANNELS = ["voice", "chat", "email"]
_MICRO = 1_000_000


@dataclass(frozen=True, eq=False)
class Events:
    """What happened on one day."""

    visit: pl.DataFrame
    """A row per visit to the queue, in order of appearance: visit_id, customer_id, attempt,
    contact_class, channel, entered_at, answered_at, ended_at, outcome, target_answer_s, value,
    comes_back. `ended_at` is the end of handling, or when the contact left the queue."""
    handling: pl.DataFrame
    """A row per answered visit: visit_id, agent_id, contact_class, answered_at, ended_at (of the
    conversation), wrapped_up_at, attention, resolve_probability, is_resolved."""
    agent_state: pl.DataFrame
    """Spans: agent_id, state (available, nonproductive, offline), started_at, ended_at."""


def build_events(centre: LabCentre, day: Day, ledger: Ledger) -> Events:
    """The tables of a finished run; visits that were announced but never entered are left out."""
    visit = _visits(centre, day, ledger)
    return Events(visit, _handlings(centre, day, visit), _states(ledger))


def _visits(centre: LabCentre, day: Day, ledger: Ledger) -> pl.DataFrame:
    classes = centre.classes
    kind, customer = np.array(ledger.kind, dtype=np.int64), np.array(ledger.customer)
    outcome = np.array(ledger.outcome, dtype=np.int64)
    answered = outcome == Outcome.ANSWERED
    left = np.array(ledger.left_queue_s)
    table = pl.DataFrame(
        {
            "visit_id": np.arange(len(kind)),
            "customer_id": customer.astype(np.int64),
            "attempt": np.array(ledger.attempt, dtype=np.int64),
            "contact_class": kind,
            "channel": _labels(_CHANNELS, classes.channel[kind]),
            "entered_at": _instants(np.array(ledger.entered_s)),
            "answered_at": _instants(np.where(answered, left, np.nan)),
            "ended_at": _instants(np.where(answered, np.array(ledger.ended_s), left)),
            "outcome": _labels(_OUTCOMES, outcome),
            "target_answer_s": classes.target_s[kind],
            "value": day.value[customer.astype(np.int64)],
            "agent_id": np.array(ledger.agent, dtype=np.int64),
            "comes_back": np.array(ledger.comes_back, dtype=np.bool_),
        }
    )
    return table.filter(pl.Series(ledger.has_entered, dtype=pl.Boolean))


def _handlings(centre: LabCentre, day: Day, visit: pl.DataFrame) -> pl.DataFrame:
    rows = visit.filter(pl.col("outcome") == "answered")
    kind, agent = rows["contact_class"].to_numpy(), rows["agent_id"].to_numpy()
    customer, attempt = rows["customer_id"].to_numpy(), rows["attempt"].to_numpy()
    p = centre.p[kind, agent]
    wrap_up = pl.Series(centre.classes.wrap_up_share[kind], dtype=pl.Float64)
    handled_us = (pl.col("ended_at") - pl.col("answered_at")).dt.total_microseconds()
    talk_us = (handled_us * (1 - wrap_up)).round().cast(pl.Int64)
    return rows.select(
        "visit_id",
        "agent_id",
        "contact_class",
        "answered_at",
        ended_at=pl.col("answered_at") + pl.duration(microseconds=talk_us),
        wrapped_up_at="ended_at",
        attention=pl.Series(centre.attention[kind], dtype=pl.Float64),
        resolve_probability=pl.Series(p, dtype=pl.Float64),
        is_resolved=pl.Series(day.outcome[customer, attempt] < p, dtype=pl.Boolean),
    )


def _states(ledger: Ledger) -> pl.DataFrame:
    spans = ledger.spans
    states = pl.Series([str(span.state) for span in spans], dtype=pl.String)
    return pl.DataFrame(
        {
            "agent_id": np.array([span.agent for span in spans], dtype=np.int64),
            "state": states,
            "started_at": _instants(np.array([span.from_s for span in spans])),
            "ended_at": _instants(np.array([span.until_s for span in spans])),
        }
    ).filter(pl.col("state") != AgentState.OFFLINE)


def _instants(seconds: Floats) -> pl.Series:
    """Instants, null where the seconds are unknown."""
    micro = pl.Series(seconds * _MICRO, dtype=pl.Float64).fill_nan(None).round()
    return (micro.cast(pl.Int64) + round(DAY_START.timestamp() * _MICRO)).cast(INSTANT)


def _labels(names: list[str], codes: Ints) -> pl.Series:
    return pl.Series(names).gather(pl.Series(codes))
