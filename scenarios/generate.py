"""Seeded inputs: a believable centre over a period, and batches of any size for benchmarks."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch, empty_batch
from models.channel_policy import default_channels
from models.tables import (
    AGENT_LOAD,
    CALENDARS,
    DECLINES,
    INSTANT,
    QUEUES,
    InputTables,
    LoadState,
    Presence,
)
from scenarios import random_batch
from scenarios.centre import CALENDARS as OPENING_HOURS
from scenarios.centre import QUEUES as QUEUE_FACTS
from scenarios.centre import US, Centre, CentreSize
from scenarios.customers import (
    arrival_skills_frame,
    arrivals_frame,
    customers_frame,
    generate_people,
)
from scenarios.demand import Demand, generate_demand
from scenarios.randomness import Purpose, stream
from scenarios.workforce import (
    Workforce,
    agent_channels_frame,
    agent_skills_frame,
    agents_frame,
    generate_workforce,
    queue_members_frame,
)


def generate_centre(seed: int, size: CentreSize, start_at: datetime) -> Centre:
    """A busy omnichannel centre from `start_at` on; the same arguments give the same rows.

    Raises ValueError when `start_at` has no zone.
    """
    if start_at.utcoffset() is None:
        raise ValueError(
            f"centre: start_at is {start_at!r} without a zone; expected a UTC instant"
        )
    workforce = generate_workforce(seed, size.num_agents, start_at)
    agents = agents_frame(workforce, start_at)
    present = (agents["presence"] == Presence.AVAILABLE.value).to_numpy()
    demand = generate_demand(seed, size, start_at, workforce, present)
    people = generate_people(seed, demand, size.num_agents)
    arrivals = arrivals_frame(seed, demand, people, workforce, start_at)
    started = _started_us(seed, demand, arrivals, start_at)
    return Centre(
        start_at=start_at,
        end_at=start_at + size.duration,
        tables=InputTables(
            queues=_queues_frame(),
            calendars=_calendars_frame(),
            customers=customers_frame(seed, people, workforce),
            agents=agents,
            agent_channels=agent_channels_frame(workforce),
            agent_skills=agent_skills_frame(workforce),
            agent_load=_load_frame(demand, arrivals, workforce, started),
            queue_members=queue_members_frame(workforce),
            declines=DECLINES.empty(),
        ),
        arrivals=_entered_before_started(arrivals, demand, started),
        arrival_skills=arrival_skills_frame(demand, people, workforce),
        breaks=workforce.breaks,
    )


def generate_batch(seed: int, num_contacts: int, num_agents: int, now: datetime) -> Batch:
    """One tick's tables of any size: about 6 % of all pairs can serve each other.

    24 skills with levels, 6 languages, mixed channels, heavy-tailed values, 30 % of customers with
    an owner, agents with one to four free slots; 2 % of contacts share a conversation.
    """
    agents = random_batch.draw_agents(seed, num_agents)
    customers = random_batch.draw_customers(seed, num_contacts, agents)
    return replace(
        empty_batch(now),
        queues=random_batch.queues_frame(),
        customers=customers,
        agents=random_batch.agents_frame(agents, now),
        agent_channels=random_batch.agent_channels_frame(agents),
        agent_skills=random_batch.agent_skills_frame(agents),
        agent_load=random_batch.agent_load_frame(seed, agents, now),
        queue_members=random_batch.queue_members_frame(),
        contacts=random_batch.contacts_frame(seed, num_contacts, agents, now),
        contact_skills=random_batch.contact_skills_frame(seed, num_contacts),
    )


def _queues_frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "queue_id": [queue.name for queue in QUEUE_FACTS],
            "calendar_id": [queue.calendar for queue in QUEUE_FACTS],
            "target_answer_s": [queue.target_s for queue in QUEUE_FACTS],
            "mean_handle_s": [queue.mean_handle_s for queue in QUEUE_FACTS],
        }
    ).match_to_schema(QUEUES.schema(), missing_columns="insert")


def _calendars_frame() -> pl.DataFrame:
    rows = [
        (name, zone, weekday, opens, closes)
        for name, zone, weekdays, opens, closes in OPENING_HOURS
        for weekday in weekdays
    ]
    return pl.DataFrame(rows, schema=CALENDARS.schema(), orient="row")


def _started_us(
    seed: int, demand: Demand, arrivals: pl.DataFrame, start_at: datetime
) -> NDArray[np.int64]:
    """When the agents who hold a contact at the start began it: an even share of its time ago."""
    rng = stream(seed, Purpose.ELAPSED)
    done = rng.uniform(0.02, 0.98, len(demand)) * arrivals["handle_s"].to_numpy()
    start_us = round(start_at.timestamp() * US)
    started: NDArray[np.int64] = start_us - np.round(done * 1000).astype(np.int64) * 1000
    return started


def _load_frame(
    demand: Demand, arrivals: pl.DataFrame, workforce: Workforce, started: NDArray[np.int64]
) -> pl.DataFrame:
    held = np.flatnonzero(demand.holder >= 0)
    channels = default_channels()
    names = list(channels)
    mean_handle = pl.col("channel").replace_strict(
        names, [channels[name].mean_handle_s for name in names], return_dtype=pl.Float64
    )
    return (
        arrivals[held]
        .with_columns(
            agent_id=workforce.agent_id[demand.holder[held]],
            state=pl.lit(LoadState.ACTIVE.value),
            started_at=pl.Series(started[held]).cast(INSTANT),
            units=pl.col("channel").replace_strict(
                names, [channels[name].units for name in names], return_dtype=pl.Float64
            ),
        )
        .with_columns(
            expected_end_at=pl.col("started_at")
            + pl.duration(microseconds=(mean_handle * US).cast(pl.Int64))
        )
        .match_to_schema(AGENT_LOAD.schema(), missing_columns="insert", extra_columns="ignore")
    )


def _entered_before_started(
    arrivals: pl.DataFrame, demand: Demand, started: NDArray[np.int64]
) -> pl.DataFrame:
    """Contacts held at the start entered a few seconds before their agent began."""
    held = pl.Series(demand.holder >= 0)
    earlier = pl.Series(started - 5 * US).cast(INSTANT)
    entered = earlier.zip_with(held, arrivals["entered_at"])
    message = earlier.zip_with(
        held & arrivals["last_message_at"].is_not_null(), arrivals["last_message_at"]
    )
    gap = timedelta(hours=1)
    last = (earlier - gap).zip_with(
        held & arrivals["last_agent_at"].is_not_null(), arrivals["last_agent_at"]
    )
    return arrivals.with_columns(
        entered_at=entered, last_message_at=message, last_agent_at=last
    ).sort("entered_at", "contact_id")
