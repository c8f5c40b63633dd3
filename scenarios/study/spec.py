"""What a study is: a centre, what changes, who routes, on which days, and what is compared."""

from dataclasses import dataclass

from scenarios.study.changes import Changes
from scenarios.study.described import FamilyCentre, OwnCentre
from scenarios.study.errors import check, check_not_negative

AS_IT_IS = "as it is"
"""Name of the override that changes nothing; every study has it."""


@dataclass(frozen=True)
class Override:
    """A named "what if"."""

    name: str
    changes: Changes
    against: str | None = None
    """The override it is compared with; None: the baseline of the study."""
    is_swept: bool = False
    """It is there for a value of a sweep only, which has a chart of its own."""


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
class Variant:
    """Our policy with other numbers, under a name of its own; what is left out is as usual."""

    name: str
    prices: str | None = None
    """Of agents' time: none, two or paths."""
    head_share: float | None = None
    """Bonus for serving anybody, as a share of a mean contact's value: the per-head lever."""
    floor_p: float | None = None
    """Least probability to resolve at which an agent may serve."""
    hold_s: float | None = None
    """Longest expected wait for an agent about to be free."""

    def __post_init__(self) -> None:
        """Check ranges."""
        for name in ("head_share", "hold_s"):
            check_not_negative(name, getattr(self, name) or 0.0)
        found = self.floor_p or 0.0
        check(0 <= found <= 1, f"floor_p is {found}", "a probability")


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
    """Names of the lab's policies or of variants."""
    variants: tuple[Variant, ...]
    days: tuple[int, ...]
    """Seeds."""
    baseline_policy: str
    baseline_override: str
    bound_iterations: int
    """Of the hindsight bound; 0: without bounds."""

    def against(self, override: Override) -> str:
        """What an override is compared with."""
        return override.against or self.baseline_override
