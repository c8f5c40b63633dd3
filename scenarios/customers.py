"""Who asks in a generated centre, and what: customers, contacts, required skills, hidden truth."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.channel_policy import default_channels
from models.problem import NOBODY
from models.tables import CONTACT_SKILLS, CUSTOMERS, INSTANT, Channel, Tier
from scenarios.centre import ARRIVALS_SCHEMA, HOMES, LANGUAGES, QUEUES, SKILLS, US
from scenarios.demand import Demand, instant_us
from scenarios.randomness import Purpose, stream
from scenarios.workforce import CHANNELS, Workforce

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_GOLD_FROM, _SILVER_FROM = 1500.0, 500.0
_WRITTEN = (Channel.CHAT, Channel.MESSAGING, Channel.SOCIAL, Channel.EMAIL)
_TOUCHY = ("complaints", "fraud")
_FALLBACK_LANGUAGE = LANGUAGES.index("en")
_MIN_LANGUAGE = 5


@dataclass(frozen=True, eq=False)
class People:
    """Persons behind the contacts, by `Demand.person`."""

    home: Ints
    value: Floats
    topic: Ints
    """Position in SKILLS."""
    min_level: Ints
    second_topic: Ints
    """Another skill that the issue needs, or NOBODY."""
    identified: NDArray[np.bool_]
    last_agent: Ints
    """Agent who had this person last, or NOBODY."""
    last_age_s: Floats


def generate_people(seed: int, demand: Demand, num_agents: int) -> People:
    """Persons with lognormal values; a contact in a senior queue has a person of high value."""
    rng = stream(seed, Purpose.CUSTOMERS)
    first = np.unique(demand.person, return_index=True)[1]
    queue, count = demand.queue[first], len(first)
    median = np.array([2500.0 if queue.senior else 200.0 for queue in QUEUES])[queue]
    sigma = np.array([0.4 if queue.senior else 1.0 for queue in QUEUES])[queue]
    topics = np.array([queue.topics for queue in QUEUES])
    heights = np.cumsum(topics / topics.sum(axis=1, keepdims=True), axis=1)
    topic = (rng.random(count)[:, None] > heights[queue][:, :-1]).sum(axis=1)
    second = (topic + rng.integers(1, len(SKILLS), count)) % len(SKILLS)
    had_agent = rng.random(count) < 0.25
    paired = np.isin(np.arange(count), demand.person[demand.twin_queue != NOBODY])
    return People(
        home=rng.choice(len(HOMES), count, p=[home.share for home in HOMES]),
        value=np.round(np.minimum(median * np.exp(sigma * rng.standard_normal(count)), 1e6), 2),
        topic=topic,
        min_level=rng.integers(1, 8, count),
        second_topic=np.where(rng.random(count) < 0.1, second, NOBODY),
        identified=(rng.random(count) < 0.92) | paired,
        last_agent=np.where(had_agent, rng.integers(0, num_agents, count), NOBODY),
        last_age_s=np.round(3600 * np.exp(rng.uniform(-1.0, 5.5, count)), 3),
    )


def customers_frame(seed: int, people: People, workforce: Workforce) -> pl.DataFrame:
    """Table `customers`: identified persons; most gold and some silver ones have an owner."""
    rng = stream(seed, Purpose.HISTORY)
    count = len(people.value)
    gold, silver = people.value >= _GOLD_FROM, people.value >= _SILVER_FROM
    owned = rng.random(count) < np.where(gold, 0.6, np.where(silver, 0.2, 0.02))
    owner = np.where(owned, rng.integers(0, len(workforce), count), NOBODY)
    tier = np.where(
        gold, Tier.GOLD.value, np.where(silver, Tier.SILVER.value, Tier.STANDARD.value)
    )
    zoned = rng.random(count) < 0.9
    zones = pl.Series([home.time_zone for home in HOMES])
    frame = pl.DataFrame(
        {
            "customer_id": _ids("customer", np.arange(count)),
            "value": people.value,
            "tier": pl.Series(tier.tolist(), dtype=pl.String),
            "owner_agent_id": _agent_ids(workforce, owner),
            "time_zone": _where(zones[people.home], zoned),
        }
    )
    return frame.match_to_schema(CUSTOMERS.schema(), missing_columns="insert").filter(
        pl.Series(people.identified)
    )


def arrivals_frame(
    seed: int, demand: Demand, people: People, workforce: Workforce, start_at: datetime
) -> pl.DataFrame:
    """Contacts with their hidden patience and handling time, in order of time."""
    rng = stream(seed, Purpose.CONTACTS)
    count, who = len(demand), demand.person
    channel = np.array([CHANNELS.index(queue.channel) for queue in QUEUES])[demand.queue]
    age_us = np.maximum(instant_us(start_at) - demand.entered_us, 0)
    last_agent_us = demand.entered_us - (people.last_age_s[who] * US).astype(np.int64)
    patience_s, handle_s = _hidden_truth(rng, demand, channel, age_us / US)
    ids = np.arange(count)
    known = pl.DataFrame(
        {
            "contact_id": _ids("contact", ids),
            "conversation_id": _ids("conversation", ids),
            "customer_id": _where(_ids("customer", who), people.identified[who]),
            "queue_id": pl.Series([queue.name for queue in QUEUES])[demand.queue],
            "channel": pl.Series([channel.value for channel in CHANNELS])[channel],
            "language": pl.Series(LANGUAGES)[_languages(demand, people, workforce)],
            "entered_at": demand.entered_us,
            "last_agent_id": _agent_ids(workforce, people.last_agent[who]),
            "last_agent_at": _where(pl.Series(last_agent_us), people.last_agent[who] != NOBODY),
            "version": np.ones(count, dtype=np.int64),
            "patience_s": patience_s,
            "handle_s": handle_s,
        }
    )
    said = _said(rng, channel, people.topic[who], demand.entered_us, age_us)
    special = _special(rng, channel, people.value[who], demand.entered_us)
    instants = pl.col("entered_at", "last_message_at", "due_at", "last_agent_at")
    return (
        pl.concat([known, said, special], how="horizontal")
        .with_columns(instants.cast(INSTANT))
        .match_to_schema(ARRIVALS_SCHEMA, missing_columns="insert")
    )


def _said(
    rng: np.random.Generator, channel: Ints, topic: Ints, entered_us: Ints, age_us: Ints
) -> pl.DataFrame:
    """(last_message_at, sentiment, escalated): mood shows in writing, trouble spoils it."""
    count = len(channel)
    written = np.isin(channel, [CHANNELS.index(channel) for channel in _WRITTEN])
    touchy = np.isin(topic, [SKILLS.index(name) for name in _TOUCHY])
    message_us = entered_us + (0.3 * rng.random(count) * age_us).astype(np.int64)
    mood = np.round(np.clip(rng.normal(0.05 - 0.4 * touchy, 0.4), -1, 1), 2)
    return pl.DataFrame(
        {
            "last_message_at": _where(pl.Series(message_us), written),
            "sentiment": _where(pl.Series(mood), written & (rng.random(count) < 0.7)),
            "escalated": rng.random(count) < 0.02 + 0.08 * touchy,
        }
    )


def _special(
    rng: np.random.Generator, channel: Ints, value: Floats, entered_us: Ints
) -> pl.DataFrame:
    """(due_at, value, time_zone): promised emails, contacts about an order, people who travel."""
    count = len(channel)
    email = channel == CHANNELS.index(Channel.EMAIL)
    due_us = entered_us + rng.integers(2 * 3600, 6 * 3600, count) * US
    order = np.round(value * rng.uniform(1, 2, count), 2)
    zone = pl.Series([home.time_zone for home in HOMES])[rng.integers(0, len(HOMES), count)]
    return pl.DataFrame(
        {
            "due_at": _where(pl.Series(due_us), email & (rng.random(count) < 0.1)),
            "value": _where(pl.Series(order), rng.random(count) < 0.03),
            "time_zone": _where(zone, rng.random(count) < 0.04),
        }
    )


def arrival_skills_frame(demand: Demand, people: People, workforce: Workforce) -> pl.DataFrame:
    """Required skills with levels; never more than a second agent of the queue can offer."""
    offered = _offered_levels(demand, people, workforce)
    who, ids = demand.person, np.arange(len(demand))
    frames: list[pl.DataFrame] = []
    for topic in (people.topic[who], people.second_topic[who]):
        level = np.minimum(people.min_level[who], offered[ids, topic])
        asked = (topic != NOBODY) & (level > 0) & (demand.holder == NOBODY)
        if frames:  # Two skills at once must be found in one person: ask little of the second.
            level = np.minimum(level, 2)
        frames.append(
            pl.DataFrame(
                {
                    "contact_id": _ids("contact", ids[asked]),
                    "skill": pl.Series(SKILLS)[topic[asked]],
                    "min_proficiency": level[asked],
                }
            ).match_to_schema(CONTACT_SKILLS.schema(), missing_columns="insert")
        )
    return pl.concat(frames).sort("contact_id", "skill")


def _hidden_truth(
    rng: np.random.Generator, demand: Demand, channel: Ints, age_s: Floats
) -> tuple[Floats, Floats]:
    """Patience and handling time in seconds.

    Contacts held at the start are seen in the middle of handling, which long ones are more often:
    their time is drawn from the length-biased law, as if begun at the start minus an even share.
    """
    kinds = [default_channels()[channel] for channel in CHANNELS]
    patience_s = np.array([kind.mean_patience_s for kind in kinds])[channel]
    means = [
        queue.mean_handle_s or default_channels()[queue.channel].mean_handle_s for queue in QUEUES
    ]
    sigma = np.array([kind.handle_sigma for kind in kinds])[channel]
    shift = np.where(demand.holder == NOBODY, -0.5, 0.5) * sigma**2
    noise = np.exp(shift + sigma * rng.standard_normal(len(demand)))
    handle_s = np.clip(np.array(means)[demand.queue] * noise, 10.0, 14_400.0)
    waits_s = rng.exponential(1.0, len(demand)) * patience_s
    return np.round(age_s + waits_s + 1.0, 3), np.round(handle_s, 3)


def _languages(demand: Demand, people: People, workforce: Workforce) -> Ints:
    """Language of each contact: that of the home, where two agents of the queues speak it."""
    wanted = np.array([LANGUAGES.index(home.language) for home in HOMES])[
        people.home[demand.person]
    ]
    spoken = np.ones(len(demand), dtype=bool)
    for rows, agents in _by_pool(demand, workforce):
        enough = (workforce.languages[agents] >= _MIN_LANGUAGE).sum(axis=0) >= 2
        spoken[rows] = enough[wanted[rows]]
    return np.where(spoken, wanted, _FALLBACK_LANGUAGE)


def _offered_levels(demand: Demand, people: People, workforce: Workforce) -> Ints:
    """Second highest level of every skill among agents who can serve the contact, shape (N, S)."""
    language = _languages(demand, people, workforce)
    offered = np.zeros((len(demand), len(SKILLS)), dtype=np.int64)
    for rows, agents in _by_pool(demand, workforce):
        for spoken in np.unique(language[rows]):
            able = agents & (workforce.languages[:, spoken] >= _MIN_LANGUAGE)
            if able.sum() >= 2:
                ranked = np.sort(workforce.levels[able], axis=0)
                offered[rows[language[rows] == spoken]] = ranked[-2]
    return offered


def _by_pool(demand: Demand, workforce: Workforce) -> list[tuple[Ints, NDArray[np.bool_]]]:
    """Contacts that the same agents may serve: (rows, agents) per queue and twin's queue."""
    pool = demand.queue * (len(QUEUES) + 1) + demand.twin_queue + 1
    channel = [CHANNELS.index(queue.channel) for queue in QUEUES]
    groups = []
    for key in np.unique(pool):
        queue, twin = divmod(int(key), len(QUEUES) + 1)
        agents = workforce.max_items[:, channel[queue]] > 0
        if twin > 0:
            agents &= workforce.max_items[:, channel[twin - 1]] > 0
        if QUEUES[queue].senior:
            agents &= workforce.senior
        groups.append((np.flatnonzero(pool == key), agents))
    return groups


def _ids(kind: str, numbers: Ints) -> pl.Series:
    return pl.Series(numbers).cast(pl.String).str.zfill(6).str.replace("^", f"{kind}-")


def _agent_ids(workforce: Workforce, agent: Ints) -> pl.Series:
    return _where(workforce.agent_id[np.maximum(agent, 0)], agent != NOBODY)


def _where(values: pl.Series, known: NDArray[np.bool_]) -> pl.Series:
    """The values, null where not known."""
    return values.zip_with(
        pl.Series(known), pl.Series([None], dtype=values.dtype).new_from_index(0, len(values))
    )
