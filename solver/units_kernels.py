"""Compiled knapsacks of the bound: what each agent earns at most at given rents, exactly.

One table per agent, exact 0/1 dynamic programming in whole numbers: row k holds the most that the
first k pairs earn within 0, 1, ... steps of room (Martello and Toth, Knapsack
Problems, 1990, 2.6).
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from models.problem import Ints
from solver.array_types import B1, I8
from solver.units_form import KNAPSACKS, LIMITS, Knapsacks, Limits


@njit(types.void(I8, I8, types.int64, types.int64), cache=True)
def _add_item(old: Ints, new: Ints, weight: int, left: int) -> None:
    new[:weight] = old[:weight]
    if weight >= len(old):
        return
    high, low, out = old[weight:], old[: len(old) - weight], new[weight:]
    for c in range(len(out)):
        out[c] = max(high[c], low[c] + left)


@njit(types.int64(I8, I8, types.int64), cache=True)
def _most(before: Ints, after: Ints, room: int) -> int:
    most = before[0] + after[room]
    for c in range(1, room + 1):
        most = max(most, before[c] + after[room - c])
    return int(most)


@njit(types.void(LIMITS, KNAPSACKS, I8, I8, B1), cache=True)
def fill_knapsacks(
    limits: Limits,
    knapsacks: Knapsacks,
    rent: Ints,
    best: Ints,
    taken: NDArray[np.bool_],
) -> None:
    """Write what each agent earns at most (A,) and the pairs that earn it (E,)."""
    taken[:] = False
    for j in range(len(knapsacks.room)):
        first, last, room = knapsacks.start[j], knapsacks.start[j + 1], knapsacks.room[j]
        items = np.empty(last - first, dtype=np.int64)
        number, weight, total = 0, 0, 0
        for k in range(first, last):
            pair = knapsacks.pair[k]
            left = limits.gain[pair] - rent[limits.contact[pair]]
            if left > 0:
                items[number] = k
                number += 1
                weight += knapsacks.weight[k]
                total += left
        if weight <= room:
            best[j] = total
            for n in range(number):
                taken[knapsacks.pair[items[n]]] = True
            continue
        table = np.empty((number + 1, room + 1), dtype=np.int64)
        table[0, :] = 0
        for n in range(number):
            pair = knapsacks.pair[items[n]]
            left = limits.gain[pair] - rent[limits.contact[pair]]
            _add_item(table[n], table[n + 1], knapsacks.weight[items[n]], left)
        best[j] = table[number, room]
        for n in range(number - 1, -1, -1):
            if table[n + 1, room] != table[n, room]:
                taken[knapsacks.pair[items[n]]] = True
                room -= knapsacks.weight[items[n]]


@njit(types.void(LIMITS, KNAPSACKS, I8, I8, I8, I8), cache=True)
def losses(
    limits: Limits,
    knapsacks: Knapsacks,
    rent: Ints,
    best: Ints,
    loss_in: Ints,
    loss_out: Ints,
) -> None:
    """Write what each agent earns less at most when a pair (E,) is forced in, or forced out.

    Tables over the pairs before and over the pairs after it meet at every division of the room.
    """
    for j in range(len(knapsacks.room)):
        first, last, room = knapsacks.start[j], knapsacks.start[j + 1], knapsacks.room[j]
        number = last - first
        before = np.zeros((number + 1, room + 1), dtype=np.int64)
        after = np.zeros((number + 1, room + 1), dtype=np.int64)
        left = np.empty(number, dtype=np.int64)
        for n in range(number):
            pair = knapsacks.pair[first + n]
            left[n] = limits.gain[pair] - rent[limits.contact[pair]]
            _add_item(before[n], before[n + 1], knapsacks.weight[first + n], left[n])
        best[j] = before[number, room]
        for n in range(number - 1, -1, -1):
            _add_item(after[n + 1], after[n], knapsacks.weight[first + n], left[n])
        for n in range(number):
            pair, rest = knapsacks.pair[first + n], room - knapsacks.weight[first + n]
            loss_in[pair] = best[j] - left[n] - _most(before[n], after[n + 1], rest)
            loss_out[pair] = best[j] - _most(before[n], after[n + 1], room)
