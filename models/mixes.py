"""How many new conversations fit in one tick, and which together: `docs/model.md` section 4.

What an agent can take is a set of count vectors over lanes. Where lane caps and a total say the
same, the agent stays part of a network; where a call or two chats fit, but not both, its maximal
vectors become mixes, of which the engine chooses one.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.capacity import AgentState, Mask, block_matrix, yield_matrix
from models.columns import UNIT_DECIMALS
from models.conversations import Conversations
from models.count_vectors import Fits, Limits, Rules, build_fits
from models.held_items import profile_rows
from models.policy import Policy
from models.problem import Floats, Ints, Mixes
from models.tables import Channel

UNIT = 10**UNIT_DECIMALS


@dataclass(frozen=True, eq=False)
class Room:
    """What agents can take in this tick, A rows."""

    lane_cap: Ints
    """(A, L), lanes as in `Conversations.lanes`."""
    agent_cap: Ints
    """(A,) largest total of any mix."""
    mixes: Mixes | None
    """None where no agent has a choice."""


def build_room(state: AgentState, conversations: Conversations, policy: Policy) -> Room:
    """Lane caps, totals and mixes of all agents.

    A conversation counts as much as the heaviest that waits in its lane and fits the free units,
    so that what fits together does not depend on who is chosen.
    """
    lanes = _lanes(state, conversations)
    free = _whole(state.free_units)
    channel_cap = _channel_caps(state, policy)
    weight, too_heavy = _weights(conversations, free[:, lanes.channel])
    caps = _lane_caps(state, lanes, channel_cap, weight, free[:, lanes.channel])
    lane_cap = np.where(too_heavy, 0, caps)

    asked = lanes.asked
    alone = state.free_soon[:, None]
    rules, budget, group_cap = _rules(state, lanes, channel_cap, free, policy)
    limits = Limits(np.where(alone, 0, lane_cap[:, asked]), weight[:, asked], budget, group_cap)
    fits = build_fits(limits, rules)
    surely = _surely(limits, rules, free[:, lanes.channel[asked]])
    total = np.where(fits.too_many, surely, fits.total)
    agent_cap = np.where(state.free_soon, (lane_cap[:, asked] > 0).any(axis=1), total)
    mixes = _mixes(fits, lane_cap, asked) if len(fits.maximal) else None
    return Room(lane_cap, agent_cap.astype(np.int64), mixes)


@dataclass(frozen=True, eq=False)
class _Lanes:
    channel: Ints
    """(L,)"""
    carries: Mask
    """(L, P) whether the lane's conversations carry a profile."""
    asked: Ints
    """(W,) lanes in which somebody waits."""


def _lanes(state: AgentState, conversations: Conversations) -> _Lanes:
    frame = conversations.lanes
    carries = np.zeros((len(frame), len(state.profiles)), dtype=bool)
    named = profile_rows(frame, "lane_idx") if state.profiles else frame.clear()
    for place, profile in enumerate(state.profiles):
        carries[named.filter(pl.col("profile") == profile)["lane_idx"].to_numpy(), place] = True
    return _Lanes(
        channel=frame["channel_idx"].to_numpy().astype(np.int64),
        carries=carries,
        asked=np.unique(conversations.units["lane_idx"].to_numpy()).astype(np.int64),
    )


def _channel_caps(state: AgentState, policy: Policy) -> Ints:
    """New conversations per agent and channel by count, shape (A, channels)."""
    most = np.array([policy.channels[channel].max_new_per_tick for channel in Channel])
    most = np.where(block_matrix(policy).diagonal(), 1, most)
    caps: Ints = np.minimum(np.minimum(state.lane_left, state.rate_left), most)
    return caps


def _weights(conversations: Conversations, free: Ints) -> tuple[Ints, Mask]:
    """Heaviest waiting conversation of each lane that fits, 0 where there is none, and whether
    some wait that are all too heavy; both (A, L), as is `free`.
    """
    lanes = conversations.units["lane_idx"].to_numpy()
    units = _whole(conversations.units["units"].to_numpy())
    weight = np.zeros(free.shape, dtype=np.int64)
    too_heavy = np.zeros(free.shape, dtype=bool)
    for lane in np.unique(lanes).tolist():
        waiting = np.append(0, np.unique(units[lanes == lane]))
        weight[:, lane] = waiting[np.searchsorted(waiting, free[:, lane], side="right") - 1]
        too_heavy[:, lane] = weight[:, lane] == 0
    return weight, too_heavy


def _lane_caps(
    state: AgentState, lanes: _Lanes, channel_cap: Ints, weight: Ints, free: Ints
) -> Ints:
    """New conversations per agent and lane in one tick, shape (A, L)."""
    caps = channel_cap[:, lanes.channel]
    for place in range(len(state.profiles)):
        carrying = lanes.carries[:, place]
        left = state.profile_left[:, place]
        caps[:, carrying] = np.minimum(caps[:, carrying], left[:, None])
    caps = np.where(weight > 0, np.minimum(caps, free // np.maximum(weight, 1)), caps)
    caps = np.where(state.free_soon[:, None], np.minimum(caps, 1), caps)
    able = state.on_shift & state.present & (state.free_now | state.free_soon)
    shut = state.blocked[:, lanes.channel] | ~able[:, None] | (free <= 0)
    result: Ints = np.where(shut, 0, caps)
    return result


def _rules(
    state: AgentState, lanes: _Lanes, channel_cap: Ints, free: Ints, policy: Policy
) -> tuple[Rules, Ints, Ints]:
    """What may stand beside what in the lanes asked for, with the budgets of units, (A, J), and
    the caps of lanes that share a channel or a profile, (A, G).
    """
    channel = lanes.channel[lanes.asked]
    blocks = block_matrix(policy)
    other = channel[:, None] != channel[None, :]
    clash = (blocks | blocks.T)[np.ix_(channel, channel)] & other
    counts = ~yield_matrix(policy) | np.eye(len(Channel), dtype=bool)
    adds, guards, of_channel = _budgets(channel, counts, free)
    same = channel[None, :] == np.arange(len(Channel))[:, None]
    group = np.concatenate([same, lanes.carries[lanes.asked].T])
    shared = np.count_nonzero(group, axis=1) > 1
    caps = np.concatenate([channel_cap, state.profile_left], axis=1)
    return Rules(clash, adds, guards, group[shared]), free[:, of_channel], caps[:, shared]


def _budgets(channel: Ints, counts: Mask, free: Ints) -> tuple[Mask, Mask, list[int]]:
    """One budget per channel asked for: whose units count, in whose presence, and the channel.

    Channels with the same units free for them, of which the same conversations take, share one.
    """
    chosen: list[int] = []
    guards: list[Mask] = []
    for new in np.unique(channel).tolist():
        twins = [
            place
            for place, known in enumerate(chosen)
            if (counts[channel, known] == counts[channel, new]).all()
            and (free[:, known] == free[:, new]).all()
        ]
        if twins:
            guards[twins[0]] |= channel == new
        else:
            chosen.append(new)
            guards.append(channel == new)
    guarded = np.array(guards, dtype=bool).reshape(len(chosen), len(channel))
    return counts[channel][:, chosen].T, guarded, chosen


def _surely(limits: Limits, rules: Rules, free: Ints) -> Ints:
    """How many conversations surely fit, whatever is mixed, shape (A,)."""
    is_open = limits.cap > 0
    endless = np.iinfo(np.int64).max
    smallest = np.where(is_open, free, endless).min(axis=1, initial=endless)
    heaviest = np.where(is_open, limits.weight, 0).max(axis=1, initial=0)
    surely = smallest // np.maximum(heaviest, 1)
    count = is_open.astype(np.int64)
    for group, cap in zip(rules.group, limits.group_cap.T, strict=True):
        binds = count[:, group].sum(axis=1) > 1
        surely = np.where(binds, np.minimum(surely, cap), surely)
    clashes = ((count @ rules.clash.astype(np.int64)) * count).any(axis=1)
    surely = np.where(clashes, 1, surely)
    # One alone fits in any open lane.
    result: Ints = np.minimum(np.maximum(surely, 1), limits.cap.sum(axis=1))
    return result


def _mixes(fits: Fits, lane_cap: Ints, asked: Ints) -> Mixes:
    """The rows of every agent: what fits together, or its lane caps where these say it all."""
    size = np.diff(fits.start)
    start = np.concatenate([[0], np.cumsum(np.maximum(size, 1))])
    count = np.zeros((start[-1], lane_cap.shape[1]), dtype=np.int64)
    nested = size == 0
    count[start[:-1][nested]] = lane_cap[nested]
    mixed = np.ones(len(count), dtype=bool)
    mixed[start[:-1][nested]] = False
    count[np.ix_(np.flatnonzero(mixed), asked)] = fits.maximal
    return Mixes(start, count)


def _whole(units: Floats) -> Ints:
    whole: Ints = np.rint(units * UNIT).astype(np.int64)
    return whole
