"""What a forced pair would cost any plan, as exactly as the plan itself is known.

For an optimal network plan `solver/forced.py` knows. For any plan with a valid bound, optimal or
not, with mixes or not, the bound still limits every plan that contains a pair:

    gain of any plan with (i, j) <= D - (rent[i] + price of i's lane at j - gain(i, j))

and, from rents, D less what j's best mix loses when it must hold i. Where that says too little,
the problem is solved again with the pair in it.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from models.bound import best_mixes, configuration_bound, path_prices, upper_bound
from models.feasibility import violations
from models.problem import LARGEST_GAIN, MILLI, NO_TIER, AssignmentProblem, Ints, Positions
from models.solution import Solution, SolveOptions, Termination
from solver.assign import Solver
from solver.backend import assignment_gain
from solver.forced import Move, build_exchanges, forced_pair
from solver.form import folded, is_network
from solver.lifted import largest_gain, lifted, only_contacts
from solver.rows import restricted


@dataclass(frozen=True)
class ForcedLoss:
    """What forcing a pair into a plan would cost; both ends are equal where that is proven."""

    at_least: int
    """Milli-units; negative where the bound leaves room for a better plan with the pair."""
    at_most: int | None
    """Milli-units, what the moves lose; None if no plan with the pair is known."""
    moves: tuple[Move, ...]
    """The forced contact first, then who else changes."""

    @property
    def is_exact(self) -> bool:
        """Whether the loss is known to the last milli-unit."""
        return self.at_least == self.at_most


def loss_of_pair(
    problem: AssignmentProblem,
    solution: Solution,
    contact: int,
    to_agent: int,
    options: SolveOptions,
    solver: Solver,
) -> ForcedLoss | None:
    """What giving the contact to that agent would cost; None if it is proven that no plan can.

    Exact by one path where the plan is a proven optimum of a network. Otherwise from below by the
    bound's prices or rents and from above by solving again with the pair. The pair must be
    eligible; tiers are refused as in `least_loss`.
    """
    network = folded(problem)
    if is_network(network) and solution.termination is Termination.OPTIMAL:
        _refuse_tiers(problem)
        forced = forced_pair(build_exchanges(network, solution.agent), contact, to_agent)
        return None if forced is None else ForcedLoss(forced.loss, forced.loss, forced.moves)
    least = least_loss(problem, solution, contact, to_agent)
    if solution.agent[contact] == to_agent:
        return ForcedLoss(min(least, 0), 0, ())
    again = best_with_pair(problem, contact, to_agent, options, solver)
    if again is None:
        return ForcedLoss(least, None, ())
    least = max(least, solution.gain - again.bound)
    moves, gain = _moves_between(problem, solution.agent, again, contact)
    return ForcedLoss(least, solution.gain - gain, moves)


def least_loss(problem: AssignmentProblem, solution: Solution, contact: int, to_agent: int) -> int:
    """Milli-units that the plan gains more, at least, than any plan with the pair.

    Negative where the bound leaves room for a better plan that contains it. Raises ValueError for
    a tiered problem, whose bound does not hold for all plans.
    """
    _refuse_tiers(problem)
    limit = min(solution.bound, _limit_by_prices(problem, solution, contact, to_agent))
    if solution.rents is not None:
        limit = min(limit, _limit_by_rents(problem, solution, solution.rents, contact, to_agent))
    return solution.gain - limit


def reduced_loss(
    problem: AssignmentProblem, solution: Solution, contact: int, to_agent: int
) -> int:
    """rent[i] + price of i's lane at j - gain(i, j), milli-units, >= 0, without a list of pairs.

    The rent is what the contact would earn at the prices. Raises ValueError for a pair that is
    not eligible.
    """
    pairs = only_contacts(problem, np.array([contact])).pairs
    path = path_prices(problem, solution.prices)[:, problem.contact_lane[contact]]
    earns = pairs.gain - path[pairs.agent]
    here = np.flatnonzero(pairs.agent == to_agent)
    if len(here) == 0:
        raise ValueError(
            f"reduced loss: contact {contact} is not eligible for agent {to_agent}; expected an"
            " eligible pair: ask which rule it fails instead"
        )
    return int(max(earns.max(), 0) - earns[here[0]])


def best_with_pair(
    problem: AssignmentProblem,
    contact: int,
    to_agent: int,
    options: SolveOptions,
    solver: Solver,
) -> Solution | None:
    """The best plan that contains the pair, found by solving again; None if no plan is found.

    Gain and bound are those of the problem itself, prices those with a prize for the contact. The
    pair must be eligible. Raises OverflowError if the prize does not fit.
    """
    size = problem.num_contacts
    swing = 2 * largest_gain(problem) + int(problem.load_cost.max(initial=0))
    prize = int(2 ** (size * swing).bit_length())
    if prize + largest_gain(problem) > LARGEST_GAIN:
        raise OverflowError(
            f"forced pair: a prize of {prize / MILLI:,.0f} would be needed, expected at most"
            f" {LARGEST_GAIN / MILLI:,.0f}: check customer values and load costs"
        )
    here = np.arange(size) == contact
    forced = replace(
        lifted(problem, prize * here.astype(np.int64)),
        only_agent=np.where(here, np.int32(to_agent), problem.only_agent),
    )
    found = solver(forced, options, None)
    if found.agent[contact] != to_agent:
        return None
    return replace(found, gain=found.gain - prize, bound=found.bound - prize, baseline=0)


def _refuse_tiers(problem: AssignmentProblem) -> None:
    if problem.tier is not None and (problem.tier != NO_TIER).any():
        raise ValueError(
            "forced pair: the problem has tiers, whose bound holds for some plans only; expected a"
            " problem of money alone: ask of the problem with its weights (`solver/tiers.py`)"
        )


def _moves_between(
    problem: AssignmentProblem, before: Positions, again: Solution, contact: int
) -> tuple[tuple[Move, ...], int]:
    """The changes that have to do with the contact, and the gain of the plan that they lead to.

    Two plans may differ in places that have nothing to do with each other. Changes that share no
    agent are left out, unless what is left breaks a limit, a site's say, or gains less.
    """
    changed = np.flatnonzero(before != again.agent)
    waiting = problem.num_agents + np.arange(len(changed))  # a place of its own for each
    ends = [np.where(a < 0, waiting, a) for a in (before[changed], again.agent[changed])]
    size = problem.num_agents + len(changed)
    shared = csr_array((np.ones(len(changed)), ends), shape=(size, size))
    part = connected_components(shared, directed=False)[1][ends[1]]
    near = changed[part == part[changed == contact]]
    plan = before.copy()
    plan[near] = again.agent[near]
    if violations(problem, plan) or assignment_gain(problem, plan) < again.gain:
        near, plan = changed, again.agent
    order = np.append(contact, near[near != contact])
    moves = tuple(Move(int(i), int(before[i]), int(plan[i])) for i in order)
    return moves, assignment_gain(problem, plan)


def _limit_by_prices(
    problem: AssignmentProblem, solution: Solution, contact: int, to_agent: int
) -> int:
    bound = upper_bound(problem, solution.prices)
    return bound - reduced_loss(problem, solution, contact, to_agent)


def _limit_by_rents(
    problem: AssignmentProblem, solution: Solution, rents: Ints, contact: int, to_agent: int
) -> int:
    site = solution.prices.site
    everyone = np.arange(problem.num_contacts)
    alone = restricted(problem, everyone, np.full(len(everyone), to_agent))
    # So large a prize that the agent's best mix takes the contact if any of them can.
    prize = int(np.abs(alone.pairs.gain).sum() + rents.sum() + site.sum()) + 1
    wanted = rents.copy()
    wanted[contact] -= prize
    best = int(best_mixes(alone, rents, site)[to_agent])
    forced = int(best_mixes(alone, wanted, site)[to_agent]) - prize
    return configuration_bound(problem, rents, site) - (best - forced)
