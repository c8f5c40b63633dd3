"""Which queues help which, whom they keep back, and how long each queue will take.

Follows `docs/model.md` section 3, "Helping queues" and "Predicted wait". Everything here is known
of a queue as a whole; what depends on a conversation (its tier, how long it waited) is left to it.
"""

from dataclasses import dataclass

import polars as pl

from models.batch import Batch
from models.capacity import AgentState, Mask
from models.columns import with_facts
from models.hours import OpenHours
from models.policy import Policy
from models.tables import INSTANT, OverflowWhen

HELPER_SEPARATOR = "\x1f"
"""Between the queues that help a conversation: ids of queues may contain commas."""
UNKNOWN_HANDLE_S = 90.0
"""Mean handling time of a queue that states none, for its predicted wait."""
AGENT_DECIMALS = 9
"""Effective agents are rounded: a sum of shares must not decide by a last bit."""


@dataclass(frozen=True, eq=False)
class Overflow:
    """Help between queues in this tick.

    `open_rows`: (queue_id, to_queue_id, condition, threshold, tier), the rows of `overflow` that
    are open now; those of the condition `waited` only for conversations that waited that long,
    those with a tier only for its customers.
    `kept_back`: (queue_id, agent_id), members of lending queues who may not help others.
    `queues`: (queue_id, is_open, num_waiting, num_free, effective_agents, predicted_wait_s,
    lends), one row per queue; the wait is null where nobody is there.
    """

    open_rows: pl.DataFrame
    kept_back: pl.DataFrame
    queues: pl.DataFrame


_NOBODY = pl.DataFrame(
    schema={
        "queue_id": pl.String,
        "agent_id": pl.String,
        "num_queues": pl.UInt32,
        "idle_since": INSTANT,
        "is_free": pl.Boolean,
        "is_there": pl.Boolean,
    }
)
_NOBODY_KEPT = pl.DataFrame(schema={"queue_id": pl.String, "agent_id": pl.String})


def build_overflow(batch: Batch, policy: Policy, agents: AgentState, hours: OpenHours) -> Overflow:
    """Open rows of overflow, agents who are kept back, and the predicted wait of every queue."""
    members = _members(batch, agents)
    queues = _queues(batch, policy, agents, hours, members)
    return Overflow(
        open_rows=_open_rows(batch, queues),
        kept_back=_kept_back(batch, policy, queues, members),
        queues=queues.select(
            "queue_id",
            "is_open",
            "num_waiting",
            "num_free",
            "effective_agents",
            "predicted_wait_s",
            "lends",
        ),
    )


def _members(batch: Batch, agents: AgentState) -> pl.DataFrame:
    """(queue_id, agent_id, idle_since, is_free, is_there, num_queues) of members that exist."""
    if batch.queue_members.is_empty():
        return _NOBODY
    known = agents.agents.select(
        "agent_id",
        "idle_since",
        is_free=pl.Series(agents.free_now, dtype=pl.Boolean),
        is_there=pl.Series(_there(agents), dtype=pl.Boolean),
    )
    return batch.queue_members.with_columns(num_queues=pl.len().over("agent_id")).join(
        known, on="agent_id"
    )


def _there(agents: AgentState) -> Mask:
    return agents.present & agents.on_shift & agents.responding


def _queues(
    batch: Batch, policy: Policy, agents: AgentState, hours: OpenHours, members: pl.DataFrame
) -> pl.DataFrame:
    waiting = batch.contacts.group_by("queue_id").agg(num_waiting=pl.len().cast(pl.Int64))
    everybody = pl.col("has_members").not_()
    satisfied = pl.col("service_level").fill_null(1.0) >= policy.lend_service_level
    handle_s = pl.col("mean_handle_s").fill_null(UNKNOWN_HANDLE_S)
    short = (pl.col("num_waiting") - pl.col("num_free")).clip(lower_bound=0)
    counted = hours.of_queues(batch.queues)
    for facts in (waiting, *_of_members(batch, members)):
        counted = with_facts(counted, facts, "queue_id")
    return (
        counted.with_columns(
            pl.col("has_members").fill_null(value=False),
            pl.col("num_waiting", "num_free").fill_null(0),
            pl.col("effective_agents").fill_null(0.0),
        )
        .with_columns(
            num_free=pl.when(everybody).then(int(agents.free_now.sum())).otherwise("num_free"),
            effective_agents=pl.when(everybody)
            .then(float(_there(agents).sum()))
            .otherwise(pl.col("effective_agents").round(AGENT_DECIMALS)),
            lends=pl.col("arrivals_per_h").is_not_null() & satisfied,
        )
        .with_columns(
            predicted_wait_s=pl.when(pl.col("effective_agents") > 0).then(
                handle_s * short / pl.col("effective_agents")
            )
        )
        .sort("queue_id")
    )


def _of_members(
    batch: Batch, members: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(queue_id, has_members), (queue_id, effective_agents) and (queue_id, num_free)."""
    if batch.queue_members.is_empty():
        return _NO_MEMBERS, _NO_SHARES, _NONE_FREE
    # Members with as many queues are counted before they are divided, so that no order matters.
    shares = (
        members.filter("is_there")
        .group_by("queue_id", "num_queues")
        .len()
        .group_by("queue_id")
        .agg(effective_agents=(pl.col("len") / pl.col("num_queues")).sort().sum())
    )
    free = members.group_by("queue_id").agg(num_free=pl.col("is_free").sum().cast(pl.Int64))
    return batch.queue_members.select("queue_id", has_members=True).unique(), shares, free


_NO_MEMBERS = pl.DataFrame(schema={"queue_id": pl.String, "has_members": pl.Boolean})
_NO_SHARES = pl.DataFrame(schema={"queue_id": pl.String, "effective_agents": pl.Float64})
_NONE_FREE = pl.DataFrame(schema={"queue_id": pl.String, "num_free": pl.Int64})


def _open_rows(batch: Batch, queues: pl.DataFrame) -> pl.DataFrame:
    if batch.overflow.is_empty():
        return batch.overflow
    borrower = queues.select("queue_id", "is_open", "num_waiting", "predicted_wait_s")
    lender = queues.select(
        to_queue_id="queue_id", helps=pl.col("is_open") & pl.col("lends") & pl.col("has_members")
    )
    condition, threshold = pl.col("condition"), pl.col("threshold")
    holds = (
        pl.when(condition == OverflowWhen.CLOSED.value)
        .then(pl.col("is_open").not_())
        .when(condition == OverflowWhen.BACKLOG.value)
        .then(pl.col("is_open") & (pl.col("num_waiting") > threshold))
        .when(condition == OverflowWhen.PREDICTED_WAIT.value)
        .then(pl.col("is_open") & (pl.col("predicted_wait_s") > threshold).fill_null(value=True))
        .otherwise(pl.col("is_open"))
    )
    return (
        batch.overflow.join(borrower, on="queue_id")
        .join(lender, on="to_queue_id")
        .filter(holds & pl.col("helps"))
        .select(batch.overflow.columns)
        .sort("queue_id", "to_queue_id", "condition", "threshold")
    )


def _kept_back(
    batch: Batch, policy: Policy, queues: pl.DataFrame, members: pl.DataFrame
) -> pl.DataFrame:
    """Of the free members the last to have become idle, and all who are not free."""
    if members.is_empty() or not queues["lends"].any():
        return _NOBODY_KEPT
    number = (pl.col("arrivals_per_h") * policy.lend_horizon_s / 3600.0).ceil()
    lending = batch.queues.join(queues.filter("lends").select("queue_id"), on="queue_id").select(
        "queue_id", num_kept=number
    )
    return (
        members.join(lending, on="queue_id")
        .sort(
            ["queue_id", "is_free", "idle_since", "agent_id"],
            descending=[False, True, True, True],
            nulls_last=True,
        )
        .with_columns(place=pl.int_range(pl.len()).over("queue_id"))
        .filter(pl.col("is_free").not_() | (pl.col("place") < pl.col("num_kept")))
        .select("queue_id", "agent_id")
        .sort("queue_id", "agent_id")
    )
