"""A snapshot without a table that no tick can do without is refused, and nothing is written."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from data_io.completeness import REQUIRED, IncompleteSnapshotError
from data_io.imports.folder import FolderSource
from data_io.quarantine import no_rejects
from data_io.source import Snapshot
from data_io.store import Store
from jobs.tick import ingest
from models.policy import Policy
from tests.data_io.raw_rows import all_raw_tables
from tests.jobs.commands import call, call_json, exported, refused, settings, write_csvs
from tests.models.tiny import NOW, tiny

CENTRE = tiny(
    agents=[{"agent_id": "ana"}, {"agent_id": "ben"}],
    contacts=[
        {"contact_id": "c1", "channel": "chat"},
        {"contact_id": "c2", "channel": "voice"},
    ],
)
AT = ("--at", f"{NOW:%Y-%m-%dT%H:%M:%S}")
LATER = ("--at", f"{NOW:%Y-%m-%dT%H:%M:}05")
NAMES = [table.name for table in REQUIRED]


def test_what_a_tick_cannot_do_without() -> None:
    """Who waits, where, and who serves what; everything else may be absent."""
    assert NAMES == ["queues", "agents", "agent_channels", "contacts"]


def test_without_agents_a_tick_changes_nothing(tmp_path: Path) -> None:
    """Offers that stand would be taken back from agents who seem gone; so there is no tick."""
    config = settings(tmp_path)
    path = write_csvs(tmp_path / "inbox", CENTRE) / "agents.csv"
    call("tick", "--config", config, *AT)
    before = exported(tmp_path / "home", "assignment")
    assert [row["event"] for row in before] == ["offered", "offered"]
    path.unlink()
    assert refused("tick", "--config", config, *LATER) == (
        "snapshot: no table agents; expected all of queues, agents, agent_channels, contacts, each"
        " with its columns (a table may have no rows); nothing of it was taken: write what is"
        " missing, or check the folder"
    )
    assert exported(tmp_path / "home", "assignment") == before
    assert len(exported(tmp_path / "home", "tick")) == 1


@pytest.mark.parametrize("table", NAMES)
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("gone", "no table {table}"),
        ("cut", "{table}.csv cannot be read (ValueError: 0 bytes; expected 1 to 1073741824)"),
        ("other columns", "{table} without column {key}"),
    ],
)
def test_what_cannot_be_used_at_all_is_as_good_as_missing(
    table: str, fault: str, said: str, tmp_path: Path
) -> None:
    """A file of no bytes, or one whose rows all lack what every row must have, is no table."""
    path = write_csvs(tmp_path, CENTRE) / f"{table}.csv"
    source, whole = FolderSource(tmp_path), path.read_text()
    if fault == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if fault == "cut" else b"mood;shoe size\ngrim;44\n")
    with pytest.raises(IncompleteSnapshotError) as refusal:
        source.read(NOW)
    key = next(one.key[0] for one in REQUIRED if one.name == table)
    assert said.format(table=table, key=key) in str(refusal.value)
    path.write_text(whole)
    taken = source.read(NOW)
    assert taken is not None
    assert taken.tables is not None


def test_a_required_file_that_vanishes_is_waited_for_once(tmp_path: Path) -> None:
    """Somebody may be writing it: the last snapshot stays for that tick, and for no other."""
    path = write_csvs(tmp_path, CENTRE) / "agents.csv"
    source, whole = FolderSource(tmp_path), path.read_text()
    assert source.read(NOW) is not None
    path.unlink()
    held_back = source.read(NOW)
    assert held_back is not None
    assert held_back.tables is None
    for seconds in (5, 10):
        with pytest.raises(IncompleteSnapshotError, match="no table agents"):
            source.read(NOW + timedelta(seconds=seconds))
    path.write_text(whole)
    back = source.read(NOW + timedelta(seconds=15))
    assert back is not None
    assert back.tables is not None


@pytest.mark.parametrize(
    ("name", "payload"), [("contacts.csv", "contact_id\n"), ("contacts.ndjson", "\n")]
)
def test_a_table_without_rows_is_complete(name: str, payload: str, tmp_path: Path) -> None:
    """Nobody waits: a header says so, even one of a single column, or one line break."""
    inbox = write_csvs(tmp_path, CENTRE, without=("contacts",))
    (inbox / name).write_text(payload)
    assert call_json("validate", inbox, *AT)["lacking"] == []


def test_any_source_is_held_to_it(tmp_path: Path) -> None:
    """Not only folders: whatever hands over a snapshot without a table writes nothing."""

    class Half:
        def read(self, now: datetime) -> Snapshot:
            del now
            return Snapshot(replace(all_raw_tables(), agents=None), no_rejects())

    with Store.open(tmp_path / "s.duckdb", "test", NOW) as store:
        with pytest.raises(IncompleteSnapshotError):
            ingest(Half(), store, NOW, Policy())
        assert store.snapshot_at() is None


def test_validate_says_that_no_tick_would_take_it(tmp_path: Path) -> None:
    """Exit code 1, though no row breaks a rule; programs get the reasons as a list."""
    customers = tiny(queues=[], customers=[{"customer_id": "u1"}])
    inbox = write_csvs(tmp_path, customers, without=tuple(NAMES))
    found = call_json("validate", inbox, *AT, code=1)
    assert found["lacking"] == [f"no table {name}" for name in NAMES]
    assert found["rejected"] == []
    shown = " ".join(call("validate", inbox, *AT, code=1).split())
    assert "REFUSED: snapshot: no table queues, no table agents" in shown


@pytest.mark.parametrize("words", [("import", "folder"), ("policy", "check", "--on")])
def test_other_commands_refuse_it_too(words: tuple[str, ...], tmp_path: Path) -> None:
    """An import would empty the store; a check would blame the policy."""
    inbox = write_csvs(tmp_path / "inbox", CENTRE, without=("agents",))
    home = ("--home", tmp_path / "home") if words[0] == "import" else ()
    assert "snapshot: no table agents; expected" in refused(*words, inbox, *AT, *home)
    assert not (tmp_path / "home").exists()
