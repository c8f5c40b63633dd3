"""Count vectors over lanes that fit together: section 4 of `docs/model.md`, written a second time.

Weights and free units are whole millionths of a unit, lanes and channels are positions.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from models.recount.numbers import Bools, Ints
from models.tables import Channel

MANY = 1_000
"""Count vectors; where more fit, only what surely fits together counts."""

Row = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """What lanes have to do with each other, whoever the agent is."""

    channel: Row
    """(L,) of each lane"""
    carries: tuple[Row, ...]
    """(L, P) 1 where a lane carries a profile"""
    blocks: tuple[Row, ...]
    """(8, 8) 1 where holding the row's channel forbids the column's"""
    yields: tuple[Row, ...]
    """(8, 8) 1 where the row's channel gives way to the column's"""

    @classmethod
    def of(cls, channel: Ints, carries: Bools, blocks: Bools, yields: Bools) -> "Layout":
        """The same as something that can be remembered."""
        parts = (part.astype(np.int64).tolist() for part in (carries, blocks, yields))
        return cls(tuple(channel.tolist()), *(tuple(map(tuple, part)) for part in parts))

    @cached_property
    def in_channel(self) -> Ints:
        """(L, 8) 1 where a lane is of a channel."""
        return np.eye(len(Channel), dtype=np.int64)[list(self.channel)]

    @cached_property
    def groups(self) -> Ints:
        """(L, 8 + P) 1 where a lane is of a channel or carries a profile."""
        carries = np.array(self.carries, dtype=np.int64).reshape(len(self.channel), -1)
        return np.hstack([self.in_channel, carries])

    @cached_property
    def clashes(self) -> Ints:
        """(8, 8) 1 where two different channels cannot stand beside each other."""
        blocks = np.array(self.blocks, dtype=np.int64)
        return (blocks | blocks.T) * (1 - np.eye(len(Channel), dtype=np.int64))

    @cached_property
    def burdens(self) -> Ints:
        """(L, 8) 1 where a lane's conversations use what is free for a channel."""
        keeps = 1 - np.array(self.yields, dtype=np.int64)
        burdens: Ints = np.maximum(keeps, np.eye(len(Channel), dtype=np.int64))
        return burdens[list(self.channel)]


@dataclass(frozen=True)
class Limits:
    """What many agents have in common; only lanes in which somebody waits have room."""

    most: Row
    """(L,)"""
    weight: Row
    """(L,)"""
    free: Row
    """(8,)"""
    together: Row
    """(8 + P,) most of each group, where two or more of its lanes are open"""
    alone: bool
    """One conversation at most."""

    @classmethod
    def of(cls, row: list[int], layout: Layout) -> "Limits":
        """From one row: lanes, their weights, free units, groups, and `alone`."""
        lanes = len(layout.channel)
        free = 2 * lanes + len(Channel)
        return cls(
            most=tuple(row[:lanes]),
            weight=tuple(row[lanes : 2 * lanes]),
            free=tuple(row[2 * lanes : free]),
            together=tuple(row[free:-1]),
            alone=bool(row[-1]),
        )


@lru_cache(maxsize=65_536)
def listed(limits: Limits, layout: Layout) -> Ints | None:
    """(vectors, L) all that fit, or None where there are too many."""
    vectors = np.zeros((1, len(limits.most)), dtype=np.int64)
    for lane, most in enumerate(limits.most):
        if most:
            longer = np.repeat(vectors, most + 1, axis=0)
            longer[:, lane] = np.tile(np.arange(most + 1), len(vectors))
            vectors = longer[_fits(longer, limits, layout)]
        # Whatever fits also fits without what is still to come.
        if len(vectors) > MANY:
            return None
    vectors.flags.writeable = False  # others are given the same array
    return vectors


@lru_cache(maxsize=65_536)
def largest_total(limits: Limits, layout: Layout) -> int:
    """Most new conversations of an agent; where any fits, one alone does."""
    vectors = listed(limits, layout)
    if vectors is not None:
        return int(vectors.sum(axis=1).max())
    is_open = np.array(limits.most) > 0
    channels = layout.in_channel[is_open].any(axis=0)
    free = np.array(limits.free)[channels].min()
    surely = free // np.array(limits.weight)[is_open].max()
    if limits.alone or layout.clashes[channels][:, channels].any():
        surely = 1
    shared = np.array(limits.together)[layout.groups[is_open].sum(axis=0) > 1]
    return max(1, int(min(surely, sum(limits.most), *shared.tolist())))


def _fits(vectors: Ints, limits: Limits, layout: Layout) -> Bools:
    """Which count vectors keep what is not a limit of a single lane."""
    used = vectors @ (np.array(limits.weight)[:, None] * layout.burdens)
    has = vectors @ layout.in_channel > 0
    within = ((used <= np.array(limits.free)) | ~has).all(axis=1)
    beside = (has.astype(np.int64) @ layout.clashes > 0) & has
    within &= ~beside.any(axis=1)
    shared = layout.groups[np.array(limits.most) > 0].sum(axis=0) > 1
    total = vectors @ layout.groups[:, shared]
    within &= (total <= np.array(limits.together)[shared]).all(axis=1)
    if limits.alone:
        within &= vectors.sum(axis=1) <= 1
    fits: Bools = within
    return fits
