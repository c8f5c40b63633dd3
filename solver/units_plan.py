"""The first plan of a problem with pair units: what the bound's knapsacks chose, then annealed."""

from collections.abc import Callable

import numpy as np

from models.problem import NO_TIER, Floats, Ints
from solver.flat import starts_of
from solver.units_bound import RentBound
from solver.units_form import NO_PLACE, Limits, UnitsForm
from solver.units_search import Candidates, anneal, empty_plan, fill

TRIES = 1000
"""Of the annealing for each contact."""
TURN = 20_000
"""Tries after which the clock is looked at."""
COOLING = 0.03
"""The last temperature as a share of the first."""
NEAR = 2.5
"""Candidate pairs for each contact."""


def first_plan(
    form: UnitsForm, bound: RentBound, loss: Ints, seed: int, is_late: Callable[[], bool]
) -> Ints:
    """A plan (C,) as pairs of `Limits`: filled by the bound's pairs, then annealed.

    `loss` (E,) is what each pair costs at the bound's rents (`pair_losses`).
    """
    limits, contacts = form.limits, form.problem.num_contacts
    plan = empty_plan(limits, len(form.tiers))
    left = limits.gain - bound.rents[limits.contact]
    tier = limits.tier[limits.contact]
    tier = np.where(tier == NO_TIER, len(form.tiers), tier)
    fill(limits, plan, np.lexsort((-left, ~bound.taken, tier)).astype(np.int64))
    best_place, best_served = plan.place.copy(), plan.served.copy()
    candidates = _candidates(limits, loss, plan.place)
    if len(candidates.pair) == 0:
        return best_place
    hot = max(float(np.partition(loss, k := min(contacts, len(loss) - 1))[k]), 1.0)
    prize = _prizes(limits, len(form.tiers))
    turns = -(-TRIES * contacts // TURN)
    for turn in range(turns):
        if is_late():
            break
        warm = hot * COOLING ** (turn / turns)
        cool = hot * COOLING ** ((turn + 1) / turns)
        noise = (seed * turns + turn) % 2**32
        anneal(
            limits, candidates, prize, plan, best_place, best_served, noise, TURN, warm, cool
        )  # fmt: skip
    return best_place


def _candidates(limits: Limits, loss: Ints, place: Ints) -> Candidates:
    """The pairs with the smallest losses, the best of every contact, and those of a plan."""
    contacts = len(place)
    last = min(int(NEAR * contacts), len(loss) - 1)
    near = loss <= np.partition(loss, last)[last] if len(loss) else np.zeros(0, dtype=np.bool_)
    near[place[place != NO_PLACE]] = True
    begins = limits.start[:-1][np.diff(limits.start) > 0]
    least = np.zeros(contacts, dtype=np.int64)
    if len(begins):
        least[np.diff(limits.start) > 0] = np.minimum.reduceat(loss, begins)
    pair = np.flatnonzero(near | (loss == least[limits.contact]))
    return Candidates(starts_of(limits.contact[pair], contacts), pair)


def _prizes(limits: Limits, num_tiers: int) -> Floats:
    """What serving a contact of each tier (T,) is worth to the annealing beyond its gain."""
    spread = 5 * float(np.std(limits.gain)) + 1.0
    cost = float(max(-limits.gain.min(), 0) + limits.step_cost.max(initial=0))
    prize: Floats = (spread + cost) * np.exp2(np.arange(num_tiers, 0, -1, dtype=np.float64))
    return prize
