"""What an override may change: the sections of [overrides.<name>], key by key."""

from dataclasses import dataclass

from scenarios.study.errors import check, check_not_negative, check_positive


@dataclass(frozen=True)
class Learn:
    """Agents who learn classes that they do not know, or do badly."""

    agents: int
    classes: tuple[str, ...]
    """Names, or patterns with a *."""
    p: float | None = None
    """Probability that they resolve such a contact from now on."""
    as_in: str | None = None
    """Instead of p: the pattern of the classes in which they already show what they can do, such
    as the same topics in their own language; the * stands for the same text in both."""
    times: float = 0.92
    """With as_in: factor of the probability there."""

    def __post_init__(self) -> None:
        """Check ranges, and that exactly one of p and as_in is given."""
        check_positive("agents", self.agents)
        one = (self.p is None) != (self.as_in is None)
        check(one, f"p is {self.p} and as_in is {self.as_in}", "exactly one of the two")
        if self.p is not None:
            check(0 < self.p <= 1, f"p is {self.p}", "a probability, above 0")
        check(0 < self.times <= 1, f"times is {self.times}", "a factor above 0, at most 1")
        if self.as_in is not None:
            stars = [pattern.count("*") for pattern in (*self.classes, self.as_in)]
            check(stars == [1, 1], f"{stars} stars", "one pattern with one * in both")


@dataclass(frozen=True)
class Close:
    """Agents who are gone: a team, or a site with its share of everybody."""

    team: str | None = None
    share: float | None = None
    """Of the agents, evenly over all of them."""

    def __post_init__(self) -> None:
        """Check that exactly one of the two is given."""
        one = (self.team is None) != (self.share is None)
        check(one, f"team is {self.team} and share is {self.share}", "exactly one of the two")
        if self.share is not None:
            check(0 < self.share < 1, f"share is {self.share}", "a share between 0 and 1")


@dataclass(frozen=True)
class Hire:
    """More agents, each like one who is there."""

    agents: int
    team: str | None = None
    """Whom they are like; left out: everybody evenly."""

    def __post_init__(self) -> None:
        """Check ranges."""
        check_not_negative("agents", self.agents)


@dataclass(frozen=True)
class Volume:
    """More contacts, or fewer."""

    factor: float
    classes: tuple[str, ...] = ("*",)
    intervals: tuple[int, ...] = ()
    """Counted from 0; none: the whole day."""

    def __post_init__(self) -> None:
        """Check ranges."""
        check_not_negative("factor", self.factor)


@dataclass(frozen=True)
class Chats:
    """How many chats an agent holds at once, and what that does to each."""

    at_once: int
    slowdown: float
    """Every chat beside others takes this much longer per other chat (0.1: 10 %)."""

    def __post_init__(self) -> None:
        """Check ranges."""
        check_positive("at_once", self.at_once)
        check_not_negative("slowdown", self.slowdown)


@dataclass(frozen=True)
class Handling:
    """Longer or shorter handling times."""

    factor: float
    classes: tuple[str, ...] = ("*",)

    def __post_init__(self) -> None:
        """Check ranges."""
        check_positive("factor", self.factor)


@dataclass(frozen=True)
class Weigh:
    """Weights by which the router decides; what a day was worth is counted as before."""

    classes: tuple[str, ...] = ("*",)
    value: float = 1.0
    """Factor of the value of a resolution."""
    loss: float = 1.0
    """Factor of the loss when a customer leaves."""
    waiting_cost: float = 1.0
    """Factor of the cost of a second of waiting."""

    def __post_init__(self) -> None:
        """Check ranges."""
        check_positive("value", self.value)
        for name in ("loss", "waiting_cost"):
            check_not_negative(name, getattr(self, name))


@dataclass(frozen=True)
class Errors:
    """How wrong the router's numbers are: deviations of lognormal factors of mean 1, per day."""

    forecast: float = 0.0
    """Of the rate of every class and interval."""
    forecast_factor: float = 1.0
    """Of all rates: 1.2 believes in a fifth too many."""
    resolution: float = 0.0
    """Of the odds of every pair."""
    handling: float = 0.0
    """Of every pair's mean handling time."""

    def __post_init__(self) -> None:
        """Check ranges."""
        for name in ("forecast", "resolution", "handling"):
            check_not_negative(name, getattr(self, name))
        check_positive("forecast_factor", self.forecast_factor)


@dataclass(frozen=True)
class Changes:
    """One "what if": whatever is given differs from the base, all else is the same."""

    learn: tuple[Learn, ...] = ()
    close: tuple[Close, ...] = ()
    hire: tuple[Hire, ...] = ()
    volume: tuple[Volume, ...] = ()
    handling: tuple[Handling, ...] = ()
    chats: Chats | None = None
    tick_s: float | None = None
    weigh: tuple[Weigh, ...] = ()
    errors: Errors | None = None

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.tick_s is not None:
            check_positive("tick_s", self.tick_s)
