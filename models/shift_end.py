"""What it costs that shifts end: overtime of live work, handover of the rest."""

import math

import numpy as np
import polars as pl

from models.capacity import AgentState
from models.policy import Policy
from models.problem import Floats, Ints
from models.tables import Channel

_KEY = ("channel_idx", "handle_s")


def work_types(units: pl.DataFrame) -> tuple[pl.DataFrame, Ints]:
    """Distinct (channel_idx, handle_s), and the work type of each conversation."""
    place = units.select(pl.struct(_KEY).rank("dense")).to_series().to_numpy()
    _, first, work_of = np.unique(place, return_index=True, return_inverse=True)
    return units[list(_KEY)][first], work_of.astype(np.int64)


def expected_overtime(work: pl.DataFrame, agents: AgentState, policy: Policy) -> Floats:
    """Cost of handling past the end of the shift, per work type and agent, shape (W, A).

    E[(H - b)+] of a lognormal handling time H with b seconds left (`methods.md` 6.3); 0 for work
    that can be handed over.
    """
    left, where = np.unique(np.maximum(agents.shift_left_s, 1e-6), return_inverse=True)
    cost = np.zeros((len(work), len(left)))
    order = tuple(Channel)
    for row, (channel_idx, handle_s) in enumerate(work.iter_rows()):
        channel = policy.channels[order[channel_idx]]
        if channel.real_time:
            sigma = channel.handle_sigma
            middle = math.log(handle_s) - sigma**2 / 2
            upper = normal_cdf((middle + sigma**2 - np.log(left)) / sigma)
            lower = normal_cdf((middle - np.log(left)) / sigma)
            cost[row] = policy.overtime_cost_per_s * (handle_s * upper - left * lower)
    return cost[:, where]


def expected_handover(work: pl.DataFrame, agents: AgentState, policy: Policy) -> Floats:
    """Cost of an episode that outlives the agent's shift, per work type and agent, (W, A)."""
    order = tuple(Channel)
    channels = [policy.channels[order[channel_idx]] for channel_idx in work["channel_idx"]]
    episode_s = np.array([channel.mean_episode_s for channel in channels])
    written = np.array([not channel.real_time for channel in channels], dtype=bool)
    outlives = np.exp(-np.maximum(agents.shift_left_s, 0.0)[None, :] / episode_s[:, None])
    cost: Floats = policy.handover_cost * outlives * written[:, None]
    return cost


def normal_cdf(x: Floats) -> Floats:
    """Standard normal distribution function, to the last digit of `math.erf`."""
    return np.array([0.5 * (1.0 + math.erf(value / math.sqrt(2.0))) for value in x])
