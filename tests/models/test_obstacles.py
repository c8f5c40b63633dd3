"""Why nobody can take a conversation, and the smallest change that would give somebody."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batch_problem import BatchProblem, build_problem
from models.eligibility import REASONS
from models.obstacles import Obstacles, _smallest_set, obstacles_of
from models.plan import Reason
from models.policy import Policy
from scenarios.generate import generate_batch
from tests.models.tiny import NOW, Row, ago, ahead, serves, tiny

Tables = dict[str, list[Row]]


def found_for(**tables: list[Row]) -> Obstacles:
    """What stands between `c` and the agents; unless named, `a` could serve it."""
    base: Tables = {"agents": [{"agent_id": "a"}], "contacts": [{"contact_id": "c"}]}
    stated = build_problem(tiny(**base | tables), Policy())
    leads = stated.conversations.units["lead_contact_id"].to_list()
    return obstacles_of(stated, leads.index("c"))


def skill(name: str, level: int) -> Row:
    """A skill that `c` requires."""
    return {"contact_id": "c", "skill": name, "min_proficiency": level}


def has(agent_id: str, **levels: int) -> list[Row]:
    """Skills of an agent."""
    return [
        {"agent_id": agent_id, "skill": name.replace("_", ":"), "proficiency": level}
        for name, level in levels.items()
    ]


def test_the_least_that_would_have_to_give_is_told() -> None:
    """Polish at 4, the region eu and chat: three speak some Polish, the fourth is elsewhere."""
    names = ("a", "b", "d", "e")
    found = found_for(
        agents=[{"agent_id": name} for name in names],
        contacts=[{"contact_id": "c", "channel": "chat"}],
        contact_skills=[skill("polish", 4), skill("region:eu", 0)],
        agent_skills=[
            *has("a", polish=3, region_eu=1),
            *has("b", polish=2, region_eu=1),
            *has("d", region_eu=1),
            *has("e", polish=9),
        ],
    )
    assert str(found) == (
        "c needs polish at 4, region:eu and chat: 0 of 4 agents;"
        " dropping polish at 4 gives 3 (a, b, d). polish at 3 would do for a."
    )
    assert [(test.name, test.num_failing) for test in found.tests] == [
        ("polish at 4", 3),
        ("region:eu", 1),
    ]


def test_where_one_rule_is_not_enough_two_are_named() -> None:
    """The one agent is off shift and does not serve chats; being free follows from the shift."""
    found = found_for(
        agents=[{"agent_id": "a", "shift_end_at": ago(60)}],
        agent_channels=serves("a", email=3),
        contacts=[{"contact_id": "c", "channel": "chat"}],
    )
    assert [test.reason for test in found.dropped] == [
        Reason.OFF_SHIFT,
        Reason.CHANNEL_NOT_SERVED,
    ]
    assert str(found) == (
        "c needs chat: 0 of 1 agents; dropping the need to be on shift and the need to"
        " serve chat gives 1 (a)."
    )


def test_an_agent_who_is_full_is_told_by_the_limit_that_is_full() -> None:
    """Not the need to be free: it is the one email at once that would have to give."""
    found = found_for(
        agent_channels=serves("a", email=1),
        agent_load=[{"agent_id": "a", "contact_id": "h"}],
    )
    assert [test.name for test in found.dropped] == ["the limit of email contacts"]


def test_steps_and_languages_are_rules_of_their_own() -> None:
    """The step asks for gold at 3 and calm at 2, or for `b`; only `a` speaks German."""
    step = {"contact_id": "c", "step": 0, "expires_s": None, "min_proficiency": 0}
    found = found_for(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        contacts=[{"contact_id": "c", "language": "de"}],
        contact_steps=[
            step | {"alternative": 0, "skill": "calm", "min_proficiency": 2},
            step | {"alternative": 0, "skill": "gold", "min_proficiency": 3},
            step | {"alternative": 1, "skill": "agent:b", "min_proficiency": 1},
        ],
        agent_skills=[
            *has("a", calm=2, gold=2),
            {"agent_id": "a", "skill": "language:de", "proficiency": 5},
        ],
    )
    assert found.needs == (
        "language de at 5",
        "calm at 2 and gold at 3 or agent:b at 1",
        "email",
    )
    # Either would do: `b` fails the language alone and `a` the step alone, which comes last.
    assert [(test.name, test.num_failing) for test in found.tests] == [
        ("language de at 5", 1),
        ("calm at 2 and gold at 3 or agent:b at 1", 1),
    ]
    assert found.gives == ("a",)


def test_a_lock_is_a_rule_about_one_pair() -> None:
    """`b` talks to the customer and is full, `a` is free: the lock, or the limit of `b`."""
    found = found_for(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        agent_channels=[*serves("a", email=3), *serves("b", email=1)],
        contacts=[{"contact_id": "c", "customer_id": "u"}],
        agent_load=[{"agent_id": "b", "contact_id": "h", "customer_id": "u"}],
    )
    assert [test.name for test in found.tests] == [
        "the limit of email contacts",
        "the lock to b",
    ]
    # Of two answers as good the test that comes last.
    assert [test.name for test in found.dropped] == ["the lock to b"]
    assert found.gives == ("a",)


@pytest.mark.parametrize(
    ("agent", "dropped"),
    [
        # The call blocks emails, fills the units and is all that one lane allows: one thing.
        ({}, "work in hand that blocks email"),
        ({"presence": "busy"}, "the need to be free"),
    ],
)
def test_one_call_in_hand_is_one_obstacle(agent: Row, dropped: str) -> None:
    """Whoever is on the phone lacks room for many reasons, of which one is told."""
    found = found_for(
        agents=[{"agent_id": "a"} | agent, {"agent_id": "b"}],
        agent_channels=serves("a", voice=1, email=3),
        contact_skills=[skill("tax", 2)],
        agent_skills=has("a", tax=2),
        agent_load=[
            {"agent_id": "a", "contact_id": "h", "channel": "voice", "expected_end_at": ahead(300)}
        ],
    )
    assert [test.name for test in found.dropped] == [dropped]
    assert found.gives == ("a",)
    assert found.nearest == ("a should be free in 5 min" if agent else "")


def test_the_nearest_level_is_told_of_one_skill() -> None:
    """Two have 3 of the 4 that are asked for; who lacks the skill is not near."""
    found = found_for(
        agents=[{"agent_id": name} for name in ("a", "b", "d")],
        contact_skills=[skill("tax", 4)],
        agent_skills=[*has("a", tax=3), *has("b", tax=3)],
    )
    assert (found.gives, found.nearest) == (("a", "b", "d"), "tax at 3 would do for a and b")
    nobody_has_it = found_for(contact_skills=[skill("tax", 4)])
    assert (nobody_has_it.gives, nobody_has_it.nearest) == (("a",), "")


def test_a_wait_for_the_preferred_agent_can_be_given_up() -> None:
    """`b` is on the phone for two minutes; without the wait `a` could have the message."""
    found = found_for(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        contacts=[
            {
                "contact_id": "c",
                "channel": "messaging",
                "last_agent_id": "b",
                "last_agent_at": ago(600),
            }
        ],
        agent_load=[
            {
                "agent_id": "b",
                "contact_id": "h",
                "channel": "voice",
                "started_at": ago(60),
                "expected_end_at": ahead(120),
            }
        ],
    )
    assert (str(found.dropped[0].name), found.gives) == ("the wait for b", ("a",))


def test_where_somebody_may_take_it_nothing_is_dropped() -> None:
    """Two of three agents."""
    found = found_for(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}, {"agent_id": "d", "presence": "away"}]
    )
    assert str(found) == "c needs email: 2 of 3 agents may take it (a, b)."
    assert found.dropped == ()


def test_without_agents_there_is_nothing_to_drop() -> None:
    """The sentence says so."""
    found = found_for(agents=[], queue_members=[], agent_channels=[])
    assert str(found) == "c needs email: there are no agents."


@settings(max_examples=40, deadline=None)
@given(
    fails=st.integers(1, 5).flatmap(
        lambda tests: st.lists(
            st.lists(st.booleans(), min_size=tests, max_size=tests), min_size=1, max_size=6
        )
    )
)
def test_no_smaller_set_and_none_as_small_gives_more(fails: list[list[bool]]) -> None:
    """By enumeration of all sets of tests."""
    matrix = np.array(fails).T
    chosen = _smallest_set(matrix)

    def given_by(drop: set[int]) -> int:
        return sum(
            all(not failed or test in drop for test, failed in enumerate(agent)) for agent in fails
        )

    size = int(chosen.sum())
    best = given_by(set(np.flatnonzero(chosen).tolist()))
    assert best > 0
    for smaller in range(size):
        assert all(given_by(set(s)) == 0 for s in combinations(range(len(matrix)), smaller))
    assert best == max(given_by(set(s)) for s in combinations(range(len(matrix)), size))


@pytest.mark.parametrize("seed", [1, 2])
def test_whoever_fails_nothing_is_eligible_and_the_others_are_not(seed: int) -> None:
    """Against the pairs of generated problems, and the first failing rule is one of the tests."""
    stated: BatchProblem = build_problem(generate_batch(seed, 40, 12, NOW), Policy())
    pairs = stated.problem.pairs
    ids = stated.agents.agents["agent_id"].to_list()
    for conversation in range(stated.problem.num_contacts):
        found = obstacles_of(stated, conversation)
        start, end = pairs.start[conversation : conversation + 2]
        eligible = tuple(ids[agent] for agent in pairs.agent[start:end])
        if eligible:
            assert (found.dropped, found.gives) == ((), eligible)
        else:
            assert found.dropped
            assert found.gives
        kind = stated.problem.contact_class[[conversation]].astype(np.int64)
        failed = stated.eligibility.first_failures(kind)
        first = {REASONS[code - 1] for code in failed[0].tolist() if code}
        assert first <= {test.reason for test in found.tests}
