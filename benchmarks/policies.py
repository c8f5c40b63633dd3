"""All policies on all families: value against skills-based routing, captured share, abandonment.

    python -m benchmarks.policies --days 12 --out var/policies

Companies and days are the reporting ones; nothing was tuned on them. Every day is a file in a
folder of this version of the code, so a run that was stopped goes on where it was, and no table
mixes versions. Differences are paired: all policies meet the same customers with the same luck.
Intervals are 95 %, Student's t over days, which are dealt out to the companies in turn.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import polars as pl
from rich.console import Console
from rich.progress import track

from benchmarks.policies_table import BASE, print_cell, print_waterfall
from models.kpis import abandonment_rate, mean_answer_s, service_level
from scenarios.lab.beliefs import BeliefErrors
from scenarios.lab.centre import LabCentre
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.families import (
    LOADS,
    REPORTING_DAYS,
    REPORTING_STRUCTURES,
    TUNING_DAYS,
    TUNING_STRUCTURES,
    Family,
    Structure,
    build_centre,
)
from scenarios.lab.hindsight import bound_of_day
from scenarios.lab.own_policies import OURS, OwnSettings, Prices, ours_with_past
from scenarios.lab.past import Past, live_through
from scenarios.lab.policies import new_router
from scenarios.lab.router import Router
from scenarios.lab.value import value_of
from scenarios.study.runs import code_digest

GREEDY = ("fifo", "priority-any", "skills", "bullseye", "best-agent", "myopic")
WRONG = BeliefErrors(forecast=0.2)
OWN: MappingProxyType[str, OwnSettings] = MappingProxyType(
    {
        "ours": OURS,
        "ours, wrong forecast": replace(OURS, errors=WRONG),
        "ours, money only": replace(OURS, head_share=0.0, most_head_share=0.0, floor_p=0.0),
        "price paths": replace(OURS, prices=Prices.PATHS),
        "no prices": replace(OURS, prices=Prices.NONE),
    }
)
LEARNED = "ours, learned"
MAIN = ("ours", LEARNED, "ours, wrong forecast", "ours, money only")
ITERATIONS = 120


@dataclass(frozen=True)
class Cell:
    """One day of one company at one load."""

    family: Family
    load: float
    structure: Structure
    seed: int

    @property
    def name(self) -> str:
        """Of the file."""
        return f"{self.family}-{self.load:.2f}-{self.structure.name}-{self.seed}"


def cells(families: list[Family], loads: list[float], days: int, tuning: bool) -> Iterator[Cell]:
    """The days of every family and load, dealt out to the companies in turn."""
    structures = TUNING_STRUCTURES if tuning else REPORTING_STRUCTURES
    seeds = (TUNING_DAYS if tuning else REPORTING_DAYS)[:days]
    for family in families:
        for load in loads:
            for place, seed in enumerate(seeds):
                yield Cell(family, load, structures[place % len(structures)], seed)


def run_cell(cell: Cell, policies: tuple[str, ...], folder: Path) -> Path:
    """The file of the day's rows, one per policy; runs those that are not in it."""
    path = folder / f"{cell.name}.parquet"
    rows = pl.read_parquet(path) if path.exists() else None
    known = set() if rows is None else set(rows["policy"])
    missing = [policy for policy in policies if policy not in known]
    if not missing:
        return path
    centre = build_centre(cell.family, cell.structure, cell.load)
    day = draw_day(centre, cell.seed)
    bound = bound_of_day(centre, day, ITERATIONS) if rows is None else float(rows["bound"][0])
    frames = [] if rows is None else [rows]
    for policy in missing:
        begun = time.process_time()
        events = simulate(centre, day, router_of(policy, centre, cell))
        cpu_s = time.process_time() - begun
        frames.append(
            pl.DataFrame(
                {
                    "family": str(cell.family),
                    "load": cell.load,
                    "structure": cell.structure.name,
                    "day": cell.seed,
                    "policy": policy,
                    "bound": bound,
                    "value": value_of(centre, events).total,
                    "abandoned": abandonment_rate(events.visit),
                    "service_level": service_level(events.visit),
                    "mean_answer_s": mean_answer_s(events.visit),
                    "worst_class": worst_class(events.visit),
                    "cpu_s": cpu_s,
                }
            )
        )
    half = path.with_suffix(".part")
    pl.concat(frames).write_parquet(half)
    half.rename(path)
    return path


def worst_class(visit: pl.DataFrame) -> float:
    """Largest abandonment rate of a class with at least 20 visits."""
    shares = [
        abandonment_rate(rows) or 0.0
        for _, rows in visit.group_by("contact_class")
        if rows.height >= 20
    ]
    return max(shares, default=0.0)


def router_of(policy: str, centre: LabCentre, cell: Cell) -> Router:
    """A router for that day."""
    if policy in OWN:
        past = past_of(cell.family, cell.structure, cell.load)
        return ours_with_past(centre, cell.seed, past, OWN[policy], learned=False)
    if policy == LEARNED:
        past = past_of(cell.family, cell.structure, cell.load)
        return ours_with_past(centre, cell.seed, past, OURS, learned=True)
    return new_router(policy, centre, cell.seed)


@lru_cache(maxsize=2)
def past_of(family: Family, structure: Structure, load: float) -> Past:
    """Twenty days under skills-based routing."""
    return live_through(build_centre(family, structure, load))


def main() -> None:
    """Run what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", default=",".join(Family))
    parser.add_argument("--loads", default=",".join(str(load) for load in LOADS))
    parser.add_argument("--days", type=int, default=12)
    parser.add_argument("--policies", default=";".join([*GREEDY, *MAIN]))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tuning", action="store_true", help="companies and days for tuning")
    parser.add_argument("--out", type=Path, default=Path("var/policies"))
    given = parser.parse_args()
    policies = tuple(given.policies.split(";"))
    most = len(TUNING_DAYS if given.tuning else REPORTING_DAYS)
    if not 2 <= given.days <= most or BASE not in policies:
        parser.error(
            f"found {given.days} days, policies {', '.join(policies)}; expected 2 to {most} days,"
            f" and {BASE!r} among the policies: everything is compared with it"
        )
    folder = given.out / code_digest()
    folder.mkdir(parents=True, exist_ok=True)
    todo = list(
        cells(
            [Family(name) for name in given.families.split(",")],
            [float(load) for load in given.loads.split(",")],
            given.days,
            given.tuning,
        )
    )
    console = Console(width=150)
    # One thing at a time: a company's past is kept while its days come one after the other.
    todo.sort(key=lambda cell: (list(Family).index(cell.family), cell.load, cell.structure.seed))
    work: Callable[[Cell], Path] = _Work(policies, folder)
    with ProcessPoolExecutor(given.workers) as pool:
        paths = list(track(pool.map(work, todo), "days", len(todo), console=console))
    rows = pl.concat([pl.read_parquet(path) for path in paths])
    rows = rows.filter(pl.col("policy").is_in(policies))
    console.print(f"version {folder.name}: {folder}")
    for (family, load), cell in rows.group_by("family", "load", maintain_order=True):
        print_cell(console, f"{family}, load {load}", cell, policies)
        print_waterfall(console, cell)


@dataclass(frozen=True)
class _Work:
    policies: tuple[str, ...]
    folder: Path

    def __call__(self, cell: Cell) -> Path:
        return run_cell(cell, self.policies, self.folder)


if __name__ == "__main__":
    main()
