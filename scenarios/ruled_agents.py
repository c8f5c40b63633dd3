"""Rule groups of `scenarios/ruled_batch.py` that concern agents: what they hold, did and prefer.

Every group takes a batch and a policy and returns them with its own columns and tables filled.
"""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.tables import (
    AGENT_ACTIVITIES,
    AGENT_LOAD,
    AGENT_PREFERENCES,
    AGENT_PRICES,
    AGENT_PROFILES,
    AGENT_QUOTAS,
    CALENDARS,
    HOLIDAYS,
    OFFERS,
    QUEUE_PRICES,
    AssignmentEvent,
    Channel,
    LoadState,
    Presence,
)
from scenarios.centre import SITES
from scenarios.draws import Draws
from scenarios.random_batch import SKILLS

OFFERS_PER_AGENT = 60

_PRESENCES = (
    Presence.AVAILABLE,
    Presence.BUSY,
    Presence.WRAP_UP,
    Presence.AWAY,
    Presence.OFFLINE,
)
_HELD = (Channel.VOICE, Channel.CHAT, Channel.MESSAGING, Channel.EMAIL, Channel.CASE)
_HELD_SHARES = (0.3, 0.2, 0.2, 0.2, 0.1)
_STATE_SHARES = (0.05, 0.65, 0.15, 0.15)
_PRESENCE_SHARES = (0.8, 0.08, 0.05, 0.05, 0.02)
_EVENT_SHARES = (0.02, 0.02, 0.08, 0.05, 0.03, 0.02, 0.03, 0.75)
_SHIFT = timedelta(hours=9)
_FLUENT = 5
_CALENDARS = ("always", "office", "weekend")
_WINDOW_S = 300.0


def hours(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Calendars for most queues, holidays, breaks, shifts around `now`, and callbacks."""
    zones = [site.time_zone for site in SITES]
    weekly = pl.DataFrame(
        {
            "calendar_id": ["always"] * 7 + ["office"] * 5 + ["weekend"] * 2,
            "time_zone": [zones[0]] * 7 + [zones[-1]] * 5 + [zones[0]] * 2,
            "weekday": [*range(7), *range(5), 5, 6],
            "opens_minute": [0] * 7 + [60] * 5 + [600] * 2,
            "closes_minute": [1440] * 7 + [1380] * 5 + [900] * 2,
        },
        schema=CALENDARS.schema(),
    )
    closed = [(batch.now.date() + timedelta(days=ahead)).isoformat() for ahead in (-3, 4, 11)]
    holidays = pl.DataFrame(
        {"calendar_id": "office", "day": closed, "opens_minute": 0, "closes_minute": 0},
        schema=HOLIDAYS.schema(),
    )
    queues = draws.fill(batch.queues, calendar_id=([None, *_CALENDARS], [0.2, 0.35, 0.35, 0.1]))
    size = len(batch.agents)
    left_s = draws.rng.uniform(-1200, 8 * 3600, size)
    left_s = np.where(draws.rng.random(size) < 0.04, 9.5 * 3600, left_s)
    ends_at = draws.ago(batch.now, -left_s)
    agents = batch.agents.with_columns(shift_start_at=ends_at - _SHIFT, shift_end_at=ends_at)
    activities = draws.some(agents.select("agent_id"), 0.2)
    starts_at = draws.ago(batch.now, draws.rng.uniform(-7200, 1200, len(activities)))
    activities = activities.with_columns(
        starts_at=starts_at, ends_at=starts_at + timedelta(minutes=15)
    )
    # One call in eight is one that we make; its queue stays that of the calls.
    calls = (batch.contacts["channel"] == Channel.VOICE.value) & pl.Series(
        draws.rng.random(len(batch.contacts)) < 0.125
    )
    contacts = batch.contacts.with_columns(
        channel=pl.when(calls).then(pl.lit(Channel.CALLBACK.value)).otherwise("channel")
    )
    channels = batch.agent_channels
    callers = channels.filter(pl.col("channel") == Channel.VOICE.value).with_columns(
        channel=pl.lit(Channel.CALLBACK.value)
    )
    return replace(
        batch,
        calendars=weekly,
        holidays=holidays,
        queues=queues,
        agents=agents,
        agent_activities=activities.select(AGENT_ACTIVITIES.schema().names()),
        contacts=contacts,
        agent_channels=pl.concat([channels, callers]),
    ), policy


def items(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """More held items of every channel and state, and who is there to hold them."""
    size = len(batch.agents)
    agents = draws.fill(
        batch.agents, presence=([presence.value for presence in _PRESENCES], _PRESENCE_SHARES)
    ).with_columns(presence_since=draws.ago(batch.now, draws.rng.exponential(1800.0, size), 0.9))
    holder = draws.some(agents.select("agent_id"), 0.5)
    holder = pl.concat([holder, draws.some(holder, 0.3)])
    num = len(holder)
    more = (
        holder.with_columns(
            pl.format("item-{}", pl.int_range(num)).alias("contact_id"),
            pl.format("thread-{}", pl.int_range(num)).alias("conversation_id"),
            pl.format("guest-{}", pl.int_range(num)).alias("customer_id"),
            draws.pick(num, [channel.value for channel in _HELD], _HELD_SHARES).alias("channel"),
            draws.ago(batch.now, draws.rng.exponential(300.0, num)).alias("started_at"),
        )
        .with_columns(
            expected_end_at=pl.when(pl.Series(draws.rng.random(num) < 0.5)).then(
                pl.col("started_at") + timedelta(seconds=330)
            )
        )
        .with_columns(state=pl.lit(LoadState.ACTIVE.value))
        .match_to_schema(AGENT_LOAD.schema(), missing_columns="insert")
    )
    load = pl.concat([batch.agent_load, more])
    load = draws.fill(load, state=([state.value for state in LoadState], _STATE_SHARES))
    load = load.with_columns(
        state_since=draws.ago(batch.now, draws.rng.exponential(90.0, len(load)), 0.9),
        last_customer_at=draws.ago(batch.now, draws.rng.exponential(300.0, len(load)), 0.8),
    )
    return replace(batch, agents=agents, agent_load=load), policy


def offers(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """What each agent was offered today; calls and chats have an hourly limit."""
    size = OFFERS_PER_AGENT * len(batch.agents)
    age_s = draws.rng.uniform(5, 8 * 3600, size)
    lasted_s = np.minimum(draws.rng.exponential(60.0, size), age_s)
    channels = [channel.value for channel in _HELD]
    rows = pl.DataFrame(
        {
            "contact_id": pl.select(pl.format("old-{}", pl.int_range(size))).to_series(),
            "agent_id": draws.pick(size, batch.agents["agent_id"]),
            "channel": draws.pick(size, channels, _HELD_SHARES),
            "offered_at": draws.ago(batch.now, age_s),
            "event": draws.pick(size, [event.value for event in AssignmentEvent], _EVENT_SHARES),
            "event_at": draws.ago(batch.now, age_s - lasted_s),
            "profiles": pl.Series([None], dtype=pl.String).new_from_index(0, size),
        },
        schema=OFFERS.schema(),
    )
    limited = dict(policy.channels)
    limited[Channel.VOICE] = replace(limited[Channel.VOICE], max_per_hour=4)
    limited[Channel.CHAT] = replace(limited[Channel.CHAT], max_per_hour=4)
    return replace(batch, offers=rows), replace(policy, channels=limited)


def fairness(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Handled and productive time of the day, preferences of a fifth, quotas of some trainees."""
    size = len(batch.agents)
    productive = draws.rng.uniform(0, 7 * 3600, size)
    agents = batch.agents.with_columns(
        productive_s=pl.Series(productive),
        handled_s=pl.Series(productive * draws.rng.uniform(0.3, 1.0, size)),
    )
    keen = draws.some(agents.select("agent_id"), 0.2)
    subjects = [*(f"skill:{skill}" for skill in SKILLS[:8]), "channel:email", "channel:chat"]
    likes = draws.fill(
        pl.concat([keen, keen]).match_to_schema(
            AGENT_PREFERENCES.schema(), missing_columns="insert"
        ),
        subject=(subjects, None),
        weight=([-1.0, 0.5, 1.0], None),
    )
    quotas = draws.fill(
        draws.some(agents.select("agent_id"), 0.05).match_to_schema(
            AGENT_QUOTAS.schema(), missing_columns="insert"
        ),
        skill=(SKILLS, None),
        quota=([2, 5], None),
        done=([0, 1, 2], None),
        mentor_agent_id=(agents["agent_id"], None),
    )
    return replace(
        batch,
        agents=agents,
        agent_preferences=likes.unique(AGENT_PREFERENCES.key, keep="first", maintain_order=True),
        agent_quotas=quotas,
    ), policy


def prices(draws: Draws, batch: Batch, policy: Policy) -> tuple[Batch, Policy]:
    """Nine agents in ten have prices, half of these a fast one; half of the queues have a worth of
    heads.
    """
    sold = draws.some(batch.agents.select("agent_id"), 0.9)
    missed = draws.rng.random(len(sold)) < 0.5
    per_s = np.round(draws.rng.uniform(0.0, 0.01, len(sold)), 6)
    sold = sold.with_columns(
        window_s=pl.lit(_WINDOW_S),
        fast_price=pl.Series(np.round(missed * draws.rng.exponential(2.0, len(sold)), 3)),
        slow_price=pl.Series(0.3 * per_s),
        late_price=pl.Series(per_s),
    )
    heads = draws.some(batch.queues.select("queue_id"), 0.5)
    heads = heads.with_columns(head_worth=draws.pick(len(heads), [0.0, 0.5, 2.0]))
    return replace(
        batch,
        agent_prices=sold.match_to_schema(AGENT_PRICES.schema()),
        queue_prices=heads.match_to_schema(QUEUE_PRICES.schema()),
    ), replace(policy, head_worth=0.25)


def profile_limits(draws: Draws, batch: Batch) -> pl.DataFrame:
    """Table `agent_profiles`: a fifth of the agents has limits of its own."""
    own = draws.some(batch.agents.select("agent_id"), 0.2)
    return draws.fill(
        own.match_to_schema(AGENT_PROFILES.schema(), missing_columns="insert"),
        profile=(["high", "normal", "total"], None),
        max_items=([0, 1, 3], None),
    )


def able_agents(draws: Draws, batch: Batch, most: int) -> pl.DataFrame:
    """(contact_id, agent_id): for each contact some of the agents with its skill, language and
    channel.
    """
    levels = batch.agent_skills.join(batch.agent_channels, on="agent_id")
    fluent = batch.agent_skills.filter(pl.col("proficiency") >= _FLUENT).select(
        "agent_id", language=pl.col("skill").str.strip_prefix("language:")
    )
    able = (
        batch.contact_skills.unique("contact_id", keep="first", maintain_order=True)
        .join(batch.contacts.select("contact_id", "channel", "language"), on="contact_id")
        .join(levels, on=["skill", "channel"])
        .filter(pl.col("proficiency") >= pl.col("min_proficiency"))
        .join(fluent, on=["agent_id", "language"], how="semi")
        .sort("contact_id", "agent_id")
    )
    drawn = able.with_columns(draw=pl.Series(draws.rng.random(len(able))))
    first = drawn.sort("contact_id", "draw").group_by("contact_id", maintain_order=True).head(most)
    return first.select("contact_id", "agent_id")
