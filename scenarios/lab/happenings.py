"""What happens on a day, and what it does: entries, ends, leaving, coming back, duty."""

from heapq import heapify, heappop, heappush

from scenarios.lab.centre import LabCentre
from scenarios.lab.day import Day
from scenarios.lab.desks import NEVER, Desks, Work
from scenarios.lab.ledger import Ledger, Outcome
from scenarios.lab.roster import Change, Roster, planned_changes

CHANGE, DONE, RETURN, LEAVE, TOO_LONG, CLEAR = range(6)
"""At the same instant the lower comes first: work before waiting."""

Event = tuple[float, int, int, Work | None]
"""Instant, kind, row (of what, depends on the kind; unique within it), work that is done."""


class Happenings:
    """State of one run; heirs say when decisions are taken.

    `happen(next_s())` lets the next thing happen; `start` is how a decision is carried out.
    """

    def __init__(self, centre: LabCentre, day: Day) -> None:
        """Before the first event: nobody is there."""
        self.centre, self.day = centre, day
        self.desks = Desks(centre)
        self.ledger = Ledger(centre, day)
        self.roster = Roster(centre, self.desks, self.ledger, self._announce)
        self.changes = planned_changes(centre)
        self.heap: list[Event] = [
            (change.at_s, CHANGE, row, None) for row, change in enumerate(self.changes)
        ]
        stop_s = centre.horizon_s + centre.overtime_s
        for row, clear_s in enumerate((centre.house.clears_queue_at_s, stop_s)):
            if clear_s is not None and clear_s < NEVER:
                self.heap.append((clear_s, CLEAR, row, None))
        heapify(self.heap)
        self.now_s = 0.0
        self.first_s: list[float] = day.arrival_s.tolist()
        self.next_customer = 0
        self.num_scheduled = 0
        self.num_waiting = self.num_present = 0
        self.is_stuck = False
        """The last decision started nothing."""
        self.arrived = [0] * centre.num_classes
        self._read_numbers()

    def _read_numbers(self) -> None:
        """Lists of what every event needs: Python reads them faster than arrays."""
        classes, house, day = self.centre.classes, self.centre.house, self.day
        self.handle_s: list[list[float]] = self.centre.h.tolist()
        self.eligible: list[list[bool]] = self.centre.eligible.tolist()
        self.channel: list[int] = classes.channel.tolist()
        self.mean_patience_s: list[float] = classes.patience_s.tolist()
        self.patience: list[list[float]] = day.patience.tolist()
        self.noise: list[list[float]] = day.noise.tolist()
        self.most_waiting = NEVER if house.max_waiting is None else house.max_waiting
        self.most_present = NEVER if house.max_present is None else house.max_present
        longest = house.gives_up_after_s
        self.longest_wait_s = NEVER if longest is None else longest

    def next_s(self) -> float:
        """When the next thing happens; NEVER if nothing will."""
        event_s = self.heap[0][0] if self.heap else NEVER
        if self.next_customer < len(self.first_s):
            return min(event_s, self.first_s[self.next_customer])
        return event_s

    def happen(self, now_s: float) -> None:
        """Let the next thing happen; events come before arrivals of the same instant."""
        if not self.heap or self.heap[0][0] > now_s:
            self.now_s = now_s
            visit = self.next_customer
            self.next_customer += 1
            self._enter(visit, now_s)
            return
        _, kind, row, work = heappop(self.heap)
        if work is not None:
            if work.due_s == now_s:
                self.now_s = now_s
                self._finish(work, now_s)
        elif kind >= LEAVE:
            self._end_waits(kind, row, now_s)
        elif kind == CHANGE:
            self.now_s = now_s
            for agent in self.roster.carry_out(self.changes[row], now_s):
                self.after_freed(agent, now_s)
        else:
            self.now_s = now_s
            self._enter(row, now_s)

    def start(self, visit: int, agent: int, now_s: float) -> None:
        """The agent takes the contact now; raises ValueError if they cannot."""
        ledger = self.ledger
        kind, customer = ledger.kind[visit], ledger.customer[visit]
        channel = self.channel[kind]
        if not (ledger.waits[visit] and self.eligible[kind][agent]):
            raise ValueError(
                f"router: contact {visit} of class {kind} was given to agent {agent}; expected a"
                " contact that waits and an agent who is eligible for its class"
            )
        if not self.desks.has_room(agent, channel):
            raise ValueError(
                f"router: agent {agent} has no room for contact {visit}; expected an agent whose"
                " `room` is above 0, counting what the same decision starts"
            )
        ledger.waits[visit] = False
        ledger.outcome[visit] = Outcome.ANSWERED
        ledger.left_queue_s[visit] = now_s
        ledger.agent[visit] = agent
        self.num_waiting -= 1
        seconds = self.handle_s[kind][agent] * self.noise[customer][ledger.attempt[visit]]
        work = Work(visit, agent, kind, channel, seconds, now_s)
        self._schedule(self.desks.take(work, now_s))

    def close(self) -> None:
        """The day is over: whoever still waits is sent away, and agents' spans end."""
        self._clear(self.now_s)
        for agent in range(self.centre.num_agents):
            self.ledger.close(agent, self.now_s)

    def after_entry(self, visit: int, now_s: float) -> None:
        """A contact waits since now."""
        raise NotImplementedError

    def after_freed(self, agent: int, now_s: float) -> None:
        """An agent may have room since now."""
        raise NotImplementedError

    def _schedule(self, works: list[Work]) -> None:
        for work in works:
            if work.due_s < NEVER:
                self.num_scheduled += 1
                heappush(self.heap, (work.due_s, DONE, self.num_scheduled, work))

    def _announce(self, change: Change) -> None:
        heappush(self.heap, (change.at_s, CHANGE, len(self.changes), None))
        self.changes.append(change)

    def _enter(self, visit: int, now_s: float) -> None:
        ledger = self.ledger
        kind = ledger.kind[visit]
        ledger.has_entered[visit] = True
        self.arrived[kind] += 1
        self.num_present += 1
        self.num_waiting += 1
        ledger.waits[visit] = True
        if self.num_present > self.most_present:
            self._leave(visit, Outcome.BLOCKED, now_s)
            return
        self.after_entry(visit, now_s)
        if not ledger.waits[visit]:
            return
        if self.num_waiting > self.most_waiting:
            self._leave(visit, Outcome.BLOCKED, now_s)
            return
        factor = self.patience[ledger.customer[visit]][ledger.attempt[visit]]
        patience_s = self.mean_patience_s[kind] * factor
        if patience_s <= self.longest_wait_s and patience_s < NEVER:
            heappush(self.heap, (now_s + patience_s, LEAVE, visit, None))
        elif self.longest_wait_s < NEVER:
            heappush(self.heap, (now_s + self.longest_wait_s, TOO_LONG, visit, None))

    def _finish(self, work: Work, now_s: float) -> None:
        visit, agent = work.contact, work.agent
        work.due_s = NEVER  # the same instant may have been scheduled twice
        self.ledger.ended_s[visit] = now_s
        self.num_present -= 1
        self._schedule(self.desks.drop(work, now_s))
        habits = self.centre.classes.habits
        if habits is not None:
            kind, at = self.ledger.kind[visit], self._luck(visit)
            if self.day.outcome[at] >= self.centre.p[kind, agent]:
                share, median = habits.reconnect_share[kind], habits.reconnect_median_s[kind]
                self._come_back(visit, float(share), float(median), now_s)
        if not self.desks.held[agent]:
            self.roster.put_down(agent, now_s)
        if self.desks.on_duty[agent]:
            self.after_freed(agent, now_s)

    def _end_waits(self, kind: int, row: int, now_s: float) -> None:
        if kind == CLEAR:
            self._clear(now_s)
        elif self.ledger.waits[row]:
            self.now_s = now_s
            self._leave(row, Outcome.ABANDONED if kind == LEAVE else Outcome.MESSAGE, now_s)

    def _clear(self, now_s: float) -> None:
        waits = self.ledger.waits
        for visit in [visit for visit, waiting in enumerate(waits) if waiting]:
            self.now_s = now_s
            self._leave(visit, Outcome.DISCONNECTED, now_s)

    def _leave(self, visit: int, outcome: Outcome, now_s: float) -> None:
        ledger = self.ledger
        ledger.waits[visit] = False
        ledger.outcome[visit] = outcome
        ledger.left_queue_s[visit] = now_s
        self.num_waiting -= 1
        self.num_present -= 1
        habits = self.centre.classes.habits
        if habits is not None and outcome == Outcome.ABANDONED:
            kind = ledger.kind[visit]
            share, median = habits.redial_share[kind], habits.redial_median_s[kind]
            self._come_back(visit, float(share), float(median), now_s)

    def _luck(self, visit: int) -> tuple[int, int]:
        return self.ledger.customer[visit], self.ledger.attempt[visit]

    def _come_back(self, visit: int, share: float, median_s: float, now_s: float) -> None:
        """Perhaps the customer comes back later today, perhaps in another class."""
        customer, attempt = at = self._luck(visit)
        habits = self.centre.classes.habits
        at_s = now_s + median_s * float(self.day.delay[at])
        is_last = habits is None or attempt + 1 >= habits.attempts
        if is_last or self.day.returns[at] >= share or at_s >= self.centre.horizon_s:
            return
        kind = self.ledger.kind[visit]
        if habits is not None and self.day.switch[at] < habits.switch_share[kind]:
            kind = int(habits.switch_to[kind])
        self.ledger.comes_back[visit] = True
        again = self.ledger.add_visit(customer, attempt + 1, kind, at_s)
        heappush(self.heap, (at_s, RETURN, again, None))
