"""Teams and queues of a switch: the first team of the class with somebody free, else first come.

The reference rule for published examples (`SingleFIFOQueueRouter` and `QueuePriorityRouter` of
ContactCenters behave so), and first-in-first-out where there is one team.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from scenarios.lab.centre import LabCentre
from scenarios.lab.router import NOBODY, Board


@dataclass
class TeamFifo:
    """An `EventRouter`: decides without delay, the longest idle agent of a team first."""

    team: Sequence[int]
    """By agent."""
    teams_of_class: Sequence[Sequence[int]]
    """By class: teams in order of preference."""
    classes_of_team: Sequence[Sequence[int]]
    """By team: the classes that it serves; of these the contact that came first."""
    _board: Board = field(init=False)
    _idle: list[deque[tuple[float, int]]] = field(init=False)
    """By team: agents since when idle, in that order; entries that are out of date are skipped."""
    _queue: list[deque[int]] = field(init=False)

    def begin(self, centre: LabCentre, board: Board) -> None:
        """Nobody waits and nobody is idle."""
        self._board = board
        self._idle = [deque() for _ in self.classes_of_team]
        self._queue = [deque() for _ in range(centre.num_classes)]

    def entered(self, contact: int, kind: int) -> int:
        """The longest idle agent of the first team that has one, or NOBODY."""
        for team in self.teams_of_class[kind]:
            idle = self._idle[team]
            while idle:
                since_s, agent = idle.popleft()
                if self._board.is_free[agent] and self._board.idle_since_s[agent] == since_s:
                    return agent
        self._queue[kind].append(contact)
        return NOBODY

    def freed(self, agent: int) -> int:
        """The contact that came first among the classes of the agent's team, or NOBODY."""
        team = self.team[agent]
        first, chosen = NOBODY, NOBODY
        for kind in self.classes_of_team[team]:
            queue = self._queue[kind]
            while queue and not self._board.waits[queue[0]]:
                queue.popleft()
            if queue and (first == NOBODY or queue[0] < first):
                first, chosen = queue[0], kind
        if chosen != NOBODY:
            return self._queue[chosen].popleft()
        self._idle[team].append((self._board.idle_since_s[agent], agent))
        return NOBODY
