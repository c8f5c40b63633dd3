"""Poll published files as an integration does, and look for half batches and time going back.

    python -m benchmarks.readers FOLDER --until SEQUENCE

Run several beside a writer; each prints one JSON line and ends when the batch is published.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from data_io.publish import CURRENT, Published, read_published
from models.tables import INSTANT


@dataclass(frozen=True)
class PollReport:
    """What a reader saw; `findings` is empty when every read was whole and none went back."""

    reads: int
    batches: int
    read_ms_median: float
    findings: tuple[str, ...]


def poll(folder: Path, until: int, pause_s: float) -> PollReport:
    """Read until the batch `until` is there; a missing file raises as it would for anyone."""
    while not (folder / CURRENT).exists():
        time.sleep(0.01)
    findings: list[str] = []
    seconds: list[float] = []
    sequences = {0}
    last = None
    while max(sequences) < until:
        begin = time.perf_counter()
        published = read_published(folder)
        seconds.append(time.perf_counter() - begin)
        findings += _check_whole(published)
        if last is not None:
            findings += _check_forward(last, published)
        sequences.add(published.manifest.sequence)
        last = published
        time.sleep(pause_s)
    middle = 1e3 * sorted(seconds)[len(seconds) // 2]
    return PollReport(len(seconds), len(sequences) - 1, round(middle, 1), tuple(findings))


def _check_whole(published: Published) -> list[str]:
    newest = pl.col("tick_at").eq_missing(pl.lit(published.manifest.tick_at, INSTANT))
    tick = published.tick.filter(newest)
    events = published.assignment.filter(newest)
    promised = (tick["num_assigned"].sum(), tick["num_unassigned"].sum())
    seen = (events.height, published.unassigned.filter(newest).height)
    sequence = published.manifest.sequence
    return [] if promised == seen else [f"batch {sequence} promises {promised}, holds {seen}"]


def _check_forward(last: Published, published: Published) -> list[str]:
    before, after = last.manifest, published.manifest
    if after.sequence < before.sequence:
        return [f"batch {after.sequence} came after {before.sequence}"]
    if before.tick_at and (after.tick_at is None or after.tick_at < before.tick_at):
        return [f"tick {after.tick_at} came after {before.tick_at}"]
    return []


def main() -> int:
    """Run the command; 1 when there are findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--until", type=int, required=True)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two reads")
    options = parser.parse_args()
    report = poll(options.folder, options.until, options.pause)
    print(json.dumps(asdict(report)))
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
