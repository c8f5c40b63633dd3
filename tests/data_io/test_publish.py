"""Publication: whole, immutable batches that never go back."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import data_io.publish
from benchmarks.stand_in import (
    NO_REJECTS,
    START,
    stand_in_plan,
    stand_in_tables,
    stand_in_tick_row,
    tick_instant,
)
from data_io.contract_doc import DOC, with_contracts
from data_io.publish import (
    CURRENT,
    Manifest,
    PublicationError,
    publish,
    read_manifest,
    read_published,
)
from data_io.store import IN_MEMORY, Store
from models.tables import OUTPUT_TABLES

WINDOW = timedelta(seconds=10)
NEW_TABLES = ("requeue", "outlook", "response_result")
EMPTY_BEFORE = {
    "assignment": ["profiles", "seen_before", "num_context", "is_borrowed"],
    "explanation": ["priority", "tier", "step", "relaxes_at", "breach_at", "unavoidable"],
    "price": ["profiles"],
    "tick": ["tier_weight", "preference_cost", "policy_arm", "num_over_limit"],
}


def test_what_an_earlier_release_published_can_be_read(tmp_path: Path, store: Store) -> None:
    """Columns that it did not know are filled in; a column that was always there must be there."""
    tick(store, 1)
    publish(store, tmp_path, WINDOW, 3)
    folder = tmp_path / read_manifest(tmp_path).files[0].path
    for name, column in (("explanation", "rent"), ("tick", "proof")):
        path = folder.parent / f"{name}.parquet"
        pl.read_parquet(path).drop(column).write_parquet(path)
    published = read_published(tmp_path)
    assert published.explanation["rent"].to_list() == [0.0] * published.explanation.height
    assert published.tick["proof"].unique().to_list() == ["prices"]
    for name, columns in EMPTY_BEFORE.items():
        path = folder.parent / f"{name}.parquet"
        pl.read_parquet(path).drop(columns).write_parquet(path)
    current = json.loads((tmp_path / CURRENT).read_text())
    current["files"] = [file for file in current["files"] if file["table"] not in NEW_TABLES]
    (tmp_path / CURRENT).write_text(json.dumps(current))
    published = read_published(tmp_path)
    for table in OUTPUT_TABLES:
        assert published.frame(table).schema == table.schema()
    assert published.assignment["profiles"].null_count() == published.assignment.height > 0
    assert published.response_result.is_empty()
    path = folder.parent / "tick.parquet"
    pl.read_parquet(path).drop("gain").write_parquet(path)
    with pytest.raises(PublicationError, match="no column gain"):
        read_published(tmp_path)


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"schema_version": null}'])
def test_a_manifest_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    """Half a file, or another: one sentence, not a parser's."""
    (tmp_path / CURRENT).write_text(content, encoding="utf-8")
    with pytest.raises(PublicationError, match="cannot be read"):
        read_manifest(tmp_path)


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory, empty."""
    with Store.open(IN_MEMORY, "test", START) as opened:
        yield opened


def tick(store: Store, number: int) -> None:
    """Snapshot and commit the tick `number`."""
    tick_at = tick_instant(number)
    store.replace_current(stand_in_tables(number, 3, 2), NO_REJECTS, tick_at)
    plan = stand_in_plan(store.read_batch(tick_at, tick_at), tick_at, 2)
    store.commit(plan, stand_in_tick_row(plan))


def test_readers_get_what_the_store_holds(store: Store, tmp_path: Path) -> None:
    """Every table with its contract's columns, and a manifest that says how much."""
    for number in range(3):
        tick(store, number)
    manifest = publish(store, tmp_path, WINDOW, keep=3)
    assert (manifest.sequence, manifest.tick_at) == (1, tick_instant(2))
    published = read_published(tmp_path)
    assert published.manifest == manifest
    output = store.read_output(WINDOW)
    for table in OUTPUT_TABLES:
        assert_frame_equal(published.frame(table), output.frame(table))
    # The window of two ticks holds two of the three.
    assert published.tick.height == 2


def test_an_empty_store_can_be_published(store: Store, tmp_path: Path) -> None:
    """Before the first tick there are empty tables and no instant."""
    publish(store, tmp_path, WINDOW, keep=1)
    published = read_published(tmp_path)
    assert published.manifest.tick_at is None
    assert published.tick.height == 0


def test_the_newest_batches_stay_and_older_ones_go(store: Store, tmp_path: Path) -> None:
    """Two of four batches are kept; the sequence rises by one each time."""
    for number in range(4):
        tick(store, number)
        assert publish(store, tmp_path, WINDOW, keep=2).sequence == number + 1
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [CURRENT, "batch-0000000003", "batch-0000000004"]


def test_publishing_again_repairs_a_crash_before_the_manifest(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch without a manifest is never seen, its number never used twice, its rest removed."""
    tick(store, 0)
    publish(store, tmp_path, WINDOW, keep=5)
    tick(store, 1)
    with monkeypatch.context() as patched:
        patched.setattr(data_io.publish, "write_atomically", _killed)
        with pytest.raises(InterruptedError):
            publish(store, tmp_path, WINDOW, keep=5)
    (tmp_path / ".tmp-batch-0000000009").mkdir()
    (tmp_path / f".tmp-{CURRENT}").write_text("{")
    assert read_published(tmp_path).manifest.tick_at == tick_instant(0)
    assert publish(store, tmp_path, WINDOW, keep=5).sequence == 3
    assert read_published(tmp_path).manifest.tick_at == tick_instant(1)
    assert list(tmp_path.glob(".tmp-*")) == []


def _killed(*_: object) -> None:
    raise InterruptedError


def test_a_batch_retired_under_the_reader_is_replaced_by_the_next(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow reader holds an old manifest; it reads the newest batch instead of failing."""
    tick(store, 0)
    old = publish(store, tmp_path, WINDOW, keep=1)
    tick(store, 1)
    publish(store, tmp_path, WINDOW, keep=1)
    manifests = iter([old])

    def late_manifest(folder: Path) -> Manifest:
        return next(manifests, None) or read_manifest(folder)

    monkeypatch.setattr(data_io.publish, "read_manifest", late_manifest)
    assert read_published(tmp_path).manifest.sequence == 2


def test_a_missing_file_of_the_present_batch_is_an_error(store: Store, tmp_path: Path) -> None:
    """Waiting for it would be waiting for ever."""
    manifest = publish(store, tmp_path, WINDOW, keep=1)
    (tmp_path / manifest.files[0].path).unlink()
    with pytest.raises(PublicationError, match=r"tick\.parquet is missing.*publish again"):
        read_published(tmp_path)


def test_a_folder_of_another_store_is_refused(store: Store, tmp_path: Path) -> None:
    """An older store must not take readers back in time."""
    tick(store, 5)
    publish(store, tmp_path, WINDOW, keep=1)
    with Store.open(IN_MEMORY, "test", START) as other:
        with pytest.raises(PublicationError, match="the store's last is None"):
            publish(other, tmp_path, WINDOW, keep=1)
        tick(other, 4)
        with pytest.raises(PublicationError, match="publish into a new folder"):
            publish(other, tmp_path, WINDOW, keep=1)
    assert read_manifest(tmp_path).sequence == 1


def test_an_upgrade_goes_on_where_the_earlier_release_stopped(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of an older schema is published over, one of a newer or a later tick is not."""
    tick(store, 0)
    publish(store, tmp_path, WINDOW, keep=2)
    with monkeypatch.context() as patched:
        patched.setattr(data_io.publish, "SCHEMA_VERSION", 2)
        with pytest.raises(PublicationError, match="schema version 1, expected 2"):
            read_published(tmp_path)
        with (
            Store.open(IN_MEMORY, "test", START) as other,
            pytest.raises(PublicationError, match="the store's last is None"),
        ):
            publish(other, tmp_path, WINDOW, keep=2)
        manifest = publish(store, tmp_path, WINDOW, keep=2)
        assert (manifest.schema_version, manifest.sequence) == (2, 2)
        assert read_published(tmp_path).manifest == manifest
    with pytest.raises(PublicationError, match="schema version 2, expected at most 1"):
        publish(store, tmp_path, WINDOW, keep=2)
    assert json.loads((tmp_path / CURRENT).read_text())["sequence"] == 2


def test_readers_refuse_what_they_do_not_know(store: Store, tmp_path: Path) -> None:
    """Nothing published, another schema version, a wrong number of rows: each says what to do."""
    with pytest.raises(PublicationError, match=r"has no CURRENT\.json.*run a tick first"):
        read_published(tmp_path)
    manifest = publish(store, tmp_path, WINDOW, keep=1)
    current = json.loads((tmp_path / CURRENT).read_text())
    (tmp_path / CURRENT).write_text(json.dumps(current | {"schema_version": 99}))
    with pytest.raises(PublicationError, match="schema version 99, expected 1"):
        read_published(tmp_path)
    current["files"][0]["num_rows"] = 7
    (tmp_path / CURRENT).write_text(json.dumps(current))
    with pytest.raises(PublicationError, match="0 rows, expected 7"):
        read_published(tmp_path)
    assert manifest.files[0].num_rows == 0


def test_columns_of_a_later_release_do_not_disturb(store: Store, tmp_path: Path) -> None:
    """Additive changes keep the version, so readers take the columns they know."""
    tick(store, 0)
    manifest = publish(store, tmp_path, WINDOW, keep=1)
    file = next(file for file in manifest.files if file.table == "price")
    wider = pl.read_parquet(tmp_path / file.path).with_columns(later=pl.lit(1))
    wider.write_parquet(tmp_path / file.path)
    assert_frame_equal(read_published(tmp_path).price, store.read_output(WINDOW).price)


def test_at_least_one_batch_is_kept(store: Store, tmp_path: Path) -> None:
    """Keeping none would remove the batch that the manifest names."""
    with pytest.raises(ValueError, match="keep is 0, expected at least 1"):
        publish(store, tmp_path, WINDOW, keep=0)


def test_two_reader_processes_never_see_half_a_batch_or_time_going_back(tmp_path: Path) -> None:
    """Two processes poll while a third ticks and publishes 25 times, keeping three batches."""
    folder = tmp_path / "published"
    python = (sys.executable, "-m")
    reader = (*python, "benchmarks.readers", str(folder), "--until", "25", "--pause", "0.01")
    writer = (*python, "benchmarks.crash", "--child", str(tmp_path), "--ticks", "25")
    readers = [subprocess.Popen(reader, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        subprocess.run(writer, check=True, stdout=subprocess.DEVNULL, timeout=120)
        reports = [json.loads(process.communicate(timeout=60)[0]) for process in readers]
    finally:
        for process in readers:
            process.kill()
            process.wait()
    for report in reports:
        assert report["findings"] == []
        assert report["batches"] >= 2


def test_the_documentation_shows_the_contract() -> None:
    """docs/tables.md is generated from models/tables.py: python -m data_io.contract_doc."""
    text = DOC.read_text(encoding="utf-8")
    assert with_contracts(text) == text
    with pytest.raises(ValueError, match="expected one; add it"):
        with_contracts("a document without the mark")
