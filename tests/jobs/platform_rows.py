"""Rows of a phone system, as its own records and as the tables and answers that it writes."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from models.tables import AGENT_LOAD, AGENTS, CONTACTS, RESPONSES, InputTables, Presence, Table

START = datetime(2026, 11, 18, 10, tzinfo=UTC)
Row = dict[str, Any]
Skills = dict[str, int]
QUEUES = ("q0", "q1", "q2")
"""Nobody is a member of the last one."""


@dataclass
class Contact:
    """A row of `contacts` and what it asks for."""

    contact_id: str
    conversation_id: str
    customer_id: str | None
    queue_id: str
    channel: str
    entered_at: datetime
    language: str | None = None
    last_message_at: datetime | None = None
    profiles: str | None = None
    version: int = 1
    skills: tuple[tuple[str, int, str], ...] = ()
    """(skill, min_proficiency, importance)"""
    steps: tuple[tuple[str, int, float | None], ...] = ()
    """(skill, min_proficiency, expires_s), one after the other"""


@dataclass
class Held:
    """A row of `agent_load`, with the contact that it was."""

    contact: Contact
    agent_id: str
    state: str
    started_at: datetime
    state_since: datetime
    units: float | None = None
    last_customer_at: datetime | None = None
    profiles: str | None = None


@dataclass
class Agent:
    """A row of `agents` and what hangs on it."""

    agent_id: str
    channels: dict[str, int]
    skills: Skills
    queues: tuple[str, ...]
    capacity_units: float = 100.0
    presence: str = Presence.AVAILABLE.value
    presence_since: datetime | None = None
    shift_start_at: datetime = START - timedelta(hours=1)
    shift_end_at: datetime = START + timedelta(hours=8)
    activities: tuple[tuple[datetime, datetime], ...] = ()
    version: int = 1


@dataclass(frozen=True)
class Response:
    """A row of `responses`."""

    response_id: str
    contact_id: str
    tick_at: datetime
    agent_id: str
    answer: str
    responded_at: datetime


@dataclass(frozen=True)
class Ring:
    """What the platform was told: an offer."""

    contact_id: str
    tick_at: datetime
    agent_id: str
    version: int
    units: float
    profiles: str | None


@dataclass
class Shown:
    """What one snapshot shows."""

    contacts: dict[str, Contact] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)


def input_tables(shown: Shown) -> InputTables:
    """The snapshot as raw tables."""
    agents, contacts = list(shown.agents.values()), list(shown.contacts.values())
    usual = {"site": "porto", "time_zone": "UTC", "idle_since": START}
    load = [asdict(held) | asdict(held.contact) | _of_agent(held) for held in shown.held.values()]
    return InputTables(
        queues=_frame(["queue_id"], [(queue,) for queue in QUEUES]),
        agents=_rows(AGENTS, [asdict(agent) | usual for agent in agents]),
        agent_channels=_frame(
            ["agent_id", "channel", "max_items"],
            [(a.agent_id, *pair) for a in agents for pair in a.channels.items()],
        ),
        agent_skills=_frame(
            ["agent_id", "skill", "proficiency"],
            [(a.agent_id, *pair) for a in agents for pair in a.skills.items()],
        ),
        agent_activities=_frame(
            ["agent_id", "starts_at", "ends_at"],
            [(a.agent_id, *pair) for a in agents for pair in a.activities],
        ),
        queue_members=_frame(
            ["agent_id", "queue_id"], [(a.agent_id, queue) for a in agents for queue in a.queues]
        ),
        agent_load=_rows(AGENT_LOAD, load),
        contacts=_rows(CONTACTS, [asdict(contact) for contact in contacts]),
        contact_skills=_frame(
            ["contact_id", "skill", "min_proficiency", "importance"],
            [(c.contact_id, *row) for c in contacts for row in c.skills],
        ),
        contact_steps=_frame(
            ["contact_id", "step", "alternative", "skill", "min_proficiency", "expires_s"],
            [(c.contact_id, n, 0, *row) for c in contacts for n, row in enumerate(c.steps)],
        ),
    )


def response_rows(responses: list[Response]) -> pl.DataFrame:
    """A drop of answers."""
    return _rows(RESPONSES, [asdict(response) for response in responses])


def _of_agent(held: Held) -> Row:
    return {"profiles": held.profiles, "last_customer_at": held.last_customer_at}


def _rows(table: Table, rows: list[Row]) -> pl.DataFrame:
    schema = table.schema()
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def _frame(names: list[str], rows: list[tuple[Any, ...]]) -> pl.DataFrame | None:
    """Untyped, as they come; None where there is nothing to show."""
    return (
        pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None) if rows else None
    )
