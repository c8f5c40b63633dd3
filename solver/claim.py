"""Gain and bound of a plan without a list of all pairs: what `models/bound.py` says, by class."""

import numpy as np

from models.bound import path_prices
from models.problem import (
    MILLI,
    NOBODY,
    AssignmentProblem,
    Floats,
    Ints,
    Positions,
    Prices,
    to_milli,
)
from models.solution import step_costs, total_load_cost
from solver.rows import longest_slice, restricted
from solver.rows_kernels import Rows, contact_rents, largest_gain


def gain_by_class(problem: AssignmentProblem, agent: Positions) -> int:
    """Gain of an assignment in milli-units, load costs taken off.

    Raises ValueError when a pair is not eligible.
    """
    served = np.flatnonzero(agent != NOBODY)
    pairs = restricted(problem, served, agent[served].astype(np.int64)).pairs
    if len(pairs) != len(served):
        raise ValueError(
            f"assignment: {len(served) - len(pairs)} contacts have an agent they are not eligible"
            " for; expected only eligible pairs: check that the assignment is this problem's"
        )
    return int(pairs.gain.sum()) - total_load_cost(problem, agent)


def bound_by_class(problem: AssignmentProblem, rows: Rows, prices: Prices) -> int:
    """`models.bound.upper_bound` at these prices over all pairs, to the unit.

    Raises ValueError when a price is negative, because the bound would not hold.
    """
    if min(int(p.min(initial=0)) for p in (prices.lane, prices.agent, prices.site)) < 0:
        raise ValueError("prices: a price is negative; expected all prices >= 0")
    return int(
        rents_by_class(rows, entry_prices(problem, rows, prices)).astype(np.int64).sum()
        + (prices.lane * problem.lane_room).sum()
        + slot_surplus(problem, prices.agent)
        + (prices.site * problem.site_cap).sum()
    )


def slot_surplus(problem: AssignmentProblem, agent_price: Ints) -> int:
    """What agents would earn at these prices (A,): price less load cost, over all their slots."""
    steps = step_costs(problem, int(problem.agent_cap.max(initial=0)))
    allowed = np.arange(steps.shape[1])[None, :] < problem.agent_cap[:, None]
    return int(np.where(allowed, np.maximum(agent_price[:, None] - steps, 0), 0).sum())


def entry_prices(problem: AssignmentProblem, rows: Rows, prices: Prices) -> Floats:
    """What a contact pays at each entry, (N,); whole numbers."""
    path = path_prices(problem, prices)
    return path[rows.entry_agent, lane_of_entries(problem, rows)].astype(np.float64)


def lane_of_entries(problem: AssignmentProblem, rows: Rows) -> Positions:
    """Lane that a contact enters at each entry, (N,)."""
    lane_of_kind = problem.contact_lane[rows.contact[rows.kind_start[:-1]]]
    return lane_of_kind[rows.entry_kind].astype(np.int32)


def rents_by_class(rows: Rows, entry_price: Floats) -> Floats:
    """max(0, best gain less price) of each contact in the order of the rows, (C,)."""
    rent = np.empty(len(rows.kind))
    contact_rents(rows, entry_price, rent, np.empty(longest_slice(rows)))
    return rent


def check_gains(problem: AssignmentProblem, rows: Rows) -> None:
    """Raise OverflowError when a gain exceeds LARGEST_GAIN, as listing the pairs would."""
    row_limit = np.abs(problem.rate).max(axis=1, initial=0.0)
    terms = np.abs(problem.term_coef) * row_limit[problem.term_row]
    limit = (np.abs(problem.base) + terms.sum(axis=1)).max(initial=0.0)
    try:
        to_milli(np.array([limit]))
    except OverflowError:
        to_milli(np.array([largest_gain(rows, np.empty(longest_slice(rows))) / MILLI]))
