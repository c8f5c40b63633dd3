"""Two implementations of `docs/model.md` agree: plans of the solver audit clean."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audit import audit, recount
from models.batch import Batch
from models.batch_problem import build_problem
from models.columns import LIVE
from models.gain import Term
from models.plan import Plan, Reason
from models.policy import Policy
from models.recount.case import Recount
from models.solution import SolveOptions, Termination
from solver.assign import assign
from tests.models.messy_batches import messy_batch, messy_policy
from tests.models.messy_rules import Rule, ruled_batch

SEEDS = range(200)
"""Draws that together show everything."""
TO_BE_SEEN = {
    *(reason.value for reason in Reason),
    *(f"term {term}" for term in Term),
    *(f"tier {tier}" for tier in range(4)),
    "tier that is raised",
    "step",
    "requirement that relaxes",
    "breach that nothing prevents",
    "split",
    "follower that waits",
    "follower that is served",
    "reservation before a shift",
    "borrowed agent",
    "helping queue",
    "profiles assigned",
    "mix of lanes with profiles",
    "customer met again",
    "preference",
    "requeue",
}
"""Every reason can occur, and every term may count."""


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    num_contacts=st.integers(1, 30),
    num_agents=st.integers(1, 14),
    backend=st.sampled_from(["auto", "mixes", "greedy"]),
)
def test_honest_plans_audit_clean(
    seed: int, num_contacts: int, num_agents: int, backend: str
) -> None:
    """Whatever the batch and the policy, a plan of `assign` has no finding."""
    batch, policy = messy_batch(seed, num_contacts, num_agents), messy_policy(seed)
    plan = assign(batch, policy, SolveOptions(backend=backend))
    assert audit(plan, recount(batch, policy)) == ()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), num_contacts=st.integers(1, 20), num_agents=st.integers(1, 8))
def test_the_backends_agree_and_all_audit_clean(
    seed: int, num_contacts: int, num_agents: int
) -> None:
    """Exact ones gain the same, greedy no more, and none has a finding, with mixes or without."""
    batch, policy = messy_batch(seed, num_contacts, num_agents), messy_policy(seed)
    tables = recount(batch, policy)
    has_mixes = build_problem(batch, policy).problem.mixes is not None
    plans = {
        backend: assign(batch, policy, SolveOptions(backend=backend, deadline_s=60.0))
        for backend in ("mixes", "auto" if has_mixes else "flow", "auto" if has_mixes else "lp")
    }
    greedy = assign(batch, policy, SolveOptions(backend="greedy"))
    assert {plan.termination for plan in plans.values()} == {Termination.OPTIMAL}
    assert len({plan.gain_milli for plan in plans.values()}) == 1
    assert plans["mixes"].gain_milli >= greedy.gain_milli
    assert not [found for plan in (*plans.values(), greedy) for found in audit(plan, tables)]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    num_contacts=st.integers(1, 25),
    num_agents=st.integers(1, 8),
    rules=st.just(frozenset(Rule)) | st.frozensets(st.sampled_from(Rule), min_size=1, max_size=4),
    backend=st.sampled_from(["auto", "greedy"]),
)
def test_plans_under_the_rules_of_the_field_audit_clean(
    seed: int, num_contacts: int, num_agents: int, rules: frozenset[Rule], backend: str
) -> None:
    """Whichever rules a centre uses, alone or together, a plan of `assign` has no finding."""
    batch, policy = ruled_batch(seed, num_contacts, num_agents, rules)
    plan = assign(batch, policy, SolveOptions(backend=backend))
    assert audit(plan, recount(batch, policy)) == ()


def test_nothing_is_agreed_upon_for_want_of_a_case() -> None:
    """Over a few draws every reason, term and rule shows in plans that audit clean."""
    seen: set[str] = set()
    for seed in SEEDS:
        batch, policy = drawn(seed)
        plan, tables = assign(batch, policy, SolveOptions()), recount(batch, policy)
        assert audit(plan, tables) == ()
        seen |= set(shown(plan, tables))
    assert TO_BE_SEEN - seen == set()


def drawn(seed: int) -> tuple[Batch, Policy]:
    """A batch of one of very different sizes, in every second case under all rules."""
    draw = np.random.default_rng(seed)
    some = frozenset(rule for rule in Rule if draw.random() < 0.4)
    rules = frozenset(Rule) if seed % 2 else some
    return ruled_batch(
        seed, int(draw.integers(20, 120)), int(draw.choice([1, 2, 4, 8, 12])), rules
    )


def shown(plan: Plan, tables: Recount) -> Iterator[str]:
    """What the plan and the tables show, of what is to be seen."""
    told, c, agents = plan.explanations, tables.conversations, tables.agents
    yield from told["reason"].unique()
    for term in Term:
        if (told[term].fill_null(0.0) != 0).any():
            yield f"term {term}"
    for tier in told["tier"].drop_nulls().unique():
        yield f"tier {tier}"
    told_split = told.join(c.members, on="contact_id").filter(
        pl.col("party").is_in(c.party.filter(c.party.is_duplicated()).implode())
    )
    follows = told_split.filter(~pl.col("channel").is_in(list(LIVE)))
    preferred = tables.eligibility.reserved_for
    reserved = preferred[preferred >= 0]
    named = np.array([name != "" for name in c.lane_profiles])
    kinds = {
        "tier that is raised": any(plan.tier_levels),
        "step": (told["step"] > 0).any(),
        "requirement that relaxes": told["relaxes_at"].is_not_null().any(),
        "breach that nothing prevents": told["unavoidable"].any(),
        "split": c.party.is_duplicated().any(),
        "follower that waits": c.follower.any(),
        "follower that is served": (follows["decision"] == "assigned").any(),
        "reservation before a shift": (~agents.on_shift[reserved]).any(),
        "borrowed agent": plan.assignments["is_borrowed"].any(),
        "helping queue": plan.outlook["borrows_from"].is_not_null().any(),
        "profiles assigned": plan.assignments["profiles"].is_not_null().any(),
        "mix of lanes with profiles": any(
            mixes is not None and mixes[:, named].any() for mixes in tables.room.vectors
        ),
        "customer met again": plan.assignments["seen_before"].any(),
        "preference": plan.preference_cost_milli > 0,
        "requeue": len(plan.requeue) > 0,
    }
    yield from (kind for kind, is_there in kinds.items() if is_there)
