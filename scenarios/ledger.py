"""Where every contact of a world is: columns by contact, moved on by time and by agents."""

import numpy as np
from numpy.typing import NDArray

from models.tables import LoadState
from scenarios.fates import (
    ANSWERED,
    ENDED,
    MILESTONES,
    NEVER,
    PARKED,
    RETURNED,
    WRAPPED,
    Fates,
    timeline,
)
from scenarios.population import Population

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WAITING, HELD, DONE, ABANDONED = range(4)
"""Phases of a contact that has entered; it is done when wrap-up is over."""

RINGING, ACTIVE, PAUSED, WRAPPING = range(4)
STATES = (LoadState.OFFERED, LoadState.ACTIVE, LoadState.PARKED, LoadState.WRAP_UP)
"""States of a held contact: codes, and what the platform calls them."""


class Ledger:
    """Phase, agent, milestones and version of every contact; instants in microseconds.

    A contact's milestones are set when it gets its agent, so that time may then move on in steps
    of any size.
    """

    def __init__(self, population: Population, fates: Fates, now_us: int) -> None:
        count = len(population.contacts)
        self._population = population
        self._fates = fates
        self.now_us = now_us
        self.num_entered = int(np.searchsorted(population.entered_us, now_us, "right"))
        self.phase = np.full(count, WAITING, dtype=np.int64)
        self.agent = np.full(count, -1, dtype=np.int64)
        self.units = np.zeros(count)
        self.started_us = np.full(count, NEVER, dtype=np.int64)
        self.life = np.full((count, MILESTONES), NEVER, dtype=np.int64)
        self.leaves_us = population.entered_us + fates.patience_us
        self.soured = np.zeros(count, dtype=bool)
        self.version: Ints = population.contacts["version"].to_numpy().copy()

    def waiting(self) -> Ints:
        """Contacts that wait."""
        return np.flatnonzero(self.phase[: self.num_entered] == WAITING)

    def held(self) -> Ints:
        """Contacts that an agent holds, wrap-up included."""
        return np.flatnonzero(self.phase == HELD)

    def state(self, held: Ints) -> Ints:
        """State of held contacts."""
        life, now = self.life[held], self.now_us
        paused = (life[:, PARKED] <= now) & (now < life[:, RETURNED])
        cases = [now < life[:, ANSWERED], now >= life[:, ENDED], paused]
        return np.select(cases, [RINGING, WRAPPING, PAUSED], ACTIVE).astype(np.int64)

    def begin(self, contact: Ints, agent: Ints, units: Floats) -> None:
        """Give waiting contacts to agents now; the more an agent does at once, the longer."""
        held = self.held()
        active = held[self.state(held) <= ACTIVE]
        busy = np.bincount(np.concatenate([self.agent[active], agent]))
        now = np.full(len(contact), self.now_us)
        whole = self._population.takes_whole_agent[contact]
        num_active = np.where(whole, 1, busy[agent])
        level = self._population.mean_levels(contact, agent)
        self.version[contact] += 1
        self.hold(contact, agent, units, now, num_active, level)

    def hold(
        self,
        contact: Ints,
        agent: Ints,
        units: Floats,
        started_us: Ints,
        num_active: Ints,
        level: Floats,
    ) -> None:
        """Set the agent and the milestones of contacts."""
        self.phase[contact] = HELD
        self.agent[contact] = agent
        self.units[contact] = units
        self.started_us[contact] = started_us
        self.life[contact] = timeline(self._fates, contact, started_us, num_active, level)

    def advance(self, now_us: int) -> Ints:
        """Move time on; returns the agent of every milestone passed, with repeats."""
        before, self.now_us = self.now_us, now_us
        self.num_entered = int(np.searchsorted(self._population.entered_us, now_us, "right"))
        waiting = self.waiting()
        leaving = self.leaves_us[waiting] <= now_us
        self.phase[waiting[leaving]] = ABANDONED
        self._sour(waiting[~leaving])
        held = self.held()
        life = self.life[held]
        changes = ((before < life) & (life <= now_us)).sum(axis=1)
        self.version[held] += changes
        self.phase[held[life[:, WRAPPED] <= now_us]] = DONE
        return np.repeat(self.agent[held], changes)

    def _sour(self, waiting: Ints) -> None:
        """Customers whose wait passes the target lose some of their mood, once."""
        people = self._population
        late = people.entered_us[waiting] + people.target_us[waiting] <= self.now_us
        soured = waiting[late & ~self.soured[waiting] & people.has_mood[waiting]]
        self.soured[soured] = True
        self.version[soured] += 1
