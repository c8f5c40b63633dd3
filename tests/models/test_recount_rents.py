"""Sections 4 and 6 of `docs/model.md`, twice: what fits together, and what rents prove."""

from dataclasses import replace

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batch_problem import build_problem
from models.bound import configuration_bound
from models.policy import Policy
from models.problem import MILLI, AssignmentProblem, Ints
from models.recount.case import Case, Recount
from models.recount.rents import rents_bound
from models.solution import SolveOptions
from models.tables import Channel
from solver.solve import solve
from tests.models.messy_batches import messy_batch, messy_policy


def crowded_policy(seed: int) -> Policy:
    """Several new items of unequal weight per agent and tick; in some seeds channels clash."""
    policy = messy_policy(seed)
    draw = np.random.default_rng(seed)
    channels = {
        channel: replace(
            of,
            units=float(draw.choice([7.0, 20.0, 33.3, 50.0])),
            max_new_per_tick=int(draw.integers(1, 5)),
            blocks=(Channel.EMAIL,) if draw.random() < 0.2 else of.blocks,
        )
        for channel, of in policy.channels.items()
    }
    return replace(policy, channels=channels)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), num_contacts=st.integers(1, 30), num_agents=st.integers(1, 10))
def test_both_say_the_same_of_what_fits_and_what_rents_prove(
    seed: int, num_contacts: int, num_agents: int
) -> None:
    """Caps are equal, every vector is judged alike, and random rents prove the same bound."""
    batch, policy = messy_batch(seed, num_contacts, num_agents), crowded_policy(seed)
    stated = build_problem(batch, policy)
    problem, draw = stated.problem, np.random.default_rng(seed)
    solution = solve(problem, SolveOptions(backend="greedy"))
    rents = draw.integers(0, 30_000, problem.num_contacts)
    plan = stated.to_plan(replace(solution, rents=rents))
    case = Case(Recount(batch, policy), plan)
    assert case.room.lane_cap.tolist() == problem.lane_cap.tolist()
    assert case.room.agent_cap.tolist() == problem.agent_cap.tolist()
    for _ in range(20):
        new = vectors_near(problem, draw)
        assert case.room.overfull(new)[fits_caps(problem, new)].tolist() == (
            misfits(problem, new)[fits_caps(problem, new)].tolist()
        )
    proven = configuration_bound(problem, rents, solution.prices.site)
    found = rents_bound(case)
    # A gain that is exactly between two thousandths is rounded down by the recount.
    assert found is not None and 0 <= proven - found <= problem.num_contacts


def vectors_near(problem: AssignmentProblem, draw: np.random.Generator) -> Ints:
    """(A, L) counts in the lanes in which somebody waits, up to one beyond the lane's cap."""
    asked = np.isin(np.arange(problem.num_lanes), problem.contact_lane)
    return np.where(asked, draw.integers(0, problem.lane_cap + 2), 0)


def fits_caps(problem: AssignmentProblem, new: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(A,) whether lanes and total are within the caps, which other checks look at."""
    within = (new <= problem.lane_cap).all(axis=1)
    fits: np.ndarray[tuple[int], np.dtype[np.bool_]] = within & (
        new.sum(axis=1) <= problem.agent_cap
    )
    return fits


def misfits(problem: AssignmentProblem, new: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(A,) whether no mix of the agent has room for the counts."""
    mixes = problem.all_mixes
    of = np.repeat(np.arange(problem.num_agents), np.diff(mixes.start))
    fits = (new[of] <= mixes.count).all(axis=1)
    return ~np.logical_or.reduceat(fits, mixes.start[:-1])


def test_rents_of_unknown_contacts_count_nothing() -> None:
    """Only the rents of leads are read; a member's repeats its lead's."""
    batch, policy = messy_batch(3, 20, 6), crowded_policy(3)
    stated = build_problem(batch, policy)
    plan = stated.to_plan(solve(stated.problem, SolveOptions(backend="greedy")))
    case = Case(Recount(batch, policy), plan)
    leads = case.conversations.members.filter("is_lead").select("contact_id")
    of_leads = plan.explanations.join(leads, on="contact_id")["rent"].sum()
    assert case.stated_rents.sum() == round(of_leads * MILLI)
    others = plan.explanations.with_columns(contact_id=pl.lit("stranger-") + pl.col("contact_id"))
    strangers = replace(plan, explanations=others)
    assert not Case(Recount(batch, policy), strangers).stated_rents.any()
