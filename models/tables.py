"""Column contracts: every table that enters or leaves, with names, units, ranges and row rules.

A rule's name is the error code that a quarantined row carries. Column rules are named after the
column (`channel_known`, `entered_at_type`); row rules and references have names of their own.
All instants are UTC, all durations are seconds, all money is in one currency.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import available_timezones

import polars as pl

SCHEMA_VERSION = 1
"""Version of the published tables; additive changes keep it, any other change raises it."""

INSTANT = pl.Datetime("us", "UTC")
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
ID_LENGTH = 200
CLOCK_SKEW = timedelta(seconds=60)


class Channel(StrEnum):
    """Way in which the customer talks to us."""

    VOICE = "voice"
    VIDEO = "video"
    CALLBACK = "callback"
    CHAT = "chat"
    MESSAGING = "messaging"
    SOCIAL = "social"
    EMAIL = "email"
    CASE = "case"


class Presence(StrEnum):
    """What the agent told the platform; capacity counts only when available."""

    AVAILABLE = "available"
    BUSY = "busy"
    AWAY = "away"
    WRAP_UP = "wrap_up"
    OFFLINE = "offline"


class LoadState(StrEnum):
    """State of a contact that an agent holds."""

    OFFERED = "offered"
    ACTIVE = "active"
    PARKED = "parked"
    WRAP_UP = "wrap_up"


class Tier(StrEnum):
    """Customer value segment, as the business names it."""

    STANDARD = "standard"
    SILVER = "silver"
    GOLD = "gold"


class Decision(StrEnum):
    """What a tick decided for a contact."""

    ASSIGNED = "assigned"
    HELD = "held"
    UNASSIGNED = "unassigned"


class AssignmentEvent(StrEnum):
    """Life of an assignment, one appended row per change (`docs/offers.md`)."""

    OFFERED = "offered"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    RESCINDED = "rescinded"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class Answer(StrEnum):
    """What the platform reports of an offer, in `responses`."""

    DELIVERED = "delivered"
    """The agent sees it."""
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    """The platform's own time-out."""
    CANCELLED = "cancelled"
    """The customer left while it rang."""
    COMPLETED = "completed"


class Importance(StrEnum):
    """How long a required skill is insisted on; the least important is dropped first."""

    REQUIRED = "required"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class OverflowWhen(StrEnum):
    """Condition under which the contacts of a queue may go to another queue's members."""

    CLOSED = "closed"
    """The queue is closed and the other one open; no threshold."""
    BACKLOG = "backlog"
    """More contacts wait in the queue than the threshold."""
    PREDICTED_WAIT = "predicted_wait"
    """The queue's predicted wait exceeds the threshold, in seconds."""
    WAITED = "waited"
    """The conversation itself has waited longer than the threshold, in seconds."""


@dataclass(frozen=True)
class Column:
    """One column of a contract; `minimum` and `maximum` are inclusive."""

    name: str
    dtype: pl.DataType
    doc: str
    unit: str = ""
    nullable: bool = False
    minimum: float | datetime | None = None
    maximum: float | datetime | None = None
    choices: tuple[str, ...] = ()
    when_empty: Callable[[], pl.Expr] | None = None
    """What a source means by leaving it empty, null where it must not; a batch has the value."""


@dataclass(frozen=True)
class RowRule:
    """A condition over the columns of a row; `holds(now)` is true or null for a good row."""

    name: str
    holds: Callable[[datetime], pl.Expr]


@dataclass(frozen=True)
class Reference:
    """`column` must name a row of `table`; the rule is called `<column>_exists`."""

    column: str
    table: str


@dataclass(frozen=True)
class Table:
    """Contract of one table.

    Rows whose `key` repeats keep the one with the highest version (then the largest values); the
    others break `key_unique`. A bad row whose loss would loosen a rule also quarantines its
    `guarded_parent` (rule `<this table>_rejected`): a contact without one of its requirements must
    not be routed as if it never had it.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rules: tuple[RowRule, ...] = ()
    references: tuple[Reference, ...] = ()
    guarded_parent: Reference | None = None
    required: bool = False

    def schema(self) -> pl.Schema:
        """Names and dtypes in contract order."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def empty(self) -> pl.DataFrame:
        """A frame of the contract without rows."""
        return pl.DataFrame(schema=self.schema())


def _identity(name: str, doc: str, *, nullable: bool = False) -> Column:
    return Column(name, pl.String(), doc, nullable=nullable)


def _instant(name: str, doc: str, *, nullable: bool = False) -> Column:
    return Column(
        name,
        INSTANT,
        doc,
        unit="UTC",
        nullable=nullable,
        minimum=EARLIEST,
        maximum=LATEST,
    )


def _choice(name: str, options: type[StrEnum], doc: str, *, nullable: bool = False) -> Column:
    choices = tuple(option.value for option in options)
    return Column(name, pl.String(), doc, nullable=nullable, choices=choices)


def _number(
    name: str,
    doc: str,
    unit: str = "",
    *,
    most: float = 1e9,
    nullable: bool = True,
    when_empty: Callable[[], pl.Expr] | None = None,
) -> Column:
    return Column(
        name,
        pl.Float64(),
        doc,
        unit=unit,
        nullable=nullable,
        minimum=0.0,
        maximum=most,
        when_empty=when_empty,
    )


def _none_needed() -> pl.Expr:
    """0 where a row of `overflow` has no threshold and needs none."""
    return pl.when(pl.col("condition") == OverflowWhen.CLOSED.value).then(0.0)


def _whole(name: str, doc: str, least: int, most: int, *, nullable: bool = False) -> Column:
    return Column(name, pl.Int64(), doc, nullable=nullable, minimum=least, maximum=most)


def _profiles(doc: str) -> Column:
    return Column("profiles", pl.String(), doc, nullable=True)


def _ends_after_it_starts() -> RowRule:
    return RowRule("ends_after_it_starts", lambda _: pl.col("ends_at") > pl.col("starts_at"))


def _zone(name: str, doc: str, *, nullable: bool = False) -> Column:
    # "localtime" is another zone on another machine, and "Factory" is none.
    zones = tuple(sorted(available_timezones() - {"localtime", "Factory"}))
    return Column(name, pl.String(), doc, unit="IANA zone", nullable=nullable, choices=zones)


def _usual_window() -> pl.Expr:
    """The window that most rows have, of these the shortest."""
    window = pl.col("window_s")
    return window.filter(window.is_between(1.0, 86_400.0)).mode().min()


def _money_term(name: str, doc: str) -> Column:
    return Column(name, pl.Float64(), doc, unit="money", nullable=True)


def _version(doc: str) -> Column:
    return Column("version", pl.Int64(), doc, minimum=0)


def _not_in_future(column: str) -> RowRule:
    return RowRule(
        f"{column}_not_in_future", lambda now: pl.col(column) <= pl.lit(now + CLOCK_SKEW, INSTANT)
    )


CONTACTS = Table(
    name="contacts",
    doc="Contacts that wait for an agent.",
    key=("contact_id",),
    required=True,
    columns=(
        _identity("contact_id", "One customer-initiated piece of work."),
        _identity("conversation_id", "Thread that the contact belongs to, across channels."),
        _identity("customer_id", "Who asks; empty when not identified.", nullable=True),
        _identity("queue_id", "Named waiting line; a contact is in exactly one."),
        _choice("channel", Channel, "Channel that the contact came by."),
        Column(
            "language",
            pl.String(),
            "Language needed: the agent must have the skill `language:<code>`.",
            unit="ISO 639-1 code",
            nullable=True,
        ),
        _instant("entered_at", "When the customer first asked; survives declines and overflow."),
        _instant(
            "last_message_at",
            "Last unanswered message of the customer: the waiting clock of written channels.",
            nullable=True,
        ),
        _instant("due_at", "Promised answer; overrides the queue's target.", nullable=True),
        Column(
            "value",
            pl.Float64(),
            "Customer lifetime value for this contact; overrides the customer's.",
            unit="money",
            nullable=True,
            minimum=0.0,
            maximum=1e7,
        ),
        Column(
            "sentiment",
            pl.Float64(),
            "Mood in the text, -1 furious to 1 delighted.",
            nullable=True,
            minimum=-1.0,
            maximum=1.0,
        ),
        Column("escalated", pl.Boolean(), "Complaint or escalation to a manager.", nullable=True),
        _identity("last_agent_id", "Agent who last handled this customer.", nullable=True),
        _instant("last_agent_at", "When that was.", nullable=True),
        _zone("time_zone", "Where the customer is; overrides the customer's zone.", nullable=True),
        _whole(
            "priority",
            "Priority class, 0 is served first; overrides the queue's.",
            0,
            9,
            nullable=True,
        ),
        _profiles("Capacity profiles that it consumes, comma-separated (`agent_profiles`)."),
        _instant("hold_until", "Paused by hand: not assigned before.", nullable=True),
        _number("waited_before_s", "Waited before a transfer began this visit.", "s"),
        _identity("resolver_agent_id", "Who resolved the same issue earlier.", nullable=True),
        _instant("resolved_at", "When that was.", nullable=True),
        _version("Rises when what waits changes or waits anew; stays while an offer is open."),
    ),
    rules=(_not_in_future("entered_at"), _not_in_future("last_message_at")),
    references=(Reference("queue_id", "queues"),),
)

CONTACT_SKILLS = Table(
    name="contact_skills",
    doc="Skills that a contact requires; all of them must hold.",
    key=("contact_id", "skill"),
    columns=(
        _identity("contact_id", "Contact."),
        _identity("skill", "Named ability."),
        Column(
            "min_proficiency",
            pl.Int64(),
            "Level that the agent needs at least; an agent without the skill has no level.",
            minimum=0,
            maximum=10,
        ),
        _choice(
            "importance",
            Importance,
            "When it is dropped: low, medium and high after one, two and three times"
            " `relax_after_s`; required, or empty, never.",
            nullable=True,
        ),
    ),
    references=(Reference("contact_id", "contacts"),),
    guarded_parent=Reference("contact_id", "contacts"),
)

CONTACT_STEPS = Table(
    name="contact_steps",
    doc="Requirements that change while a contact waits: one step at a time, each a choice of"
    " alternatives, each of which asks for all of its skills (at least one). `agent:<id>` is a"
    " skill that only that agent has, at 10. After the last step nothing more is asked.",
    key=("contact_id", "step", "alternative", "skill"),
    columns=(
        _identity("contact_id", "Contact."),
        _whole("step", "Steps are taken in this order.", 0, 7),
        _whole("alternative", "One of these must hold.", 0, 31),
        _identity("skill", "Named ability."),
        _whole("min_proficiency", "Level that the agent needs at least.", 0, 10),
        Column(
            "expires_s",
            pl.Float64(),
            "How long the step lasts, the largest of its rows; never ends where all are empty.",
            unit="s",
            nullable=True,
            minimum=1.0,
            maximum=3e7,
        ),
    ),
    references=(Reference("contact_id", "contacts"),),
    guarded_parent=Reference("contact_id", "contacts"),
)

AGENTS = Table(
    name="agents",
    doc="People who handle contacts, with their presence and shift of today.",
    key=("agent_id",),
    required=True,
    columns=(
        _identity("agent_id", "Agent."),
        _choice("presence", Presence, "What the agent told the platform."),
        _identity("site", "Site that the agent works at."),
        _zone("time_zone", "Zone of the agent."),
        _instant("shift_start_at", "Start of the present or next shift."),
        _instant("shift_end_at", "End of that shift."),
        Column(
            "capacity_units",
            pl.Float64(),
            "Units that the agent offers; contacts consume them by channel.",
            unit="units",
            minimum=0.0,
            maximum=10_000.0,
        ),
        _instant("idle_since", "Last assignment in any channel, for ties.", nullable=True),
        _instant("presence_since", "When the agent took this presence.", nullable=True),
        _number("handled_s", "Time spent on contacts today.", "s", most=1e6),
        _number("productive_s", "Productive time of today's shift so far.", "s", most=1e6),
        _version("Rises with every change of presence, capacity or load on the platform."),
    ),
    rules=(
        RowRule(
            "shift_ends_after_it_starts",
            lambda _: pl.col("shift_end_at") > pl.col("shift_start_at"),
        ),
    ),
)

AGENT_CHANNELS = Table(
    name="agent_channels",
    doc="Channels that an agent serves, with concurrency; a missing row means not served.",
    key=("agent_id", "channel"),
    required=True,
    columns=(
        _identity("agent_id", "Agent."),
        _choice("channel", Channel, "Channel."),
        Column("max_items", pl.Int64(), "Contacts held at once.", minimum=0, maximum=1_000),
    ),
    references=(Reference("agent_id", "agents"),),
)

AGENT_ACTIVITIES = Table(
    name="agent_activities",
    doc="Planned parts of shifts that are not for contacts: breaks, meetings, training.",
    key=("agent_id", "starts_at"),
    columns=(
        _identity("agent_id", "Agent."),
        _instant("starts_at", "Start."),
        _instant("ends_at", "End."),
    ),
    rules=(_ends_after_it_starts(),),
    references=(Reference("agent_id", "agents"),),
    guarded_parent=Reference("agent_id", "agents"),
)

AGENT_PROFILES = Table(
    name="agent_profiles",
    doc="Limits of an agent's own on capacity profiles; others have those of the policy.",
    key=("agent_id", "profile"),
    columns=(
        _identity("agent_id", "Agent."),
        _identity("profile", "Capacity profile that contacts name in `profiles`."),
        _whole("max_items", "Contacts of the profile at once, or in one shift.", 0, 1_000),
    ),
    references=(Reference("agent_id", "agents"),),
    guarded_parent=Reference("agent_id", "agents"),
)

AGENT_PREFERENCES = Table(
    name="agent_preferences",
    doc="What agents like to do; followed only as far as customers lose next to nothing.",
    key=("agent_id", "subject"),
    columns=(
        _identity("agent_id", "Agent."),
        _identity("subject", "`skill:<name>`, `channel:<name>` or `queue:<id>`."),
        Column(
            "weight",
            pl.Float64(),
            "From -1, avoids, to 1, seeks.",
            minimum=-1.0,
            maximum=1.0,
        ),
    ),
    references=(Reference("agent_id", "agents"),),
)

AGENT_QUOTAS = Table(
    name="agent_quotas",
    doc="Development: contacts of a skill that a trainee should get per shift while a mentor is"
    " there.",
    key=("agent_id", "skill"),
    columns=(
        _identity("agent_id", "Trainee."),
        _identity("skill", "Skill to practise."),
        _whole("quota", "Contacts per shift.", 1, 1_000),
        _whole("done", "Had in this shift so far.", 0, 1_000),
        _identity("mentor_agent_id", "Who must be present; nobody where empty.", nullable=True),
    ),
    references=(Reference("agent_id", "agents"),),
)

AGENT_SKILLS = Table(
    name="agent_skills",
    doc="What an agent can do; a missing row means does not have it. Languages are `language:es`.",
    key=("agent_id", "skill"),
    columns=(
        _identity("agent_id", "Agent."),
        _identity("skill", "Named ability."),
        Column("proficiency", pl.Int64(), "Level of the agent.", minimum=0, maximum=10),
    ),
    references=(Reference("agent_id", "agents"),),
)

AGENT_LOAD = Table(
    name="agent_load",
    doc="Contacts that agents hold now, offers included.",
    key=("contact_id",),
    columns=(
        _identity("agent_id", "Agent."),
        _identity("contact_id", "Contact that the agent holds."),
        _identity("conversation_id", "Its conversation.", nullable=True),
        _identity("customer_id", "Its customer.", nullable=True),
        _choice("channel", Channel, "Its channel."),
        _choice("state", LoadState, "Its state."),
        Column(
            "units",
            pl.Float64(),
            "Units that it consumes; the channel's weight when empty.",
            unit="units",
            nullable=True,
            minimum=0.0,
            maximum=10_000.0,
        ),
        _instant("started_at", "When the agent got it."),
        _instant("expected_end_at", "When it is expected to end.", nullable=True),
        _instant("state_since", "When it took this state.", nullable=True),
        _instant("last_customer_at", "Last message of the customer.", nullable=True),
        _profiles("Capacity profiles that it consumes, comma-separated."),
        _instant("due_at", "When the customer was promised an answer.", nullable=True),
    ),
    rules=(_not_in_future("started_at"),),
    references=(Reference("agent_id", "agents"),),
    guarded_parent=Reference("agent_id", "agents"),
)

CUSTOMERS = Table(
    name="customers",
    doc="What is known of the customers who wait.",
    key=("customer_id",),
    columns=(
        _identity("customer_id", "Customer."),
        Column(
            "value",
            pl.Float64(),
            "Customer lifetime value.",
            unit="money",
            minimum=0.0,
            maximum=1e7,
        ),
        _choice("tier", Tier, "Value segment."),
        _identity("owner_agent_id", "Dedicated agent.", nullable=True),
        _zone("time_zone", "Where the customer lives.", nullable=True),
        _number("health", "Health of the relationship: 0 about to leave, 1 loyal.", most=1.0),
    ),
)

CUSTOMER_AGENTS = Table(
    name="customer_agents",
    doc="Dedicated agents of a customer, best first, beside the owner.",
    key=("customer_id", "agent_id"),
    columns=(
        _identity("customer_id", "Customer."),
        _identity("agent_id", "Dedicated agent."),
        _number("score", "How dedicated; the owner has 100.", most=100.0, nullable=False),
    ),
)

QUEUES = Table(
    name="queues",
    doc="Named waiting lines with their targets.",
    key=("queue_id",),
    required=True,
    columns=(
        _identity("queue_id", "Queue."),
        _identity("calendar_id", "Opening hours; always open when empty.", nullable=True),
        Column(
            "target_answer_s",
            pl.Float64(),
            "Answer target; the channel's when empty.",
            unit="s",
            nullable=True,
            minimum=1.0,
            maximum=3e7,
        ),
        Column(
            "mean_handle_s",
            pl.Float64(),
            "Mean handling time; the channel's when empty.",
            unit="s",
            nullable=True,
            minimum=5.0,
            maximum=14_400.0,
        ),
        _whole(
            "priority",
            "Priority class of its contacts, 0 is served first; the policy's when empty.",
            0,
            9,
            nullable=True,
        ),
        _number("max_wait_s", "Nobody should wait longer; the channel's when empty.", "s"),
        Column(
            "relax_after_s",
            pl.Float64(),
            "Time after which the least important skills are dropped; the channel's when empty.",
            unit="s",
            nullable=True,
            minimum=1.0,
            maximum=3e7,
        ),
        _number("arrivals_per_h", "Expected contacts; a queue without lends nobody.", "1/h"),
        _number("service_level", "Over the last half hour; unknown when empty.", most=1.0),
    ),
)

QUEUE_MEMBERS = Table(
    name="queue_members",
    doc="Agents of a queue. A queue without members is open to all who meet its contacts' skills.",
    key=("queue_id", "agent_id"),
    columns=(_identity("queue_id", "Queue."), _identity("agent_id", "Agent.")),
    # No reference to agents: a queue whose members are all unknown is nobody's, not everybody's.
    references=(Reference("queue_id", "queues"),),
)

CALENDARS = Table(
    name="calendars",
    doc="Weekly opening hours, one row per opening; a weekday without a row is closed.",
    key=("calendar_id", "weekday", "opens_minute"),
    columns=(
        _identity("calendar_id", "Calendar."),
        _zone("time_zone", "Zone that the hours are in."),
        Column("weekday", pl.Int64(), "Monday 0 to Sunday 6.", minimum=0, maximum=6),
        Column(
            "opens_minute",
            pl.Int64(),
            "Minute of the local day.",
            unit="min",
            minimum=0,
            maximum=1440,
        ),
        Column(
            "closes_minute",
            pl.Int64(),
            "Minute of the local day.",
            unit="min",
            minimum=0,
            maximum=1440,
        ),
    ),
    rules=(
        RowRule(
            "closes_after_it_opens", lambda _: pl.col("closes_minute") > pl.col("opens_minute")
        ),
    ),
)

HOLIDAYS = Table(
    name="holidays",
    doc="Days on which a calendar's weekly hours do not hold: closed, or other hours.",
    key=("calendar_id", "day", "opens_minute"),
    columns=(
        _identity("calendar_id", "Calendar."),
        Column("day", pl.String(), "Local day of the calendar's zone.", unit="YYYY-MM-DD"),
        _whole("opens_minute", "Minute of the local day.", 0, 1440),
        _whole("closes_minute", "Minute of the local day; as `opens_minute`: closed.", 0, 1440),
    ),
    rules=(
        RowRule(
            "day_is_a_date",
            lambda _: pl.col("day").str.to_date("%Y-%m-%d", strict=False).is_not_null(),
        ),
        RowRule("closes_not_before", lambda _: pl.col("closes_minute") >= pl.col("opens_minute")),
    ),
)

OVERFLOW = Table(
    name="overflow",
    doc="When the contacts of a queue may also go to the members of another one.",
    key=("queue_id", "to_queue_id", "condition", "threshold"),
    columns=(
        _identity("queue_id", "Queue that borrows."),
        _identity("to_queue_id", "Queue whose members may help."),
        _choice("condition", OverflowWhen, "When."),
        _number(
            "threshold",
            "Beyond this; `closed` has none, and there it may be empty.",
            nullable=False,
            when_empty=_none_needed,
        ),
        _choice("tier", Tier, "Only for customers of this segment.", nullable=True),
    ),
    rules=(RowRule("helps_another_queue", lambda _: pl.col("queue_id") != pl.col("to_queue_id")),),
    references=(Reference("queue_id", "queues"), Reference("to_queue_id", "queues")),
)

OFFERS = Table(
    name="offers",
    doc="Recent offers and what became of them. The store adds those of its own; a source needs"
    " this only for offers that somebody else made.",
    key=("contact_id", "offered_at"),
    columns=(
        _identity("contact_id", "Contact."),
        _identity("agent_id", "Agent."),
        _choice("channel", Channel, "Lane in which it was offered."),
        _instant("offered_at", "When."),
        _choice("event", AssignmentEvent, "Its last event."),
        _instant("event_at", "When that was."),
        _profiles("Capacity profiles that it consumes, comma-separated."),
    ),
    rules=(_not_in_future("offered_at"), _not_in_future("event_at")),
    references=(Reference("agent_id", "agents"),),
)

DECLINES = Table(
    name="declines",
    doc="Offers that an agent declined or let time out.",
    key=("contact_id", "agent_id", "declined_at"),
    columns=(
        _identity("contact_id", "Contact."),
        _identity("agent_id", "Agent."),
        _instant("declined_at", "When."),
    ),
    rules=(_not_in_future("declined_at"),),
)

AGENT_PRICES = Table(
    name="agent_prices",
    doc="What the time of agents is worth to others who may need them (`omniassign price`);"
    " an agent without a row costs nothing.",
    key=("agent_id",),
    columns=(
        _identity("agent_id", "Agent."),
        Column(
            "window_s",
            pl.Float64(),
            "Length of the near future, the same in all rows.",
            unit="s",
            minimum=1.0,
            maximum=86_400.0,
        ),
        _number(
            "fast_price",
            "All of the agent's attention over one window.",
            "money",
            most=1e6,
            nullable=False,
        ),
        _number(
            "slow_price",
            "A second of all of their attention within the window.",
            "money/s",
            most=1e4,
            nullable=False,
        ),
        _number(
            "late_price", "A second of it after the window.", "money/s", most=1e4, nullable=False
        ),
    ),
    rules=(RowRule("window_s_same", lambda _: pl.col("window_s") == _usual_window()),),
    references=(Reference("agent_id", "agents"),),
)

QUEUE_PRICES = Table(
    name="queue_prices",
    doc="What it is worth to serve somebody, whatever comes of it, against abandonment;"
    " other queues have the policy's `head_worth`.",
    key=("queue_id",),
    columns=(
        _identity("queue_id", "Queue."),
        _number(
            "head_worth",
            "Worth of each of its conversations that is served.",
            "money",
            most=1e6,
            nullable=False,
        ),
    ),
    references=(Reference("queue_id", "queues"),),
)

INPUT_TABLES = (
    QUEUES,
    CALENDARS,
    HOLIDAYS,
    OVERFLOW,
    CUSTOMERS,
    CUSTOMER_AGENTS,
    AGENTS,
    AGENT_CHANNELS,
    AGENT_SKILLS,
    AGENT_ACTIVITIES,
    AGENT_PROFILES,
    AGENT_PREFERENCES,
    AGENT_QUOTAS,
    AGENT_LOAD,
    QUEUE_MEMBERS,
    CONTACTS,
    CONTACT_SKILLS,
    CONTACT_STEPS,
    DECLINES,
    OFFERS,
    AGENT_PRICES,
    QUEUE_PRICES,
)
"""Parents before the tables that refer to them."""

RESPONSES = Table(
    name="responses",
    doc="What the platform reports of offers; applied once, in the transaction of the next tick.",
    key=("response_id",),
    columns=(
        _identity("response_id", "Unique; a row seen before changes nothing."),
        _identity("contact_id", "Contact of the offer."),
        _instant("tick_at", "Tick of the offer, as in `assignment`."),
        _identity("agent_id", "Agent of the offer."),
        _choice("answer", Answer, "What happened."),
        _instant("responded_at", "When it happened."),
    ),
    rules=(_not_in_future("responded_at"),),
)

ASSIGNMENT = Table(
    name="assignment",
    doc="Append-only events: which agent got which contact, and what became of it.",
    key=("contact_id", "tick_at", "event"),
    columns=(
        _instant("tick_at", "Tick that decided."),
        _instant("event_at", "When the event happened."),
        _choice("event", AssignmentEvent, "What happened."),
        _identity("contact_id", "Contact."),
        Column("contact_version", pl.Int64(), "Version of the contact that was assigned."),
        _identity("conversation_id", "Conversation; all its contacts go to one agent."),
        _identity("customer_id", "Customer.", nullable=True),
        _identity("queue_id", "Queue."),
        _choice("channel", Channel, "Channel."),
        _identity("agent_id", "Agent."),
        Column("agent_version", pl.Int64(), "Version of the agent that was assigned."),
        Column("is_lead", pl.Boolean(), "Whether this contact carries its conversation's gain."),
        Column("units", pl.Float64(), "Units that the contact consumes.", unit="units"),
        Column("gain", pl.Float64(), "Gain of the conversation; 0 on followers.", unit="money"),
        _profiles("Capacity profiles that it consumes, comma-separated."),
        Column(
            "seen_before",
            pl.Boolean(),
            "Whether the agent had this customer before: last, owner, resolver or holding.",
            nullable=True,
        ),
        _whole(
            "num_context",
            "Other contacts of the customer, waiting or held, that the agent will see.",
            0,
            1_000_000,
            nullable=True,
        ),
        Column(
            "is_borrowed",
            pl.Boolean(),
            "Whether the agent is no member of the queue, but of one that helps out.",
            nullable=True,
        ),
    ),
)

UNASSIGNED = Table(
    name="unassigned",
    doc="Contacts that the last tick left waiting, each with its reason.",
    key=("contact_id",),
    columns=(
        _instant("tick_at", "Tick that decided."),
        _identity("contact_id", "Contact."),
        _identity("conversation_id", "Conversation."),
        _choice("decision", Decision, "Held for an agent, or unassigned."),
        _identity("reason", "Reason code (`models/plan.py`)."),
        _identity("agent_id", "Agent that it is held for, or lost to.", nullable=True),
        _instant("next_chance_at", "When that agent should be free.", nullable=True),
        _identity("detail", "The reason in plain words."),
    ),
)

EXPLANATION = Table(
    name="explanation",
    doc="Why the last tick decided as it did: the terms of the gain and the runner-up.",
    key=("contact_id",),
    columns=(
        _instant("tick_at", "Tick that decided."),
        _identity("contact_id", "Contact."),
        _identity("conversation_id", "Conversation."),
        _choice("decision", Decision, "What was decided."),
        _identity("reason", "Reason code."),
        _identity("agent_id", "Agent, where one was chosen.", nullable=True),
        Column("gain", pl.Float64(), "Gain of the conversation.", unit="money", nullable=True),
        Column("match", pl.Float64(), "Expected value of resolving.", unit="money", nullable=True),
        Column("value_at_risk", pl.Float64(), "Lost if skipped.", unit="money", nullable=True),
        Column("stickiness", pl.Float64(), "Same agent again.", unit="money", nullable=True),
        Column("shift_end", pl.Float64(), "Expected overtime.", unit="money", nullable=True),
        Column("handover", pl.Float64(), "Expected handover cost.", unit="money", nullable=True),
        Column(
            "hold", pl.Float64(), "Cost of waiting for a busy agent.", unit="money", nullable=True
        ),
        Column("balance", pl.Float64(), "Tie-break by idleness.", unit="money", nullable=True),
        Column("slot_price", pl.Float64(), "Price of the slot.", unit="money", nullable=True),
        _identity("runner_up_agent_id", "Next best agent at these prices.", nullable=True),
        Column("runner_up_gain", pl.Float64(), "Gain there.", unit="money", nullable=True),
        Column("runner_up_price", pl.Float64(), "Price there.", unit="money", nullable=True),
        _identity("detail", "The decision in plain words."),
        Column(
            "rent",
            pl.Float64(),
            "Dual value of the conversation, of which and the prices the bound is made.",
            unit="money",
            minimum=0.0,
        ),
        _money_term("priority", "Class, boosts and ageing."),
        _money_term("interruption", "Work that it interrupts."),
        _money_term("fairness", "Beyond the agent's fair share of today's work."),
        _money_term("declines", "Earlier declines of the pair."),
        _money_term("overqualified", "Levels above those asked for."),
        _money_term("borrowing", "An agent of another queue."),
        _money_term("region", "Away from the site that had it."),
        _whole(
            "tier", "Served before money counts, 0 first; empty: money only.", 0, 9, nullable=True
        ),
        _whole("step", "How far its requirement is relaxed.", 0, 8, nullable=True),
        _instant("relaxes_at", "When it relaxes next.", nullable=True),
        _instant("breach_at", "When its target is missed; empty where it is.", nullable=True),
        Column(
            "unavoidable",
            pl.Boolean(),
            "Whether no assignment can prevent that any more.",
            nullable=True,
        ),
        _money_term("agent_time", "Time of the agent that others may need."),
        _money_term("head_worth", "Somebody served who could give up."),
    ),
)

PRICE = Table(
    name="price",
    doc="Shadow prices of the last tick: what one more slot was worth, a guide where agents mix.",
    key=("agent_id", "channel", "profiles"),
    columns=(
        _instant("tick_at", "Tick."),
        _identity("agent_id", "Agent."),
        _choice("channel", Channel, "Lane."),
        Column("free_slots", pl.Int64(), "Slots offered to the tick.", minimum=0),
        Column("lane_price", pl.Float64(), "Price of the lane's cap.", unit="money", minimum=0.0),
        Column("agent_price", pl.Float64(), "Price of the agent.", unit="money", minimum=0.0),
        Column("site_price", pl.Float64(), "Price of the site's cap.", unit="money", minimum=0.0),
        _profiles("Profiles of the lane, where contacts name any."),
    ),
)

TICK = Table(
    name="tick",
    doc="One row per tick: what it saw, what it decided, how good that is.",
    key=("tick_at",),
    columns=(
        _instant("tick_at", "Scheduled decision instant."),
        Column("num_contacts", pl.Int64(), "Contacts waiting."),
        Column("num_agents", pl.Int64(), "Agents present."),
        Column("num_assigned", pl.Int64(), "Contacts assigned and committed."),
        Column("num_held", pl.Int64(), "Contacts held for an agent."),
        Column("num_unassigned", pl.Int64(), "Contacts left waiting."),
        Column("num_lost", pl.Int64(), "Planned rows that no longer matched at commit."),
        Column("num_rejected", pl.Int64(), "Input rows in quarantine."),
        Column("gain", pl.Float64(), "Gain of the plan.", unit="money"),
        Column("bound", pl.Float64(), "Proven upper bound.", unit="money"),
        Column("gap", pl.Float64(), "(bound - gain) / max(1, |gain|)."),
        Column("greedy_gain", pl.Float64(), "Gain of the greedy baseline.", unit="money"),
        _identity("termination", "Why the solver stopped."),
        _identity("limit", "Limit that stopped it.", nullable=True),
        _identity("backend", "Which solver gave the plan."),
        _identity("policy_digest", "Fingerprint of the policy."),
        Column("ingest_s", pl.Float64(), "Source to store.", unit="s"),
        Column("read_s", pl.Float64(), "Store to batch.", unit="s"),
        Column("build_s", pl.Float64(), "Batch to problem.", unit="s"),
        Column("solve_s", pl.Float64(), "Problem to solution.", unit="s"),
        Column("explain_s", pl.Float64(), "Solution to plan.", unit="s"),
        Column("audit_s", pl.Float64(), "Plan to findings.", unit="s"),
        _identity("proof", "Where the bound comes from: prices, rents or search."),
        Column(
            "tier_weight",
            pl.Float64(),
            "Added to prices and rents per level of a tier served; 0 without tiers.",
            unit="money",
            nullable=True,
            minimum=0.0,
        ),
        Column(
            "preference_cost",
            pl.Float64(),
            "Gain given up for what agents prefer.",
            unit="money",
            nullable=True,
            minimum=0.0,
        ),
        _identity("policy_arm", "Which policy of a switchback decided.", nullable=True),
        _whole(
            "num_over_limit",
            "Agents who held more than their limits: by hand, or because parked work woke up.",
            0,
            10_000_000,
            nullable=True,
        ),
        _instant("priced_at", "Run of the price job whose prices it used.", nullable=True),
    ),
)

REQUEUE = Table(
    name="requeue",
    doc="Held contacts whose agent is gone: the platform should put them back in their queue,"
    " with their original `entered_at`.",
    key=("contact_id",),
    columns=(
        _instant("tick_at", "Tick that found it."),
        _identity("contact_id", "Contact."),
        _identity("agent_id", "Agent who holds it and is gone."),
        _choice("channel", Channel, "Its channel."),
        _choice("state", LoadState, "Its state."),
        _instant("gone_since", "Since when the agent is gone.", nullable=True),
        _identity("detail", "Why, in plain words."),
    ),
)

OUTLOOK = Table(
    name="outlook",
    doc="Each queue at the last tick: what waits, who can serve it, how long it will take.",
    key=("queue_id",),
    columns=(
        _instant("tick_at", "Tick."),
        _identity("queue_id", "Queue."),
        Column("is_open", pl.Boolean(), "Whether its calendar is open."),
        _whole("num_waiting", "Contacts waiting before the tick.", 0, 10_000_000),
        _whole("num_free", "Members free before the tick.", 0, 10_000_000),
        _number(
            "effective_agents",
            "Members who are there, each divided by the number of queues that they belong to.",
            nullable=False,
        ),
        _number(
            "predicted_wait_s",
            "h * max(0, waiting - free) / effective agents; empty where nobody is there.",
            "s",
            most=1e12,
        ),
        Column("lends", pl.Boolean(), "Whether its members may help other queues now."),
        _identity("borrows_from", "Queues that help it now, comma-separated.", nullable=True),
        _whole("num_breaching", "Conversations past their target.", 0, 10_000_000),
        _whole(
            "num_unavoidable",
            "Not past it yet, but too few agents can be free in time.",
            0,
            10_000_000,
        ),
        _whole(
            "num_manual_only",
            "Declined by so many agents that people must decide.",
            0,
            10_000_000,
        ),
    ),
)

PRICE_RUN = Table(
    name="price_run",
    doc="One row per run of the price job (`docs/prices.md`): what it saw, and what guard-rails"
    " cost.",
    key=("priced_at",),
    columns=(
        _instant("priced_at", "What the prices are of."),
        Column("is_slow", pl.Boolean(), "Whether the slow price was made anew, too."),
        _number("window_s", "Length of the near future of the fast price.", "s", nullable=False),
        _whole("num_classes", "Classes of contacts that it told apart.", 0, 1_000_000),
        _whole("num_contacts", "Contacts waiting.", 0, 10_000_000),
        _whole("num_agents", "Agents with a price.", 0, 10_000_000),
        _number("expected_per_h", "Contacts expected in an hour from now on.", nullable=False),
        _number("day_factor", "How busy the day is, relative to its forecast.", nullable=False),
        _number("floor_cost_per_h", "What the floor on the probability costs.", "money/h"),
        _number("member_cost_per_h", "What keeping to members of a queue costs.", "money/h"),
        _number("skill_cost_per_h", "What insisting on skills costs.", "money/h"),
        _number("made_s", "How long it took.", "s", nullable=False),
    ),
)

SKILL_PRICE = Table(
    name="skill_price",
    doc="What an hour more of an agent was worth, by skills and hour (`docs/prices.md`).",
    key=("hour_at", "skills"),
    columns=(
        _instant("hour_at", "Beginning of the hour."),
        _identity("skills", "All that the agents can do, comma-separated."),
        _whole("num_agents", "Agents of the newest run of the hour.", 0, 10_000_000),
        _whole("num_runs", "Runs that the price is the mean of.", 0, 10_000_000),
        _number("price_per_h", "Worth of an hour of one of them.", "money", nullable=False),
    ),
)

AGENT_PRICE = Table(
    name="agent_price",
    doc="History of `agent_prices`, with what they were made of.",
    key=("priced_at", "agent_id"),
    columns=(
        _instant("priced_at", "Run of the price job."),
        *AGENT_PRICES.columns,
        _number("fast_made", "Fast price before shares.", "money", nullable=False),
        _number("slow_made", "Slow price before shares and fading.", "money/s", nullable=False),
        _identity("skills", "All that the agent can do, comma-separated."),
    ),
)

QUEUE_PRICE = Table(
    name="queue_price",
    doc="History of `queue_prices`, with what they answer to.",
    key=("priced_at", "queue_id"),
    columns=(
        _instant("priced_at", "Run of the price job."),
        *QUEUE_PRICES.columns,
        _whole("num_gone", "Contacts that stopped waiting in the hour before.", 0, 10_000_000),
        _whole("num_left", "Of these, those that gave up.", 0, 10_000_000),
    ),
)

RESPONSE_RESULT = Table(
    name="response_result",
    doc="Every response of the platform and what became of it.",
    key=("response_id",),
    columns=(
        _instant("applied_at", "Tick that applied or refused it."),
        *RESPONSES.columns,
        Column("is_applied", pl.Boolean(), "Whether it changed anything."),
        _identity("refusal", "Why it did not: `data_io/responses.py`.", nullable=True),
    ),
)

REJECTED_ROW = Table(
    name="rejected_row",
    doc="Quarantine: input rows that broke a rule, as they came.",
    key=("table_name", "row_digest"),
    columns=(
        _instant("first_seen_at", "Snapshot that first brought it."),
        _instant("last_seen_at", "Snapshot that last brought it."),
        _identity("table_name", "Table."),
        _identity("rule", "First rule that the row broke."),
        Column("num_rules", pl.Int64(), "How many rules it broke.", minimum=1),
        _identity("raw", "The row as JSON, long values cut."),
        _identity("row_digest", "Fingerprint of table, rule and raw values."),
    ),
)

OUTPUT_TABLES = (
    TICK,
    ASSIGNMENT,
    UNASSIGNED,
    EXPLANATION,
    PRICE,
    REQUEUE,
    OUTLOOK,
    RESPONSE_RESULT,
    REJECTED_ROW,
    PRICE_RUN,
    SKILL_PRICE,
)


@dataclass(frozen=True)
class InputTables:
    """One frame per input table, before or after validation; None where the source has none."""

    queues: pl.DataFrame | None = None
    calendars: pl.DataFrame | None = None
    holidays: pl.DataFrame | None = None
    overflow: pl.DataFrame | None = None
    customers: pl.DataFrame | None = None
    customer_agents: pl.DataFrame | None = None
    agents: pl.DataFrame | None = None
    agent_channels: pl.DataFrame | None = None
    agent_skills: pl.DataFrame | None = None
    agent_activities: pl.DataFrame | None = None
    agent_profiles: pl.DataFrame | None = None
    agent_preferences: pl.DataFrame | None = None
    agent_quotas: pl.DataFrame | None = None
    agent_load: pl.DataFrame | None = None
    queue_members: pl.DataFrame | None = None
    contacts: pl.DataFrame | None = None
    contact_skills: pl.DataFrame | None = None
    contact_steps: pl.DataFrame | None = None
    declines: pl.DataFrame | None = None
    offers: pl.DataFrame | None = None
    agent_prices: pl.DataFrame | None = None
    queue_prices: pl.DataFrame | None = None

    def frame(self, table: Table) -> pl.DataFrame | None:
        """Frame of `table`, or None."""
        frame: pl.DataFrame | None = getattr(self, table.name)
        return frame


assert tuple(field.name for field in fields(InputTables)) == tuple(  # noqa: S101
    table.name for table in INPUT_TABLES
), "InputTables must name the input tables in order"
