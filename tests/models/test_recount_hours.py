"""The second model of time and requirements, on batches small enough to do by hand."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from models.audit import recount
from models.policy import Policy
from models.recount.case import Recount
from models.recount.clocks import Clocks
from models.recount.hours import Hours, build_hours
from models.recount.needs import resolving, skills_met
from tests.models.tiny import NOW, ago, ahead, tiny

POLICY = Policy()
Row = dict[str, Any]
CALENDAR_QUEUE = [{"queue_id": "q", "calendar_id": "k"}, {"queue_id": "plain"}]


def hours(
    now: datetime, opens: str, closes: str, weekdays: str = "0123456", **tables: list[Row]
) -> Hours:
    """Of queues q, with this calendar in Madrid, and plain, without one."""
    rows = [
        {
            "calendar_id": "k",
            "time_zone": "Europe/Madrid",
            "weekday": int(day),
            "opens_minute": _minute(opens),
            "closes_minute": _minute(closes),
        }
        for day in weekdays
    ]
    batch = tiny(now, queues=CALENDAR_QUEUE, calendars=rows, **tables)
    return build_hours(batch)


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return 60 * int(hour) + int(minute)


def open_hours(found: Hours, begin: datetime, end: datetime, queue: int = 1) -> float:
    """Hours that elapsed by the clock of a queue; batches sort plain before q."""
    at = [np.array([int(t.timestamp()) * 1_000_000]) for t in (begin, end)]
    clocks = Clocks(found.openings)
    return float(clocks.elapsed(found.calendar[[queue]], *at)[0]) / 3600


def utc(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("month", "day", "opens", "closes", "expected"),
    [
        # 25 October 2026: at 03:00 of summer time Madrid goes back to 02:00.
        (10, 25, "0:00", "24:00", 25.0),
        # 01:30 to 03:30 lasts an hour longer, as the hour from 02:00 is lived through twice.
        (10, 25, "1:30", "3:30", 3.0),
        # 02:30 exists twice and means the first: from 00:30 UTC to 03:00 winter time, 02:00 UTC.
        (10, 25, "2:30", "3:00", 1.5),
        # ... and as an end the first, too: 02:00 to 02:30 of summer time.
        (10, 25, "2:00", "2:30", 0.5),
        # 29 March 2026: at 02:00 of winter time Madrid goes on to 03:00.
        (3, 29, "0:00", "24:00", 23.0),
        # What does not exist is counted with the offset before: 02:00 is 01:00 UTC, as is 03:00.
        (3, 29, "2:00", "3:00", 0.0),
        # 02:30 so is 01:30 UTC, 03:30 of summer time; 04:00 is 02:00 UTC.
        (3, 29, "2:30", "4:00", 0.5),
        # 02:30 as an end: from 01:00 winter time, 00:00 UTC, to 01:30 UTC.
        (3, 29, "1:00", "2:30", 1.5),
    ],
)
def test_days_of_the_change_are_counted_on_the_wall_clock(
    month: int, day: int, opens: str, closes: str, expected: float
) -> None:
    """An opening lasts as long as it is lived through, with the older offset where in doubt."""
    now = utc(month, day, 12)
    found = hours(now, opens, closes, weekdays="6")  # both are Sundays
    assert open_hours(found, utc(month, day - 1, 12), utc(month, day + 1, 12)) == expected


def test_the_plain_clock_never_stands_still() -> None:
    """Queues without calendar are always open, and their seconds are those between instants."""
    found = hours(NOW, "0:00", "0:01")
    assert found.is_open.tolist() == [True, False]
    assert open_hours(found, ago(7200), NOW, queue=0) == 2.0
    assert open_hours(found, NOW, ago(7200), queue=0) == 0.0


def test_a_holiday_has_only_its_own_hours() -> None:
    """A row with equal minutes closes the day; others replace its weekly hours."""
    # Wednesday 18 November is a half day, Tuesday is closed, Monday is as every week: 8 + 3 h.
    found = hours(
        NOW,
        "9:00",
        "17:00",
        holidays=[
            {"calendar_id": "k", "day": "2026-11-18", "opens_minute": 600, "closes_minute": 780},
            {"calendar_id": "k", "day": "2026-11-17", "opens_minute": 0, "closes_minute": 0},
        ],
    )
    assert open_hours(found, utc(11, 15, 23), utc(11, 18, 23)) == 11.0


@pytest.mark.parametrize(
    ("opens", "closes", "is_open"),
    [("11:00", "12:00", True), ("10:00", "11:00", False), ("11:01", "12:00", False)],
)
def test_an_opening_includes_its_start_and_not_its_end(
    opens: str, closes: str, is_open: bool
) -> None:
    """It is 11:00 in Madrid."""
    assert hours(NOW, opens, closes).is_open[1] == is_open


def test_openings_that_overlap_count_once() -> None:
    """Two openings of one day from 9 to 12 and from 11 to 13 are four hours."""
    day = {"calendar_id": "k", "time_zone": "Europe/Madrid", "weekday": 2}
    batch = tiny(
        queues=CALENDAR_QUEUE,
        calendars=[
            day | {"opens_minute": 540, "closes_minute": 720},
            day | {"opens_minute": 660, "closes_minute": 780},
        ],
    )
    found = build_hours(batch)
    assert open_hours(found, utc(11, 18, 0), utc(11, 18, 23)) == 4.0


def test_a_wait_and_its_breach_skip_the_weekend() -> None:
    """Clocks stand still while the queue is closed, unless the policy lets them run."""
    # Madrid, Mon to Fri 9 to 18: in on Friday 17:00 (16:00 UTC), now Monday 9:30 (8:30 UTC).
    # 1 h + 0.5 h are open; of a target of 8 h 6.5 h are left, which are over on Monday at 16:00.
    now = utc(11, 23, 8, 30)
    week = [
        {
            "calendar_id": "k",
            "time_zone": "Europe/Madrid",
            "weekday": day,
            "opens_minute": 540,
            "closes_minute": 1080,
        }
        for day in range(5)
    ]
    contact = {"contact_id": "e", "entered_at": utc(11, 20, 16)}
    batch = tiny(now, queues=[CALENDAR_QUEUE[0]], calendars=week, contacts=[contact])
    found = recount(batch, POLICY).conversations
    assert found.waits.longest_s.tolist() == [1.5 * 3600]
    assert found.waits.breach_s.tolist() == [6.5 * 3600]
    # By the plain clock it has waited 64.5 h, and the target of 8 h is long missed.
    plain = recount(batch, replace(POLICY, age_outside_hours=True)).conversations
    assert plain.waits.longest_s.tolist() == [64.5 * 3600]
    assert plain.waits.breach_s.tolist() == [math.inf]


def asked(skills: list[Row], steps: list[Row], **agents: dict[str, int]) -> Recount:
    """One email that just came in, and agents with these skills, all busy with a call."""
    names = list(agents)
    batch = tiny(
        agents=[{"agent_id": name} for name in names],
        agent_skills=[
            {"agent_id": name, "skill": skill, "proficiency": level}
            for name in names
            for skill, level in agents[name].items()
        ],
        agent_load=[
            {"agent_id": name, "contact_id": f"call-{name}", "channel": "voice"} for name in names
        ],
        contacts=[{"contact_id": "e"}],
        contact_skills=[{"contact_id": "e", "min_proficiency": 5} | row for row in skills],
        contact_steps=[
            {"contact_id": "e", "alternative": 0, "min_proficiency": 5} | row for row in steps
        ],
    )
    return recount(batch, POLICY)


@pytest.mark.parametrize(
    ("level_of_agent", "importance", "step"),
    [
        (5, "low", 0),  # somebody has it: it is insisted on, although they are on a call
        (4, "low", 1),  # nobody has it: dropped at once
        (4, "medium", 2),
        (4, "high", 3),  # levels at which nothing would be dropped are stepped over
        (4, "required", 0),  # never dropped
        (4, None, 0),
    ],
)
def test_what_nobody_there_can_is_skipped_at_once(
    level_of_agent: int, importance: str | None, step: int
) -> None:
    """Only skills count, not that all are busy."""
    found = asked([{"skill": "x", "importance": importance}], [], ana={"x": level_of_agent})
    assert found.conversations.step.tolist() == [step]
    insisted = [] if step else ["x"]
    assert found.conversations.needs["skill"].to_list() == insisted


def test_levels_count_the_wait_of_those_who_can_relax() -> None:
    """An age of 5 h is two of the 2 h of emails; who asks for nothing that goes stays at 0."""
    ids = ("high", "required", "nothing")
    batch = tiny(
        agents=[{"agent_id": "ana"}],
        agent_skills=[{"agent_id": "ana", "skill": "x", "proficiency": 5}],
        contacts=[{"contact_id": name, "entered_at": ago(5 * 3600)} for name in ids],
        contact_skills=[
            {"contact_id": name, "skill": "x", "min_proficiency": 5, "importance": name}
            for name in ids[:2]
        ],
    )
    found = recount(batch, POLICY).conversations
    lead = found.members["contact_id"].gather(found.start).to_list()
    step = dict(zip(lead, found.step.tolist(), strict=True))
    assert step == {"high": 2, "required": 0, "nothing": 0}


def test_skipping_stops_where_somebody_has_what_is_left() -> None:
    """The low row is nobody's; without it ana has all, so that the medium one stays."""
    skills = [{"skill": "x", "importance": "low"}, {"skill": "y", "importance": "medium"}]
    found = asked(skills, [], ana={"y": 7}).conversations
    assert found.step.tolist() == [1]
    assert found.needs["skill"].to_list() == ["y"]
    # It goes after twice the two hours of the channel.
    assert found.asked.relaxes_at.tolist() == [int(ahead(4 * 3600).timestamp()) * 1_000_000]


def test_steps_that_nobody_meets_are_skipped_if_they_end() -> None:
    """The first two have no one; the third has no one either, but lasts for ever."""
    steps = [
        {"step": 0, "skill": "x", "expires_s": 60.0},
        {"step": 1, "skill": "y", "expires_s": 60.0},
        {"step": 2, "skill": "z"},
        {"step": 3, "skill": "w"},
    ]
    found = asked([], steps, ana={"w": 9}).conversations
    assert found.step.tolist() == [2]
    assert found.has_requirement.tolist() == [True]
    with_y = asked([], steps, ana={"y": 5})
    assert with_y.conversations.step.tolist() == [1]
    # The durations of what was skipped count: 60 + 60 s.
    assert with_y.conversations.asked.relaxes_at.tolist() == [
        int(ahead(120).timestamp()) * 1_000_000
    ]
    assert skills_met(with_y.sides.needs).tolist() == [[True]]


def test_a_step_holds_by_any_alternative_and_names_one_agent() -> None:
    """Ana has both of the second alternative, ben is the agent that the first one names."""
    steps = [
        {"step": 0, "alternative": 0, "skill": "agent:ben", "min_proficiency": 10},
        {"step": 0, "alternative": 1, "skill": "x"},
        {"step": 0, "alternative": 1, "skill": "y"},
    ]
    found = asked([], steps, ana={"x": 5, "y": 6}, ben={}, cai={"x": 10})
    assert skills_met(found.sides.needs).tolist() == [[True, True, False]]


def test_the_match_is_the_mean_of_named_skills_and_first_steps() -> None:
    """What is no longer insisted on still counts, and a first step by its best alternative."""
    skills = [{"skill": "v", "importance": "low"}, {"skill": "language:es"}]
    steps = [
        {"step": 0, "alternative": 0, "skill": "x", "expires_s": 1.0},
        {"step": 0, "alternative": 0, "skill": "y"},
        {"step": 0, "alternative": 1, "skill": "language:es"},
        {"step": 0, "alternative": 1, "skill": "z"},
        {"step": 1, "alternative": 0, "skill": "w"},
    ]
    found = asked(skills, steps, ana={"x": 4, "y": 8, "z": 5, "w": 9}, ben={"v": 3})
    # Parts: the named skill v, and the first step, although it is skipped (nobody speaks Spanish
    # or has x at 5). ana: v 0; (4 + 8) / 20 = 0.6 beats z alone, 0.5: m = 0.3.
    # ben: v 0.3, the step 0: m = 0.15. p = 0.35 + 0.6 m.
    assert found.conversations.asked.steps["conversation"].to_list() == [0]
    probability = resolving(POLICY, found.sides.needs)
    assert probability.tolist() == [[pytest.approx(0.53), pytest.approx(0.44)]]


def test_an_alternative_of_nothing_to_measure_is_a_full_match() -> None:
    """Languages and single agents are left out of the mean, so that all is there."""
    found = asked([], [{"step": 0, "skill": "agent:ana", "min_proficiency": 10}], ana={})
    assert resolving(POLICY, found.sides.needs).tolist() == [[pytest.approx(0.95)]]
