"""Is this plan right? Who gets whom, under which rules, for how much, and how good that is.

The solver's word is a claim, and so is the problem that it was given: sections 0 to 7 of
`docs/model.md` are written a second time in `models/recount`, which shares no code with what makes
plans. Not checked is what only helps to read a plan: runner-ups, sentences and next chances.
"""

from collections.abc import Iterator

import polars as pl

from models.batch import Batch
from models.plan import Finding, Plan
from models.policy import Policy
from models.recount.beside import outlook_true, times_told
from models.recount.case import Case, Check, Recount, findings
from models.recount.context import context_true
from models.recount.limits import (
    agents_within_caps,
    held_means_free_soon,
    items_fit_together,
    items_within_concurrency,
    lanes_within_caps,
    new_items_not_blocked,
    pairs_eligible,
    profiles_within_limits,
    rates_within_limits,
    sites_within_caps,
    units_within_capacity,
)
from models.recount.proof import (
    bound_proven,
    choices_priced,
    gain_within_bound,
    gains_true,
    optimal_means_no_gap,
    plan_gain_adds_up,
    prices_well_formed,
    rents_well_formed,
    site_prices_well_formed,
    terms_true,
)
from models.recount.reasons import (
    held_for_the_preferred,
    lost_means_worth_it,
    not_worth_it_means_so,
    rule_reasons_hold,
)
from models.recount.requeue import requeue_true
from models.recount.rows import (
    agents_exist,
    contacts_exist,
    conversation_stays_whole,
    decision_has_reason,
    every_contact_explained,
    every_contact_once,
    facts_copied,
    lead_marked,
    same_policy,
    same_tick,
    units_copied,
)
from models.recount.tiers import (
    preferences_affordable,
    tier_levels_fall,
    tiers_served_first,
    tiers_told,
)
from models.tables import (
    ASSIGNMENT,
    EXPLANATION,
    OUTLOOK,
    PRICE,
    REQUEUE,
    UNASSIGNED,
    Channel,
)

CHECKS: tuple[Check, ...] = (
    same_tick,
    same_policy,
    every_contact_once,
    contacts_exist,
    agents_exist,
    decision_has_reason,
    facts_copied,
    context_true,
    units_copied,
    conversation_stays_whole,
    lead_marked,
    every_contact_explained,
    pairs_eligible,
    held_means_free_soon,
    lanes_within_caps,
    agents_within_caps,
    items_fit_together,
    sites_within_caps,
    units_within_capacity,
    items_within_concurrency,
    profiles_within_limits,
    rates_within_limits,
    new_items_not_blocked,
    gains_true,
    terms_true,
    plan_gain_adds_up,
    prices_well_formed,
    rents_well_formed,
    site_prices_well_formed,
    choices_priced,
    bound_proven,
    gain_within_bound,
    optimal_means_no_gap,
    tier_levels_fall,
    tiers_served_first,
    tiers_told,
    preferences_affordable,
    rule_reasons_hold,
    held_for_the_preferred,
    lost_means_worth_it,
    not_worth_it_means_so,
    times_told,
    requeue_true,
    outlook_true,
)
"""What must hold of every plan."""


def recount(batch: Batch, policy: Policy) -> Recount:
    """What the tables say, whatever the plan is: it can be computed while the solver works."""
    tables = Recount(batch, policy)
    tables.prepare()
    return tables


def audit(plan: Plan, tables: Recount) -> tuple[Finding, ...]:
    """Everything that is wrong with the plan, one finding per broken rule; empty if it is clean.

    Frames that break their contracts are the only findings, because nothing else can be read then.
    """
    unreadable = (*_other_columns(plan), *_other_channels(plan))
    if unreadable:
        return unreadable
    case = Case(tables, plan)
    return tuple(finding for check in CHECKS for finding in check(case))


def _other_columns(plan: Plan) -> Iterator[Finding]:
    site_prices = pl.Schema({"site": pl.String(), "price": pl.Float64()})
    expected = (
        ("assignments", plan.assignments, ASSIGNMENT.schema()),
        ("unassigned", plan.unassigned, UNASSIGNED.schema()),
        ("explanations", plan.explanations, EXPLANATION.schema()),
        ("prices", plan.prices, PRICE.schema()),
        ("site_prices", plan.site_prices, site_prices),
        ("requeue", plan.requeue, REQUEUE.schema()),
        ("outlook", plan.outlook, OUTLOOK.schema()),
    )
    for name, frame, schema in expected:
        if dict(frame.schema) != dict(schema):
            claim = f"{name} has {dict(frame.schema)}, expected {dict(schema)}"
            yield Finding("columns", claim)


def _other_channels(plan: Plan) -> Iterator[Finding]:
    if "channel" in plan.prices.columns:
        known = pl.col("channel").is_in([channel.value for channel in Channel])
        wrong = plan.prices.filter(~known.fill_null(value=False))["channel"]
        yield from findings("price_channel", "price of a lane that is no channel", wrong)
