"""The agent with the fewest open contacts, whatever they could hold."""

from scenarios.lab.floor import NOTHING, Floor
from scenarios.lab.router import Decision
from scenarios.lab.rules.one_by_one import anybody, first_come, one_by_one


class LeastActive:
    """FIFO with the eligible agent who holds the fewest contacts, then the longest idle."""

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        held = (floor.held_kind != NOTHING).sum(axis=1)

        def started(agent: int) -> None:
            held[agent] += 1

        return one_by_one(
            floor,
            first_come(floor),
            anybody(floor),
            lambda _, agents: -held[agents],
            started=started,
        )
