"""Commands on files: replay, export, validate, import."""

import shutil
from pathlib import Path

import pytest

from jobs.kept_batches import find_batch
from models.tables import OUTPUT_TABLES
from tests.jobs.commands import call, call_json


def test_the_archived_tick_replays_identically(home: Path) -> None:
    """The plan of the archive is the plan of the tick."""
    folder = next((home / "kept").iterdir())
    assert call_json("replay", folder)["identical"] is True


@pytest.mark.parametrize(
    "way", ["kept", "kept/{name}", "./kept/../kept", "{name}", ".", "archive"]
)
def test_a_batch_is_found_by_any_way_that_leads_to_it(
    way: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative paths, the archive around it, the working folder itself, a home with an archive."""
    (name,) = [path.name for path in (home / "kept").iterdir()]
    shutil.copytree(home / "kept", tmp_path / "kept")
    shutil.copytree(home / "kept", tmp_path / "archive" / "archive")
    inside = {"{name}": tmp_path / "kept", ".": tmp_path / "kept" / name}
    monkeypatch.chdir(inside.get(way, tmp_path))
    assert find_batch(Path(way.format(name=name))).name == name


@pytest.mark.parametrize("file_format", ["parquet", "csv", "ndjson"])
def test_export_writes_every_output_table(home: Path, tmp_path: Path, file_format: str) -> None:
    """The published window and the whole store hold the same after one tick."""
    for extra in ([], ["--all"]):
        written = call_json(
            "export", "--home", home, "--out", tmp_path, "--format", file_format, *extra
        )
        assert set(written) == {str(tmp_path / f"{t.name}.{file_format}") for t in OUTPUT_TABLES}
        assert written[str(tmp_path / f"tick.{file_format}")] == 1


def test_validate_exits_with_1_when_a_row_breaks_a_rule(inbox: Path) -> None:
    """Good rows are counted, bad ones named."""
    found = call_json("validate", inbox, "--at", "2026-11-03T14:00", code=1)
    assert found["good"]["contacts"] == 60
    assert [row["rule"] for row in found["rejected"]] == ["channel_known"]


def test_fresh_puts_the_old_home_aside(inbox: Path, tmp_path: Path) -> None:
    """Nothing is deleted: the old folder is renamed."""
    home = tmp_path / "home"
    call("import", "folder", inbox, "--at", "2026-11-03T14:00", "--home", home)
    call("import", "folder", inbox, "--at", "2020-01-01", "--home", home, "--fresh")
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("home-until-")]) == 1
