"""Section 3 of `docs/model.md`, continued: declines, locks, and all eligible pairs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.plan import Reason
from models.recount.conversations import LIVE, Conversations
from models.recount.numbers import Bools, Floats, Ints, first_of_runs, instant, ints, seconds
from models.recount.rules import RULES, Sides, Test
from models.tables import LoadState

NOBODY = -1
REASONS = (*(reason for reason, _ in RULES), Reason.DECLINED, Reason.CUSTOMER_LOCKED)
QUALIFIED = REASONS.index(Reason.SHIFT_TOO_SHORT) + 1
"""Tests that say whether an agent could serve the class at all during this shift."""

PAIRS_AT_ONCE = 2**16
"""Bounds the memory of a pass over all pairs, to what fits a processor's cache."""


@dataclass(frozen=True, eq=False)
class Eligibility:
    """Outcome of every rule for every class and agent, and for every single pair."""

    class_of: Ints
    """(C,)"""
    tests: tuple[Test, ...]
    """As RULES."""
    survivors: Ints
    """(K, rules + 1) agents left before the first rule, after it, ... after the last"""
    num_idle: Ints
    """(K,) agents who pass all tests and are free now"""
    mean_probability: Floats
    """(K,) over the agents who pass the tests up to `shift_too_short`"""
    ready_class: Ints
    """(entries,) class of each entry, ascending: classes and agents who pass all tests"""
    ready_agent: Ints
    """(entries,) its agent, ascending within the class"""
    only_agent: Ints
    """(C,) agent that the conversation is locked to, or NOBODY"""
    banned: Ints
    """Sorted keys, conversation * A + agent, of the pairs that declines keep apart."""
    ties: pl.DataFrame
    """(conversation, agent, state, started_at) of every item of a party that an agent holds"""
    num_agents: int

    @property
    def num_qualified(self) -> Ints:
        """(K,) agents who pass the tests up to `shift_too_short`."""
        return self.survivors[:, QUALIFIED]

    @property
    def num_ready(self) -> Ints:
        """(K,) agents who pass all tests."""
        return self.survivors[:, -1]

    def entry(self, conversation: Ints, agent: Ints) -> Ints:
        """Place of each pair among the entries; the pairs must be ready."""
        ready = self.ready_class * self.num_agents + self.ready_agent
        return np.searchsorted(ready, self.class_of[conversation] * self.num_agents + agent)

    def num_passed(self, conversation: Ints, agent: Ints) -> Ints:
        """How many of RULES hold for each pair before the first that fails."""
        kind = self.class_of[conversation]
        holds = np.stack([test.holds[test.row[kind], agent] for test in self.tests])
        fails_first: Ints = np.argmin(np.vstack([holds, np.zeros(len(kind), dtype=bool)]), axis=0)
        return fails_first

    def declined(self, conversation: Ints, agent: Ints) -> Bools:
        """Whether declines keep each pair apart."""
        concerned = np.zeros(len(self.class_of), dtype=bool)
        concerned[self.banned // max(self.num_agents, 1)] = True
        found: Bools = concerned[conversation]
        some = np.flatnonzero(found)
        found[some] = np.isin(conversation[some] * self.num_agents + agent[some], self.banned)
        return found

    def locked(self, conversation: Ints, agent: Ints) -> Bools:
        """Whether each conversation is locked to another agent."""
        only = self.only_agent[conversation]
        barred: Bools = (only != NOBODY) & (only != agent)
        return barred

    def first_broken(self, conversation: Ints, agent: Ints) -> Ints:
        """Position in REASONS of the first rule that each pair breaks, their number if none."""
        passed = self.num_passed(conversation, agent)
        tail = np.where(self.locked(conversation, agent), 1, 2)
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
    tests = tuple(rule(sides) for _, rule in RULES)
    num_classes, num_agents = len(sides.example), len(sides.agents)
    passing = np.repeat(_packed(np.ones((1, num_agents), dtype=bool)), num_classes, axis=0)
    survivors = [_num_set(passing)]
    qualified = passing
    for number, test in enumerate(tests, start=1):
        passing = passing & _packed(test.holds)[test.row]
        survivors.append(_num_set(passing))
        qualified = passing if number == QUALIFIED else qualified
    kind, agent = _set_bits(qualified)
    probability = sides.probability[sides.set_of[kind], agent]
    total = np.bincount(kind, probability, minlength=num_classes)
    count = survivors[QUALIFIED]
    ready_class, ready_agent = _set_bits(passing)
    ties = _ties(sides)
    found = Eligibility(
        class_of=sides.class_of,
        tests=tests,
        survivors=np.stack(survivors, axis=1),
        num_idle=_num_set(passing & _packed(sides.agents.free_now[None, :])),
        mean_probability=np.where(
            count > 0, total / np.maximum(count, 1), sides.policy.p_no_skill
        ),
        ready_class=ready_class,
        ready_agent=ready_agent,
        only_agent=np.full(len(sides.conversations), NOBODY, dtype=np.int64),
        banned=_bans(sides),
        ties=ties,
        num_agents=num_agents,
    )
    return replace(found, only_agent=_locks(sides.conversations, found))


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


def _bans(sides: Sides) -> Ints:
    policy = sides.policy
    rows = (
        sides.batch.declines.join(
            sides.conversations.members.select("contact_id", "conversation"), on="contact_id"
        )
        .join(sides.agents.ids.select("agent_id", "agent"), on="agent_id")
        .group_by("contact_id", "conversation", "agent")
        .agg(pl.len(), pl.col("declined_at").max())
    )
    age_s = -seconds(rows, "declined_at", instant(sides.batch.now))
    kept = (ints(rows["len"]) >= policy.max_declines) | (age_s < policy.decline_cooldown_s)
    key = ints(rows["conversation"]) * len(sides.agents) + ints(rows["agent"])
    return np.unique(key[kept])


def _ties(sides: Sides) -> pl.DataFrame:
    members = sides.conversations.members
    held = sides.batch.agent_load.join(sides.agents.ids, on="agent_id")
    customers = members.select("conversation", customer_id="party_customer").drop_nulls()
    threads = members.select("conversation", "conversation_id")
    columns = ("conversation", "agent", "state", "started_at")
    return pl.concat(
        [
            held.join(customers.unique(), on="customer_id").select(columns),
            held.join(threads.unique(), on="conversation_id").select(columns),
        ]
    )


def _locks(conversations: Conversations, eligibility: Eligibility) -> Ints:
    held = eligibility.ties.filter(pl.col("state").is_in([LoadState.OFFERED, LoadState.ACTIVE]))
    ordered = held.sort("conversation", "started_at", "agent")
    conversation, agent = ints(ordered["conversation"]), ints(ordered["agent"])
    live = (conversations.channels & LIVE).any(axis=1)
    qualified = eligibility.num_passed(conversation, agent) >= QUALIFIED
    counts = qualified & ~live[conversation]
    only = np.full(len(conversations), NOBODY, dtype=np.int64)
    only[conversation[counts]] = agent[counts]  # the last of each conversation stays
    return only


def _packed(holds: Bools) -> NDArray[np.uint64]:
    """Rows of booleans as rows of 64-bit words."""
    padding = -holds.shape[1] % 64
    padded = np.pad(holds, ((0, 0), (0, padding)))
    return np.ascontiguousarray(np.packbits(padded, axis=1)).view(np.uint64)


def _num_set(words: NDArray[np.uint64]) -> Ints:
    count: Ints = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    return count


def _set_bits(words: NDArray[np.uint64]) -> tuple[Ints, Ints]:
    """Row and column of every set bit, in order."""
    bits = np.unpackbits(words.view(np.uint8), axis=1).view(np.bool_)
    row, column = np.divmod(np.flatnonzero(bits), max(bits.shape[1], 1))
    return row, column
