"""Rosters cover what is required at least cost, within contracts, breaks and rest."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from scenarios.lab.centre import Ints
from scenarios.planning.shift_rules import Contract, Shift, ShiftCase, ShiftRules, Staff
from scenarios.planning.shifts import plan_roster

HOUR = 3600.0
NO_BREAKS = ShiftRules(every_s=HOUR, break_s=0.0)


def case(
    required: Ints, contract: Contract, agents: int, rules: ShiftRules = NO_BREAKS
) -> ShiftCase:
    """One group, intervals of an hour, 10 an hour."""
    return ShiftCase(required[:, :, None], HOUR, (Staff(0, contract, agents, 10.0),), rules)


def test_the_cheapest_of_all_rosters_is_found() -> None:
    """1, 2, 2, 1 heads by shifts of 2 or 3 hours, enumerated.

    Six head-hours are required. Three shifts of two hours, from 0, 1 and 2, are exactly that: 60.
    Two shifts of three hours, from 0 and 1, are exactly that, too. No roster costs less.
    """
    roster = plan_roster(case(np.array([[1, 2, 2, 1]]), Contract("any", (2.0, 3.0)), 3))
    assert roster.wages == pytest.approx(60.0)
    assert roster.at_work[0, :, 0].tolist() == [1, 2, 2, 1]
    assert roster.is_proven


def test_shifts_that_are_too_long_cost_what_is_to_spare() -> None:
    """Only shifts of three hours and 1, 0, 0, 0, 1: two of them, 60, though two hours are needed.

    With a missing hour at 20, the roster that leaves both hours uncovered costs 40 instead.
    """
    long = case(np.array([[1, 0, 0, 0, 1]]), Contract("long", (3.0,)), 2)
    assert plan_roster(long).wages == pytest.approx(60.0)
    cheap = plan_roster(replace(long, under_cost=20.0))
    assert cheap.wages == 0.0
    assert cheap.missing_hours == pytest.approx(2.0)


def test_breaks_are_taken_when_they_hurt_least() -> None:
    """Shift of 5 hours, an hour's break between 1 and 4: heads are not required in the third."""
    rules = ShiftRules(every_s=HOUR, break_s=HOUR, break_from=0.2, break_until=0.8)
    roster = plan_roster(case(np.array([[1, 1, 0, 1, 1]]), Contract("day", (5.0,)), 1, rules))
    assert roster.at_work[0, :, 0].tolist() == [1, 1, 0, 1, 1]
    assert roster.rows["break_from_s"].to_list() == [2 * HOUR]
    assert roster.rows["break_until_s"].to_list() == [3 * HOUR]
    assert roster.wages == pytest.approx(40.0)  # the break is not paid


def test_two_breaks_do_not_leave_nobody() -> None:
    """Two agents and one head required all day: they rest one after the other."""
    rules = ShiftRules(every_s=HOUR, break_s=HOUR, break_from=0.2, break_until=0.8)
    roster = plan_roster(case(np.array([[2, 1, 1, 2, 2]]), Contract("day", (5.0,)), 2, rules))
    assert roster.missing_hours == 0
    assert sorted(roster.rows["break_from_s"].to_list()) == [HOUR, 2 * HOUR]


@pytest.mark.parametrize(("agents", "missing"), [(1, 4.0), (2, 0.0)])
def test_whoever_ends_late_does_not_start_early(agents: int, missing: float) -> None:
    """16 to 20 o'clock, then 0 to 4: four hours of rest where 11 are asked for."""
    required = np.zeros((2, 20), dtype=np.int64)
    required[0, 16:] = 1
    required[1, :4] = 1
    roster = plan_roster(case(required, Contract("split", (4.0,)), agents))
    assert roster.missing_hours == pytest.approx(missing)
    assert roster.rows["agent_id"].n_unique() == roster.rows.height
    assert roster.is_proven  # the first programme already knew


@pytest.mark.parametrize(
    ("contract", "days"),
    [(Contract("few", (4.0,), max_shifts=2), 2), (Contract("short", (4.0,), max_hours=13.0), 3)],
)
def test_nobody_works_more_than_their_contract(contract: Contract, days: int) -> None:
    """One agent, five days of one shift of four hours: two shifts, or 13 hours, at most."""
    roster = plan_roster(case(np.ones((5, 4), dtype=np.int64), contract, 1))
    assert roster.rows.height == days
    assert roster.missing_hours == pytest.approx(4 * (5 - days))


def test_hours_are_spread_evenly() -> None:
    """Two agents, four days of one shift: two each, not three and one."""
    roster = plan_roster(case(np.ones((4, 4), dtype=np.int64), Contract("any", (4.0,)), 2))
    assert roster.rows.group_by("agent_id").len()["len"].to_list() == [2, 2]


def test_contracts_keep_to_their_hours_of_the_day() -> None:
    """From 8 to 16 o'clock only: shifts of 4 hours begin at 8, 9, ... 12."""
    contract = Contract("school", (4.0,), earliest_s=8 * HOUR, latest_s=16 * HOUR)
    shifts = case(np.zeros((1, 24), dtype=np.int64), contract, 1).shifts_of(contract)
    assert shifts == tuple(Shift(h * HOUR, (h + 4) * HOUR) for h in range(8, 13))


def test_groups_are_covered_by_their_own_staff_only() -> None:
    """Group 1 has nobody: its heads are missing, though group 0 has an agent to spare."""
    required = np.array([[[1, 1], [1, 1]]])
    staff = (Staff(0, Contract("any", (2.0,)), 2, 10.0),)
    roster = plan_roster(ShiftCase(required, HOUR, staff, NO_BREAKS))
    assert roster.missing_hours == pytest.approx(2.0)
    assert roster.rows.select(pl.col("group").unique())["group"].to_list() == [0]


def test_a_break_that_fits_nowhere_is_an_error() -> None:
    """An hour's break in a window of half an hour."""
    rules = ShiftRules(every_s=HOUR, break_s=HOUR, break_from=0.5, break_until=0.6)
    with pytest.raises(ValueError, match="widen the window"):
        plan_roster(case(np.ones((1, 5), dtype=np.int64), Contract("day", (5.0,)), 1, rules))
