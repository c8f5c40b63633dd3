"""Compiled search for chains that serve one contact more: who enters displaces somebody, who goes
elsewhere and displaces somebody, and so on, until the last one fits.

Where capacities nest such chains find the most that can be served; with mixes most of it.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types

from models.problem import NOBODY, Ints, Positions
from solver.array_types import I4, I8, I8S
from solver.room_kernels import fits_a_mix

NOBODY_YET = -1


class Seats(NamedTuple):
    """Who sits where, and the room that agents have; C contacts, E pairs, A agents, S sites."""

    start: Ints
    """(C + 1,) pairs of contact i are start[i]:start[i + 1], the best first."""
    pair_agent: Positions
    """(E,)"""
    lane: Positions
    """(C,)"""
    agent_cap: Ints
    site: Positions
    """(A,) or NOBODY"""
    site_left: Ints
    mix_start: Ints
    mix_count: Ints
    held: Ints
    """(A, L)"""
    agent: Ints
    """(C,) where each contact sits, or NOBODY."""
    last: Ints
    """(A,) the contact that sat down last, or NOBODY_YET."""
    next: Ints
    """(C,) who sat down at the same agent before it, or NOBODY_YET."""


class Marks(NamedTuple):
    """What a search has seen; marks hold until somebody is served."""

    line: Ints
    """(C,) who looks for a seat, in the order in which they were displaced."""
    by: Ints
    """(C,) who would take the seat of each contact."""
    contact: Ints
    """(C,) the round in which it was displaced last."""
    lane: Ints
    """(A, L) the round in which all who sit there were displaced for this lane."""
    round: Ints
    """(1,)"""


SEATS = types.NamedTuple(  # type: ignore[no-untyped-call]
    (I8, I4, I4, I8, I4, I8, I8, I8S, I8S, I8, I8, I8), Seats
)
MARKS = types.NamedTuple((I8, I8, I8, I8S, I8), Marks)  # type: ignore[no-untyped-call]


@njit(types.boolean(SEATS, types.int64, types.int64), cache=True)
def _fits(seats: Seats, contact: int, agent: int) -> bool:
    site = seats.site[agent]
    if seats.held[agent].sum() >= seats.agent_cap[agent]:
        return False
    if site != NOBODY and seats.site_left[site] <= 0:
        return False
    lane = seats.lane[contact]
    return bool(fits_a_mix(agent, lane, seats.mix_start, seats.mix_count, seats.held))


@njit(types.void(SEATS, types.int64, types.int64), cache=True)
def _sit(seats: Seats, contact: int, agent: int) -> None:
    seats.held[agent, seats.lane[contact]] += 1
    if seats.site[agent] != NOBODY:
        seats.site_left[seats.site[agent]] -= 1
    seats.agent[contact] = agent
    seats.next[contact] = seats.last[agent]
    seats.last[agent] = contact


@njit(types.int64(SEATS, types.int64), cache=True)
def _stand(seats: Seats, contact: int) -> int:
    """The agent whose seat the contact leaves."""
    agent = seats.agent[contact]
    seats.held[agent, seats.lane[contact]] -= 1
    if seats.site[agent] != NOBODY:
        seats.site_left[seats.site[agent]] += 1
    seats.agent[contact] = NOBODY
    before = seats.last[agent]
    if before == contact:
        seats.last[agent] = seats.next[contact]
    else:
        while seats.next[before] != contact:
            before = seats.next[before]
        seats.next[before] = seats.next[contact]
    return int(agent)


@njit(types.boolean(SEATS, types.int64, types.int64, types.int64), cache=True)
def _fits_without(seats: Seats, contact: int, agent: int, other: int) -> bool:
    """Whether the contact would fit if another one of the agent's left."""
    site, lane = seats.site[agent], seats.lane[other]
    seats.held[agent, lane] -= 1
    if site != NOBODY:
        seats.site_left[site] += 1
    fits = _fits(seats, contact, agent)
    seats.held[agent, lane] += 1
    if site != NOBODY:
        seats.site_left[site] -= 1
    return bool(fits)


@njit(types.boolean(SEATS, MARKS, types.int64, types.int64), cache=True)
def _shift(seats: Seats, marks: Marks, end: int, agent: int) -> bool:
    """Everybody of the chain takes the next seat, its end the agent's; False, and nobody moves,
    if that does not fit after all because the chain comes to an agent twice.
    """
    number = 0
    who = end
    while who != NOBODY_YET:
        marks.line[number] = who
        number += 1
        who = marks.by[who]
    chain = marks.line[:number].copy()
    left = np.full(number, NOBODY, dtype=np.int64)
    for n in range(number - 1):
        left[n] = _stand(seats, chain[n])
    to = agent
    for n in range(number):
        if not _fits(seats, chain[n], to):
            for back in range(n):
                _stand(seats, chain[back])
            for back in range(number - 1):
                _sit(seats, chain[back], left[back])
            return False
        _sit(seats, chain[n], to)
        to = left[n]
    return True


@njit(types.int64(SEATS, MARKS, types.int64, types.int64, types.int64), cache=True)
def _displace(seats: Seats, marks: Marks, contact: int, agent: int, end: int) -> int:
    """Those in line, `end` of them, and whoever could make room for the contact at the agent."""
    who = seats.last[agent]
    while who != NOBODY_YET:
        if marks.contact[who] != marks.round[0] and _fits_without(seats, contact, agent, who):
            marks.contact[who] = marks.round[0]
            marks.by[who] = contact
            marks.line[end] = who
            end += 1
        who = seats.next[who]
    return end


@njit(types.int64(SEATS, MARKS, types.int64), cache=True)
def _serve(seats: Seats, marks: Marks, contact: int) -> int:
    """Pairs looked at until the contact has a seat, or until it is clear that there is none."""
    marks.line[0], marks.by[contact], marks.contact[contact] = contact, NOBODY_YET, marks.round[0]
    place, end, looked_at = 0, 1, 0
    while place < end:
        who = marks.line[place]
        place += 1
        for pair in range(seats.start[who], seats.start[who + 1]):
            looked_at += 1
            agent = seats.pair_agent[pair]
            if agent != seats.agent[who] and _fits(seats, who, agent):
                if _shift(seats, marks, who, agent):
                    marks.round[0] += 1
                return looked_at
        for pair in range(seats.start[who], seats.start[who + 1]):
            agent, lane = seats.pair_agent[pair], seats.lane[who]
            if agent != seats.agent[who] and marks.lane[agent, lane] != marks.round[0]:
                marks.lane[agent, lane] = marks.round[0]
                end = _displace(seats, marks, who, agent, end)
    return looked_at


@njit(types.int64(SEATS, MARKS, I8, types.int64, types.int64), cache=True)
def serve_more(seats: Seats, marks: Marks, waiting: Ints, first: int, work: int) -> int:
    """Seat those of the waiting for whom there is a chain, from the first on, until so many pairs
    were looked at; how far it came.
    """
    for n in range(first, len(waiting)):
        work -= _serve(seats, marks, waiting[n])
        if work <= 0:
            return n + 1
    return len(waiting)


@njit(types.void(SEATS, I8, I8), cache=True)
def seat_again(seats: Seats, contacts: Ints, agents: Ints) -> None:
    """Seat contacts at their agents, one after the other, as far as they still fit."""
    for n in range(len(contacts)):
        if _fits(seats, contacts[n], agents[n]):
            _sit(seats, contacts[n], agents[n])
