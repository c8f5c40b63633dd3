"""One good raw row of every input table, to be spoilt by the tests."""

from datetime import UTC, datetime
from typing import Any

import polars as pl

from models.tables import InputTables

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)

RawRow = dict[str, Any]

_GOOD: dict[str, RawRow] = {
    "queues": {
        "queue_id": "q1",
        "calendar_id": None,
        "target_answer_s": 20.0,
        "mean_handle_s": 300.0,
    },
    "calendars": {
        "calendar_id": "k1",
        "time_zone": "Europe/Madrid",
        "weekday": 0,
        "opens_minute": 480,
        "closes_minute": 1080,
    },
    "holidays": {"calendar_id": "k1", "day": "2026-12-25", "opens_minute": 0, "closes_minute": 0},
    "overflow": {
        "queue_id": "q1",
        "to_queue_id": "q2",
        "condition": "backlog",
        "threshold": 5.0,
        "tier": None,
    },
    "customer_agents": {"customer_id": "u1", "agent_id": "a1", "score": 80.0},
    "customers": {
        "customer_id": "u1",
        "value": 250.0,
        "tier": "gold",
        "owner_agent_id": None,
        "time_zone": "Europe/Madrid",
    },
    "agents": {
        "agent_id": "a1",
        "presence": "available",
        "site": "Porto",
        "time_zone": "Europe/Lisbon",
        "shift_start_at": "2026-11-22T08:00:00Z",
        "shift_end_at": "2026-11-22T16:00:00Z",
        "capacity_units": 100.0,
        "idle_since": None,
        "version": 1,
    },
    "agent_channels": {"agent_id": "a1", "channel": "chat", "max_items": 3},
    "agent_activities": {
        "agent_id": "a1",
        "starts_at": "2026-11-22T12:00:00Z",
        "ends_at": "2026-11-22T12:30:00Z",
    },
    "agent_profiles": {"agent_id": "a1", "profile": "high", "max_items": 2},
    "agent_preferences": {"agent_id": "a1", "subject": "channel:chat", "weight": 0.5},
    "agent_quotas": {
        "agent_id": "a1",
        "skill": "billing",
        "quota": 3,
        "done": 1,
        "mentor_agent_id": None,
    },
    "agent_skills": {"agent_id": "a1", "skill": "billing", "proficiency": 7},
    "agent_load": {
        "agent_id": "a1",
        "contact_id": "h1",
        "conversation_id": None,
        "customer_id": None,
        "channel": "chat",
        "state": "active",
        "units": 33.0,
        "started_at": "2026-11-22T09:50:00Z",
        "expected_end_at": None,
    },
    "queue_members": {"queue_id": "q1", "agent_id": "a1"},
    "contacts": {
        "contact_id": "c1",
        "conversation_id": "v1",
        "customer_id": "u1",
        "queue_id": "q1",
        "channel": "chat",
        "language": "es",
        "entered_at": "2026-11-22T09:59:00Z",
        "last_message_at": None,
        "due_at": None,
        "value": 100.0,
        "sentiment": -0.5,
        "escalated": False,
        "last_agent_id": None,
        "last_agent_at": None,
        "time_zone": "Europe/Madrid",
        "version": 1,
    },
    "contact_skills": {"contact_id": "c1", "skill": "billing", "min_proficiency": 5},
    "contact_steps": {
        "contact_id": "c1",
        "step": 0,
        "alternative": 0,
        "skill": "billing",
        "min_proficiency": 5,
        "expires_s": 30.0,
    },
    "offers": {
        "contact_id": "c9",
        "agent_id": "a1",
        "channel": "chat",
        "offered_at": "2026-11-22T09:30:00Z",
        "event": "accepted",
        "event_at": "2026-11-22T09:30:10Z",
        "profiles": None,
    },
    "declines": {
        "contact_id": "c1",
        "agent_id": "a1",
        "declined_at": "2026-11-22T09:58:00Z",
    },
    "agent_prices": {
        "agent_id": "a1",
        "window_s": 300.0,
        "fast_price": 1.5,
        "slow_price": 0.002,
        "late_price": 0.006,
    },
    "queue_prices": {"queue_id": "q1", "head_worth": 0.4},
}


def raw_row(table_name: str, **changes: object) -> RawRow:
    """A good row of the table with some values replaced."""
    return _GOOD[table_name] | changes


def raw_tables(**rows: list[RawRow]) -> InputTables:
    """A snapshot with the rows given; a usual table that is not named has its one good row."""
    named = {name: [good] for name, good in _GOOD.items() if name not in _RARE} | rows
    return InputTables(
        **{name: pl.DataFrame(named[name], infer_schema_length=None) for name in named}
    )


def all_raw_tables() -> InputTables:
    """A snapshot with one good row of every table, and a second queue that helps the first."""
    queues = [_GOOD["queues"], _GOOD["queues"] | {"queue_id": "q2"}]
    return raw_tables(queues=queues, **{name: [_GOOD[name]] for name in _RARE})


_RARE = (
    *("holidays", "overflow", "customer_agents", "agent_activities", "agent_profiles"),
    *("agent_preferences", "agent_quotas", "contact_steps", "offers"),
    *("agent_prices", "queue_prices"),
)
