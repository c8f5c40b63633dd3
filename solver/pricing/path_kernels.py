"""Compiled evaluation of a price path: what every contact would choose, and what that uses."""

from typing import NamedTuple

from numba import njit, types

from models.problem import Floats, Ints
from solver.pricing.fast_kernels import F8, I8

NOT_SERVED = -1


class Contacts(NamedTuple):
    """N contacts, E options; M groups of agents, T cells of time; see `PathProblem`."""

    first: Ints
    last: Ints
    arrival_s: Floats
    waiting_cost: Floats
    attention: Floats
    unserved: Floats
    start: Ints
    group: Ints
    reward: Floats
    cells: Floats
    """(E,) length of the work in cells."""


class Choice(NamedTuple):
    """What each contact chooses at the prices; the start of the next search."""

    option: Ints
    """(N,) or NOT_SERVED."""
    cell: Ints
    """(N,) in which the work begins."""


F8S = types.float64[:, ::1]
CONTACTS = types.NamedTuple(  # type: ignore[no-untyped-call]
    (I8, I8, F8, F8, F8, F8, I8, I8, F8, F8), Contacts
)
CHOICE = types.NamedUniTuple(I8, 2, Choice)  # type: ignore[no-untyped-call]


@njit(types.void(F8S, F8S), cache=True)
def accumulate(price: Floats, paid: Floats) -> None:
    """Write to `paid` (M, T + pad) what has been paid by the start of each cell, per attention."""
    for m in range(price.shape[0]):
        total = 0.0
        for t in range(paid.shape[1]):
            paid[m, t] = total
            if t < price.shape[1]:
                total += price[m, t]


@njit(
    types.float64(CONTACTS, F8S, types.int64, types.int64, types.int64),
    cache=True,
    forceinline=True,
)
def _asked(contacts: Contacts, paid: Floats, i: int, option: int, cell: int) -> float:
    """Price of the time that the option takes from the start of the cell."""
    row = paid[contacts.group[option]]
    whole = int(contacts.cells[option])
    part = contacts.cells[option] - whole
    end = row[cell + whole]
    asked = end + part * (row[cell + whole + 1] - end) - row[cell]
    return float(contacts.attention[i] * asked)


@njit(types.float64(CONTACTS, F8S, F8S, types.float64, CHOICE), cache=True)
def choose(
    contacts: Contacts, paid: Floats, closed: Floats, cell_s: float, choice: Choice
) -> float:
    """Total of what contacts get at their best, which is written to `choice`.

    `closed` (M, T) is infinite where nobody starts and 0 elsewhere. The former choice is tried
    first: options whose reward alone is below it need no search.
    """
    total = 0.0
    for i in range(len(contacts.first)):
        best, option, cell = contacts.unserved[i], NOT_SERVED, 0
        per_cell = contacts.waiting_cost[i] * cell_s
        offset = contacts.waiting_cost[i] * contacts.arrival_s[i]
        e, t = choice.option[i], choice.cell[i]
        if e != NOT_SERVED:
            net = contacts.reward[e] - per_cell * t + offset
            net -= _asked(contacts, paid, i, e, t)
            if net > best:
                best, option, cell = net, e, t
        soonest = per_cell * contacts.first[i] - offset
        for e in range(contacts.start[i], contacts.start[i + 1]):
            if contacts.reward[e] - soonest <= best:
                continue
            row, shut = paid[contacts.group[e]], closed[contacts.group[e]]
            whole = int(contacts.cells[e])
            part, share = contacts.cells[e] - whole, contacts.attention[i]
            for t in range(contacts.first[i], contacts.last[i] + 1):
                end = row[t + whole]
                asked = share * (end + part * (row[t + whole + 1] - end) - row[t])
                net = contacts.reward[e] - per_cell * t + offset - asked - shut[t]
                if net > best:
                    best, option, cell = net, e, t
        choice.option[i], choice.cell[i] = option, cell
        total += best
    return total


@njit(types.void(CONTACTS, CHOICE, F8S), cache=True)
def use(contacts: Contacts, choice: Choice, usage: Floats) -> None:
    """Write (M, T) attention that the choices take, in agents; what lies after T counts not."""
    usage[:] = 0.0
    for i in range(len(contacts.first)):
        e = choice.option[i]
        if e == NOT_SERVED:
            continue
        row = usage[contacts.group[e]]
        left, t = contacts.cells[e], choice.cell[i]
        while left > 0.0 and t < len(row):
            row[t] += contacts.attention[i] * min(left, 1.0)
            left -= 1.0
            t += 1
