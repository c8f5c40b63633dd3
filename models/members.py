"""Pending contacts with their party, clocks, targets and customers: `docs/model.md` section 1."""

from datetime import datetime

import numpy as np
import polars as pl

from models.batch import Batch
from models.columns import channel_frame, contacts_of, duration, instant, party_columns, with_facts
from models.hours import NO_CALENDAR, OpenHours, local_minutes
from models.openings import microseconds
from models.overflow import Overflow
from models.policy import Policy
from models.priority import starvation
from models.problem import Ints
from models.remembered import remembered
from models.tables import INSTANT, Channel, OverflowWhen, Tier

LEAST_SCALE = 0.1
"""Share of the usual target on which costs of waiting are measured at least: what was late from
its first second would outweigh everything else."""


_NOBODY_PREFERRED = pl.DataFrame(
    schema={
        "conversation_idx": pl.UInt32,
        "preferred_agent_id": pl.String,
        "preferred_by_window": pl.Boolean,
    }
)


def build_members(
    batch: Batch, policy: Policy, hours: OpenHours, overflow: Overflow
) -> pl.DataFrame:
    """One row per contact, whatever conversation it is part of (`models/parts.py`).

    `put_off` contacts cannot be taken now by anybody.
    """
    customers = batch.customers.rename(
        {
            "customer_id": "party_customer",
            "value": "customer_value",
            "time_zone": "customer_zone",
        }
    )
    contacts = with_facts(
        batch.contacts.with_columns(*party_columns()), customers, "party_customer"
    )
    contacts = (
        contacts.join(hours.of_queues(_lines(batch.queues)), on="queue_id", how="left")
        .join(channel_frame(policy), on="channel", how="left")
        .with_columns(zone=pl.coalesce("time_zone", "customer_zone"))
    )
    contacts = with_facts(contacts, _declining_agents(batch), "contact_id")
    contacts = with_facts(contacts, hours.callbacks, "queue_id", "zone", "channel")
    members = _with_clocks(contacts, policy, hours).with_columns(
        handle_s=pl.coalesce("mean_handle_s", "channel_handle_s"),
        relax_s=pl.coalesce("relax_after_s", "channel_relax_s"),
        tier=pl.col("tier").fill_null(Tier.STANDARD.value),
        health=pl.col("health").fill_null(1.0),
        priority=pl.coalesce("priority", "queue_priority", pl.lit(policy.default_priority)),
        starved=starvation(pl.col("wait_s"), pl.coalesce("max_wait_s", "channel_max_wait_s")),
        paused=(pl.col("hold_until") > instant(batch.now)).fill_null(value=False),
        manual_only=pl.col("num_declining").fill_null(0) >= policy.max_declining_agents,
    )
    members = members.with_columns(member_open=_can_be_called(members, policy, batch.now))
    reached = pl.col("is_open") | contacts_of(_helped_while_closed(members, overflow))
    put_off = pl.col("paused") | pl.col("manual_only") | ~pl.col("member_open") | ~reached
    return members.with_columns(put_off=put_off)


@remembered
def _lines(queues: pl.DataFrame) -> pl.DataFrame:
    return queues.rename({"priority": "queue_priority"})


def preferred_agents(batch: Batch, members: pl.DataFrame) -> pl.DataFrame:
    """(conversation_idx, preferred_agent_id, preferred_by_window): whom it should rather wait for.

    The last agent within the same-agent window of the channel, else the owner, else the most
    dedicated agent; those without any are left out.
    """
    known = members.select(pl.col("last_agent_id", "owner_agent_id").is_not_null().any())
    if batch.customer_agents.is_empty() and not any(known.row(0)):
        return _NOBODY_PREFERRED
    recent = (
        members.filter(
            pl.col("last_agent_id").is_not_null()
            & (
                pl.col("last_agent_at")
                > instant(batch.now) - duration(pl.col("same_agent_window_s"))
            )
        )
        .sort("conversation_idx", "last_agent_at", "last_agent_id")
        .group_by("conversation_idx", maintain_order=True)
        .agg(last_id=pl.col("last_agent_id").last())
    )
    dedicated = (
        batch.customer_agents.sort("customer_id", -pl.col("score"), "agent_id")
        .group_by("customer_id", maintain_order=True)
        .agg(dedicated_id=pl.col("agent_id").first())
    )
    leads = members.filter(pl.col("position") == 0).select(
        "conversation_idx", "party_customer", "owner_agent_id"
    )
    return (
        leads.join(recent, on="conversation_idx", how="left")
        .join(dedicated, left_on="party_customer", right_on="customer_id", how="left")
        .select(
            "conversation_idx",
            preferred_agent_id=pl.coalesce("last_id", "owner_agent_id", "dedicated_id"),
            preferred_by_window=pl.col("last_id").is_not_null(),
        )
        .filter(pl.col("preferred_agent_id").is_not_null())
    )


def profile_names(members: pl.DataFrame) -> pl.DataFrame:
    """(conversation_idx, profiles): distinct names of the members, sorted; without those that
    have none.
    """
    named = members.filter(pl.col("profiles").is_not_null())
    if named.is_empty():
        return named.select("conversation_idx", "profiles")
    return (
        named.select("conversation_idx", name=pl.col("profiles").str.split(","))
        .explode("name")
        .with_columns(pl.col("name").str.strip_chars())
        .filter(pl.col("name") != "")
        .group_by("conversation_idx")
        .agg(profiles=pl.col("name").unique().sort().str.join(","))
    )


def _with_clocks(contacts: pl.DataFrame, policy: Policy, hours: OpenHours) -> pl.DataFrame:
    """Adds `clock`, `wait_s`, `target_s`, `scale_s`, `breach_at`, and of the requirement
    `began_at` and `age_s`, by the hours of each contact; `clock_idx` is whose hours these are.
    """
    timed = contacts.with_columns(*_beginnings(policy))
    calendar = timed.select(pl.coalesce("callback_idx", "calendar_idx")).to_series().to_numpy()
    if policy.age_outside_hours:
        calendar = np.full(len(timed), NO_CALENDAR)
    clock = _microseconds(timed["clock"])
    now = np.full(len(timed), microseconds(hours.now))
    due = timed["due_at"].is_not_null().to_numpy()
    promised_s = np.maximum(hours.elapsed_s(calendar, clock, _microseconds(timed["due_at"])), 1.0)
    usual_s = timed.select(pl.coalesce("target_answer_s", "channel_target_s")).to_series()
    target_s = np.where(due, promised_s, usual_s.to_numpy())
    wait_s = hours.elapsed_s(calendar, clock, now)
    age_s = hours.elapsed_s(calendar, _microseconds(timed["began_at"]), now)
    breach, within_reach = hours.reached(calendar, clock, target_s)
    ahead = within_reach & (wait_s < target_s)
    return timed.with_columns(
        pl.Series("wait_s", wait_s, dtype=pl.Float64),
        pl.Series("target_s", target_s, dtype=pl.Float64),
        pl.Series(
            "scale_s", np.maximum(target_s, LEAST_SCALE * usual_s.to_numpy()), dtype=pl.Float64
        ),
        pl.Series("age_s", age_s, dtype=pl.Float64),
        pl.Series("clock_idx", calendar, dtype=pl.Int64),
        breach_at=pl.when(pl.Series(ahead, dtype=pl.Boolean)).then(
            pl.Series(breach, dtype=pl.Int64).cast(INSTANT)
        ),
    )


def _beginnings(policy: Policy) -> tuple[pl.Expr, pl.Expr]:
    """`began_at` and `clock`: since when it asks for an agent, and waits for an answer.

    Neither runs while the contact is on hold.
    """
    credit_s = (pl.col("waited_before_s") * policy.age_credit).fill_null(0.0)
    began_at = pl.max_horizontal("entered_at", "hold_until") - duration(credit_s)
    unanswered = pl.col("last_message_at").is_not_null() & ~pl.col("real_time")
    clock = (
        pl.when(unanswered)
        .then(pl.max_horizontal("last_message_at", "hold_until"))
        .otherwise(began_at)
    )
    return began_at.alias("began_at"), clock.alias("clock")


def _microseconds(instants: pl.Series) -> Ints:
    """Microseconds since 1970, 0 where empty."""
    whole = instants.to_physical()
    return (whole.fill_null(0) if whole.null_count() else whole).to_numpy()


def _declining_agents(batch: Batch) -> pl.DataFrame:
    if batch.declines.is_empty():
        return pl.DataFrame(schema={"contact_id": pl.String, "num_declining": pl.UInt32})
    return batch.declines.group_by("contact_id").agg(num_declining=pl.col("agent_id").n_unique())


def _can_be_called(members: pl.DataFrame, policy: Policy, now: datetime) -> pl.Series:
    """Whether the customer may be called now, true for all that are no callbacks."""
    if Channel.CALLBACK.value not in members["channel"]:
        return pl.repeat(True, len(members), dtype=pl.Boolean, eager=True)
    zoned = members.select("channel", time_zone="zone")
    minute = pl.col("minute")
    inside = (minute >= policy.callback_from_hour * 60) & (
        minute < policy.callback_until_hour * 60
    )
    timed = zoned.join(
        local_minutes(zoned["time_zone"], now),
        on="time_zone",
        how="left",
        maintain_order="left",
    )
    return timed.select(
        (pl.col("channel") != Channel.CALLBACK.value) | inside.fill_null(value=True)
    ).to_series()


def _helped_while_closed(members: pl.DataFrame, overflow: Overflow) -> pl.Series:
    """Contacts of a closed queue that members of another one may take."""
    if overflow.open_rows.is_empty():
        return members["contact_id"].clear()
    rows = overflow.open_rows.filter(pl.col("condition") == OverflowWhen.CLOSED.value).select(
        "queue_id", row_tier="tier"
    )
    fits = pl.col("row_tier").is_null() | (pl.col("row_tier") == pl.col("tier"))
    asked = members.select("contact_id", "queue_id", "tier").join(rows, on="queue_id")
    return asked.filter(fits)["contact_id"].unique()
