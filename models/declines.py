"""Which pairs declines keep apart: bans, one forgiveness, and rests (`docs/model.md` 3)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState, Mask
from models.columns import duration, instant
from models.conversations import Conversations
from models.eligibility import Eligibility
from models.policy import Policy
from models.problem import Ints


@dataclass(frozen=True, eq=False)
class Declines:
    """Declines by pair.

    `pairs`: (conversation_idx, agent_idx, num, is_banned, rests), one row per pair with a decline,
    sorted; `num` counts those of all members.
    """

    pairs: pl.DataFrame

    @cached_property
    def apart(self) -> pl.DataFrame:
        """(conversation_idx, agent_idx) of the pairs that must not meet, sorted."""
        kept = self.pairs.filter(pl.col("is_banned") | pl.col("rests"))
        return kept.select("conversation_idx", "agent_idx")


_NO_DECLINES = Declines(
    pl.DataFrame(
        schema={
            "conversation_idx": pl.UInt32,
            "agent_idx": pl.UInt32,
            "num": pl.Int64,
            "is_banned": pl.Boolean,
            "rests": pl.Boolean,
        }
    )
)


def build_declines(
    batch: Batch,
    policy: Policy,
    conversations: Conversations,
    agents: AgentState,
    eligibility: Eligibility,
) -> Declines:
    """Bans and rests of all pairs with a row in `declines`.

    Whoever declined is asked again once where nobody else is left, and rests only while somebody
    else is there: neither may keep a contact waiting for ever.
    """
    if batch.declines.is_empty():
        return _NO_DECLINES
    pairs = _counted(batch, policy, conversations, agents)
    kind = pairs["class_idx"].to_numpy().astype(np.int64)
    agent = pairs["agent_idx"].to_numpy().astype(np.int64)
    conversation = pairs["conversation_idx"].to_numpy().astype(np.int64)
    most = pairs["most"].to_numpy()
    suitable = eligibility.suitable[kind, agent]
    concerned = np.unique(kind)
    num_suitable = np.zeros(len(conversations.classes), dtype=np.int64)
    num_suitable[concerned] = np.count_nonzero(eligibility.suitable[concerned], axis=1)
    num_suitable = num_suitable[kind]

    exhausted = most >= policy.max_declines
    nobody_else = _count(exhausted & suitable, conversation) == num_suitable
    patient = ~pairs["real_time"].to_numpy()
    forgiven = patient & (num_suitable > 0) & nobody_else
    is_banned = most >= policy.max_declines * (1 + forgiven.astype(np.int64))
    tired = pairs["is_recent"].to_numpy() & ~is_banned
    others_left = _count((is_banned | tired) & suitable, conversation) < num_suitable
    return Declines(
        pairs.select(
            "conversation_idx",
            "agent_idx",
            "num",
            is_banned=pl.Series(is_banned, dtype=pl.Boolean),
            rests=pl.Series(tired & others_left, dtype=pl.Boolean),
        )
    )


def _counted(
    batch: Batch, policy: Policy, conversations: Conversations, agents: AgentState
) -> pl.DataFrame:
    """One row per pair: `num` of all members, `most` of one, `is_recent` the last of any."""
    recent = instant(batch.now) - duration(pl.lit(policy.decline_cooldown_s))
    return (
        batch.declines.join(
            conversations.members.select("contact_id", "conversation_idx"), on="contact_id"
        )
        .join(agents.agents.select("agent_id", "agent_idx"), on="agent_id")
        .group_by("conversation_idx", "agent_idx", "contact_id")
        .agg(num=pl.len().cast(pl.Int64), last=pl.col("declined_at").max())
        .group_by("conversation_idx", "agent_idx")
        .agg(
            pl.col("num").sum(),
            most=pl.col("num").max(),
            is_recent=(pl.col("last") > recent).any(),
        )
        .join(
            conversations.units.select("conversation_idx", "class_idx", "real_time"),
            on="conversation_idx",
        )
        .sort("conversation_idx", "agent_idx")
    )


def _count(which: Mask, conversation: Ints) -> Ints:
    """How many of the pairs of each pair's conversation are so, in the order of the pairs."""
    found: Ints = np.bincount(conversation, weights=which, minlength=1).astype(np.int64)
    return found[conversation]
