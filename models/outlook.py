"""What each queue has to expect: who can serve it, how long it takes, and what comes too late.

Follows `docs/model.md` section 7.
"""

from datetime import datetime

import numpy as np
import polars as pl

from models.capacity import AgentState, Mask
from models.columns import LIVE, instant, places, seconds, with_facts
from models.conversations import Conversations
from models.eligibility import Eligibility
from models.overflow import Overflow
from models.problem import NOBODY, Floats, Positions
from models.tables import INSTANT, OUTLOOK

_NOBODY_HELPS = pl.DataFrame(schema={"queue_id": pl.String, "borrows_from": pl.String})


def build_outlook(
    now: datetime,
    conversations: Conversations,
    overflow: Overflow,
    eligibility: Eligibility,
    agents: AgentState,
    solution_agent: Positions,
) -> pl.DataFrame:
    """Rows by the contract of `outlook`, sorted by queue: the state before the tick, and how many
    conversations are past their target or will be whatever anybody does.
    """
    waits = ~_is_served(agents, solution_agent)
    lost = unavoidable(now, conversations, eligibility, agents, waits)
    units, queues = conversations.units, overflow.queues
    queue = places(units["queue_id"], queues["queue_id"])
    counted = {
        "num_breaching": units["least_left_s"].to_numpy() <= 0,
        "num_unavoidable": lost,
        "num_manual_only": units["manual_only"].to_numpy(),
    }
    told = queues.hstack(
        [
            pl.Series(name, np.bincount(queue[which], minlength=len(queues)), dtype=pl.Int64)
            for name, which in counted.items()
        ]
    )
    told = with_facts(told, _helpers(conversations), "queue_id")
    at = pl.Series("tick_at", [now], dtype=INSTANT).new_from_index(0, len(told))
    return told.hstack([at])[OUTLOOK.schema().names()]


def unavoidable(
    now: datetime,
    conversations: Conversations,
    eligibility: Eligibility,
    agents: AgentState,
    waits: Mask,
) -> Mask:
    """Whether nothing can save the target of a conversation that `waits`, shape (C,).

    By its breach the suitable agents can begin fewer of its class than have a breach by then.
    """
    units = conversations.units
    found = np.zeros(len(units), dtype=bool)
    left = units.select(seconds(pl.col("breach_at") - instant(now))).to_series()
    put_off = units.select(pl.col("paused") | pl.col("manual_only")).to_series().to_numpy()
    ahead = np.flatnonzero(waits & ~put_off & (left.fill_null(-1.0) > 0).to_numpy())
    if not len(ahead):
        return found
    left_s = left.to_numpy()[ahead]
    kind = units["class_idx"].to_numpy().astype(np.int64)[ahead]
    classes, row = np.unique(kind, return_inverse=True)
    ready_s = _ready_s(agents)
    order = np.argsort(ready_s, kind="stable")
    later = np.isfinite(agents.starts_in_s)
    able = eligibility.suitable[classes] | (eligibility.suitable_off_duty[classes] & later)
    able, ready_s = able[:, order], ready_s[order]
    ready_before = np.zeros((len(classes), len(order) + 1), dtype=np.int64)
    np.cumsum(able, axis=1, out=ready_before[:, 1:])
    can_begin = ready_before[row, np.searchsorted(ready_s, left_s, side="right")]
    due = _due_by(row, left_s)
    live = units["channel"].is_in(LIVE).to_numpy()[ahead]
    found[ahead] = (can_begin == 0) | (live & (can_begin < due))
    # Calls follow one another, which matters only where each agent alone does not suffice.
    tight = np.flatnonzero(live & (can_begin > 0) & (can_begin < due))
    handle_s = units["handle_s"].to_numpy()[ahead[tight]]
    found[ahead[tight]] = _calls(able[row[tight]], ready_s, left_s[tight], handle_s) < due[tight]
    return found


def _calls(able: Mask, ready_s: Floats, left_s: Floats, handle_s: Floats) -> Floats:
    """How many calls the `able` (n, A) can begin within `left_s` (n,), one after the other."""
    spare_s = left_s[:, None] - ready_s
    calls = np.where(able & (spare_s >= 0), 1 + np.floor(spare_s / handle_s[:, None]), 0.0)
    total: Floats = calls.sum(axis=1)
    return total


def _due_by(group: np.ndarray, left_s: Floats) -> np.ndarray:
    """How many of the same group are due no later than each, itself included."""
    order = np.lexsort((left_s, group))
    ordered, due = group[order], left_s[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=-1))
    place = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order)))
    # Of those that are due together, each counts all.
    is_last = np.append((ordered[1:] != ordered[:-1]) | (due[1:] != due[:-1]), True)
    ends = np.flatnonzero(is_last)
    last = ends[np.searchsorted(ends, np.arange(len(order)))]
    count = np.empty(len(order), dtype=np.int64)
    count[order] = place[last] + 1
    return count


def _ready_s(agents: AgentState) -> Floats:
    """Seconds until each agent can be free, (A,); who is overdue, or nobody knows, can be now."""
    busy = np.where(np.isfinite(agents.free_later_s), agents.free_later_s, 0.0)
    on_shift: Floats = np.where(agents.free_now, 0.0, busy)
    return np.where(np.isfinite(agents.starts_in_s), agents.starts_in_s, on_shift)


def _is_served(agents: AgentState, solution_agent: Positions) -> Mask:
    """Assigned; what is held for an agent waits on."""
    soon = np.append(agents.free_soon, False)[solution_agent]
    served: Mask = (solution_agent != NOBODY) & ~soon
    return served


def _helpers(conversations: Conversations) -> pl.DataFrame:
    """(queue_id, borrows_from): queues that help any conversation of the queue."""
    if conversations.helping.is_empty():
        return _NOBODY_HELPS
    return (
        conversations.helping.join(
            conversations.classes.select("class_idx", "queue_id"), on="class_idx"
        )
        .select("queue_id", "to_queue_id")
        .unique()
        .sort("queue_id", "to_queue_id")
        .group_by("queue_id", maintain_order=True)
        .agg(borrows_from=pl.col("to_queue_id").str.join(","))
    )
