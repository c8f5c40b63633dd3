"""The last stretch by OR-Tools: min-cost flow over the pairs that may still matter.

Given a plan of gain z, prices and their bound D, a pair whose price and rent exceed its gain by
more than D - z is in no better plan (`engine.md` 2.3). One flow over the others is therefore
exact, and its prices, kept as near to the given ones as optimal prices can be, prove it over all
pairs; should one pair still want to enter, it is added and the flow solved again.
"""

from dataclasses import dataclass

import numpy as np

from models.problem import AssignmentProblem, Ints, Positions, Prices
from models.solution import SolveOptions
from solver.backends import flow
from solver.claim import bound_by_class, entry_prices, rents_by_class
from solver.form import LISTED_PAIRS
from solver.potentials import nearest_prices
from solver.rows import longest_slice, restricted
from solver.rows_kernels import Rows, near_pairs

ROUNDS = 5


@dataclass(frozen=True, eq=False)
class Finish:
    """The optimal plan of the pairs kept, and the bound of its prices over all pairs."""

    agent: Positions
    gain: int
    prices: Prices
    bound: int
    num_pairs: int


def finished_by_flow(
    problem: AssignmentProblem, rows: Rows, gain: int, bound: int, prices: Prices
) -> Finish | None:
    """The optimum by flow, or None if more than LISTED_PAIRS pairs may still matter."""
    slack = float(bound - gain)
    contact, agent = _near(problem, rows, prices, slack)
    finish: Finish | None = None
    for _ in range(ROUNDS):
        if len(contact) > LISTED_PAIRS:
            break
        kept = restricted(problem, contact, agent)
        solved = flow.solve(kept, SolveOptions(), None)
        near = nearest_prices(kept, solved.agent, prices)
        found = bound_by_class(problem, rows, near)
        if finish is None or found < finish.bound:
            finish = Finish(solved.agent, solved.gain, near, found, len(contact))
        if finish.bound == solved.gain:
            break
        more_contact, more_agent = _near(problem, rows, near, 0.0)
        width = max(problem.num_agents, 1)
        pair = np.union1d(contact * width + agent, more_contact * width + more_agent)
        contact, agent = pair // width, pair % width
    return finish


def _near(
    problem: AssignmentProblem, rows: Rows, prices: Prices, slack: float
) -> tuple[Ints, Ints]:
    """Contact and agent of the pairs whose price and rent exceed their gain by at most `slack`."""
    price = entry_prices(problem, rows, prices)
    rent = rents_by_class(rows, price)
    contact, entry = near_pairs(rows, price, rent, slack, np.empty(longest_slice(rows)))
    return rows.contact[contact], rows.entry_agent[entry].astype(np.int64)
