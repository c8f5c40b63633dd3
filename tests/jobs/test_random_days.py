"""Random days of events over the real store and the real tick, judged by a second reading."""

import tempfile
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_io.publish import read_published
from data_io.quarantine import no_rejects
from data_io.source import Answers, Snapshot
from data_io.store import Store
from jobs.config import Config, PublishConfig, StoreConfig
from jobs.runner import carried_over
from jobs.tick import TickJob, run_tick
from models.plan import Carried
from models.policy import Policy, ProfilePolicy, ProfileReset, VoiceFollow
from models.tables import Channel
from solver.solve import solve
from tests.jobs.desk import Desk
from tests.jobs.offer_book import OfferBook
from tests.jobs.platform_model import Event, Kind, Platform
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


CHANNELS_SERVED = tuple(
    {channel.value: limit for channel in Channel} | few
    for limit, few in ((2, {}), (1, {"chat": 3}), (3, {"voice": 0}), (1, {"email": 0}))
)
SKILL_SETS: tuple[dict[str, int], ...] = (
    {"billing": 8, "refunds": 8, "language:es": 7},
    {"billing": 7, "refunds": 8, "language:es": 5},
    {"billing": 5},
    {"refunds": 6, "language:es": 4},
)


def agents() -> st.SearchStrategy[tuple[Agent, ...]]:
    """Two to five agents, who are members of one queue or two."""
    one = st.tuples(
        st.sampled_from(CHANNELS_SERVED),
        st.sampled_from(SKILL_SETS),
        st.sampled_from((("q0", "q1"), ("q0", "q1"), ("q0",))),
        st.sampled_from((100.0, 60.0)),
    )
    return st.lists(one, min_size=3, max_size=5).map(
        lambda people: tuple(
            Agent(f"a{place}", dict(channels), dict(skills), queues, units)
            for place, (channels, skills, queues, units) in enumerate(people)
        )
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Numbers small enough that every limit is met within minutes."""
    plain = Policy()
    channels = dict(plain.channels)
    for channel in (Channel.CHAT, Channel.EMAIL, Channel.VOICE, Channel.MESSAGING):
        channels[channel] = replace(
            channels[channel],
            max_per_hour=draw(st.sampled_from((0, 0, 2))),
            accept_timeout_s=draw(st.sampled_from((channels[channel].accept_timeout_s, 5.0, 0.0))),
            max_new_per_tick=draw(st.sampled_from((1, 2))),
            relax_after_s=draw(st.sampled_from((15.0, 60.0))),
            inactive_after_s=draw(st.sampled_from((0.0, 20.0))),
            blocks=draw(st.sampled_from((channels[channel].blocks, ()))),
            yields_to=draw(st.sampled_from((channels[channel].yields_to, ()))),
        )
    reset = draw(st.sampled_from(tuple(ProfileReset)))
    return replace(
        plain,
        channels=channels,
        profiles={"vip": ProfilePolicy(1, reset), "tax": ProfilePolicy(2)},
        site_caps=draw(st.sampled_from(({}, {"porto": 2}))),
        max_declines=draw(st.sampled_from((3, 1, 2))),
        decline_cooldown_s=draw(st.sampled_from((600.0, 20.0))),
        decline_pause_s=draw(st.sampled_from((15.0, 0.0))),
        max_declining_agents=draw(st.sampled_from((10, 2))),
        auto_ready_s=draw(st.sampled_from((300.0, 10.0))),
        extra_contact_share=draw(st.sampled_from((0.25, 0.0, 1.0))),
        voice_follow=draw(st.sampled_from(tuple(VoiceFollow))),
        strict_classes=draw(st.sampled_from((0, 2))),
        borrow_cost=0.0,
    )


_WEIGHTS = {Kind.ARRIVE: 6, Kind.ANSWER: 6, Kind.SHOW: 3, Kind.PRESENCE: 2}
EVENTS = st.builds(
    Event,
    st.sampled_from([kind for kind in Kind for _ in range(_WEIGHTS.get(kind, 1))]),
    st.integers(0, 99),
    st.integers(0, 99),
)
"""Half of what happens are arrivals and answers, as in life."""


def few(least: int, most: int) -> st.SearchStrategy[tuple[Event, ...]]:
    """Some events."""
    return st.lists(EVENTS, min_size=least, max_size=most).map(tuple)


def rarely() -> st.SearchStrategy[bool]:
    """True one time in eight."""
    return st.integers(0, 7).map(lambda number: number == 7)


MOMENTS = st.builds(
    Moment,
    st.sampled_from((5.0, 0.25, 2.0, 7.5, 12.0, 31.0, 400.0)),
    few(2, 9),
    st.one_of(st.just(()), few(0, 3)),
    rarely(),
    rarely(),
    rarely(),
)


def days(num_ticks: int) -> st.SearchStrategy[Day]:
    """Days of some ticks, which begin with a crowd."""
    moments = st.lists(MOMENTS, min_size=num_ticks, max_size=num_ticks)
    crowd = st.lists(
        st.builds(Event, st.just(Kind.ARRIVE), st.integers(0, 99), st.integers(0, 99)),
        min_size=6,
        max_size=10,
    )
    first = crowd.map(lambda events: Moment(5.0, tuple(events)))
    whole = st.tuples(first, moments).map(lambda parts: (parts[0], *parts[1]))
    return st.builds(Day, policies(), agents(), whole)


@settings(max_examples=4, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(day=days(7))
def test_no_day_breaks_a_rule(day: Day) -> None:
    """Whatever happens, in whatever order, every tick keeps the promises of `judge`."""
    live(day)


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
