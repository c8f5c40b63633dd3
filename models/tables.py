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
    """Life of an assignment, one appended row per change."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    RESCINDED = "rescinded"
    COMPLETED = "completed"


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


def _choice(name: str, options: type[StrEnum], doc: str) -> Column:
    return Column(name, pl.String(), doc, choices=tuple(option.value for option in options))


def _zone(name: str, doc: str, *, nullable: bool = False) -> Column:
    # "localtime" is another zone on another machine, and "Factory" is none.
    zones = tuple(sorted(available_timezones() - {"localtime", "Factory"}))
    return Column(name, pl.String(), doc, unit="IANA zone", nullable=nullable, choices=zones)


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

INPUT_TABLES = (
    QUEUES,
    CALENDARS,
    CUSTOMERS,
    AGENTS,
    AGENT_CHANNELS,
    AGENT_SKILLS,
    AGENT_LOAD,
    QUEUE_MEMBERS,
    CONTACTS,
    CONTACT_SKILLS,
    DECLINES,
)
"""Parents before the tables that refer to them."""

ASSIGNMENT = Table(
    name="assignment",
    doc="Append-only events: which agent got which contact, and what became of it.",
    key=("contact_id", "contact_version", "event"),
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
        Column("hold", pl.Float64(), "Cost of waiting for him.", unit="money", nullable=True),
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
    ),
)

PRICE = Table(
    name="price",
    doc="Shadow prices of the last tick: what one more slot was worth, a guide where agents mix.",
    key=("agent_id", "channel"),
    columns=(
        _instant("tick_at", "Tick."),
        _identity("agent_id", "Agent."),
        _choice("channel", Channel, "Lane."),
        Column("free_slots", pl.Int64(), "Slots offered to the tick.", minimum=0),
        Column("lane_price", pl.Float64(), "Price of the lane's cap.", unit="money", minimum=0.0),
        Column("agent_price", pl.Float64(), "Price of the agent.", unit="money", minimum=0.0),
        Column("site_price", pl.Float64(), "Price of the site's cap.", unit="money", minimum=0.0),
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

OUTPUT_TABLES = (TICK, ASSIGNMENT, UNASSIGNED, EXPLANATION, PRICE, REJECTED_ROW)


@dataclass(frozen=True)
class InputTables:
    """One frame per input table, before or after validation; None where the source has none."""

    queues: pl.DataFrame | None = None
    calendars: pl.DataFrame | None = None
    customers: pl.DataFrame | None = None
    agents: pl.DataFrame | None = None
    agent_channels: pl.DataFrame | None = None
    agent_skills: pl.DataFrame | None = None
    agent_load: pl.DataFrame | None = None
    queue_members: pl.DataFrame | None = None
    contacts: pl.DataFrame | None = None
    contact_skills: pl.DataFrame | None = None
    declines: pl.DataFrame | None = None

    def frame(self, table: Table) -> pl.DataFrame | None:
        """Frame of `table`, or None."""
        frame: pl.DataFrame | None = getattr(self, table.name)
        return frame


assert tuple(field.name for field in fields(InputTables)) == tuple(  # noqa: S101
    table.name for table in INPUT_TABLES
), "InputTables must name the input tables in order"
