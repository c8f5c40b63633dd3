"""What form a problem has, read from its classes: how many pairs, and which caps can bind."""

from dataclasses import replace

import numpy as np

from models.problem import LARGEST_GAIN, NO_TIER, NOBODY, AssignmentProblem
from solver.flat import members_of

LISTED_PAIRS = 300_000
"""Up to here pairs are listed: one flow over them is exact in a fraction of a second."""


def count_pairs(problem: AssignmentProblem) -> int:
    """Pairs of the class form, without listing them; bans and `only_agent` are not taken off."""
    return int(np.diff(problem.class_ptr)[problem.contact_class].sum())


def is_network(problem: AssignmentProblem) -> bool:
    """Whether all capacities nest, so that one flow is exact; tiers aside."""
    return problem.mixes is None and problem.units is None


def choose(problem: AssignmentProblem) -> str:
    """The backend for problems of this form and size.

    Pair units: units. Agents who choose between mixes: mixes. Networks: flow while pairs can be
    listed, auction where only agents bind, else mixes, which needs no list either.
    """
    if problem.units is not None:
        return "units"
    if is_network(problem) and count_pairs(problem) <= LISTED_PAIRS:
        return "flow"
    return "auction" if only_agents_bind(problem) else "mixes"


def folded(problem: AssignmentProblem) -> AssignmentProblem:
    """The problem in its simplest form: no tiers that nobody is in, and mixes as lane caps where
    no agent has a choice of them.
    """
    if problem.tier is not None and (problem.tier == NO_TIER).all():
        problem = replace(problem, tier=None)
    mixes = problem.mixes
    if mixes is None or len(mixes.count) != problem.num_agents:
        return problem
    return replace(problem, lane_cap=mixes.count, mixes=None)


def only_agents_bind(problem: AssignmentProblem) -> bool:
    """Whether no lane and no site can be full before its agents are, and load costs are small.

    Then the slots of an agent are alike but for their load cost, which is what the auction needs.
    """
    return (
        is_network(problem)
        and int(problem.load_cost.max(initial=0)) <= LARGEST_GAIN
        and not _a_lane_binds(problem)
        and not a_site_binds(problem)
    )


def _a_lane_binds(problem: AssignmentProblem) -> bool:
    lanes = max(problem.num_lanes, 1)
    kinds = np.unique(problem.contact_class.astype(np.int64) * lanes + problem.contact_lane)
    kind, agent = members_of(problem, kinds // lanes)
    lane = (kinds % lanes)[kind]
    return bool((problem.lane_cap[agent, lane] < problem.agent_cap[agent]).any())


def a_site_binds(problem: AssignmentProblem) -> bool:
    """Whether a site could be full before its agents are."""
    capped = problem.agent_site != NOBODY
    room = np.zeros(len(problem.site_cap), dtype=np.int64)
    cap = np.minimum(problem.agent_cap, problem.num_contacts)
    np.add.at(room, problem.agent_site[capped], cap[capped])
    return bool((room > problem.site_cap).any())
