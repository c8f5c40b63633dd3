"""The bank's importer: the queue at an instant, days of arrivals, and the log's traps."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_io.imports.anonymous_bank import import_bank, read_bank_day
from data_io.imports.imported import Imported, UnreadableLogError
from data_io.validate import validate
from models.tables import INPUT_TABLES, InputTables

REAL = Path(__file__).parents[3] / "shared/data/anonymous_bank_1999"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is missing")

DAY = date(1999, 1, 10)
NONE = "0:00:00"
HEADER = (
    "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\tq_start"
    "\tq_exit\tq_time\toutcome\tser_start\tser_exit\tser_time\tserver"
)


@dataclass(frozen=True)
class Call:
    """One row of the log; `queue` and `service` are clock times, NONE where it did not happen."""

    call_id: str
    entry: str
    queue: tuple[str, str] = (NONE, NONE)
    service: tuple[str, str] = (NONE, NONE)
    server: str = "NO_SERVER"
    outcome: str = "AGENT"
    customer: str = "0"
    priority: int = 0
    kind: str = "PS"
    date: str = "990110"
    vru_exit: str | None = None
    vru_time: int = 5


def write_log(path: Path, *calls: Call) -> Path:
    """The calls in the format of the published log, line ends included."""
    lines = [HEADER]
    for call in calls:
        cells = ("AA01", call.call_id, call.customer, call.priority, call.kind, call.date)
        times = (call.entry, call.vru_exit or call.entry, call.vru_time, *call.queue, 0)
        service = (call.outcome, *call.service, 0, call.server)
        lines.append("\t".join(str(cell) for cell in (*cells, *times, *service)))
    path.write_text("\r\n".join(lines) + "\r\n", newline="")
    return path


def served(call_id: str, start: str, end: str, server: str = "TOVA", kind: str = "PS") -> Call:
    """A call that went straight to a server."""
    return Call(call_id, start, service=(start, end), server=server, kind=kind)


def batch_at(tmp_path: Path, at: str, *calls: Call) -> Imported:
    """The calls as a batch at a local time of DAY."""
    return import_bank(write_log(tmp_path / "january.txt", *calls), DAY, time.fromisoformat(at))


def rows(frame: pl.DataFrame | None, *columns: str) -> list[tuple[object, ...]]:
    """The rows of some columns, in order."""
    assert frame is not None
    return frame.select(columns).rows()


def test_calls_between_queue_entry_and_exit_wait(tmp_path: Path) -> None:
    """Entry counts, exit does not; both outcomes wait alike; times are Jerusalem's (UTC + 2)."""
    result = batch_at(
        tmp_path,
        "10:00:00",
        Call("1", "9:59:50", queue=("10:00:00", "10:01:00"), outcome="HANG"),
        Call("2", "9:59:00", queue=("9:59:10", "10:00:01"), service=("10:00:01", "10:05:00")),
        Call("3", "9:58:00", queue=("9:58:10", "10:00:00"), service=("10:00:00", "10:05:00")),
        Call("4", "9:59:50", queue=("10:00:01", "10:01:00"), outcome="HANG"),
    )
    assert result.now == datetime(1999, 1, 10, 8, tzinfo=UTC)
    assert rows(result.tables.contacts, "contact_id", "entered_at") == [
        ("AA01-2", datetime(1999, 1, 10, 7, 59, 10, tzinfo=UTC)),
        ("AA01-1", datetime(1999, 1, 10, 8, tzinfo=UTC)),
    ]


def test_a_call_that_service_took_before_it_left_the_queue_is_not_in_both(tmp_path: Path) -> None:
    """Service may begin seconds before the queue exit in the log: then the call is in service."""
    result = batch_at(
        tmp_path,
        "10:00:00",
        Call("1", "9:59:00", ("9:59:10", "10:00:01"), ("9:59:59", "10:05:00"), "TOVA"),
    ).tables
    assert rows(result.contacts, "contact_id") == []
    assert rows(result.agent_load, "contact_id", "agent_id", "state") == [
        ("AA01-1", "TOVA", "active")
    ]


@pytest.mark.parametrize(
    "call",
    [
        Call("1", "9:59:00", ("9:59:10", "10:05:00"), outcome="PHANTOM"),
        Call("1", "9:59:00", outcome="HANG"),  # hung up in the voice menu
    ],
)
def test_calls_that_asked_for_nobody_are_left_out(tmp_path: Path, call: Call) -> None:
    """Phantom calls and calls that ended in the menu neither wait nor arrive."""
    path = write_log(tmp_path / "january.txt", call, served("2", "10:00:00", "10:01:00"))
    assert rows(import_bank(path, DAY, time(10)).tables.contacts, "contact_id") == []
    assert rows(read_bank_day(path, DAY).arrivals, "contact_id") == [("AA01-2",)]


def test_a_call_without_a_named_server_arrives_but_teaches_nothing(tmp_path: Path) -> None:
    """NO_SERVER is nobody: no agent, no skill, no load; its service time is still real."""
    path = write_log(
        tmp_path / "january.txt",
        served("1", "9:59:00", "10:05:00", server="NO_SERVER"),
        served("2", "9:59:00", "10:05:00"),
    )
    tables = import_bank(path, DAY, time(10)).tables
    assert rows(tables.agents, "agent_id") == [("TOVA",)]
    assert rows(tables.agent_load, "contact_id") == [("AA01-2",)]
    arrivals = read_bank_day(path, DAY).arrivals
    assert rows(arrivals, "contact_id", "handle_s", "real_agent_id") == [
        ("AA01-1", 360.0, None),
        ("AA01-2", 360.0, "TOVA"),
    ]


def test_clock_times_past_midnight_belong_to_the_next_day(tmp_path: Path) -> None:
    """A queue and a service across midnight keep their lengths, and count at 00:01."""
    late = Call(
        "1", "23:59:00", ("23:59:30", NONE), (NONE, "0:10:00"), "TOVA", vru_exit="23:59:30"
    )
    waiting = Call("2", "23:59:40", ("23:59:50", "0:02:00"), outcome="HANG")
    next_day = replace(served("3", "8:00:00", "8:01:00"), date="990111")
    path = write_log(tmp_path / "january.txt", late, waiting, next_day)
    arrivals = read_bank_day(path, DAY).arrivals
    assert rows(arrivals, "contact_id", "waited_s", "handle_s", "patience_s") == [
        ("AA01-1", 30.0, 600.0, None),
        ("AA01-2", 130.0, None, 130.0),
    ]
    tables = import_bank(path, date(1999, 1, 11), time(0, 1)).tables
    assert rows(tables.contacts, "contact_id") == [("AA01-2",)]
    assert rows(tables.agent_load, "contact_id") == [("AA01-1",)]


def test_a_menu_that_ends_before_it_begins_changes_nothing(tmp_path: Path) -> None:
    """With a negative menu time the queue's own clock counts."""
    odd = Call(
        "1", "9:59:50", ("9:59:20", "10:01:00"), outcome="HANG", vru_exit="9:59:20", vru_time=-30
    )
    result = batch_at(tmp_path, "10:00:00", odd).tables
    assert rows(result.contacts, "entered_at") == [(datetime(1999, 1, 10, 7, 59, 20, tzinfo=UTC),)]


def test_patience_is_known_only_of_those_who_hung_up(tmp_path: Path) -> None:
    """A served customer's patience is censored: null, for the replay to draw."""
    path = write_log(
        tmp_path / "january.txt",
        Call("1", "9:00:00", ("9:00:10", "9:01:10"), outcome="HANG"),
        Call("2", "9:00:05", ("9:00:20", "9:00:50"), ("9:00:50", "9:02:20"), "TOVA", kind="NE"),
        served("3", "9:05:00", "9:06:00"),
        Call("4", "9:06:00", server="TOVA"),  # no service times: entered when the menu ended
    )
    columns = ("contact_id", "patience_s", "patience_observed", "handle_s", "waited_s")
    arrivals = read_bank_day(path, DAY).arrivals
    assert rows(arrivals, *columns) == [
        ("AA01-1", 60.0, True, None, 60.0),
        ("AA01-2", None, False, 90.0, 30.0),
        ("AA01-3", None, False, 60.0, 0.0),
        ("AA01-4", None, False, None, 0.0),
    ]
    assert arrivals["required_skill"].to_list() == ["PS", "NE", "PS", "PS"]
    assert arrivals["queue_id"].to_list() == ["PS", "NE", "PS", "PS"]


@pytest.mark.parametrize(("calls", "level"), [(5, 3), (7, 4), (15, 5), (600, 10)])
def test_proficiency_counts_calls_handled_before(tmp_path: Path, calls: int, level: int) -> None:
    """1 + floor(log2(1 + calls)), at most 10; four calls of a type are not a skill yet."""
    many = [served(f"{n}", "9:00:00", "9:00:30", kind="NE") for n in range(calls)]
    few = [served(f"few{n}", "9:00:00", "9:00:30", kind="IN") for n in range(4)]
    after = [served(f"z{n}", "9:59:00", "10:00:30", kind="TT") for n in range(9)]
    result = batch_at(tmp_path, "10:00:00", *many, *few, *after).tables
    assert rows(result.agent_skills, "agent_id", "skill", "proficiency") == [("TOVA", "NE", level)]


def test_a_server_without_history_takes_regular_calls(tmp_path: Path) -> None:
    """Nobody on shift is useless: a new server starts with PS at level 1."""
    result = batch_at(tmp_path, "10:00:00", served("1", "9:59:00", "10:01:00", kind="NE")).tables
    assert rows(result.agent_skills, "agent_id", "skill", "proficiency") == [("TOVA", "PS", 1)]


def test_a_server_is_on_shift_from_first_to_last_call(tmp_path: Path) -> None:
    """A break of four hours ends a shift; outside it the server is offline."""
    result = batch_at(
        tmp_path,
        "10:00:00",
        served("1", "8:00:00", "8:10:00"),
        served("2", "12:00:00", "12:10:00"),  # 3 h 50 min later: the same shift
        served("3", "17:00:00", "17:10:00"),  # 4 h 50 min later: another one
        served("4", "11:00:00", "11:10:00", server="ELI"),
    ).tables
    assert rows(result.agents, "agent_id", "presence", "shift_start_at", "shift_end_at") == [
        (
            "ELI",
            "offline",
            datetime(1999, 1, 10, 9, tzinfo=UTC),
            datetime(1999, 1, 10, 9, 10, tzinfo=UTC),
        ),
        (
            "TOVA",
            "available",
            datetime(1999, 1, 10, 6, tzinfo=UTC),
            datetime(1999, 1, 10, 10, 10, tzinfo=UTC),
        ),
    ]


def test_a_day_takes_the_shift_with_most_time_in_it(tmp_path: Path) -> None:
    """Yesterday's long evening that ends at 00:05 does not hide today's short shift."""
    evening = replace(served("1", "21:00:00", "23:30:00"), date="990109")
    over = replace(served("2", "23:40:00", "0:05:00"), date="990109")
    path = write_log(tmp_path / "january.txt", evening, over, served("3", "9:00:00", "9:30:00"))
    day = read_bank_day(path, DAY)
    assert rows(day.agents, "shift_start_at") == [(datetime(1999, 1, 10, 7, tzinfo=UTC),)]
    assert (day.starts_at, day.ends_at) == (
        datetime(1999, 1, 9, 22, tzinfo=UTC),
        datetime(1999, 1, 10, 22, tzinfo=UTC),
    )


def test_priority_customers_are_gold_and_customer_0_is_nobody(tmp_path: Path) -> None:
    """Tier and value follow the priority; unidentified callers have no customer row."""
    waiting = Call("1", "9:59:00", ("9:59:10", "10:05:00"), outcome="HANG")
    result = batch_at(
        tmp_path,
        "10:00:00",
        waiting,
        replace(waiting, call_id="2", customer="77", priority=2),
        replace(waiting, call_id="3", customer="78", priority=1),
    ).tables
    assert rows(result.contacts, "contact_id", "customer_id", "value") == [
        ("AA01-1", None, 200.0),
        ("AA01-2", "77", 1000.0),
        ("AA01-3", "78", 200.0),
    ]
    assert rows(result.customers, "customer_id", "tier", "value") == [
        ("77", "gold", 1000.0),
        ("78", "standard", 200.0),
    ]


def test_the_last_server_of_a_customer_is_remembered(tmp_path: Path) -> None:
    """Of the calls finished before the instant, the latest names the last agent."""
    first = replace(served("1", "8:00:00", "8:10:00", server="ELI"), customer="77")
    second = replace(served("2", "9:00:00", "9:10:00"), customer="77")
    later = replace(served("3", "9:50:00", "10:10:00", server="IDIT"), customer="77")
    waiting = Call("4", "9:59:00", ("9:59:10", "10:05:00"), outcome="HANG", customer="77")
    result = batch_at(tmp_path, "10:00:00", first, second, later, waiting).tables
    assert rows(result.contacts, "last_agent_id", "last_agent_at") == [
        ("TOVA", datetime(1999, 1, 10, 7, 10, tzinfo=UTC))
    ]


def test_neighbouring_months_are_history(tmp_path: Path) -> None:
    """January beside February teaches skills and mean times; February alone knows nobody."""
    past = [served(f"{n}", "9:00:00", "9:01:00", kind="NE") for n in range(7)]
    today = replace(served("today", "9:00:00", "9:02:00"), date="990201")
    february = write_log(tmp_path / "february.txt", today)
    alone = read_bank_day(february, date(1999, 2, 1))
    assert rows(alone.agent_skills, "skill", "proficiency") == [("PS", 1)]
    write_log(tmp_path / "january.txt", *past)
    for path in (february, tmp_path):
        day = read_bank_day(path, date(1999, 2, 1))
        assert rows(day.agent_skills, "skill", "proficiency") == [("NE", 4)]
        assert rows(day.queues, "queue_id", "mean_handle_s") == [("NE", 60.0), ("PS", None)]


def test_history_ends_at_the_instant(tmp_path: Path) -> None:
    """What calls do after the instant changes only the roster, which a centre knows ahead."""
    past = [served(f"{n}", "9:00:00", "9:01:00", kind="NE") for n in range(7)]
    waiting = Call("w", "9:59:00", ("9:59:10", "10:05:00"), outcome="HANG", customer="7")
    later = [served(f"l{n}", "10:30:00", "10:31:00", kind="IN") for n in range(9)]
    end = served("end", "11:00:00", "11:01:00", kind="NE")
    one = batch_at(tmp_path, "10:00:00", *past, waiting, end).tables
    other = batch_at(
        tmp_path, "10:00:00", *past, replace(waiting, queue=("9:59:10", "10:00:09")), *later, end
    ).tables
    for table in INPUT_TABLES:
        left, right = one.frame(table), other.frame(table)
        if left is None or right is None:
            assert left is right
            continue
        if table.name == "queues":  # a type seen only later is still a queue of the centre
            right = right.filter(pl.col("queue_id") != "IN")
        assert_frame_equal(left, right)


def test_a_log_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    """No file, another file and a day without calls each have their own message."""
    path = write_log(tmp_path / "january.txt", served("1", "9:00:00", "9:01:00"))
    with pytest.raises(UnreadableLogError, match=r"no call on 1999-03-01; expected a day of .*10"):
        import_bank(path, date(1999, 3, 1), time(10))
    with pytest.raises(UnreadableLogError, match=r"no such log; expected .*; check the path"):
        read_bank_day(tmp_path / "none" / "january.txt", DAY)
    path.write_text("a\tb\n1\t2\n")
    with pytest.raises(UnreadableLogError, match=r"no columns \['call_id', .*; expected"):
        read_bank_day(path, DAY)


@needs_real
@pytest.mark.parametrize(
    ("day", "at", "waiting", "in_service", "on_shift"),
    [
        (date(1999, 2, 3), time(13, 27, 21), 17, 5, 8),
        (date(1999, 2, 16), time(10), 3, 6, 9),
        (date(1999, 1, 13), time(15), 3, 9, 10),
    ],
)
def test_real_instants_keep_their_contracts(
    day: date, at: time, waiting: int, in_service: int, on_shift: int
) -> None:
    """The counts of the documentation; no row of an import is rejected."""
    result = import_bank(REAL / "february.txt", day, at)
    checked = validate(result.tables, result.now)
    assert checked.rejects.rows() == []
    assert checked.notes == ()
    assert len(rows(result.tables.contacts, "contact_id")) == waiting
    assert len(rows(result.tables.agent_load, "contact_id")) == in_service
    presence = [row[0] for row in rows(result.tables.agents, "presence")]
    assert presence.count("available") == on_shift


@needs_real
def test_a_real_day_keeps_its_contracts() -> None:
    """16 February 1999 as arrivals: the frames pass as input tables once everybody has come."""
    day = read_bank_day(REAL, date(1999, 2, 16))
    assert len(day.arrivals) == 1_650
    assert day.arrivals["patience_observed"].sum() == 278
    assert len(day.agents) == 18
    tables = InputTables(
        queues=day.queues,
        customers=day.customers,
        agents=day.agents,
        agent_channels=day.agent_channels,
        agent_skills=day.agent_skills,
        contacts=day.arrivals,
        contact_skills=day.arrivals.select(
            "contact_id", "min_proficiency", skill="required_skill"
        ),
    )
    assert validate(tables, day.ends_at).rejects.rows() == []
