"""The large batch shows every rule: each reason, each term, each group, and it is valid."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_io.validate import validate
from models.audit import audit, recount
from models.batch import Batch
from models.batch_problem import BatchProblem, build_problem
from models.eligibility import REASONS
from models.gain import Term
from models.plan import Plan, Reason
from models.policy import Policy
from models.problem import NOBODY
from models.solution import SolveOptions
from models.tables import INPUT_TABLES, InputTables
from scenarios.generate import generate_batch
from scenarios.ruled_batch import ALL_RULES, RuleGroup, ruled_batch
from solver.solve import solve

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)
SHOWN_BY = {
    RuleGroup.QUEUES: {"queues", "queue_members", "overflow", "contacts"},
    RuleGroup.HOURS: {
        "queues",
        "calendars",
        "holidays",
        "agents",
        "agent_activities",
        "agent_channels",
        "contacts",
    },
    RuleGroup.PRIORITY: {"contacts", "queues", "customers"},
    RuleGroup.SKILLS: {"contact_skills", "contact_steps", "queues"},
    RuleGroup.ITEMS: {"agents", "agent_load"},
    RuleGroup.OFFERS: {"offers"},
    RuleGroup.PROFILES: {"contacts", "agent_load", "agent_profiles"},
    RuleGroup.KNOWN: {"contacts", "customer_agents"},
    RuleGroup.FAIRNESS: {"agents", "agent_preferences", "agent_quotas"},
    RuleGroup.DECLINES: {"declines"},
    RuleGroup.PARTIES: {"contacts", "agent_load"},
    RuleGroup.PRICES: {"agent_prices", "queue_prices"},
}
"""Tables that each group fills."""


@pytest.fixture(scope="module")
def large() -> tuple[BatchProblem, Plan]:
    """Large enough for whatever is rare, with the plan that the simplest method makes of it."""
    stated = build_problem(*ruled_batch(1, 2_000, 400, NOW))
    return stated, stated.to_plan(solve(stated.problem, SolveOptions(backend="greedy")))


def _changed(batch: Batch, other: Batch) -> set[str]:
    names = [table.name for table in INPUT_TABLES]
    return {name for name in names if not getattr(batch, name).equals(getattr(other, name))}


def test_every_row_keeps_its_contract() -> None:
    """Nothing goes to quarantine: what is measured are rules, not rejected rows."""
    batch, _ = ruled_batch(3, 300, 60, NOW)
    raw = InputTables(*(getattr(batch, table.name) for table in INPUT_TABLES))
    assert validate(raw, NOW).rejects.is_empty()


def test_the_same_arguments_give_the_same_rows() -> None:
    """Equal arguments, equal rows; another seed, other ones."""
    (batch, policy), (again, same), (other, _) = (ruled_batch(s, 90, 20, NOW) for s in (1, 1, 2))
    assert _changed(batch, again) == set()
    assert policy.digest() == same.digest()
    assert "contacts" in _changed(batch, other)


def test_without_rules_it_is_the_plain_batch() -> None:
    """The side without rules is the batch that other benchmarks measure."""
    batch, policy = ruled_batch(1, 90, 20, NOW, rules=())
    assert _changed(batch, generate_batch(1, 90, 20, NOW)) == set()
    assert policy.digest() == Policy().digest()


@pytest.mark.parametrize("group", ALL_RULES)
def test_each_group_fills_its_tables_and_no_others(group: RuleGroup) -> None:
    """What one group adds to the plain batch is seen in the tables that it names."""
    batch, _ = ruled_batch(1, 200, 40, NOW, rules=(group,))
    assert _changed(batch, generate_batch(1, 200, 40, NOW)) == SHOWN_BY[group]


def test_a_group_that_is_left_out_changes_no_other_draws() -> None:
    """Streams are apart: without the rules of fairness, offers and declines stay as they were."""
    some = [group for group in RuleGroup if group is not RuleGroup.FAIRNESS]
    whole, less = ruled_batch(1, 200, 40, NOW)[0], ruled_batch(1, 200, 40, NOW, rules=some)[0]
    assert _changed(whole, less) == {"agents", "agent_preferences", "agent_quotas"}
    told = pl.exclude("handled_s", "productive_s")
    assert_frame_equal(whole.agents.select(told), less.agents.select(told))


def test_every_reason_shows(large: tuple[BatchProblem, Plan]) -> None:
    """Each test of the rules fails for some pair; what no single test decides is told of some."""
    stated, plan = large
    classes = np.arange(len(stated.conversations.classes))
    failed = np.unique(stated.eligibility.first_failures(classes)).tolist()
    assert failed == list(range(len(REASONS) + 1))
    of_pairs = {
        Reason.DECLINED: len(stated.declines.apart),
        Reason.CUSTOMER_LOCKED: (stated.locked != NOBODY).sum(),
        Reason.HELD_FOR_PREFERRED: (stated.reserved.agent != NOBODY).sum(),
    }
    assert min(of_pairs.values()) > 0
    told = {Reason(name) for name in plan.explanations["reason"].unique()}
    assert {*REASONS, *of_pairs, *told} == set(Reason)


def test_every_term_of_the_gain_shows(large: tuple[BatchProblem, Plan]) -> None:
    """Each term is worth something for some pair."""
    gain = large[0].gain
    whole = {
        Term.VALUE_AT_RISK: gain.value_at_risk,
        Term.PRIORITY: gain.priority,
        Term.HEAD_WORTH: gain.head_worth,
    }
    of_pairs = {name: gain.extra[name].to_numpy() for name in (Term.STICKINESS, Term.DECLINES)}
    shown = {term for term, worth in (whole | of_pairs).items() if worth.any()}
    assert shown | set(gain.rated) == set(Term)


def test_the_rules_beside_the_gain_show(large: tuple[BatchProblem, Plan]) -> None:
    """Tiers, wishes, mixes, lanes of profiles, followers, helping queues, steps and requeues."""
    stated, plan = large
    problem, found = stated.problem, stated.conversations
    assert problem.tier is not None
    assert {0, 1, 2} <= set(problem.tier.tolist())
    assert problem.mixes is not None
    assert stated.wishes is not None
    assert found.units["follower"].any()
    assert (found.lanes["profiles"] != "").any()
    assert min(len(found.helping), len(found.steps), len(found.first_steps)) > 0
    assert not plan.requeue.is_empty()
    assert plan.outlook["num_unavoidable"].sum() > 0


def test_the_plan_of_a_smaller_one_audits_clean() -> None:
    """300 contacts and 60 agents under all rules: the second model finds nothing wrong."""
    batch, policy = ruled_batch(1, 300, 60, NOW)
    stated = build_problem(batch, policy)
    plan = stated.to_plan(solve(stated.problem, SolveOptions(deadline_s=5.0)))
    assert audit(plan, recount(batch, policy)) == ()
