"""What a solver returns: the assignment, how good it is, why it stopped, and at which prices."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.problem import NO_TIER, NOBODY, AssignmentProblem, Ints, Positions, Prices


class Termination(StrEnum):
    """Why the solver stopped; says what one may rely on."""

    OPTIMAL = "optimal"
    """Gain equals bound: no better plan exists."""
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


class Proof(StrEnum):
    """Where the bound comes from; says what can be checked without trusting the solver."""

    PRICES = "prices"
    """`prices` give it over all pairs (`models/bound.py: upper_bound`)."""
    RENTS = "rents"
    """`rents` and the sites' prices give it (`models/bound.py: configuration_bound`)."""
    SEARCH = "search"
    """A complete search found nothing better; prices alone prove less."""


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
        if not self.deadline_s > 0:
            raise ValueError(f"solve options: deadline_s is {self.deadline_s}, expected > 0")
        if not self.gap_target >= 0:
            raise ValueError(f"solve options: gap_target is {self.gap_target}, expected >= 0")


NO_RENT = -1


@dataclass(frozen=True, eq=False)
class Hint:
    """Last tick's answer in this problem's positions; a backend may ignore it."""

    prices: Prices | None = None
    rents: Ints | None = None
    """(C,) milli-units; NO_RENT for contacts that were not there."""


@dataclass(frozen=True, eq=False)
class Solution:
    """An assignment with its claim; `limit` is set if and only if it is not optimal."""

    agent: Positions
    """(C,) agent of each contact, or NOBODY."""
    gain: int
    """Milli-units, load costs taken off."""
    bound: int
    """Milli-units; no assignment of this problem has a larger gain."""
    prices: Prices
    termination: Termination
    limit: Limit | None
    backend: str
    baseline: int = 0
    """Gain of the greedy baseline on the same problem, milli-units."""
    proof: Proof = Proof.PRICES
    rents: Ints | None = None
    """(C,) what each contact is worth where it is, milli-units, >= 0; None: as `prices` say."""
    served: tuple[int, ...] = ()
    """Contacts of each tier that are served."""

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
