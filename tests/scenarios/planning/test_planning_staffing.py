"""Plans of heads keep their promises on fresh days, and cost what theory says."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.erlang import service_level
from scenarios.planning.groups import group_agents
from scenarios.planning.service import Scope, Targets
from scenarios.planning.staffing import Effort, StaffingCase, plan_staffing
from tests.scenarios.planning.planned_centres import queue, two_teams

QUICK = Effort(planning_days=8, verification_days=16, attempts=1)


def case(most: float = np.inf, scope: Scope = Scope.INTERVAL) -> StaffingCase:
    """Two erlang of patient customers for two hours, 80 % within 20 s; decided at every event."""
    centre = queue([120.0, 120.0], tick_s=0.0)
    return StaffingCase(
        centre,
        group_agents(centre).groups,
        hourly_cost=np.array([30.0]),
        targets=Targets(np.array([0.8]), np.array([np.nan]), scope),
        most_heads=np.array([most]),
        policy="fifo",
    )


def test_one_queue_gets_the_heads_of_erlang_c() -> None:
    """3 heads answer 68 % in time, 4 answer 91 %: 4 in both hours, at 30 an hour."""
    assert service_level(3, 2.0, 60.0, 20.0) < 0.7
    assert service_level(4, 2.0, 60.0, 20.0) > 0.9
    plan = plan_staffing(case(), QUICK)
    assert plan.heads.tolist() == [[4], [4]]
    assert plan.cost == pytest.approx(2 * 4 * 30.0)
    assert plan.verification.holds
    assert plan.verification.seeds == QUICK.verification_seeds(0)
    assert not set(plan.verification.seeds) & set(QUICK.planning_seeds(0))


def test_a_promise_over_the_day_costs_no_more_than_one_for_every_interval() -> None:
    """68 % and 91 % make 79.7 % of the day, so that a lucky few days seem to allow 3 heads once.

    Fresh days refute that; the next attempt, with more margin and other days, asks for 4 again.
    """
    by_day = plan_staffing(case(scope=Scope.DAY), replace(QUICK, attempts=3))
    assert by_day.attempts > 1
    assert by_day.verification.holds
    assert by_day.cost <= 2 * 4 * 30.0


def test_a_promise_that_cannot_be_kept_is_shown_as_broken() -> None:
    """3 heads at most: the plan is shown with what it does, 68 %."""
    plan = plan_staffing(case(most=3.0, scope=Scope.DAY), QUICK)
    assert not plan.verification.holds
    assert plan.heads.max() == 3
    assert 0.55 < plan.verification.promised["share"].item() < 0.78


def test_every_attempt_has_days_of_its_own() -> None:
    """Planning and verification of three attempts share no day."""
    seeds = [
        seed
        for attempt in range(3)
        for seed in (*QUICK.planning_seeds(attempt), *QUICK.verification_seeds(attempt))
    ]
    assert len(set(seeds)) == len(seeds)


def test_each_team_gets_what_its_class_needs() -> None:
    """4 erlang need more than 4 heads for 80 %; 0.1 erlang need one, not more."""
    centre = two_teams()
    planned = StaffingCase(
        centre,
        group_agents(centre).groups,
        hourly_cost=np.array([20.0, 20.0]),
        targets=Targets(np.full(2, 0.8), np.full(2, np.nan)),
    )
    plan = plan_staffing(planned, QUICK)
    assert plan.verification.holds
    assert plan.heads[:, 0].tolist() == [1, 1]
    assert (plan.heads[:, 1] >= 4).all()
