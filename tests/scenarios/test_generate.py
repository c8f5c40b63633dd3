"""The generated centre and batches are believable, valid and the same everywhere."""

import os
import subprocess
import sys
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_io.validate import validate
from models.tables import CONTACT_SKILLS, CONTACTS, INPUT_TABLES, Channel, InputTables, Presence
from scenarios.centre import ARRIVALS_SCHEMA, BREAKS_SCHEMA, Centre, CentreSize
from scenarios.generate import generate_batch, generate_centre

ROOT = Path(__file__).parent.parent.parent
TUESDAY = datetime(2026, 11, 17, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def centre() -> Centre:
    """The centre of the demo."""
    return generate_centre(1, CentreSize(), TUESDAY)


def _frames(centre: Centre) -> list[pl.DataFrame]:
    tables = [centre.tables.frame(table) for table in INPUT_TABLES]
    hidden = [centre.arrivals, centre.arrival_skills, centre.breaks]
    return [frame for frame in (*tables, *hidden) if frame is not None]


def _agents(centre: Centre) -> pl.DataFrame:
    assert centre.tables.agents is not None
    return centre.tables.agents


def _skills(centre: Centre) -> pl.DataFrame:
    assert centre.tables.agent_skills is not None
    return centre.tables.agent_skills


def test_the_same_seed_gives_the_same_centre_and_another_seed_another() -> None:
    """Equal arguments, equal rows in equal order."""
    first, again, other = (
        generate_centre(seed, CentreSize(num_agents=40), TUESDAY) for seed in (3, 3, 4)
    )
    for left, right in zip(_frames(first), _frames(again), strict=True):
        assert_frame_equal(left, right)
    assert not first.arrivals.equals(other.arrivals)
    assert not _agents(first).equals(_agents(other))


def test_the_centre_does_not_depend_on_the_hash_seed() -> None:
    """No set or dictionary order leaks into ids, rows or draws."""
    code = (
        "from datetime import UTC, datetime; from scenarios.centre import CentreSize;"
        "from scenarios.generate import generate_batch, generate_centre;"
        "at = datetime(2026, 11, 17, 14, tzinfo=UTC);"
        "centre = generate_centre(1, CentreSize(num_agents=30), at);"
        "print(centre.arrivals.write_csv(), centre.arrival_skills.write_csv());"
        "print(centre.tables.agent_skills.write_csv(), centre.tables.customers.write_csv());"
        "print(generate_batch(1, 50, 20, at).contacts.write_csv())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert len(runs[0]) > 10_000
    assert runs[0] == runs[1]


def test_every_frame_follows_its_contract(centre: Centre) -> None:
    """Names, types and order of columns are those of `models/tables.py`."""
    for table in INPUT_TABLES:
        frame = centre.tables.frame(table)
        assert frame is None or frame.schema == table.schema()
    assert centre.arrivals.schema == ARRIVALS_SCHEMA
    assert centre.arrival_skills.schema == CONTACT_SKILLS.schema()
    assert centre.breaks.schema == BREAKS_SCHEMA


@pytest.mark.parametrize("seed", range(4))
def test_no_row_is_rejected(seed: int) -> None:
    """All contacts of the period, seen at its end, pass every rule and reference."""
    centre = generate_centre(seed, CentreSize(num_agents=60), TUESDAY)
    names = CONTACTS.schema().names()
    tables = {field.name: getattr(centre.tables, field.name) for field in fields(InputTables)}
    tables |= {"contacts": centre.arrivals.select(names), "contact_skills": centre.arrival_skills}
    found = validate(InputTables(**tables), centre.end_at)
    assert found.rejects.rows() == []


def test_the_promised_variety_is_there(centre: Centre) -> None:
    """Three sites in three zones, eight skills with levels, four languages, seven channels."""
    agents, skills = _agents(centre), _skills(centre)
    assert set(agents["time_zone"]) == {"America/Bogota", "Asia/Manila", "Europe/Dublin"}
    assert agents["site"].n_unique() == 3
    languages = skills.filter(pl.col("skill").str.starts_with("language:"))
    assert languages["skill"].n_unique() == 4
    topics = skills.filter(~pl.col("skill").str.starts_with("language:"))
    assert topics["skill"].n_unique() == 8
    assert topics["proficiency"].n_unique() >= 8
    assert set(centre.arrivals["channel"]) == {c.value for c in Channel} - {Channel.CASE.value}
    assert set(centre.arrivals["language"]) == {"en", "es", "fr", "de"}
    presences = {Presence.AVAILABLE.value, Presence.AWAY.value, Presence.OFFLINE.value}
    assert set(agents["presence"]) == presences
    assert len(agents) == 120


def test_customers_are_as_the_trade_knows_them(centre: Centre) -> None:
    """Few are gold, values are skewed, some have an owner, a last agent, a temper."""
    customers, arrivals = centre.tables.customers, centre.arrivals
    assert customers is not None
    gold = customers.filter(pl.col("tier") == "gold")
    assert 0.01 < len(gold) / len(customers) < 0.12
    assert gold["owner_agent_id"].is_not_null().mean() > 0.4  # type: ignore[operator]
    value = customers["value"]
    assert float(value.mean()) > 1.3 * float(value.median())  # type: ignore[arg-type]
    assert arrivals["customer_id"].null_count() > 0
    assert 0 < arrivals["escalated"].mean() < 0.1  # type: ignore[operator]
    assert arrivals["last_agent_id"].is_not_null().any()
    written = [c.value for c in (Channel.CHAT, Channel.MESSAGING, Channel.SOCIAL, Channel.EMAIL)]
    assert set(arrivals.filter(pl.col("sentiment").is_not_null())["channel"]) == set(written)


def test_some_customers_try_two_channels_within_a_minute(centre: Centre) -> None:
    """Same customer, two contacts on different channels, a conversation each."""
    pairs = (
        centre.arrivals.filter(pl.col("customer_id").is_not_null())
        .group_by("customer_id")
        .agg(
            pl.len(),
            pl.col("channel", "conversation_id").n_unique(),
            apart=pl.col("entered_at").max() - pl.col("entered_at").min(),
        )
        .filter(pl.col("len") > 1)
    )
    assert len(pairs) >= 10
    assert (pairs["len"] == 2).all()
    assert (pairs["channel"] == 2).all()
    assert (pairs["conversation_id"] == 2).all()
    assert (pairs["apart"] <= timedelta(minutes=1)).all()


def test_shifts_begin_and_end_within_the_period(centre: Centre) -> None:
    """The roster moves while the demo runs."""
    agents = _agents(centre)
    inside = (pl.col("shift_end_at") > centre.start_at) & (pl.col("shift_end_at") <= centre.end_at)
    begins = (pl.col("shift_start_at") > centre.start_at) & (
        pl.col("shift_start_at") <= centre.end_at
    )
    assert len(agents.filter(inside)) >= 5
    assert len(agents.filter(begins)) >= 2


@pytest.mark.parametrize(
    "start_at",
    [
        datetime(2026, 3, 29, 6, 0, tzinfo=UTC),  # Dublin went an hour forward at 01:00
        datetime(2026, 10, 25, 6, 0, tzinfo=UTC),  # and an hour back
        TUESDAY,
    ],
)
def test_shifts_are_wall_clock_times_on_days_when_the_clock_changes(start_at: datetime) -> None:
    """Shifts begin on a local quarter hour and last 8.5 hours on the wall, 7.5 to 9.5 in truth.

    A shift that would begin in the hour that the clock skips begins an hour later on the wall.
    """
    skipped = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    agents = _agents(generate_centre(2, CentreSize(num_agents=200), start_at))
    truths = set()
    for zone, start, end in agents.select(
        "time_zone", "shift_start_at", "shift_end_at"
    ).iter_rows():
        walls = [at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for at in (start, end)]
        late = zone == "Europe/Dublin" and skipped <= start < skipped + timedelta(hours=1)
        moved = late and walls[1] - walls[0] == timedelta(hours=7, minutes=30)
        assert moved or walls[1] - walls[0] == timedelta(hours=8, minutes=30)
        assert walls[0].minute % 15 == 0
        truths.add(end - start)
    changes = {timedelta(hours=7, minutes=30), timedelta(hours=9, minutes=30)}
    assert bool(truths & changes) == (start_at != TUESDAY)


def test_what_one_skill_asks_two_agents_can_give(centre: Centre) -> None:
    """A contact with one required skill has two agents of its channel and language."""
    single = centre.arrival_skills.filter(~pl.col("contact_id").is_duplicated())
    skills = _skills(centre)
    assert centre.tables.agent_channels is not None
    able = (
        centre.arrivals.join(single, on="contact_id")
        .with_columns(spoken="language:" + pl.col("language"))
        .join(skills, on="skill")
        .filter(pl.col("proficiency") >= pl.col("min_proficiency"))
        .join(
            skills.filter(pl.col("proficiency") >= 5),
            left_on=["agent_id", "spoken"],
            right_on=["agent_id", "skill"],
        )
        .join(centre.tables.agent_channels, on=["agent_id", "channel"])
        .group_by("contact_id")
        .len()
    )
    assert len(single) > 500
    assert len(able) == len(single)
    assert able["len"].min() >= 2  # type: ignore[operator]


def test_arrivals_vary_more_than_a_fixed_rate_would_allow() -> None:
    """Counts over seeds have a variance well above their mean (a Poisson count has exactly it)."""
    counts = [
        len(centre.arrivals.filter(pl.col("entered_at") >= TUESDAY))
        for centre in (
            generate_centre(seed, CentreSize(num_agents=100), TUESDAY) for seed in range(30)
        )
    ]
    # Gamma(50): variance / mean = 1 + mean / 50, about 12 at 550; chance puts a Poisson sample of
    # 30 above 3 less than once in a billion times.
    assert np.var(counts, ddof=1) / np.mean(counts) > 3


def test_a_queue_that_is_closed_gets_no_new_contacts() -> None:
    """Nobody calls the video desk at three in the morning."""
    night = datetime(2026, 11, 17, 3, 0, tzinfo=UTC)
    centre = generate_centre(1, CentreSize(), night)
    new = centre.arrivals.filter(pl.col("entered_at") >= night)
    assert "video-advice" not in set(new["queue_id"])
    assert "voice-service" in set(new["queue_id"])


@pytest.mark.parametrize(
    "size",
    [
        {"num_agents": 0},
        {"duration": timedelta(0)},
        {"busyness": -1.0},
    ],
)
def test_a_size_without_agents_time_or_work_is_refused(size: dict[str, object]) -> None:
    """The error says what a size needs."""
    with pytest.raises(ValueError, match="expected num_agents >= 1"):
        CentreSize(**size)  # type: ignore[arg-type]


def test_a_start_without_a_zone_is_refused() -> None:
    """A wall time is not an instant."""
    with pytest.raises(ValueError, match="without a zone"):
        generate_centre(1, CentreSize(num_agents=5), TUESDAY.replace(tzinfo=None))


def test_one_agent_and_no_work_make_a_centre() -> None:
    """The smallest sizes work: nobody calls, nothing waits."""
    centre = generate_centre(0, CentreSize(num_agents=1, busyness=0.0), TUESDAY)
    assert len(_agents(centre)) == 1
    assert len(centre.arrivals) == 0


@pytest.mark.parametrize(("num_contacts", "num_agents"), [(0, 3), (1, 1), (1000, 200)])
def test_a_batch_has_its_size_and_no_row_to_reject(num_contacts: int, num_agents: int) -> None:
    """Batches of any size follow the contracts, references included."""
    batch = generate_batch(5, num_contacts, num_agents, TUESDAY)
    assert (len(batch.contacts), len(batch.agents)) == (num_contacts, num_agents)
    raw = InputTables(**{table.name: getattr(batch, table.name) for table in INPUT_TABLES})
    assert validate(raw, TUESDAY).rejects.rows() == []


def test_a_batch_is_as_hard_as_promised() -> None:
    """About 6 % of pairs are eligible, 24 skills, 6 languages, 30 % owned, heavy-tailed values."""
    batch = generate_batch(1, 1000, 200, TUESDAY)
    able = (
        batch.contacts.join(batch.contact_skills, on="contact_id")
        .with_columns(spoken="language:" + pl.col("language"))
        .join(batch.agent_skills.rename({"proficiency": "level"}), on="skill")
        .filter(pl.col("level") >= pl.col("min_proficiency"))
        .join(
            batch.agent_skills.filter(pl.col("proficiency") >= 5),
            left_on=["agent_id", "spoken"],
            right_on=["agent_id", "skill"],
        )
        .join(batch.agent_channels, on=["agent_id", "channel"])
    )
    assert 0.045 < len(able) / (1000 * 200) < 0.075
    is_language = batch.agent_skills["skill"].str.starts_with("language:")
    assert batch.agent_skills.filter(is_language)["skill"].n_unique() == 6
    assert batch.agent_skills.filter(~is_language)["skill"].n_unique() == 24
    owned = batch.customers["owner_agent_id"].is_not_null().mean()
    assert 0.25 < owned < 0.35  # type: ignore[operator]
    value = batch.customers["value"]
    assert float(value.mean()) > 2 * float(value.median())  # type: ignore[arg-type]
    assert batch.contacts["channel"].n_unique() == 5
    shared = batch.contacts["conversation_id"].is_duplicated().mean()
    assert 0.005 < shared < 0.05  # type: ignore[operator]


def test_agents_of_a_batch_have_one_to_four_free_slots() -> None:
    """Room in messages of the units not used, and in items not held, per serving agent."""
    batch = generate_batch(1, 10, 300, TUESDAY)
    held = batch.agent_load.group_by("agent_id").agg(held=pl.len(), used=pl.col("units").sum())
    items = batch.agent_channels.group_by("agent_id").agg(pl.col("max_items").max())
    free = (
        batch.agents.join(items, on="agent_id")
        .join(held, on="agent_id", how="left")
        .select(
            slots=pl.col("max_items") - pl.col("held").fill_null(0),
            units=pl.col("capacity_units") - pl.col("used").fill_null(0.0),
        )
    )
    assert set(free["slots"]) == {1, 2, 3, 4}
    assert free["units"].min() >= 33  # type: ignore[operator]


def test_the_same_seed_gives_the_same_batch() -> None:
    """Equal arguments, equal tables."""
    first, again = (generate_batch(9, 200, 50, TUESDAY) for _ in range(2))
    for table in INPUT_TABLES:
        assert_frame_equal(getattr(first, table.name), getattr(again, table.name))
