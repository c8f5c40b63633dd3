"""Kill -9 the real job, `omniassign run`, at random moments; the checks are those of `crash`.

    python -m benchmarks.crash_run --kills 100 [--json]

A platform that never rests feeds it: snapshots of a generated batch, swapped atomically every
quarter of a second, in which a third of the contacts come back with a higher version.
"""

import argparse
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np
import polars as pl

from benchmarks.crash import CrashReport, Target, crash, show
from models.tables import INPUT_TABLES
from scenarios.generate import generate_batch

SETTINGS = """
[source]
folder = "{folder}/inbox"
[store]
home = "{folder}/home"
checkpoint_every = 2
keep_days = 0.0005  # 43 s: rows move to the history all the time
"""
FEED_EVERY_S = 0.25
SNAPSHOTS_KEPT = 8


def job_target(folder: Path) -> Target:
    """`omniassign run` with its store, history and archive in `folder`."""
    config = folder / "omniassign.toml"
    config.write_text(SETTINGS.format(folder=folder))
    script = "import omniassign; omniassign.main()"
    command = (sys.executable, "-c", script, "run", "--every", "200ms", "--json")
    return Target(
        command=(*command, "--config", str(config), "--archive", str(folder / "batches")),
        folder=folder,
        store="home/omniassign.duckdb",
        archive="home/history",
        published="home/published",
        acknowledgement=read_tick_line,
    )


def read_tick_line(line: str) -> datetime | None:
    """Tick that a line of `omniassign run --json` reports as committed, or None."""
    if not line.startswith('{"tick_at"'):
        return None
    return datetime.fromisoformat(json.loads(line)["tick_at"])


@contextmanager
def platform(folder: Path, num_contacts: int = 300, num_agents: int = 60) -> Iterator[None]:
    """Write snapshots to `folder` until the block ends; the first one is there at once."""
    batch = generate_batch(7, num_contacts, num_agents, datetime.now(UTC))
    frames = {table.name: getattr(batch, table.name) for table in INPUT_TABLES}
    rng = np.random.default_rng(7)
    stop = threading.Event()

    def swap(number: int) -> None:
        back = pl.Series(rng.random(num_contacts) < 1 / 3)
        version = pl.col("version") + back.cast(pl.Int64)
        frames["contacts"] = frames["contacts"].with_columns(version)
        place = folder / f"{number:06d}"
        place.mkdir(parents=True)
        for name, frame in frames.items():
            frame.write_parquet(place / f"{name}.parquet")
        pointer = folder / "CURRENT.tmp"
        pointer.write_text(json.dumps({"folder": place.name}))
        pointer.replace(folder / "CURRENT.json")
        shutil.rmtree(folder / f"{number - SNAPSHOTS_KEPT:06d}", ignore_errors=True)

    def feed() -> None:
        number = 1
        while not stop.wait(FEED_EVERY_S):
            swap(number)
            number += 1

    swap(0)
    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        stop.set()
        feeder.join()


def crash_job(folder: Path, kills: int, rng: Random, longest_life_s: float) -> CrashReport:
    """Kill the real job `kills` times within `longest_life_s` of its first line, and check."""
    with platform(folder / "inbox"):
        return crash(job_target(folder), kills, rng, longest_life_s)


def main() -> int:
    """Run the command; 1 when there are findings."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest-life", type=float, default=5.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        report = crash_job(Path(name), options.kills, Random(options.seed), options.longest_life)
    return show(report, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
