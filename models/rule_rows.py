"""Rules as matrices: tested once per distinct combination of the columns that they look at."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.capacity import Mask
from models.plan import Reason
from models.problem import Ints

Codes = NDArray[np.uint8]
Words = NDArray[np.uint32]
Facts = TypeVar("Facts")
Rules = tuple[tuple[Reason, Callable[[Facts], Mask]], ...]

_BITS = 32
"""Positions that are compared at once."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """Outcome of some rules for R rows and A agents."""

    reasons: tuple[Reason, ...]
    holds: tuple[Mask, ...]
    """For each reason where its rule holds, of a shape that broadcasts to (R, A)."""
    row_of: Ints
    """(K,) row of each class."""
    num_rows: int
    num_agents: int

    def all_hold(self, reasons: Collection[Reason]) -> Mask:
        """Whether the rules of these reasons all hold, shape (R, A)."""
        result = np.ones((self.num_rows, self.num_agents), dtype=bool)
        for reason, holds in zip(self.reasons, self.holds, strict=True):
            if reason in reasons:
                result &= holds
        return result

    def mark_failures(self, codes: Codes, classes: Ints, first_code: int) -> None:
        """Write over `codes` (n, A) of some classes: `first_code` + the first rule that fails."""
        rows = self.row_of[classes]
        for place in reversed(range(len(self.reasons))):
            holds = np.broadcast_to(self.holds[place], (self.num_rows, self.num_agents))[rows]
            np.copyto(codes, np.uint8(first_code + place), where=~holds)


def outcome_of(
    rules: Rules[Facts], facts: Facts, row_of: Ints, num_rows: int, num_agents: int
) -> Outcome:
    """Outcome of the rules on the facts, every rule looked at once."""
    return Outcome(
        reasons=tuple(reason for reason, _ in rules),
        holds=tuple(rule(facts) for _, rule in rules),
        row_of=row_of,
        num_rows=num_rows,
        num_agents=num_agents,
    )


def distinct_rows(classes: pl.DataFrame, key: tuple[str, ...]) -> tuple[pl.DataFrame, Ints]:
    """Distinct combinations of the key, sorted, and the combination of each class."""
    place = classes.select(pl.struct(key).rank("dense")).to_series().to_numpy()
    _, first, row_of = np.unique(place, return_index=True, return_inverse=True)
    return classes[list(key)][first], row_of.astype(np.int64)


def listed_names(lists: pl.Series, names: tuple[str, ...], separator: str = ",") -> Mask:
    """[row, name] whether the list of the row, a separated text, has the name."""
    place = {name: number for number, name in enumerate(names)}
    texts = lists.unique().sort()
    found = np.zeros((len(texts), len(names)), dtype=bool)
    for row, text in enumerate(texts):
        found[row, [place[name] for name in text.split(separator) if name in place]] = True
    rows: Mask = found[texts.search_sorted(lists).to_numpy()]
    return rows


def share_any(rows: Mask, columns: Mask) -> Mask:
    """[k, a] whether row k and row a share a true position."""
    shared = np.zeros((len(rows), len(columns)), dtype=bool)
    for first in range(0, rows.shape[1], _BITS):
        some = slice(first, first + _BITS)
        shared |= (_packed(rows[:, some])[:, None] & _packed(columns[:, some])) != 0
    return shared


def _packed(mask: Mask) -> Words:
    """Each row of up to 32 columns as one number."""
    bits: Words = np.left_shift(np.uint32(1), np.arange(mask.shape[1], dtype=np.uint32))
    return mask @ bits
