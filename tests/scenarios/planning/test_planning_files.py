"""Plan files are read strictly, commands print what was verified, weeks are rostered."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from scenarios.planning.cli import app
from scenarios.planning.groups import group_agents
from scenarios.planning.plan_file import read_plan_file, staffing_case, week_case
from scenarios.planning.service import Scope
from scenarios.planning.week import rostered
from scenarios.study.errors import StudyError
from tests.scenarios.planning.planned_centres import queue

FILE = """
policy = "fifo"
[centre]
hours = 2
interval_min = 60
day_shape = 1000
[[centre.classes]]
name = "calls"
channel = "voice"
per_hour = [120, 120]
handle_s = 60
value = 10
target_s = 20
patience_s = 120
[[centre.teams]]
name = "desk"
agents = 3
resolves = { calls = 0.9 }
[targets]
service_level = 0.8
[costs]
wage = 30
[effort]
planning_days = 4
verification_days = 8
[week]
volume = [1.0, 0.5]
break_min = 0
[[contracts]]
name = "short"
hours = [2.0]
agents = { desk = 8 }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file above."""
    path = tmp_path / "plan.toml"
    path.write_text(FILE)
    return path


def test_a_file_says_what_is_planned(file: Path) -> None:
    """Every section arrives where it belongs."""
    asked = read_plan_file(file)
    case = staffing_case(asked)
    assert asked.names == ("desk",)
    assert case.hourly_cost.tolist() == [30.0]
    assert case.targets.service_level.tolist() == [0.8]
    assert case.targets.scope == Scope.DAY
    assert asked.asked.effort.planning_days == 4
    week = week_case(asked)
    assert week.shifts.staff[0].agents == 8
    assert week.of_day(1).centre.classes.rate == pytest.approx(case.centre.classes.rate / 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[costs]", "[cost]", "did you mean 'costs'"),
        ("wage = 30", "teams = { dezk = 30 }", "did you mean 'desk'"),
        ("service_level = 0.8", "service_level = 80.0", "0.8 for 80 %"),
        ("service_level = 0.8", 'service_level = 0.8\nscope = "hour"', "targets.scope"),
        ('policy = "fifo"', 'policy = "lifo"', "'lifo' is unknown"),
        ("planning_days = 4", "planning_days = 1", "at least 2 days"),
        ("agents = { desk = 8 }", "agents = { disk = 8 }", "did you mean 'desk'"),
    ],
)
def test_what_cannot_be_meant_is_refused(file: Path, old: str, new: str, message: str) -> None:
    """A sentence says what to mend."""
    file.write_text(FILE.replace(old, new))
    with pytest.raises(StudyError, match=message):
        week_case(read_plan_file(file))


def test_a_centre_of_individuals_has_no_teams_to_plan(tmp_path: Path) -> None:
    """150 agents who are all different."""
    path = tmp_path / "individuals.toml"
    path.write_text('targets.service_level = 0.8\n[centre]\nfamily = "medium"\nstructure = "elm"')
    with pytest.raises(StudyError, match="150 groups"):
        staffing_case(read_plan_file(path))


def test_staffing_prints_heads_with_their_verification(file: Path, tmp_path: Path) -> None:
    """The JSON says what fresh days said; the heads are in the file, too."""
    out = tmp_path / "heads.parquet"
    result = CliRunner().invoke(app, ["staffing", str(file), "--json", "--out", str(out)])
    told = json.loads(result.stdout)
    assert result.exit_code == (0 if told["holds"] else 1)
    promised = [row for row in told["verification"] if row["is_promised"]]
    assert len(promised) == 1
    assert promised[0]["low"] <= promised[0]["share"] <= promised[0]["high"]
    assert pl.read_parquet(out)["desk"].to_list() == [row["desk"] for row in told["heads"]]
    assert told["cost"] == 30 * sum(row["desk"] for row in told["heads"])


def test_shifts_cover_and_are_verified_day_by_day(file: Path) -> None:
    """Shifts of two hours are the whole day; half the volume needs fewer of them."""
    result = CliRunner().invoke(app, ["shifts", str(file), "--json"])
    told = json.loads(result.stdout)
    assert result.exit_code == (0 if told["holds"] else 1)
    by_day = [sum(row["day"] == day for row in told["roster"]) for day in (0, 1)]
    assert by_day[0] > by_day[1] > 0
    assert told["missing_hours"] == 0
    assert told["wages"] == 30 * 2 * sum(by_day)
    assert len(told["verification"]) == 2


def test_plans_for_people_say_whether_promises_were_kept(file: Path) -> None:
    """A word in the title, and every interval with a verdict."""
    result = CliRunner().invoke(app, ["staffing", str(file)], env={"COLUMNS": "160"})
    assert "kept on 8 fresh days" in result.stdout
    assert "all day" in result.stdout
    assert "interval 1" in result.stdout


def test_shifts_for_people_have_teams_and_times(file: Path) -> None:
    """From opening to 2:00, by team and contract, with the verification of both days."""
    result = CliRunner().invoke(app, ["shifts", str(file)], env={"COLUMNS": "160"})
    (first,) = (line for line in result.stdout.splitlines() if "short" in line and "│   1" in line)
    assert [cell.strip() for cell in first.split("│")[2:7]] == [
        "desk",
        "short",
        "0:00",
        "2:00",
        "",
    ]
    assert "of day 2" in result.stdout


def test_a_roster_becomes_a_centre_of_its_agents() -> None:
    """The second agent closes and stays for who still waits; the first has a break."""
    rows = pl.DataFrame(
        {
            "group": [0, 0],
            "from_s": [0.0, 1800.0],
            "until_s": [5400.0, 7200.0],
            "break_from_s": [1800.0, None],
            "break_until_s": [3600.0, None],
        }
    )
    centre = queue([60.0, 60.0])
    made = rostered(centre, group_agents(centre).groups, rows)
    assert made.shift_until_s.tolist() == [5400.0, 7200.0 + centre.overtime_s]
    assert made.breaks is not None
    assert made.breaks.agent.tolist() == [0]
    assert (made.breaks.from_s[0], made.breaks.until_s[0]) == (1800.0, 3600.0)
    assert np.array_equal(made.p, np.ones((1, 2)))
