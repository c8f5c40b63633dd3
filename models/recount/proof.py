"""Checks of sections 5 and 6: every gain in money, the prices, and the bound that they prove."""

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import polars as pl

from models.plan import Finding
from models.recount.case import Case, findings
from models.recount.gain import MILLI, NEARLY, Terms
from models.recount.numbers import Floats, ints
from models.recount.rents import rents_bound
from models.recount.standing import NO_TIER
from models.recount.survey import in_milli, lanes_of_prices, load_costs
from models.solution import Proof, Termination
from models.tables import Decision

TOLERANCE = 0.001
"""Money, for terms; gains themselves are compared in thousandths."""


def gains_true(case: Case) -> Iterator[Finding]:
    """Assignment and explanation state the gain of section 5, rounded to thousandths."""
    exact = _by_contact(case, case.terms.gain)
    for rule, frame in (
        ("gain", case.plan.assignments),
        ("explanation_gain", case.plan.explanations),
    ):
        rows = frame.select("contact_id", stated="gain").join(exact, on="contact_id")
        off = (pl.col("stated") * MILLI - pl.col("value") * MILLI).abs()
        fits = off <= 0.5 + NEARLY
        wrong = rows.filter(~fits.fill_null(value=False))
        yield from findings(rule, "gain that differs from the recomputed one", _stated(wrong))


def terms_true(case: Case) -> Iterator[Finding]:
    """Every term of a chosen pair is that of section 5, and the terms add up."""
    names = [field.name for field in fields(Terms)]
    exact = _by_contact(case, case.terms.gain).with_columns(
        pl.Series(name + "_true", getattr(case.terms, name)) for name in names
    )
    rows = case.plan.explanations.join(exact, on="contact_id")
    for name in names:
        off = (pl.col(name) - pl.col(name + "_true")).abs()
        wrong = rows.filter((off > TOLERANCE).fill_null(value=True))
        told = wrong.select("contact_id", stated=name, value=name + "_true")
        yield from findings(
            f"term_{name}", "term that differs from the recomputed one", _stated(told)
        )
    total = pl.sum_horizontal(names)
    torn = rows.filter(((pl.col("gain") - total).abs() > TOLERANCE).fill_null(value=True))
    told = torn.select("contact_id", stated="gain", value=total)
    yield from findings("terms_sum", "gain that is not the sum of its terms", _stated(told))


def plan_gain_adds_up(case: Case) -> Iterator[Finding]:
    """The plan's gain is the sum of its conversations' less load costs."""
    stated = pl.concat(
        [
            case.plan.assignments.select("contact_id", "gain"),
            case.plan.explanations.filter(pl.col("decision") == Decision.HELD).select(
                "contact_id", "gain"
            ),
        ]
    ).join(pl.DataFrame(case.choice.contact_id), on="contact_id", how="semi")
    gains = int(in_milli(stated["gain"].fill_null(0.0).to_numpy()).sum())
    count = np.bincount(case.choice.agent, minlength=len(case.agents))
    costs = int(load_costs(case.policy, count).sum())
    if case.plan.gain_milli != gains - costs:
        yield Finding(
            "plan_gain",
            f"plan states {case.plan.gain_milli}, its conversations gain {gains} less load costs"
            f" {costs}: expected {gains - costs} thousandths",
        )


def prices_well_formed(case: Case) -> Iterator[Finding]:
    """Prices are those of open lanes, once each, never negative, and fit together."""
    rows = _price_rows(case)
    unknown = case.plan.prices.join(case.agents.ids, on="agent_id", how="anti")["agent_id"]
    yield from findings("price_unknown_agent", "price of an agent not in the batch", unknown)
    strange = lanes_of_prices(case.plan, case.conversations).filter(pl.col("lane").is_null())
    yield from findings("price_unknown_lane", "price of no lane", strange["agent_id"])
    twice = rows.filter(pl.struct("agent_id", "lane").is_duplicated())["agent_id"]
    yield from findings("price_twice", "lane priced more than once", twice)
    quoted = ["lane_price", "agent_price", "site_price"]
    bad = ~(pl.all_horizontal(pl.col(quoted) >= 0) & pl.all_horizontal(pl.col(quoted).is_finite()))
    yield from findings(
        "price_negative", "price below 0", rows.filter(bad.fill_null(value=True))["agent_id"]
    )
    cap = case.room.lane_cap[ints(rows["agent"]), ints(rows["lane"])]
    wrong = rows.filter(
        pl.col("free_slots").ne_missing(pl.Series(cap)) | (pl.col("free_slots") < 1)
    )
    yield from findings(
        "price_free_slots", "lane with other slots than its cap", wrong["agent_id"]
    )
    several = pl.max_horizontal(pl.col("agent_price", "site_price").n_unique()) > 1
    torn = rows.group_by("agent_id").agg(several=several).filter("several")["agent_id"].sort()
    yield from findings("price_torn", "agent with several prices", torn)


def site_prices_well_formed(case: Case) -> Iterator[Finding]:
    """Sites with a price have a cap; their agents pay just that price."""
    sites = case.plan.site_prices
    capped = pl.col("site").is_in(list(case.policy.site_caps))
    fits = (
        capped & (pl.col("price") >= 0) & pl.col("price").is_finite() & pl.col("site").is_unique()
    )
    wrong = sites.filter(~fits.fill_null(value=False))["site"]
    yield from findings("site_price", "site without a cap, twice, or with a price below 0", wrong)
    rows = _price_rows(case).join(sites.unique("site"), on="site", how="left")
    other = rows.filter(pl.col("site_price").ne_missing(pl.col("price").fill_null(0.0)))
    yield from findings("site_price_differs", "agent with another site price", other["agent_id"])


def choices_priced(case: Case) -> Iterator[Finding]:
    """Only lanes that the plan lists with a price are used."""
    choice = case.choice
    lane = case.conversations.lane[choice.conversation]
    used = ~case.quoted.listed[choice.agent, lane]
    yield from findings(
        "lane_not_priced",
        "chosen pair in a lane without a price",
        choice.contact_id.filter(pl.Series(used, dtype=pl.Boolean)),
    )


def bound_proven(case: Case) -> Iterator[Finding]:
    """Prices or rents prove the stated bound over all eligible pairs, unless a search did.

    With tiers they are those of raised gains; what the plan's own conversations were raised by is
    taken off again. What a search proved cannot be looked up; then only its gain and limits are
    checked.
    """
    if case.plan.proof is Proof.SEARCH:
        return
    if case.plan.proof is Proof.RENTS:
        proven = rents_bound(case)
    else:
        proven = case.quoted.bound(case.policy, case.room, case.survey)
    if proven is None:
        return
    proven -= int(case.raised[case.served].sum())
    if proven > case.plan.bound_milli:
        yield Finding(
            "bound",
            f"plan states {case.plan.bound_milli},"
            f" its {case.plan.proof} prove only {proven} thousandths",
        )


def rents_well_formed(case: Case) -> Iterator[Finding]:
    """No rent is below 0 or missing."""
    rent = pl.col("rent")
    fits = (rent >= 0) & rent.is_finite()
    wrong = case.plan.explanations.filter(~fits.fill_null(value=False))["contact_id"]
    yield from findings("rent_negative", "rent missing or below 0", wrong)


def gain_within_bound(case: Case) -> Iterator[Finding]:
    """The baseline gains no more than the plan, and the plan no more than the bound.

    Where tiers go first, or preferences were followed, the baseline may gain more.
    """
    plan = case.plan
    if plan.gain_milli > plan.bound_milli:
        claim = f"gain {plan.gain_milli} is above the bound {plan.bound_milli}, in thousandths"
        yield Finding("gain_above_bound", claim)
    comparable = plan.greedy_milli - max(0, plan.preference_cost_milli)
    # A bound without levels holds for plans with tiers, too.
    if comparable > plan.gain_milli and not (case.conversations.tier != NO_TIER).any():
        claim = f"greedy gains {plan.greedy_milli}, the plan {plan.gain_milli}, in thousandths"
        yield Finding("greedy_above_gain", claim)


def optimal_means_no_gap(case: Case) -> Iterator[Finding]:
    """The plan is called optimal only if gain and bound meet; otherwise it names its limit."""
    optimal = case.plan.termination is Termination.OPTIMAL
    gap = case.plan.bound_milli - case.plan.gain_milli
    if optimal and gap != 0:
        yield Finding("optimal", f"plan is called optimal with a gap of {gap} thousandths")
    if optimal != (case.plan.limit is None):
        yield Finding("limit", f"termination {case.plan.termination} with limit {case.plan.limit}")


def _price_rows(case: Case) -> pl.DataFrame:
    """Prices of the lanes and agents that exist."""
    priced = lanes_of_prices(case.plan, case.conversations)
    return priced.filter(pl.col("lane").is_not_null()).join(
        case.agents.ids.select("agent_id", "agent", "site"), on="agent_id", maintain_order="left"
    )


def _by_contact(case: Case, value: Floats) -> pl.DataFrame:
    """(contact_id, value) of the chosen pairs that have terms."""
    ready = pl.Series(case.ready, dtype=pl.Boolean)
    return pl.DataFrame({"contact_id": case.choice.contact_id.filter(ready), "value": value})


def _stated(rows: pl.DataFrame) -> pl.Series:
    stated = pl.col("stated").round(6).cast(pl.String).fill_null("nothing")
    expected = pl.col("value").round(6).cast(pl.String)
    return rows.select(
        pl.format("{} states {}, recomputed {}", "contact_id", stated, expected)
    ).to_series()
