"""What agents already hold of the parties that wait, and whom a party is locked to."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.columns import LIVE
from models.conversations import Conversations
from models.declines import Declines
from models.eligibility import Eligibility
from models.held_items import with_parked
from models.policy import Policy, VoiceFollow
from models.problem import NOBODY, Ints, Positions
from models.tables import INSTANT, LoadState

_LOCKING = (LoadState.OFFERED.value, LoadState.ACTIVE.value)


@dataclass(frozen=True, eq=False)
class HeldByParty:
    """Items that agents hold of waiting parties.

    `items`: (conversation_idx, contact_id, agent_id, agent_idx, state, is_live, started_at), one
    row per held item and conversation of its party, sorted; items that are over are left out.
    """

    items: pl.DataFrame

    def count(self, num_conversations: int) -> Ints:
        """(C,) held items of the party of each conversation."""
        found = np.bincount(self.items["conversation_idx"], minlength=num_conversations)
        return found.astype(np.int64)


_NOTHING_HELD = HeldByParty(
    pl.DataFrame(
        schema={
            "contact_id": pl.String,
            "agent_id": pl.String,
            "state": pl.String,
            "is_live": pl.Boolean,
            "started_at": INSTANT,
            "conversation_idx": pl.UInt32,
            "agent_idx": pl.UInt32,
        }
    )
)


def build_held_by_party(
    batch: Batch, conversations: Conversations, agents: AgentState, policy: Policy
) -> HeldByParty:
    """Held items of the same customer, or of the same conversation."""
    members = conversations.members
    load = with_parked(batch.agent_load, batch.now, policy).filter(~pl.col("over"))
    # What names neither is nobody's in particular.
    load = load.filter(pl.any_horizontal(pl.col("customer_id", "conversation_id").is_not_null()))
    if load.is_empty():
        return _NOTHING_HELD
    load = load.select(
        "contact_id",
        "agent_id",
        "customer_id",
        "conversation_id",
        "state",
        "started_at",
        is_live=pl.col("channel").is_in(LIVE),
    )
    by_customer = load.join(
        members.select("party", "party_customer").unique(),
        left_on="customer_id",
        right_on="party_customer",
    )
    by_thread = load.join(
        members.select("party", "conversation_id").unique(), on="conversation_id"
    )
    columns = ("party", "contact_id", "agent_id", "state", "is_live", "started_at")
    items = (
        pl.concat([by_customer.select(columns), by_thread.select(columns)])
        .unique()
        # Of a party that is split, both parts know what is held of the other.
        .join(members.select("party", "conversation_idx").unique(), on="party")
        .drop("party")
        .join(agents.agents.select("agent_id", "agent_idx"), on="agent_id")
        .sort("conversation_idx", "contact_id")
    )
    return HeldByParty(items)


def locked_to(
    held: HeldByParty,
    conversations: Conversations,
    agents: AgentState,
    eligibility: Eligibility,
    declines: Declines,
    policy: Policy,
) -> Positions:
    """The one agent that each conversation must go to, or NOBODY, shape (C,) (`docs/model.md` 3).

    A lock holds while the agent is there, or stepped away a moment ago, has not declined the
    conversation for good, and could serve it at all, or talks to the customer right now. Calls
    are never locked, and who has waited too long only to whom the customer talks.
    """
    only = np.full(len(conversations.units), NOBODY, dtype=np.int32)
    if held.items.is_empty():
        return only
    items = held.items.filter(pl.col("state").is_in(_LOCKING)).join(
        conversations.units.filter(~pl.col("any_live")).select(
            "conversation_idx", "class_idx", "is_starved"
        ),
        on="conversation_idx",
    )
    items = items.join(
        declines.pairs.filter("is_banned"), on=["conversation_idx", "agent_idx"], how="anti"
    )
    if policy.voice_follow is VoiceFollow.KEEP_TEXT_OWNER:
        items = items.filter(~pl.col("is_live"))
    if items.is_empty():
        return only
    agent = items["agent_idx"].to_numpy().astype(np.int64)
    kind = items["class_idx"].to_numpy().astype(np.int64)
    back_soon = agents.away_recently & agents.on_shift
    there = (agents.present & agents.on_shift) | back_soon
    stepped_away = (back_soon & agents.responding)[agent]
    could = eligibility.suitable[kind, agent]
    could |= stepped_away & eligibility.suitable_off_duty[kind, agent]
    could &= ~items["is_starved"].to_numpy()
    locks = there[agent] & (could | items["is_live"].to_numpy())
    chosen = items.filter(pl.Series(locks, dtype=pl.Boolean)).sort(
        "is_live", "started_at", "agent_id"
    )
    # Of several rows of one conversation, the last one written stays.
    only[chosen["conversation_idx"].to_numpy()] = chosen["agent_idx"].to_numpy()
    return only
