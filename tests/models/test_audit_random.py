"""Two implementations of `docs/model.md` agree: plans of the solver audit clean."""

from hypothesis import given, settings
from hypothesis import strategies as st

from models.audit import audit, recount
from models.batch_problem import build_problem
from models.solution import SolveOptions, Termination
from solver.assign import assign
from tests.models.messy_batches import messy_batch, messy_policy


@settings(max_examples=100, deadline=None, derandomize=True)
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
