"""The routers that results compare, by the names that studies and reports use."""

from collections.abc import Callable
from types import MappingProxyType

from scenarios.lab.centre import LabCentre
from scenarios.lab.own_policies import ours, product_with_prices
from scenarios.lab.real_tick import RealTick
from scenarios.lab.router import Router
from scenarios.lab.rules.best_agent import BestAgent
from scenarios.lab.rules.bullseye import Bullseye
from scenarios.lab.rules.least_active import LeastActive
from scenarios.lab.rules.longest_idle import LongestIdle
from scenarios.lab.rules.most_available import MostAvailable
from scenarios.lab.rules.myopic import MyopicBatch
from scenarios.lab.rules.priority_any import PriorityAnybody
from scenarios.lab.rules.round_robin import RoundRobin
from scenarios.lab.rules.skills import SkillsBased

RouterFactory = Callable[[LabCentre, int], Router]
"""(centre, seed of the day) -> a router for that day, which it must know nothing about: the seed
is for random numbers of its own."""

SBR = "skills"
"""What others are compared with."""


def _rule(kind: Callable[[], Router]) -> RouterFactory:
    """A rule that needs to know nothing beforehand."""
    return lambda centre, seed: kind()  # noqa: ARG005


POLICIES: MappingProxyType[str, RouterFactory] = MappingProxyType(
    {
        "fifo": _rule(LongestIdle),
        "round-robin": _rule(RoundRobin),
        "least-active": _rule(LeastActive),
        "most-available": _rule(MostAvailable),
        "priority-any": _rule(PriorityAnybody),
        SBR: _rule(SkillsBased),
        "bullseye": _rule(Bullseye),
        "best-agent": _rule(BestAgent),
        "myopic": _rule(MyopicBatch),
        "ours": ours,
        "product-with-prices": product_with_prices,
        "product": lambda centre, seed: RealTick(centre),  # noqa: ARG005
    }
)


def new_router(policy: str, centre: LabCentre, seed: int) -> Router:
    """A router of that name for one day; ValueError for an unknown name."""
    if policy not in POLICIES:
        raise ValueError(
            f"policy {policy!r} is unknown; expected one of {', '.join(POLICIES)}: mend it"
        )
    return POLICIES[policy](centre, seed)
