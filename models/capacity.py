"""What agents hold and what that leaves: `docs/model.md` section 2."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.conversations import UNIT_DECIMALS, channel_frame, seconds
from models.policy import Policy
from models.problem import Floats, Ints
from models.tables import Channel, LoadState, Presence

NUM_CHANNELS = len(Channel)
Mask = NDArray[np.bool_]

_PRESENT = (Presence.AVAILABLE.value, Presence.BUSY.value, Presence.WRAP_UP.value)


@dataclass(frozen=True, eq=False)
class AgentState:
    """All agents of the batch in position order (sorted by id), A rows, one column per channel."""

    agents: pl.DataFrame
    present: Mask
    on_shift: Mask
    shift_left_s: Floats
    free_now: Mask
    free_soon: Mask
    free_in_s: Floats
    """Seconds until the agent is free; 0 unless free soon."""
    served: Mask
    """(A, channels)"""
    blocked: Mask
    """(A, channels) a held item forbids the channel."""
    lane_left: Ints
    """(A, channels) items of the channel that still fit by count, whatever blocks."""
    free_units: Floats


@dataclass(frozen=True, eq=False)
class _Residual:
    blocked: Mask
    lane_left: Ints
    free_units: Floats


def build_agent_state(batch: Batch, policy: Policy) -> AgentState:
    """Presence, shift and residual capacity of every agent.

    An agent who is free soon is seen as if the item that ends first had ended.
    """
    agents = batch.agents.with_row_index("agent_idx")
    limits = _limits(batch, agents, policy)
    items = _items(batch, agents, policy)
    units = agents["capacity_units"].to_numpy()
    present = agents["presence"].is_in(_PRESENT).to_numpy()
    now = pl.lit(batch.now, pl.Datetime("us", "UTC"))
    shift = agents.select(
        on=(pl.col("shift_start_at") <= now) & (now < pl.col("shift_end_at")),
        left_s=seconds(pl.col("shift_end_at") - now),
    )
    on_shift = shift["on"].to_numpy()
    today = _residual(items, limits, units, policy)
    weight = np.array([policy.channels[channel].units for channel in Channel])
    takes = (today.lane_left > 0) & ~today.blocked & (weight <= today.free_units[:, None])
    free_now = (agents["presence"] == Presence.AVAILABLE.value).to_numpy() & takes.any(axis=1)
    ending = _first_to_end(items, policy)
    soon = np.zeros(len(agents), dtype=bool)
    soon[ending["agent_idx"].to_numpy()] = True
    soon &= present & on_shift & ~free_now
    ending = ending.filter(pl.Series(soon[ending["agent_idx"].to_numpy()], dtype=pl.Boolean))
    free_in_s = np.zeros(len(agents))
    free_in_s[ending["agent_idx"].to_numpy()] = ending["ends_in_s"].to_numpy()
    later = _residual(items.join(ending, on="contact_id", how="anti"), limits, units, policy)
    return AgentState(
        agents=agents,
        present=present,
        on_shift=on_shift,
        shift_left_s=shift["left_s"].to_numpy(),
        free_now=free_now & on_shift & present,
        free_soon=soon,
        free_in_s=free_in_s,
        served=limits > 0,
        blocked=later.blocked,
        lane_left=later.lane_left,
        free_units=later.free_units,
    )


def block_matrix(policy: Policy) -> Mask:
    """[held, new] whether holding one channel forbids another."""
    order = tuple(Channel)
    return np.array(
        [[new in policy.channels[held].blocks for new in order] for held in order], dtype=bool
    )


def _limits(batch: Batch, agents: pl.DataFrame, policy: Policy) -> Ints:
    rows = batch.agent_channels.join(agents.select("agent_id", "agent_idx"), on="agent_id").join(
        channel_frame(policy).select("channel", "channel_idx"), on="channel"
    )
    limits = np.zeros((len(agents), NUM_CHANNELS), dtype=np.int64)
    limits[rows["agent_idx"].to_numpy(), rows["channel_idx"].to_numpy()] = rows[
        "max_items"
    ].to_numpy()
    return limits


def _items(batch: Batch, agents: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Held items with their agent, channel, units that count, and time to the expected end."""
    now = pl.lit(batch.now, pl.Datetime("us", "UTC"))
    parked = pl.col("state") == LoadState.PARKED.value
    handle = pl.duration(microseconds=(pl.col("channel_handle_s") * 1e6).round().cast(pl.Int64))
    end = pl.coalesce("expected_end_at", pl.col("started_at") + handle)
    return (
        batch.agent_load.join(agents.select("agent_id", "agent_idx"), on="agent_id")
        .join(channel_frame(policy), on="channel")
        .select(
            "contact_id",
            "agent_idx",
            "channel_idx",
            parked=parked,
            held_units=pl.coalesce("units", "channel_units")
            * pl.when(parked).then("parked_share").otherwise(1.0),
            ends_in_s=seconds(end - now),
        )
        .sort("agent_idx", "contact_id")
    )


def _residual(items: pl.DataFrame, limits: Ints, units: Floats, policy: Policy) -> _Residual:
    agent = items["agent_idx"].to_numpy()
    busy = items.filter(~pl.col("parked"))
    place = busy["agent_idx"].to_numpy().astype(np.int64) * NUM_CHANNELS
    place = place + busy["channel_idx"].to_numpy()
    held = np.bincount(place, minlength=limits.size).reshape(limits.shape)
    used = np.bincount(agent, weights=items["held_units"].to_numpy(), minlength=len(units))
    free: Floats = np.round(np.maximum(units - used, 0.0), UNIT_DECIMALS).astype(np.float64)
    return _Residual(
        blocked=((held > 0).astype(np.int64) @ block_matrix(policy).astype(np.int64)) > 0,
        lane_left=np.maximum(limits - held, 0),
        free_units=free,
    )


def _first_to_end(items: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """(agent_idx, contact_id, ends_in_s): the item of each agent that frees him soon.

    An overdue item promises nothing: whoever is late once is late for long.
    """
    return (
        items.filter(~pl.col("parked") & (pl.col("ends_in_s") > 0))
        .sort("agent_idx", "ends_in_s", "contact_id")
        .group_by("agent_idx", maintain_order=True)
        .first()
        .filter(pl.col("ends_in_s") <= policy.hold_horizon_s)
        .select("agent_idx", "contact_id", pl.col("ends_in_s").clip(lower_bound=policy.tick_s))
    )
