"""Processes of this machine that do tasks, and outlive each other.

Each worker has a pipe of its own, so it is known what a worker that dies was doing: that task goes
to the next worker, unless it has now killed `MOST_DEATHS` of them. (The pools of the standard
library break as a whole when one process dies.)
"""

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from scenarios.study.errors import StudyError

T = TypeVar("T")
R = TypeVar("R")

MOST_DEATHS = 3
HELLO = "hello"
THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Every worker keeps to one core: there are as many workers as cores."""


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """What became of a task."""

    place: int
    """In the sequence of tasks."""
    result: R | None
    """None: it failed."""
    failure: str = ""
    """Why, for people."""


def do_here(tasks: Sequence[T], work: Callable[[T], R], processes: int) -> Iterator[Outcome[R]]:
    """Outcomes of all tasks, as they come; `work` must be a function of a module.

    Raises StudyError when no process can be started at all.
    """
    crew: _Crew[T, R] = _Crew(tasks, work)
    try:
        while crew.waiting or crew.workers:
            while crew.waiting and len(crew.workers) < processes:
                crew.start()
            ready = wait([worker.pipe for worker in crew.workers])
            for worker in [worker for worker in crew.workers if worker.pipe in ready]:
                outcome = crew.listen(worker)
                if outcome is not None:
                    yield outcome
    finally:
        for worker in crew.workers:
            worker.process.kill()
            worker.process.join()


@dataclass
class _Worker:
    """A process, this side of its pipe, and what it is doing."""

    process: SpawnProcess
    pipe: Connection
    place: int
    has_begun: bool = False


class _Crew(Generic[T, R]):
    """The workers who are there, and the tasks that wait for one."""

    def __init__(self, tasks: Sequence[T], work: Callable[[T], R]) -> None:
        self.tasks, self.work = tasks, work
        self.waiting = list(range(len(tasks)))[::-1]
        self.deaths = [0] * len(tasks)
        self.stillborn = 0
        """Workers in a row that never began."""
        self.workers: list[_Worker] = []

    def start(self) -> None:
        """A new worker takes the next task."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.work), daemon=True)
        with _one_thread():
            process.start()
        theirs.close()
        worker = _Worker(process, ours, 0)
        self.workers.append(worker)
        self._hand_next(worker)

    def listen(self, worker: _Worker) -> Outcome[R] | None:
        """What the worker has to say; None if no task has come to its end by it."""
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError):
            return self._bury(worker)
        if answer == HELLO:
            worker.has_begun, self.stillborn = True, 0
            return None
        outcome = Outcome[R](worker.place, *answer)
        if self.waiting:
            self._hand_next(worker)
        else:
            self.workers.remove(worker)
            worker.pipe.close()
            worker.process.join()
        return outcome

    def _hand_next(self, worker: _Worker) -> None:
        worker.place = self.waiting.pop()
        try:
            worker.pipe.send(self.tasks[worker.place])
        except OSError:
            # It died between two tasks: its pipe is at its end, which `listen` finds next.
            return

    def _bury(self, worker: _Worker) -> Outcome[R] | None:
        """Another worker is to try its task, unless that has killed too many."""
        self.workers.remove(worker)
        worker.process.join()
        worker.pipe.close()
        code = worker.process.exitcode
        if not worker.has_begun:
            self.stillborn += 1
            if self.stillborn >= MOST_DEATHS:
                raise StudyError(
                    f"{MOST_DEATHS} worker processes in a row ended with exit code {code} before"
                    " their first run; expected them to start: see their messages above"
                )
        else:
            self.deaths[worker.place] += 1
        if self.deaths[worker.place] < MOST_DEATHS:
            self.waiting.append(worker.place)
            return None
        reason = f"its process died {MOST_DEATHS} times, the last time with exit code {code}"
        return Outcome(worker.place, None, reason)


def _serve(pipe: Connection, work: Callable[[T], R]) -> None:
    """The life of a worker: tasks until nobody is there to ask for one."""
    # Ctrl-C reaches the whole group: only the parent is to act on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe.send(HELLO)
    while True:
        try:
            task = pipe.recv()
            pipe.send(_answer(work, task))
        except (EOFError, OSError):
            # Whoever asked has been killed.
            return


def _answer(work: Callable[[T], R], task: T) -> tuple[R | None, str]:
    try:
        return work(task), ""
    except Exception:  # noqa: BLE001 - whatever it is, the others go on and it is reported
        return None, traceback.format_exc()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Inside, new processes are told to keep to one thread."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
