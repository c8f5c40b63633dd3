"""Compiled worth of giving sampled contacts to the slots of agents, pair by pair."""

from typing import NamedTuple

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from models.problem import Floats, Ints
from solver.pricing.fast_kernels import F8, I8, WORTHS, Worths


class Tables(NamedTuple):
    """K classes, A agents; see `FastInputs`."""

    resolution: Floats
    handling_s: Floats
    allowed: NDArray[np.bool_]
    loss: Floats
    waiting_cost: Floats
    leaving_per_s: Floats
    parts: Ints
    overrun_price: Floats
    """(A,) money per second that one slot is taken beyond the window."""


class Sample(NamedTuple):
    """N contacts and J slots of one sampled future."""

    kind: Ints
    arrival_s: Floats
    value: Floats
    slot_agent: Ints
    free_s: Floats


F8S = types.float64[:, ::1]
TABLES = types.NamedTuple(  # type: ignore[no-untyped-call]
    (F8S, F8S, types.boolean[:, ::1], F8, F8, F8, I8, F8), Tables
)
SAMPLE = types.NamedTuple((I8, F8, F8, I8, F8), Sample)  # type: ignore[no-untyped-call]


@njit(WORTHS(TABLES, SAMPLE, types.float64), cache=True)
def pair_worths(tables: Tables, sample: Sample, window_s: float) -> Worths:
    """Every pair worth more than 0, by contact; a contact of several parts comes that often."""
    rows = 0
    for kind in sample.kind:
        rows += tables.parts[kind]
    slots = len(sample.free_s)
    start = np.zeros(rows + 1, dtype=np.int64)
    slot, worth = np.empty(rows * slots, dtype=np.int64), np.empty(rows * slots)
    row, end = 0, 0
    for n in range(len(sample.kind)):
        k, arrival = sample.kind[n], sample.arrival_s[n]
        begin = end
        for j in range(slots):
            agent = sample.slot_agent[j]
            if not tables.allowed[k, agent] or not np.isfinite(sample.free_s[j]):
                continue
            wait = max(sample.free_s[j] - arrival, 0.0)
            gain = tables.resolution[k, agent] * sample.value[n] + tables.loss[k]
            if wait > 0.0:
                gain *= np.exp(-tables.leaving_per_s[k] * wait)
            handling = tables.handling_s[k, agent]
            overrun = min(handling, max(0.0, arrival + wait + handling - window_s))
            total = (gain - tables.waiting_cost[k] * wait) / tables.parts[k]
            total -= tables.overrun_price[agent] * overrun
            if total > 0.0:
                slot[end], worth[end] = j, total
                end += 1
        start[row + 1] = end
        row += 1
        for _ in range(tables.parts[k] - 1):
            size = start[row] - begin
            slot[end : end + size] = slot[begin : begin + size]
            worth[end : end + size] = worth[begin : begin + size]
            begin, end = end, end + size
            start[row + 1] = end
            row += 1
    return Worths(start, slot[:end].copy(), worth[:end].copy())
