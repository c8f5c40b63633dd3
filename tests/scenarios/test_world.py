"""The world of a run keeps its books, tells only what a platform knows, and believes little."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_io.source import Snapshot, Source
from data_io.validate import validate
from models.policy import Policy
from models.tables import (
    AGENT_CHANNELS,
    AGENT_SKILLS,
    AGENTS,
    INPUT_TABLES,
    QUEUES,
    InputTables,
)
from scenarios.centre import ARRIVALS_SCHEMA, BREAKS_SCHEMA, Centre, CentreSize
from scenarios.fates import (
    ANSWERED,
    ENDED,
    NEVER,
    PARKED,
    RETURNED,
    WRAPPED,
    Fates,
    draw_fates,
    timeline,
)
from scenarios.generate import generate_centre
from scenarios.world import World

NOON = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)
POLICY = Policy()
CENTRE = generate_centre(
    2, CentreSize(num_agents=25, duration=timedelta(minutes=10)), NOON + timedelta(hours=2)
)


def _world_of(centre: Centre, seed: int = 0) -> World:
    return World(
        centre.tables,
        centre.arrivals,
        centre.arrival_skills,
        POLICY,
        seed,
        start_at=centre.start_at,
        breaks=centre.breaks,
    )


def _tiny(
    arrivals: Sequence[Mapping[str, object]],
    agents: Sequence[Mapping[str, object]] = ({"agent_id": "ada"},),
    *,
    breaks: pl.DataFrame | None = None,
    skills: pl.DataFrame | None = None,
) -> World:
    """A voice queue at noon; agents work 8:00 to 16:00 unless said otherwise."""
    day = {
        "presence": "available",
        "site": "here",
        "time_zone": "UTC",
        "shift_start_at": NOON - timedelta(hours=4),
        "shift_end_at": NOON + timedelta(hours=4),
        "capacity_units": 100.0,
        "version": 1,
    }
    call = {"conversation_id": "talk", "queue_id": "line", "channel": "voice", "version": 1}
    people = pl.DataFrame([{**day, **agent} for agent in agents], schema=AGENTS.schema())
    tables = InputTables(
        queues=pl.DataFrame([{"queue_id": "line"}], schema=QUEUES.schema()),
        agents=people,
        agent_channels=people.select(
            "agent_id", channel=pl.lit("voice"), max_items=pl.lit(1, pl.Int64)
        ).match_to_schema(AGENT_CHANNELS.schema()),
        agent_skills=pl.DataFrame(
            [("ada", "billing", 9)], schema=AGENT_SKILLS.schema(), orient="row"
        ),
    )
    waiting = pl.DataFrame([{**call, **row} for row in arrivals], schema=ARRIVALS_SCHEMA)
    return World(tables, waiting, skills, POLICY, 0, start_at=NOON, breaks=breaks)


def _call(
    contact_id: str, after_s: float, patience_s: float, handle_s: float
) -> dict[str, object]:
    entered = NOON + timedelta(seconds=after_s)
    return {
        "contact_id": contact_id,
        "entered_at": entered,
        "patience_s": patience_s,
        "handle_s": handle_s,
    }


def _offer(*pairs: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [(contact, agent, "offered", 100.0) for contact, agent in pairs],
        schema={
            "contact_id": pl.String,
            "agent_id": pl.String,
            "event": pl.String,
            "units": pl.Float64,
        },
        orient="row",
    )


def _tables(snapshot: Snapshot) -> InputTables:
    assert snapshot.tables is not None
    return snapshot.tables


def _some_work(tables: InputTables, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """Random waiting contacts for random available agents who have a lane and units left."""
    contacts, agents, load = tables.contacts, tables.agents, tables.agent_load
    assert contacts is not None
    assert agents is not None
    assert load is not None
    assert tables.agent_channels is not None
    units = {channel.value: POLICY.channels[channel].units for channel in POLICY.channels}
    parked = pl.col("state") == "parked"
    held = load.group_by("agent_id").agg(
        used=pl.col("units").sum(), whole=(pl.col("units") >= 100).any()
    )
    lanes = load.filter(~parked).group_by("agent_id", "channel").agg(num=pl.len())
    free = (
        agents.filter(pl.col("presence") == "available")
        .join(held, on="agent_id", how="left")
        .filter(~pl.col("whole").fill_null(value=False))
        .join(tables.agent_channels, on="agent_id")
        .join(lanes, on=["agent_id", "channel"], how="left")
        .with_columns(
            units=pl.col("channel").replace_strict(units, return_dtype=pl.Float64),
            left=pl.col("capacity_units") - pl.col("used").fill_null(0.0),
        )
        .filter(pl.col("num").fill_null(0) < pl.col("max_items"))
        .filter(pl.col("units") <= pl.col("left"))
        .select("agent_id", "channel", "units")
    )
    pairs = contacts.select("contact_id", "channel").join(free, on="channel")
    chosen = pairs[rng.permutation(len(pairs))].unique(
        "contact_id", keep="first", maintain_order=True
    )
    chosen = chosen.unique("agent_id", keep="first", maintain_order=True)
    return chosen[: round(share * len(chosen))].with_columns(event=pl.lit("offered"))


def _run(
    world: World, centre: Centre, share: float, seed: int, step_s: int = 5
) -> list[InputTables]:
    """Snapshots of a run in which a random share of what could be assigned is."""
    rng = np.random.default_rng(seed)
    seen, now = [], centre.start_at
    while now <= centre.end_at:
        tables = _tables(world.read(now))
        seen.append(tables)
        world.accept(_some_work(tables, share, rng))
        now += timedelta(seconds=step_s)
    return seen


def test_a_world_is_a_source() -> None:
    """The job can read it like any platform."""
    source: Source = _world_of(CENTRE)
    assert source.read(CENTRE.start_at) is not None


@settings(max_examples=12, deadline=None)
@given(
    share=st.floats(0, 1),
    seed=st.integers(0, 1000),
    steps=st.lists(st.integers(0, 90), max_size=25),
)
def test_every_contact_is_somewhere(share: float, seed: int, steps: list[int]) -> None:
    """Arrived = waiting + in service + handled + abandoned, at every step, whatever is assigned.

    And the snapshot shows the waiting and the held ones, the events all of them.
    """
    world, rng, now = _world_of(CENTRE, seed), np.random.default_rng(seed), CENTRE.start_at
    for step in (0, *steps):
        now += timedelta(seconds=step)
        tables = _tables(world.read(now))
        assert tables.contacts is not None
        assert tables.agent_load is not None
        census = world.census()
        arrived = CENTRE.arrivals.filter(pl.col("entered_at") <= now)
        assert census.arrived == len(arrived)
        assert census.waiting == len(tables.contacts)
        assert census.in_service == len(tables.agent_load)
        parts = census.waiting + census.in_service + census.handled + census.abandoned
        assert census.arrived == parts
        outcomes = world.events()["outcome"]
        assert (outcomes == "waiting").sum() == census.waiting
        assert (outcomes == "abandoned").sum() == census.abandoned
        assert (outcomes == "answered").sum() == census.in_service + census.handled
        work = _some_work(tables, share, rng)
        assert world.accept(work).started == len(work)
        assert world.census().in_service == census.in_service + len(work)


def test_no_row_of_a_run_is_rejected_and_no_agent_holds_more_than_given() -> None:
    """Snapshots follow the contracts, and lanes fill only by assignment."""
    for now_s, tables in enumerate(_run(_world_of(CENTRE), CENTRE, 1.0, 1, step_s=30)):
        now = CENTRE.start_at + timedelta(seconds=30 * now_s)
        assert validate(tables, now).rejects.rows() == []
        for table in INPUT_TABLES:
            frame = tables.frame(table)
            assert frame is None or frame.schema == table.schema()
        assert tables.agent_load is not None
        assert tables.agent_channels is not None
        lanes = tables.agent_load.filter(pl.col("state") != "parked").group_by(
            "agent_id", "channel"
        )
        full = lanes.agg(num=pl.len()).join(
            tables.agent_channels, on=["agent_id", "channel"], how="left"
        )
        # A parked conversation that returns may find its lane taken: it is never thrown out.
        returning = full["channel"].is_in(["messaging", "social"])
        assert full.filter(~returning)["max_items"].null_count() == 0
        assert (full.filter(~returning)["num"] <= full.filter(~returning)["max_items"]).all()


def test_versions_rise_with_every_change() -> None:
    """Same version, same contact and same agent with the same load; versions never fall."""
    seen = _run(_world_of(CENTRE), CENTRE, 0.8, 3)
    loads = []
    for tables in seen:
        assert tables.agent_load is not None
        assert tables.agents is not None
        held = (
            tables.agent_load.sort("contact_id")
            .group_by("agent_id")
            .agg(load=pl.format("{}:{}", "contact_id", "state").str.join(","))
        )
        loads.append(
            tables.agents.join(held, on="agent_id", how="left").select(
                "agent_id",
                "version",
                state=pl.format("{} {}", "presence", pl.col("load").fill_null("")),
            )
        )
    agents = pl.concat(loads)
    assert (
        agents.group_by("agent_id", "version").agg(pl.col("state").n_unique())["state"].max() == 1
    )
    assert agents["version"].max() > 5  # type: ignore[operator]
    steps = agents.select(step=pl.col("version").diff().over("agent_id").fill_null(0))
    assert (steps["step"] >= 0).all()
    contacts = pl.concat([tables.contacts for tables in seen if tables.contacts is not None])
    assert contacts.unique().select("contact_id", "version").is_duplicated().sum() == 0
    assert (contacts["version"] > 1).any()


def test_a_snapshot_stays_as_it_was() -> None:
    """What was read is frozen, whatever the world does next."""
    world = _world_of(CENTRE)
    tables = _tables(world.read(CENTRE.start_at))
    given = [table for table in INPUT_TABLES if tables.frame(table) is not None]
    assert len(given) > 8
    kept = {
        table.name: pl.DataFrame(
            getattr(tables, table.name).to_dict(as_series=False), schema=table.schema()
        )
        for table in given
    }
    world.accept(_some_work(tables, 1.0, np.random.default_rng(0)))
    world.advance(CENTRE.end_at)
    for name, frame in kept.items():
        assert_frame_equal(getattr(tables, name), frame)


def test_the_same_seed_gives_the_same_run_and_rows_may_come_in_any_order() -> None:
    """Nothing depends on the order of assignment rows or on earlier worlds."""
    runs = []
    for backwards in (False, True):
        world, rng = _world_of(CENTRE, 7), np.random.default_rng(7)
        for step in range(40):
            tables = _tables(world.read(CENTRE.start_at + timedelta(seconds=10 * step)))
            work = _some_work(tables, 0.9, rng)
            world.accept(work.reverse() if backwards else work)
        runs.append(world.events())
    assert_frame_equal(*runs)


def test_time_may_pass_in_steps_of_any_size() -> None:
    """One jump of ten minutes and many of one second end in the same place."""
    worlds = [_world_of(CENTRE, 4), _world_of(CENTRE, 4)]
    for world in worlds:
        tables = _tables(world.read(CENTRE.start_at))
        world.accept(_some_work(tables, 1.0, np.random.default_rng(4)))
    for second in range(1, 600):
        worlds[0].advance(CENTRE.start_at + timedelta(seconds=second))
    last = [_tables(world.read(CENTRE.start_at + timedelta(seconds=600))) for world in worlds]
    assert_frame_equal(worlds[0].events(), worlds[1].events())
    assert last[0].agent_load is not None
    assert last[1].agent_load is not None
    assert_frame_equal(last[0].agent_load, last[1].agent_load)


def test_a_call_is_answered_handled_and_wrapped_up() -> None:
    """Ringing, talking, wrap-up, free again; the expected end is started + mean, not the truth."""
    world = _tiny([_call("one", 0, 60, 100)])
    world.read(NOON)
    assert world.accept(_offer(("one", "ada"))).started == 1
    # Answered within 4 s; 90 s of talk and 10 s of wrap-up (handle 100 s at level 5, alone).
    expected = [
        (0, "offered", "available"),
        (10, "active", "available"),
        (97, "wrap_up", "wrap_up"),
    ]
    for after_s, state, presence in expected:
        tables = _tables(world.read(NOON + timedelta(seconds=after_s)))
        assert tables.agent_load is not None
        assert tables.agents is not None
        row = tables.agent_load.row(0, named=True)
        assert (row["state"], tables.agents["presence"][0]) == (state, presence)
        assert row["started_at"] == NOON
        assert row["expected_end_at"] == NOON + timedelta(seconds=300)  # the channel's mean
    tables = _tables(world.read(NOON + timedelta(seconds=105)))
    assert tables.agent_load is not None
    assert tables.agents is not None
    assert len(tables.agent_load) == 0
    assert tables.agents["presence"][0] == "available"
    assert tables.agents["idle_since"][0] == NOON
    event = world.events().row(0, named=True)
    assert event["outcome"] == "answered"
    assert event["target_answer_s"] == 20.0
    assert event["ended_at"] - event["answered_at"] == timedelta(seconds=90)
    assert timedelta(seconds=1) <= event["answered_at"] - NOON <= timedelta(seconds=4)


def test_a_customer_leaves_when_patience_is_over() -> None:
    """Waiting at 59 s, gone at 60 s; an assignment that comes too late is counted, not begun."""
    world = _tiny([_call("one", 0, 60, 100)])
    world.advance(NOON + timedelta(seconds=59))
    assert world.census().waiting == 1
    world.advance(NOON + timedelta(seconds=60))
    assert world.census().abandoned == 1
    told = world.accept(_offer(("one", "ada")))
    assert (told.started, told.customer_gone) == (0, 1)
    event = world.events().row(0, named=True)
    assert (event["outcome"], event["answered_at"]) == ("abandoned", None)
    assert event["ended_at"] == NOON + timedelta(seconds=60)


def test_presence_follows_shift_break_and_unfinished_work() -> None:
    """Offline before and after the shift, busy while a call outlasts it, away in a break."""
    breaks = pl.DataFrame(
        [("ada", NOON + timedelta(seconds=100), NOON + timedelta(seconds=200))],
        schema=BREAKS_SCHEMA,
        orient="row",
    )
    shift = {
        "agent_id": "ada",
        "shift_start_at": NOON + timedelta(seconds=50),
        "shift_end_at": NOON + timedelta(seconds=300),
    }
    world = _tiny([_call("one", 0, 900, 100)], [shift], breaks=breaks)
    expected = [(0, "offline"), (50, "available"), (100, "away"), (200, "available")]
    expected += [(300, "busy"), (396, "offline")]
    versions = []
    for after_s, presence in expected:
        if after_s == 300:
            world.advance(NOON + timedelta(seconds=290))
            assert world.accept(_offer(("one", "ada"))).started == 1
        tables = _tables(world.read(NOON + timedelta(seconds=after_s)))
        assert tables.agents is not None
        assert tables.agents["presence"][0] == presence
        versions.append(tables.agents["version"][0])
    assert versions == sorted(set(versions))


def test_an_agent_who_went_away_starts_nothing() -> None:
    """Between snapshot and commit an agent may leave: the contact waits on, and it is counted."""
    gone = {"agent_id": "bob", "shift_end_at": NOON + timedelta(seconds=1)}
    world = _tiny([_call("one", 0, 60, 100)], [{"agent_id": "ada"}, gone])
    world.advance(NOON + timedelta(seconds=5))
    told = world.accept(_offer(("one", "bob")))
    assert (told.started, told.agent_gone) == (0, 1)
    assert world.census().waiting == 1
    assert world.accept(_offer(("one", "ada"))).started == 1


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("one", "eve")], "1 rows name a agent_id that never was, first \\['eve'\\]"),
        ([("nine", "ada")], "1 rows name a contact_id that never was, first \\['nine'\\]"),
        ([("late", "ada")], "1 rows give out contacts that have not come yet"),
        ([("one", "ada"), ("one", "bob")], "2 rows give out contacts"),
        ([("one", "ada"), ("one", "ada")], "2 rows give out contacts"),
    ],
)
def test_what_cannot_be_is_an_error(pairs: list[tuple[str, str]], message: str) -> None:
    """Unknown ids, contacts of the future and doubled contacts are bugs of the router."""
    people = [{"agent_id": "ada"}, {"agent_id": "bob"}]
    world = _tiny([_call("one", 0, 60, 100), _call("late", 30, 60, 100)], people)
    with pytest.raises(ValueError, match=message):
        world.accept(_offer(*pairs))


def test_a_contact_cannot_get_a_second_agent_but_may_be_told_twice() -> None:
    """The same row again changes nothing, even after the end; another agent is an error."""
    people = [{"agent_id": "ada"}, {"agent_id": "bob"}]
    world = _tiny([_call("one", 0, 60, 100)], people)
    world.accept(_offer(("one", "ada")))
    before = world.events()
    for after_s in (0, 500):
        world.advance(NOON + timedelta(seconds=after_s))
        assert world.accept(_offer(("one", "ada"))).repeated == 1
        with pytest.raises(ValueError, match="or that have another agent, first \\['one'\\]"):
            world.accept(_offer(("one", "bob")))
    assert world.events()["agent_id"].to_list() == before["agent_id"].to_list()


def test_only_offers_begin_work() -> None:
    """Rows that tell of later events of an assignment are news to nobody here."""
    world = _tiny([_call("one", 0, 60, 100)])
    told = world.accept(_offer(("one", "ada")).with_columns(event=pl.lit("rescinded")))
    assert told.started == 0
    assert world.census().waiting == 1


def test_handling_takes_longer_beside_others_and_shorter_in_skilled_hands() -> None:
    """handle x (1 + 0.25 (n - 1)) x (1 - 0.02 (level - 5)), in talk and wrap-up of 9 : 1."""
    fates = Fates(
        patience_us=np.array([1, 1]),
        handle_us=np.array([100_000_000, 100_000_000]),
        answer_us=np.array([2_000_000, 2_000_000]),
        talk_before_pause=np.array([0.5, 0.5]),
        pause_us=np.array([0, 60_000_000]),
    )
    life = timeline(
        fates,
        np.array([0, 1]),
        np.array([0, 0]),
        num_active=np.array([3, 1]),
        level=np.array([10.0, 5.0]),
    )
    # 100 s x (1 + 0.25 x 2) x (1 - 0.02 x 5) = 135 s: 121.5 s of talk after 2 s of ringing.
    busy = {
        ANSWERED: 2.0,
        PARKED: NEVER / 1e6,
        RETURNED: NEVER / 1e6,
        ENDED: 123.5,
        WRAPPED: 137.0,
    }
    # 100 s: 90 s of talk, a pause of 60 s after half of it.
    paused = {ANSWERED: 2.0, PARKED: 47.0, RETURNED: 107.0, ENDED: 152.0, WRAPPED: 162.0}
    for row, expected in enumerate((busy, paused)):
        for milestone, seconds in expected.items():
            assert life[row, milestone] / 1e6 == pytest.approx(seconds, abs=1e-5)


def test_skills_of_the_agent_shorten_the_call() -> None:
    """Ada has billing at 9: 100 s x (1 - 0.02 x 4) = 92 s, of which 82.8 s are talk."""
    needs = pl.DataFrame({"contact_id": ["one"], "skill": ["billing"], "min_proficiency": [3]})
    world = _tiny([_call("one", 0, 60, 100)], skills=needs)
    tables = _tables(world.read(NOON))
    assert tables.contact_skills is not None
    assert tables.contact_skills.rows() == [("one", "billing", 3, None)]
    world.accept(_offer(("one", "ada")))
    world.advance(NOON + timedelta(seconds=200))
    event = world.events().row(0, named=True)
    assert (event["ended_at"] - event["answered_at"]).total_seconds() == pytest.approx(82.8)


def test_a_kept_waiting_customer_loses_mood_once() -> None:
    """After the target of 20 s the mood falls by 0.3 and the version rises, once."""
    call = _call("one", 0, 600, 100) | {"sentiment": 0.1}
    world = _tiny([call, _call("two", 0, 600, 100)])
    seen = []
    for after_s in (19, 20, 300):
        tables = _tables(world.read(NOON + timedelta(seconds=after_s)))
        assert tables.contacts is not None
        seen.append(tables.contacts.select("sentiment", "version").rows())
    assert seen[0] == [(0.1, 1), (None, 1)]
    assert seen[1] == [(pytest.approx(-0.2), 2), (None, 1)]
    assert seen[2] == seen[1]


def test_unknown_truth_is_drawn_from_the_policy() -> None:
    """Null patience is exponential, null handling lognormal, with the channel's means."""
    count = 4000
    rows = [_call(f"{number:05d}", 0, 0, 0) for number in range(count)]
    unknown = [row | {"patience_s": None, "handle_s": None} for row in rows]
    world = _tiny(unknown)
    # Mean patience of voice 240 s: a share exp(-120 / 240) = 0.607 still waits after 120 s, give
    # or take 0.008 (one standard deviation); five of them are allowed.
    world.advance(NOON + timedelta(seconds=120))
    assert world.census().waiting / count == pytest.approx(0.607, abs=0.04)
    # Mean handling time of voice 300 s; lognormal of sigma 0.6 has a standard deviation of
    # 300 x sqrt(exp(0.36) - 1) = 197 s, so the mean of 4,000 one of 3.1 s; five are allowed.
    arrivals = pl.DataFrame({"channel": ["voice"] * count}).with_columns(
        patience_s=pl.lit(None, pl.Float64), handle_s=pl.lit(None, pl.Float64)
    )
    fates = draw_fates(arrivals, POLICY, 0)
    assert fates.handle_us.mean() / 1e6 == pytest.approx(300.0, abs=16.0)


def test_skills_may_come_as_columns_of_the_arrivals() -> None:
    """Logs with one required skill per contact need no second frame; null is no requirement."""
    arrivals = pl.DataFrame(
        [
            _call("one", 0, 60, 100) | {"conversation_id": "a", "queue_id": "line"},
            _call("two", 0, 60, 100) | {"conversation_id": "b", "queue_id": "line"},
        ],
        schema=ARRIVALS_SCHEMA,
    ).with_columns(
        channel=pl.lit("voice"),
        version=pl.lit(1, pl.Int64),
        required_skill=pl.Series(["billing", None]),
        min_proficiency=pl.Series([4, None]),
    )
    people = _tables(_tiny([]).read(NOON))
    world = World(people, arrivals, None, POLICY, 0, start_at=NOON)
    tables = _tables(world.read(NOON))
    assert tables.contact_skills is not None
    assert tables.contact_skills.rows() == [("one", "billing", 4, None)]


def test_time_does_not_go_back() -> None:
    """A world that was read at noon cannot be read before."""
    world = _tiny([])
    with pytest.raises(ValueError, match="expected no earlier instant"):
        world.advance(NOON - timedelta(seconds=1))


def test_rows_that_do_not_fit_together_are_refused() -> None:
    """Repeated contacts and breaks of strangers are errors of whoever built the world."""
    with pytest.raises(ValueError, match="a contact_id repeats"):
        _tiny([_call("one", 0, 60, 100), _call("one", 5, 60, 100)])
    breaks = pl.DataFrame([("eve", NOON, NOON)], schema=BREAKS_SCHEMA, orient="row")
    with pytest.raises(ValueError, match="1 rows name no agent, first \\['eve'\\]"):
        _tiny([], breaks=breaks)


def test_the_demo_is_busy() -> None:
    """With random work conservingly handed out, people wait, some leave, most are answered."""
    centre = generate_centre(1, CentreSize(), NOON + timedelta(hours=2))
    world = _world_of(centre)
    seen = _run(world, centre, 1.0, 1)
    occupied = []
    for tables in seen:
        assert tables.agents is not None
        assert tables.agent_load is not None
        present = tables.agents.filter(pl.col("presence").is_in(["available", "wrap_up"]))
        holds = present["agent_id"].is_in(tables.agent_load["agent_id"].implode())
        occupied.append(holds.mean())
    assert 0.8 < np.mean(np.array(occupied, dtype=float)) < 0.98
    new = world.events().filter(pl.col("entered_at") >= centre.start_at)
    abandoned = (new["outcome"] == "abandoned").mean()
    assert 0.0 < abandoned < 0.15  # type: ignore[operator]
    assert (new["outcome"] == "answered").mean() > 0.8  # type: ignore[operator]
