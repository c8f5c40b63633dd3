"""What the store remembers for prices, and what it does with those that were made."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from benchmarks.stand_in import stand_in_tables
from data_io.arrivals import Arrived
from data_io.database import Database
from data_io.price_store import MadePrices
from data_io.store import IN_MEMORY, Store
from models.policy import Policy
from models.tables import (
    AGENT_LOAD,
    AGENT_PRICE,
    CONTACT_SKILLS,
    PRICE_RUN,
    QUEUE_PRICE,
    InputTables,
    Table,
)

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONG_AGO = START - timedelta(days=30)
LATER = START + timedelta(days=1)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(IN_MEMORY, "test", START) as opened:
        yield opened


def take(store: Store, at: datetime, tables: InputTables) -> None:
    store.take(Arrived(tables), at, Policy())


def made(at: datetime, slow: dict[str, float], *, is_slow: bool = True) -> MadePrices:
    """A run whose slow prices are given by agent."""
    run = {"priced_at": at, "is_slow": is_slow, "window_s": 300.0, "num_agents": len(slow)}
    agents = pl.DataFrame(
        {
            "priced_at": [at] * len(slow),
            "agent_id": list(slow),
            "slow_made": list(slow.values()),
            "skills": [name[0] for name in slow],
        }
    )
    return MadePrices(
        _filled(PRICE_RUN, pl.DataFrame([run])),
        _filled(AGENT_PRICE, agents),
        QUEUE_PRICE.empty(),
    )


def _filled(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with zeros for what they do not say."""
    missing = [name for name in table.schema() if name not in rows.columns]
    whole = rows.with_columns(pl.lit(0).alias(name) for name in missing)
    return whole.select(table.schema().names()).cast(table.schema())


def test_who_stops_waiting_was_served_or_gave_up(store: Store) -> None:
    """Two of twenty contacts go: one to an agent's load, one nowhere. What they were is kept,
    with their skills, and the counts are those of the quarter of an hour in which they came.
    """
    tables = stand_in_tables(0, 20, 10)
    assert tables.contacts is not None
    first, second = tables.contacts["contact_id"][:2]
    skills = pl.DataFrame(
        {"contact_id": first, "skill": ["loans", "cards"], "min_proficiency": [3, 5]}
    ).match_to_schema(CONTACT_SKILLS.schema(), missing_columns="insert")
    tables = replace(tables, contact_skills=skills)
    take(store, START, tables)
    assert tables.agents is not None
    held = pl.DataFrame(
        {"agent_id": tables.agents["agent_id"][:1], "contact_id": [first], "channel": ["chat"]}
    ).with_columns(state=pl.lit("active"), started_at=pl.lit(START))
    load = held.match_to_schema(AGENT_LOAD.schema(), missing_columns="insert")
    assert tables.contacts is not None
    left = tables.contacts.filter(~pl.col("contact_id").is_in([first, second]))
    take(store, START + MINUTE, replace(tables, contacts=left, agent_load=load))
    memory = store.prices.read_memory(START + MINUTE, LONG_AGO)
    assert memory.departures["num_gone"].sum() == 2
    assert memory.departures["num_left"].sum() == 1
    assert memory.held["contact_id"].to_list() == [first]
    assert memory.held["skills"].to_list() == ["cards\x1f5\x1eloans\x1f3"]
    # The same snapshot again is no second departure.
    take(store, START + 2 * MINUTE, replace(tables, contacts=left, agent_load=load))
    again = store.prices.read_memory(START + 2 * MINUTE, LONG_AGO)
    assert again.departures.equals(memory.departures)


def test_the_past_that_is_remembered_is_the_past(store: Store) -> None:
    """What was read once an hour and what came since add up to all, however the hours fall."""
    tables = stand_in_tables(0, 20, 10)
    assert tables.contacts is not None
    first = tables.contacts.with_columns(
        entered_at=pl.lit(START + MINUTE, pl.Datetime("us", "UTC"))
    )
    take(store, START, replace(tables, contacts=first.clear()))
    begin = START + 2 * timedelta(days=1)
    for place in range(8):
        at = begin + place * timedelta(minutes=25)
        take(store, at, replace(tables, contacts=first[place:]))
        found = store.prices.read_memory(at, LONG_AGO).arrivals
        assert found["num"].sum() == place
        assert found["slot_at"].unique().to_list() in ([], [START])


def test_watching_begins_where_the_history_does(store: Store) -> None:
    """A snapshot a day for 30 days, of which 7 are the history: nobody watched before these, and
    who came before them does not count. Snapshots of one quarter of an hour are one look.
    """
    tables = stand_in_tables(0, 20, 10)
    assert tables.contacts is not None
    day = timedelta(days=1)
    for number in range(31):
        at = LONG_AGO + number * day
        came = tables.contacts.head(2).with_columns(
            entered_at=pl.lit(at - 2 * MINUTE), contact_id=pl.format("{}-{}", "contact_id", number)
        )
        for contacts in (came, came.clear()):
            take(store, at + MINUTE * (contacts.height == 0), replace(tables, contacts=contacts))
    since = START - 7 * day
    memory = store.prices.read_memory(START + MINUTE, since)
    assert memory.instant("watched_since") == since + MINUTE
    assert memory.looks["slot_at"].to_list() == [since + number * day for number in range(8)]
    assert memory.looks["is_kept"].all()
    # Of days -6 to 0; those of day -7 came before it began.
    assert memory.arrivals["num"].sum() == 14


def test_a_run_is_written_once_and_never_after_a_newer_one(store: Store) -> None:
    """As ticks are."""
    assert store.prices.take(made(START, {"a": 1.0}), LATER)
    assert not store.prices.take(made(START, {"a": 2.0}), LATER)
    assert store.prices.take(made(START + MINUTE, {"a": 3.0}), LATER)
    assert not store.prices.take(made(START, {"a": 2.0}), LATER)
    assert store.prices.newest(LATER) == START + MINUTE
    rows = store.prices.read_memory(START + MINUTE, START).agent_price
    assert rows["slow_made"].to_list() == [3.0]


def test_a_run_of_a_later_instant_stops_no_other(store: Store) -> None:
    """As if it were not there until then: neither runs before it nor ticks wait for it. It is not
    written before its time either.
    """
    assert store.prices.take(made(LATER, {"a": 9.0}), LATER)
    now = START + MINUTE
    assert store.prices.newest(now) is None
    assert store.prices.take(made(START, {"a": 1.0}), now)
    assert not store.prices.take(made(START, {"a": 2.0}), now)
    assert not store.prices.take(made(now + MINUTE, {"a": 2.0}), now)
    assert store.prices.usable_at(now, MINUTE) == START
    memory = store.prices.read_memory(now, LONG_AGO)
    assert memory.agent_price["slow_made"].to_list() == [1.0]
    assert (memory.instant("priced_at"), memory.instant("slow_at")) == (START, START)
    assert store.prices.newest(LATER) == LATER


def test_a_run_is_written_whole_or_not_at_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails between its tables leaves nothing of it."""
    append = Database.append

    def failing(database: Database, table: Table, rows: pl.DataFrame) -> None:
        if table is QUEUE_PRICE:
            raise OSError("no space left")
        append(database, table, rows)

    monkeypatch.setattr(Database, "append", failing)
    with pytest.raises(OSError, match="no space left"):
        store.prices.take(made(START, {"a": 1.0}), LATER)
    monkeypatch.undo()
    assert store.prices.newest(LATER) is None
    assert store.prices.take(made(START, {"a": 1.0}), LATER)
    assert store.prices.read_memory(START, START).agent_price.height == 1


def test_an_hour_is_the_mean_of_its_runs(store: Store) -> None:
    """Agents x1 and x2 can do x: 1 and 3 money a second, then 4 and 4: 2 and 4 on average, 3 in
    all, 10,800 an hour. y1 was there once. A run with no slow price is none of them, and the next
    hour begins anew.
    """
    store.prices.take(made(START, {"x1": 1.0, "x2": 3.0}), LATER)
    store.prices.take(made(START + MINUTE, {"x1": 4.0, "x2": 4.0, "y1": 1.0}), LATER)
    store.prices.take(made(START + 2 * MINUTE, {"x1": 9.0}, is_slow=False), LATER)
    store.prices.take(made(START + 60 * MINUTE, {"x1": 0.5}), LATER)
    rows = store.prices.of_skills_after(None).sort("hour_at", "skills")
    assert rows["skills"].to_list() == ["x", "y", "x"]
    assert rows["price_per_h"].to_list() == pytest.approx([10_800, 3_600, 1_800])
    assert rows["num_runs"].to_list() == [2, 1, 1]
    assert rows["num_agents"].to_list() == [2, 1, 1]


def test_prices_of_agents_who_are_gone_are_left_out(store: Store) -> None:
    """And agents without a price have no row: they cost nothing."""
    tables = stand_in_tables(0, 20, 10)
    assert tables.agents is not None
    take(store, START, tables)
    known = tables.agents["agent_id"][0]
    store.prices.take(made(START, {known: 1.0, "zoe": 1.0}), LATER)
    batch = store.read_batch(START, START, prices_of=START)
    assert batch.agent_prices["agent_id"].to_list() == [known]
    assert store.read_batch(START, START).agent_prices.is_empty()
