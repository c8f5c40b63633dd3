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
from models.recount.numbers import (
    DECIMALS,
    SECOND,
    Bools,
    Floats,
    Ints,
    by_channel,
    class_of,
    first_of_runs,
    instant,
    ints,
    local_times,
)
from models.tables import Channel, Tier

LIVE = np.array([c in {Channel.VOICE, Channel.VIDEO, Channel.CALLBACK} for c in Channel])


@dataclass(frozen=True, eq=False)
class Conversations:
    """C conversations and their M members, the lead first among the members of each."""

    members: pl.DataFrame
    """The contacts with `conversation` (position), `is_lead` and what belongs to their party."""
    of_member: Ints
    """(M,) conversation"""
    channel: Ints
    """(M,)"""
    wait_s: Floats
    """(M,)"""
    target_s: Floats
    """(M,)"""

    start: Ints
    """(C,) first member: the lead. All that follow have shape (C,) too."""
    lane: Ints
    queue: Ints
    channels: Bools
    """(C, 8) channels of the members"""
    units: Floats
    handle_s: Floats
    clock: Ints
    value: Floats
    penalty: Floats
    """Breach penalty of the tier, escalation not counted."""
    escalated: Bools
    sentiment: Floats
    may_be_held: Bools
    reachable: Bools
    """No callback would ring outside the customer's hours."""

    needs: pl.DataFrame
    """(conversation, skill, level), sorted: every requirement once, at its highest level"""
    need_set: Ints
    """Equal where the requirements are equal."""

    def __len__(self) -> int:
        """Number of conversations."""
        return len(self.start)


def build_conversations(batch: Batch, policy: Policy) -> Conversations:
    """All pending contacts by party; conversations are in the order of their parties."""
    members = _members(batch, policy)
    of_member = ints(members["conversation"])
    start = first_of_runs(of_member)
    lead = members[start]
    channel = ints(members["channel_at"])
    wait, target = members["wait_s"].to_numpy(), members["target_s"].to_numpy()
    value = np.fmax.reduceat(_floats(members, "value"), start)
    known = lead["customer_value"].fill_null(policy.default_value).to_numpy()
    penalty = np.array([policy.breach_penalties[tier] for tier in Tier])
    needs = _needs(batch, policy, members)
    return Conversations(
        members=members,
        of_member=of_member,
        channel=channel,
        wait_s=wait,
        target_s=target,
        start=start,
        lane=channel[start],
        queue=ints(lead["queue"]),
        channels=_channels(of_member, channel, len(start)),
        units=_units(policy, channel, start),
        handle_s=lead["handle_s"].to_numpy(),
        clock=np.minimum.reduceat(ints(members["clock"]), start),
        value=np.where(np.isnan(value), known, value),
        penalty=penalty[ints(lead["tier_at"])],
        escalated=np.logical_or.reduceat(members["escalated"].to_numpy(), start),
        sentiment=np.nan_to_num(np.fmin.reduceat(_floats(members, "sentiment"), start)),
        may_be_held=np.minimum.reduceat(target - wait, start) >= 2 * policy.tick_s,
        reachable=np.logical_and.reduceat(members["reachable"].to_numpy(), start),
        needs=needs,
        need_set=_need_set(needs, len(start)),
    )


def _members(batch: Batch, policy: Policy) -> pl.DataFrame:
    return (
        batch.contacts.lazy()
        .with_columns(party_customer=pl.col("customer_id").max().over("conversation_id"))
        .with_columns(_party(), _clock(policy))
        .join(_channel_numbers(policy), on="channel", how="left")
        .join(batch.queues.lazy().with_row_index("queue"), on="queue_id", how="left")
        .join(_customers(batch), on="party_customer", how="left")
        .with_columns(zone=pl.coalesce("time_zone", "customer_zone"))
        .join(_callback_hours(batch, policy), on="zone", how="left")
        .sort("party", -pl.col("weight"), "entered_at", "contact_id")
        .with_columns(
            pl.col("escalated").fill_null(value=False),
            pl.col("tier_at").fill_null(list(Tier).index(Tier.STANDARD)),
            conversation=pl.col("party").rle_id(),
            wait_s=_wait(instant(batch.now)),
            target_s=_target(),
            handle_s=pl.coalesce("mean_handle_s", "channel_handle_s"),
            reachable=(pl.col("channel") != Channel.CALLBACK)
            | pl.col("callback_hours").fill_null(value=True),
        )
        .with_columns(is_lead=pl.col("conversation").is_first_distinct())
        .collect()
    )


def _party() -> pl.Expr:
    customer = pl.col("party_customer")
    return (
        pl.when(customer.is_not_null())
        .then("customer:" + customer)
        .otherwise("conversation:" + pl.col("conversation_id"))
        .alias("party")
    )


def _clock(policy: Policy) -> pl.Expr:
    written = [c.value for c in Channel if not policy.channels[c].real_time]
    answered = pl.col("channel").is_in(written) & pl.col("last_message_at").is_not_null()
    started = pl.when(answered).then("last_message_at").otherwise("entered_at")
    return started.dt.epoch("us").alias("clock")


def _wait(now: int) -> pl.Expr:
    return (now - pl.col("clock")).clip(lower_bound=0) / SECOND


def _target() -> pl.Expr:
    due_s = (pl.col("due_at").dt.epoch("us") - pl.col("clock")) / SECOND
    return pl.coalesce(due_s.clip(lower_bound=1.0), "target_answer_s", "channel_target_s")


def _channel_numbers(policy: Policy) -> pl.LazyFrame:
    return pl.LazyFrame(
        {
            "channel": [channel.value for channel in Channel],
            "channel_at": range(len(Channel)),
            "weight": by_channel(policy, lambda c: c.units),
            "channel_target_s": by_channel(policy, lambda c: c.target_answer_s),
            "channel_handle_s": by_channel(policy, lambda c: c.mean_handle_s),
        }
    )


def _customers(batch: Batch) -> pl.LazyFrame:
    tier = pl.col("tier").cast(pl.Enum([tier.value for tier in Tier]))
    return batch.customers.lazy().select(
        "owner_agent_id",
        party_customer="customer_id",
        customer_value="value",
        customer_zone="time_zone",
        tier_at=tier.to_physical(),
    )


def _callback_hours(batch: Batch, policy: Policy) -> pl.LazyFrame:
    zones = pl.concat([batch.contacts["time_zone"], batch.customers["time_zone"]])
    hour = pl.col("minute") // 60
    inside = (hour >= policy.callback_from_hour) & (hour < policy.callback_until_hour)
    return local_times(zones, batch.now).lazy().select(zone="time_zone", callback_hours=inside)


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


def _needs(batch: Batch, policy: Policy, members: pl.DataFrame) -> pl.DataFrame:
    place = members.select("contact_id", "conversation", "language")
    asked = batch.contact_skills.join(place, on="contact_id").select(
        "conversation", "skill", level="min_proficiency"
    )
    spoken = place.filter(pl.col("language").is_not_null()).select(
        "conversation",
        skill="language:" + pl.col("language"),
        level=pl.lit(policy.min_language_proficiency, pl.Int64),
    )
    return (
        pl.concat([asked, spoken])
        .group_by("conversation", "skill")
        .agg(pl.col("level").max())
        .sort("conversation", "skill")
    )


def _need_set(needs: pl.DataFrame, num_conversations: int) -> Ints:
    conversation = ints(needs["conversation"])
    code = ints(needs["skill"].rank("dense")) * 1_000 + ints(needs["level"])
    nth = np.arange(len(needs)) - np.searchsorted(conversation, conversation)
    codes = np.zeros((int(nth.max(initial=0)) + 1, num_conversations), dtype=np.int64)
    codes[nth, conversation] = code
    return class_of(*codes)


def _floats(frame: pl.DataFrame, column: str) -> Floats:
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
