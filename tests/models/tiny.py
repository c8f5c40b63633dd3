"""Hand-made batches of a few rows: a column that a test leaves out has a plain default."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from models.batch import Batch
from models.batch_problem import BatchProblem
from models.policy import Policy
from models.tables import INPUT_TABLES, Channel

Row = dict[str, Any]

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)
"""A Wednesday; 11:00 in Madrid."""


def ago(seconds: float) -> datetime:
    """Instant so many seconds before NOW."""
    return NOW - timedelta(seconds=seconds)


def ahead(seconds: float) -> datetime:
    """Instant so many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


_DEFAULTS: dict[str, Row] = {
    "queues": {"queue_id": "q"},
    "customers": {"value": 200.0, "tier": "standard"},
    "agents": {
        "presence": "available",
        "site": "porto",
        "time_zone": "UTC",
        "shift_start_at": ago(3600),
        "shift_end_at": ahead(4 * 3600),
        "capacity_units": 100.0,
        "idle_since": NOW,
        "version": 1,
    },
    "agent_load": {"channel": "email", "state": "active", "started_at": ago(60)},
    "contacts": {"queue_id": "q", "channel": "email", "entered_at": NOW, "version": 1},
}


def tiny(now: datetime = NOW, /, **tables: list[Row]) -> Batch:
    """Batch of the rows given, by table name.

    Unless their tables are given: there is one queue `q`, every agent is a member of every queue
    and serves every channel with up to ten items, and every contact is its own conversation.
    """
    rows = {table.name: tables.get(table.name, []) for table in INPUT_TABLES}
    agents = [row["agent_id"] for row in rows["agents"]]
    rows["queues"] = tables.get("queues", [{"queue_id": "q"}])
    rows["queue_members"] = tables.get(
        "queue_members",
        [{"queue_id": q["queue_id"], "agent_id": a} for q in rows["queues"] for a in agents],
    )
    rows["agent_channels"] = tables.get(
        "agent_channels",
        [{"agent_id": a, "channel": c.value, "max_items": 10} for a in agents for c in Channel],
    )
    rows["contacts"] = [
        {"conversation_id": f"t-{row['contact_id']}"} | row for row in rows["contacts"]
    ]
    return Batch(
        now,
        *(
            pl.DataFrame(
                [_complete(table.schema(), table.name, row) for row in rows[table.name]],
                schema=table.schema(),
            )
            for table in INPUT_TABLES
        ),
    )


def serves(agent_id: str, **max_items: int) -> list[Row]:
    """Rows of `agent_channels` for one agent."""
    return [
        {"agent_id": agent_id, "channel": channel, "max_items": limit}
        for channel, limit in max_items.items()
    ]


def with_channel(policy: Policy, channel: Channel, **numbers: Any) -> Policy:  # noqa: ANN401
    """The policy with some numbers of one channel replaced."""
    changed = replace(policy.channels[channel], **numbers)
    return replace(policy, channels={**policy.channels, channel: changed})


def pair_gains(stated: BatchProblem) -> dict[tuple[str, str], int]:
    """Milli-gain of every eligible pair, by (lead contact id, agent id)."""
    leads = stated.conversations.units["lead_contact_id"].to_list()
    agents = stated.agents.agents["agent_id"].to_list()
    pairs = stated.problem.pairs
    return {
        (leads[contact], agents[agent]): gain
        for contact, agent, gain in zip(
            pairs.contact.tolist(), pairs.agent.tolist(), pairs.gain.tolist(), strict=True
        )
    }


def _complete(schema: pl.Schema, table: str, row: Row) -> Row:
    unknown = set(row) - set(schema.names())
    assert not unknown, f"{table} has no columns {sorted(unknown)}"
    return dict.fromkeys(schema.names()) | _DEFAULTS.get(table, {}) | row
