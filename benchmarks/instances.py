"""Exact optimum of published assignment instances, through the same `solve` as a tick's, and
the seconds of scipy's `linear_sum_assignment` beside it.

    python -m benchmarks.instances PATH...

reads OR-Library files (dense: n and then n x n costs; sparse: n and then lines `i j cost`, from 1)
or folders of them and prints one JSON line per instance. An `optima.csv` beside a file holds the
published optima; the exit code is 1 if an answer differs from its published one.
"""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.optimize import linear_sum_assignment

from models.dense_problem import dense_problem
from models.problem import NOBODY, AssignmentProblem, Ints
from models.solution import SolveOptions, relative_gap
from solver.solve import solve, warm_up

OPTIMA = "optima.csv"


@dataclass(frozen=True)
class Answer:
    """One line of output; objective and bound are costs, so the bound is a lower one."""

    instance: str
    objective: int | None
    """None if not everybody can be assigned."""
    bound: int
    gap: float
    termination: str
    seconds: float
    scipy_objective: int | None
    scipy_seconds: float
    published: int | None


def main(arguments: list[str]) -> int:
    """Exit code: 0 if every answer that has a published optimum equals it."""
    if not arguments:
        print("usage: python -m benchmarks.instances PATH...", file=sys.stderr)
        return 2
    warm_up()
    differing = 0
    for path in instance_files(arguments):
        answer = answer_instance(path)
        print(json.dumps(asdict(answer)), flush=True)
        differing += answer.published is not None and answer.objective != answer.published
    return 1 if differing else 0


def instance_files(arguments: list[str]) -> Iterator[Path]:
    """The named files, and the .txt files of the named folders in order of name."""
    for path in map(Path, arguments):
        yield from sorted(path.glob("*.txt")) if path.is_dir() else [path]


def answer_instance(path: Path) -> Answer:
    """The certified answer of one file; seconds cover `solve` with the listing of its pairs."""
    cost, eligible = read_instance(path)
    # Serving one more must outweigh any total cost, so that everybody is assigned who can be.
    prize = len(cost) * int(cost[eligible].max()) + 1
    problem = as_gains(cost, eligible, prize)
    begun = perf_counter()
    solution = solve(problem, SolveOptions())
    seconds = perf_counter() - begun
    everybody = prize * len(cost)
    begun = perf_counter()
    by_scipy = scipy_optimum(cost, eligible)
    scipy_seconds = perf_counter() - begun
    return Answer(
        instance=path.stem,
        objective=None if (solution.agent == NOBODY).any() else everybody - solution.gain,
        bound=everybody - solution.bound,
        gap=relative_gap(everybody - solution.bound, everybody - solution.gain),
        termination=solution.termination.value,
        seconds=round(seconds, 4),
        scipy_objective=by_scipy,
        scipy_seconds=round(scipy_seconds, 4),
        published=published_optimum(path),
    )


def scipy_optimum(cost: Ints, eligible: np.ndarray) -> int | None:
    """The least cost by scipy on the full matrix, or None if not everybody can be assigned."""
    try:
        row, column = linear_sum_assignment(np.where(eligible, cost, np.inf))
    except ValueError:  # what it says of a matrix without a finite assignment
        return None
    return int(cost[row, column].sum())


def as_gains(cost: Ints, eligible: np.ndarray, prize: int) -> AssignmentProblem:
    """The minimisation as a problem in gains: `prize` less the cost of each eligible pair."""
    return dense_problem(prize - cost, np.ones(len(cost), dtype=np.int64), eligible=eligible)


def read_instance(path: Path) -> tuple[Ints, np.ndarray]:
    """Costs (n, n) and which pairs exist; raises ValueError for a file of neither format."""
    size, *rest = (int(word) for word in path.read_text(encoding="ascii").split())
    numbers = np.array(rest, dtype=np.int64)
    if len(numbers) == size * size:
        return numbers.reshape(size, size), np.ones((size, size), dtype=bool)
    if len(numbers) % 3:
        raise ValueError(
            f"{path}: {len(numbers)} numbers after n = {size}, expected n x n costs or triples:"
            " check that the file is complete"
        )
    row, column, given = numbers.reshape(-1, 3).T
    cost = np.zeros((size, size), dtype=np.int64)
    eligible = np.zeros((size, size), dtype=bool)
    cost[row - 1, column - 1], eligible[row - 1, column - 1] = given, True
    return cost, eligible


def published_optimum(path: Path) -> int | None:
    """The optimum in the `optima.csv` beside the file, or None if there is none."""
    table = path.parent / OPTIMA
    if not table.exists():
        return None
    with table.open(newline="", encoding="utf-8") as rows:
        known = {row["instance"]: int(row["optimum"]) for row in csv.DictReader(rows)}
    return known.get(path.stem)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
