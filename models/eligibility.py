"""Who may serve a conversation: one named function per rule, one line in a block of rules.

Follows `docs/model.md` section 3. Rules are matrices of rows by agents, so no pair is looked at
twice. Rules that look at few columns of a conversation are tested once per distinct combination of
those columns (`access` and `room` rows), only skills once per class. The first rule that fails is
kept: it is the reason that people are shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.capacity import NUM_CHANNELS, AgentState, Mask
from models.conversations import Conversations, channel_frame
from models.plan import Reason
from models.policy import Policy
from models.problem import Floats, Ints
from models.skills import SkillLevels

Codes = NDArray[np.uint8]
Facts = TypeVar("Facts")

ACCESS_KEY = ("queue_id", "channels", "is_open", "customer_open", "has_requirement")
ROOM_KEY = ("lane_idx", "channels", "units", "may_hold", "real_time", "handle_s")


@dataclass(frozen=True, eq=False)
class Access:
    """Where and when a conversation may be served; one row per combination of `ACCESS_KEY`."""

    agents: AgentState
    channels: Mask
    """(rows, channels) channels of the members."""
    is_open: Mask
    customer_open: Mask
    has_requirement: Mask
    has_members: Mask
    """Whether the queue lists its members."""
    is_member: Mask
    """(rows, A)"""


@dataclass(frozen=True, eq=False)
class Room:
    """What a conversation takes of an agent; one row per combination of `ROOM_KEY`."""

    policy: Policy
    agents: AgentState
    lane: Ints
    channels: Mask
    units: Floats
    may_hold: Mask
    real_time: Mask
    handle_s: Floats


@dataclass(frozen=True, eq=False)
class Eligibility:
    """Outcome of the rules for every class and agent."""

    eligible: Mask
    """(K, A)"""
    suitable: Mask
    """(K, A) passes every test that does not depend on capacity."""
    before: Codes
    """(access rows, A) first failure among the access rules, 0 for none."""
    before_of: Ints
    """(K,) access row of each class."""
    after: Codes
    """(room rows, A) first failure among the room rules, 0 for none."""
    after_of: Ints
    """(K,) room row of each class."""
    levels: SkillLevels

    def first_failures(self, classes: Ints) -> Codes:
        """1 + the position in `REASONS` of the first failure of each pair, 0 for none, (n, A).

        Only for the classes that somebody has to be told about: it costs a pass per rule.
        """
        failed = self.after[self.after_of[classes]]
        for place in reversed(range(len(SKILL_RULES))):
            holds = SKILL_RULES[place][1](self.levels)[classes]
            np.copyto(failed, np.uint8(len(ACCESS_RULES) + place + 1), where=~holds)
        earlier = self.before[self.before_of[classes]]
        np.copyto(failed, earlier, where=earlier > 0)
        return failed


def agent_is_present(access: Access) -> Mask:
    """Available, busy or in wrap-up."""
    return access.agents.present[None, :]


def queue_is_open(access: Access) -> Mask:
    """The queue's calendar has an opening now."""
    return access.is_open[:, None]


def customer_can_be_called(access: Access) -> Mask:
    """Callbacks go out in the customer's local hours only."""
    return access.customer_open[:, None]


def agent_is_on_shift(access: Access) -> Mask:
    """Within the agent's shift."""
    return access.agents.on_shift[None, :]


def agent_is_member(access: Access) -> Mask:
    """Member of the queue; a queue without members asks for a requirement instead."""
    return np.where(access.has_members[:, None], access.is_member, access.has_requirement[:, None])


def agent_serves_channels(access: Access) -> Mask:
    """Serves every channel of the conversation."""
    return ~_share(access.channels, ~access.agents.served)


def agent_has_skills(levels: SkillLevels) -> Mask:
    """Every required skill that is no language, at the required level."""
    return levels.all_met(language=False)


def agent_speaks_languages(levels: SkillLevels) -> Mask:
    """Every required language, at the required level."""
    return levels.all_met(language=True)


def agent_can_resolve(levels: SkillLevels) -> Mask:
    """Probability of resolving at or above the floor."""
    return levels.reaches_floor()


def shift_is_long_enough(room: Room) -> Mask:
    """Real-time work can be finished, with a margin, before the shift ends."""
    needed_s = room.handle_s + room.policy.shift_margin_s
    enough: Mask = room.agents.shift_left_s[None, :] >= needed_s[:, None]
    return enough | ~room.real_time[:, None]


def agent_is_free(room: Room) -> Mask:
    """Free now, or free soon where the conversation may be held."""
    held = room.agents.free_soon[None, :] & room.may_hold[:, None]
    return room.agents.free_now[None, :] | held


def nothing_blocks(room: Room) -> Mask:
    """No held item forbids a channel of the conversation."""
    return ~_share(room.channels, room.agents.blocked)


def lane_has_room(room: Room) -> Mask:
    """Fewer items of the lane than the agent takes at once."""
    return (room.agents.lane_left > 0).T[room.lane]


def units_fit(room: Room) -> Mask:
    """The conversation's units fit the agent's free units."""
    return room.units[:, None] <= room.agents.free_units[None, :]


ACCESS_RULES: tuple[tuple[Reason, Callable[[Access], Mask]], ...] = (
    (Reason.NO_PRESENT_AGENT, agent_is_present),
    (Reason.CLOSED_HOURS, queue_is_open),
    (Reason.OUTSIDE_CUSTOMER_HOURS, customer_can_be_called),
    (Reason.OFF_SHIFT, agent_is_on_shift),
    (Reason.NOT_A_MEMBER, agent_is_member),
    (Reason.CHANNEL_NOT_SERVED, agent_serves_channels),
)
SKILL_RULES: tuple[tuple[Reason, Callable[[SkillLevels], Mask]], ...] = (
    (Reason.SKILL_MISSING, agent_has_skills),
    (Reason.LANGUAGE_MISSING, agent_speaks_languages),
    (Reason.P_BELOW_FLOOR, agent_can_resolve),
)
ROOM_RULES: tuple[tuple[Reason, Callable[[Room], Mask]], ...] = (
    (Reason.SHIFT_TOO_SHORT, shift_is_long_enough),
    (Reason.AT_CAPACITY, agent_is_free),
    (Reason.CHANNEL_BLOCKED, nothing_blocks),
    (Reason.LANE_FULL, lane_has_room),
    (Reason.UNITS_FULL, units_fit),
)
REASONS = tuple(reason for reason, _ in (*ACCESS_RULES, *SKILL_RULES, *ROOM_RULES))
"""All reasons in the order of the tests."""
_BEFORE_CAPACITY = REASONS.index(Reason.AT_CAPACITY)


def build_eligibility(
    batch: Batch,
    conversations: Conversations,
    agents: AgentState,
    levels: SkillLevels,
    policy: Policy,
) -> Eligibility:
    """Which agents pass the rules for each class."""
    access, access_of = _access(batch, conversations, agents, policy)
    room, room_of = _room(conversations, agents, policy)
    num_agents = len(agents.agents)
    before = _first_failures(ACCESS_RULES, access, len(access.is_open), num_agents, 0)
    after = _first_failures(
        ROOM_RULES, room, len(room.lane), num_agents, len(ACCESS_RULES) + len(SKILL_RULES)
    )
    suitable = (before == 0)[access_of]
    for _, rule in SKILL_RULES:
        suitable &= rule(levels)
    suitable &= ((after == 0) | (after > _BEFORE_CAPACITY))[room_of]
    return Eligibility(
        eligible=suitable & (after == 0)[room_of],
        suitable=suitable,
        before=before,
        before_of=access_of,
        after=after,
        after_of=room_of,
        levels=levels,
    )


def _first_failures(
    rules: tuple[tuple[Reason, Callable[[Facts], Mask]], ...],
    facts: Facts,
    num_rows: int,
    num_agents: int,
    offset: int,
) -> Codes:
    failed = np.zeros((num_rows, num_agents), dtype=np.uint8)
    for place in reversed(range(len(rules))):
        holds = np.broadcast_to(rules[place][1](facts), failed.shape)
        np.copyto(failed, np.uint8(offset + place + 1), where=~holds)
    return failed


def _share(rows: Mask, columns: Mask) -> Mask:
    """[k, a] whether row k and row a share a true position."""
    shared: Mask = (rows.astype(np.float32) @ columns.astype(np.float32).T) > 0
    return shared


def _access(
    batch: Batch, conversations: Conversations, agents: AgentState, policy: Policy
) -> tuple[Access, Ints]:
    rows, of_class = _distinct(conversations.classes, ACCESS_KEY)
    queues = rows.select("queue_id").unique().sort("queue_id").with_row_index("queue_idx")
    listed = batch.queue_members.join(queues, on="queue_id").join(
        agents.agents.select("agent_id", "agent_idx"), on="agent_id"
    )
    member = np.zeros((len(queues), len(agents.agents)), dtype=bool)
    member[listed["queue_idx"].to_numpy(), listed["agent_idx"].to_numpy()] = True
    queue = rows.join(queues, on="queue_id", how="left", maintain_order="left")["queue_idx"]
    has_members = rows["queue_id"].is_in(batch.queue_members["queue_id"].unique().implode())
    access = Access(
        agents=agents,
        channels=_channel_mask(rows, policy),
        is_open=rows["is_open"].to_numpy(),
        customer_open=rows["customer_open"].to_numpy(),
        has_requirement=rows["has_requirement"].to_numpy(),
        has_members=has_members.to_numpy(),
        is_member=member[queue.to_numpy()],
    )
    return access, of_class


def _room(conversations: Conversations, agents: AgentState, policy: Policy) -> tuple[Room, Ints]:
    rows, of_class = _distinct(conversations.classes, ROOM_KEY)
    room = Room(
        policy=policy,
        agents=agents,
        lane=rows["lane_idx"].to_numpy().astype(np.int64),
        channels=_channel_mask(rows, policy),
        units=rows["units"].to_numpy(),
        may_hold=rows["may_hold"].to_numpy(),
        real_time=rows["real_time"].to_numpy(),
        handle_s=rows["handle_s"].to_numpy(),
    )
    return room, of_class


def _distinct(classes: pl.DataFrame, key: tuple[str, ...]) -> tuple[pl.DataFrame, Ints]:
    """Distinct combinations of the key, and the combination of each class."""
    rows = classes.select(key).unique().sort(key)
    of_class = classes.join(rows.with_row_index("row"), on=key, how="left", maintain_order="left")
    return rows, of_class["row"].to_numpy().astype(np.int64)


def _channel_mask(rows: pl.DataFrame, policy: Policy) -> Mask:
    needed = np.zeros((len(rows), NUM_CHANNELS), dtype=bool)
    names = (
        rows.with_row_index("row")
        .select("row", channel=pl.col("channels").str.split(","))
        .explode("channel")
        .join(channel_frame(policy).select("channel", "channel_idx"), on="channel")
    )
    needed[names["row"].to_numpy(), names["channel_idx"].to_numpy()] = True
    return needed
