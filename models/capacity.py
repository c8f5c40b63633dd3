"""What agents hold and what that leaves: `docs/model.md` section 2."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.columns import UNIT_DECIMALS, duration, instant, places, with_facts
from models.held_items import build_held_items
from models.policy import Policy
from models.problem import Floats, Ints
from models.remembered import remembered
from models.tables import INSTANT, Channel, Presence
from models.usage import ProfileUse, build_profile_use, build_rate_left, build_responding

NUM_CHANNELS = len(Channel)
Mask = NDArray[np.bool_]

_PRESENT = (Presence.AVAILABLE.value, Presence.BUSY.value, Presence.WRAP_UP.value)
_MICRO = 1e6


@dataclass(frozen=True, eq=False)
class AgentState:
    """All agents of the batch in position order (sorted by id), A rows, one column per channel.

    What agents hold, and what that leaves, is seen as if for those free soon the item that ends
    first had ended.
    """

    agents: pl.DataFrame
    present: Mask
    on_shift: Mask
    responding: Mask
    """Whether the agent has not let an offer expire of late."""
    away_recently: Mask
    """On shift, and away for less than `lock_release_s`: locks still hold."""
    shift_left_s: Floats
    """Seconds to the end of the shift, or to its next activity."""
    starts_in_s: Floats
    """Seconds to the start of the shift, or to the end of the activities that are going on;
    infinite where that is unknown, and on shift."""
    free_now: Mask
    free_soon: Mask
    free_in_s: Floats
    """Seconds until the agent is free; 0 unless free soon."""
    free_later_s: Floats
    """Seconds to the first expected end of an item, or to the start of work of who is not on
    shift; infinite where unknown."""
    served: Mask
    """(A, channels)"""
    blocked: Mask
    """(A, channels) a held item forbids the channel."""
    lane_left: Ints
    """(A, channels) items of the channel that still fit by count, whatever blocks."""
    rate_left: Ints
    """(A, channels) offers that the hour still allows."""
    free_units: Floats
    """(A, channels) units left for the channel: items that yield to it take none."""
    profiles: tuple[str, ...]
    """Capacity profiles that waiting contacts carry, P of them."""
    profile_left: Ints
    """(A, P)"""
    interrupts: Ints
    """(A, channels) held items, not parked, that a contact of the channel would interrupt."""
    num_busy: Ints
    """(A,) held items that are not parked."""
    remaining_s: Floats
    """(A,) seconds to the expected ends of those, added up; of overdue ones a whole handling."""


@dataclass(frozen=True, eq=False)
class _Shift:
    present: Mask
    on_shift: Mask
    away_recently: Mask
    left_s: Floats
    starts_in_s: Floats


@dataclass(frozen=True, eq=False)
class _Residual:
    blocked: Mask
    lane_left: Ints
    free_units: Floats
    profile_left: Ints
    interrupts: Ints
    num_busy: Ints
    remaining_s: Floats


def build_agent_state(batch: Batch, policy: Policy) -> AgentState:
    """Presence, shift, limits and residual capacity of every agent.

    An agent who is free soon is seen as if the item that ends first had ended.
    """
    agents = batch.agents.with_row_index("agent_idx")
    shift = _shift(batch, agents, policy)
    responding = build_responding(batch, agents, policy)
    limits = _limits(batch, agents)
    rate_left = build_rate_left(batch, agents, policy)
    use = build_profile_use(batch, agents, policy)
    items = build_held_items(batch, agents, policy)

    today = _residual(items, agents, limits, use, policy)
    available = (agents["presence"] == Presence.AVAILABLE.value).to_numpy()
    free_now = available & shift.on_shift & responding & _takes_one(today, rate_left, policy)
    at_work = shift.present & shift.on_shift
    ending = _first_to_end(items)
    who = items["agent_idx"].to_numpy()[ending]
    first_s = np.full(len(agents), np.inf)
    first_s[who] = items["ends_in_us"].to_numpy()[ending] / _MICRO
    soon = at_work & ~free_now & responding & (first_s <= policy.hold_horizon_s)
    goes_on = np.ones(len(items), dtype=bool)
    goes_on[ending[soon[who]]] = False
    rest = items if goes_on.all() else items.filter(pl.Series(goes_on, dtype=pl.Boolean))
    later = today if rest is items else _residual(rest, agents, limits, use, policy)
    return AgentState(
        agents=agents,
        present=shift.present,
        on_shift=shift.on_shift,
        responding=responding,
        away_recently=shift.away_recently,
        shift_left_s=shift.left_s,
        starts_in_s=shift.starts_in_s,
        free_now=free_now,
        free_soon=soon,
        free_in_s=np.where(soon, np.maximum(first_s, policy.tick_s), 0.0),
        free_later_s=np.where(at_work, first_s, shift.starts_in_s),
        served=limits > 0,
        blocked=later.blocked,
        lane_left=later.lane_left,
        rate_left=rate_left,
        free_units=later.free_units,
        profiles=use.names,
        profile_left=later.profile_left,
        interrupts=later.interrupts,
        num_busy=later.num_busy,
        remaining_s=later.remaining_s,
    )


@remembered
def block_matrix(policy: Policy) -> Mask:
    """[held, new] whether holding one channel forbids another."""
    order = tuple(Channel)
    return np.array(
        [[new in policy.channels[held].blocks for new in order] for held in order], dtype=bool
    )


@remembered
def yield_matrix(policy: Policy) -> Mask:
    """[held, new] whether a held contact of one channel yields to a new one of another."""
    order = tuple(Channel)
    return np.array(
        [[new in policy.channels[held].yields_to for new in order] for held in order], dtype=bool
    )


_NO_ACTIVITIES = pl.DataFrame(
    schema={
        "agent_id": pl.String,
        "occupied": pl.Boolean,
        "next_at": INSTANT,
        "back_at": INSTANT,
    }
)


def _shift(batch: Batch, agents: pl.DataFrame, policy: Policy) -> _Shift:
    now = instant(batch.now)
    until = pl.min_horizontal("shift_end_at", "next_at")
    # Who has an activity until the end of the shift is not coming back in it.
    back_at = pl.when(
        pl.col("occupied") & pl.col("back_at").is_between(now, pl.col("shift_end_at"), "none")
    ).then("back_at")
    starts_at = pl.when(pl.col("shift_start_at") > now).then("shift_start_at").otherwise(back_at)
    recent = pl.col("presence_since") > now - duration(pl.lit(policy.lock_release_s))
    found = with_facts(agents, _activities(batch, now), "agent_id").select(
        present=pl.col("presence").is_in(_PRESENT),
        on=(pl.col("shift_start_at") <= now)
        & (now < pl.col("shift_end_at"))
        & ~pl.col("occupied").fill_null(value=False),
        away=(pl.col("presence") == Presence.AWAY.value) & recent.fill_null(value=False),
        left_us=(until - now).dt.total_microseconds(),
        starts_in_us=(starts_at - now).dt.total_microseconds(),
    )
    on_shift = found["on"].to_numpy()
    starts_in_s = found["starts_in_us"].fill_null(-1).to_numpy() / _MICRO
    return _Shift(
        present=found["present"].to_numpy(),
        on_shift=on_shift,
        away_recently=found["away"].to_numpy() & on_shift,
        left_s=found["left_us"].to_numpy() / _MICRO,
        starts_in_s=np.where(starts_in_s > 0, starts_in_s, np.inf),
    )


def _activities(batch: Batch, now: pl.Expr) -> pl.DataFrame:
    """(agent_id, occupied, next_at, back_at) of agents with activities."""
    if batch.agent_activities.is_empty():
        return _NO_ACTIVITIES
    return batch.agent_activities.group_by("agent_id").agg(
        occupied=((pl.col("starts_at") <= now) & (now < pl.col("ends_at"))).any(),
        next_at=pl.col("starts_at").filter(pl.col("starts_at") > now).min(),
        back_at=pl.col("ends_at").filter(pl.col("starts_at") <= now).max(),
    )


def _limits(batch: Batch, agents: pl.DataFrame) -> Ints:
    """(A, channels)"""
    limits = np.zeros((len(agents) + 1, NUM_CHANNELS), dtype=np.int64)
    rows = batch.agent_channels
    # Rows of unknown agents end up behind the last one.
    place = places(rows["agent_id"], agents["agent_id"]), _channel_of(rows)
    limits[place] = rows["max_items"].to_numpy()
    return limits[:-1]


@remembered
def _channel_of(agent_channels: pl.DataFrame) -> Ints:
    channels = [channel.value for channel in Channel]
    return (
        agent_channels["channel"]
        .replace_strict(channels, range(NUM_CHANNELS), return_dtype=pl.Int64)
        .to_numpy()
    )


def _takes_one(residual: _Residual, rate_left: Ints, policy: Policy) -> Mask:
    """Whether one more contact of any served channel fits, shape (A,)."""
    weight = np.array([policy.channels[channel].units for channel in Channel])
    fits = np.round(weight, UNIT_DECIMALS) <= residual.free_units
    takes = fits & (residual.lane_left > 0) & (rate_left > 0) & ~residual.blocked
    some: Mask = np.logical_or.reduce(takes, axis=1)
    return some


def _residual(
    items: pl.DataFrame, agents: pl.DataFrame, limits: Ints, use: ProfileUse, policy: Policy
) -> _Residual:
    busy = items.filter(~items["parked"]) if items["parked"].any() else items
    held = _by_channel(busy, limits.shape).astype(np.int64)
    units = _by_channel(items, limits.shape, items["units"].to_numpy())
    extra = np.array([policy.channels[channel].extra_units for channel in Channel])
    yields = yield_matrix(policy)
    offered = agents["capacity_units"].to_numpy()[:, None] + extra
    free: Floats = np.maximum(offered - units @ (~yields).astype(np.float64), 0.0)
    ends_us = busy["ends_in_us"].to_numpy()
    to_end = np.where(ends_us > 0, ends_us, busy["handle_us"].to_numpy())
    # Sums of whole microseconds are exact, so ties do not hang on the order of the items.
    remaining = np.bincount(busy["agent_idx"].to_numpy(), to_end, minlength=len(agents))
    ringing = np.zeros(len(agents), dtype=bool)
    ringing[items["agent_idx"].to_numpy()[items["rings"].to_numpy()]] = True
    blocked = ((held > 0).astype(np.int64) @ block_matrix(policy).astype(np.int64)) > 0
    real_time = np.array([policy.channels[channel].real_time for channel in Channel])
    return _Residual(
        # While something real-time rings, a second ring would be missed.
        blocked=blocked | (ringing[:, None] & real_time),
        lane_left=np.maximum(limits - held, 0),
        free_units=np.round(free, UNIT_DECIMALS),
        profile_left=use.left(busy),
        interrupts=held @ yields.astype(np.int64),
        num_busy=held.sum(axis=1),
        remaining_s=remaining / _MICRO,
    )


def _by_channel(
    items: pl.DataFrame, shape: tuple[int, ...], weights: Floats | None = None
) -> Floats:
    """How many items, or how much of them, each agent holds of each channel."""
    place = items["agent_idx"].to_numpy() * NUM_CHANNELS + items["channel_idx"].to_numpy()
    total = np.bincount(place, weights, minlength=shape[0] * NUM_CHANNELS)
    return total.reshape(shape).astype(np.float64)


def _first_to_end(items: pl.DataFrame) -> Ints:
    """Rows of the items, one of each agent, that end first, and of these have the smallest id.

    An overdue item promises nothing: whoever is late once is late for long.
    """
    ends_us = items["ends_in_us"].to_numpy()
    rows = np.flatnonzero(~items["parked"].to_numpy() & (ends_us > 0))
    agent = items["agent_idx"].to_numpy()[rows]
    # Items are sorted by agent and contact, and this keeps their order among equals.
    rows = rows[np.lexsort((ends_us[rows], agent))]
    first: Ints = rows[np.flatnonzero(np.diff(np.sort(agent), prepend=-1))]
    return first
