"""The upper bound that any prices give: weak duality of the network form (`methods.md` 5.3).

    D = sum_i max(0, max_j gain(i, j) - path price of i's lane at j)
      + sum_lanes cap * price + sum_agents sum_{n <= cap} max(0, price - n-th load cost)
      + sum_sites cap * price

No assignment has a larger gain, whatever the prices (all >= 0) are.
"""

import numpy as np

from models.problem import NOBODY, AssignmentProblem, Ints, Prices
from models.solution import step_costs


def no_prices(problem: AssignmentProblem) -> Prices:
    """All prices zero."""
    return Prices(
        lane=np.zeros((problem.num_agents, problem.num_lanes), dtype=np.int64),
        agent=np.zeros(problem.num_agents, dtype=np.int64),
        site=np.zeros(len(problem.site_cap), dtype=np.int64),
    )


def path_prices(problem: AssignmentProblem, prices: Prices) -> Ints:
    """What a contact pays to enter each lane, shape (A, L), milli-units."""
    site = np.zeros(problem.num_agents, dtype=np.int64)
    capped = problem.agent_site != NOBODY
    site[capped] = prices.site[problem.agent_site[capped]]
    return prices.lane + (prices.agent + site)[:, None]


def contact_rents(problem: AssignmentProblem, prices: Prices) -> Ints:
    """What each contact would earn at these prices, max(0, best gain - price), shape (C,)."""
    pairs = problem.pairs
    rents = np.zeros(problem.num_contacts, dtype=np.int64)
    if len(pairs):
        path = path_prices(problem, prices)
        reduced = pairs.gain - path[pairs.agent, problem.contact_lane[pairs.contact]]
        filled = np.flatnonzero(np.diff(pairs.start))
        best = np.maximum.reduceat(reduced, pairs.start[filled])
        rents[filled] = np.maximum(best, 0)
    return rents


def upper_bound(problem: AssignmentProblem, prices: Prices) -> int:
    """D at these prices, milli-units, exact in integers.

    Raises ValueError when a price is negative, because the bound would not hold.
    """
    if min(int(p.min(initial=0)) for p in (prices.lane, prices.agent, prices.site)) < 0:
        raise ValueError("prices: a price is negative; expected all prices >= 0")
    steps = step_costs(problem, int(problem.agent_cap.max(initial=0)))
    allowed = np.arange(steps.shape[1])[None, :] < problem.agent_cap[:, None]
    surplus = np.where(allowed, np.maximum(prices.agent[:, None] - steps, 0), 0)
    return int(
        contact_rents(problem, prices).sum()
        + (prices.lane * problem.lane_cap).sum()
        + surplus.sum()
        + (prices.site * problem.site_cap).sum()
    )
