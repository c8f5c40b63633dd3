"""Random days of events over the real store and the real tick, judged by a third reading.

`platform_model` is the platform, `offer_book` the life of its offers, `desk` who could take what,
`tick_judge` what every tick promises, and `platform_day` the day that they share.
"""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.policy import Policy, ProfilePolicy, ProfileReset, VoiceFollow
from models.tables import Channel
from tests.jobs.platform_day import Day, Moment, live
from tests.jobs.platform_model import Event, Kind
from tests.jobs.platform_rows import Agent

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
    """Some agents, who are members of one queue or two."""
    one = st.tuples(
        st.sampled_from(CHANNELS_SERVED),
        st.sampled_from(SKILL_SETS),
        st.sampled_from((("q0", "q1"), ("q0", "q1"), ("q0",))),
        st.sampled_from((100.0, 60.0)),
    )
    return st.lists(one, min_size=4, max_size=8).map(
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
            max_per_hour=draw(st.sampled_from((1, 2, 0))),
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
        max_declines=draw(st.sampled_from((1, 3, 2))),
        decline_cooldown_s=draw(st.sampled_from((20.0, 5.0, 600.0))),
        decline_pause_s=draw(st.sampled_from((15.0, 0.0))),
        max_declining_agents=draw(st.sampled_from((10, 2))),
        auto_ready_s=draw(st.sampled_from((10.0, 300.0))),
        extra_contact_share=draw(st.sampled_from((0.25, 0.0, 1.0))),
        voice_follow=draw(st.sampled_from(tuple(VoiceFollow))),
        strict_classes=draw(st.sampled_from((0, 2))),
        borrow_cost=0.0,
    )


_WEIGHTS = {
    Kind.ARRIVE: 6,
    Kind.ANSWER: 6,
    Kind.ANSWER_LATE: 3,
    Kind.SHOW: 3,
    Kind.FINISH: 3,
    Kind.PRESENCE: 3,
    Kind.BREAK: 2,
}
EVENTS = st.builds(
    Event,
    st.sampled_from([kind for kind in Kind for _ in range(_WEIGHTS.get(kind, 1))]),
    st.integers(0, 99),
    st.integers(0, 99),
)
"""What happens in life more often happens here more often."""


def few(least: int, most: int) -> st.SearchStrategy[tuple[Event, ...]]:
    """Some events."""
    return st.lists(EVENTS, min_size=least, max_size=most).map(tuple)


def rarely() -> st.SearchStrategy[bool]:
    """True one time in eight."""
    return st.integers(0, 7).map(lambda number: number == 7)


MOMENTS = st.builds(
    Moment,
    st.sampled_from((5.0, 0.25, 7.5, 12.0, 16.0, 31.0, 400.0, 4000.0)),
    few(5, 14),
    st.one_of(st.just(()), few(1, 4)),
    rarely(),
    rarely(),
    rarely(),
)


def days(num_ticks: int) -> st.SearchStrategy[Day]:
    """Days of some ticks, which begin with a crowd."""
    moments = st.lists(MOMENTS, min_size=num_ticks, max_size=num_ticks)
    crowd = st.lists(
        st.builds(Event, st.just(Kind.ARRIVE), st.integers(0, 99), st.integers(0, 99)),
        min_size=12,
        max_size=20,
    )
    first = crowd.map(lambda events: Moment(5.0, tuple(events)))
    whole = st.tuples(first, moments).map(lambda parts: (parts[0], *parts[1]))
    return st.builds(Day, policies(), agents(), whole)


@settings(max_examples=6, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(day=days(6))
def test_no_day_breaks_a_rule(day: Day) -> None:
    """Whatever happens, in whatever order, every tick keeps the promises of `judge`."""
    live(day)
