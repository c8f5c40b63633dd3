"""Outcome of the tests of section 3 of `docs/model.md` for classes and agents."""

from dataclasses import dataclass

import numpy as np

from models.plan import Reason
from models.recount.bits import all_set, num_set, packed, set_bits
from models.recount.numbers import Bools, Floats, Ints, first_of_runs
from models.recount.rules import RULES, SUITABLE, apply_rules
from models.recount.sides import Sides, Test


@dataclass(frozen=True, eq=False)
class Tested:
    """Every rule for every class and agent."""

    class_of: Ints
    """(C,)"""
    tests: tuple[Test, ...]
    """As RULES."""
    num_agents: int
    survivors: Ints
    """(K, rules + 1) agents left before the first rule, after it, ... after the last"""
    mean_probability: Floats
    """(K,) over the suitable agents"""
    best_probability: Floats
    """(K,) over the suitable agents, 1 where there are none"""
    ready_class: Ints
    """(entries,) class of each entry, ascending: classes and agents who pass all tests"""
    ready_agent: Ints
    """(entries,) its agent, ascending within the class"""

    @property
    def num_qualified(self) -> Ints:
        """(K,) suitable agents."""
        return self.survivors[:, SUITABLE]

    @property
    def num_ready(self) -> Ints:
        """(K,) agents who pass all tests."""
        return self.survivors[:, -1]

    def num_passed(self, conversation: Ints, agent: Ints) -> Ints:
        """How many of RULES hold for each pair before the first that fails."""
        holds = self._holds(conversation, agent)
        fails = np.zeros(len(conversation), dtype=bool)
        fails_first: Ints = np.argmin(np.vstack([holds, fails]), axis=0)
        return fails_first

    def all_hold(self, first: Reason, last: Reason, conversation: Ints, agent: Ints) -> Bools:
        """Whether each pair passes the tests from one to another, these included."""
        among = slice(RULES.index(first), RULES.index(last) + 1)
        missed = np.count_nonzero(~self._holds(conversation, agent)[among], axis=0)
        found: Bools = np.equal(missed, 0)
        return found

    def suitable(
        self, conversation: Ints, agent: Ints, forgiven: tuple[Reason, ...] = ()
    ) -> Bools:
        """Whether each pair passes the tests up to `shift_too_short`, but for those forgiven."""
        counted = [place for place in range(SUITABLE) if RULES[place] not in forgiven]
        missed = np.count_nonzero(~self._holds(conversation, agent)[counted], axis=0)
        found: Bools = np.equal(missed, 0)
        return found

    def entry(self, conversation: Ints, agent: Ints) -> Ints:
        """Place of each pair among the entries; the pairs must be ready."""
        ready = self.ready_class * self.num_agents + self.ready_agent
        return np.searchsorted(ready, self.class_of[conversation] * self.num_agents + agent)

    def _holds(self, conversation: Ints, agent: Ints) -> Bools:
        """(rules, pairs)"""
        kind = self.class_of[conversation]
        return np.stack([test.holds[test.row[kind], agent] for test in self.tests])


def build_tested(sides: Sides) -> Tested:
    """All rules applied to all classes."""
    tests = apply_rules(sides)
    num_classes, num_agents = len(sides.example), len(sides.agents)
    passing = all_set(num_classes, num_agents)
    survivors = [num_set(passing)]
    suitable = passing
    for number, test in enumerate(tests, start=1):
        passing = passing & packed(test.holds)[test.row]
        survivors.append(num_set(passing))
        suitable = passing if number == SUITABLE else suitable
    kind, agent = set_bits(suitable)
    probability = sides.probability[sides.set_of[kind], agent]
    total = np.bincount(kind, probability, minlength=num_classes)
    count, best = survivors[SUITABLE], np.ones(num_classes)
    if len(kind):
        best[count > 0] = np.maximum.reduceat(probability, first_of_runs(kind))
    ready_class, ready_agent = set_bits(passing)
    return Tested(
        class_of=sides.class_of,
        tests=tests,
        num_agents=num_agents,
        survivors=np.stack(survivors, axis=1),
        mean_probability=np.where(
            count > 0, total / np.maximum(count, 1), sides.policy.p_no_skill
        ),
        best_probability=best,
        ready_class=ready_class,
        ready_agent=ready_agent,
    )
