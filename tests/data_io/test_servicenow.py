"""The ServiceNow importer: state by the events seen, nothing from later, stated assumptions."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_io.imports.imported import Imported, UnreadableLogError
from data_io.imports.servicenow import UNGROUPED, Pending, import_servicenow
from data_io.imports.servicenow_log import read_outcomes
from data_io.validate import validate
from models.tables import INPUT_TABLES

NOW = datetime(2016, 3, 15, 10, tzinfo=UTC)
AT = NOW.replace(tzinfo=None)  # as the log writes it
REAL = Path(__file__).parents[3] / "shared/data/servicenow_incidents/incident_event_log.parquet"
needs_real = pytest.mark.skipif(not REAL.is_file(), reason="../shared/data is missing")


@dataclass(frozen=True)
class Event:
    """One row of the log; times are hours before AT."""

    number: str
    hours_ago: float
    state: str = "New"
    group: str | None = "Group 1"
    agent: str | None = None
    version: int = 0
    opened_ago: float = 200.0
    caller: str = "Caller 1"
    priority: str = "3 - Moderate"
    resolved_by: str | None = None


def write_log(path: Path, *events: Event) -> Path:
    """The events in the format of the published log, as far as anything reads it."""
    rows = [
        {
            "number": event.number,
            "incident_state": event.state,
            "sys_mod_count": str(event.version),
            "caller_id": event.caller,
            "opened_at": AT - timedelta(hours=event.opened_ago),
            "sys_updated_at": AT - timedelta(hours=event.hours_ago),
            "priority": event.priority,
            "assignment_group": event.group,
            "assigned_to": event.agent,
            "resolved_by": event.resolved_by,
        }
        for event in events
    ]
    texts = ("number", "assignment_group", "assigned_to", "resolved_by")
    pl.DataFrame(rows, schema_overrides=dict.fromkeys(texts, pl.String)).write_parquet(path)
    return path


def imported(tmp_path: Path, *events: Event, pending: Pending = Pending.OPEN) -> Imported:
    """The events as a batch at AT."""
    return import_servicenow(write_log(tmp_path / "log.parquet", *events), AT, pending)


def rows(frame: pl.DataFrame | None, *columns: str) -> list[tuple[object, ...]]:
    """The rows of some columns, sorted."""
    assert frame is not None
    return sorted(frame.select(columns).rows())


def assert_same_tables(left: Imported, right: Imported) -> None:
    """Every input table of both is equal."""
    for table in INPUT_TABLES:
        one, other = (
            table.empty() if (frame := side.tables.frame(table)) is None else frame
            for side in (left, right)
        )
        assert_frame_equal(one.sort(table.key), other.sort(table.key))


def test_an_incident_is_pending_while_its_last_event_leaves_it_open(tmp_path: Path) -> None:
    """Resolved and closed incidents are done; one that was reopened is pending again."""
    result = imported(
        tmp_path,
        Event("new", 5),
        Event("resolved", 9, "Active"),
        Event("resolved", 5, "Resolved", version=1),
        Event("closed", 5, "Closed"),
        Event("reopened", 9, "Resolved"),
        Event("reopened", 5, "Active", version=1),
    )
    assert rows(result.tables.contacts, "contact_id", "version") == [("new", 0), ("reopened", 1)]


def test_the_change_count_orders_events_of_one_minute(tmp_path: Path) -> None:
    """Times have minutes only; the higher change count is the later event."""
    result = imported(
        tmp_path, Event("a", 5, "Resolved", version=7), Event("a", 5, "Active", version=6)
    )
    assert rows(result.tables.contacts, "contact_id") == []


def test_nothing_after_the_instant_reaches_a_table(tmp_path: Path) -> None:
    """Later events, and the hindsight that the log writes on every row, change nothing."""
    known = (
        Event("a", 30, "Active", agent="Resolver 1"),
        Event("b", 0, "New", group=None),
    )
    told = tuple(replace(event, resolved_by="Resolved by 9") for event in known)
    later = (
        Event("a", -1, "Resolved", group="Group 9", agent="Resolver 9", version=9),
        Event("b", -1, "Active", agent="Resolver 8", version=9),
        Event("c", -1, "New"),
    )
    for pending in Pending:
        alone = imported(tmp_path, *known, pending=pending)
        assert_same_tables(alone, imported(tmp_path, *told, *later, pending=pending))
        assert alone.assumptions == imported(tmp_path, *later, *told, pending=pending).assumptions


@pytest.mark.parametrize(
    ("event", "on_duty"),
    [
        (Event("a", 119, "Active", agent="Resolver 1"), True),  # within five days
        (Event("a", 121, "Active", agent="Resolver 1"), False),
        (Event("a", 1, "Resolved", agent="Resolver 1"), True),
        (Event("a", 1, "Closed", agent="Resolver 1"), False),  # closings run by themselves
    ],
)
def test_a_resolver_is_on_duty_when_named_lately(
    tmp_path: Path, event: Event, *, on_duty: bool
) -> None:
    """An event other than a closing names everyone who is on duty within five days."""
    result = imported(tmp_path, event, Event("open", 1))
    assert rows(result.tables.agents, "agent_id") == [("Resolver 1",)] * on_duty


@pytest.mark.parametrize(
    ("state", "incidents", "hours_ago", "level"),
    [
        ("Active", 1, 0, 1),  # evidence 0.25: 1 + floor(2 log2 1.25 = 0.64)
        ("Resolved", 1, 0, 3),  # 1: 1 + 2 log2 2
        ("Resolved", 3, 0, 5),  # 3: 1 + 2 log2 4
        ("Resolved", 7, 0, 7),
        ("Resolved", 40, 0, 10),  # 40: 1 + floor(10.7), cut to 10
        ("Resolved", 1, 30 * 24, 2),  # a half-life ago, 0.5: 1 + floor(2 log2 1.5 = 1.17)
    ],
)
def test_proficiency_grows_with_recent_resolutions(
    tmp_path: Path, state: str, incidents: int, hours_ago: float, level: int
) -> None:
    """Each doubling of 1 + evidence adds two levels; evidence halves in 30 days."""
    worked = [
        Event(f"a{number}", hours_ago, state, "Group 7", "Resolver 1")
        for number in range(incidents)
    ]
    seen_now = Event("now", 0, "Active", "Group 8", "Resolver 1")
    result = imported(tmp_path, *worked, seen_now)
    assert rows(result.tables.agent_skills, "skill", "proficiency") == [
        ("Group 7", level),
        ("Group 8", 1),
    ]


def test_incidents_in_progress_are_load_when_only_the_others_are_pending(tmp_path: Path) -> None:
    """Active is active, awaiting is parked; New, and what an absent resolver has, is pending."""
    events = (
        Event("active", 8, "Active", agent="Resolver 1"),
        Event("asked", 7, "Awaiting User Info", agent="Resolver 1"),
        Event("new", 6, "New", agent="Resolver 1"),
        Event("absent", 500, "Active", agent="Resolver 2", opened_ago=600),
        Event("nobody", 5, "Active"),
    )
    split = imported(tmp_path, *events, pending=Pending.UNSTARTED).tables
    assert rows(split.agent_load, "contact_id", "agent_id", "state") == [
        ("active", "Resolver 1", "active"),
        ("asked", "Resolver 1", "parked"),
    ]
    assert rows(split.contacts, "contact_id", "last_agent_id") == [
        ("absent", "Resolver 2"),
        ("new", "Resolver 1"),
        ("nobody", None),
    ]
    whole = imported(tmp_path, *events).tables
    assert len(rows(whole.contacts, "contact_id")) == 5
    assert rows(whole.agent_load, "contact_id") == []


def test_a_group_once_named_stays_and_an_unknown_one_goes_to_the_front(tmp_path: Path) -> None:
    """A blank group keeps the incident's earlier one; without any, the front group's people."""
    result = imported(
        tmp_path,
        Event("moved", 9, group="Group 2"),
        Event("moved", 8, group=None, version=1),
        Event("blank", 8, group=None),
        Event("x", 8, "Resolved", "Group 5", "Resolver 1"),
        Event("y", 8, "Resolved", "Group 5", "Resolver 1"),
        Event("z", 8, "Resolved", "Group 2", "Resolver 2"),
        Event("w", 8, "Resolved", "Group 5", "Resolver 1"),
    ).tables
    assert rows(result.contacts, "contact_id", "queue_id") == [
        ("blank", UNGROUPED),
        ("moved", "Group 2"),
    ]
    assert rows(result.contact_skills, "contact_id", "skill", "min_proficiency") == [
        ("moved", "Group 2", 1)
    ]
    # First groups: Group 5 three times, Group 2 twice, so Resolver 1 is the front.
    assert rows(result.queue_members, "queue_id", "agent_id") == [(UNGROUPED, "Resolver 1")]


@pytest.mark.parametrize(
    ("priority", "promise_h", "value", "escalated"),
    [
        ("1 - Critical", 4, 1000.0, True),
        ("2 - High", 8, 500.0, False),
        ("3 - Moderate", 72, 200.0, False),
        ("4 - Low", 168, 100.0, False),
        ("5 - Planning", 72, 200.0, False),  # not in the log: taken as moderate
    ],
)
def test_priority_stands_for_promise_and_value(
    tmp_path: Path, priority: str, promise_h: float, value: float, *, escalated: bool
) -> None:
    """Promises run from the opening; money and promises are stated assumptions."""
    result = imported(tmp_path, Event("a", 5, priority=priority, opened_ago=50)).tables
    opened = NOW - timedelta(hours=50)
    assert rows(result.contacts, "entered_at", "due_at", "value", "escalated") == [
        (opened, opened + timedelta(hours=promise_h), value, escalated)
    ]


def test_capacity_is_the_upper_quartile_of_what_resolvers_held(tmp_path: Path) -> None:
    """Four resolvers who hold 1, 2, 3 and 8 incidents on all seven days give 3 cases."""
    # On each day the counts are 1, 2, 3, 8: of 28 values the 75 % point is a 3 (nearest rank).
    held = {"A": 1, "B": 2, "C": 3, "D": 8}
    events = [
        Event(f"{agent}{number}", 199, "Active", agent=agent)
        for agent, count in held.items()
        for number in range(count)
    ]
    seen = [Event(f"s{agent}", 1, "Resolved", agent=agent) for agent in held]
    result = imported(tmp_path, *events, *seen).tables
    assert {row[0] for row in rows(result.agent_channels, "max_items")} == {3}
    assert {row[0] for row in rows(result.agents, "capacity_units")} == {60.0}  # 3 x 20 units


def test_a_naive_instant_is_utc_and_other_zones_are_converted(tmp_path: Path) -> None:
    """10:00 of the log, 10:00 UTC and 12:00 at +2 h are one instant."""
    path = write_log(tmp_path / "log.parquet", Event("a", 0), Event("b", -0.5))
    east = timezone(timedelta(hours=2))
    results = [
        import_servicenow(path, at) for at in (AT, NOW, datetime(2016, 3, 15, 12, tzinfo=east))
    ]
    assert {result.now for result in results} == {NOW}
    for result in results:
        assert rows(result.tables.contacts, "contact_id") == [("a",)]


def test_a_shift_covers_the_instant_at_any_hour(tmp_path: Path) -> None:
    """08:00 to 18:00 by day; late and early instants stretch it."""
    event = Event("a", 12, "Active", agent="Resolver 1")
    path = write_log(tmp_path / "log.parquet", event)
    for hour, start, end in ((10, 8, 18), (17, 8, 19), (3, 3, 18)):
        at = NOW.replace(hour=hour)
        shift = rows(import_servicenow(path, at).tables.agents, "shift_start_at", "shift_end_at")
        assert shift == [(at.replace(hour=start), at.replace(hour=end))]


def test_outcomes_name_the_person_as_a_resolver(tmp_path: Path) -> None:
    """`resolved_by` is matched to the resolver most often beside it; the last group counts."""
    path = write_log(
        tmp_path / "log.parquet",
        Event("a", 9, "Closed", "Group 1", "Resolver 4", resolved_by="Resolved by 3"),
        Event("b", 9, "Closed", "Group 1", "Resolver 4", resolved_by="Resolved by 3"),
        Event("c", 9, "Active", "Group 1", "Resolver 7", resolved_by="Resolved by 3"),
        Event("c", 8, "Closed", None, "Resolver 7", version=1, resolved_by="Resolved by 3"),
        Event("d", 8, "Closed", None, "Resolver 5"),
        Event("e", 8, "Closed", None),
    )
    columns = ("contact_id", "really_resolved_by", "really_resolved_group")
    assert rows(read_outcomes(path), *columns) == [
        ("a", "Resolver 4", "Group 1"),
        ("b", "Resolver 4", "Group 1"),
        ("c", "Resolver 4", "Group 1"),
        ("d", "Resolver 5", None),
        ("e", None, None),
    ]


def test_a_log_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    """No file, another file, and an instant before the log each have their own message."""
    path = write_log(tmp_path / "log.parquet", Event("a", 5))
    with pytest.raises(UnreadableLogError, match=r"no such file; expected .*; check the path"):
        import_servicenow(tmp_path / "none.parquet", AT)
    with pytest.raises(
        UnreadableLogError, match=r"no event up to 2016-03-01 .*; expected an inst"
    ):
        import_servicenow(path, datetime(2016, 3, 1, tzinfo=UTC))
    pl.DataFrame({"number": ["a"]}).write_parquet(path)
    with pytest.raises(UnreadableLogError, match=r"no columns \['assigned_to', .*; expected"):
        import_servicenow(path, AT)


@needs_real
def test_the_real_backlog_has_the_documented_size() -> None:
    """1,744 open incidents and 132 resolvers; 1,922 only with the dates of the future."""
    whole = import_servicenow(REAL, AT).tables
    assert len(rows(whole.contacts, "contact_id")) == 1_744
    assert len(rows(whole.agents, "agent_id")) == 132
    split = import_servicenow(REAL, AT, Pending.UNSTARTED).tables
    assert len(rows(split.contacts, "contact_id")) == 854
    assert len(rows(split.agent_load, "contact_id")) == 890
    hindsight = (
        pl.read_parquet(REAL)
        .group_by("number")
        .agg(pl.col("opened_at", "resolved_at", "closed_at").max())
        .filter(pl.col("opened_at") <= AT, pl.coalesce("resolved_at", "closed_at") > AT)
    )
    assert len(hindsight) == 1_922


@needs_real
def test_the_real_import_does_not_peek(tmp_path: Path) -> None:
    """Without its later events and with its hindsight scrambled the log gives the same tables."""
    blind = (
        pl.read_parquet(REAL)
        .filter(pl.col("sys_updated_at") <= AT)
        .with_columns(
            pl.col("resolved_at", "closed_at", "resolved_by", "closed_code").reverse(),
            made_sla=pl.lit("false"),
        )
    )
    blind.write_parquet(tmp_path / "blind.parquet")
    for pending in Pending:
        result = import_servicenow(REAL, AT, pending)
        assert_same_tables(result, import_servicenow(tmp_path / "blind.parquet", AT, pending))


@needs_real
@pytest.mark.parametrize("pending", list(Pending))
@pytest.mark.parametrize("days", [-14.4, 0, 36.5])
def test_the_real_tables_keep_their_contracts(days: float, pending: Pending) -> None:
    """No row of an import is rejected, and validation leaves every table as it is."""
    result = import_servicenow(REAL, NOW + timedelta(days=days), pending)
    checked = validate(result.tables, result.now)
    assert checked.rejects.rows() == []
    assert checked.notes == ()
    assert_same_tables(result, replace(result, tables=checked.tables))
