"""Counts of service agree with the KPIs; shares have the right intervals; verdicts are right."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models import kpis
from scenarios.lab.centre import Floats
from scenarios.lab.engine import simulate
from scenarios.lab.rules.skills import SkillsBased
from scenarios.planning.groups import group_agents, staffed
from scenarios.planning.service import Days, Scope, Service, Targets, count_service
from scenarios.planning.verify import DAY, Verdict, judge, ratio, verify
from tests.scenarios.planning.planned_centres import queue, two_teams


def service(in_time: list[float], counted: list[float]) -> Service:
    """Days of one class and interval; as many left as were not in time."""
    early, both = (np.array(x).reshape(-1, 1, 1) for x in (in_time, counted))
    return Service(early, both, both - early, both)


def targets(level: float, most: float = np.nan, scope: Scope = Scope.DAY) -> Targets:
    """For one class."""
    return Targets(np.array([level]), np.array([most]), scope)


def test_counts_are_those_of_the_kpis() -> None:
    """In a day of overload in which nobody is sent away, both definitions give the same shares."""
    centre = replace(two_teams(), overtime_s=7200.0)
    days = Days(centre, (1,))
    events = simulate(centre, days.drawn[0], SkillsBased())
    counts = count_service(centre, events)
    level = counts.in_time.sum() / counts.counted.sum()
    assert level == pytest.approx(kpis.service_level(events.visit))
    gone = counts.abandoned.sum() / counts.ended.sum()
    assert gone == pytest.approx(kpis.abandonment_rate(events.visit))
    of_one = events.visit.filter(pl.col("contact_class") == 1)
    assert counts.abandoned[0, 1].sum() / counts.ended[0, 1].sum() == pytest.approx(
        kpis.abandonment_rate(of_one)
    )


def test_contacts_belong_to_the_interval_in_which_they_came() -> None:
    """All who come in the second hour are counted there: enough agents, nobody leaves."""
    centre = queue([0.0, 100.0], agents=20)
    days = Days(centre, (3,))
    counts = count_service(centre, simulate(centre, days.drawn[0], SkillsBased()))
    assert counts.counted[0, 0].tolist() == [0, len(days.drawn[0])]


def test_whoever_is_sent_away_at_the_end_was_not_answered_in_time() -> None:
    """Nobody is there, nobody leaves: all are sent away, and a plan gains nothing by that."""
    centre = replace(queue([50.0]), shift_from_s=np.array([np.inf]))
    days = Days(centre, (3,))
    counts = count_service(centre, simulate(centre, days.drawn[0], SkillsBased()))
    assert counts.in_time.sum() == 0
    assert counts.counted.sum() == counts.abandoned.sum() == len(days.drawn[0])


def test_a_share_is_a_ratio_of_sums_with_the_interval_of_a_ratio() -> None:
    """1 of 2 and 3 of 4: share 4/6; rests -1/3 and 1/3, sqrt(2/9 * 2/1) / 6 = 1/9.

    Student's t with one degree of freedom: 12.706.
    """
    share, half = ratio(np.array([1.0, 3.0]), np.array([2.0, 4.0]))
    assert share == pytest.approx(2 / 3)
    assert half == pytest.approx(12.7062 / 9, rel=1e-4)


@pytest.mark.parametrize(
    ("level", "verdict"),
    [(0.5, Verdict.MET), (0.68, Verdict.TOO_CLOSE), (0.99, Verdict.MISSED)],
)
def test_a_verdict_needs_the_whole_interval_to_call_it_missed(
    level: float, verdict: Verdict
) -> None:
    """66.7 %, with an interval of 2.7 points: it reaches 68 %, but not 99 %."""
    rows = judge(
        queue([1.0]), service([6.0, 7.0, 7.0] * 5, [10.0, 10.0, 10.0] * 5), targets(level)
    )
    promised = rows.filter(pl.col("is_promised"))
    assert promised["interval"].to_list() == [DAY]
    assert promised["verdict"].to_list() == [verdict]


def test_slack_is_what_is_over_per_day_on_the_right_side() -> None:
    """8 of 10 at 75 %: 0.5 to spare; 2 gone of 10 at most 15 %: 0.5 too many."""
    slack: Floats = service([8.0], [10.0]).slack(targets(0.75, 0.15))
    assert slack.ravel() == pytest.approx([0.5, -0.5])


def test_days_of_planning_do_not_verify() -> None:
    """A seed that was used raises, before anything is simulated."""
    centre = queue([10.0])
    with pytest.raises(ValueError, match="1 seeds were used"):
        verify(centre, Days(centre, (1, 2)), targets(0.8), "fifo", (2, 3))


def test_heads_of_the_last_interval_stay_until_all_are_served() -> None:
    """A centre of heads answers whoever came just before the end."""
    centre = queue([0.0, 60.0])
    few = staffed(centre, group_agents(centre).groups, np.array([[0], [3]]))
    days = Days(centre, (5,))
    counts = count_service(few, simulate(few, days.drawn[0], SkillsBased()))
    assert counts.abandoned.sum() == 0
    assert counts.ended.sum() == len(days.drawn[0])


def test_promises_must_be_shares() -> None:
    """80 is no share, and nothing at all is no promise."""
    with pytest.raises(ValueError, match=r"0\.8 for 80 %"):
        targets(80.0)
    with pytest.raises(ValueError, match="at least one share"):
        targets(np.nan)
