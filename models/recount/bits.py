"""Many rows of booleans as words of 64 bits: who passes a test, for all classes at once."""

import numpy as np
from numpy.typing import NDArray

from models.recount.numbers import Bools, Ints

Words = NDArray[np.uint64]


def packed(holds: Bools) -> Words:
    """Rows of booleans as rows of words; what is left of the last word is false."""
    padding = -holds.shape[1] % 64
    padded = np.pad(holds, ((0, 0), (0, padding)))
    return np.ascontiguousarray(np.packbits(padded, axis=1)).view(np.uint64)


def all_set(num_rows: int, num_columns: int) -> Words:
    """Rows in which everything holds."""
    return np.repeat(packed(np.ones((1, num_columns), dtype=bool)), num_rows, axis=0)


def num_set(words: Words) -> Ints:
    """How many hold in each row."""
    count: Ints = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    return count


def unpacked(words: Words, num_columns: int) -> Bools:
    """The booleans of each row."""
    bits: Bools = np.unpackbits(words.view(np.uint8), axis=1).view(np.bool_)
    return bits[:, :num_columns]


def set_bits(words: Words) -> tuple[Ints, Ints]:
    """Row and column of everything that holds, in order."""
    bits = np.unpackbits(words.view(np.uint8), axis=1).view(np.bool_)
    row, column = np.divmod(np.flatnonzero(bits), max(bits.shape[1], 1))
    return row, column
