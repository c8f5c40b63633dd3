"""docs/lab.md is true: its code runs, prints what it shows, and names what there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")


def test_the_example_prints_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The code block and the text block after it."""
    found = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    exec(compile(found[1], "docs/lab.md", "exec"), {})
    assert capsys.readouterr().out == found[2]


def test_every_rule_has_its_line() -> None:
    """Files of rules are those of the table, but for what they share."""
    files = {path.name for path in (ROOT / "scenarios" / "lab" / "rules").glob("*.py")}
    told = set(re.findall(r"`(\w+\.py)`", TEXT.split("## Routers")[1].split("## Centres")[0]))
    assert told == files - {"__init__.py", "one_by_one.py"}
