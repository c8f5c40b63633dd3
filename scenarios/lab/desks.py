"""The agents' side of the engine: who is on duty, what they hold, and how fast it goes.

An agent holds one voice contact, or up to `chats` chats; beside either, an email may lie still
that was begun while nothing else was held. Chats slow each other down by `slowdown`.
State is kept in lists, which Python reads fastest, and in arrays where a `Floor` shows it.
"""

from dataclasses import dataclass

import numpy as np

from scenarios.lab.centre import Floats, Ints, LabCentre, LabChannel
from scenarios.lab.floor import NOTHING

NEVER = float("inf")
UNSET = -1.0
VOICE, CHAT, EMAIL = (int(channel) for channel in LabChannel)


@dataclass(slots=True, eq=False)
class Work:
    """One contact in an agent's hands."""

    contact: int
    agent: int
    kind: int
    channel: int
    left_s: float
    """Seconds still to do at full pace, as of `since_s`."""
    since_s: float
    due_s: float = NEVER
    """When it will be done at the present pace; NEVER while it lies still."""
    pace: float = UNSET
    """Seconds done per second."""
    place: int = 0


class Desks:
    """A agents; every change of what is held goes through `take` and `drop`."""

    def __init__(self, centre: LabCentre) -> None:
        """Everybody is off duty and holds nothing."""
        agents = centre.num_agents
        self.chats = centre.chats
        self.slowdown = centre.slowdown
        self.is_exclusive = centre.is_exclusive
        places = 1 if self.is_exclusive else max(1, centre.chats) + 1
        self.on_duty = [False] * agents
        self.is_free = [False] * agents
        self.idle_since_s = [0.0] * agents
        self.held: list[list[Work]] = [[] for _ in range(agents)]
        self.room: Ints = np.zeros((agents, 3), dtype=np.int64)
        self.held_kind: Ints = np.full((agents, places), NOTHING, dtype=np.int64)
        self.held_since_s: Floats = np.zeros((agents, places))
        self.taken: Ints = np.zeros(agents, dtype=np.int64)
        self.busy_s: Floats = np.zeros(agents)

    def set_duty(self, agent: int, on_duty: bool) -> None:
        """From now on the agent takes new work, or does not."""
        self.on_duty[agent] = on_duty
        self._make_room(agent)

    def has_room(self, agent: int, channel: int) -> bool:
        """Whether one more contact of that channel can start now."""
        return bool(self.room[agent, channel] > 0)

    def take(self, work: Work, now_s: float) -> list[Work]:
        """Begin this work; returns everything whose `due_s` has changed, the new work included."""
        agent = work.agent
        held = self.held[agent]
        work.place = self._empty_place(agent)
        held.append(work)
        self.held_kind[agent, work.place] = work.kind
        self.held_since_s[agent, work.place] = now_s
        self.taken[agent] += 1
        self._make_room(agent)
        if self.is_exclusive:
            work.due_s = now_s + work.left_s
            return held
        return self._repace(agent, now_s)

    def drop(self, work: Work, now_s: float) -> list[Work]:
        """The work is done; returns everything else whose `due_s` has changed."""
        agent = work.agent
        held = self.held[agent]
        held.remove(work)
        self.busy_s[agent] += now_s - float(self.held_since_s[agent, work.place])
        self.held_kind[agent, work.place] = NOTHING
        if not held:
            self.idle_since_s[agent] = now_s
        self._make_room(agent)
        if self.is_exclusive:
            return held
        return self._repace(agent, now_s)

    def _empty_place(self, agent: int) -> int:
        if self.is_exclusive:
            return 0
        used = {work.place for work in self.held[agent]}
        return next(place for place in range(self.held_kind.shape[1]) if place not in used)

    def _make_room(self, agent: int) -> None:
        held, room = self.held[agent], self.room[agent]
        self.is_free[agent] = self.on_duty[agent] and not held
        if not self.on_duty[agent]:
            room[:] = 0
        elif not held:
            room[VOICE], room[CHAT], room[EMAIL] = 1, self.chats, 1
        elif self.is_exclusive:
            room[:] = 0
        else:
            chats = sum(work.channel == CHAT for work in held)
            calls = sum(work.channel == VOICE for work in held)
            room[VOICE] = 0 if calls or chats else 1
            room[CHAT] = 0 if calls else self.chats - chats
            room[EMAIL] = 0

    def _repace(self, agent: int, now_s: float) -> list[Work]:
        """Settle what has been done so far and set the pace from now on."""
        held = self.held[agent]
        chats = sum(work.channel == CHAT for work in held)
        live = any(work.channel != EMAIL for work in held)
        changed = []
        for work in held:
            if work.channel == EMAIL:
                pace = 0.0 if live else 1.0
            elif work.channel == CHAT:
                pace = 1.0 / (1.0 + self.slowdown * (chats - 1))
            else:
                pace = 1.0
            if pace != work.pace:
                work.left_s -= (now_s - work.since_s) * max(work.pace, 0.0)
                work.pace, work.since_s = pace, now_s
                work.due_s = now_s + work.left_s / pace if pace else NEVER
                changed.append(work)
        return changed
