"""The last stretch with the mixes fixed: what is left is a network (`engine.md` 3.4).

Where only slots bind, the auction over all pairs settles it with a small epsilon. Where site caps
or load costs do, OR-Tools' min-cost flow over the graph of pairs worth a thought keeps them
exactly.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from models.problem import NOBODY, AssignmentProblem, Floats, Ints, Positions
from models.solution import SolveOptions
from solver.auction import STEP_BACK, Auction
from solver.backends import flow
from solver.mix_bound_kernels import Graph
from solver.mix_form import MixForm
from solver.mix_survey import pairs_of
from solver.rows import restricted

COARSE, FINE, DIVISOR = 0.01, 1e-4, 6.0
"""First and last epsilon in mean gains, and what lies between two phases."""

FLOW_PAIRS = 250_000
"""That the flow looks at, those nearest to paying; it then takes seconds at most."""

SECONDS_A_PAIR = 1e-5
"""Of the flow with its certificate, generously."""


def settled_by_auction(
    form: MixForm, mix: Ints, price: Floats, unit: float, is_late: Callable[[], bool]
) -> Positions:
    """Agent of each contact when the slots of these mixes (A,) are sold at auction to the end.

    Starts from prices (N,) near those wanted; `unit` is the mean gain of a served contact.
    """
    auction = Auction(form.with_slots(form.open_slots(mix)), form.rows)
    eps = COARSE * unit
    stand = auction.phase(eps, price - STEP_BACK * eps, is_late)
    while eps > FINE * unit and not is_late():
        eps /= DIVISOR
        later = auction.phase(eps, stand.price - STEP_BACK * eps, is_late)
        stand = later if later.gain > stand.gain else stand
        if not later.completed:
            break
    return form.agent_at(stand.agent)


def settled_by_flow(
    form: MixForm, mix: Ints, graph: Graph, price: Floats, rent: Floats
) -> Positions:
    """Agent of each contact in the best plan with these mixes (A,) over the pairs of the graph
    that are nearest to paying at these prices (N,) and rents (C,).
    """
    problem = with_mixes_fixed(form, mix)
    node, contact, gain = pairs_of(graph)
    is_open = form.open_slots(mix)[node] > 0
    node, contact, gain = node[is_open], contact[is_open], gain[is_open]
    if len(gain) > FLOW_PAIRS:
        short = price[node] + rent[contact] - gain
        near = np.argpartition(short, FLOW_PAIRS)[:FLOW_PAIRS]
        node, contact = node[near], contact[near]
    pairs = restricted(problem, form.rows.contact[contact], form.node_agent[node])
    return flow.solve(pairs, SolveOptions(), None).agent


def with_mixes_fixed(form: MixForm, mix: Ints) -> AssignmentProblem:
    """The problem in which every agent has only the mix chosen: a network."""
    return replace(form.problem, mixes=None, lane_cap=form.whole_mixes(mix))


def within_sites(problem: AssignmentProblem, agent: Positions) -> Positions:
    """The plan without the contacts that gain least where a site holds more than its cap."""
    served = np.flatnonzero(agent != NOBODY)
    site = problem.agent_site[agent[served]]
    served, site = served[site != NOBODY], site[site != NOBODY]
    # Eligible pairs of a valid plan are listed one a contact, in the order of the contacts.
    gain = restricted(problem, served, agent[served].astype(np.int64)).pairs.gain
    order = np.lexsort((-gain, site))
    first = np.searchsorted(site[order], np.arange(len(problem.site_cap)))
    place = np.arange(len(order)) - first[site[order]]
    kept = agent.copy()
    kept[served[order[place >= problem.site_cap[site[order]]]]] = NOBODY
    return kept
