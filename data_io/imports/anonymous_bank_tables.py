"""Tables of the anonymous bank's call centre, built from its calls."""

import polars as pl

from data_io.imports.anonymous_bank_log import ZONE, last_servers
from data_io.imports.imported import typed_frame
from models.tables import AGENT_CHANNELS, AGENTS, CONTACTS, CUSTOMERS, QUEUES, Channel, Tier

PRIORITY_CUSTOMER = 2
"""The log's priority of a priority customer; 0 is unidentified or regular, 1 is regular."""
PRIORITY_VALUE, REGULAR_VALUE = 1_000.0, 200.0
SITE = "bank"
VOICE_UNITS = 100.0


def build_contacts(calls: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """Calls as contacts, with the server who had their customer last."""
    return typed_frame(
        CONTACTS,
        calls.join(last_servers(history), on="customer_id", how="left", maintain_order="left"),
        conversation_id="contact_id",
        queue_id="type",
        channel=pl.lit(Channel.VOICE.value),
        value=_value(),
        version=0,
    )


def _value() -> pl.Expr:
    return (
        pl.when(pl.col("priority") == PRIORITY_CUSTOMER)
        .then(PRIORITY_VALUE)
        .otherwise(REGULAR_VALUE)
    )


def seconds_between(start: str, end: str) -> pl.Expr:
    """Seconds from one column of instants to another."""
    return (pl.col(end) - pl.col(start)).dt.total_microseconds() / 1e6


def build_customers(calls: pl.DataFrame) -> pl.DataFrame:
    """Identified customers of `calls`; one priority call makes a priority customer."""
    customers = (
        calls.drop_nulls("customer_id")
        .group_by("customer_id")
        .agg(pl.col("priority").max())
        .sort("customer_id")
    )
    gold = pl.col("priority") == PRIORITY_CUSTOMER
    tier = pl.when(gold).then(pl.lit(Tier.GOLD.value)).otherwise(pl.lit(Tier.STANDARD.value))
    return typed_frame(CUSTOMERS, customers, value=_value(), tier=tier, time_zone=pl.lit(ZONE))


def build_agents(shifts: pl.DataFrame, presence: pl.Expr) -> pl.DataFrame:
    """Servers with their shifts (and `idle_since` where given)."""
    return typed_frame(
        AGENTS,
        shifts,
        presence=presence,
        site=pl.lit(SITE),
        time_zone=pl.lit(ZONE),
        capacity_units=VOICE_UNITS,
        version=0,
    )


def idle_since(history: pl.DataFrame) -> pl.DataFrame:
    """(agent_id, idle_since): when a server's last call ended."""
    return history.group_by("agent_id").agg(idle_since=pl.col("done_at").max())


def build_agent_channels(shifts: pl.DataFrame) -> pl.DataFrame:
    """Every server takes one call at a time."""
    return typed_frame(AGENT_CHANNELS, shifts, channel=pl.lit(Channel.VOICE.value), max_items=1)


def build_queues(calls: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """A queue per call type, with the mean service time that history shows."""
    mean = history.group_by(queue_id="type").agg(
        mean_handle_s=seconds_between("served_at", "done_at").mean().clip(5.0, 14_400.0)
    )
    types = calls.select(queue_id=pl.col("type").unique()).sort("queue_id")
    return typed_frame(QUEUES, types.join(mean, on="queue_id", how="left", maintain_order="left"))
