"""The goals of the engine's benchmark, and which of them the rows of a run meet.

Seconds are judged on the wall, run by run. Where the machine was busy with something else, CPU
time tells more; a goal that is met in CPU time only says so. Goals relative to OR-Tools' flow
over all pairs compare with its time on the same instance in the same run.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from math import inf, log

from rich.table import Table

from benchmarks.engine_instances import Form, Structure
from benchmarks.engine_runs import EXACT, OURS, Case, Kind, Row, Start, Tick

FLOW = "ortools_flow"


class Unit(StrEnum):
    """What is measured."""

    SECONDS = "s"
    OF_FLOW = "of the flow's time"
    OF_RATE = "of the time with one rate"
    MB = "MB"
    POWER = "power of the pairs"


class Verdict(StrEnum):
    """How a goal ended."""

    MET = "met"
    IN_CPU_TIME = "met in CPU time"
    MISSED = "missed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Goal:
    """What is asked of every run of one size, target and start."""

    kind: Kind
    size: str
    target: float
    start: Start
    limit: float
    unit: Unit

    @property
    def name(self) -> str:
        """As a heading."""
        asked = "exact" if self.target == EXACT else f"{self.target:.1%}"
        return f"{self.kind} {self.size} {asked}, {self.start}"


GOALS = (
    Goal(Kind.NETWORK, "M", EXACT, Start.COLD, 1.0, Unit.OF_FLOW),
    Goal(Kind.NETWORK, "L", EXACT, Start.COLD, 1 / 5, Unit.OF_FLOW),
    Goal(Kind.NETWORK, "L", 1e-3, Start.COLD, 1 / 20, Unit.OF_FLOW),
    Goal(Kind.NETWORK, "L", 1e-3, Start.WARM, 1 / 40, Unit.OF_FLOW),
    Goal(Kind.NETWORK, "XL", EXACT, Start.COLD, 8.0, Unit.SECONDS),
    Goal(Kind.NETWORK, "XL", 1e-3, Start.COLD, 3.0, Unit.SECONDS),
    Goal(Kind.NETWORK, "XL", 1e-3, Start.WARM, 1.5, Unit.SECONDS),
    Goal(Kind.MIXED, "S", 1e-3, Start.COLD, 0.5, Unit.SECONDS),
    Goal(Kind.MIXED, "S", EXACT, Start.COLD, 15.0, Unit.SECONDS),
    Goal(Kind.MIXED, "M", 1e-3, Start.COLD, 2.0, Unit.SECONDS),
    Goal(Kind.MIXED, "L", 1e-3, Start.COLD, 20.0, Unit.SECONDS),
    Goal(Kind.MIXED, "XL", 5e-3, Start.COLD, 60.0, Unit.SECONDS),
)
"""With one rate per class; with the full gain, twice the time is allowed."""

FULL = 2.0
MOST_MB = 500.0
"""Above the instance, of a network of any size."""

MOST_POWER = 1.1
"""Seconds from M to XL may grow as the pairs to this power: close to linear."""


@dataclass(frozen=True)
class Finding:
    """A goal and what was measured in each run; infinite where the gap was not reached."""

    goal: str
    form: Form
    structure: Structure
    unit: Unit
    limit: float
    measured: tuple[float, ...]
    """On the wall."""
    in_cpu_time: tuple[float, ...]

    @property
    def verdict(self) -> Verdict:
        """Met if it is in every run."""
        if not self.measured:
            return Verdict.NOT_RUN
        if max(self.measured) <= self.limit:
            return Verdict.MET
        return Verdict.IN_CPU_TIME if max(self.in_cpu_time) <= self.limit else Verdict.MISSED


def judge(rows: Sequence[Row]) -> list[Finding]:
    """Every goal on every form and structure that was run."""
    rows = [row for row in rows if row.failed is None]
    found: list[Finding] = []
    seen = {(row.case.form, row.case.structure) for row in rows if row.method == OURS}
    for form, structure in product(Form, Structure):
        if (form, structure) in seen:
            here = [
                row for row in rows if (row.case.form, row.case.structure) == (form, structure)
            ]
            found += _judge_one_form(here, form, structure)
            if form is Form.FULL:
                found += _against_one_rate(rows, structure)
    return [one for one in found if one.measured or one.structure is Structure.PLAIN]


def _judge_one_form(rows: Sequence[Row], form: Form, structure: Structure) -> Iterator[Finding]:
    allowed = FULL if form is Form.FULL else 1.0
    flow = {row.case: row for row in rows if row.method == FLOW}
    for goal in GOALS:
        mine = [row for row in rows if _is_about(row, goal)]
        if goal.unit is Unit.OF_FLOW:
            mine = [row for row in mine if row.case in flow]
        pairs = [_times(row, goal, flow.get(row.case)) for row in mine]
        yield _finding(goal.name, form, structure, goal.unit, goal.limit * allowed, pairs)
    ours = [row for row in rows if row.method == OURS and row.case.kind is Kind.NETWORK]
    largest = [(row.peak_mb or 0.0,) * 2 for row in ours]
    yield _finding("network memory", form, structure, Unit.MB, MOST_MB, largest)
    for target, name in ((EXACT, "exact"), (1e-3, "0.1%")):
        powers = list(_powers(ours, target))
        heading = f"network M to XL {name}, cold"
        yield _finding(heading, form, structure, Unit.POWER, MOST_POWER, powers)


def _is_about(row: Row, goal: Goal) -> bool:
    asked = (goal.kind, goal.size, goal.target, goal.start)
    return row.method == OURS and asked == (row.case.kind, row.case.size, row.target, row.start)


def _times(row: Row, goal: Goal, flow: Row | None) -> tuple[float, float]:
    """On the wall and of the CPU, in the goal's unit; infinite if the gap was not reached."""
    if row.gap is None or row.gap > goal.target or not row.certified:
        return inf, inf
    if goal.unit is Unit.OF_FLOW and flow is not None:
        return _ratio(row, flow)
    return row.seconds or 0.0, row.cpu_s or 0.0


def _ratio(row: Row, other: Row) -> tuple[float, float]:
    return (row.seconds or 0.0) / (other.seconds or inf), (row.cpu_s or 0.0) / (other.cpu_s or inf)


def _against_one_rate(rows: Sequence[Row], structure: Structure) -> Iterator[Finding]:
    """The time with the full gain over that with one rate, run by run."""
    ours = [row for row in rows if row.method == OURS and row.case.structure is structure]
    one_rate = {(row.case, row.start, row.target): row for row in ours}
    for kind, start in product(Kind, Start):
        ratios = []
        for row in ours:
            if (row.case.form, row.case.kind, row.start) == (Form.FULL, kind, start):
                key = (replace(row.case, form=Form.RATE), start, row.target)
                if key in one_rate:
                    ratios.append(_ratio(row, one_rate[key]))
        name = f"{kind}, any size and target, {start}"
        yield _finding(name, Form.FULL, structure, Unit.OF_RATE, FULL, ratios)


def _powers(ours: Sequence[Row], target: float) -> Iterator[tuple[float, float]]:
    """By which power of the pairs the time grows from M to XL, on each seed."""

    def of(size: str) -> dict[Case, Row]:
        return {
            replace(row.case, size="M"): row
            for row in ours
            if (row.case.size, row.target, row.start, row.case.tick)
            == (size, target, Start.COLD, Tick.COLD)
        }

    small, large = of("M"), of("XL")
    for case in sorted(small.keys() & large.keys(), key=str):
        first, last = small[case], large[case]
        grown = log(last.num_pairs / first.num_pairs)
        wall, cpu = _ratio(last, first)
        yield log(wall) / grown, log(cpu) / grown


def _finding(
    goal: str,
    form: Form,
    structure: Structure,
    unit: Unit,
    limit: float,
    measured: Sequence[tuple[float, float]],
) -> Finding:
    wall, cpu = tuple(one[0] for one in measured), tuple(one[1] for one in measured)
    return Finding(goal, form, structure, unit, limit, wall, cpu)


def table_of(findings: Sequence[Finding]) -> Table:
    """One line for each goal that was looked at."""
    table = Table(title="Goals: on the wall / in CPU time, worst and median of all runs")
    for head in ("goal", "form", "structure", "unit"):
        table.add_column(head)
    for head in ("target", "worst", "median", "runs within", "verdict"):
        table.add_column(head, justify="right")
    for one in findings:
        if not one.measured:
            continue
        within = sum(value <= one.limit for value in one.measured)
        table.add_row(
            one.goal,
            one.form,
            one.structure,
            one.unit,
            f"{one.limit:.3g}",
            _both(max, one),
            _both(_median, one),
            f"{within} of {len(one.measured)}",
            one.verdict,
        )
    return table


def _both(choose: Callable[[Sequence[float]], float], one: Finding) -> str:
    return " / ".join(
        "not reached" if value == inf else f"{value:.3g}"
        for value in (choose(one.measured), choose(one.in_cpu_time))
    )


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
