"""Strict tiers before money, by any backend for the plain problem (`methods.md` 1.5).

Of all plans those count that serve lexicographically most contacts of tier 0, of tier 1 and so on;
of these the one that gains most is wanted. With c_k contacts served of tier k:

*Counts.* What lanes, agents and sites can serve together are the independent sets of a matroid
(a gammoid), in which one set is largest in every P_k = c_0 + ... + c_k at once: the greedy one.
So for any levels v_0 > v_1 > ... > 0 the sum of v_k c_k = sum of (v_k - v_k+1) P_k is largest
exactly where every P_k is, which is where the counts N are lexicographically largest. One solve
with gain v_k, and neither other gains nor load costs, finds N, and its prices prove N.

*Money.* Add w v_k to the gains. For every w >= 0, with D the bound of that problem,

    gain(x) <= D - w sum of v_k N_k      for all plans x with P_k(x) >= P_k(N) for every k

and an optimum that serves N meets it with equality: no plan with these counts gains more. It does
serve N once w exceeds what any two plans differ in gain (say C times the largest single gain,
twice, and a load cost), because v_k c_k is whole: falling short of N costs w at least. Such a w
is seldom needed: the optimum is concave in the sum of v_k c_k, so the last exchange decides, and
w starts at what one exchange can be worth.

With mixes there is no matroid. There each level is above the sum of all that are smaller, so that
the largest sum still means the largest counts; where such levels do not fit, they are ranks, and
counts are called best only if everybody who could be served is. A method that stops near the
optimum would stop before it sees money beside such weights, so a gentle one comes first.

*Whatever time is left*, there is a plan: the greedy one, tiers first. In it, and in whatever else
is found, those of tiers who wait look for chains of moves, and what room is left is filled.
"""

from dataclasses import replace
from time import monotonic

import numpy as np

from models.lifted import lifted
from models.problem import MILLI, AssignmentProblem
from models.solution import Hint, Solution, SolveOptions, Termination
from solver.backend import Backend, Clock
from solver.baseline import solve_baseline
from solver.tier_levels import check_weight, first_weight, ranks, tier_levels, weighings
from solver.tier_search import TierSearch, TimeLeft


def solve_in_tiers(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    solve_plain: Backend,
    clock: Clock = monotonic,
) -> Solution:
    """The plan with lexicographically most served by tier and, with these counts, most gain.

    `served` are the counts, `gain` is money alone, and `bound` holds for all plans that serve at
    least as many of tiers 0 to k as this one, for every k. `prices` and `rents` are those of the
    gains raised by `tier_weight`, and so should the hint's be. OPTIMAL says that counts and gain
    are both proven. The gap target is not passed on: it would be a share of the weights.

    However short the time, the plan is no worse than the greedy one with tiers first, and nobody
    waits who fits and pays. Raises OverflowError if the weights do not fit, BackendError if the
    backend breaks its word.
    """
    rank = ranks(problem)
    if not rank.any():
        return solve_plain(replace(problem, tier=None), options, hint, clock)

    check_weight(problem, rank, first_weight(problem))
    time = TimeLeft(options, clock)
    search = TierSearch(problem, solve_baseline(problem, options, hint), time.is_up)
    time.first_plan_is_there()
    for weighing in weighings(problem, search.mean_gain):
        if not time.is_worth_a_try():
            break
        raised = lifted(problem, weighing.lift)
        part = time.half() if search.is_network else time.all_but_closing()
        found = solve_plain(raised, part, hint, clock)
        search.take(found, weighing)
        exact = found.termination is Termination.OPTIMAL
        if search.must_count(exact) and not time.is_up():
            search.count(solve_plain(_counting_only(problem), time.half(), None, clock))
        if search.is_complete or not exact:
            break
        hint = Hint(found.prices, found.rents)
    return search.solution()


def _counting_only(problem: AssignmentProblem) -> AssignmentProblem:
    """The problem in which a contact gains its level anywhere, and load is free."""
    return replace(
        problem,
        base=tier_levels(problem) / MILLI,
        term_coef=np.zeros_like(problem.term_coef),
        extra_gain=np.zeros_like(problem.extra_gain),
        load_cost=np.zeros((problem.num_agents, 0), dtype=np.int64),
        tier=None,
    )
