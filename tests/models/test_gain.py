"""Section 5 of `docs/model.md`: every term of the gain, recomputed by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from models.batch_problem import BatchProblem, build_problem
from models.gain import Term
from models.policy import Policy
from models.shift_end import normal_cdf
from models.tables import Channel, Tier
from tests.models.tiny import NOW, Row, ago, ahead, pair_gains, tiny, with_channel

Tables = dict[str, list[Row]]

SILENT = replace(
    Policy(),
    overtime_cost_per_s=0.0,
    handover_cost=0.0,
    idle_worth=0.0,
    utilisation_worth=0.0,
    busy_cost=0.0,
)
"""Without the terms that only depend on the agent's shift, idleness and work."""
ONLY_LEAVING = replace(
    with_channel(SILENT, Channel.EMAIL, waiting_cost=0.0),
    breach_penalties=dict.fromkeys(Tier, 0.0),
)
"""Of an email that waits nothing is at risk but that the customer gives up."""


def stated(policy: Policy, /, **tables: list[Row]) -> BatchProblem:
    """A tiny batch as a problem; unless named, agent `a` could serve the one email `c`."""
    base: Tables = {"agents": [{"agent_id": "a"}], "contacts": [{"contact_id": "c"}]}
    return build_problem(tiny(**base | tables), policy)


def rated(found: BatchProblem, term: Term) -> list[float]:
    """Sum of the rated columns of a term, by agent, for the first conversation."""
    gain = found.gain
    total = np.zeros(found.problem.num_agents)
    for column, name in enumerate(gain.rated):
        if name is term:
            total += gain.term_coef[0, column] * gain.rate[gain.term_row[0, column]]
    values: list[float] = total.tolist()
    return values


def test_a_furious_gold_caller_by_hand() -> None:
    """Match and value at risk of a call that has waited half of its 20 s."""
    found = stated(
        SILENT,
        customers=[{"customer_id": "u", "value": 1000.0, "tier": "gold"}],
        contacts=[
            {
                "contact_id": "c",
                "channel": "voice",
                "customer_id": "u",
                "entered_at": ago(10),
                "sentiment": -0.4,
                "escalated": True,
            }
        ],
        contact_skills=[{"contact_id": "c", "skill": "billing", "min_proficiency": 5}],
        agent_skills=[{"agent_id": "a", "skill": "billing", "proficiency": 8}],
    )
    # p = 0.35 + 0.6 * 0.8 = 0.83; B = 4 + 0.02 * 1000 = 24; F = 4 + 0.01 * 1000 = 14
    match = 0.83 * 24 - 0.17 * 14  # 17.54, for 0.83 * 38 can be expected to make good for 14
    # M = max(0, 0.83 * (24 + 14) - 14) = 17.54; L = (2 + 10) * (1 + 0.5 * 0.4) * 3 = 43.2
    # theta = exp(0.2) / 240 s; T = 5 + 300 s, when the only agent is done with another call
    leaves = (17.54 + 43.2) * (1 - math.exp(-math.exp(0.2) / 240 * 305))
    waits = 0.5 * ((315 / 20) ** 2 - (10 / 20) ** 2)  # 123.90625
    breach = 8 * 3 * math.exp(-(20 - 10) / 305)
    assert found.gain.match_base[0] + rated(found, Term.MATCH)[0] == pytest.approx(match)
    assert found.gain.value_at_risk[0] == pytest.approx(leaves + waits + breach, rel=1e-12)
    assert pair_gains(found) == {("c", "a"): round(1000 * (match + leaves + waits + breach))}


def test_a_calm_late_email_by_hand() -> None:
    """An email of an unknown customer after a day: the breach has happened, and weighs in full."""
    found = stated(
        SILENT, contacts=[{"contact_id": "c", "entered_at": ago(86_400), "sentiment": 0.9}]
    )
    # V = 200, so B = 8, F = 6 and with p = 0.7 match = 5.6 - 1.8 = 3.8 = M; L = 2 + 2 = 4
    # T = 5 + 600 s
    leaves = 7.8 * (1 - math.exp(-605 / 172_800))  # patience 48 h
    waits = 0.3 * ((87_005 / 28_800) ** 2 - (86_400 / 28_800) ** 2)  # target 8 h
    at_risk = leaves + waits + 1.0
    assert found.gain.match_base.tolist() == pytest.approx([3.8])
    assert found.gain.value_at_risk.tolist() == pytest.approx([at_risk], rel=1e-9)
    assert pair_gains(found) == {("c", "a"): round(1000 * (3.8 + at_risk))}


@pytest.mark.parametrize(
    ("sentiment", "impatience", "loss_factor"),
    [
        (0.5, 1.0, 1.0),  # joy changes nothing
        (-0.25, math.exp(0.5), 1.5),  # w * -s = 0.5
        (-1.0, 2.0, 2.0),  # exp(2) and 1 + 2, both at most 2
    ],
)
def test_anger_shortens_patience_and_raises_the_loss(
    sentiment: float, impatience: float, loss_factor: float
) -> None:
    """f = min(2, exp(w * -s)), L times min(2, 1 + w * -s), here with weight w = 2; T = 605 s."""
    policy = replace(ONLY_LEAVING, sentiment_weight=2.0)
    found = stated(
        policy, contacts=[{"contact_id": "c", "entered_at": ago(9), "sentiment": sentiment}]
    )
    expected = (3.8 + 4 * loss_factor) * (1 - math.exp(-impatience * 605 / 172_800))
    assert found.gain.value_at_risk.tolist() == pytest.approx([expected], rel=1e-9)


def test_value_at_risk_is_the_largest_of_the_members() -> None:
    """A chat about to breach outweighs the email of the same thread; T = 5 + 480 s for both."""
    found = stated(
        SILENT,
        contacts=[
            {"contact_id": "c", "conversation_id": "t"},
            {
                "contact_id": "d",
                "conversation_id": "t",
                "channel": "chat",
                "entered_at": ago(50),
            },
        ],
    )
    leaves = 7.8 * (1 - math.exp(-485 / 180))
    waits = 0.4 * ((535 / 60) ** 2 - (50 / 60) ** 2)
    breach = math.exp(-10 / 485)
    assert found.gain.value_at_risk.tolist() == pytest.approx([leaves + waits + breach])


def test_the_chance_later_is_that_of_the_mean_suitable_agent() -> None:
    """M uses the mean p over who passes the tests before capacity: busy yes, away no."""
    found = stated(
        ONLY_LEAVING,
        agents=[
            {"agent_id": "a"},
            {"agent_id": "b", "presence": "busy"},
            {"agent_id": "d", "presence": "away"},
        ],
        contacts=[{"contact_id": "c", "entered_at": ago(9)}],
        contact_skills=[{"contact_id": "c", "skill": "x", "min_proficiency": 1}],
        agent_skills=[
            {"agent_id": "a", "skill": "x", "proficiency": 4},
            {"agent_id": "b", "skill": "x", "proficiency": 9},
            {"agent_id": "d", "skill": "x", "proficiency": 10},
        ],
    )
    # p = 0.35 + 0.06 * (4 + 9) / 2 = 0.74; M = 0.74 * 14 - 6 = 4.36; L = 4; T = 5 + 600 / 2 s
    expected = (4.36 + 4) * (1 - math.exp(-305 / 172_800))
    assert found.gain.value_at_risk.tolist() == pytest.approx([expected], rel=1e-9)


def test_match_is_linear_in_the_mean_proficiency() -> None:
    """Levels 3 and 8 in two required skills, the language left out: p = 0.35 + 0.06 * 5.5."""
    found = stated(
        SILENT,
        contacts=[{"contact_id": "c", "language": "es"}],
        contact_skills=[
            {"contact_id": "c", "skill": "x", "min_proficiency": 1},
            {"contact_id": "c", "skill": "y", "min_proficiency": 1},
        ],
        agent_skills=[
            {"agent_id": "a", "skill": "x", "proficiency": 3},
            {"agent_id": "a", "skill": "y", "proficiency": 8},
            {"agent_id": "a", "skill": "language:es", "proficiency": 10},
        ],
    )
    # p = 0.68: 0.68 * 8 - 0.32 * 6 = 3.52
    assert found.gain.match_base[0] + rated(found, Term.MATCH)[0] == pytest.approx(3.52)


def delay_s(found: BatchProblem) -> dict[str, float]:
    """T of every email, from its value at risk where only giving up costs: 7.8 (1 - e^-T/P)."""
    delays = -np.log1p(-found.gain.value_at_risk / 7.8) * 172_800
    names = found.conversations.units["lead_contact_id"]
    return dict(zip(names, delays.tolist(), strict=True))


QUEUED = [{"contact_id": f"c{n}", "entered_at": ago(90 - n)} for n in range(4)]


@pytest.mark.parametrize(
    ("presences", "expected"),
    [
        (["available"], 605.0),  # who is skipped is next once the only one is done
        (["available", "busy"], 305.0),  # two suitable ones: every 300 s one of them is done
        (["available", "available"], 305.0),
        (["available"] * 3, 205.0),
        (["available"] * 4, 155.0),  # as many as wait
        (["available"] * 5, 125.0),
        (["busy"], 605.0),
        (["away"], 605.0),  # nobody at all: as if there were one agent
    ],
)
def test_the_delay_of_a_skipped_conversation(presences: list[str], expected: float) -> None:
    """T = tick_s + h / N; the same for the whole line of four.

    Whoever came first is skipped for as long as whoever came last.
    """
    agents = [{"agent_id": f"a{n}", "presence": name} for n, name in enumerate(presences)]
    found = stated(ONLY_LEAVING, agents=agents, contacts=QUEUED)
    assert delay_s(found) == pytest.approx(
        dict.fromkeys(["c0", "c1", "c2", "c3"], expected), rel=1e-6
    )


@pytest.mark.parametrize("waiting", [1, 2, 9])
def test_the_delay_does_not_depend_on_the_line(waiting: int) -> None:
    """Two agents are there for one email as for nine: 5 + 600 / 2 s, for each of them."""
    emails = [{"contact_id": f"c{n}", "entered_at": ago(n)} for n in range(waiting)]
    found = stated(ONLY_LEAVING, agents=[{"agent_id": "a"}, {"agent_id": "b"}], contacts=emails)
    assert list(delay_s(found).values()) == pytest.approx([305.0] * waiting, rel=1e-6)


def test_the_agents_are_those_of_the_class() -> None:
    """Spanish is spoken by `b` alone, who is in a call: 5 + 600 s for two emails of four.

    Of the others `a` and `d` take care as well, in whatever queue and channel: 5 + 600 / 3 s.
    """
    found = stated(
        with_channel(ONLY_LEAVING, Channel.CASE, waiting_cost=0.0),
        queues=[{"queue_id": "q"}, {"queue_id": "r"}],
        agents=[{"agent_id": "a"}, {"agent_id": "b", "presence": "busy"}, {"agent_id": "d"}],
        agent_skills=[{"agent_id": "b", "skill": "language:es", "proficiency": 9}],
        contacts=[
            QUEUED[0],
            QUEUED[1] | {"language": "es"},
            QUEUED[2],
            QUEUED[3] | {"language": "es"},
            {"contact_id": "r", "queue_id": "r", "entered_at": ago(9)},
            {"contact_id": "x", "channel": "case", "entered_at": ago(9)},
        ],
    )
    expected = {"c0": 205.0, "c1": 605.0, "c2": 205.0, "c3": 605.0, "r": 205.0, "x": 205.0}
    assert delay_s(found) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("longest_s", "expected"), [(1000.0, 605.0), (600.0, 600.0)])
def test_the_delay_is_capped(longest_s: float, expected: float) -> None:
    """5 + 600 s where there is one agent, and at most `longest_delay_s`."""
    policy = replace(ONLY_LEAVING, longest_delay_s=longest_s)
    found = stated(policy, agents=[{"agent_id": "a", "presence": "busy"}], contacts=QUEUED[:2])
    assert delay_s(found) == pytest.approx(dict.fromkeys(["c0", "c1"], expected), rel=1e-6)


def test_who_is_free_soon_is_one_of_the_suitable_agents() -> None:
    """When a call will end does not matter: 5 + 600 s with one agent, whom one may hold for."""
    found = stated(
        ONLY_LEAVING,
        agent_load=[
            {"agent_id": "a", "contact_id": "h", "channel": "voice", "expected_end_at": ahead(9)}
        ],
    )
    assert found.agents.free_soon.tolist() == [True]
    assert delay_s(found) == pytest.approx({"c": 605.0}, rel=1e-6)


def overtime_by_quadrature(handle_s: float, sigma: float, left_s: float) -> float:
    """E[(H - b)+] of a lognormal H with the given mean, by the trapezoidal rule on a grid."""
    z = np.linspace(-10, 10, 400_001)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    handle = np.exp(math.log(handle_s) - sigma**2 / 2 + sigma * z)
    return float(np.trapezoid(np.maximum(handle - left_s, 0) * density, z))


@pytest.mark.parametrize(
    ("channel", "handle_s", "sigma"),
    [("voice", 300.0, 0.6), ("video", 420.0, 0.6), ("chat", 480.0, 0.7)],
)
def test_the_cost_of_overtime_is_its_expectation(
    channel: str, handle_s: float, sigma: float
) -> None:
    """0.01 a second of E[(H - b)+], against numerical integration over the normal density."""
    left = [1.0, 120.0, 600.0, 3600.0, 14_400.0]
    found = stated(
        Policy(),
        agents=[
            {"agent_id": f"a{n}", "shift_end_at": ahead(left_s)} for n, left_s in enumerate(left)
        ],
        contacts=[{"contact_id": "c", "channel": channel}],
    )
    expected = [-0.01 * overtime_by_quadrature(handle_s, sigma, left_s) for left_s in left]
    assert rated(found, Term.SHIFT_END) == pytest.approx(expected, rel=1e-5, abs=1e-9)
    assert rated(found, Term.HANDOVER) == [0.0] * len(left)


def test_overtime_after_the_end_of_the_shift_is_the_whole_handling_time() -> None:
    """With nothing left E[H] = 300 s: 3.0 of money; nobody off shift is eligible anyway."""
    found = stated(
        Policy(),
        agents=[{"agent_id": "a", "shift_end_at": ago(60)}],
        contacts=[{"contact_id": "c", "channel": "voice"}],
    )
    assert rated(found, Term.SHIFT_END) == pytest.approx([-3.0])
    assert pair_gains(found) == {}


def test_written_work_pays_for_handover_instead() -> None:
    """exp(-b / 4 h) for an email: 1/e four hours before the end, 1 at the end."""
    found = stated(
        Policy(),
        agents=[
            {"agent_id": "a", "shift_end_at": ahead(4 * 3600)},
            {"agent_id": "b", "shift_end_at": ahead(1)},
        ],
    )
    assert rated(found, Term.HANDOVER) == pytest.approx([-math.exp(-1), -math.exp(-1 / 14_400)])
    assert rated(found, Term.SHIFT_END) == [0.0, 0.0]


def test_normal_cdf_is_symmetric_and_known_at_one_sigma() -> None:
    """Phi(0) = 1/2, Phi(1) = 0.8413447461, Phi(-x) = 1 - Phi(x)."""
    values = normal_cdf(np.array([0.0, 1.0, -1.0]))
    assert values.tolist() == pytest.approx([0.5, 0.8413447460685429, 0.15865525393145707])


DAYS_3 = 3 * 86_400


@pytest.mark.parametrize(
    ("contact", "tables", "worth"),
    [
        ({}, {}, None),
        ({"last_agent_id": "a", "last_agent_at": NOW}, {}, 1.5),
        ({"last_agent_id": "a", "last_agent_at": ago(DAYS_3)}, {}, 0.75),  # one half-life
        ({"last_agent_id": "a", "last_agent_at": ago(2 * DAYS_3)}, {}, 0.375),
        ({"last_agent_id": "a", "last_agent_at": ahead(50)}, {}, 1.5),  # clocks that differ
        (
            {"channel": "chat", "last_agent_id": "a", "last_agent_at": ago(1800)},
            {},
            0.75,  # half an hour is the half-life of a chat
        ),
        ({"last_agent_id": "gone", "last_agent_at": NOW}, {}, None),
        ({"customer_id": "u"}, {"customers": [{"customer_id": "u", "owner_agent_id": "a"}]}, 1.2),
        (
            {"customer_id": "u", "last_agent_id": "a", "last_agent_at": ago(2 * DAYS_3)},
            {"customers": [{"customer_id": "u", "owner_agent_id": "a"}]},
            1.2,  # the stronger of 0.375 and 1.2, not their sum
        ),
        (
            {"customer_id": "u", "last_agent_id": "a", "last_agent_at": NOW},
            {"customers": [{"customer_id": "u", "owner_agent_id": "a"}]},
            1.5,
        ),
        (
            {"customer_id": "u"},
            {"agent_load": [{"agent_id": "a", "contact_id": "h", "customer_id": "u"}]},
            1.5,
        ),
        (
            {},
            {
                "agent_load": [
                    {
                        "agent_id": "a",
                        "contact_id": "h",
                        "conversation_id": "t-c",
                        "state": "parked",
                    }
                ]
            },
            1.5,  # in any state
        ),
        (
            {"customer_id": "u"},
            {"agent_load": [{"agent_id": "a", "contact_id": "h", "customer_id": "v"}]},
            None,
        ),
    ],
)
def test_the_strongest_tie_to_an_agent_counts(
    contact: Row, tables: Tables, worth: float | None
) -> None:
    """1.5 * 2^(-age / half-life) for the last agent, 1.2 for the owner, 1.5 for an open item."""
    found = stated(SILENT, contacts=[{"contact_id": "c"} | contact], **tables)
    expected = [] if worth is None else [worth]
    assert found.gain.extra["stickiness"].to_list() == pytest.approx(expected)


def test_each_member_brings_its_own_tie() -> None:
    """Two members know two agents: one worth each, added to the gain of those pairs only."""
    thread = [
        {
            "contact_id": name,
            "conversation_id": "t",
            "last_agent_id": agent,
            "last_agent_at": ago(age_s),
        }
        for name, agent, age_s in (("c", "a", 0), ("d", "b", DAYS_3))
    ]
    agents = [{"agent_id": name} for name in ("a", "b", "x")]
    gains = pair_gains(stated(SILENT, agents=agents, contacts=thread))
    assert gains["c", "a"] - gains["c", "x"] == 1500
    assert gains["c", "b"] - gains["c", "x"] == 750


@pytest.mark.parametrize(
    ("idle_since", "worth"),
    [(NOW, 0.0), (ago(300), 0.025), (ago(600), 0.05), (ago(9000), 0.05), (None, 0.05)],
)
def test_idle_agents_are_preferred_by_a_trifle(idle_since: object, worth: float) -> None:
    """0.05 * min(600, idle) / 600; 600 s where nothing is known."""
    policy = replace(Policy(), utilisation_worth=0.0)
    found = stated(policy, agents=[{"agent_id": "a", "idle_since": idle_since}])
    assert rated(found, Term.BALANCE) == pytest.approx([worth])


def test_an_agent_without_a_past_or_ahead_of_the_clock_is_not_punished() -> None:
    """`idle_since` in the future counts as just now."""
    policy = replace(Policy(), utilisation_worth=0.0)
    found = stated(policy, agents=[{"agent_id": "a", "idle_since": ahead(30)}])
    assert rated(found, Term.BALANCE) == [0.0]


def test_holding_costs_the_risk_of_the_wait() -> None:
    """u(60) / 60 a second for an agent who is free in 30 s; nothing for one who is free now."""
    found = stated(
        SILENT,
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        contacts=[{"contact_id": "c", "channel": "chat"}],
        agent_load=[
            {"agent_id": "b", "contact_id": "h", "channel": "voice", "expected_end_at": ahead(30)}
        ],
    )
    # u(60) = 7.8 (1 - exp(-60/180)) + 0.4 (60/60)^2 + 1.0 exp(-60/60)
    risk = 7.8 * (1 - math.exp(-1 / 3)) + 0.4 + math.exp(-1)
    assert rated(found, Term.HOLD) == pytest.approx([0.0, -30 * risk / 60])


def test_the_gain_is_the_sum_of_its_terms_in_thousandths() -> None:
    """Every pair of a batch with all terms at once, summed term by term."""
    found = stated(
        Policy(),
        agents=[
            {"agent_id": "a", "idle_since": ago(120), "shift_end_at": ahead(1000)},
            {"agent_id": "b"},
        ],
        contacts=[
            {
                "contact_id": "c",
                "channel": "chat",
                "last_agent_id": "a",
                "last_agent_at": ago(600),
            }
        ],
        contact_skills=[{"contact_id": "c", "skill": "x", "min_proficiency": 1}],
        agent_skills=[
            {"agent_id": "a", "skill": "x", "proficiency": 7},
            {"agent_id": "b", "skill": "x", "proficiency": 3},
        ],
        agent_load=[
            {"agent_id": "b", "contact_id": "h", "channel": "voice", "expected_end_at": ahead(30)}
        ],
    )
    terms = [rated(found, term) for term in Term]
    sticky = [1.5 * 2 ** (-600 / 1800), 0.0]
    expected = {
        ("c", name): round(
            1000 * (found.gain.base[0] + sum(term[place] for term in terms) + sticky[place])
        )
        for place, name in enumerate("ab")
    }
    assert pair_gains(found) == expected
