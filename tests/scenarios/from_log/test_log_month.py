"""A month's file becomes calls per day, without those that nobody's work explains."""

from datetime import date
from pathlib import Path

import pytest

from scenarios.from_log.measures import measured, real_visits
from scenarios.from_log.month import read_month
from scenarios.study.errors import StudyError

HEADER = (
    "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time"
    "\tq_start\tq_exit\tq_time\toutcome\tser_start\tser_exit\tser_time\tserver"
)
NEVER = "0:00:00\t0:00:00\t0"
ROWS = (
    # Waited 30 s, then served for 100 s; the service starts a second after the wait ended.
    "AA01\t1\t7\t2\tPS\t990104\t8:00:00\t8:00:10\t10\t8:00:10\t8:00:40\t30"
    "\tAGENT\t8:00:41\t8:02:21\t100\tDANA",
    # Answered at once: no queue, hence no priority.
    f"AA01\t2\t0\t0\tPS\t990104\t9:00:00\t9:00:10\t10\t{NEVER}\tAGENT\t9:00:10\t9:01:10\t60\tDANA",
    # Hung up after 90 s in the queue.
    f"AA01\t3\t0\t0\tNW\t990104\t9:30:00\t9:30:10\t10\t9:30:10\t9:31:40\t90\tHANG\t{NEVER}"
    "\tNO_SERVER",
    # Hung up in the voice menu, phantom, answered by nobody named: left out.
    f"AA01\t4\t0\t0\tNW\t990104\t9:40:00\t9:40:10\t10\t{NEVER}\tHANG\t{NEVER}\tNO_SERVER",
    f"AA01\t5\t0\t0\tPS\t990104\t9:50:00\t9:50:10\t10\t{NEVER}\tPHANTOM\t{NEVER}\tNO_SERVER",
    f"AA01\t6\t0\t0\tPS\t990104\t9:55:00\t9:55:10\t10\t{NEVER}"
    "\tAGENT\t9:55:10\t9:55:15\t5\tNO_SERVER",
    # On the next day but one, over midnight.
    f"AA01\t7\t0\t0\tPS\t990106\t23:59:00\t23:59:10\t10\t{NEVER}"
    "\tAGENT\t23:59:10\t0:01:10\t120\tDANA",
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """January with seven rows, and a February beside it."""
    path = tmp_path / "january.txt"
    path.write_text("\n".join((HEADER, *ROWS)) + "\n")
    other = ROWS[1].replace("990104", "990201")
    (tmp_path / "february.txt").write_text("\n".join((HEADER, other)) + "\n")
    return path


def test_calls_are_seconds_of_their_day(log: Path) -> None:
    """Only the file's own days, in order; waits end when the call left the queue."""
    month = read_month(log)
    assert month.days == (date(1999, 1, 4), date(1999, 1, 6))
    assert month.weekday.tolist() == [0, 2]
    columns = ["day", "type", "priority", "entered_s", "wait_s", "abandoned", "service_s"]
    assert month.calls.select(columns).rows() == [
        (0, "PS", 2, 8 * 3600 + 10, 30, False, 100),
        (0, "PS", None, 9 * 3600 + 10, 0, False, 60),
        (0, "NW", 0, 9.5 * 3600 + 10, 90, True, None),
        (1, "PS", None, 86400 - 50, 0, False, 120),
    ]


def test_stints_are_first_to_last_call(log: Path) -> None:
    """DANA works from 8:00:41 to 9:01:10 on the first day, and past midnight on the second."""
    rows = read_month(log).stints.rows()
    assert rows == [("DANA", 0, 28841.0, 32470.0), ("DANA", 1, 86350.0, 86470.0)]


def test_what_happened_is_counted_by_the_common_kpis(log: Path) -> None:
    """Waits of 30, 0, 90 (hung up) and 0 s: two of four in time, a quarter abandoned."""
    month = read_month(log)
    rows = measured(real_visits(month, ("PS", "NW")), 2).filter(part="all")
    assert dict(rows.select("measure", "value").rows()) == {
        "calls a day": 2,
        "service level": 0.5,
        "answered at once": 0.5,
        "wait of answered": 10,
        "wait of all": 30,
        "abandoned": 0.25,
    }


def test_a_month_without_calls_is_refused(tmp_path: Path) -> None:
    """The message says what to do."""
    path = tmp_path / "january.txt"
    path.write_text(HEADER + "\n" + ROWS[4] + "\n")
    with pytest.raises(StudyError, match="no call asked for an agent; expected"):
        read_month(path)
