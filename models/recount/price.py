"""Section 5 of `docs/model.md`, written a second time: prices of time, and worth of heads."""

import numpy as np

from models.recount.numbers import Floats, by_channel
from models.recount.sides import Sides


def price_of_time(sides: Sides) -> Floats:
    """(lanes and handling times, A) money that the agent's time costs."""
    c, example = sides.conversations, sides.example[sides.handling.example]
    rows = sides.agents.ids.select("agent_id").join(
        sides.batch.agent_prices, on="agent_id", how="left", maintain_order="left"
    )
    fast, slow, late = (
        rows[name].fill_null(0).to_numpy() for name in ("fast_price", "slow_price", "late_price")
    )
    window = rows["window_s"].fill_null(1).to_numpy()
    handle = c.handle_s[example][:, None]
    price = fast * np.clip(handle / window, None, 1)
    price = price + np.where(
        handle > window, slow * window + late * (handle - window), slow * handle
    )
    share = by_channel(sides.policy, lambda channel: channel.attention)[c.channel[example]]
    charged: Floats = price * share[:, None]
    return charged


def worth_of_heads(sides: Sides) -> Floats:
    """(C,) money for serving a conversation of the lead's queue at all."""
    stated = dict(sides.batch.queue_prices.select("queue_id", "head_worth").iter_rows())
    queues = sides.batch.queues["queue_id"].to_list()
    of_queue = np.array([stated.get(name, sides.policy.head_worth) for name in queues])
    return (
        of_queue[sides.conversations.queue]
        if len(of_queue)
        else np.zeros(len(sides.conversations))
    )
