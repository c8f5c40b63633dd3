"""Section 4 of `docs/model.md`, written a second time: what each agent can take together.

Every count vector over channels that fits is listed for each pattern of limits, so that the best
of them can be looked up whatever the prices are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models.policy import Policy
from models.recount.agents import Agents
from models.recount.conversations import Conversations
from models.recount.numbers import DECIMALS, Bools, Ints, block_matrix, by_channel
from models.tables import Channel

MANY = 1_000
"""Count vectors; where more fit, only what surely fits together counts."""

Vector = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Room:
    """How many new conversations fit in this tick."""

    lane_cap: Ints
    """(A, 8)"""
    agent_cap: Ints
    """(A,)"""
    pattern: Ints
    """(A,) which of `vectors` the agent has"""
    vectors: tuple[Ints | None, ...]
    """Every count vector that fits, or None where any within the caps does."""

    def overfull(self, new: Ints) -> Bools:
        """(A,) whether the new conversations by lane, (A, 8), are no vector that fits."""
        over = np.zeros(len(new), dtype=bool)
        for pattern, vectors in enumerate(self.vectors):
            mine = np.flatnonzero((self.pattern == pattern) & (new.sum(axis=1) > 0))
            if vectors is not None and len(mine):
                same = (new[mine][:, None, :] == vectors[None, :, :]).all(axis=2)
                over[mine] = ~same.any(axis=1)
        return over


def build_room(policy: Policy, agents: Agents, conversations: Conversations) -> Room:
    """Caps of lanes and agents, and what fits together."""
    millionths = 10**DECIMALS
    free = np.rint(agents.free_units * millionths).astype(np.int64)
    weight = _weights(conversations, free)
    left = np.minimum(
        agents.max_items - agents.held,
        by_channel(policy, lambda c: c.max_new_per_tick).astype(np.int64),
    )
    blocks = block_matrix(policy)
    one_only = np.diagonal(blocks)[None, :] | agents.free_soon[:, None]
    left = np.where(one_only, np.minimum(left, 1), left)
    some = weight > 0
    left[some] = np.minimum(left, free[:, None] // np.where(some, weight, 1))[some]
    waited_for = np.bincount(conversations.lane, minlength=len(Channel)) > 0
    able = agents.on_shift & agents.present & (agents.free_now | agents.free_soon) & (free > 0)
    shut = agents.blocked | ~able[:, None] | (waited_for & ~some)
    lane_cap = np.where(shut, 0, np.maximum(left, 0))

    wanted = np.where(some, lane_cap, 0)
    key = np.hstack([wanted, np.where(wanted > 0, weight, 0), free[:, None]])
    keys, pattern = np.unique(
        np.hstack([key, agents.free_soon[:, None]]), axis=0, return_inverse=True
    )
    fits = [_Pattern.of(row, blocks) for row in keys.tolist()]
    caps = np.array([found.cap() for found in fits], dtype=np.int64)
    return Room(lane_cap, caps[pattern], pattern, tuple(found.vectors() for found in fits))


def _weights(conversations: Conversations, free: Ints) -> Ints:
    """(A, 8) heaviest conversation of a lane that fits the free units, 0 where none does."""
    units = np.rint(conversations.units * 10**DECIMALS).astype(np.int64)
    heaviest = np.zeros((len(free), len(Channel)), dtype=np.int64)
    for lane, weight in sorted(set(zip(conversations.lane.tolist(), units.tolist(), strict=True))):
        fits = weight <= free
        heaviest[fits, lane] = np.maximum(heaviest[fits, lane], weight)
    return heaviest


@dataclass(frozen=True)
class _Pattern:
    """Limits that many agents share; whole millionths."""

    most: Vector
    weight: Vector
    free: int
    alone: bool
    clashes: tuple[Vector, ...]
    """Channels that cannot stand beside each channel."""

    @classmethod
    def of(cls, row: list[int], blocks: Bools) -> "_Pattern":
        size = len(Channel)
        clashes = tuple(
            tuple(o for o in range(size) if o != c and (blocks[c, o] or blocks[o, c]))
            for c in range(size)
        )
        *limits, free, alone = row
        return cls(tuple(limits[:size]), tuple(limits[size:]), free, bool(alone), clashes)

    def cap(self) -> int:
        """Most new conversations of an agent."""
        listed = _listed(self)
        if listed is not None:
            return max(sum(vector) for vector in listed)
        used = [channel for channel, most in enumerate(self.most) if most]
        clash = any(other in used for channel in used for other in self.clashes[channel])
        surely = 1 if clash else self.free // max(self.weight[channel] for channel in used)
        return min(surely, sum(self.most))

    def vectors(self) -> Ints | None:
        """All that fit, or None where there are too many."""
        listed = _listed(self)
        return None if listed is None else np.array(listed, dtype=np.int64)


@lru_cache(maxsize=65_536)
def _listed(pattern: _Pattern) -> tuple[Vector, ...] | None:
    found = []
    for vector in _grow(pattern, (), pattern.free):
        found.append(vector)
        if len(found) > MANY:
            return None
    return tuple(found)


def _grow(pattern: _Pattern, begun: Vector, units: int) -> Iterator[Vector]:
    """All ways to go on from counts of the first channels with so many units left."""
    channel = len(begun)
    if channel == len(pattern.most):
        yield begun
        return
    barred = any(begun[other] for other in pattern.clashes[channel] if other < channel)
    most = 0 if barred or (pattern.alone and any(begun)) else pattern.most[channel]
    for count in range(most + 1):
        if count * pattern.weight[channel] <= units:
            left = units - count * pattern.weight[channel]
            yield from _grow(pattern, (*begun, count), left)
