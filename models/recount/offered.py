"""Section 2 of `docs/model.md`, written a second time: what earlier offers leave of an agent."""

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy, ProfileReset
from models.recount.held import Items
from models.recount.numbers import (
    Bools,
    Ints,
    by_channel,
    instant,
    ints,
    positions,
    seconds,
)
from models.recount.profiles import carried
from models.tables import AssignmentEvent, Channel

HOUR_S = 3600
UNLIMITED = 10**9
"""More than any limit of the tables."""


def answers_offers(batch: Batch, policy: Policy, ids: pl.DataFrame) -> Bools:
    """(A,) False for who let an offer expire and took no new presence since."""
    rows = batch.offers.filter(pl.col("event") == AssignmentEvent.EXPIRED).join(
        ids.select("agent_id", "agent", "presence_since"), on="agent_id"
    )
    recent = -seconds(rows, "event_at", instant(batch.now)) < policy.auto_ready_s
    back = (rows["presence_since"] > rows["event_at"]).fill_null(value=False).to_numpy()
    answers = np.ones(len(ids), dtype=bool)
    answers[ints(rows["agent"])[recent & ~back]] = False
    return answers


def rate_left(batch: Batch, policy: Policy, ids: pl.DataFrame) -> Ints:
    """(A, 8) offers that the channels' rates still allow within this hour."""
    rows = _offers_but(batch, ids, (AssignmentEvent.RESCINDED, AssignmentEvent.CANCELLED))
    within = -seconds(rows, "offered_at", instant(batch.now)) < HOUR_S
    cell = ints(rows["agent"]) * len(Channel) + positions(rows["channel"])
    used = np.bincount(cell[within], minlength=len(ids) * len(Channel))
    most = by_channel(policy, lambda c: c.max_per_hour).astype(np.int64)
    left = most - used.reshape(len(ids), len(Channel))
    return np.where(most > 0, left, UNLIMITED).astype(np.int64)


def profile_left(
    batch: Batch,
    policy: Policy,
    ids: pl.DataFrame,
    names: tuple[str, ...],
    items: Items,
    counted: Bools,
) -> Ints:
    """(A, P) places that each profile still has, when only the `counted` items are held."""
    limit = _profile_limits(batch, policy, ids, names)
    busy = counted & ~items.parked
    held = np.zeros(limit.shape, dtype=np.int64)
    np.add.at(held, items.agent[busy], items.profiles[busy])
    by_shift = np.array(
        [
            name in policy.profiles and policy.profiles[name].reset is ProfileReset.END_OF_SHIFT
            for name in names
        ],
        dtype=bool,
    )
    offered = _offered_in_shift(batch, ids, names) if by_shift.any() else held
    return np.where(limit == UNLIMITED, limit, limit - np.where(by_shift, offered, held))


def _profile_limits(
    batch: Batch, policy: Policy, ids: pl.DataFrame, names: tuple[str, ...]
) -> Ints:
    usual = [policy.profiles[n].max_items if n in policy.profiles else UNLIMITED for n in names]
    limit = np.tile(np.array(usual, dtype=np.int64), (len(ids), 1))
    places = pl.DataFrame({"profile": names}, schema={"profile": pl.String}).with_row_index("at")
    own = batch.agent_profiles.join(places, on="profile").join(ids, on="agent_id")
    limit[ints(own["agent"]), ints(own["at"])] = ints(own["max_items"])
    return limit


def _offered_in_shift(batch: Batch, ids: pl.DataFrame, names: tuple[str, ...]) -> Ints:
    """(A, P) offers of this shift that took a place for the rest of it."""
    gone = (
        AssignmentEvent.DECLINED,
        AssignmentEvent.EXPIRED,
        AssignmentEvent.RESCINDED,
        AssignmentEvent.CANCELLED,
    )
    rows = _offers_but(batch, ids, gone).filter(pl.col("offered_at") >= pl.col("shift_start_at"))
    used = np.zeros((len(ids), len(names)), dtype=np.int64)
    np.add.at(used, ints(rows["agent"]), carried(rows["profiles"], names))
    return used


def _offers_but(
    batch: Batch, ids: pl.DataFrame, events: tuple[AssignmentEvent, ...]
) -> pl.DataFrame:
    kept = ~pl.col("event").is_in([event.value for event in events])
    columns = ids.select("agent_id", "agent", "shift_start_at")
    return batch.offers.filter(kept).join(columns, on="agent_id", maintain_order="left")
