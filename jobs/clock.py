"""The only place that reads a clock."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a job needs of time."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        ...

    def wait_until(self, instant: datetime, stop: threading.Event) -> None:
        """Return at `instant`, or as soon as `stop` is set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC)

    def wait_until(self, instant: datetime, stop: threading.Event) -> None:
        """Sleep until `instant`, or until `stop` is set."""
        left_s = (instant - self.now()).total_seconds()
        if left_s > 0:
            stop.wait(left_s)


class SimulatedClock:
    """A clock that moves only when somebody waits."""

    def __init__(self, start: datetime) -> None:
        """Stand at `start`."""
        self._now = start

    def now(self) -> datetime:
        """The simulated instant."""
        return self._now

    def wait_until(self, instant: datetime, stop: threading.Event) -> None:
        """Be at `instant` at once."""
        if not stop.is_set():
            self._now = max(self._now, instant)


class Stopwatch:
    """Seconds spent per named stage."""

    def __init__(self) -> None:
        """Start with nothing measured."""
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to stage `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self.seconds(name) + time.perf_counter() - start

    def seconds(self, name: str) -> float:
        """Seconds measured so far for stage `name`, 0 if none."""
        return self._seconds.get(name, 0.0)


def newest_grid_instant(now: datetime, every: timedelta) -> datetime:
    """The last instant at or before `now` on the grid of multiples of `every` since 1970."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (now - epoch) // every * every
