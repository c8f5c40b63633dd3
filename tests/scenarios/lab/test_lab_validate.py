"""Published numbers beside ours: few days here, a thousand by `make validate`."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from scenarios.lab import validate
from scenarios.lab.examples import read_examples
from scenarios.lab.formulas import read_formulas
from scenarios.lab.published import Counts, Published, estimate, read_published

DATA = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is missing")


@needs_data
def test_every_published_erlang_number_is_ours() -> None:
    """20 rows, all within the digits that are printed."""
    rows = read_formulas(DATA / "erlang")
    assert len(rows) == 20
    assert [row.question for row in rows if abs(row.ours - row.published) > row.allowed] == []


@needs_data
def test_few_days_of_every_example_are_inside() -> None:
    """49 rows of 7 examples; 8 days already tell most mistakes of a simulator."""
    options = argparse.Namespace(days=8, seed=1, processes=1)
    lines = validate.simulated_lines(options, Console(quiet=True))
    assert len(lines) == 49
    assert [line.measure for line in lines if line.is_refuted] == []


@needs_data
def test_an_agent_fewer_is_noticed() -> None:
    """M/M/c with handling 3 % longer: occupancy 0.716 instead of 0.695 is outside."""
    rows = read_published(DATA / "contactcenters")
    example = next(one for one in read_examples(DATA / "contactcenters") if one.name == "MMC")
    row = next(r for r in rows if (r.example, r.measure) == ("MMC", "Occupancy ratio"))
    days = validate.observe("MMC", 1, 0, 40)
    assert validate.compare(example, row, days, len(rows)).is_inside
    slower = [replace_busy(one, 1.03) for one in days]
    assert validate.compare(example, row, slower, len(rows)).is_refuted


def replace_busy(counts: Counts, factor: float) -> Counts:
    """The same day with agents busy for longer."""
    names = Counts.__dataclass_fields__
    values = {name: getattr(counts, name) for name in names} | {"busy": counts.busy * factor}
    return Counts(**values)


@needs_data
def test_examples_are_read_as_published() -> None:
    """Heads of the call centre by the hour, Telethon's week, the multi-skill groups."""
    examples = {one.name: one for one in read_examples(DATA / "contactcenters")}
    calls = examples["CallCC"].centre.staffing
    assert calls is not None
    assert calls.heads[:, 0].tolist() == [4, 6, 8, 8, 8, 7, 8, 8, 6, 6, 4, 4, 4]
    assert examples["CallCC"].expected == pytest.approx(1660)
    assert examples["Telethon"].expected == pytest.approx(1000)
    assert examples["SimpleMSK"].centre.num_agents == 18 + 20


def test_a_ratio_has_the_interval_of_the_delta_method() -> None:
    """Two days, 8 of 10 and 18 of 20 good: ratio 26 / 30; spread (8 - 8.667, 18 - 17.333) / 15.

    Standard deviation sqrt(2) * 0.6667 / 15 = 0.06285, half-width 12.706 * 0.06285 / sqrt(2).
    """
    days = [counts(served=10, good=8), counts(served=20, good=18)]
    found = estimate(1, published("Service level"), days)
    assert found.mean == pytest.approx(26 / 30)
    assert found.half_width == pytest.approx(12.706 * 0.06285 / np.sqrt(2), rel=1e-3)


def counts(served: int, good: int) -> Counts:
    """A day of which only these two matter."""
    rest = dict.fromkeys(Counts.__dataclass_fields__, 0)
    return Counts(**rest | {"served": served, "good": good})  # type: ignore[arg-type]


def published(measure: str) -> Published:
    """A row of that measure."""
    return Published("MMC", measure, "", 1000, 0.9, 0.8, 1.0, 0.95, 3)


def test_missing_data_is_one_line_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to compare with is neither success nor a traceback."""
    monkeypatch.setattr(validate, "DATA", tmp_path / "nothing")
    assert validate.main([]) == 2
    assert capsys.readouterr().err.strip() == "../shared/data is missing: nothing to compare with"


@needs_data
def test_json_has_a_line_per_number(capsys: pytest.CaptureFixture[str]) -> None:
    """69 objects; the exit code says whether all are inside."""
    code = validate.main(["--days", "2", "--processes", "1", "--json"])
    lines = json.loads(capsys.readouterr().out)
    assert len(lines) == 69
    assert code == (1 if any(line["is_refuted"] for line in lines) else 0)
