"""What the dual simplex of the slow price keeps between pivots, and how it is read.

In seconds of work g instead of contacts, the programme of `solver/pricing/slow.py` reads

    max  sum rate[k, m] g[s, k, m]
    s.t. sum_k g[s, k, m] + idle[s, m] = capacity[s, m]                   one block per s and m
         sum_m per_s[k, m] g[s, k, m] + queue[s, k] - stay[k] queue[s - 1, k] = demand[s, k]

Every block needs at least one basic column; one of them is its key, and the block's capacity row
serves to eliminate it (generalised upper bounds: Dantzig and Van Slyke 1967). What is left to
invert, the reduced rows, has one row per contact row, however many agents there are.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types

from models.problem import Floats, Ints

IDLE = -1
"""Key of a block that keeps its capacity, or class of the column that says so."""
QUEUE = -1
"""Block of a queue column, whose class entry holds its row."""


class Programme(NamedTuple):
    """P periods, K classes, M signatures; n = P * K contact rows and P * M blocks."""

    rate: Floats
    """(K, M) money per second, -inf where not allowed."""
    per_s: Floats
    """(K, M) contacts per second of work, each counted as the seconds it typically takes."""
    stay: Floats
    """(K,) share of a queue that is still there a period later."""
    capacity: Floats
    """(P * M,) seconds."""


class Basis(NamedTuple):
    """What is basic; kept from one right-hand side to the next."""

    key: Ints
    """(P * M,) class that is the key of each block, or IDLE."""
    block: Ints
    """(n,) block of each other basic column, or QUEUE."""
    kind: Ints
    """(n,) its class, or IDLE; the row of a queue column."""
    inverse: Floats
    """(n, n)"""


class Duals(NamedTuple):
    """Prices of both kinds of rows."""

    contact: Floats
    """(n,) money per contact row's unit."""
    block: Floats
    """(P * M,) money per second."""


F8, F8S, I8 = types.float64[::1], types.float64[:, ::1], types.int64[::1]
PROGRAMME = types.NamedTuple((F8S, F8S, F8, F8), Programme)  # type: ignore[no-untyped-call]
BASIS = types.NamedTuple((I8, I8, I8, F8S), Basis)  # type: ignore[no-untyped-call]
DUALS = types.NamedUniTuple(F8, 2, Duals)  # type: ignore[no-untyped-call]


@njit(types.int64(PROGRAMME, BASIS, types.int64), cache=True, forceinline=True)
def key_row(programme: Programme, basis: Basis, block: int) -> int:
    """Contact row of the block's key; meaningless for IDLE."""
    classes, groups = programme.rate.shape
    return int(block // groups * classes + basis.key[block])


@njit(types.float64(PROGRAMME, BASIS, types.int64), cache=True, forceinline=True)
def key_per_s(programme: Programme, basis: Basis, block: int) -> float:
    """Contacts that the block's key serves per second, 0 for IDLE."""
    if basis.key[block] == IDLE:
        return 0.0
    return float(programme.per_s[basis.key[block], block % programme.rate.shape[1]])


@njit(types.float64(PROGRAMME, BASIS, F8, types.int64), cache=True, forceinline=True)
def key_price(programme: Programme, basis: Basis, contact: Floats, block: int) -> float:
    """What the block's key earns per second beyond the prices of its contacts."""
    if basis.key[block] == IDLE:
        return 0.0
    rate = programme.rate[basis.key[block], block % programme.rate.shape[1]]
    asked = contact[key_row(programme, basis, block)]
    return float(rate - asked * key_per_s(programme, basis, block))


@njit(
    types.void(PROGRAMME, BASIS, types.int64, types.int64, F8, types.float64),
    cache=True,
    forceinline=True,
)
def add_column(
    programme: Programme, basis: Basis, block: int, kind: int, to: Floats, factor: float
) -> None:
    """Add factor times a column of the reduced rows to a vector."""
    classes, groups = programme.rate.shape
    if block == QUEUE:
        to[kind] += factor
        if kind + classes < len(to):
            to[kind + classes] -= factor * programme.stay[kind % classes]
        return
    if kind != IDLE:
        to[block // groups * classes + kind] += factor * programme.per_s[kind, block % groups]
    if basis.key[block] != IDLE:
        row = key_row(programme, basis, block)
        to[row] -= factor * key_per_s(programme, basis, block)


@njit(types.void(PROGRAMME, BASIS), cache=True)
def invert(programme: Programme, basis: Basis) -> None:
    """Compute the inverse of the reduced rows anew, without what errors have gathered in it."""
    columns = np.zeros_like(basis.inverse)
    for i in range(len(basis.kind)):
        add_column(programme, basis, basis.block[i], basis.kind[i], columns[i], 1.0)
    basis.inverse[:] = np.linalg.inv(columns).T


@njit(types.void(PROGRAMME, BASIS, DUALS), cache=True)
def write_prices(programme: Programme, basis: Basis, duals: Duals) -> None:
    """The prices at which every basic column earns nothing beyond them."""
    groups = programme.rate.shape[1]
    duals.contact[:] = 0.0
    for i in range(len(basis.kind)):
        b = basis.block[i]
        if b == QUEUE:
            continue
        gain = 0.0
        if basis.kind[i] != IDLE:
            gain += programme.rate[basis.kind[i], b % groups]
        if basis.key[b] != IDLE:
            gain -= programme.rate[basis.key[b], b % groups]
        for row in range(len(duals.contact)):
            duals.contact[row] += gain * basis.inverse[i, row]
    for b in range(len(basis.key)):
        duals.block[b] = key_price(programme, basis, duals.contact, b)


@njit(types.float64(PROGRAMME, BASIS, F8, F8, F8), cache=True)
def write_amounts(
    programme: Programme, basis: Basis, demand: Floats, amount: Floats, steep: Floats
) -> float:
    """Write what each column but the keys carries, and its squared norm; return the error.

    The error is that of the contact rows, relative to the largest of them.
    """
    rest = demand.copy()
    for b in range(len(basis.key)):
        if basis.key[b] != IDLE:
            carried = key_per_s(programme, basis, b) * programme.capacity[b]
            rest[key_row(programme, basis, b)] -= carried
    left = rest.copy()
    for i in range(len(rest)):
        row = basis.inverse[i]
        total, norm = 0.0, 0.0
        for r in range(len(rest)):
            total += row[r] * rest[r]
            norm += row[r] * row[r]
        amount[i], steep[i] = total, norm
        add_column(programme, basis, basis.block[i], basis.kind[i], left, -total)
    return float(np.abs(left).max() / max(1.0, np.abs(rest).max()))
