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
from models.recount.offered import answers_offers, profile_left, rate_left
from models.recount.profiles import profile_names
from models.tables import Channel, Presence


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
    """E of who is present, on shift and not free now; infinite for others and if unknown."""
    starts_in_s: Floats
    """To a start of the shift that lies ahead; infinite where none does."""
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
    remaining_s: Floats
    """Sum over the unparked items of the time to their expected end."""
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


@dataclass(frozen=True, eq=False)
class _Shifts:
    on: Bools
    left_s: Floats
    starts_in_s: Floats


def build_agents(batch: Batch, policy: Policy) -> Agents:
    """All agents with what they hold."""
    now = instant(batch.now)
    table = batch.agents.with_row_index("agent").with_columns(pl.col("agent").cast(pl.Int64))
    shifts = _shifts(batch, table, now)
    presence = table["presence"]
    present = presence.is_in([Presence.AVAILABLE, Presence.BUSY, Presence.WRAP_UP]).to_numpy()
    there = present & shifts.on
    since = -seconds(table, "presence_since", now)
    away = (presence == Presence.AWAY).to_numpy() & (since < policy.lock_release_s)
    responding = answers_offers(batch, policy, table)
    profiles = profile_names(batch)
    items = build_items(batch, policy, table, profiles)
    max_items, rate = _max_items(batch, table), rate_left(batch, policy, table)

    everything = np.ones(len(items.agent), dtype=bool)
    full = _load(policy, table, items, everything)
    weight = np.round(by_channel(policy, lambda c: c.units), DECIMALS)
    takes = (full.held < max_items) & ~full.blocked & (rate >= 1) & (weight <= full.free_units)
    free_now = there & responding & takes.any(axis=1) & (presence == Presence.AVAILABLE).to_numpy()

    first = first_to_end(items)
    first = first[(there & ~free_now)[items.agent[first]]]
    free_later = np.full(len(table), np.inf)
    free_later[items.agent[first]] = items.end_s[first]
    free_soon = responding & (free_later <= policy.hold_horizon_s)
    stays = everything.copy()
    stays[first[free_soon[items.agent[first]]]] = False
    load = _load(policy, table, items, stays)
    idle = np.maximum(0, -seconds(table, "idle_since", now))
    ahead_s = np.where(stays & items.promising, items.end_s, 0)
    return Agents(
        ids=table.select("agent_id", "agent", "version", "site"),
        present=present,
        on_shift=shifts.on,
        responding=responding,
        away_recently=away & shifts.on,
        free_now=free_now,
        free_soon=free_soon,
        free_in_s=np.where(free_soon, np.maximum(free_later, policy.tick_s), 0),
        free_later_s=free_later,
        starts_in_s=shifts.starts_in_s,
        shift_left_s=shifts.left_s,
        idle_s=np.where(np.isnan(idle), np.inf, idle),
        max_items=max_items,
        rate_left=rate,
        held_rows=items.rows,
        held=load.held,
        blocked=load.blocked,
        free_units=load.free_units,
        interrupts=load.held @ yield_matrix(policy).astype(np.int64),
        remaining_s=np.bincount(items.agent, ahead_s, len(table)).astype(np.float64),
        profiles=profiles,
        profile_left=profile_left(batch, policy, table, profiles, items, stays),
    )


def yield_matrix(policy: Policy) -> Bools:
    """Whether the row's channel yields to the column's, shape (8, 8)."""
    return np.array([[c in policy.channels[held].yields_to for c in Channel] for held in Channel])


def _shifts(batch: Batch, table: pl.DataFrame, now: int) -> _Shifts:
    start, end = seconds(table, "shift_start_at", now), seconds(table, "shift_end_at", now)
    pauses = batch.agent_activities.join(table.select("agent_id", "agent"), on="agent_id")
    agent = ints(pauses["agent"])
    begins, ends = seconds(pauses, "starts_at", now), seconds(pauses, "ends_at", now)
    paused = np.zeros(len(table), dtype=bool)
    paused[agent[(begins <= 0) & (ends > 0)]] = True
    left = end.copy()
    np.minimum.at(left, agent[begins > 0], begins[begins > 0])
    return _Shifts(
        on=(start <= 0) & (end > 0) & ~paused,
        left_s=left,
        starts_in_s=np.where(start > 0, start, np.inf),
    )


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
