"""Section 3 of `docs/model.md`, written a second time: who may serve which conversation.

Conversations with the same tests form a class (K of them). A rule looks at little of a class, so
it is stated for every distinct value of that, by agent, with the row that each class looks up.
Declines and locks, which concern single conversations, are in `audit_pairs`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from models.batch import Batch
from models.plan import Reason
from models.policy import Policy
from models.recount.agents import Agents
from models.recount.conversations import Conversations
from models.recount.needs import Needs, all_met, build_needs, resolving
from models.recount.numbers import (
    Bools,
    Floats,
    Ints,
    class_of,
    ints,
    is_real_time,
    local_times,
)
from models.tables import Channel


@dataclass(frozen=True, eq=False)
class Sides:
    """What the tests look at: both sides of a pair, and the tables between them."""

    batch: Batch
    policy: Policy
    conversations: Conversations
    agents: Agents

    @cached_property
    def channel_sets(self) -> Ints:
        """(C,) bit mask of the members' channels."""
        channels: Ints = self.conversations.channels @ (1 << np.arange(len(Channel)))
        return channels

    @cached_property
    def class_of(self) -> Ints:
        """(C,) class of each conversation: equal where queue, lane, channels, requirements, units,
        hours and hold right are."""
        c = self.conversations
        flags = 2 * c.reachable.astype(np.int64) + c.may_be_held
        units = np.unique(c.units, return_inverse=True)[1]
        return class_of(c.queue, c.lane, self.channel_sets, c.need_set, units, flags)

    @cached_property
    def example(self) -> Ints:
        """(K,) one conversation of each class."""
        return np.unique(self.class_of, return_index=True)[1]

    @cached_property
    def set_of(self) -> Ints:
        """(K,) requirement set of each class."""
        return self.conversations.need_set[self.example]

    @cached_property
    def handling(self) -> "Distinct":
        """Lane and handling time of each class."""
        c = self.conversations
        times = np.unique(c.handle_s, return_inverse=True)[1]
        return distinct(class_of(c.lane, times)[self.example])

    @cached_property
    def needs(self) -> Needs:
        """Every requirement set once, with the levels of all agents."""
        return build_needs(self.batch, self.conversations, self.agents)

    @cached_property
    def probability(self) -> Floats:
        """(requirement sets, A) probability of resolving; of use where the skills are met."""
        return resolving(self.policy, self.needs)


@dataclass(frozen=True, eq=False)
class Distinct:
    """Distinct values of something that each class has."""

    example: Ints
    """(rows,) a class that has the value"""
    row: Ints
    """(K,) which value each class has"""


@dataclass(frozen=True, eq=False)
class Test:
    """One rule: who passes it, for every distinct thing that it looks at."""

    holds: Bools
    """(rows, A)"""
    row: Ints
    """(K,) row of each class"""


def distinct(values: Ints) -> Distinct:
    """Distinct values of an array with one value per class."""
    _, example, row = np.unique(values, return_index=True, return_inverse=True)
    return Distinct(example.astype(np.int64), row.astype(np.int64))


def present(sides: Sides) -> Test:
    """The agent is present."""
    return _by_agent(sides, sides.agents.present)


def queue_open(sides: Sides) -> Test:
    """The queue has no calendar, or one of its openings holds now."""
    openings = sides.batch.calendars.join(
        local_times(sides.batch.calendars["time_zone"], sides.batch.now),
        on=["time_zone", "weekday"],
    ).filter(pl.col("minute").is_between("opens_minute", "closes_minute", closed="left"))
    calendar = sides.batch.queues["calendar_id"]
    is_open = calendar.is_null() | calendar.is_in(openings["calendar_id"].implode())
    return _by_class(
        sides,
        is_open.fill_null(value=True).to_numpy(),
        sides.conversations.queue[sides.example],
    )


def customer_reachable(sides: Sides) -> Test:
    """No callback rings outside the customer's hours."""
    reachable = sides.conversations.reachable[sides.example]
    return _by_class(sides, np.array([False, True]), reachable.astype(np.int64))


def on_shift(sides: Sides) -> Test:
    """The agent is on shift."""
    return _by_agent(sides, sides.agents.on_shift)


def queue_member(sides: Sides) -> Test:
    """The agent belongs to the queue, or a queue without members has a requirement instead."""
    rows = sides.batch.queue_members.join(sides.agents.ids, on="agent_id").join(
        sides.batch.queues.select("queue_id").with_row_index("queue"), on="queue_id"
    )
    member = np.zeros((len(sides.batch.queues), len(sides.agents)), dtype=bool)
    member[ints(rows["queue"]), ints(rows["agent"])] = True
    named = ints(rows["queue"].unique())
    without = np.ones(len(member), dtype=bool)
    without[named] = False
    has_need = np.zeros(sides.needs.num_sets, dtype=bool)
    has_need[sides.needs.of_row] = True
    queue = sides.conversations.queue[sides.example]
    return Test(
        holds=np.concatenate([member, member | without[:, None]]),
        row=queue + len(member) * has_need[sides.set_of],
    )


def channels_served(sides: Sides) -> Test:
    """The agent serves every channel of the members."""
    return _no_channel(sides, sides.agents.max_items < 1)


def skills_met(sides: Sides) -> Test:
    """The agent has every skill that is no language, at the level."""
    return Test(all_met(sides.needs, ~sides.needs.is_language), sides.set_of)


def languages_met(sides: Sides) -> Test:
    """The agent speaks every language, at the level."""
    return Test(all_met(sides.needs, sides.needs.is_language), sides.set_of)


def likely_enough(sides: Sides) -> Test:
    """The probability of resolving reaches the floor."""
    floor = sides.policy.p_floor - 1e-12  # a mean of levels may miss its own value by one bit
    return Test(sides.probability >= floor, sides.set_of)


def shift_long_enough(sides: Sides) -> Test:
    """A real-time lane ends before the shift does, with a margin."""
    c, example = sides.conversations, sides.example[sides.handling.example]
    waits = ~is_real_time(sides.policy)[c.lane[example]]
    needed = c.handle_s[example] + sides.policy.shift_margin_s
    holds = waits[:, None] | (sides.agents.shift_left_s >= needed[:, None])
    return Test(holds, sides.handling.row)


def has_capacity(sides: Sides) -> Test:
    """The agent is free now, or free soon and the conversation may be held."""
    now, soon = sides.agents.free_now, sides.agents.free_soon
    may_be_held = sides.conversations.may_be_held[sides.example]
    return Test(np.stack([now, now | soon]), may_be_held.astype(np.int64))


def not_blocked(sides: Sides) -> Test:
    """No held, unparked item blocks any channel of the members."""
    return _no_channel(sides, sides.agents.blocked)


def lane_has_room(sides: Sides) -> Test:
    """The agent holds fewer unparked items of the lane than it may."""
    room = sides.agents.held < sides.agents.max_items
    return Test(room.T, sides.conversations.lane[sides.example])


def units_fit(sides: Sides) -> Test:
    """The conversation's units fit the agent's free units."""
    units, row = np.unique(sides.conversations.units[sides.example], return_inverse=True)
    return Test(units[:, None] <= sides.agents.free_units, row.astype(np.int64))


RULES: tuple[tuple[Reason, Callable[[Sides], Test]], ...] = (
    (Reason.NO_PRESENT_AGENT, present),
    (Reason.CLOSED_HOURS, queue_open),
    (Reason.OUTSIDE_CUSTOMER_HOURS, customer_reachable),
    (Reason.OFF_SHIFT, on_shift),
    (Reason.NOT_A_MEMBER, queue_member),
    (Reason.CHANNEL_NOT_SERVED, channels_served),
    (Reason.SKILL_MISSING, skills_met),
    (Reason.LANGUAGE_MISSING, languages_met),
    (Reason.P_BELOW_FLOOR, likely_enough),
    (Reason.SHIFT_TOO_SHORT, shift_long_enough),
    (Reason.AT_CAPACITY, has_capacity),
    (Reason.CHANNEL_BLOCKED, not_blocked),
    (Reason.LANE_FULL, lane_has_room),
    (Reason.UNITS_FULL, units_fit),
)
"""The tests of a class and an agent, in order; `declined` and `customer_locked` follow."""


def _by_agent(sides: Sides, holds: Bools) -> Test:
    return Test(holds[None, :], np.zeros(len(sides.example), dtype=np.int64))


def _by_class(sides: Sides, holds: Bools, row: Ints) -> Test:
    return Test(np.broadcast_to(holds[:, None], (len(holds), len(sides.agents))), row)


def _no_channel(sides: Sides, forbidden: Bools) -> Test:
    """No channel of the members is forbidden (A, 8) at the agent."""
    sets = distinct(sides.channel_sets[sides.example])
    needed = sides.conversations.channels[sides.example[sets.example]]
    return Test(~(needed @ forbidden.T), sets.row)
