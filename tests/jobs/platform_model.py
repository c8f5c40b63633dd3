"""A phone system in memory: the truth that random days happen to, and what it shows and answers.

It knows nothing of the product but the contracts: it writes snapshots and `responses`, and reads
published `assignment` events, as an integration would.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from models.tables import Answer, LoadState, Presence
from tests.jobs.platform_rows import (
    QUEUES,
    START,
    Agent,
    Contact,
    Held,
    Response,
    Ring,
    Row,
    Shown,
)


class Kind(StrEnum):
    """What can happen to a centre."""

    ARRIVE = "arrive"
    ANSWER = "answer"
    ANSWER_LATE = "answer_late"
    ANSWER_AGAIN = "answer_again"
    SHOW = "show"
    PRESENCE = "presence"
    BREAK = "break"
    SHIFT = "shift"
    LEAVE = "leave"
    WRITE = "write"
    RAISE = "raise"
    TAKE_BY_HAND = "take_by_hand"
    MOVE_ON = "move_on"
    FINISH = "finish"
    TRANSFER = "transfer"
    QUIT = "quit"


@dataclass(frozen=True)
class Event:
    """Something that happens; the numbers choose among whatever there is at that moment."""

    kind: Kind
    who: int
    what: int


NAMES = ("ann", "ann", "bob", None, "cy", "cy", "dee", None, "eve", "fay")
THREADS = tuple((f"t{n}", NAMES[n] if n < len(NAMES) else f"x{n}") for n in range(18))
"""Conversations and their customers."""
CHANNELS = ("chat", "email", "voice", "messaging", "email", "chat", "callback", "social", "case")
SKILLS: tuple[tuple[tuple[str, int, str], ...], ...] = (
    (),
    (),
    (),
    (("billing", 5, "required"),),
    (("billing", 7, "high"), ("refunds", 3, "low")),
    (("refunds", 6, "medium"),),
)
STEPS: tuple[tuple[tuple[str, int, float | None], ...], ...] = (
    (),
    (),
    (),
    (),
    (("refunds", 8, 20.0), ("billing", 2, None)),
    (("agent:a1", 10, 15.0), ("billing", 4, 30.0)),
)
PRESENCES = (
    *(Presence.AVAILABLE, Presence.AWAY, Presence.AVAILABLE, Presence.OFFLINE),
    *(Presence.AVAILABLE, Presence.BUSY, Presence.AVAILABLE, Presence.WRAP_UP),
    Presence.AVAILABLE,
)
LAGS_S = (0.0, 0.0, 3.0, 40.0, -5.0)
"""How long before now an answer happened; clocks of platforms run ahead, too."""


class Platform:
    """The truth."""

    def __init__(self, agents: list[Agent]) -> None:
        self.now = START
        self.truth = Shown(agents={agent.agent_id: agent for agent in agents})
        self.rings: list[Ring] = []
        self.ended: set[tuple[str, datetime]] = set()
        self.sent: list[Response] = []
        self.drop: list[Response] = []
        """Answers that nobody acknowledged yet."""
        self._num = 0
        self._happen: dict[Kind, Callable[[int, int], None]] = {
            kind: getattr(self, f"_{kind.value}") for kind in Kind
        }

    def happen(self, event: Event) -> None:
        """Let it happen, if there is somebody for it to happen to."""
        self._happen[event.kind](event.who, event.what)

    def learn(self, events: list[Row]) -> None:
        """Read published events: what to ring, and what to withdraw."""
        known = {(ring.contact_id, ring.tick_at) for ring in self.rings}
        for row in events:
            offer = (row["contact_id"], row["tick_at"])
            if row["event"] == "offered" and offer not in known:
                told = (row["contact_version"], row["units"], row["profiles"])
                self.rings.append(Ring(*offer, row["agent_id"], *told))
            elif row["event"] in {"declined", "expired", "rescinded", "cancelled", "completed"}:
                self.ended.add(offer)

    def show(self) -> Shown:
        """A copy of the truth: what a snapshot says at this moment."""
        return deepcopy(self.truth)

    def _new_id(self, letter: str) -> str:
        self._num += 1
        return f"{letter}{self._num:03d}"

    def _arrive(self, who: int, what: int) -> None:
        thread, customer = THREADS[who % len(THREADS)]
        channel = CHANNELS[what % len(CHANNELS)]
        more = who // len(THREADS) + what // len(CHANNELS)
        contact = Contact(
            self._new_id("c"),
            thread,
            None if more % 7 == 6 else customer,
            QUEUES[more % 5 % 3],
            channel,
            self.now - timedelta(seconds=more % 4 * 7),
            language="es" if more % 8 == 3 else None,
            profiles=(None, None, None, "vip", "vip, tax")[more % 5],
            skills=SKILLS[more % 10 % 6],
            steps=STEPS[more % 11 % 6],
        )
        self.truth.contacts[contact.contact_id] = contact

    def _leave(self, who: int, _: int) -> None:
        if contact := _one(self.truth.contacts, who):
            del self.truth.contacts[contact.contact_id]

    def _write(self, who: int, what: int) -> None:
        """The customer writes again, waiting or not."""
        if what % 2 and (contact := _one(self.truth.contacts, who)):
            contact.last_message_at = self.now
        elif held := _one(self.truth.held, who):
            held.last_customer_at = self.now - timedelta(seconds=what % 50)

    def _raise(self, who: int, _: int) -> None:
        if contact := _one(self.truth.contacts, who):
            contact.version += 1

    def _presence(self, who: int, what: int) -> None:
        if agent := _one(self.truth.agents, who):
            agent.presence = PRESENCES[what % len(PRESENCES)].value
            agent.presence_since = self.now
            agent.version += 1

    def _break(self, who: int, what: int) -> None:
        if agent := _one(self.truth.agents, who):
            begin = self.now + timedelta(seconds=what % 4 // 3 * 200 - 1)
            agent.activities = ((begin, begin + timedelta(seconds=30)),)
            agent.version += 1

    def _shift(self, who: int, what: int) -> None:
        """The shift ends soon or now, or a new one begins."""
        if agent := _one(self.truth.agents, who):
            if what % 4:
                agent.shift_start_at = self.now - timedelta(seconds=what % 3)
                agent.shift_end_at = self.now + timedelta(hours=8)
            else:
                end = self.now + timedelta(seconds=what % 3 * 200)
                agent.shift_end_at = max(end, agent.shift_start_at + timedelta(seconds=1))
            agent.version += 1

    def _answer(self, who: int, what: int) -> None:
        """An answer to an offer that stands as far as the platform knows."""
        stands = [r for r in self.rings if (r.contact_id, r.tick_at) not in self.ended]
        self._respond(stands, who, what)

    def _answer_late(self, who: int, what: int) -> None:
        """An answer to any offer there ever was, or by somebody else, or to no offer at all."""
        rings = list(self.rings)
        if what % 3 == 1:
            rings = [replace(ring, agent_id="a0") for ring in rings]
        if what % 7 == 2:
            rings = [replace(ring, tick_at=ring.tick_at - timedelta(seconds=1)) for ring in rings]
        self._respond(rings, who, what)

    def _respond(self, rings: list[Ring], who: int, what: int) -> None:
        if not rings:
            return
        ring = rings[-1 - who % len(rings)]
        choices = (Answer.ACCEPTED, Answer.DECLINED, Answer.DELIVERED, *Answer)
        answer = choices[what % len(choices)].value
        at = self.now - timedelta(seconds=LAGS_S[what // len(choices) % len(LAGS_S)])
        offer = (ring.contact_id, ring.tick_at, ring.agent_id)
        response = Response(self._new_id("r"), *offer, answer, at)
        self.sent.append(response)
        self.drop.append(response)

    def _answer_again(self, who: int, what: int) -> None:
        """The same row again, or the same answer under a new name."""
        if self.sent:
            again = self.sent[-1 - who % len(self.sent)]
            if what % 2:
                again = replace(again, response_id=self._new_id("r"))
                self.sent.append(again)
            self.drop.append(again)

    def _show(self, who: int, what: int) -> None:
        """The platform shows at last who has the contact that it was told to ring."""
        rings = [ring for ring in self.rings if ring.contact_id in self.truth.contacts]
        rings = [ring for ring in rings if (ring.contact_id, ring.tick_at) not in self.ended]
        if rings:
            ring = rings[-1 - who % len(rings)]
            state = (LoadState.ACTIVE, LoadState.OFFERED, LoadState.PARKED)[what % 5 % 3]
            units = ring.units if what % 2 else None
            if ring.agent_id in self.truth.agents:
                self._hold(ring.contact_id, ring.agent_id, state, units, ring.profiles)
                if what % 4 == 3:
                    # Some platforms show it in both places for a while.
                    held = self.truth.held[ring.contact_id].contact
                    self.truth.contacts[ring.contact_id] = held

    def _take_by_hand(self, who: int, what: int) -> None:
        if (contact := _one(self.truth.contacts, who)) and (
            agent := _one(self.truth.agents, what)
        ):
            taken = (contact.contact_id, agent.agent_id, LoadState.ACTIVE)
            self._hold(*taken, None, contact.profiles)

    def _hold(
        self, contact: str, agent: str, state: LoadState, units: float | None, profiles: str | None
    ) -> None:
        row = self.truth.contacts.pop(contact)
        held = Held(row, agent, state.value, self.now, self.now, units, None, profiles)
        self.truth.held[contact] = held
        self.truth.agents[agent].version += 1

    def _move_on(self, who: int, what: int) -> None:
        if held := _one(self.truth.held, who):
            held.state = (LoadState.ACTIVE, LoadState.WRAP_UP, LoadState.PARKED)[what % 3].value
            held.state_since = self.now
            self.truth.agents[held.agent_id].version += 1

    def _finish(self, who: int, _: int) -> None:
        if held := _one(self.truth.held, who):
            self._end(held)

    def _transfer(self, who: int, _: int) -> None:
        """Back to the queue, at its age, in a higher version."""
        if held := _one(self.truth.held, who):
            self._end(held)
            held.contact.version += 1
            self.truth.contacts[held.contact.contact_id] = held.contact

    def _quit(self, who: int, _: int) -> None:
        """The agent is no longer known; what they held is over."""
        agents = self.truth.agents
        if len(agents) > 3 and (agent := _one(agents, who)):
            for held in list(self.truth.held.values()):
                if held.agent_id == agent.agent_id:
                    self._end(held)
            del agents[agent.agent_id]

    def _end(self, held: Held) -> None:
        del self.truth.held[held.contact.contact_id]
        self.truth.contacts.pop(held.contact.contact_id, None)
        self.truth.agents[held.agent_id].version += 1


def _one(rows: dict[str, Any], place: int) -> Any:  # noqa: ANN401
    return list(rows.values())[place % len(rows)] if rows else None
