"""Contacts to conversations: all pending contacts of one party are one unit of the model.

Follows `docs/model.md` section 1. Conversations are sorted by party, so positions do not depend on
the order of rows.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.tables import Channel, Tier

LANGUAGE_PREFIX = "language:"
UNIT_DECIMALS = 6
"""Units are rounded so before they are compared: sums of shares must not decide by a last bit."""

CLASS_KEY = (
    "queue_id",
    "lane",
    "channels",
    "requirements",
    "units",
    "may_hold",
    "is_open",
    "customer_open",
)
"""What decides who may serve a conversation; conversations that agree on it are one class."""


@dataclass(frozen=True, eq=False)
class Conversations:
    """The conversations of a batch, their members, requirements and classes.

    `units`: one row per conversation, in position order (`conversation_idx`).
    `members`: one row per contact, sorted by conversation, the lead first.
    `classes`: one row per class (`class_idx`).
    `requirements`: (class_idx, skill, min_proficiency, is_language), sorted by class.
    """

    units: pl.DataFrame
    members: pl.DataFrame
    classes: pl.DataFrame
    requirements: pl.DataFrame


def build_conversations(batch: Batch, policy: Policy) -> Conversations:
    """Conversations of the batch with their clocks, targets, customers and classes."""
    members = _members(batch, policy)
    needs = _needs(batch, members, policy)
    units = _units(members, policy).join(_signatures(needs), on="party", how="left")
    units = units.with_columns(pl.col("requirements").fill_null("")).join(
        _open_queues(batch), on="queue_id", how="left"
    )
    classes = units.select(CLASS_KEY).unique().sort(CLASS_KEY).with_row_index("class_idx")
    classes = classes.with_columns(pl.col("class_idx").cast(pl.Int64))
    keyed = units.join(classes, on=CLASS_KEY, how="left")
    ranked = _ranked(keyed).sort("party").with_row_index("conversation_idx")
    return Conversations(
        units=ranked,
        members=members.join(ranked.select("party", "conversation_idx"), on="party").sort(
            "conversation_idx", "position"
        ),
        classes=classes.join(_class_facts(ranked), on="class_idx").sort("class_idx"),
        requirements=_class_requirements(ranked, needs),
    )


def channel_frame(policy: Policy) -> pl.DataFrame:
    """The policy's channel numbers as a frame keyed by `channel`, in the order of `Channel`."""
    rows = [policy.channels[channel] for channel in Channel]
    return pl.DataFrame(
        {
            "channel": [channel.value for channel in Channel],
            "channel_idx": range(len(rows)),
            "channel_units": [row.units for row in rows],
            "parked_share": [row.parked_share for row in rows],
            "real_time": [row.real_time for row in rows],
            "channel_target_s": [row.target_answer_s for row in rows],
            "mean_patience_s": [row.mean_patience_s for row in rows],
            "channel_handle_s": [row.mean_handle_s for row in rows],
            "waiting_cost": [row.waiting_cost for row in rows],
            "stick_half_life_s": [row.stick_half_life_s for row in rows],
        },
        schema_overrides={"channel_idx": pl.Int32},
    )


def seconds(duration: pl.Expr) -> pl.Expr:
    """A duration in seconds as a float."""
    return duration.dt.total_microseconds() / 1e6


def local_minutes(zones: pl.Series, now: datetime) -> pl.DataFrame:
    """(time_zone, weekday, minute) at `now`, one row per distinct zone; Monday is 0."""
    distinct = zones.drop_nulls().unique().sort().to_list()
    local = [now.astimezone(ZoneInfo(zone)) for zone in distinct]
    return pl.DataFrame(
        {
            "time_zone": distinct,
            "weekday": [time.weekday() for time in local],
            "minute": [time.hour * 60 + time.minute for time in local],
        },
        schema={"time_zone": pl.String, "weekday": pl.Int64, "minute": pl.Int64},
    )


def _members(batch: Batch, policy: Policy) -> pl.DataFrame:
    now = pl.lit(batch.now, pl.Datetime("us", "UTC"))
    clock = (
        pl.when(~pl.col("real_time"))
        .then(pl.col("last_message_at"))
        .fill_null(pl.col("entered_at"))
    )
    customers = batch.customers.rename({"value": "customer_value", "time_zone": "customer_zone"})
    members = (
        batch.contacts.with_columns(
            party_customer=pl.col("customer_id").max().over("conversation_id")
        )
        .with_columns(
            party=pl.coalesce(
                pl.lit("customer:") + pl.col("party_customer"),
                pl.lit("conversation:") + pl.col("conversation_id"),
            )
        )
        .join(customers, left_on="party_customer", right_on="customer_id", how="left")
        .join(batch.queues, on="queue_id", how="left")
        .join(channel_frame(policy), on="channel", how="left")
        .with_columns(clock=clock)
        .with_columns(
            wait_s=seconds(now - pl.col("clock")).clip(lower_bound=0.0),
            target_s=pl.coalesce(
                seconds(pl.col("due_at") - pl.col("clock")).clip(lower_bound=1.0),
                pl.col("target_answer_s"),
                pl.col("channel_target_s"),
            ),
            handle_s=pl.coalesce("mean_handle_s", "channel_handle_s"),
            tier=pl.col("tier").fill_null(Tier.STANDARD.value),
        )
    )
    return (
        members.join(_customer_hours(members, policy, batch.now), on="contact_id", how="left")
        .sort(
            "party",
            "channel_units",
            "entered_at",
            "contact_id",
            descending=[False, True, False, False],
        )
        .with_columns(position=pl.int_range(pl.len()).over("party"))
    )


def _customer_hours(members: pl.DataFrame, policy: Policy, now: datetime) -> pl.DataFrame:
    zoned = members.select(
        "contact_id", "channel", time_zone=pl.coalesce("time_zone", "customer_zone")
    )
    minute = pl.col("minute")
    inside = (minute >= policy.callback_from_hour * 60) & (
        minute < policy.callback_until_hour * 60
    )
    return zoned.join(local_minutes(zoned["time_zone"], now), on="time_zone", how="left").select(
        "contact_id",
        member_open=(pl.col("channel") != Channel.CALLBACK.value) | inside.fill_null(value=True),
    )


def _open_queues(batch: Batch) -> pl.DataFrame:
    """(queue_id, is_open) at the batch's instant; a calendar without an opening is closed."""
    local = local_minutes(batch.calendars["time_zone"], batch.now)
    minute = pl.col("minute")
    openings = (
        batch.calendars.join(local, on=["time_zone", "weekday"])
        .filter((pl.col("opens_minute") <= minute) & (minute < pl.col("closes_minute")))
        .get_column("calendar_id")
    )
    return batch.queues.select(
        "queue_id",
        is_open=pl.col("calendar_id").is_null() | pl.col("calendar_id").is_in(openings.implode()),
    )


def _needs(batch: Batch, members: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """(party, skill, min_proficiency), the highest level per skill, sorted."""
    skills = batch.contact_skills.join(members.select("contact_id", "party"), on="contact_id")
    languages = members.filter(pl.col("language").is_not_null()).select(
        "party",
        skill=pl.lit(LANGUAGE_PREFIX) + pl.col("language"),
        min_proficiency=pl.lit(policy.min_language_proficiency, pl.Int64),
    )
    return (
        pl.concat([skills.select("party", "skill", "min_proficiency"), languages])
        .group_by("party", "skill")
        .agg(pl.col("min_proficiency").max())
        .sort("party", "skill")
    )


def _signatures(needs: pl.DataFrame) -> pl.DataFrame:
    requirement = pl.format("{}\x1f{}", "skill", "min_proficiency")
    return needs.group_by("party", maintain_order=True).agg(
        requirements=requirement.str.join("\x1e")
    )


def _units(members: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    weight = pl.col("channel_units")
    slack_s = pl.col("target_s") - pl.col("wait_s")
    live = [Channel.VOICE.value, Channel.VIDEO.value, Channel.CALLBACK.value]
    return members.group_by("party", maintain_order=True).agg(
        lead_contact_id=pl.col("contact_id").first(),
        queue_id=pl.col("queue_id").first(),
        lane=pl.col("channel").first(),
        lane_idx=pl.col("channel_idx").first(),
        real_time=pl.col("real_time").first(),
        handle_s=pl.col("handle_s").first(),
        channels=pl.col("channel").unique().sort().str.join(","),
        any_live=pl.col("channel").is_in(live).any(),
        units=pl.min_horizontal(
            weight.first() + policy.extra_contact_share * (weight.sum() - weight.first()),
            pl.max_horizontal(weight.first(), pl.lit(policy.most_extra_units)),
        ).round(UNIT_DECIMALS),
        clock=pl.col("clock").min(),
        may_hold=slack_s.min() >= 2 * policy.tick_s,
        customer_open=pl.col("member_open").all(),
        value=pl.coalesce(
            pl.col("value").max(),
            pl.col("customer_value").first(),
            pl.lit(policy.default_value),
        ),
        tier=pl.col("tier").first(),
        escalated=pl.col("escalated").fill_null(value=False).any(),
        sentiment=pl.col("sentiment").min().fill_null(0.0),
        owner_agent_id=pl.col("owner_agent_id").first(),
    )


def _ranked(units: pl.DataFrame) -> pl.DataFrame:
    """`rank` from 0 within each class, by clock."""
    starts = pl.col("class_idx") != pl.col("class_idx").shift(1, fill_value=-1)
    return (
        units.sort("class_idx", "clock", "lead_contact_id")
        .with_row_index("row")
        .with_columns(rank=pl.col("row") - pl.when(starts).then("row").forward_fill())
        .drop("row")
    )


def _class_facts(units: pl.DataFrame) -> pl.DataFrame:
    return units.group_by("class_idx").agg(
        pl.col("lane_idx", "real_time", "handle_s").first(),
        has_requirement=pl.col("requirements").first() != "",
    )


def _class_requirements(units: pl.DataFrame, needs: pl.DataFrame) -> pl.DataFrame:
    first = units.group_by("class_idx").agg(party=pl.col("party").first())
    return (
        first.join(needs, on="party")
        .select(
            "class_idx",
            "skill",
            "min_proficiency",
            is_language=pl.col("skill").str.starts_with(LANGUAGE_PREFIX),
        )
        .sort("class_idx", "skill")
    )
