"""Helping queues of section 3 of `docs/model.md`, written a second time.

Q queues in the order of the table, A agents in the order of their ids.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.agents import Agents
from models.recount.hours import Hours
from models.recount.numbers import Bools, Floats, Ints, ints
from models.tables import OverflowWhen

USUAL_HANDLE_S = 90.0
"""Of a queue without a mean handling time, for its predicted wait."""

HOUR_S = 3600.0
N_DECIMALS = 9

EARLIEST = -(2**62)
"""Of an agent who never got anything: before any instant, in microseconds."""


@dataclass(frozen=True, eq=False)
class Overflow:
    """How the queues stand, and which may help which."""

    is_open: Bools
    """(Q,)"""
    member: Bools
    """(Q, A)"""
    has_members: Bools
    """(Q,) whether `queue_members` names any, known or not"""
    reach: Bools
    """(Q, A) whom the queue may ever get: members of it and of what `overflow` names for it, or
    everybody, where it has no members"""
    num_waiting: Ints
    num_free: Ints
    effective_agents: Floats
    predicted_wait_s: Floats
    """(Q,) NaN where nobody is there"""
    lends: Bools
    kept_back: Bools
    """(Q, A) members who do not help others"""
    rows: pl.DataFrame
    """(queue, to_queue, tier, longer_than_s): the rows that are open for conversations of the
    queue and tier (null: any) that waited longer; -inf where the wait does not matter."""


def build_overflow(batch: Batch, policy: Policy, agents: Agents, hours: Hours) -> Overflow:
    """Predicted waits, who lends and who is kept back, and the open rows of `overflow`."""
    queues = batch.queues
    member, has_members = _members(batch, agents)
    waiting = batch.contacts.join(_places(batch, "queue"), on="queue_id")["queue"]
    num_waiting = np.bincount(ints(waiting), minlength=len(queues)).astype(np.int64)
    counted = member | ~has_members[:, None]
    num_free = (counted & agents.free_now).sum(axis=1).astype(np.int64)
    share = np.where(has_members[:, None], 1 / np.maximum(member.sum(axis=0), 1), 1.0)
    effective = np.where(counted & agents.there, share, 0).sum(axis=1)
    effective = np.round(effective, N_DECIMALS)  # the order of the sum decides nothing
    handle = queues["mean_handle_s"].fill_null(USUAL_HANDLE_S).to_numpy()
    queued = handle * np.maximum(0, num_waiting - num_free)
    unknown = np.full(len(queues), np.nan)
    predicted = np.divide(queued, effective, out=unknown, where=effective > 0)
    arrivals = queues["arrivals_per_h"].fill_null(np.nan).to_numpy()
    level = queues["service_level"].fill_null(np.nan).to_numpy()
    lends = ~np.isnan(arrivals) & (np.isnan(level) | (level >= policy.lend_service_level))
    helps = hours.is_open & lends & has_members
    return Overflow(
        is_open=hours.is_open,
        member=member,
        has_members=has_members,
        reach=_reach(batch, member, has_members),
        num_waiting=num_waiting,
        num_free=num_free,
        effective_agents=effective,
        predicted_wait_s=predicted,
        lends=lends,
        kept_back=_kept_back(batch, policy, agents, member, arrivals),
        rows=_open_rows(batch, hours, num_waiting, predicted, helps),
    )


def _places(batch: Batch, name: str) -> pl.DataFrame:
    """(queue_id, name) position of each queue."""
    return batch.queues.select("queue_id").with_row_index(name)


def _members(batch: Batch, agents: Agents) -> tuple[Bools, Bools]:
    """(Q, A) who is a member, and (Q,) whether the queue has any."""
    rows = batch.queue_members.join(_places(batch, "queue"), on="queue_id")
    has_members = np.zeros(len(batch.queues), dtype=bool)
    has_members[ints(rows["queue"])] = True
    rows = rows.join(agents.ids, on="agent_id")
    member = np.zeros((len(batch.queues), len(agents)), dtype=bool)
    member[ints(rows["queue"]), ints(rows["agent"])] = True
    return member, has_members


def _reach(batch: Batch, member: Bools, has_members: Bools) -> Bools:
    named = batch.overflow.join(_places(batch, "queue"), on="queue_id").join(
        _places(batch, "helper"), left_on="to_queue_id", right_on="queue_id"
    )
    reach: Bools = member | ~has_members[:, None]
    np.logical_or.at(reach, ints(named["queue"]), member[ints(named["helper"])])
    return reach


def _kept_back(
    batch: Batch, policy: Policy, agents: Agents, member: Bools, arrivals: Floats
) -> Bools:
    """(Q, A) members who are not free now, and of the others those idle for the shortest time."""
    expected = np.ceil(arrivals * policy.lend_horizon_s / HOUR_S)
    since = ints(batch.agents["idle_since"].dt.epoch("us").fill_null(EARLIEST))
    latest_first = np.lexsort((np.arange(len(agents)), since))[::-1]
    free = (member & agents.free_now)[:, latest_first]
    place = np.cumsum(free, axis=1)
    kept = np.empty_like(member)
    kept[:, latest_first] = free & (place <= np.nan_to_num(expected)[:, None])
    kept_back: Bools = kept | (member & ~agents.free_now)
    return kept_back


def _open_rows(
    batch: Batch, hours: Hours, num_waiting: Ints, predicted: Floats, helps: Bools
) -> pl.DataFrame:
    states = pl.DataFrame(
        {
            "queue_id": batch.queues["queue_id"],
            "queue": np.arange(len(helps)),
            "is_open": hours.is_open,
            "num_waiting": num_waiting,
            "predicted": np.where(np.isnan(predicted), np.inf, predicted),
            "helps": helps,
        }
    )
    when, beyond = pl.col("condition"), pl.col("threshold")
    holds = (
        pl.when(when == OverflowWhen.CLOSED)
        .then(~pl.col("is_open"))
        .when(when == OverflowWhen.BACKLOG)
        .then(pl.col("is_open") & (pl.col("num_waiting") > beyond))
        .when(when == OverflowWhen.PREDICTED_WAIT)
        .then(pl.col("is_open") & (pl.col("predicted") > beyond))
        .otherwise(pl.col("is_open"))
    )
    helpers = states.select("helps", to_queue_id="queue_id", to_queue="queue")
    longer = pl.when(when == OverflowWhen.WAITED).then(beyond).otherwise(-np.inf)
    return (
        batch.overflow.join(states.drop("helps"), on="queue_id", maintain_order="left")
        .join(helpers, on="to_queue_id", maintain_order="left")
        .filter(pl.col("helps") & holds)
        .select("queue", "to_queue", "tier", longer_than_s=longer)
    )
