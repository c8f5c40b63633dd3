"""The embedded store: one writer's database of current state, decisions and quarantine."""

from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from data_io.arrivals import NO_NEWS, Arrived, OfferNews
from data_io.commit import CommitResult, check_decision, land, stored_result
from data_io.database import Database
from data_io.lease import Lease
from data_io.migrations import migrate, read_migrations
from data_io.offers import HOUR, advance_offers, apply_responses, read_offers
from data_io.output import OutputTables
from data_io.price_store import StoredPrices
from data_io.retention import Retained, retain
from data_io.tick_view import tick_view
from data_io.visits import record_visits, with_kinds
from models.batch import Batch
from models.plan import Plan
from models.policy import Policy
from models.tables import (
    AGENT_LOAD,
    AGENTS,
    CONTACT_SKILLS,
    CONTACTS,
    CUSTOMERS,
    EXPLANATION,
    INPUT_TABLES,
    OUTLOOK,
    PRICE,
    REJECTED_ROW,
    REQUEUE,
    UNASSIGNED,
    InputTables,
    Table,
)

IN_MEMORY = Path(":memory:")


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
        self._moved_on_at: datetime | None = None
        self.prices = StoredPrices(database)

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
        changed = self._changed(tables)
        with self._database.transaction():
            self._replace(changed, rejects, snapshot_at)
        self._moved_on_at = None
        # Only now: what a rolled back transaction wrote is not in the database.
        self._current |= {table.name: frame for table, frame in changed.items()}

    def take_responses(self, responses: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """What became of each response that is new, by the contract of `response_result`.

        Rows whose `response_id` is known change nothing and are left out.
        """
        _check_aware(now, "now")
        self._moved_on_at = None
        with self._database.transaction():
            return apply_responses(self._database, responses, now)

    def take(self, arrived: Arrived, now: datetime, policy: Policy) -> OfferNews:
        """Everything that a tick begins with, in one transaction.

        First the responses are applied to the offers that they name, then the snapshot replaces
        the current tables, then snapshot and clock move the offers on (`models/offers.py`). Done
        again at the same instant it changes nothing. ValueError when a frame breaks its contract.
        """
        _check_aware(now, "now")
        if arrived.is_nothing and now == self._moved_on_at:
            return NO_NEWS  # the second look of a tick, when nothing came meanwhile
        changed = {} if arrived.tables is None else self._changed(arrived.tables)
        contacts, agents, agent_load = (
            changed[table] if table in changed else self._current_rows(table)
            for table in (CONTACTS, AGENTS, AGENT_LOAD)
        )
        gone = self._gone(contacts) if CONTACTS in changed else None
        with self._database.transaction():
            self._quarantine(arrived.bad_responses, now)
            results = apply_responses(self._database, arrived.responses, now)
            if arrived.tables is not None:
                self._replace(changed, arrived.rejects, now)
            elif not arrived.rejects.is_empty():
                self._replace({}, arrived.rejects, self._newest_snapshot() or now)
            events = advance_offers(self._database, contacts, agents, agent_load, policy, now)
            if gone is not None:
                record_visits(self._database, gone, agent_load, now)
        self._current |= {table.name: frame for table, frame in changed.items()}
        self._moved_on_at = now
        return OfferNews(results, events)

    def snapshot_at(self) -> datetime | None:
        """Instant of the last snapshot, UTC, or None before the first."""
        return self._newest_snapshot()

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

    def read_batch(
        self,
        now: datetime,
        tick_at: datetime,
        remember: timedelta = HOUR,
        prices_of: datetime | None = None,
    ) -> Batch:
        """The current tables as the tick `tick_at` must see them (`data_io/tick_view.py`).

        `remember` is how long recent offers stay in the batch, `prices_of` the run of the price
        job whose prices are in it.
        """
        with self._database.transaction():
            tables = InputTables(*(self._current_rows(table) for table in INPUT_TABLES))
            offers = read_offers(self._database, now - remember, tick_at)
            seen = self._database.frame("read_sightings")
            if prices_of is not None:
                tables = self.prices.added_to(tables, prices_of)
        return tick_view(tables, offers, seen, now, remember)

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
        """The output tables, with events, ticks and answers of the `window` before the last tick.

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
                requeue=self._database.frame("read_rows", REQUEUE),
                outlook=self._database.frame("read_rows", OUTLOOK),
                response_result=self._database.frame("read_responses_after", after=after),
                rejected_row=self._database.frame("read_rows", REJECTED_ROW),
                price_run=self.prices.runs_after(after),
                skill_price=self.prices.of_skills_after(after),
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

    def _gone(self, contacts: pl.DataFrame) -> pl.DataFrame:
        """Contacts that waited and are not in `contacts`, in the columns of `with_kinds`."""
        before = self._current_rows(CONTACTS)
        gone = before.join(contacts, on="contact_id", how="anti")
        return with_kinds(gone, self._current_rows(CONTACT_SKILLS), self._current_rows(CUSTOMERS))

    def _current_rows(self, table: Table) -> pl.DataFrame:
        """Rows of a current table: from memory where this process, the only writer, wrote them."""
        if table.name not in self._current:
            self._current[table.name] = self._database.frame("read_rows", table)
        return self._current[table.name]

    def _changed(self, tables: InputTables) -> dict[Table, pl.DataFrame]:
        return {
            table: frame
            for table in INPUT_TABLES
            if (frame := tables.frame(table)) is not None and self._is_new(table, frame)
        }

    def _replace(
        self, changed: dict[Table, pl.DataFrame], rejects: pl.DataFrame, snapshot_at: datetime
    ) -> None:
        """Write a snapshot and its bad rows; the caller holds the transaction."""
        for table, frame in changed.items():
            self._database.replace(table, frame)
        self._quarantine(rejects, snapshot_at)
        self._database.run("forget_snapshots_from", snapshot_at=snapshot_at)
        self._database.run("record_snapshot", snapshot_at=snapshot_at, num_rejected=rejects.height)

    def _quarantine(self, rejects: pl.DataFrame, seen_at: datetime) -> None:
        if rejects.is_empty():
            return
        distinct = rejects.unique(REJECTED_ROW.key, keep="first", maintain_order=True)
        with self._database.incoming(distinct):
            self._database.run("touch_rejected", snapshot_at=seen_at)
            self._database.run("append_rejected", snapshot_at=seen_at)

    def _newest_snapshot(self) -> datetime | None:
        newest = self._database.frame("newest_snapshot")["snapshot_at"]
        return None if newest.is_empty() else newest.item()

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
