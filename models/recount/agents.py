"""Section 2 of `docs/model.md`, written a second time: agents, their load and what it leaves.

Shape (A, 8) is one row per agent in the order of their ids and one column per channel.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.held import Items, build_items, first_to_end
from models.recount.numbers import (
    DECIMALS,
    Bools,
    Floats,
    Ints,
    block_matrix,
    by_channel,
    instant,
    ints,
    is_real_time,
    positions,
    seconds,
)
from models.recount.offered import profile_left, rate_left
from models.recount.presence import who_is_there
from models.recount.profiles import profile_names
from models.tables import Channel


@dataclass(frozen=True, eq=False)
class Agents:
    """A agents; of those who are free soon, the item that ends first is left out of the load."""

    ids: pl.DataFrame
    """agent_id, agent (position), version, site"""
    present: Bools
    on_shift: Bools
    responding: Bools
    away_recently: Bools
    """Away for so short that a lock still holds, and on shift."""
    free_now: Bools
    free_soon: Bools
    free_in_s: Floats
    """To the end of the item that makes them free soon; 0 for everyone else."""
    free_later_s: Floats
    """E, whether they are free now or not; infinite where unknown."""
    starts_in_s: Floats
    """Until who is not on shift is so; infinite where unknown, and for who is."""
    shift_left_s: Floats
    idle_s: Floats
    """Since the last assignment, infinite where none is known."""

    max_items: Ints
    """(A, 8), 0 where not served"""
    rate_left: Ints
    """(A, 8) offers that this hour still allows"""
    held_rows: pl.DataFrame
    """Every row of `agent_load` that is not over, with `agent` and `parked`."""
    held: Ints
    """(A, 8) unparked items"""
    blocked: Bools
    """(A, 8)"""
    free_units: Floats
    """(A, 8) by the channel that would use them"""
    interrupts: Ints
    """(A, 8) unparked items that yield to the channel"""
    remaining: Ints
    """Work left in the unparked items, in microseconds."""
    profiles: tuple[str, ...]
    """P names that contacts carry."""
    profile_left: Ints
    """(A, P)"""

    def __len__(self) -> int:
        """Number of agents."""
        return len(self.present)

    @property
    def there(self) -> Bools:
        """(A,) present, on shift and responding."""
        return self.present & self.on_shift & self.responding

    @property
    def num_busy(self) -> Ints:
        """(A,) unparked items."""
        count: Ints = self.held.sum(axis=1, dtype=np.int64)
        return count


@dataclass(frozen=True, eq=False)
class _Load:
    held: Ints
    blocked: Bools
    free_units: Floats


def build_agents(batch: Batch, policy: Policy) -> Agents:
    """All agents with what they hold."""
    table = batch.agents.with_row_index("agent").with_columns(pl.col("agent").cast(pl.Int64))
    there = who_is_there(batch, policy, table)
    profiles = profile_names(batch)
    items = build_items(batch, policy, table, profiles)
    max_items, rate = _max_items(batch, table), rate_left(batch, policy, table)
    everything = np.ones(len(items.agent), dtype=bool)
    full = _load(policy, table, items, everything)
    free_now = there.ready & _has_room(policy, full, max_items, rate)
    first, ends_in = first_to_end(items), np.full(len(table), np.inf)
    ends_in[items.agent[first]] = items.end_s[first]
    at_work = there.present & there.on_shift
    free_soon = at_work & there.responding & ~free_now & (ends_in <= policy.hold_horizon_s)
    stays = everything.copy()
    stays[first[free_soon[items.agent[first]]]] = False
    load = _load(policy, table, items, stays)
    return Agents(
        ids=table.select("agent_id", "agent", "version", "site"),
        present=there.present,
        on_shift=there.on_shift,
        responding=there.responding,
        away_recently=there.away_recently,
        free_now=free_now,
        free_soon=free_soon,
        free_in_s=np.where(free_soon, np.maximum(ends_in, policy.tick_s), 0),
        free_later_s=np.where(at_work, ends_in, there.starts_in_s),
        starts_in_s=there.starts_in_s,
        shift_left_s=there.shift_left_s,
        idle_s=_idle(table, instant(batch.now)),
        max_items=max_items,
        rate_left=rate,
        held_rows=items.rows,
        held=load.held,
        blocked=load.blocked,
        free_units=load.free_units,
        interrupts=load.held @ yield_matrix(policy).astype(np.int64),
        remaining=_summed(items.agent, items.remaining * stays, len(table)),
        profiles=profiles,
        profile_left=profile_left(batch, policy, table, profiles, items, stays),
    )


def yield_matrix(policy: Policy) -> Bools:
    """Whether the row's channel yields to the column's, shape (8, 8)."""
    return np.array([[c in policy.channels[held].yields_to for c in Channel] for held in Channel])


def _has_room(policy: Policy, load: _Load, max_items: Ints, rate: Ints) -> Bools:
    """(A,) whether one more conversation of some channel fits beside the load."""
    weight = np.round(by_channel(policy, lambda c: c.units), DECIMALS)
    fits = (load.held < max_items) & ~load.blocked & (rate >= 1) & (weight <= load.free_units)
    room: Bools = np.logical_or.reduce(fits, axis=1)
    return room


def _idle(table: pl.DataFrame, now: int) -> Floats:
    idle = np.maximum(0, -seconds(table, "idle_since", now))
    return np.where(np.isnan(idle), np.inf, idle)


def _summed(agent: Ints, of_item: Ints, num_agents: int) -> Ints:
    total = np.zeros(num_agents, dtype=np.int64)
    np.add.at(total, agent, of_item)
    return total


def _max_items(batch: Batch, ids: pl.DataFrame) -> Ints:
    rows = batch.agent_channels.join(ids.select("agent_id", "agent"), on="agent_id")
    found = np.zeros((len(ids), len(Channel)), dtype=np.int64)
    found[ints(rows["agent"]), positions(rows["channel"])] = ints(rows["max_items"])
    return found


def _load(policy: Policy, table: pl.DataFrame, items: Items, counted: Bools) -> _Load:
    size = (len(table), len(Channel))
    cell = items.agent * len(Channel) + items.channel
    used = np.bincount(cell, items.units * counted, minlength=size[0] * size[1]).reshape(size)
    keeps = ~yield_matrix(policy)
    offered = table["capacity_units"].to_numpy()[:, None]
    offered = offered + by_channel(policy, lambda c: c.extra_units)
    free: Floats = np.maximum(0, offered - used @ keeps.astype(np.float64))
    unparked = cell[counted & ~items.parked]
    held = np.bincount(unparked, minlength=size[0] * size[1]).reshape(size).astype(np.int64)
    ringing = np.zeros(len(table), dtype=bool)
    ringing[items.agent[counted & items.rings]] = True
    return _Load(
        held=held,
        blocked=(held > 0) @ block_matrix(policy) | (ringing[:, None] & is_real_time(policy)),
        free_units=np.round(free, DECIMALS),
    )
