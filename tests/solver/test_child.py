"""The solver child: same answers, the deadline holds, and no failure goes unseen."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from time import monotonic, sleep

import numpy as np
import pytest

from benchmarks.engine_instances import Size, build_instance
from models.dense_problem import dense_problem
from models.problem import AssignmentProblem
from models.solution import Hint, Limit, SolveOptions, Termination
from solver.child import SolverChild
from solver.solve import solve

PATIENT = SolveOptions(deadline_s=60.0)


@pytest.fixture(scope="module")
def child() -> Iterator[SolverChild]:
    """A loaded child; tests that lose it load its successor."""
    with SolverChild() as started:
        started.warm_up()
        yield started


@pytest.fixture(scope="module")
def problem() -> AssignmentProblem:
    """12 contacts for 10 agents on which greedy is not optimal."""
    draw = np.random.default_rng(6)
    return dense_problem(draw.integers(1, 1000, (12, 10)), np.ones(10, dtype=np.int64))


def test_the_child_returns_what_solve_returns(
    child: SolverChild, problem: AssignmentProblem
) -> None:
    """Assignment, claim and prices are the same on either side of the pipe."""
    there, here = child.solve(problem, PATIENT), solve(problem, PATIENT)
    assert (there.agent == here.agent).all()
    assert (there.prices.agent == here.prices.agent).all()
    assert (there.gain, there.bound, there.baseline) == (here.gain, here.bound, here.baseline)
    assert there.termination is here.termination is Termination.OPTIMAL
    assert there.baseline < there.gain
    assert child.last_error is None


def test_signals_for_the_parent_do_not_end_the_child(
    child: SolverChild, problem: AssignmentProblem
) -> None:
    """Ctrl-C and a service manager signal the whole group; the tick in hand must still finish."""
    assert child.pid is not None
    os.kill(child.pid, signal.SIGINT)
    os.kill(child.pid, signal.SIGTERM)
    assert child.solve(problem, PATIENT).termination is Termination.OPTIMAL


def test_an_error_in_the_child_is_reported_with_its_trace(
    child: SolverChild, caplog: pytest.LogCaptureFixture
) -> None:
    """A load cost of 2^61 does not fit the flow: greedy's plan, the cause kept and logged."""
    dear = dense_problem(np.full((3, 1), 7), np.array([3]), load_cost=np.array([[0, 2**61]]))
    before = child.pid
    with caplog.at_level(logging.WARNING):
        solution = child.solve(dear, PATIENT)
    assert (solution.termination, solution.limit) == (Termination.FAILED, Limit.ERROR)
    assert solution.gain == 7
    assert solution.bound >= 7
    assert child.last_error is not None
    assert "BackendError" in child.last_error
    assert "too large for the flow" in caplog.text
    assert child.pid == before


def test_an_unknown_backend_is_the_caller_s_error(
    child: SolverChild, problem: AssignmentProblem
) -> None:
    """It is raised, not turned into a failed tick."""
    with pytest.raises(ValueError, match="expected one of auction, auto, flow, greedy, lp"):
        child.solve(problem, SolveOptions(backend="magic"))


def test_a_stuck_or_dead_child_costs_one_plan_and_is_replaced(
    child: SolverChild, problem: AssignmentProblem
) -> None:
    """Greedy's plan by the deadline with the hint's bound; the next solve is exact again."""
    exact, greedy = solve(problem, PATIENT), solve(problem, SolveOptions(backend="greedy"))
    assert child.pid is not None
    stuck = child.pid
    os.kill(stuck, signal.SIGSTOP)
    late = child.solve(problem, SolveOptions(deadline_s=0.2), Hint(prices=exact.prices))
    assert (late.termination, late.limit) == (Termination.FAILED, Limit.TIME)
    assert (late.agent == greedy.agent).all()
    assert late.bound == exact.gain  # optimal prices prove the optimum whoever uses them
    assert child.last_error == "is late after 0.2 s"
    assert _is_gone(stuck)

    # The successor dies while it loads: that is found out at once, whatever the deadline.
    assert child.pid != stuck
    os.kill(child.pid, signal.SIGKILL)
    lost = child.solve(problem, PATIENT)
    assert (lost.termination, lost.limit) == (Termination.FAILED, Limit.ERROR)
    assert lost.gain == greedy.gain
    assert child.last_error is not None
    assert "died with exit code -9" in child.last_error
    assert child.solve(problem, PATIENT).termination is Termination.OPTIMAL


def test_a_child_that_is_still_loading_is_waited_for_and_not_killed(
    problem: AssignmentProblem,
) -> None:
    """Deadlines below the loading time give greedy plans until it has loaded."""
    with SolverChild() as fresh:
        pid = fresh.pid
        early = fresh.solve(problem, SolveOptions(deadline_s=0.01))
        assert (early.termination, early.limit) == (Termination.FAILED, Limit.TIME)
        assert fresh.last_error == "has no time left"
        early = fresh.solve(problem, SolveOptions(deadline_s=0.05))
        assert (early.termination, early.limit) == (Termination.FAILED, Limit.TIME)
        assert fresh.last_error == "is still loading"
        assert fresh.pid == pid
    assert pid is not None
    assert _is_gone(pid)
    fresh.close()


def test_an_interrupted_child_that_does_not_answer_costs_one_plan(
    child: SolverChild, problem: AssignmentProblem
) -> None:
    """The flow cannot stop half-way: after its time of grace the baseline's plan, marked so."""
    assert child.pid is not None
    os.kill(child.pid, signal.SIGSTOP)
    asking = Timer(0.1, child.interrupt)
    asking.start()
    plan = child.solve(problem, PATIENT)
    asking.join()
    assert (plan.termination, plan.limit) == (Termination.FAILED, Limit.INTERRUPTED)
    assert plan.gain == solve(problem, SolveOptions(backend="greedy")).gain
    child.warm_up()
    assert child.solve(problem, PATIENT).termination is Termination.OPTIMAL


def test_who_is_asked_to_stop_gives_what_it_has() -> None:
    """The auction sees that time is up at its first look, and says why it was."""
    problem = build_instance(0, Size(2_000, 400))
    asked = iter([False, False])
    options = SolveOptions(backend="auction", deadline_s=600.0)
    plan = solve(problem, options, None, stop=lambda: next(asked, True))
    assert (plan.termination, plan.limit) == (Termination.FEASIBLE, Limit.INTERRUPTED)
    assert plan.baseline <= plan.gain < plan.bound


@pytest.mark.parametrize("ending", ["sys.exit()", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_no_child_outlives_its_parent(ending: str) -> None:
    """Neither after an exit that forgot to close it nor after a kill."""
    script = (
        "import os, signal, sys; from solver.child import SolverChild;"
        f"print(SolverChild().pid, flush=True); {ending}"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    pid = int(parent.stdout)
    until = monotonic() + 30
    while not _is_gone(pid) and monotonic() < until:
        sleep(0.05)
    assert _is_gone(pid)


def test_plans_do_not_depend_on_the_hash_seed_or_on_compiled_leftovers(tmp_path: Path) -> None:
    """Two hash seeds, one with a cold cache of compiled code: the same plans, no warning."""
    script = (
        "import numpy as np; from models.dense_problem import dense_problem;"
        "from models.solution import SolveOptions; from solver.solve import solve;"
        "draw = np.random.default_rng(3); gain = draw.integers(1, 9, (50, 12));"
        "problem = dense_problem(gain, draw.integers(1, 4, 12));"
        "found = [solve(problem, SolveOptions(b, 60.0)) for b in ('flow', 'greedy')];"
        "print([(s.agent.tolist(), s.prices.agent.tolist(), s.bound) for s in found])"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", script],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": seed, **cache},
        )
        for seed, cache in (("1", {}), ("2", {"NUMBA_CACHE_DIR": str(tmp_path)}))
    ]
    first, second = (run.communicate(timeout=60)[0] for run in runs)
    assert first == second
    assert first.startswith(b"[([")


def _is_gone(pid: int) -> bool:
    """Whether no process of that id runs; a zombie that nobody has reaped is gone too."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rsplit(")", 1)[1].split()[0] == "Z"
