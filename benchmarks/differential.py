"""Every backend against enumeration, against each other, and the checker against both.

    python -m benchmarks.differential [--small 10000] [--medium 500] [--seed 0] [--processes 2]
        [--families slots,network,mixes,units] [--backends greedy,flow,...] [--json FILE]

Small: random problems of up to 9 contacts and 5 agents, as many as told, spread over the
families; the optimum is known from a table over all assignments. A backend that proves optima must
equal it, every other one must enclose it between gain and bound. Medium: up to 400 contacts and
100 agents of all structures of the engine's benchmark; the auction must agree with OR-Tools' flow,
and on every tenth of them, given lanes and sites, PuLP's linear programme with the flow; beside
every tenth stands one with mixed channels, solved twice, of which no plan may exceed a bound. The
certificate of every solution must be accepted, and every corruption of it rejected.

Prints counts, and every disagreement with what makes it again; exits with 1 if there is one.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import cast

import numpy as np
from rich.console import Console
from rich.progress import Progress

from benchmarks.corruptions import corruptions
from benchmarks.engine_instances import Form, Size, Structure, build_instance
from benchmarks.mixed_instances import build_mixed
from benchmarks.small_instances import Family, best_gain, draw_problem
from models.certificate import Names, certify
from models.check_certificate import check
from models.feasibility import violations
from models.problem import NOBODY, AssignmentProblem
from models.solution import Solution, SolveOptions, Termination
from solver.backend import Backend
from solver.backends import auction, flow, lp, mixes

OPTIONS = SolveOptions(deadline_s=60.0)

EXACT: dict[Family, tuple[str, ...]] = {
    Family.SLOTS: ("flow", "auction", "auto"),
    Family.NETWORK: ("flow", "auto"),
    Family.MIXES: (),
    Family.UNITS: (),
}
"""Backends that must give the optimum with its proof."""

ENCLOSING: dict[Family, tuple[str, ...]] = {
    Family.SLOTS: ("greedy",),
    Family.NETWORK: ("greedy",),
    Family.MIXES: ("greedy", "auto", "mixes"),
    Family.UNITS: ("greedy", "auto", "units"),
}
"""Backends whose gain and bound must have the optimum between them."""

BACKENDS = "greedy,flow,auction,auto,mixes,units"
"""Names of all that are tried; those that this release does not have are told."""

AT_ONCE = 50
"""Seeds that a process takes at once."""

EVERY_TENTH = 10


@dataclass(frozen=True)
class Part:
    """Some seeds of one family, or of the medium problems where it is None."""

    family: Family | None
    seeds: range
    backends: tuple[str, ...] = ()
    """Names to use of those that the family has."""


@dataclass
class Tally:
    """What was found."""

    solved: Counter[str] = field(default_factory=Counter)
    """Solutions by family and backend."""
    optimal: Counter[str] = field(default_factory=Counter)
    """Those of them with the best gain there is."""
    proven: Counter[str] = field(default_factory=Counter)
    """Those of them that prove it."""
    accepted: Counter[str] = field(default_factory=Counter)
    """Certificates of them that the checker accepts."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Corrupted certificates that it rejects, by kind."""
    wrong: list[str] = field(default_factory=list)
    """Every disagreement, with the call that makes its problem again."""

    def add(self, other: "Tally") -> None:
        """Take in what another process found."""
        for counts in ("solved", "optimal", "proven", "accepted", "rejected"):
            getattr(self, counts).update(getattr(other, counts))
        self.wrong += other.wrong


def main(arguments: list[str]) -> int:
    """Run everything, print what was found, 1 if anything disagrees."""
    given = _parser().parse_args(arguments)
    families = [Family(name) for name in given.families.split(",")]
    begun = perf_counter()
    tally = Tally()
    backends = tuple(name for name in given.backends.split(",") if _backend(name) is not None)
    parts = list(split(families, backends, given.small, given.medium, given.seed))
    with (
        Progress(console=Console(stderr=True)) as progress,
        ProcessPoolExecutor(given.processes) as processes,
    ):
        bar = progress.add_task("problems", total=sum(len(part.seeds) for part in parts))
        waiting = {processes.submit(run, part): part for part in parts}
        for done in as_completed(waiting):
            tally.add(done.result())
            progress.advance(bar, len(waiting[done].seeds))
    told = vars(tally) | {
        "small": given.small,
        "medium": given.medium,
        "families": families,
        "not_there": sorted(set(given.backends.split(",")) - set(backends)),
        "seconds": round(perf_counter() - begun, 1),
    }
    text = json.dumps(told, indent=2, sort_keys=True)
    print(text)
    if given.json:
        Path(given.json).write_text(text + "\n", encoding="utf-8")
    return 1 if tally.wrong else 0


def split(
    families: Sequence[Family], backends: tuple[str, ...], small: int, medium: int, seed: int
) -> Iterator[Part]:
    """The parts of a run: `small` problems spread evenly over the families, then the medium."""
    for number, family in enumerate(families):
        count = (small + number) // len(families)
        for first in range(0, count, AT_ONCE):
            yield Part(family, range(seed + first, seed + min(first + AT_ONCE, count)), backends)
    for first in range(0, medium, EVERY_TENTH):
        yield Part(None, range(seed + first, seed + min(first + EVERY_TENTH, medium)))


def run(part: Part) -> Tally:
    """What the problems of a part show."""
    tally = Tally()
    for seed in part.seeds:
        if part.family is None:
            run_medium(seed, tally)
        else:
            run_small(part.family, seed, part.backends, tally)
    return tally


def run_small(family: Family, seed: int, backends: Sequence[str], tally: Tally) -> None:
    """One small problem: all these backends, and every corruption of the last of them."""
    problem, call = draw_problem(family, seed), f"draw_problem({family!s}, {seed})"
    best = best_gain(problem)
    last: Solution | None = None
    for name in (*ENCLOSING[family], *EXACT[family]):
        backend = _backend(name) if name in backends else None
        if backend is None:
            continue
        try:
            last = backend(problem, OPTIONS, None)
        except Exception as error:  # noqa: BLE001 - one failure more among those that are told
            tally.wrong.append(f"{call}: {name} raised {error!r}")
            continue
        _count(tally, f"{family} {name}", call, problem, last, best)
        if name in EXACT[family] and last.termination is not Termination.OPTIMAL:
            tally.wrong.append(f"{call}: {name} proves no optimum")
        if not last.gain <= best <= last.bound:
            tally.wrong.append(f"{call}: {name} {last.gain} to {last.bound}, optimum {best}")
    if last is not None:
        try_corruptions(problem, last, call, seed, tally)


def run_medium(seed: int, tally: Tally) -> None:
    """One medium problem: the auction and the flow; with lanes and sites PuLP and the flow."""
    problem, call = medium_problem(seed), f"medium_problem({seed})"
    cases: list[tuple[str, AssignmentProblem, str, Backend]] = [
        ("medium", problem, "auction", auction.solve)
    ]
    if seed % EVERY_TENTH == 0:
        stated = with_lanes_and_sites(problem, seed)
        cases.append(("medium with lanes and sites", stated, "lp", lp.solve))
    for kind, stated, other, second in cases:
        exact = flow.solve(stated, OPTIONS, None)
        again = second(stated, OPTIONS, None)
        for name, solution in (("flow", exact), (other, again)):
            _count(tally, f"{kind} {name}", call, stated, solution, exact.gain)
            if solution.gain != exact.gain or solution.termination is not Termination.OPTIMAL:
                tally.wrong.append(f"{call}: {kind}: {name} {solution.gain}, flow {exact.gain}")
        try_corruptions(stated, again, call, seed, tally)
    if seed % EVERY_TENTH == 1:
        run_medium_mixes(seed, tally)


def run_medium_mixes(seed: int, tally: Tally) -> None:
    """One medium problem with mixed channels, once to a gap and once to the end of what is tried.

    Nobody knows its optimum, but no plan of one run may exceed the bound of the other.
    """
    contacts = int(np.random.default_rng([seed, 5]).integers(60, 301))
    problem, call = build_mixed(seed, Size(contacts, contacts // 4)), f"medium mixes {seed}"
    near = mixes.solve(problem, replace(OPTIONS, gap_target=0.01), None)
    best = mixes.solve(problem, replace(OPTIONS, deadline_s=3.0), None)
    for name, solution in (("to 1 %", near), ("3 s", best)):
        _count(tally, f"medium mixes {name}", call, problem, solution, best.gain)
        try_corruptions(problem, solution, f"{call} {name}", seed, tally)
    if max(near.gain, best.gain) > min(near.bound, best.bound) or near.gap > 0.01:
        found = f"{near.gain} to {near.bound} and {best.gain} to {best.bound}"
        tally.wrong.append(f"{call}: {found}")


def medium_problem(seed: int) -> AssignmentProblem:
    """60 to 400 contacts, 15 to 100 agents, any structure and form, half with load costs."""
    draw = np.random.default_rng([seed, 3])
    contacts = int(draw.integers(60, 401))
    size = Size(contacts, max(15, contacts // 4))
    structure = list(Structure)[seed % len(Structure)]
    problem = build_instance(seed, size, list(Form)[seed // 2 % 2], structure)
    if seed % 4 < 2:
        return problem
    steps = np.sort(draw.integers(0, 20_000, (problem.num_agents, 3)), axis=1)
    return replace(problem, load_cost=steps)


def with_lanes_and_sites(problem: AssignmentProblem, seed: int) -> AssignmentProblem:
    """The problem with three lanes within each agent and three sites, some of which are full."""
    draw = np.random.default_rng([seed, 4])
    agents, cap = problem.num_agents, problem.agent_cap
    site = draw.integers(NOBODY, 3, agents).astype(np.int32)
    room = np.bincount(site + 1, cap, 4)[1:]
    return replace(
        problem,
        contact_lane=draw.integers(0, 3, problem.num_contacts).astype(np.int32),
        lane_cap=draw.integers(0, 3, (agents, 3)),
        agent_site=site,
        site_cap=(room * draw.uniform(0.2, 1.1, 3)).astype(np.int64),
    )


def try_corruptions(
    problem: AssignmentProblem, solution: Solution, call: str, seed: int, tally: Tally
) -> None:
    """Every kind of corruption of one certificate: the checker must find something."""
    honest = certify(problem, solution, _names(problem))
    with np.load(BytesIO(honest.to_bytes()), allow_pickle=False) as file:
        arrays = dict(file)
    for kind, corrupted in corruptions(honest, arrays, seed):
        if check(corrupted):
            tally.rejected[kind] += 1
        else:
            tally.wrong.append(f"{call}: {kind} of {solution.backend} is accepted")


def _count(
    tally: Tally, kind: str, call: str, problem: AssignmentProblem, solution: Solution, best: int
) -> None:
    tally.solved[kind] += 1
    tally.optimal[kind] += solution.gain == best
    tally.proven[kind] += solution.gain == solution.bound
    if broken := violations(problem, solution.agent):
        tally.wrong.append(f"{call}: {kind}: {'; '.join(broken)}")
    content = certify(problem, solution, _names(problem)).to_bytes()
    with np.load(BytesIO(content), allow_pickle=False) as file:
        found = check(file)
    tally.accepted[kind] += not found
    if found:
        tally.wrong.append(f"{call}: {kind}: rejected: {'; '.join(found)}")


def _backend(name: str) -> Backend | None:
    """The module of that name, or None if this release has none."""
    module = f"solver.backends.{name}"
    return cast(Backend, import_module(module).solve) if find_spec(module) else None


def _names(problem: AssignmentProblem) -> Names:
    """Numbers as ids."""
    return Names(
        datetime(2026, 11, 3, tzinfo=UTC),
        np.arange(problem.num_contacts).astype(np.str_),
        np.arange(problem.num_agents).astype(np.str_),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--medium", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--families", default=",".join(Family))
    parser.add_argument("--backends", default=BACKENDS)
    parser.add_argument("--json", default="")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
