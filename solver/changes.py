"""What a plan with a forced pair really changes against the plan before it."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from models.feasibility import violations
from models.problem import AssignmentProblem, Ints, Positions
from models.solution import Solution, Termination, served_by_tier
from solver.backend import assignment_gain
from solver.forced import Move


def changes_between(
    problem: AssignmentProblem, first: Solution, again: Solution, contact: int
) -> tuple[Positions, tuple[Move, ...]]:
    """The plan with the pair, and what it changes.

    Two plans may differ in places that have nothing to do with each other. Those changes are
    undone, unless what is left breaks a limit, a site's say: to an optimal plan they add nothing,
    and what they add to another one is not about the pair. Should they add to an optimal one, they
    had to do with the pair after all, by way of units for instance.
    """
    before = first.agent
    changed = np.flatnonzero(before != again.agent)
    part = _connected(problem, changed, before, again.agent)
    near = changed[part == part[changed == contact]]
    plan = before.copy()
    plan[near] = again.agent[near]
    optimal = first.termination is Termination.OPTIMAL
    torn = optimal and _worth(problem, plan) < _worth(problem, again.agent)
    if torn or violations(problem, plan):
        near, plan = changed, again.agent
    order = np.append(contact, near[near != contact])
    moves = tuple(Move(int(i), int(before[i]), int(plan[i])) for i in order)
    return plan, moves


def _worth(problem: AssignmentProblem, agent: Positions) -> tuple[tuple[int, ...], int]:
    return served_by_tier(problem, agent), assignment_gain(problem, agent)


def _connected(
    problem: AssignmentProblem, changed: Ints, before: Positions, after: Positions
) -> Ints:
    """Which changes must go together, as the number of their part, one for each of `changed`.

    Who enters a lane takes the slot of somebody who leaves it. Where the numbers differ an agent
    takes others in number or kind, and all changes there that have no partner go together.
    """
    lanes, size = max(problem.num_lanes, 1), len(changed)
    lane = problem.contact_lane[changed]
    places = [end[changed].astype(np.int64) * lanes + lane for end in (before, after)]
    num_places = problem.num_agents * lanes
    left, entered = (np.bincount(place[place >= 0], minlength=num_places) for place in places)
    partners = np.minimum(left, entered)
    ends = []
    for place in places:
        at = np.flatnonzero(place >= 0)
        nth = _place_in_group(place[at])
        slot = problem.num_agents + place[at] * size + nth
        ends.append((at, np.where(nth < partners[place[at]], slot, place[at] // lanes)))
    change = np.concatenate([at for at, _ in ends])
    link = np.unique(np.concatenate([links for _, links in ends]), return_inverse=True)[1]
    nodes = size + len(link)
    shared = csr_array((np.ones(len(link)), (change, size + link)), shape=(nodes, nodes))
    parts: Ints = connected_components(shared, directed=False)[1][:size]
    return parts


def _place_in_group(group: Ints) -> Ints:
    """How many equal entries stand before each entry."""
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], group[order])
    place = np.empty_like(group)
    place[order] = np.arange(len(group)) - first
    return place
