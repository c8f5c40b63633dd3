"""Compiled looks at all pairs: the best contacts of every node, the best nodes of every contact.

Gains are computed row by row. A list of the best of a node is kept in order, and a row's block is
passed over when none of its gains reaches the worst of any list it could enter.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types

from models.problem import Floats, Ints, Positions
from solver.array_types import F8, F8S, I4, I4S, I8
from solver.rows_kernels import NOTHING, ROWS, Rows, row_gains

BLOCK = 64
"""Entries that are passed over at once."""

NOT_FULL = NOTHING / 2
"""Worst of a list with room: below every gain less rent, above what is banned."""


class Shortlists(NamedTuple):
    """N nodes, each with room for at least as many contacts as it may take."""

    start: Ints
    """(N + 1,)"""
    size: Ints
    """(N,)"""
    contact: Positions
    gain: Floats
    worth: Floats
    """Gain less rent when the lists were last put in order, largest first."""


COLUMNS = types.Tuple((I4, F8, I8))  # type: ignore[no-untyped-call]
COLUMNS_BY_ROW = types.Tuple((I8, I4, F8))  # type: ignore[no-untyped-call]
LISTS = types.NamedTuple((I8, I8, I4, F8, F8), Shortlists)  # type: ignore[no-untyped-call]


@njit(types.void(ROWS, LISTS, types.int64, F8), cache=True, forceinline=True)
def _note_worst(rows: Rows, lists: Shortlists, node: int, entry_worst: Floats) -> None:
    worst = NOT_FULL
    if lists.start[node] + lists.size[node] == lists.start[node + 1]:
        worst = lists.worth[lists.start[node + 1] - 1]
    for n in range(rows.agent_start[node], rows.agent_start[node + 1]):
        entry_worst[rows.agent_entry[n]] = worst


@njit(types.void(ROWS, LISTS, F8, F8), cache=True)
def put_in_order(rows: Rows, lists: Shortlists, rent: Floats, entry_worst: Floats) -> None:
    """Order the lists by gain less these rents, and note the worst of each full one (N,)."""
    for node in range(len(lists.size)):
        first, last = lists.start[node], lists.start[node] + lists.size[node]
        for n in range(first, last):
            contact, gain = lists.contact[n], lists.gain[n]
            worth = gain - rent[contact]
            at = n
            while at > first and lists.worth[at - 1] < worth:
                lists.worth[at] = lists.worth[at - 1]
                lists.contact[at], lists.gain[at] = lists.contact[at - 1], lists.gain[at - 1]
                at -= 1
            lists.worth[at], lists.contact[at], lists.gain[at] = worth, contact, gain
        _note_worst(rows, lists, node, entry_worst)


@njit(types.void(LISTS, types.int64, types.int64, types.float64, types.float64), cache=True)
def _enlist(lists: Shortlists, node: int, contact: int, gain: float, worth: float) -> None:
    first, end = lists.start[node], lists.start[node] + lists.size[node]
    for n in range(first, end):
        if lists.contact[n] == contact:
            return
    if end < lists.start[node + 1]:
        lists.size[node] += 1
    else:
        end -= 1
    at = end
    while at > first and lists.worth[at - 1] < worth:
        lists.worth[at] = lists.worth[at - 1]
        lists.contact[at], lists.gain[at] = lists.contact[at - 1], lists.gain[at - 1]
        at -= 1
    lists.worth[at], lists.contact[at], lists.gain[at] = worth, contact, gain


@njit(types.void(ROWS, LISTS, F8, F8, types.int64, types.int64, F8), cache=True)
def refresh(
    rows: Rows,
    lists: Shortlists,
    rent: Floats,
    entry_worst: Floats,
    first: int,
    last: int,
    gain: Floats,
) -> None:
    """Bring contacts first:last into the lists, in order at these rents, where they belong."""
    for i in range(first, last):
        size = row_gains(rows, i, gain)
        start = rows.entry_start[rows.kind[i]]
        asked = rent[i]
        for block in range(0, size, BLOCK):
            value = gain[block : min(block + BLOCK, size)]
            low = entry_worst[start + block : start + block + len(value)]
            better = 0
            for e in range(len(value)):
                better += value[e] - asked > low[e]
            if better == 0:
                continue
            for e in range(len(value)):
                if value[e] - asked > low[e]:
                    node = int(rows.entry_agent[start + block + e])
                    _enlist(lists, node, i, value[e], value[e] - asked)
                    if lists.start[node] + lists.size[node] == lists.start[node + 1]:
                        _note_worst(rows, lists, node, entry_worst)


@njit(types.void(ROWS, F8, types.int64, types.int64, F8, I4S, F8S), cache=True)
def best_of_rows(
    rows: Rows,
    entry_price: Floats,
    first: int,
    last: int,
    gain: Floats,
    best_node: Positions,
    best_gain: Floats,
) -> None:
    """The nodes (C, k) of the largest positive gains less price of contacts first:last, or -1."""
    most = best_node.shape[1]
    top = np.empty(most)
    for i in range(first, last):
        size = row_gains(rows, i, gain)
        start = rows.entry_start[rows.kind[i]]
        found, low = 0, NOT_FULL
        for block in range(0, size, BLOCK):
            value = gain[block : min(block + BLOCK, size)]
            price = entry_price[start + block : start + block + len(value)]
            better = 0
            for e in range(len(value)):
                better += value[e] - price[e] > low
            if better == 0:
                continue
            for e in range(len(value)):
                worth = value[e] - price[e]
                if worth <= low or value[e] <= 0.0:
                    continue
                at = found
                if found < most:
                    found += 1
                else:
                    at -= 1
                while at > 0 and top[at - 1] < worth:
                    top[at] = top[at - 1]
                    best_node[i, at], best_gain[i, at] = best_node[i, at - 1], best_gain[i, at - 1]
                    at -= 1
                top[at], best_gain[i, at] = worth, value[e]
                best_node[i, at] = rows.entry_agent[start + block + e]
                if found == most:
                    low = top[most - 1]
        best_node[i, found:] = -1


@njit(COLUMNS(I8, I8, F8, I8, types.int64), cache=True)
def columns_of(
    node: Ints, contact: Ints, gain: Floats, start: Ints, contacts: int
) -> tuple[Positions, Floats, Ints]:
    """Contacts and gains by node, each pair once, and how many of them each node has.

    Pairs that are named again leave room unused at the end of the node's part.
    """
    nodes = len(start) - 1
    filled = np.zeros(nodes, dtype=np.int64)
    column, worth = np.empty(len(node), dtype=np.int32), np.empty(len(node))
    for n in range(len(node)):
        at = start[node[n]] + filled[node[n]]
        column[at], worth[at] = contact[n], gain[n]
        filled[node[n]] += 1
    seen = np.full(contacts, -1, dtype=np.int64)
    for j in range(nodes):
        kept = start[j]
        for n in range(start[j], start[j] + filled[j]):
            if seen[column[n]] != j:
                seen[column[n]] = j
                column[kept], worth[kept] = column[n], worth[n]
                kept += 1
        filled[j] = kept - start[j]
    return column, worth, filled


@njit(COLUMNS_BY_ROW(I8, I8, I4, F8, types.int64), cache=True)
def rows_of(
    start: Ints, size: Ints, column: Positions, worth: Floats, contacts: int
) -> tuple[Ints, Positions, Floats]:
    """The same pairs by contact: where each begins, nodes and gains."""
    row_start = np.zeros(contacts + 1, dtype=np.int64)
    for j in range(len(size)):
        for n in range(start[j], start[j] + size[j]):
            row_start[column[n] + 1] += 1
    for i in range(contacts):
        row_start[i + 1] += row_start[i]
    filled = row_start[:-1].copy()
    node, gain = np.empty(row_start[-1], dtype=np.int32), np.empty(row_start[-1])
    for j in range(len(size)):
        for n in range(start[j], start[j] + size[j]):
            at = filled[column[n]]
            node[at], gain[at] = j, worth[n]
            filled[column[n]] += 1
    return row_start, node, gain
