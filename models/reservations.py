"""Who waits for the agent whom the customer knows: `docs/model.md` section 3."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.capacity import AgentState
from models.conversations import Conversations
from models.declines import Declines
from models.eligibility import Eligibility
from models.policy import Policy
from models.problem import NOBODY, Floats, Positions
from models.tables import Channel

_PATIENCE = 1.2
"""Expected times are missed as often as met, so this many times the expectation must be bearable
(`routing.md` R.7)."""


@dataclass(frozen=True, eq=False)
class Reservations:
    """Conversations that wait for their preferred agent, C rows."""

    agent: Positions
    """(C,) the agent that it waits for, or NOBODY."""
    free_in_s: Floats
    """(C,) seconds until that agent should be free or on shift, inf where it waits for nobody."""


def reserved_for(
    conversations: Conversations,
    agents: AgentState,
    eligibility: Eligibility,
    declines: Declines,
    locked: Positions,
    policy: Policy,
) -> Reservations:
    """The preferred agent that each conversation waits for, and for how long.

    Nobody waits for an agent who has room for the conversation now, whom a decline keeps away, or
    who comes too late for the customer.
    """
    reserved = Reservations(
        agent=np.full(len(conversations.units), NOBODY, dtype=np.int32),
        free_in_s=np.full(len(conversations.units), np.inf),
    )
    preferred = conversations.units["preferred_agent_id"]
    if preferred.null_count() == len(preferred):
        return reserved
    found = _candidates(conversations, agents, declines, locked)
    found = found.join(_channel_limits(policy), on="channel", maintain_order="left")
    kind = found["class_idx"].to_numpy().astype(np.int64)
    agent = found["agent_idx"].to_numpy().astype(np.int64)
    left_s = found["least_left_s"].to_numpy()

    free_in_s = agents.free_later_s[agent]
    wait_s = free_in_s * _PATIENCE
    takes_it_now = eligibility.fits[kind, agent] & agents.free_now[agent]
    soon = eligibility.suitable[kind, agent] & ~takes_it_now
    # The wait so far counts, or the next look would allow as much again.
    soon &= found["waited_s"].to_numpy() + wait_s <= found["hold_preferred_s"].to_numpy()
    soon &= wait_s <= policy.hold_slack_share * left_s

    starts_in_s = agents.starts_in_s[agent]
    later = ~found["real_time"].to_numpy() & ~agents.on_shift[agent]
    later &= starts_in_s <= found["ahead_s"].to_numpy()
    later &= starts_in_s + found["handle_s"].to_numpy() <= left_s
    later &= eligibility.suitable_off_duty[kind, agent]

    waits = soon | later
    conversation = found["conversation_idx"].to_numpy()[waits]
    reserved.agent[conversation] = agent[waits]
    reserved.free_in_s[conversation] = np.where(soon, free_in_s, starts_in_s)[waits]
    return reserved


def _candidates(
    conversations: Conversations, agents: AgentState, declines: Declines, locked: Positions
) -> pl.DataFrame:
    """Conversations that may wait for the preferred agent, with its position."""
    is_free = pl.Series(locked == NOBODY, dtype=pl.Boolean)
    return (
        conversations.units.filter(is_free & ~pl.col("is_starved") & ~pl.col("follower"))
        .join(
            agents.agents.select("agent_idx", preferred_agent_id="agent_id"),
            on="preferred_agent_id",
        )
        .join(declines.apart, on=["conversation_idx", "agent_idx"], how="anti")
        .sort("conversation_idx")
    )


def _channel_limits(policy: Policy) -> pl.DataFrame:
    rows = [policy.channels[channel] for channel in Channel]
    return pl.DataFrame(
        {
            "channel": [channel.value for channel in Channel],
            "hold_preferred_s": [row.hold_preferred_s for row in rows],
            "ahead_s": [row.ahead_s for row in rows],
        }
    )
