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
    floor: Floor, order: Ints, rank: Rank, allowed: Flags, may_serve: MayServe | None = None
) -> Decision:
    """Pairs that start: each contact of `order` takes the highest ranked allowed free agent.

    `allowed` is (K, A) by class; `may_serve` narrows it by contact. Equal ranks go to the agent
    who has been idle longest, then to the first.
    """
    can = floor.can_start & allowed
    room = floor.room.copy()
    channel = floor.centre.classes.channel
    contacts: list[int] = []
    agents: list[int] = []
    hopeful: Flags = np.logical_or.reduce(can, axis=1)
    for contact in order[hopeful[floor.kind[order]]].tolist():
        kind = int(floor.kind[contact])
        if not hopeful[kind]:
            continue
        able = can[kind] if may_serve is None else can[kind] & may_serve(contact)
        candidates = np.flatnonzero(able)
        if len(candidates) == 0:
            continue
        agent = int(candidates[_first(rank(contact, candidates), idle_order(floor, candidates))])
        contacts.append(contact)
        agents.append(agent)
        _fill(room[agent], int(channel[kind]))
        can[:, agent] &= room[agent, channel] > 0
        hopeful = np.logical_or.reduce(can, axis=1)
    if not contacts:
        return nothing_starts()
    return Decision(np.array(contacts, dtype=np.int64), np.array(agents, dtype=np.int64))


def idle_order(floor: Floor, agents: Ints) -> Floats:
    """Seconds since each agent had nothing to do; below 0 for those who hold something."""
    busy = (floor.held_kind[agents] != NOTHING).any(axis=1)
    idle: Floats = np.where(busy, -1.0, floor.now_s - floor.idle_since_s[agents])
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


def _first(rank: Floats | Ints, idle: Floats) -> int:
    best = np.flatnonzero(rank == rank.max())
    return int(best[np.argmax(idle[best])])


def _fill(room: Ints, channel: int) -> None:
    """One more contact of that channel: chats leave room for chats, all else for nothing else.

    An email that was just begun could be interrupted at once, but no rule begins one for that.
    """
    left = room[channel] - 1
    room[:] = 0
    room[channel] = left
