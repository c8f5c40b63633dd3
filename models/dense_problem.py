"""A problem from plain matrices."""

import numpy as np
from numpy.typing import NDArray

from models.problem import MILLI, NOBODY, AssignmentProblem, Ints, Mixes, PairUnits, Positions


def dense_problem(
    gain: Ints,
    agent_cap: Ints,
    *,
    eligible: NDArray[np.bool_] | None = None,
    lane: Positions | None = None,
    lane_cap: Ints | None = None,
    load_cost: Ints | None = None,
    agent_site: Positions | None = None,
    site_cap: Ints | None = None,
    mixes: Mixes | None = None,
    units: Ints | None = None,
    unit_cap: Ints | None = None,
    tier: Positions | None = None,
) -> AssignmentProblem:
    """A problem from a (C, A) matrix of gains in milli-units: one class per contact.

    `units` is a (C, A) matrix too, given together with `unit_cap`. For published instances and
    tests; ticks state their gains by class instead.
    """
    contacts, agents = gain.shape
    mask = np.ones(gain.shape, dtype=bool) if eligible is None else eligible
    class_ptr = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64)
    nobody: Positions = np.zeros(0, dtype=np.int32)
    return AssignmentProblem(
        contact_class=np.arange(contacts, dtype=np.int32),
        class_ptr=class_ptr,
        class_agent=np.nonzero(mask)[1].astype(np.int32),
        only_agent=np.full(contacts, NOBODY, dtype=np.int32),
        banned_contact=nobody,
        banned_agent=nobody,
        base=np.zeros(contacts),
        term_row=np.arange(contacts, dtype=np.int32)[:, None],
        term_coef=np.ones((contacts, 1)),
        rate=gain / MILLI,
        extra_contact=nobody,
        extra_agent=nobody,
        extra_gain=np.zeros(0),
        contact_lane=np.zeros(contacts, dtype=np.int32) if lane is None else lane,
        lane_cap=agent_cap[:, None].copy() if lane_cap is None else lane_cap,
        agent_cap=agent_cap,
        load_cost=np.zeros((agents, 0), dtype=np.int64) if load_cost is None else load_cost,
        agent_site=np.full(agents, NOBODY, dtype=np.int32) if agent_site is None else agent_site,
        site_cap=np.zeros(0, dtype=np.int64) if site_cap is None else site_cap,
        mixes=mixes,
        units=None if units is None or unit_cap is None else PairUnits(units[mask], unit_cap),
        tier=tier,
    )
