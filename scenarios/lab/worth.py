"""What serving gains at a tick: match and urgency less what the agents' time costs, and holds.

Formulas are those of `value.md` 1. For an agent who can start now

    p V - cost + nu + u,   u = (1 - exp(-theta T)) (L + Lambda) + c T

and for one who will be free in r seconds, which holds the contact and starts nothing,

    S(r) (p V - cost + nu) - (1 - S(r)) L - c r + u,   S(r) = exp(-theta r)
"""

from dataclasses import dataclass

import numpy as np

from models.problem import NOBODY, AssignmentProblem
from scenarios.lab.centre import Flags, Floats, Ints
from scenarios.lab.floor import Floor
from solver.pricing.moment import Beliefs

NEAR = 0.1
"""Agents whose net gain is within this share of the best are as good as the best."""


@dataclass(frozen=True, eq=False)
class Openings:
    """Who may take or hold what at this tick: K classes, A agents."""

    can_start: Flags
    """(K, A) now."""
    can_hold: Flags
    """(K, A) busy, and free soon enough."""
    free_in_s: Floats
    """(A,) expected seconds until the agent is free; 0 for those who are."""


@dataclass(frozen=True, eq=False)
class TickProblem:
    """The tick as the product's problem; its agents are a part of the floor's."""

    problem: AssignmentProblem
    agent: Ints
    """(J,) position on the floor of each agent of the problem."""
    is_free: Flags
    """(J,) starts what they are given; the others only hold it."""


def tick_problem(
    floor: Floor, beliefs: Beliefs, openings: Openings, cost: Floats, head_worth: Floats
) -> TickProblem | None:
    """The assignment of this tick, or None if nobody who waits can be started.

    `cost` (K, A) money for the agents' time, `head_worth` (K,) money per contact served. An agent
    starts, or holds, one contact at most.
    """
    kinds_waiting: Flags = np.bincount(floor.kind, minlength=floor.centre.num_classes) > 0
    if not openings.can_start[kinds_waiting].any():
        return None
    possible = openings.can_start | openings.can_hold
    agents = np.flatnonzero(possible[kinds_waiting].any(axis=0))
    starts: Flags = np.logical_or.reduce(openings.can_start, axis=0)
    is_free = starts[agents]
    offer = head_worth[:, None] - cost
    base = _urgency(floor, beliefs, openings, offer)
    value_rate, money_rate = _rates(beliefs, openings, offer)
    kinds, agent = np.nonzero(possible[:, agents])
    number, classes = len(floor.kind), floor.centre.num_classes
    kind = floor.kind.astype(np.int32)
    nobody = np.zeros(0, dtype=np.int32)
    problem = AssignmentProblem(
        contact_class=kind,
        class_ptr=np.searchsorted(kinds, np.arange(classes + 1)),
        class_agent=agent.astype(np.int32),
        only_agent=np.full(number, NOBODY, dtype=np.int32),
        banned_contact=nobody,
        banned_agent=nobody,
        base=base,
        term_row=np.stack([kind, kind + np.int32(classes)], axis=1),
        term_coef=np.stack([floor.value, np.ones(number)], axis=1),
        rate=np.concatenate([value_rate, money_rate])[:, agents],
        extra_contact=nobody,
        extra_agent=nobody,
        extra_gain=np.zeros(0),
        contact_lane=floor.centre.classes.channel[floor.kind].astype(np.int32),
        lane_cap=np.where(is_free[:, None], np.minimum(floor.room[agents], 1), 1),
        agent_cap=np.ones(len(agents), dtype=np.int64),
        load_cost=np.zeros((len(agents), 0), dtype=np.int64),
        agent_site=np.full(len(agents), NOBODY, dtype=np.int32),
        site_cap=np.zeros(0, dtype=np.int64),
    )
    return TickProblem(problem, agents, is_free)


def _rates(beliefs: Beliefs, openings: Openings, offer: Floats) -> tuple[Floats, Floats]:
    """(K, A) gain per money of value, and gain whatever the value."""
    wait_s = openings.free_in_s
    stays = np.exp(-wait_s / beliefs.mean_patience_s[:, None])
    value_rate = stays * beliefs.resolution - (1 - stays) * beliefs.loss_share[:, None]
    money_rate = stays * offer - beliefs.waiting_cost[:, None] * wait_s
    return value_rate, money_rate


def _urgency(floor: Floor, beliefs: Beliefs, openings: Openings, offer: Floats) -> Floats:
    """(W,) u: what is expected to be lost if the tick skips the contact."""
    kind, value = floor.kind, floor.value
    served = (beliefs.allowed & floor.on_duty)[kind]
    net = np.where(served, beliefs.resolution[kind] * value[:, None] + offer[kind], -np.inf)
    best = net.max(axis=1)
    near = net >= (best - NEAR * np.abs(best))[:, None]
    is_free = (near & openings.can_start[kind]).any(axis=1)
    count = near.sum(axis=1)
    mean_s = (beliefs.handling_s[kind] * near).sum(axis=1) / count
    tick_s = floor.centre.tick_s
    delay_s = np.where(is_free, tick_s, np.maximum(mean_s / count, tick_s))
    leaves = -np.expm1(-delay_s / beliefs.mean_patience_s[kind])
    lost = beliefs.loss_share[kind] * value + np.maximum(best, 0.0)
    urgency: Floats = leaves * lost + beliefs.waiting_cost[kind] * delay_s
    return urgency
