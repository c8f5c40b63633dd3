"""Work that people gave by hand beyond every limit is reported, and stays where it is."""

from pathlib import Path

import pytest

from tests.jobs.commands import call, call_json, exported, settings, write_csvs
from tests.models.tiny import NOW, serves, tiny

AT = ("--at", f"{NOW:%Y-%m-%dT%H:%M:%S}")
CENTRE = tiny(
    agents=[{"agent_id": "ana"}, {"agent_id": "ben"}],
    agent_channels=[*serves("ana", voice=1), *serves("ben", voice=1)],
    agent_load=[
        {"contact_id": name, "agent_id": "ana", "channel": "voice"} for name in ("h1", "h2")
    ],
    contacts=[{"contact_id": f"c{number}", "channel": "voice"} for number in range(3)],
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ana was given two calls by hand, though one is her limit; a tick was decided and kept."""
    folder = tmp_path_factory.mktemp("by_hand")
    config = settings(folder)
    write_csvs(folder / "inbox", CENTRE)
    call("tick", "--config", config, *AT, "--archive", folder / "kept")
    return config


def test_the_tick_counts_who_is_above_their_limits(config: Path) -> None:
    """Ana keeps both calls and gets no more; Ben gets one."""
    home = config.parent / "home"
    assert [row["num_over_limit"] for row in exported(home, "tick")] == [1]
    assert [row["agent_id"] for row in exported(home, "assignment")] == ["ben"]
    assert exported(home, "requeue") == []


def test_status_names_them_where_the_batch_was_kept(config: Path) -> None:
    """A voice lane of one with two calls in it, of 100 units each."""
    kept = ("--archive", config.parent / "kept")
    status = call_json("status", "--config", config, *kept)
    assert status["tick"]["num_over_limit"] == 1
    assert status["over_limit"] == [
        {"agent_id": "ana", "limit": "units", "held": 200.0, "most": 100.0},
        {"agent_id": "ana", "limit": "voice", "held": 2.0, "most": 1.0},
    ]
    shown = call("status", "--config", config, *kept)
    assert "Agents who hold more than their limits: 1 " in shown.replace("\n", " ")
    assert "units 200 of 100, voice 2 of 1" in shown


def test_status_counts_them_in_any_case(config: Path) -> None:
    """Without the batch it says how to see who."""
    assert call_json("status", "--config", config)["over_limit"] is None
    shown = " ".join(call("status", "--config", config).split())
    assert "Agents who hold more than their limits: 1; to see who, run ticks with --arch" in shown


def test_explain_says_it_of_an_agent(config: Path) -> None:
    """And says nothing of who is within."""
    kept = ("--archive", config.parent / "kept", "--config", config)
    said = "Holds more than they are allowed: units 200 of 100, voice 2 of 1."
    assert said in call("explain", "--agent", "ana", *kept)
    assert "Holds more" not in call("explain", "--agent", "ben", *kept)


def test_status_shows_no_duration_that_nobody_measured(config: Path) -> None:
    """The row of a tick is written by its commit, so it cannot say how long that took."""
    shown = " ".join(call("status", "--config", config).split())
    assert "audit 0." in shown
    assert "seconds up to the commit" in shown
    assert not any(name in shown for name in ("commit 0", "publish 0", "seconds in all"))
    again = call_json("tick", "--config", config, *AT)
    assert set(again["seconds"]) == {"ingest", "read", "build", "solve", "explain", "audit"}
    assert again["total_s"] == pytest.approx(sum(again["seconds"].values()))
