"""`solve` in a warm child process that can be killed: the deadline holds whatever a library does.

The min-cost flow of OR-Tools holds the interpreter lock and cannot be interrupted. While the child
works, the parent computes the baseline, so that a plan is there when the child is late or dead.
"""

import atexit
import logging
import signal
import traceback
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Self

from models.problem import AssignmentProblem
from models.solution import Hint, Limit, Solution, SolveOptions, Termination
from solver.backend import failed
from solver.baseline import solve_baseline
from solver.solve import (
    better_of,
    find_backend,
    solve_alone,
    tiny_problem,
    warm_up,
    warm_up_baseline,
)

_log = logging.getLogger(__name__)

GRACE_S = 0.1
"""A child that was asked to stop has so long to give what it has."""

LOOK_S = 0.005
"""How often the parent looks whether somebody interrupts."""

PATIENCE_S = 0.05
"""Beyond the deadline that a child is given before it is killed, for its successor must load."""

KILL_S = 0.03
"""Kept back from the deadline of the child, for the way back of its answer."""

LEAST_S = 1e-3
"""Deadline that the child is given when there is no time left."""

_Request = tuple[AssignmentProblem, SolveOptions, Hint | None, float]
"""With the instant of the monotonic clock, one for all processes, at which the reply is late."""


class SolverChild:
    """A child process that solves one problem after the other; one caller at a time.

    Ctrl-C and SIGTERM do not reach the child: it ends when it is closed or its parent is gone.
    """

    def __init__(self, backend: str = "auto") -> None:
        """Start the child and return at once; it loads what `backend` needs meanwhile.

        Other backends can be asked for; their first use then pays for loading them.
        """
        self._backend = backend
        self.last_error: str | None = None
        self._loaded = False
        self._start()
        atexit.register(self.close)

    def solve(
        self, problem: AssignmentProblem, options: SolveOptions, hint: Hint | None = None
    ) -> Solution:
        """What `solver.solve.solve` returns, at the latest a tenth of a second after the deadline.

        If the child fails, dies or is late, the baseline's plan with its bound, terminated as
        FAILED on limit ERROR or TIME; `last_error` says why, and it is logged as a warning. A
        child that died or is late is replaced by a new one, which loads in the background.
        Raises ValueError for an unknown backend.
        """
        find_backend(options.backend)
        if options.deadline_s <= KILL_S:
            baseline = solve_baseline(problem, options, hint)
            return self._fall_back(baseline, Limit.TIME, "has no time left")
        late_at = monotonic() + options.deadline_s - KILL_S
        # `replace` leaves the cached pairs behind: the class form is smaller, and both sides
        # list the pairs at the same time.
        self._interrupted.clear()
        request = (replace(problem), options, hint, late_at)
        exchange = self._begin(request, wait_s=0.0)
        try:
            baseline = solve_baseline(problem, options, hint)
            if exchange is None:
                exchange = self._begin(request, late_at - monotonic())
            if exchange is not None:
                self._wait(exchange, late_at + KILL_S + PATIENCE_S)
        except BaseException:
            if exchange is not None:  # or its reply would meet the next request
                self._restart()
            raise
        return self._outcome(exchange, baseline, options)

    def interrupt(self) -> None:
        """Ask the solve under way in another thread to give what it has; not for signal handlers.

        Methods that come closer step by step do; where the method cannot, it is the baseline's
        plan. Either way with the limit INTERRUPTED. Without a solve under way nothing happens.
        """
        self._interrupted.set()

    def warm_up(self, deadline_s: float = 120.0) -> None:
        """Wait until the child can solve; raises RuntimeError if it cannot."""
        warm_up_baseline(self._backend)
        options = SolveOptions(deadline_s=deadline_s)
        if self.solve(tiny_problem(), options).termination is Termination.FAILED:
            raise RuntimeError(
                f"solver child: a problem of two contacts failed with {self.last_error};"
                " expected a solution: check that OR-Tools loads in a fresh process"
            )

    @property
    def pid(self) -> int | None:
        """Process id of the present child."""
        return self._process.pid

    def close(self) -> None:
        """End the child, also in the middle of a solve; closing twice is harmless."""
        atexit.unregister(self.close)
        self._stop()

    def __enter__(self) -> Self:
        """This child."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _wait(self, exchange: "_Exchange", late_at: float) -> None:
        """Until the reply is there, time is up, or an interrupted child had its time of grace."""
        while exchange.is_alive() and monotonic() < late_at:
            if self._interrupted.is_set():
                late_at = min(late_at, monotonic() + GRACE_S)
                exchange.join(max(0.0, late_at - monotonic()))
                return
            exchange.join(min(LOOK_S, max(0.0, late_at - monotonic())))

    def _begin(self, request: _Request, wait_s: float) -> "_Exchange | None":
        """The exchange of this request, or None if the child is still loading after `wait_s`."""
        if not self._loaded and self._connection.poll(max(0.0, wait_s)):
            self._loaded = True
            # A child that died while loading is found out, and named, by the exchange.
            with suppress(EOFError, OSError):
                self._connection.recv()
        return _Exchange(self._connection, request) if self._loaded else None

    def _outcome(
        self, exchange: "_Exchange | None", baseline: Solution, options: SolveOptions
    ) -> Solution:
        self.last_error = None
        if exchange is None:
            # It is not killed: a deadline below the loading time would keep it from ever loading.
            return self._fall_back(baseline, Limit.TIME, "is still loading")
        if exchange.is_alive() and self._interrupted.is_set():
            self._restart()
            return self._fall_back(baseline, Limit.INTERRUPTED, "was interrupted")
        if exchange.is_alive():
            self._restart()
            return self._fall_back(baseline, Limit.TIME, f"is late after {options.deadline_s} s")
        if exchange.solution is not None:
            return better_of(exchange.solution, baseline)
        reason = exchange.error
        if exchange.lost:
            reason = f"died with exit code {self._restart()}: {reason}"
        return self._fall_back(baseline, Limit.ERROR, reason)

    def _fall_back(self, baseline: Solution, limit: Limit, reason: str) -> Solution:
        self.last_error = reason
        _log.warning("solver child: %s; the greedy baseline's plan is used", reason)
        return failed(baseline, limit)

    def _start(self) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._interrupted = context.Event()
        self._process = context.Process(
            target=_serve,
            args=(theirs, self._backend, self._interrupted),
            name="omniassign-solver",
            daemon=True,
        )
        self._process.start()
        self._loaded = False
        theirs.close()

    def _stop(self) -> int | None:
        """Exit code of the child, which is gone afterwards."""
        self._process.kill()
        self._process.join()
        self._connection.close()
        return self._process.exitcode

    def _restart(self) -> int | None:
        code = self._stop()
        self._start()
        return code


class _Exchange(Thread):
    """One request and its reply, in a thread because a pipe to a stuck child blocks for ever."""

    def __init__(self, connection: Connection, request: _Request) -> None:
        super().__init__(name="omniassign-exchange", daemon=True)
        self._connection = connection
        self._request = request
        self.solution: Solution | None = None
        self.error = "no reply"
        self.lost = False
        self.start()

    def run(self) -> None:
        """Fill `solution`, or `error` and whether the child is lost."""
        try:
            self._connection.send(self._request)
            reply = self._connection.recv()
        except (EOFError, OSError) as error:
            self.lost, self.error = True, f"{type(error).__name__} on its pipe"
        except Exception:  # noqa: BLE001 - the caller's thread reports it
            self.lost, self.error = True, traceback.format_exc()
        else:
            if isinstance(reply, Solution):
                self.solution = reply
            else:
                self.error = f"failed: {reply}"


def _serve(connection: Connection, backend: str, interrupted: Event) -> None:
    """Say that all is loaded, then answer requests until the parent closes the pipe or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    warm_up(backend)
    try:
        connection.send("loaded")
        while True:
            connection.send(_answer(connection.recv(), interrupted))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _answer(request: _Request, interrupted: Event) -> Solution | str:
    """The backend's solution, or what went wrong as text; the parent has the baseline."""
    problem, options, hint, late_at = request
    # What the transfer took is gone; a backend without time left says so itself.
    options = replace(options, deadline_s=max(late_at - monotonic(), LEAST_S))
    try:
        return solve_alone(problem, options, hint, interrupted.is_set)
    except Exception:  # noqa: BLE001 - the parent reports it and falls back
        return traceback.format_exc()
