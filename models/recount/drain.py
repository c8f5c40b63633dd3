"""Draining, section 3 of `docs/model.md`, written a second time: who gets nothing new for a while.

Calls that waited long for somebody free make agents finish what they hold.
"""

from functools import reduce

import numpy as np

from models.recount.bits import Words, all_set, num_set, packed, unpacked
from models.recount.conversations import LIVE
from models.recount.numbers import Bools, Ints
from models.recount.sides import Sides, Test


def draining_agents(sides: Sides, tests: tuple[Test, ...], suitable: tuple[Test, ...]) -> Bools:
    """(A,) who is draining; `tests` are all up to `cooling_down`, `suitable` the first of them."""
    c, agents, policy = sides.conversations, sides.agents, sides.policy
    draining = np.zeros(len(agents), dtype=bool)
    urgent = np.flatnonzero(c.urgent & LIVE[c.channel])
    if len(urgent) == 0 or policy.drain_agents == 0:
        return draining
    classes = _in_order(sides, urgent)
    free_now = packed(agents.free_now[None, :])
    stuck = num_set(passing(tests, classes, len(agents)) & free_now) == 0
    classes = classes[stuck]
    wanted = np.minimum(policy.drain_agents, np.bincount(sides.class_of[urgent])[classes])
    may = unpacked(passing(suitable, classes, len(agents)), len(agents))
    may &= (agents.held > 0).any(axis=1)
    least_first = np.argsort(agents.remaining, kind="stable")
    for able, number in zip(may, wanted.tolist(), strict=True):
        left = least_first[(able & ~draining)[least_first]]
        draining[left[:number]] = True
    return draining


def passing(tests: tuple[Test, ...], classes: Ints, num_agents: int) -> Words:
    """Who passes all these tests of each class."""
    everybody = all_set(len(classes), num_agents)
    return reduce(
        lambda left, test: left & packed(test.holds)[test.row[classes]], tests, everybody
    )


def _in_order(sides: Sides, urgent: Ints) -> Ints:
    """Classes of urgent conversations by their earliest clock, then by their smallest lead."""
    c, kind = sides.conversations, sides.class_of[urgent]
    lead = c.members["contact_id"].rank("ordinal").to_numpy()[c.start]
    clock = np.full(len(sides.example), np.iinfo(np.int64).max)
    first = clock.copy()
    np.minimum.at(clock, kind, c.waits.clock[urgent])
    np.minimum.at(first, kind, lead[urgent].astype(np.int64))
    classes = np.unique(kind)
    return classes[np.lexsort((first[classes], clock[classes]))]
