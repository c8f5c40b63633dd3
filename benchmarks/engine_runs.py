"""One method on one instance of the engine's benchmark: what it found, checked, and what it took.

Gain and every limit are worked out again from the plan, whoever made it. The certificate of our
own plans goes through the checker that knows nothing of the engine, which proves the bound over
all pairs. None of this is in the seconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from benchmarks.engine_instances import SIZES, Form, Structure, build_instance, next_tick
from benchmarks.engine_mixed_peers import MIXED_PEERS
from benchmarks.engine_peers import LIMIT_S, PEERS, Answer, Peer
from benchmarks.mixed_instances import build_mixed, new_contacts, next_mixed_tick
from models.certificate import Names, certify, read_arrays
from models.check_certificate import check
from models.feasibility import violations
from models.problem import NOBODY, AssignmentProblem, Positions
from models.solution import NO_RENT, Hint, Solution, SolveOptions, relative_gap
from solver.backends import auction, mixes
from solver.claim import entry_prices, gain_by_class, rents_by_class
from solver.form import count_pairs
from solver.rows import build_rows, restricted
from solver.solve import warm_up


class Kind(StrEnum):
    """What an agent can take at once."""

    NETWORK = "network"
    """Some contacts, all alike."""
    MIXED = "mixed"
    """Voice, chat and email of 100, 34 and 20 units."""


class Tick(StrEnum):
    """Which of two ticks."""

    COLD = "cold"
    NEXT = "next"
    """The tick after it."""


class Start(StrEnum):
    """What a method knows beforehand."""

    COLD = "cold"
    WARM = "warm"
    """What it found a tick ago."""


OURS = "engine"
EXACT = 0.0
NETWORK_TARGETS = (1e-3, 1e-4, EXACT)
MIXED_TARGETS = {"S": (1e-3, EXACT), "M": (1e-3,), "L": (1e-3,), "XL": (5e-3,)}


@dataclass(frozen=True)
class Case:
    """One instance."""

    kind: Kind
    size: str
    seed: int
    form: Form = Form.RATE
    structure: Structure = Structure.PLAIN
    tick: Tick = Tick.COLD

    def problem(self) -> AssignmentProblem:
        """The instance itself."""
        size = SIZES[self.size]
        if self.kind is Kind.MIXED:
            if self.tick is Tick.NEXT:
                return next_mixed_tick(self.seed, size, self.form, self.structure)
            return build_mixed(self.seed, size, self.form, structure=self.structure)
        make = build_instance if self.tick is Tick.COLD else next_tick
        return make(self.seed, size, self.form, self.structure)

    @property
    def peers(self) -> dict[str, Peer]:
        """What it can be compared with, by name."""
        return PEERS if self.kind is Kind.NETWORK else MIXED_PEERS

    @property
    def targets(self) -> tuple[float, ...]:
        """Gaps to which the engine solves it."""
        return NETWORK_TARGETS if self.kind is Kind.NETWORK else MIXED_TARGETS[self.size]

    @property
    def starts(self) -> tuple[Start, ...]:
        """How the engine starts on it; a network's next tick also cold, to see the difference."""
        if self.tick is Tick.COLD:
            return (Start.COLD,)
        return (Start.COLD, Start.WARM) if self.kind is Kind.NETWORK else (Start.WARM,)


@dataclass(frozen=True)
class Row:
    """One line of output; a method that gave no answer says why in `failed`."""

    case: Case
    method: str
    start: Start | None = None
    target: float | None = None
    """Gap at which the engine was asked to stop."""
    num_contacts: int = 0
    num_agents: int = 0
    num_pairs: int = 0
    gain: int | None = None
    bound: int | None = None
    gap: float | None = None
    seconds: float | None = None
    """On the wall."""
    cpu_s: float | None = None
    peak_mb: float | None = None
    """Above the instance."""
    termination: str | None = None
    limit: str | None = None
    proof: str | None = None
    certified: bool | None = None
    """Whether the independent checker accepts gain and bound; peers have no certificate."""
    failed: str | None = None


def measure(case: Case, method: str, deadline_s: float = LIMIT_S) -> Iterator[Row]:
    """The rows of one method; for the engine one per start and target."""
    problem = case.problem()
    warm_up("auto")
    if method != OURS:
        solve = case.peers[method].solve
        # Libraries are loaded and what is compiled is, before the clock runs.
        solve(_small(case))
        yield _timed(Row(case, method), problem, solve)
        return
    backend = auction if case.kind is Kind.NETWORK else mixes
    for start in case.starts:
        known: dict[float, Hint] = {}
        for target in case.targets:
            # The tick before was solved as closely; what the network's prices say, exactly.
            before = EXACT if case.kind is Kind.NETWORK else target
            options = SolveOptions(deadline_s=deadline_s, gap_target=before)
            if start is Start.WARM and before not in known:
                known[before] = last_tick(case, options)
            options = replace(options, gap_target=target)
            run = partial(backend.solve, options=options, hint=known.get(before))
            yield _timed(Row(case, OURS, start, target), problem, run)


def last_tick(case: Case, options: SolveOptions) -> Hint:
    """What the engine found on the tick before, in the positions of this one."""
    before = replace(case, tick=Tick.COLD).problem()
    if case.kind is Kind.NETWORK:
        return Hint(auction.solve(before, options, None).prices)
    solved = mixes.solve(before, options, None)
    new = new_contacts(case.seed, SIZES[case.size])
    assert solved.rents is not None, "a plan with mixes has rents"
    rents = solved.rents.copy()
    rents[new[new < len(rents)]] = NO_RENT
    return Hint(solved.prices, rents)


def checked_gain(problem: AssignmentProblem, agent: Positions) -> int:
    """Gain of an assignment, from the problem alone; AssertionError if a limit is exceeded."""
    served = np.flatnonzero(agent != NOBODY)
    chosen = restricted(problem, served, agent[served].astype(np.int64))
    broken = violations(chosen, agent)
    assert not broken, "; ".join(broken)
    return gain_by_class(problem, agent)


def status_mb(name: str) -> float:
    """A line of this process's memory, megabytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _small(case: Case) -> AssignmentProblem:
    size = replace(SIZES["S"], num_contacts=50)
    if case.kind is Kind.NETWORK:
        return build_instance(0, size)
    return build_mixed(0, size)


def _timed(
    row: Row, problem: AssignmentProblem, run: Callable[[AssignmentProblem], Answer | Solution]
) -> Row:
    problem = replace(problem)  # without the list of pairs that another method may have made
    resident = _reset_peak_mb()
    begun, worked = perf_counter(), process_time()
    answer = run(problem)
    seconds, cpu_s = perf_counter() - begun, process_time() - worked
    peak = status_mb("VmHWM") - resident
    gain = checked_gain(problem, answer.agent)
    row = replace(
        row,
        num_contacts=problem.num_contacts,
        num_agents=problem.num_agents,
        num_pairs=count_pairs(problem),
        gain=gain,
        bound=answer.bound,
        gap=None if answer.bound is None else relative_gap(gain, answer.bound),
        seconds=round(seconds, 4),
        cpu_s=round(cpu_s, 4),
        peak_mb=round(peak, 1),
        limit=answer.limit,
    )
    if not isinstance(answer, Solution):
        return row
    return replace(
        row,
        termination=answer.termination,
        proof=answer.proof,
        certified=_is_certified(problem, answer),
    )


def _is_certified(problem: AssignmentProblem, solution: Solution) -> bool:
    """Whether the independent checker accepts the plan's certificate."""
    names = Names(
        datetime(2026, 1, 1, tzinfo=UTC),
        np.arange(problem.num_contacts).astype(np.str_),
        np.arange(problem.num_agents).astype(np.str_),
    )
    rents = None
    if solution.rents is None:
        rows = build_rows(problem)
        rents = np.zeros(problem.num_contacts, dtype=np.int64)
        rents[rows.contact] = rents_by_class(rows, entry_prices(problem, rows, solution.prices))
    return not check(read_arrays(certify(problem, solution, names, rents).to_bytes()))


def _reset_peak_mb() -> float:
    """Set the peak of resident memory back to the present; resident megabytes now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return status_mb("VmRSS")
