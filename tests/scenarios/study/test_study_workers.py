"""Workers die, and the others finish: no task is lost, and none is done twice at once."""

import os
import signal
import sys
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from scenarios.study import workers
from scenarios.study.errors import StudyError
from scenarios.study.workers import MOST_DEATHS, do_here

Task = tuple[Path, int, int]
"""Folder, number, and how many workers it kills."""


def square_or_die(task: Task) -> int:
    """The square of the number, once it has killed its workers."""
    folder, number, kills = task
    attempt = len(list(folder.glob(f"{number}-*")))
    (folder / f"{number}-{attempt}").touch()
    if attempt < kills:
        os.kill(os.getpid(), signal.SIGKILL)
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number**2


def leave_at_once() -> None:
    """Ends a process before it can say hello."""
    sys.exit(7)


def test_deaths_cost_a_task_its_attempt_and_nobody_else_anything(tmp_path: Path) -> None:
    """2 kills two workers and is done by the third; 3 kills three and is given up; -5 raises."""
    tasks = [(tmp_path, 1, 0), (tmp_path, 2, 2), (tmp_path, 3, 99), (tmp_path, 4, 0)]
    tasks.append((tmp_path, -5, 0))
    outcomes = {one.place: one for one in do_here(tasks, square_or_die, processes=2)}
    assert {place: one.result for place, one in outcomes.items()} == {
        0: 1,
        1: 4,
        2: None,
        3: 16,
        4: None,
    }
    assert outcomes[2].failure == "its process died 3 times, the last time with exit code -9"
    assert "ValueError: -5 is negative" in outcomes[4].failure
    attempts = [len(list(tmp_path.glob(f"{number}-*"))) for number in (1, 2, 3, 4, -5)]
    assert attempts == [1, 3, MOST_DEATHS, 1, 1]


def test_no_tasks_need_no_workers() -> None:
    """Nothing is started."""
    assert list(do_here([], square_or_die, processes=2)) == []


def test_processes_that_cannot_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a failure of every single task, after three times as many processes."""
    monkeypatch.setattr(workers, "_serve", _leave)
    with pytest.raises(StudyError, match="3 worker processes in a row ended with exit code 7"):
        list(do_here([Path(), Path()], Path.exists, processes=1))


def _leave(*_: object) -> None:
    leave_at_once()


def test_workers_end_with_whoever_asked() -> None:
    """Nobody is left to ask, before a task or after one: a worker ends without a word."""
    for tasks in ([], [Path()]):
        ours, theirs = Pipe()
        for task in tasks:
            ours.send(task)
        ours.close()
        before = signal.getsignal(signal.SIGINT)
        workers._serve(_Deaf(theirs), Path.exists)  # type: ignore[arg-type]
        signal.signal(signal.SIGINT, before)


class _Deaf:
    """The end of a pipe whose other end has gone, but for the greeting."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.recv = pipe, pipe.recv

    def send(self, answer: object) -> None:
        """Lost."""
        if answer != workers.HELLO:
            self.pipe.send(answer)
