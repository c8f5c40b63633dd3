"""Strict tiers before money, by any backend for the plain problem (`methods.md` 1.5).

Of all plans those count that serve lexicographically most contacts of tier 0, of tier 1 and so on;
of these the one that gains most is wanted. With c_k contacts served of tier k:

*Counts.* What lanes, agents and sites can serve together are the independent sets of a matroid
(a gammoid), in which one set is largest in every P_k = c_0 + ... + c_k at once: the greedy one.
So for any levels v_0 > v_1 > ... > 0 the sum of v_k c_k = sum of (v_k - v_k+1) P_k is largest
exactly where every P_k is, which is where the counts N are lexicographically largest. One solve
with gain v_k, and neither other gains nor load costs, finds N, and its prices prove N.

*Money.* Add w v_k to the gains. For every w, with D the bound of that problem,

    gain(x) <= D - w sum of v_k N_k      for all plans x with P_k(x) >= P_k(N) for every k

and an optimum that serves N meets it with equality: no plan with these counts gains more. It does
serve N once w exceeds what any two plans differ in gain (say C times the largest single gain,
twice, and a load cost), because v_k c_k is whole: falling short of N costs w at least. Such a w
is seldom needed: the optimum is concave in the sum of v_k c_k, so the last exchange decides, and
w starts at what one exchange can be worth.

With mixes or pair units there is no matroid. Levels then fall by more than an agent can hold at
once, which is practice and no proof: with more than one tier, such counts are called best only if
everybody who could be served is.
"""

from dataclasses import dataclass, replace
from time import monotonic

import numpy as np

from models.lifted import lifted
from models.problem import (
    MILLI,
    NO_TIER,
    AssignmentProblem,
    Ints,
    Positions,
    Prices,
)
from models.solution import (
    Hint,
    Limit,
    Solution,
    SolveOptions,
    Termination,
    served_by_tier,
)
from solver.backend import Backend, BackendError, Clock
from solver.claim import gain_by_class
from solver.form import folded, is_network
from solver.tier_levels import RAISE, check_weight, first_weight, fits, tier_levels


@dataclass(frozen=True, eq=False)
class TieredPlan:
    """A solution with what proves it: the weight, and the prices that prove the counts."""

    solution: Solution
    level: Ints
    """(C,) v_k of each contact's tier, MONEY_ONLY where it has none."""
    weight: int
    """Milli-units a level; `solution.prices` are those of the gains with `weight * level`."""
    count_prices: Prices | None
    """Prices of the problem whose gains are the levels; None where everybody is served."""


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
    weighted gains (`TieredPlan`), and so should the hint's be. OPTIMAL says that counts and gain
    are both proven. The gap target is not passed on: it would be a share of the weights.

    Raises OverflowError if the weights do not fit, BackendError if the backend breaks its word.
    """
    return plan_in_tiers(problem, options, hint, solve_plain, clock).solution


def plan_in_tiers(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    solve_plain: Backend,
    clock: Clock = monotonic,
) -> TieredPlan:
    """What `solve_in_tiers` returns, with its proof."""
    level = tier_levels(problem)
    if not level.any():
        plain = replace(problem, tier=None)
        return TieredPlan(solve_plain(plain, options, hint, clock), level, 0, None)

    ends_at = clock() + options.deadline_s
    search = _Search(problem, level)
    weight = first_weight(problem)
    while True:
        check_weight(problem, level, weight)
        raised = lifted(problem, weight * level)
        found = solve_plain(raised, _half(options, ends_at - clock()), hint, clock)
        search.take(found, weight)
        if not search.is_complete and search.counted is None and clock() < ends_at:
            counting = _counting_only(problem, level)
            left = _half(options, ends_at - clock())
            search.count(solve_plain(counting, left, None, clock))
        exact = found.termination is Termination.OPTIMAL
        if search.is_complete or not exact or clock() >= ends_at:
            return search.result()
        if not fits(problem, level, weight * RAISE):
            return search.result()
        weight *= RAISE
        hint = Hint(found.prices, found.rents)


@dataclass(frozen=True, eq=False)
class _Plan:
    agent: Positions
    served: tuple[int, ...]
    gain: int
    level_sum: int
    """Sum of the levels served."""


class _Search:
    """The plans and bounds found so far."""

    def __init__(self, problem: AssignmentProblem, level: Ints) -> None:
        self.problem, self.level = problem, level
        self.plans: list[_Plan] = []
        self.tries: list[tuple[int, Solution]] = []
        self.counted: Solution | None = None
        self.most = served_by_tier(problem, _where_eligible(problem))
        """The largest counts as far as is known: at first of everybody with an eligible agent."""

    def take(self, found: Solution, weight: int) -> None:
        """Keep the answer to the problem with that weight; BackendError if its gain is wrong."""
        plan = self._plan(found.agent)
        if found.gain != plan.gain + weight * plan.level_sum:
            raise BackendError(
                found.backend,
                f"gain {found.gain} is claimed with weight {weight}, but the plan gains"
                f" {plan.gain} and serves levels of {plan.level_sum}",
                "the gain and weight of the plan",
                "this is a defect, keep the batch and report it",
            )
        self.plans.append(plan)
        self.tries.append((weight, found))

    def count(self, counted: Solution) -> None:
        """Keep the answer to the problem that only counts."""
        self.counted = counted
        self.plans.append(self._plan(counted.agent))
        self.most = self.plans[-1].served

    @property
    def is_complete(self) -> bool:
        """Whether the last answer with gains serves as many as are known to be possible."""
        return served_by_tier(self.problem, self.tries[-1][1].agent) >= self.most

    def result(self) -> TieredPlan:
        """The best plan, with the best bound for plans that serve as many."""
        best = max(self.plans, key=lambda plan: (plan.served, plan.gain))
        bound, weight, found = min(
            (
                (found.bound - weight * best.level_sum, weight, found)
                for weight, found in self.tries
            ),
            key=lambda one: one[:2],
        )
        termination, limit = self._termination(best, bound)
        solution = replace(
            found,
            agent=best.agent,
            gain=best.gain,
            bound=bound,
            served=best.served,
            tier_weight=weight,
            tier_levels=self._levels(),
            baseline=0,
            termination=termination,
            limit=limit,
        )
        prices = None if self.counted is None else self.counted.prices
        return TieredPlan(solution, self.level, weight, prices)

    def _termination(self, best: _Plan, bound: int) -> tuple[Termination, Limit | None]:
        if best.gain == bound and best.served == self.most and self._counts_proven():
            return Termination.OPTIMAL, None
        last = self.tries[-1][1]
        if last.termination is Termination.FAILED:
            return Termination.FAILED, last.limit
        return Termination.FEASIBLE, last.limit or Limit.METHOD

    def _levels(self) -> tuple[int, ...]:
        """Level of tier 0, 1, ...; 0 for tiers that nobody has."""
        tier = self.problem.tier
        if tier is None:
            return ()
        levels = np.zeros(int(tier.max(initial=NO_TIER)) + 1, dtype=np.int64)
        tiered = tier != NO_TIER
        levels[tier[tiered]] = self.level[tiered]
        return tuple(levels.tolist())

    def _counts_proven(self) -> bool:
        if self.counted is None:
            return True
        one_tier = int(self.level.max(initial=0)) == 1
        exact = self.counted.termination is Termination.OPTIMAL
        return exact and (one_tier or is_network(folded(self.problem)))

    def _plan(self, agent: Positions) -> _Plan:
        return _Plan(
            agent=agent,
            served=served_by_tier(self.problem, agent),
            gain=gain_by_class(self.problem, agent),
            level_sum=int(self.level[agent >= 0].sum()),
        )


def _where_eligible(problem: AssignmentProblem) -> Positions:
    """0 for contacts whose class has an agent, NOBODY for others: an end of all counts."""
    return np.where(np.diff(problem.class_ptr)[problem.contact_class] > 0, 0, -1).astype(np.int32)


def _counting_only(problem: AssignmentProblem, level: Ints) -> AssignmentProblem:
    """The problem in which a contact gains its level anywhere, and load is free."""
    return replace(
        problem,
        base=level / MILLI,
        term_coef=np.zeros_like(problem.term_coef),
        extra_gain=np.zeros_like(problem.extra_gain),
        load_cost=np.zeros((problem.num_agents, 0), dtype=np.int64),
        tier=None,
    )


def _half(options: SolveOptions, left_s: float) -> SolveOptions:
    """The options with half of the time that is left, so that another solve can follow."""
    return replace(options, deadline_s=max(left_s / 2, 1e-3), gap_target=0.0)
