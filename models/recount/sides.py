"""Both sides of every pair, and what the tests of section 3 of `docs/model.md` look at.

Conversations with the same tests form a class (K of them). A rule looks at little of a class, so
it is stated for every distinct value of that, by agent, with the row that each class looks up.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.agents import Agents
from models.recount.conversations import Conversations
from models.recount.needs import Needs, build_needs, resolving
from models.recount.numbers import Bools, Floats, Ints, class_of
from models.recount.overflow import Overflow
from models.recount.profiles import carried
from models.tables import Channel


@dataclass(frozen=True, eq=False)
class Sides:
    """What the tests look at: both sides of a pair, and the tables between them."""

    batch: Batch
    policy: Policy
    conversations: Conversations
    agents: Agents
    overflow: Overflow

    @cached_property
    def channel_sets(self) -> Ints:
        """(C,) bit mask of the members' channels."""
        channels: Ints = self.conversations.channels @ (1 << np.arange(len(Channel)))
        return channels

    @cached_property
    def class_of(self) -> Ints:
        """(C,) class of each conversation: equal where all that tests or delays look at is."""
        c = self.conversations
        flags = (
            *(c.reachable, c.may_be_held, c.paused, c.manual_only),
            *(c.urgent, c.starved, c.follower),
        )
        units = np.unique(c.units, return_inverse=True)[1]
        return class_of(
            c.queue,
            c.helpers,
            c.lane,
            self.channel_sets,
            c.need_set,
            units,
            np.stack(flags, axis=1) @ (1 << np.arange(len(flags))),
        )

    @cached_property
    def example(self) -> Ints:
        """(K,) one conversation of each class."""
        return np.unique(self.class_of, return_index=True)[1]

    @cached_property
    def set_of(self) -> Ints:
        """(K,) requirement set of each class."""
        return self.conversations.need_set[self.example]

    @cached_property
    def channel(self) -> Ints:
        """(K,) channel of each class."""
        return self.conversations.channel[self.example]

    @cached_property
    def handling(self) -> "Distinct":
        """Channel and handling time of each class."""
        c = self.conversations
        times = np.unique(c.handle_s, return_inverse=True)[1]
        return distinct(class_of(c.channel, times)[self.example])

    @cached_property
    def needs(self) -> Needs:
        """Every requirement set once, with the levels of all agents."""
        return build_needs(self.conversations)

    @cached_property
    def probability(self) -> Floats:
        """(requirement sets, A) probability of resolving; of use where the skills are met."""
        return resolving(self.policy, self.needs)

    @cached_property
    def lane_carries(self) -> Bools:
        """(L, P) profiles of each lane."""
        return lane_carries(self.conversations, self.agents)


@dataclass(frozen=True, eq=False)
class Distinct:
    """Distinct values of something that each class has."""

    example: Ints
    """(rows,) a class that has the value"""
    row: Ints
    """(K,) which value each class has"""


@dataclass(frozen=True, eq=False)
class Test:
    """One rule: who passes it, for every distinct thing that it looks at."""

    holds: Bools
    """(rows, A)"""
    row: Ints
    """(K,) row of each class"""


def distinct(values: Ints) -> Distinct:
    """Distinct values of an array with one value per class."""
    _, example, row = np.unique(values, return_index=True, return_inverse=True)
    return Distinct(example.astype(np.int64), row.astype(np.int64))


def lane_carries(conversations: Conversations, agents: Agents) -> Bools:
    """(L, P) profiles of each lane."""
    return carried(pl.Series(conversations.lanes.profiles, dtype=pl.String), agents.profiles)
