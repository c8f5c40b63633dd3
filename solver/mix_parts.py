"""The mixes that the search chooses from: those given, or parts of them, each at its load cost.

Where an agent's cap is below the size of a mix, the mix is replaced by the largest parts of it
that the cap allows; where load costs money, by all its parts, each with the load cost of a full
one. So what a mix is worth is a sum over its lanes.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from models.problem import LARGEST_GAIN, AssignmentProblem, Ints
from models.solution import step_costs
from solver.array_types import I8, I8S
from solver.flat import starts_of

MOST_PARTS = 64
"""Of one mix."""

LOOKED_AT = 4096
"""Parts among which those are chosen, evenly spaced, where there are more."""

LARGEST_KEY = 2**62


@dataclass(frozen=True, eq=False)
class MixList:
    """What the agents choose from; P mixes sorted by agent and then count."""

    start: Ints
    """(A + 1,)"""
    count: Ints
    """(P, L) slots; no other of its agent covers it at the same cost."""
    cost: Ints
    """(P,) load cost when it is full, milli-units."""
    is_cut_short: bool
    """Whether a mix has more parts than are listed."""


def list_mixes(problem: AssignmentProblem, demand: Ints) -> MixList:
    """The mixes and parts of mixes that agents choose from when so many want each lane, (A, L)."""
    given = problem.all_mixes
    agent = np.repeat(np.arange(problem.num_agents), np.diff(given.start))
    count = np.minimum(given.count, demand[agent])
    costs_load = np.asarray((problem.load_cost > 0).any(axis=1))
    cap = np.minimum(problem.agent_cap[agent], count.sum(axis=1))
    in_parts = costs_load[agent] | (cap < count.sum(axis=1))
    part_of, parts, is_cut_short = _in_parts(
        count[in_parts], cap[in_parts], costs_load[agent[in_parts]]
    )
    agent = np.concatenate([agent[~in_parts], agent[in_parts][part_of]])
    count = np.concatenate([count[~in_parts], parts])
    once = _first_of_each(np.column_stack([agent, count]))
    agent, count = agent[once], np.ascontiguousarray(count[once])
    keep, free = costs_load[agent], ~costs_load[agent]
    keep[free] = _undominated(starts_of(agent[free], problem.num_agents), count[free])
    agent, count = agent[keep], count[keep]
    full = count.sum(axis=1)
    steps = np.minimum(step_costs(problem, int(full.max(initial=0))), LARGEST_GAIN)
    paid = np.concatenate(
        [np.zeros((problem.num_agents, 1), dtype=np.int64), np.cumsum(steps, axis=1)], axis=1
    )
    return MixList(starts_of(agent, problem.num_agents), count, paid[agent, full], is_cut_short)


def _in_parts(count: Ints, cap: Ints, all_sizes: NDArray[np.bool_]) -> tuple[Ints, Ints, bool]:
    """Parts of every row (whose row, and their counts): of the size of the cap, or of all sizes;
    and whether some had to be left out.
    """
    asked = np.column_stack([count, cap, all_sizes.astype(np.int64)])
    first = _first_of_each(asked)
    of = _group_of_each(asked)
    low = np.where(all_sizes[first], 0, cap[first])
    size, found, is_cut_short = _list_parts(
        np.ascontiguousarray(count[first]), low, np.ascontiguousarray(cap[first])
    )
    begin = np.cumsum(size) - size
    row = np.repeat(np.arange(len(count)), size[of])
    nth = np.arange(len(row)) - np.repeat(np.cumsum(size[of]) - size[of], size[of])
    return row, found[begin[of[row]] + nth], bool(is_cut_short)


def _first_of_each(rows: Ints) -> Ints:
    """Where each different row occurs first, rows in ascending order."""
    first: Ints = np.unique(_rank(rows), return_index=True)[1]
    return first


def _group_of_each(rows: Ints) -> Ints:
    """The place of every row among the different ones, in ascending order."""
    group: Ints = np.unique(_rank(rows), return_inverse=True)[1]
    return group


def _rank(rows: Ints) -> Ints:
    """One whole number for each row (all >= 0) that sorts as the rows do."""
    rank, width = np.zeros(len(rows), dtype=np.int64), 1
    for column in rows.T:
        most = int(column.max(initial=0)) + 1
        if width * most > LARGEST_KEY:
            rank = np.unique(rank, return_inverse=True)[1]
            width = int(rank.max(initial=0)) + 1
        rank, width = rank * most + column, width * most
    return rank


@njit(types.boolean(I8, I8, types.int64, types.int64), cache=True)
def _next_part(row: Ints, part: Ints, low: int, high: int) -> bool:
    """Turn a part of the row into the next smaller one with a sum in the range; False if none is.

    Parts are compared lane by lane, the first lane first.
    """
    before, behind = part.sum(), 0
    for lane in range(len(row) - 1, -1, -1):
        before -= part[lane]
        if part[lane] > 0 and before + part[lane] - 1 + behind >= low:
            part[lane] -= 1
            left = high - before - part[lane]
            for other in range(lane + 1, len(row)):
                part[other] = min(row[other], left)
                left -= part[other]
            return True
        behind += row[lane]
    return False


@njit(types.int64(I8, types.int64, types.int64, I8S), cache=True)
def _write_parts(row: Ints, low: int, high: int, table: Ints) -> int:
    """The parts of a row with a sum in the range, largest first; how many, as far as they fit."""
    part, left = np.zeros_like(row), high
    for lane in range(len(row)):
        part[lane] = min(row[lane], left)
        left -= part[lane]
    number, more = 0, True
    while more and number < len(table):
        table[number, : len(row)] = part
        number += 1
        more = _next_part(row, part, low, high)
    return number


@njit(types.Tuple((I8, I8S, types.boolean))(I8S, I8, I8), cache=True)  # type: ignore[no-untyped-call]
def _list_parts(rows: Ints, low: Ints, high: Ints) -> tuple[Ints, Ints, bool]:
    """Number of parts of each row, and the parts, at most MOST_PARTS of a row, evenly spaced; and
    whether there are more.
    """
    lanes = rows.shape[1]
    table = np.empty((LOOKED_AT, lanes), dtype=np.int64)
    size = np.zeros(len(rows), dtype=np.int64)
    found = np.zeros((len(rows) * MOST_PARTS, lanes), dtype=np.int64)
    end, is_cut_short = 0, False
    for r in range(len(rows)):
        used = np.flatnonzero(rows[r])
        number = _write_parts(rows[r][used], low[r], high[r], table)
        is_cut_short |= number > MOST_PARTS
        size[r] = min(number, MOST_PARTS)
        for n in range(size[r]):
            at = n * (number - 1) // (MOST_PARTS - 1) if number > MOST_PARTS else n
            for place in range(len(used)):
                found[end, used[place]] = table[at, place]
            end += 1
    return size, found[:end].copy(), is_cut_short


@njit("b1[::1](i8[::1], i8[:, ::1])", cache=True)
def _undominated(start: Ints, count: Ints) -> NDArray[np.bool_]:
    """Whether no other row of the same agent is at least as large everywhere; rows differ."""
    keep = np.ones(len(count), dtype=np.bool_)
    for agent in range(len(start) - 1):
        for p in range(start[agent], start[agent + 1]):
            for q in range(start[agent], start[agent + 1]):
                if q == p:
                    continue
                covered = True
                for lane in range(count.shape[1]):
                    if count[q, lane] < count[p, lane]:
                        covered = False
                        break
                if covered:
                    keep[p] = False
                    break
    return keep
