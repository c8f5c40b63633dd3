"""Better mixes by trying one agent's at a time, with the auction in the loop (`engine.md` 3.4).

A pass settles all contacts on the mixes at hand, then draws changes of mix, the likelier the less
the rents say that they lose, and keeps those that pay or, while it is hot, lose little. Early
passes bid with a large epsilon, which is quick and blurs what a change is worth; later ones finer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from models.problem import NOBODY, Floats, Ints, Positions
from solver.mix_board_kernels import ENTRIES, IS_ON, NOBODY_YET, NUMBER, Board, Log
from solver.mix_bound import offers_of
from solver.mix_bound_kernels import Graph
from solver.mix_form import MixForm
from solver.mix_search_kernels import BEST, NOW, flip, settle

LOGGED = 400_000
"""Writes of one change that can be undone; one that needs more is given up."""

STEPS = 5_000
"""Bids and offers after which a change is given up."""

TRIES_BETWEEN_LOOKS = 250
"""At the clock: some tens of milliseconds."""

BLUR = 0.04
"""Mean gains of a loss that makes a change four times as rare."""

STEP_BACK = 3.0
"""Epsilons by which prices fall before a pass."""


@dataclass(frozen=True)
class Pass:
    """How long and how hot; the epsilon and temperatures are parts of the mean gain."""

    eps: float
    tries_per_agent: float
    hot: float
    cold: float


class Search:
    """The mixes at hand with all contacts settled on them, and the best so far."""

    def __init__(
        self, form: MixForm, graph: Graph, mix: Ints, price: Floats, fee: Floats, unit: float
    ) -> None:
        """Start from mixes (A,) and prices (N,); `unit` is the mean gain of a served contact."""
        self._form, self._graph, self.unit = form, graph, unit
        nodes, contacts = len(form.slots), form.problem.num_contacts
        start = np.zeros(nodes + 1, dtype=np.int64)
        np.cumsum(form.slots, out=start[1:])
        slots = int(start[-1])
        self._slot_node = np.repeat(np.arange(nodes), form.slots)
        self._within = np.arange(slots) - start[self._slot_node]
        self._board = Board(
            slot_start=start,
            slot_node=self._slot_node,
            slot_price=np.zeros(slots),
            slot_contact=np.full(slots, NOBODY_YET, dtype=np.int64),
            open=np.zeros(nodes, dtype=np.int64),
            price=np.maximum(price, fee),
            floor=fee.astype(np.float64),
            slot_of=np.full(contacts, NOBODY_YET, dtype=np.int64),
            rent=np.zeros(contacts),
            gain=np.zeros(contacts),
        )
        # A step writes twice for every slot of its node and little else; a change of mixes, before
        # its first step, some six times for every slot of its agent.
        writes = 10 + 2 * int(form.slots.max(initial=0))
        of_agent = np.bincount(form.node_agent, weights=form.slots)
        logged = LOGGED + 10 * int(of_agent.max(initial=0))
        self._log = Log(
            kind=np.zeros(logged, dtype=np.int64),
            place=np.zeros(logged, dtype=np.int64),
            value=np.zeros(logged),
            contacts=np.zeros(contacts + 1, dtype=np.int64),
            slots=np.zeros(slots + 1, dtype=np.int64),
            size=np.array([0, 0, writes], dtype=np.int64),
        )
        self._known_price = price
        self._offers, self._mix_agent = offers_of(form), form.mix_agent
        self._mix, self.best_mix = mix.copy(), mix.copy()
        self._totals = np.array([0.0, -np.inf])

    @property
    def best(self) -> float:
        """Gain of the best mixes less load costs of full mixes and site prices, milli-units."""
        return float(self._totals[BEST])

    @property
    def price(self) -> Floats:
        """Price of every node (N,), also of those that have no slot now."""
        price = self._board.price
        return np.where(np.isfinite(price), price, self._known_price)

    @property
    def rent(self) -> Floats:
        """Rent of every contact as things stand, in the order of the rows, (C,)."""
        return self._board.rent

    @property
    def agent(self) -> Positions:
        """Agent of each contact as things stand, in the order of the problem."""
        slot = self._board.slot_of
        node = self._slot_node[slot]
        agent = np.full(len(slot), NOBODY, dtype=np.int32)
        agent[self._form.rows.contact] = np.where(
            slot == NOBODY_YET, NOBODY, self._form.node_agent[node]
        )
        return agent

    def run(
        self, plan: Pass, loss: Floats, draw: np.random.Generator, is_late: Callable[[], bool]
    ) -> Iterator[float]:
        """Try changes; yields the value as things stand, so that the caller may stop."""
        if not self.settle_all(plan.eps, is_late):
            return
        eps = plan.eps * self.unit
        yield float(self._totals[NOW])
        tries = int(plan.tries_per_agent * self._form.agents_with_choice)
        weight = np.cumsum((1.0 + loss / (BLUR * self.unit)) ** -2.0)
        cooling = np.arange(tries) / max(tries, 1)
        heat = self.unit * plan.hot * (plan.cold / plan.hot) ** cooling
        for first in range(0, tries, TRIES_BETWEEN_LOOKS):
            if is_late():
                return
            hot = heat[first : first + TRIES_BETWEEN_LOOKS]
            flip(
                self._graph, self._board, self._log, self._offers, self._mix_agent, weight,
                self._mix, self.best_mix, draw.random((len(hot), 2)), hot, eps, STEPS,
                self._totals,
            )  # fmt: skip
            yield float(self._totals[NOW])

    def settle_all(self, part: float, is_late: Callable[[], bool]) -> bool:
        """Settle everybody anew on the best mixes with an epsilon that is this part of the unit,
        from the prices at hand less some epsilons; False if it got late.
        """
        board, log, eps = self._board, self._log, part * self.unit
        price = np.maximum(self.price - STEP_BACK * eps, board.floor)
        self._known_price = self.price
        self._mix[:] = self.best_mix
        board.open[:] = self._form.open_slots(self._mix)
        board.price[:] = np.where(board.open > 0, price, np.inf)
        board.slot_price[:] = price[self._slot_node]
        board.slot_contact[:] = NOBODY_YET
        board.slot_of[:] = NOBODY_YET
        board.rent[:], board.gain[:] = 0.0, 0.0
        log.size[ENTRIES], log.size[IS_ON], log.slots[NUMBER] = 0, 0, 0
        contacts = len(board.gain)
        log.contacts[NUMBER] = contacts
        log.contacts[1:] = np.arange(contacts)
        settled, value = self._settle(eps, is_late)
        is_open = self._within < board.open[self._slot_node]
        free = is_open & (board.slot_contact == NOBODY_YET)
        dear = np.flatnonzero(free & (board.slot_price > board.floor[self._slot_node]))
        log.slots[NUMBER] = len(dear)
        log.slots[1 : len(dear) + 1] = dear
        if settled:
            settled, more = self._settle(eps, is_late)
            value += more
        value -= float(self._form.mix_cost[self._mix].sum())
        self._totals[NOW] = value
        self._totals[BEST] = value
        return settled

    def _settle(self, eps: float, is_late: Callable[[], bool]) -> tuple[bool, float]:
        value = 0.0
        while not is_late():
            settled, more = settle(self._graph, self._board, self._log, eps, 20 * STEPS)
            value += more
            if settled:
                return True, value
        return False, value
