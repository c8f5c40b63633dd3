"""First come, first served with a head start for some classes: priority as many switches grant it.

A contact of class k counts as if it had come `head_start_s[k]` earlier than it did.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from scenarios.lab.centre import LabCentre
from scenarios.lab.router import NOBODY, Board


@dataclass
class HeadStart:
    """An `EventRouter`: decides without delay, the longest idle eligible agent first.

    For customers who do not come back: contacts are those of the day, in its order.
    """

    head_start_s: Sequence[float]
    """By class."""
    entered_s: Sequence[float]
    """By contact: `Day.arrival_s`."""
    _board: Board = field(init=False)
    _agents: list[list[int]] = field(init=False)
    """By class: who may serve it."""
    _classes: list[list[int]] = field(init=False)
    """By agent: what they may serve."""
    _queue: list[deque[int]] = field(init=False)

    def begin(self, centre: LabCentre, board: Board) -> None:
        """Nobody waits."""
        self._board = board
        self._agents = [row.nonzero()[0].tolist() for row in centre.eligible]
        self._classes = [column.nonzero()[0].tolist() for column in centre.eligible.T]
        self._queue = [deque() for _ in range(centre.num_classes)]

    def entered(self, contact: int, kind: int) -> int:
        """The longest idle agent who may serve it, or NOBODY."""
        free = [agent for agent in self._agents[kind] if self._board.is_free[agent]]
        if free:
            return min(free, key=self._board.idle_since_s.__getitem__)
        self._queue[kind].append(contact)
        return NOBODY

    def freed(self, agent: int) -> int:
        """The contact that came first, head starts counted, of those that the agent may serve."""
        chosen, chosen_s = NOBODY, float("inf")
        for kind in self._classes[agent]:
            first = self._first(kind)
            if first != NOBODY:
                counts_from_s = self.entered_s[first] - self.head_start_s[kind]
                if counts_from_s < chosen_s:
                    chosen, chosen_s = first, counts_from_s
        return chosen

    def waits_for(self, agent: int) -> bool:
        """Somebody waits whom the agent may serve."""
        return any(self._first(kind) != NOBODY for kind in self._classes[agent])

    def _first(self, kind: int) -> int:
        """The contact of the class that has waited longest, or NOBODY."""
        queue = self._queue[kind]
        while queue and not self._board.waits[queue[0]]:
            queue.popleft()
        return queue[0] if queue else NOBODY
