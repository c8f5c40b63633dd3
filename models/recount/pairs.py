"""Section 3 of `docs/model.md`, continued: what concerns single pairs, and all eligible ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.plan import Reason
from models.recount.declines import refusals_of
from models.recount.locks import locked_to, party_items, reserved_for
from models.recount.numbers import Bools, Floats, Ints, first_of_runs
from models.recount.rules import RULES
from models.recount.sides import Sides
from models.recount.standing import NOBODY
from models.recount.tested import Tested, build_tested

REASONS = (*RULES, Reason.DECLINED, Reason.CUSTOMER_LOCKED, Reason.HELD_FOR_PREFERRED)

PAIRS_AT_ONCE = 2**16
"""Bounds the memory of a pass over all pairs, to what fits a processor's cache."""


@dataclass(frozen=True, eq=False)
class Eligibility:
    """Outcome of every rule for every class and agent, and for every single pair."""

    tested: Tested
    only_agent: Ints
    """(C,) agent that the conversation is locked to, NOBODY where it is not locked, or
    LOCKED_TO_NOBODY"""
    reserved_for: Ints
    """(C,) preferred agent that the conversation waits for, or NOBODY"""
    apart: Ints
    """Sorted keys, conversation * A + agent, of the pairs that declines keep apart."""
    ties: pl.DataFrame
    """(conversation, agent, contact_id, state, started_at, is_live), `party_items`"""

    @property
    def num_agents(self) -> int:
        """A."""
        return self.tested.num_agents

    @property
    def class_of(self) -> Ints:
        """(C,)"""
        return self.tested.class_of

    @property
    def survivors(self) -> Ints:
        """(K, rules + 1) agents left before the first rule, after it, ... after the last."""
        return self.tested.survivors

    @property
    def num_qualified(self) -> Ints:
        """(K,) suitable agents."""
        return self.tested.num_qualified

    @property
    def num_ready(self) -> Ints:
        """(K,) agents who pass all tests."""
        return self.tested.num_ready

    @property
    def mean_probability(self) -> Floats:
        """(K,) over the suitable agents."""
        return self.tested.mean_probability

    @property
    def best_probability(self) -> Floats:
        """(K,) over the suitable agents, 1 where there are none."""
        return self.tested.best_probability

    @property
    def ready_class(self) -> Ints:
        """(entries,) class of each entry: classes and agents who pass all tests."""
        return self.tested.ready_class

    @property
    def ready_agent(self) -> Ints:
        """(entries,)"""
        return self.tested.ready_agent

    def entry(self, conversation: Ints, agent: Ints) -> Ints:
        """Place of each pair among the entries; the pairs must be ready."""
        return self.tested.entry(conversation, agent)

    def num_passed(self, conversation: Ints, agent: Ints) -> Ints:
        """How many of RULES hold for each pair before the first that fails."""
        return self.tested.num_passed(conversation, agent)

    def declined(self, conversation: Ints, agent: Ints) -> Bools:
        """Whether declines keep each pair apart."""
        concerned = np.zeros(len(self.class_of), dtype=bool)
        concerned[self.apart // max(self.num_agents, 1)] = True
        found: Bools = concerned[conversation]
        some = np.flatnonzero(found)
        found[some] = np.isin(conversation[some] * self.num_agents + agent[some], self.apart)
        return found

    def locked(self, conversation: Ints, agent: Ints) -> Bools:
        """Whether each conversation is locked to another agent."""
        return _for_another(self.only_agent, conversation, agent)

    def reserved(self, conversation: Ints, agent: Ints) -> Bools:
        """Whether each conversation waits for another agent."""
        return _for_another(self.reserved_for, conversation, agent)

    def barred(self, conversation: Ints, agent: Ints) -> Bools:
        """Whether declines, a lock or a reservation keep each pair apart."""
        barred: Bools = self.declined(conversation, agent)
        barred |= self.locked(conversation, agent)
        barred |= self.reserved(conversation, agent)
        return barred

    def first_broken(self, conversation: Ints, agent: Ints) -> Ints:
        """Position in REASONS of the first rule that each pair breaks, their number if none."""
        passed = self.num_passed(conversation, agent)
        tail = np.where(self.reserved(conversation, agent), 2, 3)
        tail = np.where(self.locked(conversation, agent), 1, tail)
        tail = np.where(self.declined(conversation, agent), 0, tail)
        return np.where(passed == len(RULES), passed + tail, passed)


@dataclass(frozen=True, eq=False)
class PairBlock:
    """The ready pairs of neighbouring conversations, by conversation and then agent."""

    conversation: Ints
    entry: Ints
    agent: Ints
    filled: Ints
    """Conversations with at least one pair."""
    start: Ints
    """First pair of each of them."""


def build_eligibility(sides: Sides) -> Eligibility:
    """All rules applied to all classes, and what concerns single pairs."""
    tested, ties = build_tested(sides), party_items(sides)
    refused = refusals_of(sides, tested)
    only = locked_to(sides, tested, ties, refused.banned)
    reserved = reserved_for(sides, tested, refused.apart, only)
    return Eligibility(tested, only, reserved, refused.apart, ties)


def pair_blocks(eligibility: Eligibility) -> Iterator[PairBlock]:
    """All pairs of a conversation and a ready agent of its class, some at a time."""
    sizes = eligibility.num_ready[eligibility.class_of]
    first = (np.cumsum(eligibility.num_ready) - eligibility.num_ready)[eligibility.class_of]
    part = (np.cumsum(sizes) - sizes) // PAIRS_AT_ONCE
    for begin, end in _segments(part):
        size = sizes[begin:end]
        total = np.cumsum(size)
        start = total - size
        shift = first[begin:end] - start
        entry = np.arange(size.sum()) + np.repeat(shift, size)
        filled = np.flatnonzero(size)
        yield PairBlock(
            conversation=np.repeat(np.arange(begin, end), size),
            entry=entry,
            agent=eligibility.ready_agent[entry],
            filled=begin + filled,
            start=start[filled],
        )


def _segments(part: Ints) -> list[tuple[int, int]]:
    begin = first_of_runs(part)
    return list(zip(begin.tolist(), np.append(begin[1:], len(part)).tolist(), strict=False))


def _for_another(whom: Ints, conversation: Ints, agent: Ints) -> Bools:
    one = whom[conversation]
    found: Bools = (one != NOBODY) & (one != agent)
    return found
