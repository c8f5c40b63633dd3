"""The bound that contacts' rents give, and the descent that lowers it (`engine.md` 3.1).

    D = sum_i rent[i] + sum_sites cap * price + sum_agents best mix at gain - rent - site price

The descent takes subgradient steps over the graph of pairs worth a thought: a round costs a small
part of a look at all pairs. Looks in between extend the graph by what pays at the best rents so
far, and say what the bound is over all pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.problem import Floats, Ints
from solver.mix_bound_kernels import (
    Choice,
    Graph,
    Offers,
    choose,
    descend,
    entry_prices,
    exact_worth,
    turn,
)
from solver.mix_form import MixForm
from solver.mix_survey import Survey

KEPT = 0.6
"""Of the direction from round to round."""

MIX_KEPT = 0.95
"""Of the average of chosen mixes from round to round."""

SLOWER = 0.7
"""Factor of the steps after rounds without a lower bound."""

LOWER = 1e-5
"""Relative improvement of the bound that counts."""

PATIENCE = 8
"""Rounds without one that are borne."""


@dataclass(frozen=True, eq=False)
class Proven:
    """Whole rents and site prices with their bound over all pairs, exact in integers."""

    rents: Ints
    """(C,) in the order of the problem."""
    site_price: Ints
    bound: int


class Descent:
    """Rents and site prices on their way down, with the averages that go with them."""

    def __init__(self, form: MixForm, survey: Survey, rent: Floats, site_price: Floats) -> None:
        """Start at these rents (C,), in the order of the rows, and site prices (S,)."""
        self.form, self._survey, problem = form, survey, form.problem
        nodes, contacts = len(form.slots), problem.num_contacts
        self._offers = offers_of(form)
        self.choice = Choice(
            taken=np.zeros(contacts, dtype=np.int64),
            used=np.zeros(nodes, dtype=np.int64),
            mix=np.zeros(problem.num_agents, dtype=np.int64),
            mix_worth=np.zeros(len(form.mix_count)),
            price=np.zeros(nodes),
            found=np.zeros(nodes, dtype=np.int64),
            top=np.zeros(form.slots.sum()),
            who=np.zeros(form.slots.sum(), dtype=np.int64),
        )
        """At the best rents after a look; at those of the last round after a round."""
        self._node_site = problem.agent_site[form.node_agent].astype(np.int64)
        self._cap = problem.site_cap.astype(np.float64)
        mean = max(float(survey.largest.mean()), 1.0)
        self._scale = survey.largest / mean
        self._site_scale = 1.0 / np.sqrt(np.maximum(self._cap, 1.0))
        self._direction, self._site_direction = np.zeros(contacts), np.zeros(len(self._cap))
        self.rent, self.site_price = rent, site_price
        """The best so far."""
        self.bound = np.inf
        """At the best; over all pairs after a look, over the graph after a round."""
        self.proven: Proven | None = None
        """The lowest bound of a look."""
        self.mean_mix: Floats = np.zeros(len(form.mix_count))
        """(P,) how often each mix was chosen lately."""

    def fee(self) -> Floats:
        """Site price of every node at the best prices, shape (N,)."""
        return self._fee(self.site_price)

    def look(self, is_late: Callable[[], bool]) -> bool:
        """Look at all pairs at the best rents, made whole, and extend the graph by what pays;
        False if there was no time for it.
        """
        self.rent, self.site_price = np.rint(self.rent), np.rint(self.site_price)
        if not self._survey.list_contacts(self.rent, is_late):
            return False
        lists = self._survey.lists
        self.bound = self._value(lists, self.rent, self.site_price)
        entry_prices(self._offers, self.choice)
        found = _proven(self.form, lists, self.rent, self.site_price)
        if self.proven is None or found.bound < self.proven.bound:
            self.proven = found
        return self._survey.extend_graph(self.rent, self.choice.price + self.fee(), is_late)

    def losses(self) -> Floats:
        """What each mix is worth less than the best of its agent, shape (P,)."""
        best = self.choice.mix_worth[self.choice.mix]
        return best[self.form.mix_agent] - self.choice.mix_worth

    def mean_mixes(self) -> Ints:
        """The mix that each agent chose most lately, shape (A,)."""
        start = self.form.mix_start
        order = np.lexsort((-self.mean_mix, self.form.mix_agent))
        return order[start[:-1]].astype(np.int64)

    def values_of_one_more(self) -> Ints:
        """What one more slot would be worth at every node, right after a look, (N,)."""
        lists, used = self._survey.lists, self.choice.used
        place = lists.start + used
        there = np.minimum(place, len(lists.gain) - 1)
        worth = lists.gain[there] - self.rent[lists.contact[there]] - self.fee()
        return np.where(place < lists.end, np.maximum(worth, 0.0), 0.0).astype(np.int64)

    def go_down(
        self, rounds: int, target: float, theta: float, is_late: Callable[[], bool]
    ) -> float:
        """So many rounds over the graph towards the target, a value that the bound cannot pass
        by much; the theta it ended with (`engine.md` 3.1).
        """
        rent, site_price, waited = self.rent.copy(), self.site_price.copy(), 0
        self._direction[:], self._site_direction[:] = 0.0, 0.0
        for _ in range(rounds):
            if is_late():
                break
            found = self._value(self._survey.graph, rent, site_price)
            self.mean_mix *= MIX_KEPT
            self.mean_mix[self.choice.mix] += 1.0 - MIX_KEPT
            waited = 0 if found < self.bound * (1.0 - LOWER) else waited + 1
            if found < self.bound:
                self.bound = found
                self.rent[:], self.site_price[:] = rent, site_price
            if waited > PATIENCE:
                waited, theta = 0, theta * SLOWER
                rent[:], site_price[:] = self.rent, self.site_price
            square = turn(self._direction, rent, self._scale, self.choice.taken, KEPT)
            square += self._turn_sites(site_price)
            if square <= 0.0 or found <= target:
                break
            step = theta * (found - target) / square
            descend(rent, self._direction, self._scale, step)
            down = step * self._site_scale * self._site_direction
            site_price[:] = np.maximum(site_price - down, 0.0)
        return theta

    def _turn_sites(self, site_price: Floats) -> float:
        use = np.bincount(self._node_site + 1, self.choice.used, len(self._cap) + 1)[1:]
        direction = KEPT * self._site_direction + (1.0 - KEPT) * (self._cap - use)
        self._site_direction[:] = direction
        moves = (site_price > 0.0) | (direction < 0.0)
        return float((direction**2 * self._site_scale)[moves].sum())

    def _fee(self, site_price: Floats) -> Floats:
        return np.append(site_price, 0.0)[self._node_site]

    def _value(self, graph: Graph, rent: Floats, site_price: Floats) -> float:
        agents = choose(self._offers, graph, rent, self._fee(site_price), self.choice)
        return float(rent.sum() + site_price @ self._cap + agents)


def bound_of_rents(form: MixForm, rents: Ints, site_price: Ints) -> int:
    """`models.bound.configuration_bound` to the unit, without a list of all pairs."""
    survey, rent = Survey(form), rents[form.rows.contact].astype(np.float64)
    survey.list_contacts(rent, lambda: False)
    return _proven(form, survey.lists, rent, site_price.astype(np.float64)).bound


def _proven(form: MixForm, lists: Graph, rent: Floats, site_price: Floats) -> Proven:
    """The exact bound from lists of the best contacts at these rents, which are whole numbers."""
    problem, mixes = form.problem, form.problem.all_mixes
    node_site = problem.agent_site[form.node_agent].astype(np.int64)
    worth = np.zeros(problem.num_agents, dtype=np.int64)
    exact_worth(
        offers_of(form), problem.agent_cap, mixes.start, np.ascontiguousarray(mixes.count),
        np.ascontiguousarray(problem.load_cost), lists, rent,
        np.append(site_price, 0.0)[node_site], worth,
    )  # fmt: skip
    rents = np.zeros(problem.num_contacts, dtype=np.int64)
    rents[form.rows.contact] = rent.astype(np.int64)
    whole = site_price.astype(np.int64)
    bound = int(rents.sum() + (whole * problem.site_cap).sum() + worth.sum())
    return Proven(rents, whole, bound)


def offers_of(form: MixForm) -> Offers:
    """Nodes and mixes of a form as the compiled loops see them."""
    slot_start = np.zeros(len(form.slots) + 1, dtype=np.int64)
    np.cumsum(form.slots, out=slot_start[1:])
    return Offers(
        form.node_start, form.node_lane, slot_start,
        form.mix_start, form.mix_count, form.mix_cost,
    )  # fmt: skip
