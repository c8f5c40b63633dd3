"""What a deadline buys where tiers go first: the plan beside the greedy one, with every rule on.

    python -m benchmarks.tiers [--size 5000x1000] [--seconds 0.1 0.5 1 2 5] [--seed 1] [--json]

The problem is that of a batch with every rule (`scenarios/ruled_batch.py`), in which agents have
mixes and some contacts waited too long. `served` counts tiers 0, 1 and so on, then all contacts;
`gap` is that of the bound of all plans that serve as many of each tier.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.stages import Size
from models.batch_problem import build_problem
from models.problem import MILLI, NOBODY, AssignmentProblem
from models.solution import SolveOptions
from scenarios.ruled_batch import ruled_batch
from solver.solve import solve, warm_up

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Plan:
    """What was found within a deadline."""

    backend: str
    deadline_s: float
    seconds: float
    """Wall time that it took."""
    served_by_tier: tuple[int, ...]
    served: int
    gain: float
    """Money."""
    gap: float
    """Relative."""
    termination: str


def plan_within(problem: AssignmentProblem, backend: str, deadline_s: float) -> Plan:
    """The plan of one backend by the deadline."""
    begun = perf_counter()
    found = solve(problem, SolveOptions(backend=backend, deadline_s=deadline_s))
    return Plan(
        backend=backend,
        deadline_s=deadline_s,
        seconds=perf_counter() - begun,
        served_by_tier=found.served,
        served=int(np.count_nonzero(found.agent != NOBODY)),
        gain=found.gain / MILLI,
        gap=found.gap,
        termination=found.termination.value,
    )


def main(arguments: list[str] | None = None) -> None:
    """Print a table, or one JSON line per plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="5000x1000")
    parser.add_argument("--seconds", type=float, nargs="+", default=[0.1, 0.5, 1.0, 2.0, 5.0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    size = Size.parse(given.size)
    problem = build_problem(
        *ruled_batch(given.seed, size.num_contacts, size.num_agents, NOW)
    ).problem
    warm_up()
    asked = [("greedy", max(given.seconds)), *(("auto", seconds) for seconds in given.seconds)]
    plans = [plan_within(problem, backend, seconds) for backend, seconds in asked]
    if given.json:
        for plan in plans:
            sys.stdout.write(json.dumps(asdict(plan)) + "\n")
        return
    table = Table(title=f"Tiers first, {given.size}, every rule on", title_justify="left")
    for heading in ("backend", "deadline", "took", "served", "gain", "gap", "plan is"):
        table.add_column(heading, justify="right")
    for plan in plans:
        counts = ", ".join(map(str, (*plan.served_by_tier, plan.served)))
        table.add_row(
            plan.backend, f"{plan.deadline_s:g} s", f"{plan.seconds:.2f} s", counts,
            f"{plan.gain:,.0f}", f"{plan.gap:.2%}", plan.termination,
        )  # fmt: skip
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
