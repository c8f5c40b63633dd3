"""The assignment problem as arrays: no ids, no rules, only eligibility, gains and capacities.

Gains are stated by class so that they need not be stored for every pair:

    gain(i, j) = base[i] + sum over r of term_coef[i, r] * rate[term_row[i, r], j] + extra(i, j)

where the eligible agents j of contact i are those of its class (`class_ptr`, `class_agent`), less
`banned` pairs, and only `only_agent[i]` where that is set. A contact here is one conversation.

Capacities nest: lanes (one per agent and channel) inside agents inside sites. So far the problem
is a network and its linear relaxation is integral (`methods.md` 1.2). Three parts may go further:
`mixes` offer an agent several sets of lane caps, of which one is chosen (`methods.md` 1.3b),
`units` give every pair a weight of its own (generalised assignment), and `tier` names contacts
that are served strictly before money is looked at (`methods.md` 1.5).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Positions = NDArray[np.int32]

MILLI = 1000
"""Gains are integers in thousandths of the currency from here on (`methods.md` 1.6)."""

LARGEST_GAIN = 2**40
"""Milli-units; beyond it the solvers' fixed-point arithmetic could overflow."""

LARGEST_CAP = 1_000_000
"""No agent, lane or site takes more at once; beyond it sums of prices could overflow."""

NOBODY = -1

NO_TIER = -1
"""Tier of contacts that compete by money alone."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Every eligible pair, sorted by contact and then agent; E entries."""

    contact: Positions
    agent: Positions
    gain: Ints
    """Milli-units, negative ones included."""
    start: Ints
    """(C + 1,): pairs of contact i are start[i]:start[i + 1]."""

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.contact)


@dataclass(frozen=True, eq=False)
class Prices:
    """Price of one more slot at every level, milli-units, all >= 0.

    A contact that enters lane l of agent j pays `lane[j, l] + agent[j] + site[site_of(j)]`.
    Any such prices give a valid upper bound (`models/bound.py`).
    """

    lane: Ints
    """(A, L)"""
    agent: Ints
    """(A,)"""
    site: Ints
    """(S,)"""


@dataclass(frozen=True, eq=False)
class Mixes:
    """What agents can take together, as P maximal count vectors, at least one per agent.

    The new contacts of agent j, counted by lane, stay below one of its rows in every lane.
    """

    start: Ints
    """(A + 1,): rows of agent j are start[j]:start[j + 1], never empty."""
    count: Ints
    """(P, L), each row within the agent's `lane_cap`."""


@dataclass(frozen=True, eq=False)
class PairUnits:
    """Weights of single pairs against one capacity per agent: generalised assignment proper."""

    of_pair: Ints
    """(E,) whole units, >= 0, in the order of `pairs`."""
    cap: Ints
    """(A,) units that agent j can take together."""


@dataclass(frozen=True, eq=False)
class AssignmentProblem:
    """C contacts, A agents, L lane kinds, S sites; checked on construction."""

    contact_class: Positions
    """(C,) class of each contact."""
    class_ptr: Ints
    """(K + 1,)"""
    class_agent: Positions
    """Eligible agents of class k, ascending: class_agent[class_ptr[k]:class_ptr[k + 1]]."""
    only_agent: Positions
    """(C,) the one agent allowed, or NOBODY for no such restriction."""
    banned_contact: Positions
    banned_agent: Positions

    base: Floats
    """(C,) money."""
    term_row: Positions
    """(C, R) rows of `rate`."""
    term_coef: Floats
    """(C, R)"""
    rate: Floats
    """(T, A)"""
    extra_contact: Positions
    extra_agent: Positions
    extra_gain: Floats
    """Money added to single pairs; pairs that are not eligible are ignored."""

    contact_lane: Positions
    """(C,) lane kind that the contact enters at its agent."""
    lane_cap: Ints
    """(A, L) new contacts per lane."""
    agent_cap: Ints
    """(A,) new contacts per agent."""
    load_cost: Ints
    """(A, F) milli-units that the n-th new contact of an agent costs; rows ascend; F may be 0."""
    agent_site: Positions
    """(A,) site of the agent, or NOBODY when its site has no cap."""
    site_cap: Ints
    """(S,)"""
    mixes: Mixes | None = None
    """None: every agent's one mix is its row of `lane_cap`."""
    units: PairUnits | None = None
    """None: pairs weigh nothing beyond their place in a lane."""
    tier: Positions | None = None
    """(C,) 0 is served before 1 and so on, whatever it costs; NO_TIER, or None, is money only."""

    @property
    def num_contacts(self) -> int:
        """C."""
        return len(self.contact_class)

    @property
    def num_agents(self) -> int:
        """A."""
        return len(self.agent_cap)

    @property
    def num_lanes(self) -> int:
        """L."""
        return int(self.lane_cap.shape[1])

    def __post_init__(self) -> None:
        """Check shapes, ranges and finiteness; a wrong problem must not reach a solver.

        Capacities are kept as contiguous arrays of the solver's own, whoever made them.
        """
        self._own_capacities()
        contacts, agents = self.num_contacts, self.num_agents
        rows = (self.contact_class, self.only_agent, self.base, self.term_row, self.term_coef)
        if any(len(row) != contacts for row in (*rows, self.contact_lane)):
            raise ValueError(f"problem: contact arrays differ in length; expected {contacts} rows")
        if self.term_row.shape != self.term_coef.shape:
            raise ValueError("problem: term_row and term_coef differ in shape")
        if any(len(row) != agents for row in (self.lane_cap, self.load_cost, self.agent_site)):
            raise ValueError(f"problem: agent arrays differ in length; expected {agents} rows")
        if self.rate.shape[1] != agents:
            raise ValueError(f"problem: rate has {self.rate.shape[1]} agents, expected {agents}")
        for name in ("base", "term_coef", "rate", "extra_gain"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"problem: {name} has NaN or infinite values; expected finite")
        self._check_capacities()
        self._check_options()

    def _own_capacities(self) -> None:
        for name in ("lane_cap", "agent_cap", "load_cost", "site_cap"):
            object.__setattr__(self, name, np.require(getattr(self, name), np.int64, ["C", "W"]))
        if self.mixes is not None:
            both = (self.mixes.start, self.mixes.count)
            own = Mixes(*(np.require(part, np.int64, ["C", "W"]) for part in both))
            object.__setattr__(self, "mixes", own)

    def _check_capacities(self) -> None:
        for name in ("lane_cap", "agent_cap", "site_cap", "load_cost"):
            values = getattr(self, name)
            if (values < 0).any():
                raise ValueError(f"problem: {name} has negative values; expected >= 0")
            if name != "load_cost" and values.max(initial=0) > LARGEST_CAP:
                raise ValueError(f"problem: {name} exceeds {LARGEST_CAP:,}; expected at most that")
        if (np.diff(self.load_cost, axis=1) < 0).any():
            raise ValueError("problem: load_cost falls along a row; expected ascending (convex)")

    def _check_options(self) -> None:
        if self.tier is not None and len(self.tier) != self.num_contacts:
            raise ValueError(
                f"problem: tier has {len(self.tier)} rows, expected {self.num_contacts}"
            )
        if self.tier is not None and (self.tier < NO_TIER).any():
            raise ValueError("problem: a tier is below 0; expected 0, 1, ... or NO_TIER")
        if self.units is not None:
            if len(self.units.cap) != self.num_agents:
                raise ValueError(
                    f"problem: units have {len(self.units.cap)} caps, expected {self.num_agents}"
                )
            if min(int(self.units.cap.min(initial=0)), int(self.units.of_pair.min(initial=0))) < 0:
                raise ValueError("problem: units have negative values; expected >= 0")
        if self.mixes is None:
            return
        sizes, ends = np.diff(self.mixes.start), self.mixes.start[[0, -1]].tolist()
        if ends != [0, len(self.mixes.count)]:
            raise ValueError(
                f"problem: mixes start at {ends[0]} and end at {ends[1]}, expected 0 and"
                f" {len(self.mixes.count)}"
            )
        if len(sizes) != self.num_agents or (sizes < 1).any():
            raise ValueError("problem: an agent has no mix; expected one row or more for each")
        of = np.repeat(np.arange(self.num_agents), sizes)
        if (self.mixes.count < 0).any() or (self.mixes.count > self.lane_cap[of]).any():
            raise ValueError("problem: a mix is outside its agent's lane_cap; expected within")

    @cached_property
    def all_mixes(self) -> Mixes:
        """The mixes of every agent: those given, or `lane_cap` as the only one."""
        if self.mixes is not None:
            return self.mixes
        return Mixes(np.arange(self.num_agents + 1, dtype=np.int64), self.lane_cap)

    @cached_property
    def lane_room(self) -> Ints:
        """(A, L) the most of each lane that any mix of the agent has room for."""
        if self.mixes is None or not self.num_agents:
            return self.lane_cap
        most: Ints = np.maximum.reduceat(self.mixes.count, self.mixes.start[:-1], axis=0)
        return most

    @cached_property
    def pairs(self) -> Pairs:
        """All eligible pairs with their integer gains.

        Raises OverflowError when a gain exceeds LARGEST_GAIN.
        """
        sizes = np.diff(self.class_ptr)[self.contact_class]
        contact = np.repeat(np.arange(self.num_contacts, dtype=np.int32), sizes)
        first = np.cumsum(sizes) - sizes
        within = np.arange(len(contact)) - np.repeat(first, sizes)
        entry = np.repeat(self.class_ptr[:-1][self.contact_class], sizes) + within
        agent = self.class_agent[entry]
        keep = self._allowed(contact, agent)
        if keep is not None:
            contact, agent = contact[keep], agent[keep]
        gain = to_milli(self._gains(contact, agent))
        start = np.zeros(self.num_contacts + 1, dtype=np.int64)
        np.cumsum(np.bincount(contact, minlength=self.num_contacts), out=start[1:])
        return Pairs(contact, agent, gain, start)

    def _allowed(self, contact: Positions, agent: Positions) -> NDArray[np.bool_] | None:
        keep: NDArray[np.bool_] | None = None
        if (self.only_agent != NOBODY).any():
            only = self.only_agent[contact]
            keep = (only == NOBODY) | (only == agent)
        if len(self.banned_contact):
            width = max(self.num_agents, 1)
            banned = self.banned_contact.astype(np.int64) * width + self.banned_agent
            free = ~np.isin(contact.astype(np.int64) * width + agent, banned)
            keep = free if keep is None else keep & free
        return keep

    def _gains(self, contact: Positions, agent: Positions) -> Floats:
        gain = self.base[contact]
        width = self.num_agents
        flat = self.rate.ravel()
        for term in range(self.term_row.shape[1]):
            row = self.term_row[:, term].astype(np.int64)[contact]
            gain += self.term_coef[:, term][contact] * flat[row * width + agent]
        if len(self.extra_contact):
            key = contact.astype(np.int64) * width + agent
            extra_key = self.extra_contact.astype(np.int64) * width + self.extra_agent
            place = np.searchsorted(key, extra_key)
            inside = place < len(key)
            hit = np.flatnonzero(inside)[key[place[inside]] == extra_key[inside]]
            np.add.at(gain, place[hit], self.extra_gain[hit])
        return gain


def to_milli(money: Floats) -> Ints:
    """Money as milli-units, rounded half to even; raises OverflowError if too large."""
    milli = np.rint(money * MILLI)
    if len(milli) and np.abs(milli).max() > LARGEST_GAIN:
        raise OverflowError(
            f"gain of {np.abs(money).max():,.0f} is too large; expected at most"
            f" {LARGEST_GAIN / MILLI:,.0f}: check customer values and the policy's factors"
        )
    return milli.astype(np.int64)
