"""What a forced pair would cost any plan, as exactly as the plan itself is known.

For an optimal network plan `solver/forced.py` knows. For any plan with a valid bound, optimal or
not, with mixes or not, the bound still limits every plan that contains a pair:

    gain of any plan with (i, j) <= D - (rent[i] + price of i's lane at j - gain(i, j))

and, from rents, D less what j's best mix loses when it must hold i. Where that says too little,
the problem is solved again with the pair in it.
"""

from dataclasses import dataclass, replace

import numpy as np

from models.bound import best_mixes, configuration_bound, path_prices, upper_bound
from models.feasibility import counts_by_lane
from models.lifted import largest_gain, lifted, only_contacts
from models.problem import NO_TIER, AssignmentProblem, Ints, Mixes, PairUnits, Positions
from models.solution import Solution, SolveOptions, Termination, served_by_tier
from solver.backend import BackendError, assignment_gain
from solver.changes import changes_between
from solver.forced import Move, build_exchanges, forced_pair
from solver.form import folded, is_network
from solver.rows import restricted
from solver.slots import with_one_fewer
from solver.solve import Solver
from solver.tier_levels import check_weight, tier_levels


@dataclass(frozen=True)
class ForcedLoss:
    """What forcing a pair into a plan would cost; both ends are equal where that is proven."""

    at_least: int | None
    """Milli-units; negative where the bound leaves room for a better plan with the pair, or where
    fewer are served of a tier; None where nothing is known.
    """
    at_most: int
    """Milli-units, what the moves lose."""
    moves: tuple[Move, ...]
    """The forced contact first, then who else changes."""
    fewer_served: tuple[int, ...] = ()
    """By tier, how many contacts fewer the moves leave served; comes before money."""

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
    eligible; a tiered problem takes a solver that knows tiers. Raises BackendError if the plan
    found disproves a bound.
    """
    network = folded(problem)
    if is_network(network) and solution.termination is Termination.OPTIMAL:
        weighted = _in_one_currency(network)
        forced = forced_pair(build_exchanges(weighted, solution.agent), contact, to_agent)
        if forced is None:
            return None
        loss = solution.gain - assignment_gain(problem, forced.agent)
        return ForcedLoss(loss, loss, forced.moves, _fewer(problem, solution.agent, forced.agent))
    least = None if _has_tiers(problem) else least_loss(problem, solution, contact, to_agent)
    if solution.agent[contact] == to_agent:
        return ForcedLoss(None if least is None else min(least, 0), 0, ())
    optimal = solution.termination is Termination.OPTIMAL
    kept = _with_mixes_kept(problem, solution.agent, contact, to_agent, options, solver)
    again = None
    if optimal or not kept:
        again = best_with_pair(problem, contact, to_agent, options, solver)
    found = kept if again is None else [*kept, again]
    if not found:
        return None
    # Of plans worth the same the first: the others keep their mixes in it, so it changes least.
    best = max(found, key=lambda plan: (plan.served, plan.gain))
    plan, moves = changes_between(problem, solution, best, contact)
    loss = solution.gain - assignment_gain(problem, plan)
    if least is not None:
        _check_bounds(solution.gain - loss, solution, again)
    if least is not None and again is not None:
        least = max(least, solution.gain - again.bound)
    elif optimal and again is not None and again.termination is Termination.OPTIMAL:
        least = loss
    return ForcedLoss(least, loss, moves, _fewer(problem, solution.agent, plan))


def least_loss(problem: AssignmentProblem, solution: Solution, contact: int, to_agent: int) -> int:
    """Milli-units that the plan gains more, at least, than any plan with the pair.

    Negative where the bound leaves room for a better plan that contains it. Raises ValueError for
    a tiered problem, whose bound does not hold for all plans.
    """
    if _has_tiers(problem):
        raise ValueError(
            "least loss: the problem has tiers, whose bound holds for some plans only; expected a"
            " problem of money alone: ask for the loss of the pair instead"
        )
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
    """The best plan with the pair, found by solving again; None where the agent has no slot.

    The contact takes its slot for good, and the others are assigned to what is left. Gain, bound
    and counts are those of all; prices and rents do not know the contact. The pair must be
    eligible.
    """
    taken = with_one_fewer(problem, to_agent, int(problem.contact_lane[contact]))
    pairs = problem.pairs
    mine = pairs.contact == contact
    pair = np.flatnonzero(mine & (pairs.agent == to_agent))[0]
    units = problem.units
    if units is not None:
        cap = units.cap.copy()
        cap[to_agent] -= units.of_pair[pair]
        if cap[to_agent] < 0:
            return None
        units = PairUnits(units.of_pair[~mine], cap)
    if taken is None:
        return None
    left, cost = taken
    others = replace(
        left,
        banned_contact=np.append(left.banned_contact, pairs.contact[mine]).astype(np.int32),
        banned_agent=np.append(left.banned_agent, pairs.agent[mine]).astype(np.int32),
        units=units,
    )
    found = solver(others, options, None)
    agent = found.agent.copy()
    agent[contact] = to_agent
    brings = int(pairs.gain[pair]) - cost
    return replace(
        found,
        agent=agent,
        gain=found.gain + brings,
        bound=found.bound + brings,
        served=served_by_tier(problem, agent),
        baseline=0,
    )


def _with_mixes_kept(
    problem: AssignmentProblem,
    plan: Positions,
    contact: int,
    to_agent: int,
    options: SolveOptions,
    solver: Solver,
) -> list[Solution]:
    """The best plans with the pair in which all other agents keep the mix that they use.

    One for each mix of the agent with room for the contact; their bounds hold for those alone.
    """
    if problem.mixes is None:
        return []
    mixes, lane = problem.mixes, problem.contact_lane[contact]
    of = np.repeat(np.arange(problem.num_agents), np.diff(mixes.start))
    fits = np.flatnonzero((counts_by_lane(problem, plan)[of] <= mixes.count).all(axis=1))
    used = fits[np.unique(of[fits], return_index=True)[1]]
    one_each = np.arange(problem.num_agents + 1)
    found = []
    for row in np.flatnonzero((of == to_agent) & (mixes.count[:, lane] > 0)):
        rows = np.where(one_each[:-1] == to_agent, row, used)
        narrower = replace(problem, mixes=Mixes(one_each, mixes.count[rows]))
        found.append(best_with_pair(narrower, contact, to_agent, options, solver))
    return [answer for answer in found if answer is not None]


def _in_one_currency(problem: AssignmentProblem) -> AssignmentProblem:
    """The plain problem whose gains hold a weight for each tier that no money outweighs.

    A proven plan in tiers is optimal there, and so is the best plan with a pair. Raises
    OverflowError if the weights do not fit.
    """
    level = tier_levels(problem)
    if not level.any():
        return replace(problem, tier=None)
    swing = 2 * largest_gain(problem) + int(problem.load_cost.max(initial=0))
    weight = int(2 ** (problem.num_contacts * swing).bit_length())
    check_weight(problem, level, weight)
    return lifted(problem, weight * level)


def _fewer(problem: AssignmentProblem, before: Positions, after: Positions) -> tuple[int, ...]:
    served = zip(served_by_tier(problem, before), served_by_tier(problem, after), strict=True)
    return tuple(had - has for had, has in served)


def _has_tiers(problem: AssignmentProblem) -> bool:
    return problem.tier is not None and bool((problem.tier != NO_TIER).any())


def _check_bounds(gain: int, *claims: Solution | None) -> None:
    """Raise BackendError if a plan gains more than a bound that holds for it."""
    for claim in claims:
        if claim is not None and gain > claim.bound:
            raise BackendError(
                claim.backend,
                f"a plan that gains {gain} exists, but its bound is {claim.bound}",
                "a bound that no plan exceeds",
                "this is a defect, keep the batch and report it",
            )


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
