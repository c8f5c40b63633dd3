"""docs/studies.md is true: its study prints what it shows, its keys are those that are read."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

import omniassign
from scenarios.study import changes, command, described, read, spec

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")


def test_the_study_prints_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The TOML block and the text block after it."""
    found = re.search(r"```toml\n(.*?)```\n\n```text\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "console", Console(width=100))
    Path("help-desk.toml").write_text(found[1], encoding="utf-8")
    done = CliRunner().invoke(omniassign.app, ["study", "help-desk.toml", "--processes", "1"])
    assert done.exit_code == 0, done.output
    # Wrapped lines end in spaces, which editors take away.
    assert [line.rstrip() for line in done.stdout.splitlines()] == found[2].splitlines()


def named(heading: str) -> set[str]:
    """Keys in the first column of the table below a heading."""
    section = TEXT.split(f"### {heading}\n")[1].split("\n#")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`([a-z_]+)", cell)}


def keys(kind: Any) -> set[str]:  # noqa: ANN401
    """Those that are read."""
    return {item.name for item in fields(kind)}


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Outside of sections", keys(read._Head)),
        ("`[centre]` of a family", keys(described.FamilyCentre)),
        ("`[centre]` of your own", keys(described.OwnCentre)),
        ("`[[centre.classes]]`", keys(described.OwnClass)),
        ("`[[centre.teams]]`", keys(described.OwnTeam)),
        ('`[overrides."NAME"]`', keys(changes.Changes) | {"against"}),
        ('`[variants."NAME"]`', keys(spec.Variant) - {"name"}),
        ('`[sweeps."NAME"]`', keys(read._Sweep) | {"changes"}),
    ],
)
def test_every_key_has_its_line(heading: str, expected: set[str]) -> None:
    """None is missing, and none is invented."""
    assert named(heading) == expected


@pytest.mark.parametrize(
    "kind",
    [
        *(changes.Learn, changes.Close, changes.Hire, changes.Volume, changes.Handling),
        *(changes.Chats, changes.Weigh, changes.Errors),
    ],
)
def test_every_key_of_a_change_is_told(kind: type) -> None:
    """In the line of the change."""
    (line,) = re.findall(rf"^\| `{kind.__name__.lower()} = .*$", TEXT, flags=re.MULTILINE)
    assert keys(kind) <= set(re.findall(r"[a-z_]+", line))


def test_the_library_is_told() -> None:
    """Every ready study has its line."""
    table = TEXT.split("| ready study | asks |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z-]+)`", table, flags=re.MULTILINE)) == set(
        read.ready_studies()
    )
