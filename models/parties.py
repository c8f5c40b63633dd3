"""What agents already hold of the parties that wait, and whom a party is locked to."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.conversations import Conversations
from models.eligibility import Eligibility
from models.problem import NOBODY, Positions
from models.tables import LoadState

_LOCKING = (LoadState.OFFERED.value, LoadState.ACTIVE.value)


@dataclass(frozen=True, eq=False)
class HeldByParty:
    """Items that agents hold of waiting parties.

    `items`: (conversation_idx, agent_id, agent_idx, state, started_at), one row per held item and
    conversation; agents that are not in the batch are left out.
    """

    items: pl.DataFrame


def build_held_by_party(
    batch: Batch, conversations: Conversations, agents: AgentState
) -> HeldByParty:
    """Held items of the same customer, or of the same conversation."""
    members = conversations.members
    load = batch.agent_load.select(
        "contact_id", "agent_id", "customer_id", "conversation_id", "state", "started_at"
    )
    by_customer = load.join(
        members.select("conversation_idx", "party_customer").unique(),
        left_on="customer_id",
        right_on="party_customer",
    )
    by_thread = load.join(
        members.select("conversation_idx", "conversation_id").unique(), on="conversation_id"
    )
    columns = ("conversation_idx", "contact_id", "agent_id", "state", "started_at")
    items = (
        pl.concat([by_customer.select(columns), by_thread.select(columns)])
        .unique()
        .join(agents.agents.select("agent_id", "agent_idx"), on="agent_id")
        .sort("conversation_idx", "contact_id")
    )
    return HeldByParty(items)


def locked_to(
    held: HeldByParty, conversations: Conversations, eligibility: Eligibility
) -> Positions:
    """The one agent that each conversation must go to, or NOBODY, shape (C,) (`docs/model.md` 3).

    A lock holds while the agent is suitable, which takes being on duty; calls are never locked.
    """
    only = np.full(len(conversations.units), NOBODY, dtype=np.int32)
    items = held.items.filter(pl.col("state").is_in(_LOCKING)).join(
        conversations.units.filter(~pl.col("any_live")).select("conversation_idx", "class_idx"),
        on="conversation_idx",
    )
    agent = items["agent_idx"].to_numpy().astype(np.int64)
    suitable = eligibility.suitable[items["class_idx"].to_numpy().astype(np.int64), agent]
    chosen = items.filter(pl.Series(suitable, dtype=pl.Boolean)).sort("started_at", "agent_id")
    only[chosen["conversation_idx"].to_numpy()] = chosen["agent_idx"].to_numpy()
    return only
