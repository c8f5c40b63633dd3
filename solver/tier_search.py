"""The plans and bounds that a solve in tiers has come to, and the time that it has left."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models.problem import NO_TIER, NOBODY, AssignmentProblem, Positions
from models.solution import Limit, Solution, SolveOptions, Termination, served_by_tier
from solver.backend import BackendError, Clock
from solver.claim import gain_by_class
from solver.filling import filled
from solver.form import folded, is_network
from solver.tier_chains import with_more_of_tiers
from solver.tier_levels import MONEY_ONLY, Weighing, decide_counts, ranks, tier_levels

LEAST_S = 1e-3
"""Deadline of a solve for which there is no time left."""

CLOSING = 2.0
"""Chains and filling take at most so many times as long as the first plan did."""

TRYING = 2.0
"""A method that lays out all pairs anew needs so many times that to be worth a try."""


class TimeLeft:
    """What is left of the deadline, and what of it the next solve may take."""

    def __init__(self, options: SolveOptions, clock: Clock) -> None:
        """Time begins to run."""
        self._options, self._clock = options, clock
        self._ends_at = clock() + options.deadline_s
        self._closing_s = 0.0

    def seconds(self) -> float:
        """Seconds left, below 0 once time is up."""
        return self._ends_at - self._clock()

    def is_up(self) -> bool:
        """Whether nothing is left."""
        return self.seconds() <= 0

    def first_plan_is_there(self) -> None:
        """What it took until now is what closing a later plan may take."""
        self._closing_s = CLOSING * (self._options.deadline_s - self.seconds())

    def is_worth_a_try(self) -> bool:
        """Whether a method may come to something and what it comes to be closed in time."""
        return self.seconds() > TRYING * self._closing_s

    def half(self) -> SolveOptions:
        """The options with half of the time that is left, so that another solve can follow."""
        return self._with(self.seconds() / 2)

    def all_but_closing(self) -> SolveOptions:
        """The options with the time that is left less what closing the plan takes."""
        return self._with(self.seconds() - self._closing_s)

    def _with(self, seconds: float) -> SolveOptions:
        return replace(self._options, deadline_s=max(seconds, LEAST_S), gap_target=0.0)


@dataclass(frozen=True, eq=False)
class Try:
    """A solution of the gains that a weighing raises: its bound says something of every plan."""

    weighing: Weighing
    found: Solution

    def bound(self, agent: Positions) -> int:
        """What no plan gains that serves as many of tiers 0 to k as this one, for every k."""
        return self.found.bound - _lifted_by(self.weighing, agent)

    def rank(self, agent: Positions) -> tuple[int, bool, int]:
        """Lower for a better bound of such plans, then for the smallest weight that is one."""
        return self.bound(agent), self.weighing.weight == 0, self.weighing.weight

    def levels(self, problem: AssignmentProblem) -> tuple[int, ...]:
        """Level of tier 0, 1, ...; 0 for tiers that nobody has."""
        if problem.tier is None:
            return ()
        levels = np.zeros(int(problem.tier.max(initial=NO_TIER)) + 1, dtype=np.int64)
        tiered = problem.tier != NO_TIER
        levels[problem.tier[tiered]] = self.weighing.level[tiered]
        return tuple(levels.tolist())


@dataclass(frozen=True, eq=False)
class _Plan:
    agent: Positions
    served: tuple[int, ...]
    gain: int


class TierSearch:
    """The plans, tries and counts of one problem."""

    def __init__(
        self, problem: AssignmentProblem, first: Solution, is_late: Callable[[], bool]
    ) -> None:
        """Begin with a solution of the problem as it is, whose bound holds for every plan."""
        self._problem, self._is_late = problem, is_late
        self.is_network = is_network(folded(problem))
        level = ranks(problem)
        self._is_tiered = level != MONEY_ONLY
        self._tries = [Try(Weighing(level, 0), first)]
        self._plans: list[_Plan] = []
        self._counted: Solution | None = None
        self._most = served_by_tier(problem, _where_eligible(problem))
        """The largest counts as far as is known: at first of everybody with an eligible agent."""
        self._improve(first.agent)

    @property
    def mean_gain(self) -> int:
        """What a served contact gains in the best plan so far, milli-units."""
        best = self._best()
        return best.gain // max(int(np.count_nonzero(best.agent != NOBODY)), 1)

    @property
    def is_complete(self) -> bool:
        """Whether the last answer with gains serves as many as are known to be possible."""
        most = self._most if self._counted is None else max(plan.served for plan in self._plans)
        return served_by_tier(self._problem, self._tries[-1].found.agent) >= most

    def must_count(self, exact: bool) -> bool:
        """Whether only counting can tell if the last answer, exact or not, serves most."""
        return not self.is_complete and self._counted is None and (exact or self.is_network)

    def take(self, found: Solution, weighing: Weighing) -> None:
        """Keep the answer to the raised gains; BackendError if its gain is wrong."""
        plan = self._plan(found.agent)
        raised = _lifted_by(weighing, found.agent)
        if found.gain != plan.gain + raised:
            raise BackendError(
                found.backend,
                f"gain {found.gain} is claimed, but the plan gains {plan.gain} raised by {raised}",
                "the gain of the plan",
                "this is a defect, keep the batch and report it",
            )
        self._tries.append(Try(weighing, found))
        if found.termination is Termination.OPTIMAL and self.is_complete:
            self._plans.append(plan)
        else:
            self._improve(found.agent)

    def count(self, counted: Solution) -> None:
        """Keep the answer to the problem that only counts."""
        self._counted = counted
        self._most = served_by_tier(self._problem, counted.agent)
        self._improve(counted.agent)

    def solution(self) -> Solution:
        """The best plan, with the best bound for plans that serve as many."""
        best, last = self._best(), self._tries[-1].found
        proof = min(self._tries, key=lambda one: one.rank(best.agent))
        bound = proof.bound(best.agent)
        termination, limit = self._termination(best, bound)
        return replace(
            proof.found,
            agent=best.agent,
            gain=best.gain,
            bound=bound,
            served=best.served,
            tier_weight=proof.weighing.weight,
            tier_levels=proof.levels(self._problem),
            baseline=0,
            backend=last.backend,
            termination=termination,
            limit=limit,
        )

    def _termination(self, best: _Plan, bound: int) -> tuple[Termination, Limit | None]:
        if best.gain == bound and best.served == self._most and self._counts_proven():
            return Termination.OPTIMAL, None
        if len(self._tries) == 1:
            return Termination.FEASIBLE, Limit.TIME
        last = self._tries[-1].found
        if last.termination is Termination.FAILED:
            return Termination.FAILED, last.limit
        return Termination.FEASIBLE, last.limit or Limit.METHOD

    def _counts_proven(self) -> bool:
        if self._counted is None:
            return True
        exact = self._counted.termination is Termination.OPTIMAL
        return exact and decide_counts(self._problem, tier_levels(self._problem))

    def _best(self) -> _Plan:
        return max(self._plans, key=lambda plan: (plan.served, plan.gain))

    def _improve(self, agent: Positions) -> None:
        """Keep the plan with more of the tiers and with everybody who still fits; and the same
        tiers with the others where greed would have them, should that gain more.
        """
        more = with_more_of_tiers(self._problem, agent, self._is_late)
        others = filled(self._problem, np.where(self._is_tiered, more, NOBODY))
        self._plans += [self._plan(more), self._plan(others)]

    def _plan(self, agent: Positions) -> _Plan:
        served = served_by_tier(self._problem, agent)
        return _Plan(agent, served, gain_by_class(self._problem, agent))


def _lifted_by(weighing: Weighing, agent: Positions) -> int:
    return int(weighing.lift[agent != NOBODY].sum())


def _where_eligible(problem: AssignmentProblem) -> Positions:
    """0 for contacts whose class has an agent, NOBODY for others: an end of all counts."""
    return np.where(np.diff(problem.class_ptr)[problem.contact_class] > 0, 0, -1).astype(np.int32)
