"""The audit names what is wrong with what routing adds to a plan, and no check is idle."""

import polars as pl
import pytest

from models.audit import CHECKS, audit
from models.recount.case import Case, Check
from models.solution import Limit, Proof, Termination
from models.tables import AGENT_PROFILES, CONTACT_SKILLS, OUTLOOK, REQUEUE, Channel
from tests.models.audit_changes import (
    Tick,
    assigned_too,
    both,
    declined_once,
    doubled,
    honest,
    in_batch,
    in_plan,
    more_load,
    rules,
    says,
    tables_of,
    under,
)
from tests.models.honest_plan import NOW, QUEUE_STANDS, ago, held_item, rows
from tests.models.honest_ticks import (
    TERMS,
    ben_of_another_queue,
    ben_was_offered,
    channel,
    deserted,
    more,
    relaxed,
    reserved,
    serves,
    strict,
    waits,
    wishful,
)
from tests.models.test_audit import CHANGES

HONEST = {
    "reserved": reserved(),
    "strict": strict(),
    # 1 % of 99.139 + 1.002 and a thousandth for rounding: 1.002
    "wishful": wishful(1_002),
    "deserted": deserted(),
    # emails wait for two hours
    "relaxes later": relaxed(None, relaxes_at=ago(-7_140)),
    "relaxed now": relaxed(60.0, step=1),
}


@pytest.mark.parametrize("tick", HONEST.values(), ids=HONEST)
def test_what_routing_adds_can_be_honest(tick: Tick) -> None:
    """Plans written by hand have no finding: of a reservation, a tier, preferences, ..."""
    assert audit(tick.plan, tables_of(tick)) == ()


def test_with_tiers_the_baseline_may_gain_more_whatever_the_bound() -> None:
    """Who waited too long goes first, at the cost of gain: also where the bound has no levels."""
    greedier = says(greedy_milli=10**9, tier_levels=())
    assert "greedy_above_gain" in rules(greedier(honest()))
    assert "greedy_above_gain" not in rules(greedier(strict()))


def outlook(column: str, value: object) -> tuple[str, Tick]:
    """The outlook of the only queue says something else."""
    return f"outlook_{column}", says(outlook=rows(OUTLOOK, QUEUE_STANDS | {column: value}))(
        honest()
    )


E1_ASKS_FOR_FAX = {"contact_id": "e1", "skill": "fax", "min_proficiency": 1}
"""Which nobody has."""

ALONE: list[tuple[str, Tick]] = [
    ("contact_facts", in_plan("assignments", "e1", contact_version=2)(honest())),
    ("units", in_plan("assignments", "m1", units=25.0)(honest())),
    ("skill_missing", more("contact_skills", rows(CONTACT_SKILLS, E1_ASKS_FOR_FAX))(honest())),
    ("site_cap", under(site_caps={"north": 2})(honest())),
    *(
        ("context", in_plan("assignments", "e1", "contact_id", **{column: value})(honest()))
        for column, value in (
            ("profiles", "high"),
            ("seen_before", True),
            ("num_context", 1),
            ("is_borrowed", True),
        )
    ),
    # what it consumes stands with the lead
    ("context", in_plan("assignments", "m2", num_context=0)(honest())),
    # what dan holds is k1's: the agent will see it, too
    ("context", in_batch("agent_load", "contact_id", "left", customer_id="k1")(deserted())),
    ("price_unknown_lane", doubled("prices", "cai", "agent_id", profiles="high")(honest())),
    ("reason_but_eligible", waits("e2", "unassigned", "units_full", None)(honest())),
    ("reason_but_eligible", waits("e2", "unassigned", "draining", None)(honest())),
    ("reason_other", waits("d1", "unassigned", "skill_missing", None)(honest())),
    ("reason_other", waits("e2", "unassigned", "declined", None)(reserved())),
    ("lost_without_worth", waits("d1", "unassigned", "lost_to", "ben")(honest())),
    ("not_worth_it", waits("e2", "unassigned", "not_worth_it", None)(honest())),
    ("preferred", waits("e2", "held", "held_for_preferred", "ben")(reserved())),
    ("tier", in_plan("explanations", "e2", tier=2)(honest())),
    ("tier", in_plan("explanations", "e1", tier=1)(strict())),
    ("tier_levels", says(tier_levels=(0, 0, -1))(strict())),
    ("tier_levels_missing", says(tier_levels=())(strict())),
    # whoever says so: only prices that a search need not have would show it, too
    ("tier_overtaken", says(proof=Proof.SEARCH)(strict("e2"))),
    # 10.000 that are not taken off again, as nobody serves e2
    ("bound", says(termination=Termination.FEASIBLE, limit=Limit.TIME)(strict("e2"))),
    ("preference_cost", says(preference_cost_milli=1_001)(wishful(1_000))),
    ("preference_cost", says(preference_cost_milli=-1)(wishful(0))),
    ("preference_share", wishful(1_003)),
    ("step", in_plan("explanations", "e1", step=1)(honest())),
    ("step", in_plan("explanations", "e1", step=None)(honest())),
    ("step", relaxed(60.0, step=0)),
    ("relaxes_at", in_plan("explanations", "e1", relaxes_at=ago(-1))(honest())),
    ("relaxes_at", relaxed(None)),
    ("relaxes_at", relaxed(None, relaxes_at=ago(-7_141))),
    ("breach_at", in_plan("explanations", "e1", breach_at=ago(-28_701))(honest())),
    ("breach_at", in_plan("explanations", "e1", breach_at=None)(honest())),
    ("unavoidable", in_plan("explanations", "d1", unavoidable=False)(honest())),
    ("unavoidable", in_plan("explanations", "v1", unavoidable=True)(honest())),
    ("unavoidable", in_plan("explanations", "v1", unavoidable=False)(reserved())),
    ("unavoidable", in_plan("explanations", "e2", unavoidable=True)(honest())),
    ("requeue_missing", says(requeue=REQUEUE.empty())(deserted())),
    (
        "requeue_missing",
        in_batch("agent_load", "contact_id", "parked", last_customer_at=ago(899))(deserted()),
    ),
    ("requeue_twice", doubled("requeue", "left")(deserted())),
    ("requeue_wrong", doubled("requeue", "left", contact_id="call", agent_id="cai")(deserted())),
    outlook("is_open", value=False),
    outlook("num_waiting", 5),
    outlook("num_free", 3),
    outlook("effective_agents", 4.0),
    outlook("predicted_wait_s", None),
    outlook("lends", value=True),
    outlook("borrows_from", "q"),
    outlook("num_breaching", 1),
    outlook("num_unavoidable", 2),
    outlook("num_manual_only", 1),
    outlook("tick_at", ago(5)),
    ("outlook_missing", says(outlook=OUTLOOK.empty())(honest())),
    ("outlook_unknown", doubled("outlook", "q", "queue_id")(honest())),
    ("outlook_unknown", doubled("outlook", "q", "queue_id", queue_id="r")(honest())),
]

KEPT_APART: dict[str, Tick] = {
    "paused": in_batch("contacts", "contact_id", "e1", hold_until=ago(-1))(honest()),
    "manual_only": both(under(max_declining_agents=1), declined_once("e1", "zoe", 5_000))(
        honest()
    ),
    "not_responding": ben_was_offered("expired")(honest()),
    # 12 contacts an hour are one in the horizon of 300 s, for whom r keeps ben
    "reserved": ben_of_another_queue(12.0)(honest()),
    "profile_full": both(
        in_batch("contacts", "contact_id", "e1", profiles="high"),
        more(
            "agent_profiles",
            rows(AGENT_PROFILES, {"agent_id": "ben", "profile": "high", "max_items": 0}),
        ),
    )(honest()),
    "rate_limited": both(channel(Channel.EMAIL, max_per_hour=1), ben_was_offered("completed"))(
        honest()
    ),
    "cooling_down": declined_once("e1", "ben", 1)(honest()),
    # a call waits beyond half of its 61 s; ben's chat blocks it for 20 s more, and nothing else,
    # and emails do not make way for calls here
    "draining": both(
        in_batch("contacts", "contact_id", "v1", entered_at=ago(31)),
        channel(Channel.EMAIL, yields_to=()),
        serves("ben", "voice"),
        more_load(held_item("ben", "other", "chat", 20)),
    )(honest()),
    "held_for_preferred": in_batch(
        "contacts", "contact_id", "e1", last_agent_id="cai", last_agent_at=ago(10)
    )(reserved()),
}
TOO_MUCH: list[tuple[str, Tick]] = [
    ("agent_profile", KEPT_APART["profile_full"]),
    ("agent_rate", KEPT_APART["rate_limited"]),
    (
        "agent_rate",
        both(channel(Channel.EMAIL, max_new_per_tick=1), assigned_too("e2", "ben"))(honest()),
    ),
    ("preference_optimal", says(preference_cost_milli=1)(honest())),
    # both tiers have the level 1
    (
        "tier_levels",
        both(
            under(strict_classes=2),
            in_batch("contacts", "contact_id", "m1", priority=1),
            says(tier_levels=(0, 0, 1, 1)),
        )(strict()),
    ),
    # ben is of r now, and lent: 0.2
    ("context", ben_of_another_queue(0.0)(honest())),
    ("term_borrowing", ben_of_another_queue(0.0)(honest())),
]
BROKEN = [*KEPT_APART.items(), *TOO_MUCH]


@pytest.mark.parametrize(("rule", "tick"), ALONE, ids=[rule for rule, _ in ALONE])
def test_one_lie_breaks_one_rule(rule: str, tick: Tick) -> None:
    """Whatever is wrong in one place is found by the rule that is for it, and by no other."""
    assert rules(tick) == {rule}


@pytest.mark.parametrize(("rule", "tick"), BROKEN, ids=[rule for rule, _ in BROKEN])
def test_a_change_is_found_among_others(rule: str, tick: Tick) -> None:
    """What breaks several rules is found by each of them."""
    assert rule in rules(tick)


@pytest.mark.parametrize(
    "tick",
    [
        in_batch("contacts", "contact_id", "e1", hold_until=NOW)(honest()),
        both(under(max_declining_agents=2), declined_once("e1", "zoe", 5_000))(honest()),
        ben_was_offered("accepted")(honest()),
        ben_of_another_queue(0.0)(honest()),
        both(channel(Channel.EMAIL, max_per_hour=2), ben_was_offered("completed"))(honest()),
        # the call has waited for just half of its 20 s
        in_batch("contacts", "contact_id", "v1", entered_at=ago(10))(KEPT_APART["draining"]),
        # 1.2 * 100 s are more than 110 s
        channel(Channel.EMAIL, hold_preferred_s=110.0)(KEPT_APART["held_for_preferred"]),
    ],
)
def test_at_their_limits_nobody_is_kept_apart(tick: Tick) -> None:
    """Just on the allowed side of every rule, nothing keeps ben from e1."""
    assert rules(tick).isdisjoint({*KEPT_APART, "agent_rate", "agent_profile"})


@pytest.mark.parametrize("term", TERMS)
def test_every_term_is_looked_at(term: str) -> None:
    """A term that is 0.002 too high is found, also where another one makes up for it."""
    told = honest().plan.explanations.row(by_predicate=pl.col("contact_id") == "e1", named=True)
    higher = in_plan("explanations", "e1", "contact_id", **{term: told[term] + 0.002})(honest())
    assert rules(higher) == {f"term_{term}", "terms_sum"}
    other = "match" if term == "balance" else "balance"
    hidden = in_plan("explanations", "e1", "contact_id", **{other: told[other] - 0.002})(higher)
    assert rules(hidden) == {f"term_{term}", f"term_{other}"}


FOUND_BY = {
    "same_tick": "tick_at",
    "same_policy": "policy_digest",
    "every_contact_once": "contact_twice",
    "contacts_exist": "contact_unknown",
    "agents_exist": "agent_unknown",
    "decision_has_reason": "decision_reason",
    "facts_copied": "contact_facts",
    "context_true": "context",
    "units_copied": "units",
    "conversation_stays_whole": "party_split",
    "lead_marked": "lead",
    "every_contact_explained": "explanation_twice",
    "pairs_eligible": "skill_missing",
    "held_means_free_soon": "held_in_vain",
    "lanes_within_caps": "lane_cap",
    "agents_within_caps": "agent_cap",
    "items_fit_together": "agent_mix",
    "sites_within_caps": "site_cap",
    "units_within_capacity": "agent_units",
    "items_within_concurrency": "agent_items",
    "profiles_within_limits": "agent_profile",
    "rates_within_limits": "agent_rate",
    "new_items_not_blocked": "agent_blocked",
    "gains_true": "gain",
    "terms_true": "term_match",
    "plan_gain_adds_up": "plan_gain",
    "prices_well_formed": "price_torn",
    "rents_well_formed": "rent_negative",
    "site_prices_well_formed": "site_price",
    "choices_priced": "lane_not_priced",
    "bound_proven": "bound",
    "gain_within_bound": "gain_above_bound",
    "optimal_means_no_gap": "optimal",
    "tier_levels_fall": "tier_levels",
    "tiers_served_first": "tier_overtaken",
    "tiers_told": "tier",
    "preferences_affordable": "preference_share",
    "rule_reasons_hold": "reason_other",
    "held_for_the_preferred": "preferred",
    "lost_means_worth_it": "lost_without_worth",
    "not_worth_it_means_so": "not_worth_it",
    "times_told": "breach_at",
    "requeue_true": "requeue_missing",
    "outlook_true": "outlook_missing",
}


@pytest.mark.parametrize("check", CHECKS, ids=[check.__name__ for check in CHECKS])
def test_no_check_is_idle(check: Check) -> None:
    """Every check of the audit finds by itself what breaks its rule."""
    rule = FOUND_BY[check.__name__]
    changed = {name: change(honest()) for name, change in CHANGES if name == rule}
    tick = (changed | dict(ALONE) | dict(BROKEN))[rule]
    case = Case(tables_of(tick), tick.plan)
    assert rule in {finding.rule for finding in check(case)}
