"""The hindsight bound: more than any router could have earned on a day, by prices of time.

Everything about the day is known: who comes when, how long they wait, how long they take. Any
prices give a bound (`solver/pricing/path.py`, `methods.md` 10.1); the share of it that a policy
earns is the value captured. What makes the programme larger than the truth, so that the bound
holds for every policy of the lab:

* a group's best probability and shortest handling time stand for all of its agents;
* time is shared freely inside a tick, and handling is not slowed by concurrency;
* who is off duty finishes what they hold at no price.

A customer who may come back is a row per attempt that could happen: from when it could begin at
the earliest until it would end at the latest, without a loss beyond the first row's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.problem import Floats, Ints
from solver.pricing.path import USUAL, PathProblem, PricePath, Search, lower_path


@dataclass(frozen=True, eq=False)
class DutyCells:
    """M groups, T ticks: who is there, and whether any of them may begin something."""

    staff: Floats
    """(M, T) agents; infinite where nobody is on duty, so that what is held may be finished."""
    may_start: NDArray[np.bool_]
    """(M, T)"""


@dataclass(frozen=True, eq=False)
class HindsightDay:
    """N contacts of a day that is over, K classes, M groups of agents, T ticks."""

    kind: Ints
    """(N,) class."""
    arrival_s: Floats
    """(N,) seconds since the first tick."""
    patience_s: Floats
    """(N,) wait after which the customer leaves; may be infinite."""
    value: Floats
    """(N,) money if resolved."""
    loss: Floats
    """(N,) money lost if the customer leaves."""
    waiting_cost: Floats
    """(N,) money per second."""
    attention: Floats
    """(N,) share of an agent's attention."""
    effort: Floats
    """(N,) factor of the mean handling time."""
    resolution: Floats
    """(K, M) probability that the best agent of the group resolves the contact."""
    handling_s: Floats
    """(K, M) mean handling time of the group's quickest agent."""
    eligible: NDArray[np.bool_]
    """(K, M)"""
    duty: DutyCells
    tick_s: float
    """Policies start work at its multiples only."""


def hindsight_bound(
    day: HindsightDay, price: Floats | None = None, search: Search = USUAL
) -> PricePath:
    """The lowest bound found from these (M, T) prices per second, or from 0, with its prices."""
    return lower_path(hindsight_problem(day), price, search)


def hindsight_problem(day: HindsightDay) -> PathProblem:
    """The day as contacts, options and ticks."""
    ticks = day.duty.staff.shape[1]
    leaves_s = day.arrival_s + day.patience_s
    waited_s = np.minimum(leaves_s, ticks * day.tick_s) - day.arrival_s
    leaves = leaves_s <= ticks * day.tick_s
    last = np.minimum(np.floor(leaves_s / day.tick_s), ticks - 1)
    contact, group = np.nonzero(day.eligible[day.kind])
    kind = day.kind[contact]
    return PathProblem(
        cell_s=day.tick_s,
        staff=day.duty.staff,
        may_start=day.duty.may_start,
        first=np.ceil(day.arrival_s / day.tick_s).astype(np.int64),
        last=last.astype(np.int64),
        arrival_s=day.arrival_s,
        waiting_cost=day.waiting_cost,
        attention=day.attention,
        unserved=-day.loss * leaves - day.waiting_cost * np.maximum(waited_s, 0.0),
        start=np.searchsorted(contact, np.arange(len(day.kind) + 1)),
        group=group,
        reward=day.resolution[kind, group] * day.value[contact],
        work_s=day.handling_s[kind, group] * day.effort[contact],
    )


def duty_cells(
    group: Ints,
    from_s: Floats,
    until_s: Floats,
    finish_s: float,
    shape: tuple[int, int],
    tick_s: float,
) -> DutyCells:
    """(M, T) from stretches of duty, a row per agent and stretch (shifts less breaks).

    Whoever went off duty less than `finish_s` ago may still hold something and counts as staff
    while others of the group are on duty. So the bound is sharpest if groups share their shifts;
    with other groups `finish_s` must be the longest work that can be held at the end of duty.
    """
    begin, end = from_s / tick_s, until_s / tick_s
    on_duty = _count(group, np.floor(begin), np.ceil(end), shape)
    there = _count(group, np.floor(begin), np.ceil(end + finish_s / tick_s), shape)
    may_start = _count(group, np.ceil(begin), np.ceil(end), shape)
    return DutyCells(np.where(on_duty > 0, there, np.inf), may_start > 0)


def worth_of_one_more(path: PricePath, tick_s: float, ticks_per_period: int) -> Floats:
    """(M, P) money that one more agent in a group and period would have earned, at most."""
    groups, ticks = path.price.shape
    edges = np.arange(0, ticks, ticks_per_period)
    if groups == 0 or ticks == 0:
        return np.zeros((groups, len(edges)))
    return np.add.reduceat(path.price, edges, axis=1) * tick_s


def _count(group: Ints, first: Floats, end: Floats, shape: tuple[int, int]) -> Floats:
    """(M, T) rows of each group that contain each cell, first <= cell < end."""
    groups, cells = shape
    change = np.zeros((groups, cells + 1))
    np.add.at(change, (group, np.clip(first, 0, cells).astype(np.int64)), 1.0)
    np.add.at(change, (group, np.clip(end, 0, cells).astype(np.int64)), -1.0)
    return np.cumsum(change, axis=1)[:, :cells]
