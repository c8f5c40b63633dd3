"""A folder of 1,000 malformed rows among good ones: each in quarantine under its rule, none lost.

Every row carries its kind in a column of its own, so that the quarantine tells its fate.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data_io.imports.folder import read_folder
from data_io.quarantine import READ_LINE
from data_io.validate import Validated, validate
from models.tables import INPUT_TABLES
from tests.data_io.raw_rows import NOW, RawRow, raw_row

FORMATS = ("csv", "ndjson", "parquet")
NUM_MALFORMED = 1_000
NUM_GOOD = 200
SEED = 20_261_122
TEN_MEGABYTES = 10_000_000


@dataclass(frozen=True)
class Kind:
    """One way to spoil a row of a table, and the rule that must name it."""

    name: str
    table: str
    rule: str
    changes: RawRow
    formats: tuple[str, ...] = FORMATS
    parent_rule: str = ""
    """What becomes of the row's guarded parent, which every row of the kind has to itself."""
    most: int = NUM_MALFORMED


def _contact(name: str, rule: str, *formats: str, most: int = 1_000, **changes: object) -> Kind:
    return Kind(name, "contacts", rule, changes, formats or FORMATS, most=most)


def _agent(name: str, rule: str, **changes: object) -> Kind:
    return Kind(name, "agents", rule, changes)


KINDS = (
    _contact("null_id", "contact_id_required", contact_id=None),
    _contact("empty_id", "contact_id_required", "csv", contact_id=""),
    _contact("empty_id", "contact_id_length", "ndjson", "parquet", contact_id=""),
    _contact("long_text", "language_length", language="e" * 201),
    _contact(
        "ten_megabytes", "conversation_id_length", most=2, conversation_id="x" * TEN_MEGABYTES
    ),
    _contact("nul", "customer_id_utf8", customer_id="a\0b"),
    _contact("broken_utf8", "customer_id_utf8", customer_id=b"caf\xe9"),
    _contact("half_a_character", "customer_id_utf8", "ndjson", customer_id="\ud83d"),
    _contact("unknown_channel", "channel_known", channel="pigeon"),
    _contact("channel_in_capitals", "channel_known", channel="VOICE"),
    _contact("unknown_zone", "time_zone_known", time_zone="Mars/Olympus"),
    _contact("word_for_instant", "entered_at_type", entered_at="yesterday"),
    _contact("number_for_instant", "entered_at_type", entered_at=1_700_000_000),
    _contact("impossible_date", "entered_at_type", entered_at="2026-02-30T10:00:00Z"),
    _contact("year_1970", "entered_at_range", entered_at="1970-01-01T00:00:00Z"),
    _contact("year_9999", "due_at_range", due_at="9999-12-31T23:59:59Z"),
    _contact("future", "entered_at_not_in_future", entered_at="2026-11-22T11:00:00Z"),
    _contact("future_message", "last_message_at_not_in_future", last_message_at="2030-01-01"),
    _contact("nan", "value_finite", value=float("nan")),
    _contact("infinite", "value_finite", value=float("-inf")),
    _contact("negative_value", "value_range", value=-5.0),
    _contact("word_for_number", "value_type", value="a lot"),
    _contact("too_sad", "sentiment_range", sentiment=-1.5),
    _contact("word_for_boolean", "escalated_type", escalated="perhaps"),
    _contact("fractional_version", "version_type", version=7.5),
    _contact("negative_version", "version_range", version=-1),
    _contact("endless_version", "version_type", version=10**30),
    _contact("older_twin", "key_unique", version=0),
    _contact("unknown_queue", "queue_id_exists", queue_id="nowhere"),
    _contact("list_for_id", "queue_id_type", "ndjson", queue_id=["q1"]),
    _contact("object_for_id", "queue_id_type", "ndjson", queue_id={"id": "q1"}),
    _contact("broken_json", "line_is_json", "ndjson"),
    _contact("too_many_fields", "line_fits_header", "csv"),
    _contact("too_few_fields", "channel_required", "csv"),
    _contact("open_quote", "line_is_csv", "csv"),
    _agent("negative_capacity", "capacity_units_range", capacity_units=-100.0),
    _agent("infinite_capacity", "capacity_units_finite", capacity_units=float("inf")),
    _agent("unknown_presence", "presence_known", presence="asleep"),
    _agent("no_site", "site_required", site=None),
    _agent("shift_turned", "shift_ends_after_it_starts", shift_end_at="2026-11-22T07:00:00Z"),
    _agent("unknown_agent_zone", "time_zone_known", time_zone="CET/Nowhere"),
    Kind("high_skill", "agent_skills", "proficiency_range", {"proficiency": 11}),
    Kind("low_skill", "agent_skills", "proficiency_range", {"proficiency": -1}),
    Kind("half_skill", "agent_skills", "proficiency_type", {"proficiency": 3.5}),
    Kind("skill_of_nobody", "agent_skills", "agent_id_exists", {"agent_id": "nobody"}),
    Kind("unserved_channel", "agent_channels", "channel_known", {"channel": "fax"}),
    Kind("too_many_items", "agent_channels", "max_items_range", {"max_items": 1_001}),
    Kind("unknown_tier", "customers", "tier_known", {"tier": "platinum"}),
    Kind("no_target", "queues", "target_answer_s_range", {"target_answer_s": 0.0}),
    Kind("member_of_nothing", "queue_members", "queue_id_exists", {"queue_id": "nowhere"}),
    Kind("no_threshold", "overflow", "threshold_required", {"threshold": None}),
    Kind("unknown_condition", "overflow", "condition_known", {"condition": "full_moon"}),
    Kind("no_such_day", "holidays", "day_is_a_date", {"day": "2026-02-30"}),
    Kind("too_keen", "agent_preferences", "weight_range", {"weight": 1.5}),
    Kind("paid_to_work", "agent_prices", "fast_price_range", {"fast_price": -0.01}),
    Kind("other_window", "agent_prices", "window_s_same", {"window_s": 60.0}, most=2),
    Kind("no_worth", "queue_prices", "head_worth_required", {"head_worth": None}),
    Kind("no_closing_column", "calendars", "closes_minute_missing", {}),
    Kind(
        "word_for_level",
        "contact_skills",
        "min_proficiency_type",
        {"min_proficiency": "expert"},
        parent_rule="contact_skills_rejected",
    ),
    Kind(
        "unknown_load_state",
        "agent_load",
        "state_known",
        {"state": "forgotten"},
        parent_rule="agent_load_rejected",
    ),
)
GOOD_VARIANTS: tuple[RawRow, ...] = (
    {},
    {"language": "😀"},
    {"time_zone": None, "value": None, "sentiment": None},
    {"entered_at": "2026-11-22 09:30"},
    {"entered_at": "2026-11-22T10:59:00.250+01:00"},
    {"due_at": "2026-11-23"},
    {"version": 7.0},
    {"escalated": 1},
)


def test_there_are_kinds_enough() -> None:
    """Every format has at least 25 kinds of malformed rows, each with a name of its own."""
    for suffix in FORMATS:
        names = [kind.name for kind in KINDS if suffix in kind.formats]
        assert len(set(names)) == len(names) >= 25


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_thousand_malformed_rows_stop_nothing(suffix: str, tmp_path: Path) -> None:
    """Nothing crashes, every bad row is in quarantine under its rule, every good row is used."""
    rng = random.Random(SEED)
    malformed = _malformed(suffix)
    rows = {table.name: list(_good(table.name)) for table in INPUT_TABLES}
    for number, kind in enumerate(malformed):
        _add_malformed(rows, kind, number)
    for table_name, of_table in rows.items():
        rng.shuffle(of_table)
        _write(tmp_path / f"{table_name}.{suffix}", of_table, suffix)
    (tmp_path / f"declines.{suffix}").write_bytes(b"")

    read = read_folder(tmp_path)
    validated = validate(read.tables, NOW)

    expected = Counter((kind.table, kind.name, kind.rule) for kind in malformed)
    for kind in malformed:
        if kind.parent_rule:
            parent = {"contact_skills": "contacts", "agent_load": "agents"}[kind.table]
            expected[parent, kind.name, kind.parent_rule] += 1
    assert sum(Counter(kind.name for kind in malformed).values()) == NUM_MALFORMED
    assert _quarantine(validated) == expected
    assert read.rejects.select("table_name", "rule").rows() == [("declines", "file_readable")]
    assert validated.rejects["raw"].str.len_bytes().max() < 30_000  # type: ignore[operator]
    _assert_good_rows_are_used(validated)


def _malformed(suffix: str) -> list[Kind]:
    """Kinds in turn until there are enough, the heavy ones a few times only."""
    kinds = [kind for kind in KINDS if suffix in kind.formats]
    counts: Counter[str] = Counter()
    chosen: list[Kind] = []
    while len(chosen) < NUM_MALFORMED:
        kind = kinds[sum(counts.values()) % len(kinds)]
        counts[kind.name] += 1
        if counts[kind.name] <= kind.most:
            chosen.append(kind)
    return chosen


def _good(table_name: str) -> Iterator[RawRow]:
    for number in range(NUM_GOOD):
        row = raw_row(table_name) | _identity(table_name, f"good-{number}")
        if table_name == "contacts":
            row |= GOOD_VARIANTS[number % len(GOOD_VARIANTS)]
        if table_name == "calendars":  # the whole file lacks a column: there is no good row
            return
        yield {"kind": None} | row


def _identity(table_name: str, name: str) -> RawRow:
    """A key that no other row has; parents are the good rows of the same number."""
    contact, agent, queue = f"c-{name}", f"a-{name}", f"q-{name}"
    return {
        "queues": {"queue_id": queue},
        "calendars": {"calendar_id": f"k-{name}"},
        "holidays": {"calendar_id": f"k-{name}"},
        "overflow": {
            "queue_id": queue,
            "to_queue_id": "q-good-1" if queue == "q-good-0" else "q-good-0",
        },
        "customer_agents": {"customer_id": f"u-{name}", "agent_id": agent},
        "agent_activities": {"agent_id": agent},
        "agent_profiles": {"agent_id": agent},
        "agent_preferences": {"agent_id": agent},
        "agent_quotas": {"agent_id": agent},
        "contact_steps": {"contact_id": contact},
        "offers": {"contact_id": contact, "agent_id": agent},
        "customers": {"customer_id": f"u-{name}"},
        "agents": {"agent_id": agent},
        "agent_channels": {"agent_id": agent},
        "agent_skills": {"agent_id": agent},
        "agent_load": {"agent_id": agent, "contact_id": f"h-{name}"},
        "queue_members": {"queue_id": queue, "agent_id": agent},
        "contacts": {"contact_id": contact, "queue_id": queue},
        "contact_skills": {"contact_id": contact},
        "declines": {"contact_id": contact, "agent_id": agent},
        "agent_prices": {"agent_id": agent},
        "queue_prices": {"queue_id": queue},
    }[table_name]


def _add_malformed(rows: dict[str, list[RawRow]], kind: Kind, number: int) -> None:
    parent = f"good-{len(rows[kind.table]) % NUM_GOOD}"
    row: RawRow = {"kind": kind.name} | raw_row(kind.table)
    if kind.parent_rule:
        parent = f"guarded-{number}"
        table_name = {"contact_skills": "contacts", "agent_load": "agents"}[kind.table]
        identity = _identity(table_name, parent) | (
            {"queue_id": "q-good-0"} if table_name == "contacts" else {}
        )
        rows[table_name].append({"kind": kind.name} | raw_row(table_name) | identity)
    row |= _identity(kind.table, parent)
    if kind.table in {"queues", "customers", "agents", "calendars"}:
        row |= _identity(kind.table, f"bad-{number}")
    elif kind.table == "contacts" and kind.rule != "key_unique":
        row["contact_id"] = f"c-bad-{number}"
    elif kind.table in {"agent_skills", "contact_skills"}:
        row["skill"] = f"skill-{number}"
    rows[kind.table].append(row | kind.changes)


def _write(path: Path, rows: list[RawRow], suffix: str) -> None:
    names = [name for name in rows[0] if (path.stem, name) != ("calendars", "closes_minute")]
    if suffix == "parquet":
        columns = [pl.Series(name, _bytes([row[name] for row in rows])) for name in names]
        pl.DataFrame(columns).write_parquet(path)
        return
    line = _csv_line if suffix == "csv" else _json_line
    lines = [line(row, names) for row in rows]
    header = [",".join(names).encode()] if suffix == "csv" else []
    path.write_bytes(b"\n".join([*header, *lines, b""]))


def _bytes(values: list[Any]) -> list[bytes | None]:
    """Values as the bytes that they are in a column without a text type."""
    plain = [
        value if isinstance(value, bytes) or value is None else str(value) for value in values
    ]
    return [value.encode() if isinstance(value, str) else value for value in plain]


def _csv_line(row: RawRow, names: list[str]) -> bytes:
    cells = _bytes([row[name] for name in names])
    line = b",".join(b"" if cell is None else cell for cell in cells)
    if row["kind"] == "too_few_fields":
        return b",".join(line.split(b",")[: names.index("channel")])
    if row["kind"] == "open_quote":
        return line.replace(b",v1,", b',"v1,')
    return line + b",one more" if row["kind"] == "too_many_fields" else line


def _json_line(row: RawRow, names: list[str]) -> bytes:
    given = {name: row[name] for name in names}
    marked = {
        name: "BYTES" if isinstance(value, bytes) else value for name, value in given.items()
    }
    line = json.dumps(marked, ensure_ascii=row["kind"] == "half_a_character").encode()
    for value in given.values():
        if isinstance(value, bytes):
            line = line.replace(b"BYTES", value)
    return line[: len(line) // 2] if row["kind"] == "broken_json" else line


def _quarantine(validated: Validated) -> Counter[tuple[str, str, str]]:
    """How often each (table, kind, rule) stands in quarantine."""
    found: Counter[tuple[str, str, str]] = Counter()
    for table_name, rule, raw in validated.rejects.select("table_name", "rule", "raw").iter_rows():
        entry = json.loads(raw)
        in_line = re.search(r'"kind": "(\w+)"', entry.get(READ_LINE) or "")
        found[table_name, entry.get("kind") or (in_line[1] if in_line else "?"), rule] += 1
    return found


def _assert_good_rows_are_used(validated: Validated) -> None:
    for table in INPUT_TABLES:
        frame = validated.tables.frame(table)
        assert frame is not None
        names = frame[table.key[0]].to_list()
        expected = [_identity(table.name, f"good-{n}")[table.key[0]] for n in range(NUM_GOOD)]
        if table.name == "agent_load":
            expected = [
                _identity("agent_load", f"good-{n}")["contact_id"] for n in range(NUM_GOOD)
            ]
        if table.name in {"calendars", "declines"}:
            expected = []
        assert sorted(names) == sorted(expected)
