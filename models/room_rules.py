"""What a conversation takes of an agent and whether there is room for it.

Follows `docs/model.md` section 3 from `shift_too_short` to `cooling_down`.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import NUM_CHANNELS, AgentState, Mask
from models.columns import channel_frame, duration, instant
from models.conversations import Conversations
from models.plan import Reason
from models.policy import Policy
from models.problem import Floats, Ints
from models.rule_rows import Outcome, Rules, distinct_rows, listed_names, outcome_of, share_any
from models.tables import Channel

ROOM_KEY = (
    "channel_idx",
    "profiles",
    "channels",
    "units",
    "may_hold",
    "real_time",
    "handle_s",
)


@dataclass(frozen=True, eq=False)
class Room:
    """What the tests look at; one row per combination of `ROOM_KEY`."""

    policy: Policy
    agents: AgentState
    cooling: Mask
    """(A, channels) the agent declined a contact of the channel a moment ago."""
    channel: Ints
    profiles: Mask
    """(rows, profiles)"""
    channels: Mask
    """(rows, channels) channels of the members."""
    units: Floats
    may_hold: Mask
    real_time: Mask
    handle_s: Floats


def shift_is_long_enough(room: Room) -> Mask:
    """Real-time work can be finished, with a margin, before the shift or activity ends."""
    needed_s = room.handle_s + room.policy.shift_margin_s
    enough: Mask = room.agents.shift_left_s[None, :] >= needed_s[:, None]
    return enough | ~room.real_time[:, None]


def agent_is_free(room: Room) -> Mask:
    """Free now, or free soon where the conversation may be held."""
    held = room.agents.free_soon[None, :] & room.may_hold[:, None]
    return room.agents.free_now[None, :] | held


def nothing_blocks(room: Room) -> Mask:
    """No held item forbids a channel of the conversation."""
    return ~share_any(room.channels, room.agents.blocked)


def lane_has_room(room: Room) -> Mask:
    """Fewer items of the channel than the agent takes at once."""
    return (room.agents.lane_left > 0).T[room.channel]


def profiles_have_room(room: Room) -> Mask:
    """No profile of the conversation is used up."""
    return ~share_any(room.profiles, room.agents.profile_left <= 0)


def rate_leaves_one(room: Room) -> Mask:
    """Fewer offers of the channel in the last hour than the agent may get."""
    return (room.agents.rate_left > 0).T[room.channel]


def units_fit(room: Room) -> Mask:
    """The conversation's units fit the agent's free units for its channel."""
    return room.units[:, None] <= room.agents.free_units.T[room.channel]


def agent_is_not_cooling_down(room: Room) -> Mask:
    """Has not declined a contact of the channel a moment ago."""
    return ~room.cooling.T[room.channel]


ROOM_RULES: Rules[Room] = (
    (Reason.SHIFT_TOO_SHORT, shift_is_long_enough),
    (Reason.AT_CAPACITY, agent_is_free),
    (Reason.CHANNEL_BLOCKED, nothing_blocks),
    (Reason.LANE_FULL, lane_has_room),
    (Reason.PROFILE_FULL, profiles_have_room),
    (Reason.RATE_LIMITED, rate_leaves_one),
    (Reason.UNITS_FULL, units_fit),
    (Reason.COOLING_DOWN, agent_is_not_cooling_down),
)
CAPACITY = tuple(reason for reason, _ in ROOM_RULES)[1:-1]
"""Tests that depend on what the agent holds."""


def room_outcome(
    batch: Batch, conversations: Conversations, agents: AgentState, policy: Policy
) -> Outcome:
    """Outcome of the room rules."""
    rows, row_of = distinct_rows(conversations.classes, ROOM_KEY)
    room = Room(
        policy=policy,
        agents=agents,
        cooling=_cooling(batch, agents, policy),
        channel=rows["channel_idx"].to_numpy().astype(np.int64),
        profiles=listed_names(rows["profiles"], agents.profiles),
        channels=listed_names(rows["channels"], tuple(channel.value for channel in Channel)),
        units=rows["units"].to_numpy(),
        may_hold=rows["may_hold"].to_numpy(),
        real_time=rows["real_time"].to_numpy(),
        handle_s=rows["handle_s"].to_numpy(),
    )
    return outcome_of(ROOM_RULES, room, row_of, len(rows), len(agents.agents))


def _cooling(batch: Batch, agents: AgentState, policy: Policy) -> Mask:
    """[agent, channel] whether the agent declined a contact of the channel a moment ago."""
    cooling = np.zeros((len(agents.agents), NUM_CHANNELS), dtype=bool)
    if batch.declines.is_empty():
        return cooling
    since = instant(batch.now) - duration(pl.lit(policy.decline_pause_s))
    late = batch.declines.filter(pl.col("declined_at") > since)
    pair = ["contact_id", "agent_id"]
    # The offer says in which channel a contact came that may have left, or changed, since.
    offered = (
        batch.offers.join(late, on=pair, how="semi")
        .sort("offered_at")
        .group_by(pair, maintain_order=True)
        .agg(offered_channel=pl.col("channel").last())
    )
    declined = (
        late.join(offered, on=pair, how="left")
        .join(batch.contacts.select("contact_id", "channel"), on="contact_id", how="left")
        .with_columns(channel=pl.coalesce("offered_channel", "channel"))
        .join(channel_frame(policy).select("channel", "channel_idx"), on="channel")
        .join(agents.agents.select("agent_id", "agent_idx"), on="agent_id")
    )
    cooling[declined["agent_idx"].to_numpy(), declined["channel_idx"].to_numpy()] = True
    return cooling
