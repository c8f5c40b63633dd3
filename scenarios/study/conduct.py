"""A study from its plan to its tables: run what is missing, gather what is there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from scenarios.study.cluster import do_on_cluster
from scenarios.study.errors import StudyError
from scenarios.study.measure import Measures
from scenarios.study.parts import Parts
from scenarios.study.runs import Run, Task, build_laboratory, do_run, plan_runs
from scenarios.study.spec import Study
from scenarios.study.workers import Outcome, do_here

Engine = Callable[[Sequence[Task], Callable[[Task], Measures]], Iterator[Outcome[Measures]]]
"""What does tasks: processes here, or a cluster."""


@dataclass(frozen=True)
class Failure:
    """A run that did not come to its end."""

    run: Run
    reason: str


@dataclass(frozen=True, eq=False)
class Findings:
    """The tables of a study; every row has override, policy and day."""

    runs: pl.DataFrame
    """A row per run (`Measures.run`)."""
    by_class: pl.DataFrame
    by_interval: pl.DataFrame
    failures: tuple[Failure, ...]
    num_done: int
    """Runs done now; the others had been finished before."""


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
    """Run what is not in the folder yet, and write the tables of all runs to it.

    A run is kept as soon as it is finished, so a study may be stopped at any time.
    """
    runs = plan_runs(study, build_laboratory(study))
    parts = Parts(out / "parts")
    missing = [run for run in runs if run.key not in parts]
    progress.begin(len(runs) - len(missing), len(runs))
    failures = []
    for outcome in engine([Task(study, run) for run in missing], do_run):
        run = missing[outcome.place]
        if outcome.result is None:
            failures.append(Failure(run, outcome.failure))
        else:
            parts.write(run.key, outcome.result)
        progress.advance()
    failed = {failure.run for failure in failures}
    done = [run for run in runs if run not in failed]
    if not done:
        raise StudyError(
            f"{study.name}: all {len(runs)} runs failed, expected none; the first one:"
            f" {failures[0].reason.strip()}"
        )
    return Findings(
        runs=_gathered(parts, done, "run"),
        by_class=_gathered(parts, done, "by_class"),
        by_interval=_gathered(parts, done, "by_interval"),
        failures=tuple(failures),
        num_done=len(missing) - len(failures),
    )


def _gathered(parts: Parts, runs: list[Run], name: str) -> pl.DataFrame:
    """A table of all runs, with the names of the run in front."""
    return pl.concat([_named(run, parts.read(run.key, name)) for run in runs])


def _named(run: Run, table: pl.DataFrame) -> pl.DataFrame:
    return table.select(
        pl.lit(run.override).alias("override"),
        pl.lit(run.policy).alias("policy"),
        pl.lit(run.day, dtype=pl.Int64).alias("day"),
        pl.all(),
    )
