"""Checks of the reasons: what a contact is told is why it waits."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from models.audit_case import Case, findings
from models.audit_numbers import Bools, ints
from models.audit_pairs import NOBODY, REASONS
from models.plan import Finding, Reason
from models.tables import Decision


def rule_reasons_hold(case: Case) -> Iterator[Finding]:
    """Who waits because of a rule has nobody eligible, and the rule did turn somebody away."""
    rows = _waiting(case).filter(pl.col("reason").is_in([reason.value for reason in REASONS]))
    conversation = ints(rows["conversation"])
    served = case.survey.num_eligible[conversation] > 0
    yield from findings(
        "reason_but_eligible", "rule as reason although somebody is eligible", _label(rows, served)
    )
    rule = ints(rows["reason"].cast(pl.Enum([reason.value for reason in REASONS])).to_physical())
    idle = ~served & ~_turned_away(case)[conversation, rule]
    yield from findings(
        "reason_idle", "rule as reason that turned nobody away", _label(rows, idle)
    )


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
    return case.known.filter(pl.col("decision") == Decision.UNASSIGNED)


def _turned_away(case: Case) -> Bools:
    """(C, rules) whether some agent failed the rule first."""
    e = case.eligibility
    by_class = np.diff(e.survivors, axis=1) < 0
    banned = np.zeros(len(e.class_of), dtype=bool)
    banned[e.banned // max(e.num_agents, 1)] = True
    locked = e.only_agent != NOBODY
    found = np.column_stack([by_class[e.class_of], banned, locked])
    if e.num_agents == 0:
        found[:, REASONS.index(Reason.NO_PRESENT_AGENT)] = True
    return found


def _label(rows: pl.DataFrame, wrong: Bools) -> pl.Series:
    chosen = rows.filter(pl.Series(wrong, dtype=pl.Boolean))
    return chosen.select(pl.col("contact_id") + " " + pl.col("reason")).to_series()
