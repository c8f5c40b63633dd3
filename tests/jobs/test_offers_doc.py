"""docs/offers.md is true: its tables are those of the code, and its integration works."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data_io.imports.folder import FolderSource
from data_io.publish import read_published
from data_io.responses import Refusal
from data_io.store import Store
from jobs.config import Config, StoreConfig
from jobs.tick import TickJob, run_tick
from models.offers import TRANSITIONS
from solver.solve import solve

DOC = (Path(__file__).parent.parent.parent / "docs" / "offers.md").read_text(encoding="utf-8")
START = datetime(2026, 11, 3, 14, tzinfo=UTC)
Row = dict[str, Any]


def test_the_table_of_steps_is_that_of_the_code() -> None:
    """Every transition has its row, and there are no others."""
    rows = [
        (
            step.name,
            ", ".join(f"`{event}`" for event in step.before) or "-",
            f"`{step.event}`",
            step.contact.replace("_", " "),
            "yes" if step.answers else "",
            step.cause,
        )
        for step in TRANSITIONS
    ]
    section = DOC.split("## The life of an offer")[1].split("## ")[0]
    shown = [line for line in section.splitlines() if line.startswith("|")][2:]
    assert [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in shown] == rows


def test_every_refusal_is_explained() -> None:
    """By name, in the table of refusals."""
    section = DOC.split("| refusal |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", section.split("| --- | --- |")[1])) >= {
        refusal.value for refusal in Refusal
    }


@dataclass
class Platform:
    """A phone system in memory: two agents, one caller; the integration of the document."""

    inbox: Path
    published: Path
    answer: Callable[..., None]
    react: Callable[..., set[Any]]
    available: list[str]
    known: set[Any] = field(default_factory=set)
    rings: list[Row] = field(default_factory=list)
    withdrawn: list[Row] = field(default_factory=list)

    def show(self, version: int = 1) -> None:
        """Write the snapshot."""
        self.inbox.mkdir(exist_ok=True)
        agents = self.available
        shift = {"shift_start_at": START - timedelta(hours=1)}
        shift["shift_end_at"] = START + timedelta(hours=7)
        usual = {"presence": "available", "site": "porto", "time_zone": "UTC", "version": 1}
        tables: dict[str, list[Row]] = {
            "queues": [{"queue_id": "calls"}],
            "agents": [{"agent_id": a, "capacity_units": 100.0} | usual | shift for a in agents],
            "agent_channels": [
                {"agent_id": a, "channel": "voice", "max_items": 1} for a in agents
            ],
            "queue_members": [{"agent_id": a, "queue_id": "calls"} for a in agents],
            "contacts": [
                {
                    "contact_id": "call",
                    "conversation_id": "thread",
                    "queue_id": "calls",
                    "channel": "voice",
                    "entered_at": START - timedelta(seconds=15),
                    "version": version,
                }
            ],
        }
        for name, rows in tables.items():
            pl.DataFrame(rows).write_parquet(self.inbox / f"{name}.parquet")

    def work(self) -> None:
        """What the integration does after each publication."""
        self.known = self.react(
            self.published, self.known, self.rings.append, self.withdrawn.append
        )


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    """Ana and ben are there."""
    (code,) = re.findall(r"```python\n(.*?)```", DOC, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "offers.md", "exec"), names)
    shown = Platform(
        tmp_path / "inbox",
        tmp_path / "home" / "published",
        names["answer"],
        names["react"],
        ["ana", "ben"],
    )
    shown.show()
    return shown


@pytest.fixture
def job(platform: Platform, tmp_path: Path) -> Iterator[TickJob]:
    """The real job on the platform's folder."""
    config = Config(store=StoreConfig(home=tmp_path / "home"))
    with Store.open(config.store.database, "test", START) as store:
        yield TickJob(config, store, FolderSource(platform.inbox), solve)


def at(seconds: float) -> datetime:
    """Instant so many seconds after the first tick."""
    return START + timedelta(seconds=seconds)


def test_the_integration_is_as_short_as_it_says() -> None:
    """Twenty lines of statements, imports and definitions apart."""
    (code,) = re.findall(r"```python\n(.*?)```", DOC, flags=re.DOTALL)
    lines = [line for line in code.splitlines() if line.strip()]
    statements = [line for line in lines if not re.match(r"(import|from|def) ", line)]
    assert len(statements) <= 20


def test_a_declined_call_rings_at_the_other_agent_at_its_full_age(
    platform: Platform, job: TickJob
) -> None:
    """Declined after 2 s: in the next tick it goes to the other agent, who accepts."""
    run_tick(job, START)
    platform.work()
    (first,) = platform.rings
    platform.answer(platform.inbox, first, "declined", at(2).isoformat())
    run_tick(job, at(5))
    platform.work()
    assert len(platform.rings) == 2
    second = platform.rings[1]
    assert {first["agent_id"], second["agent_id"]} == {"ana", "ben"}
    assert job.store.read_batch(at(4), at(4)).contacts["entered_at"].to_list() == [at(-15)]
    platform.answer(platform.inbox, second, "accepted", at(8).isoformat())
    run_tick(job, at(10))
    results = read_published(platform.published).response_result
    assert results.sort("applied_at").select("answer", "is_applied").rows() == [
        ("declined", True),
        ("accepted", True),
    ]
    assert job.store.read_batch(at(11), at(11)).contacts.is_empty()


def test_the_only_agent_who_declined_is_asked_again(platform: Platform, job: TickJob) -> None:
    """Nobody else is there: she rests for 15 s, and not longer, until the limit of declines."""
    platform.available = ["ana"]
    platform.show()
    for seconds in (0, 20):
        run_tick(job, at(seconds))
        platform.work()
        offer = platform.rings[-1]
        assert offer["tick_at"] == at(seconds)
        platform.answer(platform.inbox, offer, "declined", at(seconds + 2).isoformat())
    run_tick(job, at(35))
    run_tick(job, at(40))
    platform.work()
    assert [offer["tick_at"] for offer in platform.rings] == [at(0), at(20), at(40)]


def test_who_lets_it_ring_gets_nothing_and_must_give_it_up(
    platform: Platform, job: TickJob
) -> None:
    """Expired after 20 s: withdrawn there, offered to the other; the late accept is undone."""
    run_tick(job, START)
    platform.work()
    (first,) = platform.rings
    for seconds in (5, 10, 15, 20, 25):
        run_tick(job, at(seconds))
        platform.work()
    (expired,) = platform.withdrawn
    assert (expired["event"], expired["event_at"]) == ("expired", at(25))
    assert platform.rings[-1]["tick_at"] == at(25)
    assert platform.rings[-1]["agent_id"] != first["agent_id"]
    platform.answer(platform.inbox, first, "accepted", at(26).isoformat())
    run_tick(job, at(30))
    platform.work()
    assert platform.withdrawn[-1]["refusal"] == "offer_expired"
    assert platform.withdrawn[-1]["agent_id"] == first["agent_id"]


def test_when_an_agent_goes_home_the_call_goes_to_who_stays(
    platform: Platform, job: TickJob
) -> None:
    """Rescinded and offered again in one tick, at nobody's expense."""
    run_tick(job, START)
    platform.work()
    (first,) = platform.rings
    platform.available = [name for name in ("ana", "ben") if name != first["agent_id"]]
    platform.show()
    run_tick(job, at(5))
    platform.work()
    assert [row["event"] for row in platform.withdrawn] == ["rescinded"]
    assert [row["agent_id"] for row in platform.rings[1:]] == platform.available
    assert job.store.read_batch(at(6), at(6)).declines.is_empty()
