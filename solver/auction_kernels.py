"""Compiled rounds of the auction over class rows (`engine.md` 2): forward and reverse.

A bid needs the best entry of a contact's row and the second best. Prices only rise while contacts
bid, so a list of the best few entries at the last scan, with a ceiling on all the others, answers
most bids without a scan: while the second of the list is not below the ceiling, it is the second
of the row.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from models.problem import Floats, Ints, Positions
from solver.array_types import B1, F8, F8S, I4, I4S, I8
from solver.rows_kernels import LANES, NOTHING, ROWS, Rows, column_gains, row_gains

STRIDES = 16
"""A list holds the best of each stride of a row, where it beats the second best of all strides."""
SLACK = 0.5
"""Epsilons that the best of a list may be below the ceiling: the bid still raises the price, and
what it leaves the contact is still within one epsilon of the ceiling.
"""
NOBODY_YET = -1
BID_WORK = 100
"""Work is counted in pairs looked at; a bid from a list takes as long as so many."""
FIRST, WAITING = range(2)
"""Places in `Line.state`."""


class Market(NamedTuple):
    """Slots, prices and rents of a phase; A agents, S slots, C contacts, N entries."""

    price: Floats
    """(A,) lowest slot price of each agent."""
    entry_price: Floats
    """(N,) copies beside the entries."""
    slot_start: Ints
    """(A + 1,)"""
    slot_price: Floats
    """(S,)"""
    slot_cost: Floats
    """(S,) load cost, below which no slot is sold."""
    slot_contact: Ints
    """(S,) or NOBODY_YET"""
    slot_of: Ints
    """(C,) or NOBODY_YET"""
    rent: Floats
    """(C,)"""
    gain: Floats
    """(C,) gain with its slot, where it has one"""


class Lists(NamedTuple):
    """The best entries of each contact at its last scan."""

    agent: Positions
    """(C, STRIDES)"""
    gain: Floats
    size: Positions
    """(C,)"""
    ceiling: Floats
    """(C,) no entry left out was worth more at the last scan; infinite before it."""


class Line(NamedTuple):
    """First in, first out; nobody stands in it twice."""

    ring: Ints
    waits: NDArray[np.bool_]
    state: Ints
    """(2,) FIRST: place of the first in the ring; WAITING: how many stand in it."""


MARKET = types.NamedTuple((F8, F8, I8, F8, F8, I8, I8, F8, F8), Market)  # type: ignore[no-untyped-call]
LISTS = types.NamedTuple((I4S, F8S, I4, F8), Lists)  # type: ignore[no-untyped-call]
LINE = types.NamedTuple((I8, B1, I8), Line)  # type: ignore[no-untyped-call]

BID = types.Tuple(  # type: ignore[no-untyped-call]
    (types.float64, types.float64, types.int64, types.float64)
)
CHEAPEST = types.Tuple((types.int64, types.float64))  # type: ignore[no-untyped-call]
TWO_BEST = types.Tuple((types.float64, types.float64, types.int64))  # type: ignore[no-untyped-call]


@njit(types.void(LINE, types.int64), cache=True, forceinline=True)
def _join(line: Line, who: int) -> None:
    if not line.waits[who]:
        line.waits[who] = True
        end = line.state[FIRST] + line.state[WAITING]
        line.ring[end if end < len(line.ring) else end - len(line.ring)] = who
        line.state[WAITING] += 1


@njit(types.void(LINE), cache=True, forceinline=True)
def _leave(line: Line) -> None:
    line.waits[line.ring[line.state[FIRST]]] = False
    line.state[FIRST] = line.state[FIRST] + 1 if line.state[FIRST] + 1 < len(line.ring) else 0
    line.state[WAITING] -= 1


@njit(types.void(ROWS, MARKET, types.int64), cache=True, forceinline=True)
def _post_price(rows: Rows, market: Market, agent: int) -> None:
    """Set the agent's price to that of its cheapest slot, with the copies beside its entries."""
    price = np.inf
    for s in range(market.slot_start[agent], market.slot_start[agent + 1]):
        price = min(price, market.slot_price[s])
    if price != market.price[agent]:
        market.price[agent] = price
        for n in range(rows.agent_start[agent], rows.agent_start[agent + 1]):
            market.entry_price[rows.agent_entry[n]] = price


@njit(types.void(ROWS, MARKET, LISTS, types.int64, F8, F8, I8), cache=True, forceinline=True)
def _list_best(
    rows: Rows, market: Market, lists: Lists, i: int, gain: Floats, top: Floats, place: Ints
) -> None:
    """Scan the row of contact i; entries worth nothing now cannot be worth anything later."""
    size = row_gains(rows, i, gain)
    start = rows.entry_start[rows.kind[i]]
    price = market.entry_price[start : start + size]
    first, second = top[:STRIDES], top[STRIDES:]
    first[:] = NOTHING
    second[:] = NOTHING
    whole = size - size % STRIDES
    for block in range(0, whole, STRIDES):
        value, cost = gain[block : block + STRIDES], price[block : block + STRIDES]
        for lane in range(STRIDES):
            worth = value[lane] - cost[lane]
            better = worth > first[lane]
            loser = first[lane] if better else worth
            second[lane] = loser if loser > second[lane] else second[lane]
            first[lane] = worth if better else first[lane]
            place[lane] = block if better else place[lane]
    for e in range(whole, size):
        worth, lane = gain[e] - price[e], e - whole
        if worth > first[lane]:
            worth, first[lane] = first[lane], worth
            place[lane] = whole
        second[lane] = max(second[lane], worth)
    ceiling, count = second.max(), 0
    for lane in range(STRIDES):
        if first[lane] >= ceiling and first[lane] > NOTHING:
            e = place[lane] + lane
            lists.agent[i, count] = rows.entry_agent[start + e]
            lists.gain[i, count] = gain[e]
            count += 1
    lists.size[i] = count
    lists.ceiling[i] = ceiling


@njit(BID(MARKET, LISTS, types.int64), cache=True, forceinline=True)
def _look_up(market: Market, lists: Lists, i: int) -> tuple[float, float, int, float]:
    """Best net gain listed, a second best (waiting and what is not listed count), agent, gain."""
    best, second, agent, value = NOTHING, max(lists.ceiling[i], 0.0), -1, 0.0
    for n in range(lists.size[i]):
        net = lists.gain[i, n] - market.price[lists.agent[i, n]]
        if net > best:
            second = max(second, best)
            best, agent, value = net, int(lists.agent[i, n]), lists.gain[i, n]
        else:
            second = max(second, net)
    return best, second, agent, value


@njit(CHEAPEST(MARKET, types.int64), cache=True, forceinline=True)
def _two_cheapest(market: Market, agent: int) -> tuple[int, float]:
    """The agent's cheapest slot, and the price of its second cheapest, infinite if none."""
    cheapest, next_price = int(market.slot_start[agent]), np.inf
    for s in range(cheapest + 1, market.slot_start[agent + 1]):
        if market.slot_price[s] < market.slot_price[cheapest]:
            next_price, cheapest = market.slot_price[cheapest], s
        else:
            next_price = min(next_price, market.slot_price[s])
    return cheapest, next_price


@njit(types.int64(ROWS, MARKET, LISTS, LINE, types.float64, types.int64, F8, F8, I8), cache=True)
def forward(
    rows: Rows,
    market: Market,
    lists: Lists,
    line: Line,
    eps: float,
    work: int,
    gain: Floats,
    top: Floats,
    place: Ints,
) -> int:
    """Contacts bid in turn until nobody stands in line or the work is done; the work left."""
    while line.state[WAITING] > 0 and work > 0:
        i = line.ring[line.state[FIRST]]
        _leave(line)
        work -= BID_WORK
        best, second, agent, value = _look_up(market, lists, i)
        if best < lists.ceiling[i] - SLACK * eps and lists.ceiling[i] > 0.0:
            _list_best(rows, market, lists, i, gain, top, place)
            best, second, agent, value = _look_up(market, lists, i)
            row = rows.entry_start[rows.kind[i] + 1] - rows.entry_start[rows.kind[i]]
            work -= 3 * BID_WORK + row
        if best <= 0.0:
            market.rent[i] = 0.0
            continue
        cheapest, next_price = _two_cheapest(market, agent)
        second = max(second, value - next_price)
        market.slot_price[cheapest] = value - second + eps
        market.rent[i] = max(0.0, second - eps)
        _post_price(rows, market, agent)
        displaced = market.slot_contact[cheapest]
        market.slot_contact[cheapest] = i
        market.slot_of[i] = cheapest
        market.gain[i] = value
        if displaced != NOBODY_YET:
            market.slot_of[displaced] = NOBODY_YET
            _join(line, displaced)
    return work


@njit(types.int64(ROWS, types.int64), cache=True, forceinline=True)
def _column_length(rows: Rows, agent: int) -> int:
    length = 0
    for n in range(rows.agent_start[agent], rows.agent_start[agent + 1]):
        kind = rows.entry_kind[rows.agent_entry[n]]
        length += rows.kind_start[kind + 1] - rows.kind_start[kind]
    return length


@njit(TWO_BEST(ROWS, F8, types.int64, F8), cache=True)
def best_of_column(rows: Rows, rent: Floats, agent: int, gain: Floats) -> tuple[float, float, int]:
    """Largest and second largest gain less rent among the agent's contacts, and the first's."""
    best, second, who = NOTHING, NOTHING, -1
    for n in range(rows.agent_start[agent], rows.agent_start[agent + 1]):
        size = column_gains(rows, rows.agent_entry[n], gain)
        first = rows.kind_start[rows.entry_kind[rows.agent_entry[n]]]
        for block in range(0, size, 4 * LANES):
            worth = gain[block : min(block + 4 * LANES, size)]
            asked = rent[first + block : first + block + len(worth)]
            for c in range(len(worth)):
                worth[c] -= asked[c]
            for c in range(len(worth)):
                if worth[c] > second:
                    if worth[c] > best:
                        second, best, who = best, worth[c], first + block + c
                    else:
                        second = worth[c]
    return best, second, who


@njit(types.int64(I8, types.int64), cache=True)
def _agent_of(slot_start: Ints, slot: int) -> int:
    return int(np.searchsorted(slot_start, slot, side="right")) - 1


@njit(types.int64(ROWS, MARKET, LINE, types.float64, types.int64, F8), cache=True)
def reverse(rows: Rows, market: Market, line: Line, eps: float, work: int, gain: Floats) -> int:
    """Agents with a free slot above its cost look for a contact, or let the price go; work left.

    A free slot must cost no more than its load, or the gap would not be that of the bids.
    """
    while line.state[WAITING] > 0 and work > 0:
        agent = line.ring[line.state[FIRST]]
        slot = -1
        for s in range(market.slot_start[agent], market.slot_start[agent + 1]):
            if market.slot_contact[s] == NOBODY_YET and market.slot_price[s] > market.slot_cost[s]:
                slot = s
                break
        if slot < 0:
            _leave(line)
            continue
        slots = market.slot_start[agent + 1] - market.slot_start[agent]
        work -= BID_WORK + _column_length(rows, agent) + slots
        best, second, i = best_of_column(rows, market.rent, agent, gain)
        cost = market.slot_cost[slot]
        if best <= cost + eps:
            market.slot_price[slot] = cost
        else:
            price = min(market.slot_price[slot], max(cost, second - eps))
            left = market.slot_of[i]
            market.slot_price[slot] = price
            market.slot_contact[slot] = i
            market.slot_of[i] = slot
            market.gain[i] = np.rint(best + market.rent[i])
            market.rent[i] += best - price
            if left != NOBODY_YET:
                market.slot_contact[left] = NOBODY_YET
                _join(line, _agent_of(market.slot_start, left))
        _post_price(rows, market, agent)
    return work
