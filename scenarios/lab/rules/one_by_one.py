"""How today's routers decide: contacts in an order, each to the agent who ranks first."""

from collections.abc import Callable

import numpy as np

from scenarios.lab.centre import Flags, Floats, Ints
from scenarios.lab.floor import NOTHING, Floor
from scenarios.lab.router import Decision, nothing_starts

Rank = Callable[[int, Ints], Floats | Ints]
"""(position of the contact, candidate agents) -> the candidate with the largest rank is taken."""
MayServe = Callable[[int], Flags]
"""Position of the contact -> (A,) agents whom the rule allows."""


def one_by_one(
    floor: Floor,
    order: Ints,
    allowed: Flags,
    rank: Rank | None = None,
    may_serve: MayServe | None = None,
    started: Callable[[int], None] | None = None,
) -> Decision:
    """Pairs that start: each contact of `order` takes the highest ranked allowed free agent.

    `allowed` is (K, A) by class; `may_serve` narrows it by contact. Equal ranks, and all without
    a `rank`, go to the agent who has been idle longest, then to the first. `started` is told every
    agent who gets a contact, for ranks that depend on it.
    """
    can = floor.can_start & allowed
    choices = np.count_nonzero(can, axis=1)
    hopeful = order[choices[floor.kind[order]] > 0]
    if len(hopeful) == 0:
        return nothing_starts()
    room, idle_s = floor.room.copy(), idle_seconds(floor)
    channel = floor.centre.classes.channel
    contacts: list[int] = []
    agents: list[int] = []
    for contact, kind in zip(hopeful.tolist(), floor.kind[hopeful].tolist(), strict=True):
        if not choices[kind]:
            continue
        able = can[kind] if may_serve is None else can[kind] & may_serve(contact)
        candidates = able.nonzero()[0]
        if len(candidates) == 0:
            continue
        if rank is not None:
            ranks = rank(contact, candidates)
            candidates = candidates[ranks == ranks.max()]
        agent = int(candidates[idle_s[candidates].argmax()])
        contacts.append(contact)
        agents.append(agent)
        if started is not None:
            started(agent)
        _fill(room[agent], int(channel[kind]))
        still = can[:, agent] & (room[agent, channel] > 0)
        choices -= can[:, agent] & ~still
        can[:, agent] = still
    return Decision(np.array(contacts, dtype=np.int64), np.array(agents, dtype=np.int64))


def idle_seconds(floor: Floor) -> Floats:
    """(A,) seconds since each agent had nothing to do; below 0 for those who hold something."""
    busy = np.logical_or.reduce(floor.held_kind != NOTHING, axis=1)
    idle: Floats = np.where(busy, -1.0, floor.now_s - floor.idle_since_s)
    return idle


def first_come(floor: Floor) -> Ints:
    """Positions in order of entry."""
    return np.arange(len(floor.contact))


def by_priority(floor: Floor) -> Ints:
    """Classes by mean value, the most valuable first, then in order of entry."""
    return np.argsort(-floor.centre.classes.value_mean[floor.kind], kind="stable")


def anybody(floor: Floor) -> Flags:
    """(K, A) every eligible agent."""
    return floor.centre.eligible


def _fill(room: Ints, channel: int) -> None:
    """One more contact of that channel: chats leave room for chats, all else for nothing else.

    An email that was just begun could be interrupted at once, but no rule begins one for that.
    """
    left = room[channel] - 1
    room[:] = 0
    room[channel] = left
