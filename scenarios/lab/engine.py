"""The event-driven engine: a centre, a day and a router in; flat tables of what happened out.

`tick_s` > 0: the router sees the whole floor on a fixed grid, as the product does. `tick_s` = 0:
it decides at every event, which makes the engine exact (Erlang B, C and A are its limits).
Customers' luck is in the `Day`; the engine itself draws nothing.
"""

from math import ceil

import numpy as np

from scenarios.lab.centre import LabCentre
from scenarios.lab.day import Day
from scenarios.lab.desks import NEVER
from scenarios.lab.events import Events, build_events
from scenarios.lab.floor import Floor
from scenarios.lab.happenings import Happenings
from scenarios.lab.router import NOBODY, Board, Decision, EventRouter, Router


def simulate(centre: LabCentre, day: Day, router: Router | EventRouter) -> Events:
    """What happened on that day under that router.

    Raises ValueError when the router starts pairs that are not eligible or for which there is no
    room, or when an `EventRouter` meets a tick or agents who hold several contacts.
    """
    if not isinstance(router, EventRouter):
        return _run(_AtTicks(centre, day, router))
    if centre.tick_s or not centre.is_exclusive:
        raise ValueError(
            f"centre {centre.name}: an event router met a tick of {centre.tick_s} s or agents who"
            " hold several contacts; expected tick_s 0 and one contact at a time"
        )
    return _run(_AtEvents(centre, day, router))


def _run(day: "_AtTicks | _AtEvents") -> Events:
    """Let everything happen in order of time until nothing can happen any more."""
    while True:
        now_s = day.next_s()
        decide_s = day.next_decision_s(now_s)
        if decide_s < now_s:
            day.decide(decide_s)
        elif now_s < NEVER:
            day.happen(now_s)
        else:
            break
    day.close()
    return build_events(day.centre, day.day, day.ledger)


class _AtEvents(Happenings):
    """An `EventRouter` decides inside every event."""

    def __init__(self, centre: LabCentre, day: Day, router: EventRouter) -> None:
        super().__init__(centre, day)
        self.router = router
        desks = self.desks
        router.begin(centre, Board(self.ledger.waits, desks.is_free, desks.idle_since_s))

    def next_decision_s(self, now_s: float) -> float:  # noqa: ARG002 - it has none of its own
        return NEVER

    def decide(self, now_s: float) -> None:
        """All decisions have been taken."""

    def after_entry(self, visit: int, now_s: float) -> None:
        agent = self.router.entered(visit, self.ledger.kind[visit])
        if agent != NOBODY:
            self.start(visit, agent, now_s)

    def after_freed(self, agent: int, now_s: float) -> None:
        visit = self.router.freed(agent)
        if visit != NOBODY:
            self.start(visit, agent, now_s)


class _AtTicks(Happenings):
    """A `Router` sees the whole floor at ticks at which somebody waits, or after every event."""

    def __init__(self, centre: LabCentre, day: Day, router: Router) -> None:
        super().__init__(centre, day)
        self.router = router
        self.queue: list[int] = []
        self.last_tick = -1
        self.in_time = centre.tick_s == 0

    def next_decision_s(self, now_s: float) -> float:
        if self.in_time or not self.num_waiting:
            return NEVER
        tick_s = self.centre.tick_s
        tick = max(self.last_tick + 1, ceil(self.now_s / tick_s - 1e-9))
        if now_s == NEVER and self.is_stuck:
            return NEVER
        return tick * tick_s

    def decide(self, now_s: float) -> None:
        self.last_tick = round(now_s / self.centre.tick_s) if self.centre.tick_s else 0
        self._decide(now_s)

    def after_entry(self, visit: int, now_s: float) -> None:
        self.queue.append(visit)
        if self.in_time:
            self._decide(now_s)

    def after_freed(self, agent: int, now_s: float) -> None:  # noqa: ARG002 - the floor tells
        if self.in_time and self.num_waiting:
            self._decide(now_s)

    def _decide(self, now_s: float) -> None:
        decision = self.router.decide(self._floor(now_s))
        self.is_stuck = len(decision.contact) == 0
        self._carry_out(decision, now_s)

    def _carry_out(self, decision: Decision, now_s: float) -> None:
        queue = self.queue
        pairs = zip(decision.contact.tolist(), decision.agent.tolist(), strict=True)
        for position, agent in pairs:
            self.start(queue[position], agent, now_s)

    def _floor(self, now_s: float) -> Floor:
        ledger, desks = self.ledger, self.desks
        waits, kind, entered = ledger.waits, ledger.kind, ledger.entered_s
        customer = ledger.customer
        queue = self.queue = [visit for visit in self.queue if waits[visit]]
        return Floor(
            centre=self.centre,
            now_s=now_s,
            contact=np.array(queue, dtype=np.int64),
            kind=np.array([kind[visit] for visit in queue], dtype=np.int64),
            value=self.day.value[[customer[visit] for visit in queue]],
            waited_s=now_s - np.array([entered[visit] for visit in queue]),
            room=desks.room,
            on_duty=np.array(desks.on_duty),
            idle_since_s=np.array(desks.idle_since_s),
            held_kind=desks.held_kind,
            held_since_s=desks.held_since_s,
            taken=desks.taken,
            busy_s=desks.busy_s,
            arrived=np.array(self.arrived, dtype=np.int64),
        )
