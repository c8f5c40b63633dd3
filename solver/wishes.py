"""Among plans that earn nearly as much, one with more of what agents prefer (`routing.md` R.11).

Z* is the gain of the plan without preferences. Wanted is the most weight subject to a gain of at
least (1 - share) Z*. Its Lagrangian adds `price` times the weight to every gain: what the optimum
of that earns falls, and what it weighs rises, with the price, so a few solves around the largest
price that is still affordable find it, up to the optima that no price finds. The first plan's
bound, prices and rents stay: they prove what customers could have had at most.
"""

from dataclasses import replace

import numpy as np

from models.problem import MILLI, NOBODY, AssignmentProblem, Floats, Positions
from models.solution import Hint, Limit, Solution, SolveOptions, Termination
from models.wishes import Wishes
from solver.claim import gain_by_class
from solver.solve import Solver

TRIES = 4
"""Solves with preferences; each may take a fraction of the time that the first one could."""

STEP = 4.0
"""The price is multiplied or divided by this, and by less once it was both."""


def follow_wishes(
    problem: AssignmentProblem,
    wishes: Wishes,
    share: float,
    options: SolveOptions,
    first: Solution,
    solver: Solver,
) -> Solution:
    """The plan of most weight that was found to earn at least (1 - share) of the first one's gain.

    Serves as many contacts of every tier as the first. `preference_cost` is the gain given up;
    where that is above 0 the plan is not optimal, with the limit PREFERENCE. The first plan
    itself where no other has more weight.
    """
    least = first.gain - int(share * max(0, first.gain))
    best, best_weight = first, total_weight(wishes, first.agent)
    price, step, raised = _first_price(wishes, first, share), STEP, None
    short = replace(options, deadline_s=options.deadline_s / TRIES)
    for _ in range(TRIES if price > 0 else 0):
        found = solver(with_wishes(problem, wishes, price), short, _hint(first))
        gain = gain_by_class(replace(problem, tier=None), found.agent)
        weight = total_weight(wishes, found.agent)
        affordable = gain >= least and found.served == first.served
        if affordable and (weight, gain) > (best_weight, best.gain):
            best, best_weight = _instead(first, found.agent, gain), weight
        if raised is not None and raised != affordable:
            step = step**0.5
        raised = affordable
        price = price * step if affordable else price / step
    return best


def with_wishes(problem: AssignmentProblem, wishes: Wishes, price: float) -> AssignmentProblem:
    """The problem whose gains have `price` in money times the pair's weight added."""
    row = (wishes.row + len(problem.rate)).astype(np.int32)
    coef = np.full((problem.num_contacts, 1), price)
    return replace(
        problem,
        term_row=np.concatenate([problem.term_row, row[:, None]], axis=1),
        term_coef=np.concatenate([problem.term_coef, coef], axis=1),
        rate=np.concatenate([problem.rate, wishes.rate], axis=0),
    )


def total_weight(wishes: Wishes, agent: Positions) -> float:
    """Sum of the weights of the pairs of a plan."""
    contact = np.flatnonzero(agent != NOBODY)
    weights: Floats = wishes.rate[wishes.row[contact], agent[contact]]
    # Rounded, so that the order of summing cannot make two equal plans differ.
    return round(float(weights.sum()), 9)


def _first_price(wishes: Wishes, first: Solution, share: float) -> float:
    """What a weight of 1 may cost if every served contact were to gain the largest weight."""
    served = int(np.count_nonzero(first.agent != NOBODY))
    largest = float(np.abs(wishes.rate).max(initial=0.0))
    if not served or not largest or not first.gain > 0:
        return 0.0
    return share * first.gain / MILLI / (served * largest)


def _hint(first: Solution) -> Hint:
    return Hint(first.prices, first.rents)


def _instead(first: Solution, agent: Positions, gain: int) -> Solution:
    """The first solution with another plan, which `first.bound` holds for as well."""
    cost = first.gain - gain
    if cost <= 0:
        closed = gain == first.bound and first.termination is not Termination.FAILED
        kept = replace(first, agent=agent, gain=gain)
        return replace(kept, termination=Termination.OPTIMAL, limit=None) if closed else kept
    return replace(
        first,
        agent=agent,
        gain=gain,
        preference_cost=cost,
        termination=Termination.FEASIBLE,
        limit=Limit.PREFERENCE,
    )
