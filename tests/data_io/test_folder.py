"""Foreign folders: three formats, broken lines, broken files, and snapshots that change hands."""

import json
import os
import random
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from data_io.imports.folder import CURRENT, FolderError, FolderSource, read_folder
from data_io.imports.text import csv_rows, ndjson_rows
from data_io.quarantine import READ_LINE, READ_RULE
from data_io.source import Snapshot, Source
from data_io.validate import validate
from models.tables import CONTACT_SKILLS, INPUT_TABLES, QUEUES
from tests.data_io.raw_rows import NOW, all_raw_tables

FORMATS = ("parquet", "csv", "ndjson")


def _write(folder: Path, suffix: str) -> None:
    """The one good row of every table, in one format."""
    folder.mkdir(exist_ok=True)
    for table in INPUT_TABLES:
        frame = all_raw_tables().frame(table)
        assert frame is not None
        path = folder / f"{table.name}.{suffix}"
        if suffix == "parquet":
            frame.write_parquet(path)
        elif suffix == "csv":
            frame.write_csv(path)
        else:
            frame.write_ndjson(path)


def _rules(folder: Path) -> list[tuple[str, str]]:
    read = read_folder(folder)
    validated = validate(read.tables, NOW)
    entries = pl.concat([read.rejects, validated.rejects])
    return sorted(entries.select("table_name", "rule").iter_rows())


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_rows(suffix: str, tmp_path: Path) -> None:
    """What a row says does not depend on the format that it came in."""
    _write(tmp_path, suffix)
    read = read_folder(tmp_path)
    validated = validate(read.tables, NOW)
    expected = validate(all_raw_tables(), NOW)
    assert (read.notes, validated.notes, validated.rejects.height) == ((), (), 0)
    for table in INPUT_TABLES:
        frame = validated.tables.frame(table)
        assert frame is not None
        assert frame.rows() == getattr(expected.tables, table.name).rows()


@pytest.mark.parametrize(
    ("payload", "rows"),
    [
        (b"a,b\n1,2\n", [("1", "2")]),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", [("1", "2")]),  # byte order mark, line ends of Windows
        (b"a , b\n1,2", [("1", "2")]),
        (b'a,b\n"x, y","he said ""no"""\n', [("x, y", 'he said "no"')]),
        (b'a,b\n,""\n', [(None, None)]),
        (b"a,b\n\n1,2\n  \n", [("1", "2")]),
        (b"a,b\n1\n", [("1", None)]),
        (b"a,b\n\xff,\xf0\x9f\x98\x80\n", [("\ufffd", "😀")]),
        (b"a,b\n", []),
    ],
)
def test_csv_is_read_as_text(payload: bytes, rows: list[tuple[str | None, ...]]) -> None:
    """Quotes, marks, blanks and missing fields mean what they mean in other tools."""
    frame = csv_rows(payload)
    assert frame.columns == ["a", "b"]
    assert frame.rows() == rows


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b"1,2,3", ("1", "2", "line_fits_header", "1,2,3")),
        (b'1,"2', ("1", "2", "line_is_csv", '1,"2')),
        (b'1,"2"x', ("1", "2x", "line_is_csv", '1,"2"x')),
        (b'"', (None, None, "line_is_csv", '"')),
    ],
)
def test_a_broken_csv_line_costs_only_itself(line: bytes, row: tuple[str | None, ...]) -> None:
    """An open quote does not swallow the lines after it, and the line shows what it holds."""
    frame = csv_rows(b"a,b\n5,6\n" + line + b"\n7,8\n")
    assert frame.columns == ["a", "b", READ_RULE, READ_LINE]
    assert frame.rows() == [("5", "6", None, None), row, ("7", "8", None, None)]


def test_csv_names_that_clash_stay_apart() -> None:
    """A column named twice keeps its first meaning; no file can pretend to be the reader."""
    assert csv_rows(b"a,a,,!rule\n1,2,3,4\n").columns == ["a", "a#1", "#2", "!rule#3"]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[1]",
        b"7",
        b'"text"',
        b'{"queue_id": "q1"} {}',
        b"[" * 100_000,
        b"\xff",
        b"9" * 5_000,
    ],
)
def test_a_broken_json_line_costs_only_itself(line: bytes) -> None:
    """What is not one JSON object is named so, and the lines around it are read."""
    good = b'{"queue_id": "q%d"}\n'
    frame = ndjson_rows(good % 1 + line + b"\n" + good % 2, QUEUES)
    assert frame["queue_id"].to_list() == ["q1", None, "q2"]
    assert frame[READ_RULE].to_list() == [None, "line_is_json", None]


def test_ndjson_columns_keep_the_types_of_their_values() -> None:
    """Each value stays what it was; a column of several types holds Python objects."""
    lines = [
        {"s": "x", "i": 1, "f": 1.5, "b": True, "m": 1, "big": 2**80},
        {"s": "\ud800", "i": None, "f": 2.5, "b": False, "m": "x", "big": 1},
    ]
    payload = "\n".join(json.dumps(line) for line in lines).encode()
    frame = ndjson_rows(payload, QUEUES)
    assert frame.schema == {
        "s": pl.String(),
        "i": pl.Int64(),
        "f": pl.Float64(),
        "b": pl.Boolean(),
        "m": pl.Object(),
        "big": pl.Object(),
    }
    assert frame["s"].to_list()[0] == "x"
    assert "\ufffd" in frame["s"].to_list()[1]
    assert frame["m"].to_list() == [1, "x"]


def test_ndjson_without_rows_and_objects_without_names() -> None:
    """A line break is a table without rows; an empty object is a row that lacks everything."""
    assert ndjson_rows(b"\n", QUEUES).schema == QUEUES.schema()
    assert ndjson_rows(b"{}\n{}\n", QUEUES).height == 2


def test_a_broken_requirement_names_its_contact() -> None:
    """A cut line of a guarded table still says whose row it was."""
    frame = ndjson_rows(b'{"contact_id": "c7", "skill": "bil', CONTACT_SKILLS)
    assert frame.select("contact_id", READ_RULE).rows() == [("c7", "line_is_json")]


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_empty_file_was_cut_short(suffix: str, tmp_path: Path) -> None:
    """A file of no bytes is a problem of the file, not a table without rows."""
    _write(tmp_path, suffix)
    (tmp_path / f"declines.{suffix}").write_bytes(b"")
    assert _rules(tmp_path) == [("declines", "file_readable")]
    read = read_folder(tmp_path)
    assert json.loads(read.rejects["raw"][0]) == {
        "file": f"declines.{suffix}",
        "error": "ValueError: 0 bytes; expected 1 to 1073741824",
    }


def test_things_that_are_no_files_of_rows_are_named(tmp_path: Path) -> None:
    """A folder, a pipe or other text in place of a file is a problem of that file alone."""
    _write(tmp_path, "parquet")
    for name in ("declines", "calendars", "queue_members"):
        (tmp_path / f"{name}.parquet").unlink()
    (tmp_path / "declines.csv").mkdir()
    os.mkfifo(tmp_path / "queue_members.ndjson")
    (tmp_path / "calendars.parquet").write_text("calendar_id\nk1\n")
    assert _rules(tmp_path) == [
        ("calendars", "file_readable"),
        ("declines", "file_readable"),
        ("queue_members", "file_readable"),
    ]


def test_broken_parquet_never_ends_the_process(tmp_path: Path) -> None:
    """A file cut or changed at random is read, or named: never an abort, never a crash."""
    _write(tmp_path, "parquet")
    path = tmp_path / "customers.parquet"
    whole, rng = path.read_bytes(), random.Random(5)
    for _ in range(60):
        broken = bytearray(whole[: rng.choice([len(whole), rng.randrange(1, len(whole))])])
        for _ in range(rng.randint(0, 3)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        path.write_bytes(broken)
        read = read_folder(tmp_path)
        is_named = read.rejects["rule"].to_list() == ["file_readable"]
        assert is_named == (read.tables.customers is None)
        assert validate(read.tables, NOW).tables.contacts is not None


def test_without_the_requirements_no_contact_is_routed(tmp_path: Path) -> None:
    """When the file of a guarded table cannot be read, its parents go to quarantine as well."""
    _write(tmp_path, "csv")
    (tmp_path / "contact_skills.csv").write_bytes(b"")
    assert _rules(tmp_path) == [
        ("contact_skills", "file_readable"),
        ("contact_steps", "contact_id_exists"),
        ("contacts", "contact_skills_rejected"),
    ]
    (tmp_path / "contact_skills.csv").unlink()  # no file is a table without rows, and means it
    assert _rules(tmp_path) == []


def test_two_formats_of_a_table_are_an_error_that_names_both(tmp_path: Path) -> None:
    """Nobody guesses which of two files is the newer truth."""
    _write(tmp_path, "csv")
    _write(tmp_path, "ndjson")
    with pytest.raises(FolderError, match=r"queues\.csv and queues\.ndjson; expected one file"):
        read_folder(tmp_path)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A wrong path is not an empty centre."""
    with pytest.raises(FolderError, match="no such folder"):
        read_folder(tmp_path / "nowhere")


ANSWER = (
    '{"response_id": "%s", "contact_id": "c", "tick_at": "2026-11-22T09:59:00Z", "agent_id": "a1",'
    ' "answer": "accepted", "responded_at": "2026-11-22T09:59:05Z"}\n'
)


def _ids(source: FolderSource, *, acknowledge: bool = True) -> list[str] | None:
    """Answers of the next read, None where there is nothing new at all."""
    snapshot = source.read(NOW)
    if snapshot is None:
        return None
    if acknowledge:
        snapshot.answers.acknowledge()
    return [text for drop in snapshot.answers.drops for text in drop["response_id"]]


def test_answers_are_handed_over_until_they_are_stored(tmp_path: Path) -> None:
    """Each new or changed drop, in the order of names; an unchanged one is not read again."""
    _write(tmp_path, "csv")
    drops = tmp_path / "responses"
    drops.mkdir()
    (drops / "2.ndjson").write_text(ANSWER % "two")
    (drops / "1.ndjson").write_text(ANSWER % "one")
    (drops / ".3.ndjson").write_text(ANSWER % "draft")
    (drops / "notes.txt").write_text("no drop")
    source = FolderSource(tmp_path)
    assert _ids(source, acknowledge=False) == ["one", "two"]
    assert _ids(source) == ["one", "two"]
    assert _ids(source) is None
    with (drops / "2.ndjson").open("a") as grown:
        grown.write(ANSWER % "three")
    (tmp_path / "responses.csv").write_text("response_id,answer\nfour,accepted\n")
    assert sorted(_ids(source) or ()) == ["four", "three", "two"]
    (drops / "1.ndjson").unlink()
    assert _ids(source) is None
    fresh = FolderSource(tmp_path).read(NOW)
    assert fresh is not None
    assert fresh.notes == ()


def test_answers_stand_beside_the_pointer_or_the_tables(tmp_path: Path) -> None:
    """With a folder per snapshot they may be in either place."""
    _write(tmp_path / "one", "csv")
    (tmp_path / CURRENT).write_text('{"folder": "one"}')
    for place, name in ((tmp_path, "above"), (tmp_path / "one", "below")):
        (place / "responses").mkdir()
        (place / "responses" / "1.ndjson").write_text(ANSWER % name)
    assert sorted(_ids(FolderSource(tmp_path)) or ()) == ["above", "below"]


def test_a_drop_that_cannot_be_read_is_named_and_read_when_it_is_whole(tmp_path: Path) -> None:
    """The others are taken meanwhile."""
    _write(tmp_path, "csv")
    drops = tmp_path / "responses"
    drops.mkdir()
    (drops / "1.parquet").write_bytes(b"PAR1 cut short")
    (drops / "2.ndjson").write_text(ANSWER % "two")
    source = FolderSource(tmp_path)
    snapshot = source.read(NOW)
    assert snapshot is not None
    rejects = snapshot.answers.rejects
    assert rejects.select("table_name", "rule").rows() == [("responses", "file_readable")]
    snapshot.answers.acknowledge()
    assert source.read(NOW) is None
    check = pl.read_ndjson((ANSWER % "one").encode())
    check.write_parquet(drops / "1.parquet")
    assert _ids(source) == ["one"]


def test_foreign_files_are_noted(tmp_path: Path) -> None:
    """A misspelt file name does not go unseen."""
    _write(tmp_path, "csv")
    (tmp_path / "agent.csv").write_text("agent_id\n")
    assert read_folder(tmp_path).notes == (
        "1 files are no table of the contract and were ignored: agent.csv",
    )


def _contacts(snapshot: Snapshot | None) -> list[str]:
    assert snapshot is not None
    assert snapshot.tables is not None
    assert snapshot.tables.contacts is not None
    return snapshot.tables.contacts["contact_id"].to_list()


def test_a_source_reads_only_what_changed(tmp_path: Path) -> None:
    """The same files are one snapshot; a new size or time is the next."""
    _write(tmp_path, "csv")
    source: Source = FolderSource(tmp_path)
    assert _contacts(source.read(NOW)) == ["c1"]
    assert source.read(NOW + timedelta(seconds=5)) is None
    path = tmp_path / "contacts.csv"
    path.write_text(path.read_text().replace("c1,", "c2,", 1))
    os.utime(path, (1, 1))
    assert _contacts(source.read(NOW + timedelta(seconds=10))) == ["c2"]
    assert source.read(NOW + timedelta(seconds=15)) is None


def test_a_source_follows_the_current_snapshot(tmp_path: Path) -> None:
    """`CURRENT.json` names the sub folder; replacing it swaps all tables at once."""
    _write(tmp_path / "1", "csv")
    _write(tmp_path / "2", "parquet")
    (tmp_path / CURRENT).write_text('{"folder": "1"}')
    source = FolderSource(tmp_path)
    assert _contacts(source.read(NOW)) == ["c1"]
    assert source.read(NOW) is None
    (tmp_path / CURRENT).write_text('{"folder": "2"}')
    assert _contacts(source.read(NOW)) == ["c1"]
    assert source.read(NOW) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "{}", '{"folder": 7}', '{"folder": "../x"}', '{"folder": "/"}']
)
def test_a_broken_pointer_keeps_the_last_snapshot(text: str, tmp_path: Path) -> None:
    """Without a readable `CURRENT.json` nothing new counts, and the quarantine says why."""
    _write(tmp_path, "csv")
    (tmp_path / CURRENT).write_text(text)
    snapshot = FolderSource(tmp_path).read(NOW)
    assert snapshot is not None
    assert snapshot.tables is None
    assert snapshot.rejects["rule"].to_list() == ["file_readable"]
    assert len(snapshot.notes) == 1


def test_a_source_survives_a_folder_that_vanishes(tmp_path: Path) -> None:
    """A folder that is gone is reported at every read, and read again once it is back."""
    folder = tmp_path / "snapshot"
    source = FolderSource(folder)
    for _ in range(2):
        snapshot = source.read(NOW)
        assert snapshot is not None
        assert snapshot.tables is None
        assert "no such folder" in snapshot.notes[0]
    _write(folder, "csv")
    assert _contacts(source.read(NOW)) == ["c1"]


@pytest.mark.parametrize("fault", ["cut", "gone"])
def test_a_file_being_written_is_held_back_once(fault: str, tmp_path: Path) -> None:
    """A cut or missing file may be one being written: held back, then taken if it stays so.

    Both reads of a tick have its instant, so only the next tick takes it.
    """
    _write(tmp_path, "parquet")
    source = FolderSource(tmp_path)
    assert _contacts(source.read(NOW)) == ["c1"]
    path = tmp_path / "agent_skills.parquet"
    whole = path.read_bytes()
    for _ in range(2):  # held back each time that it breaks anew, and back to normal in between
        path.write_bytes(whole[:50])
        if fault == "gone":
            path.unlink()
        snapshot = source.read(NOW)
        assert snapshot is not None
        assert snapshot.tables is None
        assert "last snapshot stays" in snapshot.notes[-1]
        path.write_bytes(whole)
        assert _contacts(source.read(NOW)) == ["c1"]
    path.write_bytes(whole[:60])
    if fault == "gone":
        path.unlink()
    held_back = source.read(NOW)
    assert held_back is not None
    assert held_back.tables is None
    assert source.read(NOW) is None
    taken = source.read(NOW + timedelta(microseconds=1))
    assert _contacts(taken) == ["c1"]
    assert taken is not None
    assert taken.rejects["table_name"].to_list() == (["agent_skills"] if fault == "cut" else [])
    assert source.read(NOW) is None
