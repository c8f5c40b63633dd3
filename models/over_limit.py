"""Agents who hold more than their limits, because people gave it to them or work woke up.

Ticks never do that themselves; whoever is above a limit keeps what they hold and gets no more.
"""

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import yield_matrix
from models.columns import UNIT_DECIMALS
from models.held_items import build_held_items
from models.policy import Policy
from models.tables import Channel

UNITS = "units"
OVER_LIMIT = pl.Schema(
    {"agent_id": pl.String, "limit": pl.String, "held": pl.Float64, "most": pl.Float64}
)


def build_over_limit(batch: Batch, policy: Policy) -> pl.DataFrame:
    """Broken limits by agent: (agent_id, limit, held, most), `limit` a channel or `UNITS`.

    Counted are conversations that are not parked, since everything of one customer is one piece
    of work; their further contacts weigh `extra_contact_share`, where the platform does not say
    otherwise. Units are too many only if they are in every order: work that yields to a call may
    lie beneath one.
    """
    agents = batch.agents.with_row_index("agent_idx")
    items = _weighed(batch, build_held_items(batch, agents, policy), policy)
    rows = pl.concat([_counts_above(batch, agents, items), _units_above(agents, items, policy)])
    return rows.sort("agent_id", "limit")


def _weighed(batch: Batch, items: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """The items with `party`, and less weight for the further contacts of one."""
    parties = batch.agent_load.select(
        "contact_id",
        # An id of a customer may be that of a conversation.
        party=pl.coalesce(
            pl.format("customer {}", "customer_id"),
            pl.format("conversation {}", "conversation_id"),
            pl.format("contact {}", "contact_id"),
        ),
        is_stated=pl.col("units").is_not_null(),
    )
    place = pl.struct("units", "contact_id").rank("ordinal", descending=True)
    further = (place.over("agent_idx", "party") > 1) & ~pl.col("is_stated")
    share = pl.when(further).then(policy.extra_contact_share).otherwise(1.0)
    return items.join(parties, on="contact_id").with_columns(units=pl.col("units") * share)


def _counts_above(batch: Batch, agents: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    names = pl.DataFrame(
        {"channel_idx": range(len(Channel)), "channel": [channel.value for channel in Channel]}
    )
    return (
        items.filter(~pl.col("parked"))
        .group_by("agent_idx", "channel_idx")
        .agg(held=pl.col("party").n_unique().cast(pl.Float64))
        .join(names, on="channel_idx")
        .join(agents.select(pl.col("agent_idx").cast(pl.Int64), "agent_id"), on="agent_idx")
        .join(batch.agent_channels, on=["agent_id", "channel"], how="left")
        .with_columns(most=pl.col("max_items").fill_null(0).cast(pl.Float64))
        .filter(pl.col("held") > pl.col("most"))
        .select("agent_id", "held", "most", limit="channel")
        .match_to_schema(OVER_LIMIT)
    )


def _units_above(agents: pl.DataFrame, items: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Units that fit in no order, where whoever yields does not count against the later."""
    shape = (len(agents), len(Channel))
    place = (items["agent_idx"] * shape[1] + items["channel_idx"]).to_numpy()
    size = shape[0] * shape[1]
    units = np.bincount(place, items["units"].to_numpy(), minlength=size).astype(np.float64)
    units = units.reshape(shape)
    extra = np.array([policy.channels[channel].extra_units for channel in Channel])
    most = agents["capacity_units"].to_numpy()[:, None] + extra
    counts = (~yield_matrix(policy)).astype(np.float64)
    left = units > 0
    for _ in Channel:
        # What fits beside all that is left may have come last: it explains itself.
        load = np.round((units * left) @ counts, UNIT_DECIMALS)
        left &= load > most
    over = np.flatnonzero(left.any(axis=1))
    return pl.DataFrame(
        {
            "agent_id": agents["agent_id"].gather(over),
            "limit": [UNITS] * len(over),
            "held": np.round((units * left)[over].sum(axis=1), UNIT_DECIMALS),
            "most": np.where(left, most, 0.0)[over].max(axis=1, initial=0.0),
        },
        schema=OVER_LIMIT,
    )
