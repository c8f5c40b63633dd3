"""Who is there, and for which contacts: `docs/model.md` section 1, "Skip at once"."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState, Mask


@dataclass(frozen=True, eq=False)
class Attendance:
    """Agents who are present, on shift and responding.

    `agents`: (agent_id, agent_idx), numbered anew.
    `reach_of`: (contact_id, reach): contacts of one queue and channel reach the same agents.
    """

    agents: pl.DataFrame
    reach_of: pl.DataFrame
    reached: Mask
    """(reach, agents) serves the channel, and is a member of the queue or of one that may help."""

    def nobody_meets(self, met: Mask, reach: np.ndarray) -> Mask:
        """Whether somebody is there, but none of them is in the row of `met`, shape (n,)."""
        able = self.reached[reach]
        somebody = np.logical_or.reduce(able, axis=1)
        found: Mask = somebody & ~np.logical_or.reduce(able & met, axis=1)
        return found


def build_attendance(batch: Batch, members: pl.DataFrame, agents: AgentState) -> Attendance:
    """Who is there for each contact of `members`."""
    there = agents.present & agents.on_shift & agents.responding
    people = (
        agents.agents.filter(pl.Series(there, dtype=pl.Boolean))
        .select("agent_id")
        .with_row_index("agent_idx")
    )
    reach = pl.struct("queue_id", "channel_idx").rank("dense").cast(pl.Int64) - 1
    numbered = members.select("contact_id", "queue_id", "channel_idx", reach=reach)
    kinds = numbered.unique("reach").sort("reach")
    queues, queue_of = np.unique(kinds["queue_id"].to_numpy(), return_inverse=True)
    belongs = _belongs(batch, queues, people)
    served = agents.served[there].T
    return Attendance(
        agents=people,
        reach_of=numbered.select("contact_id", "reach"),
        reached=belongs[queue_of] & served[kinds["channel_idx"].to_numpy()],
    )


def _belongs(batch: Batch, queues: np.ndarray, people: pl.DataFrame) -> Mask:
    """[queue, agent] member of the queue, or of one that a row of `overflow` names for it; of a
    queue that names no members, everybody.
    """
    own = batch.queue_members
    lent = batch.overflow.select("queue_id", "to_queue_id").join(
        own.rename({"queue_id": "to_queue_id"}), on="to_queue_id"
    )
    places = pl.DataFrame(
        {"queue_id": queues, "queue_idx": range(len(queues))},
        schema={"queue_id": pl.String, "queue_idx": pl.Int64},
    )
    rows = (
        pl.concat([own, lent.select(own.columns)])
        .join(places, on="queue_id")
        .join(people, on="agent_id")
    )
    belongs = ~np.isin(queues, own["queue_id"].unique().to_numpy())[:, None] & np.ones(
        len(people), dtype=bool
    )
    belongs[rows["queue_idx"].to_numpy(), rows["agent_idx"].to_numpy()] = True
    return belongs
