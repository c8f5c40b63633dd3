"""What `explain` says of each contact of a small centre, from the published tables alone."""

from pathlib import Path

import pytest

from tests.jobs.commands import call, call_json, settings, write_csvs
from tests.models.tiny import NOW, ago, ahead, serves, tiny

AT = ("--at", f"{NOW:%Y-%m-%dT%H:%M:%S}")
CENTRE = tiny(
    agents=[{"agent_id": "ana"}, {"agent_id": "ben", "presence": "busy"}],
    agent_channels=[*serves("ana", email=1), *serves("ben", chat=1)],
    agent_load=[
        {"agent_id": "ben", "contact_id": "h", "channel": "chat", "expected_end_at": ahead(20)}
    ],
    contacts=[
        {"contact_id": "mail"},
        {"contact_id": "soon", "channel": "chat", "entered_at": ago(5)},
        {"contact_id": "late", "channel": "chat", "entered_at": ago(600)},
        {"contact_id": "paused", "channel": "chat", "hold_until": ahead(90)},
    ],
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One tick of the centre."""
    folder = tmp_path_factory.mktemp("centre")
    write_csvs(folder / "inbox", CENTRE)
    call("tick", "--config", settings(folder), *AT, "--archive", folder / "home" / "archive")
    return folder / "home"


def told(contact_id: str, home: Path) -> str:
    """The answer for people, in one line."""
    return " ".join(call("explain", contact_id, "--home", home).split())


def test_a_paused_contact_says_until_when(home: Path) -> None:
    """And so does the question why a certain agent does not have it."""
    assert "Waits: it was put on hold by hand, until 10:01:30 UTC." in told("paused", home)
    why = call_json("explain", "paused", "--why-not", "ana", "--home", home)
    assert why["sentence"] == (
        "ana cannot take paused: they may not have it: it was put on hold by hand, until"
        " 2026-11-18 10:01:30 UTC."
    )


def test_who_waits_for_an_agent_is_told_the_next_chance(home: Path) -> None:
    """Ben's chat should end in 20 s, early enough for a target that lies 55 s ahead."""
    shown = told("soon", home)
    assert "Waits for ben, free soon" in shown
    assert "Its next chance: ben should be free at 2026-11-18 10:00:20 UTC, in 20 s." in shown
    chance = call_json("explain", "soon", "--home", home)["next_chance_at"]
    assert chance == ahead(20).isoformat()
    assert "next chance" not in told("late", home)


def test_who_is_past_the_target_is_told_so(home: Path) -> None:
    """A chat of ten minutes has a target of one; a mail of this moment has hours left."""
    assert "Is past its target." in told("late", home)
    assert "past its target" not in told("mail", home)
    assert "Misses its target at 2026-11-18 10:00:55 UTC, in 55 s" in told("soon", home)


def test_terms_that_are_nothing_are_not_shown(home: Path) -> None:
    """Programs get all of them; those that are shown add up all the same."""
    row = call_json("explain", "mail", "--home", home)
    shown = told("mail", home)
    assert row["borrowing"] == 0.0
    assert "borrowing: " not in shown
    assert "match: " in shown
    assert "│ 0.00" not in shown
    forced = " ".join(call("explain", "mail", "--why-not", "ana", "--home", home).split())
    assert "borrowing: " not in forced


def test_without_agents_no_number_of_them_is_told(tmp_path: Path) -> None:
    """`Of 0 agents 0 pass` tells nobody anything."""
    empty = tiny(contacts=[{"contact_id": "alone"}])
    write_csvs(tmp_path / "inbox", empty)
    call("tick", "--config", settings(tmp_path), *AT, "--archive", tmp_path / "home" / "archive")
    assert "Waits: there are no agents." in told("alone", tmp_path / "home")
    asked = call("explain", "alone", "--why-nobody", "--home", tmp_path / "home")
    assert "there are no agents" in asked
    assert "0 agents" not in asked
    assert "of 0" not in asked
