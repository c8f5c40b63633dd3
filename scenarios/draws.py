"""Columns drawn at random for frames that exist already."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.tables import INSTANT
from scenarios.centre import US
from scenarios.randomness import Purpose

Shares = Sequence[float] | None


class Draws:
    """Draws of one part of a purpose; the same seed, purpose and part give the same values."""

    def __init__(self, seed: int, purpose: Purpose, part: int) -> None:
        sequence = np.random.SeedSequence(seed, spawn_key=(int(purpose), part))
        self.rng = np.random.default_rng(sequence)

    def pick(
        self,
        size: int,
        options: Sequence[Any] | pl.Series,
        shares: Shares = None,
        dtype: pl.DataType | None = None,
    ) -> pl.Series:
        """One of the options (None among them) for each of `size` rows, equally likely or not."""
        place = self.rng.choice(len(options), size, p=shares)
        return pl.Series(values=options, dtype=dtype)[place]

    def fill(
        self, frame: pl.DataFrame, **columns: tuple[Sequence[Any] | pl.Series, Shares]
    ) -> pl.DataFrame:
        """The frame with these columns drawn from options and shares, in its own dtypes."""
        return frame.with_columns(
            self.pick(len(frame), options, shares, frame.schema[name]).alias(name)
            for name, (options, shares) in columns.items()
        )

    def some(self, frame: pl.DataFrame, share: float) -> pl.DataFrame:
        """About this share of the rows, in their order."""
        return frame.filter(pl.Series(self.rng.random(len(frame)) < share))

    def ago(self, now: datetime, age_s: NDArray[np.float64], known: float = 1.0) -> pl.Series:
        """Instants so many seconds before `now`, in whole milliseconds; some are empty."""
        us = round(now.timestamp()) * US - np.round(age_s * 1000).astype(np.int64) * 1000
        at = pl.Series(us).cast(INSTANT)
        is_known = pl.Series(self.rng.random(len(us)) < known, dtype=pl.Boolean)
        return at.set(~is_known, None)
