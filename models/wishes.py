"""What agents prefer, as weights of pairs: `docs/model.md` section 6, "Preferences"."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState, Mask
from models.conversations import Conversations
from models.policy import Policy
from models.problem import Floats, Ints, Positions
from models.proficiency import list_sums

WEIGHT_DECIMALS = 9
"""Weights are rounded: a sum must not decide by a last bit."""


@dataclass(frozen=True, eq=False)
class Wishes:
    """Weights of all pairs: that of conversation i and agent j is `rate[row[i], j]`."""

    row: Positions
    """(C,)"""
    rate: Floats
    """(T, A) above 0 where the agent seeks the work, below where they avoid it."""


def build_wishes(
    batch: Batch, conversations: Conversations, agents: AgentState, policy: Policy
) -> Wishes | None:
    """Preferences and open quotas of the agents, None where nobody has a wish that concerns a
    conversation of the batch.
    """
    if batch.agent_preferences.is_empty() and batch.agent_quotas.is_empty():
        return None
    wanted = _subjects_of_agents(batch, agents, policy)
    if wanted.is_empty():
        return None
    offered = _subjects_of_classes(conversations)
    subjects = wanted.select("subject").unique().join(offered, on="subject", how="semi")
    if subjects.is_empty():
        return None
    subjects = subjects.sort("subject").with_row_index("subject_idx")
    wanted, offered = wanted.join(subjects, on="subject"), offered.join(subjects, on="subject")
    weight = np.zeros((len(subjects), len(agents.agents)))
    # A preference and a quota may concern the same skill.
    np.add.at(
        weight,
        (wanted["subject_idx"].to_numpy(), wanted["agent_idx"].to_numpy()),
        wanted["weight"].to_numpy(),
    )
    concerns = np.zeros((len(conversations.classes), len(subjects)), dtype=bool)
    concerns[offered["class_idx"].to_numpy(), offered["subject_idx"].to_numpy()] = True
    first, kind_of = _distinct(concerns)
    kind, subject = np.nonzero(concerns[first])
    rate = np.round(list_sums(weight, len(first), kind, subject), WEIGHT_DECIMALS)
    of_class = conversations.units["class_idx"].to_numpy().astype(np.int64)
    return Wishes(row=kind_of[of_class].astype(np.int32), rate=rate)


def _distinct(rows: Mask) -> tuple[Ints, Ints]:
    """First of each kind of equal rows, in the order of the rows as numbers, and each row's kind.

    Sixty-four columns are compared at once.
    """
    packed = np.packbits(rows, axis=1)
    words = np.zeros((len(rows), -(-packed.shape[1] // 8) * 8), dtype=np.uint8)
    words[:, : packed.shape[1]] = packed
    first = kind = np.zeros(len(rows), dtype=np.int64)
    for word in words.view(">u8").T:
        _, rank = np.unique(word, return_inverse=True)
        key = kind * (len(rows) + 1) + rank
        _, first, kind = np.unique(key, return_index=True, return_inverse=True)
    return first, kind


def _subjects_of_agents(batch: Batch, agents: AgentState, policy: Policy) -> pl.DataFrame:
    """(subject, agent_idx, weight) of preferences and of quotas that are open, weights not 0."""
    known = agents.agents.select("agent_id", "agent_idx")
    there = known.filter(pl.Series(agents.present, dtype=pl.Boolean))["agent_id"]
    mentor = pl.col("mentor_agent_id")
    quotas = batch.agent_quotas.filter(
        pl.col("done") < pl.col("quota"),
        mentor.is_null() | mentor.is_in(there.implode()),
    ).select(
        "agent_id", subject=pl.lit("skill:") + pl.col("skill"), weight=pl.lit(policy.quota_worth)
    )
    preferences = batch.agent_preferences.select("agent_id", "subject", "weight")
    return (
        pl.concat([preferences, quotas])
        .filter(pl.col("weight") != 0)
        .join(known, on="agent_id")
        .select("subject", "agent_idx", "weight")
        .sort("subject", "agent_idx", "weight")
    )


def _subjects_of_classes(conversations: Conversations) -> pl.DataFrame:
    """(class_idx, subject), each once: what an agent may seek or avoid in a class."""
    classes = conversations.classes
    skills = pl.concat(
        [
            conversations.requirements.select("class_idx", "skill"),
            conversations.named.select("class_idx", "skill"),
        ]
    )
    return pl.concat(
        [
            skills.select("class_idx", subject=pl.lit("skill:") + pl.col("skill")),
            classes.select("class_idx", subject=pl.lit("channel:") + pl.col("channel")),
            classes.select("class_idx", subject=pl.lit("queue:") + pl.col("queue_id")),
        ]
    ).unique()
