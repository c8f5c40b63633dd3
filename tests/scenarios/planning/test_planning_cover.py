"""Heads that cover the offered load at least cost."""

import numpy as np
import pytest

from scenarios.planning.cover import Needs, cover, first_needs, modified_offered_load
from scenarios.planning.groups import group_agents
from tests.scenarios.planning.planned_centres import queue, two_teams

NOBODY_LIMITED = np.full(3, np.inf)


def two_classes(most: np.ndarray[tuple[int], np.dtype[np.float64]] = NOBODY_LIMITED) -> Needs:
    """1.5 erlang each of two classes; two specialists at 10, a generalist at 12."""
    return Needs(
        rate=np.full((2, 1), 0.015),
        usual_s=np.full(2, 100.0),
        work_s=np.full((2, 3), 100.0),
        skilled=np.array([[True, False, True], [False, True, True]]),
        cost=np.array([10.0, 10.0, 12.0]),
        most=most,
    )


def test_halves_are_shared_by_a_generalist() -> None:
    """One specialist each and one generalist for both halves cost 32; four specialists 40."""
    assert cover(two_classes()).tolist() == [[1, 1, 1]]


def test_without_generalists_halves_cost_whole_heads() -> None:
    """Nobody may be split between classes that they cannot do."""
    assert cover(two_classes(np.array([9.0, 9.0, 0.0]))).tolist() == [[2, 2, 0]]


def test_limits_that_cannot_cover_are_used_to_the_full() -> None:
    """Three erlang do not fit into two heads: both are there, and simulation tells the rest."""
    assert cover(two_classes(np.array([1.0, 1.0, 0.0]))).tolist() == [[1, 1, 0]]


def test_offered_load_follows_the_rate_with_a_delay() -> None:
    """From empty, with intervals as long as the handling time: a (1 - (1 - 1/e)) = a / e first.

    Busy agents then are a (1 - 1/e), so the next mean is a - a/e (1 - 1/e).
    """
    load = modified_offered_load(np.array([0.02, 0.02]), 100.0, 100.0)
    e = np.e
    assert load == pytest.approx([2 / e, 2 - 2 / e * (1 - 1 / e)])


def test_patient_customers_need_what_erlang_c_says_for_their_load() -> None:
    """Two erlang, 80 % within 20 s of calls of 60 s: 3 heads give 68 %, 4 give 91 %.

    The start is for the load that is really there, a bit less than 2 erlang in the first hour.
    """
    centre = queue([120.0, 120.0])
    needs = first_needs(centre, group_agents(centre).groups, np.ones(1), np.full(1, np.inf))
    assert cover(needs).tolist() == [[4], [4]]


def test_pools_that_share_nobody_get_their_own_safety() -> None:
    """0.1 and 4 erlang, less the start of the day: ceil(a + 0.3 sqrt(a)) is 1 and 5."""
    centre = two_teams()
    needs = first_needs(centre, group_agents(centre).groups, np.ones(2), np.full(2, np.inf))
    assert cover(needs).tolist() == [[1, 5], [1, 5]]
