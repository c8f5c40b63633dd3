"""Declines, section 3 of `docs/model.md`, written a second time: pairs that they keep apart."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.recount.numbers import Ints, instant, ints, is_real_time, seconds
from models.recount.sides import Sides
from models.recount.tested import Tested


@dataclass(frozen=True, eq=False)
class Refusals:
    """Sorted keys, conversation * A + agent, of pairs that declines concern."""

    banned: Ints
    apart: Ints
    """Banned or resting."""


def refusals_of(sides: Sides, tested: Tested) -> Refusals:
    """Whom declines ban, and whom they keep apart, whatever is locked."""
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
    return Refusals(np.unique(key[banned]), np.unique(key[banned | rests]))


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
