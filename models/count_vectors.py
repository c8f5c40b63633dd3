"""Which new conversations fit together: count vectors over lanes, for many agents at once.

Follows `docs/model.md` section 4. What fits is closed downwards (taking one away never hurts), so
the vectors of all patterns grow together, one conversation at a time, only as far as they fit.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.problem import Ints

MOST_VECTORS = 1_000
"""Beyond so many count vectors an agent takes only what surely fits, whatever is mixed."""

_PATTERNS_AT_ONCE = 128
"""Bounds the memory: each has at most MOST_VECTORS rows."""

_MOST_HOPELESS = 100
"""So many patterns with too many vectors are remembered, for others to be compared with."""

Mask = NDArray[np.bool_]
Counts = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Rules:
    """What holds for every agent: W lanes, J budgets of units, G groups of lanes with one cap."""

    clash: Mask
    """(W, W) lanes that cannot stand beside each other."""
    adds: Mask
    """(J, W) whose units the budget counts."""
    guards: Mask
    """(J, W) lanes in whose presence the budget must hold; each adds to it."""
    group: Mask
    """(G, W) lanes that share a cap."""


@dataclass(frozen=True, eq=False)
class Limits:
    """What decides which vectors fit: N agents, or patterns that many share."""

    cap: Ints
    """(N, W)"""
    weight: Ints
    """(N, W) whole millionths of a unit, above 0 where `cap` is."""
    budget: Ints
    """(N, J) whole millionths."""
    group_cap: Ints
    """(N, G)"""

    def of(self, rows: Ints) -> "Limits":
        """The limits of these agents."""
        return Limits(self.cap[rows], self.weight[rows], self.budget[rows], self.group_cap[rows])


@dataclass(frozen=True, eq=False)
class Fits:
    """What N agents can take together."""

    total: Ints
    """(N,) largest total of a vector; 0 where there are too many."""
    too_many: Mask
    """(N,) more than MOST_VECTORS vectors fit."""
    start: Ints
    """(N + 1,)"""
    maximal: Ints
    """Maximal vectors of n are maximal[start[n]:start[n + 1]], (.., W); none where lane caps and
    total say it all."""


def build_fits(limits: Limits, rules: Rules) -> Fits:
    """Totals and maximal vectors of all agents; each distinct pattern is looked at once."""
    tight = _tightened(limits, rules)
    whole = _all_fits(tight, rules)
    hard = np.flatnonzero(~whole)
    patterns, of = _patterns(tight.of(hard))
    found = _fits_of_patterns(_in_small_numbers(patterns), rules)
    total = np.where(whole, limits.cap.sum(axis=1), 0)
    too_many = whole & (np.prod(limits.cap + 1.0, axis=1) > MOST_VECTORS)
    total[hard], too_many[hard] = found.total[of], found.too_many[of]
    begin, size = np.zeros((2, len(total)), dtype=np.int64)
    begin[hard], size[hard] = found.start[of], np.diff(found.start)[of]
    start = np.concatenate([[0], np.cumsum(size)])
    owner = np.repeat(np.arange(len(total)), size)
    row = begin[owner] + np.arange(len(owner)) - start[owner]
    return Fits(np.where(too_many, 0, total), too_many, start, found.maximal[row])


def _tightened(limits: Limits, rules: Rules) -> Limits:
    """The same vectors fit, but agents with the same of them look more alike.

    A budget counts no further than all that could use it, and in steps of the weights' divisor.
    """
    weight = np.where(limits.cap > 0, limits.weight, 0)
    budget, group_cap = limits.budget.copy(), limits.group_cap.copy()
    for j, (adds, guards) in enumerate(zip(rules.adds, rules.guards, strict=True)):
        used = (limits.cap * weight)[:, adds].sum(axis=1)
        step = np.maximum(np.gcd.reduce(weight[:, adds], axis=1), 1)
        matters = (limits.cap[:, guards] > 0).any(axis=1)
        budget[:, j] = np.where(matters, np.minimum(budget[:, j] // step * step, used), 0)
    for g, lanes in enumerate(rules.group):
        group_cap[:, g] = np.minimum(group_cap[:, g], limits.cap[:, lanes].sum(axis=1))
    return Limits(limits.cap, weight, budget, group_cap)


def _all_fits(limits: Limits, rules: Rules) -> Mask:
    """Whether all that the lane caps allow fits at once, shape (N,)."""
    is_open = (limits.cap > 0).astype(np.int64)
    clashes = (is_open @ rules.clash.astype(np.int64)) * is_open > 0
    used = (limits.cap * limits.weight) @ rules.adds.T.astype(np.int64)
    over = (used > limits.budget) & ((is_open @ rules.guards.T.astype(np.int64)) > 0)
    many = limits.cap @ rules.group.T.astype(np.int64) > limits.group_cap
    whole: Mask = ~np.logical_or.reduce(np.concatenate([clashes, over, many], axis=1), axis=1)
    return whole


def _patterns(limits: Limits) -> tuple[Limits, Ints]:
    """Distinct limits, roughly from tight to loose, and the position of each agent's."""
    columns = np.column_stack([limits.cap, limits.weight, limits.budget, limits.group_cap])
    _, first, of = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    order = np.lexsort((limits.cap[first].sum(axis=1), limits.budget[first].sum(axis=1)))
    rank: Ints = np.argsort(order)
    return limits.of(first[order]), rank[of]


def _in_small_numbers(limits: Limits) -> Limits:
    """The same vectors fit, but weights and budgets are counted in the weights' common divisor,
    and take half the memory where they are small enough.
    """
    unit = max(int(np.gcd.reduce(limits.weight, axis=None)), 1)
    weight, budget = limits.weight // unit, limits.budget // unit
    most = int(limits.cap.sum(axis=1).max(initial=0)) * int(weight.max(initial=0))
    if most + int(budget.max(initial=0)) < np.iinfo(np.int32).max:
        weight, budget = weight.astype(np.int32), budget.astype(np.int32)
    return replace(limits, weight=weight, budget=budget)


def _fits_of_patterns(limits: Limits, rules: Rules) -> Fits:
    """What fits: whoever has no less room than one with too many vectors has too many, too."""
    num, lanes = limits.cap.shape
    hopeless = np.zeros(0, dtype=np.int64)
    none, nothing = np.zeros(0, dtype=np.int64), np.zeros((0, lanes), dtype=np.int64)
    parts = [Fits(none, none > 0, np.zeros(1, dtype=np.int64), nothing)]
    for begin in range(0, num, _PATTERNS_AT_ONCE):
        rows = np.arange(begin, min(begin + _PATTERNS_AT_ONCE, num))
        some = limits.of(rows)
        sure = _no_tighter(some, limits.of(hopeless))
        part = _fits_of(replace(some, cap=np.where(sure[:, None], 0, some.cap)), rules)
        hopeless = np.concatenate([hopeless, rows[part.too_many]])[:_MOST_HOPELESS]
        parts.append(replace(part, too_many=part.too_many | sure))
    size = np.concatenate([np.diff(part.start) for part in parts])
    return Fits(
        np.concatenate([part.total for part in parts]),
        np.concatenate([part.too_many for part in parts]),
        np.concatenate([[0], np.cumsum(size)]),
        np.concatenate([part.maximal for part in parts]),
    )


def _no_tighter(limits: Limits, known: Limits) -> Mask:
    """Whether all fits in each that fits in any one of the known ones, shape (N,)."""
    lighter = (limits.weight[:, None] <= known.weight) | (known.cap == 0)
    room = (
        (limits.cap[:, None] >= known.cap).all(axis=2)
        & lighter.all(axis=2)
        & (limits.budget[:, None] >= known.budget).all(axis=2)
        & (limits.group_cap[:, None] >= known.group_cap).all(axis=2)
    )
    some: Mask = np.logical_or.reduce(room, axis=1)
    return some


@dataclass(frozen=True, eq=False)
class _Vectors:
    """M count vectors with the same total that fit."""

    pattern: Ints
    """(M,)"""
    last: Ints
    """(M,) the last lane that was added to: only from here on more is, so each comes once."""
    count: Counts
    """(M, W)"""
    left: Ints
    """(M, J) units left of each budget."""
    guarded: Mask
    """(M, J) whether the budget must hold."""
    in_group: Counts
    """(M, G)"""
    stopped: Mask
    """(M, W) one more of the lane breaks anything but the lane's own cap; that stays so."""


def _fits_of(limits: Limits, rules: Rules) -> Fits:
    num, lanes = limits.cap.shape
    cap = limits.cap.astype(np.int16)
    total, known = np.zeros(num, dtype=np.int64), np.ones(num, dtype=np.int64)
    barred_at = np.full(num, np.iinfo(np.int64).max)
    maximal_of, maximal = [np.zeros(0, dtype=np.int64)], [np.zeros((0, lanes), dtype=np.int16)]
    vectors, size = _nothing(limits, rules), 0
    while len(vectors.pattern):
        of = vectors.pattern
        total[of] = size
        full = vectors.count >= cap[of]
        barred = of[(vectors.stopped & ~full).any(axis=1)]
        barred_at[barred] = np.minimum(barred_at[barred], size)
        closed = full | vectors.stopped
        done = closed.all(axis=1)
        maximal_of.append(of[done])
        maximal.append(vectors.count[done])
        row, lane = np.nonzero(~closed & (np.arange(lanes) >= vectors.last[:, None]))
        known += np.bincount(of[row], minlength=num)
        kept = known[of[row]] <= MOST_VECTORS
        vectors, size = _grown(vectors, row[kept], lane[kept], limits, rules), size + 1
    # Where nothing but caps and total ever stops a vector from growing, these say it all.
    mixed = (barred_at < total) & (known <= MOST_VECTORS)
    owner = np.concatenate(maximal_of)
    rows = np.argsort(owner, kind="stable")
    rows = rows[mixed[owner[rows]]]
    start = np.concatenate([[0], np.cumsum(np.bincount(owner[rows], minlength=num))])
    chosen: Ints = np.concatenate(maximal)[rows].astype(np.int64)
    return Fits(total, known > MOST_VECTORS, start, chosen)


def _nothing(limits: Limits, rules: Rules) -> _Vectors:
    """The vector of zeros of every pattern, which always fits."""
    num, lanes = limits.cap.shape
    nothing = _Vectors(
        np.arange(num),
        np.zeros(num, dtype=np.int64),
        np.zeros((num, lanes), dtype=np.int16),
        limits.budget,
        np.zeros(limits.budget.shape, dtype=bool),
        np.zeros((num, len(rules.group)), dtype=np.int16),
        np.zeros((num, lanes), dtype=bool),
    )
    _stop(nothing, limits, rules)
    return nothing


def _grown(vectors: _Vectors, row: Ints, lane: Ints, limits: Limits, rules: Rules) -> _Vectors:
    """One more of a lane added to each of these rows."""
    of = vectors.pattern[row]
    count = vectors.count[row]
    count[np.arange(len(row)), lane] += 1
    weight = limits.weight[of, lane]
    grown = _Vectors(
        of,
        lane,
        count,
        vectors.left[row] - weight[:, None] * rules.adds.T[lane],
        vectors.guarded[row] | rules.guards.T[lane],
        vectors.in_group[row] + rules.group.T[lane].astype(np.int16),
        vectors.stopped[row] | rules.clash[lane],
    )
    _stop(grown, limits, rules)
    return grown


def _stop(vectors: _Vectors, limits: Limits, rules: Rules) -> None:
    """Marks in `stopped` lanes of groups at their cap and lanes that a budget has no room for."""
    of = vectors.pattern
    at_cap = vectors.in_group >= limits.group_cap[of]
    for g, lanes in enumerate(rules.group):
        vectors.stopped[at_cap[:, g]] |= lanes
    weight = limits.weight[of]
    for j, (adds, guards) in enumerate(zip(rules.adds, rules.guards, strict=True)):
        over = weight > vectors.left[:, [j]]
        over &= adds & (guards | vectors.guarded[:, [j]])
        np.logical_or(vectors.stopped, over, out=vectors.stopped)
