"""The fast price: what is lost in the next handling time if an agent's slot were missing.

Contacts of the next few minutes are sampled one by one, the free times of busy agents too, and
both are matched exactly. The largest optimal dual of a slot is the value lost without it (Shapley
and Shubik 1971), so it is 0 for whom nobody would miss (`value.md` 1).

With concurrency an agent has several slots, each with a free time of its own, and takes as many
chats. A contact that fills an agent (a voice call beside chats) comes in as many parts, each worth
its share: they may lie at different agents, so the matching is a relaxation there, but a slot then
costs what its share of the attention is worth, to calls and to chats alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.problem import Floats, Ints
from solver.pricing import fast_kernels, fast_worth_kernels
from solver.pricing.fast_kernels import NOBODY_YET, Matching, Worths
from solver.pricing.fast_worth_kernels import Sample, Tables
from solver.pricing.scenarios import SampledContacts

SMOOTHING = 0.3
"""Weight of the previous price."""


@dataclass(frozen=True, eq=False)
class FastInputs:
    """K contact classes, A agents."""

    resolution: Floats
    """(K, A) probability that the agent resolves a contact of the class."""
    handling_s: Floats
    """(K, A) mean handling time."""
    allowed: NDArray[np.bool_]
    """(K, A) eligible, and not below the floor on the resolution probability."""
    loss: Floats
    """(K,) money lost if the customer leaves."""
    waiting_cost: Floats
    """(K,) money per second."""
    mean_patience_s: Floats
    """(K,) may be infinite."""
    parts: Ints
    """(K,) slots that a contact takes, >= 1: 1 for a chat."""
    slow_price: Floats
    """(A,) money per agent-second, asked for work beyond the window."""
    slots: Ints
    """(A,) >= 1: contacts of one part that the agent can hold at once."""
    window_s: float
    """Length of the sampled future: the rate-weighted mean handling time."""

    def __post_init__(self) -> None:
        """Check shapes and ranges: compiled code does not."""
        classes, agents = shape = self.resolution.shape
        if self.handling_s.shape != shape or self.allowed.shape != shape:
            raise ValueError(
                f"fast price: resolution {shape}, handling {self.handling_s.shape} and allowed"
                f" {self.allowed.shape} differ in shape; expected (K, A) for all: build them from"
                " the same classes and agents"
            )
        by_class = (self.loss, self.waiting_cost, self.mean_patience_s, self.parts)
        by_agent = (self.slow_price, self.slots)
        if {len(x) for x in by_class} != {classes} or {len(x) for x in by_agent} != {agents}:
            raise ValueError(
                f"fast price: a row per class or agent is missing; expected {classes} and"
                f" {agents}: build them from the same classes and agents"
            )
        if min(self.parts.min(initial=1), self.slots.min(initial=1)) < 1:
            raise ValueError(
                "fast price: a class without parts or an agent without slots;"
                " expected at least 1 of each: leave the agent out"
            )


@dataclass(frozen=True, eq=False)
class FastScenario:
    """One sampled future."""

    contacts: SampledContacts
    free_s: Floats
    """(J,) seconds until each slot is free, the slots of agent 0 first; 0 if free, infinite if
    never."""


@dataclass(frozen=True, eq=False)
class SlotWorths:
    """Pairs that gain, and the number of slots, used or not."""

    worths: Worths
    num_slots: int


def fast_prices(inputs: FastInputs, scenarios: Sequence[FastScenario]) -> Floats:
    """(A,) money: mean over the scenarios of the agents' largest optimal duals.

    It is the price of all of an agent's attention: the sum over their slots. Raises ValueError
    where a scenario has other slots than the inputs.
    """
    slot_agent = np.repeat(np.arange(len(inputs.slots)), inputs.slots)
    total = np.zeros(len(inputs.slots))
    for scenario in scenarios:
        if scenario.free_s.shape != slot_agent.shape:
            raise ValueError(
                f"fast price: {len(scenario.free_s)} free times for {len(slot_agent)} slots;"
                " expected one each: repeat agents by their slots"
            )
        matching = largest_duals(pair_worths(inputs, scenario))
        total += np.bincount(slot_agent, weights=matching.price, minlength=len(total))
    return total / max(len(scenarios), 1)


def smoothed(new: Floats, old: Floats | None, weight: float = SMOOTHING) -> Floats:
    """New prices moved towards the old ones, or as they are without old ones of this shape."""
    if old is None or old.shape != new.shape:
        return new
    return weight * old + (1.0 - weight) * new


def pair_worths(inputs: FastInputs, scenario: FastScenario) -> SlotWorths:
    """What each sampled contact, or part of one, is worth at each slot, where that is positive.

    S(wait) (p V + L) - c wait - slow price * time beyond the window, where S is the share of
    customers who still wait and a slot bears its share of the agent's slow price.
    """
    tables = Tables(
        resolution=np.ascontiguousarray(inputs.resolution, dtype=np.float64),
        handling_s=np.ascontiguousarray(inputs.handling_s, dtype=np.float64),
        allowed=np.ascontiguousarray(inputs.allowed, dtype=np.bool_),
        loss=np.ascontiguousarray(inputs.loss, dtype=np.float64),
        waiting_cost=np.ascontiguousarray(inputs.waiting_cost, dtype=np.float64),
        leaving_per_s=1.0 / np.ascontiguousarray(inputs.mean_patience_s, dtype=np.float64),
        parts=np.ascontiguousarray(inputs.parts, dtype=np.int64),
        overrun_price=inputs.slow_price / inputs.slots,
    )
    contacts = scenario.contacts
    sample = Sample(
        kind=np.ascontiguousarray(contacts.kind, dtype=np.int64),
        arrival_s=np.ascontiguousarray(contacts.arrival_s, dtype=np.float64),
        value=np.ascontiguousarray(contacts.value, dtype=np.float64),
        slot_agent=np.repeat(np.arange(len(inputs.slots)), inputs.slots),
        free_s=np.ascontiguousarray(scenario.free_s, dtype=np.float64),
    )
    worths = fast_worth_kernels.pair_worths(tables, sample, float(inputs.window_s))
    return SlotWorths(worths, len(sample.free_s))


def largest_duals(pairs: SlotWorths) -> Matching:
    """An optimal matching and its largest slot prices."""
    contacts = len(pairs.worths.start) - 1
    matching = Matching(
        slot_of=np.full(contacts, NOBODY_YET, dtype=np.int64),
        contact_of=np.full(pairs.num_slots, NOBODY_YET, dtype=np.int64),
        rent=np.zeros(contacts),
        price=np.zeros(pairs.num_slots),
    )
    fast_kernels.match(pairs.worths, matching)
    fast_kernels.raise_prices(pairs.worths, matching)
    return matching
