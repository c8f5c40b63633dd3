"""Price paths of sampled futures: the online version of the hindsight bound (`methods.md` 10.1).

A future is sampled: who comes when, for how long they wait, when busy agents are free. The path of
prices that bounds the value of that future says what a group's time is worth from moment to
moment; its mean over several futures is what a tick should ask for it.
"""

from dataclasses import dataclass

import numpy as np

from models.problem import Floats
from solver.pricing.moment import Beliefs, Moment, work_in_progress
from solver.pricing.path import PathProblem, Search, lower_path
from solver.pricing.scenarios import sampled_contacts, sampled_remaining_s
from solver.pricing.slow import Signatures


@dataclass(frozen=True)
class PathRecipe:
    """How price paths are made."""

    cell_s: float = 15.0
    scenarios: int = 6
    iterations: int = 60


def path_price_at(
    beliefs: Beliefs,
    groups: Signatures,
    moment: Moment,
    recipe: PathRecipe,
    rng: np.random.Generator,
    old: Floats | None,
) -> Floats:
    """(M, T) money per second of an agent's whole attention, from now on in cells.

    The search starts from the `old` prices, which have the same shape, or from 0.
    """
    search = Search(iterations=recipe.iterations)
    held = work_in_progress(beliefs, moment)
    paths = [
        lower_path(
            sampled_future(beliefs, groups, moment, left_s, recipe.cell_s, rng), old, search
        ).price
        for left_s in sampled_remaining_s(held, recipe.scenarios, rng)
    ]
    mean: Floats = np.mean(paths, axis=0)
    return mean


def sampled_future(
    beliefs: Beliefs,
    groups: Signatures,
    moment: Moment,
    left_s: Floats,
    cell_s: float,
    rng: np.random.Generator,
) -> PathProblem:
    """One future as a price path sees it; `left_s` (H,) seconds to go of what is held."""
    cells = int(np.ceil(moment.horizon_s / cell_s))
    rate = moment.forecast.sum(axis=0) / moment.horizon_s
    come = sampled_contacts(rate, moment.horizon_s, beliefs.values, moment.factor, rng)
    kind, value, arrival_s = come.kind, come.value, come.arrival_s
    leaves_s = arrival_s + beliefs.mean_patience_s[kind] * rng.standard_exponential(len(kind))
    end_s = cells * cell_s
    loss = beliefs.loss_share[kind] * value * (leaves_s <= end_s)
    waited_s = np.minimum(leaves_s, end_s) - arrival_s
    contact, group = np.nonzero(beliefs.allowed[:, groups.example][kind])
    pair = (kind[contact], groups.example[group])
    return PathProblem(
        cell_s=cell_s,
        staff=_free_staff(beliefs, groups, moment, left_s, cells, cell_s),
        may_start=np.ones((len(groups.example), cells), dtype=bool),
        first=np.ceil(arrival_s / cell_s).astype(np.int64),
        last=np.minimum(np.floor(leaves_s / cell_s), cells - 1).astype(np.int64),
        arrival_s=arrival_s,
        waiting_cost=beliefs.waiting_cost[kind],
        attention=beliefs.attention[kind],
        unserved=-loss - beliefs.waiting_cost[kind] * np.maximum(waited_s, 0.0),
        start=np.searchsorted(contact, np.arange(len(kind) + 1)),
        group=group,
        reward=beliefs.resolution[pair] * value[contact],
        work_s=beliefs.handling_s[pair],
    )


def _free_staff(
    beliefs: Beliefs,
    groups: Signatures,
    moment: Moment,
    left_s: Floats,
    cells: int,
    cell_s: float,
) -> Floats:
    """(M, T) agents on duty, less the attention that what they hold still takes."""
    size = len(groups.example)
    begin = np.arange(cells) * cell_s
    on_duty = (moment.duty_left_s[:, None] > begin).astype(np.float64)
    staff = np.zeros((size, cells))
    np.add.at(staff, groups.of_agent, on_duty)
    spent = np.clip(left_s[:, None] - begin, 0.0, cell_s) / cell_s
    spent *= beliefs.attention[moment.held_kind][:, None]
    np.add.at(staff, groups.of_agent[moment.held_agent], -spent)
    return np.maximum(staff, 0.0)
