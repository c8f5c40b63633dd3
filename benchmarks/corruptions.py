"""Certificates made false in many ways, each one in a way that cannot be true by accident.

A lowered rent, say, may leave a bound valid: it only counts where `models.bound` says that the
changed rents prove less than is stated.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from models.bound import configuration_bound
from models.certificate import Certificate
from models.problem import MILLI, NOBODY, Ints
from solver.backend import assignment_gain

Arrays = dict[str, Any]
Corruption = Callable[["Case"], Arrays | None]
"""The changed arrays, or None where this kind does not apply."""


class Case:
    """An honest certificate, its arrays, and the dice of one corruption."""

    def __init__(
        self, honest: Certificate, arrays: Mapping[str, Any], draw: np.random.Generator
    ) -> None:
        """Copy the arrays, so that they can be changed."""
        self.honest, self.problem, self.draw = honest, honest.problem, draw
        self.z: Arrays = {name: np.array(array) for name, array in arrays.items()}

    def one(self, choices: Ints) -> int | None:
        """Any of them, or None if there is none."""
        return int(self.draw.choice(choices)) if len(choices) else None

    def a_served(self) -> int | None:
        """A contact that has an agent."""
        return self.one(np.flatnonzero(self.z["agent"] != NOBODY))

    @property
    def is_tight(self) -> bool:
        """Whether the rents prove the stated bound and not one unit less."""
        rents, site = self.honest.rent, self.honest.site_price
        proven = configuration_bound(self.problem, rents, site)
        return proven == self.honest.bound and self.honest.proof in {"prices", "rents"}

    def with_rents(self, rent: Ints) -> Arrays | None:
        """The certificate with these rents, if they do not prove what it states."""
        proven = configuration_bound(self.problem, rent, self.honest.site_price)
        if proven <= self.honest.rent_bound:
            return None
        return self.z | {"rent": rent}


def corruptions(
    honest: Certificate, arrays: Mapping[str, Any], seed: int
) -> Iterator[tuple[str, Arrays]]:
    """Every kind that applies, by name, with the arrays of a false certificate."""
    for number, corrupt in enumerate(KINDS):
        changed = corrupt(Case(honest, arrays, np.random.default_rng([seed, number])))
        if changed is not None:
            yield corrupt.__name__, changed


def agent_not_of_its_class(case: Case) -> Arrays | None:
    """A served contact is given to somebody who may not serve it, and the gain is left."""
    pairs, contact = case.problem.pairs, case.a_served()
    if contact is None:
        return None
    own = pairs.agent[pairs.start[contact] : pairs.start[contact + 1]]
    other = case.one(np.setdiff1d(np.arange(case.problem.num_agents), own))
    return None if other is None else _set(case.z, "agent", contact, other)


def agent_that_does_not_exist(case: Case) -> Arrays | None:
    """One beyond the last agent."""
    contact = case.one(np.arange(case.problem.num_contacts))
    return None if contact is None else _set(case.z, "agent", contact, case.problem.num_agents)


def pair_banned(case: Case) -> Arrays | None:
    """A pair of the plan was declined."""
    contact = case.a_served()
    if contact is None:
        return None
    return _append(case.z, banned_contact=contact, banned_agent=case.z["agent"][contact])


def only_another_agent(case: Case) -> Arrays | None:
    """A served contact is locked to somebody else."""
    contact = case.a_served()
    if contact is None or case.problem.num_agents < 2:
        return None
    others = np.setdiff1d(np.arange(case.problem.num_agents), case.z["agent"][contact])
    return _set(case.z, "only_agent", contact, int(case.draw.choice(others)))


def lane_over_its_cap(case: Case) -> Arrays | None:
    """The lane of a served contact holds one more than it may."""
    contact = case.a_served()
    if contact is None:
        return None
    agent, lane = int(case.z["agent"][contact]), int(case.z["contact_lane"][contact])
    return _set(case.z, "lane_cap", (agent, lane), _held(case, agent, lane) - 1)


def agent_over_its_cap(case: Case) -> Arrays | None:
    """The agent of a served contact holds one more than it may."""
    contact = case.a_served()
    if contact is None:
        return None
    agent = int(case.z["agent"][contact])
    return _set(case.z, "agent_cap", agent, int((case.z["agent"] == agent).sum()) - 1)


def site_over_its_cap(case: Case) -> Arrays | None:
    """A site holds one more than it may."""
    site_of = np.append(case.z["agent_site"], NOBODY)[case.z["agent"]]
    site = case.one(np.unique(site_of[site_of != NOBODY]))
    if site is None:
        return None
    return _set(case.z, "site_cap", site, int((site_of == site).sum()) - 1)


def mix_that_does_not_fit(case: Case) -> Arrays | None:
    """No mix of an agent has room for what it holds."""
    contact = case.a_served()
    if contact is None:
        return None
    agent, lane = int(case.z["agent"][contact]), int(case.z["contact_lane"][contact])
    start = case.z["mix_start"]
    rows = np.arange(start[agent], start[agent + 1])
    room = np.minimum(case.z["mix_count"][rows, lane], _held(case, agent, lane) - 1)
    return _set(case.z, "mix_count", (rows, lane), room)


def units_over_their_cap(case: Case) -> Arrays | None:
    """An agent holds one unit more than it may."""
    units = case.problem.units
    if units is None:
        return None
    pairs = case.problem.pairs
    taken = case.z["agent"][pairs.contact] == pairs.agent
    used = np.bincount(pairs.agent[taken], units.of_pair[taken], case.problem.num_agents)
    agent = case.one(np.flatnonzero(used > 0))
    return None if agent is None else _set(case.z, "unit_cap", agent, int(used[agent]) - 1)


def gain_one_more(case: Case) -> Arrays:
    """The gain is stated a milli-unit too high."""
    return case.z | {"gain": case.z["gain"] + 1}


def gain_one_less(case: Case) -> Arrays:
    """The gain is stated a milli-unit too low."""
    return case.z | {"gain": case.z["gain"] - 1}


def bound_one_less(case: Case) -> Arrays | None:
    """The bound is stated a milli-unit below what the rents prove."""
    if not case.is_tight:
        return None
    return case.z | {"bound": case.z["bound"] - 1, "rent_bound": case.z["rent_bound"] - 1}


def bound_below_the_gain(case: Case) -> Arrays:
    """As only a search could claim."""
    return case.z | {"bound": case.z["gain"] - 1, "proof": np.array("search")}


def bound_that_rents_do_not_prove(case: Case) -> Arrays | None:
    """What only a search knows is stated as proven by rents."""
    if case.honest.rent_bound == case.honest.gain:
        return None
    return case.z | {
        "bound": case.z["gain"],
        "proof": np.array("rents"),
        "optimal": np.True_,
    }


def rent_lowered(case: Case) -> Arrays | None:
    """A rent is taken away."""
    paying = np.flatnonzero(case.honest.rent > 0)
    contact = case.one(paying)
    return None if contact is None else case.with_rents(_at(case.honest.rent, contact, 0))


def rent_raised(case: Case) -> Arrays | None:
    """A rent is higher than any gain."""
    contact = case.one(np.arange(case.problem.num_contacts))
    if contact is None:
        return None
    return case.with_rents(_at(case.honest.rent, contact, 10**9))


def rent_below_zero(case: Case) -> Arrays | None:
    """A negative rent proves nothing."""
    contact = case.one(np.arange(case.problem.num_contacts))
    return None if contact is None else _set(case.z, "rent", contact, -1)


def rents_that_overflow(case: Case) -> Arrays | None:
    """Rents whose sum is small only because it leaves 64 bits."""
    if case.problem.num_contacts < 4:
        return None
    return case.z | {"rent": np.full(case.problem.num_contacts, 2**62)}


def site_price_below_zero(case: Case) -> Arrays | None:
    """A negative price proves nothing."""
    site = case.one(np.arange(len(case.z["site_cap"])))
    return None if site is None else _set(case.z, "site_price", site, -1)


def optimum_with_a_gap(case: Case) -> Arrays | None:
    """A worse plan with its true gain is stated as the optimum."""
    contact = case.a_served()
    if contact is None:
        return None
    agent = _at(case.z["agent"], contact, NOBODY)
    gain = assignment_gain(case.problem, agent)
    if gain >= case.honest.bound:
        return None
    return case.z | {"agent": agent, "gain": np.array(gain), "optimal": np.True_}


def better_pair_hidden(case: Case) -> Arrays | None:
    """Somewhere among the pairs is one that alone gains more than the stated bound."""
    pairs, cap = case.problem.pairs, case.z["lane_cap"]
    room = (case.z["agent_cap"] > 0)[:, None] & (cap > 0)
    site = case.z["agent_site"]
    room[(site != NOBODY) & (np.append(case.z["site_cap"], 1)[site] == 0)] = False
    if case.problem.units is not None:
        return None
    mixes = case.problem.all_mixes
    open_lane = np.maximum.reduceat(mixes.count, mixes.start[:-1]) > 0
    lane = case.problem.contact_lane[pairs.contact]
    idle = case.z["agent"][pairs.contact] != pairs.agent
    place = case.one(np.flatnonzero(idle & (room & open_lane)[pairs.agent, lane]))
    if place is None:
        return None
    steps = case.problem.load_cost[pairs.agent[place]].max(initial=0)
    lacking = max(case.honest.bound, case.honest.rent_bound) - pairs.gain[place] + steps + MILLI
    return _append(
        case.z,
        extra_contact=pairs.contact[place],
        extra_agent=pairs.agent[place],
        extra_gain=lacking / MILLI,
    )


def value_changed(case: Case) -> Arrays | None:
    """A served contact is worth another sum than its plan says."""
    contact = case.a_served()
    if contact is None:
        return None
    return _set(case.z, "base", contact, case.z["base"][contact] - 1.0)


def load_cost_raised(case: Case) -> Arrays | None:
    """Load costs that the gain does not take off."""
    contact = case.a_served()
    if contact is None or not case.problem.load_cost.shape[1]:
        return None
    return case.z | {"load_cost": case.z["load_cost"] + 1}


def not_a_number(case: Case) -> Arrays | None:
    """NaN in one of the arrays of money."""
    names = [n for n in ("base", "rate", "term_coef", "extra_gain") if case.z[n].size]
    name = str(case.draw.choice(names))
    spoilt = case.z[name].copy()
    spoilt.flat[case.draw.integers(spoilt.size)] = np.nan
    return case.z | {name: spoilt}


def array_cut_short(case: Case) -> Arrays:
    """The last row of an array is gone."""
    names = [n for n, array in case.z.items() if array.ndim and len(array) and n not in ALONE]
    name = str(case.draw.choice(names))
    return case.z | {name: case.z[name][:-1]}


def array_gone(case: Case) -> Arrays:
    """An array is missing."""
    name = str(case.draw.choice(list(case.z)))
    return {other: array for other, array in case.z.items() if other != name}


def array_of_another_type(case: Case) -> Arrays:
    """Whole numbers as floats, which could not be added exactly."""
    name = str(case.draw.choice(["rent", "agent", "gain", "bound", "site_price", "lane_cap"]))
    return case.z | {name: case.z[name].astype(np.float64)}


def contact_listed_twice(case: Case) -> Arrays | None:
    """Two conversations with one lead: the same contact could go to two agents."""
    if case.problem.num_contacts < 2:
        return None
    return _set(case.z, "contact_id", 0, case.z["contact_id"][1])


def agent_listed_twice(case: Case) -> Arrays | None:
    """Two agents with one id: the same one could be filled twice."""
    if case.problem.num_agents < 2:
        return None
    return _set(case.z, "agent_id", 0, case.z["agent_id"][1])


def class_out_of_range(case: Case) -> Arrays | None:
    """A contact of a class that does not exist."""
    contact = case.one(np.arange(case.problem.num_contacts))
    return None if contact is None else _set(case.z, "contact_class", contact, 10**6)


def proof_unheard_of(case: Case) -> Arrays:
    """A word that is no kind of proof."""
    return case.z | {"proof": np.array("trust")}


KINDS: tuple[Corruption, ...] = (
    agent_not_of_its_class,
    agent_that_does_not_exist,
    pair_banned,
    only_another_agent,
    lane_over_its_cap,
    agent_over_its_cap,
    site_over_its_cap,
    mix_that_does_not_fit,
    units_over_their_cap,
    gain_one_more,
    gain_one_less,
    bound_one_less,
    bound_below_the_gain,
    bound_that_rents_do_not_prove,
    rent_lowered,
    rent_raised,
    rent_below_zero,
    rents_that_overflow,
    site_price_below_zero,
    optimum_with_a_gap,
    better_pair_hidden,
    value_changed,
    load_cost_raised,
    not_a_number,
    array_cut_short,
    array_gone,
    array_of_another_type,
    contact_listed_twice,
    agent_listed_twice,
    class_out_of_range,
    proof_unheard_of,
)
"""All kinds; each draws for itself."""

ALONE = {"class_ptr", "rate", "served"}
"""Arrays that can lose a last row that nothing uses, and stay true."""


def _held(case: Case, agent: int, lane: int) -> int:
    return int(((case.z["agent"] == agent) & (case.z["contact_lane"] == lane)).sum())


def _at(array: Ints, place: Any, value: Any) -> Any:  # noqa: ANN401
    changed = array.copy()
    changed[place] = value
    return changed


def _set(z: Arrays, name: str, place: Any, value: Any) -> Arrays:  # noqa: ANN401
    return z | {name: _at(z[name], place, value)}


def _append(z: Arrays, **values: Any) -> Arrays:  # noqa: ANN401
    return z | {
        name: np.append(z[name], np.array(value, dtype=z[name].dtype))
        for name, value in values.items()
    }
