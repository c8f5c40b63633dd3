"""Two implementations of `docs/model.md` agree: plans of the solver audit clean."""

from hypothesis import given, settings
from hypothesis import strategies as st

from models.audit import audit, recount
from models.solution import SolveOptions
from solver.assign import assign
from tests.models.messy_batches import messy_batch, messy_policy


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    num_contacts=st.integers(1, 30),
    num_agents=st.integers(1, 14),
    backend=st.sampled_from(["flow", "greedy"]),
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
    """Flow and the linear programme of CBC gain the same; greedy no more; none has a finding."""
    batch, policy = messy_batch(seed, num_contacts, num_agents), messy_policy(seed)
    tables = recount(batch, policy)
    plans = {
        backend: assign(batch, policy, SolveOptions(backend=backend, deadline_s=60.0))
        for backend in ("flow", "lp", "greedy")
    }
    assert plans["flow"].gain_milli == plans["lp"].gain_milli >= plans["greedy"].gain_milli
    assert [audit(plan, tables) for plan in plans.values()] == [(), (), ()]
