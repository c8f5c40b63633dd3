"""Each contradiction that a policy can hold is found, named, and absent from the defaults."""

from dataclasses import replace

import pytest

from models.centre_check import check_centre
from models.policy import Boost, Policy, ProfilePolicy
from models.policy_check import PolicyFinding, Severity, check_policy
from models.price_policy import PricePolicy
from models.reference_check import ids_are_known
from models.tables import Channel
from tests.models.tiny import serves, tiny, with_channel

DEFAULT = Policy()


def rules(found: tuple[PolicyFinding, ...]) -> set[str]:
    """Names of the rules that were broken."""
    return {finding.rule for finding in found}


def test_the_defaults_contradict_nothing() -> None:
    """Whoever changes nothing is told nothing."""
    assert check_policy(DEFAULT) == ()


def voice(**numbers: object) -> Policy:
    """The defaults with other numbers for calls."""
    return with_channel(DEFAULT, Channel.VOICE, **numbers)


BROKEN = [
    # Two ticks of 5 s and 20 s of ringing: 30 s are the least.
    ("relaxes_too_soon", Severity.ERROR, voice(relax_after_s=29.0)),
    ("blocks_what_it_yields_to", Severity.ERROR, voice(yields_to=(Channel.EMAIL,))),
    ("too_heavy", Severity.WARNING, voice(units=101.0)),
    ("starves_behind_classes", Severity.ERROR, replace(voice(max_wait_s=0.0), strict_classes=1)),
    ("starves", Severity.ERROR, voice(max_wait_s=0.0, waiting_cost=0.0)),
    ("starves_before_its_target", Severity.ERROR, voice(max_wait_s=20.0)),
    ("classes_out_of_order", Severity.ERROR, replace(DEFAULT, priority_worth=(1.0, 2.0))),
    ("floor_above_all", Severity.ERROR, replace(DEFAULT, p_floor=0.96, p_no_skill=0.96)),
    ("floor_above_no_skill", Severity.ERROR, replace(DEFAULT, p_floor=0.71)),
    ("rings_beyond_target", Severity.WARNING, voice(accept_timeout_s=21.0, relax_after_s=60.0)),
    ("first_decline_bans", Severity.WARNING, replace(DEFAULT, max_declines=0)),
    ("profile_closed", Severity.WARNING, replace(DEFAULT, profiles={"vip": ProfilePolicy(0)})),
    ("site_closed", Severity.WARNING, replace(DEFAULT, site_caps={"porto": 0})),
    ("idle_boost", Severity.WARNING, replace(DEFAULT, boosts=(Boost(queue_id="q"),))),
    ("boosts_all", Severity.WARNING, replace(DEFAULT, boosts=(Boost(worth=1.0),))),
    (
        "double_boost",
        Severity.WARNING,
        replace(DEFAULT, boosts=(Boost(queue_id="q", worth=1.0),) * 2),
    ),
    ("holds_until_starved", Severity.ERROR, voice(hold_preferred_s=600.0)),
    ("horizon_below_tick", Severity.WARNING, replace(DEFAULT, hold_horizon_s=4.0)),
    (
        "locked_out",
        Severity.WARNING,
        replace(
            with_channel(DEFAULT, Channel.MESSAGING, blocks=(Channel.VOICE,), yields_to=()),
            drain_agents=0,
        ),
    ),
    # 20 s in milliseconds; 8 hours in hours; 72 hours in hours.
    ("odd_duration", Severity.WARNING, voice(target_answer_s=20_000.0, max_wait_s=30_000.0)),
    (
        "odd_duration",
        Severity.WARNING,
        with_channel(
            *(DEFAULT, Channel.EMAIL), target_answer_s=8.0, max_wait_s=72.0, hold_preferred_s=0.0
        ),
    ),
]


@pytest.mark.parametrize(("rule", "severity", "policy"), BROKEN, ids=[rule for rule, *_ in BROKEN])
def test_each_contradiction_is_found(rule: str, severity: Severity, policy: Policy) -> None:
    """One number is changed to just beyond its limit, and that rule alone is broken."""
    found = check_policy(policy)
    assert rules(found) == {rule}
    assert {finding.severity for finding in found} == {severity}
    assert all(finding.where in str(finding) for finding in found)


JUST_RIGHT = [
    voice(relax_after_s=30.0),
    voice(units=100.0),
    voice(units=101.0, extra_units=1.0),
    voice(max_wait_s=21.0),
    voice(target_answer_s=3600.0, max_wait_s=86_400.0),
    with_channel(
        *(DEFAULT, Channel.EMAIL), target_answer_s=60.0, max_wait_s=300.0, hold_preferred_s=0.0
    ),
    replace(DEFAULT, priority_worth=(2.0, 2.0, 1.0), strict_classes=2),
    replace(DEFAULT, p_floor=0.7),
    replace(DEFAULT, max_declines=1),
    replace(DEFAULT, boosts=(Boost(queue_id="q", age_s=1.0), Boost(queue_id="r", age_s=1.0))),
    replace(DEFAULT, hold_horizon_s=5.0),
]


@pytest.mark.parametrize("policy", JUST_RIGHT)
def test_what_is_just_right_is_left_alone(policy: Policy) -> None:
    """The other side of each limit."""
    assert check_policy(policy) == ()


def test_an_odd_duration_is_asked_about_with_what_is_usual() -> None:
    """In words: the value, what is usual there, and what to check."""
    (found,) = check_policy(with_channel(DEFAULT, Channel.EMAIL, target_answer_s=8.0))
    assert str(found) == (
        "channels.email.target_answer_s: 8 s is unusual where people write; usual are 60 to"
        " 604,800 s (7 days): check that seconds are meant"
    )


def test_errors_come_first() -> None:
    """Whoever reads only the first line reads the worst."""
    both = replace(voice(relax_after_s=29.0), max_declines=0)
    assert [finding.severity for finding in check_policy(both)] == [
        Severity.ERROR,
        Severity.WARNING,
    ]


def test_a_combination_of_skills_that_nobody_has_is_named() -> None:
    """Ana has polish and eu, Ben has chat skills only: polish at 4 with eu at 1 is met by Ana;
    polish at 9 by nobody. A skill that is relaxed in time does not count.
    """
    batch = tiny(
        agents=[{"agent_id": "ana"}, {"agent_id": "ben"}],
        agent_skills=[
            {"agent_id": "ana", "skill": "polish", "proficiency": 4},
            {"agent_id": "ana", "skill": "region:eu", "proficiency": 1},
        ],
        contacts=[{"contact_id": "met"}, {"contact_id": "not"}, {"contact_id": "relaxed"}],
        contact_skills=[
            {"contact_id": "met", "skill": "polish", "min_proficiency": 4},
            {"contact_id": "met", "skill": "region:eu", "min_proficiency": 1},
            {"contact_id": "not", "skill": "polish", "min_proficiency": 9},
            {"contact_id": "not", "skill": "region:eu", "min_proficiency": 1},
            {
                "contact_id": "relaxed",
                "skill": "klingon",
                "min_proficiency": 1,
                "importance": "low",
            },
        ],
    )
    (found,) = check_centre(DEFAULT, batch)
    assert (found.rule, found.severity) == ("nobody_has_the_skills", Severity.ERROR)
    assert found.where == "contact_skills polish at 9, region:eu at 1"
    assert "1 contacts ask for it and no agent has all of it (the best has 1 of 2)" in found.detail


def test_a_step_that_ends_before_an_offer_could_be_answered_is_an_error() -> None:
    """Email offers count as accepted, so 10 s (two ticks) are enough and 9 s are not."""
    for lasts_s, broken in ((9.0, {"expires_too_soon"}), (10.0, set())):
        batch = tiny(
            agents=[{"agent_id": "ana"}],
            agent_skills=[{"agent_id": "ana", "skill": "vip", "proficiency": 5}],
            contacts=[{"contact_id": "a"}],
            contact_steps=[
                {
                    "contact_id": "a",
                    "step": 0,
                    "alternative": 0,
                    "skill": "vip",
                    "min_proficiency": 5,
                    "expires_s": lasts_s,
                }
            ],
        )
        assert rules(check_centre(DEFAULT, batch)) == broken


def test_what_nobody_serves_is_found() -> None:
    """A queue whose members have no e-mail, one without members for a contact without needs, a
    calendar without openings, a helper without a forecast, and names that lead nowhere.
    """
    batch = tiny(
        queues=[
            {"queue_id": "q"},
            {"queue_id": "open", "calendar_id": "never"},
            {"queue_id": "helper"},
        ],
        agents=[{"agent_id": "ana", "capacity_units": 50.0}],
        agent_channels=serves("ana", voice=1),
        queue_members=[{"queue_id": "q", "agent_id": "ana"}],
        overflow=[
            {"queue_id": "q", "to_queue_id": "helper", "condition": "closed", "threshold": 0.0}
        ],
        contacts=[
            {"contact_id": "a"},
            {"contact_id": "b", "queue_id": "open", "channel": "voice", "profiles": "vip, "},
        ],
    )
    policy = replace(
        DEFAULT, boosts=(Boost(queue_id="gone", worth=1.0),), site_caps={"nowhere": 3}
    )
    assert rules(check_centre(policy, batch)) == {
        "nobody_serves_the_channel",
        "queue_of_nobody",
        "never_open",
        "never_lends",
        "unknown_name",
        "profile_without_limit",
        "agent_too_small",
    }


def test_a_ceiling_of_a_queue_that_is_not_there_has_no_effect() -> None:
    """A misspelt queue is told, with those that there are; one that is there is not."""
    prices = PricePolicy(abandonment_ceilings={"q": 0.1, "qu": 0.2})
    batch = tiny(agents=[{"agent_id": "ana"}])
    found = check_centre(replace(DEFAULT, prices=prices), batch)
    assert [str(one) for one in found] == [
        "prices.abandonment_ceilings: queue qu is not in the tables (they have q): it has no"
        " effect; correct the name"
    ]


def test_many_findings_of_a_kind_are_counted() -> None:
    """Five are told, the rest is a number."""
    batch = tiny(
        agents=[{"agent_id": "ana"}],
        contacts=[{"contact_id": f"c{number}"} for number in range(9)],
        contact_skills=[
            {"contact_id": f"c{number}", "skill": f"s{number}", "min_proficiency": 1}
            for number in range(9)
        ],
    )
    found = check_centre(DEFAULT, batch)
    assert len(found) == 6
    assert found[-1].detail == "4 others of this kind"


def test_every_column_of_ids_is_looked_up() -> None:
    """Each names one that is there and one that is not; what is no id of the kind is left out."""
    steps = {"contact_id": "c", "step": 0, "min_proficiency": 1}
    batch = tiny(
        queues=[{"queue_id": "q", "calendar_id": "office"}],
        calendars=[
            {
                "calendar_id": "office",
                "time_zone": "UTC",
                "weekday": 0,
                "opens_minute": 0,
                "closes_minute": 1440,
            }
        ],
        holidays=[
            {"calendar_id": name, "day": "2026-12-25", "opens_minute": 0, "closes_minute": 0}
            for name in ("office", "x")
        ],
        agents=[{"agent_id": "ana"}],
        queue_members=[{"queue_id": "q", "agent_id": name} for name in ("ana", "x")],
        customers=[{"customer_id": name, "owner_agent_id": name} for name in ("ana", "x")],
        customer_agents=[
            {"customer_id": "ana", "agent_id": name, "score": 1.0} for name in ("ana", "x")
        ],
        agent_quotas=[
            {"agent_id": "ana", "skill": s, "quota": 1, "done": 0, "mentor_agent_id": name}
            for s, name in (("s", "ana"), ("t", "x"))
        ],
        agent_preferences=[
            {"agent_id": "ana", "subject": subject, "weight": 1.0}
            for subject in ("queue:q", "queue:x", "channel:chat")
        ],
        contacts=[
            {"contact_id": "c", "last_agent_id": "ana", "resolver_agent_id": "ana"},
            {"contact_id": "d", "last_agent_id": "x", "resolver_agent_id": "x"},
        ],
        contact_steps=[
            steps | {"alternative": place, "skill": skill}
            for place, skill in enumerate(("agent:ana", "agent:x", "billing"))
        ],
    )
    found = list(ids_are_known(DEFAULT, batch))
    assert rules(tuple(found)) == {"unknown_id"}
    assert {finding.where for finding in found} == {
        "queue_members.agent_id",
        "holidays.calendar_id",
        "customers.owner_agent_id",
        "customer_agents.agent_id",
        "agent_quotas.mentor_agent_id",
        "agent_preferences.subject",
        "contact_steps.skill",
        "contacts.last_agent_id",
        "contacts.resolver_agent_id",
    }
    assert all("1 of 2 rows name 1 that are not in" in finding.detail for finding in found)
    assert all("such as x:" in finding.detail for finding in found)
