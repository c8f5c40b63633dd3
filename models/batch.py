"""The frozen tables of one tick."""

from copy import copy
from dataclasses import dataclass, fields
from datetime import datetime

import polars as pl

from models.tables import INPUT_TABLES, Table


@dataclass(frozen=True, eq=False)
class Batch:
    """Valid rows of every input table at one instant, each sorted by its key.

    `now` is the decision instant: the scheduled time of the tick, in UTC. Two batches with the
    same rows in any order are the same batch: the constructor sorts.
    """

    now: datetime
    queues: pl.DataFrame
    calendars: pl.DataFrame
    holidays: pl.DataFrame
    overflow: pl.DataFrame
    customers: pl.DataFrame
    customer_agents: pl.DataFrame
    agents: pl.DataFrame
    agent_channels: pl.DataFrame
    agent_skills: pl.DataFrame
    agent_activities: pl.DataFrame
    agent_profiles: pl.DataFrame
    agent_preferences: pl.DataFrame
    agent_quotas: pl.DataFrame
    agent_load: pl.DataFrame
    queue_members: pl.DataFrame
    contacts: pl.DataFrame
    contact_skills: pl.DataFrame
    contact_steps: pl.DataFrame
    declines: pl.DataFrame
    offers: pl.DataFrame
    agent_prices: pl.DataFrame
    queue_prices: pl.DataFrame

    def __post_init__(self) -> None:
        """Check the instant and the columns, and sort every table by its key."""
        _check_instant(self.now)
        for table in INPUT_TABLES:
            object.__setattr__(self, table.name, _by_contract(table, getattr(self, table.name)))

    def at(self, now: datetime, **frames: pl.DataFrame) -> "Batch":
        """The batch at another instant, with other rows in some of its tables.

        The tables that are not named stay the same frames, and are not sorted again.
        """
        _check_instant(now)
        tables = {table.name: table for table in INPUT_TABLES}
        checked = {name: _by_contract(tables[name], frame) for name, frame in frames.items()}
        other = self.narrowed(**checked)
        object.__setattr__(other, "now", now)
        return other

    def narrowed(self, **frames: pl.DataFrame) -> "Batch":
        """The batch with other rows in some of its tables, which are taken as they come.

        For parts of a tick that look at a few contacts and depend on no order.
        """
        other = copy(self)
        for name, frame in frames.items():
            object.__setattr__(other, name, frame)
        return other


def _check_instant(now: datetime) -> None:
    if now.utcoffset() is None:
        raise ValueError(
            f"batch: now is {now!r} without a zone; expected an aware UTC instant: give it one"
        )


def _by_contract(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame sorted by its key, if its columns are those of the contract."""
    if frame.schema != table.schema():
        raise ValueError(
            f"batch: {table.name} has columns {dict(frame.schema)}, expected"
            f" {dict(table.schema())}; validate the rows before building a batch"
        )
    return frame.sort(table.key)


def empty_batch(now: datetime) -> Batch:
    """A batch without rows."""
    return Batch(now, *(table.empty() for table in INPUT_TABLES))


assert [field.name for field in fields(Batch)][1:] == [table.name for table in INPUT_TABLES]  # noqa: S101
