"""Section 1 of `docs/model.md`, written a second time: pending contacts as conversations.

Only the audit uses this file, and it shares no code with what builds the problem, so that the
same mistake would have to be made twice. Channels are positions in `Channel`, clocks are
microseconds, times are seconds.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.agents import Agents
from models.recount.hours import NEVER, Hours
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
    list_class,
)
from models.recount.overflow import Overflow
from models.recount.requirements import Requirements, build_requirements
from models.tables import Channel, Tier

LIVE = np.array([c in {Channel.VOICE, Channel.VIDEO, Channel.CALLBACK} for c in Channel])

NO_TIER = -1
NOBODY = -1
LONG_STARVED, STARVED, STRICT = 0, 1, 2
"""Tiers; from STRICT on they are those of the strict classes of priority."""


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
    helper_sets: tuple[Ints, ...]
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
    split: AbstractSet[str] = frozenset(),
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
    tier = _tier(policy, members, start)
    escalated = np.logical_or.reduceat(members["escalated"].to_numpy(), start)
    value = np.fmax.reduceat(_floats(members, "value"), start)
    known = lead["customer_value"].fill_null(policy.default_value).to_numpy()
    penalty = np.array([policy.breach_penalties[tier] for tier in Tier])
    worth, age_s = _boosts(policy, lead, channel, escalated)
    lane, lane_channel, lane_profiles = _lanes(members, channel)
    helpers, helper_sets = _helpers(overflow, lead, waited)
    asked = build_requirements(batch, policy, members, agents)
    preferred, by_window = _preferred(batch, policy, members, agents, start)
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
        preferred=preferred,
        preferred_by_window=by_window,
        breach_s=_breach(batch, hours, members, start),
        need_set=asked.sets(len(start)),
    )


def _tier(policy: Policy, members: pl.DataFrame, start: Ints) -> Ints:
    wait, most = members["wait_s"].to_numpy(), members["most_wait_s"].to_numpy()
    share = np.divide(wait, most, out=np.zeros(len(wait)), where=most > 0)
    ratio = _largest(share, start)
    priority = np.minimum.reduceat(ints(members["class_of_priority"]), start)
    strict = np.where(priority < policy.strict_classes, STRICT + priority, NO_TIER)
    return np.select([ratio > 2, ratio > 1], [LONG_STARVED, STARVED], strict).astype(np.int64)


def _boosts(
    policy: Policy, lead: pl.DataFrame, channel: Ints, escalated: Bools
) -> tuple[Floats, Floats]:
    """(C,) money and seconds that the rules add which match."""
    worth, age_s = np.zeros(len(lead)), np.zeros(len(lead))
    queue, tier = lead["queue_id"], ints(lead["tier_at"])
    for boost in policy.boosts:
        hit = escalated | (not boost.escalated)
        if boost.queue_id:
            hit &= (queue == boost.queue_id).to_numpy()
        if boost.channel is not None:
            hit &= channel == list(Channel).index(boost.channel)
        if boost.tier is not None:
            hit &= tier == list(Tier).index(boost.tier)
        worth[hit] += boost.worth
        age_s[hit] += boost.age_s
    return worth, age_s


def _lanes(members: pl.DataFrame, channel: Ints) -> tuple[Ints, Ints, tuple[str, ...]]:
    """(C,) lane, and channel and profiles of each lane."""
    named = (
        members.select("conversation", name=pl.col("profiles").str.split(","))
        .explode("name")
        .select("conversation", pl.col("name").str.strip_chars())
        .filter(pl.col("name").str.len_bytes() > 0)
        .unique()
        .sort("conversation", "name")
        .group_by("conversation", maintain_order=True)
        .agg(pl.col("name").str.join(","))
    )
    profiles = np.full(len(channel), "", dtype=object)
    profiles[ints(named["conversation"])] = named["name"].to_numpy()
    rows = pl.DataFrame({"channel": channel, "profiles": pl.Series(profiles, dtype=pl.String)})
    plain = pl.DataFrame({"channel": range(len(Channel)), "profiles": [""] * len(Channel)})
    others = rows.filter(pl.col("profiles") != "").unique().sort("channel", "profiles")
    lanes = pl.concat([plain, others]).with_row_index("lane")
    lane = rows.join(lanes, on=["channel", "profiles"], how="left", maintain_order="left")["lane"]
    return ints(lane), ints(lanes["channel"]), tuple(lanes["profiles"])


def _helpers(
    overflow: Overflow, lead: pl.DataFrame, waited: Floats
) -> tuple[Ints, tuple[Ints, ...]]:
    """(C,) code of the queues that help each conversation, and what the codes stand for."""
    tier = pl.Series([tier.value for tier in Tier]).gather(lead["tier_at"])
    c = lead.select("conversation", "queue", waited=pl.Series(waited), customer_tier=tier)
    rows = (
        c.with_columns(pl.col("queue").cast(pl.Int64))
        .join(overflow.rows, on="queue")
        .filter(
            pl.col("tier").is_null() | (pl.col("tier") == pl.col("customer_tier")),
            pl.col("waited") > pl.col("longer_than_s"),
        )
        .select("conversation", "to_queue")
        .unique()
        .sort("conversation", "to_queue")
    )
    owner, to_queue = ints(rows["conversation"]), ints(rows["to_queue"])
    code = list_class(owner, to_queue, len(lead))
    example = np.unique(code, return_index=True)[1]
    begin, end = np.searchsorted(owner, example), np.searchsorted(owner, example, side="right")
    sets = [to_queue[b:e] for b, e in zip(begin.tolist(), end.tolist(), strict=True)]
    return code, tuple(sets)


def _preferred(
    batch: Batch, policy: Policy, members: pl.DataFrame, agents: Agents, start: Ints
) -> tuple[Ints, Bools]:
    """(C,) the preferred agent of section 3, and whether the last agent's window says so."""
    window = np.rint(by_channel(policy, lambda c: c.same_agent_window_s) * SECOND)
    since = instant(batch.now) - window.astype(np.int64)[ints(members["channel_at"])]
    recent = (
        members.filter(
            pl.col("last_agent_id").is_not_null()
            & (pl.col("last_agent_at").dt.epoch("us") > pl.Series(since))
        )
        .sort("last_agent_at", "last_agent_id", descending=True)
        .unique("conversation", keep="first", maintain_order=True)
        .select("conversation", by_window="last_agent_id")
    )
    dedicated = (
        batch.customer_agents.sort("score", "agent_id", descending=[True, False])
        .unique("customer_id", keep="first", maintain_order=True)
        .select(party_customer="customer_id", dedicated="agent_id")
    )
    rows = (
        members[start]
        .join(recent, on="conversation", how="left", maintain_order="left")
        .join(dedicated, on="party_customer", how="left", maintain_order="left")
        .select("by_window", agent_id=pl.coalesce("by_window", "owner_agent_id", "dedicated"))
        .join(
            agents.ids.select("agent_id", "agent"),
            on="agent_id",
            how="left",
            maintain_order="left",
        )
    )
    return ints(rows["agent"].fill_null(NOBODY)), rows["by_window"].is_not_null().to_numpy()


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
