"""docs/prices.md is true: its example prints what it says, and its settings are those in use."""

import contextlib
import io
import re
from dataclasses import fields
from pathlib import Path

from jobs.price_settings import PriceConfig
from models.price_policy import PricePolicy

DOC = (Path(__file__).parent.parent / "docs" / "prices.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_says() -> None:
    """The Python block is run; what it prints is the block after it."""
    code, shown = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", DOC, re.DOTALL)[0]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue() == shown


def test_the_page_names_every_setting_with_its_default() -> None:
    """One cell names it; where a row has one setting, the next cell is its default."""
    named = set(re.findall(r"`(\w+)`", DOC))
    assert {item.name for item in fields(PriceConfig)} <= named
    assert {item.name for item in fields(PricePolicy)} <= named
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \|", DOC, re.MULTILINE)
    assert len(rows) == len(fields(PriceConfig)) - 2
    defaults = PriceConfig()
    for name, value in rows:
        assert f"{getattr(defaults, name)}".lower().removesuffix(".0") == value
