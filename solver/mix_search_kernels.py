"""Compiled search over mixes: change one agent's, settle all that follows, keep it or undo it."""

import numpy as np
from numba import njit, types

from models.problem import Floats, Ints
from solver.array_types import F8, F8S, I8
from solver.mix_board_kernels import (
    BOARD,
    ENTRIES,
    FLOAT,
    GAIN,
    INT,
    IS_ON,
    LOG,
    MOST_A_STEP,
    NOBODY_YET,
    NUMBER,
    OPEN,
    RENT,
    SLOT_CONTACT,
    SLOT_OF,
    SLOT_PRICE,
    Board,
    Log,
    bid,
    note,
    offer,
    place,
    pop,
    post_price,
    push,
    set_slot_contact,
    set_slot_price,
)
from solver.mix_bound_kernels import GRAPH, OFFERS, Graph, Offers

NOW, BEST = range(2)
"""Places in the totals of a search."""

SETTLED = types.Tuple((types.boolean, FLOAT))  # type: ignore[no-untyped-call]


@njit(SETTLED(GRAPH, BOARD, LOG, FLOAT, INT), cache=True)
def settle(graph: Graph, board: Board, log: Log, eps: float, steps: int) -> tuple[bool, float]:
    """Bids and offers until nobody has to act, and the change of all gains less floors.

    False when the steps or the log were used up before.
    """
    change = 0.0
    while log.contacts[NUMBER] > 0 or log.slots[NUMBER] > 0:
        if steps <= 0 or log.size[ENTRIES] + log.size[MOST_A_STEP] > len(log.kind):
            return False, change
        steps -= 1
        if log.contacts[NUMBER] > 0:
            change += bid(graph, board, log, pop(log.contacts), eps)
        else:
            slot = pop(log.slots)
            if board.slot_contact[slot] == NOBODY_YET:
                change += offer(graph, board, log, slot, eps)
    return True, change


@njit(FLOAT(BOARD, LOG, INT, INT), cache=True)
def _resize(board: Board, log: Log, node: int, wanted: int) -> float:
    """Open or close slots of a node; the cheapest close first. The change of all gains."""
    change = 0.0
    first = board.slot_start[node]
    if wanted == board.open[node]:
        return change
    count = board.open[node]
    note(log, OPEN, node, float(count))
    while count < wanted:
        slot = first + count
        set_slot_price(board, log, slot, np.inf)
        set_slot_contact(board, log, slot, NOBODY_YET)
        push(log.slots, slot)
        count += 1
    while count > wanted:
        cheapest = first
        for s in range(first + 1, first + count):
            if board.slot_price[s] < board.slot_price[cheapest]:
                cheapest = s
        displaced = board.slot_contact[cheapest]
        if displaced != NOBODY_YET:
            change += place(board, log, displaced, NOBODY_YET, 0.0)
            push(log.contacts, displaced)
        last = first + count - 1
        if cheapest != last:
            moved = board.slot_contact[last]
            set_slot_price(board, log, cheapest, board.slot_price[last])
            set_slot_contact(board, log, cheapest, moved)
            if moved != NOBODY_YET:
                note(log, SLOT_OF, moved, float(last))
                board.slot_of[moved] = cheapest
        set_slot_contact(board, log, last, NOBODY_YET)
        count -= 1
    board.open[node] = wanted
    post_price(board, log, node)
    return change


@njit(types.void(BOARD, LOG), cache=True)
def _undo(board: Board, log: Log) -> None:
    for n in range(log.size[ENTRIES] - 1, -1, -1):
        kind, index, value = log.kind[n], log.place[n], log.value[n]
        if kind == SLOT_PRICE:
            board.slot_price[index] = value
        elif kind == SLOT_CONTACT:
            board.slot_contact[index] = int(value)
        elif kind == OPEN:
            board.open[index] = int(value)
        elif kind == SLOT_OF:
            board.slot_of[index] = int(value)
        elif kind == RENT:
            board.rent[index] = value
        elif kind == GAIN:
            board.gain[index] = value
        else:
            board.price[index] = value
    log.size[ENTRIES] = 0
    log.contacts[NUMBER] = 0
    log.slots[NUMBER] = 0


@njit(
    types.void(GRAPH, BOARD, LOG, OFFERS, I8, F8, I8, I8, F8S, F8, FLOAT, INT, F8),
    cache=True,
)
def flip(
    graph: Graph,
    board: Board,
    log: Log,
    offers: Offers,
    mix_agent: Ints,
    weight: Floats,
    mix: Ints,
    best_mix: Ints,
    draws: Floats,
    heat: Floats,
    eps: float,
    steps: int,
    totals: Floats,
) -> None:
    """Try one change of mix for every pair of draws; the mixes and totals are updated.

    `weight` (P,) is summed up; `heat` is the temperature of each try; `totals` are the value
    NOW and the BEST.
    """
    log.size[IS_ON] = 1
    for n in range(len(draws)):
        new = int(np.searchsorted(weight, draws[n, 0] * weight[-1], side="right"))
        new = min(new, len(weight) - 1)
        agent = mix_agent[new]
        old = mix[agent]
        if new == old:
            continue
        change = float(offers.mix_cost[old] - offers.mix_cost[new])
        for node in range(offers.node_start[agent], offers.node_start[agent + 1]):
            change += _resize(board, log, node, offers.mix_count[new, offers.node_lane[node]])
        done, settled = settle(graph, board, log, eps, steps)
        change += settled
        if done and (change >= 0.0 or draws[n, 1] < np.exp(change / heat[n])):
            log.size[ENTRIES] = 0
            mix[agent] = new
            totals[NOW] += change
            if totals[NOW] > totals[BEST]:
                totals[BEST] = totals[NOW]
                best_mix[:] = mix
        else:
            _undo(board, log)
