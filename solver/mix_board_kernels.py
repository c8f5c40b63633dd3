"""Compiled bids and offers over a graph of listed pairs, from where things stand.

Contacts without a slot bid for their best node (forward), slots that are free at a price above
their floor look for a contact or let the price go (reverse), as in `solver/auction_kernels.py`.
Every write is logged, so that a change that does not pay is undone without a trace.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types

from models.problem import Floats, Ints
from solver.array_types import F8, I8
from solver.mix_bound_kernels import GRAPH, Graph
from solver.rows_kernels import NOTHING

NOBODY_YET = -1
SLOT_PRICE, SLOT_CONTACT, OPEN, SLOT_OF, RENT, GAIN, PRICE = range(7)
"""Which array of a `Board` a log entry is about."""

ENTRIES, IS_ON, MOST_A_STEP = range(3)
"""Places in `Log.size`."""

NUMBER = 0
"""Place in a stack of the number of those who are in it, from the second place on."""


class Board(NamedTuple):
    """N nodes, S slots, C contacts."""

    slot_start: Ints
    """(N + 1,) room for the slots of a node, of which the first `open` are open."""
    slot_node: Ints
    """(S,)"""
    slot_price: Floats
    slot_contact: Ints
    """(S,) or NOBODY_YET"""
    open: Ints
    """(N,)"""
    price: Floats
    """(N,) of the cheapest open slot; infinite without one."""
    floor: Floats
    """(N,) below which no slot is sold."""
    slot_of: Ints
    """(C,) or NOBODY_YET"""
    rent: Floats
    gain: Floats
    """(C,) gain with its slot, 0 without one."""


class Log(NamedTuple):
    """What to undo, and the two stacks of those who still have to act."""

    kind: Ints
    place: Ints
    value: Floats
    contacts: Ints
    """(C + 1,) a stack"""
    slots: Ints
    """(S + 1,) a stack"""
    size: Ints
    """(3,) ENTRIES so far; IS_ON, whether writes are logged at all; MOST_A_STEP that one makes."""


BOARD = types.NamedTuple((I8, I8, F8, I8, I8, F8, F8, I8, F8, F8), Board)  # type: ignore[no-untyped-call]
LOG = types.NamedTuple((I8, I8, F8, I8, I8, I8), Log)  # type: ignore[no-untyped-call]
INT, FLOAT = types.int64, types.float64
SOUGHT = types.Tuple(  # type: ignore[no-untyped-call]
    (FLOAT, FLOAT, FLOAT, INT, FLOAT, FLOAT, INT)
)


@njit(types.void(LOG, INT, INT, FLOAT), cache=True, forceinline=True)
def note(log: Log, kind: int, index: int, value: float) -> None:
    if log.size[IS_ON]:
        n = log.size[ENTRIES]
        log.kind[n], log.place[n], log.value[n] = kind, index, value
        log.size[ENTRIES] = n + 1


@njit(types.void(BOARD, LOG, INT, FLOAT), cache=True, forceinline=True)
def set_slot_price(board: Board, log: Log, slot: int, price: float) -> None:
    note(log, SLOT_PRICE, slot, board.slot_price[slot])
    board.slot_price[slot] = price


@njit(types.void(BOARD, LOG, INT, INT), cache=True, forceinline=True)
def set_slot_contact(board: Board, log: Log, slot: int, contact: int) -> None:
    note(log, SLOT_CONTACT, slot, board.slot_contact[slot])
    board.slot_contact[slot] = contact


@njit(types.void(BOARD, LOG, INT, FLOAT), cache=True, forceinline=True)
def set_rent(board: Board, log: Log, contact: int, rent: float) -> None:
    note(log, RENT, contact, board.rent[contact])
    board.rent[contact] = rent


@njit(FLOAT(BOARD, LOG, INT, INT, FLOAT), cache=True, forceinline=True)
def place(board: Board, log: Log, contact: int, slot: int, gain: float) -> float:
    """Put the contact in the slot, or nowhere; the change of all gains, less floors."""
    change = float(gain - board.gain[contact])
    if slot != NOBODY_YET:
        change -= board.floor[board.slot_node[slot]]
    if board.slot_of[contact] != NOBODY_YET:
        change += board.floor[board.slot_node[board.slot_of[contact]]]
    note(log, SLOT_OF, contact, board.slot_of[contact])
    note(log, GAIN, contact, board.gain[contact])
    board.slot_of[contact] = slot
    board.gain[contact] = gain
    return change


@njit(types.void(BOARD, LOG, INT), cache=True, forceinline=True)
def post_price(board: Board, log: Log, node: int) -> None:
    price = np.inf
    first = board.slot_start[node]
    for s in range(first, first + board.open[node]):
        price = min(price, board.slot_price[s])
    if price != board.price[node]:
        note(log, PRICE, node, board.price[node])
        board.price[node] = price


@njit(types.void(I8, INT), cache=True, forceinline=True)
def push(stack: Ints, who: int) -> None:
    stack[NUMBER] += 1
    stack[stack[NUMBER]] = who


@njit(INT(I8), cache=True, forceinline=True)
def pop(stack: Ints) -> int:
    stack[NUMBER] -= 1
    return int(stack[stack[NUMBER] + 1])


@njit(FLOAT(GRAPH, BOARD, LOG, INT, FLOAT), cache=True)
def bid(graph: Graph, board: Board, log: Log, i: int, eps: float) -> float:
    """Contact i, without a slot, takes its best node's cheapest one; the change of all gains."""
    best, second, value, node = 0.0, 0.0, 0.0, -1
    for n in range(graph.row_start[i], graph.row_start[i + 1]):
        net = graph.row_gain[n] - board.price[graph.row_node[n]]
        if net > best:
            second, best, value, node = best, net, graph.row_gain[n], int(graph.row_node[n])
        elif net > second:
            second = net
    if best <= eps:
        set_rent(board, log, i, 0.0)
        return 0.0
    first = board.slot_start[node]
    slot, next_price = int(first), np.inf
    for s in range(first + 1, first + board.open[node]):
        if board.slot_price[s] < board.slot_price[slot]:
            next_price, slot = board.slot_price[slot], s
        else:
            next_price = min(next_price, board.slot_price[s])
    second = max(second, value - next_price)
    set_slot_price(board, log, slot, value - second + eps)
    set_rent(board, log, i, max(0.0, second - eps))
    post_price(board, log, node)
    change = 0.0
    displaced = board.slot_contact[slot]
    if displaced != NOBODY_YET:
        change = place(board, log, displaced, NOBODY_YET, 0.0)
        push(log.contacts, displaced)
    set_slot_contact(board, log, slot, i)
    return change + place(board, log, i, slot, value)


@njit(types.void(BOARD, LOG, INT, FLOAT), cache=True, forceinline=True)
def _lower_others(board: Board, log: Log, node: int, price: float) -> None:
    """Slots of a node are alike: none stays dearer than one of them is offered for."""
    first = board.slot_start[node]
    for s in range(first, first + board.open[node]):
        contact = board.slot_contact[s]
        if contact != NOBODY_YET and board.slot_price[s] > price:
            set_rent(board, log, contact, board.rent[contact] + board.slot_price[s] - price)
            set_slot_price(board, log, s, price)


@njit(SOUGHT(GRAPH, BOARD, INT), cache=True, forceinline=True)
def _best_for(
    graph: Graph, board: Board, node: int
) -> tuple[float, float, float, int, float, float, int]:
    """Largest and second largest gain less rent of contacts that are not in the node, with gain
    and contact of the first, and the same of the first that waits.
    """
    best, second, value, i = NOTHING, NOTHING, 0.0, -1
    waiting, waiting_value, waiter = NOTHING, 0.0, -1
    low, high = board.slot_start[node], board.slot_start[node + 1]
    for n in range(graph.start[node], graph.end[node]):
        contact = int(graph.contact[n])
        net = graph.gain[n] - board.rent[contact]
        if net <= second:
            continue
        at = board.slot_of[contact]
        if low <= at < high:
            continue
        if at == NOBODY_YET and net > waiting:
            waiting, waiting_value, waiter = net, graph.gain[n], contact
        if net > best:
            second, best, value, i = best, net, graph.gain[n], contact
        else:
            second = net
    return best, second, value, i, waiting, waiting_value, waiter


@njit(FLOAT(GRAPH, BOARD, LOG, INT, FLOAT), cache=True)
def offer(graph: Graph, board: Board, log: Log, slot: int, eps: float) -> float:
    """The free slot takes the contact it is worth most to, or falls to its floor.

    Within an epsilon of the best, one that waits is taken: then nobody else has to move.
    """
    node = board.slot_node[slot]
    floor = board.floor[node]
    best, second, value, i, waiting, waiting_value, waiter = _best_for(graph, board, node)
    if best <= floor + eps:
        set_slot_price(board, log, slot, floor)
        _lower_others(board, log, node, floor)
        post_price(board, log, node)
        return 0.0
    price = min(board.slot_price[slot], max(floor, second - eps))
    if waiter not in (-1, i) and waiting >= best - eps:
        i, value, price = waiter, waiting_value, min(board.slot_price[slot], max(floor, waiting))
    left = board.slot_of[i]
    set_slot_price(board, log, slot, price)
    set_slot_contact(board, log, slot, i)
    change = place(board, log, i, slot, value)
    set_rent(board, log, i, value - price)
    _lower_others(board, log, node, price)
    post_price(board, log, node)
    if left != NOBODY_YET:
        set_slot_contact(board, log, left, NOBODY_YET)
        if board.slot_price[left] > board.floor[board.slot_node[left]]:
            push(log.slots, left)
    return change
