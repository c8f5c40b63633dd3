"""Who is there, and for which contacts: `docs/model.md` section 1, "Skip at once"."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import NUM_CHANNELS, AgentState, Mask
from models.columns import places
from models.problem import Ints


@dataclass(frozen=True, eq=False)
class Attendance:
    """Agents who are present, on shift and responding.

    `agents`: (agent_id, agent_idx), numbered anew.
    """

    agents: pl.DataFrame
    queues: pl.DataFrame
    """(queue_id, queue_idx)"""
    reached: Mask
    """(queues * channels, agents) serves the channel, and is a member of the queue or of one that
    may help."""

    def reach(self, contacts: pl.DataFrame) -> pl.Series:
        """The row of `reached` of contacts (`queue_id`, `channel_idx`)."""
        queue = places(contacts["queue_id"], self.queues["queue_id"])
        return pl.Series("reach", queue * NUM_CHANNELS + contacts["channel_idx"].to_numpy())

    def nobody_meets(self, met: Mask, reach: Ints) -> Mask:
        """Whether somebody is there, but none of them is in the row of `met`, shape (n,)."""
        able = self.reached[reach]
        somebody = np.logical_or.reduce(able, axis=1)
        found: Mask = somebody & ~np.logical_or.reduce(able & met, axis=1)
        return found


def build_attendance(batch: Batch, agents: AgentState) -> Attendance:
    """Who is there for each queue and channel."""
    there = agents.present & agents.on_shift & agents.responding
    people = (
        agents.agents.filter(pl.Series(there, dtype=pl.Boolean))
        .select("agent_id")
        .with_row_index("agent_idx")
    )
    queues = batch.queues.select("queue_id").with_row_index("queue_idx")
    queues = queues.with_columns(pl.col("queue_idx").cast(pl.Int64))
    belongs = _belongs(batch, queues, people)
    reached = belongs[:, None, :] & agents.served[there].T[None, :, :]
    return Attendance(people, queues, reached.reshape(len(queues) * NUM_CHANNELS, len(people)))


def _belongs(batch: Batch, queues: pl.DataFrame, people: pl.DataFrame) -> Mask:
    """[queue, agent] member of the queue, or of one that a row of `overflow` names for it; of a
    queue that names no members, everybody.
    """
    member = np.zeros((len(queues), len(people)), dtype=bool)
    if batch.queue_members.is_empty():
        return ~member
    own = batch.queue_members.join(queues, on="queue_id").join(people, on="agent_id")
    member[own["queue_idx"].to_numpy(), own["agent_idx"].to_numpy()] = True
    listed = np.zeros(len(queues), dtype=bool)
    named = queues.join(batch.queue_members, on="queue_id", how="semi")
    listed[named["queue_idx"].to_numpy()] = True
    helps = (
        batch.overflow.select("queue_id", "to_queue_id")
        .unique()
        .join(queues, on="queue_id")
        .join(queues.rename({"queue_id": "to_queue_id", "queue_idx": "to_idx"}), on="to_queue_id")
    )
    belongs = member | ~listed[:, None]
    np.logical_or.at(belongs, helps["queue_idx"].to_numpy(), member[helps["to_idx"].to_numpy()])
    return belongs
