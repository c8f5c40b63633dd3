"""Contacts that stop waiting, from one snapshot to the next: what forecasts are made of."""

from datetime import datetime, timedelta

import polars as pl

from data_io.database import Database
from models.tables import INSTANT

DAY = timedelta(days=1)
KIND = ("queue_id", "channel", "language", "skills")
"""Columns that make contacts a class of their own to the price job."""


def with_kinds(
    contacts: pl.DataFrame, skills: pl.DataFrame, customers: pl.DataFrame
) -> pl.DataFrame:
    """(contact_id, KIND, value, entered_at); `skills` are sorted pairs of skill and level.

    The value is the contact's, else its customer's, else empty.
    """
    listed = (
        skills.join(contacts, on="contact_id", how="semi")
        .sort("contact_id", "skill")
        .group_by("contact_id", maintain_order=True)
        .agg(skills=pl.format("{}\x1f{}", "skill", "min_proficiency").str.join("\x1e"))
    )
    known = customers.select("customer_id", known="value")
    return (
        contacts.join(listed, on="contact_id", how="left", maintain_order="left")
        .join(known, on="customer_id", how="left", maintain_order="left")
        .select(
            "contact_id",
            "queue_id",
            "channel",
            "language",
            pl.col("skills").fill_null(""),
            pl.coalesce("value", "known").alias("value"),
            "entered_at",
        )
    )


def record_visits(
    database: Database, before: pl.DataFrame, agent_load: pl.DataFrame, now: datetime
) -> None:
    """Write what became of contacts that wait no longer; the caller holds the transaction.

    `before` has the columns of `with_kinds`, of those contacts. They were served if an agent holds
    them or took an offer, and gave up otherwise.
    """
    if before.is_empty():
        return
    with database.incoming(before.select("contact_id")):
        taken = database.frame("read_taken", since=now - DAY)["contact_id"]
    served = pl.concat([taken, agent_load["contact_id"]]).unique()
    rows = before.with_columns(
        gone_at=pl.lit(now, INSTANT), is_served=pl.col("contact_id").is_in(served.implode())
    )
    with database.incoming(rows):
        database.run("append_visits")
