"""The integer programme of `shifts.py`: how many work which shift, and when they take breaks."""

from itertools import pairwise

import numpy as np
import polars as pl
import pulp

from scenarios.lab.centre import Floats
from scenarios.planning.people import Duties
from scenarios.planning.shift_rules import DAY_S, Shift, ShiftCase


class ShiftProgramme:
    """How many work which shift, and when they take their breaks."""

    def __init__(self, case: ShiftCase) -> None:
        self.case = case
        self.days, self.intervals, self.groups = case.required.shape
        self.lp = pulp.LpProblem("shifts", pulp.LpMinimize)
        self.cost: list[pulp.LpAffineExpression] = []
        self.shifts = [case.shifts_of(staff.contract) for staff in case.staff]
        self.work = [
            [
                [self._count(f"n_{r}_{d}_{s}", staff.agents) for s in range(len(self.shifts[r]))]
                for d in range(self.days)
            ]
            for r, staff in enumerate(case.staff)
        ]
        self.rest: dict[tuple[int, int, Shift], list[tuple[float, pulp.LpVariable]]] = {}
        for r in range(len(case.staff)):
            self._keep_contract(r)
        self._take_breaks()
        self._cover()
        self.lp.setObjective(pulp.lpSum(self.cost))

    def duties(self) -> list[Duties]:
        """Per staff, the shifts that somebody must work."""
        return [
            Duties(
                staff=r,
                group=staff.group,
                agents=staff.agents,
                contract=staff.contract.name,
                wage=staff.wage,
                max_shifts=staff.contract.max_shifts,
                max_hours=staff.contract.max_hours,
                rest_s=staff.contract.rest_s,
                day=np.array([d for d, _, n in found for _ in range(n)], dtype=np.int64),
                from_s=np.array([shift.from_s for _, shift, n in found for _ in range(n)]),
                until_s=np.array([shift.until_s for _, shift, n in found for _ in range(n)]),
                paid_hours=np.array(
                    [self.case.paid_hours(shift) for _, shift, n in found for _ in range(n)]
                ),
            )
            for r, staff in enumerate(self.case.staff)
            for found in [self._worked(r)]
        ]

    def breaks(self) -> pl.DataFrame:
        """A row per break: group, day, from_s, until_s of the shift, place, break_from_s."""
        rows = [
            (g, d, shift.from_s, shift.until_s, begin)
            for (g, d, shift), begins in self.rest.items()
            for begin, number in begins
            for _ in range(_whole(number))
        ]
        names = ("group", "day", "from_s", "until_s", "break_from_s")
        table = pl.DataFrame(
            rows,
            schema={name: pl.Int64 if name in {"group", "day"} else pl.Float64 for name in names},
            orient="row",
        )
        return table.with_columns(place())

    def _worked(self, r: int) -> list[tuple[int, Shift, int]]:
        return [
            (d, self.shifts[r][s], _whole(number))
            for d, row in enumerate(self.work[r])
            for s, number in enumerate(row)
        ]

    def _count(self, name: str, most: int | None = None) -> pulp.LpVariable:
        return self.lp.add_variable(name, 0, most, pulp.LpInteger)

    def _keep_contract(self, r: int) -> None:
        staff, shifts, work = self.case.staff[r], self.shifts[r], self.work[r]
        contract = staff.contract
        paid = [self.case.paid_hours(shift) for shift in shifts]
        everything = [number for row in work for number in row]
        hours = pulp.lpDot(paid * self.days, everything)
        self.lp.addConstraint(pulp.lpSum(everything) <= contract.max_shifts * staff.agents)
        self.lp.addConstraint(hours <= contract.max_hours * staff.agents)
        self.cost.append(staff.wage * hours)
        for row in work:
            self.lp.addConstraint(pulp.lpSum(row) <= staff.agents)
        for today, tomorrow in pairwise(work):
            for end_s in sorted({shift.until_s for shift in shifts}):
                too_early_s = end_s + contract.rest_s - DAY_S
                early = [
                    n for n, x in zip(tomorrow, shifts, strict=True) if x.from_s < too_early_s
                ]
                late = [n for n, x in zip(today, shifts, strict=True) if x.until_s >= end_s]
                if early:
                    self.lp.addConstraint(pulp.lpSum(early + late) <= staff.agents)

    def _take_breaks(self) -> None:
        """Agents of a group who work the same shift can swap breaks, whatever their contracts."""
        who: dict[tuple[int, int, Shift], list[pulp.LpVariable]] = {}
        for r, staff in enumerate(self.case.staff):
            for d, row in enumerate(self.work[r]):
                for shift, number in zip(self.shifts[r], row, strict=True):
                    who.setdefault((staff.group, d, shift), []).append(number)
        for place, (key, numbers) in enumerate(who.items()):
            begins = self.case.breaks_of(key[2])
            if begins:
                self.rest[key] = [
                    (begin, self._count(f"b_{place}_{n}")) for n, begin in enumerate(begins)
                ]
                taken = [number for _, number in self.rest[key]]
                self.lp.addConstraint(pulp.lpSum(taken) == pulp.lpSum(numbers))

    def _cover(self) -> None:
        case, hour = self.case, self.case.interval_s / 3600.0
        cells: dict[tuple[int, int, int], list[pulp.LpAffineExpression]] = {}

        def add(g: int, d: int, share: Floats, number: pulp.LpVariable) -> None:
            for t in np.flatnonzero(share).tolist():
                cells.setdefault((d, t, g), []).append(float(share[t]) * number)

        for r, staff in enumerate(case.staff):
            for s, shift in enumerate(self.shifts[r]):
                share = case.covers(shift.from_s, shift.until_s)
                for d in range(self.days):
                    add(staff.group, d, share, self.work[r][d][s])
        for (g, d, _), begins in self.rest.items():
            for begin, number in begins:
                add(g, d, -case.covers(begin, begin + case.rules.break_s), number)
        for d, t, g in np.ndindex(case.required.shape):
            under = self.lp.add_variable(f"under_{d}_{t}_{g}", 0)
            over = self.lp.add_variable(f"over_{d}_{t}_{g}", 0)
            present = pulp.lpSum([*cells.get((d, t, g), []), under, -1.0 * over])
            self.lp.addConstraint(present == int(case.required[d, t, g]))
            self.cost.append(case.under_cost * hour * under + case.over_cost * hour * over)


def _whole(number: pulp.LpVariable) -> int:
    return round(number.value() or 0.0)


def place() -> pl.Expr:
    """Number of a row among those of its group, day and shift."""
    keys = ("group", "day", "from_s", "until_s")
    return pl.int_range(pl.len()).over(*keys).alias("place")
