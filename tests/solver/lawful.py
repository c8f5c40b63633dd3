"""What must hold of every plan that a tick may get, however little time there was for it."""

from dataclasses import replace

import numpy as np

from benchmarks.small_instances import Family, draw_problem
from models.feasibility import violations
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Positions
from models.solution import Solution, SolveOptions, served_by_tier, step_costs, total_load_cost
from solver.baseline import solve_baseline
from solver.claim import gain_by_class
from solver.filling import filled


def drawn_in_tiers(family: Family, seed: int) -> AssignmentProblem:
    """A small problem in which about half of the contacts have one of three tiers."""
    problem = draw_problem(family, seed)
    draw = np.random.default_rng(seed)
    tier = draw.integers(0, 3, problem.num_contacts)
    has_one = draw.random(problem.num_contacts) < 0.6
    has_one[0] = True
    return replace(problem, tier=np.where(has_one, tier, NO_TIER).astype(np.int32))


def left_waiting(problem: AssignmentProblem, agent: Positions) -> list[tuple[int, int]]:
    """Contacts and agents that could be added to the plan one by one, and would pay for it."""
    free, pairs = replace(problem, tier=None), problem.pairs
    tiered = np.zeros(len(agent), bool) if problem.tier is None else problem.tier != NO_TIER
    taken = np.bincount(agent[agent != NOBODY], minlength=problem.num_agents)
    next_step = step_costs(problem, int(taken.max(initial=0)) + 1)[range(len(taken)), taken]
    pays = tiered[pairs.contact] | (pairs.gain > next_step[pairs.agent])
    has_room = (taken < problem.agent_cap)[pairs.agent]
    found = []
    for pair in np.flatnonzero(pays & has_room & (agent[pairs.contact] == NOBODY)).tolist():
        added = agent.copy()
        added[pairs.contact[pair]] = pairs.agent[pair]
        if not violations(free, added):
            found.append((int(pairs.contact[pair]), int(pairs.agent[pair])))
    return found


def assert_lawful(problem: AssignmentProblem, found: Solution) -> None:
    """A valid plan that is what it claims, at least the greedy one, with nobody left to add.

    Nor does it gain less than greed would, if those of tiers were where they are.
    """
    assert not violations(problem, found.agent)
    pairs = problem.pairs
    chosen = pairs.agent == found.agent[pairs.contact]
    cost = total_load_cost(problem, found.agent)
    assert found.gain == int(pairs.gain[chosen].sum()) - cost <= found.bound
    assert found.served == served_by_tier(problem, found.agent)
    greedy = solve_baseline(problem, SolveOptions(), None)
    assert (found.served, found.gain) >= (greedy.served, greedy.gain)
    assert left_waiting(problem, found.agent) == []
    if problem.tier is not None and problem.units is None:
        tiers = np.where(problem.tier == NO_TIER, NOBODY, found.agent)
        greedily = gain_by_class(problem, filled(problem, tiers))
        assert found.gain >= greedily
