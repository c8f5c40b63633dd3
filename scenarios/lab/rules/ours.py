"""Ours: one exact assignment per tick over agents free or about to be free, at prices of time.

The recipe of `value.md` 1: prices of agents' time, holds, a bonus per head against abandonment,
and a floor on the resolution probability. `asking.py` makes the prices, `worth.py` the gains.
"""

from dataclasses import dataclass

import numpy as np

from models.problem import NOBODY
from models.solution import SolveOptions
from scenarios.lab.asking import Asking
from scenarios.lab.beliefs import Forecast, moment_of
from scenarios.lab.centre import Floats
from scenarios.lab.floor import Floor
from scenarios.lab.levers import Lever
from scenarios.lab.router import Decision, nothing_starts
from scenarios.lab.worth import Openings, tick_problem
from solver.pricing.moment import Beliefs, work_in_progress
from solver.pricing.scenarios import mean_remaining_s
from solver.solve import solve

HOLD_S = 300.0
"""Longest expected wait for a busy agent for whom a contact is held."""


@dataclass
class PricedBatch:
    """Decides one day."""

    beliefs: Beliefs
    forecast: Forecast
    asking: Asking
    lever: Lever
    hold_s: float = HOLD_S
    """0: no holds."""

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now; contacts held for somebody wait on."""
        cost = self.asking.ask(floor)
        tick = tick_problem(
            floor, self.beliefs, self._openings(floor), cost, self.lever.head_worth(floor)
        )
        if tick is None:
            return nothing_starts()
        agent = solve(tick.problem, SolveOptions(backend="flow")).agent
        starts = np.flatnonzero((agent != NOBODY) & tick.is_free[agent])
        self.lever.started(floor.contact[starts])
        return Decision(starts, tick.agent[agent[starts]])

    def _openings(self, floor: Floor) -> Openings:
        free_in_s = self._free_in_s(floor)
        can_start = floor.can_start & self.beliefs.allowed
        is_soon = (free_in_s > 0) & (free_in_s <= self.hold_s) & floor.on_duty
        is_soon &= ~(floor.room > 0).any(axis=1)
        free_in_s = np.where(is_soon, free_in_s, 0.0)
        return Openings(can_start, self.beliefs.allowed & is_soon, free_in_s)

    def _free_in_s(self, floor: Floor) -> Floats:
        """(A,) expected seconds until the first thing held ends; 0 for who holds nothing."""
        moment = moment_of(floor, self.forecast, 1.0)
        first = np.full(floor.centre.num_agents, np.inf)
        left_s = mean_remaining_s(work_in_progress(self.beliefs, moment))
        np.minimum.at(first, moment.held_agent, left_s)
        return np.where(np.isfinite(first), first, 0.0)
