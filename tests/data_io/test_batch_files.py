"""A batch as a folder: what is read is what was written."""

import json
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.stand_in import START, complete, stand_in_tables
from data_io.batch_files import BatchFilesError, read_batch_files, write_batch
from models.batch import Batch, empty_batch
from models.plan import Carried
from models.tables import DECLINES, INPUT_TABLES, PRICE

SETTINGS = '{\n  "policy": {"größe": 1},\r\n  "seed": 7\n}'


def a_batch() -> Batch:
    """A batch with rows in most tables and none in others."""
    tables = stand_in_tables(0, 5, 3)
    declines = pl.DataFrame({"contact_id": ["contact-0-1"], "agent_id": ["agent-2"]})
    frames = {table.name: tables.frame(table) for table in INPUT_TABLES}
    filled = {
        table.name: table.empty() if (frame := frames[table.name]) is None else frame
        for table in INPUT_TABLES
    }
    return Batch(START, **filled | {"declines": complete(DECLINES, declines)})


@pytest.mark.parametrize("batch", [a_batch(), empty_batch(START)], ids=["rows", "empty"])
def test_a_batch_survives_the_round_trip(tmp_path: Path, batch: Batch) -> None:
    """Instant, every table with its types, and the settings character by character."""
    folder = tmp_path / "batches" / "one"
    write_batch(folder, batch, SETTINGS)
    read, settings, carried = read_batch_files(folder)
    assert carried is None
    assert settings == SETTINGS
    assert read.now == batch.now
    for table in INPUT_TABLES:
        assert_frame_equal(getattr(read, table.name), getattr(batch, table.name))
    assert [path.name for path in folder.parent.iterdir()] == ["one"]


def test_an_archived_batch_is_never_overwritten(tmp_path: Path) -> None:
    """A replay must not change under its reader."""
    write_batch(tmp_path / "one", a_batch(), "{}")
    with pytest.raises(FileExistsError, match="expected a new folder; choose another name"):
        write_batch(tmp_path / "one", empty_batch(START), "{}")
    assert read_batch_files(tmp_path / "one")[0].contacts.height == 5


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Settings that cannot be encoded fail last, when all tables are written."""
    with pytest.raises(UnicodeEncodeError):
        write_batch(tmp_path / "one", a_batch(), "\ud800")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_no_obstacle(tmp_path: Path) -> None:
    """The unfinished folder of the same name is replaced."""
    (tmp_path / ".tmp-one").mkdir()
    (tmp_path / ".tmp-one" / "rest").write_text("half")
    write_batch(tmp_path / "one", a_batch(), "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert not (tmp_path / "one" / "rest").exists()


def test_what_an_earlier_release_archived_can_be_read(tmp_path: Path) -> None:
    """Tables and columns that it did not know are empty; a table that it knew must be there."""
    batch = a_batch()
    carried = Carried(
        prices=complete(PRICE, pl.DataFrame({"agent_id": ["ana"]})),
        site_prices=pl.DataFrame(schema={"site": pl.String, "price": pl.Float64}),
        rents=pl.DataFrame(schema={"contact_id": pl.String, "rent": pl.Float64}),
    )
    write_batch(tmp_path / "one", batch, "{}", carried)
    for name in ("holidays", "overflow", "agent_activities", "contact_steps", "offers"):
        (tmp_path / "one" / f"{name}.parquet").unlink()
    for name, columns in (
        ("contacts", ["priority", "profiles", "hold_until", "waited_before_s"]),
        ("agents", ["presence_since", "handled_s", "productive_s"]),
        ("carried_prices", ["profiles"]),
    ):
        path = tmp_path / "one" / f"{name}.parquet"
        pl.read_parquet(path).drop(columns).write_parquet(path)
    read, _, hint = read_batch_files(tmp_path / "one")
    for table in INPUT_TABLES:
        assert_frame_equal(getattr(read, table.name), getattr(batch, table.name))
    assert hint is not None
    assert_frame_equal(hint.prices, carried.prices)


def test_a_folder_that_is_no_batch_is_refused(tmp_path: Path) -> None:
    """No header, another version, a missing table: each says what to do."""
    with pytest.raises(BatchFilesError, match=r"no batch\.json.*give the folder"):
        read_batch_files(tmp_path)
    folder = tmp_path / "one"
    write_batch(folder, a_batch(), "{}")
    (folder / "agents.parquet").unlink()
    with pytest.raises(BatchFilesError, match=r"agents\.parquet is missing.*whole folder"):
        read_batch_files(folder)
    header = json.loads((folder / "batch.json").read_text())
    (folder / "batch.json").write_text(json.dumps(header | {"schema_version": 99}))
    with pytest.raises(BatchFilesError, match="schema version 99, expected 1"):
        read_batch_files(folder)


def test_what_the_tick_before_carried_over_goes_along(tmp_path: Path) -> None:
    """Prices, site prices and rents come back; with one of the three files lost, nothing does."""
    carried = Carried(
        prices=complete(PRICE, pl.DataFrame({"agent_id": ["ana"]})),
        site_prices=pl.DataFrame({"site": ["north"], "price": [1.5]}),
        rents=pl.DataFrame({"contact_id": ["c1", "c2"], "rent": [0.0, 2.25]}),
    )
    folder = tmp_path / "one"
    write_batch(folder, a_batch(), "{}", carried)
    found = read_batch_files(folder)[2]
    assert found is not None
    assert_frame_equal(found.prices, carried.prices)
    assert_frame_equal(found.site_prices, carried.site_prices)
    assert_frame_equal(found.rents, carried.rents)
    (folder / "carried_rents.parquet").unlink()
    with pytest.raises(BatchFilesError, match="2 of 3 carried_"):
        read_batch_files(folder)
