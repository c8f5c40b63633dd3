"""Ticks on a fixed grid: no overlap, late ticks coalesced into the newest, a clean stop."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType

from data_io.publish import publish
from data_io.store import Store
from jobs.clock import Clock, newest_grid_instant
from jobs.config import Config
from jobs.memory import release_freed_memory
from jobs.tick import TickJob, TickOutcome, run_tick
from jobs.tick_report import TickReport
from models.plan import Carried

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunSummary:
    """What a run did."""

    num_ticks: int
    num_skipped: int
    """Grid instants that passed while an earlier tick was still running."""
    num_failed: int
    """Ticks that the audit refused, or that failed otherwise; each is in the log."""


def run(
    job: TickJob,
    clock: Clock,
    every: timedelta,
    stop: threading.Event,
    *,
    until: datetime | None = None,
    on_tick: Callable[[TickReport], None] = lambda _: None,
) -> RunSummary:
    """Tick at every multiple of `every` until `stop` is set or the clock reaches `until`.

    A tick that takes longer than `every` delays nothing else: the instants it ran over are
    skipped and counted, and the newest one is next. A tick that fails is logged and counted, and
    the next one gets its chance. What was committed but not published when the
    last run died is published first.
    """
    repair_publication(job)
    done = skipped = failed = 0
    outcome: TickOutcome | None = None
    last = newest_grid_instant(clock.now() - timedelta(microseconds=1), every)
    while not stop.is_set():
        clock.wait_until(last + every, stop)
        tick_at = newest_grid_instant(clock.now(), every)
        if stop.is_set() or (until is not None and tick_at > until):
            break
        if tick_at <= last:
            continue  # woken early: the clock was set back or the wait was cut short
        skipped += (tick_at - last) // every - 1
        last = tick_at
        try:
            outcome = run_tick(job, tick_at, carried_over(outcome))
        except Exception:  # the job outlives one tick: the next has new rows
            log.exception("tick %s failed", tick_at.isoformat())
            failed += 1
            continue
        done += 1
        on_tick(outcome.report)
        keep_house(job, done, tick_at)
    return RunSummary(done, skipped, failed)


def carried_over(outcome: TickOutcome | None) -> Carried | None:
    """What the last tick hands to the next, None without a plan."""
    return outcome.plan.carried if outcome is not None and outcome.plan is not None else None


def repair_publication(job: TickJob) -> None:
    """Publish what the store holds, in case the last run died between commit and publication."""
    publish_again(job.store, job.config)


def publish_again(store: Store, config: Config) -> None:
    """Publish what the store holds, if it has a tick."""
    if store.last_tick_at() is not None:
        window = timedelta(seconds=config.publish.window_s)
        publish(store, config.store.published, window, config.publish.keep)


def keep_house(job: TickJob, num_ticks: int, tick_at: datetime) -> None:
    """In the idle part of every n-th tick: move old rows out, checkpoint, give memory back."""
    if num_ticks % job.config.store.checkpoint_every == 0:
        before = tick_at - timedelta(days=job.config.store.keep_days)
        job.store.retain(before, job.config.store.history)
        kept, past = job.config.prices.keep_h, job.config.prices.history_days
        job.store.prices.forget(tick_at - timedelta(hours=kept), tick_at - timedelta(days=past))
        job.store.checkpoint()
        release_freed_memory()


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, so that the tick under way ends cleanly."""
    stop = threading.Event()

    def ask_to_stop(signum: int, _: FrameType | None) -> None:
        log.info("%s: stopping after this tick", signal.Signals(signum).name)
        stop.set()

    before = {name: signal.signal(name, ask_to_stop) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
