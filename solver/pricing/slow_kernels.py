"""Dual simplex for the slow price: blocks of one capacity row each, coupled by contact rows.

With contact prices 0, each block at its best class and nothing else is dual feasible, and so is
the optimum of any other demand: the dual simplex starts there, cold or warm. Its steps are long: a
block whose only basic column is its key changes the key, which costs nothing, while the column
that leaves is still negative (bound flipping: Maros 2003, here for whole blocks). So one pivot may
move many agents from one class to another.
"""

import numpy as np
from numba import njit, types

from models.problem import Floats
from solver.pricing.slow_basis_kernels import (
    BASIS,
    DUALS,
    F8,
    IDLE,
    PROGRAMME,
    QUEUE,
    Basis,
    Duals,
    Programme,
    add_column,
    invert,
    key_per_s,
    key_price,
    key_row,
    write_amounts,
    write_prices,
)

OPTIMAL, INFEASIBLE, TOO_LONG = 0, 1, 2

NOWHERE = -2
"""Block of the column that enters if there is none."""
EPS = 1e-9
SMALLEST = 0.01
"""Size that pivots are compared with, at least; most numbers of the rows are near 1."""
DRIFT = 1e-8
"""Relative error in the contact rows from which the inverse is computed anew."""

LEAVING = types.Tuple((types.int64, types.int64, types.float64))  # type: ignore[no-untyped-call]
ENTERING = types.Tuple((types.int64, types.int64))  # type: ignore[no-untyped-call]
BREAK = types.Tuple(  # type: ignore[no-untyped-call]
    (types.float64, types.float64, types.int64)
)


@njit(LEAVING(PROGRAMME, BASIS, F8, types.float64, types.float64), cache=True)
def _overfull_key(
    programme: Programme, basis: Basis, amount: Floats, slack: float, most: float
) -> tuple[int, int, float]:
    """The block whose key is steeper than `most`: the row of its largest column, block, amount."""
    blocks = len(basis.key)
    largest, key_amount = np.full(blocks, -1, dtype=np.int64), programme.capacity.copy()
    for i in range(len(amount)):
        b = basis.block[i]
        if b != QUEUE:
            key_amount[b] -= amount[i]
            if largest[b] < 0 or amount[i] > amount[largest[b]]:
                largest[b] = i
    row, overfull, lacking = -1, -1, 0.0
    for b in range(blocks):
        if largest[b] < 0 or key_amount[b] >= -slack:
            continue
        edge = np.zeros(len(amount))
        for i in range(len(amount)):
            if basis.block[i] == b:
                edge += basis.inverse[i]
        norm = (edge**2).sum()
        if key_amount[b] ** 2 > most * norm:
            most, row, overfull = key_amount[b] ** 2 / norm, largest[b], b
            lacking = key_amount[b]
    return row, overfull, lacking


@njit(LEAVING(PROGRAMME, BASIS, types.float64, F8, F8), cache=True)
def _leaving(
    programme: Programme, basis: Basis, largest_demand: float, amount: Floats, steep: Floats
) -> tuple[int, int, float]:
    """Row of the steepest negative column, or -1; its block if it is a key, else -1; its amount.

    For a key the row is that of the largest other column of its block. Steepest is by the reduced
    rows (dual steepest edge: Forrest and Goldfarb 1992).
    """
    in_contacts = EPS * max(1.0, largest_demand)
    in_seconds = EPS * max(1.0, programme.capacity.max())
    most, row, lacking = 0.0, -1, 0.0
    for i in range(len(amount)):
        slack = in_contacts if basis.block[i] == QUEUE else in_seconds
        if amount[i] < -slack and amount[i] ** 2 > most * steep[i]:
            most, row, lacking = amount[i] ** 2 / steep[i], i, amount[i]
    key = _overfull_key(programme, basis, amount, in_seconds, most)
    return key if key[0] >= 0 else (row, -1, lacking)


@njit(types.void(BASIS, types.int64, types.int64), cache=True)
def _give_key_away(basis: Basis, block: int, row: int) -> None:
    """Make the column of this row the key of its block; the old key is now in that row."""
    for i in range(len(basis.kind)):
        if basis.block[i] == block and i != row:
            basis.inverse[row] += basis.inverse[i]
    basis.inverse[row] *= -1.0
    old = basis.key[block]
    basis.key[block] = basis.kind[row]
    basis.kind[row] = old


@njit(BREAK(PROGRAMME, BASIS, F8, F8, types.int64), cache=True)
def _break_of(
    programme: Programme, basis: Basis, contact: Floats, row: Floats, block: int
) -> tuple[float, float, int]:
    """How far the duals may move before the block wants another class: step, pivot, class."""
    classes, groups = programme.rate.shape
    m, first = block % groups, block // groups * classes
    price, scale = key_price(programme, basis, contact, block), key_per_s(programme, basis, block)
    used = 0.0 if scale == 0.0 else row[key_row(programme, basis, block)] * scale
    best, pivot, kind = np.inf, 0.0, IDLE
    if used > EPS * max(scale, SMALLEST):
        best, pivot = price / used, used
    for k in range(classes):
        step = used - row[first + k] * programme.per_s[k, m]
        if step > EPS * max(scale, programme.per_s[k, m], SMALLEST):
            reach = price - programme.rate[k, m] + contact[first + k] * programme.per_s[k, m]
            if reach < best * step:
                best, pivot, kind = reach / step, step, k
    return best, pivot, kind


@njit(ENTERING(PROGRAMME, BASIS, F8, types.int64, types.float64), cache=True)
def _entering(
    programme: Programme, basis: Basis, contact: Floats, leaving: int, lacking: float
) -> tuple[int, int]:
    """Block and class of the column that enters, after the keys that change on the way to it."""
    classes, blocks = programme.rate.shape[0], len(basis.key)
    row, enough = basis.inverse[leaving], EPS * -lacking
    queue_best, queue_row = np.inf, -1
    for r in range(len(row)):
        price, step = contact[r], row[r]
        if r + classes < len(row):
            price -= programme.stay[r % classes] * contact[r + classes]
            step -= programme.stay[r % classes] * row[r + classes]
        if step < -EPS and max(price, 0.0) < queue_best * -step:
            queue_best, queue_row = max(price, 0.0) / -step, r
    alone = np.ones(blocks, dtype=np.bool_)
    for i in range(len(row)):
        if basis.block[i] != QUEUE:
            alone[basis.block[i]] = False
    reach, pivot = np.empty(blocks), np.empty(blocks)
    kind = np.empty(blocks, dtype=np.int64)
    for b in range(blocks):
        reach[b], pivot[b], kind[b] = _break_of(programme, basis, contact, row, b)
    while True:
        b = int(np.argmin(reach))
        if queue_best <= reach[b]:
            return (QUEUE, queue_row) if queue_row >= 0 else (NOWHERE, 0)
        lacking += pivot[b] * programme.capacity[b]
        if not alone[b] or lacking >= -enough:
            return b, int(kind[b])
        basis.key[b] = kind[b]
        reach[b], pivot[b], kind[b] = _break_of(programme, basis, contact, row, b)


@njit(types.void(PROGRAMME, BASIS, types.int64, types.int64, types.int64), cache=True)
def _exchange(programme: Programme, basis: Basis, row: int, block: int, kind: int) -> None:
    column, change = np.zeros(len(basis.kind)), np.zeros(len(basis.kind))
    add_column(programme, basis, block, kind, column, 1.0)
    for r in range(len(change)):
        if column[r] != 0.0:
            for i in range(len(change)):
                change[i] += basis.inverse[i, r] * column[r]
    basis.inverse[row] /= change[row]
    for i in range(len(change)):
        if i != row and change[i] != 0.0:
            basis.inverse[i] -= change[i] * basis.inverse[row]
    basis.block[row], basis.kind[row] = block, kind


@njit(types.void(PROGRAMME, BASIS), cache=True)
def start(programme: Programme, basis: Basis) -> None:
    """The basis for contact prices of 0: every block at its best class, all contacts queue."""
    classes, groups = programme.rate.shape
    for b in range(len(basis.key)):
        best, basis.key[b] = 0.0, IDLE
        for k in range(classes):
            if programme.rate[k, b % groups] > best:
                best, basis.key[b] = programme.rate[k, b % groups], k
    basis.inverse[:] = 0.0
    for row in range(len(basis.kind)):
        basis.block[row], basis.kind[row] = QUEUE, row
        share = 1.0
        for later in range(row, len(basis.kind), classes):
            basis.inverse[later, row] = share
            share *= programme.stay[row % classes]


@njit(types.int64(PROGRAMME, BASIS, DUALS, F8, types.int64), cache=True)
def solve_from(
    programme: Programme, basis: Basis, duals: Duals, demand: Floats, limit: int
) -> int:
    """Move the basis to the optimum for this demand and write its duals; OPTIMAL, or why not.

    The basis must be dual feasible: from `start`, or the optimum of another demand.
    """
    amount, steep = np.zeros(len(demand)), np.zeros(len(demand))
    for _ in range(limit):
        if write_amounts(programme, basis, demand, amount, steep) > DRIFT:
            invert(programme, basis)
            write_amounts(programme, basis, demand, amount, steep)
        write_prices(programme, basis, duals)
        row, overfull, lacking = _leaving(programme, basis, demand.max(), amount, steep)
        if row < 0:
            return OPTIMAL
        if overfull >= 0:
            _give_key_away(basis, overfull, row)
        block, kind = _entering(programme, basis, duals.contact, row, lacking)
        if block == NOWHERE:
            return INFEASIBLE
        _exchange(programme, basis, row, block, kind)
    return TOO_LONG
