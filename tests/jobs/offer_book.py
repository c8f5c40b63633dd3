"""The life of every offer as `docs/offers.md` tells it, written a second time, one by one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from models.policy import Policy
from models.tables import Channel
from tests.jobs.platform_rows import Response, Shown

ANSWERS = {
    "offered": {"delivered", "accepted", "declined", "expired", "cancelled"},
    "delivered": {"accepted", "declined", "expired", "cancelled"},
    "accepted": {"completed"},
}
STANDS = {"offered", "delivered"}
OPEN = {"offered", "delivered", "accepted"}
CAME_BACK = {"declined", "expired", "rescinded"}
LAG = timedelta(seconds=10)
SLOW_CLOCK = timedelta(seconds=5)
Offer = tuple[str, datetime]
Told = tuple[str, datetime, str, datetime]
"""(contact_id, tick_at, event, event_at)"""


@dataclass
class Life:
    """One offer and what became of it."""

    contact_id: str
    tick_at: datetime
    agent_id: str
    conversation_id: str
    customer_id: str | None
    channel: str
    version: int
    units: float
    profiles: str | None
    is_lead: bool
    events: list[tuple[str, datetime]]

    @property
    def state(self) -> str:
        """Its last event."""
        return self.events[-1][0]

    @property
    def at(self) -> datetime:
        """When that was."""
        return self.events[-1][1]


@dataclass
class OfferBook:
    """All offers, all answers, and when each contact was last seen waiting."""

    lives: dict[Offer, Life] = field(default_factory=dict)
    results: dict[str, str | None] = field(default_factory=dict)
    """By response: None if it was applied, else why not."""
    seen: dict[str, datetime] = field(default_factory=dict)

    def begin(self, row: dict[str, Any]) -> None:
        """An offer was published."""
        offer = (row["contact_id"], row["tick_at"])
        assert offer not in self.lives, f"{offer} was offered twice"
        self.lives[offer] = Life(
            *offer,
            row["agent_id"],
            row["conversation_id"],
            row["customer_id"],
            row["channel"],
            row["contact_version"],
            row["units"],
            row["profiles"],
            row["is_lead"],
            [("offered", row["tick_at"])],
        )

    def take(self, shown: Shown, responses: list[Response], now: datetime, policy: Policy) -> None:
        """What a tick does first: answers, then what the snapshot shows, then the clock."""
        new: dict[str, Response] = {}
        for response in responses:
            if response.response_id not in self.results:
                new.setdefault(response.response_id, response)
        for response in sorted(new.values(), key=lambda r: (r.responded_at, r.response_id)):
            self.results[response.response_id] = self._refusal(response, now)
        for life in self.lives.values():
            if life.state in STANDS and (event := self._moves(life, shown, now, policy)):
                life.events.append((event, now))
        self.seen |= dict.fromkeys(shown.contacts.keys() - shown.held.keys(), now)

    def told(self) -> list[Told]:
        """Every event that there should be, sorted."""
        lives = self.lives.values()
        return sorted((x.contact_id, x.tick_at, *event) for x in lives for event in x.events)

    def last_of(self, contact_id: str, states: set[str], least_version: int = 0) -> Life | None:
        """The newest offer of a contact in one of the states."""
        found = [
            life
            for life in self.lives.values()
            if life.contact_id == contact_id
            and life.state in states
            and life.version >= least_version
        ]
        return max(found, key=lambda life: (life.version, life.tick_at), default=None)

    def last_sign(self, life: Life) -> datetime:
        """When the contact was last seen waiting, or its offer last changed."""
        return max(self.seen.get(life.contact_id, life.at), life.at)

    def _refusal(self, response: Response, now: datetime) -> str | None:
        """Why an answer may not follow; where it may, it does."""
        life = self.lives.get((response.contact_id, response.tick_at))
        if life is None:
            return "unknown_offer"
        if life.agent_id != response.agent_id:
            return "other_agent"
        if response.responded_at < response.tick_at - SLOW_CLOCK:
            return "before_offer"
        if response.answer in ANSWERS.get(life.state, set()):
            life.events.append((response.answer, max(life.at, min(now, response.responded_at))))
            return None
        if response.answer == life.state:
            return "repeated"
        return "not_accepted_yet" if life.state in STANDS else f"offer_{life.state}"

    def _moves(self, life: Life, shown: Shown, now: datetime, policy: Policy) -> str | None:
        limit_s = policy.channels[Channel(life.channel)].accept_timeout_s
        held, waits = shown.held.get(life.contact_id), shown.contacts.get(life.contact_id)
        agent = shown.agents.get(life.agent_id)
        if held and held.agent_id == life.agent_id and (held.state != "offered" or limit_s == 0):
            return "accepted"
        if (held and held.agent_id != life.agent_id) or (waits and waits.version > life.version):
            return "rescinded"
        if limit_s > 0 and (now - life.tick_at).total_seconds() > limit_s:
            return "expired"
        if (
            agent is None
            or agent.presence in {"away", "offline"}
            or (
                agent.presence == "busy"
                and not held
                and (agent.presence_since or life.at) > life.at
            )
        ):
            return "rescinded"
        if not held and not waits and self.last_sign(life) <= now - LAG:
            return "cancelled"
        return None
