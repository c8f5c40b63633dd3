"""The grid: no overlap, late ticks coalesced, a clean stop in the middle of anything."""

import os
import shutil
import signal
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data_io.publish import read_manifest
from data_io.store import Store
from jobs import runner
from jobs.clock import SimulatedClock, newest_grid_instant
from jobs.config import Config, StoreConfig
from jobs.tick import AuditError, TickJob, TickOutcome
from jobs.tick_report import TickReport
from models.plan import Carried, Finding
from solver.solve import solve

START = datetime(2026, 11, 3, 14, tzinfo=UTC)
EVERY = timedelta(seconds=5)
REPORT = TickReport(
    *(START, False, 0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, "optimal", None, "flow"),
    num_over_limit=0,
    policy_arm=None,
    priced_at=None,
    seconds={},
)


@pytest.fixture
def job(tmp_path: Path) -> TickJob:
    config = Config(store=StoreConfig(home=tmp_path))
    return TickJob(config, Store.open(config.store.database, "test", START), None, solve)


def at_seconds(*seconds: float) -> list[datetime]:
    return [START + timedelta(seconds=second) for second in seconds]


class Ticks:
    """Stands in for `run_tick`: remembers its instants and takes simulated time."""

    def __init__(self, clock: SimulatedClock, takes: dict[int, float] | None = None) -> None:
        self.clock, self.takes, self.at = clock, takes or {}, list[datetime]()

    def __call__(self, job: TickJob, tick_at: datetime, previous: Carried | None) -> TickOutcome:
        del job, previous
        self.at.append(tick_at)
        taken = timedelta(seconds=self.takes.get(len(self.at), 0.0))
        self.clock.wait_until(self.clock.now() + taken, threading.Event())
        return TickOutcome(replace(REPORT, tick_at=tick_at), None)


@pytest.mark.parametrize(
    ("now", "expected"),
    [("14:00:00", "14:00:00"), ("14:00:04.999999", "14:00:00"), ("14:00:05", "14:00:05")],
)
def test_grid_instants_are_multiples_since_1970(now: str, expected: str) -> None:
    """Two processes with one length of tick agree on the instants, whenever they started."""
    instant = datetime.fromisoformat(f"2026-11-03T{now}+00:00")
    assert newest_grid_instant(instant, EVERY) == datetime.fromisoformat(
        f"2026-11-03T{expected}+00:00"
    )


def test_ticks_come_at_every_multiple(job: TickJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that starts on the grid begins there and ends with the instant asked for."""
    clock = SimulatedClock(START)
    ticks = Ticks(clock)
    monkeypatch.setattr(runner, "run_tick", ticks)
    summary = runner.run(job, clock, EVERY, threading.Event(), until=START + 3 * EVERY)
    assert ticks.at == at_seconds(0, 5, 10, 15)
    assert (summary.num_ticks, summary.num_skipped) == (4, 0)


def test_late_ticks_are_coalesced_into_the_newest(
    job: TickJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second tick takes 12 s: 10 s and 15 s pass meanwhile; 15 is newest, 10 is skipped."""
    clock = SimulatedClock(START)
    ticks = Ticks(clock, takes={2: 12.0})
    monkeypatch.setattr(runner, "run_tick", ticks)
    # The tick of 5 s ends at 17 s; the next grid instant not yet decided is 15, which is due.
    summary = runner.run(job, clock, EVERY, threading.Event(), until=START + 5 * EVERY)
    assert ticks.at == at_seconds(0, 5, 15, 20, 25)
    assert summary.num_skipped == 1


FAILURES = (AuditError((Finding("rule", "evidence"),), Path("kept")), OverflowError("too large"))


@pytest.mark.parametrize("failure", FAILURES, ids=["refused", "overflow"])
def test_a_tick_that_fails_does_not_end_the_run(
    job: TickJob, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """The next tick gets its chance; the failure is counted."""
    clock = SimulatedClock(START)
    honest = Ticks(clock)

    def refuse_second(job: TickJob, tick_at: datetime, previous: Carried | None) -> TickOutcome:
        if tick_at == START + EVERY:
            raise failure
        return honest(job, tick_at, previous)

    monkeypatch.setattr(runner, "run_tick", refuse_second)
    summary = runner.run(job, clock, EVERY, threading.Event(), until=START + 2 * EVERY)
    assert honest.at == at_seconds(0, 10)
    assert (summary.num_ticks, summary.num_failed) == (2, 1)


def test_sigterm_lets_the_tick_under_way_end(
    job: TickJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal arrives inside the second tick: it is the last, and it is whole."""
    clock = SimulatedClock(START)
    ticks = Ticks(clock)
    reported: list[datetime] = []

    def interrupted(job: TickJob, tick_at: datetime, previous: Carried | None) -> TickOutcome:
        if len(ticks.at) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return ticks(job, tick_at, previous)

    monkeypatch.setattr(runner, "run_tick", interrupted)
    before = signal.getsignal(signal.SIGTERM)
    with runner.stop_on_signals() as stop:
        runner.run(job, clock, EVERY, stop, on_tick=lambda report: reported.append(report.tick_at))
    assert reported == at_seconds(0, 5)
    assert signal.getsignal(signal.SIGTERM) == before


def test_every_nth_tick_is_followed_by_housekeeping(
    job: TickJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a checkpoint every second tick, five ticks bring two, each with retention before it."""
    clock = SimulatedClock(START)
    monkeypatch.setattr(runner, "run_tick", Ticks(clock))
    kept: list[str] = []
    monkeypatch.setattr(Store, "retain", lambda *_: kept.append("retain"))
    monkeypatch.setattr(Store, "checkpoint", lambda _: kept.append("checkpoint"))
    often = replace(job.config, store=replace(job.config.store, checkpoint_every=2))
    tidy = replace(job, config=often)
    runner.run(tidy, clock, EVERY, threading.Event(), until=START + 4 * EVERY)
    assert kept == ["retain", "checkpoint"] * 2


def test_a_start_publishes_what_the_last_run_committed_only(job: TickJob) -> None:
    """A run that died between commit and publication is repaired before the first tick."""
    runner.run(job, SimulatedClock(START), EVERY, threading.Event(), until=START)
    folder = job.config.store.published
    shutil.rmtree(folder)
    stop = threading.Event()
    stop.set()
    runner.run(job, SimulatedClock(START + EVERY), EVERY, stop)
    assert read_manifest(folder).tick_at == START
