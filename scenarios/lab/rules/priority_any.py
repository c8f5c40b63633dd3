"""Priority queues without skills: the most valuable class first, any eligible agent."""

from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision
from scenarios.lab.rules.one_by_one import anybody, by_priority, one_by_one


class PriorityAnybody:
    """Priority and FIFO; the longest idle eligible agent."""

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        return one_by_one(floor, by_priority(floor), anybody(floor))
