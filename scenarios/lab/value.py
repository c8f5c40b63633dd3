"""What a day was worth, from its events alone: expected resolutions, less waiting and leaving.

`value = sum p V over handlings - c * wait over visits - loss over customers who left for good`.
The expected `p` stands for the outcome, which removes its noise and no bias (`methods.md` 8.2).
"""

from dataclasses import dataclass

import polars as pl

from models.kpis import waits
from scenarios.lab.centre import LabCentre
from scenarios.lab.events import Events

LEFT = ("abandoned", "blocked", "disconnected", "message")


@dataclass(frozen=True)
class DayValue:
    """Money of one day."""

    resolved: float
    """Expected value of what was handled."""
    waiting: float
    """Cost of waiting, >= 0."""
    lost: float
    """Loss from customers who left for good, >= 0."""

    @property
    def total(self) -> float:
        """What the day was worth."""
        return self.resolved - self.waiting - self.lost


def value_of(centre: LabCentre, events: Events) -> DayValue:
    """The day's value."""
    table = value_by_class(centre, events)
    return DayValue(*(float(table[name].sum()) for name in ("resolved", "waiting", "lost")))


def value_by_class(centre: LabCentre, events: Events) -> pl.DataFrame:
    """A row per contact class that was visited: contact_class, resolved, waiting, lost."""
    classes = centre.classes
    rates = pl.DataFrame(
        {"cost": classes.waiting_cost, "share": classes.loss_share}
    ).with_row_index("contact_class")
    probability = events.handling.select("visit_id", "resolve_probability")
    left_for_good = pl.col("outcome").is_in(LEFT) & ~pl.col("comes_back")
    return (
        waits(events.visit)
        .join(rates.cast({"contact_class": pl.Int64}), on="contact_class", maintain_order="left")
        .join(probability, on="visit_id", how="left", maintain_order="left")
        .group_by("contact_class")
        .agg(
            resolved=(pl.col("value") * pl.col("resolve_probability").fill_null(0.0)).sum(),
            waiting=(pl.col("cost") * pl.col("wait_s")).sum(),
            lost=(pl.col("value") * pl.col("share") * left_for_good).sum(),
        )
        .sort("contact_class")
    )
