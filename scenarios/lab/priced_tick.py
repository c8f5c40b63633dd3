"""The product's tick with the prices of its price job, in the lab: nothing of it is simulated.

Prices and lever are those of `ours`, made by the code that the price job runs; they reach the tick
as its own tables, and its own gain charges them.
"""

from dataclasses import replace

import polars as pl

from models.batch import Batch
from scenarios.lab.asking import TwoPrices
from scenarios.lab.centre import LabCentre
from scenarios.lab.floor import Floor
from scenarios.lab.levers import Lever
from scenarios.lab.real_tick import RealTick
from scenarios.lab.router import Decision
from scenarios.lab.tick_policy import tick_policy


class PricedTick:
    """Decides one day."""

    def __init__(
        self, centre: LabCentre, asking: TwoPrices, lever: Lever, floor_p: float, hold_s: float
    ) -> None:
        """For one day; holds reach `hold_s` seconds, pairs below `floor_p` are not eligible."""
        self.asking, self.lever = asking, lever
        policy = replace(tick_policy(centre, hold_s), p_floor=floor_p)
        self._tick = RealTick(centre, policy, prepare=self._with_prices)

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        decision = self._tick.decide(floor)
        self.lever.started(floor.contact[decision.contact])
        return decision

    def _with_prices(self, floor: Floor, batch: Batch) -> Batch:
        charges = self.asking.charges(floor)
        agent = pl.DataFrame(
            {
                "agent_id": batch.agents["agent_id"],
                "window_s": pl.repeat(charges.window_s, batch.agents.height, eager=True),
                "fast_price": charges.fast,
                "slow_price": charges.slow,
                "late_price": charges.late,
            }
        )
        queue = pl.DataFrame(
            {"queue_id": batch.queues["queue_id"], "head_worth": self.lever.head_worth(floor)}
        )
        return batch.at(batch.now, agent_prices=agent, queue_prices=queue)
