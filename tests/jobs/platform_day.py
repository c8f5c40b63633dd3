"""A day of a platform with the real job beside it: events, ticks, and ends of the process."""

import tempfile
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from data_io.publish import read_published
from data_io.quarantine import no_rejects
from data_io.source import Answers, Snapshot
from data_io.store import Store
from jobs.config import Config, PublishConfig, StoreConfig
from jobs.runner import carried_over
from jobs.tick import TickJob, run_tick
from models.plan import Carried
from models.policy import Policy
from solver.solve import solve
from tests.jobs.desk import Desk
from tests.jobs.offer_book import OfferBook
from tests.jobs.platform_model import Event, Platform
from tests.jobs.platform_rows import Agent, Shown, input_tables, response_rows
from tests.jobs.tick_judge import Told, judge


@dataclass(frozen=True)
class Moment:
    """A tick, what happens before it, and what happens while it thinks."""

    gap_s: float
    before: tuple[Event, ...]
    meanwhile: tuple[Event, ...] = ()
    power_cut: bool = False
    """The process dies while the tick thinks, and starts again."""
    restart: bool = False
    """The process ends in good order after the tick, and starts again."""
    unheard: bool = False
    """It dies before it says that it has the answers: they come again."""


@dataclass(frozen=True)
class Day:
    """Everything that a day is made of."""

    policy: Policy
    agents: tuple[Agent, ...]
    moments: tuple[Moment, ...]


class PowerCutError(Exception):
    """The process dies."""


class PlatformSource:
    """What the job reads; it keeps the book of offers as the store should."""

    def __init__(self, platform: Platform, policy: Policy) -> None:
        self.platform, self.policy = platform, policy
        self.moment = Moment(0, ())
        self.book = OfferBook()
        self.shown = Shown()
        self.first = Shown()
        self.first_book = OfferBook()
        self.is_second = False

    def read(self, now: datetime) -> Snapshot | None:
        """The truth before the tick; the truth a moment later, if it changed."""
        if not self.is_second:
            return self._begin(now)
        if self.moment.power_cut:
            raise PowerCutError
        for event in self.moment.meanwhile:
            self.platform.happen(event)
        if not self.moment.meanwhile:
            self.book.take(self.shown, [], now, self.policy)
            return None
        return self._hand_over(now)

    def _begin(self, now: datetime) -> Snapshot:
        snapshot = self._hand_over(now)
        self.first, self.first_book = self.shown, deepcopy(self.book)
        self.is_second = True
        return snapshot

    def _hand_over(self, now: datetime) -> Snapshot:
        self.shown = self.platform.show()
        drop = list(self.platform.drop)
        self.book.take(self.shown, drop, now, self.policy)
        hear = (lambda: None) if self.moment.unheard else self.platform.drop.clear
        answers = Answers((response_rows(drop),), acknowledge=hear)
        return Snapshot(input_tables(self.shown), no_rejects(), answers=answers)


def live(day: Day) -> None:
    """Run a day, and judge every tick of it."""
    platform = Platform(list(deepcopy(day.agents)))
    source = PlatformSource(platform, day.policy)
    outlives = any(moment.power_cut or moment.restart for moment in day.moments)
    with tempfile.TemporaryDirectory() as home:
        config = Config(
            store=StoreConfig(home=Path(home)),
            publish=PublishConfig(window_s=1e6, keep=2, certificate=False),
            policy=day.policy,
        )
        process = Process(config, source, outlives=outlives)
        try:
            for moment in day.moments:
                live_through(moment, process)
        finally:
            process.store.close()


class Process:
    """The running job; `start` is what happens after it ended."""

    def __init__(self, config: Config, source: PlatformSource, *, outlives: bool) -> None:
        self.config, self.source = config, source
        self.path = config.store.database if outlives else Path(":memory:")
        self.start()

    def start(self) -> None:
        """Open the store and know nothing else."""
        self.store = Store.open(self.path, "test", self.source.platform.now)
        self.job = TickJob(self.config, self.store, self.source, solve)
        self.carried: Carried | None = None

    def tick(self, now: datetime) -> Told:
        """One tick and what it published."""
        self.source.is_second = False
        outcome = run_tick(self.job, now, self.carried)
        self.carried = carried_over(outcome)
        assert outcome.plan is not None
        return Told(now, read_published(self.config.store.published), outcome.plan)


def live_through(moment: Moment, process: Process) -> None:
    """What happens, the tick, and what comes after it."""
    source, platform = process.source, process.source.platform
    source.moment = moment
    platform.now += timedelta(seconds=moment.gap_s)
    for event in moment.before:
        platform.happen(event)
    if moment.power_cut:
        source.is_second = False
        with pytest.raises(PowerCutError):
            run_tick(process.job, platform.now, process.carried)
        process.store.close()
        process.start()
        source.moment = replace(moment, power_cut=False)
    told = process.tick(platform.now)
    desk = Desk(source.policy, told.now, source.first, source.first_book)
    judge(desk, source.book, source.shown, told)
    platform.learn(told.published.assignment.rows(named=True))
    if moment.restart:
        process.store.close()
        process.start()
        again = run_tick(process.job, platform.now)
        assert again.report.already_committed
        assert process.store.read_output(timedelta(days=10)).assignment.equals(
            told.published.assignment
        )
