"""Tiny problems with every feature, and their answers by enumeration in plain Python."""

import os
from collections.abc import Callable, Iterator
from itertools import product

# Polars reads it when it is first imported. Batches here have a dozen rows, for which its threads
# would only wait for each other: a third of the time of all decisions.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from models.problem import MILLI, NOBODY, AssignmentProblem


@pytest.fixture(scope="session")
def problems() -> SearchStrategy[AssignmentProblem]:
    """Up to 5 contacts, 4 agents, 2 lanes, 2 sites; small whole gains, so ties are common."""
    return _problems()


@pytest.fixture(scope="session")
def value_of() -> Callable[[AssignmentProblem, list[int]], int]:
    """Gain of an assignment from the problem's definition; AssertionError if it is not valid."""
    return _checked_value


@pytest.fixture(scope="session")
def brute_force() -> Callable[[AssignmentProblem], int]:
    """The largest gain of any valid assignment."""
    return lambda problem: max(_values(problem))


@st.composite
def _problems(draw: DrawFn) -> AssignmentProblem:
    contacts, agents = draw(st.integers(0, 5)), draw(st.integers(0, 4))
    classes, lanes, sites = (
        draw(st.integers(1, 3)),
        draw(st.integers(1, 2)),
        draw(st.integers(0, 2)),
    )
    steps, terms = draw(st.integers(0, 2)), draw(st.integers(0, 2))

    def whole(low: int, high: int, *shape: int) -> np.ndarray:
        size = int(np.prod(shape))
        values = draw(st.lists(st.integers(low, high), min_size=size, max_size=size))
        return np.array(values, dtype=np.int64).reshape(shape)

    def some_pairs(most: int) -> tuple[np.ndarray, np.ndarray]:
        pair = st.tuples(st.integers(0, contacts - 1), st.integers(0, agents - 1))
        exist = most if contacts and agents else 0
        found = draw(st.lists(pair, max_size=exist, unique=True)) if exist else []
        array = np.array(found, dtype=np.int32).reshape(-1, 2)
        return array[:, 0].copy(), array[:, 1].copy()

    member = whole(0, 2, classes, agents) > 0
    banned_contact, banned_agent = some_pairs(2)
    extra_contact, extra_agent = some_pairs(3)
    only = np.where(whole(0, 4, contacts) == 0, whole(0, max(agents - 1, 0), contacts), NOBODY)
    if agents == 0:
        only[:] = NOBODY
    return AssignmentProblem(
        contact_class=whole(0, classes - 1, contacts).astype(np.int32),
        class_ptr=np.concatenate([[0], np.cumsum(member.sum(axis=1))]).astype(np.int64),
        class_agent=np.nonzero(member)[1].astype(np.int32),
        only_agent=only.astype(np.int32),
        banned_contact=banned_contact,
        banned_agent=banned_agent,
        base=whole(-4, 9, contacts) / MILLI,
        term_row=whole(0, 1, contacts, terms).astype(np.int32),
        term_coef=whole(-1, 3, contacts, terms).astype(np.float64),
        rate=whole(0, 4, 2, agents) / MILLI,
        extra_contact=extra_contact,
        extra_agent=extra_agent,
        extra_gain=whole(-3, 6, len(extra_contact)) / MILLI,
        contact_lane=whole(0, lanes - 1, contacts).astype(np.int32),
        lane_cap=whole(0, 2, agents, lanes),
        agent_cap=whole(0, 3, agents),
        load_cost=np.sort(whole(0, 5, agents, steps), axis=1),
        agent_site=whole(NOBODY, sites - 1, agents).astype(np.int32),
        site_cap=whole(0, 3, sites),
    )


def _options(problem: AssignmentProblem) -> list[dict[int, int]]:
    """Milli-gain by eligible agent, for each contact."""
    banned = set(zip(problem.banned_contact.tolist(), problem.banned_agent.tolist(), strict=True))
    rows = []
    for i in range(problem.num_contacts):
        k = problem.contact_class[i]
        row = {}
        for j in problem.class_agent[problem.class_ptr[k] : problem.class_ptr[k + 1]].tolist():
            if (i, j) in banned or problem.only_agent[i] not in {NOBODY, j}:
                continue
            gain = problem.base[i]
            for r in range(problem.term_row.shape[1]):
                gain += problem.term_coef[i, r] * problem.rate[problem.term_row[i, r], j]
            for e in range(len(problem.extra_contact)):
                if (problem.extra_contact[e], problem.extra_agent[e]) == (i, j):
                    gain += problem.extra_gain[e]
            row[j] = round(float(gain) * MILLI)
        rows.append(row)
    return rows


def _values(problem: AssignmentProblem) -> Iterator[int]:
    rows = _options(problem)
    for agents in product(*[[NOBODY, *row] for row in rows]):
        value = _value(problem, rows, agents)
        if value is not None:
            yield value


def _checked_value(problem: AssignmentProblem, agents: list[int]) -> int:
    value = _value(problem, _options(problem), tuple(agents))
    assert value is not None, "a capacity is exceeded"
    return value


def _value(
    problem: AssignmentProblem, rows: list[dict[int, int]], agents: tuple[int, ...]
) -> int | None:
    """Gain of an assignment, or None if a capacity is exceeded; KeyError if not eligible."""
    total = 0
    in_lane: dict[tuple[int, int], int] = {}
    at_agent: dict[int, int] = {}
    at_site: dict[int, int] = {}
    for i, j in enumerate(agents):
        if j == NOBODY:
            continue
        lane, site = (j, int(problem.contact_lane[i])), int(problem.agent_site[j])
        in_lane[lane] = in_lane.get(lane, 0) + 1
        at_agent[j] = at_agent.get(j, 0) + 1
        at_site[site] = at_site.get(site, 0) + 1
        total += rows[i][j]
        if problem.load_cost.shape[1]:
            total -= int(problem.load_cost[j, min(at_agent[j], problem.load_cost.shape[1]) - 1])
        if (
            in_lane[lane] > problem.lane_cap[lane]
            or at_agent[j] > problem.agent_cap[j]
            or (site != NOBODY and at_site[site] > problem.site_cap[site])
        ):
            return None
    return total
