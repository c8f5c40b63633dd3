"""The class form laid out for scans, and the compiled scans of its rows and columns.

The gains are those of `AssignmentProblem.pairs`, bit by bit: the same products and sums in the
same order, rounded once, without fast-math.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types

from models.problem import Floats, Ints, Positions
from solver.array_types import F8, F8S, I4, I8, I8S

LANES = 16
"""Strides in which a maximum is taken, because compilers turn them into vector instructions."""

NOTHING = -1e300
"""Below any gain less any price."""


class Rows(NamedTuple):
    """C contacts sorted by kind, K kinds, N entries, R terms; see `solver/rows.py`."""

    contact: Ints
    """(C,) position in the problem of each contact here."""
    kind: Positions
    """(C,)"""
    kind_start: Ints
    """(K + 1,): contacts of kind k are kind_start[k]:kind_start[k + 1]."""
    entry_start: Ints
    """(K + 1,): entries of kind k are entry_start[k]:entry_start[k + 1]."""
    entry_kind: Positions
    """(N,)"""
    entry_agent: Positions
    """(N,)"""
    base: Floats
    """(C,)"""
    coef: Floats
    """(R, C)"""
    place: Ints
    """(R, C) where in `rates` the rates of a contact's term begin, one per entry of its kind."""
    rates: Floats
    override_start: Ints
    """(C + 1,): pairs of a contact whose gain is stated singly, for an extra or a ban."""
    override_entry: Ints
    override_gain: Floats
    """Milli-units, or NOTHING for a ban."""
    column_start: Ints
    """(N + 1,): the same pairs by entry."""
    column_contact: Ints
    column_gain: Floats
    agent_start: Ints
    """(A + 1,): entries of agent j are agent_entry[agent_start[j]:agent_start[j + 1]]."""
    agent_entry: Ints


ROWS = types.NamedTuple(  # type: ignore[no-untyped-call]
    (I8, I4, I8, I8, I4, I4, F8, F8S, I8S, F8, I8, I8, F8, I8, I8, F8, I8, I8), Rows
)
PAIR_LIST = types.Tuple((I8, I8))  # type: ignore[no-untyped-call]


@njit("Tuple((i8[:, ::1], i4[::1], i4[::1]))(i4[:, ::1], i4[::1], i8[::1], i8)", cache=True)
def place_rates(
    term_row: Positions, kind: Positions, entry_start: Ints, num_rows: int
) -> tuple[Ints, Positions, Positions]:
    """Where the rates of each contact's terms go, and the kind and row of each slice of them."""
    terms, contacts = term_row.shape
    place = np.empty((terms, contacts), dtype=np.int64)
    seen = np.full(num_rows, -1, dtype=np.int32)
    start = np.zeros(num_rows, dtype=np.int64)
    filled_kind = [np.int32(0)]
    filled_row = [np.int32(0)]
    end = 0
    for i in range(contacts):
        k = kind[i]
        for r in range(terms):
            row = term_row[r, i]
            if seen[row] != k:
                seen[row] = k
                start[row] = end
                end += entry_start[k + 1] - entry_start[k]
                filled_kind.append(k)
                filled_row.append(row)
            place[r, i] = start[row]
    return place, np.array(filled_kind)[1:].copy(), np.array(filled_row)[1:].copy()


@njit("f8[::1](f8[:, ::1], i4[::1], i4[::1], i8[::1], i4[::1])", cache=True)
def copy_rates(
    rate: Floats,
    filled_kind: Positions,
    filled_row: Positions,
    entry_start: Ints,
    entry_agent: Positions,
) -> Floats:
    """The slices of rates, one after the other."""
    size = 0
    for n in range(len(filled_kind)):
        size += entry_start[filled_kind[n] + 1] - entry_start[filled_kind[n]]
    rates = np.empty(size, dtype=np.float64)
    at = 0
    for n in range(len(filled_kind)):
        row = rate[filled_row[n]]
        for e in range(entry_start[filled_kind[n]], entry_start[filled_kind[n] + 1]):
            rates[at] = row[entry_agent[e]]
            at += 1
    return rates


@njit(types.int64(ROWS, types.int64, F8), cache=True, forceinline=True)
def row_gains(rows: Rows, i: int, out: Floats) -> int:
    """Milli-gains of contact i at the entries of its kind, written to `out`; their number."""
    start = rows.entry_start[rows.kind[i]]
    size = int(rows.entry_start[rows.kind[i] + 1] - start)
    gain = out[:size]
    terms = rows.coef.shape[0]
    base = rows.base[i]
    if terms == 0:
        gain[:] = np.rint(base * 1000.0)
    elif terms == 1:  # in one pass
        factor, rate = rows.coef[0, i], rows.rates[rows.place[0, i] :][:size]
        for e in range(size):
            gain[e] = np.rint((base + factor * rate[e]) * 1000.0)
    else:
        factor, rate = rows.coef[0, i], rows.rates[rows.place[0, i] :][:size]
        for e in range(size):
            gain[e] = base + factor * rate[e]
        for r in range(1, terms):
            factor, rate = rows.coef[r, i], rows.rates[rows.place[r, i] :][:size]
            for e in range(size):
                gain[e] += factor * rate[e]
        for e in range(size):
            gain[e] = np.rint(gain[e] * 1000.0)
    for n in range(rows.override_start[i], rows.override_start[i + 1]):
        gain[rows.override_entry[n] - start] = rows.override_gain[n]
    return size


@njit(types.boolean(I8), cache=True, forceinline=True)
def _all_equal(where: Ints) -> bool:
    different = 0
    for c in range(len(where)):
        different |= where[c] ^ where[0]
    return different == 0


@njit(types.int64(ROWS, types.int64, F8), cache=True, forceinline=True)
def column_gains(rows: Rows, entry: int, out: Floats) -> int:
    """Milli-gains at an entry of the contacts of its kind, written to `out`; their number."""
    kind = rows.entry_kind[entry]
    within = entry - rows.entry_start[kind]
    first, last = rows.kind_start[kind], rows.kind_start[kind + 1]
    size = int(last - first)
    gain = out[:size]
    gain[:] = rows.base[first:last]
    for r in range(rows.coef.shape[0]):
        factor, where = rows.coef[r, first:last], rows.place[r, first:last]
        if _all_equal(where):
            rate = rows.rates[where[0] + within]
            for c in range(size):
                gain[c] += factor[c] * rate
        else:
            for c in range(size):
                gain[c] += factor[c] * rows.rates[where[c] + within]
    for c in range(size):
        gain[c] = np.rint(gain[c] * 1000.0)
    for n in range(rows.column_start[entry], rows.column_start[entry + 1]):
        gain[rows.column_contact[n] - first] = rows.column_gain[n]
    return size


@njit(types.void(ROWS, F8, F8, F8), cache=True)
def contact_rents(rows: Rows, entry_price: Floats, rent: Floats, gain: Floats) -> None:
    """max(0, largest gain less price) of every contact, written to `rent`; `gain` is a buffer."""
    for i in range(len(rows.kind)):
        size = row_gains(rows, i, gain)
        price = entry_price[rows.entry_start[rows.kind[i]] :][:size]
        top = np.zeros(LANES)
        whole = size - size % LANES
        for block in range(0, whole, LANES):
            value, cost = gain[block : block + LANES], price[block : block + LANES]
            for lane in range(LANES):
                worth = value[lane] - cost[lane]
                top[lane] = worth if worth > top[lane] else top[lane]
        high = 0.0
        for e in range(whole, size):
            high = max(high, gain[e] - price[e])
        rent[i] = max(high, top.max())


@njit(PAIR_LIST(ROWS, F8, F8, types.float64, F8), cache=True)
def near_pairs(
    rows: Rows, entry_price: Floats, rent: Floats, slack: float, gain: Floats
) -> tuple[Ints, Ints]:
    """Contact (here) and entry of the pairs with price + rent - gain <= slack and gain > 0."""
    contact, entry = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    for fills in range(2):
        found = 0
        for i in range(len(rows.kind)):
            size = row_gains(rows, i, gain)
            start = rows.entry_start[rows.kind[i]]
            for e in range(size):
                if gain[e] > 0.0 and entry_price[start + e] + rent[i] - gain[e] <= slack:
                    if fills:
                        contact[found], entry[found] = i, start + e
                    found += 1
        if not fills:
            contact, entry = np.empty(found, dtype=np.int64), np.empty(found, dtype=np.int64)
    return contact, entry


@njit(types.float64(ROWS, F8), cache=True)
def largest_gain(rows: Rows, gain: Floats) -> float:
    """Largest absolute gain of all pairs that are not banned."""
    largest = 0.0
    for i in range(len(rows.kind)):
        size = row_gains(rows, i, gain)
        for e in range(size):
            if gain[e] > NOTHING:
                largest = max(largest, abs(gain[e]))
    return largest
