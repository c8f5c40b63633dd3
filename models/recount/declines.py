"""Declines, section 3 of `docs/model.md`, written a second time: pairs that they keep apart."""

import numpy as np
import polars as pl

from models.recount.numbers import Ints, instant, ints, is_real_time, seconds
from models.recount.sides import Sides
from models.recount.tested import Tested


def kept_apart(sides: Sides, tested: Tested) -> Ints:
    """Sorted keys, conversation * A + agent, of the pairs that are banned or rest."""
    policy = sides.policy
    rows = _declined(sides)
    conversation, agent, number = (ints(rows[c]) for c in ("conversation", "agent", "number"))
    recent = -seconds(rows, "last", instant(sides.batch.now)) < policy.decline_cooldown_s
    suitable = tested.suitable(conversation, agent)
    size = len(sides.conversations)
    num_suitable = tested.num_qualified[tested.class_of]

    often = suitable & (number >= policy.max_declines)
    by_all = np.bincount(conversation[often], minlength=size) == num_suitable
    written = ~is_real_time(policy)[sides.conversations.channel]
    forgiven = written & (num_suitable > 0) & by_all
    banned = number >= policy.max_declines * (1 + forgiven[conversation])
    tired = ~banned & recent
    gone = np.bincount(conversation[suitable & (banned | tired)], minlength=size)
    rests = tired & (gone < num_suitable)[conversation]
    key = conversation * len(sides.agents) + agent
    return np.unique(key[banned | rests])


def _declined(sides: Sides) -> pl.DataFrame:
    """(conversation, agent, number, last): of the members, the most declines and the last one."""
    members = sides.conversations.members.select("contact_id", "conversation")
    return (
        sides.batch.declines.join(members, on="contact_id")
        .join(sides.agents.ids, on="agent_id")
        .group_by("conversation", "agent", "contact_id")
        .agg(number=pl.len(), last=pl.col("declined_at").max())
        .group_by("conversation", "agent")
        .agg(pl.col("number").max(), pl.col("last").max())
    )
