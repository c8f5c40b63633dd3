"""Whom a waiting call may count on next: agents who get nothing but calls meanwhile.

Follows `docs/model.md` section 3, "Draining".
"""

import numpy as np
import polars as pl

from models.capacity import AgentState, Mask
from models.columns import LIVE
from models.conversations import Conversations
from models.policy import Policy


def draining_agents(
    conversations: Conversations,
    agents: AgentState,
    passing: Mask,
    suitable: Mask,
    policy: Policy,
) -> Mask:
    """Agents who finish what they hold for a call that waits too long, (A,).

    `passing` (K, A) are the pairs that pass every test before this one. Classes with urgent
    calls and nobody free choose in turn, and each agent drains for one of them.
    """
    draining = np.zeros(len(agents.agents), dtype=bool)
    if policy.drain_agents == 0:
        return draining
    waiting = _urgent_classes(conversations)
    free = passing[waiting["class_idx"].to_numpy()] & agents.free_now[None, :]
    nobody_free = np.count_nonzero(free, axis=1) == 0
    waiting = waiting.filter(pl.Series(nobody_free, dtype=pl.Boolean))
    by_work = np.argsort(agents.remaining_s, kind="stable")
    for kind, number in waiting.select("class_idx", "number").iter_rows():
        able = suitable[kind] & (agents.num_busy > 0) & ~draining
        draining[by_work[able[by_work]][: min(number, policy.drain_agents)]] = True
    return draining


def _urgent_classes(conversations: Conversations) -> pl.DataFrame:
    """(class_idx, number) of classes with urgent calls, most urgent first."""
    return (
        conversations.units.filter(pl.col("urgent") & pl.col("channel").is_in(LIVE))
        .group_by("class_idx")
        .agg(
            pl.col("urgent_clock", "lead_contact_id").min(),
            number=pl.len(),
        )
        .sort("urgent_clock", "lead_contact_id")
    )
