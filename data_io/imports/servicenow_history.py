"""What the events up to an instant show of the resolvers: duty, skills and capacity."""

from datetime import datetime, timedelta

import polars as pl

from data_io.imports.servicenow_log import is_open, latest
from models.tables import INSTANT

ON_DUTY_WITHIN = timedelta(days=5)
"""A resolver is on duty when an event other than a closing named them within this time."""
CONCURRENCY_DAYS = 7
"""Capacity is observed at the same time of day on this many days, the instant's own included."""
RECENCY_HALF_LIFE = timedelta(days=30)
HELD_WEIGHT = 0.25
"""Evidence of skill in an incident that was held and not resolved; a resolved one counts 1."""


def resolvers_on_duty(seen: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """(agent_id, last_seen_at, version) of the resolvers on duty.

    Closings do not count: they run by themselves days later and still name the resolver.
    """
    return (
        seen.filter(pl.col("agent_id").is_not_null(), pl.col("state") != "Closed")
        .group_by("agent_id")
        .agg(last_seen_at=pl.col("seen_at").max(), version=pl.len())
        .filter(pl.col("last_seen_at") > pl.lit(now - ON_DUTY_WITHIN, INSTANT))
        .sort("agent_id")
    )


def observed_skills(seen: pl.DataFrame, on_duty: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """(agent_id, skill, proficiency): an assignment group is a skill of those who worked in it.

    Evidence is 1 for every incident resolved and HELD_WEIGHT for every other one held, halved for
    every half-life since; 0 gives level 1, and each doubling of 1 + evidence two levels more.
    """
    age = (pl.lit(now, INSTANT) - pl.col("last_at")) / RECENCY_HALF_LIFE
    weight = pl.when("resolved").then(1.0).otherwise(HELD_WEIGHT)
    evidence = (weight * 0.5**age).sum()
    return (
        seen.drop_nulls(["agent_id", "group"])
        .filter(pl.col("state") != "Closed")
        .join(on_duty, on="agent_id", how="semi")
        .group_by("agent_id", "group", "contact_id")
        .agg(last_at=pl.col("seen_at").max(), resolved=(pl.col("state") == "Resolved").any())
        .sort("agent_id", "group", "contact_id")
        .group_by("agent_id", pl.col("group").alias("skill"), maintain_order=True)
        .agg(proficiency=(1 + (2 * (1 + evidence).log(2)).floor()).clip(1, 10).cast(pl.Int64))
    )


def observed_front_group(seen: pl.DataFrame) -> str | None:
    """The group that most incidents were first given to: whom an ungrouped one reaches."""
    first = seen.drop_nulls("group").group_by("contact_id", maintain_order=True).first()["group"]
    counts = first.value_counts(name="incidents").sort(
        "incidents", "group", descending=[True, False]
    )
    return None if counts.is_empty() else str(counts["group"].item(0))


def observed_max_items(seen: pl.DataFrame, now: datetime) -> int:
    """Cases that an agent can hold: the upper quartile of what resolvers held on recent days."""
    held = [
        latest(seen.filter(pl.col("seen_at") <= pl.lit(now - timedelta(days=days), INSTANT)))
        .filter(is_open())
        .drop_nulls("agent_id")
        .group_by("agent_id")
        .agg(items=pl.len())
        for days in range(CONCURRENCY_DAYS)
    ]
    quartile = pl.concat(held)["items"].quantile(0.75, "nearest")
    return max(1, round(quartile)) if quartile is not None else 1
