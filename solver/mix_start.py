"""Where the descent begins: rents and mixes that fit each other roughly (`engine.md` 3.2).

Cold: mixes are dealt out in turn, an auction over the nodes that they open says what contacts are
worth, and a part of the agents that would earn most by another mix change to it; a few times over.
Warm: the rents of last tick, with those of new contacts from last tick's prices.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.problem import NOBODY, Positions
from models.solution import NO_RENT, Hint
from solver.auction import STEP_BACK, Auction
from solver.mix_bound import Descent
from solver.mix_form import MixForm
from solver.mix_survey import Survey
from solver.rows import longest_slice
from solver.rows_kernels import contact_rents

ROUNDS = 4
FIRST_PART = 0.5
"""Of the agents, that may change after the first auction; fewer after later ones."""

LEAST_PART = 0.08
SMOOTHED = 0.6
"""Of the rents kept from auction to auction."""

FINER = 6.0
"""The second phase of an auction over the first."""


@dataclass(frozen=True, eq=False)
class Start:
    """A descent, and a plan that the auctions came to on the way."""

    descent: Descent
    agent: Positions
    """(C,) in the order of the problem; site caps not kept."""
    gain: int
    """Milli-units, load costs aside."""


def cold_start(
    form: MixForm, survey: Survey, draw: np.random.Generator, is_late: Callable[[], bool]
) -> Start:
    """A descent at rents found by auctions, as many as there is time for."""
    agents = form.problem.num_agents
    mix = form.mix_start[:-1] + np.arange(agents) % np.diff(form.mix_start)
    site_price = np.zeros(len(form.problem.site_cap))
    descent = Descent(form, survey, survey.largest.copy(), site_price)
    best = Start(descent, np.full(len(survey.largest), NOBODY, dtype=np.int32), 0)
    for number in range(ROUNDS):
        auction = Auction(form.with_slots(form.open_slots(mix)), form.rows)
        eps = auction.first_eps
        stand = auction.phase(eps, np.zeros(len(form.slots)), is_late)
        later = auction.phase(eps / FINER, stand.price - STEP_BACK * eps, is_late)
        stand = later if later.completed else stand
        if stand.gain > best.gain:
            best = Start(descent, form.agent_at(stand.agent), stand.gain)
        if is_late():
            break
        rent = auction.rents(stand.price)
        descent.rent = rent if number == 0 else SMOOTHED * descent.rent + (1 - SMOOTHED) * rent
        if not descent.look(is_late) or number == ROUNDS - 1:
            break
        worth = descent.choice.mix_worth
        more = worth[descent.choice.mix] - worth[mix]
        part = max(LEAST_PART, FIRST_PART / (1.0 + 0.4 * number))
        first = np.argsort(-more, kind="stable")[: int(2 * part * agents)]
        changes = first[(more[first] > 0) & (draw.random(len(first)) < 0.5)]
        mix[changes] = descent.choice.mix[changes]
    return best


def warm_start(
    form: MixForm, survey: Survey, hint: Hint | None, is_late: Callable[[], bool]
) -> Descent | None:
    """A descent at last tick's rents, looked at once, or None if there are none that fit.

    New contacts are left out of the first look, and then worth what they gain over the prices at
    which nodes would take them.
    """
    problem, rows = form.problem, form.rows
    if hint is None or hint.rents is None or hint.rents.shape != (problem.num_contacts,):
        return None
    known = hint.rents[rows.contact].astype(np.float64)
    new = known == NO_RENT
    if not (known > 0).any():
        return None
    site_price = np.zeros(len(problem.site_cap))
    if hint.prices is not None and hint.prices.site.shape == site_price.shape:
        site_price = np.maximum(hint.prices.site.astype(np.float64), 0.0)
    rent = np.where(new, survey.largest, np.clip(known, 0.0, survey.largest))
    descent = Descent(form, survey, rent, site_price)
    if not descent.look(is_late):
        return None
    if new.any():
        price = (descent.choice.price + descent.fee())[rows.entry_agent]
        worth = np.empty(len(rent))
        contact_rents(rows, price, worth, np.empty(longest_slice(rows)))
        descent.rent[new] = worth[new]
        descent.look(is_late)
    return descent
