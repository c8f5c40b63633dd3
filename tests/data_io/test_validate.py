"""Validation: which rule names which fault, what goes with a lost row, and that nothing fails."""

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings
from polars._typing import TimeUnit

from data_io.quarantine import MAX_CHARACTERS, READ_LINE, READ_RULE, REJECTS
from data_io.validate import Validated, validate
from models.batch import Batch
from models.tables import INPUT_TABLES, InputTables
from tests.data_io.raw_rows import NOW, RawRow, all_raw_tables, raw_row, raw_tables


def _good(validated: Validated, table_name: str) -> pl.DataFrame:
    frame: pl.DataFrame = getattr(validated.tables, table_name)
    return frame


def _broken(validated: Validated) -> Counter[tuple[str, str]]:
    """How often each (table, rule) stands in quarantine."""
    return Counter(validated.rejects.select("table_name", "rule").iter_rows())


def _verdict(validated: Validated) -> list[list[tuple[object, ...]]]:
    """Everything that validation decided, without the order of the good rows."""
    frames = [
        frame for table in INPUT_TABLES if (frame := validated.tables.frame(table)) is not None
    ]
    return [sorted(frame.rows(), key=repr) for frame in frames] + [validated.rejects.rows()]


def test_good_rows_become_a_batch() -> None:
    """Good rows of every table pass whole, in the contract's types: a batch takes them."""
    validated = validate(all_raw_tables(), NOW)
    assert validated.rejects.is_empty()
    assert validated.rejects.schema == REJECTS
    assert validated.notes == ()
    frames = [validated.tables.frame(table) for table in INPUT_TABLES]
    heights = [2 if table.name == "queues" else 1 for table in INPUT_TABLES]
    assert [frame.height for frame in frames if frame is not None] == heights
    Batch(NOW, *(frame for frame in frames if frame is not None))


def test_validated_rows_are_valid() -> None:
    """Validating the result again changes nothing."""
    once = validate(raw_tables(contacts=[raw_row("contacts"), raw_row("contacts")]), NOW)
    twice = validate(once.tables, NOW)
    assert twice.rejects.is_empty()
    assert _verdict(twice)[:-1] == _verdict(once)[:-1]


@pytest.mark.parametrize(
    ("table_name", "column", "value", "rule"),
    [
        ("contacts", "contact_id", None, "contact_id_required"),
        ("contacts", "contact_id", "", "contact_id_length"),
        ("contacts", "contact_id", "x" * 201, "contact_id_length"),  # one more than ID_LENGTH
        ("contacts", "contact_id", "a\0b", "contact_id_utf8"),
        ("contacts", "contact_id", b"a\xff", "contact_id_utf8"),
        ("contacts", "contact_id", 1.5, "contact_id_type"),
        ("contacts", "contact_id", ["c1"], "contact_id_type"),
        ("contacts", "contact_id", {"id": "c1"}, "contact_id_type"),
        ("contacts", "contact_id", True, "contact_id_type"),
        ("contacts", "customer_id", "", "customer_id_length"),
        ("contacts", "queue_id", "nowhere", "queue_id_exists"),
        ("contacts", "channel", "pigeon", "channel_known"),
        ("contacts", "channel", "Chat", "channel_known"),
        ("contacts", "channel", "ch\ufffdt", "channel_utf8"),
        ("contacts", "language", "e" * 300, "language_length"),
        ("contacts", "entered_at", "soon", "entered_at_type"),
        ("contacts", "entered_at", "2026-02-30", "entered_at_type"),
        ("contacts", "entered_at", 1_700_000_000, "entered_at_type"),
        ("contacts", "entered_at", "1970-01-01T00:00:00Z", "entered_at_range"),
        ("contacts", "due_at", "9999-12-31T23:59:59Z", "due_at_range"),
        # 60 s of clock skew are forgiven, 61 s are not
        ("contacts", "entered_at", "2026-11-22T10:01:01Z", "entered_at_not_in_future"),
        ("contacts", "last_message_at", "2026-11-23", "last_message_at_not_in_future"),
        ("contacts", "value", float("nan"), "value_finite"),
        ("contacts", "value", "-inf", "value_finite"),
        ("contacts", "value", "1e999", "value_finite"),
        ("contacts", "value", -0.01, "value_range"),
        ("contacts", "value", "much", "value_type"),
        ("contacts", "value", "9" * 1_000, "value_type"),
        ("contacts", "sentiment", 1.01, "sentiment_range"),
        ("contacts", "escalated", "maybe", "escalated_type"),
        ("contacts", "escalated", 2, "escalated_type"),
        ("contacts", "time_zone", "Mars/Olympus", "time_zone_known"),
        ("contacts", "version", 7.5, "version_type"),
        ("contacts", "version", "7.5", "version_type"),
        ("contacts", "version", float("inf"), "version_type"),
        ("contacts", "version", "9" * 30, "version_type"),
        ("contacts", "version", -1, "version_range"),
        ("agents", "capacity_units", -1.0, "capacity_units_range"),
        ("agents", "shift_end_at", "2026-11-22T08:00:00Z", "shift_ends_after_it_starts"),
        ("agent_skills", "proficiency", 11, "proficiency_range"),
        ("agent_skills", "agent_id", "nobody", "agent_id_exists"),
        ("calendars", "closes_minute", 480, "closes_after_it_opens"),
        ("queue_members", "queue_id", "nowhere", "queue_id_exists"),
        ("queues", "target_answer_s", 0.5, "target_answer_s_range"),
        ("overflow", "threshold", None, "threshold_required"),
        ("overflow", "threshold", "much", "threshold_type"),
        ("overflow", "to_queue_id", "q1", "helps_another_queue"),
        ("agent_prices", "agent_id", "nobody", "agent_id_exists"),
        ("agent_prices", "window_s", 0.0, "window_s_range"),
        ("agent_prices", "window_s", None, "window_s_required"),
        ("agent_prices", "fast_price", -0.001, "fast_price_range"),
        ("agent_prices", "slow_price", float("nan"), "slow_price_finite"),
        ("agent_prices", "late_price", 10_001.0, "late_price_range"),
        ("queue_prices", "queue_id", "nowhere", "queue_id_exists"),
        ("queue_prices", "head_worth", -1.0, "head_worth_range"),
    ],
)
def test_a_fault_is_named_after_its_rule(
    table_name: str, column: str, value: object, rule: str
) -> None:
    """One spoilt value rejects its row, under the rule that it broke, and shows what it was."""
    validated = validate(raw_tables(**{table_name: [raw_row(table_name, **{column: value})]}), NOW)
    entry = validated.rejects.filter(pl.col("table_name") == table_name).row(0, named=True)
    assert entry["rule"] == rule
    assert _good(validated, table_name).is_empty()
    assert (json.loads(entry["raw"])[column] is None) == (value is None)


@pytest.mark.parametrize(
    ("column", "value", "accepted"),
    [
        ("contact_id", 4711, "4711"),
        ("contact_id", "007", "007"),
        ("contact_id", "客户-😀", "客户-😀"),
        ("contact_id", "x" * 200, "x" * 200),
        ("version", "7", 7),
        ("version", 7.0, 7),
        ("version", " 7.0 ", 7),
        ("version", "007", 7),
        ("value", "1e3", 1000.0),
        ("value", 5, 5.0),
        ("escalated", "TRUE", True),
        ("escalated", "0", False),
        ("escalated", 1, True),
        ("entered_at", "2026-11-22 09:30", datetime(2026, 11, 22, 9, 30, tzinfo=UTC)),
        ("entered_at", "2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        # 09:30 two hours east of Greenwich is 07:30 there; 09:30 half an hour west is 10:00
        ("entered_at", "2026-11-22T09:30:00+02:00", datetime(2026, 11, 22, 7, 30, tzinfo=UTC)),
        ("entered_at", "2026-11-22T09:30-0030", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        (
            "entered_at",
            "2026-11-22T09:30:00.1234567Z",
            datetime(2026, 11, 22, 9, 30, 0, 123_456, tzinfo=UTC),
        ),
        ("entered_at", datetime(2026, 11, 22, 9, 30), datetime(2026, 11, 22, 9, 30, tzinfo=UTC)),  # noqa: DTZ001
        (
            "entered_at",
            datetime(2026, 11, 22, 9, 30, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 11, 22, 7, 30, tzinfo=UTC),
        ),
        ("entered_at", date(2026, 11, 21), datetime(2026, 11, 21, tzinfo=UTC)),
        # the first and the last instant that a clock skew of 60 s forgives
        ("entered_at", "2026-11-22T10:01:00Z", datetime(2026, 11, 22, 10, 1, tzinfo=UTC)),
    ],
)
def test_other_spellings_of_a_value_are_accepted(
    column: str, value: object, accepted: object
) -> None:
    """What is meant beyond doubt is taken, whichever type it came in."""
    for given_value in (value, [value]):
        frame = pl.DataFrame([raw_row("contacts", **{column: value})])
        if isinstance(given_value, list):  # the same value in a column of Python objects
            frame = frame.with_columns(pl.Series(column, given_value, pl.Object()))
        tables = replace(raw_tables(contact_skills=[]), contacts=frame, contact_skills=None)
        validated = validate(tables, NOW)
        assert validated.rejects.is_empty()
        assert _good(validated, "contacts")[column].to_list() == [accepted]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata"])
def test_datetimes_of_any_unit_and_zone_are_the_same_instant(
    unit: TimeUnit, zone: str | None
) -> None:
    """A typed instant is converted, never reinterpreted."""
    instant = datetime(2026, 11, 22, 9, tzinfo=UTC)
    series = pl.Series("entered_at", [instant]).dt.cast_time_unit(unit)
    series = series.dt.convert_time_zone(zone) if zone else series.dt.replace_time_zone(None)
    tables = raw_tables()
    assert tables.contacts is not None
    validated = validate(replace(tables, contacts=tables.contacts.with_columns(series)), NOW)
    assert _good(validated, "contacts")["entered_at"].to_list() == [instant]


@pytest.mark.parametrize("number", [2**62, -(2**62), 2**63 - 1])
@pytest.mark.parametrize("dtype", [pl.Datetime("us"), pl.Datetime("ms", "UTC"), pl.Datetime("ns")])
def test_instants_that_no_calendar_holds_are_rejected(number: int, dtype: pl.DataType) -> None:
    """A typed instant out of all range is a rejected row, and its raw form can be shown."""
    tables = raw_tables()
    assert tables.contacts is not None
    frame = tables.contacts.with_columns(pl.Series("due_at", [number]).cast(dtype))
    validated = validate(replace(tables, contacts=frame), NOW)
    rules = validated.rejects.filter(pl.col("table_name") == "contacts")["rule"].to_list()
    assert rules in (["due_at_type"], ["due_at_range"])


@pytest.mark.parametrize(
    ("windows", "kept"),
    [
        ([300.0, 300.0], [300.0, 300.0]),
        ([60.0, 300.0, 300.0], [300.0, 300.0]),
        ([300.0, 60.0], [60.0]),  # of as many the shorter
        ([-5.0, -5.0, 300.0], [300.0]),  # what is no window is not usual
    ],
)
def test_all_prices_are_of_one_window(windows: list[float], kept: list[float]) -> None:
    """Rows with another window than most are set apart: seconds of both would not add up."""
    names = [f"a{place}" for place in range(1, len(windows) + 1)]
    validated = validate(
        raw_tables(
            agents=[raw_row("agents", agent_id=name) for name in names],
            agent_prices=[
                raw_row("agent_prices", agent_id=name, window_s=window)
                for name, window in zip(names, windows, strict=True)
            ],
        ),
        NOW,
    )
    assert _good(validated, "agent_prices")["window_s"].to_list() == kept
    others = [window for window in windows if window not in kept]
    rules = Counter("window_s_same" if window > 0 else "window_s_range" for window in others)
    found = {rule: num for (table, rule), num in _broken(validated).items() if "price" in table}
    assert found == rules


def test_the_first_rule_in_contract_order_names_the_row() -> None:
    """A row that breaks three rules carries the first, and their number."""
    row = raw_row("contacts", contact_id="", channel="pigeon", version=-1)
    validated = validate(raw_tables(contacts=[row], contact_skills=[], declines=[]), NOW)
    assert validated.rejects.select("rule", "num_rules").rows() == [("contact_id_length", 3)]


def test_a_missing_required_column_rejects_every_row() -> None:
    """Without a required column no row is complete; without an optional one all are."""
    rows = [raw_row("agents", agent_id=f"a{number}") for number in range(1, 4)]
    tables = raw_tables(agents=rows)
    assert tables.agents is not None
    no_site = validate(replace(tables, agents=tables.agents.drop("site")), NOW)
    assert _broken(no_site)["agents", "site_missing"] == 3
    assert no_site.notes == ("agents: 1 column (site) not given; no row is complete",)
    no_idle = validate(replace(tables, agents=tables.agents.drop("idle_since")), NOW)
    assert _good(no_idle, "agents").height == 3
    assert no_idle.notes == ()


@pytest.mark.parametrize("threshold", [None, 0.0, "absent"])
def test_overflow_of_a_closed_queue_needs_no_threshold(threshold: object) -> None:
    """Empty, 0, or no such column at all: it is 0 in the batch; no number is no number."""
    queues = [raw_row("queues"), raw_row("queues", queue_id="q2")]
    row = raw_row("overflow", condition="closed", threshold=threshold)
    if threshold == "absent":
        del row["threshold"]
    validated = validate(raw_tables(queues=queues, overflow=[row]), NOW)
    assert validated.rejects.is_empty()
    assert _good(validated, "overflow")["threshold"].to_list() == [0.0]
    wrong = raw_row("overflow", condition="closed", threshold="none")
    assert _broken(validate(raw_tables(queues=queues, overflow=[wrong]), NOW)) == {
        ("overflow", "threshold_type"): 1
    }


def test_foreign_columns_are_noted_and_kept_in_quarantine() -> None:
    """A column that the contract does not know is ignored in good rows and shown in bad ones."""
    rows = [raw_row("queues", mood="calm"), raw_row("queues", queue_id="", mood="grim")]
    validated = validate(raw_tables(queues=rows), NOW)
    assert validated.notes == ("queues: 1 column (mood) not in the contract; ignored",)
    assert _good(validated, "queues").height == 1
    assert json.loads(validated.rejects["raw"][0])["mood"] == "grim"


def test_a_missing_table_has_no_rows() -> None:
    """What refers to a table that is missing has lost its parent."""
    validated = validate(replace(raw_tables(), queues=None, declines=None), NOW)
    assert validated.notes == ()
    assert _broken(validated) == {
        ("queue_members", "queue_id_exists"): 1,
        ("contacts", "queue_id_exists"): 1,
        ("contact_skills", "contact_id_exists"): 1,
    }


def test_no_tables_at_all_give_frames_without_rows() -> None:
    """In the columns of the contract; that a snapshot is complete is checked elsewhere."""
    validated = validate(InputTables(), NOW)
    for table in INPUT_TABLES:
        assert _good(validated, table.name).schema == table.schema()
    assert (validated.notes, len(validated.rejects)) == ((), 0)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_the_highest_version_of_a_key_stays(order: list[int]) -> None:
    """Of rows with one key the newest stays, whatever the order, and the others are named."""
    rows = [raw_row("contacts", version=version, value=9.0 - version) for version in (1, 3, 2)]
    validated = validate(raw_tables(contacts=[rows[position] for position in order]), NOW)
    assert _good(validated, "contacts")["version"].to_list() == [3]
    assert _broken(validated) == {("contacts", "key_unique"): 2}


def test_of_two_levels_of_a_requirement_the_stricter_stays() -> None:
    """A doubled requirement costs its looser twin only: the contact stays, with the stricter."""
    rows = [raw_row("contact_skills", min_proficiency=level) for level in (3, 8, 5)]
    validated = validate(raw_tables(contact_skills=rows), NOW)
    assert _good(validated, "contact_skills")["min_proficiency"].to_list() == [8]
    assert _good(validated, "contacts").height == 1


def test_a_contact_is_lost_with_one_of_its_requirements() -> None:
    """A contact must not be routed as if it never had the requirement that could not be read."""
    contacts = [raw_row("contacts"), raw_row("contacts", contact_id="c2")]
    skills = [
        raw_row("contact_skills", min_proficiency="high"),
        raw_row("contact_skills", skill="tax", min_proficiency="4"),
        raw_row("contact_skills", contact_id="c2", min_proficiency="4"),
    ]
    validated = validate(raw_tables(contacts=contacts, contact_skills=skills), NOW)
    assert _broken(validated) == {
        ("contact_skills", "min_proficiency_type"): 1,
        ("contacts", "contact_skills_rejected"): 1,
        ("contact_skills", "contact_id_exists"): 1,
    }
    assert _good(validated, "contacts")["contact_id"].to_list() == ["c2"]
    assert _good(validated, "contact_skills")["contact_id"].to_list() == ["c2"]


def test_an_agent_is_lost_with_a_contact_that_he_holds() -> None:
    """An agent whose load cannot be read is not free; what refers to him goes with him.

    Only his membership of queues stays: a queue without members would be open to all.
    """
    validated = validate(raw_tables(agent_load=[raw_row("agent_load", state="lost")]), NOW)
    assert _broken(validated) == {
        ("agent_load", "state_known"): 1,
        ("agents", "agent_load_rejected"): 1,
        ("agent_channels", "agent_id_exists"): 1,
        ("agent_skills", "agent_id_exists"): 1,
    }


def test_a_contact_that_two_agents_hold_leaves_the_loser_out() -> None:
    """One row a contact stays; the agent whose row went may hold it all the same."""
    agents = [raw_row("agents"), raw_row("agents", agent_id="a2")]
    load = [raw_row("agent_load"), raw_row("agent_load", agent_id="a2")]
    validated = validate(raw_tables(agents=agents, agent_load=load), NOW)
    # "a2" is the larger value, so its row stays
    assert _good(validated, "agents")["agent_id"].to_list() == ["a2"]
    assert _good(validated, "agent_load")["agent_id"].to_list() == ["a2"]


def test_losses_follow_their_references_to_the_end() -> None:
    """Queue, its contacts, their requirements: each goes with its parent, nothing else does."""
    queues = [raw_row("queues", mean_handle_s=-1.0), raw_row("queues", queue_id="q2")]
    contacts = [raw_row("contacts"), raw_row("contacts", contact_id="c2", queue_id="q2")]
    validated = validate(raw_tables(queues=queues, contacts=contacts), NOW)
    assert _broken(validated) == {
        ("queues", "mean_handle_s_range"): 1,
        ("queue_members", "queue_id_exists"): 1,
        ("contacts", "queue_id_exists"): 1,
        ("contact_skills", "contact_id_exists"): 1,
    }
    assert _good(validated, "contacts")["contact_id"].to_list() == ["c2"]


def test_a_line_that_its_reader_could_not_read_takes_its_parent_along() -> None:
    """The rule of the reader comes first, and what it could read still names the parent."""
    line = {READ_RULE: "line_is_json", READ_LINE: '{"contact_id": "c1", '}
    row = raw_row("contact_skills", skill=None, min_proficiency=None) | line
    validated = validate(raw_tables(contact_skills=[row]), NOW)
    # the rule of the reader and two required values
    entry = validated.rejects.filter(table_name="contact_skills").row(0, named=True)
    assert (entry["rule"], entry["num_rules"]) == ("line_is_json", 3)
    assert json.loads(entry["raw"])[READ_LINE] == line[READ_LINE]
    assert _broken(validated)["contacts", "contact_skills_rejected"] == 1


def test_rejected_rows_stay_small_and_keep_their_digest() -> None:
    """Ten megabytes are cut, and the digest depends on table, rule and raw values alone."""
    rows = [raw_row("queues", queue_id="x" * 10_000_000), raw_row("queues", queue_id="")]
    first = validate(InputTables(queues=pl.DataFrame(rows)), NOW).rejects
    again = validate(InputTables(queues=pl.DataFrame(rows[::-1])), NOW).rejects
    assert first.equals(again)
    cut = [json.loads(text)["queue_id"] for text in first["raw"]]
    assert sorted(cut) == ["", "x" * MAX_CHARACTERS + "… (10000000 characters)"]
    # Pinned: were it to change, the same bad row would be a new one in every quarantine.
    assert first["row_digest"][0] == "3c41444a3850c2da041b8dc1bb403dd3"


_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.sampled_from(["c1", "c2", "q1", "chat", "7", "7.5", "NaN", "2026-11-22", "Europe/Madrid"]),
    st.datetimes(),
    st.dates(),
    st.timedeltas(),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.text(max_size=2), st.booleans(), max_size=2),
)


@st.composite
def _junk_frames(draw: st.DrawFn, names: list[str]) -> pl.DataFrame:
    """A frame of any of the columns with any values, typed where they have one type."""
    height = draw(st.integers(0, 5))
    columns = []
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=8)):
        values = draw(st.lists(_JUNK, min_size=height, max_size=height))
        kinds = {type(value) for value in values if value is not None}
        is_plain = len(kinds) == 1 and kinds <= {bool, float, str, bytes, datetime, date}
        columns.append(pl.Series(name, values, None if is_plain or not kinds else pl.Object()))
    return pl.DataFrame(columns or None, height=height)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_junk_never_fails_and_no_row_is_lost(data: st.DataObject) -> None:
    """Whatever the frames hold: the contract comes out, and every row is good or rejected."""
    frames = {
        table.name: data.draw(
            st.none() | _junk_frames([*table.schema().names(), "other"]), label=table.name
        )
        for table in INPUT_TABLES
    }
    validated = validate(InputTables(**frames), NOW)
    counts = Counter(validated.rejects["table_name"])
    for table in INPUT_TABLES:
        good, raw = _good(validated, table.name), frames[table.name]
        assert good.schema == table.schema()
        given_rows = 0 if raw is None else raw.height
        if table.name == "holidays":
            # A broken row whose day can be read is rejected, and its day stays closed.
            assert max(good.height, counts[table.name]) <= given_rows
            assert given_rows <= good.height + counts[table.name]
            continue
        assert good.height + counts[table.name] == given_rows
    assert validated.rejects.schema == REJECTS
    assert all(json.loads(text) is not None for text in validated.rejects["raw"])
    assert validate(validated.tables, NOW).rejects.is_empty()


def _maybe(table_name: str, **choices: list[object]) -> st.SearchStrategy[list[RawRow]]:
    changes = st.fixed_dictionaries({name: st.sampled_from(of) for name, of in choices.items()})
    return st.lists(changes.map(lambda change: raw_row(table_name, **change)), max_size=6)


@settings(max_examples=40, deadline=None)
@given(
    contacts=_maybe(
        "contacts", contact_id=["c1", "c2", ""], version=["1", "2", "x"], value=["1", "2", "-1"]
    ),
    skills=_maybe(
        "contact_skills",
        contact_id=["c1", "c2"],
        skill=["s", "t"],
        min_proficiency=["3", "4", "99"],
    ),
    load=_maybe(
        "agent_load",
        agent_id=["a1", "a2"],
        contact_id=["h1", "h2"],
        state=["active", "parked", "?"],
    ),
    rng=st.randoms(use_true_random=False),
)
def test_the_order_of_rows_does_not_matter(
    contacts: list[RawRow], skills: list[RawRow], load: list[RawRow], rng: random.Random
) -> None:
    """The same rows in any order are the same good rows and the same quarantine."""
    agents = [raw_row("agents"), raw_row("agents", agent_id="a2")]

    def verdict() -> list[list[tuple[object, ...]]]:
        return _verdict(
            validate(
                raw_tables(
                    agents=agents, contacts=contacts, contact_skills=skills, agent_load=load
                ),
                NOW,
            )
        )

    before = verdict()
    for rows in (agents, contacts, skills, load):
        rng.shuffle(rows)
    assert verdict() == before


def test_a_holiday_may_be_a_date_or_its_text() -> None:
    """Parquet knows dates, the other formats do not; a day that does not exist is none."""
    days = pl.Series("day", ["2026-12-25", "2027-02-29", "25.12.2026"])
    row = {"calendar_id": "k1", "opens_minute": 0, "closes_minute": 0}
    texts = pl.DataFrame([row] * 3).with_columns(days)
    validated = validate(InputTables(holidays=texts), NOW)
    assert _good(validated, "holidays")["day"].to_list() == ["2026-12-25"]
    assert _broken(validated) == {("holidays", "day_is_a_date"): 2}
    dates = texts.head(1).with_columns(pl.col("day").str.to_date())
    assert _good(validate(InputTables(holidays=dates), NOW), "holidays")["day"].to_list() == [
        "2026-12-25"
    ]


def test_a_snapshot_without_the_rare_tables_and_columns_is_whole() -> None:
    """Tables and columns that only some centres know may be missing: nothing is rejected."""
    usual = raw_tables()
    validated = validate(usual, NOW)
    assert validated.rejects.is_empty()
    assert validated.notes == ()
    for name in ("overflow", "agent_activities", "contact_steps", "offers"):
        assert _good(validated, name).is_empty()
    assert _good(validated, "contacts")["priority"].to_list() == [None]
