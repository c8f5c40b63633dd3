"""Section 4 of `docs/model.md`, written a second time: what each agent can take together.

Every count vector over lanes that fits is listed for each pattern of limits (`vectors.py`), so
that the best of them can be looked up whatever the prices are.
"""

from dataclasses import dataclass

import numpy as np

from models.policy import Policy
from models.recount.agents import Agents, yield_matrix
from models.recount.conversations import Conversations
from models.recount.numbers import DECIMALS, Bools, Ints, block_matrix, by_channel
from models.recount.sides import lane_carries
from models.recount.vectors import Layout, Limits, largest_total, listed
from models.tables import Channel


@dataclass(frozen=True, eq=False)
class Room:
    """How many new conversations fit in this tick."""

    lane_cap: Ints
    """(A, L)"""
    agent_cap: Ints
    """(A,)"""
    pattern: Ints
    """(A,) which of `vectors` the agent has"""
    vectors: tuple[Ints | None, ...]
    """Every count vector that fits, or None where any within the caps does."""

    def overfull(self, new: Ints) -> Bools:
        """(A,) whether the new conversations by lane, (A, L), are no vector that fits."""
        over = np.zeros(len(new), dtype=bool)
        busy = new.any(axis=1)
        for pattern in np.unique(self.pattern[busy]).tolist():
            vectors = self.vectors[pattern]
            if vectors is not None:
                mine = np.flatnonzero((self.pattern == pattern) & busy)
                same = (new[mine][:, None, :] == vectors[None, :, :]).all(axis=2)
                over[mine] = ~same.any(axis=1)
        return over


@dataclass(frozen=True, eq=False)
class _Caps:
    """Limits of all agents before they are mixed."""

    lane: Ints
    """(A, L)"""
    channel: Ints
    """(A, 8) of the lanes of a channel together"""
    profile: Ints
    """(A, P) of the lanes that carry a profile together"""
    weight: Ints
    """(A, L) millionths of a unit, 0 where nobody waits"""
    free: Ints
    """(A, 8) millionths of a unit"""


def build_room(policy: Policy, agents: Agents, conversations: Conversations) -> Room:
    """Caps of lanes and agents, and what fits together."""
    carries = lane_carries(conversations, agents)
    caps = _caps(policy, agents, conversations, carries)
    layout = Layout.of(
        conversations.lanes.channel, carries, block_matrix(policy), yield_matrix(policy)
    )
    # What limits nothing is left out, so that many agents share a pattern.
    wanted = np.where(caps.weight > 0, caps.lane, 0)
    is_open = wanted > 0
    open_lanes = is_open @ layout.groups
    shared = np.hstack([caps.channel, caps.profile])
    key = np.hstack(
        [
            wanted,
            np.where(is_open, caps.weight, 0),
            np.where(open_lanes[:, : len(Channel)] > 0, caps.free, 0),
            np.where(open_lanes > 1, shared, 0),
            agents.free_soon[:, None],
        ]
    )
    keys, pattern = np.unique(key, axis=0, return_inverse=True)
    limits = [Limits.of(row, layout) for row in keys.tolist()]
    totals = np.array([largest_total(limit, layout) for limit in limits], dtype=np.int64)
    return Room(
        lane_cap=caps.lane,
        agent_cap=totals[pattern],
        pattern=pattern,
        vectors=tuple(listed(limit, layout) for limit in limits),
    )


def _caps(policy: Policy, agents: Agents, conversations: Conversations, carries: Bools) -> _Caps:
    channel_of = conversations.lanes.channel
    free = np.rint(agents.free_units * 10**DECIMALS).astype(np.int64)
    weight = _weights(conversations, free)
    most = by_channel(policy, lambda c: c.max_new_per_tick).astype(np.int64)
    channel = np.minimum(np.minimum(agents.max_items - agents.held, most), agents.rate_left)
    alone = np.diagonal(block_matrix(policy))[None, :] | agents.free_soon[:, None]
    channel = np.where(alone, np.minimum(channel, 1), channel)
    lane = channel[:, channel_of]
    for place in range(carries.shape[1]):
        left = agents.profile_left[:, [place]]
        lane = np.where(carries[:, place], np.minimum(lane, left), lane)
    some = weight > 0
    by_units = free[:, channel_of] // np.where(some, weight, 1)
    lane = np.where(some, np.minimum(lane, by_units), lane)
    waited_for = np.bincount(conversations.lane, minlength=len(channel_of)) > 0
    able = agents.on_shift & (agents.free_now | agents.free_soon)
    shut = agents.blocked | (free <= 0) | (agents.max_items < 1) | ~able[:, None]
    shut_lane = shut[:, channel_of] | (waited_for & ~some)
    return _Caps(
        lane=np.where(shut_lane, 0, np.maximum(lane, 0)),
        channel=np.maximum(channel, 0),
        profile=np.maximum(agents.profile_left, 0),
        weight=weight,
        free=free,
    )


def _weights(conversations: Conversations, free: Ints) -> Ints:
    """(A, L) heaviest conversation of a lane that fits the free units, 0 where none does."""
    units = np.rint(conversations.units * 10**DECIMALS).astype(np.int64)
    heaviest = np.zeros((len(free), len(conversations.lanes.channel)), dtype=np.int64)
    waiting = np.unique(np.stack([conversations.lane, units], axis=1), axis=0)
    for lane, weight in waiting.tolist():
        fits = weight <= free[:, conversations.lanes.channel[lane]]
        heaviest[fits, lane] = weight  # they come from light to heavy
    return heaviest
