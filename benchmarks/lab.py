"""A simulated day of 50,000 contacts and 1,000 agents, every tick decided by the product itself.

    python -m benchmarks.lab [--contacts 50000] [--agents 1000] [--load 0.95] [--profile 40]

One core: one thread for Polars, for Numba and for linear algebra, and one processor where the
system lets a process choose. Seconds on the wall and of the CPU stand side by side, for other work
on the machine lengthens both. `--profile N` runs the day under the profiler instead, and prints
the N functions with the most time of their own.
"""

import argparse
import cProfile
import os
import pstats
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter, process_time

import numpy as np
from rich.console import Console
from rich.table import Table

from scenarios.lab.centre import LabCentre
from scenarios.lab.day import Day, draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.families import TUNING_STRUCTURES, Family, build_centre
from scenarios.lab.floor import Floor
from scenarios.lab.real_tick import RealTick
from scenarios.lab.router import Decision, Router
from scenarios.lab.rules.myopic import MyopicBatch
from scenarios.lab.value import value_of

CONTACTS, AGENTS = 50_000, 1_000
GOAL_S = 180.0
SEED = 1
ONE_CORE = {
    "POLARS_MAX_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
TABLES = "tables"


@dataclass
class Stopwatch:
    """Seconds by stage, on the wall and of the CPU."""

    wall_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    cpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Adds to the stage what passes inside."""
        wall_s, cpu_s = perf_counter(), process_time()
        yield
        self.wall_s[stage] += perf_counter() - wall_s
        self.cpu_s[stage] += process_time() - cpu_s


@dataclass
class Timed:
    """A router, timed, with the number of its ticks."""

    router: Router
    watch: Stopwatch
    num_ticks: int = 0

    def decide(self, floor: Floor) -> Decision:
        """As the router decides."""
        self.num_ticks += 1
        with self.watch.time("router"):
            return self.router.decide(floor)


def long_day(agents: int, contacts: int, load: float) -> LabCentre:
    """A large centre with so many agents, and a day so long that about so many contacts come."""
    large = build_centre(Family.LARGE, TUNING_STRUCTURES[0], load)
    who = np.arange(agents) % large.num_agents
    rate = large.classes.rate * (agents / large.num_agents)
    stretch = contacts / (rate.sum() * large.interval_s)
    horizon_s = large.horizon_s * stretch
    return replace(
        large,
        name=f"{agents:,} agents, about {contacts:,} contacts, load {load:g}",
        classes=replace(large.classes, rate=rate),
        p=large.p[:, who],
        h=large.h[:, who],
        eligible=large.eligible[:, who],
        shift_from_s=large.shift_from_s[who],
        shift_until_s=np.full(agents, horizon_s + large.overtime_s),
        horizon_s=horizon_s,
        interval_s=large.interval_s * stretch,
        # A busy or a quiet day would have other numbers.
        day_shape=np.inf,
    )


def run_day(centre: LabCentre, day: Day, name: str, router: Router, watch: Stopwatch) -> Table:
    """The day's stages as a table."""
    timed = Timed(router, watch)
    with watch.time("day"):
        events = simulate(centre, day, timed)
    stages = _stages(watch)
    title = (
        f"{name}: {events.visit.height:,} contacts, {timed.num_ticks:,} ticks,"
        f" worth {value_of(centre, events).total:,.0f}"
    )
    table = Table(title=title, title_justify="left")
    for column in ("", "wall, s", "CPU, s", "CPU per tick, ms"):
        table.add_column(column, justify="right" if column else "left")
    for stage, (wall_s, cpu_s) in stages.items():
        per_tick = f"{cpu_s / timed.num_ticks * 1e3:.2f}"
        table.add_row(stage, f"{wall_s:.1f}", f"{cpu_s:.1f}", per_tick)
    return table


def _stages(watch: Stopwatch) -> dict[str, tuple[float, float]]:
    """Seconds of the parts, of which some lie inside others, one after the other."""
    wall_s, cpu_s = dict(watch.wall_s), dict(watch.cpu_s)
    inside = [stage for stage in wall_s if stage not in {"day", "router"}]
    for seconds in (wall_s, cpu_s):
        seconds["engine"] = seconds["day"] - seconds["router"]
        if inside:
            seconds[TABLES] = seconds["router"] - sum(seconds[stage] for stage in inside)
    told = ["engine", *([TABLES, *inside] if inside else ["router"]), "day"]
    return {stage: (wall_s[stage], cpu_s[stage]) for stage in told}


def main() -> None:
    """Print the stages of the day with the product, and with an array router beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=CONTACTS)
    parser.add_argument("--agents", type=int, default=AGENTS)
    parser.add_argument("--load", type=float, default=0.95)
    parser.add_argument("--profile", type=int, default=0)
    given = parser.parse_args()
    centre = long_day(given.agents, given.contacts, given.load)
    day = draw_day(centre, SEED)
    # Compiled code is loaded, or compiled, once; that is no part of a day.
    warm = long_day(100, 100, given.load)
    simulate(warm, draw_day(warm, SEED), RealTick(warm))
    console = Console()
    console.print(centre.name)
    watch = Stopwatch()
    product = RealTick(centre, watch=lambda stage: watch.time(stage.value))
    if given.profile:
        profiler = cProfile.Profile()
        profiler.runcall(simulate, centre, day, product)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(given.profile)
        return
    console.print(run_day(centre, day, "The product", product, watch))
    console.print(run_day(centre, day, "Myopic batch on arrays", MyopicBatch(), Stopwatch()))
    if given.contacts < CONTACTS or given.agents < AGENTS:
        return
    for unit, took_s in (("wall", watch.wall_s["day"]), ("CPU", watch.cpu_s["day"])):
        verdict = "met" if took_s < GOAL_S else "missed"
        console.print(f"goal of {GOAL_S:.0f} s on one core, {unit}: {took_s:.0f} s, {verdict}")


if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in ONE_CORE.items()):
        # Libraries read these when they are loaded.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "benchmarks.lab", *sys.argv[1:]],
            os.environ | ONE_CORE,
        )
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    main()
