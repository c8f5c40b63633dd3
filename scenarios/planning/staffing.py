"""Heads by group and interval that keep service promises, at least cost, proven by simulation.

1. Start: the least costly heads that cover the offered load with a little safety (`cover.py`).
2. Simulate. Every promise gives a cut on the heads that its class is given, by the slope that more
   heads have on the same days (common random numbers); cover again, repeat (after Cezik and
   L'Ecuyer 2008). They take slopes by group and interval; those are mostly noise unless there are
   hundreds of days, and a programme that may choose among them chooses the noise.
3. Take heads away, one by one, the dearest first, as long as all promises hold.
4. Verify on fresh days. If a promise fails there, plan again with more margin and other days.

"Holds" in planning means by a margin: the lower confidence limit of what is left over, not its
mean, so that the plan is not fitted to the luck of its days.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from scenarios.lab.centre import Flags, Floats, Ints, LabCentre
from scenarios.lab.policies import SBR
from scenarios.planning.cover import Needs, cover, first_needs
from scenarios.planning.groups import AgentGroups, staffed
from scenarios.planning.limits import lower_limits, surplus_work
from scenarios.planning.service import Days, Scope, Targets, simulate_service
from scenarios.planning.verify import Verification, verify

STEP = 0.05
"""Of all rates: so much more is tried to see what it does."""
LARGEST = 0.15
"""Of a rate: a cut asks for no more than that at once, since service is not concave below."""
SETTLING = 4
"""Rounds in which classes may also get less; from then on only more, so that it ends."""
TELL_NOBODY: Callable[[str], None] = lambda text: None  # noqa: E731, ARG005 - says what it is


@dataclass(frozen=True, eq=False)
class StaffingCase:
    """What is to be planned."""

    centre: LabCentre
    """Its customers and rules; its agents do not matter."""
    groups: AgentGroups
    hourly_cost: Floats
    """(M,) money per head and hour."""
    targets: Targets
    most_heads: Floats | None = None
    """(M,) heads at once; None: no limit."""
    policy: str = SBR

    @property
    def head_cost(self) -> Floats:
        """(M,) money per head and interval."""
        return self.hourly_cost * self.centre.interval_s / 3600.0

    def cost(self, heads: Ints) -> float:
        """Money of (T, M) heads."""
        return float((heads @ self.head_cost).sum())


@dataclass(frozen=True)
class Effort:
    """How much is simulated."""

    planning_days: int = 30
    verification_days: int = 60
    confidence: float = 0.8
    """One-sided, with which a promise must hold on the days of planning."""
    rounds: int = 15
    """Most times that cuts are added."""
    attempts: int = 3
    """Most times that a plan is made and verified."""
    first_seed: int = 70_001
    """Planning and verification take seeds from here on, every day another one."""

    def __post_init__(self) -> None:
        """An interval needs two days."""
        if min(self.planning_days, self.verification_days) < 2 or self.attempts < 1:
            raise ValueError(
                f"effort: {self.planning_days} and {self.verification_days} days,"
                f" {self.attempts} attempts; expected at least 2 days for each and 1 attempt"
            )

    def planning_seeds(self, attempt: int) -> tuple[int, ...]:
        """Seeds of that attempt, twice as many as of the one before: it was too hopeful."""
        before = self.planning_days * (2**attempt - 1) + self.verification_days * attempt
        first = self.first_seed + before
        return tuple(range(first, first + self.planning_days * 2**attempt))

    def verification_seeds(self, attempt: int) -> tuple[int, ...]:
        """Seeds of that attempt, after those of planning."""
        first = self.planning_seeds(attempt)[-1] + 1
        return tuple(range(first, first + self.verification_days))


@dataclass(frozen=True, eq=False)
class StaffingPlan:
    """A plan that was verified; whether it holds, the verification says."""

    heads: Ints
    """(T, M)"""
    cost: float
    """Money per day."""
    verification: Verification
    attempts: int
    """Plans that were made and verified; the last one counts, on days no attempt had used."""


def plan_staffing(
    case: StaffingCase, effort: Effort, tell: Callable[[str], None] = TELL_NOBODY
) -> StaffingPlan:
    """The cheapest heads found; `tell` hears about progress. NoSolutionError without any."""
    plan = _attempt(case, effort, 0, tell)
    while not plan.verification.holds and plan.attempts < effort.attempts:
        plan = _attempt(case, effort, plan.attempts, tell)
    if plan.attempts > 1 and plan.verification.holds:
        # The best of several looks may owe its verdict to luck; what is shown is one more look.
        tell(f"verifying once more on {effort.verification_days} untouched days")
        return replace(plan, verification=_verified(case, effort, plan.heads, plan.attempts))
    return plan


def _attempt(
    case: StaffingCase, effort: Effort, attempt: int, tell: Callable[[str], None]
) -> StaffingPlan:
    """Every attempt doubts more, by a quarter of the doubt that was left."""
    days = Days(case.centre, effort.planning_seeds(attempt))
    study = _Study(case, days, 1 - (1 - effort.confidence) / 4**attempt, tell)
    heads = study.trimmed(study.enough(effort.rounds))
    tell(f"verifying on {effort.verification_days} fresh days")
    verification = _verified(case, effort, heads, attempt)
    return StaffingPlan(heads, case.cost(heads), verification, attempt + 1)


def _verified(case: StaffingCase, effort: Effort, heads: Ints, attempt: int) -> Verification:
    """What the fresh days of that attempt say."""
    fresh = Days(case.centre, effort.verification_seeds(attempt))
    centre = staffed(case.centre, case.groups, heads)
    used = tuple(range(effort.first_seed, fresh.seeds[0]))
    return verify(centre, fresh, case.targets, case.policy, used)


class _Study:
    """One attempt: everything that is simulated on its days."""

    def __init__(
        self, case: StaffingCase, days: Days, confidence: float, tell: Callable[[str], None]
    ) -> None:
        self.case, self.days, self.tell = case, days, tell
        self.few = days.first(max(2, len(days.seeds) // 3))
        self.confidence = confidence
        groups, centre = case.groups, case.centre
        work_s = groups.h * groups.skilled * centre.attention[:, None]
        usual_s = work_s.sum(axis=1) / np.maximum(groups.skilled.sum(axis=1), 1)
        surplus = surplus_work(centre, days, usual_s)
        if self.is_daily:
            self.surplus = surplus.sum(axis=1, keepdims=True)
        else:
            # What came just before still waits, or keeps agents busy.
            self.surplus = surplus.copy()
            self.surplus[:, 1:] += surplus[:, :-1]

    def enough(self, rounds: int) -> Ints:
        """Heads with which all promises hold, or the last ones tried."""
        case = self.case
        most = np.full(len(case.groups), np.inf) if case.most_heads is None else case.most_heads
        needs = first_needs(case.centre, case.groups, case.head_cost, most)
        best = heads = cover(needs)
        has_held = False
        for turn in range(rounds):
            slack = self.slack(heads, self.days)
            lower = self.lower(slack)
            holds = bool((lower >= 0).all())
            if holds and (not has_held or case.cost(heads) < case.cost(best)):
                best, has_held = heads, True
            self.tell(
                f"cuts, round {turn + 1}: {case.cost(heads):,.0f} a day,"
                f" {np.count_nonzero(lower < 0)} promises broken"
            )
            if has_held and turn >= SETTLING:
                break
            wanted = self.wanted(needs, slack, lower)
            if turn >= SETTLING:
                wanted = np.maximum(wanted, 0.0)
            needs = replace(needs, rate=needs.rate * (1 + wanted))
            again = cover(needs)
            if (again == heads).all() and (heads == most).all():
                break
            heads = again
        return best if has_held else heads

    def trimmed(self, heads: Ints) -> Ints:
        """Without heads whose absence breaks nothing, the dearest and least needed first."""
        case = self.case
        to_try = [(t, m) for t, m in np.argwhere(heads > 0).tolist()]
        spare = self.spare(heads)
        to_try.sort(key=lambda cell: (-case.head_cost[cell[1]], -spare[cell]))
        slack = self.slack(heads, self.days)
        while to_try:
            t, m = to_try.pop(0)
            fewer = heads.copy()
            fewer[t, m] -= 1
            self.tell(f"taking heads away: {case.cost(heads):,.0f} a day, {len(to_try)} to try")
            if not self.may_hold(fewer, slack):
                continue
            without = self.slack(fewer, self.days)
            if (self.lower(without) >= 0).all():
                heads, slack = fewer, without
                if heads[t, m]:
                    to_try.append((t, m))
        return heads

    def may_hold(self, fewer: Ints, slack: Floats) -> bool:
        """Whether it is worth to simulate all days: a few tell what changes from `slack`."""
        number = len(self.few.seeds)
        change = (self.slack(fewer, self.few) - slack[:, :number]).mean(axis=1)
        return bool((self.lower(slack) + change >= 0).all())

    def slack(self, heads: Ints, days: Days) -> Floats:
        """(2 * K, D, T or 1) contacts to spare, by promise, day and interval, in `scope`."""
        slack = self.slack_by_interval(heads, days)
        return slack.sum(axis=2, keepdims=True) if self.is_daily else slack

    @property
    def is_daily(self) -> bool:
        """Promises are about whole days."""
        return self.case.targets.scope == Scope.DAY

    def slack_by_interval(self, heads: Ints, days: Days) -> Floats:
        """(2 * K, D, T)"""
        case = self.case
        centre = staffed(case.centre, case.groups, heads)
        slack = simulate_service(centre, days, case.policy).slack(case.targets)
        return np.moveaxis(slack, 1, 2).reshape(-1, *slack.shape[1:2], slack.shape[3])

    def lower(self, slack: Floats) -> Floats:
        """(2 * K, T or 1) lower confidence limit of the contacts to spare."""
        return lower_limits(slack, self.surplus, self.confidence)

    def spare(self, heads: Ints) -> Floats:
        """(T, M) contacts to spare in what a group does in an interval, summed over promises."""
        slack = self.slack_by_interval(heads, self.days).mean(axis=1)
        by_class = slack.reshape(2, -1, slack.shape[1]).sum(axis=0)
        return np.asarray(by_class.T @ self.case.groups.skilled.astype(np.float64))

    def wanted(self, needs: Needs, slack: Floats, lower: Floats) -> Floats:
        """(K, T) relative change of the rates that each class must be able to serve.

        What is missing, or to spare, over what STEP more of all rates changes in `slack` on a few
        of the same days; the more demanding promise of a class counts.
        """
        more = cover(replace(needs, rate=needs.rate * (1 + STEP)))
        number = len(self.few.seeds)
        gained = (self.slack(more, self.few) - slack[:, :number]).mean(axis=1)
        kinds = self.case.centre.num_classes
        contacts = self.case.centre.classes.rate * self.case.centre.interval_s
        offered = contacts.sum(axis=1, keepdims=True) if self.is_daily else contacts
        # Where more heads seem to do nothing, service is so low that it takes a while.
        least = np.tile(np.maximum(0.1 * STEP * offered, 1e-9), (2, 1))
        change = -lower / np.maximum(gained, least) * STEP
        promised = self.promised.reshape(2, kinds, 1)
        change = np.where(promised, change.reshape(2, kinds, -1), -np.inf).max(axis=0)
        change = np.where(np.isfinite(change), change, 0.0)
        change = np.where(change < 0, change / 2, change)
        return np.asarray(np.clip(change, -LARGEST, LARGEST))

    @property
    def promised(self) -> Flags:
        """(2, K) whether there is a target."""
        targets = self.case.targets
        return ~np.isnan(np.stack([targets.service_level, targets.abandonment]))
