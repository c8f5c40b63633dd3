"""The myopic batch: the best joint assignment of this tick, as if there were no later ones."""

from dataclasses import dataclass, field

import numpy as np

from models.problem import NOBODY, AssignmentProblem
from models.solution import SolveOptions
from scenarios.lab.centre import Floats
from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision, nothing_starts
from solver.solve import solve


@dataclass(frozen=True)
class MyopicBatch:
    """Maximises `p V + what waiting another tick would cost`, by the product's exact solver.

    An agent starts at most one contact per tick.
    """

    options: SolveOptions = field(default_factory=lambda: SolveOptions(backend="flow"))

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        problem, agents = tick_problem(floor)
        if problem is None:
            return nothing_starts()
        solution = solve(problem, self.options)
        contact = np.flatnonzero(solution.agent != NOBODY)
        return Decision(contact, agents[solution.agent[contact]])


def tick_problem(floor: Floor) -> tuple[AssignmentProblem | None, np.ndarray]:
    """The tick as the product's problem, and who its agents are; None if nobody can start."""
    can = floor.can_start
    wanted = np.bincount(floor.kind, minlength=floor.centre.num_classes) > 0
    agents = np.flatnonzero(can[wanted].any(axis=0))
    if len(agents) == 0:
        return None, agents
    kinds, agent = np.nonzero(can[:, agents])
    number = len(floor.contact)
    nobody = np.zeros(0, dtype=np.int32)
    problem = AssignmentProblem(
        contact_class=floor.kind.astype(np.int32),
        class_ptr=np.searchsorted(kinds, np.arange(floor.centre.num_classes + 1)),
        class_agent=agent.astype(np.int32),
        only_agent=np.full(number, NOBODY, dtype=np.int32),
        banned_contact=nobody,
        banned_agent=nobody,
        base=waiting_costs(floor, floor.centre.tick_s),
        term_row=floor.kind.astype(np.int32)[:, None],
        term_coef=floor.value[:, None],
        rate=floor.centre.p[:, agents],
        extra_contact=nobody,
        extra_agent=nobody,
        extra_gain=np.zeros(0),
        contact_lane=floor.centre.classes.channel[floor.kind].astype(np.int32),
        lane_cap=np.minimum(floor.room[agents], 1),
        agent_cap=np.ones(len(agents), dtype=np.int64),
        load_cost=np.zeros((len(agents), 0), dtype=np.int64),
        agent_site=np.full(len(agents), NOBODY, dtype=np.int32),
        site_cap=np.zeros(0, dtype=np.int64),
    )
    return problem, agents


def waiting_costs(floor: Floor, seconds: float) -> Floats:
    """(W,) what waiting that much longer is expected to cost: `(1 - e^(-s/patience)) L + c s`."""
    classes = floor.centre.classes
    leaves = -np.expm1(-seconds / classes.patience_s[floor.kind])
    loss = classes.loss_share[floor.kind] * floor.value
    cost: Floats = leaves * loss + classes.waiting_cost[floor.kind] * seconds
    return cost
