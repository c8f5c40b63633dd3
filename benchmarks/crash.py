"""Kill -9 a writer at random moments: nothing acknowledged is lost, doubled or half there.

    python -m benchmarks.crash --kills 100 [--json] [--command "writer --folder {folder}"]

The writer is any command that prints a line when it starts and `committed <tick_at>` after each
commit. Without one, a stand-in ticks as fast as it can: answers, snapshot, commit, publish, and
now and then a checkpoint, retention and an archived batch.
"""

import argparse
import json
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median

import polars as pl

from benchmarks.stand_in import (
    EVERY,
    NO_REJECTS,
    START,
    stand_in_plan,
    stand_in_responses,
    stand_in_tables,
    stand_in_tick_row,
    tick_instant,
)
from data_io.arrivals import Arrived
from data_io.batch_files import read_batch_files, write_batch
from data_io.offers import EVENT_KEY
from data_io.publish import CURRENT, publish, read_published
from data_io.store import IN_MEMORY, Store
from models.offers import CAME_BACK
from models.policy import Policy
from models.tables import ASSIGNMENT, INSTANT, RESPONSE_RESULT, TICK, AssignmentEvent, Table

POLICY = Policy()
WINDOW = 10 * EVERY
EVER = timedelta(days=36_500)
START_LIMIT_S = 60.0


def read_acknowledgement(line: str) -> datetime | None:
    """Tick that a line of the writer acknowledges, or None."""
    word, _, instant = line.strip().partition(" ")
    return datetime.fromisoformat(instant) if word == "committed" else None


@dataclass(frozen=True)
class Target:
    """A writer to kill, and where it writes."""

    command: tuple[str, ...]
    folder: Path
    store: str = "store.duckdb"
    archive: str = "archive"
    published: str = "published"
    batches: str = "batches"
    acknowledgement: Callable[[str], datetime | None] = read_acknowledgement


@dataclass(frozen=True)
class CrashReport:
    """What the kills did; `findings` is empty when nothing went wrong."""

    kills: int
    ticks: int
    assignments: int
    acknowledged: int
    durable_unacknowledged: int
    reopen_ms_median: float
    reopen_ms_max: float
    findings: tuple[str, ...]


def stand_in_target(folder: Path) -> Target:
    """The writer of this file."""
    command = (sys.executable, "-m", "benchmarks.crash", "--child", str(folder))
    return Target(command, folder)


def crash(target: Target, kills: int, rng: Random, longest_life_s: float) -> CrashReport:
    """Start the writer, kill it within `longest_life_s` of its first line, check; repeat."""
    acknowledged: set[datetime] = set()
    findings: list[str] = []
    reopen_ms: list[float] = []
    for _ in range(kills):
        acknowledged |= run_and_kill(target, rng.uniform(0.0, longest_life_s))
        begin = time.perf_counter()
        with Store.open(target.folder / target.store, "crash check", START) as store:
            reopen_ms.append(1e3 * (time.perf_counter() - begin))
            findings += check(target, store, acknowledged)
    with Store.open(target.folder / target.store, "crash check", START) as store:
        ticks = stored_rows(target, store, TICK)
        num_assignments = stored_rows(target, store, ASSIGNMENT).height
    return CrashReport(
        kills=kills,
        ticks=ticks.height,
        assignments=num_assignments,
        acknowledged=len(acknowledged),
        durable_unacknowledged=ticks.filter(~pl.col("tick_at").is_in(acknowledged)).height,
        reopen_ms_median=round(median(reopen_ms), 1),
        reopen_ms_max=round(max(reopen_ms), 1),
        findings=tuple(findings),
    )


def run_and_kill(target: Target, life_s: float) -> set[datetime]:
    """Ticks that the writer acknowledged before SIGKILL; RuntimeError when it ends by itself."""
    log = target.folder / "writer.log"
    with log.open("wb") as output:
        writer = subprocess.Popen(target.command, stdout=output, stderr=subprocess.STDOUT)
        limit = time.perf_counter() + START_LIMIT_S
        while log.stat().st_size == 0 and writer.poll() is None and time.perf_counter() < limit:
            time.sleep(0.002)
        time.sleep(life_s)
        writer.kill()
        code = writer.wait()
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    if code != -signal.SIGKILL:
        raise RuntimeError(f"crash: writer ended with {code} before it was killed: {lines[-20:]}")
    whole = (line for line in lines if line.endswith("\n"))
    return {tick for line in whole if (tick := target.acknowledgement(line)) is not None}


def check(target: Target, store: Store, acknowledged: set[datetime]) -> list[str]:
    """Everything that is wrong with what a killed writer left behind."""
    ticks = stored_rows(target, store, TICK)
    events = stored_rows(target, store, ASSIGNMENT)
    missing = acknowledged - set(ticks["tick_at"])
    offers = events.filter(pl.col("event") == AssignmentEvent.OFFERED)
    came_back = events.filter(pl.col("event").is_in(CAME_BACK))
    versions = ("contact_id", "contact_version")
    doubled = (
        offers.group_by(versions)
        .agg(offered=pl.len())
        .join(came_back.group_by(versions).agg(back=pl.len()), on=versions, how="left")
        .filter(pl.col("offered") > 1 + pl.col("back").fill_null(0))
        .sort(versions)
    )
    landed = offers.group_by("tick_at").len()
    half = (
        ticks.join(landed, on="tick_at", how="full", coalesce=True)
        .with_columns(pl.col("len").fill_null(0))
        .filter(pl.col("num_assigned").ne_missing(pl.col("len")))
    )
    findings = [f"acknowledged tick {tick} is lost" for tick in sorted(missing)]
    findings += [f"contact {row} is assigned twice" for row in doubled["contact_id"]]
    findings += [f"tick {tick} is half there" for tick in half["tick_at"]]
    findings += [
        f"tick {tick} twice" for tick in ticks["tick_at"].filter(ticks["tick_at"].is_duplicated())
    ]
    return findings + check_answers(target, store, events) + check_files(target, store)


def check_answers(target: Target, store: Store, events: pl.DataFrame) -> list[str]:
    """Findings on answers: each is there once, and its event if and only if it was applied."""
    results = stored_rows(target, store, RESPONSE_RESULT)
    twice = results["response_id"].filter(results["response_id"].is_duplicated()).unique()
    applied = results.filter("is_applied").select("contact_id", "tick_at", event="answer")
    half = applied.join(events, on=applied.columns, how="anti")
    repeated = events.filter(events.select(EVENT_KEY).is_duplicated())
    findings = [f"answer {response} is there twice" for response in twice.sort()]
    findings += [f"answer to {contact} is half there" for contact in half["contact_id"]]
    return findings + [f"contact {row} has an event twice" for row in repeated["contact_id"]]


def check_files(target: Target, store: Store) -> list[str]:
    """Findings on published and archived files; publishes once more, as a restart does."""
    folder = target.folder / target.published
    findings = []
    if (folder / CURRENT).exists():
        published = read_published(folder)
        newest = pl.col("tick_at").eq_missing(pl.lit(published.manifest.tick_at, INSTANT))
        announced = published.tick.filter(newest)["num_assigned"].sum()
        is_offer = pl.col("event") == AssignmentEvent.OFFERED.value
        if announced != published.assignment.filter(newest & is_offer).height:
            findings.append(f"published batch {published.manifest.sequence} is half there")
    if publish(store, folder, WINDOW, keep=3).tick_at != store.last_tick_at():
        findings.append("publishing again does not show the last tick")
    for batch in sorted((target.folder / target.batches).glob("[!.]*")):
        read_batch_files(batch)
        batch.rename(batch.with_name(f".read-{batch.name}"))
    return findings


def stored_rows(target: Target, store: Store, table: Table) -> pl.DataFrame:
    """Rows of `table` in the store and its archive; one that is in both counts once."""
    files = sorted((target.folder / target.archive / table.name).glob("*.parquet"))
    frames = [pl.read_parquet(file) for file in files]
    return pl.concat([*frames, store.read_output(EVER).frame(table)]).unique(maintain_order=True)


def run_stand_in(folder: Path, num_ticks: int | None) -> None:
    """Tick from where the store stands, for `num_ticks` or until killed."""
    Store.open(IN_MEMORY, "stand-in", START).close()  # loads the libraries
    print("started", flush=True)
    with Store.open(folder / "store.duckdb", "stand-in", START) as store:
        last = store.last_tick_at()
        number = 0 if last is None else (last - START) // EVERY + 1
        end = None if num_ticks is None else number + num_ticks
        while number != end:
            tick_at = tick_instant(number)
            offered = store.read_output(EVERY / 2).assignment.filter(event="offered")
            offered = offered.filter(pl.col("tick_at") == tick_at - EVERY)
            tables = stand_in_tables(number, 20, 10)
            arrived = Arrived(tables, NO_REJECTS, stand_in_responses(offered))
            store.take(arrived, tick_at, POLICY)
            batch = store.read_batch(tick_at, tick_at)
            plan = stand_in_plan(batch, tick_at)
            store.commit(plan, stand_in_tick_row(plan))
            print(f"committed {tick_at.isoformat()}", flush=True)
            publish(store, folder / "published", WINDOW, keep=3)
            if number % 3 == 0:
                store.checkpoint()
            if number % 10 == 0:
                store.retain(tick_at - WINDOW, folder / "archive")
                write_batch(folder / "batches" / f"{number}", batch, "{}")
            number += 1


def show(report: CrashReport, *, as_json: bool) -> int:
    """Print the report; the exit code, 1 when there are findings."""
    if as_json:
        print(json.dumps(asdict(report)))
    else:
        for key, value in asdict(report).items():
            print(f"{key:>24} {value}")
    return 1 if report.findings else 0


def main() -> int:
    """Run the command; 1 when there are findings."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--longest-life", type=float, default=1.0, help="seconds after the first line"
    )
    parser.add_argument("--command", help="another writer; {folder} stands for its folder")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ticks", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        run_stand_in(options.child, options.ticks)
        return 0
    with tempfile.TemporaryDirectory() as name:
        target = stand_in_target(Path(name))
        if options.command:
            target = Target(tuple(shlex.split(options.command.format(folder=name))), Path(name))
        report = crash(target, options.kills, Random(options.seed), options.longest_life)
    return show(report, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
