"""Section 1 of `docs/model.md`, written a second time: lanes, and the queues that help."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.recount.numbers import Floats, Ints, ints, list_class
from models.recount.overflow import Overflow
from models.tables import Channel, Tier


@dataclass(frozen=True, eq=False)
class Lanes:
    """L lanes: the channels without profiles first, then the others that occur."""

    of: Ints
    """(C,)"""
    channel: Ints
    """(L,)"""
    profiles: tuple[str, ...]
    """(L,) sorted, joined by commas"""

    def __len__(self) -> int:
        """L."""
        return len(self.channel)


def lanes_of(members: pl.DataFrame, channel: Ints) -> Lanes:
    """Lanes of C conversations, by the profiles of their members and their `channel`, (C,)."""
    named = (
        members.select("conversation", name=pl.col("profiles").str.split(","))
        .explode("name")
        .select("conversation", pl.col("name").str.strip_chars())
        .filter(pl.col("name").str.len_bytes() > 0)
        .unique()
        .sort("conversation", "name")
        .group_by("conversation", maintain_order=True)
        .agg(pl.col("name").str.join(","))
    )
    profiles = np.full(len(channel), "", dtype=object)
    profiles[ints(named["conversation"])] = named["name"].to_numpy()
    rows = pl.DataFrame({"channel": channel, "profiles": pl.Series(profiles, dtype=pl.String)})
    plain = pl.DataFrame({"channel": range(len(Channel)), "profiles": [""] * len(Channel)})
    others = rows.filter(pl.col("profiles") != "").unique().sort("channel", "profiles")
    lanes = pl.concat([plain, others]).with_row_index("lane")
    lane = rows.join(lanes, on=["channel", "profiles"], how="left", maintain_order="left")["lane"]
    return Lanes(ints(lane), ints(lanes["channel"]), tuple(lanes["profiles"]))


def helpers_of(
    overflow: Overflow, lead: pl.DataFrame, waited: Floats
) -> tuple[Ints, tuple[tuple[int, ...], ...]]:
    """(C,) code of the queues that help each conversation, and what the codes stand for."""
    tier = pl.Series([tier.value for tier in Tier]).gather(lead["tier_at"])
    c = lead.select("conversation", "queue", waited=pl.Series(waited), customer_tier=tier)
    rows = (
        c.with_columns(pl.col("queue").cast(pl.Int64))
        .join(overflow.rows, on="queue")
        .filter(
            pl.col("tier").is_null() | (pl.col("tier") == pl.col("customer_tier")),
            pl.col("waited") > pl.col("longer_than_s"),
        )
        .select("conversation", "to_queue")
        .unique()
        .sort("conversation", "to_queue")
    )
    owner, to_queue = ints(rows["conversation"]), ints(rows["to_queue"])
    code = list_class(owner, to_queue, len(lead))
    example = np.unique(code, return_index=True)[1]
    begin, end = np.searchsorted(owner, example), np.searchsorted(owner, example, side="right")
    sets = [
        tuple(to_queue[b:e].tolist()) for b, e in zip(begin.tolist(), end.tolist(), strict=True)
    ]
    return code, tuple(sets)
