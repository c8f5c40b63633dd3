"""What the rules cost: CPU seconds of each part of a built tick, with and without them.

    python -m benchmarks.rules [--size 5000x1000] [--runs 7] [--json]

The batch shows every rule at once (`scenarios/ruled_batch.py`). Parts are timed where
`build_problem` calls them, inner parts where their part does; each figure is the least of the
runs, since other processes only add. The share of a group of rules is what the build saves
without it. CPU seconds count all threads of Polars, so that they may exceed those of the wall.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from time import perf_counter, process_time
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.stages import Size
from models import batch_problem, eligibility, gain
from models.batch import Batch
from models.policy import Policy
from models.solution import SolveOptions
from scenarios.ruled_batch import ALL_RULES, RuleGroup, ruled_batch
from solver.solve import solve_alone

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)
GOAL_S = 0.3

Path = tuple[str, ...]

WHOLE = "whole build"
PARTS: tuple[tuple[ModuleType, str, str], ...] = (
    (batch_problem, "build_hours", "hours"),
    (batch_problem, "build_agent_state", "agents"),
    (batch_problem, "build_overflow", "overflow"),
    (batch_problem, "build_members", "contacts"),
    (batch_problem, "build_asked", "asked"),
    (batch_problem, "build_splits", "splits"),
    (batch_problem, "build_conversations", "conversations"),
    (batch_problem, "build_skill_levels", "skills"),
    (batch_problem, "build_eligibility", "eligibility"),
    (eligibility, "access_outcome", "access rules"),
    (eligibility, "outcome_of", "skill rules"),
    (eligibility, "room_outcome", "room rules"),
    (eligibility, "draining_agents", "draining"),
    (batch_problem, "build_held_by_party", "parties"),
    (batch_problem, "build_declines", "declines"),
    (batch_problem, "locked_to", "locks"),
    (batch_problem, "reserved_for", "reservations"),
    (batch_problem, "build_gain", "gain"),
    (gain, "build_stakes", "stakes"),
    (gain, "delay_if_skipped", "delay"),
    (gain, "value_at_risk", "value_at_risk"),
    (gain, "priority", "priority"),
    (gain, "stickiness", "stickiness"),
    (batch_problem, "build_room", "mixes"),
    (batch_problem, "build_wishes", "wishes"),
    (batch_problem, "AssignmentProblem", "checks"),
)
"""Where each part is called, by which name, and how it is printed."""

ELIGIBILITY = (
    "asked",
    "splits",
    "skills",
    "eligibility",
    "parties",
    "declines",
    "locks",
    "reservations",
)
GOAL = (*ELIGIBILITY, "gain", "mixes")
"""Parts of the goal: who may serve whom, what pairs are worth, what fits together."""


@dataclass
class Stopwatch:
    """CPU and wall seconds by the path of parts that were running."""

    cpu_s: dict[Path, float] = field(default_factory=dict)
    wall_s: dict[Path, float] = field(default_factory=dict)
    running: Path = ()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Times what happens inside as a part of whatever runs already."""
        path = self.running = (*self.running, name)
        cpu, wall = process_time(), perf_counter()
        try:
            yield
        finally:
            self.cpu_s[path] = self.cpu_s.get(path, 0.0) + process_time() - cpu
            self.wall_s[path] = self.wall_s.get(path, 0.0) + perf_counter() - wall
            self.running = path[:-1]

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, timed as a part."""

        @wraps(call, updated=())
        def watched(*given: object, **named: object) -> object:
            with self.part(name):
                return call(*given, **named)

        return watched


@contextmanager
def watched_parts(stopwatch: Stopwatch) -> Iterator[None]:
    """Every part and term is timed while this lasts."""
    plain = [(module, name, getattr(module, name)) for module, name, _ in PARTS]
    terms = gain.RATED_TERMS
    for (module, name, call), (*_, printed) in zip(plain, PARTS, strict=True):
        setattr(module, name, stopwatch.timed(printed, call))
    watched_terms = tuple((term, stopwatch.timed(term.value, rated)) for term, rated in terms)
    setattr(gain, "RATED_TERMS", watched_terms)  # noqa: B010
    try:
        yield
    finally:
        for module, name, call in plain:
            setattr(module, name, call)
        setattr(gain, "RATED_TERMS", terms)  # noqa: B010


@dataclass(frozen=True)
class Measured:
    """Least seconds of the runs by path, with what was built."""

    cpu_s: dict[Path, float]
    wall_s: dict[Path, float]
    num_classes: int
    num_pairs: int

    def goal_s(self, seconds: dict[Path, float]) -> float:
        """Seconds of eligibility, gain and mixes together."""
        return sum(seconds.get((WHOLE, name), 0.0) for name in GOAL)


class Case:
    """A batch that is built again and again."""

    def __init__(self, batch: Batch, policy: Policy) -> None:
        self.batch, self.policy = batch, policy
        self.stated = batch_problem.build_problem(batch, policy)
        greedy = SolveOptions(backend="greedy")
        self.solution = solve_alone(self.stated.problem, greedy, None)
        self.runs: list[Stopwatch] = []

    def run(self) -> None:
        """Builds the batch once more, and explains a plan of it."""
        stopwatch = Stopwatch()
        with watched_parts(stopwatch), stopwatch.part(WHOLE):
            batch_problem.build_problem(self.batch, self.policy)
        with stopwatch.part("explanations"):
            self.stated.to_plan(self.solution)
        self.runs.append(stopwatch)

    def measured(self) -> Measured:
        """The least of the runs so far."""
        paths = self.runs[0].cpu_s
        return Measured(
            cpu_s={path: min(run.cpu_s[path] for run in self.runs) for path in paths},
            wall_s={path: min(run.wall_s[path] for run in self.runs) for path in paths},
            num_classes=len(self.stated.conversations.classes),
            num_pairs=len(self.stated.problem.pairs),
        )


def measure(size: Size, num_runs: int) -> tuple[Measured, Measured, dict[RuleGroup, Measured]]:
    """The batch with all rules, with none, and with all but one group, run in turns: what else
    the machine does meanwhile then concerns all of them alike.
    """

    def case(*rules: RuleGroup) -> Case:
        return Case(*ruled_batch(1, size.num_contacts, size.num_agents, NOW, rules))

    ruled, plain = case(*ALL_RULES), case()
    without = {
        group: case(*(other for other in ALL_RULES if other is not group)) for group in ALL_RULES
    }
    for _ in range(num_runs):
        for each in (ruled, plain, *without.values()):
            each.run()
    return (
        ruled.measured(),
        plain.measured(),
        {group: found.measured() for group, found in without.items()},
    )


def main() -> None:
    """Print both tables, or one JSON line per measured batch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="5000x1000")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    ruled, plain, without = measure(Size.parse(given.size), given.runs)
    if given.json:
        named = [(f"without {group.value}", found) for group, found in without.items()]
        for name, found in [("ruled", ruled), ("plain", plain), *named]:
            sys.stdout.write(json.dumps({"batch": name, **_as_json(found)}) + "\n")
        return
    _print(given.size, ruled, plain, without)


def _as_json(found: Measured) -> dict[str, object]:
    return {
        "num_classes": found.num_classes,
        "num_pairs": found.num_pairs,
        "goal_cpu_s": round(found.goal_s(found.cpu_s), 4),
        "goal_wall_s": round(found.goal_s(found.wall_s), 4),
        "cpu_s": {" / ".join(path): round(second, 4) for path, second in found.cpu_s.items()},
        "wall_s": {" / ".join(path): round(second, 4) for path, second in found.wall_s.items()},
    }


def _print(
    size: str, ruled: Measured, plain: Measured, without: dict[RuleGroup, Measured]
) -> None:
    console = Console(width=100)
    table = Table(title=f"Milliseconds of each part, {size}", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("CPU, rules", "CPU, none", "wall, rules", "wall, none"):
        table.add_column(heading, justify="right")
    sides = (ruled.cpu_s, plain.cpu_s, ruled.wall_s, plain.wall_s)
    for path in _in_order(list(ruled.cpu_s)):
        cells = (f"{1000 * side.get(path, 0.0):.1f}" for side in sides)
        table.add_row("  " * (len(path) - 1) + path[-1], *cells)
    table.add_section()
    goals = [found.goal_s(side) for found, side in zip((ruled, plain) * 2, sides, strict=True)]
    table.add_row("eligibility + gain + mixes", *(f"{1000 * goal:.1f}" for goal in goals))
    table.add_row("classes, eligible pairs", *(_counts(found) for found in (ruled, plain)))
    console.print(table)
    shares = Table(title="Without one group of rules, CPU milliseconds", title_justify="left")
    for heading in ("", "eligibility + gain + mixes", "saves", WHOLE, "saves"):
        shares.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    whole, goal = ruled.cpu_s[(WHOLE,)], ruled.goal_s(ruled.cpu_s)
    for group, found in without.items():
        pair = (goal, found.goal_s(found.cpu_s)), (whole, found.cpu_s[(WHOLE,)])
        cells = (f"{1000 * s:.1f}" for all_s, less_s in pair for s in (less_s, all_s - less_s))
        shares.add_row(group.value, *cells)
    console.print(shares)
    verdict = "met" if goal < GOAL_S else "missed"
    console.print(f"goal: {1000 * goal:.0f} ms of CPU, limit {1000 * GOAL_S:.0f} ms: {verdict}")


def _in_order(paths: list[Path]) -> list[Path]:
    """Parts before their inner parts, otherwise as they ended."""
    inner: dict[Path, list[Path]] = {
        path: [other for other in paths if other[:-1] == path] for path in ((), *paths)
    }

    def below(path: Path) -> Iterator[Path]:
        for part in inner[path]:
            yield part
            yield from below(part)

    return list(below(()))


def _counts(found: Measured) -> str:
    return f"{found.num_classes:,}, {found.num_pairs:,}"


if __name__ == "__main__":
    main()
