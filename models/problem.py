"""The assignment problem as arrays: no ids, no rules, only eligibility, gains and capacities.

Gains are stated by class so that they need not be stored for every pair:

    gain(i, j) = base[i] + sum over r of term_coef[i, r] * rate[term_row[i, r], j] + extra(i, j)

where the eligible agents j of contact i are those of its class (`class_ptr`, `class_agent`), less
`banned` pairs, and only `only_agent[i]` where that is set. A contact here is one conversation.
Capacities nest: lanes (one per agent and channel) inside agents inside sites, so the problem is a
network and its linear relaxation is integral (`methods.md` 1.2).
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

NOBODY = -1


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
        """Check shapes, ranges and finiteness; a wrong problem must not reach a solver."""
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
        for name in ("lane_cap", "agent_cap", "site_cap", "load_cost"):
            if (getattr(self, name) < 0).any():
                raise ValueError(f"problem: {name} has negative values; expected >= 0")
        if (np.diff(self.load_cost, axis=1) < 0).any():
            raise ValueError("problem: load_cost falls along a row; expected ascending (convex)")

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


def dense_problem(
    gain: Ints,
    agent_cap: Ints,
    *,
    eligible: NDArray[np.bool_] | None = None,
    lane: Positions | None = None,
    lane_cap: Ints | None = None,
    load_cost: Ints | None = None,
    agent_site: Positions | None = None,
    site_cap: Ints | None = None,
) -> AssignmentProblem:
    """A problem from a (C, A) matrix of gains in milli-units: one class per contact.

    For published instances and tests; ticks state their gains by class instead.
    """
    contacts, agents = gain.shape
    mask = np.ones(gain.shape, dtype=bool) if eligible is None else eligible
    class_ptr = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64)
    nobody: Positions = np.zeros(0, dtype=np.int32)
    return AssignmentProblem(
        contact_class=np.arange(contacts, dtype=np.int32),
        class_ptr=class_ptr,
        class_agent=np.nonzero(mask)[1].astype(np.int32),
        only_agent=np.full(contacts, NOBODY, dtype=np.int32),
        banned_contact=nobody,
        banned_agent=nobody,
        base=np.zeros(contacts),
        term_row=np.arange(contacts, dtype=np.int32)[:, None],
        term_coef=np.ones((contacts, 1)),
        rate=gain / MILLI,
        extra_contact=nobody,
        extra_agent=nobody,
        extra_gain=np.zeros(0),
        contact_lane=np.zeros(contacts, dtype=np.int32) if lane is None else lane,
        lane_cap=agent_cap[:, None].copy() if lane_cap is None else lane_cap,
        agent_cap=agent_cap,
        load_cost=np.zeros((agents, 0), dtype=np.int64) if load_cost is None else load_cost,
        agent_site=np.full(agents, NOBODY, dtype=np.int32) if agent_site is None else agent_site,
        site_cap=np.zeros(0, dtype=np.int64) if site_cap is None else site_cap,
    )
