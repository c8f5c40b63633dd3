"""The life of an offer, and of the contact that it offers, as tables and named transitions.

An offer is what one tick gave to one agent: it is known by (contact_id, tick_at). The platform
reports some of its transitions (`responses`), its snapshots show others, and time ends it. A
contact whose offer came back waits again, in the same version and at its original age; one whose
offer stands, was accepted, completed or cancelled waits only when the platform raises its version.

Frames of offers have the columns of `assignment`: one row per offer, with its last event.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import polars as pl

from models.policy import Policy
from models.tables import INSTANT, Answer, AssignmentEvent, LoadState, Presence

PLATFORM_LAG = timedelta(seconds=10)
"""How long an open offer loads its agent after its contact left the queue, unless the platform
shows it.

Platforms show a contact with its agent a snapshot or two after it left the queue; in between the
agent must not look free. Longer would keep an agent idle whose customer hung up on the offer.
"""


class ContactState(StrEnum):
    """Where a contact is, as far as the store is concerned."""

    WAITING = "waiting"
    OFFERED = "offered"
    WITH_AGENT = "with_agent"
    """Active, parked or in wrap-up: `agent_load` says which."""
    CLOSED = "closed"


@dataclass(frozen=True)
class Transition:
    """One step in the life of an offer."""

    name: str
    before: tuple[AssignmentEvent, ...]
    """Last events after which it may happen; none begins the life of an offer."""
    event: AssignmentEvent
    contact: ContactState
    """Where it leaves the contact."""
    answers: bool
    """Whether the platform may report it in `responses`."""
    cause: str


STANDING = (AssignmentEvent.OFFERED, AssignmentEvent.DELIVERED)
"""Last events of an offer that is not answered yet."""
OPEN = (*STANDING, AssignmentEvent.ACCEPTED)
"""Last events after which the agent still has the contact, or soon will."""
CAME_BACK = (AssignmentEvent.DECLINED, AssignmentEvent.EXPIRED, AssignmentEvent.RESCINDED)
"""Last events after which the contact waits again, in the same version."""
HELD_AGAINST_AGENT = (AssignmentEvent.DECLINED, AssignmentEvent.EXPIRED)
"""Last events that count as a decline of the pair."""
WITHDRAWN = (AssignmentEvent.RESCINDED, AssignmentEvent.CANCELLED)
"""Last events of an offer that ended without its agent: it uses up no rate."""
NEVER_TAKEN = (*WITHDRAWN, *HELD_AGAINST_AGENT)
"""Last events of an offer that the agent never worked on: it uses up no profile."""

TRANSITIONS = (
    Transition(
        "offer",
        (),
        AssignmentEvent.OFFERED,
        ContactState.OFFERED,
        answers=False,
        cause="a tick gives the contact to the agent",
    ),
    Transition(
        "deliver",
        (AssignmentEvent.OFFERED,),
        AssignmentEvent.DELIVERED,
        ContactState.OFFERED,
        answers=True,
        cause="the agent sees it",
    ),
    Transition(
        "accept",
        STANDING,
        AssignmentEvent.ACCEPTED,
        ContactState.WITH_AGENT,
        answers=True,
        cause="the agent takes it, or the platform shows the agent at work on it; as offered is"
        " enough on channels whose `accept_timeout_s` is 0",
    ),
    Transition(
        "decline",
        STANDING,
        AssignmentEvent.DECLINED,
        ContactState.WAITING,
        answers=True,
        cause="the agent refuses it",
    ),
    Transition(
        "expire",
        STANDING,
        AssignmentEvent.EXPIRED,
        ContactState.WAITING,
        answers=True,
        cause="no answer within the channel's `accept_timeout_s`, or the platform's own time-out",
    ),
    Transition(
        "rescind",
        STANDING,
        AssignmentEvent.RESCINDED,
        ContactState.WAITING,
        answers=False,
        cause="the agent is away, offline or gone, or turned busy with something else; another"
        " agent holds the contact; or the platform raised its version",
    ),
    Transition(
        "cancel",
        STANDING,
        AssignmentEvent.CANCELLED,
        ContactState.CLOSED,
        answers=True,
        cause="the customer left while it rang: no longer shown anywhere for 10 s",
    ),
    Transition(
        "complete",
        (AssignmentEvent.ACCEPTED,),
        AssignmentEvent.COMPLETED,
        ContactState.CLOSED,
        answers=True,
        cause="the agent is done",
    ),
)
"""Every step that there is, in the order of a life; what is not here does not happen."""

REPORTED = frozenset(
    (before, Answer(step.event.value))
    for step in TRANSITIONS
    if step.answers
    for before in step.before
)
"""Pairs of a last event and an answer of the platform that may follow it."""


@dataclass(frozen=True, eq=False)
class Shown:
    """What the platform shows now, as far as offers are concerned.

    `seen` (contact_id, seen_at) says when contacts of open offers were last seen waiting.
    """

    contacts: pl.DataFrame
    agents: pl.DataFrame
    agent_load: pl.DataFrame
    seen: pl.DataFrame


def advance(offers: pl.DataFrame, shown: Shown, policy: Policy, now: datetime) -> pl.DataFrame:
    """Events that the snapshot and the clock add to the offers that stand, one per offer at most.

    In the columns of `assignment`. What the platform shows comes before what time does, so that
    nobody is blamed for an offer that was taken, or that came back by itself.
    """
    standing = offers.filter(pl.col("event").is_in(STANDING))
    events = [offers.clear()]
    rules: tuple[tuple[AssignmentEvent, Callable[[pl.DataFrame], pl.DataFrame]], ...] = (
        (AssignmentEvent.ACCEPTED, lambda rows: shown_with_their_agent(rows, shown, policy)),
        (AssignmentEvent.RESCINDED, lambda rows: held_by_another(rows, shown)),
        (AssignmentEvent.RESCINDED, lambda rows: back_in_a_higher_version(rows, shown)),
        (AssignmentEvent.EXPIRED, lambda rows: unanswered(rows, policy, now)),
        (AssignmentEvent.RESCINDED, lambda rows: left_by_their_agent(rows, shown)),
        (AssignmentEvent.CANCELLED, lambda rows: left_by_their_customer(rows, shown, now)),
    )
    for event, rule in rules:
        found = rule(standing)
        standing = standing.join(found, on=["contact_id", "tick_at"], how="anti")
        at = pl.lit(now, INSTANT)
        events.append(found.with_columns(event=pl.lit(event.value), event_at=at))
    return pl.concat(events)


def shown_with_their_agent(offers: pl.DataFrame, shown: Shown, policy: Policy) -> pl.DataFrame:
    """Offers whose agent the platform shows at work on the contact.

    Where nobody is asked (`accept_timeout_s` is 0), to be shown as offered counts as accepted.
    """
    load = shown.agent_load.select("contact_id", "agent_id", "state")
    at_work = (pl.col("state") != LoadState.OFFERED.value) | (_accept_timeout(policy) == 0)
    return (
        offers.join(load, on=["contact_id", "agent_id"], maintain_order="left")
        .filter(at_work)
        .drop("state")
    )


def held_by_another(offers: pl.DataFrame, shown: Shown) -> pl.DataFrame:
    """Offers whose contact the platform shows with another agent: somebody took it by hand."""
    holder = shown.agent_load.select("contact_id", holder="agent_id")
    return (
        offers.join(holder, on="contact_id", maintain_order="left")
        .filter(pl.col("agent_id") != pl.col("holder"))
        .drop("holder")
    )


def back_in_a_higher_version(offers: pl.DataFrame, shown: Shown) -> pl.DataFrame:
    """Offers whose contact waits in a later version: the platform took it back."""
    return (
        offers.join(
            shown.contacts.select("contact_id", "version"),
            on="contact_id",
            maintain_order="left",
        )
        .filter(pl.col("version") > pl.col("contact_version"))
        .drop("version")
    )


def unanswered(offers: pl.DataFrame, policy: Policy, now: datetime) -> pl.DataFrame:
    """Offers that stand for longer than their channel's `accept_timeout_s`, where it has one."""
    limit = _accept_timeout(policy)
    age = (pl.lit(now, INSTANT) - pl.col("tick_at")).dt.total_microseconds() / 1e6
    return offers.filter((limit > 0) & (age > limit))


def left_by_their_agent(offers: pl.DataFrame, shown: Shown) -> pl.DataFrame:
    """Offers to agents who are away, offline or no longer in the snapshot, or who turned busy.

    A platform whose agents turn busy while something rings shows it with them in `agent_load`. Who
    turned busy after the last event of an offer that is not shown there does something else.
    """
    gone = pl.col("presence").is_in([Presence.AWAY.value, Presence.OFFLINE.value])
    turned_busy = (pl.col("presence") == Presence.BUSY.value) & (
        pl.col("presence_since") > pl.col("event_at")
    )
    agents = shown.agents.select("agent_id", "presence", "presence_since")
    load = shown.agent_load.select("contact_id", "agent_id", rings_there=True)
    return (
        offers.join(agents, on="agent_id", how="left", maintain_order="left")
        .join(load, on=["contact_id", "agent_id"], how="left", maintain_order="left")
        .filter(
            pl.col("presence").is_null() | gone | (turned_busy & pl.col("rings_there").is_null())
        )
        .drop("presence", "presence_since", "rings_there")
    )


def left_by_their_customer(offers: pl.DataFrame, shown: Shown, now: datetime) -> pl.DataFrame:
    """Offers whose contact the platform has shown nowhere for `PLATFORM_LAG`."""
    nowhere = shown_nowhere(offers, shown)
    return nowhere.filter(pl.col("seen_at") <= now - PLATFORM_LAG).drop("seen_at")


def shown_nowhere(offers: pl.DataFrame, shown: Shown) -> pl.DataFrame:
    """Offers whose contact neither waits nor is with an agent, with `seen_at`.

    That is when it was last seen waiting, or its last event where that came later.
    """
    return (
        offers.join(shown.contacts, on="contact_id", how="anti")
        .join(shown.agent_load, on="contact_id", how="anti")
        .join(shown.seen, on="contact_id", how="left", maintain_order="left")
        .with_columns(seen_at=pl.max_horizontal("seen_at", "event_at"))
    )


def sightings(offers: pl.DataFrame, shown: Shown, now: datetime) -> pl.DataFrame:
    """(contact_id, seen_at) of open offers whose contact waits, or waited a moment ago."""
    still_open = offers.filter(pl.col("event").is_in(OPEN)).select("contact_id").unique()
    waiting = (
        still_open.join(shown.contacts, on="contact_id", how="semi")
        .join(shown.agent_load, on="contact_id", how="anti")
        .with_columns(seen_at=pl.lit(now, INSTANT))
    )
    lately = (
        shown.seen.join(shown.contacts, on="contact_id", how="anti")
        .join(shown.agent_load, on="contact_id", how="anti")
        .join(still_open, on="contact_id", how="semi")
        .filter(pl.col("seen_at") > now - PLATFORM_LAG)
    )
    return pl.concat([waiting, lately]).sort("contact_id")


def _accept_timeout(policy: Policy) -> pl.Expr:
    limits = {channel.value: rules.accept_timeout_s for channel, rules in policy.channels.items()}
    return pl.col("channel").replace_strict(
        list(limits), list(limits.values()), return_dtype=pl.Float64
    )
