"""What agents tell the platform over the day: shifts, breaks, and work that is not yet done."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.tables import Presence

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

PRESENCES = tuple(Presence)
LABELS = pl.Series("presence", [presence.value for presence in PRESENCES])
"""Presence by its code: its position in the enum."""


@dataclass(frozen=True, eq=False)
class Roster:
    """Shifts of A agents and their breaks, microseconds since the epoch."""

    shift_start_us: Ints
    shift_end_us: Ints
    break_agent: Ints
    break_from_us: Ints
    break_until_us: Ints

    def presence(self, now_us: int, holding: Mask, wrapping: Mask) -> Ints:
        """Presence code of every agent, shape (A,).

        Off shift: offline, or busy while something is left to finish. On shift: away in a break,
        wrapping up after a contact that took the whole agent, or else available.
        """
        on_shift = (self.shift_start_us <= now_us) & (now_us < self.shift_end_us)
        resting = (self.break_from_us <= now_us) & (now_us < self.break_until_us)
        away = np.zeros(len(on_shift), dtype=bool)
        away[self.break_agent[resting]] = True
        cases = [~on_shift & holding, ~on_shift, away, wrapping]
        codes = (Presence.BUSY, Presence.OFFLINE, Presence.AWAY, Presence.WRAP_UP)
        choices = [PRESENCES.index(presence) for presence in codes]
        return np.select(cases, choices, PRESENCES.index(Presence.AVAILABLE)).astype(np.int64)


def build_roster(agents: pl.DataFrame, breaks: pl.DataFrame | None) -> Roster:
    """Roster of the agents in the order of their rows; breaks of others are an error."""
    if breaks is None:
        none = np.zeros(0, dtype=np.int64)
        return Roster(_us(agents["shift_start_at"]), _us(agents["shift_end_at"]), none, none, none)
    known = breaks.join(
        agents.select("agent_id").with_row_index("agent_idx"),
        on="agent_id",
        how="left",
        maintain_order="left",
    )
    if known["agent_idx"].null_count():
        strangers = known.filter(pl.col("agent_idx").is_null())["agent_id"].head(3).to_list()
        raise ValueError(
            f"breaks: {known['agent_idx'].null_count()} rows name no agent, first {strangers};"
            " expected agents of the centre; drop these rows"
        )
    return Roster(
        shift_start_us=_us(agents["shift_start_at"]),
        shift_end_us=_us(agents["shift_end_at"]),
        break_agent=known["agent_idx"].to_numpy().astype(np.int64),
        break_from_us=_us(known["away_from"]),
        break_until_us=_us(known["away_until"]),
    )


def _us(instants: pl.Series) -> Ints:
    micros: Ints = instants.dt.epoch("us").to_numpy()
    return micros
