"""Honest plans that need what routing adds, made from `honest_plan` by hand."""

from dataclasses import fields, replace
from typing import Any

import polars as pl

from models.recount.gain import Terms
from models.solution import Limit, Termination
from models.tables import (
    AGENT_CHANNELS,
    AGENT_LOAD,
    AGENTS,
    OFFERS,
    OUTLOOK,
    OVERFLOW,
    QUEUES,
    REQUEUE,
    Channel,
)
from tests.models.audit_changes import (
    Change,
    Tick,
    both,
    honest,
    in_batch,
    in_plan,
    says,
    under,
    without,
)
from tests.models.honest_plan import NOW, QUEUE_STANDS, agent, ago, held_item, rows

TERMS = tuple(term.name for term in fields(Terms))
"""Names of the terms of a gain."""


def channel(name: Channel, **numbers: Any) -> Change:  # noqa: ANN401
    """Change numbers of one channel in the policy."""

    def change(tick: Tick) -> Tick:
        channels = tick.policy.channels
        return under(channels={**channels, name: replace(channels[name], **numbers)})(tick)

    return change


def more(table: str, frame: pl.DataFrame) -> Change:
    """More rows in a table of the batch."""
    return lambda tick: tick.table(table, pl.concat([getattr(tick.batch, table), frame]))


def serves(agent_id: str, name: str) -> Change:
    """An agent serves one more channel."""
    row = {"agent_id": agent_id, "channel": name, "max_items": 1}
    return more("agent_channels", rows(AGENT_CHANNELS, row))


def ben_was_offered(event: str) -> Change:
    """An email that ben was offered a moment ago, and what became of it."""
    row = {"contact_id": "e0", "agent_id": "ben", "channel": "email", "event": event}
    return more("offers", rows(OFFERS, row | {"offered_at": ago(20), "event_at": ago(10)}))


def ben_of_another_queue(arrivals_per_h: float) -> Change:
    """ben is a member of r, which helps q if anybody waits there, beyond what r keeps back."""
    to_r = {"queue_id": "q", "to_queue_id": "r", "condition": "backlog", "threshold": 0.0}
    return both(
        more("queues", rows(QUEUES, {"queue_id": "r", "arrivals_per_h": arrivals_per_h})),
        in_batch("queue_members", "agent_id", "ben", queue_id="r"),
        more("overflow", rows(OVERFLOW, to_r)),
    )


def waits(contact_id: str, decision: str, reason: str, agent_id: str | None) -> Change:
    """The plan leaves a contact waiting like this, and says so twice."""
    told = {"decision": decision, "reason": reason, "agent_id": agent_id}
    return both(
        in_plan("unassigned", contact_id, "contact_id", **told),
        in_plan("explanations", contact_id, "contact_id", **told),
    )


def reserved() -> Tick:
    """e2 had cai last, who takes emails, too; but cai's call lasts 100 s now.

    cai is not free soon, since holds reach 60 s, so nobody is there for v1: its 30 s are lost.
    For e2 cai is worth waiting for: the 50 s that it waited and 1.2 * 100 s are no more than 4 h,
    and 120 s no more than half of the 28 750 s left. With cai, three could serve the emails:
    T = 5 + 600 / 3 = 205, and of e1 is at risk
    14.1 (1 - exp(-205/172800)) + 0.3 (305^2 - 100^2) / 28800^2 = 0.016748: it gains 7.228748 with
    ben, and 6.860869 with ana. Prices are as before; e1's rent is 3.304. Bound and gain are
    28.403 + 3.304 + 7.482 = 39.189 = 31.960 + 7.229.
    """
    nothing: dict[str, object] = dict.fromkeys(("gain", *TERMS))
    return both(
        in_batch("agent_load", "agent_id", "cai", expected_end_at=ago(-100)),
        in_batch("contacts", "contact_id", "e2", last_agent_id="cai", last_agent_at=ago(10)),
        serves("cai", "email"),
        waits("e2", "held", "held_for_preferred", "cai"),
        waits("v1", "unassigned", "at_capacity", None),
        in_plan("explanations", "v1", "contact_id", rent=0.0, unavoidable=True, **nothing),
        says(outlook=rows(OUTLOOK, QUEUE_STANDS | {"num_unavoidable": 2})),
        in_plan("explanations", "e1", gain=7.229, value_at_risk=0.016748, rent=3.304),
        in_plan("assignments", "e1", gain=7.229),
        without("prices", "cai", "agent_id"),
        says(gain_milli=39_189, bound_milli=39_189, greedy_milli=39_189),
    )(honest())


def strict(contact_id: str = "e1") -> Tick:
    """An email is of class 0, which goes before money: its level is 1, worth 10.000.

    Raised so, e1 gains 17.237 and its rent is 13.312; what it was raised by is taken off the
    bound again. With e2 in its place the plan is wrong.
    """
    return both(
        under(strict_classes=1),
        in_batch("contacts", "contact_id", contact_id, priority=0),
        in_plan("explanations", contact_id, tier=2),
        says(tier_weight_milli=10_000, tier_levels=(0, 0, 1)),
    )(honest())


def wishful(cost_milli: int) -> Tick:
    """So much was given up for what agents prefer; the best plan gained just its bound."""
    return says(
        bound_milli=99_139 + cost_milli,
        preference_cost_milli=cost_milli,
        termination=Termination.FEASIBLE,
        limit=Limit.PREFERENCE,
    )(honest())


def deserted() -> Tick:
    """dan went offline 900 s ago, which is just too long for the message that he holds.

    Of the one that he had parked, the customer has not written since.
    """
    dan = agent("dan", 100, 4) | {"presence": "offline", "presence_since": ago(900)}
    left = held_item("dan", "left", "messaging", 600) | {"last_customer_at": ago(30)}
    parked = held_item("dan", "parked", "messaging", 600) | {"state": "parked"}
    lists = {"tick_at": NOW, "agent_id": "dan", "gone_since": ago(900), "detail": ""}
    facts = {"contact_id": "left", "channel": "messaging", "state": "active"}
    return both(
        more("agents", rows(AGENTS, dan)),
        more("agent_load", rows(AGENT_LOAD, left, parked | {"last_customer_at": ago(900)})),
        says(requeue=rows(REQUEUE, lists | facts)),
    )(honest())


def relaxed(after_s: float | None, **told: object) -> Tick:
    """m2 insists little on its skill, and drops it so long after it came, 60 s ago."""
    return both(
        in_batch("contact_skills", "contact_id", "m2", importance="low"),
        in_batch("queues", "queue_id", "q", relax_after_s=after_s),
        in_plan("explanations", "t1", "conversation_id", **told),
        in_plan("explanations", "t2", "conversation_id", **told),
    )(honest())
