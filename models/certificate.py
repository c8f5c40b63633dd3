"""The certificate of a plan: all that an independent checker needs, as arrays of one file.

The problem in class form, never by pair, and the claim: the assignment, its gain, and rents of
contacts with prices of sites that prove the bound over all pairs, whatever form the problem has:

    D = sum_i rent[i] + sum_sites cap * price + sum_agents best mix of gain - rent - site price

`docs/certificate.md` lists the arrays; `models/check_certificate.py` checks them.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import is_zipfile

import numpy as np
from numpy.typing import NDArray

from models.bound import configuration_bound, contact_rents
from models.lifted import lifted
from models.problem import (
    LARGEST_GAIN,
    NO_TIER,
    NOBODY,
    AssignmentProblem,
    Ints,
    Positions,
)
from models.solution import Proof, Solution, Termination

TIERS = "tiers"
"""Proof of a plan with tiers whose solver states no weight: nothing that rents could show."""

NO_UNIT_CAP = -1


@dataclass(frozen=True, eq=False)
class Names:
    """What the positions of a problem stand for."""

    tick_at: datetime
    contact_id: NDArray[np.str_]
    """(C,) lead contact of each conversation."""
    agent_id: NDArray[np.str_]
    """(A,)"""


@dataclass(frozen=True, eq=False)
class Certificate:
    """A problem, a plan and the proof of its bound; gains are in milli-units."""

    problem: AssignmentProblem
    names: Names
    agent: Positions
    """(C,) agent of each contact, or NOBODY."""
    gain: int
    bound: int
    """As the solver states it."""
    rent: Ints
    """(C,)"""
    site_price: Ints
    """(S,)"""
    rent_bound: int
    """What rents and site prices prove; up to `bound` if `proof` is by prices or rents."""
    proof: str
    """A `Proof`, or TIERS."""
    optimal: bool
    served: tuple[int, ...]
    """Contacts of each tier that are served."""
    tier_weight: int
    """Added to every gain per level of the contact's tier before rents are taken off."""
    tier_level: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """The content of the file: numpy's `.npz`, not compressed, without pickled objects."""
        file = BytesIO()
        np.savez(file, allow_pickle=False, **_arrays(self))
        return file.getvalue()


def read_arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of a certificate's file by name; ValueError if it is no such file, or damaged."""
    if not is_zipfile(BytesIO(content)):
        raise ValueError("it is no archive of arrays")
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            return dict(file)
    except Exception as error:  # a damaged archive raises whatever its parser stumbles over
        raise ValueError(f"{type(error).__name__}: {error}") from error


def certify(
    problem: AssignmentProblem, solution: Solution, names: Names, rents: Ints | None = None
) -> Certificate:
    """The certificate of a solution of this problem.

    `rents` (C,) are those of the solution's prices, where the caller has them; else they are
    worked out over the listed pairs. They are not needed where the solution states its own.
    """
    site_price, proof = solution.prices.site, solution.proof.value
    weighted = weighted_problem(problem, solution)
    if solution.proof is not Proof.PRICES and solution.rents is not None:
        rents = solution.rents
    elif rents is None:
        rents = contact_rents(weighted, solution.prices)
    if problem.tier is not None and not solution.tier_weight:
        # Those of weighted gains have any sign and size; cut to what money can be, they still
        # bound the money of any plan.
        proof, rents = TIERS, np.clip(rents, 0, LARGEST_GAIN)
        site_price = np.clip(site_price, 0, LARGEST_GAIN)
    # A network's rents prove no more than its prices, and a proof by rents is theirs: the stated
    # bound is what they prove. Other proofs know more than rents can say.
    rent_bound = solution.bound
    if proof in {Proof.SEARCH, Proof.UNITS, TIERS}:
        rents = np.clip(rents, 0, LARGEST_GAIN)
        lift = tier_lift(problem, solution)
        rent_bound = configuration_bound(weighted, rents, site_price)
        rent_bound -= int(lift[solution.agent != NOBODY].sum())
    return Certificate(
        problem=problem,
        names=names,
        agent=solution.agent,
        gain=solution.gain,
        bound=solution.bound,
        rent=rents,
        site_price=site_price,
        rent_bound=rent_bound,
        proof=proof,
        optimal=solution.termination is Termination.OPTIMAL,
        served=solution.served if problem.tier is not None else (),
        tier_weight=solution.tier_weight,
        tier_level=_levels(problem, solution),
    )


def tier_lift(problem: AssignmentProblem, solution: Solution) -> Ints:
    """What the tiers add to the gains of each contact in the proof, milli-units, (C,)."""
    lift = np.zeros(problem.num_contacts, dtype=np.int64)
    if problem.tier is not None and solution.tier_weight:
        level = np.array((*_levels(problem, solution), 0), dtype=np.int64)
        lift = solution.tier_weight * level[problem.tier]
    return lift


def weighted_problem(problem: AssignmentProblem, solution: Solution) -> AssignmentProblem:
    """The problem whose bound the solution's prices and rents state."""
    lift = tier_lift(problem, solution)
    return lifted(problem, lift) if lift.any() else problem


def _levels(problem: AssignmentProblem, solution: Solution) -> tuple[int, ...]:
    """Level of each tier that `served` counts, 0 where the solver states none."""
    given = solution.tier_levels[: len(solution.served)]
    size = len(solution.served) if problem.tier is not None else 0
    return (*given, *(0 for _ in range(size - len(given))))


def _arrays(certificate: Certificate) -> dict[str, NDArray[Any]]:
    """The arrays of the file by name, in the kinds that `check_certificate.FORMAT` states."""
    problem, names = certificate.problem, certificate.names
    parts = {"mixes", "units", "tier"}
    arrays = {
        field.name: getattr(problem, field.name)
        for field in fields(problem)
        if field.name not in parts
    }
    mixes, tier, units = problem.all_mixes, problem.tier, problem.units
    free = np.full(problem.num_agents, NO_UNIT_CAP, dtype=np.int64)
    return arrays | {
        "mix_start": mixes.start,
        "mix_count": mixes.count,
        "unit_cap": free if units is None else units.cap,
        "unit_of_entry": _units_by_entry(problem),
        "tier": np.full(problem.num_contacts, NO_TIER, np.int32) if tier is None else tier,
        "served": np.array(certificate.served, dtype=np.int64),
        "tier_level": np.array(certificate.tier_level, dtype=np.int64),
        "tier_weight": np.array(certificate.tier_weight, dtype=np.int64),
        "agent": certificate.agent,
        "rent": certificate.rent,
        "site_price": certificate.site_price,
        "gain": np.array(certificate.gain, dtype=np.int64),
        "bound": np.array(certificate.bound, dtype=np.int64),
        "rent_bound": np.array(certificate.rent_bound, dtype=np.int64),
        "proof": np.array(certificate.proof),
        "optimal": np.array(certificate.optimal),
        "contact_id": names.contact_id,
        "agent_id": names.agent_id,
        "tick_at": np.array(names.tick_at.isoformat()),
    }


def _units_by_entry(problem: AssignmentProblem) -> Ints:
    """Units by contact and then agent of its class, 0 at pairs that are not eligible."""
    if problem.units is None:
        return np.zeros(0, dtype=np.int64)
    sizes = np.diff(problem.class_ptr)[problem.contact_class]
    first = np.cumsum(sizes) - sizes
    contact = np.repeat(np.arange(problem.num_contacts), sizes)
    within = np.arange(len(contact)) - np.repeat(first, sizes)
    agent = problem.class_agent[problem.class_ptr[problem.contact_class][contact] + within]
    width, pairs = max(problem.num_agents, 1), problem.pairs
    units = np.zeros(len(contact), dtype=np.int64)
    listed = pairs.contact.astype(np.int64) * width + pairs.agent
    units[np.searchsorted(contact * width + agent, listed)] = problem.units.of_pair
    return units
