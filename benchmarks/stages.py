"""Seconds per stage of a real tick at several sizes, with peak memory.

    python -m benchmarks.stages [--sizes 1000x200,5000x1000,10000x2000] [--ticks 5] [--json]

Every size runs in a process of its own, so that peak memory is its own. Each tick is a whole one:
snapshot of a generated batch with changes, validation, store, problem, flow in the child process,
audit, commit and publication. `solver_call_s` is the solve inside the child as the tick waits for
it; `outside_s` is everything else.
"""

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import polars as pl
from rich.console import Console
from rich.table import Table

from data_io.quarantine import REJECTS
from data_io.source import Snapshot
from data_io.store import Store
from jobs.config import Config, StoreConfig
from jobs.tick import TickJob, run_tick
from jobs.tick_report import STAGES, TickReport
from models.batch_problem import build_problem
from models.tables import INPUT_TABLES, InputTables
from scenarios.generate import generate_batch
from solver.child import SolverChild

START = datetime(2026, 11, 3, 14, tzinfo=UTC)
EVERY = timedelta(seconds=5)


@dataclass(frozen=True)
class Size:
    """Contacts waiting and agents."""

    num_contacts: int
    num_agents: int

    @classmethod
    def parse(cls, text: str) -> "Size":
        """A size written as 5000x1000."""
        contacts, agents = text.split("x")
        return cls(int(contacts), int(agents))


class ChangingSource:
    """Snapshots of a generated centre in which every version rises from tick to tick.

    All contacts come back with a higher version, so every tick has the whole queue to decide; the
    second look within a tick finds nothing new, as it does in most ticks.
    """

    def __init__(self, size: Size) -> None:
        batch = generate_batch(1, size.num_contacts, size.num_agents, START)
        frames = {table.name: getattr(batch, table.name) for table in INPUT_TABLES}
        self._tables = InputTables(**frames)
        self._seen: datetime | None = None
        self._version = 0

    def read(self, now: datetime) -> Snapshot | None:
        if now == self._seen:
            return None
        self._seen = now
        self._version += 1
        raised = pl.col("version") + self._version
        tables = self._tables
        assert tables.contacts is not None
        assert tables.agents is not None
        return Snapshot(
            replace(
                tables,
                contacts=tables.contacts.with_columns(raised),
                agents=tables.agents.with_columns(raised),
            ),
            pl.DataFrame(schema=REJECTS),
        )


def measure(size: Size, num_ticks: int) -> dict[str, object]:
    """Median seconds per stage over the ticks after the first, and peak memory of the process."""
    source = ChangingSource(size)
    with tempfile.TemporaryDirectory() as folder:
        config = Config(store=StoreConfig(home=Path(folder)))
        config = replace(config, solver=replace(config.solver, deadline_s=60.0))
        with (
            Store.open(config.store.database, "benchmark", START) as store,
            SolverChild() as child,
        ):
            child.warm_up()
            job = TickJob(config, store, source, child.solve)
            reports = [
                run_tick(job, START + number * EVERY).report for number in range(num_ticks + 1)
            ]
            batch = store.read_batch(START, START)
    return summarise(size, reports[1:], len(build_problem(batch, config.policy).problem.pairs))


def summarise(size: Size, reports: Sequence[TickReport], num_pairs: int) -> dict[str, object]:
    """One row of the benchmark."""
    seconds = {name: median(report.seconds[name] for report in reports) for name in STAGES}
    outside = sum(second for name, second in seconds.items() if name != "solve")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "num_contacts": size.num_contacts,
        "num_agents": size.num_agents,
        "num_pairs": num_pairs,
        "num_assigned": round(median(report.num_assigned for report in reports)),
        "termination": sorted({report.termination for report in reports}),
        "worst_gap": max(report.gap for report in reports),
        "gain_over_greedy": sum(r.gain for r in reports) / sum(r.greedy_gain for r in reports),
        "seconds": {name: round(second, 4) for name, second in seconds.items()},
        "solver_call_s": round(seconds["solve"], 4),
        "outside_s": round(outside, 4),
        "outside_over_solver": round(outside / seconds["solve"], 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_child_mb": round(children / 1024),
    }


def main() -> None:
    """Measure every size in a process of its own and print the table, or JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000x200,5000x1000,10000x2000")
    parser.add_argument("--ticks", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    if given.one:
        sys.stdout.write(json.dumps(measure(Size.parse(given.one), given.ticks)) + "\n")
        return
    rows = []
    for size in given.sizes.split(","):
        command = [sys.executable, "-m", "benchmarks.stages", "--one", size]
        done = subprocess.run(
            [*command, "--ticks", str(given.ticks)], check=True, capture_output=True, text=True
        )
        rows.append(json.loads(done.stdout))
        if given.json:
            print(done.stdout.strip(), flush=True)
    if not given.json:
        _print(rows)


def _print(rows: Sequence[dict[str, object]]) -> None:
    table = Table(title="Median seconds per stage of a tick", title_justify="left")
    table.add_column("")
    for row in rows:
        table.add_column(f"{row['num_contacts']:,} x {row['num_agents']:,}", justify="right")
    plain = [name for name in rows[0] if name not in {"num_contacts", "num_agents", "seconds"}]
    for name in STAGES:
        table.add_row(name, *(f"{row['seconds'][name]:.4f}" for row in rows))  # type: ignore[index]
    table.add_section()
    for name in plain:
        table.add_row(name, *(str(row[name]) for row in rows))
    Console().print(table)


if __name__ == "__main__":
    main()
