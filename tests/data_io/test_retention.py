"""Retention: what leaves the database is in the archive, once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import data_io.retention
from benchmarks.stand_in import (
    NO_REJECTS,
    START,
    stand_in_plan,
    stand_in_tables,
    stand_in_tick_row,
    tick_instant,
)
from data_io.commit import LateTickError
from data_io.retention import Retained
from data_io.store import IN_MEMORY, Store
from models.plan import Plan
from models.tables import InputTables

EVER = timedelta(days=36_500)
A_DAY = 17_280  # ticks of five seconds


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory with four ticks on two days, two assignments each."""
    with Store.open(IN_MEMORY, "test", START) as opened:
        for number in (0, 1, A_DAY, A_DAY + 1):
            commit(opened, number)
        yield opened


def commit(store: Store, number: int) -> Plan:
    """Snapshot and commit the tick `number` with its two new contacts."""
    tick_at = tick_instant(number)
    tables = stand_in_tables(number, 2, 2)
    assert tables.contacts is not None
    new = tables.contacts.filter(pl.col("contact_id").str.starts_with(f"contact-{number}-"))
    store.replace_current(InputTables(agents=tables.agents, contacts=new), NO_REJECTS, tick_at)
    plan = stand_in_plan(store.read_batch(tick_at, tick_at), tick_at)
    store.commit(plan, stand_in_tick_row(plan))
    return plan


def archived(folder: Path, table: str) -> pl.DataFrame:
    """Rows of every hour."""
    return pl.concat([pl.read_parquet(file) for file in sorted((folder / table).iterdir())])


def test_old_rows_move_to_one_file_an_hour(store: Store, tmp_path: Path) -> None:
    """Archive and database together hold what the database held, each row once."""
    before = store.read_output(EVER)
    result = store.retain(tick_instant(A_DAY + 1), tmp_path)
    assert result == Retained(num_assignments=6, num_ticks=3, num_rejected=0)
    after = store.read_output(EVER)
    assert after.tick["tick_at"].to_list() == [tick_instant(A_DAY + 1)]
    both = pl.concat([archived(tmp_path, "assignment"), after.assignment])
    assert_frame_equal(both, before.assignment)
    assert_frame_equal(pl.concat([archived(tmp_path, "tick"), after.tick]), before.tick)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert files == [
        "assignment/2026-03-02T09.parquet",
        "assignment/2026-03-03T09.parquet",
        "tick/2026-03-02T09.parquet",
        "tick/2026-03-03T09.parquet",
    ]


def test_an_hour_can_be_moved_in_parts(store: Store, tmp_path: Path) -> None:
    """The second part joins the first in the hour's file."""
    store.retain(tick_instant(1), tmp_path)
    store.retain(tick_instant(2), tmp_path)
    assert archived(tmp_path, "tick")["tick_at"].to_list() == [tick_instant(0), tick_instant(1)]
    assert store.retain(tick_instant(2), tmp_path) == Retained(0, 0, 0)


def test_a_kill_between_archive_and_deletion_costs_only_a_repetition(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are then in both places; the next retention, with a later limit, stores none twice."""
    with monkeypatch.context() as patched:
        patched.setattr(store._database, "transaction", _killed)
        with pytest.raises(InterruptedError):
            store.retain(tick_instant(1), tmp_path)
    assert archived(tmp_path, "assignment").height == 2
    assert store.read_output(EVER).assignment.height == 8
    store.retain(tick_instant(2), tmp_path)
    # Two ticks of two assignments, none of them twice.
    assert archived(tmp_path, "assignment")["contact_id"].n_unique() == 4
    assert archived(tmp_path, "assignment").height == 4


def _killed() -> None:
    raise InterruptedError


def test_a_kill_while_a_file_is_written_leaves_the_old_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hour's file is replaced whole or not at all, and nothing is deleted before."""
    store.retain(tick_instant(1), tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(data_io.retention, "write_atomically", lambda *_: _killed())
        with pytest.raises(InterruptedError):
            store.retain(tick_instant(2), tmp_path)
    assert archived(tmp_path, "assignment").height == 2
    assert store.read_output(EVER).assignment.height == 6


def test_a_contact_that_still_stands_is_not_opened_again(store: Store, tmp_path: Path) -> None:
    """However old its events: they stay until the platform raises the version or removes it."""
    # The newest tick's events are never old enough; two of tick 0 and two of tick 1 are.
    shown = stand_in_tables(1, 2, 2).contacts
    assert shown is not None
    raised = pl.when(contact_id="contact-0-1").then(pl.lit(2, pl.Int64)).otherwise("version")
    shown = shown.with_columns(version=raised).filter(pl.col("contact_id") != "contact-1-1")
    later = tick_instant(A_DAY + 2)
    store.replace_current(InputTables(contacts=shown), NO_REJECTS, later)
    assert store.read_batch(later, later).contacts["contact_id"].to_list() == ["contact-0-1"]
    # Six events are of ticks before the newest; contact-0-0 and contact-1-0 stand.
    assert store.retain(tick_instant(A_DAY + 1), tmp_path) == Retained(4, 3, 0)
    assert store.read_batch(later, later).contacts["contact_id"].to_list() == ["contact-0-1"]
    newest = [f"contact-{A_DAY + 1}-{position}" for position in range(2)]
    left = ["contact-0-0", "contact-1-0", *newest]
    assert sorted(store.read_output(EVER).assignment["contact_id"]) == left
    assert set(archived(tmp_path, "assignment")["contact_id"]).isdisjoint(left)
    store.replace_current(InputTables(contacts=shown.clear()), NO_REJECTS, later)
    assert store.retain(tick_instant(A_DAY + 1), tmp_path) == Retained(2, 0, 0)


def test_the_newest_tick_stays_so_that_time_cannot_go_back(store: Store, tmp_path: Path) -> None:
    """Even when everything is older than the limit, an old tick is refused afterwards."""
    store.retain(tick_instant(10 * A_DAY), tmp_path)
    assert store.last_tick_at() == tick_instant(A_DAY + 1)
    with pytest.raises(LateTickError):
        commit(store, 0)


def test_old_quarantine_is_dropped_and_the_newest_snapshot_stays(
    store: Store, tmp_path: Path
) -> None:
    """Rejected rows last seen before the limit go; the present snapshot is never forgotten."""
    row = NO_REJECTS.clear(1).with_columns(
        table_name=pl.lit("contacts"),
        rule=pl.lit("value_range"),
        num_rules=pl.lit(1, pl.Int64),
        raw=pl.lit("{}"),
        row_digest=pl.lit("a"),
    )
    later = tick_instant(A_DAY + 2)
    store.replace_current(InputTables(), row, later)
    store.replace_current(InputTables(), row.with_columns(row_digest=pl.lit("b")), later)
    old = row.with_columns(row_digest=pl.lit("c"))
    with store._database.transaction(), store._database.incoming(old):
        store._database.run("append_rejected", snapshot_at=START)
    assert store.retain(tick_instant(A_DAY + 1), tmp_path).num_rejected == 1
    assert sorted(store.read_output(EVER).rejected_row["row_digest"]) == ["a", "b"]
    store.retain(tick_instant(10 * A_DAY), tmp_path)
    assert store.snapshot_at() == later
    assert store.num_rejected() == 1


def test_an_archive_of_an_earlier_contract_takes_new_rows(store: Store, tmp_path: Path) -> None:
    """A file that lacks a column added since then keeps its rows, with nulls."""
    store.retain(tick_instant(1), tmp_path)
    file = tmp_path / "tick" / "2026-03-02T09.parquet"
    pl.read_parquet(file).drop("audit_s").write_parquet(file)
    store.retain(tick_instant(2), tmp_path)
    rows = archived(tmp_path, "tick")
    assert rows["tick_at"].to_list() == [tick_instant(0), tick_instant(1)]
    assert rows["audit_s"].to_list() == [None, 1.0]
