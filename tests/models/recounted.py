"""What tests of the audit's rules ask of hand-made tables."""

from models.plan import Reason
from models.recount.case import Recount
from models.recount.pairs import REASONS
from tests.models.tiny import Row, ago


def verdict(tables: Recount, contact: str, agent: str) -> Reason | None:
    """First rule that keeps the agent from the contact's conversation, None if eligible."""
    members = tables.conversations.members.filter(contact_id=contact)
    agents = tables.agents.ids.filter(agent_id=agent)
    pair = (members["conversation"].to_numpy(), agents["agent"].to_numpy())
    broken = int(tables.eligibility.first_broken(*pair)[0])
    return REASONS[broken] if broken < len(REASONS) else None


def offer(agent: str, contact: str, event: str, age_s: float, channel: str = "email") -> Row:
    """An offer and its last event, both so many seconds ago."""
    at = ago(age_s)
    return {
        "contact_id": contact,
        "agent_id": agent,
        "channel": channel,
        "offered_at": at,
        "event": event,
        "event_at": at,
    }


def conversations(tables: Recount) -> set[str]:
    """The contacts of each conversation, in order, with blanks between them."""
    found = tables.conversations.members.sort("contact_id").group_by("conversation")
    return set(found.agg("contact_id")["contact_id"].list.join(" "))


def declined(contact: str, agent: str, *seconds: float) -> list[Row]:
    """Declines so many seconds ago."""
    return [{"contact_id": contact, "agent_id": agent, "declined_at": ago(age)} for age in seconds]
