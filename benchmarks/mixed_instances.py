"""Seeded instances with mixed channels: the network centre, its agents with capacity in units.

Contacts are voice, chat or email and weigh 100, 34 or 20 units; an agent has 100, 66 or 40 units
free. What fits into them is stated as the agent's maximal mixes. All else, 6 % of pairs eligible
and 30 % of contacts with an owner, is that of `benchmarks/engine_instances.py`.
"""

from dataclasses import replace

import numpy as np

from benchmarks.engine_instances import Form, Size, Structure, build_instance, next_tick
from models.problem import AssignmentProblem, Ints, Mixes

LANE_SHARE = (0.4, 0.35, 0.25)
"""Of voice, chat and email among the contacts."""

FREE_SHARE = (0.46, 0.27, 0.27)
"""Of agents with 100, 66 and 40 units free."""

MAXIMAL_MIXES = (
    ((1, 0, 0), (0, 2, 1), (0, 1, 3), (0, 0, 5)),
    ((0, 1, 1), (0, 0, 3)),
    ((0, 1, 0), (0, 0, 2)),
    ((0, 0, 0),),
)
"""Voice, chat and email contacts that fit together into 100, 66, 40 and no units."""

NO_ROOM = 3
"""The last of them: agents without a slot where nearly everybody is full."""


def build_mixed(
    seed: int,
    size: Size,
    form: Form = Form.RATE,
    *,
    contact_seed: int | None = None,
    structure: Structure = Structure.PLAIN,
) -> AssignmentProblem:
    """The instance; the same arguments give the same arrays.

    Another `contact_seed` gives other contacts for the same agents.
    """
    network = build_instance(seed, size, form, structure, contact_seed=contact_seed)
    lane = _draw_lanes(seed if contact_seed is None else contact_seed, network.num_contacts)
    free = _draw_free(np.random.default_rng([seed, 4]), size)
    if structure is Structure.NEARLY_FULL:
        free[network.agent_cap == 0] = NO_ROOM
    return _with_mixes(network, lane, free)


def next_mixed_tick(
    seed: int, size: Size, form: Form = Form.RATE, structure: Structure = Structure.PLAIN
) -> AssignmentProblem:
    """The instance one tick later: 5 % of its contacts are others, and so is the free capacity of
    20 % of its agents.
    """
    network = next_tick(seed, size, form, structure)
    contacts = network.num_contacts
    # The draws of `next_tick`, so that the same contacts are new.
    draw = np.random.default_rng([seed, 2])
    new = draw.random(contacts) < 0.05
    changed = draw.random(size.num_agents) < 0.2
    lane = np.where(new, _draw_lanes(seed + 1_000_000, contacts), _draw_lanes(seed, contacts))
    before = _draw_free(np.random.default_rng([seed, 4]), size)
    after = _draw_free(np.random.default_rng([seed, 5]), size)
    free = np.where(changed, after, before)
    if structure is Structure.NEARLY_FULL:
        free[network.agent_cap == 0] = NO_ROOM
    return _with_mixes(network, lane, free)


def new_contacts(seed: int, size: Size) -> Ints:
    """Positions of the contacts of `next_mixed_tick` that were not there the tick before."""
    return np.flatnonzero(np.random.default_rng([seed, 2]).random(size.num_contacts) < 0.05)


def _draw_lanes(seed: int, num_contacts: int) -> Ints:
    draw = np.random.default_rng([seed, 3])
    return draw.choice(len(LANE_SHARE), num_contacts, p=LANE_SHARE)


def _draw_free(draw: np.random.Generator, size: Size) -> Ints:
    """Which of the first of `MAXIMAL_MIXES` each agent has."""
    return draw.choice(len(FREE_SHARE), size.num_agents, p=FREE_SHARE)


def _with_mixes(network: AssignmentProblem, lane: Ints, free: Ints) -> AssignmentProblem:
    tables = [np.array(table, dtype=np.int64) for table in MAXIMAL_MIXES]
    start = np.zeros(len(free) + 1, dtype=np.int64)
    np.cumsum(np.array([len(table) for table in tables])[free], out=start[1:])
    lane_cap = np.array([table.max(axis=0) for table in tables])[free]
    agent_cap = np.array([table.sum(axis=1).max() for table in tables])[free]
    return replace(
        network,
        contact_lane=lane.astype(np.int32),
        lane_cap=lane_cap,
        agent_cap=agent_cap,
        mixes=Mixes(start, np.concatenate([tables[kind] for kind in free])),
    )
