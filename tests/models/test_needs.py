"""Requirements over time: levels of importance, ordered steps, and what is skipped at once."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from models.policy import Policy
from models.proficiency import turns
from models.tables import Channel
from tests.models.tiny import Row, ago, ahead, serves
from tests.models.tiny_conversations import conversations, only_unit, skill_levels

ALL_FOUR = [
    {"contact_id": "c", "skill": importance, "min_proficiency": 3, "importance": importance}
    for importance in ("required", "high", "medium", "low")
]
"""One skill of each importance, named after it."""


def knows(agent: str, **levels: int) -> list[Row]:
    """Rows of `agent_skills`; colons are written as double underscores."""
    return [
        {"agent_id": agent, "skill": skill.replace("__", ":"), "proficiency": level}
        for skill, level in levels.items()
    ]


def step(
    number: int, skill: str, least: int = 5, alternative: int = 0, expires_s: float | None = None
) -> Row:
    """One row of `contact_steps` of contact `c`."""
    return {
        "contact_id": "c",
        "step": number,
        "alternative": alternative,
        "skill": skill,
        "min_proficiency": least,
        "expires_s": expires_s,
    }


EXPERT = knows("a", required=9, high=9, medium=9, low=9)
WITH_AN_EXPERT: dict[str, list[Row]] = {
    "contact_skills": ALL_FOUR,
    "agents": [{"agent_id": "a"}],
    "agent_skills": EXPERT,
}


def chat(age_s: float, **more: Any) -> Row:  # noqa: ANN401
    """A chat of that age; its skills relax every 45 s."""
    return {"contact_id": "c", "channel": "chat", "entered_at": ago(age_s)} | more


@pytest.mark.parametrize(
    ("age_s", "insisted", "number", "relaxes_at"),
    [
        (0, ["high", "low", "medium", "required"], 0, ahead(45)),
        (44.999, ["high", "low", "medium", "required"], 0, ahead(0.001)),
        (45, ["high", "medium", "required"], 1, ahead(45)),
        (90, ["high", "required"], 2, ahead(45)),
        (135, ["required"], 3, None),
        (9999, ["required"], 3, None),  # what is required is never dropped
    ],
)
def test_skills_are_dropped_by_importance(
    age_s: float, insisted: list[str], number: int, relaxes_at: datetime | None
) -> None:
    """Low after one, medium after two, high after three times `relax_after_s`."""
    found = conversations(
        contacts=[chat(age_s)],
        contact_skills=ALL_FOUR,
        agents=[{"agent_id": "a"}],
        agent_skills=EXPERT,
    )
    assert found.requirements["skill"].to_list() == insisted
    assert found.units.select("step", "relaxes_at").row(0) == (number, relaxes_at)
    assert found.named["skill"].to_list() == ["high", "low", "medium", "required"]


def test_an_empty_importance_is_required() -> None:
    """Rows without importance stay for ever."""
    skills = [{"contact_id": "c", "skill": "s", "min_proficiency": 3}]
    found = conversations(contacts=[chat(9999)], contact_skills=skills)
    assert found.requirements["skill"].to_list() == ["s"]


@pytest.mark.parametrize(
    ("contact", "queue", "number"),
    [
        ({}, {}, 1),  # 60 s of a chat that relaxes every 45 s
        ({}, {"relax_after_s": 20.0}, 3),
        ({"waited_before_s": 40.0}, {}, 2),  # 60 + 40 before the transfer
        ({"entered_at": ahead(30)}, {}, 0),  # a clock that runs ahead is no age
    ],
)
def test_the_age_that_relaxes(contact: Row, queue: Row, number: int) -> None:
    """Plain seconds since it entered plus the wait before a transfer, by the queue's interval."""
    unit = only_unit(
        queues=[{"queue_id": "q"} | queue], contacts=[chat(60) | contact], **WITH_AN_EXPERT
    )
    assert unit["step"] == number


def test_the_routing_age_stands_still_while_the_queue_is_closed() -> None:
    """A queue without any opening: nobody waits, and no skill is dropped overnight."""
    unit = only_unit(
        queues=[{"queue_id": "q", "calendar_id": "k"}], contacts=[chat(90)], **WITH_AN_EXPERT
    )
    assert (unit["waited_s"], unit["step"], unit["relaxes_at"]) == (0.0, 0, None)


def test_a_requirement_relaxes_when_its_queue_has_been_open_long_enough() -> None:
    """Entered 90 s ago and open for 60 of them: one drop at 45 s, the next after 30 s more."""
    unit = only_unit(
        queues=[{"queue_id": "q", "calendar_id": "k"}],
        calendars=[
            # NOW is Wednesday 10:00:00 UTC.
            {
                "calendar_id": "k",
                "time_zone": "UTC",
                "weekday": 2,
                "opens_minute": 599,
                "closes_minute": 660,
            }
        ],
        contacts=[chat(90)],
        **WITH_AN_EXPERT,
    )
    assert (unit["step"], unit["relaxes_at"]) == (1, ahead(30))


@pytest.mark.parametrize("importance", [None, "required", "low"])
def test_only_what_can_be_dropped_is_a_step(importance: str | None) -> None:
    """A chat of 9,999 s is at level 3 where it has a row to drop, and has no steps otherwise."""
    row: Row = {"contact_id": "c", "skill": "s", "min_proficiency": 1, "importance": importance}
    unit = only_unit(contacts=[chat(9999)], contact_skills=[row], agents=[{"agent_id": "a"}])
    assert unit["step"] == (3 if importance == "low" else 0)
    assert only_unit(contacts=[chat(9999)])["step"] == 0


def test_who_has_nothing_to_drop_leaves_the_step_to_others() -> None:
    """Of one thread: an old email without skills, and a chat of 50 s whose low skill was dropped.

    The age of the email counts for the email alone.
    """
    unit = only_unit(
        contacts=[
            chat(50, conversation_id="t"),
            {"contact_id": "d", "conversation_id": "t", "entered_at": ago(99_999)},
        ],
        **WITH_AN_EXPERT,
    )
    assert unit["step"] == 1


@pytest.mark.parametrize(
    ("agent_skills", "insisted"),
    [
        (EXPERT, ["high", "low", "medium", "required"]),
        # Nobody knows `low`: it is given up at once.
        (knows("a", required=9, high=9, medium=9), ["high", "medium", "required"]),
        # The level counts: `low` at 2 is not enough.
        (knows("a", required=9, high=9, medium=9, low=2), ["high", "medium", "required"]),
        (knows("a", required=9, high=9), ["high", "required"]),
        (knows("a", required=9), ["required"]),
        ([], ["required"]),  # never relaxed, so there is no point in going on, but it is done
        # Nobody has both, though each has one of them.
        (
            [*knows("a", required=9, high=9, medium=9), *knows("b", low=9)],
            ["high", "medium", "required"],
        ),
    ],
)
def test_what_nobody_can_do_is_skipped_at_once(
    agent_skills: list[Row], insisted: list[str]
) -> None:
    """A level that no agent who is there could ever meet is not waited for."""
    found = conversations(
        contacts=[chat(0)],
        contact_skills=ALL_FOUR,
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        agent_skills=agent_skills,
    )
    assert found.requirements["skill"].to_list() == insisted


@pytest.mark.parametrize(
    ("agent", "number"),
    [
        ({}, 0),
        ({"presence": "busy"}, 0),  # nobody is skipped because all are busy
        ({"presence": "away"}, 3),
        ({"shift_end_at": ago(1)}, 3),
    ],
)
def test_only_agents_who_are_there_count(agent: Row, number: int) -> None:
    """The one expert: free, busy, away, or after the shift; somebody else is there."""
    unit = only_unit(
        contacts=[chat(0)],
        contact_skills=ALL_FOUR,
        agents=[{"agent_id": "a"} | agent, {"agent_id": "novice"}],
        agent_skills=EXPERT,
    )
    assert unit["step"] == number


def test_nothing_is_skipped_where_nobody_is_there() -> None:
    """At night nobody has the skills; the expert may be the first to come in the morning."""
    unit = only_unit(
        contacts=[chat(0)],
        contact_skills=ALL_FOUR,
        agents=[{"agent_id": "a", "presence": "offline"}],
        agent_skills=EXPERT,
    )
    assert unit["step"] == 0


def teams(**of: str) -> list[Row]:
    """Rows of `queue_members`: letters of agents by queue."""
    return [{"queue_id": q, "agent_id": agent} for q, team in of.items() for agent in team]


EVERYTHING = tuple(Channel)


@pytest.mark.parametrize(
    ("tables", "skipped"),
    [
        ({"queue_members": teams(q="eb")}, False),
        # The expert is there, but for another queue ...
        ({"queue_members": teams(q="b", r="e")}, True),
        # ... unless that one may ever help, closed or not, lending or not.
        ({"queue_members": teams(q="b", r="e"), "overflow": [("q", "r")]}, False),
        ({"queue_members": teams(q="b", r="e"), "overflow": [("r", "q")]}, True),
        ({"queue_members": teams(q="b", r="e"), "overflow": [("s", "r")]}, True),
        ({"queue_members": teams(q="b", s="e"), "overflow": [("q", "r"), ("r", "s")]}, True),
        # A queue that names nobody is open to everybody.
        ({"queue_members": teams(r="eb")}, False),
        ({"queue_members": []}, False),
        ({"queue_members": [], "served": {"e": "voice", "b": "chat"}}, True),
        # Nobody is there for it at all: whoever comes first may be the expert.
        ({"queue_members": teams(q="x", r="eb")}, False),
        # The expert takes calls only; then nobody who chats has the skills.
        ({"served": {"e": "voice", "b": "chat"}}, True),
        ({"served": {"e": "chat", "b": "voice"}}, False),
        ({"served": {"e": "voice", "b": "voice"}}, False),  # nobody chats: nobody is there for it
    ],
)
@pytest.mark.parametrize("asked", ["short form", "steps"])
def test_only_who_may_take_it_keeps_a_requirement_alive(
    asked: str, tables: dict[str, Any], skipped: bool
) -> None:
    """A chat of `q`; of `e` and `b` who are there only `e` is an expert, and `x` is away."""
    given = {
        "queue_members": tables.get("queue_members", teams(q="eb")),
        "overflow": [
            {"queue_id": of, "to_queue_id": to, "condition": "waited", "threshold": 1e6}
            for of, to in tables.get("overflow", [])
        ],
        "agent_channels": [
            {"agent_id": agent, "channel": channel, "max_items": 1}
            for agent in "ebx"
            for channel in EVERYTHING
            if tables.get("served", {}).get(agent, channel) == channel
        ],
    }
    short = [row | {"contact_id": "c"} for row in ALL_FOUR]
    wants = {"contact_skills": short} if asked == "short form" else {"contact_steps": STEPS}
    unit = only_unit(
        queues=[{"queue_id": name, "relax_after_s": 1e6} for name in "qrs"],
        contacts=[chat(0)],
        agents=[{"agent_id": "e"}, {"agent_id": "b"}, {"agent_id": "x", "presence": "away"}],
        agent_skills=knows("e", required=9, high=9, medium=9, low=9, s=9),
        **wants,
        **given,
    )
    last = {"short form": 3, "steps": 2}[asked]
    assert unit["step"] == (last if skipped else 0)


def test_each_contact_looks_at_its_own_queue_and_channel() -> None:
    """Four contacts that ask for the same, in two queues and channels: each has its own experts.

    `e` of `q` chats and has the skill; who is there for calls, or for `r`, has not.
    """
    queues, channels = ("q", "r"), ("chat", "voice")
    low: Row = {"skill": "low", "min_proficiency": 3, "importance": "low"}
    ids = [f"{queue}-{channel}" for queue in queues for channel in channels]
    found = conversations(
        queues=[{"queue_id": name, "relax_after_s": 1e6} for name in queues],
        queue_members=teams(q="eb", r="b"),
        agents=[{"agent_id": "e"}, {"agent_id": "b"}],
        agent_channels=[
            *serves("e", chat=1),
            *serves("b", chat=1, voice=1),
        ],
        agent_skills=knows("e", low=9),
        contacts=[{"contact_id": name, "queue_id": name[0], "channel": name[2:]} for name in ids],
        contact_skills=[low | {"contact_id": name} for name in ids],
    )
    steps = dict(found.units.select("lead_contact_id", "step").iter_rows())
    assert steps == {"q-chat": 0, "q-voice": 1, "r-chat": 1, "r-voice": 1}


def test_levels_that_drop_nothing_are_stepped_over() -> None:
    """Nobody has `high`, which goes at level 3: levels 1 and 2 ask for the same as 0."""
    found = conversations(
        contacts=[chat(0)],
        contact_skills=[row for row in ALL_FOUR if row["importance"] in {"required", "high"}],
        agents=[{"agent_id": "a"}],
        agent_skills=knows("a", required=9),
    )
    assert (found.units["step"][0], found.requirements["skill"].to_list()) == (3, ["required"])


def test_nothing_is_skipped_where_nothing_is_left_to_drop() -> None:
    """A required skill that nobody has: no level helps, so none is skipped."""
    unit = only_unit(contacts=[chat(0)], contact_skills=ALL_FOUR[:1], agents=[{"agent_id": "a"}])
    assert (unit["step"], unit["relaxes_at"]) == (0, None)


STEPS = [step(2, "s", 8, expires_s=30.0), step(4, "s", 5, expires_s=60.0), step(5, "s", 2)]


@pytest.mark.parametrize(
    ("age_s", "least", "number", "relaxes_at"),
    [
        (0, [8], 0, ahead(30)),
        (29.5, [8], 0, ahead(0.5)),
        (30, [5], 1, ahead(60)),
        (89, [5], 1, ahead(1)),
        (90, [2], 2, None),  # the last step has no end
        (9999, [2], 2, None),
    ],
)
def test_steps_follow_one_another(
    age_s: float, least: list[int], number: int, relaxes_at: datetime | None
) -> None:
    """A step ends when the durations up to it are over; places count, not numbers of steps."""
    found = conversations(
        queues=[{"queue_id": "q", "relax_after_s": 1e6}],
        contacts=[chat(age_s)],
        contact_steps=STEPS,
        agents=[{"agent_id": "a"}],
        agent_skills=knows("a", s=9),
    )
    assert found.steps["min_proficiency"].to_list() == least
    assert found.units.select("step", "relaxes_at").row(0) == (number, relaxes_at)
    assert found.first_steps["min_proficiency"].to_list() == [8]
    assert found.units["has_requirement"].to_list() == [True]


def test_after_the_last_step_nothing_is_asked() -> None:
    """Both steps are over after 90 s: step 2 of 2, no requirement, but the first still matches."""
    found = conversations(
        queues=[{"queue_id": "q", "relax_after_s": 1e6}],
        contacts=[chat(90)],
        contact_steps=STEPS[:2],
    )
    assert found.steps.is_empty()
    assert found.units.select("step", "has_requirement").row(0) == (2, False)
    assert found.first_steps["min_proficiency"].to_list() == [8]


def test_a_step_lasts_as_long_as_its_longest_row() -> None:
    """30 s and 50 s and an empty cell: 50 s."""
    rows = [
        step(0, "s", expires_s=30.0),
        step(0, "t", expires_s=50.0),
        step(0, "u"),
        step(1, "v"),
    ]
    agent_skills = knows("a", s=9, t=9, u=9)
    unit = only_unit(
        contacts=[chat(0)],
        contact_steps=rows,
        agents=[{"agent_id": "a"}],
        agent_skills=agent_skills,
    )
    assert unit["relaxes_at"] == ahead(50)


@pytest.mark.parametrize(
    ("agent_skills", "least"),
    [
        (knows("a", s=9), [8]),
        (knows("a", s=7), [5]),
        (knows("a", s=4), [2]),
        ([], [2]),  # a step without an end is never skipped
    ],
)
def test_a_step_that_holds_for_nobody_is_skipped(
    agent_skills: list[Row], least: list[int]
) -> None:
    """Also several at once, but only steps with an end."""
    found = conversations(
        contacts=[chat(0)],
        contact_steps=STEPS,
        agents=[{"agent_id": "a"}],
        agent_skills=agent_skills,
    )
    assert found.steps["min_proficiency"].to_list() == least


def test_what_a_skipped_step_leaves_ends_when_it_would_have() -> None:
    """The second step ends at 30 + 60 s, also where the first was skipped at once."""
    unit = only_unit(
        contacts=[chat(10)],
        contact_steps=STEPS,
        agents=[{"agent_id": "a"}],
        agent_skills=knows("a", s=6),
    )
    assert (unit["step"], unit["relaxes_at"]) == (1, ahead(80))


@pytest.mark.parametrize(
    ("skills", "suits"),
    [
        (knows("a", s=5, t=5), True),
        (knows("a", s=5), False),  # all skills of an alternative
        (knows("a", s=5, t=4), False),
        (knows("a", u=5), True),  # or another alternative
        ([], False),
        (knows("a", agent__b=10), False),  # nobody becomes somebody else by a row
    ],
)
def test_a_step_holds_by_one_of_its_alternatives(skills: list[Row], suits: bool) -> None:
    """(s and t) or u or agent b themselves."""
    levels = skill_levels(
        contacts=[chat(0)],
        contact_steps=[
            step(0, "s"),
            step(0, "t"),
            step(0, "u", alternative=1),
            step(0, "agent:b", 10, alternative=2),
        ],
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        agent_skills=skills,
    )
    assert levels.all_met(language=False).tolist() == [[suits, True]]
    assert levels.all_met(language=True).tolist() == [[True, True]]


def test_every_member_s_step_must_hold() -> None:
    """Two contacts of one thread with a step each: only who has both suits."""
    levels = skill_levels(
        contacts=[chat(0, conversation_id="t"), {"contact_id": "d", "conversation_id": "t"}],
        contact_steps=[step(0, "s"), step(0, "u") | {"contact_id": "d"}],
        agents=[{"agent_id": "a"}, {"agent_id": "b"}, {"agent_id": "c"}],
        agent_skills=[*knows("a", s=9), *knows("b", u=9), *knows("c", s=9, u=9)],
    )
    assert levels.all_met(language=False).tolist() == [[False, False, True]]


@pytest.mark.parametrize(
    ("second", "num_classes"),
    [
        ([step(0, "s"), step(0, "u", alternative=1)], 1),
        ([step(3, "s", alternative=9), step(3, "u", alternative=2)], 1),  # numbers do not count
        ([step(0, "s"), step(0, "u")], 2),  # and is not or
        ([step(0, "s", 6), step(0, "u", alternative=1)], 2),
        ([step(0, "s", expires_s=5.0), step(0, "u", alternative=1)], 1),
        ([step(0, "s")], 2),
    ],
)
def test_steps_that_say_the_same_are_one_class(second: list[Row], num_classes: int) -> None:
    """What a step asks for parts the classes, not how it is written."""
    found = conversations(
        contacts=[chat(0), chat(0, contact_id="d")],
        contact_steps=[
            step(0, "s"),
            step(0, "u", alternative=1),
            *(row | {"contact_id": "d"} for row in second),
        ],
        agents=[{"agent_id": "a"}],
        agent_skills=knows("a", s=9, u=9),
    )
    assert len(found.classes) == num_classes


def match(policy: Policy | None = None, /, **tables: list[Row]) -> list[list[float]]:
    """Probability of resolving of every class and agent, from `match_terms`."""
    levels = skill_levels(policy, **tables)
    base, row, share = levels.match_terms()
    rates = levels.match_rates()
    linear = base[:, None] + (share[:, :, None] * rates[row]).sum(axis=1)
    everyone = np.ones_like(linear, dtype=bool)
    assert levels.mean_probability(everyone) == pytest.approx(linear.mean(axis=1))
    loose = replace(levels, policy=replace(levels.policy, p_floor=0.55))
    assert (loose.reaches_floor() == (linear >= 0.55 - 1e-12)).all()
    return [[round(cell, 9) for cell in line] for line in linear.tolist()]


def test_dropped_skills_still_count_for_the_match() -> None:
    """Levels 10 and 0 of two named skills, both long dropped: m = 0.5, p = 0.35 + 0.6 * 0.5."""
    skills = [
        {"contact_id": "c", "skill": skill, "min_proficiency": 3, "importance": "low"}
        for skill in ("s", "u")
    ]
    tables = {"contacts": [chat(9999)], "contact_skills": skills, "agents": [{"agent_id": "a"}]}
    assert match(**tables, agent_skills=knows("a", s=10)) == [[0.65]]


@pytest.mark.parametrize(
    ("rows", "levels", "p"),
    [
        ([step(0, "s")], {"s": 5}, 0.65),  # m = 0.5
        ([step(0, "s"), step(0, "u")], {"s": 5}, 0.5),  # the mean of 5 and nothing: 0.25
        ([step(0, "s"), step(0, "u", alternative=1)], {"s": 5, "u": 9}, 0.89),  # the best: 0.9
        ([step(0, "s"), step(0, "language:es")], {"s": 5}, 0.65),  # languages are left out
        ([step(0, "s"), step(0, "agent:a", alternative=1)], {}, 0.95),  # nothing else: 1
        ([step(0, "language:es")], {}, 0.95),
        ([step(1, "s"), step(0, "u")], {"s": 9, "u": 5}, 0.65),  # the first step, whatever comes
    ],
)
def test_the_match_of_a_first_step(rows: list[Row], levels: dict[str, int], p: float) -> None:
    """The best alternative's mean level over its skills; p = 0.35 + 0.6 m."""
    found = match(
        contacts=[chat(0)],
        contact_steps=rows,
        agents=[{"agent_id": "a"}],
        agent_skills=knows("a", **levels),
    )
    assert found == [[p]]


def test_named_skills_and_first_steps_are_parts_alike() -> None:
    """Skill s at 6, first steps at 3 and 3 of two members: m = (0.6 + 0.3 + 0.3) / 3 = 0.4."""
    found = match(
        contacts=[chat(0, conversation_id="t"), {"contact_id": "d", "conversation_id": "t"}],
        contact_skills=[{"contact_id": "c", "skill": "s", "min_proficiency": 0}],
        contact_steps=[step(0, "u"), step(0, "u") | {"contact_id": "d"}],
        agents=[{"agent_id": "a"}],
        agent_skills=knows("a", s=6, u=3),
    )
    assert found == [[0.59]]


def test_classes_with_and_without_steps_keep_their_own_probability() -> None:
    """No parts: p_no_skill; one named skill at 10; one first step at 5."""
    found = conversations(contacts=[chat(0)])
    assert (len(found.named), len(found.first_steps)) == (0, 0)
    probability = match(
        contacts=[chat(0), {"contact_id": "d"}, {"contact_id": "e", "channel": "case"}],
        contact_skills=[{"contact_id": "d", "skill": "s", "min_proficiency": 0}],
        contact_steps=[step(0, "u")],
        agents=[{"agent_id": "a"}],
        agent_skills=knows("a", s=10, u=5),
    )
    assert sorted(cell for line in probability for cell in line) == [0.65, 0.7, 0.95]


def test_turns_visit_every_row_once_and_no_owner_twice() -> None:
    """Owners 3, 1, 3, 3: first rows 1 and 0, then 2, then 3."""
    assert [turn.tolist() for turn in turns(np.array([3, 1, 3, 3]))] == [[1, 0], [2], [3]]
    assert list(turns(np.array([], dtype=np.int64))) == []
