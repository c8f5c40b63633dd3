"""How long prices and bounds take, and how exact they are.

    python -m benchmarks.prices [--repeat 3] [--quick]

prints one line per case: the slow price (50 contact classes x 60 signatures x 10 scenarios is the
goal: under 2 s), also with four sub-periods and with 1,000 agents who all differ, beside GLOP on
the same programmes; the fast price of up to 1,000 agents, per scenario, beside SciPy's assignment
on the same pairs; and the hindsight bound of days with 1,000 and 20,000 contacts. `--quick` leaves
the peers out. Seconds are CPU time, the best of the repetitions; the exit code is 1 if an optimum
differs from its peer's or the goal is missed.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import process_time
from typing import TypeVar

import numpy as np
from ortools.math_opt.python import mathopt
from scipy.optimize import linear_sum_assignment

from models.problem import Floats
from solver.pricing.fast import FastInputs, FastScenario, fast_prices, largest_duals, pair_worths
from solver.pricing.path import PathProblem, Search, lower_path
from solver.pricing.scenarios import demand_scenarios, sampled_contacts
from solver.pricing.slow import SlowInputs, slow_prices

Result = TypeVar("Result")

GOAL_S = 2.0
TOLERANCE = 1e-6
LOAD = 0.95
HOUR_S = 3600.0


@dataclass(frozen=True)
class SlowCase:
    """K classes, M signatures, P sub-periods of a quarter of an hour, S scenarios."""

    classes: int
    groups: int
    periods: int
    scenarios: int
    agents: int
    is_goal: bool = False


@dataclass(frozen=True)
class FastCase:
    """A agents with as many slots each."""

    agents: int
    classes: int
    share_allowed: float
    slots: int = 1


@dataclass(frozen=True)
class PathCase:
    """N contacts of a day, M groups."""

    contacts: int
    groups: int
    agents: int
    hours: float
    iterations: int


SLOW = (
    SlowCase(50, 60, 1, 10, 600, is_goal=True),
    SlowCase(50, 60, 4, 10, 600),
    SlowCase(20, 1000, 1, 3, 1000),
)
FAST = (FastCase(150, 20, 0.3), FastCase(150, 20, 0.3, 3), FastCase(1000, 20, 0.2))
PATHS = (
    PathCase(1_000, 4, 35, 2.0, 200),
    PathCase(1_000, 4, 35, 2.0, 1000),
    PathCase(20_000, 60, 600, 10.0, 200),
)


def main() -> int:
    """Print all lines; 0 if every optimum agrees and the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="without the peers")
    arguments = parser.parse_args()
    good = [run_slow(case, arguments.repeat, not arguments.quick) for case in SLOW]
    good += [run_fast(case, arguments.repeat, not arguments.quick) for case in FAST]
    for path_case in PATHS:
        run_path(path_case)
    return 0 if all(good) else 1


def run_slow(case: SlowCase, repeat: int, with_peer: bool) -> bool:
    """Time the slow price and compare its value with GLOP's."""
    inputs, demand = slow_instance(case)
    seconds, prices = timed(lambda: slow_prices(inputs, demand), repeat)
    line = (
        f"slow  {case.classes:4} classes {case.groups:5} signatures {case.periods} periods"
        f" {case.scenarios:3} scenarios  {seconds * 1e3:9.1f} ms"
    )
    good = not case.is_goal or seconds < GOAL_S
    if case.is_goal:
        line += f"  (goal {GOAL_S:.0f} s: {'met' if good else 'MISSED'})"
    if with_peer:
        peer_s, optimum = timed(lambda: glop_optimum(inputs, demand), 1)
        gap = abs(prices.value / optimum - 1.0)
        good = good and gap < TOLERANCE
        line += f"  GLOP {peer_s * 1e3:9.1f} ms with building, difference {gap:.1e}"
    say(line)
    return good


def run_fast(case: FastCase, repeat: int, with_peer: bool) -> bool:
    """Time the fast price of one sampled future and compare its matching with SciPy's."""
    inputs, future = fast_instance(case)
    seconds, _ = timed(lambda: fast_prices(inputs, [future]), repeat)
    line = (
        f"fast  {case.agents:5} agents x {case.slots} slots {len(future.contacts.kind):5} contacts"
        f"  {seconds * 1e3:9.1f} ms per scenario"
    )
    good = True
    if with_peer:
        pairs = pair_worths(inputs, future)
        matching = largest_duals(pairs)
        worth = np.zeros((len(matching.rent), pairs.num_slots))
        row = np.repeat(np.arange(len(worth)), np.diff(pairs.worths.start))
        worth[row, pairs.worths.slot] = pairs.worths.worth
        peer_s, (rows, slots) = timed(lambda: linear_sum_assignment(worth, maximize=True), 1)
        gap = abs((matching.price.sum() + matching.rent.sum()) / worth[rows, slots].sum() - 1.0)
        good = bool(gap < TOLERANCE)
        line += f"  SciPy's assignment {peer_s * 1e3:7.1f} ms, difference {gap:.1e}"
    say(line)
    return good


def run_path(case: PathCase) -> None:
    """Time the hindsight bound of a day."""
    problem = path_instance(case)
    lower_path(problem, search=Search(iterations=2))
    seconds, path = timed(lambda: lower_path(problem, search=Search(case.iterations)), 1)
    say(
        f"bound {case.contacts:6,} contacts {case.groups:3} groups {len(problem.group):8,} options"
        f" {case.iterations:5,} iterations  {seconds:7.2f} s  from {path.trace[0]:,.0f}"
        f" to {path.bound:,.0f}"
    )


def slow_instance(case: SlowCase) -> tuple[SlowInputs, Floats]:
    """Rewards, work and demand at a load of 0.95."""
    rng = np.random.default_rng(1)
    shape = (case.classes, case.groups)
    work = rng.uniform(100.0, 600.0, (case.classes, 1)) * rng.uniform(0.8, 1.2, shape)
    heads = rng.multinomial(case.agents - case.groups, np.full(case.groups, 1 / case.groups)) + 1
    capacity = 900.0 * heads * np.ones((case.periods, 1))
    inputs = SlowInputs(
        reward=rng.uniform(2.0, 30.0, (case.classes, 1)) * rng.uniform(0.4, 1.0, shape),
        work_s=work,
        allowed=rng.random(shape) < 0.4,
        capacity_s=capacity,
        stay=np.full(case.classes, 0.1),
    )
    share = rng.dirichlet(np.full(case.classes, 3.0)) * np.ones((case.periods, 1))
    forecast = share * LOAD * capacity.sum(axis=1, keepdims=True) / work.mean()
    demand = demand_scenarios(np.zeros(case.classes), forecast, 1.0, case.scenarios, rng)
    return inputs, demand


def fast_instance(case: FastCase) -> tuple[FastInputs, FastScenario]:
    """Agents who all differ, most of them busy, and one sampled future at a load of 0.95."""
    rng = np.random.default_rng(2)
    shape, window_s = (case.classes, case.agents), 300.0
    parts = np.where(np.arange(case.classes) % 3 == 0, case.slots, 1)
    inputs = FastInputs(
        resolution=rng.uniform(0.45, 0.95, shape),
        handling_s=rng.uniform(150.0, 450.0, (case.classes, 1)) * rng.uniform(0.8, 1.2, shape),
        allowed=rng.random(shape) < case.share_allowed,
        loss=np.ones(case.classes),
        waiting_cost=np.full(case.classes, 0.002),
        mean_patience_s=rng.uniform(60.0, 200.0, case.classes),
        parts=parts,
        slow_price=rng.uniform(0.0, 0.03, case.agents),
        slots=np.full(case.agents, case.slots),
        window_s=window_s,
    )
    share = rng.dirichlet(np.full(case.classes, 3.0))
    rate = share * LOAD * case.agents * case.slots / window_s / (share @ parts)
    values = rng.lognormal(2.0, 0.5, (case.classes, 20))
    contacts = sampled_contacts(rate, window_s, values, 1.0, rng)
    slots = case.agents * case.slots
    busy = rng.random(slots) < 0.9
    return inputs, FastScenario(contacts, np.where(busy, rng.exponential(200.0, slots), 0.0))


def path_instance(case: PathCase) -> PathProblem:
    """A day at a load of 0.95 in ticks of 5 s; a fifth of the groups, or more, take a class."""
    rng = np.random.default_rng(3)
    classes, cell_s = 2 * case.groups, 5.0
    cells = int(case.hours * HOUR_S / cell_s)
    eligible = rng.random((classes, case.groups)) < max(0.2, 2.0 / case.groups)
    eligible[np.arange(classes), rng.integers(0, case.groups, classes)] = True
    staff = np.round(rng.dirichlet(np.full(case.groups, 4.0)) * case.agents) + 1.0
    kind = rng.integers(0, classes, case.contacts)
    arrival = np.sort(rng.uniform(0.0, case.hours * HOUR_S - 600.0, case.contacts))
    patience = rng.exponential(rng.uniform(60.0, 240.0, classes)[kind])
    value = rng.lognormal(2.0, 0.6, case.contacts)
    contact, group = np.nonzero(eligible[kind])
    work = rng.uniform(0.7, 1.3, (classes, case.groups))
    work *= LOAD * staff.sum() * case.hours * HOUR_S / case.contacts
    noise = rng.lognormal(-0.125, 0.5, case.contacts)
    resolution = rng.uniform(0.35, 0.95, (classes, case.groups))
    return PathProblem(
        cell_s=cell_s,
        staff=np.repeat(staff[:, None], cells, axis=1),
        may_start=np.ones((case.groups, cells), dtype=bool),
        first=np.ceil(arrival / cell_s).astype(np.int64),
        last=np.minimum((arrival + patience) // cell_s, cells - 1).astype(np.int64),
        arrival_s=arrival,
        waiting_cost=np.full(case.contacts, 0.002),
        attention=np.ones(case.contacts),
        unserved=-0.15 * value - 0.002 * patience,
        start=np.searchsorted(contact, np.arange(case.contacts + 1)),
        group=group,
        reward=resolution[kind[contact], group] * value[contact],
        work_s=work[kind[contact], group] * noise[contact],
    )


def glop_optimum(inputs: SlowInputs, demand: Floats) -> float:
    """Mean optimum over the demands, by one model whose right-hand sides change."""
    periods = len(inputs.capacity_s)
    model, rows = mathopt.Model(), []
    served = {
        (s, k, m): model.add_variable(lb=0.0)
        for s in range(periods)
        for k, m in np.argwhere(inputs.allowed).tolist()
    }
    queue = [[model.add_variable(lb=0.0) for _ in inputs.stay] for _ in range(periods)]
    work: dict[tuple[int, int], list[mathopt.LinearTerm]] = {}
    taken: dict[tuple[int, int], list[mathopt.LinearTerm]] = {}
    for (s, k, m), amount in served.items():
        work.setdefault((s, m), []).append(float(inputs.work_s[k, m]) * amount)
        taken.setdefault((s, k), []).append(1.0 * amount)
    for (s, m), terms in work.items():
        model.add_linear_constraint(mathopt.fast_sum(terms) <= float(inputs.capacity_s[s, m]))
    for s in range(periods):
        for k, stay in enumerate(inputs.stay.tolist()):
            left = [*taken.get((s, k), []), 1.0 * queue[s][k]]
            if s:
                left.append(-stay * queue[s - 1][k])
            rows.append(model.add_linear_constraint(mathopt.fast_sum(left) == 0.0))
    model.maximize(
        mathopt.fast_sum(float(inputs.reward[k, m]) * f for (_, k, m), f in served.items())
    )
    solver = mathopt.IncrementalSolver(model, mathopt.SolverType.GLOP)
    total = 0.0
    for sampled in demand.reshape(len(demand), -1).tolist():
        for row, amount in zip(rows, sampled, strict=True):
            row.lower_bound = row.upper_bound = amount
        total += solver.solve().objective_value()
    return total / len(demand)


def timed(call: Callable[[], Result], repeat: int) -> tuple[float, Result]:
    """Least CPU seconds of some repetitions, and the last result."""
    best, result = np.inf, call()
    for _ in range(repeat):
        begun = process_time()
        result = call()
        best = min(best, process_time() - begun)
    return best, result


def say(line: str) -> None:
    """Print at once, since the next line may take long."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
