"""The items that agents hold: which are parked, what they consume, and when they end.

Follows `docs/model.md` section 2. Instants are compared in whole microseconds.
"""

from datetime import datetime

import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.tables import INSTANT, Channel, LoadState

UNIT_DECIMALS = 6
"""Units are rounded so before they are compared: sums of shares must not decide by a last bit."""

_MICRO = 1e6


def build_held_items(batch: Batch, agents: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Held items by agent and contact: (contact_id, agent_idx, channel_idx, parked, units,
    ends_in_us, profiles).

    `units` are those that count, the parked share applied; `ends_in_us` are microseconds to the
    expected end, not above 0 where overdue. Items that are over are left out.
    """
    now = pl.lit(batch.now, INSTANT)
    end = pl.coalesce("expected_end_at", pl.col("started_at") + pl.col("handle"))
    share = pl.when("parked").then("parked_share").otherwise(1.0)
    return (
        with_parked(batch.agent_load, batch.now, policy)
        .filter(~pl.col("over"))
        .join(agents.select("agent_id", "agent_idx"), on="agent_id")
        .join(_channel_numbers(policy), on="channel")
        .select(
            "contact_id",
            pl.col("agent_idx").cast(pl.Int64),
            "channel_idx",
            "parked",
            units=pl.coalesce("units", "channel_units") * share,
            ends_in_us=(end - now).dt.total_microseconds(),
            profiles="profiles",
        )
        .sort("agent_idx", "contact_id")
    )


def with_parked(load: pl.DataFrame, now: datetime, policy: Policy) -> pl.DataFrame:
    """Rows of `agent_load` in their order, with `parked` (by state, or by inactivity) and `over`
    (wrap-up that no longer consumes anything).
    """
    at = pl.lit(now, INSTANT)
    inactive = (
        (pl.col("state") == LoadState.ACTIVE.value)
        & (pl.col("inactive_after") > pl.duration())
        & (pl.col("last_customer_at") <= at - pl.col("inactive_after"))
    )
    over = (pl.col("state") == LoadState.WRAP_UP.value) & (
        pl.col("state_since") <= at - pl.col("wrap_block")
    )
    numbers = _channel_numbers(policy).select("channel", "inactive_after", "wrap_block")
    return (
        load.join(numbers, on="channel", how="left", maintain_order="left")
        .with_columns(
            parked=(pl.col("state") == LoadState.PARKED.value) | inactive.fill_null(value=False),
            over=over.fill_null(value=False),
        )
        .drop("inactive_after", "wrap_block")
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


def _channel_numbers(policy: Policy) -> pl.DataFrame:
    rows = [policy.channels[channel] for channel in Channel]

    def durations(seconds: list[float]) -> pl.Series:
        return pl.Series([round(s * _MICRO) for s in seconds], dtype=pl.Duration("us"))

    return pl.DataFrame(
        {
            "channel": [channel.value for channel in Channel],
            "channel_idx": pl.Series(range(len(rows)), dtype=pl.Int64),
            "channel_units": [row.units for row in rows],
            "parked_share": [row.parked_share for row in rows],
            "handle": durations([row.mean_handle_s for row in rows]),
            "wrap_block": durations([row.wrap_block_s for row in rows]),
            "inactive_after": durations([row.inactive_after_s for row in rows]),
        }
    )
