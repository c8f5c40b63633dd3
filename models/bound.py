"""The upper bound that any prices give: weak duality of the network form (`methods.md` 5.3).

    D = sum_i max(0, max_j gain(i, j) - path price of i's lane at j)
      + sum_lanes cap * price + sum_agents sum_{n <= cap} max(0, price - n-th load cost)
      + sum_sites cap * price

No assignment has a larger gain, whatever the prices (all >= 0) are. With mixes the same holds of
prices on the contacts' side, their rents, and is far tighter (`engine.md` 3.1):

    D = sum_i rent[i] + sum_sites cap * price + sum_agents best mix of what is left

where an agent's best mix takes the largest gains less rent and site price, lane by lane, less load
costs. For a network both forms meet at the optimum.
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
        + (prices.lane * problem.lane_room).sum()
        + surplus.sum()
        + (prices.site * problem.site_cap).sum()
    )


def configuration_bound(problem: AssignmentProblem, rents: Ints, site_price: Ints) -> int:
    """D at these rents (C,) and site prices (S,), milli-units, exact in integers.

    Raises ValueError when one is negative, because the bound would not hold. Pair units, which
    could only lower it, are not looked at.
    """
    if min(int(rents.min(initial=0)), int(site_price.min(initial=0))) < 0:
        raise ValueError("rents: a rent or site price is negative; expected all >= 0")
    best = best_mixes(problem, rents, site_price)
    return int(rents.sum() + (site_price * problem.site_cap).sum() + best.sum())


def best_mixes(problem: AssignmentProblem, rents: Ints, site_price: Ints) -> Ints:
    """What each agent would earn by its best mix at these rents, milli-units, shape (A,)."""
    pairs, mixes = problem.pairs, problem.all_mixes
    site = np.append(site_price, 0)[problem.agent_site]
    left = pairs.gain - rents[pairs.contact] - site[pairs.agent]
    use = np.flatnonzero(left > 0)
    lane = problem.contact_lane[pairs.contact[use]].astype(np.int64)
    agent = pairs.agent[use].astype(np.int64)
    lanes = max(problem.num_lanes, 1)
    place = _rank(agent * lanes + lane, left[use])
    within = place < problem.lane_room[agent, lane]
    use, lane, agent, place = use[within], lane[within], agent[within], place[within]
    # Each pair once for every mix of its agent that has room for it.
    size = np.diff(mixes.start)[agent]
    of = np.repeat(np.arange(len(use)), size)
    first = np.cumsum(size) - size
    mix = mixes.start[agent[of]] + np.arange(len(of)) - first[of]
    fits = place[of] < mixes.count[mix, lane[of]]
    of, mix = of[fits], mix[fits]
    nth = _rank(mix, left[use][of])
    steps = step_costs(problem, int(nth.max(initial=0)) + 1)
    net = np.where(nth < problem.agent_cap[agent[of]], left[use][of] - steps[agent[of], nth], 0)
    worth = np.zeros(len(mixes.count), dtype=np.int64)
    np.add.at(worth, mix, np.maximum(net, 0))
    return np.maximum.reduceat(worth, mixes.start[:-1]) if len(worth) else worth


def _rank(group: Ints, value: Ints) -> Ints:
    """Place of each value within its group, the largest first."""
    order = np.lexsort((-value, group))
    ordered = group[order]
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))[: len(ordered)]
    sizes = np.diff(np.append(begins, len(ordered)))
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(ordered)) - np.repeat(begins, sizes)
    return rank
