"""A study from its plan to its tables: run what is missing, gather what is there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from models.kpis import captured_share
from scenarios.study.bounds import BoundOfDay
from scenarios.study.cluster import do_on_cluster
from scenarios.study.errors import StudyError
from scenarios.study.measure import Measures
from scenarios.study.parts import Parts
from scenarios.study.runs import (
    DayBound,
    Run,
    Task,
    build_laboratory,
    do_task,
    plan_bounds,
    plan_runs,
)
from scenarios.study.spec import Study
from scenarios.study.workers import Outcome, do_here

Result = Measures | BoundOfDay
Engine = Callable[[Sequence[Task], Callable[[Task], Result]], Iterator[Outcome[Result]]]
"""What does tasks: processes here, or a cluster."""


@dataclass(frozen=True)
class Failure:
    """A piece of the study that did not come to its end."""

    piece: Run | DayBound
    reason: str


@dataclass(frozen=True, eq=False)
class Findings:
    """The tables of a study; every row has override, policy and day."""

    runs: pl.DataFrame
    """A row per run (`Measures.run`), with `bound` and `captured`, null without a bound."""
    by_class: pl.DataFrame
    by_interval: pl.DataFrame
    prices: pl.DataFrame
    """A row per override, day, class and interval: price_per_hour; empty without bounds."""
    failures: tuple[Failure, ...]
    num_done: int
    """Pieces done now; the others had been finished before."""


class Progress:
    """Told how far a study is; this one does not care."""

    def begin(self, num_finished: int, num_runs: int) -> None:
        """So many runs of so many are there already."""

    def advance(self) -> None:
        """One more has come to its end."""


def engine_of(processes: int, scheduler: str | None) -> Engine:
    """Processes of this machine, or the workers of a dask scheduler."""
    if scheduler is None:
        return partial(do_here, processes=processes)
    return partial(do_on_cluster, address=scheduler)


def conduct(study: Study, out: Path, engine: Engine, progress: Progress) -> Findings:
    """Run what is not in the folder yet, and gather the tables of all runs.

    A run is kept as soon as it is finished, so a study may be stopped at any time. Raises
    StudyError if no run at all has come to its end.
    """
    laboratory = build_laboratory(study)
    runs, bounds = plan_runs(study, laboratory), plan_bounds(study, laboratory)
    parts = Parts(out / "parts")
    pieces: list[Run | DayBound] = [*runs, *bounds]
    by_key = {piece.key: piece for piece in pieces}
    missing = [piece for piece in by_key.values() if piece.key not in parts]
    progress.begin(len(by_key) - len(missing), len(by_key))
    failures = []
    for outcome in engine([Task(study, piece) for piece in missing], do_task):
        piece = missing[outcome.place]
        if outcome.result is None:
            failures.append(Failure(piece, outcome.failure))
        else:
            parts.write(piece.key, outcome.result)
        progress.advance()
    if not any(run.key in parts for run in runs):
        raise StudyError(
            f"{study.name}: all {len(runs)} runs failed, expected none; the first one:"
            f" {failures[0].reason.strip()}"
        )
    return Findings(
        runs=_with_bounds(_gathered(parts, runs, "run"), parts, bounds),
        by_class=_gathered(parts, runs, "by_class"),
        by_interval=_gathered(parts, runs, "by_interval"),
        prices=_gathered(parts, bounds, "price"),
        failures=tuple(failures),
        num_done=len(missing) - len(failures),
    )


def _with_bounds(runs: pl.DataFrame, parts: Parts, bounds: Sequence[DayBound]) -> pl.DataFrame:
    """Every run with the bound of its day, and the share of it that its value is."""
    found = _gathered(parts, bounds, "bound")
    if found.is_empty():
        nothing = pl.lit(None, dtype=pl.Float64)
        return runs.with_columns(bound=nothing, captured=nothing)
    both = runs.join(found, on=["override", "day"], how="left", maintain_order="left")
    pairs = both.select("value", "bound").iter_rows()
    share = [None if bound is None else captured_share(value, bound) for value, bound in pairs]
    return both.with_columns(captured=pl.Series(share, dtype=pl.Float64))


def _gathered(parts: Parts, pieces: Sequence[Run | DayBound], name: str) -> pl.DataFrame:
    """A table of all pieces that are finished, with what they are called in front."""
    found = [_named(piece, parts.read(piece.key, name)) for piece in pieces if piece.key in parts]
    return pl.concat(found) if found else pl.DataFrame()


def _named(piece: Run | DayBound, table: pl.DataFrame) -> pl.DataFrame:
    names = [pl.lit(piece.override).alias("override")]
    if isinstance(piece, Run):
        names.append(pl.lit(piece.policy).alias("policy"))
    return table.select(*names, pl.lit(piece.day, dtype=pl.Int64).alias("day"), pl.all())
