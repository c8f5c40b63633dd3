"""Our staffing of one skill beside pyworkforce's Erlang C: does the target hold, at what cost?

    python -m benchmarks.staffing [--days 40] [--only flat] [--json]

plans 80 % within 20 s for calls of 5 minutes at several loads and shapes of the day, for customers
who never leave (the world of Erlang C) and for customers who do. pyworkforce plans each half hour
by itself from its rate; ours is planned by simulation. Both are simulated on the same fresh days,
which neither was planned on. The exit code is 1 if ours breaks the promise on fresh days, or costs
more than pyworkforce's where that keeps it.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl
from pyworkforce.queuing import ErlangC  # type: ignore[import-untyped]
from rich.console import Console
from rich.table import Table

from models.problem import Floats, Ints
from scenarios.lab.centre import ContactClasses, LabCentre
from scenarios.planning.groups import group_agents, staffed
from scenarios.planning.service import Days, Scope, Targets
from scenarios.planning.staffing import Effort, StaffingCase, plan_staffing
from scenarios.planning.verify import DAY, Verdict, Verification, verify

HANDLE_S = 300.0
TARGET_S = 20.0
LEVEL = 0.8
INTERVAL_S = 1800.0
INTERVALS = 8
EXPONENTIAL_SIGMA = float(np.sqrt(np.log(2)))
"""Lognormal with the coefficient of variation 1 of exponential handling times."""


@dataclass(frozen=True)
class Case:
    """One queue on one day."""

    name: str
    traffic: float
    """Mean erlang of the day."""
    swing: float
    """Of the rate, up and down over the day; 0: constant."""
    patience_s: float
    scope: Scope
    tick_s: float = 0.0


@dataclass(frozen=True)
class Line:
    """Both plans of a case, on the same fresh days."""

    case: str
    erlang_hours: float
    our_hours: float
    erlang_level: float
    our_level: float
    erlang_worst: float
    """Service level of the worst interval."""
    our_worst: float
    ours_holds: bool
    erlang_holds: bool
    erlang_verdict: str
    our_verdict: str

    @property
    def is_good(self) -> bool:
        """Ours keeps the promise, and costs no more than a plan of Erlang C that keeps it, too."""
        is_cheap = self.our_hours <= self.erlang_hours + 1e-9
        return self.ours_holds and (is_cheap or self.erlang_verdict == Verdict.MISSED)


CASES = (
    Case("5 erlang, flat", 5.0, 0.0, np.inf, Scope.DAY),
    Case("20 erlang, flat", 20.0, 0.0, np.inf, Scope.DAY),
    Case("5 erlang, wave", 5.0, 0.4, np.inf, Scope.DAY),
    Case("20 erlang, wave", 20.0, 0.4, np.inf, Scope.DAY),
    Case("60 erlang, wave", 60.0, 0.4, np.inf, Scope.DAY),
    Case("20 erlang, wave, every half hour", 20.0, 0.4, np.inf, Scope.INTERVAL),
    Case("20 erlang, wave, patience 3 min", 20.0, 0.4, 180.0, Scope.DAY),
    Case("20 erlang, wave, patience 3 min, every half hour", 20.0, 0.4, 180.0, Scope.INTERVAL),
    Case("20 erlang, wave, patience 3 min, tick 5 s", 20.0, 0.4, 180.0, Scope.DAY, 5.0),
)


def main() -> int:
    """Print the table or JSON; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--days", type=int, default=40, help="of planning; five times as many verify"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    console = Console(stderr=True)
    lines = []
    for case in (one for one in CASES if options.only in one.name):
        with console.status(case.name):
            lines.append(compare(case, options.days))
        console.print(f"{'good' if lines[-1].is_good else 'NOT good'}: {lines[-1]}")
    if options.json:
        sys.stdout.write(json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    else:
        show(lines)
    return 0 if all(line.is_good for line in lines) else 1


def compare(case: Case, days: int) -> Line:
    """Plan both, and simulate both on days that our planning never saw."""
    centre = one_queue(case)
    groups = group_agents(centre).groups
    targets = Targets(np.array([LEVEL]), np.array([np.nan]), case.scope)
    planned = StaffingCase(centre, groups, np.ones(1), targets, policy="fifo")
    effort = Effort(planning_days=days, verification_days=5 * days)
    plan = plan_staffing(planned, effort)
    theirs = erlang_heads(case)
    fresh = Days(centre, plan.verification.seeds)
    erlang = verify(staffed(centre, groups, theirs), fresh, targets, "fifo", ())
    ours = plan.verification
    return Line(
        case=case.name,
        erlang_hours=planned.cost(theirs),
        our_hours=plan.cost,
        erlang_level=level_of_day(erlang),
        our_level=level_of_day(ours),
        erlang_worst=worst_interval(erlang),
        our_worst=worst_interval(ours),
        erlang_holds=erlang.holds,
        ours_holds=ours.holds,
        erlang_verdict=str(worst_verdict(erlang)),
        our_verdict=str(worst_verdict(ours)),
    )


def one_queue(case: Case) -> LabCentre:
    """Calls of one class and agents who are all alike; nothing about days is uncertain."""
    one = np.ones(1)
    classes = ContactClasses(
        names=("calls",),
        channel=np.zeros(1, dtype=np.int64),
        rate=(traffic_of(case) / HANDLE_S)[None, :],
        value_mean=one,
        value_sigma=0 * one,
        loss_share=0 * one,
        waiting_cost=0 * one,
        patience_s=case.patience_s * one,
        target_s=TARGET_S * one,
        wrap_up_share=0 * one,
    )
    return LabCentre(
        name=case.name,
        classes=classes,
        p=np.ones((1, 1)),
        h=np.full((1, 1), HANDLE_S),
        eligible=np.ones((1, 1), dtype=bool),
        shift_from_s=np.zeros(1),
        shift_until_s=np.full(1, np.inf),
        horizon_s=INTERVALS * INTERVAL_S,
        interval_s=INTERVAL_S,
        tick_s=case.tick_s,
        handle_sigma=EXPONENTIAL_SIGMA,
    )


def traffic_of(case: Case) -> Floats:
    """(T,) erlang."""
    middle = (np.arange(INTERVALS) + 0.5) / INTERVALS
    traffic: Floats = case.traffic * (1 + case.swing * np.sin(2 * np.pi * middle))
    return traffic


def erlang_heads(case: Case) -> Ints:
    """(T, 1) positions that pyworkforce asks for, interval by interval."""
    heads = []
    for traffic in traffic_of(case).tolist():
        calls = traffic * INTERVAL_S / HANDLE_S
        queue = ErlangC(
            transactions=calls, aht=HANDLE_S / 60, asa=TARGET_S / 60, interval=INTERVAL_S / 60
        )
        heads.append([queue.required_positions(service_level=LEVEL)["raw_positions"]])
    return np.array(heads, dtype=np.int64)


def level_of_day(verification: Verification) -> float:
    """Service level over all intervals."""
    rows = verification.rows.filter(interval=DAY)
    return float(rows["share"].item())


def worst_interval(verification: Verification) -> float:
    """Lowest service level of an interval."""
    rows = verification.rows.filter(pl.col("interval") >= 0)
    return float(rows["share"].to_numpy().min())


def worst_verdict(verification: Verification) -> Verdict:
    """Of all promises."""
    found = set(verification.promised["verdict"].to_list())
    return next(verdict for verdict in reversed(Verdict) if verdict in found)


def show(lines: list[Line]) -> None:
    """The table for people."""
    table = Table(title=f"{LEVEL:.0%} within {TARGET_S:g} s, calls of {HANDLE_S:g} s")
    names = (
        "case",
        "hours: Erlang C",
        "ours",
        "in time: Erlang C",
        "ours",
        "worst half hour: Erlang C",
        "ours",
        "promise: Erlang C",
        "ours",
    )
    for place, name in enumerate(names):
        table.add_column(name, justify="left" if place in {0, 7, 8} else "right")
    for line in lines:
        table.add_row(
            line.case,
            f"{line.erlang_hours:.1f}",
            f"{line.our_hours:.1f}",
            f"{line.erlang_level:.1%}",
            f"{line.our_level:.1%}",
            f"{line.erlang_worst:.1%}",
            f"{line.our_worst:.1%}",
            line.erlang_verdict,
            line.our_verdict,
        )
    Console(width=160).print(table)


if __name__ == "__main__":
    sys.exit(main())
