"""What there is to schedule: shifts and breaks that may be worked, contracts, staff, needs."""

from dataclasses import dataclass, field

import numpy as np

from scenarios.lab.centre import Floats, Ints
from scenarios.planning.programme import Patience

DAY_S = 86_400.0


@dataclass(frozen=True)
class Shift:
    """From when until when, seconds since the day's start."""

    from_s: float
    until_s: float

    @property
    def hours(self) -> float:
        """From begin to end, break included."""
        return (self.until_s - self.from_s) / 3600.0


@dataclass(frozen=True)
class ShiftRules:
    """Which shifts and breaks there are."""

    every_s: float = 1800.0
    """Shifts and breaks begin at multiples of it."""
    break_s: float = 1800.0
    break_from: float = 0.3
    """Share of the shift after which the break may begin at the earliest."""
    break_until: float = 0.7
    """Share of the shift after which it must be over."""
    shortest_with_break_s: float = 4.5 * 3600
    """Shorter shifts have no break."""
    break_is_paid: bool = False


@dataclass(frozen=True)
class Contract:
    """What somebody may be asked to work."""

    name: str
    hours: tuple[float, ...]
    """Lengths of shifts, break included."""
    max_shifts: int = 5
    """In a week."""
    max_hours: float = 40.0
    """Paid, in a week; less for part-time."""
    rest_s: float = 11 * 3600.0
    """Between the end of a shift and the next day's begin."""
    earliest_s: float = 0.0
    latest_s: float = DAY_S
    """No shift ends later."""


@dataclass(frozen=True)
class Staff:
    """Agents of one group with one contract."""

    group: int
    contract: Contract
    agents: int
    wage: float
    """Money per paid hour."""


@dataclass(frozen=True, eq=False)
class ShiftCase:
    """What is to be scheduled; D days, T intervals, M groups."""

    required: Ints
    """(D, T, M) heads at work."""
    interval_s: float
    staff: tuple[Staff, ...]
    rules: ShiftRules = field(default_factory=ShiftRules)
    under_cost: float = 200.0
    """Money per head-hour that is missing."""
    over_cost: float = 0.01
    """Money per head-hour to spare, besides its wage."""
    patience: Patience = field(default_factory=lambda: Patience(gap=0.005, limit_s=60))

    def shifts_of(self, contract: Contract) -> tuple[Shift, ...]:
        """All shifts that the contract and the hours of the day allow."""
        closes_s = self.required.shape[1] * self.interval_s
        starts = np.arange(0.0, closes_s, self.rules.every_s).tolist()
        shifts = [
            Shift(start, start + 3600 * hours) for hours in contract.hours for start in starts
        ]
        return tuple(
            shift
            for shift in shifts
            if shift.from_s >= contract.earliest_s
            and shift.until_s <= min(contract.latest_s, closes_s)
        )

    def breaks_of(self, shift: Shift) -> tuple[float, ...]:
        """Instants at which the break may begin; none for short shifts."""
        rules = self.rules
        length = shift.until_s - shift.from_s
        if length < rules.shortest_with_break_s or rules.break_s == 0:
            return ()
        begin = np.arange(shift.from_s, shift.until_s, rules.every_s)
        after = begin >= shift.from_s + rules.break_from * length - 1e-6
        over = begin + rules.break_s <= shift.from_s + rules.break_until * length + 1e-6
        found = begin[after & over].tolist()
        if not found:
            raise ValueError(
                f"shift of {shift.hours:g} h: no break of {rules.break_s / 60:g} min fits between"
                f" {rules.break_from:.0%} and {rules.break_until:.0%} of it; expected one: widen"
                " the window or begin breaks more often"
            )
        return tuple(found)

    def paid_hours(self, shift: Shift) -> float:
        """Without the break, unless it is paid."""
        unpaid = 0.0 if self.rules.break_is_paid or not self.breaks_of(shift) else 1.0
        return shift.hours - unpaid * self.rules.break_s / 3600.0

    def covers(self, from_s: float, until_s: float) -> Floats:
        """(T,) share of each interval between two instants."""
        begin = np.arange(self.required.shape[1]) * self.interval_s
        overlap = np.minimum(until_s, begin + self.interval_s) - np.maximum(from_s, begin)
        return np.asarray(np.clip(overlap / self.interval_s, 0.0, 1.0))
