"""Prices in the store: what the price job is given, and what becomes of what it made."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from data_io.database import Database
from models.batch import Batch
from models.tables import (
    AGENT_PRICE,
    AGENT_PRICES,
    INSTANT,
    PRICE_RUN,
    QUEUE_PRICE,
    QUEUE_PRICES,
    SKILL_PRICE,
    InputTables,
    Table,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class PriceMemory:
    """What the store knows beside the present state.

    KIND is that of `data_io/visits.py`.

    `arrivals`: (KIND, slot_at, num) contacts by quarter of an hour, of contacts that wait no more.
    `values`: (KIND, quantiles) twenty quantiles of their value, where it is known.
    `departures`: (queue_id, num_gone, num_left) of the last hour.
    `held`: (contact_id, KIND) of contacts that agents hold.
    `agent_price`, `queue_price`: rows of the newest run.
    `looks`: (slot_at, is_kept) quarters of an hour of the history in which somebody looked, with
    whether a tick or snapshot of it is still in the store, beside contacts that went then.
    `times`: (watched_since, priced_at, slow_at), one row: the first look of the history, the
    newest run and the newest with a slow price; empty where there was none.
    """

    arrivals: pl.DataFrame
    values: pl.DataFrame
    departures: pl.DataFrame
    held: pl.DataFrame
    agent_price: pl.DataFrame
    queue_price: pl.DataFrame
    looks: pl.DataFrame
    times: pl.DataFrame

    def instant(self, name: str) -> datetime | None:
        """One of `times`."""
        at: datetime | None = self.times[name].item()
        return at


@dataclass(frozen=True, eq=False)
class PriceQuestion:
    """What a run is made from: the state at an instant, and what the store remembers."""

    batch: Batch
    memory: PriceMemory


@dataclass(frozen=True, eq=False)
class MadePrices:
    """What one run of the price job made: rows of the tables of these names."""

    price_run: pl.DataFrame
    agent_price: pl.DataFrame
    queue_price: pl.DataFrame

    @property
    def priced_at(self) -> datetime:
        """The run."""
        at: datetime = self.price_run["priced_at"].item()
        return at


@dataclass(frozen=True, eq=False)
class _Past:
    """Looks until `until`, arrivals of who was gone by then, and values as they were known."""

    until: datetime
    first_look: datetime | None
    looks: pl.DataFrame
    arrivals: pl.DataFrame
    values: pl.DataFrame


class StoredPrices:
    """The price job's part of a store."""

    def __init__(self, database: Database) -> None:
        """Of an open database."""
        self._database = database
        self._past: _Past | None = None

    def usable_at(self, now: datetime, max_age: timedelta) -> datetime | None:
        """The run whose prices a tick at `now` uses, None without one that is young enough.

        Prices of the source go before those of the job.
        """
        if self._database.frame("count_given_prices")["num"].item():
            return None
        newest = self.newest(now)
        return None if newest is None or newest < now - max_age else newest

    def newest(self, now: datetime) -> datetime | None:
        """The newest run until `now`, or None: a run of a later instant must not stop others."""
        return self._newest("newest_price_run", now)

    def read_memory(self, now: datetime, since: datetime) -> PriceMemory:
        """What the next run must know beside the batch; the history begins after `since`."""
        database = self._database
        with database.transaction():
            newest = self.newest(now)
            past = self._read_past(now, since)
            after = past.first_look or since
            looks = pl.concat([past.looks, self._looks(past.until, now)]).drop("first_at")
            times = pl.DataFrame(
                {
                    "watched_since": [past.first_look],
                    "priced_at": [newest],
                    "slow_at": [self._newest("newest_slow_run", now)],
                },
                schema=dict.fromkeys(("watched_since", "priced_at", "slow_at"), INSTANT),
            )
            return PriceMemory(
                arrivals=pl.concat([past.arrivals, self._arrivals(after, past.until, now)]),
                values=past.values,
                departures=database.frame("read_departures", after=now - HOUR),
                held=database.frame("read_kinds_held", after=now - DAY),
                agent_price=database.frame("read_agent_price", priced_at=newest),
                queue_price=database.frame("read_queue_price", priced_at=newest),
                looks=looks.unique("slot_at", maintain_order=True),
                times=times,
            )

    def _newest(self, query: str, now: datetime) -> datetime | None:
        at: datetime | None = self._database.frame(query, until=now)["priced_at"].item()
        return at

    def _read_past(self, now: datetime, since: datetime) -> "_Past":
        """What does not change any more: it is read once an hour, for it may be millions."""
        until = now.replace(minute=0, second=0, microsecond=0)
        past = self._past
        # Of a short history there is little to read, and much to learn.
        if past is None or past.until != until or now - (past.first_look or now) < DAY:
            looks = self._looks(since, until)
            newer = self._looks(until, now)
            first: datetime | None = pl.concat([looks, newer]).select(pl.min("first_at")).item()
            # Who waited before anybody looked says nothing about how many come.
            after = first or since
            values = self._database.frame("read_values", after=after)
            past = _Past(until, first, looks, self._arrivals(after, _EVER, until), values)
            self._past = past
        return past

    def _looks(self, after: datetime, until: datetime) -> pl.DataFrame:
        return self._database.frame("read_looks", after=after, until=until)

    def _arrivals(self, after: datetime, gone_after: datetime, until: datetime) -> pl.DataFrame:
        return self._database.frame(
            "read_arrivals", after=after, gone_after=gone_after, gone_until=until
        )

    def take(self, made: MadePrices, now: datetime) -> bool:
        """Whether the run was written: not if it, or a newer one until `now`, is there already,
        nor if it is of an instant after `now`.
        """
        database = self._database
        with database.transaction():
            newest = self.newest(now)
            if made.priced_at > now or (newest is not None and newest >= made.priced_at):
                return False
            database.append(PRICE_RUN, made.price_run)
            database.append(AGENT_PRICE, made.agent_price)
            database.append(QUEUE_PRICE, made.queue_price)
            if made.price_run["is_slow"].item():
                hour_at = made.priced_at.replace(minute=0, second=0, microsecond=0)
                stored = database.frame("read_skill_price", hour_at=hour_at)
                database.run("delete_skill_price", hour_at=hour_at)
                database.append(SKILL_PRICE, _with_run(stored, made.agent_price, hour_at))
        return True

    def added_to(self, tables: InputTables, run: datetime) -> InputTables:
        """The tables with the prices of that run, of agents and queues that are in them."""
        agents = self._database.frame("read_agent_price", priced_at=run)
        queues = self._database.frame("read_queue_price", priced_at=run)
        return replace(
            tables,
            agent_prices=_of_those(agents, tables.agents, AGENT_PRICES),
            queue_prices=_of_those(queues, tables.queues, QUEUE_PRICES),
        )

    def runs_after(self, after: datetime | None) -> pl.DataFrame:
        """Rows of `price_run`."""
        return self._database.frame("read_price_runs_after", after=after)

    def of_skills_after(self, after: datetime | None) -> pl.DataFrame:
        """Rows of `skill_price` of the day before `after`, and since."""
        a_day_ago = None if after is None else after - DAY
        return self._database.frame("read_skill_prices_after", after=a_day_ago)

    def forget(self, before: datetime, visits_before: datetime) -> None:
        """Drop prices of `before`, and of `visits_before` what forecasts are made of."""
        with self._database.transaction():
            self._database.run("delete_visits_before", before=visits_before)
            self._database.run("delete_skill_prices_before", before=visits_before)
            for name in ("agent_prices", "queue_prices", "price_runs"):
                self._database.run(f"delete_{name}_before", before=before)


def _of_those(rows: pl.DataFrame, there: pl.DataFrame | None, table: Table) -> pl.DataFrame:
    named = table.key[0]
    known = rows.head(0) if there is None else rows.join(there, on=named, how="semi")
    return known.select(table.schema().names())


def _with_run(stored: pl.DataFrame, agent_price: pl.DataFrame, hour_at: datetime) -> pl.DataFrame:
    """Rows of `skill_price` of the hour, with the mean over one run more."""
    new = agent_price.group_by("skills").agg(
        now=pl.len(), price=pl.col("slow_made").mean() * HOUR.total_seconds()
    )
    runs = pl.col("num_runs").fill_null(0)
    before = (pl.col("price_per_h") * pl.col("num_runs")).fill_null(0.0)
    both = stored.join(new, on="skills", how="full", coalesce=True)
    is_new = pl.col("price").is_not_null()
    merged = both.select(
        hour_at=pl.lit(hour_at, INSTANT),
        skills="skills",
        num_agents=pl.coalesce("now", "num_agents").cast(pl.Int64),
        num_runs=(runs + is_new.cast(pl.Int64)).cast(pl.Int64),
        price_per_h=(before + pl.col("price").fill_null(0.0)) / (runs + is_new.cast(pl.Int64)),
    )
    return merged.sort("skills").select(SKILL_PRICE.schema().names())
