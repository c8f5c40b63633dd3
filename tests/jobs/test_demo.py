"""What the demonstration says of itself is true, and the commands that it offers work."""

import re
import shlex
from pathlib import Path

import pytest

from jobs import show
from tests.jobs.commands import call


def test_the_demo_adds_up_and_leads_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute of it: everybody who came is somewhere, and each command names who is there."""
    monkeypatch.setattr(show.console, "width", 120)
    home = tmp_path / "demo"
    shown = call("demo", "--agents", 6, "--minutes", 1, "--home", home)
    assert "1 simulated minutes of a generated centre with 6 agents" in shown
    rows = dict(re.findall(r"│ (\S.*?) +│ +([\d,.]+) │", shown))
    parts = ("- done", "- with an agent at the end", "- waiting at the end", "- gave up waiting")
    whole = int(rows["contacts in all, with those there at the start"])
    assert whole == sum(int(rows[part]) for part in parts) > 0
    assert rows["decisions taken (ticks)"] == "13"  # one every 5 s, both ends of the minute too
    # Prices are made at full minutes, after the tick: the first tick and no other does without.
    assert rows["- that knew what agents' time is worth"] == "12"
    asks = [line for line in shown.splitlines() if line.startswith("  omniassign ")]
    assert [ask.split()[1] for ask in asks] == ["status", "prices", "explain", "explain", "check"]
    for ask in asks:
        call(*shlex.split(ask)[1:])
