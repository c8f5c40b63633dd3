"""Pairs with units of their own: generalised assignment, with every other limit of the problem.

Four steps, each with a plan and a bound to show (`solver/units_bound.py` says what D is):

1. rents of contacts by subgradient steps on D, whose knapsacks are solved exactly;
2. a plan: the pairs that the knapsacks chose where they fit, then annealing over the pairs that
   lose least at these rents;
3. tiers, where the plan does not serve everybody who can be reached: CP-SAT counts, tier by tier;
4. windows: a plan that gains at least D - w uses no pair whose loss exceeds w. So the complete
   search looks at few pairs for a small w. A plan found there is the best of all; if there is
   none, D falls below the window and w grows, until the window holds the plan of step 2.

`bound` means with tiers: no plan that serves at least as many of each tier gains more. Optimal
means that the counts are proven, too. Rents of contacts with a tier may be negative.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np

from models.bound import no_prices
from models.feasibility import violations
from models.problem import AssignmentProblem, Ints
from models.solution import (
    Hint,
    Limit,
    Proof,
    Solution,
    SolveOptions,
    Termination,
    relative_gap,
    served_by_tier,
)
from solver.backend import BackendError, Clock, assignment_gain
from solver.backends.units_model import BY_GAIN, NAME, Answer, Question, answer
from solver.form import LISTED_PAIRS, count_pairs
from solver.units_bound import RentBound, bound_at, descend, first_rents, pair_losses
from solver.units_form import UnitsForm, agents_of, build_form, plan_gain, tier_counts
from solver.units_plan import first_plan

NO_FLOOR = -(2**62)

KEPT_BACK = 0.1
"""Share of the deadline kept for building models and for the checks after the last step."""

BUILD_S = 2e-5
"""Seconds that a model may take to build for each open pair: without them it is not begun."""

FIRST_WINDOW = 1.2
"""Pairs for each contact in the first window."""

FOR_PLANS = 0.5
"""Share of the deadline that the first descent leaves for what follows."""

WIDER = 2
"""Windows grow by this factor."""

TURN = 0.7
"""Share of the time left that a count, or a window that is not the last, may take."""


def handles(problem: AssignmentProblem) -> bool:
    """Whether this backend is meant for the problem: it has units, or few pairs.

    Every limit is in the model; only pairs must be few enough to be listed.
    """
    return problem.units is not None or count_pairs(problem) <= LISTED_PAIRS


def solve(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """The best plan found by the deadline or the gap target, with a bound that always holds.

    Raises BackendError for a problem that it does not handle or a claim that does not check.
    """
    ends_at = clock() + (1 - KEPT_BACK) * options.deadline_s
    if not handles(problem):
        found = "the pairs are too many to list and weigh the same"
        raise BackendError(NAME, found, "units, or fewer pairs", "use auction or flow")
    run = _Run(build_form(problem), options, lambda: ends_at - clock())
    run.start(None if hint is None else hint.rents)
    run.count_tiers()
    run.close_windows()
    return _claim(run)


@dataclass(frozen=True, eq=False)
class _Stand:
    """The best plan so far, what bounds it, and what is known about it."""

    place: Ints
    """(C,) pairs, or NO_PLACE"""
    gain: int
    served: tuple[int, ...]
    """Of each tier that occurs"""
    rents: RentBound
    bound: int
    counts_proven: bool


class _Run:
    """One solve: its form, its clock and its stand."""

    def __init__(
        self, form: UnitsForm, options: SolveOptions, seconds_left: Callable[[], float]
    ) -> None:
        self.form, self.options, self.seconds_left = form, options, seconds_left
        self.stand: _Stand

    def is_time_to_fill(self) -> bool:
        return self.seconds_left() <= FOR_PLANS * self.options.deadline_s

    def is_late(self) -> bool:
        return self.seconds_left() <= 0

    def start(self, known: Ints | None) -> None:
        """Rents as if everybody who can be reached were served, and a plan."""
        form = self.form
        everybody = tuple(form.reachable.tolist())
        begin = first_rents(form, known)
        rents = descend(form, begin, everybody, _least_gain(form), self.is_time_to_fill)
        loss = pair_losses(form, rents)
        place = first_plan(form, rents, loss, self.options.seed, self.is_late)
        served = tier_counts(form, place)
        if served != everybody:
            rents = descend(form, begin, served, NO_FLOOR, self.is_late)
        self._take(place, rents, counts_proven=served == everybody)

    def count_tiers(self) -> None:
        """The most of each tier in turn, where the plan leaves some of them waiting."""
        stand, form = self.stand, self.form
        if stand.counts_proven:
            return
        place, proven = stand.place, True
        for number in range(len(form.tiers)):
            counts = tier_counts(form, place)
            most = int(form.reachable[number])
            if counts[number] < most:
                asked = Question(
                    is_open=np.ones(len(form.limits.gain), dtype=np.bool_),
                    served=counts[: number + 1],
                    tier=number,
                    at_least=counts[number],
                    at_most=most,
                    hint=place,
                )
                found = self._ask(asked, TURN)
                place = place if found.place is None else found.place
                proven = proven and found.complete
        served = tier_counts(form, place)
        rents = stand.rents
        if served != stand.served:
            begin = first_rents(form, None)
            rents = descend(form, begin, served, NO_FLOOR, self.is_late)
        self._take(place, rents, counts_proven=proven)

    def close_windows(self) -> None:
        """Search windows below the bound, each wider than the last, until one holds a plan."""
        form = self.form
        loss = pair_losses(form, self.stand.rents)
        width = _quantile(loss, FIRST_WINDOW * form.problem.num_contacts)
        width = width // form.granule * form.granule
        while not self._is_enough():
            stand = self.stand
            wanted = max(stand.bound - width, stand.gain + form.granule)
            is_last = wanted == stand.gain + form.granule
            asked = Question(
                is_open=stand.rents.value - loss >= wanted,
                served=stand.served,
                tier=BY_GAIN,
                at_least=wanted,
                at_most=stand.bound,
                hint=stand.place,
            )
            found = self._ask(asked, 1.0 if is_last else TURN)
            if found.place is not None:
                gain = plan_gain(form, found.place)
                if gain > stand.gain:
                    self.stand = stand = replace(stand, place=found.place, gain=gain)
            if found.complete or is_last:
                self.stand = replace(stand, bound=max(min(stand.bound, found.bound), stand.gain))
            if is_last and not found.complete:
                return
            width = max(width * WIDER, form.granule)

    def _take(self, place: Ints, rents: RentBound, counts_proven: bool) -> None:
        form, served = self.form, tier_counts(self.form, place)
        gain, bound = plan_gain(form, place), bound_at(form, rents.rents, served)
        self.stand = _Stand(place, gain, served, rents, bound, counts_proven)

    def _ask(self, question: Question, share: float) -> Answer:
        seconds = self.seconds_left() - BUILD_S * int(question.is_open.sum())
        if seconds <= 0:
            return Answer(None, question.at_most, complete=False)
        return answer(self.form, question, share * seconds, self.options.seed)

    def _is_enough(self) -> bool:
        stand = self.stand
        gap = relative_gap(stand.gain, stand.bound)
        return stand.bound <= stand.gain or gap <= self.options.gap_target or self.is_late()


def _claim(run: _Run) -> Solution:
    """The stand as a solution, after everything in it was recomputed from the problem itself."""
    problem, stand, options = run.form.problem, run.stand, run.options
    agent = agents_of(run.form, stand.place)
    by_rents = bound_at(run.form, stand.rents.rents, stand.served)
    wrong = list(violations(problem, agent))
    if assignment_gain(problem, agent) != stand.gain:
        wrong.append(f"the gain was counted as {stand.gain}")
    if not stand.gain <= stand.bound <= by_rents:
        wrong.append(f"the bound {stand.bound} is not between gain and {by_rents}")
    if wrong:
        found = "; ".join(wrong)
        raise BackendError(NAME, found, "a valid plan", "keep the batch and report it")
    optimal = stand.bound == stand.gain and stand.counts_proven
    close = stand.counts_proven and relative_gap(stand.gain, stand.bound) <= options.gap_target
    limit = Limit.GAP if close else Limit.TIME
    return Solution(
        agent=agent,
        gain=stand.gain,
        bound=stand.bound,
        prices=no_prices(problem),
        termination=Termination.OPTIMAL if optimal else Termination.FEASIBLE,
        limit=None if optimal else limit,
        backend=NAME,
        proof=Proof.UNITS if stand.bound == by_rents else Proof.SEARCH,
        rents=stand.rents.rents,
        served=served_by_tier(problem, agent),
    )


def _least_gain(form: UnitsForm) -> int:
    """No plan that serves everybody who can be reached has pairs of a smaller gain together."""
    limits = form.limits
    begins = limits.start[:-1][np.diff(limits.start) > 0]
    least = np.minimum.reduceat(limits.gain, begins) if len(begins) else np.zeros(0, np.int64)
    return int(np.minimum(least, 0).sum()) if not form.tiers else int(least.sum())


def _quantile(values: Ints, rank: float) -> int:
    """The value of that rank, the smallest first, or the largest where there are fewer."""
    place = min(int(rank), len(values) - 1)
    return int(np.partition(values, place)[place]) if len(values) else 0
