"""Section 5 of `docs/model.md`: hopeless promises, missed targets, and agents who are all weak."""

import math
from dataclasses import replace

import pytest

from models.batch_problem import BatchProblem, build_problem
from models.gain import Term
from models.policy import Boost, Policy
from models.solution import SolveOptions
from models.tables import Channel
from solver.assign import assign
from tests.models.tiny import Row, ago, ahead, serves, tiny, with_channel

Tables = dict[str, list[Row]]


def stated(policy: Policy | None = None, /, **tables: list[Row]) -> BatchProblem:
    """A tiny batch as a problem; unless named, agent `a` could serve it."""
    base: Tables = {"agents": [{"agent_id": "a"}]}
    return build_problem(tiny(**base | tables), policy or Policy())


def given(policy: Policy | None = None, /, **tables: list[Row]) -> dict[str, str]:
    """Agent of every contact that is assigned."""
    base: Tables = {"agents": [{"agent_id": "a"}]}
    plan = assign(tiny(**base | tables), policy or Policy(), SolveOptions())
    return dict(plan.assignments.select("contact_id", "agent_id").iter_rows())


@pytest.mark.parametrize(
    ("contact", "queue", "scale_s"),
    [
        ({}, {}, 28_800.0),  # the usual target of an email
        ({}, {"target_answer_s": 500.0}, 500.0),
        ({"due_at": ahead(7000)}, {}, 7100.0),  # more than a tenth of the usual
        ({"due_at": ahead(2780)}, {}, 2880.0),
        ({"due_at": ahead(2779)}, {}, 2880.0),  # from here on a tenth of eight hours
        ({"due_at": ago(900)}, {}, 2880.0),  # hopeless: due before it came
        ({"due_at": ago(900)}, {"target_answer_s": 500.0}, 50.0),
        ({"due_at": ago(900)}, {"target_answer_s": 5.0}, 1.0),  # never below the target itself
        ({"due_at": ago(900), "channel": "chat"}, {}, 6.0),
        ({"due_at": ahead(99_900)}, {}, 100_000.0),
    ],
)
def test_the_scale_is_the_target_but_at_least_a_tenth_of_the_usual_one(
    contact: Row, queue: Row, scale_s: float
) -> None:
    """Of a contact that came 100 s ago, so that a promise of so many seconds is 100 s longer."""
    found = stated(
        queues=[{"queue_id": "q"} | queue],
        contacts=[{"contact_id": "c", "entered_at": ago(100)} | contact],
    )
    assert found.conversations.members["scale_s"].to_list() == [scale_s]


def test_a_hopeless_promise_by_hand() -> None:
    """Due before it came: a target of 1 s, which is missed, on a scale of 2880 s."""
    mail: Row = {"contact_id": "c", "entered_at": ago(100), "due_at": ago(900)}
    found = stated(contacts=[mail])
    leaves = 7.8 * (1 - math.exp(-605 / 172_800))  # T = 5 + 600 s, patience 48 h
    waits = 0.3 * ((705 / 2880) ** 2 - (100 / 2880) ** 2)
    assert found.gain.value_at_risk.tolist() == pytest.approx([leaves + waits + 1.0], rel=1e-9)


def test_a_hopeless_promise_does_not_outbid_all_others() -> None:
    """Place for a chat or a mail. By its own second the mail would cost 0.3 * 705^2, or the cap.

    On the scale of a tenth it is about 1, and the chat, halfway to its target, comes first.
    """
    half: Row = {"contact_id": "chat", "channel": "chat", "entered_at": ago(30)}
    hopeless: Row = {"contact_id": "mail", "entered_at": ago(100), "due_at": ago(900)}
    room = [{"agent_id": "a", "capacity_units": 33.0}]
    assert given(agents=room, contacts=[half, hopeless]) == {"chat": "a"}


def test_a_short_promise_comes_before_a_long_one() -> None:
    """Within what is usual the promise counts: an hour's before one of seven hours, as old."""
    mails = [
        {"contact_id": f"in {hours} h", "entered_at": ago(600), "due_at": ahead(3600 * hours)}
        for hours in (7, 1)
    ]
    one_place: Tables = {"agent_channels": serves("a", email=1)}
    assert given(contacts=mails, **one_place) == {"in 1 h": "a"}


ONLY_BREACH = replace(
    with_channel(Policy(), Channel.CHAT, waiting_cost=0.0),
    loss_fixed=0.0,
    loss_share=0.0,
    benefit_fixed=0.0,
    benefit_share=0.0,
)
"""A customer who gives up costs nothing, nor does waiting: M = L = k = 0."""


@pytest.mark.parametrize(
    ("waited_s", "penalty"),
    [
        (0, math.exp(-60 / 485)),
        (59, math.exp(-1 / 485)),
        (60, 1.0),
        (61, 1.0),
        (600, 1.0),
        (86_400, 1.0),
    ],
)
@pytest.mark.parametrize(("tier", "most"), [("standard", 1.0), ("gold", 8.0)])
def test_the_penalty_of_a_target_rises_until_it_is_missed_and_stays(
    tier: str, most: float, waited_s: float, penalty: float
) -> None:
    """A chat with 60 s, T = 5 + 480 s: what was just missed is not worth less than what may be.

    Overdue work used to rot, for its penalty was gone with the target.
    """
    found = stated(
        ONLY_BREACH,
        customers=[{"customer_id": "u", "tier": tier}],
        contacts=[
            {
                "contact_id": "c",
                "channel": "chat",
                "customer_id": "u",
                "entered_at": ago(waited_s),
            }
        ],
    )
    assert found.gain.value_at_risk.tolist() == pytest.approx([most * penalty], rel=1e-9)


@pytest.mark.parametrize(("age_s", "left_s"), [(5.0, 5.0), (10.0, 0.0), (20.0, 0.0)])
def test_a_boost_of_age_may_carry_it_over_the_target(age_s: float, left_s: float) -> None:
    """50 s and ten more are all of the 60 s: beyond them the penalty is whole."""
    policy = replace(ONLY_BREACH, boosts=(Boost(age_s=age_s),))
    chat: Row = {"contact_id": "c", "channel": "chat", "entered_at": ago(50)}
    found = stated(policy, contacts=[chat]).gain.value_at_risk.tolist()
    assert found == pytest.approx([math.exp(-left_s / 485)], rel=1e-9)


ASKS: Tables = {
    "contacts": [{"contact_id": "c"}],
    "contact_skills": [{"contact_id": "c", "skill": "x", "min_proficiency": 0}],
}


def levels(**of: int) -> list[Row]:
    """Rows of `agent_skills`: proficiency in `x` by agent."""
    return [{"agent_id": name, "skill": "x", "proficiency": n} for name, n in of.items()]


def matches(found: BatchProblem) -> list[float]:
    """The term `match` of the one conversation, by agent."""
    gain, total = found.gain, found.gain.match_base[0]
    columns = [n for n, name in enumerate(gain.rated) if name is Term.MATCH]
    rates = [
        sum(gain.term_coef[0, n] * gain.rate[gain.term_row[0, n], agent] for n in columns)
        for agent in range(found.problem.num_agents)
    ]
    return [float(total + rate) for rate in rates]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        # p = 0.41: of the 6 that a failure costs 0.41 * 14 - 1 = 4.74 are charged.
        ({"a": 1}, [1.0]),
        ({"a": 0}, [1.0]),  # p = 0.35: 4.9 - 3.9
        ({"a": 1, "b": 0}, [1.0, 0.16]),  # the worse of two weak ones: 4.9 - 4.74
        ({"a": 2}, [1.0]),  # p = 0.47: 6.58 - 5.58
        ({"a": 2, "b": 0}, [1.0, -0.68]),
        # p = 0.53: 7.42 - 1 is more than 6, all of which is charged.
        ({"a": 3}, [1.42]),
        ({"a": 3, "b": 0}, [1.42, -1.1]),
    ],
)
def test_a_failure_that_nobody_can_expect_to_avoid_is_not_charged(
    of: dict[str, int], expected: list[float]
) -> None:
    """p (B + F) - min(F, p_best (B + F) - 1), B = 8 and F = 6, p = 0.35 + 0.06 * proficiency.

    The best of those who are suitable is worth `service_worth` at least, which is 1.
    """
    found = stated(agents=[{"agent_id": name} for name in of], agent_skills=levels(**of), **ASKS)
    assert matches(found) == pytest.approx(expected)


@pytest.mark.parametrize(("worth", "expected"), [(0.0, 0.0), (0.3, 0.3), (5.0, 5.0)])
def test_what_serving_is_worth_at_least_is_a_number_of_the_policy(
    worth: float, expected: float
) -> None:
    """p = 0.41 of the only agent: 5.74 less 5.74 less the worth."""
    found = stated(replace(Policy(), service_worth=worth), agent_skills=levels(a=1), **ASKS)
    assert matches(found) == pytest.approx([expected])


@pytest.mark.parametrize(
    ("expert", "best"),
    [
        ({}, 9),
        ({"presence": "busy"}, 9),  # suitable, so that it could be avoided by waiting
        ({"presence": "away"}, 1),
        ({"shift_end_at": ago(1)}, 1),
    ],
)
def test_the_best_of_the_suitable_agents_says_what_can_be_avoided(expert: Row, best: int) -> None:
    """The expert is there, or not: 6 are charged, or 0.41 * 14 - 1 = 4.74."""
    found = stated(
        agents=[{"agent_id": "a"}, {"agent_id": "b"} | expert],
        agent_skills=levels(a=1, b=9),
        **ASKS,
    )
    charged = 6.0 if best == 9 else 4.74
    assert matches(found)[0] == pytest.approx(5.74 - charged)


def test_where_nobody_suits_all_of_the_failure_counts() -> None:
    """No suitable agent: `p_best` is 1, and the match of the weak one is 5.74 - 6."""
    found = stated(
        agents=[{"agent_id": "a", "presence": "away"}], agent_skills=levels(a=1), **ASKS
    )
    assert matches(found) == pytest.approx([-0.26])


def test_a_contact_is_served_by_the_weak_where_there_are_no_others() -> None:
    """5.74 - 6 would not be worth it, by what is at risk in ten minutes of eight hours.

    With 5.74 - 4.74 it is, although a handover four hours before the end of a shift costs 1 / e.
    """
    weak: Tables = {"agent_skills": levels(a=1), **ASKS}
    assert given(**weak) == {"c": "a"}
    assert given(replace(Policy(), service_worth=0.0), **weak) == {}
    # It waits for the expert who is on a call, rather than to be spoilt now.
    two: Tables = {"agents": [{"agent_id": "a"}, {"agent_id": "b", "presence": "busy"}]}
    assert given(**two, **weak | {"agent_skills": levels(a=1, b=9)}) == {}


@pytest.mark.parametrize("importance", ["low", "medium", "high"])
def test_a_contact_whose_skill_was_dropped_is_served_by_who_does_not_have_it(
    importance: str,
) -> None:
    """The skill is still named, so p = 0.35 for everybody who is there: 4.9 - 3.9."""
    asks = [
        row | {"min_proficiency": 5, "importance": importance} for row in ASKS["contact_skills"]
    ]
    found = given(contacts=ASKS["contacts"], contact_skills=asks)
    assert found == {"c": "a"}
