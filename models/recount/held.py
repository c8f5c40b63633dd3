"""Section 2 of `docs/model.md`, written a second time: what agents hold."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.numbers import (
    SECOND,
    Bools,
    Floats,
    Ints,
    by_channel,
    first_of_runs,
    instant,
    ints,
    is_real_time,
    positions,
    seconds,
)
from models.recount.profiles import carried
from models.tables import LoadState


@dataclass(frozen=True, eq=False)
class Items:
    """The rows of `agent_load` that are not over, in order of their contacts."""

    rows: pl.DataFrame
    """As in the table, with `agent` (position) and `parked`."""
    agent: Ints
    channel: Ints
    parked: Bools
    units: Floats
    """What the item consumes, its parked share applied."""
    end_s: Floats
    """Expected end from now, not above 0 where overdue."""
    lasts: Ints
    """What an item of the channel takes on average, in microseconds."""
    profiles: Bools
    """(items, P)"""
    rings: Bools
    """Real-time and only offered so far."""

    @property
    def promising(self) -> Bools:
        """Unparked and not overdue: only these say when their agent will be free."""
        return ~self.parked & (self.end_s > 0)

    @property
    def remaining(self) -> Ints:
        """Work left in microseconds, none where parked; overdue ones are taken to begin anew."""
        ahead = np.rint(self.end_s * SECOND).astype(np.int64)
        return np.where(self.parked, 0, np.where(self.promising, ahead, self.lasts))


def build_items(
    batch: Batch, policy: Policy, ids: pl.DataFrame, profiles: tuple[str, ...]
) -> Items:
    """Every held item that counts; `ids` has `agent_id` and `agent`."""
    now = instant(batch.now)
    rows = batch.agent_load.join(
        ids.select("agent_id", "agent"), on="agent_id", maintain_order="left"
    )
    channel = positions(rows["channel"])
    over = _over(policy, rows, channel, now)
    rows, channel = rows.filter(pl.Series(~over, dtype=pl.Boolean)), channel[~over]
    parked = _parked(policy, rows, channel, now)
    own = rows["units"].fill_null(np.nan).to_numpy()
    units = np.where(np.isnan(own), by_channel(policy, lambda c: c.units)[channel], own)
    share = by_channel(policy, lambda c: c.parked_share)[channel]
    usual_s = by_channel(policy, lambda c: c.mean_handle_s)[channel]
    lasts = np.rint(usual_s * SECOND).astype(np.int64)
    return Items(
        rows=rows.with_columns(parked=pl.Series(parked, dtype=pl.Boolean)),
        agent=ints(rows["agent"]),
        channel=channel,
        parked=parked,
        units=np.where(parked, units * share, units),
        end_s=_end(rows, lasts, now),
        lasts=lasts,
        profiles=carried(rows["profiles"], profiles),
        rings=is_real_time(policy)[channel] & (rows["state"] == LoadState.OFFERED).to_numpy(),
    )


def first_to_end(items: Items) -> Ints:
    """Of every agent's promising items the one that ends first, ties by contact."""
    promising = np.flatnonzero(items.promising)
    order = np.lexsort((promising, items.end_s[promising], items.agent[promising]))
    ordered = promising[order]
    return ordered[first_of_runs(items.agent[ordered])]


def _over(policy: Policy, rows: pl.DataFrame, channel: Ints, now: int) -> Bools:
    wrapping = (rows["state"] == LoadState.WRAP_UP).to_numpy()
    lasts = by_channel(policy, lambda c: c.wrap_block_s)[channel]
    over: Bools = wrapping & (-seconds(rows, "state_since", now) >= lasts)  # unknown: not over
    return over


def _parked(policy: Policy, rows: pl.DataFrame, channel: Ints, now: int) -> Bools:
    after = by_channel(policy, lambda c: c.inactive_after_s)[channel]
    silent = (after > 0) & (-seconds(rows, "last_customer_at", now) >= after)
    active = (rows["state"] == LoadState.ACTIVE).to_numpy()
    parked: Bools = (rows["state"] == LoadState.PARKED).to_numpy() | (active & silent)
    return parked


def _end(rows: pl.DataFrame, lasts: Ints, now: int) -> Floats:
    usual = pl.col("started_at").dt.epoch("us") + pl.Series(lasts)
    end = rows.select(pl.coalesce(pl.col("expected_end_at").dt.epoch("us"), usual)).to_series()
    ahead: Floats = (ints(end) - now) / SECOND
    return ahead
