"""What one more and one fewer slot of an agent's lane would be worth (`methods.md` 7).

A slot is a unit of every cap from the lane to the sink. One more comes free of load cost; a lane
that cannot bind before its agent gets it together with the agent's other such lanes. One fewer is
what somebody loses us who sits down in it. In an optimal network plan these are the ends of the
lattice of prices, all from two searches. Otherwise the problem is solved again with a slot more or
less, and what is not proven is an interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.bound import path_prices
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Ints, Mixes, Positions
from models.solution import Solution, SolveOptions, Termination, step_costs
from solver.flat import starts_of
from solver.form import folded, is_network
from solver.potentials import largest_prices, smallest_prices
from solver.solve import Solver
from solver.tree import build_tree

NO_SLOT = -1
"""Loss of one fewer slot where there is none to lose."""


@dataclass(frozen=True, eq=False)
class SlotValues:
    """The worth of every slot in an optimal plan, milli-units, both >= 0."""

    one_more: Ints
    """(A, L) exact gain."""
    one_fewer: Ints
    """(A, L) exact loss; NO_SLOT where lane, agent or site have no slot."""


@dataclass(frozen=True)
class Worth:
    """An amount in milli-units, exact where both ends are equal."""

    at_least: int
    at_most: int


@dataclass(frozen=True)
class LaneWorth:
    """What a slot more or less of one lane of one agent would be worth."""

    lane: int
    slots: int
    one_more: Worth
    one_fewer: Worth | None
    """None where there is no slot to lose."""


def slot_values(problem: AssignmentProblem, agent: Positions) -> SlotValues:
    """The worth of one more and of one fewer slot of every lane, for an optimal network plan.

    Raises NotOptimalError when the plan is not optimal, ValueError when it is not valid.
    """
    tree = build_tree(problem)
    least = path_prices(problem, smallest_prices(problem, agent, tree))
    most = path_prices(problem, largest_prices(problem, agent, tree))
    return SlotValues(least, np.where(_slots(problem) > 0, most, NO_SLOT))


def lanes_of_agent(
    problem: AssignmentProblem,
    solution: Solution,
    agent: int,
    lanes: Sequence[int],
    options: SolveOptions,
    solver: Solver,
) -> tuple[LaneWorth, ...]:
    """The worth of a slot more and less of each of these lanes of one agent.

    Raises ValueError for a tiered problem, where a slot is not worth money alone.
    """
    if problem.tier is not None and (problem.tier != NO_TIER).any():
        raise ValueError(
            "slots: the problem has tiers, in which a slot may serve one contact more instead of"
            " gaining money; expected a problem of money alone"
        )
    network, slots = folded(problem), _slots(problem)[agent].tolist()
    if is_network(network) and solution.termination is Termination.OPTIMAL:
        values = slot_values(network, solution.agent)
        more, fewer = values.one_more[agent].tolist(), values.one_fewer[agent].tolist()
        return tuple(
            LaneWorth(
                lane,
                slots[lane],
                Worth(more[lane], more[lane]),
                None if fewer[lane] == NO_SLOT else Worth(fewer[lane], fewer[lane]),
            )
            for lane in lanes
        )
    return tuple(
        LaneWorth(
            lane,
            slots[lane],
            _worth_of_more(problem, solution, agent, lane, options, solver),
            _worth_of_fewer(problem, solution, agent, lane, options, solver),
        )
        for lane in lanes
    )


def with_one_more(problem: AssignmentProblem, agent: int, lane: int) -> AssignmentProblem:
    """The problem with a slot more on the way from that lane, free of load cost.

    With mixes, each mix of the agent gets it.
    """
    here = np.arange(problem.num_agents) == agent
    binds = build_tree(problem).entry[agent] != agent if problem.mixes is None else True
    lanes = (np.arange(problem.num_lanes) == lane) | ~np.broadcast_to(binds, problem.num_lanes)
    dear = step_costs(problem, problem.load_cost.shape[1] + 1)
    free_first = np.column_stack([np.zeros_like(problem.agent_cap), problem.load_cost])
    return replace(
        problem,
        lane_cap=problem.lane_cap + np.outer(here, lanes),
        agent_cap=problem.agent_cap + here,
        load_cost=np.where(here[:, None], free_first, dear),
        site_cap=problem.site_cap + _at_site(problem, agent),
        mixes=_changed_mixes(problem, agent, lane, 1),
    )


def with_one_fewer(
    problem: AssignmentProblem, agent: int, lane: int
) -> tuple[AssignmentProblem, int] | None:
    """The problem while somebody holds a slot of that lane, and the load cost of holding it.

    None where there is no slot. With mixes, those without such a slot are out.
    """
    if _slots(problem)[agent, lane] <= 0:
        return None
    here = np.arange(problem.num_agents) == agent
    steps = step_costs(problem, problem.load_cost.shape[1] + 1)
    later = np.column_stack([problem.load_cost, steps[:, -1]])[:, 1:]
    left = replace(
        problem,
        lane_cap=problem.lane_cap - np.outer(here, np.arange(problem.num_lanes) == lane),
        agent_cap=problem.agent_cap - here,
        load_cost=np.where(here[:, None], later, problem.load_cost),
        site_cap=problem.site_cap - _at_site(problem, agent),
        mixes=_changed_mixes(problem, agent, lane, -1),
    )
    return left, int(steps[agent, 0])


def _worth_of_more(
    problem: AssignmentProblem,
    plan: Solution,
    agent: int,
    lane: int,
    options: SolveOptions,
    solver: Solver,
) -> Worth:
    found = solver(with_one_more(problem, agent, lane), options, None)
    return Worth(max(found.gain - plan.bound, 0), max(found.bound - plan.gain, 0))


def _worth_of_fewer(
    problem: AssignmentProblem,
    plan: Solution,
    agent: int,
    lane: int,
    options: SolveOptions,
    solver: Solver,
) -> Worth | None:
    fewer = with_one_fewer(problem, agent, lane)
    if fewer is None:
        return None
    left, cost = fewer
    found = solver(left, options, None)
    return Worth(max(plan.gain - found.bound + cost, 0), plan.bound - found.gain + cost)


def _slots(problem: AssignmentProblem) -> Ints:
    """Slots of each lane as far as its agent and site go, (A, L)."""
    mixes = problem.all_mixes
    empty = np.zeros((0, problem.num_lanes), dtype=np.int64)
    by_mix = np.maximum.reduceat(mixes.count, mixes.start[:-1]) if len(mixes.count) else empty
    room = np.append(problem.site_cap, problem.num_contacts + 1)[problem.agent_site]
    slots: Ints = np.minimum(by_mix, np.minimum(problem.agent_cap, room)[:, None])
    return slots


def _at_site(problem: AssignmentProblem, agent: int) -> Ints:
    units = np.zeros(len(problem.site_cap), dtype=np.int64)
    if problem.agent_site[agent] != NOBODY:
        units[problem.agent_site[agent]] = 1
    return units


def _changed_mixes(problem: AssignmentProblem, agent: int, lane: int, by: int) -> Mixes | None:
    """The agent's mixes with that many slots more in the lane, without those that then lack."""
    if problem.mixes is None:
        return None
    of = np.repeat(np.arange(problem.num_agents), np.diff(problem.mixes.start))
    count = problem.mixes.count.copy()
    count[of == agent, lane] += by
    keep = count[:, lane] >= 0
    return Mixes(starts_of(of[keep], problem.num_agents), count[keep])
