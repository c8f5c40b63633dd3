"""The second model of what pairs are worth, on batches small enough to do by hand."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.audit import recount
from models.policy import Boost, Policy
from models.recount.gain import Terms
from models.tables import Channel, Tier
from tests.models.tiny import ago, ahead, tiny, with_channel

POLICY = Policy()


@pytest.mark.parametrize(
    ("age_s", "tier", "may_be_held"),
    [(599, -1, True), (600, -1, True), (601, 1, False), (1200, 1, False), (1201, 0, False)],
)
def test_who_waits_too_long_goes_first(age_s: float, tier: int, may_be_held: bool) -> None:
    """Beyond the longest wait a conversation has tier 1, beyond twice that tier 0."""
    queues = [{"queue_id": "q", "max_wait_s": 600.0, "target_answer_s": 1e6}]
    contacts = [{"contact_id": "e", "entered_at": ago(age_s)}]
    found = recount(tiny(queues=queues, contacts=contacts), POLICY).conversations
    assert found.tier.tolist() == [tier]
    assert found.may_be_held.tolist() == [may_be_held]


def test_strict_classes_follow_the_starved() -> None:
    """The queue's class counts where the contact has none, and the smallest of the members."""
    queues = [{"queue_id": "q", "priority": 1}]
    one = {"customer_id": "k"}
    contacts: list[dict[str, Any]] = [
        {"contact_id": "a"},
        {"contact_id": "b", "priority": 2},
        {"contact_id": "c", "priority": 2} | one,
        {"contact_id": "d", "priority": 0} | one,
        {"contact_id": "e", "entered_at": ago(1e6)},
    ]
    policy = replace(POLICY, strict_classes=2)
    found = recount(tiny(queues=queues, contacts=contacts), policy).conversations
    by_lead = dict(zip(found.members["contact_id"].gather(found.start), found.tier, strict=True))
    # e has waited 277 h, more than twice the 72 h of emails.
    assert by_lead == {"a": 3, "b": -1, "c": 2, "e": 0}


def gain_terms(policy: Policy, contact: dict[str, Any], **customer: float) -> Terms:
    """Terms of one email of customer k with ana, who takes 600 s for one: T = 5 + 600 s."""
    batch = tiny(
        agents=[{"agent_id": "ana"}],
        customers=[{"customer_id": "k"} | customer],
        contacts=[contact | {"contact_id": "e", "customer_id": "k"}],
    )
    nobody = np.zeros(1, dtype=np.int64)
    return recount(batch, policy).worth.terms(nobody, nobody, nobody)


def test_who_is_about_to_leave_is_less_patient_and_worth_more() -> None:
    """Health multiplies impatience and loss, with anger at most twofold; boosts only add age."""
    # V = 200: M = 0.7 (8 + 6) - 6 = 3.8 and L = 2 + 0.01 V = 4; d = 28,800 s, patience 172,800 s.
    # Health 0 makes both 1 + 0.5 times as much; nothing is near its target.
    (found,) = gain_terms(POLICY, {}, health=0.0).value_at_risk
    waits = 0.3 * (605 / 28_800) ** 2
    assert found == pytest.approx(9.8 * (1 - math.exp(-1.5 * 605 / 172_800)) + waits)
    # With rage exp(0.5) 1.5 and 1.5 1.5 both exceed 2, the most.
    (found,) = gain_terms(POLICY, {"sentiment": -1.0}, health=0.0).value_at_risk
    assert found == pytest.approx(11.8 * (1 - math.exp(-2 * 605 / 172_800)) + waits)


def test_boosts_add_worth_and_age_to_those_that_they_match() -> None:
    """The age counts for the cost of waiting and the breach, and not for ageing or reports."""
    rules = (
        Boost(channel=Channel.EMAIL, worth=2.0, age_s=28_790.0),
        Boost(queue_id="other", worth=100.0),
        Boost(escalated=True, worth=100.0),
        Boost(queue_id="q", worth=0.5),
    )
    policy = replace(POLICY, boosts=rules, ageing_per_s=0.01, priority_worth=(9.0, 4.0))
    found = gain_terms(policy, {"entered_at": ago(60), "priority": 1})
    # 4 for class 1, 2 + 0.5 for the rules, 60 s at 0.01.
    assert found.priority.tolist() == [pytest.approx(7.1)]
    # As if it had waited 28,850 s of 28,800: past its target, so that all of the penalty counts.
    gives_up = 7.8 * (1 - math.exp(-605 / 172_800))
    waits = 0.3 * (29_455**2 - 28_850**2) / 28_800**2
    assert found.value_at_risk.tolist() == [pytest.approx(gives_up + waits + 1.0)]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        # p = 0.35 + 0.06 level: 0.41 and 0.35. The better one expects 0.41 * 14 = 5.74 of the 14
        # at stake, and 1 of it must remain for the service: 4.74 of F = 6 are charged, to both.
        ({"ana": 1, "ben": 0}, [1.0, 0.16]),
        # 0.53 * 14 - 1 = 6.42: whoever takes it risks all of the 6.
        ({"ana": 3, "ben": 0}, [1.42, -1.1]),
        # dee, who could do better, is away; cai, who is busy, is suitable: 0.47 * 14 - 1 = 5.58.
        ({"ana": 1, "ben": 0, "dee": 10}, [1.0, 0.16]),
        ({"ana": 1, "ben": 0, "cai": 2}, [0.16, -0.68]),
    ],
)
def test_what_nobody_can_expect_to_avoid_is_not_charged(
    levels: dict[str, int], expected: list[float]
) -> None:
    """match = p (B + F) - min(F, p_best (B + F) - 1), the best of those who are suitable."""
    presence = {"cai": "busy", "dee": "away"}
    batch = tiny(
        agents=[
            {"agent_id": name, "presence": presence.get(name, "available")} for name in levels
        ],
        agent_skills=[
            {"agent_id": name, "skill": "x", "proficiency": level}
            for name, level in levels.items()
        ],
        contacts=[{"contact_id": "e"}],
        contact_skills=[{"contact_id": "e", "skill": "x", "min_proficiency": 0}],
    )
    one, both = np.zeros(2, dtype=np.int64), np.arange(2)
    found = recount(batch, POLICY).worth.terms(one, both, both)
    assert found.match.tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("age_s", "left_s", "penalty"),
    [
        # A chat promised within 2 s, of which T = 5 s may lose it; a tenth of its 60 s is D = 6.
        (0, 2, math.exp(-2 / 5)),
        (2, 0, 1.0),
        (40, -38, 1.0),
    ],
)
def test_a_hopeless_promise_counts_by_its_scale_and_its_penalty_stays(
    age_s: float, left_s: float, penalty: float
) -> None:
    """Waiting costs 0.4 (((w + T)/D)^2 - (w/D)^2); who was missed does not fall behind others."""
    batch = tiny(
        agents=[{"agent_id": "ana"}],
        contacts=[
            {"contact_id": "c", "channel": "chat"}
            | {"entered_at": ago(age_s), "due_at": ahead(left_s)}
        ],
    )
    found = recount(batch, replace(POLICY, longest_delay_s=5.0)).worth.at_risk
    gives_up = 7.8 * (1 - math.exp(-5 / 180))
    waits = 0.4 * ((age_s + 5) ** 2 - age_s**2) / 6**2
    assert found.tolist() == pytest.approx([gives_up + waits + penalty])


def test_fairness_costs_those_beyond_their_share() -> None:
    """Shares are of handled and productive time of all who have both."""
    # ana handled 3,000 of 4,000 s in half of the productive time: x = 0.75 / 0.5 = 1.5, which is
    # 0.35 beyond 1 + 0.15: 0.2 * 0.35. ben has less than his share. cai has no productive time.
    batch = tiny(
        agents=[
            {"agent_id": "ana", "handled_s": 3_000.0, "productive_s": 4_000.0},
            {"agent_id": "ben", "handled_s": 1_000.0, "productive_s": 4_000.0},
            {"agent_id": "cai", "handled_s": 9_000.0, "productive_s": 0.0},
        ],
        contacts=[{"contact_id": "e"}],
    )
    one = np.zeros(3, dtype=np.int64)
    everybody = np.arange(3)
    found = recount(batch, POLICY).worth.terms(one, everybody, everybody)
    assert found.fairness.tolist() == [pytest.approx(-0.07), 0.0, 0.0]
    # Nobody was idle. Three and one quarters of their time leave 0.06 times the rest; cai full.
    balance = [pytest.approx(0.015), pytest.approx(0.045), pytest.approx(0.06)]
    assert found.balance.tolist() == balance


def test_what_agents_hold_counts_among_equals() -> None:
    """0.1 for each item that is neither parked nor over, nor taken as ended."""
    voice = {"channel": "voice", "expected_end_at": ahead(30)}
    held: list[dict[str, Any]] = [
        {"agent_id": "ben", "contact_id": "h1"},
        {"agent_id": "ben", "contact_id": "h2", "state": "wrap_up", "state_since": ago(59)},
        {"agent_id": "cai", "contact_id": "h3", "state": "parked"},
        {"agent_id": "cai", "contact_id": "h4", "state": "wrap_up", "state_since": ago(60)},
        # Free in 30 s: the call is taken as ended, the email is left.
        {"agent_id": "dee", "contact_id": "h5"} | voice,
        {"agent_id": "dee", "contact_id": "h6"},
    ]
    batch = tiny(
        agents=[{"agent_id": name} for name in ("ana", "ben", "cai", "dee")],
        contacts=[{"contact_id": "e"}],
        agent_load=held,
    )
    one, everybody = np.zeros(4, dtype=np.int64), np.arange(4)
    found = recount(batch, POLICY).worth.terms(one, everybody, everybody)
    # Nobody was idle, and nothing is known of today: 0.06 for everybody.
    assert found.balance.tolist() == pytest.approx([0.06, -0.14, 0.06, -0.04])


@pytest.mark.parametrize(
    ("presences", "delay_s"),
    [
        (("available", "busy"), 305.0),  # 5 + h / N = 600 / 2, whether they are idle or not
        (("available",) * 2, 305.0),
        (("available",) * 3, 205.0),
        (("available",), 400.0),  # 605 s are more than the longest delay
        (("away",), 400.0),  # as if there were one agent
    ],
)
def test_everybody_in_a_line_expects_the_same_delay(
    presences: tuple[str, ...], delay_s: float
) -> None:
    """T is a tick and what the next suitable agent takes, wherever in the line one stands."""
    silent = with_channel(POLICY, Channel.EMAIL, waiting_cost=0.0)
    silent = replace(silent, breach_penalties=dict.fromkeys(Tier, 0.0), longest_delay_s=400.0)
    batch = tiny(
        agents=[{"agent_id": f"a{n}", "presence": name} for n, name in enumerate(presences)],
        contacts=[{"contact_id": f"e{n}", "entered_at": ago(9 + n)} for n in range(3)]
        + [{"contact_id": "x", "channel": "case"}],
    )
    emails = recount(batch, silent).worth.at_risk[:3]
    # Only giving up costs: M + L = 3.8 + 4, patience 172,800 s.
    gives_up = 7.8 * (1 - math.exp(-delay_s / 172_800))
    assert emails.tolist() == pytest.approx([gives_up] * 3)


def test_the_strongest_tie_counts_alone() -> None:
    """Stickiness is the largest of what speaks for an agent; region costs the other site."""
    policy = with_channel(POLICY, Channel.EMAIL, same_agent_window_s=3_600.0)
    batch = tiny(
        agents=[
            {"agent_id": "ana", "site": "porto"},
            {"agent_id": "ben", "site": "lima"},
            {"agent_id": "cai", "site": "porto"},
        ],
        customers=[{"customer_id": "k", "owner_agent_id": "ben"}],
        customer_agents=[{"customer_id": "k", "agent_id": "cai", "score": 50.0}],
        contacts=[
            {
                "contact_id": "e",
                "customer_id": "k",
                "last_agent_id": "ana",
                "last_agent_at": ago(1_800),
                "resolver_agent_id": "ben",
                "resolved_at": ago(14 * 86_400),
            }
        ],
    )
    one, everybody = np.zeros(3, dtype=np.int64), np.arange(3)
    found = recount(batch, policy).worth.terms(one, everybody, everybody)
    # ana: 1.5 halved once in 72 h, after 0.5 h. ben: owner 1.2 beats 0.75 / 2. cai: half of 1.2.
    ana = 1.5 * 2 ** (-0.5 / 72)
    assert found.stickiness.tolist() == [pytest.approx(ana), pytest.approx(1.2), 0.6]
    assert found.region.tolist() == [0.0, -0.5, 0.0]


def test_whoever_came_first_in_a_line_is_first_among_equals() -> None:
    """A thousandth for each of the line who came later; ids decide between two of one instant."""
    batch = tiny(
        agents=[{"agent_id": "ana"}],
        contacts=[
            {"contact_id": "a", "entered_at": ago(20)},
            {"contact_id": "b", "entered_at": ago(30)},
            {"contact_id": "c", "entered_at": ago(20), "language": "es"},
            {"contact_id": "x", "entered_at": ago(99), "channel": "case"},
        ],
    )
    found = recount(batch, POLICY).worth
    assert found.priority.tolist() == pytest.approx([0.001, 0.002, 0.0, 0.0])
    many = [{"contact_id": f"c{n:03}", "entered_at": ago(500 - n)} for n in range(102)]
    found = recount(tiny(agents=[{"agent_id": "ana"}], contacts=many), POLICY).worth
    expected = [max(99 - n, 0) / 1000 for n in range(102)]
    assert found.priority.tolist() == pytest.approx(expected)
