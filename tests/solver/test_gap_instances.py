"""Published generalised assignment instances by the command: the published optimum, proven."""

import json
from pathlib import Path

import pytest

from benchmarks.gap import PUBLISHED, main

missing = pytest.mark.skipif(not PUBLISHED.exists(), reason="../shared/data is missing")


@missing
@pytest.mark.parametrize("name", ["gap1-0", "gap4-2", "gap12-1", "a10100", "c05100"])
def test_published_optima_are_met_and_proven(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cost, bound and published optimum are equal, and the command says that goals are met."""
    report = tmp_path / "gap.json"
    assert main(["--limit-s", "30", "--only", name, "--json", str(report)]) == 0
    (line,) = report.read_text(encoding="utf-8").splitlines()
    row = json.loads(line)
    assert row["cost"] == row["bound"] == row["best_known"]
    assert row["is_proven"]
    assert "worst" in capsys.readouterr().out
