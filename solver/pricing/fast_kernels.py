"""Compiled exact assignment of sampled contacts to slots, and its largest optimal slot prices.

Contacts bid first, as in the row reduction of Jonker and Volgenant (1987), and those who are left
look for the shortest augmenting path. A contact may stay out for 0, a slot may stay free: the
duals obey price[j] + rent[i] >= worth[i, j], with equality where matched, and 0 for whom is out.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types

from models.problem import Floats, Ints

NOBODY_YET = -1
ROUNDS = 10
"""Bids per contact, on average, before the rest is left to augmenting paths."""


class Worths(NamedTuple):
    """Pairs that gain, by contact: those of i are start[i]:start[i + 1]."""

    start: Ints
    """(N + 1,)"""
    slot: Ints
    """(E,)"""
    worth: Floats
    """(E,) money, > 0."""


class Matching(NamedTuple):
    """Who is matched, and the duals that prove it best."""

    slot_of: Ints
    """(N,) or NOBODY_YET."""
    contact_of: Ints
    """(J,) or NOBODY_YET."""
    rent: Floats
    """(N,) money of each contact."""
    price: Floats
    """(J,) money of each slot."""


class Search(NamedTuple):
    """Work space of the searches, one entry per slot."""

    reach: Floats
    """Length of the shortest path found, infinite between searches."""
    before: Ints
    """Contact from which it was reached."""
    slots: Ints
    """Slots that are reached: first those settled, in their order, then the others."""


F8, I8 = types.float64[::1], types.int64[::1]
WORTHS = types.NamedTuple((I8, I8, F8), Worths)  # type: ignore[no-untyped-call]
MATCHING = types.NamedTuple((I8, I8, F8, F8), Matching)  # type: ignore[no-untyped-call]
SEARCH = types.NamedTuple((F8, I8, I8), Search)  # type: ignore[no-untyped-call]


@njit(types.void(WORTHS, MATCHING), cache=True)
def _bid(pairs: Worths, matching: Matching) -> None:
    """Contacts take turns to outbid each other, as far as ROUNDS goes."""
    contacts = len(pairs.start) - 1
    line = np.arange(contacts)
    first, waiting, left = 0, contacts, ROUNDS * contacts
    while waiting > 0 and left > 0:
        i = line[first]
        first, waiting, left = (first + 1) % contacts, waiting - 1, left - 1
        best, second, place = 0.0, 0.0, NOBODY_YET
        for e in range(pairs.start[i], pairs.start[i + 1]):
            net = pairs.worth[e] - matching.price[pairs.slot[e]]
            if net > best:
                second, best, place = best, net, pairs.slot[e]
            elif net > second:
                second = net
        if place == NOBODY_YET:
            continue
        matching.price[place] += best - second
        loser = matching.contact_of[place]
        matching.contact_of[place], matching.slot_of[i] = i, place
        if loser != NOBODY_YET:
            matching.slot_of[loser] = NOBODY_YET
            line[(first + waiting) % contacts] = loser
            waiting += 1


@njit(types.void(WORTHS, MATCHING), cache=True)
def _set_rents(pairs: Worths, matching: Matching) -> None:
    for i in range(len(matching.rent)):
        best = 0.0
        for e in range(pairs.start[i], pairs.start[i + 1]):
            best = max(best, pairs.worth[e] - matching.price[pairs.slot[e]])
        matching.rent[i] = best


END = types.Tuple(  # type: ignore[no-untyped-call]
    (types.float64, types.int64, types.int64, types.int64)
)


@njit(types.int64(SEARCH, types.int64, types.int64), cache=True, forceinline=True)
def _settle_nearest(search: Search, settled: int, reached: int) -> int:
    """Move the nearest of the slots that are not settled to the front of them, and name it."""
    nearest = settled
    for n in range(settled + 1, reached):
        if search.reach[search.slots[n]] < search.reach[search.slots[nearest]]:
            nearest = n
    slot = search.slots[nearest]
    search.slots[nearest] = search.slots[settled]
    search.slots[settled] = slot
    return int(slot)


@njit(END(WORTHS, MATCHING, SEARCH, types.int64), cache=True)
def _shortest_path(
    pairs: Worths, matching: Matching, search: Search, contact: int
) -> tuple[float, int, int, int]:
    """From a contact to a free slot or to somebody who gives up theirs: the cheaper end.

    Returns the length, the slot (NOBODY_YET if it is a contact, named next, who stays out), and
    the number of slots settled; the other slots are forgotten.
    """
    i, length, settled, reached = contact, 0.0, 0, 0
    limit, end, out = matching.rent[contact], NOBODY_YET, contact
    while True:
        for e in range(pairs.start[i], pairs.start[i + 1]):
            j = pairs.slot[e]
            total = length + max(matching.rent[i] + matching.price[j] - pairs.worth[e], 0.0)
            if total >= limit or total >= search.reach[j]:
                continue
            if matching.contact_of[j] == NOBODY_YET:
                limit, end = total, j
                search.before[j] = i
                continue
            if search.reach[j] == np.inf:
                search.slots[reached] = j
                reached += 1
            search.reach[j], search.before[j] = total, i
        if settled == reached:
            break
        nearest = _settle_nearest(search, settled, reached)
        if search.reach[nearest] >= limit:
            break
        settled, length = settled + 1, search.reach[nearest]
        i = matching.contact_of[nearest]
        if length + matching.rent[i] < limit:
            limit, end, out = length + matching.rent[i], NOBODY_YET, i
    for n in range(settled, reached):
        search.reach[search.slots[n]] = np.inf
    return limit, end, out, settled


@njit(types.void(WORTHS, MATCHING, SEARCH, types.int64), cache=True)
def _augment(pairs: Worths, matching: Matching, search: Search, contact: int) -> None:
    """Match a contact, or settle that somebody (perhaps this one) stays out."""
    length, last, out, settled = _shortest_path(pairs, matching, search, contact)
    matching.rent[contact] -= length
    for n in range(settled):
        j = search.slots[n]
        matching.price[j] += length - search.reach[j]
        matching.rent[matching.contact_of[j]] -= length - search.reach[j]
        search.reach[j] = np.inf
    if last == NOBODY_YET:
        matching.rent[out] = 0.0
        last = matching.slot_of[out]
        matching.slot_of[out] = NOBODY_YET
    i = contact if last == NOBODY_YET else search.before[last]
    while i != contact:
        taken = matching.slot_of[i]
        matching.slot_of[i], matching.contact_of[last] = last, i
        last = taken
        i = search.before[last]
    if last != NOBODY_YET:
        matching.slot_of[contact], matching.contact_of[last] = last, contact


@njit(WORTHS(WORTHS, types.int64), cache=True)
def _by_slot(pairs: Worths, slots: int) -> Worths:
    """The same pairs by slot: those of j are start[j]:start[j + 1], with contacts as `slot`."""
    start = np.zeros(slots + 1, dtype=np.int64)
    for j in pairs.slot:
        start[j + 1] += 1
    start = np.cumsum(start)
    fill = start[:-1].copy()
    contact, worth = np.empty_like(pairs.slot), np.empty_like(pairs.worth)
    for i in range(len(pairs.start) - 1):
        for e in range(pairs.start[i], pairs.start[i + 1]):
            n = fill[pairs.slot[e]]
            contact[n], worth[n] = i, pairs.worth[e]
            fill[pairs.slot[e]] += 1
    return Worths(start, contact, worth)


@njit(types.void(WORTHS, MATCHING), cache=True)
def raise_prices(pairs: Worths, matching: Matching) -> None:
    """Move the duals of an optimal matching to its largest prices, so its smallest rents.

    A rent may fall to 0 and no further, nor below what another slot offers; the latter is priced
    by the rent of its own contact. So how far each may fall is a shortest path (Dijkstra).
    """
    contacts, by_slot = len(matching.rent), _by_slot(pairs, len(matching.price))
    fall = matching.rent.copy()
    for i in range(contacts):
        for e in range(pairs.start[i], pairs.start[i + 1]):
            if matching.contact_of[pairs.slot[e]] == NOBODY_YET:
                fall[i] = min(fall[i], max(matching.rent[i] - pairs.worth[e], 0.0))
    left = np.where(matching.slot_of != NOBODY_YET, fall, np.inf)
    for _ in range(contacts):
        nearest = int(np.argmin(left))
        if left[nearest] == np.inf:
            break
        left[nearest] = np.inf
        j = matching.slot_of[nearest]
        for n in range(by_slot.start[j], by_slot.start[j + 1]):
            i = by_slot.slot[n]
            slack = max(matching.rent[i] + matching.price[j] - by_slot.worth[n], 0.0)
            if fall[nearest] + slack < left[i] and left[i] != np.inf:
                fall[i] = fall[nearest] + slack
                left[i] = fall[i]
    for i in range(contacts):
        if matching.slot_of[i] != NOBODY_YET:
            matching.rent[i] -= fall[i]
            matching.price[matching.slot_of[i]] += fall[i]


@njit(types.void(WORTHS, MATCHING), cache=True)
def match(pairs: Worths, matching: Matching) -> None:
    """Fill an empty matching (all NOBODY_YET, prices and rents 0) with an optimal one."""
    slots = len(matching.price)
    _bid(pairs, matching)
    _set_rents(pairs, matching)
    search = Search(
        np.full(slots, np.inf), np.empty(slots, dtype=np.int64), np.empty(slots, dtype=np.int64)
    )
    for i in range(len(matching.rent)):
        if matching.slot_of[i] == NOBODY_YET and matching.rent[i] > 0.0:
            _augment(pairs, matching, search, i)
