"""Offers in the store: answers applied, time-outs and departures found, and what a tick sees."""

from datetime import datetime, timedelta

import polars as pl

from data_io.database import Database
from data_io.responses import judge_responses
from models.offers import Shown, advance, sightings
from models.policy import Policy
from models.tables import ASSIGNMENT, RESPONSE_RESULT

EVENT_KEY = ("contact_id", "tick_at", "event")
"""An offer has every event once."""
HOUR = timedelta(hours=1)
"""What agents got within the last hour counts against `max_per_hour`."""
NO_NAMES = pl.DataFrame(schema={"contact_id": pl.String})


def read_offers(
    database: Database, since: datetime, tick_at: datetime, named: pl.DataFrame = NO_NAMES
) -> pl.DataFrame:
    """One row per offer of an earlier tick with its last event, in the columns of `assignment`.

    Offers with an event after `since`, and all of contacts that wait, are held or are in `named`;
    others only where they use up a profile in the shift of their agent.
    """
    with database.incoming(named.select("contact_id")):
        return database.frame("read_offers", since=since, tick_at=tick_at)


def apply_responses(database: Database, responses: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """What became of responses that were not known before; the caller holds the transaction."""
    if responses.is_empty():
        return RESPONSE_RESULT.empty()
    with database.incoming(responses):
        known = database.frame("read_known_responses")
    new = responses.join(known, on="response_id", how="anti", maintain_order="left")
    if new.is_empty():
        return RESPONSE_RESULT.empty()
    results, events = judge_responses(new, read_offers(database, now, now, new), now)
    database.append(ASSIGNMENT, events)
    database.append(RESPONSE_RESULT, results)
    return results


def advance_offers(
    database: Database,
    contacts: pl.DataFrame,
    agents: pl.DataFrame,
    agent_load: pl.DataFrame,
    policy: Policy,
    now: datetime,
) -> pl.DataFrame:
    """Events that the snapshot and the clock add; the caller holds the transaction."""
    seen = database.frame("read_sightings")
    shown = Shown(contacts, agents, agent_load, seen)
    offers = read_offers(database, _still_standing_since(database, policy, now), now)
    events = advance(offers, shown, policy, now)
    if not events.is_empty():
        database.append(ASSIGNMENT, events)
    after = offers.join(events, on=["contact_id", "tick_at"], how="anti")
    sighted = sightings(pl.concat([after, events]), shown, now)
    if not sighted.equals(seen):
        database.run("delete_sightings")
        with database.incoming(sighted):
            database.run("append_sightings")
    return events


def _still_standing_since(database: Database, policy: Policy, now: datetime) -> datetime:
    """No offer from before can still stand, but for contacts that the snapshot shows.

    Whatever stood at the last tick was not older than the longest time-out then.
    """
    longest_s = max(rules.accept_timeout_s for rules in policy.channels.values())
    newest: datetime | None = database.frame("newest_tick")["tick_at"].item()
    last = now if newest is None else min(now, newest)
    return last - max(HOUR, timedelta(seconds=longest_s))
