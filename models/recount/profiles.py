"""Capacity profiles as contacts, held items and offers name them: comma-separated."""

import numpy as np
import polars as pl

from models.batch import Batch
from models.recount.numbers import Bools, ints


def profile_names(batch: Batch) -> tuple[str, ...]:
    """Every profile that some waiting contact carries, sorted."""
    return tuple(_named(batch.contacts["profiles"])["profile"].unique().sort())


def carried(profiles: pl.Series, names: tuple[str, ...]) -> Bools:
    """(rows, P) which of the names each row carries."""
    found = np.zeros((len(profiles), len(names)), dtype=bool)
    places = pl.DataFrame({"profile": names}, schema={"profile": pl.String}).with_row_index("at")
    rows = _named(profiles).join(places, on="profile")
    found[ints(rows["row"]), ints(rows["at"])] = True
    return found


def _named(profiles: pl.Series) -> pl.DataFrame:
    """(row, profile) of every name that is not empty."""
    return (
        pl.DataFrame({"profile": profiles})
        .with_row_index("row")
        .drop_nulls()
        .with_columns(pl.col("profile").str.split(","))
        .explode("profile")
        .with_columns(pl.col("profile").str.strip_chars())
        .filter(pl.col("profile") != "")
    )
