"""The tables of a study as Parquet files, beside its report."""

from pathlib import Path

import polars as pl

from scenarios.study.conduct import Findings
from scenarios.study.spec import Study


def write_tables(
    folder: Path, study: Study, findings: Findings, differences: pl.DataFrame
) -> None:
    """runs, by_class, by_interval, prices, differences and sweeps, each there as a whole."""
    tables = {
        "runs": findings.runs,
        "by_class": findings.by_class,
        "by_interval": findings.by_interval,
        "prices": findings.prices,
        "differences": differences,
        "sweeps": _sweeps(study),
    }
    for name, table in tables.items():
        unfinished = folder / f".{name}.unfinished"
        table.write_parquet(unfinished)
        unfinished.replace(folder / f"{name}.parquet")


def _sweeps(study: Study) -> pl.DataFrame:
    """A row per point of a sweep: sweep, unit, value, override."""
    rows = [
        (sweep.name, sweep.unit, point.value, point.override)
        for sweep in study.sweeps
        for point in sweep.points
    ]
    names = {"sweep": pl.String, "unit": pl.String, "value": pl.Float64, "override": pl.String}
    return pl.DataFrame(rows, schema=names, orient="row")
