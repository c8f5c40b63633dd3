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
    rows = classes.select(key).unique().sort(key)
    of_class = classes.join(rows.with_row_index("row"), on=key, how="left", maintain_order="left")
    return rows, of_class["row"].to_numpy().astype(np.int64)


def listed_names(lists: pl.Series, names: tuple[str, ...], separator: str = ",") -> Mask:
    """[row, name] whether the list of the row, a separated text, has the name."""
    found = np.zeros((len(lists), len(names)), dtype=bool)
    known = pl.DataFrame(
        {"name": names, "place": range(len(names))},
        schema={"name": pl.String, "place": pl.Int64},
    )
    pairs = (
        pl.DataFrame({"name": lists.str.split(separator)})
        .with_row_index("row")
        .explode("name")
        .join(known, on="name")
    )
    found[pairs["row"].to_numpy(), pairs["place"].to_numpy()] = True
    return found


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
