"""How many new conversations fit in one tick, and which together: `docs/model.md` section 4.

What an agent can take is a set of count vectors over channels. Where lane caps and a total say the
same, the agent stays part of a network; where a call or two chats fit, but not both, its maximal
vectors become mixes, of which the engine chooses one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models.capacity import NUM_CHANNELS, AgentState, Mask, block_matrix
from models.conversations import UNIT_DECIMALS, Conversations
from models.policy import Policy
from models.problem import Floats, Ints, Mixes
from models.tables import Channel

MOST_VECTORS = 1_000
"""Beyond so many count vectors an agent takes only what surely fits, whatever is mixed."""

UNIT = 10**UNIT_DECIMALS


@dataclass(frozen=True, eq=False)
class Room:
    """What agents can take in this tick, A rows."""

    lane_cap: Ints
    """(A, channels)"""
    agent_cap: Ints
    """(A,) largest total of any mix."""
    mixes: Mixes | None
    """None where no agent has a choice."""


def build_room(state: AgentState, conversations: Conversations, policy: Policy) -> Room:
    """Lane caps, totals and mixes of all agents.

    A conversation counts as much as the heaviest that waits in its lane and fits the free units,
    so that what fits together does not depend on who is chosen.
    """
    free = _whole(state.free_units)
    weight, too_heavy = _weights(conversations, free)
    lane_cap = np.where(too_heavy, 0, _lane_caps(state, weight, free, policy))
    asked = np.where(weight > 0, lane_cap, 0)
    blocks = block_matrix(policy)
    pattern = np.column_stack([asked, weight * (asked > 0), free, state.free_soon])
    patterns, of = np.unique(pattern, axis=0, return_inverse=True)
    found = [_takes(tuple(row), blocks.tobytes()) for row in patterns.tolist()]
    agent_cap = np.array([takes.total for takes in found], dtype=np.int64)[of]
    mixes = _mixes(found, of, lane_cap) if any(takes.mixes for takes in found) else None
    return Room(lane_cap, agent_cap, mixes)


def _weights(conversations: Conversations, free: Ints) -> tuple[Ints, Mask]:
    """Heaviest waiting conversation of each lane that fits, 0 where there is none, and whether
    some wait that are all too heavy; both (A, channels).
    """
    lanes = conversations.units["lane_idx"].to_numpy()
    units = _whole(conversations.units["units"].to_numpy())
    weight = np.zeros((len(free), NUM_CHANNELS), dtype=np.int64)
    too_heavy = np.zeros(weight.shape, dtype=bool)
    for lane in np.unique(lanes).tolist():
        waiting = np.append(0, np.unique(units[lanes == lane]))
        weight[:, lane] = waiting[np.searchsorted(waiting, free, side="right") - 1]
        too_heavy[:, lane] = weight[:, lane] == 0
    return weight, too_heavy


def _lane_caps(state: AgentState, weight: Ints, free: Ints, policy: Policy) -> Ints:
    """New conversations per agent and lane in one tick, shape (A, channels)."""
    most = np.array([policy.channels[channel].max_new_per_tick for channel in Channel])
    most = np.where(block_matrix(policy).diagonal(), 1, most)
    caps = np.minimum(state.lane_left, most[None, :])
    caps = np.where(weight > 0, np.minimum(caps, free[:, None] // np.maximum(weight, 1)), caps)
    caps = np.where(state.free_soon[:, None], np.minimum(caps, 1), caps)
    able = state.on_shift & state.present & (state.free_now | state.free_soon) & (free > 0)
    result: Ints = np.where(state.blocked | ~able[:, None], 0, caps)
    return result


@dataclass(frozen=True)
class _Takes:
    """What agents of one pattern can take."""

    total: int
    mixes: tuple[tuple[int, ...], ...]
    """Maximal count vectors, empty where lane caps and total say it all."""


@lru_cache(maxsize=65_536)
def _takes(pattern: tuple[int, ...], blocked_bytes: bytes) -> _Takes:
    """What fits: lane caps, weights, free units and whether only one may come, as in `pattern`."""
    cap = np.array(pattern[:NUM_CHANNELS])
    weight = np.array(pattern[NUM_CHANNELS : 2 * NUM_CHANNELS])
    free, alone = pattern[-2], bool(pattern[-1])
    blocks = np.frombuffer(blocked_bytes, dtype=bool).reshape(NUM_CHANNELS, NUM_CHANNELS)
    clash = (blocks | blocks.T) & ~np.eye(NUM_CHANNELS, dtype=bool)
    if alone or not cap.any():
        return _Takes(int(cap.any()), ())
    fitting = _fitting(cap, weight, free, clash)
    if fitting is None:
        open_lane = cap > 0
        clashes = clash[np.ix_(open_lane, open_lane)].any()
        surely = 1 if clashes else free // int(weight[open_lane].max())
        return _Takes(min(surely, int(cap.sum())), ())
    total = int(fitting.sum(axis=1).max())
    if len(fitting) == _count_nested(cap.tolist(), total):
        return _Takes(total, ())
    return _Takes(total, tuple(map(tuple, _maximal(fitting).tolist())))


def _fitting(cap: Ints, weight: Ints, free: int, clash: Ints) -> Ints | None:
    """Every count vector that fits, or None where there are more than MOST_VECTORS."""
    vectors = np.zeros((1, len(cap)), dtype=np.int64)
    for lane in np.flatnonzero(cap).tolist():
        counts = np.arange(cap[lane] + 1)
        grown = np.repeat(vectors, len(counts), axis=0)
        grown[:, lane] = np.tile(counts, len(vectors))
        clashes = (grown[:, lane] > 0) & (grown[:, clash[lane]] > 0).any(axis=1)
        vectors = grown[(grown @ weight <= free) & ~clashes]
        if len(vectors) > MOST_VECTORS:
            return None
    return vectors


def _count_nested(cap: Sequence[int], total: int) -> int:
    """How many count vectors stay within these lane caps and this total."""
    ways = np.ones(1, dtype=np.int64)
    for most in cap:
        ways = np.convolve(ways, np.ones(most + 1, dtype=np.int64))[: total + 1]
    return int(ways.sum())


def _maximal(fitting: Ints) -> Ints:
    """The vectors to which nothing can be added."""
    known = set(map(tuple, fitting.tolist()))
    one_more = np.eye(fitting.shape[1], dtype=np.int64)
    stays = [
        not any(tuple(row) in known for row in (vector + one_more).tolist()) for vector in fitting
    ]
    maximal: Ints = fitting[np.array(stays)]
    return maximal


def _mixes(found: list[_Takes], of: Ints, lane_cap: Ints) -> Mixes:
    """The rows of every agent: those of its pattern, or its lane caps."""
    size = np.array([max(len(takes.mixes), 1) for takes in found], dtype=np.int64)
    table = np.concatenate(
        [np.array(takes.mixes or [(0,) * NUM_CHANNELS], dtype=np.int64) for takes in found]
    )
    start = np.concatenate([[0], np.cumsum(size[of])])
    agent = np.repeat(np.arange(len(of)), size[of])
    within = np.arange(len(agent)) - start[agent]
    count = table[(np.cumsum(size) - size)[of[agent]] + within]
    nested = np.array([not takes.mixes for takes in found])[of[agent]]
    count[nested] = lane_cap[agent[nested]]
    return Mixes(start, count)


def _whole(units: Floats) -> Ints:
    whole: Ints = np.rint(units * UNIT).astype(np.int64)
    return whole
