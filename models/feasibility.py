"""Whether an assignment keeps every limit of its problem, whoever made it."""

import numpy as np

from models.problem import NOBODY, AssignmentProblem, Ints, Positions
from models.solution import counts_by_agent


def counts_by_lane(problem: AssignmentProblem, agent: Positions) -> Ints:
    """New contacts per agent and lane, shape (A, L)."""
    served = np.flatnonzero(agent != NOBODY)
    place = agent[served].astype(np.int64) * problem.num_lanes + problem.contact_lane[served]
    counts = np.bincount(place, minlength=problem.num_agents * problem.num_lanes)
    return counts.reshape(problem.num_agents, problem.num_lanes).astype(np.int64)


def violations(problem: AssignmentProblem, agent: Positions) -> tuple[str, ...]:
    """What is wrong with an assignment (C,), one sentence per broken limit; empty if it is valid.

    Eligibility is looked up among the listed pairs.
    """
    if agent.shape != (problem.num_contacts,):
        return (f"{len(agent)} contacts are named, expected {problem.num_contacts}",)
    served = np.flatnonzero(agent != NOBODY)
    chosen = agent[served].astype(np.int64)
    if ((chosen < 0) | (chosen >= problem.num_agents)).any():
        return ("a contact has an agent that does not exist",)
    pairs, width = problem.pairs, max(problem.num_agents, 1)
    keys = pairs.contact.astype(np.int64) * width + pairs.agent
    place = np.searchsorted(keys, served * width + chosen)
    strangers = np.append(keys, -1)[place] != served * width + chosen
    found = [(int(strangers.sum()), "contacts have an agent they are not eligible for")]

    by_lane, by_agent = counts_by_lane(problem, agent), counts_by_agent(problem, agent)
    found.append((int((by_lane > problem.lane_cap).sum()), "lanes hold more than their cap"))
    found.append((int((by_agent > problem.agent_cap).sum()), "agents hold more than their cap"))
    capped = problem.agent_site != NOBODY
    by_site = np.zeros(len(problem.site_cap), dtype=np.int64)
    np.add.at(by_site, problem.agent_site[capped], by_agent[capped])
    found.append((int((by_site > problem.site_cap).sum()), "sites hold more than their cap"))

    mixes = problem.all_mixes
    of = np.repeat(np.arange(problem.num_agents), np.diff(mixes.start))
    fits = (by_lane[of] <= mixes.count).all(axis=1)
    misfits = ~np.logical_or.reduceat(fits, mixes.start[:-1]) if len(of) else fits
    found.append((int(misfits.sum()), "agents hold what fits none of their mixes"))
    if problem.units is not None and not strangers.any():
        used = np.zeros(problem.num_agents, dtype=np.int64)
        np.add.at(used, chosen, problem.units.of_pair[place])
        found.append((int((used > problem.units.cap).sum()), "agents hold too many units"))
    return tuple(f"{number} {what}" for number, what in found if number)
