"""The price job beside a job that ticks: two sides of one desk, neither of which waits."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data_io import price_desk
from data_io.lease import LeaseTakenError, is_held
from data_io.price_desk import PriceDesk, PriceDeskError
from data_io.quarantine import no_rejects
from data_io.store import Store
from jobs import price_runner, tick
from jobs.clock import SimulatedClock
from jobs.config import Config, StoreConfig
from jobs.price import make_prices
from jobs.price_beside import ask_again, ask_store, take_answer
from jobs.price_runner import answer_questions
from jobs.price_settings import PriceConfig
from jobs.runner import run
from jobs.tick import TickJob, run_tick
from models.policy import Policy
from models.tables import SCHEMA_VERSION, InputTables
from scenarios.centre import CentreSize
from scenarios.generate import generate_centre
from scenarios.live import LiveWorld, world_of_centre
from solver.solve import solve
from tests.jobs.commands import call, call_json, refused

START = datetime(2026, 11, 3, 14, tzinfo=UTC)
TICK = timedelta(seconds=5)
NEVER = threading.Event()


@pytest.fixture
def job(tmp_path: Path) -> Iterator[TickJob]:
    """A centre of ten agents before its first tick."""
    centre = generate_centre(3, CentreSize(num_agents=10, duration=timedelta(minutes=1)), START)
    config = Config(
        store=StoreConfig(home=tmp_path), prices=PriceConfig(scenarios=1, guards=False)
    )
    live = LiveWorld(world_of_centre(centre, config.policy, 3))
    with Store.open(config.store.database, "test", START) as store:
        yield TickJob(config, store, live, solve)


def desk_of(job: TickJob) -> PriceDesk:
    return PriceDesk(job.config.store.pricing)


def test_a_tick_asks_the_job_answers_the_next_tick_uses_it(job: TickJob) -> None:
    """The answer is of the instant of the question, and is in the store once."""
    with_seat = desk_of(job).take_seat("test", START)
    first = run_tick(job, START)
    assert first.report.priced_at is None
    assert desk_of(job).asked_at() == START
    with_seat.release()
    answered = answer_questions(job.config, SimulatedClock(START), NEVER, most=1)
    assert (answered.num_runs, answered.num_failed) == (1, 0)
    assert desk_of(job).made_at() == START
    second = run_tick(job, START + TICK)
    assert second.report.priced_at == START
    take_answer(job.store, job.config, START + TICK)
    assert job.store.prices.runs_after(None).height == 1


def test_asking_is_a_stage_of_the_tick(job: TickJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report says how long it took, after all that it took to publish."""

    def slow(*_: object) -> None:
        time.sleep(0.05)

    monkeypatch.setattr(tick, "ask_again", slow)
    seconds = run_tick(job, START).report.seconds
    assert tuple(seconds)[-2:] == ("publish", "ask")
    assert seconds["ask"] >= 0.05


def test_nobody_there_is_asked(job: TickJob) -> None:
    """Ticks without a price job write nothing for one."""
    run_tick(job, START)
    assert desk_of(job).asked_at() is None
    assert not job.config.store.pricing.exists()


def test_ticks_ask_again_only_when_prices_are_due(job: TickJob) -> None:
    """Prices of the first tick are good for 20 s: the fifth asks again, not the second."""
    seat = desk_of(job).take_seat("test", START)
    run_tick(job, START)
    seat.release()
    answer_questions(job.config, SimulatedClock(START), NEVER, most=1)
    seat = desk_of(job).take_seat("test", START)
    clock = SimulatedClock(START)
    run(job, clock, TICK, NEVER, until=START + 3 * TICK)
    assert desk_of(job).asked_at() == START
    run(job, clock, TICK, NEVER, until=START + 4 * TICK)
    assert desk_of(job).asked_at() == START + 4 * TICK
    seat.release()


def test_prices_of_a_later_instant_keep_no_tick_from_asking(job: TickJob) -> None:
    """Whatever put them into the store: prices of next week are not the newest of today."""
    seat = desk_of(job).take_seat("test", START)
    run_tick(job, START)
    later = START + timedelta(days=7)
    question = ask_store(job.store, later, job.config.prices)
    made = make_prices(question, Policy(), job.config.prices)
    assert job.store.prices.take(made, later)
    assert run_tick(job, START + TICK).report.priced_at is None
    assert desk_of(job).asked_at() == START + TICK
    seat.release()


def test_a_question_is_answered_once(job: TickJob) -> None:
    """A job that starts again, or looks again, does not make the same prices twice."""
    seat = desk_of(job).take_seat("test", START)
    run_tick(job, START)
    seat.release()
    until = START + timedelta(seconds=5)
    for expected in (1, 0):
        summary = answer_questions(job.config, SimulatedClock(START), NEVER, until=until)
        assert summary.num_runs == expected


def test_a_question_of_an_earlier_instant_is_answered(job: TickJob) -> None:
    """A new store in an old home, or a clock set back: the answer that lies there is of a later
    instant, which stops neither side.
    """
    seat = desk_of(job).take_seat("test", START)
    run_tick(job, START)
    question = ask_store(job.store, START + 3 * TICK, job.config.prices)
    desk_of(job).answer(make_prices(question, Policy(), job.config.prices))
    seat.release()
    assert desk_of(job).made_at() == START + 3 * TICK
    take_answer(job.store, job.config, START + TICK)
    assert job.store.prices.runs_after(None).is_empty()
    until = START + timedelta(seconds=1)
    assert answer_questions(job.config, SimulatedClock(START), NEVER, until=until).num_runs == 1
    assert run_tick(job, START + TICK).report.priced_at == START


def test_one_job_at_a_time_answers(job: TickJob) -> None:
    """The second is refused with the name of the first; a seat that was left is free."""
    seat = desk_of(job).take_seat("test", START)
    with pytest.raises(LeaseTakenError, match=r"already written by .*test"):
        answer_questions(job.config, SimulatedClock(START), NEVER, most=1)
    seat.release()
    assert not desk_of(job).is_manned()


def test_a_seat_whose_holder_was_killed_is_empty(tmp_path: Path) -> None:
    """Its file still names a process, which is no more."""
    (tmp_path / "desk.lease").write_text('{"holder": "x", "pid": 99999999, "host": "elsewhere"}')
    assert is_held(tmp_path / "desk")  # nobody here can tell
    desk = PriceDesk(tmp_path)
    seat = desk.take_seat("test", START)
    text = (tmp_path / "desk.lease").read_text()
    assert desk.is_manned()
    seat.release()
    own = text.partition('"pid": ')[2].partition(",")[0]
    # Above the most that the kernel gives.
    (tmp_path / "desk.lease").write_text(text.replace(own, "2147483647"))
    assert not desk.is_manned()


def test_a_broken_answer_stops_no_tick(job: TickJob, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the tick goes on without prices; so is a question that cannot be put."""
    folder = job.config.store.pricing
    folder.mkdir(parents=True)
    (folder / "made.zip").write_bytes(b"half a file")
    with pytest.raises(PriceDeskError, match="run the same release"):
        PriceDesk(folder).read_answer()
    with caplog.at_level(logging.WARNING):
        outcome = run_tick(job, START)
    assert outcome.plan is not None
    assert outcome.report.priced_at is None
    assert "the answer was dropped" in caplog.text
    assert not (folder / "made.zip").exists()
    seat = desk_of(job).take_seat("test", START)
    (folder / "asked.zip").mkdir()
    with caplog.at_level(logging.ERROR):
        ask_again(job.store, job.config, START)
    assert "nothing was asked" in caplog.text
    seat.release()


def test_files_of_another_release_are_as_if_there_were_none(
    job: TickJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After an upgrade both files are of the old one: the job keeps its seat and says so once of
    each, the tick drops the answer, asks again, and has prices at the next one.
    """
    seat = desk_of(job).take_seat("test", START)
    with monkeypatch.context() as old:
        old.setattr(price_desk, "SCHEMA_VERSION", SCHEMA_VERSION - 1)
        run_tick(job, START)
        made = make_prices(
            ask_store(job.store, START, job.config.prices), Policy(), job.config.prices
        )
        desk_of(job).answer(made)
    seat.release()
    until = START + timedelta(seconds=3)
    with caplog.at_level(logging.WARNING):
        summary = answer_questions(job.config, SimulatedClock(START), NEVER, until=until)
    assert (summary.num_runs, summary.num_failed) == (0, 0)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    caplog.clear()
    seat = desk_of(job).take_seat("test", START)
    for place in (1, 2):
        assert run_tick(job, START + place * TICK).report.priced_at is None
    assert caplog.text.count("the answer was dropped") == 1
    seat.release()
    assert answer_questions(job.config, SimulatedClock(START), NEVER, most=1).num_runs == 1
    assert run_tick(job, START + 3 * TICK).report.priced_at == START + 2 * TICK


@pytest.mark.parametrize("content", [b"", b"half a file", b"PK"])
def test_a_question_that_cannot_be_read_ends_no_job(job: TickJob, content: bytes) -> None:
    """It is as if nothing were asked."""
    folder = job.config.store.pricing
    folder.mkdir(parents=True)
    for name in ("asked.zip", "made.zip"):
        (folder / name).write_bytes(content)
    summary = answer_questions(job.config, SimulatedClock(START), NEVER, until=START)
    assert (summary.num_runs, summary.num_failed) == (0, 0)


def test_a_run_that_fails_is_not_the_last(
    job: TickJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged and counted, and not tried again: the next question is another."""
    seat = desk_of(job).take_seat("test", START)
    run_tick(job, START)
    seat.release()

    def fail(*_: object) -> None:
        raise ValueError("no prices today")

    monkeypatch.setattr(price_runner, "make_prices", fail)
    until = START + timedelta(seconds=3)
    with caplog.at_level(logging.ERROR):
        summary = answer_questions(job.config, SimulatedClock(START), NEVER, until=until)
    assert (summary.num_runs, summary.num_failed) == (0, 1)
    assert "no prices today" in caplog.text


def test_prices_of_the_source_go_first(job: TickJob) -> None:
    """A platform that knows better gives its own rows: those of the job are not used."""
    seat = desk_of(job).take_seat("test", START)
    run_tick(job, START)
    seat.release()
    answer_questions(job.config, SimulatedClock(START), NEVER, most=1)
    take_answer(job.store, job.config, START)
    assert job.store.prices.usable_at(START, timedelta(hours=1)) == START
    given = job.store.read_batch(START, START, prices_of=START).agent_prices
    job.store.replace_current(InputTables(agent_prices=given), no_rejects(), START + TICK)
    assert job.store.prices.usable_at(START + TICK, timedelta(hours=1)) is None
    batch = job.store.read_batch(START + TICK, START + TICK)
    assert batch.agent_prices.equals(given.sort("agent_id"))


def test_the_command_works_on_a_store_that_nobody_ticks(job: TickJob) -> None:
    """`price --once` writes and publishes; asked again for the same instant, it says so."""
    home = job.config.store.home
    run_tick(job, START)
    job.store.close()
    made = call_json("price", "--once", "--home", home)
    assert made["priced_at"] == START.isoformat()
    assert made["num_agents"] == 10
    assert call_json("price", "--once", "--home", home)["already_made"]
    assert call_json("prices", "--home", home)["run"]["priced_at"] == START.isoformat()
    assert "of this instant" in call("price", "--once", "--home", home)


def test_the_command_answers_the_job_that_ticks(job: TickJob) -> None:
    """With the store in another's hands, `price --once` answers the question that lies there."""
    home = job.config.store.home
    seat = desk_of(job).take_seat("test", START)
    run_tick(job, START)
    seat.release()
    assert call_json_lines("price", "--once", "--home", home)[0]["priced_at"] == START.isoformat()
    assert run_tick(job, START + TICK).report.priced_at == START


def test_an_empty_home_is_told_to_tick(tmp_path: Path) -> None:
    """Both commands say the same, and name no file."""
    told = [refused(*words, "--home", tmp_path) for words in (("prices",), ("price", "--once"))]
    assert told[0] == told[1]
    assert "run `omniassign tick` first" in told[0]


def test_prices_of_the_future_are_refused(job: TickJob) -> None:
    """They would be the newest until then. Those of the past are made, and of the last tick."""
    home = job.config.store.home
    run_tick(job, START)
    job.store.close()
    later = (START + timedelta(days=1)).isoformat()
    told = refused("price", "--once", "--at", later, "--home", home)
    assert later in told
    assert f"expected no later than {START.isoformat()}" in told
    assert "leave --at out" in told
    made = call_json("price", "--once", "--at", START.isoformat(), "--home", home)
    assert made["priced_at"] == START.isoformat()


def call_json_lines(*words: object) -> list[dict[str, object]]:
    """Each line of what a command says to programs."""
    return [json.loads(line) for line in call(*words, "--json").splitlines()]


def test_shares_of_the_policy_are_charged(job: TickJob) -> None:
    """Without a share of the fast price, it is made, smoothed and kept, but nobody pays it."""
    none = replace(job.config.policy.prices, fast_share=0.0)
    config = replace(job.config, policy=Policy(prices=none))
    seat = desk_of(job).take_seat("test", START)
    run_tick(job, START)
    seat.release()
    answer_questions(config, SimulatedClock(START), NEVER, most=1)
    made = desk_of(job).read_answer()
    assert made is not None
    assert made.agent_price["fast_price"].sum() == 0
    assert made.agent_price["fast_made"].sum() > 0
