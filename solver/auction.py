"""The forward and reverse auction with epsilon scaling, phase by phase (`engine.md` 2.2).

In a phase every contact without a slot bids for its best one, and raises its price by at least
epsilon until it is worth as much as the second best; then every slot that is still free and costs
more than its load looks for a contact or lets the price go. What comes out is within epsilon per
served contact of the optimum, and so are its prices. The next phase starts from slightly lower
prices with a smaller epsilon.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.problem import NOBODY, AssignmentProblem, Floats, Ints, Positions
from models.solution import step_costs, total_load_cost
from solver.auction_kernels import (
    NOBODY_YET,
    STRIDES,
    WAITING,
    Line,
    Lists,
    Market,
    best_of_column,
    forward,
    reverse,
)
from solver.claim import slot_surplus
from solver.rows import longest_slice
from solver.rows_kernels import Rows, contact_rents

CLOSED = 2.0**60
"""Price at an agent without a slot."""

FIRST_EPS = 15
"""The first epsilon is this part of the mean gain of a served contact."""

STEP_BACK = 3.0
"""Epsilons by which prices fall between phases; fewer leave more slots to the dear reverse."""

WORK_BETWEEN_LOOKS = 5_000_000
"""Pairs between two looks at the clock: some ten milliseconds."""


@dataclass(frozen=True, eq=False)
class Stand:
    """What a phase, or the part of it that there was time for, came to."""

    agent: Positions
    """(C,) in the order of the problem, or NOBODY."""
    gain: int
    """Milli-units, load costs taken off."""
    price: Floats
    """(A,) CLOSED where the agent has no slot."""
    completed: bool


class Auction:
    """One problem's auction; holds the lists of best entries from phase to phase."""

    def __init__(self, problem: AssignmentProblem, rows: Rows) -> None:
        """Open the slots: no agent needs more than it has contacts, and one that stays free."""
        self._problem = problem
        self._rows = rows
        asking = np.diff(rows.kind_start)[rows.entry_kind]
        demand = np.bincount(rows.entry_agent, weights=asking, minlength=problem.num_agents)
        self.num_slots: Ints = np.minimum(problem.agent_cap, demand.astype(np.int64) + 1)
        self.is_open: NDArray[np.bool_] = self.num_slots > 0
        self._slot_start = np.concatenate([[0], np.cumsum(self.num_slots)])
        self._slot_agent = np.repeat(np.arange(problem.num_agents), self.num_slots)
        nth = np.arange(len(self._slot_agent)) - self._slot_start[self._slot_agent]
        steps = step_costs(problem, int(self.num_slots.max(initial=0)))
        self._slot_cost = steps[self._slot_agent, nth].astype(np.float64)
        contacts = problem.num_contacts
        self._lists = Lists(
            agent=np.zeros((contacts, STRIDES), dtype=np.int32),
            gain=np.zeros((contacts, STRIDES)),
            size=np.zeros(contacts, dtype=np.int32),
            ceiling=np.full(contacts, np.inf),
        )
        self._buffer = np.empty(longest_slice(rows))
        self.work_left = np.inf
        """Of what the last phase was given."""
        self._listed_at: Floats | None = None
        # By kind, so that a row is still in the cache when the next contact reads it, then value.
        best = self.rents(np.zeros(problem.num_agents))
        self._order = np.lexsort((-best, rows.kind))
        served = np.sort(best)[::-1][: len(self._slot_agent)]
        self.first_eps = max(float(served.mean()) if len(served) else 0.0, 1.0) / FIRST_EPS

    def rents(self, price: Floats) -> Floats:
        """What each contact would earn at these prices (A,), in the order of the rows, (C,)."""
        rent = np.empty(len(self._rows.kind))
        posted = np.where(self.is_open, price, CLOSED)[self._rows.entry_agent]
        contact_rents(self._rows, posted, rent, self._buffer)
        return rent

    def bound(self, price: Ints) -> int:
        """The bound of whole agent prices (A,), those of agents without a slot left open."""
        rents = int(self.rents(price.astype(np.float64)).astype(np.int64).sum())
        return rents + slot_surplus(self._problem, price)

    def priced_throughout(self, price: Ints) -> Ints:
        """The prices with agents without a slot at what one would be worth there: same bound."""
        rent = self.rents(price.astype(np.float64))
        full = price.copy()
        for agent in np.flatnonzero(~self.is_open).tolist():
            full[agent] = max(0, int(self._worth_of_a_slot(agent, rent)))
        return full

    def prices_for_newcomers(self, price: Floats) -> Floats:
        """Prices with those of open agents without one raised to what they are worth to somebody.

        Where most agents have none that is how things are, and nothing is raised.
        """
        new = self.is_open & (price <= 0)
        if 2 * np.count_nonzero(new) > np.count_nonzero(self.is_open):
            return price
        rent = self.rents(np.where(new, CLOSED, price))
        raised = price.copy()
        for agent in np.flatnonzero(new).tolist():
            raised[agent] = max(0.0, self._worth_of_a_slot(agent, rent))
        return raised

    def _worth_of_a_slot(self, agent: int, rent: Floats) -> float:
        """The most that any contact would gain from the agent over its rent."""
        return float(best_of_column(self._rows, rent, agent, self._buffer)[0])

    def phase(
        self, eps: float, start: Floats, is_late: Callable[[], bool], work: float = np.inf
    ) -> Stand:
        """All bids at one epsilon from the given prices (A,), unless it gets late or the work,
        counted in pairs, is used up.
        """
        self.work_left = work
        rows, contacts = self._rows, len(self._rows.kind)
        slot_price = np.maximum(start[self._slot_agent], self._slot_cost)
        price = np.full(len(self.is_open), CLOSED)
        np.minimum.at(price, self._slot_agent, slot_price)
        market = Market(
            price=price,
            entry_price=price[rows.entry_agent],
            slot_start=self._slot_start,
            slot_price=slot_price,
            slot_cost=self._slot_cost,
            slot_contact=np.full(len(slot_price), NOBODY_YET, dtype=np.int64),
            slot_of=np.full(contacts, NOBODY_YET, dtype=np.int64),
            rent=np.zeros(contacts),
            gain=np.zeros(contacts),
        )
        self._lower_ceilings(price)
        completed = self._forward(market, eps, is_late) and self._reverse(market, eps, is_late)
        return self._stand(market, completed)

    def _lower_ceilings(self, price: Floats) -> None:
        """Prices that fell since contacts last bid lift what lies below the ceilings as much."""
        if self._listed_at is not None:
            fall = (self._listed_at - price)[self.is_open].max(initial=0.0)
            self._lists.ceiling[:] += fall

    def _forward(self, market: Market, eps: float, is_late: Callable[[], bool]) -> bool:
        line = _line(self._order, len(self._order))
        top, place = np.empty(2 * STRIDES), np.zeros(STRIDES, dtype=np.int64)
        while line.state[WAITING] > 0 and self.work_left > 0 and not is_late():
            left = forward(
                self._rows, market, self._lists, line, eps, WORK_BETWEEN_LOOKS,
                self._buffer, top, place,
            )  # fmt: skip
            self.work_left -= WORK_BETWEEN_LOOKS - left
        self._listed_at = market.price.copy()
        return bool(line.state[WAITING] == 0)

    def _reverse(self, market: Market, eps: float, is_late: Callable[[], bool]) -> bool:
        free = (market.slot_contact == NOBODY_YET) & (market.slot_price > market.slot_cost)
        line = _line(np.unique(self._slot_agent[free]), len(self.is_open))
        while line.state[WAITING] > 0 and self.work_left > 0 and not is_late():
            left = reverse(self._rows, market, line, eps, WORK_BETWEEN_LOOKS, self._buffer)
            self.work_left -= WORK_BETWEEN_LOOKS - left
        return bool(line.state[WAITING] == 0)

    def _stand(self, market: Market, completed: bool) -> Stand:
        agent = np.full(len(market.slot_of), NOBODY, dtype=np.int32)
        served = market.slot_of != NOBODY_YET
        agent[self._rows.contact[served]] = self._slot_agent[market.slot_of[served]]
        gain = int(market.gain[served].astype(np.int64).sum()) - total_load_cost(
            self._problem, agent
        )
        return Stand(agent, gain, market.price.copy(), completed)


def whole_prices(price: Floats, is_open: NDArray[np.bool_]) -> Ints:
    """Prices as whole milli-units, CLOSED ones as 0, all rounded at one point of the unit.

    Differences between optimal prices are bounded by whole numbers, and rounding everything at
    the same point keeps such bounds. Prices are optimal only within epsilons, so the point is
    chosen in the widest gap between their fractions, where no epsilon crosses it.
    """
    given = price[is_open]
    fraction = np.sort(np.append(given % 1.0, 0.0))
    width = np.diff(np.append(fraction, 1.0))
    widest = int(np.argmax(width))
    point = fraction[widest] + width[widest] / 2
    whole = np.zeros(len(price), dtype=np.int64)
    whole[is_open] = np.maximum(np.floor(given + (1.0 - point)), 0.0).astype(np.int64)
    return whole


def _line(first: Ints, room: int) -> Line:
    ring = np.zeros(room, dtype=np.int64)
    ring[: len(first)] = first
    waits = np.zeros(room, dtype=np.bool_)
    waits[first] = True
    return Line(ring, waits, np.array([0, len(first)]))
