"""Published generalised assignment instances by the units backend: plan, bound, proof, seconds.

    python -m benchmarks.gap [--limit-s 30] [--only gap1,c20200] [--json FILE]

reads the instances of ../shared/data/gap (format: m n; m rows of n costs; m rows of n loads; m
capacities) and prints a table; `--json` writes one line per instance. Every job must be assigned
at least cost: all contacts are of tier 0 and gain the largest cost less their own, so that the
backend serves as many as possible first. Compared are costs. The exit code is 1 if an instance is
not feasible, a bound exceeds a published value, or the goal of a family is missed: proven optima
within 10 s for gap1 to gap12, costs within 0.5 % of the best known ones for types a, b and c.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from models.dense_problem import dense_problem
from models.feasibility import violations
from models.problem import MILLI, AssignmentProblem
from models.solution import SolveOptions
from solver.backends import units
from solver.solve import tiny_problem

PUBLISHED = Path(__file__).parents[2] / "shared" / "data" / "gap"
PROVEN_WITHIN_S = 10.0
NEAR = 0.005


@dataclass(frozen=True)
class Instance:
    """A published instance; `problem` gains `offset` less its cost, in thousandths."""

    name: str
    problem: AssignmentProblem
    offset: int
    best_known: int
    best_bound: int


@dataclass(frozen=True)
class Row:
    """One line of output; cost and bound are costs, so the bound is a lower one."""

    instance: str
    family: str
    jobs: int
    agents: int
    cost: int | None
    """None if a job is not assigned."""
    bound: float
    best_known: int
    to_best: float
    """Cost above the best known one, relative."""
    is_proven: bool
    is_feasible: bool
    bound_holds: bool
    termination: str
    proof: str
    seconds: float


def main(arguments: list[str]) -> int:
    """Exit code: 0 if every goal of the instances asked for is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit-s", type=float, default=30.0, help="deadline of each instance")
    parser.add_argument("--only", default="", help="names or families, separated by commas")
    parser.add_argument("--json", type=Path, help="file for one line per instance")
    options = parser.parse_args(arguments)
    if not PUBLISHED.exists():
        print("../shared/data is missing: nothing to solve", file=sys.stderr)
        return 2
    units.solve(tiny_problem(), SolveOptions(), None)
    wanted = tuple(word for word in options.only.split(",") if word)
    rows = []
    for instance in read_instances(PUBLISHED, wanted):
        rows.append(solve_instance(instance, options.limit_s))
        print(json.dumps(asdict(rows[-1])), file=sys.stderr, flush=True)
    if options.json is not None:
        lines = [json.dumps(asdict(row)) + "\n" for row in rows]
        options.json.write_text("".join(lines), encoding="utf-8")
    Console(width=100).print(summary(rows))
    return 0 if all(meets_goal(row) for row in rows) else 1


def read_instances(folder: Path, only: Sequence[str] = ()) -> Iterator[Instance]:
    """The instances whose name or family is wanted (all if none is named), as published."""
    with (folder / "best_known.csv").open(newline="", encoding="utf-8") as rows:
        known = list(csv.DictReader(rows))
    for row in known:
        name = Path(row["Path"]).name
        if not only or name in only or family_of(name) in only:
            problem, offset = read_problem(folder / row["Path"])
            best, bound = row["Best known solution value"], row["Best known bound"]
            yield Instance(name, problem, offset, int(best), int(bound))


def read_problem(path: Path) -> tuple[AssignmentProblem, int]:
    """The minimisation as a problem in gains, and the cost from which its gain is taken off.

    Raises ValueError for a file that is not complete.
    """
    agents, jobs, *rest = (int(word) for word in path.read_text(encoding="ascii").split())
    size = agents * jobs
    if len(rest) != 2 * size + agents:
        raise ValueError(
            f"{path}: {len(rest)} numbers after m and n, expected {2 * size + agents}:"
            " check that the file is complete"
        )
    numbers = np.array(rest, dtype=np.int64)
    cost = numbers[:size].reshape(agents, jobs).T
    load = numbers[size : 2 * size].reshape(agents, jobs).T
    dearest = int(cost.max())
    problem = dense_problem(
        (dearest - cost) * MILLI,
        np.full(agents, jobs),
        units=np.ascontiguousarray(load),
        unit_cap=numbers[2 * size :],
        tier=np.zeros(jobs, dtype=np.int32),
    )
    return problem, dearest * jobs


def solve_instance(instance: Instance, limit_s: float) -> Row:
    """The row of one instance; seconds cover the whole call of the backend."""
    problem = instance.problem
    begun = perf_counter()
    solution = units.solve(problem, SolveOptions(deadline_s=limit_s), None)
    seconds = perf_counter() - begun
    complete = solution.served == (problem.num_contacts,)
    cost = instance.offset - solution.gain // MILLI
    bound = instance.offset - solution.bound / MILLI
    return Row(
        instance=instance.name,
        family=family_of(instance.name),
        jobs=problem.num_contacts,
        agents=problem.num_agents,
        cost=cost if complete else None,
        bound=bound,
        best_known=instance.best_known,
        to_best=(cost - instance.best_known) / instance.best_known if complete else 1.0,
        is_proven=complete and solution.termination.value == "optimal",
        is_feasible=complete and not violations(problem, solution.agent),
        bound_holds=bound <= instance.best_known,
        termination=solution.termination.value,
        proof=solution.proof.value,
        seconds=round(seconds, 3),
    )


def meets_goal(row: Row) -> bool:
    """Whether the instance meets what is asked of its family."""
    if not (row.is_feasible and row.bound_holds and row.to_best <= NEAR):
        return False
    return not row.family.startswith("gap") or (row.is_proven and row.seconds <= PROVEN_WITHIN_S)


def family_of(name: str) -> str:
    """`gap3` of gap3-2, `c` of c05100."""
    return name.split("-", maxsplit=1)[0] if name.startswith("gap") else name[0]


def summary(rows: Sequence[Row]) -> Table:
    """One line for each family."""
    table = Table(title="Generalised assignment: cost above best known, proofs, seconds")
    heads = ("family", "instances", "feasible", "bound holds", "proven", "worst %", "mean %")
    for head in (*heads, "mean s", "worst s"):
        table.add_column(head, justify="left" if head == "family" else "right", no_wrap=True)
    for family, members in groupby(rows, key=lambda row: row.family):
        group = list(members)
        above = [100 * row.to_best for row in group]
        seconds = [row.seconds for row in group]
        table.add_row(
            family,
            str(len(group)),
            str(sum(row.is_feasible for row in group)),
            str(sum(row.bound_holds for row in group)),
            str(sum(row.is_proven for row in group)),
            f"{max(above):.3f}",
            f"{sum(above) / len(above):.3f}",
            f"{sum(seconds) / len(seconds):.2f}",
            f"{max(seconds):.2f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
