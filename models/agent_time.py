"""What an agent's time costs those who may need it more: `docs/model.md` section 5."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.policy import Policy
from models.problem import Floats
from models.tables import Channel

PRICES = ("fast_price", "slow_price", "late_price")


@dataclass(frozen=True, eq=False)
class TimeCost:
    """Price times amount, for up to three prices; what is nothing for everybody is left out."""

    price: Floats
    """(R, A) money for one of what the agent sells."""
    amount: Floats
    """(C, R) how much of it each conversation takes."""


def time_cost(
    batch: Batch, units: pl.DataFrame, agents: AgentState, policy: Policy
) -> TimeCost | None:
    """Cost of the agents' time for conversations `units`, None where nothing has a price.

    An agent without a row of `agent_prices` costs nothing.
    """
    if batch.agent_prices.is_empty():
        return None
    of_agents = agents.agents.select("agent_id").join(
        batch.agent_prices, on="agent_id", how="left", maintain_order="left"
    )
    price = np.stack([of_agents[name].fill_null(0.0).to_numpy() for name in PRICES])
    amount = _amounts(units, batch.agent_prices["window_s"][0], policy)
    told = price.any(axis=1) & amount.any(axis=0)
    return TimeCost(price[told], amount[:, told]) if told.any() else None


def _amounts(units: pl.DataFrame, window_s: float, policy: Policy) -> Floats:
    """Windows, seconds within the window and seconds after it, all of attention, (C, 3)."""
    handle_s = units["handle_s"].to_numpy()
    within_s = np.minimum(handle_s, window_s)
    amount: Floats = np.stack([within_s / window_s, within_s, handle_s - within_s], axis=1)
    amount *= _attention(units, policy)[:, None]
    return amount


def attention_s(units: pl.DataFrame, policy: Policy) -> Floats:
    """Seconds of all of an agent's attention that each conversation takes, (C,)."""
    return units["handle_s"].to_numpy() * _attention(units, policy)


def _attention(units: pl.DataFrame, policy: Policy) -> Floats:
    share = np.array([policy.channels[channel].attention for channel in Channel])
    of_units: Floats = share[units["channel_idx"].to_numpy()]
    return of_units


def head_worth(batch: Batch, units: pl.DataFrame, policy: Policy) -> Floats:
    """Money that serving each conversation is worth whatever comes of it, (C,)."""
    if batch.queue_prices.is_empty():
        return np.full(len(units), policy.head_worth)
    return (
        units.select("queue_id")
        .join(batch.queue_prices, on="queue_id", how="left", maintain_order="left")["head_worth"]
        .fill_null(policy.head_worth)
        .to_numpy()
    )
