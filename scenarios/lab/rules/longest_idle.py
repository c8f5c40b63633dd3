"""First come, first served, to whoever has been idle longest: the default of most products."""

from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision
from scenarios.lab.rules.one_by_one import anybody, first_come, one_by_one


class LongestIdle:
    """FIFO with any eligible agent, the longest idle first."""

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        return one_by_one(floor, first_come(floor), anybody(floor))
