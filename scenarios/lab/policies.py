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

POLICIES: MappingProxyType[str, RouterFactory] = MappingProxyType(
    {
        "fifo": lambda centre, seed: LongestIdle(),  # noqa: ARG005 - all of these know no centre
        "round-robin": lambda centre, seed: RoundRobin(),  # noqa: ARG005
        "least-active": lambda centre, seed: LeastActive(),  # noqa: ARG005
        "most-available": lambda centre, seed: MostAvailable(),  # noqa: ARG005
        "priority-any": lambda centre, seed: PriorityAnybody(),  # noqa: ARG005
        SBR: lambda centre, seed: SkillsBased(),  # noqa: ARG005
        "bullseye": lambda centre, seed: Bullseye(),  # noqa: ARG005
        "best-agent": lambda centre, seed: BestAgent(),  # noqa: ARG005
        "myopic": lambda centre, seed: MyopicBatch(),  # noqa: ARG005
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
