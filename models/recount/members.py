"""Section 1 of `docs/model.md`, written a second time: the contacts, each with its party."""

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.clocks import Clocks, clocks_of
from models.recount.hours import Hours
from models.recount.numbers import SECOND, by_channel, instant, ints, local_times
from models.tables import Channel, Tier

LIVE_CHANNELS = (Channel.VOICE.value, Channel.VIDEO.value, Channel.CALLBACK.value)

PROMISE_SHARE = 0.1
"""Of the usual target: what is promised earlier is measured by no shorter scale."""


def build_contacts(batch: Batch, policy: Policy, hours: Hours) -> tuple[pl.DataFrame, Clocks]:
    """All contacts with what belongs to their party, queue and channel, and the clocks of
    `timed_by`.
    """
    now = pl.lit(batch.now)
    contacts = (
        batch.contacts.lazy()
        .with_columns(party_customer=pl.col("customer_id").max().over("conversation_id"))
        .with_columns(_party(), *_clocks(policy))
        .join(_channel_numbers(policy), on="channel", how="left")
        .join(_queues(batch), on="queue_id", how="left")
        .join(_customers(batch), on="party_customer", how="left")
        .join(_refusals(batch), on="contact_id", how="left")
        .with_columns(zone=pl.coalesce("time_zone", "customer_zone"))
        .join(_callback_hours(batch, policy), on="zone", how="left")
        .with_columns(
            pl.col("escalated").fill_null(value=False),
            pl.col("tier_at").fill_null(list(Tier).index(Tier.STANDARD)),
            is_live=pl.col("channel").is_in(LIVE_CHANNELS),
            handle_s=pl.coalesce("mean_handle_s", "channel_handle_s"),
            relax_s=pl.coalesce("relax_after_s", "channel_relax_s"),
            most_wait_s=pl.coalesce("max_wait_s", "channel_most_wait_s"),
            class_of_priority=pl.coalesce(
                "priority", "queue_priority", pl.lit(policy.default_priority, pl.Int64)
            ),
            paused=(pl.col("hold_until") > now).fill_null(value=False),
            manual_only=pl.col("num_refusing").fill_null(0) >= policy.max_declining_agents,
            reachable=(pl.col("channel") != Channel.CALLBACK)
            | pl.col("callback_hours").fill_null(value=True),
        )
        .collect()
    )
    timed_by, clocks = clocks_of(batch, policy, hours, contacts)
    return _timed(contacts.with_columns(timed_by=pl.Series(timed_by)), batch, clocks), clocks


def by_conversation(contacts: pl.DataFrame) -> pl.DataFrame:
    """Contacts of one `party` and `part` as the members of a `conversation`, the lead first."""
    order = ("party", "part", -pl.col("weight"), "entered_at", "contact_id")
    conversation = pl.struct("party", "part").rle_id().cast(pl.Int64)
    members = contacts.sort(*order).with_columns(conversation=conversation)
    return members.with_columns(is_lead=pl.col("conversation").is_first_distinct())


def _timed(contacts: pl.DataFrame, batch: Batch, clocks: Clocks) -> pl.DataFrame:
    """With `wait_s`, `target_s` and `scale_s`, by the clock of each contact."""
    timed_by, clock = ints(contacts["timed_by"]), ints(contacts["clock"])
    due = ints(contacts["due_at"].dt.epoch("us").fill_null(pl.Series(clock)))
    promised = pl.Series(np.maximum(clocks.elapsed(timed_by, clock, due), 1.0))
    wait = clocks.elapsed(timed_by, clock, np.full_like(clock, instant(batch.now)))
    usual = pl.coalesce("target_answer_s", "channel_target_s")
    target = pl.when(pl.col("due_at").is_not_null()).then(promised).otherwise(usual)
    return contacts.with_columns(
        wait_s=pl.Series(wait, dtype=pl.Float64),
        target_s=target,
        scale_s=pl.max_horizontal(target, PROMISE_SHARE * usual),
    )


def _party() -> pl.Expr:
    customer = pl.col("party_customer")
    return (
        pl.when(customer.is_not_null())
        .then("customer:" + customer)
        .otherwise("conversation:" + pl.col("conversation_id"))
        .alias("party")
    )


def _clocks(policy: Policy) -> tuple[pl.Expr, pl.Expr]:
    """`clock` of the wait, and `routed_at`, from which the age of requirements counts."""
    written = [c.value for c in Channel if not policy.channels[c].real_time]
    unanswered = pl.col("channel").is_in(written) & pl.col("last_message_at").is_not_null()
    credit = (policy.age_credit * pl.col("waited_before_s").fill_null(0.0) * SECOND).round()
    entered = pl.max_horizontal("entered_at", "hold_until").dt.epoch("us") - credit.cast(pl.Int64)
    answered = pl.max_horizontal("last_message_at", "hold_until").dt.epoch("us")
    clock = pl.when(unanswered).then(answered).otherwise(entered)
    return clock.alias("clock"), entered.alias("routed_at")


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
