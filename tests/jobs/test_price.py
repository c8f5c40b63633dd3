"""Prices of agents' time from the store's own history, in the store, and in the next tick."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data_io.batch_files import read_batch_files
from data_io.price_store import MadePrices
from data_io.publish import read_published
from data_io.store import Store
from jobs.archive import replay
from jobs.clock import SimulatedClock
from jobs.config import Config, StoreConfig
from jobs.price import make_prices, run_price
from jobs.price_beside import ask_store
from jobs.runner import keep_house, run
from jobs.tick import TickJob
from jobs.tick_report import TickReport
from models.audit import audit, recount
from models.policy import Policy
from models.price_policy import PricePolicy
from scenarios.centre import CentreSize
from scenarios.generate import generate_centre
from scenarios.live import LiveWorld, world_of_centre
from solver.assign import assign
from solver.solve import solve
from tests.jobs.commands import call, call_json

START = datetime(2026, 11, 3, 14, tzinfo=UTC)
TICK = timedelta(seconds=5)
LAST = 32
"""Tick in which somebody gets an agent whose time has a price."""


class Played:
    """Some minutes of a generated centre, prices made after every fourth tick."""

    def __init__(self, home: Path, last: int = LAST) -> None:
        size = CentreSize(num_agents=20, duration=timedelta(minutes=3))
        centre = generate_centre(3, size, START)
        self.config = Config(store=StoreConfig(home=home))
        self.live = LiveWorld(world_of_centre(centre, self.config.policy, 3))
        self.store = Store.open(self.config.store.database, "test", START)
        self.archive = home / "archive"
        self.job = TickJob(self.config, self.store, self.live, solve, self.archive)
        self.reports: list[TickReport] = []
        self.made: list[MadePrices] = []
        run(
            self.job,
            SimulatedClock(START),
            TICK,
            threading.Event(),
            until=START + last * TICK,
            on_tick=self.after,
        )

    def after(self, report: TickReport) -> None:
        """What a platform does, and the price job."""
        self.live.take_published(self.config.store.published, report.tick_at)
        self.reports.append(report)
        if len(self.reports) % 4 == 1:
            made = run_price(self.store, self.config, report.tick_at)
            assert made is not None
            self.made.append(made)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """One for all laws that change nothing."""
    day = Played(tmp_path_factory.mktemp("priced"))
    yield day
    day.store.close()


def test_prices_appear_and_the_next_tick_uses_them(played: Played) -> None:
    """Each tick knows the newest run before it; those of a scarce centre are not all nothing."""
    assert len(played.reports) == LAST + 1
    for place, report in enumerate(played.reports):
        expected = None if place == 0 else START + TICK * (4 * ((place - 1) // 4))
        assert report.priced_at == expected
    last = played.made[-1]
    prices = last.agent_price.select("fast_price", "slow_price", "late_price").to_numpy()
    assert (prices >= 0).all()
    assert (prices > 0).any(axis=0).all()
    assert last.agent_price["agent_id"].n_unique() == 20
    assert last.agent_price["window_s"].n_unique() == 1


def test_the_slow_price_is_due_every_minute(played: Played) -> None:
    """Runs are 20 s apart: every third one makes it, and counts what guard-rails cost."""
    slow = [made.price_run["is_slow"].item() for made in played.made]
    assert slow == [place % 3 == 0 for place in range(len(slow))]
    for made in played.made:
        known = made.price_run["member_cost_per_h"].item() is not None
        assert known == made.price_run["is_slow"].item()


def test_charges_are_shares_of_the_prices_that_were_made(played: Played) -> None:
    """0.8 of the fast price, 0.3 of the slow one within the window, all of it after: by day,
    nothing fades.
    """
    rows = played.made[-1].agent_price
    assert rows["fast_price"].to_numpy() == pytest.approx(0.8 * rows["fast_made"].to_numpy())
    assert rows["slow_price"].to_numpy() == pytest.approx(0.3 * rows["slow_made"].to_numpy())
    assert rows["late_price"].to_numpy() == pytest.approx(rows["slow_made"].to_numpy())


def test_kept_batches_hold_the_prices_and_replay(played: Played) -> None:
    """The last tick, decided again from its files, is the same plan, and its audit is clean."""
    folder = max(played.archive.iterdir())
    batch, _, previous = read_batch_files(folder)
    newest = played.made[-2] if played.made[-1].priced_at == batch.now else played.made[-1]
    given = newest.agent_price.select(batch.agent_prices.columns).sort("agent_id")
    assert batch.agent_prices.equals(given)
    assert replay(folder, solve).identical
    policy = played.config.policy
    plan = assign(batch, policy, played.config.solver, previous, solver=solve)
    assert audit(plan, recount(batch, policy)) == ()
    charged = plan.explanations["agent_time"].drop_nulls()
    assert (charged < 0).any()


def test_commands_show_and_explain_prices(played: Played) -> None:
    """`prices`, `status` and `explain`, for people and programs."""
    home = played.config.store.home
    shown = call("prices", "--home", home)
    assert "money per hour" in shown
    assert "What guard-rails cost now" in shown
    found = call_json("prices", "--home", home)
    assert found["run"]["num_agents"] == 20
    by_skill = sum(row["num_agents"] for row in found["prices"])
    assert by_skill == 20  # every agent once, under what they can do
    assert "s old" in call("status", "--home", home)
    rows = read_published(home / "published").explanation
    dear = rows.filter(pl.col("agent_time") < -0.01)
    assert dear.height
    told = call_json("explain", dear["contact_id"][0], "--home", home)
    assert told["agent_time"] == dear["agent_time"][0]


def test_the_same_question_gives_the_same_prices(played: Played) -> None:
    """Sampling goes by the seed and the instant; a run again changes nothing in the store."""
    now = played.made[-1].priced_at
    assert run_price(played.store, played.config, now) is None
    assert not played.store.prices.take(played.made[-1], now)
    question = ask_store(played.store, now + TICK, played.config.prices)
    one, two = (make_prices(question, Policy(), played.config.prices) for _ in range(2))
    assert one.agent_price.equals(two.agent_price)
    assert one.queue_price.equals(two.queue_price)
    other = make_prices(question, Policy(), replace(played.config.prices, seed=1))
    assert not one.agent_price.equals(other.agent_price)


def test_visits_are_whoever_stopped_waiting(played: Played) -> None:
    """The world's own census of who was answered or gave up, beside what the store saw."""
    database = played.store._database
    visits = database._connection.sql("SELECT * FROM visit").pl()
    events = played.live.world.events()
    gone = visits.filter(~pl.col("is_served"))["contact_id"]
    gave_up = events.filter(pl.col("outcome") == "abandoned")["contact_id"]
    # Who came and left between two snapshots was never seen.
    assert set(gone) <= set(gave_up)
    assert len(gone) >= 0.5 * len(gave_up)
    served = visits.filter("is_served")
    answered = events.filter(pl.col("outcome") != "abandoned")["contact_id"]
    assert served.height > 10
    assert set(served["contact_id"]) <= set(answered)


def test_prices_too_old_are_not_used(played: Played, tmp_path: Path) -> None:
    """Ten minutes later the store has none for a tick; with a longer life it has. A tick before
    the newest run has the one before.
    """
    del tmp_path
    newest = played.made[-1].priced_at
    later = newest + timedelta(seconds=601)
    assert played.store.prices.usable_at(later, timedelta(seconds=600)) is None
    assert played.store.prices.usable_at(later, timedelta(seconds=602)) == newest
    before = played.made[-2].priced_at
    assert played.store.prices.usable_at(newest - TICK, timedelta(hours=1)) == before


def test_the_lever_answers_to_who_gives_up(played: Played) -> None:
    """Queues in which more than the ceiling left are worth more per head than queues where nobody
    did, whose worth stays at nothing.
    """
    rows = played.made[-1].queue_price
    quiet = rows.filter(pl.col("num_left") == 0)
    assert (quiet["head_worth"] == 0).all()
    share = pl.col("num_left") / pl.col("num_gone")
    busy = rows.filter((pl.col("num_left") > 0) & (share > 0.1))
    assert busy.height
    assert (busy["head_worth"] > 0).all()


def test_history_is_kept_for_as_long_as_settings_say(tmp_path: Path) -> None:
    """Prices of single agents go after `keep_h`, those by skills and visits after `history_days`;
    the newest run stays.
    """
    day = Played(tmp_path, last=12)
    database = day.store._database

    def counts() -> list[int]:
        tables = ("agent_price", "price_run", "skill_price", "visit")
        sql = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
        return list(database._connection.sql(f"SELECT {sql}").fetchone() or ())

    before = counts()
    assert before[0] == 20 * len(day.made)
    every = day.config.store.checkpoint_every
    keep_house(day.job, every, START + timedelta(hours=7))
    assert counts() == [20, 1, *before[2:]]
    keep_house(day.job, every, START + timedelta(days=60))
    assert counts() == [20, 1, 0, 0]
    day.store.close()


def test_the_cold_start_loads_the_staff_as_expected(tmp_path: Path) -> None:
    """Before anybody came, what is expected would keep those on duty busy for the share of their
    time that the policy names: twice the load, twice the contacts, but for the first few.
    """
    size = CentreSize(num_agents=20, duration=timedelta(minutes=1))
    centre = generate_centre(3, size, START)
    live = LiveWorld(world_of_centre(centre, Policy(), 3))
    config = Config(store=StoreConfig(home=tmp_path))
    with Store.open(config.store.database, "test", START) as store:
        job = TickJob(config, store, live, solve)
        run(job, SimulatedClock(START), TICK, threading.Event(), until=START)
        question = ask_store(store, START, config.prices)
    expected = []
    for load in (0.4, 0.8):
        policy = Policy(prices=PricePolicy(expected_load=load, prior_contacts=1e5))
        run_row = make_prices(question, policy, config.prices).price_run
        factor = run_row["day_factor"].item()
        expected.append(run_row["expected_per_h"].item() / factor)
    assert expected[0] > 0
    assert expected[1] / expected[0] == pytest.approx(2.0, rel=0.03)


def test_an_empty_centre_has_no_prices(tmp_path: Path) -> None:
    """Without contacts, or without agents, there is nothing to price, and nothing fails."""
    size = CentreSize(num_agents=20, duration=timedelta(minutes=1))
    centre = generate_centre(3, size, START)
    live = LiveWorld(world_of_centre(centre, Policy(), 3))
    config = Config(store=StoreConfig(home=tmp_path))
    with Store.open(config.store.database, "test", START) as store:
        job = TickJob(config, store, live, solve)
        run(job, SimulatedClock(START), TICK, threading.Event(), until=START)
        question = ask_store(store, START, config.prices)
    for table in ("contacts", "agents"):
        frame: pl.DataFrame = getattr(question.batch, table)
        empty = question.batch.at(START, **{table: frame.clear()})
        made = make_prices(replace(question, batch=empty), Policy(), config.prices)
        assert made.agent_price.is_empty()
        assert np.isfinite(made.queue_price["head_worth"].to_numpy()).all()
