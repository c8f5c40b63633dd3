"""The tables of the store as one tick must see them."""

from datetime import datetime, timedelta

import polars as pl

from models.batch import Batch
from models.offers import (
    CAME_BACK,
    HELD_AGAINST_AGENT,
    OPEN,
    PLATFORM_LAG,
    Shown,
    shown_nowhere,
)
from models.tables import (
    AGENT_LOAD,
    DECLINES,
    INPUT_TABLES,
    INSTANT,
    OFFERS,
    AssignmentEvent,
    InputTables,
    LoadState,
)


def tick_view(
    tables: InputTables,
    offers: pl.DataFrame,
    seen: pl.DataFrame,
    now: datetime,
    remember: timedelta,
) -> Batch:
    """The batch of a tick: the current tables, and what the store's own offers say beside them.

    - A contact does not wait while an offer of its version stands, was accepted, completed or
      cancelled, nor while an agent holds it; one whose offer came back waits again.
    - Open offers that the platform does not show with an agent load theirs, as offered or, once
      accepted, as active; if it shows the contact nowhere, only until `PLATFORM_LAG` after it was
      last seen. A contact whose lead came back or is done is context no longer: it weighs in full.
    - `declines` and `offers` are those of the source and of the store; of the store's, those of
      contacts that wait, those that load an agent, those since `now - remember`, and offers that
      use up a profile.
    """
    frames = {table.name: _rows(tables, table.name) for table in INPUT_TABLES}
    shown = Shown(frames["contacts"], frames["agents"], frames["agent_load"], seen)
    offers = _weighed(offers)
    consuming = offers.filter(~pl.col("event").is_in(CAME_BACK))
    consumed = _last(
        consuming.join(shown.contacts.select("contact_id", "version"), on="contact_id").filter(
            pl.col("version") <= pl.col("contact_version")
        )
    )
    departed = shown_nowhere(_last(offers), shown).filter(pl.col("seen_at") > now - PLATFORM_LAG)
    contacts = shown.contacts.join(consumed, on="contact_id", how="anti").join(
        shown.agent_load, on="contact_id", how="anti"
    )
    columns = AGENT_LOAD.schema().names()
    added = [_as_load(consumed, shown, columns), _as_load(departed, shown, columns)]
    frames |= {"contacts": contacts, "agent_load": pl.concat([shown.agent_load, *added])}
    for child in ("contact_skills", "contact_steps"):
        frames[child] = frames[child].join(contacts, on="contact_id", how="semi")
    frames["declines"] = _declines(frames["declines"], offers, contacts, now - remember)
    needed = pl.concat(rows.select("contact_id") for rows in (contacts, *added))
    frames["offers"] = _offers(frames["offers"], offers, needed, shown.agents, now - remember)
    return Batch(now, **frames)


def _rows(tables: InputTables, name: str) -> pl.DataFrame:
    frame: pl.DataFrame = getattr(tables, name)
    return frame


def _last(offers: pl.DataFrame) -> pl.DataFrame:
    """The last offer of each contact, of its highest version."""
    order = ["contact_id", "contact_version", "tick_at"]
    return offers.sort(order).unique("contact_id", keep="last", maintain_order=True)


def _weighed(offers: pl.DataFrame) -> pl.DataFrame:
    """The offers, without the units of those whose lead is not with the agent any more.

    The lead carries the units of its conversation; empty units are those of the channel. Parties
    are those of `docs/model.md`, section 1.
    """
    customer = pl.col("customer_id").max().over("tick_at", "conversation_id")
    party = pl.coalesce(
        pl.lit("customer:") + customer, pl.lit("conversation:") + pl.col("conversation_id")
    )
    leads = pl.col("is_lead") & pl.col("event").is_in(OPEN)
    is_led = leads.any().over("tick_at", "agent_id", party)
    return offers.with_columns(units=pl.when(is_led).then("units"))


def _as_load(offers: pl.DataFrame, shown: Shown, columns: list[str]) -> pl.DataFrame:
    """Open offers that the platform does not show with an agent, as rows of `agent_load`."""
    return (
        offers.filter(pl.col("event").is_in(OPEN))
        .join(shown.agents, on="agent_id", how="semi")
        .join(shown.agent_load, on="contact_id", how="anti")
        .with_columns(
            # Whoever accepted hears nothing ring any more, and is missed when they are gone.
            state=pl.when(pl.col("event") == AssignmentEvent.ACCEPTED.value)
            .then(pl.lit(LoadState.ACTIVE.value))
            .otherwise(pl.lit(LoadState.OFFERED.value)),
            started_at="event_at",
            state_since="event_at",
            expected_end_at=pl.lit(None, INSTANT),
            last_customer_at=pl.lit(None, INSTANT),
            due_at=pl.lit(None, INSTANT),
        )
        .select(columns)
    )


def _declines(
    given: pl.DataFrame, offers: pl.DataFrame, contacts: pl.DataFrame, since: datetime
) -> pl.DataFrame:
    """Declines of the source, and offers that agents declined or let expire.

    All of contacts that wait; of others those for which an agent may still have to pause.
    """
    is_waiting = pl.col("contact_id").is_in(contacts["contact_id"].implode())
    own = offers.filter(
        pl.col("event").is_in(HELD_AGAINST_AGENT), is_waiting | (pl.col("event_at") > since)
    ).select("contact_id", "agent_id", declined_at="event_at")
    return pl.concat([given, own]).unique(DECLINES.key, maintain_order=True)


def _offers(
    given: pl.DataFrame,
    offers: pl.DataFrame,
    needed: pl.DataFrame,
    agents: pl.DataFrame,
    since: datetime,
) -> pl.DataFrame:
    """Offers of the store that rules may ask about, and those of the source beside them.

    All of the contacts in `needed`, and others as long as a rule looks back.
    """
    shifts = agents.select("agent_id", "shift_start_at")
    is_needed = pl.col("contact_id").is_in(needed["contact_id"].implode())
    refused_lately = pl.col("event").is_in(HELD_AGAINST_AGENT) & (pl.col("event_at") > since)
    uses_profile = pl.col("profiles").is_not_null() & (
        pl.col("tick_at") >= pl.col("shift_start_at")
    )
    own = (
        offers.join(shifts, on="agent_id")
        .filter(is_needed | (pl.col("tick_at") > since) | refused_lately | uses_profile)
        .with_columns(offered_at="tick_at")
        .select(OFFERS.schema().names())
    )
    return pl.concat([own, given.join(own, on=OFFERS.key, how="anti")])
