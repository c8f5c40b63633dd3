"""What comes from the platform between two ticks, and what it does to offers."""

from dataclasses import dataclass, field

import polars as pl

from data_io.quarantine import no_rejects
from models.tables import ASSIGNMENT, RESPONSE_RESULT, RESPONSES, InputTables


@dataclass(frozen=True, eq=False)
class Arrived:
    """What came from the platform since the last tick, validated."""

    tables: InputTables | None = None
    """A new snapshot, or None where the last one stays in force."""
    rejects: pl.DataFrame = field(default_factory=no_rejects)
    """Bad rows of the snapshot."""
    responses: pl.DataFrame = field(default_factory=RESPONSES.empty)
    bad_responses: pl.DataFrame = field(default_factory=no_rejects)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing came at all."""
        frames = (self.rejects, self.responses, self.bad_responses)
        return self.tables is None and all(frame.is_empty() for frame in frames)


@dataclass(frozen=True, eq=False)
class OfferNews:
    """What became of offers: new rows of `response_result`, and events of time and snapshot."""

    responses: pl.DataFrame
    events: pl.DataFrame


NO_NEWS = OfferNews(RESPONSE_RESULT.empty(), ASSIGNMENT.empty())
