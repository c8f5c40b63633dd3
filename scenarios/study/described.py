"""The base of a study as its file describes it: the section [centre], key by key."""

from collections.abc import Mapping
from dataclasses import dataclass

from scenarios.study.errors import check, check_not_negative, check_positive


@dataclass(frozen=True)
class FamilyCentre:
    """A company of the lab's families (`scenarios/lab/families.py`)."""

    family: str
    structure: str
    load: float = 0.95
    """Attention that customers ask for, per agent."""
    lifelike: bool = False
    """Breaks, uneven shifts, customers who come back, slower chats."""

    def __post_init__(self) -> None:
        """Check the load; names are checked where the centre is built."""
        check_positive("load", self.load)


@dataclass(frozen=True)
class OwnClass:
    """One kind of contact of a centre that is described in the file."""

    name: str
    channel: str
    per_hour: tuple[float, ...]
    """Contacts per hour, one number for each interval, or one for all."""
    handle_s: float
    """Mean handling time, wrap-up included."""
    value: float
    """Mean money of a contact that is resolved."""
    target_s: float
    """Wait within which an answer is in time."""
    patience_s: float | None = None
    """Mean; left out: nobody leaves."""
    value_sigma: float = 0.4
    loss_share: float = 0.15
    waiting_cost: float = 0.002
    """Money per second."""
    wrap_up_share: float = 0.15

    def __post_init__(self) -> None:
        """Check ranges."""
        for name in ("handle_s", "value", "target_s"):
            check_positive(name, getattr(self, name))
        for name in ("value_sigma", "loss_share", "waiting_cost", "wrap_up_share"):
            check_not_negative(name, getattr(self, name))
        for rate in self.per_hour:
            check_not_negative("per_hour", rate)
        if self.patience_s is not None:
            check_positive("patience_s", self.patience_s)


@dataclass(frozen=True)
class OwnTeam:
    """Agents who can do the same."""

    name: str
    agents: int
    resolves: Mapping[str, float]
    """By class: probability that they resolve a contact; classes left out are not theirs."""
    handling: float = 1.0
    """Factor of the classes' handling times."""

    def __post_init__(self) -> None:
        """Check ranges."""
        check_positive("agents", self.agents)
        check_positive("handling", self.handling)
        for name, share in self.resolves.items():
            check(0 < share <= 1, f"resolves.{name} is {share}", "a probability, above 0")


@dataclass(frozen=True)
class OwnCentre:
    """A centre that the file itself describes."""

    classes: tuple[OwnClass, ...]
    teams: tuple[OwnTeam, ...]
    hours: float = 2.0
    """Length of the day, in which contacts arrive."""
    interval_min: float = 15.0
    tick_s: float = 5.0
    chats: int = 1
    """Chats that one agent holds at once."""
    slowdown: float = 0.0
    """Every chat beside others takes this much longer per other chat."""
    handle_sigma: float = 0.6
    day_shape: float = 50.0
    """Of the Gamma factor on all rates of a day: 50 is 14 % up or down."""
    lifelike: bool = False

    def __post_init__(self) -> None:
        """Check ranges."""
        check(bool(self.classes), "no classes", "at least one [[centre.classes]]")
        check(bool(self.teams), "no teams", "at least one [[centre.teams]]")
        for name in ("hours", "interval_min", "day_shape"):
            check_positive(name, getattr(self, name))
        check_positive("tick_s", self.tick_s)
        check_positive("chats", self.chats)
        check_not_negative("slowdown", self.slowdown)
        check_not_negative("handle_sigma", self.handle_sigma)
