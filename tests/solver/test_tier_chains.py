"""Chains of moves that serve one contact of a tier more."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.engine_instances import Size
from benchmarks.mixed_instances import build_mixed
from benchmarks.small_instances import Family, best_worth, draw_problem
from models.dense_problem import dense_problem
from models.feasibility import violations
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Mixes, Positions
from models.solution import SolveOptions, served_by_tier
from solver.backend import assignment_gain
from solver.baseline import solve_baseline
from solver.tier_chains import with_more_of_tiers

ONE_TIER = np.zeros(3, dtype=np.int32)


def never() -> bool:
    """There is always time."""
    return False


def greedy_plan(problem: AssignmentProblem) -> Positions:
    """The greedy plan, tiers first."""
    return solve_baseline(problem, SolveOptions(), None).agent


def chain_of_three(**more: object) -> AssignmentProblem:
    """Contacts 0 and 1 may go to agents 0, 1 and to 1, 2; contact 2 only to agent 0."""
    gain = np.array([[9, 1, 0], [0, 9, 1], [5, 0, 0]])
    return dense_problem(gain, np.ones(3, dtype=np.int64), eligible=gain > 0, **more)  # type: ignore[arg-type]


def test_everybody_of_a_chain_moves_by_one() -> None:
    """Contact 2 takes the place of contact 0, who takes that of contact 1, who has another one."""
    problem = chain_of_three(tier=ONE_TIER)
    assert greedy_plan(problem).tolist() == [0, 1, NOBODY]
    assert with_more_of_tiers(problem, greedy_plan(problem), never).tolist() == [1, 2, 0]


def test_no_chain_costs_a_stricter_tier_anything() -> None:
    """Agent 2 has no room: to serve contact 2, of tier 1, somebody of tier 0 would have to go."""
    problem = replace(
        chain_of_three(tier=np.array([0, 0, 1], dtype=np.int32)), agent_cap=np.array([1, 1, 0])
    )
    assert with_more_of_tiers(problem, greedy_plan(problem), never).tolist() == [0, 1, NOBODY]


def test_money_gives_way_and_takes_what_is_left() -> None:
    """Contact 1 has no tier: it goes where contact 0 needs its place, and gets the last one."""
    problem = chain_of_three(tier=np.array([0, NO_TIER, 0], dtype=np.int32))
    before = np.array([0, 1, NOBODY])
    assert with_more_of_tiers(problem, before, never).tolist() == [1, 2, 0]


def test_without_time_nobody_moves_but_the_plan_is_filled() -> None:
    """Contact 2 finds nobody who makes room for it; contact 1 just needs a place."""
    problem = chain_of_three(tier=np.array([0, NO_TIER, 0], dtype=np.int32))
    before = np.array([0, NOBODY, NOBODY])
    assert with_more_of_tiers(problem, before, lambda: True).tolist() == [0, 1, NOBODY]


def test_a_chain_leads_through_a_mix() -> None:
    """A call or two chats: agent 0 has a chat, which can move, so that the call gets in."""
    problem = dense_problem(
        np.array([[5, 4], [3, 0]]),
        np.array([2, 1]),
        eligible=np.array([[True, True], [True, False]]),
        lane=np.array([1, 0], dtype=np.int32),
        lane_cap=np.array([[1, 2], [0, 1]]),
        mixes=Mixes(np.array([0, 2, 3]), np.array([[1, 0], [0, 2], [0, 1]])),
        tier=np.zeros(2, dtype=np.int32),
    )
    assert with_more_of_tiers(problem, np.array([0, NOBODY]), never).tolist() == [1, 0]


def test_a_chain_that_comes_to_an_agent_twice_moves_nobody_unless_all_of_it_fits() -> None:
    """Contact 0 would fit at agent 0 without contact 1, and contact 2 beside contact 1; not both.

    Contact 1 could go to agent 1, if contact 2 came to agent 0 from there. Agent 0 takes contacts
    1 and 2, or contact 0; agent 1 takes one of contacts 1 and 2. Contact 3, which could do with
    the place of contact 1, is of a weaker tier.
    """
    eligible = np.array([[True, False], [True, True], [True, True], [True, False]])
    mixes = Mixes(np.array([0, 2, 4]), np.array([[0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]))
    problem = dense_problem(
        np.full((4, 2), 5),
        np.array([2, 1]),
        eligible=eligible,
        lane=np.array([0, 1, 2, 1], dtype=np.int32),
        lane_cap=np.array([[1, 1, 1], [0, 1, 1]]),
        mixes=mixes,
        tier=np.array([0, 0, 0, 1], dtype=np.int32),
    )
    before = np.array([NOBODY, 0, 1, NOBODY])
    assert with_more_of_tiers(problem, before, never).tolist() == [NOBODY, 0, 1, NOBODY]


def test_whoever_is_not_in_the_way_of_a_chain_keeps_their_agent() -> None:
    """Contact 3, without a tier, gains 8 at agent 4 although it would gain 9 at agent 3."""
    chain, apart = chain_of_three(), np.array([[9, 8]])
    gain = np.zeros((4, 5), dtype=np.int64)
    gain[chain.pairs.contact, chain.pairs.agent] = chain.pairs.gain
    gain[3, 3:] = apart
    problem = dense_problem(
        gain,
        np.ones(5, dtype=np.int64),
        eligible=gain > 0,
        tier=np.array([0, 0, 0, NO_TIER], dtype=np.int32),
    )
    after = with_more_of_tiers(problem, np.array([0, 1, NOBODY, 4]), never)
    assert after.tolist() == [1, 2, 0, 4]


def test_moves_within_a_full_site_are_chains_and_moves_into_it_are_not() -> None:
    """One place at the site of agents 0 and 1: contact 0 makes room by leaving the site only."""
    problem = chain_of_three(
        tier=ONE_TIER, agent_site=np.array([0, 0, NOBODY]), site_cap=np.array([1])
    )
    before = np.array([0, 2, NOBODY])
    assert with_more_of_tiers(problem, before, never).tolist() == [0, 2, NOBODY]
    roomy = replace(problem, site_cap=np.array([2]))
    assert with_more_of_tiers(roomy, before, never).tolist() == [1, 2, 0]


@pytest.mark.parametrize("family", [Family.SLOTS, Family.NETWORK, Family.MIXES])
def test_no_count_falls_and_without_sites_networks_serve_the_most(family: Family) -> None:
    """From whatever plan; lexicographically as many, the gain as large where counts are equal."""
    for seed in range(40):
        problem, draw = draw_problem(family, seed), np.random.default_rng(seed)
        tier = draw.integers(NO_TIER, 3, problem.num_contacts).astype(np.int32)
        problem = replace(problem, tier=tier)
        if family is not Family.MIXES:
            problem = replace(problem, agent_site=np.full_like(problem.agent_site, NOBODY))
        for keeps in (0.0, 0.5, 1.0):
            kept = draw.random(problem.num_contacts) < keeps
            before = np.where(kept, greedy_plan(problem), NOBODY).astype(np.int32)
            after = with_more_of_tiers(problem, before, never)
            assert not violations(problem, after)
            had, has = (
                (served_by_tier(problem, agent), assignment_gain(problem, agent))
                for agent in (before, after)
            )
            assert has >= had
            if family is not Family.MIXES:
                assert has[0] == best_worth(problem)[:-1]


def test_the_clock_is_looked_at_between_contacts(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often, the chains are the same; and when time is up, so are those found before."""
    problem = replace(
        build_mixed(0, Size(300, 20)), tier=np.arange(300, dtype=np.int32) % 2, mixes=None
    )
    empty = np.full(300, NOBODY, dtype=np.int32)
    at_once = with_more_of_tiers(problem, empty, never)
    monkeypatch.setattr("solver.tier_chains.PAIRS_BETWEEN_LOOKS", 1)
    looks = 0

    def has_looked_often() -> bool:
        nonlocal looks
        looks += 1
        return looks > 30

    in_haste = with_more_of_tiers(problem, empty, has_looked_often)
    assert looks == 32  # in either tier once after the last
    assert (with_more_of_tiers(problem, empty, never) == at_once).all()
    assert (in_haste[:60:2] != NOBODY).sum() == (at_once[:60:2] != NOBODY).sum()
