"""The items that agents hold: which are parked, what they consume, and when they end.

Follows `docs/model.md` section 2. Instants are compared in whole microseconds.
"""

from datetime import datetime

import polars as pl

from models.batch import Batch
from models.columns import channel_frame, duration, instant
from models.policy import Policy
from models.remembered import remembered
from models.tables import LoadState


def build_held_items(batch: Batch, agents: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Held items by agent and contact: (contact_id, agent_idx, channel_idx, parked, rings,
    units, ends_in_us, handle_us, profiles).

    `rings`: something real-time is being offered. `units` are those that count, the parked share
    applied; `ends_in_us` are microseconds to the expected end, not above 0 where overdue, and
    `handle_us` a mean handling. Items that are over are left out.
    """
    mean_end = pl.col("started_at") + duration(pl.col("channel_handle_s"))
    to_end = pl.coalesce("expected_end_at", mean_end) - instant(batch.now)
    share = pl.when("parked").then("parked_share").otherwise(1.0)
    return (
        with_parked(batch.agent_load, batch.now, policy)
        .filter(~pl.col("over"))
        .join(agents.select("agent_id", "agent_idx"), on="agent_id")
        .join(channel_frame(policy), on="channel")
        .select(
            "contact_id",
            pl.col("agent_idx").cast(pl.Int64),
            pl.col("channel_idx").cast(pl.Int64),
            "parked",
            rings=pl.col("real_time") & (pl.col("state") == LoadState.OFFERED.value),
            units=pl.coalesce("units", "channel_units") * share,
            ends_in_us=to_end.dt.total_microseconds(),
            handle_us=duration(pl.col("channel_handle_s")).dt.total_microseconds(),
            profiles="profiles",
        )
        .sort("agent_idx", "contact_id")
    )


@remembered
def with_parked(load: pl.DataFrame, now: datetime, policy: Policy) -> pl.DataFrame:
    """Rows of `agent_load` in their order, with `parked` (by state, or by inactivity) and `over`
    (wrap-up that no longer consumes anything).
    """
    at = instant(now)
    inactive = (
        (pl.col("state") == LoadState.ACTIVE.value)
        & (pl.col("inactive_after_s") > 0)
        & (pl.col("last_customer_at") <= at - duration(pl.col("inactive_after_s")))
    )
    over = (pl.col("state") == LoadState.WRAP_UP.value) & (
        pl.col("state_since") <= at - duration(pl.col("wrap_block_s"))
    )
    return load.join(
        channel_frame(policy), on="channel", how="left", maintain_order="left"
    ).select(
        *load.columns,
        parked=(pl.col("state") == LoadState.PARKED.value) | inactive.fill_null(value=False),
        over=over.fill_null(value=False),
    )


def profile_rows(rows: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """(keys, profile): one row per row and distinct capacity profile that it names, sorted."""
    return (
        rows.select(*keys, profile=pl.col("profiles").str.split(","))
        .explode("profile", empty_as_null=True)
        .with_columns(pl.col("profile").str.strip_chars())
        .filter(pl.col("profile") != "")
        .unique()
        .sort(*keys, "profile")
    )
