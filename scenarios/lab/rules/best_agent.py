"""Best available agent (predictive routing): one by one, to whoever resolves most."""

from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision
from scenarios.lab.rules.one_by_one import anybody, by_priority, one_by_one


class BestAgent:
    """Priority and FIFO; the free eligible agent with the highest probability of resolution."""

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        p = floor.centre.p
        return one_by_one(
            floor,
            by_priority(floor),
            anybody(floor),
            lambda contact, agents: p[floor.kind[contact], agents],
        )
