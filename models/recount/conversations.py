"""Section 1 of `docs/model.md`, written a second time: pending contacts as conversations.

Only the audit uses this file, and it shares no code with what builds the problem, so that the
same mistake would have to be made twice. Channels are positions in `Channel`, clocks are
microseconds, times are seconds.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.policy import Policy
from models.recount.centre import Centre
from models.recount.customers import Customers, customers_of
from models.recount.lanes import Lanes, helpers_of, lanes_of
from models.recount.numbers import (
    DECIMALS,
    Bools,
    Floats,
    Ints,
    by_channel,
    first_of_runs,
    ints,
    is_real_time,
)
from models.recount.requirements import Requirements, build_requirements
from models.recount.standing import STARVED_TIERS, boosts_of, preferred_of, tier_of
from models.recount.waits import Waits, waits_of
from models.tables import Channel

LIVE = np.array([c in {Channel.VOICE, Channel.VIDEO, Channel.CALLBACK} for c in Channel])


@dataclass(frozen=True, eq=False)
class Conversations:
    """C conversations and their M members, the lead first among the members of each."""

    members: pl.DataFrame
    """The contacts with `conversation` (position), `is_lead` and what belongs to their party."""
    of_member: Ints
    """(M,) conversation"""
    member_channel: Ints
    """(M,)"""
    start: Ints
    """(C,) first member: the lead"""
    waits: Waits
    customers: Customers
    asked: Requirements
    lanes: Lanes
    helper_sets: tuple[tuple[int, ...], ...]
    """Queues that help, for every code in `helpers`."""

    channel: Ints
    """The lead's. All that follow have shape (C,), too."""
    queue: Ints
    helpers: Ints
    channels: Bools
    """(C, 8) channels of the members"""
    units: Floats
    handle_s: Floats
    priority: Ints
    tier: Ints
    """Served before money counts, 0 first; NO_TIER."""
    boost_worth: Floats
    boost_age_s: Floats
    may_be_held: Bools
    reachable: Bools
    """No callback would ring outside the customer's hours."""
    paused: Bools
    manual_only: Bools
    follower: Bools
    """Split off, and waiting for the call of the same party."""
    urgent: Bools
    preferred: Ints
    """Agent, or NOBODY."""
    preferred_by_window: Bools
    need_set: Ints
    """Equal where requirement, current steps, named skills and first steps are."""

    def __len__(self) -> int:
        """Number of conversations."""
        return len(self.start)

    @property
    def party(self) -> pl.Series:
        """(C,) name of the party; all of its conversations have the same."""
        return self.members["party"].gather(self.start)

    @property
    def lane(self) -> Ints:
        """(C,)"""
        return self.lanes.of

    @property
    def needs(self) -> pl.DataFrame:
        """(conversation, skill, level), sorted: every requirement once, at its highest level."""
        return self.asked.needs

    @property
    def step(self) -> Ints:
        """(C,) how far the requirement is relaxed."""
        return self.asked.step

    @property
    def starved(self) -> Bools:
        """(C,)"""
        return np.isin(self.tier, STARVED_TIERS)

    @property
    def has_requirement(self) -> Bools:
        """(C,) whether a skill, a language or a step is insisted on."""
        found = np.zeros(len(self), dtype=bool)
        found[ints(self.asked.needs["conversation"])] = True
        found[ints(self.asked.steps["conversation"])] = True
        return found


def build_conversations(centre: Centre, members: pl.DataFrame) -> Conversations:
    """From contacts `by_conversation`; their order is that of the conversations."""
    policy, of_member = centre.policy, ints(members["conversation"])
    start = first_of_runs(of_member)
    lead, member_channel = members[start], ints(members["channel_at"])
    channel = member_channel[start]
    waits, customers = waits_of(centre, members, start), customers_of(policy, members, start)
    tier = tier_of(policy, members, start)
    worth, age_s = boosts_of(policy, lead, channel, customers.escalated)
    helpers, helper_sets = helpers_of(centre.overflow, lead, waits.longest_s)
    asked = build_requirements(centre, members)
    preferred, by_window = preferred_of(centre, members, start)
    return Conversations(
        members=members,
        of_member=of_member,
        member_channel=member_channel,
        start=start,
        waits=waits,
        customers=customers,
        asked=asked,
        lanes=lanes_of(members, channel),
        helper_sets=helper_sets,
        channel=channel,
        queue=ints(lead["queue"]),
        helpers=helpers,
        channels=_channels(of_member, member_channel, len(start)),
        units=_units(policy, member_channel, start),
        handle_s=lead["handle_s"].to_numpy(),
        priority=np.minimum.reduceat(ints(members["class_of_priority"]), start),
        tier=tier,
        boost_worth=worth,
        boost_age_s=age_s,
        may_be_held=_timely(policy, waits, member_channel, start) & ~np.isin(tier, STARVED_TIERS),
        reachable=~_any_of(~members["reachable"], start),
        paused=_any_of(members["paused"], start),
        manual_only=_any_of(members["manual_only"], start),
        follower=lead["must_follow"].to_numpy(),
        urgent=is_real_time(policy)[channel] & _any_late(policy, waits, start),
        preferred=preferred,
        preferred_by_window=by_window,
        need_set=asked.sets(len(start)),
    )


def _any_of(member: pl.Series, start: Ints) -> Bools:
    some: Bools = np.logical_or.reduceat(member.to_numpy(), start)
    return some


def _channels(of_member: Ints, channel: Ints, num_conversations: int) -> Bools:
    found = np.zeros((num_conversations, len(Channel)), dtype=bool)
    found[of_member, channel] = True
    return found


def _units(policy: Policy, channel: Ints, start: Ints) -> Floats:
    share = np.full(len(channel), policy.extra_contact_share)
    share[start] = 1.0
    weight = by_channel(policy, lambda c: c.units)[channel]
    most = np.maximum(weight[start], policy.most_extra_units)
    total: Floats = np.minimum(np.add.reduceat(weight * share, start), most)
    return np.round(total, DECIMALS).astype(np.float64)


def _any_late(policy: Policy, waits: Waits, start: Ints) -> Bools:
    late = waits.wait_s > policy.drain_share * waits.target_s
    some: Bools = np.logical_or.reduceat(late, start)
    return some


def _timely(policy: Policy, waits: Waits, channel: Ints, start: Ints) -> Bools:
    """(C,) whether an offer can still be made two ticks from now and answered by every target."""
    answered_s = by_channel(policy, lambda c: c.accept_timeout_s)[channel]
    in_time = waits.target_s - waits.wait_s >= 2 * policy.tick_s + answered_s
    timely: Bools = np.logical_and.reduceat(in_time, start)
    return timely
