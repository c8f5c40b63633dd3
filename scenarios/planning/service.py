"""Service by class and interval over simulated days, and what is left over of its targets.

Contacts belong to the interval in which they came. Counts follow `models/kpis.py`, but whoever is
sent away at the end of the day counts as answered late: a plan must not gain by that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import polars as pl

from models.kpis import SHORT_ABANDON_S, waits
from scenarios.lab.centre import Floats, Ints, LabCentre
from scenarios.lab.day import Day, draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.events import DAY_START, Events
from scenarios.lab.policies import SBR, new_router


class Scope(StrEnum):
    """Over what a target must hold."""

    DAY = "day"
    """Over all contacts of a class in a day."""
    INTERVAL = "interval"
    """In every interval by itself."""


class Measure(StrEnum):
    """What a target is about."""

    SERVICE_LEVEL = "service level"
    ABANDONMENT = "abandonment"


@dataclass(frozen=True, eq=False)
class Targets:
    """What service is promised; each array (K,), not a number where nothing is."""

    service_level: Floats
    """Least share answered within the class's `target_s`."""
    abandonment: Floats
    """Largest share that leaves."""
    scope: Scope = Scope.DAY

    def __post_init__(self) -> None:
        """Check ranges and that something is promised."""
        both = np.concatenate([self.service_level, self.abandonment])
        known = both[~np.isnan(both)]
        if len(known) == 0 or (known <= 0).any() or (known >= 1).any():
            raise ValueError(
                f"targets: {known.tolist()}; expected at least one share, more than 0 and less"
                " than 1: give 0.8 for 80 %"
            )


@dataclass(frozen=True, eq=False)
class Service:
    """Counts of D days, (D, K, T) each, and what the days were worth is not in here."""

    in_time: Floats
    counted: Floats
    """In time or late."""
    abandoned: Floats
    ended: Floats
    """Answered or abandoned."""

    def slack(self, targets: Targets) -> Floats:
        """(2, D, K, T) contacts to spare: >= 0 on average where a target holds, 0 without one.

        `in time - level * counted` and `ceiling * ended - abandoned` are linear in counts, which
        shares are not (Cezik and L'Ecuyer 2008, section 2).
        """
        level = np.nan_to_num(targets.service_level)[:, None]
        most = targets.abandonment[:, None]
        late = np.where(np.isnan(most), 0.0, np.nan_to_num(most) * self.ended - self.abandoned)
        early = np.where(level > 0, self.in_time - level * self.counted, 0.0)
        return np.stack([early, late])


@dataclass(frozen=True, eq=False)
class Days:
    """Drawn days of a centre; they depend on its customers only, never on its staff."""

    centre: LabCentre
    seeds: tuple[int, ...]

    @cached_property
    def drawn(self) -> tuple[Day, ...]:
        """One day per seed."""
        return tuple(draw_day(self.centre, seed) for seed in self.seeds)

    def first(self, number: int) -> "Days":
        """The first of these days only."""
        few = Days(self.centre, self.seeds[:number])
        few.__dict__["drawn"] = self.drawn[:number]
        return few


def simulate_service(centre: LabCentre, days: Days, policy: str = SBR) -> Service:
    """Counts of every day under that policy; the centre may be staffed in any way."""
    counts = [
        count_service(centre, simulate(centre, day, new_router(policy, centre, seed)))
        for day, seed in zip(days.drawn, days.seeds, strict=True)
    ]
    return join_days(counts)


def join_days(counts: Sequence[Service]) -> Service:
    """The days of all of these, one after the other."""
    return Service(
        np.concatenate([count.in_time for count in counts]),
        np.concatenate([count.counted for count in counts]),
        np.concatenate([count.abandoned for count in counts]),
        np.concatenate([count.ended for count in counts]),
    )


def count_service(centre: LabCentre, events: Events) -> Service:
    """Counts of one day, (1, K, T) each."""
    rows = waits(events.visit).select(
        "contact_class",
        "outcome",
        wait="wait_s",
        is_late=pl.col("wait_s") > pl.col("target_answer_s"),
        entered_s=(pl.col("entered_at") - DAY_START).dt.total_microseconds() / 1e6,
    )
    kind = rows["contact_class"].to_numpy()
    interval = np.minimum(rows["entered_s"].to_numpy() // centre.interval_s, _last(centre))
    cell = kind * centre.num_intervals + interval.astype(np.int64)
    outcome, late = rows["outcome"], rows["is_late"].to_numpy()
    answered = (outcome == "answered").to_numpy()
    abandoned = (outcome == "abandoned").to_numpy()
    sent_away = (outcome == "disconnected").to_numpy()
    left = abandoned & (rows["wait"].to_numpy() > SHORT_ABANDON_S)

    def count(which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
        shape = (1, centre.num_classes, centre.num_intervals)
        found: Ints = np.bincount(cell[which], minlength=shape[1] * shape[2])
        return found.reshape(shape).astype(np.float64)

    return Service(
        in_time=count(answered & ~late),
        counted=count(answered | (abandoned & late) | sent_away),
        abandoned=count(left | sent_away),
        ended=count(answered | left | sent_away),
    )


def _last(centre: LabCentre) -> int:
    return centre.num_intervals - 1
