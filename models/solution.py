"""What a solver returns: the assignment, how good it is, why it stopped, and at which prices."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.problem import (
    LARGEST_GAIN,
    NO_TIER,
    NOBODY,
    AssignmentProblem,
    Ints,
    Positions,
    Prices,
)


class Termination(StrEnum):
    """Why the solver stopped; says what one may rely on."""

    OPTIMAL = "optimal"
    """Gain equals bound: no better plan exists. With tiers, the counts are proven as well."""
    FEASIBLE = "feasible"
    """A valid plan with a valid bound; a limit or the method left a gap."""
    FAILED = "failed"
    """The backend failed or was killed; the plan is the greedy baseline's."""


class Limit(StrEnum):
    """What stopped a solve that is not optimal."""

    TIME = "time"
    METHOD = "method"
    """The method itself proves no more (greedy)."""
    GAP = "gap"
    """The gap that was asked for is reached."""
    ERROR = "error"
    INTERRUPTED = "interrupted"
    """Somebody asked the solver to stop and to give what it had."""
    PREFERENCE = "preference"
    """A better plan is known; this one has more of what agents prefer."""


class Proof(StrEnum):
    """Where the bound comes from; says what can be checked without trusting the solver."""

    PRICES = "prices"
    """`prices` give it over all pairs (`models/bound.py: upper_bound`)."""
    RENTS = "rents"
    """`rents` and the sites' prices give it (`models/bound.py: configuration_bound`)."""
    SEARCH = "search"
    """A complete search found nothing better; prices alone prove less."""
    UNITS = "units"
    """`rents` give it with each agent's knapsack of units (`solver/units_bound.py`)."""


@dataclass(frozen=True)
class SolveOptions:
    """How to solve; the same options and problem give the same solution."""

    backend: str = "auto"
    deadline_s: float = 2.0
    """Wall seconds after which a plan must be there."""
    seed: int = 0
    gap_target: float = 0.0
    """Relative gap at which a method that comes closer step by step may stop; 0 asks for proof."""

    def __post_init__(self) -> None:
        """Check that the deadline is positive and the gap target is not negative."""
        if not 0 < self.deadline_s < float("inf"):
            raise ValueError(f"solve options: deadline_s is {self.deadline_s}, expected > 0")
        if self.seed < 0:
            raise ValueError(f"solve options: seed is {self.seed}, expected >= 0")
        if not self.gap_target >= 0:
            raise ValueError(f"solve options: gap_target is {self.gap_target}, expected >= 0")


NO_RENT = -1


@dataclass(frozen=True, eq=False)
class Hint:
    """Last tick's answer in this problem's positions; a backend may ignore it."""

    prices: Prices | None = None
    rents: Ints | None = None
    """(C,) milli-units; NO_RENT for contacts that were not there."""


def usable(hint: Hint | None, problem: AssignmentProblem) -> Hint | None:
    """The hint without the parts that are of another shape, and in the range of money.

    A hint never changes what is optimal, so one that does not fit must not do harm either.
    """
    if hint is None:
        return None
    prices, rents = hint.prices, hint.rents
    if prices is not None:
        fits = prices.lane.shape == problem.lane_cap.shape
        fits = fits and prices.agent.shape == problem.agent_cap.shape
        if fits and prices.site.shape == problem.site_cap.shape:
            prices = Prices(
                *(np.clip(p, 0, LARGEST_GAIN) for p in (prices.lane, prices.agent, prices.site))
            )
        else:
            prices = None
    if rents is not None:
        fits = rents.shape == (problem.num_contacts,)
        rents = np.clip(rents, NO_RENT, LARGEST_GAIN) if fits else None
    return Hint(prices, rents)


@dataclass(frozen=True, eq=False)
class Solution:
    """An assignment with its claim; `limit` is set if and only if it is not optimal."""

    agent: Positions
    """(C,) agent of each contact, or NOBODY."""
    gain: int
    """Milli-units, load costs taken off."""
    bound: int
    """Milli-units; no assignment of this problem has a larger gain; with tiers, none of those that
    serve as many of tier 0, of tiers 0 and 1, and so on.
    """
    prices: Prices
    termination: Termination
    limit: Limit | None
    backend: str
    baseline: int = 0
    """Gain of the greedy baseline on the same problem, milli-units."""
    proof: Proof = Proof.PRICES
    rents: Ints | None = None
    """(C,) what each contact is worth where it is, milli-units; None: as `prices` say. Below 0
    only for contacts of a tier, whom the units backend serves at a loss.
    """
    served: tuple[int, ...] = ()
    """Contacts of each tier that are served."""
    tier_weight: int = 0
    """Milli-units; `bound`, prices and rents are those of gains with `tier_weight` times the level
    of its tier added to every contact, taken off again for those that are served.
    """
    tier_levels: tuple[int, ...] = ()
    """Level of each tier, falling; empty without tiers."""
    preference_cost: int = 0
    """Milli-units of gain given up for what agents prefer (`solver/wishes.py`)."""

    def __post_init__(self) -> None:
        """Check that reason, limit and bound fit together."""
        if (self.limit is None) != (self.termination is Termination.OPTIMAL):
            raise ValueError(
                f"solution: termination {self.termination} with limit {self.limit};"
                " expected a limit if and only if the plan is not optimal"
            )
        if self.bound < self.gain:
            raise ValueError(f"solution: bound {self.bound} is below gain {self.gain}")
        if self.termination is Termination.OPTIMAL and self.bound != self.gain:
            raise ValueError(f"solution: optimal with bound {self.bound} and gain {self.gain}")

    @property
    def gap(self) -> float:
        """`gap(gain, bound)` of this solution."""
        return relative_gap(self.gain, self.bound)


def relative_gap(gain: int, bound: int) -> float:
    """(bound - gain) / max(1, |gain|), both in milli-units; 0 means proven optimal."""
    return (bound - gain) / max(1, abs(gain))


def counts_by_agent(problem: AssignmentProblem, agent: Positions) -> Ints:
    """New contacts per agent, shape (A,)."""
    return np.bincount(agent[agent != NOBODY], minlength=problem.num_agents).astype(np.int64)


def served_by_tier(problem: AssignmentProblem, agent: Positions) -> tuple[int, ...]:
    """Contacts of tier 0, 1, ... that have an agent; empty where the problem has no tiers."""
    if problem.tier is None:
        return ()
    tiers = int(problem.tier.max(initial=NO_TIER)) + 1
    strict = problem.tier[(agent != NOBODY) & (problem.tier != NO_TIER)]
    return tuple(np.bincount(strict, minlength=tiers).tolist())


def total_load_cost(problem: AssignmentProblem, agent: Positions) -> int:
    """Load cost of an assignment in milli-units: the first n steps of every agent with n contacts.

    Steps beyond the last column cost as much as the last one.
    """
    counts = counts_by_agent(problem, agent)
    steps = step_costs(problem, int(counts.max(initial=0)))
    used = np.arange(steps.shape[1])[None, :] < counts[:, None]
    return int(steps[used].sum())


def step_costs(problem: AssignmentProblem, num_steps: int) -> Ints:
    """`load_cost` widened or cut to `num_steps` columns, shape (A, num_steps)."""
    given = problem.load_cost.shape[1]
    if given == 0:
        return np.zeros((problem.num_agents, num_steps), dtype=np.int64)
    return problem.load_cost[:, np.minimum(np.arange(num_steps), given - 1)]
