"""Tables of a random batch: structure that is hard for solvers, drawn without loops over rows."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.problem import NOBODY
from models.tables import (
    AGENT_LOAD,
    AGENTS,
    CONTACT_SKILLS,
    CONTACTS,
    CUSTOMERS,
    INSTANT,
    QUEUE_MEMBERS,
    QUEUES,
    Channel,
    LoadState,
    Presence,
    Tier,
)
from scenarios.centre import SITES, US
from scenarios.randomness import Purpose, stream
from scenarios.workforce import CHANNELS, melt

Ints = NDArray[np.int64]

NUM_SKILLS = 24
LANGUAGES = ("en", "es", "fr", "de", "pt", "it")
SKILLS = tuple(f"skill-{number:02d}" for number in range(NUM_SKILLS))

_LANGUAGE_SHARES = (0.5, 0.2, 0.1, 0.08, 0.07, 0.05)
_CONTACT_CHANNELS = (Channel.VOICE, Channel.CHAT, Channel.MESSAGING, Channel.EMAIL, Channel.SOCIAL)
_CHANNEL_SHARES = (0.4, 0.2, 0.2, 0.12, 0.08)
_KINDS: tuple[tuple[Channel, ...], ...] = (
    (Channel.VOICE,),
    (Channel.CHAT, Channel.MESSAGING),
    (Channel.EMAIL, Channel.SOCIAL, Channel.MESSAGING),
    _CONTACT_CHANNELS,
)
_KIND_SHARES = (0.35, 0.25, 0.15, 0.25)
_SLOT_UNITS = 33.0
_OWNED = 0.3
_SHARED = 0.02


@dataclass(frozen=True, eq=False)
class RandomAgents:
    """A agents as arrays; `held` items of messaging leave one to four free slots."""

    agent_id: pl.Series
    site: Ints
    max_items: Ints
    skills: Ints
    languages: Ints
    held: Ints
    capacity_units: NDArray[np.float64]
    shift_left_s: Ints


def draw_agents(seed: int, num_agents: int) -> RandomAgents:
    """Agents with six to nine skills and one to three languages each."""
    rng = stream(seed, Purpose.BATCH_AGENTS)
    kind = rng.choice(len(_KINDS), num_agents, p=_KIND_SHARES)
    serves = np.array([[channel in kind for channel in CHANNELS] for kind in _KINDS])[kind]
    live = np.array([channel is Channel.VOICE for channel in CHANNELS])
    slots = np.where(kind == 0, 1, rng.integers(1, 5, num_agents))
    held = np.where(kind == 0, 0, rng.integers(0, 2, num_agents))
    items = np.where(live, 1, (slots + held)[:, None])
    rank = np.argsort(np.argsort(rng.random((num_agents, NUM_SKILLS)), axis=1), axis=1)
    level = rng.integers(2, 11, (num_agents, NUM_SKILLS))
    knows = rank < rng.integers(6, 10, num_agents)[:, None]
    speaks = rng.random((num_agents, len(LANGUAGES))) < 1.1 * np.array(_LANGUAGE_SHARES)
    speaks[:, 0] |= ~speaks.any(axis=1)
    fluency = rng.integers(5, 11, speaks.shape)
    units = np.where(serves[:, 0], 100.0, _SLOT_UNITS * slots) + _SLOT_UNITS * held
    return RandomAgents(
        agent_id=_ids("agent", num_agents),
        site=rng.integers(0, len(SITES), num_agents),
        max_items=np.where(serves, items, 0),
        skills=np.where(knows, level, 0),
        languages=np.where(speaks, fluency, 0),
        held=held,
        capacity_units=units,
        shift_left_s=rng.integers(900, 8 * 3600, num_agents),
    )


def draw_customers(seed: int, num_contacts: int, agents: RandomAgents) -> pl.DataFrame:
    """Table `customers`: one per contact, heavy-tailed values, 30 % with an owner."""
    rng = stream(seed, Purpose.BATCH_CUSTOMERS)
    value = np.round(np.minimum(150.0 * np.exp(1.4 * rng.standard_normal(num_contacts)), 1e6), 2)
    tier = np.digitize(value, [500.0, 2500.0])
    owner = rng.integers(0, len(agents.agent_id), num_contacts)
    owned = rng.random(num_contacts) < _OWNED
    frame = pl.DataFrame(
        {
            "customer_id": _ids("customer", num_contacts),
            "value": value,
            "tier": pl.Series([tier.value for tier in Tier])[tier],
            "owner_agent_id": agents.agent_id[owner],
            "time_zone": pl.Series([site.time_zone for site in SITES])[
                rng.integers(0, len(SITES), num_contacts)
            ],
        }
    )
    return frame.match_to_schema(CUSTOMERS.schema(), missing_columns="insert").with_columns(
        pl.when(pl.Series(owned)).then("owner_agent_id")
    )


def queues_frame() -> pl.DataFrame:
    """Table `queues`: one per channel, with the channel's targets."""
    names = [f"queue-{channel.value}" for channel in _CONTACT_CHANNELS]
    return pl.DataFrame({"queue_id": names}).match_to_schema(
        QUEUES.schema(), missing_columns="insert"
    )


def queue_members_frame() -> pl.DataFrame:
    """Table `queue_members`: none, so queues are open to all who meet the skills."""
    return QUEUE_MEMBERS.empty()


def agents_frame(agents: RandomAgents, now: datetime) -> pl.DataFrame:
    """Table `agents`: all available, at least a quarter of an hour before their shift ends."""
    instant = pl.lit(now, INSTANT)
    left = pl.duration(seconds=pl.col("left_s"))
    zones = pl.Series([site.time_zone for site in SITES])
    return (
        pl.DataFrame(
            {
                "agent_id": agents.agent_id,
                "site": pl.Series([site.name for site in SITES])[agents.site],
                "time_zone": zones[agents.site],
                "capacity_units": agents.capacity_units,
                "left_s": agents.shift_left_s,
            }
        )
        .with_columns(
            presence=pl.lit(Presence.AVAILABLE.value),
            shift_start_at=instant + left - pl.duration(hours=9),
            shift_end_at=instant + left,
            idle_since=instant - left / 20,
            version=pl.lit(1, pl.Int64),
        )
        .match_to_schema(AGENTS.schema(), missing_columns="insert", extra_columns="ignore")
    )


def agent_channels_frame(agents: RandomAgents) -> pl.DataFrame:
    """Table `agent_channels`."""
    names = [channel.value for channel in CHANNELS]
    return melt(agents.agent_id, names, agents.max_items, "channel", "max_items")


def agent_skills_frame(agents: RandomAgents) -> pl.DataFrame:
    """Table `agent_skills`; languages are the skills `language:xx`."""
    names = [*SKILLS, *(f"language:{language}" for language in LANGUAGES)]
    levels = np.hstack([agents.skills, agents.languages])
    return melt(agents.agent_id, names, levels, "skill", "proficiency")


def agent_load_frame(seed: int, agents: RandomAgents, now: datetime) -> pl.DataFrame:
    """Table `agent_load`: messages that some agents hold, of customers who do not wait."""
    rng = stream(seed, Purpose.BATCH_LOAD)
    holder = np.flatnonzero(agents.held)
    ids = _ids("held", len(holder))
    started = pl.lit(now, INSTANT) - pl.duration(seconds=pl.col("age_s"))
    return (
        pl.DataFrame(
            {
                "agent_id": agents.agent_id[holder],
                "contact_id": ids,
                "conversation_id": ids,
                "age_s": rng.integers(1, 600, len(holder)),
            }
        )
        .select(
            "agent_id",
            "contact_id",
            "conversation_id",
            channel=pl.lit(Channel.MESSAGING.value),
            state=pl.lit(LoadState.ACTIVE.value),
            units=pl.lit(_SLOT_UNITS),
            started_at=started,
            expected_end_at=started + pl.duration(seconds=600),
        )
        .match_to_schema(AGENT_LOAD.schema(), missing_columns="insert")
    )


def contacts_frame(
    seed: int, num_contacts: int, agents: RandomAgents, now: datetime
) -> pl.DataFrame:
    """Table `contacts`: one skill and language each, waiting up to twice the channel's target."""
    rng = stream(seed, Purpose.BATCH_CONTACTS)
    channel = rng.choice(len(_CONTACT_CHANNELS), num_contacts, p=_CHANNEL_SHARES)
    scale_s = np.array([20, 60, 600, 28_800, 3_600])[channel]
    wait_us = (2 * rng.random(num_contacts) * scale_s * US).astype(np.int64)
    ids = np.arange(num_contacts)
    shared = (rng.random(num_contacts) < _SHARED / 2) & (ids > 0)
    whose = pl.Series(ids - shared)
    last = np.where(
        rng.random(num_contacts) < 0.25,
        rng.integers(0, len(agents.agent_id), num_contacts),
        NOBODY,
    )
    names = pl.Series([channel.value for channel in _CONTACT_CHANNELS])[channel]
    frame = pl.DataFrame(
        {
            "contact_id": _ids("contact", num_contacts),
            "conversation_id": _ids("conversation", num_contacts)[whose],
            "customer_id": _ids("customer", num_contacts)[whose],
            "queue_id": "queue-" + names,
            "channel": names,
            "language": pl.Series(LANGUAGES)[
                rng.choice(len(LANGUAGES), num_contacts, p=_LANGUAGE_SHARES)
            ],
            "wait_us": wait_us,
            "sentiment": np.round(np.clip(rng.normal(0, 0.4, num_contacts), -1, 1), 2),
            "escalated": rng.random(num_contacts) < 0.03,
            "last_agent_id": agents.agent_id[np.maximum(last, 0)],
            "known": last != NOBODY,
            "days": rng.integers(1, 10, num_contacts),
        }
    )
    instant = pl.lit(now, INSTANT)
    return frame.with_columns(
        pl.when("known").then("last_agent_id"),
        entered_at=instant - pl.duration(microseconds="wait_us"),
        last_agent_at=pl.when("known").then(instant - pl.duration(days="days")),
        version=pl.lit(1, pl.Int64),
    ).match_to_schema(CONTACTS.schema(), missing_columns="insert", extra_columns="ignore")


def contact_skills_frame(seed: int, num_contacts: int) -> pl.DataFrame:
    """Table `contact_skills`: one topic per contact, at a level of 1 to 7."""
    rng = stream(seed, Purpose.BATCH_SKILLS)
    return pl.DataFrame(
        {
            "contact_id": _ids("contact", num_contacts),
            "skill": pl.Series(SKILLS)[rng.integers(0, NUM_SKILLS, num_contacts)],
            "min_proficiency": rng.integers(1, 8, num_contacts),
        }
    ).match_to_schema(CONTACT_SKILLS.schema(), missing_columns="insert")


def _ids(kind: str, count: int) -> pl.Series:
    numbers = pl.Series(np.arange(count))
    return numbers.cast(pl.String).str.zfill(6).str.replace("^", f"{kind}-")
