"""A centre as a strict supervisor sees it before a tick: who could take what, one pair at a time.

Written from `docs/model.md` alone, row by row, as a third reading of its hard rules.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.channel_policy import ChannelPolicy
from models.policy import Policy, ProfileReset
from models.tables import Channel
from tests.jobs.offer_book import CAME_BACK, LAG, OPEN, Life, OfferBook
from tests.jobs.platform_rows import Agent, Contact, Held, Shown

LIVE = {"voice", "video", "callback"}
CALLS = {"voice", "video"}
CONSUMED = {"offered", "delivered", "accepted", "completed", "cancelled"}


@dataclass(frozen=True)
class Item:
    """Something that an agent holds, as far as it counts."""

    contact_id: str
    agent_id: str
    conversation_id: str | None
    customer_id: str | None
    channel: str
    state: str
    units: float
    parked: bool
    started_at: datetime
    profiles: frozenset[str]


class Desk:
    """What was known when the tick decided."""

    def __init__(self, policy: Policy, now: datetime, shown: Shown, book: OfferBook) -> None:
        self.policy, self.now, self.shown, self.book = policy, now, shown, book
        self.waiting = {
            contact.contact_id: contact
            for contact in shown.contacts.values()
            if contact.contact_id not in shown.held
            and not book.last_of(contact.contact_id, CONSUMED, contact.version)
        }
        shown_items = [self._item(held) for held in shown.held.values() if not self._is_over(held)]
        self.items = [*shown_items, *(self._own_item(life) for life in self._own_load())]

    def rules(self, channel: str) -> ChannelPolicy:
        """Numbers of a channel."""
        return self.policy.channels[Channel(channel)]

    def ago(self, seconds: float) -> datetime:
        """Instant so long before the tick."""
        return self.now - timedelta(seconds=seconds)

    def party(self, contact: Contact) -> list[Contact]:
        """All waiting contacts of the same party."""
        name = self._party_name(contact)
        return [other for other in self.waiting.values() if self._party_name(other) == name]

    def core(self, party: Iterable[Contact]) -> list[Contact]:
        """What of a party belongs together: not what is left to people, nor second calls."""
        open_ones = [contact for contact in party if not self.is_manual_only(contact)]
        calls = sorted(
            (contact for contact in open_ones if contact.channel in CALLS),
            key=lambda contact: (contact.entered_at, contact.contact_id),
        )
        return [contact for contact in open_ones if contact not in calls[1:]]

    def is_manual_only(self, contact: Contact) -> bool:
        """Whether so many agents declined it that people must decide."""
        refusing = {
            life.agent_id
            for life in self.book.lives.values()
            if life.contact_id == contact.contact_id and life.state in {"declined", "expired"}
        }
        return len(refusing) >= self.policy.max_declining_agents

    def is_starved(self, members: Iterable[Contact]) -> bool:
        """Whether one of them has waited longer than anybody should."""
        return any(
            0
            < self.rules(member.channel).max_wait_s
            < (self.now - self._clock(member)).total_seconds()
            for member in members
        )

    def has_nobody(self, members: list[Contact]) -> bool:
        """Whether no agent is suitable for these contacts together."""
        lead = self.lead(members)
        return all(self.unfit(agent, members, lead) for agent in self.shown.agents.values())

    def are_alike(self, one: Contact, other: Contact) -> bool:
        """Whether both ask the same of the same agents."""
        same = (one.queue_id, one.channel) == (other.queue_id, other.channel)
        return same and sorted(self.asked(one)) == sorted(self.asked(other))

    def lead(self, members: Iterable[Contact]) -> Contact:
        """The heaviest, then the first, of some contacts."""
        return min(
            members,
            key=lambda one: (-self.rules(one.channel).units, one.entered_at, one.contact_id),
        )

    def held_of(self, party: Iterable[Contact]) -> list[Item]:
        """What agents hold of a party."""
        customers = {customer for contact in party if (customer := self._customer(contact))}
        threads = {contact.conversation_id for contact in party}
        return [
            item
            for item in self.items
            if item.customer_id in customers or item.conversation_id in threads
        ]

    def unfit(self, agent: Agent, members: list[Contact], lead: Contact) -> str | None:
        """Why the agent is nobody for these contacts at all; None if suitable."""
        if agent.presence not in {"available", "busy", "wrap_up"}:
            return "absent"
        return self.unfit_if_present(agent, members, lead)

    def unfit_if_present(self, agent: Agent, members: list[Contact], lead: Contact) -> str | None:
        """The same, presence left aside."""
        own = [a for a in self.shown.agents.values() if lead.queue_id in a.queues]
        rules = self.rules(lead.channel)
        ends = [agent.shift_end_at, *(s for s, _ in agent.activities if s > self.now)]
        left_s = (min(ends) - self.now).total_seconds()
        asks = any(self.asked(member) for member in members)
        tests = {
            "off_shift": self.on_shift(agent),
            "not_responding": self.responding(agent),
            "not_a_member": agent in own if own else asks,
            "channel": all(agent.channels.get(member.channel, 0) for member in members),
            "skills": all(self.meets(agent, self.asked(member)) for member in members),
            "shift_too_short": not rules.real_time
            or left_s >= rules.mean_handle_s + self.policy.shift_margin_s,
        }
        return next((reason for reason, holds in tests.items() if not holds), None)

    def on_shift(self, agent: Agent) -> bool:
        """Within the shift and not in an activity."""
        resting = any(start <= self.now < end for start, end in agent.activities)
        return agent.shift_start_at <= self.now < agent.shift_end_at and not resting

    def responding(self, agent: Agent) -> bool:
        """No expired offer since the agent came, or lately."""
        return not any(
            life.agent_id == agent.agent_id
            and life.state == "expired"
            and life.at > self.ago(self.policy.auto_ready_s)
            and (agent.presence_since is None or agent.presence_since <= life.at)
            for life in self.book.lives.values()
        )

    def asked(self, contact: Contact) -> list[tuple[str, int]]:
        """Skills, language included, that the contact insists on at this moment."""
        everybody = self.shown.agents.values()
        is_open = not any(contact.queue_id in agent.queues for agent in everybody)
        there = [
            agent
            for agent in everybody
            if agent.presence in {"available", "busy", "wrap_up"}
            and self.on_shift(agent)
            and self.responding(agent)
            and agent.channels.get(contact.channel, 0)
            and (is_open or contact.queue_id in agent.queues)
        ]
        age_s = (self.now - contact.entered_at).total_seconds()
        level = self._level(contact, age_s, there)
        asked = _insisted(contact, level)
        if contact.language:
            asked.append((f"language:{contact.language}", self.policy.min_language_proficiency))
        until_s = 0.0
        for skill, least, lasts_s in contact.steps:
            until_s += float("inf") if lasts_s is None else lasts_s
            hopeless = there and not any(self.meets(agent, [(skill, least)]) for agent in there)
            if until_s > age_s and not (hopeless and lasts_s is not None):
                return [*asked, (skill, least)]
        return asked

    def meets(self, agent: Agent, asked: list[tuple[str, int]]) -> bool:
        """Whether the agent has every skill at its level."""
        has = agent.skills | {f"agent:{agent.agent_id}": 10}
        return all(has.get(skill, -1) >= least for skill, least in asked)

    def declines(self, contact: Contact, agent: Agent) -> list[datetime]:
        """When the agent declined the contact, or let it expire."""
        return [
            life.at
            for life in self.book.lives.values()
            if (life.contact_id, life.agent_id) == (contact.contact_id, agent.agent_id)
            and life.state in {"declined", "expired"}
        ]

    def breach_at(self, members: list[Contact]) -> datetime | None:
        """When the first of them misses its target; None if one has."""
        ends = [
            self._clock(member) + timedelta(seconds=self.rules(member.channel).target_answer_s)
            for member in members
        ]
        return None if min(ends) <= self.now else min(ends)

    def profile_use(self, agent: Agent, profile: str) -> int:
        """Places of a profile that the agent has used up."""
        if self.policy.profiles[profile].reset is ProfileReset.END_OF_SHIFT:
            return sum(
                life.agent_id == agent.agent_id
                and life.tick_at >= agent.shift_start_at
                and life.state not in CAME_BACK | {"cancelled"}
                and profile in names(life.profiles)
                for life in self.book.lives.values()
            )
        held = [item for item in self.items if item.agent_id == agent.agent_id]
        return sum(profile in item.profiles for item in held if not item.parked)

    def _clock(self, contact: Contact) -> datetime:
        written = not self.rules(contact.channel).real_time and contact.last_message_at
        return written or contact.entered_at

    def _level(self, contact: Contact, age_s: float, there: list[Agent]) -> int:
        drops = [n for n, kind in enumerate(("low", "medium", "high")) if kind in _kinds(contact)]
        level = min(3, int(age_s // self.rules(contact.channel).relax_after_s))
        while later := [n + 1 for n in drops if n + 1 > level]:
            if not there:
                break
            if any(self.meets(agent, _insisted(contact, level)) for agent in there):
                break
            level = later[0]
        return level

    def _customer(self, contact: Contact) -> str | None:
        thread = [c for c in self.waiting.values() if c.conversation_id == contact.conversation_id]
        return max((c.customer_id for c in thread if c.customer_id), default=None)

    def _party_name(self, contact: Contact) -> str:
        customer = self._customer(contact)
        return f"customer {customer}" if customer else f"thread {contact.conversation_id}"

    def _own_load(self) -> list[Life]:
        """Open offers that the platform does not show with anybody."""
        own = []
        for contact_id in {life.contact_id for life in self.book.lives.values()}:
            contact = self.shown.contacts.get(contact_id)
            if contact_id in self.shown.held:
                continue
            life = self.book.last_of(contact_id, CONSUMED, contact.version if contact else 0)
            if not contact and life and self.book.last_sign(life) <= self.now - LAG:
                continue
            if life and life.state in OPEN and life.agent_id in self.shown.agents:
                own.append(life)
        return own

    def _own_item(self, life: Life) -> Item:
        who = (life.contact_id, life.agent_id, life.conversation_id, life.customer_id)
        state = "active" if life.state == "accepted" else "offered"
        units = life.units if self._is_led(life) else self.rules(life.channel).units
        profiles = names(life.profiles)
        return Item(*who, life.channel, state, units, False, life.at, profiles)

    def _is_led(self, life: Life) -> bool:
        """Whether the contact that carries the units is still with the agent."""
        tick = [other for other in self.book.lives.values() if other.tick_at == life.tick_at]

        def party(one: Life) -> str:
            named = [o.customer_id for o in tick if o.conversation_id == one.conversation_id]
            customer = max((name for name in named if name), default=None)
            return f"customer {customer}" if customer else f"thread {one.conversation_id}"

        return any(
            other.is_lead and other.state in OPEN and other.agent_id == life.agent_id
            for other in tick
            if party(other) == party(life)
        )

    def _item(self, held: Held) -> Item:
        contact, rules = held.contact, self.rules(held.contact.channel)
        silent_since = self.ago(rules.inactive_after_s)
        asleep = rules.inactive_after_s > 0 and (held.last_customer_at or self.now) <= silent_since
        parked = held.state == "parked" or (held.state == "active" and asleep)
        units = rules.units if held.units is None else held.units
        units *= rules.parked_share if parked else 1.0
        who = (contact.contact_id, held.agent_id, contact.conversation_id, contact.customer_id)
        profiles = names(held.profiles)
        return Item(*who, contact.channel, held.state, units, parked, held.started_at, profiles)

    def _is_over(self, held: Held) -> bool:
        since = self.ago(self.rules(held.contact.channel).wrap_block_s)
        return held.state == "wrap_up" and held.state_since <= since


def names(profiles: str | None) -> frozenset[str]:
    """The profiles in a comma-separated column."""
    return frozenset(name.strip() for name in (profiles or "").split(",") if name.strip())


def _kinds(contact: Contact) -> set[str]:
    return {importance for _, _, importance in contact.skills}


def _insisted(contact: Contact, level: int) -> list[tuple[str, int]]:
    kept = ("low", "medium", "high", "required")[level:]
    return [(skill, least) for skill, least, importance in contact.skills if importance in kept]
