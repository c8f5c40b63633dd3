"""The generated centre: what it is made of, and the facts of the trade that it is drawn from."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from models.tables import AGENTS, CONTACTS, INSTANT, Channel, InputTables

US = 1_000_000
"""Microseconds in a second: the resolution of every instant."""


@dataclass(frozen=True)
class CentreSize:
    """How big and how busy a centre is; the defaults are those of the demo."""

    num_agents: int = 120
    duration: timedelta = timedelta(minutes=30)
    busyness: float = 1.0
    """Multiplies the arrival rates and the load at the start."""

    def __post_init__(self) -> None:
        """Check that there are agents, time and work."""
        if self.num_agents < 1 or self.duration <= timedelta(0) or self.busyness < 0:
            raise ValueError(
                f"centre size: {self}; expected num_agents >= 1, duration > 0, busyness >= 0"
            )


@dataclass(frozen=True, eq=False)
class Centre:
    """A centre over a period, with what the product may see and what it may not.

    `tables` are the static input tables and the load at the start; contacts arrive by `arrivals`.
    `arrivals` follows the contract of `contacts` and adds the hidden truth `patience_s` and
    `handle_s`; rows before `start_at` are the backlog, or held by an agent from the start.
    `arrival_skills` follows `contact_skills`; `breaks` is (agent_id, away_from, away_until).
    """

    start_at: datetime
    end_at: datetime
    tables: InputTables
    arrivals: pl.DataFrame
    arrival_skills: pl.DataFrame
    breaks: pl.DataFrame


BREAKS_SCHEMA = pl.Schema(
    {"agent_id": AGENTS.schema()["agent_id"], "away_from": INSTANT, "away_until": INSTANT}
)
ARRIVALS_SCHEMA = pl.Schema(
    {**CONTACTS.schema(), "patience_s": pl.Float64(), "handle_s": pl.Float64()}
)


@dataclass(frozen=True)
class Site:
    """Where agents work; `speaks` is the share of its agents who speak each of LANGUAGES."""

    name: str
    time_zone: str
    share: float
    speaks: tuple[float, ...]


@dataclass(frozen=True)
class Profile:
    """A kind of agent: channels with their usual concurrency, and units on offer."""

    name: str
    share: float
    capacity_units: float
    channels: tuple[tuple[Channel, int], ...]
    fill: tuple[tuple[Channel, int], ...]
    """What such an agent typically holds in a busy hour."""


@dataclass(frozen=True)
class Queue:
    """A waiting line: its arrivals per hour and 100 agents, and the topics customers bring."""

    name: str
    channel: Channel
    per_hour: float
    topics: tuple[float, ...]
    """Weights of SKILLS; the first required skill is drawn from them."""
    target_s: float | None = None
    mean_handle_s: float | None = None
    calendar: str | None = None
    backlog: float = 0.0
    """Contacts per 100 agents that wait at the start."""
    senior: bool = False
    """Only senior agents are members; gold customers are sent here."""


@dataclass(frozen=True)
class Home:
    """Where customers live and what they speak."""

    time_zone: str
    language: str
    share: float


LANGUAGES = ("en", "es", "fr", "de")
SKILLS = (
    "accounts",
    "billing",
    "cards",
    "complaints",
    "fraud",
    "loans",
    "payments",
    "technical",
)
SITES = (
    Site("bogota", "America/Bogota", 0.30, (0.80, 1.0, 0.05, 0.0)),
    Site("dublin", "Europe/Dublin", 0.40, (1.0, 0.15, 0.45, 0.40)),
    Site("manila", "Asia/Manila", 0.30, (1.0, 0.30, 0.05, 0.05)),
)
HOMES = (
    Home("Europe/Dublin", "en", 0.22),
    Home("Europe/London", "en", 0.20),
    Home("America/New_York", "en", 0.12),
    Home("Asia/Manila", "en", 0.06),
    Home("America/Bogota", "es", 0.14),
    Home("America/Mexico_City", "es", 0.08),
    Home("Europe/Madrid", "es", 0.05),
    Home("Europe/Paris", "fr", 0.08),
    Home("Europe/Berlin", "de", 0.05),
)

_LINES = ((Channel.VOICE, 1), (Channel.CALLBACK, 1))
PROFILES = (
    Profile("phone", 0.35, 100.0, _LINES, ((Channel.VOICE, 1),)),
    Profile("video", 0.07, 100.0, (*_LINES, (Channel.VIDEO, 1)), ((Channel.VIDEO, 1),)),
    Profile(
        "digital",
        0.26,
        100.0,
        ((Channel.CHAT, 3), (Channel.MESSAGING, 4), (Channel.SOCIAL, 4)),
        ((Channel.CHAT, 2), (Channel.MESSAGING, 1)),
    ),
    Profile(
        "back office",
        0.12,
        100.0,
        ((Channel.EMAIL, 6), (Channel.SOCIAL, 3)),
        ((Channel.EMAIL, 4), (Channel.SOCIAL, 1)),
    ),
    Profile(
        "blended",
        0.20,
        155.0,
        (*_LINES, (Channel.CHAT, 1), (Channel.MESSAGING, 1), (Channel.EMAIL, 2)),
        ((Channel.VOICE, 1),),
    ),
)

_SERVICE = (5.0, 4.0, 3.0, 0.5, 1.0, 0.5, 3.0, 3.0)
_SALES = (2.0, 0.5, 2.0, 0.0, 0.0, 6.0, 0.5, 0.0)
_TROUBLE = (0.5, 2.0, 1.5, 4.0, 4.0, 0.5, 2.0, 1.0)
QUEUES = (
    Queue("callback", Channel.CALLBACK, 26.0, _SERVICE, calendar="long-day", backlog=3.0),
    Queue("chat-sales", Channel.CHAT, 56.0, _SALES, target_s=45.0, backlog=1.0),
    Queue("chat-service", Channel.CHAT, 150.0, _SERVICE, backlog=2.5),
    Queue("email-complaints", Channel.EMAIL, 40.0, _TROUBLE, target_s=4 * 3600.0, backlog=12.0),
    Queue("email-service", Channel.EMAIL, 170.0, _SERVICE, backlog=50.0),
    Queue("messaging-service", Channel.MESSAGING, 150.0, _SERVICE, backlog=5.0),
    Queue("social", Channel.SOCIAL, 60.0, _TROUBLE, backlog=8.0),
    Queue("video-advice", Channel.VIDEO, 10.0, _SALES, mean_handle_s=480.0, calendar="day"),
    Queue("voice-fraud", Channel.VOICE, 40.0, _TROUBLE, mean_handle_s=360.0, backlog=0.5),
    Queue("voice-premium", Channel.VOICE, 20.0, _SERVICE, target_s=10.0, senior=True),
    Queue("voice-sales", Channel.VOICE, 50.0, _SALES, mean_handle_s=420.0, calendar="long-day"),
    Queue("voice-service", Channel.VOICE, 230.0, _SERVICE, backlog=2.0),
)
"""Sorted by name."""

CALENDARS = (
    ("day", "Europe/Dublin", range(5), 9 * 60, 18 * 60),
    ("long-day", "Europe/Dublin", range(7), 7 * 60, 22 * 60),
)
"""(calendar, zone, weekdays, opens, closes) in minutes of the local day."""
