"""`omniassign study`: for people, for programs, and its report."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import omniassign
from scenarios.study.errors import StudyError

FILE = """
title = "Tiny <what if>"
question = "What if?"
policies = ["skills", "fifo"]
days = 3
bound_iterations = 5
[centre]
hours = 0.5
[[centre.classes]]
name = "calls"
channel = "voice"
per_hour = [60]
handle_s = 200
value = 10
target_s = 20
patience_s = 100
[[centre.teams]]
name = "all"
agents = 3
resolves = { calls = 0.8 }
[overrides."two more"]
hire = [{ agents = 2 }]
[sweeps."Tick"]
key = "tick_s"
values = [10, 30]
base = 5
unit = "s"
"""


def call(*words: object, code: int = 0) -> str:
    """Standard output of `omniassign study`."""
    done = CliRunner().invoke(omniassign.app, ["study", *(str(word) for word in words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a small study, run by two processes."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "tiny.toml").write_text(FILE)
    call(folder / "tiny.toml", "--out", folder / "out", "--processes", 2, "--days", 2)
    return folder


def test_its_tables_are_there(folder: Path) -> None:
    """4 overrides x 2 policies x the 2 days of --days, and what is compared with what."""
    out = folder / "out"
    assert pl.read_parquet(out / "runs.parquet").height == 16
    assert pl.read_parquet(out / "by_class.parquet").height == 16
    assert pl.read_parquet(out / "by_interval.parquet").height == 32
    assert pl.read_parquet(out / "prices.parquet").height == 4 * 2 * 2
    sweeps = pl.read_parquet(out / "sweeps.parquet")
    assert sweeps["override"].to_list() == ["as it is", "Tick 10", "Tick 30"]
    # 3 changes x 2 policies and 4 overrides x 1 policy, for 6 measures.
    assert pl.read_parquet(out / "differences.parquet").height == 6 * (6 + 4)


def test_programs_get_json(folder: Path) -> None:
    """The second start has done nothing; nan is null."""
    told = json.loads(call(folder / "tiny.toml", "--out", folder / "out", "--days", 2, "--json"))
    assert (told["study"], told["runs"], told["done_now"], told["failed"]) == ("tiny", 16, 0, [])
    assert len(told["differences"]) == 60
    assert any("two more" in one for one in told["findings"])
    assert Path(told["report"]).is_file()


def test_the_report_needs_nothing_else(folder: Path) -> None:
    """No scripts, no links, no files, no network; names are shown as they are written."""
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "<title>Tiny &lt;what if&gt;</title>" in page
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\((?!#)", page)
    # Namespaces of SVG, which nobody fetches.
    assert set(re.findall(r"https?://[^/\"]+/", page)) == {"http://www.w3.org/"}


def test_the_report_has_its_charts(folder: Path) -> None:
    """Everything that this study has something for."""
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert re.findall(r"<h2>(.*?)</h2>", page) == [
        "In words",
        "What was compared",
        "What the change does, same router",
        "What the router does, against skills",
        "Sensitivity: Tick",
        "Money against service level",
        "Money against abandonment",
        "Service level through the day",
        "Value captured",
        "Abandonment by class",
        "What an agent&#39;s hour is worth, “as it is”",
        "The numbers",
    ]
    assert page.count("<svg") == 9


def test_the_library_is_listed() -> None:
    """By name, with what each asks."""
    assert "ten-learn-spanish" in call("--list")
    listed = json.loads(call("--list", "--json"))
    assert {"name", "title", "question"} == set(listed[0])
    assert "weights" in {one["name"] for one in listed}


def test_what_cannot_be_run_is_one_line() -> None:
    """Without a file, or with one that is not there."""
    with pytest.raises(StudyError, match="no file; expected a TOML file or a ready study"):
        call()
    with pytest.raises(StudyError, match="'x' is neither a file nor a ready study"):
        call("x")
