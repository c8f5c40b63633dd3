"""Exact at any size without a list of pairs: auction over class rows (`engine.md` 2).

For problems in which only the agents' own caps bind, with their load costs. The auction runs with
smaller and smaller epsilons until gain and bound, both whole numbers over all pairs, meet, the gap
target is reached or time is up. What little it leaves open is finished by the min-cost flow over
the pairs that could still matter.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np

from models.bound import no_prices
from models.problem import NOBODY, AssignmentProblem, Floats, Ints, Positions, Prices
from models.solution import Hint, Limit, Solution, SolveOptions, Termination
from solver.auction import FIRST_EPS, STEP_BACK, Auction, Stand, whole_prices
from solver.backend import BackendError, Clock
from solver.backends.finish import finished_by_flow
from solver.claim import bound_by_class, check_gains, gain_by_class
from solver.form import count_pairs, only_agents_bind
from solver.rows import build_rows
from solver.rows_kernels import Rows

NAME = "auction"

DIVISOR = 6.0
"""Of epsilon from phase to phase."""

LEAST_DIVISOR = 1.5
"""And where a phase came short of the gap wanted."""

USUAL_SHARE = 0.36
"""Gap that a phase leaves, as a share of epsilon times contacts served: bids come out closer."""

SAFELY = 0.9
"""The next phase aims at this part of the gap wanted, going by the share of the last one."""

WARM_START = 30.0
"""The first epsilon of a warm start is so much smaller than that of a cold one."""

WARM_WORK = 20
"""Pairs that the first phase of a warm start may look at, times all pairs; prices of another
centre would keep it longer than a cold start takes.
"""

WORTH_A_LOOK = 20.0
"""The bound is worked out once epsilon times contacts served is so many times the gap wanted."""

KEPT_BACK = 0.1
"""Share of the deadline kept for what follows the last phase."""

CLOSING = 2.0
"""What follows it, bounds and checks over all pairs, takes at most so many times as long as what
came before the first, the layout and a look at all pairs.
"""


@dataclass(frozen=True, eq=False)
class _Best:
    """The best plan and the best bound so far; they need not be of one phase."""

    agent: Positions
    gain: int
    price: Ints
    """(A,) whole, 0 where there is no slot."""
    bound: int

    def with_plan(self, stand: Stand) -> "_Best":
        if stand.gain <= self.gain:
            return self
        return replace(self, agent=stand.agent, gain=stand.gain)

    def with_prices(self, auction: Auction, price: Ints) -> "_Best":
        bound = auction.bound(price)
        return self if bound >= self.bound else replace(self, price=price, bound=bound)


def handles(problem: AssignmentProblem) -> bool:
    """Whether this backend can solve the problem; the flow solves all of them."""
    return only_agents_bind(problem)


def solve(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """The optimal assignment with its proof, or the best by the deadline or the gap target.

    Raises BackendError for a problem that it does not handle, OverflowError for gains too large.
    """
    begun = clock()
    if not handles(problem):
        found = "a lane, a site or a load cost of this problem is beyond the method"
        raise BackendError(NAME, found, "agents' own caps only", "use flow, or auto, which asks")
    rows = build_rows(problem)
    check_gains(problem, rows)

    auction = Auction(problem, rows)
    kept_back = max(KEPT_BACK * options.deadline_s, CLOSING * (clock() - begun))

    def is_late() -> bool:
        return clock() - begun > options.deadline_s - kept_back

    best, limit = _run(problem, auction, options, hint, is_late)
    free = no_prices(problem)
    prices = replace(free, agent=auction.priced_throughout(best.price))
    agent, gain, bound = best.agent, best.gain, best.bound
    _check_claim(problem, rows, best, prices)
    if bound > gain and limit is Limit.METHOD:
        flow = finished_by_flow(problem, rows, gain, bound, prices)
        if flow is not None and flow.gain >= gain:
            agent, gain = flow.agent, flow.gain
        if flow is not None and flow.bound < bound:
            prices, bound = flow.prices, flow.bound
    return Solution(
        agent=agent,
        gain=gain,
        bound=bound,
        prices=prices,
        termination=Termination.OPTIMAL if bound == gain else Termination.FEASIBLE,
        limit=None if bound == gain else limit,
        backend=NAME,
    )


def _run(
    problem: AssignmentProblem,
    auction: Auction,
    options: SolveOptions,
    hint: Hint | None,
    is_late: Callable[[], bool],
) -> tuple[_Best, Limit]:
    """The best plan and bound, and what stopped the search for better ones."""
    nobody = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    free = np.zeros(problem.num_agents, dtype=np.int64)
    best = _Best(nobody, 0, free, auction.bound(free))
    eps, start, work = _beginning(problem, auction, options, hint)
    share = USUAL_SHARE
    while True:
        stand = auction.phase(eps, start, is_late, work)
        if not stand.completed and not is_late():
            eps, start, work = _beginning(problem, auction, options, None)
            continue
        best = best.with_plan(stand)
        finest = _finest(stand, auction)
        wanted = options.gap_target * best.gain
        late = not stand.completed or is_late()
        served = int(np.count_nonzero(stand.agent != NOBODY))
        if late or eps < finest or eps * served < WORTH_A_LOOK * max(wanted, 4.0):
            best = best.with_prices(auction, whole_prices(stand.price, auction.is_open))
            share = (best.bound - best.gain) / max(eps * served, 1.0)
        if best.bound - best.gain <= wanted:
            return best, Limit.GAP
        if late:
            return best, Limit.TIME
        if eps < finest:
            return best, Limit.METHOD
        start, work = stand.price - STEP_BACK * eps, np.inf
        eps = _next_eps(eps, SAFELY * wanted / max(share * served, 1e-9))


def _next_eps(eps: float, enough: float) -> float:
    """A part of epsilon, but where that is finer than it need be, what is enough for the gap."""
    return min(max(enough, eps / DIVISOR), eps / LEAST_DIVISOR)


def _beginning(
    problem: AssignmentProblem, auction: Auction, options: SolveOptions, hint: Hint | None
) -> tuple[float, Floats, float]:
    """First epsilon, prices and work: last tick's prices, somewhat lowered, if there are any."""
    eps, cold = auction.first_eps, np.zeros(problem.num_agents)
    if hint is None or hint.prices is None or not hint.prices.agent.any():
        return eps, cold, np.inf
    # The mean gain of a served contact, times the gap target, is what each may be off.
    enough = SAFELY * options.gap_target * FIRST_EPS * eps / USUAL_SHARE
    eps = max(eps / WARM_START, enough)
    known = hint.prices.agent.astype(np.float64)
    start = auction.prices_for_newcomers(known) - STEP_BACK * eps
    return eps, start, float(WARM_WORK * count_pairs(problem))


def _finest(stand: Stand, auction: Auction) -> float:
    """Epsilon below which no phase can improve the plan, or prices cannot be told apart."""
    served = int((stand.agent != NOBODY).sum())
    dearest = float(stand.price[auction.is_open].max(initial=1.0))
    return max(0.1 / max(served, 1), 8 * float(np.spacing(dearest)))


def _check_claim(problem: AssignmentProblem, rows: Rows, best: _Best, prices: Prices) -> None:
    """Raise BackendError unless gain and bound are those of the plan and prices themselves."""
    gain, bound = gain_by_class(problem, best.agent), bound_by_class(problem, rows, prices)
    if (gain, bound) != (best.gain, best.bound):
        raise BackendError(
            NAME,
            f"gain and bound were counted as {best.gain} and {best.bound}, but are {gain} and"
            f" {bound}",
            "equality",
            "this is a defect, keep the batch and report it",
        )
