"""What a study is: a centre, what changes, who routes, on which days, and what is compared."""

from dataclasses import dataclass

from scenarios.study.changes import Changes
from scenarios.study.described import FamilyCentre, OwnCentre

AS_IT_IS = "as it is"
"""Name of the override that changes nothing; every study has it."""


@dataclass(frozen=True)
class Override:
    """A named "what if"."""

    name: str
    changes: Changes
    against: str | None = None
    """The override it is compared with; None: the baseline of the study."""


@dataclass(frozen=True)
class SweepPoint:
    """One value of a sweep, and the override that has it."""

    value: float
    override: str


@dataclass(frozen=True)
class Sweep:
    """Overrides that differ in one number: a curve."""

    name: str
    unit: str
    points: tuple[SweepPoint, ...]


@dataclass(frozen=True)
class Study:
    """Everything that is to be run and compared."""

    name: str
    title: str
    question: str
    centre: FamilyCentre | OwnCentre
    overrides: tuple[Override, ...]
    """The first is `AS_IT_IS`."""
    sweeps: tuple[Sweep, ...]
    policies: tuple[str, ...]
    days: tuple[int, ...]
    """Seeds."""
    baseline_policy: str
    baseline_override: str
    bound_iterations: int
    """Of the hindsight bound; 0: without bounds."""

    def against(self, override: Override) -> str:
        """What an override is compared with."""
        return override.against or self.baseline_override
