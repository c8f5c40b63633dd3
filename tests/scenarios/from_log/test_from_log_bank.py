"""February of the real bank, predicted from its January."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

import omniassign
from scenarios.study.errors import StudyError

BANK = Path(__file__).parents[4] / "shared" / "data" / "anonymous_bank_1999"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The JSON of a prediction by two simulated months."""
    if not BANK.is_dir():
        pytest.skip(f"{BANK} is missing")
    out = tmp_path_factory.mktemp("bank")
    words = ["study", "--from-log", str(BANK / "january.txt")]
    words += ["--predict", str(BANK / "february.txt"), "--replications", "2", "--out", str(out)]
    done = CliRunner().invoke(omniassign.app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_february_is_predicted(told: dict[str, Any]) -> None:
    """With February's heads and calls, what is left is the model's error: a few points."""
    rows = pl.DataFrame(told["summary"], infer_schema_length=None).filter(
        variant="its heads and calls", part="all"
    )
    error = dict(rows.select("measure", "error").rows())
    assert error["calls a day"] == 0
    assert abs(error["service level"]) < 0.04
    assert abs(error["answered at once"]) < 0.04
    assert abs(error["abandoned"]) < 0.02
    assert abs(error["wait of all"]) < 20


def test_the_switch_of_the_bank_is_found(told: dict[str, Any]) -> None:
    """The head start of a minute and a half, which the literature on this bank tells of."""
    routing = told["fit"][1]
    assert "since 1999-01-13" in routing
    assert "a head start of 90 s" in routing
    assert "of 180 s for 62 %" in routing


def test_the_report_needs_no_network(told: dict[str, Any]) -> None:
    """One page with its charts inside, and the tables beside it."""
    report = Path(str(told["report"]))
    page = report.read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "src=" not in page
    assert {path.stem for path in report.parent.glob("*.parquet")} == {
        "heads",
        "patience",
        "replications",
        "routing",
        "summary",
    }


@pytest.mark.parametrize("words", [["--from-log", "a.txt"], ["--predict", "b.txt"]])
def test_one_month_alone_is_refused(words: list[str]) -> None:
    """The message asks for both."""
    done = CliRunner().invoke(omniassign.app, ["study", *words])
    assert isinstance(done.exception, StudyError)
    assert "give both" in str(done.exception)
