"""Classes of contacts, as prices tell them apart: queue, channel, language and required skills."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from data_io.price_store import PriceMemory
from data_io.visits import KIND, with_kinds
from models.batch import Batch
from models.policy import Policy
from models.problem import Floats, Ints

QUANTILES = 20


@dataclass(frozen=True, eq=False)
class ContactClasses:
    """K classes, and who belongs to which.

    `kinds`: (class_idx, KIND), one row per class, in order.
    `arrivals`: (class_idx, slot_at, num) of the past, contacts that still wait included.
    `waiting`: (contact_id, class_idx, value), `held`: (contact_id, class_idx) where it is known.
    `by_channel`: (channel, class_idx), the largest class of each channel.
    """

    kinds: pl.DataFrame
    arrivals: pl.DataFrame
    waiting: pl.DataFrame
    held: pl.DataFrame
    by_channel: pl.DataFrame
    values: Floats
    """(K, Q) customer values at equal steps of probability, ascending."""

    @property
    def number(self) -> int:
        """K"""
        return len(self.kinds)

    @property
    def queues(self) -> Ints:
        """(K,) number of the queue of each class."""
        number: Ints = self.kinds["queue_id"].rank("dense").to_numpy().astype(np.int64) - 1
        return number

    def column(self, name: str) -> Ints:
        """A column of `waiting` as positions."""
        column: Ints = self.waiting[name].to_numpy().astype(np.int64)
        return column


def build_classes(batch: Batch, memory: PriceMemory, policy: Policy, most: int) -> ContactClasses:
    """The largest `most` classes that came or wait; the others count as one that is like them."""
    waiting = with_kinds(batch.contacts, batch.contact_skills, batch.customers)
    slot = pl.col("entered_at").dt.truncate("15m").alias("slot_at")
    # Who waited before anybody looked says nothing about how many come.
    since = memory.instant("watched_since") or batch.now
    still = waiting.with_columns(num=(pl.col("entered_at") > since).cast(pl.Int64))
    still = still.group_by(*KIND, slot).agg(pl.col("num").sum())
    arrivals = pl.concat(
        [memory.arrivals.select(*KIND, "slot_at", "num"), still], how="vertical_relaxed"
    )
    sizes = arrivals.group_by(KIND).agg(pl.col("num").sum())
    # Queues that the centre has given up have no agents who could be asked for them.
    sizes = sizes.join(batch.queues, on="queue_id", how="semi")
    sizes = sizes.sort("num", *KIND, descending=[True, *(False for _ in KIND)])
    kinds = sizes.head(most).with_row_index("class_idx").select("class_idx", *KIND)
    like = _like(sizes, kinds)

    def placed(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.join(like, on=KIND, nulls_equal=True, maintain_order="left")

    quantiles = kinds.join(memory.values, on=KIND, how="left", nulls_equal=True).sort("class_idx")
    return ContactClasses(
        kinds=kinds,
        arrivals=placed(arrivals).group_by("class_idx", "slot_at").agg(pl.col("num").sum()),
        waiting=placed(waiting).select(
            "contact_id", "class_idx", pl.col("value").fill_null(policy.default_value)
        ),
        held=placed(memory.held).select("contact_id", "class_idx"),
        by_channel=kinds.unique("channel", keep="first", maintain_order=True).select(
            "channel", "class_idx"
        ),
        values=_values(quantiles["quantiles"], policy.default_value),
    )


def _like(sizes: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """(KIND, class_idx): the class itself, else the largest of its queue and channel, or so on."""
    found = sizes.select(KIND).join(kinds, on=KIND, how="left", nulls_equal=True)
    for place, shared in enumerate((["queue_id", "channel"], ["channel"], [])):
        largest = (
            kinds.unique(shared, keep="first", maintain_order=True) if shared else kinds.head(1)
        )
        other = largest.select(*shared, pl.col("class_idx").alias(f"like_{place}"))
        found = (
            found.join(other, on=shared, how="left") if shared else found.join(other, how="cross")
        )
    return found.select(*KIND, class_idx=pl.coalesce("class_idx", "like_0", "like_1", "like_2"))


def _values(quantiles: pl.Series, default: float) -> Floats:
    rows = [row if row is not None else [default] * QUANTILES for row in quantiles.to_list()]
    return np.array(rows, dtype=np.float64).reshape(len(rows), QUANTILES)
