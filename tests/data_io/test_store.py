"""The store: current state, what a tick sees of it, and what lands of a plan."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from benchmarks.stand_in import (
    NO_REJECTS,
    START,
    complete,
    stand_in_plan,
    stand_in_tables,
    stand_in_tick_row,
    tick_instant,
)
from data_io.arrivals import Arrived
from data_io.commit import CommitResult, DoubledAssignmentError, LateTickError
from data_io.database import Database
from data_io.migrations import Migration, NewerDatabaseError, migrate, read_migrations
from data_io.statements import statement
from data_io.store import IN_MEMORY, Store
from models.plan import Plan
from models.policy import Policy
from models.tables import (
    AGENT_LOAD,
    AGENTS,
    ASSIGNMENT,
    CONTACTS,
    EXPLANATION,
    INPUT_TABLES,
    OUTPUT_TABLES,
    AssignmentEvent,
    InputTables,
    Table,
)

EVER = timedelta(days=36_500)
SQL_TYPES = {
    pl.String: "VARCHAR",
    pl.Int64: "BIGINT",
    pl.Float64: "DOUBLE",
    pl.Boolean: "BOOLEAN",
    pl.Datetime: "TIMESTAMP WITH TIME ZONE",
}


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory, empty."""
    with Store.open(IN_MEMORY, "test", START) as opened:
        yield opened


def snapshot(store: Store, number: int = 0, num_new: int = 3) -> None:
    """Store the stand-in's rows of tick `number`, with two agents."""
    tables = stand_in_tables(number, num_new, 2)
    store.replace_current(tables, NO_REJECTS, tick_instant(number))


def plan_of(store: Store, number: int = 0, max_assigned: int = 1_000) -> Plan:
    """The stand-in's plan for tick `number`."""
    tick_at = tick_instant(number)
    return stand_in_plan(store.read_batch(tick_at, tick_at), tick_at, max_assigned)


def commit(store: Store, plan: Plan) -> CommitResult:
    """Commit the plan with its row."""
    return store.commit(plan, stand_in_tick_row(plan))


def contents(store: Store) -> list[pl.DataFrame]:
    """Every output table."""
    output = store.read_output(EVER)
    return [output.frame(table) for table in OUTPUT_TABLES]


# ------------------------------------------------------------------ tables and migrations


@pytest.mark.parametrize("table", INPUT_TABLES + OUTPUT_TABLES, ids=lambda table: table.name)
def test_the_database_has_the_columns_of_the_contract(store: Store, table: Table) -> None:
    """Names, types, order and emptiness of each column are those of models/tables.py."""
    store._database.run_text(
        "CREATE TEMP TABLE found AS SELECT column_name, data_type, is_nullable, ordinal_position"
        f" FROM information_schema.columns WHERE table_name = '{table.name}'"
    )
    found = store._database.frame("read_rows", Table("found", "", (), ()))
    expected = [
        (column.name, SQL_TYPES[type(column.dtype)], "YES" if column.nullable else "NO")
        for column in table.columns
    ]
    assert found.sort("ordinal_position").drop("ordinal_position").rows() == expected


def test_rows_of_an_older_release_get_the_columns_of_this_one() -> None:
    """A tick decided before rents were kept proved its bound by prices, and has no rents."""
    first, *later = read_migrations()
    database = Database(IN_MEMORY)
    migrate(database, (first,), START)
    database.run_text(
        "INSERT INTO explanation (tick_at, contact_id, conversation_id, decision, reason, detail)"
        " VALUES ('2026-03-03 10:00:00+00', 'c', 't', 'unassigned', 'lost_to', 'told')"
    )
    migrate(database, (first, *later), START)
    kept = database.frame("read_rows", EXPLANATION)
    assert kept.select("contact_id", "rent").rows() == [("c", 0.0)]
    database.close()


def test_the_state_of_an_older_release_goes_on(tmp_path: Path) -> None:
    """Contacts, agents and offers from before offers had answers: the offer stands and expires."""
    before = read_migrations()[:2]
    assert read_migrations()[2].name == "offers_and_routing"
    path = tmp_path / "store.duckdb"
    database = Database(path)
    migrate(database, before, START)
    tables = stand_in_tables(0, 2, 2)
    offer = {"contact_id": ["contact-0-0"], "agent_id": ["agent-0"], "contact_version": [1]}
    assert tables.contacts is not None
    assert tables.agents is not None
    known = {
        "contacts": tables.contacts[:, :15].hstack(tables.contacts.select("version")),
        "agents": tables.agents[:, :8].hstack(tables.agents.select("version")),
        "assignment": complete(ASSIGNMENT, pl.DataFrame(offer))[:, :14],
    }
    for name, frame in known.items():
        with database.incoming(frame):
            database.run_text(f"INSERT INTO {name} BY NAME SELECT * FROM incoming")
    database.close()
    with Store.open(path, "test", START) as store:
        later = START + timedelta(seconds=21)
        batch = store.read_batch(later, later)
        assert_frame_equal(batch.contacts, tables.contacts.filter(contact_id="contact-0-1"))
        assert_frame_equal(batch.agents, tables.agents)
        assert store.take(Arrived(), later, Policy()).events["event"].to_list() == ["expired"]
        assert store.read_batch(later, later).contacts.height == 2


def test_migrations_are_applied_once_and_in_order() -> None:
    """Opening again applies only what is new, and a failing migration leaves the last good one."""
    first = Migration(1, "one", "CREATE TABLE one (a BIGINT)")
    second = Migration(
        2, "two", "ALTER TABLE one ADD COLUMN b BIGINT; INSERT INTO one VALUES (1, 2)"
    )
    broken = Migration(3, "three", "DROP TABLE one; SELECT nonsense")
    database = Database(IN_MEMORY)
    migrate(database, (first,), START)
    migrate(database, (first, second), START)
    migrate(database, (first, second), START)
    with pytest.raises(Exception, match="nonsense"):
        migrate(database, (first, second, broken), START)
    assert database.frame("read_rows", Table("one", "", (), ())).rows() == [(1, 2)]
    applied = database.frame("read_rows", Table("schema_migration", "", (), ()))
    assert applied["version"].to_list() == [1, 2]
    database.close()


def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    """Both versions and the way out are named, and the lease is free again."""
    path = tmp_path / "store.duckdb"
    with Store.open(path, "newer release", START) as opened:
        opened._database.run("record_migration", version=999, name="later", applied_at=START)
    known = len(read_migrations())
    for _ in range(2):
        with pytest.raises(NewerDatabaseError, match=f"version 999, expected at most {known}; up"):
            Store.open(path, "test", START)


def test_migration_numbers_have_no_gap(tmp_path: Path) -> None:
    """A gap is an error at start, not a surprise later."""
    (tmp_path / "0001_first.sql").write_text("SELECT 1")
    (tmp_path / "0003_third.sql").write_text("SELECT 1")
    with pytest.raises(ValueError, match=r"numbers are \[1, 3\], expected 1 to 2"):
        read_migrations(tmp_path)


def test_values_are_written_into_statements_safely() -> None:
    """Instants become UTC, quotes are doubled, and a value that is not given is an error."""
    text = statement("record_migration", version=1, name="it's", applied_at=START)
    assert text.endswith("VALUES (1, 'it''s', TIMESTAMPTZ '2026-03-02T09:00:00+00:00')")
    with pytest.raises(KeyError):
        statement("record_migration", version=1)


# ------------------------------------------------------------------ current state


def test_given_tables_are_replaced_and_the_others_stay(store: Store) -> None:
    """A table that the source does not deliver keeps its rows."""
    snapshot(store)
    two = complete(CONTACTS, pl.DataFrame({"contact_id": ["x", "y"]}))
    store.replace_current(InputTables(contacts=two), NO_REJECTS, tick_instant(1))
    batch = store.read_batch(START, START)
    assert batch.contacts["contact_id"].to_list() == ["x", "y"]
    assert batch.agents.height == 2
    assert store.snapshot_at() == tick_instant(1)


def test_a_batch_is_what_was_stored(store: Store) -> None:
    """Types and values survive the database: instants with zone, empty tables, null columns."""
    tables = stand_in_tables(0, 3, 2)
    store.replace_current(tables, NO_REJECTS, START)
    batch = store.read_batch(START, START)
    assert batch.now == START
    assert tables.contacts is not None
    assert_frame_equal(batch.contacts, tables.contacts.sort("contact_id"))
    assert batch.declines.schema == {
        "contact_id": pl.String,
        "agent_id": pl.String,
        "declined_at": pl.Datetime("us", "UTC"),
    }


def test_a_bad_table_leaves_the_whole_snapshot_out(store: Store) -> None:
    """Agents come before contacts, yet a broken contacts frame undoes them as well."""
    snapshot(store)
    one_agent = complete(AGENTS, pl.DataFrame({"agent_id": ["a"]}))
    broken = InputTables(agents=one_agent, contacts=pl.DataFrame({"contact_id": ["a"]}))
    with pytest.raises(ValueError, match="rows for contacts have columns"):
        store.replace_current(broken, NO_REJECTS, tick_instant(1))
    null = one_agent.with_columns(presence=pl.lit(None, pl.String))
    with pytest.raises(Exception, match=r"NOT NULL constraint failed: agents\.presence"):
        store.replace_current(InputTables(agents=null), NO_REJECTS, tick_instant(1))
    assert store.read_batch(START, START).agents.height == 2
    assert store.snapshot_at() == START


def test_rejected_rows_remember_when_they_first_came(store: Store) -> None:
    """A row that comes again moves its last sight only; equal rows of a snapshot count once."""

    def rejects(*digests: str) -> pl.DataFrame:
        plain = pl.DataFrame({"row_digest": digests}, schema={"row_digest": pl.String})
        columns = {"table_name": "contacts", "rule": "value_range", "raw": "{}"}
        return plain.with_columns(
            num_rules=pl.lit(1), **{k: pl.lit(v) for k, v in columns.items()}
        )

    def order(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(NO_REJECTS.columns)

    assert store.snapshot_at() is None
    assert store.num_rejected() == 0
    store.replace_current(InputTables(), order(rejects("a", "b", "a")), tick_instant(0))
    assert store.num_rejected() == 3
    store.replace_current(InputTables(), order(rejects("b", "c")), tick_instant(1))
    assert store.num_rejected() == 2
    rows = store.read_output(EVER).rejected_row.sort("row_digest")
    seen = rows.select("row_digest", "first_seen_at", "last_seen_at").rows()
    first, second = tick_instant(0), tick_instant(1)
    assert seen == [("a", first, first), ("b", first, second), ("c", second, second)]


def test_an_earlier_snapshot_becomes_the_present_one(store: Store) -> None:
    """Importing an earlier instant rewinds the snapshot; the commit guards the ticks."""
    snapshot(store, 5)
    snapshot(store, 2)
    assert store.snapshot_at() == tick_instant(2)


def test_an_instant_without_zone_is_refused(store: Store) -> None:
    """A naive instant would silently be taken for UTC."""
    with pytest.raises(ValueError, match="without a zone"):
        store.replace_current(InputTables(), NO_REJECTS, START.replace(tzinfo=None))


# ------------------------------------------------------------------ what a tick sees


def test_an_assignment_consumes_the_version_of_the_contact(store: Store) -> None:
    """Assigned contacts wait no more, count as offers, and their skills go with them."""
    snapshot(store, num_new=3)
    plan = plan_of(store, 0, max_assigned=2)
    commit(store, plan)
    batch = store.read_batch(tick_instant(1), tick_instant(1))
    assert batch.contacts["contact_id"].to_list() == ["contact-0-2"]
    assert batch.contact_skills["contact_id"].to_list() == ["contact-0-2"]
    load = batch.agent_load.select("contact_id", "agent_id", "state", "units", "started_at")
    assert load.rows() == [
        ("contact-0-0", "agent-0", "offered", 25.0, START),
        ("contact-0-1", "agent-1", "offered", 25.0, START),
    ]


def test_the_same_tick_sees_the_same_batch_again(store: Store) -> None:
    """Its own assignments do not count, so a repeated tick decides the same."""
    snapshot(store)
    before = store.read_batch(START, START)
    commit(store, plan_of(store))
    after = store.read_batch(START, START)
    for table in INPUT_TABLES:
        assert_frame_equal(getattr(before, table.name), getattr(after, table.name))


def test_a_raised_version_waits_again_and_loads_nobody(store: Store) -> None:
    """The platform raises the version when an offer came back: the contact is pending."""
    snapshot(store, num_new=1)
    commit(store, plan_of(store))
    back = complete(CONTACTS, pl.DataFrame({"contact_id": ["contact-0-0"], "version": [2]}))
    store.replace_current(InputTables(contacts=back), NO_REJECTS, tick_instant(1))
    batch = store.read_batch(tick_instant(1), tick_instant(1))
    assert batch.contacts.height == 1
    assert batch.agent_load.height == 0


def test_load_that_the_platform_shows_is_not_added_again(store: Store) -> None:
    """A contact shown both as waiting and as held counts once, as the platform shows it."""
    snapshot(store, num_new=1)
    commit(store, plan_of(store))
    load = held("contact-0-0")
    store.replace_current(InputTables(agent_load=load), NO_REJECTS, tick_instant(1))
    batch = store.read_batch(tick_instant(1), tick_instant(1))
    assert batch.contacts.height == 0
    assert_frame_equal(batch.agent_load, load)


def held(contact_id: str) -> pl.DataFrame:
    """Load of the first agent: that contact."""
    return complete(
        AGENT_LOAD, pl.DataFrame({"contact_id": [contact_id], "agent_id": ["agent-0"]})
    )


def test_a_contact_that_an_agent_holds_does_not_wait(store: Store) -> None:
    """Shown as waiting and as held without any event here: held it is, with its skills."""
    snapshot(store, num_new=2)
    early = plan_of(store)
    store.replace_current(InputTables(agent_load=held("contact-0-0")), NO_REJECTS, START)
    batch = store.read_batch(START, START)
    assert batch.contacts["contact_id"].to_list() == ["contact-0-1"]
    assert batch.contact_skills["contact_id"].to_list() == ["contact-0-1"]
    assert batch.agent_load["contact_id"].to_list() == ["contact-0-0"]
    # A plan from before the agent took it loses the row.
    assert commit(store, early).lost.select("contact_id", "cause").rows() == [
        ("contact-0-0", "already_assigned")
    ]


@pytest.mark.parametrize(("after_s", "num_held"), [(5, 1), (9.9, 1), (10, 0)])
def test_an_offer_counts_while_the_platform_moves_its_contact(
    store: Store, after_s: float, num_held: int
) -> None:
    """Gone from the queue and not with the agent yet: an offer for ten seconds, then nothing."""
    snapshot(store, num_new=1)
    commit(store, plan_of(store))
    later = START + timedelta(seconds=after_s)
    store.replace_current(InputTables(contacts=CONTACTS.empty()), NO_REJECTS, later)
    # Its own tick, decided again, sees no offer.
    assert store.read_batch(START, START).agent_load.is_empty()
    load = store.read_batch(later, later).agent_load
    offer = ("contact-0-0", "agent-0", "offered", 25.0, START)
    seen = load.select("contact_id", "agent_id", "state", "units", "started_at").rows()
    assert seen == [offer] * num_held
    store.replace_current(InputTables(agent_load=held("contact-0-0")), NO_REJECTS, later)
    assert_frame_equal(store.read_batch(later, later).agent_load, held("contact-0-0"))


def test_a_declined_offer_is_no_load_once_its_contact_is_gone(store: Store) -> None:
    """Only the last event counts, also while the platform lags."""
    snapshot(store, num_new=1)
    plan = plan_of(store)
    commit(store, plan)
    store.replace_current(InputTables(contacts=CONTACTS.empty()), NO_REJECTS, START)
    declined = plan.assignments.with_columns(
        event=pl.lit("declined"), event_at=pl.lit(START + timedelta(seconds=2))
    )
    later = tick_instant(1)
    assert store.read_batch(later, later).agent_load.height == 1
    store._database.append(ASSIGNMENT, declined)
    assert store.read_batch(later, later).agent_load.is_empty()


@pytest.mark.parametrize(
    ("event", "num_held", "num_waiting"),
    [
        (AssignmentEvent.DELIVERED, 1, 0),
        (AssignmentEvent.ACCEPTED, 1, 0),
        (AssignmentEvent.DECLINED, 0, 1),
        (AssignmentEvent.EXPIRED, 0, 1),
        (AssignmentEvent.RESCINDED, 0, 1),
        (AssignmentEvent.CANCELLED, 0, 0),
        (AssignmentEvent.COMPLETED, 0, 0),
    ],
)
def test_the_last_event_says_whether_the_agent_holds(
    store: Store, event: AssignmentEvent, num_held: int, num_waiting: int
) -> None:
    """An open offer loads the agent; a contact whose offer came back waits, others do not."""
    snapshot(store, num_new=1)
    plan = plan_of(store)
    commit(store, plan)
    later = pl.lit(START + timedelta(seconds=2))
    events = plan.assignments.with_columns(event=pl.lit(event.value), event_at=later)
    store._database.append(ASSIGNMENT, events)
    batch = store.read_batch(tick_instant(1), tick_instant(1))
    assert batch.contacts.height == num_waiting
    assert batch.agent_load.height == num_held


def test_an_offer_to_an_agent_who_left_is_not_load(store: Store) -> None:
    """Load of an unknown agent would break the reference to agents."""
    snapshot(store, num_new=2)
    commit(store, plan_of(store))
    rest = stand_in_tables(0, 2, 1).agents
    store.replace_current(InputTables(agents=rest), NO_REJECTS, tick_instant(1))
    batch = store.read_batch(tick_instant(1), tick_instant(1))
    assert batch.agent_load["agent_id"].to_list() == ["agent-0"]


def test_skills_of_unknown_contacts_are_left_out(store: Store) -> None:
    """A snapshot that replaces contacts alone must not leave skills of those who left."""
    snapshot(store, num_new=2)
    one = complete(CONTACTS, pl.DataFrame({"contact_id": ["contact-0-1"]}))
    store.replace_current(InputTables(contacts=one), NO_REJECTS, tick_instant(1))
    assert store.read_batch(START, START).contact_skills.height == 1


# ------------------------------------------------------------------ what lands


def test_a_plan_lands_whole_when_nothing_changed(store: Store) -> None:
    """Assignments, reasons, explanations, prices and the tick with what really landed."""
    snapshot(store, num_new=3)
    plan = plan_of(store, 0, max_assigned=2)
    result = commit(store, plan)
    assert (result.num_assigned, result.num_lost, result.already_committed) == (2, 0, False)
    output = store.read_output(EVER)
    assert_frame_equal(output.assignment, plan.assignments)
    assert_frame_equal(output.unassigned, plan.unassigned)
    assert_frame_equal(output.explanation, plan.explanations, check_row_order=False)
    assert_frame_equal(output.price, plan.prices)
    assert output.tick.select("tick_at", "num_assigned", "num_lost").rows() == [(START, 2, 0)]
    assert store.last_tick_at() == START


def test_only_the_last_decision_stays_and_events_accumulate(store: Store) -> None:
    """`assignment` and `tick` grow; the other tables are the last tick's."""
    for number in range(3):
        snapshot(store, number, num_new=2)
        commit(store, plan_of(store, number))
    output = store.read_output(EVER)
    # Two new contacts in each of three ticks; those of the tick before are consumed.
    assert output.assignment.height == 6
    assert output.tick["tick_at"].to_list() == [tick_instant(n) for n in range(3)]
    assert output.explanation["tick_at"].unique().to_list() == [tick_instant(2)]


def test_a_tick_is_committed_once(store: Store) -> None:
    """The second commit changes nothing and returns the first result, lost rows included."""
    snapshot(store, num_new=3)
    plan = plan_of(store)
    rest = stand_in_tables(0, 2, 2).contacts
    store.replace_current(InputTables(contacts=rest), NO_REJECTS, tick_instant(0))
    first = commit(store, plan)
    before = contents(store)
    second = commit(store, plan)
    assert second.already_committed
    assert (second.num_assigned, second.num_lost) == (first.num_assigned, first.num_lost) == (2, 1)
    assert_frame_equal(second.lost, first.lost)
    for old, new in zip(before, contents(store), strict=True):
        assert_frame_equal(old, new)


def test_a_tick_older_than_the_last_is_refused(store: Store) -> None:
    """Time in the store never goes back."""
    snapshot(store)
    commit(store, plan_of(store, 3))
    with pytest.raises(
        LateTickError, match=r"older than the last committed tick 2026-03-02T09:00:15"
    ):
        commit(store, plan_of(store, 2))


@pytest.mark.parametrize(
    "cause", ["contact_gone", "contact_changed", "agent_gone", "agent_changed"]
)
def test_rows_that_no_longer_match_are_lost_with_their_cause(store: Store, cause: str) -> None:
    """One contact or agent changed after the snapshot; the other row lands all the same."""
    snapshot(store, num_new=2)
    plan = plan_of(store)
    tables = stand_in_tables(0, 2, 2)
    assert tables.contacts is not None
    assert tables.agents is not None
    contacts, agents = tables.contacts, tables.agents
    first_contact = pl.col("contact_id") == "contact-0-0"
    first_agent = pl.col("agent_id") == "agent-0"
    raised = pl.lit(2, pl.Int64)
    changed = {
        "contact_gone": InputTables(contacts=contacts.filter(~first_contact)),
        "contact_changed": InputTables(
            contacts=contacts.with_columns(
                version=pl.when(first_contact).then(raised).otherwise("version")
            )
        ),
        "agent_gone": InputTables(agents=agents.filter(~first_agent)),
        "agent_changed": InputTables(
            agents=agents.with_columns(
                version=pl.when(first_agent).then(raised).otherwise("version")
            )
        ),
    }[cause]
    store.replace_current(changed, NO_REJECTS, START)
    result = commit(store, plan)
    assert result.lost.select("contact_id", "cause").rows() == [("contact-0-0", cause)]
    assert result.lost.drop("cause").schema == ASSIGNMENT.schema()
    output = store.read_output(EVER)
    assert output.assignment["contact_id"].to_list() == ["contact-0-1"]
    assert output.tick.select("num_assigned", "num_lost").rows() == [(1, 1)]
    # What did not land must not be explained as assigned.
    assert output.explanation["contact_id"].to_list() == ["contact-0-1"]


@pytest.mark.parametrize("shared", ["conversation_id", "customer_id"])
@pytest.mark.parametrize("gone", ["contact-0-0", "contact-0-1"])
def test_a_conversation_lands_whole_or_not_at_all(store: Store, shared: str, gone: str) -> None:
    """Lead or follower gone: the other is lost too, while a third contact lands.

    A name that is a conversation here and a customer there does not make one party of two.
    """
    together = pl.col("contact_id") != "contact-0-2"
    contacts = stand_in_tables(0, 3, 2).contacts
    assert contacts is not None
    contacts = contacts.with_columns(
        pl.when(together).then(pl.lit("same")).otherwise(shared).alias(shared)
    )
    if shared == "customer_id":
        third = pl.when(~together).then(pl.lit("same")).otherwise("conversation_id")
        contacts = contacts.with_columns(conversation_id=third)
    tables = replace(stand_in_tables(0, 3, 2), contacts=contacts)
    store.replace_current(tables, NO_REJECTS, START)
    plan = plan_of(store)
    rest = contacts.filter(pl.col("contact_id") != gone)
    store.replace_current(InputTables(contacts=rest), NO_REJECTS, START)
    result = commit(store, plan)
    causes = dict.fromkeys(["contact-0-0", "contact-0-1"], "conversation_changed")
    assert result.lost.select("contact_id", "cause").rows() == [
        *(causes | {gone: "contact_gone"}).items()
    ]
    output = store.read_output(EVER)
    assert output.assignment["contact_id"].to_list() == ["contact-0-2"]
    assert output.tick.select("num_assigned", "num_lost").rows() == [(1, 2)]
    assert output.explanation["contact_id"].to_list() == ["contact-0-2"]


def test_one_customer_in_a_conversation_binds_it_to_his_others(store: Store) -> None:
    """An anonymous contact belongs to the customer whom its conversation names."""
    named = {
        "contact_id": ["a", "b", "c"],
        "conversation_id": ["one", "one", "two"],
        "customer_id": [None, "u", "u"],
        "version": [1, 1, 1],
    }
    contacts = complete(CONTACTS, pl.DataFrame(named))
    tables = replace(stand_in_tables(0, 0, 1), contacts=contacts)
    store.replace_current(tables, NO_REJECTS, START)
    plan = plan_of(store)
    rest = contacts.filter(pl.col("contact_id") != "c")
    store.replace_current(InputTables(contacts=rest), NO_REJECTS, START)
    assert commit(store, plan).lost.select("contact_id", "cause").rows() == [
        ("a", "conversation_changed"),
        ("b", "conversation_changed"),
        ("c", "contact_gone"),
    ]


def test_a_version_is_never_assigned_by_two_ticks(store: Store) -> None:
    """A plan made before the other tick landed loses the row."""
    snapshot(store, num_new=2)
    early = plan_of(store, 0, max_assigned=1)
    late = plan_of(store, 0)
    commit(store, early)
    moved = {"tick_at": pl.lit(tick_instant(1)), "event_at": pl.lit(tick_instant(1))}
    result = commit(
        store,
        replace(late, tick_at=tick_instant(1), assignments=late.assignments.with_columns(**moved)),
    )
    assert result.lost.select("contact_id", "cause").rows() == [
        ("contact-0-0", "already_assigned")
    ]
    assert store.read_output(EVER).assignment["contact_id"].to_list() == [
        "contact-0-0",
        "contact-0-1",
    ]


def test_a_plan_that_doubles_a_contact_is_rolled_back(store: Store) -> None:
    """The check inside the transaction names the contact and nothing of the tick stays."""
    snapshot(store, num_new=2)
    plan = plan_of(store)
    before = contents(store)
    doubled = replace(plan, assignments=pl.concat([plan.assignments, plan.assignments[:1]]))
    with pytest.raises(DoubledAssignmentError, match=r"1 contact versions twice.*'contact-0-0'"):
        commit(store, doubled)
    for old, new in zip(before, contents(store), strict=True):
        assert_frame_equal(old, new)
    assert commit(store, plan).num_assigned == 2


@pytest.mark.parametrize("table", ["unassigned", "explanations", "prices"])
def test_a_frame_that_breaks_its_contract_rolls_everything_back(store: Store, table: str) -> None:
    """Whatever part of the plan is wrong, no part of it lands."""
    snapshot(store)
    plan = plan_of(store, 0, max_assigned=1)
    before = contents(store)
    broken: dict[str, pl.DataFrame] = {table: getattr(plan, table).drop("tick_at")}
    with pytest.raises(ValueError, match="bring them to the contract"):
        store.commit(replace(plan, **broken), stand_in_tick_row(plan))  # type: ignore[arg-type]
    for old, new in zip(before, contents(store), strict=True):
        assert_frame_equal(old, new)


def test_a_plan_and_its_row_speak_of_one_tick(store: Store) -> None:
    """A row of another tick, or an event that is no offer, is a mistake of the caller."""
    snapshot(store)
    plan = plan_of(store)
    with pytest.raises(ValueError, match="expected one row for"):
        store.commit(plan, stand_in_tick_row(replace(plan, tick_at=tick_instant(1))))
    accepted = plan.assignments.with_columns(event=pl.lit("accepted"))
    with pytest.raises(ValueError, match="3 planned rows are not offers"):
        commit(store, replace(plan, assignments=accepted))


def test_what_is_committed_is_there_after_reopening(tmp_path: Path) -> None:
    """With and without a checkpoint in between."""
    path = tmp_path / "deep" / "store.duckdb"
    for number in range(2):
        with Store.open(path, "test", START) as opened:
            snapshot(opened, number, num_new=2)
            commit(opened, plan_of(opened, number))
            if number == 0:
                opened.checkpoint()
    with Store.open(path, "test", START) as opened:
        assert opened.read_output(EVER).assignment.height == 4
        assert opened.last_tick_at() == tick_instant(1)


def test_output_is_cut_to_the_window(store: Store) -> None:
    """A window of two ticks holds exactly the last two."""
    for number in range(4):
        snapshot(store, number, num_new=1)
        commit(store, plan_of(store, number))
    output = store.read_output(timedelta(seconds=10))
    last_two = [tick_instant(2), tick_instant(3)]
    assert output.tick["tick_at"].to_list() == last_two
    assert output.assignment["tick_at"].to_list()[:1] == last_two[:1]


# ------------------------------------------------------------------ laws


CONVERSATIONS = {"a": "ab", "b": "ab", "c": "c", "d": "d"}
CONTACT_ROWS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3), max_size=4)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(CONTACT_ROWS, CONTACT_ROWS), max_size=5))
def test_no_version_is_assigned_twice_and_no_commit_counts_twice(
    steps: list[tuple[dict[str, int], dict[str, int]]],
) -> None:
    """For any snapshots and any plans: land exactly what matches and is new, once.

    The oracle: a planned (contact, version) matches if the platform shows that version and no
    version as high was assigned before; it lands if all that is planned of its conversation
    matches. Contacts `a` and `b` are one conversation, `c` and `d` stand alone.
    """
    agents = complete(AGENTS, pl.DataFrame({"agent_id": ["agent-0"], "version": [1]}))
    assigned: dict[str, int] = {}
    landed: list[tuple[str, int]] = []
    with Store.open(IN_MEMORY, "test", START) as store:
        for number, (shown, planned) in enumerate(steps):
            tick_at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(seconds=number)
            tables = InputTables(agents=agents, contacts=contact_rows(shown))
            store.replace_current(tables, NO_REJECTS, tick_at)
            batch = replace(store.read_batch(tick_at, tick_at), contacts=contact_rows(planned))
            plan = stand_in_plan(batch, tick_at)
            result = commit(store, plan)
            broken = {
                CONVERSATIONS[contact]
                for contact, version in planned.items()
                if shown.get(contact) != version or assigned.get(contact, 0) >= version
            }
            expected = [
                (contact, version)
                for contact, version in planned.items()
                if CONVERSATIONS[contact] not in broken
            ]
            assigned.update(expected)
            landed += expected
            again = commit(store, plan)
            assert again.already_committed
            assert result.num_assigned == again.num_assigned == len(expected)
            assert result.num_lost == again.num_lost == len(planned) - len(expected)
            stored = store.read_output(EVER).assignment.select("contact_id", "contact_version")
            assert sorted(stored.rows()) == sorted(landed)
            waiting = store.read_batch(tick_at, tick_at + timedelta(seconds=1)).contacts
            assert set(waiting["contact_id"]) == {
                contact for contact, version in shown.items() if assigned.get(contact, 0) < version
            }


def contact_rows(versions: dict[str, int]) -> pl.DataFrame:
    """Contacts with the given versions."""
    columns = {
        "contact_id": list(versions),
        "conversation_id": [CONVERSATIONS[contact] for contact in versions],
        "version": list(versions.values()),
    }
    schema = {"contact_id": pl.String, "conversation_id": pl.String, "version": pl.Int64}
    return complete(CONTACTS, pl.DataFrame(columns, schema))


def test_an_offer_that_nobody_acts_on_stays_in_sight(store: Store) -> None:
    """Ticks later, beyond the window, it is still there; once its contact is gone it is not."""
    first, later = tick_instant(0), tick_instant(100)
    tables = stand_in_tables(0, 3, 2)
    store.replace_current(tables, NO_REJECTS, first)
    plan = stand_in_plan(store.read_batch(first, first), first, 2)
    store.commit(plan, stand_in_tick_row(plan))
    offered = sorted(plan.assignments["contact_id"])
    assert offered
    empty = stand_in_plan(store.read_batch(later, later), later, 0)
    store.commit(empty, stand_in_tick_row(empty))
    seen = store.read_output(timedelta(seconds=1)).assignment
    assert sorted(seen["contact_id"]) == offered
    assert tables.contacts is not None
    gone = replace(tables, contacts=tables.contacts.clear(), contact_skills=None)
    store.replace_current(gone, NO_REJECTS, later)
    assert store.read_output(timedelta(seconds=1)).assignment.is_empty()
