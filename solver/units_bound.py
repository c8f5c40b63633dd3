"""The bound of problems with pair units: rents of contacts against one exact knapsack per agent.

    D(rent) = sum_i rent[i] + sum_j K_j(rent) + sum_t U_t(rent)

over the contacts i that have a usable pair, where K_j is the most that agent j earns with gains
less rents within its units, and also no more than its best mix earns (`models/bound.py:
best_mixes`). Rents of contacts without a tier are >= 0.
A plan that serves `served[t]` contacts of tier t leaves `reachable[t] - served[t]` of those it
could reach waiting; U_t is what they would be refunded, the sum of that many of the largest
max(0, -rent) of the tier. So where all of a tier are served its rents have any sign, and
D is a bound on every plan that serves at least as many of each tier (Fisher 1981; Posta, Ferland
and Michelon 2012 for generalised assignment). Gains are multiples of the granule, so is the bound.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bound import best_mixes
from models.problem import NO_TIER, Floats, Ints
from solver.units_form import UnitsForm
from solver.units_kernels import fill_knapsacks, losses

ROUNDS = 1000
"""Of steps at most; some 500 are usual before they become too short."""
FIRST_SPAN = 0.05
"""The first target lies so many standard deviations of a gain below D for each contact."""
PATIENCE = 25
"""Rounds with less progress than a tenth of the span, after which it is halved."""
SHORTEST_SPAN = 1e-6
"""Of D; nearer targets are not worth their rounds."""
MEMORY = 0.3
"""Share of the last direction in the next: less zigzag."""


@dataclass(frozen=True, eq=False)
class RentBound:
    """D at some rents, with what attains it."""

    rents: Ints
    value: int
    """Milli-units, not rounded to the granule."""
    taken: NDArray[np.bool_]
    """(E,) pairs that the agents choose at these rents."""


def bound_at(form: UnitsForm, rents: Ints, served: tuple[int, ...]) -> int:
    """D at these rents (C,) over all usable pairs, milli-units, exact, a multiple of the granule.

    Raises ValueError when a contact without a tier has a negative rent: it would prove nothing.
    """
    if (rents[form.limits.tier == NO_TIER] < 0).any():
        raise ValueError("rents: a contact without a tier has a negative rent; expected >= 0")
    best = np.zeros(form.problem.num_agents, dtype=np.int64)
    taken = np.zeros(len(form.limits.gain), dtype=np.bool_)
    fill_knapsacks(form.limits, form.knapsacks, rents, best, taken)
    free = np.zeros(len(form.problem.site_cap), dtype=np.int64)
    best = np.minimum(best, best_mixes(form.problem, rents, free))
    refund, _ = _refunds(form, rents, served)
    return (_sum(form, rents) + int(best.sum()) + refund) // form.granule * form.granule


def evaluate(form: UnitsForm, rents: Ints, served: tuple[int, ...]) -> RentBound:
    """D at these rents (C,) by the knapsacks alone."""
    best = np.zeros(form.problem.num_agents, dtype=np.int64)
    taken = np.zeros(len(form.limits.gain), dtype=np.bool_)
    fill_knapsacks(form.limits, form.knapsacks, rents, best, taken)
    refund, _ = _refunds(form, rents, served)
    return RentBound(rents, _sum(form, rents) + int(best.sum()) + refund, taken)


def first_rents(form: UnitsForm, known: Ints | None) -> Ints:
    """Where the descent begins: known rents, elsewhere the second best gain of each contact.

    Or nothing for contacts without a tier, where D is lower: agents who have no room for most.
    """
    limits = form.limits
    rents = np.zeros(form.problem.num_contacts, dtype=np.int64)
    order = np.lexsort((-limits.gain, limits.contact))
    ordered = limits.gain[order]
    size = np.diff(limits.start)
    several = np.flatnonzero(size > 1)
    rents[several] = ordered[limits.start[several] + 1]
    if known is not None:
        rents = np.where(known >= 0, known, rents)
    rents[size == 0] = 0
    rents = np.where(limits.tier == NO_TIER, np.maximum(rents, 0), rents)
    free = np.where(limits.tier == NO_TIER, 0, rents)
    everybody = tuple(form.reachable.tolist())
    lower = evaluate(form, free, everybody).value < evaluate(form, rents, everybody).value
    return free if lower and known is None else rents


def descend(
    form: UnitsForm,
    begin: Ints,
    served: tuple[int, ...],
    floor: int,
    is_late: Callable[[], bool],
) -> RentBound:
    """The lowest D found by subgradient steps from the rents `begin` (C,), over all usable pairs.

    Steps follow Polyak's rule towards a target below the best D, which comes nearer when progress
    stalls (Goffin and Kiwiel 1999), with a deflected direction. They end at the gain `floor`.
    """
    best = now = evaluate(form, begin, served)
    point, direction = begin.astype(np.float64), np.zeros(len(begin))
    signed, reached = form.limits.tier != NO_TIER, np.diff(form.limits.start) > 0
    span = (
        FIRST_SPAN * len(begin) * float(np.std(form.limits.gain)) if len(form.limits.gain) else 0.0
    )
    since, progress = 0, 0
    for _ in range(ROUNDS):
        stalled = span < SHORTEST_SPAN * abs(best.value) + 1
        if best.value - floor < form.granule or stalled or is_late():
            break
        direction = MEMORY * direction + (1 - MEMORY) * _slope(form, now, served) * reached
        length = float(direction @ direction)
        if length < 1e-9:
            break
        step = (now.value - max(best.value - span, floor)) / length
        point = point - step * direction
        point = np.where(signed, point, np.maximum(point, 0))
        now = evaluate(form, np.rint(point).astype(np.int64), served)
        since += 1
        if now.value < best.value:
            progress += best.value - now.value
            best = now
        if progress > span / 10:
            since, progress = 0, 0
        elif since > PATIENCE:
            span, since, progress = span / 2, 0, 0
            now, point, direction = best, best.rents.astype(np.float64), np.zeros(len(begin))
    return best


def pair_losses(form: UnitsForm, bound: RentBound) -> Ints:
    """What D falls by at least when a plan uses each pair, milli-units, shape (E,).

    A pair in a plan forces it into its agent's knapsack and the contact's other pairs out of
    theirs. So a pair whose loss exceeds D less some gain is in no plan of that gain.
    """
    limits = form.limits
    best = np.zeros(form.problem.num_agents, dtype=np.int64)
    loss_in, loss_out = np.zeros_like(limits.gain), np.zeros_like(limits.gain)
    losses(limits, form.knapsacks, bound.rents, best, loss_in, loss_out)
    all_out = np.zeros(len(bound.rents), dtype=np.int64)
    np.add.at(all_out, limits.contact, loss_out)
    return loss_in + all_out[limits.contact] - loss_out


def _sum(form: UnitsForm, rents: Ints) -> int:
    return int(rents[np.diff(form.limits.start) > 0].sum())


def _slope(form: UnitsForm, bound: RentBound, served: tuple[int, ...]) -> Floats:
    """A subgradient of D at the rents: one less the number of agents who take the contact."""
    use = np.bincount(form.limits.contact[bound.taken], minlength=len(bound.rents))
    _, refunded = _refunds(form, bound.rents, served)
    slope: Floats = np.subtract(1.0, use + refunded, dtype=np.float64)
    return slope


def _refunds(
    form: UnitsForm, rents: Ints, served: tuple[int, ...]
) -> tuple[int, NDArray[np.bool_]]:
    """Sum of U_t, and whose rents (C,) it takes back."""
    whose = np.zeros(len(rents), dtype=np.bool_)
    for number, count in enumerate(served):
        waiting = int(form.reachable[number]) - count
        if waiting > 0:
            mine = (form.limits.tier == number) & (np.diff(form.limits.start) > 0)
            negative = np.flatnonzero(mine & (rents < 0))
            order = np.argsort(rents[negative], kind="stable")
            whose[negative[order[:waiting]]] = True
    return -int(rents[whose].sum()), whose
