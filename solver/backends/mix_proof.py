"""CP-SAT closes the gap of small problems (`engine.md` 3.6), after all that cannot matter is out.

With a plan of gain z and rents that prove the bound D, every plan that gains z or more loses at
most D - z against what the rents promise. So a mix that loses more than that against its agent's
best is out, and a pair whose best configuration does; a contact whose rent is larger is served.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from models.problem import NOBODY, Ints, Positions
from solver.backend import BackendError
from solver.mix_bound import Proven
from solver.mix_form import NO_NODE, MixForm

MOST_PAIRS = 30_000
"""That may be left for a complete search to be worth a try."""

BUILD_S = 2e-5
"""Seconds a pair that the model takes to be built, and then to be read."""

EXACT_IN_FLOATS = 2**52
"""CP-SAT states its bound as a float; beyond this it would be rounded."""

LEAST_S = 0.05
"""Seconds that it needs to be worth a try."""


@dataclass(frozen=True, eq=False)
class Searched:
    """The best plan found, if one was, and what no plan exceeds."""

    agent: Positions | None
    bound: int


@dataclass(frozen=True, eq=False)
class _Left:
    """What plans that gain z or more are made of."""

    contact: Ints
    node: Ints
    gain: Ints
    mix: Ints
    """Positions of mixes of the form."""
    served: NDArray[np.bool_]
    """(C,) whether the contact is served in all of them."""


def proven_by_search(
    form: MixForm,
    proven: Proven,
    agent: Positions,
    gain: int,
    seed: int,
    seconds_left: Callable[[], float],
) -> Searched | None:
    """The optimum or a better bound by complete search, or None where that is hopeless.

    `agent` (C,) is a plan of that gain. Raises BackendError when the search contradicts it.
    """
    if form.is_cut_short or seconds_left() < LEAST_S or proven.bound > EXACT_IN_FLOATS:
        return None
    left = _left(form, proven, proven.bound - gain)
    before = seconds_left()
    if len(left.gain) > MOST_PAIRS or before < LEAST_S + 2 * BUILD_S * len(left.gain):
        return None
    model, pair_var = _model(form, left, agent)
    # CP-SAT reads the model, which takes about as long as building it, before it looks at a clock.
    seconds = seconds_left() - max(before - seconds_left(), BUILD_S * len(left.gain))
    if seconds < LEAST_S:
        return None
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    solver.parameters.linearization_level = 2
    solver.parameters.random_seed = seed % 2**31
    status = solver.solve(model)
    if status == cp_model.UNKNOWN:
        # Stopped before it had a plan; what it calls its bound then is no bound but 0.
        return None
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise BackendError(
            "mixes",
            f"the search calls a model {solver.status_name(status)} that has the plan given",
            "that plan or a better one",
            "this is a defect, keep the batch and report it",
        )
    bound = max(gain, int(np.floor(solver.best_objective_bound + 1e-6)))
    taken = np.array([solver.boolean_value(var) for var in pair_var], dtype=np.bool_)
    found = np.full(form.problem.num_contacts, NOBODY, dtype=np.int32)
    found[left.contact[taken]] = form.node_agent[left.node[taken]]
    return Searched(found, bound)


def _left(form: MixForm, proven: Proven, gap: int) -> _Left:
    pairs = form.network.pairs
    contact, node = pairs.contact.astype(np.int64), pairs.agent.astype(np.int64)
    site = np.append(proven.site_price, 0)[form.problem.agent_site[form.node_agent]]
    worth = pairs.gain - proven.rents[contact] - site[node]
    best = _best_of_nodes(node, worth, form.slots)
    # What every mix earns, and what it earns without the last slot of each of its nodes.
    node_of = form.node_of[form.mix_agent]
    count = np.where(node_of == NO_NODE, 0, form.mix_count)
    earned = best[node_of, count].sum(axis=1) - form.mix_cost
    top = np.maximum.reduceat(earned, form.mix_start[:-1])
    mix = np.flatnonzero(top[form.mix_agent] - earned <= gap)

    nothing = np.iinfo(np.int64).min // 4
    opens = count[mix] > 0
    at, lane_mix = node_of[mix][opens], np.broadcast_to(mix[:, None], opens.shape)[opens]
    last = best[at, count[mix][opens]] - best[at, count[mix][opens] - 1]
    with_lane = np.full(len(form.slots), nothing)
    without_last = np.full(len(form.slots), nothing)
    np.maximum.at(with_lane, at, earned[lane_mix])
    np.maximum.at(without_last, at, earned[lane_mix] - last)
    most = np.minimum(with_lane[node], without_last[node] + worth)
    keep = (top[form.node_agent[node]] - most <= gap) & (pairs.gain > 0)
    return _Left(contact[keep], node[keep], pairs.gain[keep], mix, proven.rents > gap)


def _best_of_nodes(node: Ints, worth: Ints, slots: Ints) -> Ints:
    """Sum of the n largest positive worths of every node, for n up to its slots, (N + 1, n)."""
    table = np.zeros((len(slots) + 1, int(slots.max(initial=0)) + 1), dtype=np.int64)
    order = np.lexsort((-worth, node))
    first = np.searchsorted(node[order], np.arange(len(slots)))
    place = np.arange(len(order)) - first[node[order]]
    kept = place < slots[node[order]]
    table[node[order][kept], place[kept] + 1] = np.maximum(worth[order][kept], 0)
    summed: Ints = np.cumsum(table, axis=1)
    return summed


def _model(
    form: MixForm, left: _Left, agent: Positions
) -> tuple[cp_model.CpModel, list[cp_model.IntVar]]:
    """Pairs and mixes as yes or no: as many pairs in a node as the mix chosen has slots."""
    model = cp_model.CpModel()
    pair = [model.new_bool_var("") for _ in left.gain]
    mix = [model.new_bool_var("") for _ in left.mix]
    _limit_contacts(model, left, pair)
    _limit_nodes(model, form, left, pair, mix)
    _limit_sites(model, form, left, pair)
    model.maximize(
        sum(int(g) * var for g, var in zip(left.gain, pair, strict=True))
        - sum(int(c) * var for c, var in zip(form.mix_cost[left.mix], mix, strict=True) if c)
    )
    chosen = form.node_agent[left.node] == agent[left.contact]
    for var, value in zip(pair, chosen.tolist(), strict=True):
        model.add_hint(var, value)
    return model, pair


def _limit_contacts(model: cp_model.CpModel, left: _Left, pair: list[cp_model.IntVar]) -> None:
    """One agent at most, or exactly one for a contact that is served for certain."""
    for i, mine in enumerate(_positions(left.contact, len(left.served))):
        if left.served[i]:
            model.add_exactly_one(pair[n] for n in mine)
        elif len(mine) > 1:
            model.add_at_most_one(pair[n] for n in mine)


def _limit_nodes(
    model: cp_model.CpModel,
    form: MixForm,
    left: _Left,
    pair: list[cp_model.IntVar],
    mix: list[cp_model.IntVar],
) -> None:
    """One mix an agent, and as many pairs in a node as it opens slots."""
    of_agent = _positions(form.mix_agent[left.mix], form.problem.num_agents)
    for options in of_agent:
        model.add_exactly_one(mix[p] for p in options)
    for node, mine in enumerate(_positions(left.node, len(form.slots))):
        options = of_agent[form.node_agent[node]]
        slots = form.mix_count[left.mix[options], form.node_lane[node]]
        if len(mine) > slots.min():
            opened = sum(int(n) * mix[p] for n, p in zip(slots, options, strict=True))
            model.add(sum(pair[n] for n in mine) <= opened)
        for p in options[slots == 0]:
            for n in mine:
                model.add_implication(mix[p], pair[n].Not())


def _limit_sites(
    model: cp_model.CpModel, form: MixForm, left: _Left, pair: list[cp_model.IntVar]
) -> None:
    site = form.problem.agent_site[form.node_agent[left.node]]
    for number, cap in enumerate(form.problem.site_cap.tolist()):
        inside = np.flatnonzero(site == number)
        if len(inside) > cap:
            model.add(sum(pair[n] for n in inside) <= cap)


def _positions(key: Ints, size: int) -> list[Ints]:
    """Where each key from 0 to size - 1 occurs."""
    order = np.argsort(key, kind="stable")
    return np.split(order, np.cumsum(np.bincount(key, minlength=size))[:-1])
