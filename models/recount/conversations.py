"""Section 1 of `docs/model.md`, written a second time: pending contacts as conversations.

Only the audit uses this file, and it shares no code with what builds the problem, so that the
same mistake would have to be made twice. Channels are positions in `Channel`, clocks are
microseconds, times are seconds.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.agents import Agents
from models.recount.hours import NEVER, Hours
from models.recount.lanes import helpers_of, lanes_of
from models.recount.members import build_members
from models.recount.numbers import (
    DECIMALS,
    SECOND,
    Bools,
    Floats,
    Ints,
    by_channel,
    first_of_runs,
    instant,
    ints,
    is_real_time,
)
from models.recount.overflow import Overflow
from models.recount.requirements import Requirements, build_requirements
from models.recount.standing import LONG_STARVED, NOBODY, STARVED, boosts_of, preferred_of, tier_of
from models.tables import Channel, Tier

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
    wait_s: Floats
    """(M,)"""
    target_s: Floats
    """(M,)"""
    lane_channel: Ints
    """(L,) channel of each lane"""
    lane_profiles: tuple[str, ...]
    """(L,) profiles of each lane, joined by commas"""
    helper_sets: tuple[tuple[int, ...], ...]
    """Queues that help, for every code in `helpers`."""
    asked: Requirements

    start: Ints
    """(C,) first member: the lead. All that follow have shape (C,) too."""
    party: pl.Series
    """Name of the party; both parts of a split have the same."""
    channel: Ints
    """The lead's."""
    lane: Ints
    queue: Ints
    helpers: Ints
    channels: Bools
    """(C, 8) channels of the members"""
    units: Floats
    handle_s: Floats
    clock: Ints
    waited_s: Floats
    """Largest wait of the members."""
    left_s: Floats
    """Least time to a target of the members."""
    value: Floats
    tier_of_customer: Ints
    """Position in `Tier`."""
    penalty: Floats
    """Breach penalty of the customer's tier, escalation not counted."""
    escalated: Bools
    sentiment: Floats
    health: Floats
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
    breach_s: Floats
    """From now; infinite where there is none ahead."""
    need_set: Ints
    """Equal where requirement, current steps, named skills and first steps are."""

    def __len__(self) -> int:
        """Number of conversations."""
        return len(self.start)

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
        starved: Bools = (self.tier == LONG_STARVED) | (self.tier == STARVED)
        return starved

    @property
    def has_requirement(self) -> Bools:
        """(C,) whether a skill, a language or a step is insisted on."""
        found = np.zeros(len(self), dtype=bool)
        found[ints(self.asked.needs["conversation"])] = True
        found[ints(self.asked.steps["conversation"])] = True
        return found


def build_conversations(
    batch: Batch,
    policy: Policy,
    hours: Hours,
    agents: Agents,
    overflow: Overflow,
    split: pl.Series | None = None,
) -> Conversations:
    """All pending contacts by party, in the order of the parties; `split` are parties that take
    two conversations, the live contacts first.
    """
    members = build_members(batch, policy, hours, split)
    of_member = ints(members["conversation"])
    start = first_of_runs(of_member)
    lead = members[start]
    member_channel = ints(members["channel_at"])
    channel = member_channel[start]
    wait, target = members["wait_s"].to_numpy(), members["target_s"].to_numpy()
    waited = _largest(wait, start)
    tier = tier_of(policy, members, start)
    escalated = np.logical_or.reduceat(members["escalated"].to_numpy(), start)
    value = np.fmax.reduceat(_floats(members, "value"), start)
    known = lead["customer_value"].fill_null(policy.default_value).to_numpy()
    penalty = np.array([policy.breach_penalties[tier] for tier in Tier])
    worth, age_s = boosts_of(policy, lead, channel, escalated)
    lane, lane_channel, lane_profiles = lanes_of(members, channel)
    helpers, helper_sets = helpers_of(overflow, lead, waited)
    asked = build_requirements(batch, policy, members, agents, hours)
    preferred, by_window = preferred_of(batch, policy, members, agents, start)
    late = wait > policy.drain_share * target
    return Conversations(
        members=members,
        of_member=of_member,
        member_channel=member_channel,
        wait_s=wait,
        target_s=target,
        lane_channel=lane_channel,
        lane_profiles=lane_profiles,
        helper_sets=helper_sets,
        asked=asked,
        start=start,
        party=lead["party"],
        channel=channel,
        lane=lane,
        queue=ints(lead["queue"]),
        helpers=helpers,
        channels=_channels(of_member, member_channel, len(start)),
        units=_units(policy, member_channel, start),
        handle_s=lead["handle_s"].to_numpy(),
        clock=np.minimum.reduceat(ints(members["clock"]), start),
        waited_s=waited,
        left_s=np.minimum.reduceat(target - wait, start),
        value=np.where(np.isnan(value), known, value),
        tier_of_customer=ints(lead["tier_at"]),
        penalty=penalty[ints(lead["tier_at"])],
        escalated=escalated,
        sentiment=np.nan_to_num(np.fmin.reduceat(_floats(members, "sentiment"), start)),
        health=lead["health"].fill_null(1.0).to_numpy(),
        priority=np.minimum.reduceat(ints(members["class_of_priority"]), start),
        tier=tier,
        boost_worth=worth,
        boost_age_s=age_s,
        may_be_held=(np.minimum.reduceat(target - wait, start) >= 2 * policy.tick_s)
        & (tier != LONG_STARVED)
        & (tier != STARVED),
        reachable=np.logical_and.reduceat(members["reachable"].to_numpy(), start),
        paused=np.logical_or.reduceat(members["paused"].to_numpy(), start),
        manual_only=np.logical_or.reduceat(members["manual_only"].to_numpy(), start),
        follower=lead["must_follow"].to_numpy(),
        urgent=is_real_time(policy)[channel] & np.logical_or.reduceat(late, start),
        preferred=ints(preferred.fill_null(NOBODY)),
        preferred_by_window=by_window,
        breach_s=_breach(batch, hours, members, start),
        need_set=asked.sets(len(start)),
    )


def _breach(batch: Batch, hours: Hours, members: pl.DataFrame, start: Ints) -> Floats:
    target = members["target_s"].to_numpy()
    at = hours.reached(ints(members["queue"]), ints(members["clock"]), target)
    first = np.minimum.reduceat(at, start)
    past = np.logical_or.reduceat(members["wait_s"].to_numpy() >= target, start)
    return np.where((first == NEVER) | past, np.inf, (first - instant(batch.now)) / SECOND)


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


def _largest(values: Floats, start: Ints) -> Floats:
    largest: Floats = np.maximum.reduceat(values, start)
    return largest


def _floats(frame: pl.DataFrame, column: str) -> Floats:
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
