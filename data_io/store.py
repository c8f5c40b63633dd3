"""The embedded store: one writer's database of current state, decisions and quarantine."""

from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from data_io.commit import CommitResult, check_decision, land, stored_result
from data_io.database import Database
from data_io.lease import Lease
from data_io.migrations import migrate, read_migrations
from data_io.output import OutputTables
from data_io.retention import Retained, retain
from models.batch import Batch
from models.plan import Plan
from models.tables import (
    AGENT_LOAD,
    EXPLANATION,
    INPUT_TABLES,
    INSTANT,
    PRICE,
    REJECTED_ROW,
    UNASSIGNED,
    AssignmentEvent,
    InputTables,
    LoadState,
    Table,
)

IN_MEMORY = Path(":memory:")
HOLDING = (AssignmentEvent.OFFERED, AssignmentEvent.ACCEPTED)
"""Last events after which the agent still holds the contact."""
PLATFORM_LAG = timedelta(seconds=10)
"""How long an offer whose contact no longer waits loads its agent, unless the platform shows it.

Platforms show a contact with its agent a snapshot or two after it left the queue; in between the
agent must not look free. Longer would keep an agent idle whose customer hung up on the offer.
"""


class Store:
    """The database of one centre, open for writing; a context manager that closes it.

    Every method is one transaction or none: whatever raises, or kills the process, leaves the
    store as it was. Not for use by several threads at once.
    """

    def __init__(self, database: Database, lease: Lease | None) -> None:
        """Wrap an open, migrated database; use `Store.open`."""
        self._database = database
        self._lease = lease
        self._current: dict[str, pl.DataFrame] = {}

    @classmethod
    def open(cls, path: Path, holder: str, now: datetime) -> Self:
        """Open or create the database at `path`, or in memory for `:memory:`, and migrate it.

        LeaseTakenError when another process writes it; NewerDatabaseError when a newer release
        wrote it.
        """
        lease = None
        if path != IN_MEMORY:
            path = path.resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            lease = Lease(path, holder, now)
        try:
            store = cls(Database(path), lease)
        except BaseException:
            if lease is not None:
                lease.release()
            raise
        try:
            migrate(store._database, read_migrations(), now)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close the database, then free the lease."""
        self._database.close()
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def replace_current(
        self, tables: InputTables, rejects: pl.DataFrame, snapshot_at: datetime
    ) -> None:
        """Replace every table that is given, and remember the snapshot and its bad rows.

        `rejects` has the columns of `rejected_row` but its two instants; a row seen before keeps
        the instant when it first came. ValueError when a frame breaks its contract.
        """
        _check_aware(snapshot_at, "snapshot_at")
        distinct = rejects.unique(REJECTED_ROW.key, keep="first", maintain_order=True)
        changed = {
            table: frame
            for table in INPUT_TABLES
            if (frame := tables.frame(table)) is not None and self._is_new(table, frame)
        }
        with self._database.transaction():
            for table, frame in changed.items():
                self._database.replace(table, frame)
            if not distinct.is_empty():
                with self._database.incoming(distinct):
                    self._database.run("touch_rejected", snapshot_at=snapshot_at)
                    self._database.run("append_rejected", snapshot_at=snapshot_at)
            self._database.run("forget_snapshots_from", snapshot_at=snapshot_at)
            self._database.run(
                "record_snapshot", snapshot_at=snapshot_at, num_rejected=rejects.height
            )
        # Only now: what a rolled back transaction wrote is not in the database.
        self._current |= {table.name: frame for table, frame in changed.items()}

    def snapshot_at(self) -> datetime | None:
        """Instant of the last snapshot, UTC, or None before the first."""
        newest = self._database.frame("newest_snapshot")["snapshot_at"]
        return None if newest.is_empty() else newest.item()

    def num_rejected(self) -> int:
        """How many rows of the last snapshot went to quarantine; 0 before the first."""
        newest = self._database.frame("newest_snapshot")["num_rejected"]
        return 0 if newest.is_empty() else newest.item()

    def last_tick_at(self) -> datetime | None:
        """The last committed tick, UTC, or None before the first."""
        newest: datetime | None = self._database.frame("newest_tick")["tick_at"].item()
        return newest

    def read_tick(self, tick_at: datetime) -> pl.DataFrame | None:
        """The committed tick of that instant, one row of `tick`, or None."""
        row = self._database.frame("read_whole_tick", tick_at=tick_at)
        return None if row.is_empty() else row

    def read_batch(self, now: datetime, tick_at: datetime) -> Batch:
        """The current tables as the tick `tick_at` must see them.

        An earlier tick's assignment consumes its version of the contact: until the platform raises
        the version, the contact waits no more, and where the platform does not show it with its
        agent yet, it is added to the agent's load as an offer; for PLATFORM_LAG also where the
        platform shows it nowhere. A contact that an agent holds does not wait either.
        """
        with self._database.transaction():
            tables = {table.name: self._current_rows(table) for table in INPUT_TABLES}
            consumed = self._database.frame("read_consumed", tick_at=tick_at)
            departed = self._database.frame(
                "read_departed", tick_at=tick_at, after=now - PLATFORM_LAG
            )
        contacts = (
            tables["contacts"]
            .join(consumed, on="contact_id", how="anti")
            .join(tables["agent_load"], on="contact_id", how="anti")
        )
        offered = (
            pl.concat([consumed, departed])
            .filter(pl.col("event").is_in(HOLDING))
            .join(tables["agents"], on="agent_id", how="semi")
            .join(tables["agent_load"], on="contact_id", how="anti")
            .with_columns(
                state=pl.lit(LoadState.OFFERED.value),
                started_at=pl.col("event_at"),
                expected_end_at=pl.lit(None, INSTANT),
            )
            .select(AGENT_LOAD.schema().names())
        )
        tables["contacts"] = contacts
        tables["contact_skills"] = tables["contact_skills"].join(
            contacts, on="contact_id", how="semi"
        )
        tables["agent_load"] = pl.concat([tables["agent_load"], offered])
        return Batch(now, **tables)

    def commit(self, plan: Plan, tick_row: pl.DataFrame) -> CommitResult:
        """What landed of the plan; a second commit of the tick changes nothing and says so.

        `tick_row` is one row of `tick`, whose `num_assigned` and `num_lost` are filled in here.
        LateTickError when a newer tick is committed, DoubledAssignmentError when a contact would
        be assigned twice, ValueError when plan and row break their contracts.
        """
        check_decision(plan, tick_row)
        with self._database.transaction():
            stored = stored_result(self._database, plan.tick_at)
            return land(self._database, plan, tick_row) if stored is None else stored

    def read_output(self, window: timedelta) -> OutputTables:
        """The output tables, with the events and ticks of the `window` before the last tick.

        Offers whose contact still waits are there however old they are.
        """
        with self._database.transaction():
            newest: datetime | None = self._database.frame("newest_tick")["tick_at"].item()
            after = None if newest is None else newest - window
            return OutputTables(
                tick=self._database.frame("read_ticks_after", after=after),
                assignment=self._database.frame("read_events_after", after=after),
                unassigned=self._database.frame("read_rows", UNASSIGNED),
                explanation=self._database.frame("read_rows", EXPLANATION),
                price=self._database.frame("read_rows", PRICE),
                rejected_row=self._database.frame("read_rows", REJECTED_ROW),
            )

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file: for the idle part of a tick."""
        self._database.run_text("CHECKPOINT")

    def retain(self, before: datetime, folder: Path) -> Retained:
        """Move decisions older than `before` to Parquet in `folder`, and drop old quarantine.

        Events of a contact that still waits in the version assigned stay. What is moved no longer
        protects a contact that leaves and comes back in the same version, so the time kept must
        exceed the longest life of a contact.
        """
        _check_aware(before, "before")
        return retain(self._database, before, folder)

    def _current_rows(self, table: Table) -> pl.DataFrame:
        """Rows of a current table: from memory where this process, the only writer, wrote them."""
        if table.name not in self._current:
            self._current[table.name] = self._database.frame("read_rows", table)
        return self._current[table.name]

    def _is_new(self, table: Table, frame: pl.DataFrame) -> bool:
        """Whether the frame differs from the one in the database, as far as that is known."""
        known = self._current.get(table.name)
        return known is None or not frame.equals(known)

    def __enter__(self) -> Self:
        """Use the store in a `with` block."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()


def _check_aware(instant: datetime, name: str) -> None:
    if instant.utcoffset() is None:
        raise ValueError(f"store: {name} is {instant!r} without a zone; expected an aware instant")
