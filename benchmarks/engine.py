"""The engine on networks of every size, beside what else could have been used.

    python -m benchmarks.engine [--sizes S,M,L,XL] [--seeds 0,1,2] [--forms rate,full]
        [--structures plain,...] [--ticks cold,next] [--peers auction,ortools_flow,...]
        [--json FILE]

prints one JSON line per instance and method. Every method runs in a process of its own with a
limit of 120 s for all it does. Seconds are wall-clock from the problem in class form to the
answer, with everything that the method needs (listing pairs, matrices, bounds); building the
instance and loading libraries is not in them, and peak memory is above the instance. The auction
runs to a gap of 0.1 %, of 0.01 % and to proof, cold and, on a next tick, from the prices of the
tick before. Gains are worked out again from the assignment, and caps checked, whoever made it.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from benchmarks.engine_instances import SIZES, Form, Structure, build_instance, next_tick
from benchmarks.engine_peers import LIMIT_S, PEERS, Answer
from models.problem import NOBODY, AssignmentProblem, Positions
from models.solution import Hint, Solution, SolveOptions, relative_gap
from solver.backends import auction
from solver.claim import gain_by_class
from solver.form import count_pairs
from solver.solve import warm_up

OURS = "auction"
TARGETS = {"gap_0.1%": 1e-3, "gap_0.01%": 1e-4, "exact": 0.0}
Row = dict[str, str | int | float | list[str] | None]
"""One line of output."""
Run = Callable[[AssignmentProblem], Answer | Solution]


@dataclass(frozen=True)
class Case:
    """One instance."""

    size: str
    seed: int
    form: Form = Form.RATE
    structure: Structure = Structure.PLAIN
    tick: str = "cold"
    """cold, or next: the tick after it."""

    def problem(self) -> AssignmentProblem:
        """The instance itself."""
        make = build_instance if self.tick == "cold" else next_tick
        return make(self.seed, SIZES[self.size], self.form, self.structure)


def main(arguments: list[str]) -> int:
    """Run every method on every case, or one in this process when asked to by itself."""
    if arguments[:1] == ["--one"]:
        case, method = json.loads(arguments[1])
        case |= {"form": Form(case["form"]), "structure": Structure(case["structure"])}
        for row in measure(Case(**case), method):
            print(json.dumps(row), flush=True)
        return 0
    given = _parser().parse_args(arguments)
    cases = [
        Case(size, int(seed), Form(form), Structure(structure), tick)
        for size, form, structure, tick, seed in product(
            *(
                getattr(given, name).split(",")
                for name in ("sizes", "forms", "structures", "ticks", "seeds")
            )
        )
    ]
    lines = [row for case in cases for row in compare(case, given.peers.split(","))]
    if given.json:
        Path(given.json).write_text("".join(json.dumps(row) + "\n" for row in lines), "utf-8")
    return 0


def compare(case: Case, methods: list[str]) -> Iterator[Row]:
    """The rows of all methods on one case, printed as they come."""
    problem = case.problem()
    for method in methods:
        if method != OURS and not PEERS[method].tries(problem):
            continue
        for row in _in_a_process(case, method):
            print(json.dumps(row), flush=True)
            yield row


def measure(case: Case, method: str) -> Iterator[Row]:
    """The rows of one method; for the auction one per target, cold and warm."""
    problem = case.problem()
    warm_up("auto")
    if method != OURS:
        peer = PEERS[method]
        peer.solve(build_instance(0, replace(SIZES["S"], num_contacts=50)))
        yield _timed(case, method, "answer", problem, peer.solve)
        return
    for start, hint in _starts(case):
        for target, gap in TARGETS.items():
            options = SolveOptions(backend=OURS, deadline_s=LIMIT_S, gap_target=gap)

            run = partial(auction.solve, options=options, hint=hint)
            yield _timed(case, f"{OURS}_{start}", target, problem, run)


def _starts(case: Case) -> Iterator[tuple[str, Hint | None]]:
    yield "cold", None
    if case.tick == "next":
        before = replace(case, tick="cold").problem()
        solved = auction.solve(before, SolveOptions(deadline_s=LIMIT_S), None)
        yield "warm", Hint(solved.prices)


def _timed(case: Case, method: str, target: str, problem: AssignmentProblem, run: Run) -> Row:
    resident = _reset_peak_mb()
    begun, worked = perf_counter(), process_time()
    answer = run(problem)
    seconds, cpu_s = perf_counter() - begun, process_time() - worked
    peak = _status_mb("VmHWM") - resident
    gain = checked_gain(problem, answer.agent)
    return {
        **asdict(case),
        "num_contacts": problem.num_contacts,
        "num_agents": problem.num_agents,
        "num_pairs": count_pairs(problem),
        "method": method,
        "target": target,
        "gain": gain,
        "bound": answer.bound,
        "gap": None if answer.bound is None else relative_gap(gain, answer.bound),
        "seconds": round(seconds, 4),
        "cpu_s": round(cpu_s, 4),
        "peak_mb": round(peak, 1),
    }


def checked_gain(problem: AssignmentProblem, agent: Positions) -> int:
    """Gain of an assignment, from the problem alone; AssertionError if a cap is exceeded."""
    taken = np.bincount(agent[agent != NOBODY], minlength=problem.num_agents)
    assert (taken <= problem.agent_cap).all(), "an agent has more contacts than slots"
    return gain_by_class(problem, agent)


def _in_a_process(case: Case, method: str) -> list[Row]:
    command = [sys.executable, "-m", "benchmarks.engine", "--one"]
    command.append(json.dumps([asdict(case), method]))
    row = {**asdict(case), "method": method}
    # The auction solves up to seven times; each solve has the limit as its own deadline.
    limit = LIMIT_S * (7 if method == OURS else 1)
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return [row | {"failed": f"not finished in {limit:.0f} s"}]
    lines = [line for line in ended.stdout.splitlines() if line.startswith("{")]
    if ended.returncode or not lines:
        return [row | {"failed": ended.stderr.strip().splitlines()[-1:]}]
    return [json.loads(line) for line in lines]


def _reset_peak_mb() -> float:
    """Set the peak of resident memory back to the present; resident megabytes now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status_mb("VmRSS")


def _status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="S,M,L,XL")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--forms", default="rate,full")
    parser.add_argument("--structures", default="plain")
    parser.add_argument("--ticks", default="cold,next")
    parser.add_argument("--peers", default=",".join([OURS, *PEERS]))
    parser.add_argument("--json", default="")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
