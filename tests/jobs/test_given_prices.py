"""Prices that a source gives are charged, published, explained and replayed, from end to end."""

from pathlib import Path

import pytest

from data_io.publish import read_published
from tests.jobs.commands import call, call_json, settings, write_csvs
from tests.models.tiny import NOW, Row, serves, tiny

AT = ("--at", f"{NOW:%Y-%m-%dT%H:%M:%S}")


def price(agent_id: str, fast_price: float, window_s: float = 600.0) -> Row:
    """A row of `agent_prices` with a fast price only."""
    prices = {"fast_price": fast_price, "slow_price": 0.0, "late_price": 0.0}
    return {"agent_id": agent_id, "window_s": window_s} | prices


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One tick of ana and ben, who are as good; ana's time costs 4 for 300 s of 600, ben's 2."""
    folder = tmp_path_factory.mktemp("centre")
    centre = tiny(
        agents=[{"agent_id": name} for name in ("ana", "ben", "cai")],
        agent_channels=[*serves("ana", voice=1), *serves("ben", voice=1)],
        contacts=[{"contact_id": "call", "channel": "voice"}],
        agent_prices=[price("ana", 8.0), price("ben", 4.0), price("cai", 1.0, window_s=60.0)],
        queue_prices=[{"queue_id": "q", "head_worth": 1.5}],
    )
    write_csvs(folder / "inbox", centre)
    call("tick", "--config", settings(folder), *AT, "--archive", folder / "home" / "archive")
    return folder / "home"


def test_the_cheaper_agent_has_the_call_and_the_terms_are_published(home: Path) -> None:
    """Nothing else differs between the two; the head counts whoever has the call."""
    published = read_published(home / "published")
    assert published.assignment["agent_id"].to_list() == ["ben"]
    row = published.explanation.row(0, named=True)
    assert (row["agent_time"], row["head_worth"]) == (-2.0, 1.5)
    assert row["runner_up_agent_id"] == "ana"
    # A price of ana's that is 4 dearer for all of the window is 2 dearer for half of it.
    assert row["gain"] - row["runner_up_gain"] == pytest.approx(2.0, abs=0.0011)


def test_a_row_of_another_window_is_in_quarantine(home: Path) -> None:
    """Cai's, whose window is a minute."""
    rejected = read_published(home / "published").rejected_row
    assert rejected.select("table_name", "rule").rows() == [("agent_prices", "window_s_same")]


def test_people_are_told_what_the_time_cost(home: Path) -> None:
    """In a sentence and as a term."""
    told = " ".join(call("explain", "call", "--home", home).split())
    assert "That counts 5 min of this agent's time, which others may need more: -2.00." in told
    assert "agent_time: time of the agent that others may need" in told
    why = call_json("explain", "call", "--why-not", "ana", "--home", home)
    assert why["pair"]["terms"]["agent_time"] == -4.0
    assert why["as_decided"] is True
