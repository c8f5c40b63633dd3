"""The example of docs/planning.md can be planned as it stands."""

import re
from pathlib import Path

from scenarios.planning.plan_file import read_plan_file, staffing_case, week_case

DOCUMENT = Path(__file__).parents[3] / "docs" / "planning.md"


def test_the_file_of_the_document_is_read_whole(tmp_path: Path) -> None:
    """Every section arrives: targets, wages, limits, two contracts of two teams, five days."""
    found = re.search(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    path = tmp_path / "plan.toml"
    path.write_text(found.group(1))
    asked = read_plan_file(path)
    case, week = staffing_case(asked), week_case(asked)
    assert case.targets.service_level.tolist() == [0.8, 0.85]
    assert case.hourly_cost.tolist() == [24.0, 28.0]
    assert case.most_heads is not None
    assert case.most_heads[1] == 12
    assert len(week.shifts.staff) == 4
    assert len(week.volume) == 5
