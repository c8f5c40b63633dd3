"""Section 1 of `docs/model.md`, written a second time: the contacts, each with its party."""

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy, VoiceFollow
from models.recount.hours import Hours
from models.recount.numbers import SECOND, by_channel, instant, ints, local_times
from models.tables import Channel, Tier

LIVE_CHANNELS = (Channel.VOICE.value, Channel.VIDEO.value, Channel.CALLBACK.value)


def build_members(
    batch: Batch, policy: Policy, hours: Hours, split: pl.Series | None
) -> pl.DataFrame:
    """All contacts by conversation, the lead first, with `conversation` and `is_lead`."""
    now = pl.lit(batch.now)
    members = (
        batch.contacts.lazy()
        .with_columns(party_customer=pl.col("customer_id").max().over("conversation_id"))
        .with_columns(_party(), *_clocks(policy))
        .join(_channel_numbers(policy), on="channel", how="left")
        .join(_queues(batch), on="queue_id", how="left")
        .join(_customers(batch), on="party_customer", how="left")
        .join(_refusals(batch), on="contact_id", how="left")
        .with_columns(_second(split), zone=pl.coalesce("time_zone", "customer_zone"))
        .join(_callback_hours(batch, policy), on="zone", how="left")
        .sort("party", "second", -pl.col("weight"), "entered_at", "contact_id")
        .with_columns(
            pl.col("escalated").fill_null(value=False),
            pl.col("tier_at").fill_null(list(Tier).index(Tier.STANDARD)),
            conversation=pl.struct("party", "second").rle_id().cast(pl.Int64),
            handle_s=pl.coalesce("mean_handle_s", "channel_handle_s"),
            relax_s=pl.coalesce("relax_after_s", "channel_relax_s"),
            most_wait_s=pl.coalesce("max_wait_s", "channel_most_wait_s"),
            class_of_priority=pl.coalesce(
                "priority", "queue_priority", pl.lit(policy.default_priority, pl.Int64)
            ),
            paused=(pl.col("hold_until") > now).fill_null(value=False),
            manual_only=pl.col("num_refusing").fill_null(0) >= policy.max_declining_agents,
            must_follow=pl.col("second")
            & pl.lit(policy.voice_follow is not VoiceFollow.KEEP_TEXT_OWNER),
            reachable=(pl.col("channel") != Channel.CALLBACK)
            | pl.col("callback_hours").fill_null(value=True),
        )
        .with_columns(is_lead=pl.col("conversation").is_first_distinct())
        .collect()
    )
    return _timed(members, batch, hours)


def _timed(members: pl.DataFrame, batch: Batch, hours: Hours) -> pl.DataFrame:
    """With `wait_s` and `target_s`, by the clock of each contact's queue."""
    queue, clock = ints(members["queue"]), ints(members["clock"])
    due = ints(members["due_at"].dt.epoch("us").fill_null(pl.Series(clock)))
    promised = pl.Series(np.maximum(hours.elapsed(queue, clock, due), 1.0))
    wait = hours.elapsed(queue, clock, np.full_like(clock, instant(batch.now)))
    is_promised = pl.col("due_at").is_not_null()
    return members.with_columns(
        wait_s=pl.Series(wait, dtype=pl.Float64),
        target_s=pl.when(is_promised)
        .then(promised)
        .otherwise(pl.coalesce("target_answer_s", "channel_target_s")),
    )


def _party() -> pl.Expr:
    customer = pl.col("party_customer")
    return (
        pl.when(customer.is_not_null())
        .then("customer:" + customer)
        .otherwise("conversation:" + pl.col("conversation_id"))
        .alias("party")
    )


def _second(split: pl.Series | None) -> pl.Expr:
    """Whether the contact is in the second part of a party that is split."""
    live = pl.col("channel").is_in(LIVE_CHANNELS)
    if split is None:
        return pl.lit(value=False).alias("second")
    return (pl.col("party").is_in(split.implode()) & ~live).alias("second")


def _clocks(policy: Policy) -> tuple[pl.Expr, pl.Expr]:
    """`clock` of the wait, and `routed_at`, from which the age of requirements counts."""
    written = [c.value for c in Channel if not policy.channels[c].real_time]
    unanswered = pl.col("channel").is_in(written) & pl.col("last_message_at").is_not_null()
    credit = (policy.age_credit * pl.col("waited_before_s").fill_null(0.0) * SECOND).round()
    entered = pl.col("entered_at").dt.epoch("us") - credit.cast(pl.Int64)
    answered = pl.when(unanswered).then(pl.col("last_message_at").dt.epoch("us"))
    return answered.otherwise(entered).alias("clock"), entered.alias("routed_at")


def _channel_numbers(policy: Policy) -> pl.LazyFrame:
    return pl.LazyFrame(
        {
            "channel": [channel.value for channel in Channel],
            "channel_at": range(len(Channel)),
            "weight": by_channel(policy, lambda c: c.units),
            "channel_target_s": by_channel(policy, lambda c: c.target_answer_s),
            "channel_handle_s": by_channel(policy, lambda c: c.mean_handle_s),
            "channel_relax_s": by_channel(policy, lambda c: c.relax_after_s),
            "channel_most_wait_s": by_channel(policy, lambda c: c.max_wait_s),
        }
    )


def _queues(batch: Batch) -> pl.LazyFrame:
    return batch.queues.lazy().with_row_index("queue").rename({"priority": "queue_priority"})


def _customers(batch: Batch) -> pl.LazyFrame:
    tier = pl.col("tier").cast(pl.Enum([tier.value for tier in Tier]))
    return batch.customers.lazy().select(
        "owner_agent_id",
        "health",
        party_customer="customer_id",
        customer_value="value",
        customer_zone="time_zone",
        tier_at=tier.to_physical(),
    )


def _refusals(batch: Batch) -> pl.LazyFrame:
    """(contact_id, num_refusing) different agents who declined each contact."""
    agents = pl.col("agent_id").n_unique().cast(pl.Int64)
    return batch.declines.lazy().group_by("contact_id").agg(num_refusing=agents)


def _callback_hours(batch: Batch, policy: Policy) -> pl.LazyFrame:
    zones = pl.concat([batch.contacts["time_zone"], batch.customers["time_zone"]])
    hour = pl.col("minute") // 60
    inside = (hour >= policy.callback_from_hour) & (hour < policy.callback_until_hour)
    return local_times(zones, batch.now).lazy().select(zone="time_zone", callback_hours=inside)
