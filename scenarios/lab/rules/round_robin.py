"""Agents in turn: after one has had a contact, everybody else comes before them."""

from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision
from scenarios.lab.rules.one_by_one import anybody, first_come, one_by_one


class RoundRobin:
    """FIFO with the next eligible agent after the one who was served last, around the list."""

    def __init__(self) -> None:
        """The first agent is the first in turn."""
        self._last = -1

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        agents = floor.centre.num_agents
        return one_by_one(
            floor,
            first_come(floor),
            anybody(floor),
            lambda _, candidates: -((candidates - self._last - 1) % agents),
            started=self._serve,
        )

    def _serve(self, agent: int) -> None:
        self._last = agent
