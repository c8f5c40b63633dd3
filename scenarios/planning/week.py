"""A week from promises to people: heads for every day, shifts that cover them, verified.

Shifts cannot follow heads exactly, so a roster is simulated like a plan of heads. Where it breaks
a promise on the days of planning, that day asks for more heads and the roster is made again (the
two steps by themselves can be far from the best; Avramidis, Chan, Gendreau, L'Ecuyer and Pisacane
2010). Then the roster is verified on fresh days.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from scenarios.lab.centre import Breaks, Ints, LabCentre
from scenarios.planning.groups import AgentGroups
from scenarios.planning.service import Days
from scenarios.planning.shift_rules import ShiftCase
from scenarios.planning.shifts import Roster, plan_roster
from scenarios.planning.staffing import TELL_NOBODY, Effort, StaffingCase, plan_staffing
from scenarios.planning.verify import Verification, verify

RAISE = 0.05
"""Of the heads of a day whose promises are broken: so many more are asked for."""
ROUNDS = 2


@dataclass(frozen=True, eq=False)
class WeekCase:
    """D days of the same centre with other volumes."""

    day: StaffingCase
    """A day of volume 1."""
    volume: tuple[float, ...]
    """(D,) factors of all rates."""
    shifts: ShiftCase
    """Staff, contracts and rules; what it requires is planned here."""

    def of_day(self, day: int) -> StaffingCase:
        """What is to be planned that day."""
        centre = self.day.centre
        classes = replace(centre.classes, rate=centre.classes.rate * self.volume[day])
        return replace(self.day, centre=replace(centre, classes=classes))


@dataclass(frozen=True, eq=False)
class WeekPlan:
    """A roster that was verified; whether it holds, the verifications say."""

    required: Ints
    """(D, T, M) heads that the roster was asked to cover."""
    roster: Roster
    verification: tuple[Verification, ...]
    """Of each day."""

    @property
    def holds(self) -> bool:
        """Every promise of every day is met."""
        return all(day.holds for day in self.verification)


def plan_week(
    case: WeekCase, effort: Effort, tell: Callable[[str], None] = TELL_NOBODY
) -> WeekPlan:
    """The cheapest week found; NoSolutionError without any."""
    heads = {}
    for day, volume in enumerate(case.volume):
        if volume not in heads:
            tell(f"heads of a day of volume {volume:g}")
            heads[volume] = plan_staffing(case.of_day(day), effort, tell).heads
    required = np.stack([heads[volume] for volume in case.volume])
    roster = plan_roster(replace(case.shifts, required=required))
    for turn in range(ROUNDS):
        tell(f"shifts, round {turn + 1}")
        said = _verify_days(case, roster, effort.planning_seeds(0), (), tell)
        broken = [day for day, one in enumerate(said) if not one.holds]
        if not broken:
            break
        required[broken] = np.ceil(required[broken] * (1 + RAISE)).astype(np.int64)
        roster = plan_roster(replace(case.shifts, required=required))
    fresh = effort.verification_seeds(effort.attempts)
    used = tuple(range(effort.first_seed, fresh[0]))
    return WeekPlan(required, roster, _verify_days(case, roster, fresh, used, tell))


def rostered(centre: LabCentre, groups: AgentGroups, rows: pl.DataFrame) -> LabCentre:
    """The centre with the agents of a roster's day; whoever closes stays until all are served."""
    column = rows["group"].to_numpy()
    until_s = rows["until_s"].to_numpy()
    closes = until_s >= centre.horizon_s
    breaks = rows.with_row_index("agent").filter(pl.col("break_from_s").is_not_null())
    return replace(
        centre,
        p=groups.p[:, column],
        h=groups.h[:, column],
        eligible=groups.eligible[:, column],
        shift_from_s=rows["from_s"].to_numpy(),
        shift_until_s=np.where(closes, centre.horizon_s + centre.overtime_s, until_s),
        staffing=None,
        breaks=Breaks(
            agent=breaks["agent"].cast(pl.Int64).to_numpy(),
            from_s=breaks["break_from_s"].to_numpy(),
            until_s=breaks["break_until_s"].to_numpy(),
        ),
    )


def _verify_days(
    case: WeekCase,
    roster: Roster,
    seeds: tuple[int, ...],
    used: tuple[int, ...],
    tell: Callable[[str], None],
) -> tuple[Verification, ...]:
    """What these seeds say about each day."""
    said = []
    for day in range(len(case.volume)):
        tell(f"simulating the roster of day {day + 1} of {len(case.volume)}")
        planned = case.of_day(day)
        rows = roster.rows.filter(pl.col("day") == day)
        centre = rostered(planned.centre, planned.groups, rows)
        days = Days(planned.centre, seeds)
        said.append(verify(centre, days, planned.targets, planned.policy, used))
    return tuple(said)
