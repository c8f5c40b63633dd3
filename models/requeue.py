"""Held contacts whose agent is gone, so that the platform can put them back in their queue.

Follows `docs/model.md` section 7.
"""

import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.columns import channel_frame, duration, instant
from models.held_items import with_parked
from models.offers import OPEN
from models.policy import Policy
from models.tables import REQUEUE, LoadState, Presence


def build_requeue(batch: Batch, policy: Policy, agents: AgentState) -> pl.DataFrame:
    """Rows by the contract of `requeue`, sorted by contact.

    Offers of our own are left out: those are rescinded. What waits for the customer moves only
    when the customer has written since the agent left, and what is not real-time stays where the
    agent is back before an answer is due.
    """
    if (agents.present & agents.on_shift).all() or batch.agent_load.is_empty():
        return REQUEUE.empty()
    gone = _gone(batch, agents)
    now = instant(batch.now)
    gone_for = now - pl.col("gone_since").fill_null(now)
    since = pl.col("gone_since").fill_null(pl.col("started_at"))
    has_written = (pl.col("last_customer_at") > since).fill_null(value=False)
    return (
        with_parked(batch.agent_load, batch.now, policy)
        .filter(pl.col("state") != LoadState.WRAP_UP.value)
        .join(_our_offers(batch), on=["contact_id", "agent_id", "state"], how="anti")
        .join(gone, on="agent_id")
        .join(_patience(policy), on="channel")
        .filter(
            (gone_for >= pl.col("patience"))
            & (~pl.col("parked") | has_written)
            & ~_back_in_time(now)
        )
        .with_columns(tick_at=now, detail=_sentence())
        .select(REQUEUE.schema().names())
        .sort("contact_id")
    )


def _gone(batch: Batch, agents: AgentState) -> pl.DataFrame:
    """(agent_id, presence, is_present, gone_since) of agents not present or off shift.

    A present agent on a break, or before the shift, is not known to be gone since anything.
    """
    now = instant(batch.now)
    away_since = pl.when(~pl.col("is_present")).then("presence_since")
    return (
        agents.agents.with_columns(
            is_present=pl.Series(agents.present), is_on_shift=pl.Series(agents.on_shift)
        )
        .filter(~(pl.col("is_present") & pl.col("is_on_shift")))
        .select(
            "agent_id",
            "presence",
            "is_present",
            "shift_start_at",
            ended=pl.col("shift_end_at") <= now,
            gone_since=pl.when(pl.col("shift_end_at") <= now)
            .then("shift_end_at")
            .otherwise(away_since),
        )
    )


def _back_in_time(now: pl.Expr) -> pl.Expr:
    """Whether the agent's next shift is known to begin by the time that an answer is due."""
    usual = pl.max_horizontal("started_at", "last_customer_at") + pl.col("target")
    starts = pl.col("shift_start_at")
    back = (starts > now) & (starts <= pl.coalesce("due_at", usual))
    return ~pl.col("real_time") & back


def _our_offers(batch: Batch) -> pl.DataFrame:
    """(contact_id, agent_id, state) of held rows that stand for an open offer of a tick."""
    still_open = batch.offers.filter(pl.col("event").is_in(OPEN))
    return still_open.select("contact_id", "agent_id", state=pl.lit(LoadState.OFFERED.value))


def _patience(policy: Policy) -> pl.DataFrame:
    """(channel, real_time, patience, target): how long an agent may be gone and an answer take."""
    return channel_frame(policy).select(
        "channel",
        "real_time",
        patience=duration(pl.col("owner_gone_s")),
        target=duration(pl.col("channel_target_s")),
    )


def _sentence() -> pl.Expr:
    since = (
        pl.when(pl.col("gone_since").is_not_null())
        .then(pl.format(" since {} UTC", pl.col("gone_since").dt.strftime("%Y-%m-%d %H:%M")))
        .otherwise(pl.lit(""))
    )
    why = (
        pl.when("ended")
        .then(pl.lit("off shift"))
        .when(pl.col("presence") == Presence.OFFLINE.value)
        .then(pl.lit("offline"))
        .when(~pl.col("is_present"))
        .then(pl.lit("away"))
        .otherwise(pl.lit("not on shift"))
    )
    written = (
        pl.when("parked")
        .then(pl.lit(", and the customer has written since"))
        .otherwise(pl.lit(""))
    )
    return pl.format(
        "{} is {}{}{}: back to the queue, with its age.", "agent_id", why, since, written
    )
