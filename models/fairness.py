"""Today's work shared out: who is beyond the fair share, who is idle, who has done little."""

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState, Mask
from models.columns import seconds
from models.policy import Policy
from models.problem import Floats
from models.remembered import remembered


def excess_cost(agents: AgentState, policy: Policy) -> Floats:
    """Cost of a further contact for agents beyond their fair share, shape (1, A).

    The share of all handled time over the share of all productive time, among the agents of whom
    both are known: minutes count, not contacts, so that fast agents are not punished.
    """
    handled, productive, known = _today(agents.agents)
    excess = np.zeros(len(handled))
    all_handled = handled[known].sum()
    if all_handled > 0:
        fair = productive[known] / productive[known].sum()
        beyond = handled[known] / all_handled / fair - 1.0 - policy.fairness_band
        excess[known] = np.clip(beyond, 0.0, 1.0)
    cost: Floats = policy.fairness_cost * excess
    return cost[None, :]


def balance(batch: Batch, agents: AgentState, policy: Policy) -> Floats:
    """Tie-break towards who holds least, has handled least today, is idle longest; (1, A)."""
    now, longest = pl.lit(batch.now, pl.Datetime("us", "UTC")), policy.idle_full_s
    idle_s = agents.agents.select(
        seconds(now - pl.col("idle_since")).clip(0.0, longest).fill_null(longest)
    ).to_series()
    handled, productive, known = _today(agents.agents)
    used = np.zeros(len(handled))
    used[known] = np.minimum(handled[known] / productive[known], 1.0)
    worth: Floats = policy.idle_worth * idle_s.to_numpy() / longest
    worth = worth + policy.utilisation_worth * (1.0 - used) - policy.busy_cost * agents.num_busy
    return worth[None, :]


@remembered
def _today(agents: pl.DataFrame) -> tuple[Floats, Floats, Mask]:
    """Handled and productive seconds (A,), 0 where unknown, and whose are both known (A,)."""
    today = agents.select(
        pl.col("handled_s", "productive_s").fill_null(0.0),
        known=pl.col("handled_s").is_not_null() & (pl.col("productive_s") > 0).fill_null(False),
    )
    return (
        today["handled_s"].to_numpy(),
        today["productive_s"].to_numpy(),
        today["known"].to_numpy(),
    )
