"""Section 5 of `docs/model.md`: terms that rules of routing add to the gain, by hand."""

import math
from dataclasses import replace

import pytest

from models.batch_problem import BatchProblem, build_problem
from models.gain import Term
from models.policy import Boost, Policy
from models.tables import Channel, Tier
from tests.models.tiny import NOW, Row, ago, ahead, pair_gains, tiny, with_channel

Tables = dict[str, list[Row]]
DAY = 86_400

SILENT = replace(
    Policy(),
    overtime_cost_per_s=0.0,
    handover_cost=0.0,
    idle_worth=0.0,
    utilisation_worth=0.0,
    busy_cost=0.0,
)
"""Without the terms that only depend on the agent's shift, idleness and work."""
TWO: list[Row] = [{"agent_id": "a"}, {"agent_id": "b"}]


def stated(policy: Policy, /, **tables: list[Row]) -> BatchProblem:
    """A tiny batch as a problem; unless named, `a` and `b` could serve the one email `c`."""
    base: Tables = {"agents": TWO, "contacts": [{"contact_id": "c"}]}
    return build_problem(tiny(**base | tables), policy)


def difference(policy: Policy, /, **tables: list[Row]) -> float:
    """How much more the email is worth with `a` than with `b`."""
    gains = pair_gains(stated(policy, **tables))
    return (gains["c", "a"] - gains["c", "b"]) / 1000


@pytest.mark.parametrize(
    ("priority", "queue", "worth"),
    [
        (None, None, 5.0),  # the policy's class 5 is the last of the list
        (0, None, 30.0),
        (None, 1, 20.0),
        (0, 1, 30.0),  # the contact's own class counts
        (9, None, 0.0),  # beyond the list
    ],
)
def test_classes_are_worth_what_the_list_says(
    priority: int | None, queue: int | None, worth: float
) -> None:
    """30 for class 0, 20 for class 1, 5 for class 5."""
    found = stated(
        replace(SILENT, priority_worth=(30.0, 20.0, 0.0, 0.0, 0.0, 5.0)),
        queues=[{"queue_id": "q", "priority": queue}],
        contacts=[{"contact_id": "c", "priority": priority}],
    )
    assert found.gain.priority.tolist() == [worth]


def test_ageing_is_linear_up_to_its_cap() -> None:
    """0.01 a second: 3.0 after 300 s and 5.0, the cap, after an hour; of several the oldest."""
    policy = replace(SILENT, ageing_per_s=0.01, most_ageing=5.0)
    thread = [
        {"contact_id": name, "conversation_id": "t", "entered_at": ago(age)}
        for name, age in (("c", 20), ("d", 300))
    ]
    assert stated(policy, contacts=thread).gain.priority.tolist() == pytest.approx([3.0])
    old = [{"contact_id": "c", "entered_at": ago(3600)}]
    assert stated(policy, contacts=old).gain.priority.tolist() == pytest.approx([5.0])


def test_boosts_add_up_where_they_match() -> None:
    """All emails 2, gold 3, chats 100: an email of a gold customer has 5."""
    policy = replace(
        SILENT,
        boosts=(
            Boost(channel=Channel.EMAIL, worth=2.0),
            Boost(tier=Tier.GOLD, worth=3.0),
            Boost(channel=Channel.CHAT, worth=100.0),
        ),
    )
    found = stated(
        policy,
        queues=[{"queue_id": "q"}, {"queue_id": "r"}],
        contacts=[{"contact_id": "c", "customer_id": "u"}, {"contact_id": "d", "queue_id": "r"}],
        customers=[{"customer_id": "u", "tier": "gold"}],
    )
    leads = found.conversations.units["lead_contact_id"].to_list()
    assert dict(zip(leads, found.gain.priority.tolist(), strict=True)) == {"c": 5.0, "d": 2.0}


def test_a_boost_of_age_raises_the_risk_and_not_the_wait() -> None:
    """900 s more in u(T), so 1000 s in all; the wait that is reported stays 100 s."""
    policy = replace(
        with_channel(SILENT, Channel.EMAIL, target_answer_s=2000.0),
        boosts=(Boost(queue_id="q", age_s=900.0),),
    )
    found = stated(policy, contacts=[{"contact_id": "c", "entered_at": ago(100)}])
    # M = 3.8 and L = 4 of an unknown customer, T = 5 + 600 / 2 s with `a` and `b`, patience 48 h,
    # target 2000 s.
    leaves = 7.8 * (1 - math.exp(-305 / (2 * DAY)))
    waits = 0.3 * ((1305 / 2000) ** 2 - (1000 / 2000) ** 2)
    breach = math.exp(-(2000 - 1000) / 305)
    assert found.gain.value_at_risk.tolist() == pytest.approx([leaves + waits + breach], rel=1e-9)
    assert found.conversations.units["waited_s"].to_list() == [100.0]


@pytest.mark.parametrize(
    ("health", "sentiment", "haste", "loss"),
    [
        (1.0, 0.0, 1.0, 1.0),
        (None, 0.0, 1.0, 1.0),  # nothing known is nothing wrong
        (0.4, 0.0, 1.3, 1.3),  # 1 + 0.5 * 0.6
        (0.4, -0.4, math.exp(0.2) * 1.3, 1.2 * 1.3),
        (0.0, -1.0, 2.0, 2.0),  # exp(0.5) * 1.5 and 1.5 * 1.5, both at most double
    ],
)
def test_a_customer_about_to_leave_is_less_patient(
    health: float | None, sentiment: float, haste: float, loss: float
) -> None:
    """f = min(2, exp(0.5 * -s) * (1 + 0.5 (1 - health))), L times the same with 1 + 0.5 * -s."""
    policy = replace(
        with_channel(SILENT, Channel.EMAIL, waiting_cost=0.0),
        breach_penalties=dict.fromkeys(Tier, 0.0),
    )
    found = stated(
        policy,
        contacts=[
            {
                "contact_id": "c",
                "customer_id": "u",
                "entered_at": ago(9),
                "sentiment": sentiment,
            }
        ],
        customers=[{"customer_id": "u", "health": health}],
    )
    # T = 5 + 600 / 2 s, with `a` and `b`
    expected = (3.8 + 4 * loss) * (1 - math.exp(-haste * 305 / (2 * DAY)))
    assert found.gain.value_at_risk.tolist() == pytest.approx([expected], rel=1e-9)


@pytest.mark.parametrize(
    ("age_s", "worth"),
    [(0, 0.75), (14 * DAY, 0.375), (30 * DAY - 1, 0.75 * 2 ** (-30 / 14)), (30 * DAY, None)],
)
def test_who_resolved_the_issue_before_is_worth_less_each_fortnight(
    age_s: float, worth: float | None
) -> None:
    """0.75 * 2^(-age / 14 days), nothing after 30 days."""
    contact = {"contact_id": "c", "resolver_agent_id": "a", "resolved_at": ago(age_s)}
    extra = stated(SILENT, contacts=[contact]).gain.extra
    expected = [] if worth is None else [worth]
    assert extra["stickiness"].to_list() == pytest.approx(expected, rel=1e-6)


def test_dedicated_agents_are_worth_their_score() -> None:
    """1.2 * 50 / 100 for a score of 50; the owner has 1.2 whatever the list says."""
    found = stated(
        SILENT,
        agents=[*TWO, {"agent_id": "d"}],
        contacts=[{"contact_id": "c", "customer_id": "u"}],
        customers=[{"customer_id": "u", "owner_agent_id": "b"}],
        customer_agents=[
            {"customer_id": "u", "agent_id": name, "score": 50.0} for name in ("a", "b")
        ],
    )
    assert found.gain.extra.select("agent_idx", "stickiness").rows() == [(0, 0.6), (1, 1.2)]


def test_each_decline_of_a_pair_takes_half_off() -> None:
    """`a` declined twice, long ago: 2 * 0.5 less than `b`."""
    declines = [
        {"contact_id": "c", "agent_id": "a", "declined_at": ago(age)} for age in (700, 900)
    ]
    assert difference(SILENT, declines=declines) == -1.0


def test_another_site_costs_where_the_preferred_agent_is_known() -> None:
    """`x` of lisbon had the customer an hour ago and is away: porto costs 0.5, lisbon nothing."""
    agents = [
        {"agent_id": "a", "site": "porto"},
        {"agent_id": "b", "site": "lisbon"},
        {"agent_id": "x", "site": "lisbon", "presence": "offline"},
    ]
    last = {"contact_id": "c", "last_agent_id": "x", "last_agent_at": ago(3600)}
    assert difference(SILENT, agents=agents, contacts=[last]) == -0.5
    # After 72 h, the window of an email, nobody cares, nor for an agent whom nobody knows.
    long_ago = last | {"last_agent_at": ago(72 * 3600)}
    assert difference(SILENT, agents=agents, contacts=[long_ago]) == 0.0
    gone = last | {"last_agent_id": "gone"}
    assert difference(SILENT, agents=agents, contacts=[gone]) == 0.0


def test_an_owner_at_another_site_is_no_region() -> None:
    """Only the agent of the window counts: the owner is preferred, but costs no region."""
    agents = [
        {"agent_id": "a", "site": "porto"},
        {"agent_id": "b", "site": "lisbon"},
        {"agent_id": "x", "site": "lisbon", "presence": "offline"},
    ]
    owned: Tables = {
        "contacts": [{"contact_id": "c", "customer_id": "u"}],
        "customers": [{"customer_id": "u", "owner_agent_id": "x"}],
    }
    found = stated(SILENT, agents=agents, **owned)
    assert found.conversations.units["preferred_agent_id"].to_list() == ["x"]
    assert Term.REGION not in found.gain.rated


def test_interrupting_costs_for_each_item_that_yields() -> None:
    """Two emails and a parked one of `a`: a call would interrupt the two; an email nothing."""
    load: list[Row] = [
        {"agent_id": "a", "contact_id": f"h{n}", "channel": "email", "state": state}
        for n, state in enumerate(("active", "active", "parked"))
    ]
    call = [{"contact_id": "c", "channel": "voice"}]
    assert difference(SILENT, contacts=call, agent_load=load) == pytest.approx(-0.4)
    assert difference(SILENT, agent_load=load) == 0.0


def test_levels_above_those_asked_for_can_cost() -> None:
    """x at 9 where 4 is asked for and y at 5 where 5 is: the mean of 0.5 and 0, times 1.0."""
    skills: list[Row] = [
        {"contact_id": "c", "skill": "x", "min_proficiency": 4},
        {"contact_id": "c", "skill": "y", "min_proficiency": 5},
    ]
    has = [
        {"agent_id": agent, "skill": skill, "proficiency": level}
        for agent, skill, level in (("a", "x", 9), ("a", "y", 5), ("b", "x", 4), ("b", "y", 5))
    ]
    tables: Tables = {
        "contact_skills": skills,
        "agent_skills": has,
        "contacts": [{"contact_id": "c"}, {"contact_id": "d"}],
    }
    plain = difference(SILENT, **tables)
    nearest = difference(replace(SILENT, overqualified_cost=1.0), **tables)
    assert plain - nearest == pytest.approx(0.25)
    assert Term.OVERQUALIFIED not in stated(SILENT, **tables).gain.rated


def test_only_agents_of_other_queues_are_borrowed() -> None:
    """`b` helps from another queue: 0.2; without overflow there is nobody to borrow."""
    queues: list[Row] = [
        {"queue_id": "q"},
        {"queue_id": "r", "arrivals_per_h": 0.0},
    ]
    members = [{"queue_id": "q", "agent_id": "a"}, {"queue_id": "r", "agent_id": "b"}]
    overflow: list[Row] = [
        {"queue_id": "q", "to_queue_id": "r", "condition": "waited", "threshold": 60.0}
    ]
    tables: Tables = {"queues": queues, "queue_members": members, "overflow": overflow}
    late = [{"contact_id": "c", "entered_at": ago(61)}]
    assert difference(SILENT, contacts=late, **tables) == pytest.approx(0.2)
    early = stated(SILENT, contacts=[{"contact_id": "c", "entered_at": ago(60)}], **tables)
    assert list(pair_gains(early)) == [("c", "a")]
    assert Term.BORROWING not in early.gain.rated


def test_a_term_that_is_nothing_anywhere_costs_no_column() -> None:
    """One plain email and one idle agent: only handover and balance remain."""
    found = stated(Policy(), agents=[{"agent_id": "a", "idle_since": NOW}])
    assert set(found.gain.rated) == {Term.BALANCE, Term.HANDOVER}
    assert found.problem.rate.shape[0] == found.gain.rate.shape[0] == 2


def test_without_agents_there_is_still_a_problem() -> None:
    """No agents, no pairs, no terms that could fail."""
    found = stated(Policy(), agents=[], queue_members=[], agent_channels=[])
    assert pair_gains(found) == {}
    assert found.gain.base.shape == (1,)


def test_who_can_be_interrupted_is_not_waited_for() -> None:
    """Emails do not make an agent busy: a call is not held for them but interrupts both."""
    load: list[Row] = [
        {"agent_id": "a", "contact_id": "h", "channel": "email", "expected_end_at": ahead(30)},
        {"agent_id": "a", "contact_id": "k", "channel": "email"},
    ]
    call = [{"contact_id": "c", "channel": "voice"}]
    found = stated(SILENT, contacts=call, agent_load=load)
    assert Term.HOLD not in found.gain.rated
    assert difference(SILENT, contacts=call, agent_load=load) == pytest.approx(-0.4)
