"""Columns that several parts derive alike: channel numbers, durations, what counts as live."""

from datetime import datetime
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.policy import Policy
from models.remembered import remembered
from models.tables import INSTANT, Channel

UNIT_DECIMALS = 6
"""Units are rounded so before they are compared: sums of shares must not decide by a last bit."""

LIVE = (Channel.VOICE.value, Channel.VIDEO.value, Channel.CALLBACK.value)
"""Channels on which the customer and the agent talk: they are never locked to another agent."""


CALLS = (Channel.VOICE.value, Channel.VIDEO.value)
"""Channels on which the customer is on the line already."""


def party_columns() -> tuple[pl.Expr, pl.Expr]:
    """`party_customer`, the customer of the contact's conversation, if any, and `party`, which is
    that customer, else the conversation: over all pending contacts.
    """
    customer = pl.col("customer_id").max().over("conversation_id")
    party = pl.coalesce(
        pl.lit("customer:") + customer, pl.lit("conversation:") + pl.col("conversation_id")
    )
    return customer.alias("party_customer"), party.alias("party")


def with_facts(rows: pl.DataFrame, facts: pl.DataFrame, *on: str) -> pl.DataFrame:
    """The rows, in their order, with the columns of their facts (one row per key), null where
    nothing is known: a left join that costs next to nothing where nothing is known at all.
    """
    if not facts.is_empty():
        return rows.join(facts, on=list(on), how="left", maintain_order="left")
    return rows.hstack(
        [
            pl.Series(name, [None], dtype=dtype).new_from_index(0, len(rows))
            for name, dtype in facts.schema.items()
            if name not in on
        ]
    )


def places(names: pl.Series, known: pl.Series) -> NDArray[np.int64]:
    """Position of each name among the `known` ones, which are sorted; -1 for others, (n,)."""
    if not len(known):
        return np.full(len(names), -1, dtype=np.int64)
    place = np.minimum(known.search_sorted(names).to_numpy().astype(np.int64), len(known) - 1)
    found = known[place] == names
    if found.null_count():
        found = found.fill_null(value=False)
    return np.where(found.to_numpy(), place, -1)


def contacts_of(ids: pl.Series) -> pl.Expr:
    """Whether the contact of a row is one of these."""
    return pl.col("contact_id").is_in(ids.implode())


@remembered
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
            "same_agent_window_s": [row.same_agent_window_s for row in rows],
            "channel_relax_s": [row.relax_after_s for row in rows],
            "channel_max_wait_s": [row.max_wait_s for row in rows],
            "inactive_after_s": [row.inactive_after_s for row in rows],
            "accept_timeout_s": [row.accept_timeout_s for row in rows],
            "owner_gone_s": [row.owner_gone_s for row in rows],
            "wrap_block_s": [row.wrap_block_s for row in rows],
        },
        schema_overrides={"channel_idx": pl.Int32},
    )


def seconds(duration: pl.Expr) -> pl.Expr:
    """A duration in seconds as a float."""
    return duration.dt.total_microseconds() / 1e6


def duration(amount_s: pl.Expr) -> pl.Expr:
    """Seconds as a duration of whole microseconds."""
    return pl.duration(microseconds=(amount_s * 1e6).round().cast(pl.Int64))


@lru_cache(maxsize=16)
def instant(at: datetime) -> pl.Expr:
    """An instant as a literal."""
    return pl.lit(at, INSTANT)
