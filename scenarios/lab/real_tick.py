"""The product itself as a router: tables of the floor in, `assign`, pairs of its plan out.

The same code as in production, from the tables to the plan; only clock and state are the lab's.
"""

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np

from models.batch import Batch
from models.plan import Plan
from models.policy import Policy
from models.solution import SolveOptions
from scenarios.lab.centre import LabCentre
from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision
from scenarios.lab.tick_policy import tick_policy
from scenarios.lab.tick_tables import STEPS, TickTables
from solver.assign import Watch, assign

OPTIONS = SolveOptions()
"""As in production."""

Prepare = Callable[[Floor, Batch], Batch]
"""The batch as the tick is to see it."""

Witness = Callable[[Batch, Plan], None]
"""Told what every tick saw and decided."""


class RealTick:
    """Decides as a tick of the product does; what a plan holds for somebody starts nothing yet."""

    def __init__(
        self,
        centre: LabCentre,
        policy: Policy | None = None,
        *,
        steps: int = STEPS,
        prepare: Prepare = lambda _, batch: batch,
        watch: Watch = lambda _: nullcontext(),
        witness: Witness = lambda *_: None,
    ) -> None:
        """Builds the tables that do not change; the policy is that of the centre if none is given.

        Raises ValueError for a centre that decides at every event.
        """
        if not centre.tick_s:
            raise ValueError(
                f"centre {centre.name}: tick_s is 0, at which others decide at every event;"
                " expected a length, for the product decides at ticks: give it one"
            )
        self.policy = tick_policy(centre) if policy is None else policy
        self._tables = TickTables(centre, steps)
        self._prepare, self._watch, self._witness = prepare, watch, witness

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now, as the plan of the tick has them."""
        batch = self._prepare(floor, self._tables.batch(floor))
        plan = assign(batch, self.policy, OPTIONS, watch=self._watch)
        self._witness(batch, plan)
        given = plan.assignments
        contact = self._tables.contacts_of(given["contact_id"])
        order = np.argsort(floor.contact)
        position = order[np.searchsorted(floor.contact, contact, sorter=order)]
        return Decision(position, self._tables.agents_of(given["agent_id"]))
