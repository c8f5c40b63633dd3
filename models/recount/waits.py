"""Section 1 of `docs/model.md`, written a second time: how long conversations wait, and may."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.recount.centre import Centre
from models.recount.clocks import NEVER
from models.recount.numbers import SECOND, Floats, Ints, instant, ints


@dataclass(frozen=True, eq=False)
class Waits:
    """Of M members and C conversations, in seconds."""

    wait_s: Floats
    """(M,)"""
    target_s: Floats
    """(M,)"""
    scale_s: Floats
    """(M,) what waiting is measured by: the target, or more where it was hopeless"""
    clock: Ints
    """(C,) earliest instant from which a member waits, in microseconds"""
    longest_s: Floats
    """(C,) largest wait of the members"""
    left_s: Floats
    """(C,) least time to a target of the members"""
    breach_s: Floats
    """(C,) from now; infinite where there is none ahead"""


def waits_of(centre: Centre, members: pl.DataFrame, start: Ints) -> Waits:
    """Waits of the members; each conversation begins at its `start`."""
    wait, target = members["wait_s"].to_numpy(), members["target_s"].to_numpy()
    return Waits(
        wait_s=wait,
        target_s=target,
        scale_s=members["scale_s"].to_numpy(),
        clock=np.minimum.reduceat(ints(members["clock"]), start),
        longest_s=np.maximum.reduceat(wait, start),
        left_s=np.minimum.reduceat(target - wait, start),
        breach_s=_breach(centre, members, start),
    )


def _breach(centre: Centre, members: pl.DataFrame, start: Ints) -> Floats:
    target = members["target_s"].to_numpy()
    clock, timed_by = ints(members["clock"]), ints(members["timed_by"])
    first = np.minimum.reduceat(centre.clocks.reached(timed_by, clock, target), start)
    past = np.logical_or.reduceat(members["wait_s"].to_numpy() >= target, start)
    ahead = (first - instant(centre.batch.now)) / SECOND
    return np.where((first == NEVER) | past, np.inf, ahead)
