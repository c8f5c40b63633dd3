"""The command that carries our main claim: its runs, its resuming and its tables."""

import io
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from benchmarks.policies import LEARNED, MAIN, OWN, Cell, cells, main, run_cell
from benchmarks.policies_table import print_cell, print_waterfall
from scenarios.lab.families import REPORTING_DAYS, REPORTING_STRUCTURES, TUNING_STRUCTURES, Family

CELL = Cell(Family.SMALL, 0.95, TUNING_STRUCTURES[0], 402)


def test_days_are_dealt_out_to_the_reporting_companies() -> None:
    """Six days: two of each company, none twice, none of them a tuning day or company."""
    dealt = list(cells([Family.SMALL], [0.95], 6, tuning=False))
    assert [cell.seed for cell in dealt] == list(REPORTING_DAYS[:6])
    assert [cell.structure for cell in dealt] == [*REPORTING_STRUCTURES, *REPORTING_STRUCTURES]


def test_a_day_is_run_once_and_policies_are_added_to_it(tmp_path: Path) -> None:
    """The second call runs only what is new, and keeps the bound and the rows that are there."""
    first = pl.read_parquet(run_cell(CELL, ("fifo", "skills"), tmp_path))
    both = pl.read_parquet(run_cell(CELL, ("skills", "priority-any"), tmp_path))
    assert both["policy"].to_list() == ["fifo", "skills", "priority-any"]
    assert both.head(2).equals(first)
    assert both["bound"].n_unique() == 1
    assert (both["value"] <= both["bound"]).all()


def test_tables_say_what_the_rows_say() -> None:
    """Two days: +10 % and +20 % over skills are +15 % with t(1) = 12.7 times 5 points."""
    values = {"skills": (100.0, 100.0), "ours": (110.0, 120.0), "ours, money only": (120.0, 130.0)}
    rows = pl.DataFrame(
        [
            {
                "structure": "cedar",
                "day": day,
                "policy": policy,
                "bound": 200.0,
                "value": value[day],
                "abandoned": 0.1,
                "service_level": 0.8,
                "mean_answer_s": 10.0,
                "worst_class": 0.2,
                "cpu_s": 1.0,
            }
            for policy, value in values.items()
            for day in range(2)
        ]
    )
    text = io.StringIO()
    console = Console(file=text, width=220)
    print_cell(console, "small", rows, tuple(values))
    print_waterfall(console, rows)
    said = text.getvalue()
    assert "+15.0 ± 63.5" in said
    # The bound is 200 on both days: 60 and 65 % with money only, 55 and 60 % captured.
    assert "-37.5 ± 31.8" in said
    assert "-5.0 ± 0.0" in said
    assert "57.5 ± 31.8" in said
    assert "runs worth more than their bound: 0 of 6" in said


def test_what_cannot_be_compared_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is simulated: too many days, or nothing to compare with."""
    for words in (["--days", "30"], ["--policies", "fifo;ours"]):
        monkeypatch.setattr("sys.argv", ["policies", *words])
        with pytest.raises(SystemExit):
            main()
        assert "compared with it" in capsys.readouterr().err


def test_the_main_policies_exist() -> None:
    """Every one that is run by default is ours with some settings, or learned."""
    assert set(MAIN) <= {*OWN, LEARNED}
