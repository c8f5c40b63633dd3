"""Price paths: what agents' time is worth, by group and moment, when all contacts are known.

For any prices >= 0 of the groups' time in every cell of a grid, the following is at least the
value of every plan that is feasible (weak duality; `methods.md` 10.1):

    D(price) = sum_mt staff[m, t] price[m, t] * cell
             + sum_i max(unserved_i, max over options e and starts t of
                         reward_e - waiting_cost_i (t - arrival_i) - attention_i * price of it)

The least of them is the optimum of the linear programme that serves every contact at most once, at
starts of cells, within the staff of every cell. It is approached by a subgradient method: the
slope of D in a price is the staff left over. Contacts are those of a day that is over (then D
bounds every policy) or of a sampled future (then the prices are for the tick: time of an agent
costs the sum over cells of price times overlap, whatever share of the attention is taken).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.problem import Floats, Ints
from solver.pricing import path_kernels
from solver.pricing.path_kernels import NOT_SERVED, Choice, Contacts

GROW = 1.2
"""Factor of the gap to the target after a step that closed enough of it."""
ENOUGH = 0.1
MIN_FAILURES = 5
TINY = 1e-9
"""Money; a first gap even where the first bound is 0."""


@dataclass(frozen=True, eq=False)
class PathProblem:
    """N contacts with E options in all, M groups of agents, T cells of time."""

    cell_s: float
    staff: Floats
    """(M, T) agents whose attention is on offer in the cell, at least; infinite where time is not
    counted, as where agents only finish what they hold."""
    may_start: NDArray[np.bool_]
    """(M, T) whether work may begin at the start of the cell."""
    first: Ints
    """(N,) first cell at whose start the contact may be served."""
    last: Ints
    """(N,) and the last; below `first` where none is left."""
    arrival_s: Floats
    """(N,) from which waiting costs."""
    waiting_cost: Floats
    """(N,) money per second until the work begins."""
    attention: Floats
    """(N,) share of an agent's attention that the contact takes."""
    unserved: Floats
    """(N,) money if never served, at most: minus the loss and the cost of the wait in vain."""
    start: Ints
    """(N + 1,): options of contact i are start[i]:start[i + 1]."""
    group: Ints
    """(E,) group that would serve the contact."""
    reward: Floats
    """(E,) money, at most: the best of the group's agents."""
    work_s: Floats
    """(E,) handling time, at least: the quickest of the group's agents."""

    def __post_init__(self) -> None:
        """Check shapes and ranges: compiled code does not."""
        contacts = len(self.first)
        by_contact = (self.last, self.arrival_s, self.waiting_cost, self.attention, self.unserved)
        by_option = (self.reward, self.work_s)
        if any(len(x) != contacts for x in by_contact) or len(self.start) != contacts + 1:
            raise ValueError(
                f"price path: contact arrays differ in length; expected {contacts} rows, and one"
                " more in start: build them from the same contacts"
            )
        if any(len(x) != len(self.group) for x in by_option) or self.start[-1] != len(self.group):
            raise ValueError(
                f"price path: option arrays differ in length; expected {len(self.group)} rows:"
                " build them from the same options"
            )
        if self.staff.shape != self.may_start.shape or (self.staff < 0).any():
            raise ValueError(
                f"price path: staff {self.staff.shape} is negative or differs in shape from"
                f" may_start {self.may_start.shape}; expected (M, T) for both, >= 0"
            )
        cells, groups = self.staff.shape[1], len(self.staff)
        late = self.last.max(initial=-1) >= cells or self.first.min(initial=0) < 0
        if late or self.group.max(initial=-1) >= groups or self.group.min(initial=0) < 0:
            raise ValueError(
                f"price path: a start outside the {cells} cells or a group outside the"
                f" {groups} groups; expected both inside: cut patience at the end of the day"
            )
        if (self.work_s < 0).any() or (self.attention < 0).any() or (self.waiting_cost < 0).any():
            raise ValueError(
                "price path: negative work, attention or waiting cost; expected none below 0"
            )


@dataclass(frozen=True, eq=False)
class PricePath:
    """The best bound found, the prices that prove it, and how it was found."""

    bound: float
    """Money."""
    price: Floats
    """(M, T) money per second of an agent's whole attention."""
    trace: Floats
    """(iterations,) D at each prices tried; every entry is a bound."""
    choice: Choice
    """What each contact chooses at these prices."""


@dataclass(frozen=True)
class Search:
    """How the subgradient method goes; any numbers give valid bounds."""

    iterations: int = 200
    first_gap: float = 0.05
    """Share of D by which the target of the first steps lies below the best."""
    halvings: int = 20
    """How often the gap to the target is halved, at most: after iterations / halvings failures."""
    deflection: float = 0.9
    """Weight of the former direction."""


USUAL = Search()
"""Within about 0.1 % of the linear optimum; five times the iterations come within 0.03 %."""


def lower_path(
    problem: PathProblem, price: Floats | None = None, search: Search = USUAL
) -> PricePath:
    """The lowest bound found from these (M, T) prices (all 0 if None), with its prices."""
    return _Descent(problem, search).run(np.zeros(problem.staff.shape) if price is None else price)


def path_bound(problem: PathProblem, price: Floats) -> float:
    """D at these (M, T) prices >= 0, in money: no feasible plan is worth more."""
    return _Descent(problem, Search(iterations=1)).run(price).bound


class _Descent:
    """Projected subgradient steps with a deflected direction and a moving target (Polyak 1969)."""

    def __init__(self, problem: PathProblem, search: Search) -> None:
        self.search, self.cell_s = search, problem.cell_s
        self.counted = np.isfinite(problem.staff)
        self.staff = np.where(self.counted, problem.staff, 0.0)
        self.closed = np.where(problem.may_start, 0.0, np.inf)
        length = problem.staff.shape[1]
        # Time after the last cell costs nothing, so longer work than all of them costs no more.
        cells = np.minimum(problem.work_s / problem.cell_s, float(length))
        self.paid = np.zeros((len(problem.staff), length + int(cells.max(initial=0.0)) + 2))
        self.usage = np.zeros(problem.staff.shape)
        number = len(problem.first)
        self.choice = Choice(np.full(number, NOT_SERVED), np.zeros(number, dtype=np.int64))
        self.contacts = Contacts(
            first=_whole(problem.first),
            last=_whole(problem.last),
            arrival_s=_real(problem.arrival_s),
            waiting_cost=_real(problem.waiting_cost),
            attention=_real(problem.attention),
            unserved=_real(problem.unserved),
            start=_whole(problem.start),
            group=_whole(problem.group),
            reward=_real(problem.reward),
            cells=_real(cells),
        )

    def run(self, price: Floats) -> PricePath:
        """All iterations, from these prices; fewer where no price can be lowered or raised."""
        # Prices per cell here: what an agent's attention costs from its start to its end.
        at = np.where(self.counted, np.maximum(price, 0.0) * self.cell_s, 0.0)
        first = self._evaluate(at)
        best = PricePath(first, at, np.zeros(0), self._copied_choice())
        trace, gap, failures = [first], self.search.first_gap * max(abs(first), TINY), 0
        current, direction = first, np.zeros_like(at)
        for _ in range(self.search.iterations - 1):
            direction = self._inside(self._slope(at) + self.search.deflection * direction, at)
            size = float((direction**2).sum())
            if size == 0.0:
                break
            at = np.maximum(at - (current - best.bound + gap) / size * direction, 0.0)
            current = self._evaluate(at)
            trace.append(current)
            if current < best.bound - ENOUGH * gap:
                failures, gap = 0, gap * GROW
            else:
                failures += 1
            if current < best.bound:
                best = PricePath(current, at, np.zeros(0), self._copied_choice())
            if failures >= max(MIN_FAILURES, self.search.iterations // self.search.halvings):
                failures, gap = 0, gap / 2
                at, direction = best.price, np.zeros_like(at)
                current = self._evaluate(at)
        return replace(best, price=best.price / self.cell_s, trace=np.array(trace))

    def _slope(self, at: Floats) -> Floats:
        """Staff left over at the last choices, where that can change a price."""
        return self._inside(np.where(self.counted, self.staff - self.usage, 0.0), at)

    @staticmethod
    def _inside(direction: Floats, at: Floats) -> Floats:
        """Without what would lower prices of 0."""
        return np.where((at <= 0.0) & (direction > 0.0), 0.0, direction)

    def _copied_choice(self) -> Choice:
        return Choice(self.choice.option.copy(), self.choice.cell.copy())

    def _evaluate(self, at: Floats) -> float:
        path_kernels.accumulate(at, self.paid)
        total = path_kernels.choose(
            self.contacts, self.paid, self.closed, self.cell_s, self.choice
        )
        path_kernels.use(self.contacts, self.choice, self.usage)
        return float((self.staff * at).sum() + total)


def _whole(values: Ints) -> Ints:
    return np.ascontiguousarray(values, dtype=np.int64)


def _real(values: Floats) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)
