"""The audit accepts an honest plan and names the rule that any change to it breaks."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.audit import audit, recount
from models.batch import empty_batch
from models.recount.shift_end import expected_excess
from models.solution import Limit, Proof, Termination
from models.tables import ASSIGNMENT, CONTACTS, EXPLANATION, INSTANT, OUTLOOK, PRICE, UNASSIGNED
from tests.models.audit_changes import (
    Change,
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
    without,
)
from tests.models.honest_plan import (
    NOW,
    POLICY,
    QUEUE_STANDS,
    ago,
    contact,
    held_item,
    honest_batch,
    honest_plan,
    rows,
)


def another_call_held(tick: Tick) -> Tick:
    """A second call is held for cai."""
    v2 = contact("v2", "t7", "voice", 0) | {"due_at": ago(-30)}
    batch = replace(tick.batch, contacts=pl.concat([tick.batch.contacts, rows(CONTACTS, v2)]))
    values = {"contact_id": "v2", "conversation_id": "t7"}
    return both(doubled("unassigned", "v1", **values), doubled("explanations", "v1", **values))(
        replace(tick, batch=batch)
    )


ELIGIBILITY: dict[str, Change] = {
    "no_present_agent": in_batch("agents", "agent_id", "ben", presence="away"),
    "closed_hours": in_batch("queues", "queue_id", "q", calendar_id="never"),
    # 10:00 UTC is 05:00 in New York
    "outside_customer_hours": in_batch(
        "contacts", "contact_id", "v1", channel="callback", time_zone="America/New_York"
    ),
    "off_shift": in_batch("agents", "agent_id", "ben", shift_end_at=NOW),
    "not_a_member": lambda tick: tick.table(
        "queue_members", tick.batch.queue_members.filter(pl.col("agent_id") != "ben")
    ),
    "channel_not_served": lambda tick: tick.table(
        "agent_channels", tick.batch.agent_channels.filter(pl.col("agent_id") != "ben")
    ),
    # m2 needs level 5
    "skill_missing": in_batch("agent_skills", "agent_id", "ana", proficiency=4),
    "language_missing": in_batch("contacts", "contact_id", "e1", language="es"),
    # 0.95 is the highest p
    "p_below_floor": under(p_floor=0.96),
    # 300 s of handling and 120 s of margin
    "shift_too_short": in_batch("agents", "agent_id", "cai", shift_end_at=ago(-419.0)),
    "at_capacity": in_batch("agents", "agent_id", "ben", presence="busy"),
    # the first call ends in 30 s, the other one still blocks
    "channel_blocked": more_load(held_item("cai", "other", "voice", 300)),
    # ben may hold one email; he is free for social
    "lane_full": more_load(held_item("ben", "other", "email", 300)),
    # a message alone, 25 units, would fit; with the email it is 27.5
    "units_full": in_batch("agents", "agent_id", "ana", capacity_units=26.0),
    # the pause of 15 s is over, the cooldown of 600 s is not
    "declined": declined_once("e1", "ben", 16),
    # ana holds an email of e1's conversation
    "customer_locked": more_load(
        held_item("ana", "other", "email", 300) | {"conversation_id": "t3"}
    ),
}

ROWS: dict[str, Change] = {
    "columns": lambda tick: tick.rows("assignments", tick.plan.assignments.drop("gain")),
    "tick_at": says(tick_at=ago(5)),
    "policy_digest": says(policy_digest="another"),
    "contact_missing": without("assignments", "e1"),
    "contact_twice": doubled("unassigned", "e2"),
    "contact_unknown": doubled("unassigned", "e2", contact_id="e9"),
    "agent_unknown": in_plan("assignments", "e1", agent_id="dan"),
    "decision_reason": in_plan("unassigned", "v1", reason="lost_to"),
    "contact_facts": in_plan("assignments", "e1", contact_version=2),
    "agent_version": in_plan("assignments", "e1", agent_version=6),
    "event": in_plan("assignments", "e1", event="accepted"),
    "units": in_plan("assignments", "m1", units=25.0),
    "party_split": in_plan("assignments", "m2", agent_id="ben"),
    "lead": both(
        in_plan("assignments", "m1", is_lead=False), in_plan("assignments", "m2", is_lead=True)
    ),
    "follower_gain": in_plan("assignments", "m2", gain=1.0),
    "explanation_missing": without("explanations", "d1"),
    "explanation_twice": doubled("explanations", "d1"),
    "explanation_unknown": doubled("explanations", "d1", contact_id="e9"),
    "explanation_decision": in_plan("explanations", "e2", reason="not_worth_it"),
}

LIMITS: dict[str, Change] = {
    # cai is on a call for another 30 s
    "assigned_too_early": assigned_too("v1", "cai"),
    # ben is free now
    "held_in_vain": in_plan("unassigned", "v1", agent_id="ben"),
    # ben serves one email at once, and ana's units fit one conversation
    "lane_cap": assigned_too("e2", "ben"),
    "agent_cap": assigned_too("e2", "ana"),
    "agent_items": assigned_too("e2", "ben"),
    # 27.5 + 10 > 30
    "agent_units": assigned_too("e2", "ana"),
    "agent_mix": assigned_too("e2", "ana"),
    "agent_blocked": another_call_held,
    "site_cap": under(site_caps={"north": 2}),
}

MONEY: dict[str, Change] = {
    "gain": in_plan("assignments", "e1", gain=7.238),
    "explanation_gain": in_plan("explanations", "v1", gain=59.943),
    "term_match": in_plan("explanations", "e1", match=7.102),
    "term_value_at_risk": in_plan("explanations", "m1", value_at_risk=0.05),
    "term_stickiness": in_plan("explanations", "m1", stickiness=1.5),
    "term_shift_end": in_plan("explanations", "v1", shift_end=-0.002),
    "term_handover": in_plan("explanations", "m1", handover=0.367879),
    "term_hold": in_plan("explanations", "v1", hold=0.0),
    "term_balance": in_plan("explanations", "e1", balance=None),
    "terms_sum": in_plan("explanations", "e1", gain=7.239),
    "plan_gain": says(gain_milli=99_138),
    "price_unknown_agent": in_plan("prices", "cai", "agent_id", agent_id="dan"),
    "price_twice": doubled("prices", "cai", "agent_id"),
    "price_negative": in_plan("prices", "cai", "agent_id", agent_price=-1.0),
    "price_free_slots": in_plan("prices", "cai", "agent_id", free_slots=2),
    "price_torn": in_plan("prices", "messaging", "channel", agent_price=3.56),
    "price_channel": in_plan("prices", "cai", "agent_id", channel="fax"),
    "site_price": lambda tick: tick.rows(
        "site_prices", pl.DataFrame({"site": ["north"], "price": [1.0]})
    ),
    "site_price_differs": in_plan("prices", "ben", "agent_id", site_price=1.0),
    "lane_not_priced": without("prices", "cai", "agent_id"),
    # e1 and e2 then earn 7.237 + 3.925 with ben instead of 3.312, less the slot's 3.925: 103.064
    "bound": in_plan("prices", "ben", "agent_id", agent_price=0.0),
    # e2's rent of 0 leaves ben 3.925 with it; at -3 the sum of rents is no bound any more
    "rent_negative": in_plan("explanations", "e2", rent=-3.0),
    "gain_above_bound": says(bound_milli=99_138),
    "greedy_above_gain": says(greedy_milli=99_140),
    "optimal": says(bound_milli=99_140),
    "limit": says(limit=Limit.TIME),
}

REASONS: dict[str, Change] = {
    "reason_but_eligible": in_plan("unassigned", "e2", reason="units_full"),
    "reason_other": in_plan("unassigned", "d1", reason="units_full"),
    "lost_without_worth": in_plan("unassigned", "d1", reason="lost_to"),
    "not_worth_it": in_plan("unassigned", "e2", reason="not_worth_it"),
}

CHANGES = list({**ROWS, **ELIGIBILITY, **LIMITS, **MONEY, **REASONS}.items())


def test_an_honest_plan_is_clean() -> None:
    """The plan written by hand has no finding: two derivations of every number agree."""
    tick = honest()
    assert audit(tick.plan, tables_of(tick)) == ()


@pytest.mark.parametrize(("rule", "change"), CHANGES, ids=[rule for rule, _ in CHANGES])
def test_a_change_is_found_and_named(rule: str, change: Change) -> None:
    """Whatever is changed in an honest plan or under it, the audit names the rule it breaks."""
    assert rule in rules(change(honest()))


@pytest.mark.parametrize(
    "change",
    [
        declined_once("e1", "ben", 600),  # the cooldown is over
        in_batch("agents", "agent_id", "cai", shift_end_at=ago(-420.0)),  # 300 s + 120 s
        in_batch("agent_skills", "agent_id", "ana", proficiency=5),
        in_batch("agents", "agent_id", "ana", capacity_units=27.5),
        under(p_floor=0.7),  # the p of emails without requirements
        under(site_caps={"north": 3}),
    ],
)
def test_limits_belong_to_the_allowed_side(change: Change) -> None:
    """At its limit every rule of eligibility and every cap still holds."""
    assert rules(change(honest())).isdisjoint({*ELIGIBILITY, *LIMITS})


def test_a_looser_bound_is_no_lie() -> None:
    """A bound above what the prices prove is fine as long as the plan is not called optimal."""
    loose = says(bound_milli=160_000, termination=Termination.FEASIBLE, limit=Limit.TIME)
    assert rules(loose(honest())) == set()


def test_nothing_decides_nothing() -> None:
    """The empty plan of an empty batch is clean."""
    plan = replace(
        honest_plan(),
        assignments=ASSIGNMENT.empty(),
        unassigned=UNASSIGNED.empty(),
        explanations=EXPLANATION.empty(),
        prices=PRICE.empty(),
        outlook=OUTLOOK.empty(),
        gain_milli=0,
        bound_milli=0,
        greedy_milli=0,
    )
    assert audit(plan, recount(empty_batch(NOW), POLICY)) == ()


@pytest.mark.parametrize("nonsense", [None, float("nan"), float("inf")])
def test_no_number_is_a_finding(nonsense: float | None) -> None:
    """Gains and prices that are no numbers are found like any other wrong number."""
    tick = both(
        in_plan("assignments", "e1", gain=nonsense),
        in_plan("explanations", "e1", match=nonsense),
        in_plan("prices", "ben", "agent_id", agent_price=nonsense),
    )(honest())
    assert {"gain", "term_match", "price_negative"} <= rules(tick)


def test_nobody_there() -> None:
    """Without agents every contact waits for the same reason, at no gain and no bound.

    Its breach is as far away as ever, and unavoidable: of five conversations.
    """
    batch, plan = honest_batch(), honest_plan()
    kept = ("tick_at", "contact_id", "conversation_id", "detail", "step", "breach_at")
    told = plan.explanations.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in EXPLANATION.schema().items()
        if name not in kept
    ).with_columns(
        decision=pl.lit("unassigned"),
        reason=pl.lit("no_present_agent"),
        rent=pl.lit(0.0),
        unavoidable=pl.lit(value=True),
    )
    waits = told.with_columns(next_chance_at=pl.lit(None, INSTANT)).select(*UNASSIGNED.schema())
    alone = replace(empty_batch(NOW), queues=batch.queues, contacts=batch.contacts)
    nobody = {"num_free": 0, "effective_agents": 0.0, "predicted_wait_s": None}
    plan = replace(
        plan,
        assignments=ASSIGNMENT.empty(),
        unassigned=waits,
        explanations=told,
        prices=PRICE.empty(),
        gain_milli=0,
        bound_milli=0,
        greedy_milli=0,
        outlook=rows(OUTLOOK, QUEUE_STANDS | nobody | {"num_unavoidable": 5}),
    )
    assert audit(plan, recount(alone, POLICY)) == ()


def test_rents_prove_a_bound_of_their_own() -> None:
    """m1 28.403, e1 3.312 and v1 59.942 leave ana 3.557 and ben 3.925: 99.139 again.

    Too low a claim is found.
    """
    tick = honest()
    proven = replace(tick.plan, proof=Proof.RENTS)
    assert audit(proven, tables_of(tick)) == ()
    claimed = replace(proven, bound_milli=99_138, gain_milli=99_138, greedy_milli=0)
    found = {finding.rule for finding in audit(claimed, tables_of(tick))}
    assert found == {"bound", "plan_gain"}


def test_what_a_search_proved_is_not_looked_up() -> None:
    """Prices of 0 prove 103.064 only; a search may still have proven 99.139."""
    tick = in_plan("prices", "ben", "agent_id", agent_price=0.0)(honest())
    searched = replace(tick.plan, proof=Proof.SEARCH)
    assert audit(searched, tables_of(tick)) == ()


def test_findings_count_and_name_offenders() -> None:
    """A finding says how many there are and names the first few."""
    tick = in_plan("assignments", "e1", contact_version=2)(honest())
    (finding,) = audit(tick.plan, tables_of(tick))
    assert finding.rule == "contact_facts"
    assert finding.detail == (
        "1 x value that differs from the contact's; first: e1 contact_version"
    )


def test_value_is_the_largest_that_members_state() -> None:
    """The customer's value counts only where no member of the conversation has one."""
    # k1 is worth 1000, e1 is an unknown customer's, nobody states anything of e2
    tick = in_batch("contacts", "contact_id", "m2", value=70.0)(honest())
    found = recount(tick.batch, POLICY).conversations
    lead = found.members["contact_id"].gather(found.start)
    value = dict(zip(lead, found.customers.value.tolist(), strict=True))
    assert value == {"m1": 70.0, "e1": 500.0, "e2": 200.0, "v1": 200.0, "d1": 200.0}


@pytest.mark.parametrize(("mean_s", "sigma", "limit_s"), [(300, 0.6, 200), (480, 0.7, 1_800)])
def test_expected_excess_is_the_integral(mean_s: float, sigma: float, limit_s: float) -> None:
    """E[(H - b)+] in closed form equals the integral over the normal density of ln H."""
    z = np.linspace(-10, 10, 400_001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    handle = np.exp(np.log(mean_s) - sigma**2 / 2 + sigma * z)
    integral = float(np.sum(np.maximum(handle - limit_s, 0) * density) * (z[1] - z[0]))
    excess = expected_excess(np.array([mean_s]), np.array([sigma]), np.array([limit_s]))
    assert excess[0] == pytest.approx(integral, rel=1e-6)
