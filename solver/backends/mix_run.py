"""One run of the mixes backend from first to last: what is done when, and for how long.

All plans are counted exactly before they are kept, and so are all bounds.
"""

from dataclasses import replace

import numpy as np

from models.problem import NOBODY, Positions, Prices
from models.solution import Hint, Limit, Proof, SolveOptions
from solver.backend import Clock
from solver.backends import finish
from solver.backends.mix_finish import (
    FLOW_PAIRS,
    SECONDS_A_PAIR,
    settled_by_auction,
    settled_by_flow,
    with_mixes_fixed,
    within_sites,
)
from solver.backends.mix_proof import proven_by_search
from solver.claim import bound_by_class, gain_by_class
from solver.form import LISTED_PAIRS, count_pairs
from solver.mix_bound import Descent, Proven
from solver.mix_form import MixForm
from solver.mix_search import Pass, Search
from solver.mix_start import cold_start, warm_start
from solver.mix_survey import Survey
from solver.rows import build_rows

ROUNDS_A_LOOK = 40
LEAST_LOOKS, MOST_LOOKS = 3, 16
"""Of a cold start; a warm one may do with the first."""

ENOUGH = 5e-4
"""Relative fall of the bound from look to look below which the mixes are searched."""

LATE_LOOKS = 1
"""After each pass of the search."""

MOST_ROUNDS = 5
"""Of all passes."""

FILL_EPS = 0.01

FINISH_COLD, FINISH_WARM = 0.4, 1.0
"""Seconds of a finish over those that the beginning took."""

FINISH_ADDS = 0.6
"""Relative gain that a finish may add to what a pass came to, in its epsilons."""

FIRST_THETA, LEAST_THETA, LATE_THETA = 0.5, 0.02, 0.1
WARM_STEP = 0.001
"""First fall that a warm start aims at, relative to the bound."""

FITS = 1.25
"""Bound over value of the first plan beyond which a warm start is not one."""

PASSES = (
    Pass(eps=0.02, tries_per_agent=4.0, hot=0.025, cold=0.0015),
    Pass(eps=0.01, tries_per_agent=4.0, hot=0.010, cold=0.0015),
    Pass(eps=0.0035, tries_per_agent=4.0, hot=0.010, cold=0.0015),
)
LEAST_TRIES = 2_000
"""Of a pass in all: small problems can afford more for each agent."""

KEPT_BACK = 0.06
"""Share of the deadline kept for the last checks."""

CLOSING = 1.5
"""They take at most so many times as long as the layout and the first look at all pairs."""

TOO_LITTLE = 1e-5
"""Relative gain of a round of passes that is not worth another."""


class MixRun:
    """The best plan and bound so far of one problem; `to_the_end` improves them."""

    def __init__(
        self,
        form: MixForm,
        options: SolveOptions,
        hint: Hint | None,
        clock: Clock,
        begun: float,
    ) -> None:
        """Begin with nobody served, and every contact's largest gain as its rent."""
        self._form, self._problem, self._options, self._hint = form, form.problem, options, hint
        self._survey = Survey(form)
        self._draw = np.random.default_rng(options.seed)
        kept_back = max(KEPT_BACK * options.deadline_s, CLOSING * (clock() - begun))
        self._end = begun + options.deadline_s - kept_back
        self._half = begun + options.deadline_s / 2
        self._finish_s = 0.0
        self._clock = clock
        contacts = self._problem.num_contacts
        self.agent: Positions = np.full(contacts, NOBODY, dtype=np.int32)
        self.gain = 0
        rents = np.zeros(contacts, dtype=np.int64)
        rents[form.rows.contact] = self._survey.largest.astype(np.int64)
        no_price = np.zeros(len(self._problem.site_cap), dtype=np.int64)
        self.proven = Proven(rents, no_price, int(rents.sum()))
        self.bound = self.proven.bound
        self.proof = Proof.RENTS
        self._node_price = np.zeros(len(form.slots), dtype=np.int64)
        self._network_prices: Prices | None = None

    def is_late(self) -> bool:
        """Whether it is time for the last checks."""
        return self._clock() > self._end

    def is_enough(self) -> bool:
        """Whether the gap target, or the optimum, is reached."""
        return self.bound - self.gain <= self._options.gap_target * self.gain

    @property
    def prices(self) -> Prices:
        """Network prices that prove the bound, or what one more slot of a lane would be worth."""
        if self._network_prices is not None:
            return self._network_prices
        lane = np.zeros(self._problem.lane_cap.shape, dtype=np.int64)
        form = self._form
        lane[form.node_agent, form.node_lane] = self._node_price
        agent = np.zeros(self._problem.num_agents, dtype=np.int64)
        return Prices(lane=lane, agent=agent, site=self.proven.site_price)

    def to_the_end(self) -> Limit:
        """Improve plan and bound until the target, the deadline or the end of the method."""
        descent = self._begin()
        search = self._descend(descent)
        if search is not None:
            self._search(descent, search)
        if not self.is_enough():
            self._close()
        if self.is_enough():
            return Limit.GAP
        return Limit.TIME if self.is_time_to_finish() else Limit.METHOD

    def is_time_to_finish(self) -> bool:
        """Whether there is only time left to settle what the search came to."""
        return self._clock() > self._end - self._finish_s

    def _begin(self) -> Descent:
        """Last tick's rents where they fit this problem, else those of a few auctions."""
        begun = self._clock()
        warm = warm_start(self._form, self._survey, self._hint, self.is_late)
        if warm is not None:
            self._keep_bound(warm)
            warm.mean_mix[warm.choice.mix] = 1.0
            self._fill(warm)
            if self.bound <= FITS * self.gain or self.is_late():
                self._finish_s = FINISH_WARM * (self._clock() - begun)
                self._target, self._least_looks = float(self.gain), 0
                self._theta = WARM_STEP * warm.bound / max(warm.bound - self.gain, 1.0)
                return warm
        start = cold_start(self._form, self._survey, self._draw, self.is_late)
        self._finish_s = FINISH_COLD * (self._clock() - begun)
        self._keep_bound(start.descent)
        self._keep_plan(start.agent)
        self._theta, self._target, self._least_looks = FIRST_THETA, float(self.gain), LEAST_LOOKS
        return start.descent

    def _descend(self, descent: Descent) -> Search | None:
        """Lower the bound until it falls too little; a search at the mixes that agents chose."""
        search = None
        for number in range(MOST_LOOKS):
            before = descent.bound
            self._lower(descent, 1)
            search = self._fill(descent)
            if self.is_enough() or self.is_late():
                return None
            self._target = max(self._target, float(self.gain))
            if self._clock() > self._half or (
                number >= self._least_looks and descent.bound > before * (1.0 - ENOUGH)
            ):
                break
        return search

    def _lower(self, descent: Descent, looks: int) -> None:
        for _ in range(looks):
            theta = max(self._theta, LEAST_THETA)
            self._theta = descent.go_down(ROUNDS_A_LOOK, self._target, theta, self.is_late)
            if not descent.look(self.is_late):
                break
            self._keep_bound(descent)
            if self.is_enough():
                break

    def _fill(self, descent: Descent) -> Search | None:
        """The contacts settled on the mixes that agents chose most, or None if it got late."""
        unit = max(descent.bound / max(int(descent.choice.used.sum()), 1), 1.0)
        mix, fee = descent.mean_mixes(), descent.fee()
        price = descent.choice.price + fee
        search = Search(self._form, self._survey.graph, mix, price, fee, unit)
        settled = search.settle_all(FILL_EPS, self.is_late)
        self._keep_plan(search.agent)
        return search if settled else None

    def _search(self, descent: Descent, search: Search) -> None:
        """Rounds of passes, until one gains next to nothing; the bound follows the gain."""
        for _ in range(MOST_ROUNDS):
            before = self.gain
            for plan in PASSES:
                self._pass(plan, descent, search)
                if self.is_time_to_finish():
                    self._target = float(self.gain)
                    self._lower(descent, MOST_LOOKS)
                if self.is_enough() or self.is_time_to_finish():
                    return
                self._theta, self._target = LATE_THETA, float(self.gain)
                self._lower(descent, LATE_LOOKS)
                if self.is_enough() or self.is_late():
                    return
            if self.gain - before <= TOO_LITTLE * self.gain:
                return

    def _pass(self, plan: Pass, descent: Descent, search: Search) -> None:
        """One pass and what its mixes are worth when all the rest is settled exactly."""
        least = LEAST_TRIES / max(self._form.agents_with_choice, 1)
        longer = replace(plan, tries_per_agent=max(plan.tries_per_agent, least))
        is_late = self.is_time_to_finish
        for value in search.run(longer, descent.losses(), self._draw, is_late):
            if self.bound - value <= self._options.gap_target * value:
                self._keep_plan(search.agent)
                if self.is_enough():
                    return
        self._keep_plan(search.agent)
        wanted = 1.0 + self._options.gap_target + FINISH_ADDS * plan.eps
        if plan is PASSES[-1] or self.bound <= wanted * search.best or is_late():
            self._finish(search)

    def _finish(self, search: Search) -> None:
        form, graph = self._form, self._survey.graph
        if self.is_late():
            return
        if not (form.sites_bind or form.mix_cost.any()):
            price, unit = search.price, search.unit
            self._keep_plan(settled_by_auction(form, search.best_mix, price, unit, self.is_late))
            return
        seconds = SECONDS_A_PAIR * min(len(graph.row_gain), FLOW_PAIRS)
        if self._clock() + seconds < self._end:
            mix, price = search.best_mix, search.price
            self._keep_plan(settled_by_flow(form, mix, graph, price, search.rent))

    def _close(self) -> None:
        """Close what gap is left, where the problem is a network after all or small."""
        given = self._problem.all_mixes
        if len(given.count) == self._problem.num_agents and not self.is_late():
            self._close_network()
        left = self._end - self._clock()
        if self.is_enough() or count_pairs(self._problem) > LISTED_PAIRS or left <= 0:
            return
        seed = self._options.seed
        found = proven_by_search(
            self._form,
            self.proven,
            self.agent,
            self.gain,
            seed,
            lambda: self._end - self._clock(),
        )
        if found is None:
            return
        if found.agent is not None:
            self._keep_plan(found.agent)
        if found.bound < self.bound:
            self.bound, self.proof = max(found.bound, self.gain), Proof.SEARCH

    def _close_network(self) -> None:
        """One mix each: a min-cost flow keeps site caps and load costs, and its prices prove."""
        mix = np.zeros(self._problem.num_agents, dtype=np.int64)
        problem = replace(
            with_mixes_fixed(self._form, mix), lane_cap=self._problem.all_mixes.count
        )
        rows, prices = build_rows(problem), self.prices
        bound = bound_by_class(problem, rows, prices)
        found = finish.finished_by_flow(problem, rows, self.gain, bound, prices)
        if found is None:
            return
        self._keep_plan(found.agent)
        if found.bound < self.bound:
            self.bound, self.proof = found.bound, Proof.PRICES
            self._network_prices = found.prices

    def _keep_plan(self, agent: Positions) -> None:
        """Keep the plan, brought within the sites' caps, if it gains more than the best."""
        if self._form.sites_bind:
            agent = within_sites(self._problem, agent)
        gain = gain_by_class(self._problem, agent)
        if gain > self.gain:
            self.agent, self.gain = agent, gain

    def _keep_bound(self, descent: Descent) -> None:
        if descent.proven is None or descent.proven.bound >= self.bound:
            return
        self.proven, self.bound = descent.proven, descent.proven.bound
        self._node_price = descent.values_of_one_more()
