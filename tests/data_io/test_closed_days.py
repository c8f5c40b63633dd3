"""A holiday whose row is broken stays a holiday, and its row is reported all the same."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data_io.imports.folder import read_folder
from data_io.validate import Validated, validate
from models.tables import InputTables
from tests.data_io.raw_rows import NOW, raw_row, raw_tables

CLOSED = ("k1", "2026-12-25", 0, 0)


def _checked(**changes: object) -> Validated:
    """The snapshot with one row of `holidays`, changed."""
    return validate(raw_tables(holidays=[raw_row("holidays", **changes)]), NOW)


def _days(validated: Validated) -> list[tuple[Any, ...]]:
    assert validated.tables.holidays is not None
    return validated.tables.holidays.rows()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"opens_minute": "8 o'clock"}, "opens_minute_type"),
        ({"opens_minute": None}, "opens_minute_required"),
        ({"opens_minute": 540, "closes_minute": 480}, "closes_not_before"),
        ({"closes_minute": 1441}, "closes_minute_range"),
        ({"day": "2026-12-25T00:00:00"}, "day_is_a_date"),
        ({"day": datetime(2026, 12, 25, tzinfo=UTC)}, "day_type"),
        ({"day": date(2026, 12, 25), "opens_minute": -1}, "opens_minute_range"),
    ],
)
def test_the_day_stays_closed(changes: dict[str, object], rule: str) -> None:
    """Calendar and day can be read, the hours cannot: closed all day, with the row reported."""
    validated = _checked(**changes)
    assert _days(validated) == [CLOSED]
    assert validated.rejects.select("table_name", "rule").rows() == [("holidays", rule)]
    assert validated.notes == (
        "holidays: rows are rejected, but their days stay closed (k1 2026-12-25)",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"day": "25 December"},
        {"day": "2026-02-30"},
        {"day": "2026-12-251"},
        {"day": None},
        {"calendar_id": None, "opens_minute": -1},
        {"calendar_id": "k\0", "opens_minute": -1},
        {"calendar_id": "x" * 201, "opens_minute": -1},
    ],
)
def test_a_row_that_names_no_day_or_no_calendar_closes_nothing(changes: dict[str, object]) -> None:
    """Nobody knows what it was about."""
    validated = _checked(**changes)
    assert (_days(validated), len(validated.rejects), validated.notes) == ([], 1, ())


def test_hours_that_a_good_row_tells_hold() -> None:
    """Two openings of one day, one of them broken: the other stays, and nothing is added."""
    rows = [
        raw_row("holidays", opens_minute=480, closes_minute=720),
        raw_row("holidays", opens_minute="1 pm", closes_minute=1080),
    ]
    validated = validate(raw_tables(holidays=rows), NOW)
    assert _days(validated) == [("k1", "2026-12-25", 480, 720)]
    assert (len(validated.rejects), validated.notes) == (1, ())


def test_a_column_that_is_missing_closes_every_day_of_the_table() -> None:
    """Also where two rows name one day: it is closed once."""
    rows = [raw_row("holidays", day=f"2026-12-{day}") for day in (24, 25, 25)]
    frame = pl.DataFrame(rows).drop("closes_minute")
    validated = validate(InputTables(holidays=frame), NOW)
    assert _days(validated) == [("k1", "2026-12-24", 0, 0), CLOSED]
    assert len(validated.rejects) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("holidays.csv", 'calendar_id,day,opens_minute,closes_minute\nk1,2026-12-25,"8,20\n'),
        ("holidays.csv", "calendar_id,day,opens_minute,closes_minute\nk1,2026-12-25,8,20,x\n"),
        ("holidays.ndjson", '{"calendar_id": "k1", "day": "2026-12-25", "opens_mi\n'),
    ],
)
def test_a_broken_line_of_a_file_closes_its_day(name: str, text: str, tmp_path: Path) -> None:
    """As far as it was read it names calendar and day."""
    (tmp_path / name).write_text(text)
    validated = validate(read_folder(tmp_path).tables, NOW)
    assert _days(validated) == [CLOSED]
    assert json.loads(validated.rejects["raw"][0])


def test_what_was_closed_is_valid_itself() -> None:
    """Validating the result again changes nothing."""
    once = _checked(opens_minute=-1)
    again = validate(once.tables, NOW)
    assert (_days(again), len(again.rejects)) == ([CLOSED], 0)
