"""The bank's floor: a head-start switch, and agents who pause after a call.

The pause is short if somebody waits whom they could serve, longer if nobody does. The
lab's `Happenings` do the rest; here is who is ready when.
"""

from collections.abc import Sequence
from dataclasses import replace
from heapq import heappop, heappush
from typing import overload

from scenarios.lab.centre import Floats, LabCentre
from scenarios.lab.day import Day
from scenarios.lab.desks import NEVER
from scenarios.lab.events import Events, build_events
from scenarios.lab.happenings import Happenings
from scenarios.lab.roster import Change
from scenarios.lab.router import NOBODY, Board
from scenarios.lab.rules.head_start import HeadStart


def simulate_pausing(centre: LabCentre, day: Day, head_start_s: Floats, pause_s: Floats) -> Events:
    """What happened on that day.

    `pause_s` (N, 2): how long whoever served this customer pauses afterwards if nobody waits whom
    they could serve, and if somebody does. For centres with tick 0 and calls only.
    """
    floor = _PausingFloor(centre, day, head_start_s, pause_s)
    now_s = floor.next_s()
    while now_s < NEVER:
        floor.happen(now_s)
        now_s = floor.next_s()
    floor.close()
    return build_events(centre, day, floor.ledger)


class _PausingFloor(Happenings):
    """Agents are ready some time after they are free."""

    def __init__(self, centre: LabCentre, day: Day, head_start_s: Floats, pause_s: Floats) -> None:
        super().__init__(centre, day)
        self.pause_s: list[list[float]] = pause_s.tolist()
        self.last_visit = [NOBODY] * centre.num_agents
        """What each agent served last, and has not yet paused after."""
        self.ready = _Ready(self.desks.is_free, centre.num_agents)
        self.returns: list[tuple[float, int]] = []
        self.router = HeadStart(head_start_s.tolist(), day.arrival_s.tolist())
        waits = self.ledger.waits
        self.router.begin(centre, Board(waits, self.ready, self.desks.idle_since_s))

    def next_s(self) -> float:
        """The next event, or the next end of a pause."""
        coming_s = super().next_s()
        return min(coming_s, self.returns[0][0]) if self.returns else coming_s

    def happen(self, now_s: float) -> None:
        """Ends of pauses come before all else of the same instant."""
        if not self.returns or self.returns[0][0] > now_s:
            super().happen(now_s)
            return
        _, agent = heappop(self.returns)
        self.now_s = now_s
        self.ready.has_paused[agent] = True
        if self.desks.is_free[agent]:
            self._take(agent, now_s)

    def after_entry(self, visit: int, now_s: float) -> None:
        """A contact waits since now."""
        agent = self.router.entered(visit, self.ledger.kind[visit])
        if agent != NOBODY:
            self.start(visit, agent, now_s)

    def after_freed(self, agent: int, now_s: float) -> None:
        """After a call they pause; whoever comes on duty is ready, unless they still pause."""
        visit = self.last_visit[agent]
        self.last_visit[agent] = NOBODY
        if visit != NOBODY:
            self._pause(agent, visit, now_s)
        elif self.ready[agent]:
            self._take(agent, now_s)

    def start(self, visit: int, agent: int, now_s: float) -> None:
        """The agent takes the contact now."""
        super().start(visit, agent, now_s)
        self.last_visit[agent] = visit

    def _announce(self, change: Change) -> None:
        """Whoever went late, since a call had to be finished, comes back in time nevertheless."""
        breaks = self.centre.breaks
        if breaks is not None:
            mine = (breaks.agent == change.who) & (breaks.from_s <= self.now_s)
            back_s = max(float(breaks.until_s[mine].max(initial=0.0)), self.now_s)
            change = replace(change, at_s=min(change.at_s, back_s))
        super()._announce(change)

    def _pause(self, agent: int, visit: int, now_s: float) -> None:
        pause_s = self.pause_s[visit][self.router.waits_for(agent)]
        self.ready.has_paused[agent] = False
        heappush(self.returns, (now_s + pause_s, agent))

    def _take(self, agent: int, now_s: float) -> None:
        visit = self.router.freed(agent)
        if visit != NOBODY:
            self.start(visit, agent, now_s)


class _Ready(Sequence[bool]):
    """By agent: free, and done pausing."""

    def __init__(self, is_free: Sequence[bool], num_agents: int) -> None:
        self.is_free = is_free
        self.has_paused = [True] * num_agents

    def __len__(self) -> int:
        return len(self.is_free)

    @overload
    def __getitem__(self, at: int) -> bool: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[bool]: ...
    def __getitem__(self, at: int | slice) -> bool | Sequence[bool]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        return self.is_free[at] and self.has_paused[at]
