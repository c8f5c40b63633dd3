"""Sections 2 and 4 of `docs/model.md`, written a second time: agents, their load and their room.

Shape (A, 8) is one row per agent in the order of their ids and one column per channel.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.numbers import (
    DECIMALS,
    Bools,
    Floats,
    Ints,
    block_matrix,
    by_channel,
    first_of_runs,
    instant,
    ints,
    positions,
    seconds,
)
from models.tables import Channel, LoadState, Presence


@dataclass(frozen=True, eq=False)
class Agents:
    """A agents; of those who are free soon, the item that ends first is left out of the load."""

    ids: pl.DataFrame
    """agent_id, agent (position), version, site"""
    present: Bools
    on_shift: Bools
    free_now: Bools
    free_soon: Bools
    free_in_s: Floats
    shift_left_s: Floats
    idle_s: Floats
    """Since the last assignment, infinite where none is known."""

    max_items: Ints
    """(A, 8), 0 where not served"""
    held: Ints
    """(A, 8) unparked items"""
    blocked: Bools
    """(A, 8)"""
    free_units: Floats

    def __len__(self) -> int:
        """Number of agents."""
        return len(self.present)


@dataclass(frozen=True, eq=False)
class _Load:
    held: Ints
    blocked: Bools
    free_units: Floats


@dataclass(frozen=True, eq=False)
class _Items:
    """The rows of `agent_load`, in order of their contacts."""

    agent: Ints
    channel: Ints
    parked: Bools
    units: Floats
    """What the item consumes, its parked share applied."""
    end_s: Floats
    """Expected end from now, negative where overdue."""


def build_agents(batch: Batch, policy: Policy) -> Agents:
    """All agents with what they hold (section 2)."""
    now = instant(batch.now)
    table = batch.agents.with_row_index("agent").with_columns(pl.col("agent").cast(pl.Int64))
    shift_left = seconds(table, "shift_end_at", now)
    on_shift = (seconds(table, "shift_start_at", now) <= 0) & (shift_left > 0)
    presence = table["presence"]
    present = presence.is_in([Presence.AVAILABLE, Presence.BUSY, Presence.WRAP_UP]).to_numpy()
    items = _items(batch, policy, table)
    capacity = table["capacity_units"].to_numpy()
    max_items = _max_items(batch, table)
    full = _load(policy, capacity, items, np.ones(len(items.agent), dtype=bool))
    weight = np.round(by_channel(policy, lambda c: c.units), DECIMALS)
    fits = (full.held < max_items) & ~full.blocked & (weight <= full.free_units[:, None])
    free_now = (presence == Presence.AVAILABLE).to_numpy() & fits.any(axis=1)

    ending = _first_to_end(items)
    ending = ending[(present & on_shift & ~free_now)[items.agent[ending]]]
    ending = ending[items.end_s[ending] <= policy.hold_horizon_s]
    free_in = np.zeros(len(table))
    free_in[items.agent[ending]] = np.maximum(items.end_s[ending], policy.tick_s)
    free_soon = np.zeros(len(table), dtype=bool)
    free_soon[items.agent[ending]] = True
    stays = np.ones(len(items.agent), dtype=bool)
    stays[ending] = False
    load = _load(policy, capacity, items, stays)
    idle = np.maximum(0, -seconds(table, "idle_since", now))
    return Agents(
        ids=table.select("agent_id", "agent", "version", "site"),
        present=present,
        on_shift=on_shift,
        free_now=free_now,
        free_soon=free_soon,
        free_in_s=free_in,
        shift_left_s=shift_left,
        idle_s=np.where(np.isnan(idle), np.inf, idle),
        max_items=max_items,
        held=load.held,
        blocked=load.blocked,
        free_units=load.free_units,
    )


def _max_items(batch: Batch, ids: pl.DataFrame) -> Ints:
    rows = batch.agent_channels.join(ids.select("agent_id", "agent"), on="agent_id")
    found = np.zeros((len(ids), len(Channel)), dtype=np.int64)
    found[ints(rows["agent"]), positions(rows["channel"])] = ints(rows["max_items"])
    return found


def _items(batch: Batch, policy: Policy, ids: pl.DataFrame) -> _Items:
    rows = batch.agent_load.join(
        ids.select("agent_id", "agent"), on="agent_id", maintain_order="left"
    )
    channel = positions(rows["channel"])
    parked = (rows["state"] == LoadState.PARKED).to_numpy()
    own = rows["units"].fill_null(np.nan).to_numpy()
    units = np.where(np.isnan(own), by_channel(policy, lambda c: c.units)[channel], own)
    parked_share = by_channel(policy, lambda c: c.parked_share)[channel]
    now = instant(batch.now)
    end = seconds(rows, "expected_end_at", now)
    mean_end = (
        seconds(rows, "started_at", now) + by_channel(policy, lambda c: c.mean_handle_s)[channel]
    )
    return _Items(
        agent=ints(rows["agent"]),
        channel=channel,
        parked=parked,
        units=np.where(parked, units * parked_share, units),
        end_s=np.where(np.isnan(end), mean_end, end),
    )


def _load(policy: Policy, capacity: Floats, items: _Items, counted: Bools) -> _Load:
    used = np.bincount(items.agent, items.units * counted, minlength=len(capacity))
    free: Floats = np.maximum(0, capacity - used)
    cell = items.agent * len(Channel) + items.channel
    unparked = cell[counted & ~items.parked]
    held = np.bincount(unparked, minlength=len(capacity) * len(Channel))
    held = held.reshape(len(capacity), len(Channel)).astype(np.int64)
    return _Load(
        held=held,
        blocked=(held > 0) @ block_matrix(policy),
        free_units=np.round(free, DECIMALS),
    )


def _first_to_end(items: _Items) -> Ints:
    """Of every agent's unparked items not overdue the one that ends first, ties by contact."""
    unparked = np.flatnonzero(~items.parked & (items.end_s > 0))
    order = np.lexsort((unparked, items.end_s[unparked], items.agent[unparked]))
    ordered = unparked[order]
    return ordered[first_of_runs(items.agent[ordered])]
