"""Checks of the reasons: what a contact is told is why it waits."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from models.plan import Finding, Reason
from models.recount.case import Case, findings
from models.recount.numbers import Bools, Ints, ints
from models.recount.pairs import REASONS
from models.recount.standing import NOBODY
from models.tables import Decision


def rule_reasons_hold(case: Case) -> Iterator[Finding]:
    """Who waits because of a rule has nobody eligible, and that rule kept the last ones away."""
    rows = _waiting(case).filter(pl.col("reason").is_in([reason.value for reason in REASONS]))
    conversation = ints(rows["conversation"])
    served = case.survey.num_eligible[conversation] > 0
    yield from findings(
        "reason_but_eligible", "rule as reason although somebody is eligible", _label(rows, served)
    )
    rule = ints(rows["reason"].cast(pl.Enum([reason.value for reason in REASONS])).to_physical())
    other = ~served & (rule != _kept_the_last_away(case)[conversation])
    yield from findings("reason_other", "rule as reason that did not decide", _label(rows, other))


def held_for_the_preferred(case: Case) -> Iterator[Finding]:
    """Who is held for a preferred agent is reserved for just that agent."""
    rows = case.plan.unassigned.filter(pl.col("reason") == Reason.HELD_FOR_PREFERRED).join(
        case.conversations.members.select("contact_id", "conversation"), on="contact_id"
    )
    preferred = pl.Series(case.eligibility.reserved_for).gather(rows["conversation"])
    ids = case.agents.ids["agent_id"].gather(preferred.set(preferred == NOBODY, None))
    wrong = rows["agent_id"].ne_missing(ids).to_numpy()
    yield from findings("preferred", "held for somebody else", _label(rows, wrong))


def lost_means_worth_it(case: Case) -> Iterator[Finding]:
    """Who lost to others has an eligible pair with a positive gain."""
    rows = _waiting(case).filter(pl.col("reason") == Reason.LOST_TO)
    best = case.survey.best_gain[ints(rows["conversation"])]
    yield from findings(
        "lost_without_worth", "lost to others without a pair worth it", _label(rows, best <= 0)
    )


def not_worth_it_means_so(case: Case) -> Iterator[Finding]:
    """Who is not worth it has eligible pairs, all of which would cost more than they bring."""
    rows = _waiting(case).filter(pl.col("reason") == Reason.NOT_WORTH_IT)
    conversation = ints(rows["conversation"])
    wrong = (case.survey.best_gain[conversation] > 0) | (
        case.survey.num_eligible[conversation] == 0
    )
    yield from findings("not_worth_it", "not worth it against its pairs", _label(rows, wrong))


def _waiting(case: Case) -> pl.DataFrame:
    """Conversations without an agent, those included that wait for a preferred one."""
    for_preferred = pl.col("reason") == Reason.HELD_FOR_PREFERRED
    return case.known.filter((pl.col("decision") == Decision.UNASSIGNED) | for_preferred)


def _kept_the_last_away(case: Case) -> Ints:
    """(C,) position in REASONS of what keeps the last agents away."""
    e, c = case.eligibility, case.conversations
    last: Ints = np.count_nonzero(e.survivors[:, 1:], axis=1)[e.class_of]
    if not len(case.agents):  # then no agent comes to any test; some look at nobody
        last = np.full(len(c), REASONS.index(Reason.NO_PRESENT_AGENT))
        last[c.manual_only] = REASONS.index(Reason.MANUAL_ONLY)
        last[c.paused] = REASONS.index(Reason.PAUSED)
    last[e.reserved_for != NOBODY] = REASONS.index(Reason.HELD_FOR_PREFERRED)
    last[e.only_agent != NOBODY] = REASONS.index(Reason.CUSTOMER_LOCKED)
    return last


def _label(rows: pl.DataFrame, wrong: Bools) -> pl.Series:
    chosen = rows.filter(pl.Series(wrong, dtype=pl.Boolean))
    return chosen.select(pl.col("contact_id") + " " + pl.col("reason")).to_series()
