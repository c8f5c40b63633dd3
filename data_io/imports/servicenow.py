"""The backlog of a real IT service desk at one instant, from the ServiceNow incident log.

Only events up to the instant are read (`servicenow_log.py`): what an incident became later cannot
reach the tables. Rules and assumptions are listed in `docs/importers.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path

import polars as pl

from data_io.imports.imported import Imported, typed_frame
from data_io.imports.servicenow_history import (
    CONCURRENCY_DAYS,
    HELD_WEIGHT,
    ON_DUTY_WITHIN,
    RECENCY_HALF_LIFE,
    observed_front_group,
    observed_max_items,
    observed_skills,
    resolvers_on_duty,
)
from data_io.imports.servicenow_log import is_open, latest, read_seen
from models.policy import Policy
from models.tables import (
    AGENT_CHANNELS,
    AGENT_LOAD,
    AGENT_SKILLS,
    AGENTS,
    CALENDARS,
    CONTACT_SKILLS,
    CONTACTS,
    CUSTOMERS,
    DECLINES,
    INSTANT,
    QUEUE_MEMBERS,
    QUEUES,
    Channel,
    InputTables,
    LoadState,
    Presence,
    Tier,
)

ATTRIBUTION = (
    "Incident management process enriched event log, C. A. L. Amaral, M. Fantinato and S. M. Peres"
    " (University of Sao Paulo), UCI Machine Learning Repository, CC BY 4.0."
)
UNGROUPED = "ungrouped"
"""Queue of the incidents that the log has named no assignment group for yet."""
SITE = "service_desk"
SHIFT_START, SHIFT_END = time(8), time(18)
LATE_SHIFT = timedelta(hours=2)


class Pending(StrEnum):
    """Which open incidents wait for an assignment."""

    OPEN = "open"
    """All of them, whoever has them: the whole backlog is dispatched anew, agents hold nothing."""
    UNSTARTED = "unstarted"
    """Those that nobody on duty has in progress; the others are what agents hold."""


@dataclass(frozen=True)
class Priority:
    """What a priority of the log is assumed to mean: it holds no promise and no money."""

    promise: timedelta
    value: float


PRIORITIES: Mapping[str, Priority] = {
    "1 - Critical": Priority(timedelta(hours=4), 1_000.0),
    "2 - High": Priority(timedelta(hours=8), 500.0),
    "3 - Moderate": Priority(timedelta(days=3), 200.0),
    "4 - Low": Priority(timedelta(days=7), 100.0),
}
ESCALATED = "1 - Critical"


def import_servicenow(path: Path, at: datetime, pending: Pending = Pending.OPEN) -> Imported:
    """The open incidents, resolvers, skills and load at `at` as the input tables of one batch.

    A naive `at` is a time of the log, which is taken to be UTC. Raises UnreadableLogError when
    the file is not the log or holds no event up to `at`.
    """
    now = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    seen = read_seen(path, now)
    incidents = latest(seen).filter(is_open(), pl.col("opened_at") <= pl.lit(now, INSTANT))
    on_duty = resolvers_on_duty(seen, now)
    skills = observed_skills(seen, on_duty, now)
    front_group = observed_front_group(seen)
    max_items = observed_max_items(seen, now)
    held = _held(incidents, on_duty, pending)
    waiting = incidents.join(held, on="contact_id", how="anti")
    tables = InputTables(
        queues=_queues(waiting),
        calendars=CALENDARS.empty(),
        customers=_customers(incidents),
        agents=_agents(on_duty, now, max_items),
        agent_channels=typed_frame(
            AGENT_CHANNELS, on_duty, channel=pl.lit(Channel.CASE.value), max_items=max_items
        ),
        agent_skills=typed_frame(AGENT_SKILLS, skills),
        agent_load=_load(held),
        queue_members=typed_frame(
            QUEUE_MEMBERS, skills.filter(skill=front_group), queue_id=pl.lit(UNGROUPED)
        ),
        contacts=_contacts(waiting),
        contact_skills=typed_frame(
            CONTACT_SKILLS,
            waiting.drop_nulls("known_group"),
            skill="known_group",
            min_proficiency=1,
        ),
        declines=DECLINES.empty(),
    )
    facts = _facts(incidents, waiting, on_duty, front_group, max_items, pending)
    return Imported(tables, (*facts, *_ASSUMPTIONS), now, ATTRIBUTION)


def _held(incidents: pl.DataFrame, on_duty: pl.DataFrame, pending: Pending) -> pl.DataFrame:
    """Incidents in progress with a resolver on duty; none where the whole backlog is pending."""
    started = (pl.col("state") != "New") & (pending is Pending.UNSTARTED)
    return incidents.filter(started).join(on_duty, on="agent_id", how="semi")


def _contacts(waiting: pl.DataFrame) -> pl.DataFrame:
    promise = {name: priority.promise for name, priority in PRIORITIES.items()}
    value = {name: priority.value for name, priority in PRIORITIES.items()}
    default = PRIORITIES["3 - Moderate"]
    return typed_frame(
        CONTACTS,
        waiting,
        conversation_id="contact_id",
        queue_id=pl.col("known_group").fill_null(UNGROUPED),
        channel=pl.lit(Channel.CASE.value),
        entered_at="opened_at",
        due_at=pl.col("opened_at")
        + pl.col("priority").replace_strict(promise, default=default.promise),
        value=pl.col("priority").replace_strict(value, default=default.value),
        escalated=pl.col("priority") == ESCALATED,
        # The log's own priority is a text; what it promises is in `due_at` and `value`.
        priority=None,
    )


def _load(held: pl.DataFrame) -> pl.DataFrame:
    awaiting = pl.col("state").str.starts_with("Awaiting")
    return typed_frame(
        AGENT_LOAD,
        held,
        conversation_id="contact_id",
        channel=pl.lit(Channel.CASE.value),
        state=pl.when(awaiting)
        .then(pl.lit(LoadState.PARKED.value))
        .otherwise(pl.lit(LoadState.ACTIVE.value)),
        started_at="last_agent_at",
    )


def _agents(on_duty: pl.DataFrame, now: datetime, max_items: int) -> pl.DataFrame:
    start = min(datetime.combine(now.date(), SHIFT_START, UTC), now)
    end = max(datetime.combine(now.date(), SHIFT_END, UTC), now + LATE_SHIFT)
    return typed_frame(
        AGENTS,
        on_duty,
        presence=pl.lit(Presence.AVAILABLE.value),
        site=pl.lit(SITE),
        time_zone=pl.lit("UTC"),
        shift_start_at=pl.lit(start, INSTANT),
        shift_end_at=pl.lit(end, INSTANT),
        capacity_units=max_items * Policy().channels[Channel.CASE].units,
        idle_since="last_seen_at",
    )


def _queues(waiting: pl.DataFrame) -> pl.DataFrame:
    groups = waiting.select(queue_id=pl.col("known_group").drop_nulls())
    ungrouped = pl.DataFrame({"queue_id": [UNGROUPED]})
    return typed_frame(QUEUES, pl.concat([groups, ungrouped]).unique().sort("queue_id"))


def _customers(incidents: pl.DataFrame) -> pl.DataFrame:
    callers = incidents.select("customer_id").drop_nulls().unique().sort("customer_id")
    return typed_frame(
        CUSTOMERS,
        callers,
        value=PRIORITIES["3 - Moderate"].value,
        tier=pl.lit(Tier.STANDARD.value),
    )


def _facts(
    incidents: pl.DataFrame,
    waiting: pl.DataFrame,
    on_duty: pl.DataFrame,
    front_group: str | None,
    max_items: int,
    pending: Pending,
) -> tuple[str, ...]:
    no_group = waiting["known_group"].null_count()
    return (
        f"{len(incidents):,} incidents are open by the events up to the instant;"
        f" {len(waiting):,} of them are pending ({pending.value}) and"
        f" {len(incidents) - len(waiting):,} are held by a resolver on duty.",
        f"{len(on_duty)} resolvers are on duty: named on an event other than a closing within"
        f" {ON_DUTY_WITHIN.days} days.",
        f"A resolver can hold {max_items} cases: the upper quartile of what resolvers held at this"
        f" time of day on the last {CONCURRENCY_DAYS} days.",
        f"{no_group} pending incidents have no assignment group yet: they require no skill and"
        f" reach the resolvers of {front_group}, to which most incidents go first.",
    )


_ASSUMPTIONS = (
    "Times of the log are taken to be UTC; it names no zone.",
    "Every contact is a case: the log's contact type says how it was reported, not how it is"
    " worked on.",
    "Skills are assignment groups that a resolver worked in before the instant; the level is 1 +"
    f" 2 log2(1 + evidence), at most 10, where an incident resolved counts 1, another held"
    f" {HELD_WEIGHT}, halved every {RECENCY_HALF_LIFE.days} days. A contact requires level 1.",
    "Promises run from the opening: "
    + ", ".join(
        f"{name} {priority.promise.total_seconds() / 3600:.0f} h"
        for name, priority in PRIORITIES.items()
    )
    + "; the log shows whether a promise was kept only when it closes an incident.",
    "Money: a contact is worth "
    + ", ".join(f"{priority.value:.0f} ({name})" for name, priority in PRIORITIES.items())
    + "; critical incidents are escalated; every customer is of the standard tier.",
    f"Everyone on duty is available at one site from {SHIFT_START:%H:%M} to {SHIFT_END:%H:%M} UTC"
    f" (at least {LATE_SHIFT.total_seconds() / 3600:.0f} h more).",
    "A case takes the default policy's units of an agent; the log holds no handling times, so the"
    " channel's mean stands for them.",
)
