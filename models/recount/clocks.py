"""Section 0 of `docs/model.md`, written a second time: clocks that stand still now and then.

Instants are microseconds since 1970.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.hours import PLAIN, Hours, Openings, common, in_customer_hours
from models.recount.numbers import SECOND, Floats, Ints, ints
from models.tables import Channel

NEVER = 2**62
"""Later than any instant."""


@dataclass(frozen=True, eq=False)
class Clocks:
    """How long something lasted by clocks that run only while something is open.

    A clock is a position in `openings`, or PLAIN for the one that never stands still.
    """

    openings: tuple[Openings, ...]

    def elapsed(self, clock: Ints, begin: Ints, end: Ints) -> Floats:
        """Seconds from one instant to the other by each clock, never below 0."""
        passed: Floats = (self._shown(clock, end) - self._shown(clock, begin)) / SECOND
        return np.maximum(passed, 0)

    def reached(self, clock: Ints, begin: Ints, seconds: Floats) -> Ints:
        """The first instant at which so much has elapsed since `begin`; NEVER if none is known."""
        wanted = self._shown(clock, begin) + np.rint(seconds * SECOND).astype(np.int64)
        found = wanted.copy()
        for number in np.unique(clock[clock != PLAIN]).tolist():
            mine = np.flatnonzero(clock == number)
            opens, closes = self.openings[number].begin, self.openings[number].end
            total = np.cumsum(closes - opens)
            at = np.searchsorted(total, wanted[mine], side="left")
            known = at < len(total)
            found[mine] = NEVER
            # The opening during which the total is reached ends when its own total is full.
            place = at[known]
            found[mine[known]] = closes[place] - (total[place] - wanted[mine[known]])
        return found

    def _shown(self, clock: Ints, at: Ints) -> Ints:
        """Microseconds of opening up to each instant; the instant itself for the plain clock."""
        shown = at.copy()
        for number in np.unique(clock[clock != PLAIN]).tolist():
            mine = np.flatnonzero(clock == number)
            opens, closes = self.openings[number].begin, self.openings[number].end
            before = np.append(0, np.cumsum(closes - opens))
            begun = np.searchsorted(opens, at[mine], side="right")
            last_close = np.append(-NEVER, closes)[begun]
            ahead = np.maximum(last_close - at[mine], 0)
            shown[mine] = before[begun] - np.where(begun > 0, ahead, 0)
        return shown


def clocks_of(
    batch: Batch, policy: Policy, hours: Hours, contacts: pl.DataFrame
) -> tuple[Ints, Clocks]:
    """Clock of each contact, by its `channel`, `queue` and `zone`, and all clocks.

    A callback's runs only while the queue is open and the customer may be called.
    """
    if policy.age_outside_hours:
        return np.full(len(contacts), PLAIN, dtype=np.int64), Clocks(())
    stops = contacts.select(
        calendar=pl.Series(hours.calendar[ints(contacts["queue"])], dtype=pl.Int64),
        zone=pl.when(channel=Channel.CALLBACK.value).then("zone"),
    )
    plain = (pl.col("calendar") == PLAIN) & pl.col("zone").is_null()
    kinds = stops.filter(~plain).unique().sort("calendar", "zone").with_row_index("clock")
    callable_in = {
        zone: in_customer_hours(zone, policy, batch.now)
        for zone in kinds["zone"].drop_nulls().unique()
    }
    of_calendar = {PLAIN: (), **{n: (one,) for n, one in enumerate(hours.openings)}}
    openings = tuple(
        common((*of_calendar[calendar], *(callable_in[zone] for zone in [zone] if zone)))
        for calendar, zone in kinds.select("calendar", "zone").iter_rows()
    )
    on = ["calendar", "zone"]
    clock = stops.join(kinds, on=on, how="left", nulls_equal=True, maintain_order="left")["clock"]
    return ints(clock.cast(pl.Int64).fill_null(PLAIN)), Clocks(openings)
