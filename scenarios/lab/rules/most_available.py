"""The agent with the most capacity left for the contact's channel."""

from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision
from scenarios.lab.rules.one_by_one import anybody, first_come, one_by_one


class MostAvailable:
    """FIFO with the eligible agent who has the most room, then the longest idle."""

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        channel = floor.centre.classes.channel[floor.kind]
        room = floor.room.copy()

        def started(agent: int) -> None:
            room[agent] -= 1

        return one_by_one(
            floor,
            first_come(floor),
            anybody(floor),
            lambda contact, agents: room[agents, channel[contact]],
            started=started,
        )
