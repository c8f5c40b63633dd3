"""Several items of unequal size per agent: mixes, near-exact with a proven gap (`engine.md` 3).

Rents of the contacts are lowered until what all agents would earn at them is a tight bound; the
mixes that agents then choose most are the start of a search that changes one agent's mix at a time
with an auction in the loop; with the best mixes fixed the rest is a network and solved as such. On
small problems CP-SAT closes the gap. Where no agent has a choice, nodes of agent and lane are a
network from the beginning, and the auction alone proves the optimum.
"""

from dataclasses import replace
from time import monotonic

import numpy as np

from models.bound import configuration_bound, no_prices, path_prices
from models.feasibility import violations
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Ints, Positions, Prices
from models.solution import Hint, Limit, Proof, Solution, SolveOptions, Termination
from solver.backend import BackendError, Clock
from solver.backends import auction
from solver.backends.mix_run import MixRun
from solver.claim import check_gains, gain_by_class, rents_by_class
from solver.form import LISTED_PAIRS, count_pairs
from solver.mix_bound import bound_of_rents
from solver.mix_form import MixForm, build_form
from solver.rows import restricted

NAME = "mixes"


def handles(problem: AssignmentProblem) -> bool:
    """Whether this backend can solve the problem: pairs without units of their own, no tiers."""
    return problem.units is None and (
        problem.tier is None or bool((problem.tier == NO_TIER).all())
    )


def solve(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """The best plan by the deadline or the gap target with a proven bound over all pairs.

    Raises BackendError for a problem that it does not handle, OverflowError for gains too large.
    """
    begun = clock()
    if not handles(problem):
        raise BackendError(
            NAME,
            "pairs of this problem have units of their own, or contacts have tiers",
            "mixes at most",
            "use units for the former and solve tier by tier for the latter",
        )
    form = build_form(problem)
    check_gains(form.network, form.rows)
    if len(form.rows.entry_agent) == 0:
        return _nothing(problem)
    if form.one_mix_each and not form.sites_bind:
        return _as_network(form, options, hint, clock)
    run = MixRun(form, options, hint, clock, begun)
    limit = run.to_the_end()
    optimal = run.bound == run.gain
    _check_plan(problem, run.agent, run.gain)
    if run.proof is Proof.RENTS and count_pairs(problem) <= LISTED_PAIRS:
        _check_bound(problem, run.proven.rents, run.prices, run.bound)
    return Solution(
        agent=run.agent,
        gain=run.gain,
        bound=run.bound,
        prices=run.prices,
        termination=Termination.OPTIMAL if optimal else Termination.FEASIBLE,
        limit=None if optimal else limit,
        backend=NAME,
        proof=run.proof,
        rents=run.proven.rents,
    )


def _nothing(problem: AssignmentProblem) -> Solution:
    """Nobody may take anything: no gain, and no rents prove it."""
    return Solution(
        agent=np.full(problem.num_contacts, NOBODY, dtype=np.int32),
        gain=0,
        bound=0,
        prices=no_prices(problem),
        termination=Termination.OPTIMAL,
        limit=None,
        backend=NAME,
        proof=Proof.RENTS,
        rents=np.zeros(problem.num_contacts, dtype=np.int64),
    )


def _as_network(form: MixForm, options: SolveOptions, hint: Hint | None, clock: Clock) -> Solution:
    """The auction over the nodes, whose prices are rents of the contacts and prices of lanes."""
    problem, known = form.problem, None
    if hint is not None and hint.prices is not None:
        path = path_prices(problem, hint.prices)[form.node_agent, form.node_lane]
        known = Hint(replace(no_prices(form.network), agent=path))
    network = form.with_slots(form.open_slots(form.mix_start[:-1]))
    found = auction.solve(network, options, known, clock)
    lane = np.zeros(problem.lane_cap.shape, dtype=np.int64)
    lane[form.node_agent, form.node_lane] = found.prices.agent
    at_entries = found.prices.agent[form.rows.entry_agent].astype(np.float64)
    rents = np.zeros(problem.num_contacts, dtype=np.int64)
    rents[form.rows.contact] = rents_by_class(form.rows, at_entries).astype(np.int64)
    bound = bound_of_rents(form, rents, np.zeros(len(problem.site_cap), dtype=np.int64))
    agent = form.agent_at(found.agent)
    _check_plan(problem, agent, found.gain)
    optimal = bound == found.gain
    return replace(
        found,
        agent=agent,
        bound=bound,
        prices=replace(no_prices(problem), lane=lane),
        termination=Termination.OPTIMAL if optimal else Termination.FEASIBLE,
        limit=None if optimal else found.limit or Limit.METHOD,
        backend=NAME,
        proof=Proof.RENTS,
        rents=rents,
    )


def _check_bound(problem: AssignmentProblem, rents: Ints, prices: Prices, bound: int) -> None:
    """Raise BackendError unless the rents prove the bound by the definition, pair by pair."""
    found = configuration_bound(problem, rents, prices.site)
    if found > bound:
        raise BackendError(
            NAME,
            f"a bound of {bound} was counted, but the rents prove {found}",
            "the bound that the rents prove",
            "this is a defect, keep the batch and report it",
        )


def _check_plan(problem: AssignmentProblem, agent: Positions, gain: int) -> None:
    """Raise BackendError unless the plan keeps every limit and has this gain."""
    served = np.flatnonzero(agent != NOBODY)
    chosen = restricted(problem, served, agent[served].astype(np.int64))
    broken = violations(chosen, agent)
    found = 0 if broken else gain_by_class(problem, agent)
    if broken or found != gain:
        raise BackendError(
            NAME,
            "; ".join(broken) or f"the gain was counted as {gain}, but is {found}",
            "a valid plan of the gain stated",
            "this is a defect, keep the batch and report it",
        )
