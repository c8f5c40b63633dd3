"""Which new conversations fit together: count vectors over lanes, for many agents at once.

Follows `docs/model.md` section 4. What fits is closed downwards (taking one away never hurts), so
all vectors of all patterns grow together, lane by lane, each only as far as it fits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.problem import Ints

MOST_VECTORS = 1_000
"""Beyond so many count vectors an agent takes only what surely fits, whatever is mixed."""

_PATTERNS_AT_ONCE = 256
"""Bounds the memory: each has at most MOST_VECTORS rows."""

Mask = NDArray[np.bool_]


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
    total = np.where(whole, limits.cap.sum(axis=1), 0)
    too_many = whole & (np.prod(limits.cap + 1.0, axis=1) > MOST_VECTORS)
    hard = np.flatnonzero(~whole)
    mine = tight.of(hard)
    columns = np.column_stack([mine.cap, mine.weight, mine.budget, mine.group_cap])
    _, first, of = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    found = _joined(
        [
            _fits_of(mine.of(first[begin : begin + _PATTERNS_AT_ONCE]), rules)
            for begin in range(0, len(first), _PATTERNS_AT_ONCE)
        ],
        limits.cap.shape[1],
    )
    total[hard], too_many[hard] = found.total[of], found.too_many[of]
    size = np.zeros(len(total), dtype=np.int64)
    size[hard] = np.diff(found.start)[of]
    start = np.concatenate([[0], np.cumsum(size)])
    owner = np.repeat(np.arange(len(total)), size)
    begin = np.zeros(len(total), dtype=np.int64)
    begin[hard] = found.start[of]
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


@dataclass(frozen=True, eq=False)
class _Vectors:
    """M count vectors that fit, by pattern; a column each, for speed."""

    pattern: Ints
    """(M,) ascending"""
    count: Ints
    """(W, M)"""
    used: Ints
    """(J, M) units that count against each budget."""
    guarded: Mask
    """(J, M) whether the budget must hold."""
    in_group: Ints
    """(G, M)"""

    def taken(self, rows: Ints) -> "_Vectors":
        """These vectors, in this order."""
        return _Vectors(
            self.pattern[rows],
            self.count[:, rows],
            self.used[:, rows],
            self.guarded[:, rows],
            self.in_group[:, rows],
        )


def _fits_of(limits: Limits, rules: Rules) -> Fits:
    num, lanes = limits.cap.shape
    vectors = _Vectors(
        np.arange(num),
        np.zeros((lanes, num), dtype=np.int64),
        np.zeros((len(rules.adds), num), dtype=np.int64),
        np.zeros((len(rules.adds), num), dtype=bool),
        np.zeros((len(rules.group), num), dtype=np.int64),
    )
    too_many = np.zeros(num, dtype=bool)
    for lane in range(lanes):
        more = _how_many_more(vectors, lane, limits, rules)
        too_many |= np.bincount(vectors.pattern, more + 1.0, minlength=num) > MOST_VECTORS
        more = np.where(too_many[vectors.pattern], -1, more)
        vectors = _grown(vectors, lane, more, limits, rules)
    total = np.zeros(num, dtype=np.int64)
    sums = vectors.count.sum(axis=0)
    np.maximum.at(total, vectors.pattern, sums)
    short = sums < total[vectors.pattern]
    maximal = np.ones(len(sums), dtype=bool)
    barred = np.zeros(len(sums), dtype=bool)
    for lane in range(lanes):
        fits = _how_many_more(vectors, lane, limits, rules) > 0
        maximal &= ~fits
        barred |= ~fits & (vectors.count[lane] < limits.cap[vectors.pattern, lane])
    # Where nothing but caps and total ever stops a vector from growing, these say it all.
    mixed = np.bincount(vectors.pattern[barred & short], minlength=num) > 0
    rows = np.flatnonzero(maximal & mixed[vectors.pattern])
    size = np.bincount(vectors.pattern[rows], minlength=num)
    start = np.concatenate([[0], np.cumsum(size)])
    return Fits(total, too_many, start, vectors.count[:, rows].T)


def _how_many_more(vectors: _Vectors, lane: int, limits: Limits, rules: Rules) -> Ints:
    """How many more of the lane fit beside what is there, shape (M,)."""
    of = vectors.pattern
    more = limits.cap[of, lane] - vectors.count[lane]
    weight = np.maximum(limits.weight[:, lane], 1)[of]
    for j in np.flatnonzero(rules.adds[:, lane]).tolist():
        fit = (limits.budget[of, j] - vectors.used[j]) // weight
        held = fit if rules.guards[j, lane] else np.where(vectors.guarded[j], fit, more)
        more = np.minimum(more, held)
    for g in np.flatnonzero(rules.group[:, lane]).tolist():
        more = np.minimum(more, limits.group_cap[of, g] - vectors.in_group[g])
    for other in np.flatnonzero(rules.clash[lane]).tolist():
        more = np.where(vectors.count[other] > 0, 0, more)
    some: Ints = np.maximum(more, 0)
    return some


def _grown(vectors: _Vectors, lane: int, more: Ints, limits: Limits, rules: Rules) -> _Vectors:
    """Each vector with 0 to `more` of the lane added; it goes where `more` is -1."""
    rows = np.repeat(np.arange(len(more)), more + 1)
    ends = np.cumsum(more + 1)
    added = np.arange(len(rows)) - (ends - more - 1)[rows]
    grown = vectors.taken(rows)
    grown.count[lane] = added
    grown.used[rules.adds[:, lane]] += added * limits.weight[grown.pattern, lane]
    grown.guarded[rules.guards[:, lane]] |= added > 0
    grown.in_group[rules.group[:, lane]] += added
    return grown


def _joined(parts: list[Fits], lanes: int) -> Fits:
    none = np.zeros(0, dtype=np.int64)
    size = np.concatenate([none, *(np.diff(part.start) for part in parts)])
    return Fits(
        np.concatenate([none, *(part.total for part in parts)]),
        np.concatenate([none.astype(bool), *(part.too_many for part in parts)]),
        np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        np.concatenate([np.zeros((0, lanes), dtype=np.int64), *(part.maximal for part in parts)]),
    )
