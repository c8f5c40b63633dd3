"""What users of today's routers complain about, where it takes ticks and answers to see it.

Every tick is one of the real job, which refuses to commit a plan that the audit finds fault with.
The others are in `tests/solver/`; all are listed in `docs/complaints.md`.
"""

import ast
import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from data_io.imports.folder import FolderSource
from data_io.publish import Published, read_published
from data_io.quarantine import no_rejects
from data_io.source import Answers, Snapshot
from data_io.store import IN_MEMORY, Store
from jobs.config import Config, StoreConfig
from jobs.tick import TickJob, run_tick
from jobs.tick_report import TickReport
from models.batch import Batch
from models.policy import Boost, Policy
from models.tables import INPUT_TABLES, RESPONSES, InputTables
from solver.solve import solve
from tests.models.tiny import NOW, Row, ago, ahead, serves
from tests.solver.complaints import Decided, held, small

ROOT = Path(__file__).parents[2]
HOUR = 3600.0


class Desk:
    """A help desk beside the job: it shows its tables, and answers what it is offered."""

    def __init__(self, home: Path, store: Store) -> None:
        self.config = Config(store=StoreConfig(home=home))
        self.store = store
        self._shown: list[Batch] = []
        self._answers: list[Row] = []
        self.report: TickReport | None = None

    def show(self, **tables: list[Row]) -> None:
        """From now on the platform shows these rows, a dozen at most."""
        self._shown = [small(**tables)]

    def show_meanwhile(self, **tables: list[Row]) -> None:
        """It shows these rows to the second of the two looks that a tick takes."""
        self._shown.append(small(**tables))

    def answer(self, contact_id: str, agent_id: str, answer: str, offered_s: float) -> None:
        """What the agent did with the offer of the tick at so many seconds, a second later."""
        response: Row = {"response_id": f"r{len(self._answers)}", "contact_id": contact_id}
        response |= {"tick_at": ahead(offered_s), "agent_id": agent_id, "answer": answer}
        self._answers.append(response | {"responded_at": ahead(offered_s + 1)})

    def read(self, now: datetime) -> Snapshot:
        """The rows shown, and all answers so far: those known already change nothing."""
        del now
        batch = self._shown.pop(0) if len(self._shown) > 1 else self._shown[0]
        tables = InputTables(**{table.name: getattr(batch, table.name) for table in INPUT_TABLES})
        drops = (pl.DataFrame(self._answers, schema=RESPONSES.schema()),)
        return Snapshot(tables, no_rejects(), answers=Answers(drops))

    def tick(self, seconds: float, policy: Policy | None = None) -> Decided:
        """What the tick decides that is scheduled so many seconds after the first."""
        config = replace(self.config, policy=policy or Policy())
        outcome = run_tick(TickJob(config, self.store, self, solve), ahead(seconds))
        assert outcome.plan is not None
        self.report = outcome.report
        return Decided(outcome.plan)

    @property
    def published(self) -> Published:
        """What everybody can read."""
        return read_published(self.config.store.published)

    def events_of(self, contact_id: str) -> list[tuple[str, str]]:
        """(agent, event) of the contact, in the order in which they came."""
        events = self.published.assignment.filter(contact_id=contact_id).sort("event_at")
        return events.select("agent_id", "event").rows()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Store.open(IN_MEMORY, "test", NOW) as store:
        yield Desk(tmp_path, store)


def chat(contact_id: str, **more: object) -> Row:
    return {"contact_id": contact_id, "channel": "chat"} | more


def test_03_one_batch_takes_everything_unassigned_to_whoever_is_online(desk: Desk) -> None:
    """Three contacts of last night and a new one go to `a` and `b` at once, none to `off`.

    The next tick takes what is new; what was assigned is not assigned again.
    """
    agents: list[Row] = [
        {"agent_id": "a"},
        {"agent_id": "b"},
        {"agent_id": "off", "presence": "offline"},
    ]
    night: list[Row] = [{"contact_id": f"c{n}", "entered_at": ago(9 * HOUR)} for n in range(3)]
    waiting = [*night, chat("c3")]
    desk.show(agents=agents, contacts=waiting)
    found = desk.tick(0)
    assert sorted(found.given) == ["c0", "c1", "c2", "c3"]
    assert set(found.given.values()) == {"a", "b"}
    desk.show(agents=agents, contacts=[*waiting, {"contact_id": "c4"}])
    assert list(desk.tick(5).given) == ["c4"]
    assert len(desk.published.assignment.filter(event="offered")) == 5


def test_07_any_help_desk_can_have_its_mail_shared_out_by_files(tmp_path: Path) -> None:
    """CSV files in, and Parquet files out that `CURRENT.json` names: two emails for each of two.

    An answer in a CSV file is read, too.
    """
    inbox = tmp_path / "inbox"
    shift = ("2026-11-18T08:00:00Z", "2026-11-18T16:00:00Z")
    times = ("shift_start_at", "shift_end_at")
    agent = ("presence", "site", "time_zone", "capacity_units", "version")
    written: dict[str, list[tuple[object, ...]]] = {
        "queues": [("queue_id",), ("mail",)],
        "agents": [
            ("agent_id", *times, *agent),
            *((name, *shift, "available", "porto", "Europe/Lisbon", 100, 1) for name in "ab"),
        ],
        "agent_channels": [("agent_id", "channel", "max_items"), *((n, "email", 9) for n in "ab")],
        "queue_members": [("queue_id", "agent_id"), ("mail", "a"), ("mail", "b")],
        "contacts": [
            ("contact_id", "conversation_id", "queue_id", "channel", "entered_at", "version"),
            *((f"c{n}", f"t{n}", "mail", "email", "2026-11-18T09:00:00Z", 1) for n in range(4)),
        ],
    }
    assert sum(len(rows) - 1 for rows in written.values()) <= 12
    inbox.mkdir()
    for name, rows in written.items():
        with (inbox / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)

    config = Config(store=StoreConfig(home=tmp_path / "var"))
    with Store.open(config.store.database, "test", NOW) as store:
        job = TickJob(config, store, FolderSource(inbox), solve)
        run_tick(job, NOW)
        offers = plain_table(config.store.published, "assignment")
        assert offers["agent_id"].sort().to_list() == ["a", "a", "b", "b"]
        name, agent_id = offers.select("contact_id", "agent_id").row(0)
        (inbox / "responses.csv").write_text(
            "response_id,contact_id,tick_at,agent_id,answer,responded_at\n"
            f"r1,{name},{NOW.isoformat()},{agent_id},accepted,{NOW.isoformat()}\n"
        )
        run_tick(job, NOW + timedelta(seconds=5))
    assert plain_table(config.store.published, "response_result")["is_applied"].to_list() == [True]


def plain_table(published: Path, name: str) -> pl.DataFrame:
    """A published table, read as any other language would."""
    current = json.loads((published / "CURRENT.json").read_text())
    (entry,) = (file for file in current["files"] if file["table"] == name)
    return pl.read_parquet(published / entry["path"])


def test_08_what_somebody_takes_by_hand_meanwhile_is_not_assigned_to_another(desk: Desk) -> None:
    """`b` takes the contact while the tick thinks of `a`: the plan's row is lost, not written."""
    agents: list[Row] = [{"agent_id": "a"}, {"agent_id": "b"}]
    only_a = serves("a", chat=1)
    desk.show(agents=agents, agent_channels=only_a, contacts=[chat("c")])
    desk.show_meanwhile(agents=agents, agent_channels=only_a, agent_load=[held("c", "b", "chat")])
    assert desk.tick(0).given == {"c": "a"}
    assert desk.report is not None
    assert (desk.report.num_assigned, desk.report.num_lost) == (0, 1)
    assert desk.published.assignment.is_empty()
    assert desk.published.explanation.is_empty()
    # Without `b` the same plan lands.
    desk.show(agents=agents, agent_channels=only_a, contacts=[chat("d")])
    desk.tick(5)
    assert desk.events_of("d") == [("a", "offered")]


def test_12_what_a_trigger_assigns_is_not_fought_over(desk: Desk) -> None:
    """The offer to `a` rings when a trigger of the help desk gives the chat to `b`: `b` has it.

    It stays in `contacts` for a while, as it does on slow platforms, and nobody else gets it.
    """
    agents: list[Row] = [{"agent_id": "a"}, {"agent_id": "b"}]
    desk.show(agents=agents, agent_channels=serves("a", chat=3), contacts=[chat("c")])
    assert desk.tick(0).given == {"c": "a"}
    desk.show(
        agents=agents,
        agent_channels=serves("a", chat=3),
        agent_load=[held("c", "b", "chat")],
        contacts=[chat("c"), chat("d")],
    )
    assert desk.tick(5).given == {"d": "a"}
    assert desk.tick(10).given == {}
    assert desk.events_of("c") == [("a", "offered"), ("a", "rescinded")]


def test_16_a_chat_that_its_only_agent_declined_is_offered_again(desk: Desk) -> None:
    """After a pause of 15 s and without a new presence: nobody has to toggle anything."""
    desk.show(
        agents=[{"agent_id": "a", "presence_since": ago(HOUR)}],
        contacts=[chat("c", entered_at=ago(10))],
    )
    assert desk.tick(0).given == {"c": "a"}
    desk.answer("c", "a", "declined", 0)
    pausing = desk.tick(5)
    assert (pausing.given, pausing.reasons) == ({}, {"c": "cooling_down"})
    assert desk.tick(15).given == {}
    again = desk.tick(20)
    assert again.given == {"c": "a"}
    # Declined once: half a unit of money less, and 60 s - 10 s - 20 s left of its minute.
    told = again.explained("c")
    assert (told["declines"], told["breach_at"]) == (-0.5, ahead(50))


def test_17_declined_work_is_not_owned_by_who_declined_it(desk: Desk) -> None:
    """The next tick gives it to `b`, in its original age, and it weighs on `a` no more."""
    agents: list[Row] = [
        {"agent_id": "a", "idle_since": ago(HOUR)},
        {"agent_id": "b", "idle_since": ago(5)},
    ]
    channels = serves("a", chat=1, messaging=1) + serves("b", chat=1)
    desk.show(agents=agents, agent_channels=channels, contacts=[chat("c", entered_at=ago(10))])
    assert desk.tick(0).given == {"c": "a"}
    desk.answer("c", "a", "declined", 0)
    other: Row = {"contact_id": "m", "channel": "messaging"}
    desk.show(
        agents=agents, agent_channels=channels, contacts=[chat("c", entered_at=ago(10)), other]
    )
    found = desk.tick(5)
    assert found.given == {"c": "b", "m": "a"}
    assert found.explained("c")["breach_at"] == ahead(50)
    assert desk.events_of("c") == [("a", "offered"), ("a", "declined"), ("b", "offered")]


@pytest.mark.parametrize("presence", ["away", "offline", "busy"])
def test_17_an_offer_is_released_when_its_agent_leaves(desk: Desk, presence: str) -> None:
    """`a` turns away while it rings: the next tick gives the chat to `b`, and blames nobody."""
    rows: Row = {"contacts": [chat("c")]}
    second: Row = {"agent_id": "b", "idle_since": ago(5)}
    desk.show(agents=[{"agent_id": "a", "idle_since": ago(HOUR)}, second], **rows)
    assert desk.tick(0).given == {"c": "a"}
    turned: Row = {"agent_id": "a", "presence": presence, "presence_since": ahead(2), "version": 2}
    desk.show(agents=[turned, second], **rows)
    assert desk.tick(5).given == {"c": "b"}
    assert desk.events_of("c") == [("a", "offered"), ("a", "rescinded"), ("b", "offered")]


def test_17_an_offer_rings_on_where_ringing_makes_its_agent_busy(desk: Desk) -> None:
    """The platform shows the chat as offered to `a`, who is busy with nothing else."""
    second: Row = {"agent_id": "b", "idle_since": ago(5)}
    desk.show(agents=[{"agent_id": "a", "idle_since": ago(HOUR)}, second], contacts=[chat("c")])
    assert desk.tick(0).given == {"c": "a"}
    rings: Row = {"agent_id": "a", "presence": "busy", "presence_since": ahead(2), "version": 2}
    ringing = held("c", "a", "chat", state="offered", started_at=ahead(2))
    desk.show(agents=[rings, second], agent_load=[ringing])
    assert desk.tick(5).given == {}
    assert desk.events_of("c") == [("a", "offered")]


def test_29_presence_is_what_the_platform_says_at_every_tick(desk: Desk) -> None:
    """`a` goes and comes back while offers are pending: each tick follows, and changes no row."""
    rows: Row = {"agent_channels": serves("a", chat=1)}
    contacts = [chat("c")]
    seen: list[dict[str, str]] = []
    for number, presence in enumerate(("available", "away", "available")):
        desk.show(
            agents=[{"agent_id": "a", "presence": presence, "version": number}],
            contacts=contacts,
            **rows,
        )
        seen.append(desk.tick(5 * number).given)
        stored = desk.store.read_batch(ahead(5 * number), ahead(5 * number)).agents
        assert stored.select("agent_id", "presence", "version").rows() == [("a", presence, number)]
    assert seen == [{"c": "a"}, {}, {"c": "a"}]


@pytest.mark.parametrize(
    ("policy", "first"),
    [(Policy(), "c1"), (Policy(boosts=(Boost(queue_id="r", worth=50),)), "c2")],
)
def test_32_a_new_order_applies_to_what_already_waits(
    desk: Desk, policy: Policy, first: str
) -> None:
    """Both wait when queue `r` gets a boost; the slot that frees follows that tick's order."""
    tables: dict[str, list[Row]] = {
        "queues": [{"queue_id": "q"}, {"queue_id": "r"}],
        "agents": [{"agent_id": "a"}],
        "agent_channels": serves("a", email=1),
        "contacts": [
            {"contact_id": "c1", "value": 400.0, "entered_at": ago(HOUR)},
            {"contact_id": "c2", "queue_id": "r", "entered_at": ago(HOUR)},
        ],
    }
    desk.show(agent_load=[held("h", "a", "email")], **tables)
    assert desk.tick(0).given == {}
    desk.show(**tables)
    assert desk.tick(5, policy).given == {first: "a"}


def test_32_a_change_of_an_old_contact_counts_at_the_next_tick(desk: Desk) -> None:
    """It was the less valuable one when both came, and is escalated to class 0 while it waits."""
    policy = Policy(strict_classes=1)
    tables: dict[str, list[Row]] = {
        "agents": [{"agent_id": "a"}],
        "agent_channels": serves("a", email=1),
    }
    c1: Row = {"contact_id": "c1", "value": 400.0, "entered_at": ago(HOUR)}
    c2: Row = {"contact_id": "c2", "entered_at": ago(HOUR)}
    desk.show(agent_load=[held("h", "a", "email")], contacts=[c1, c2], **tables)
    assert desk.tick(0, policy).given == {}
    desk.show(contacts=[c1, c2 | {"priority": 0, "version": 2}], **tables)
    assert desk.tick(5, policy).given == {"c2": "a"}


def test_every_complaint_names_its_tests_and_every_test_its_complaint() -> None:
    """`docs/complaints.md` has the rows 1 to 35, each with exactly the tests of its number.

    A complaint with an expected failure is marked as open in the column of what we do.
    """
    found: dict[int, set[str]] = {}
    still_open: set[int] = set()
    files = ("tests/solver/test_complaints_one.py", "tests/solver/test_complaints_two.py")
    for file in (*files, "tests/jobs/test_complaints_store.py"):
        for node in ast.parse((ROOT / file).read_text()).body:
            if isinstance(node, ast.FunctionDef) and (of := re.match(r"test_(\d\d)_", node.name)):
                found.setdefault(int(of[1]), set()).add(node.name)
                if any("xfail" in ast.unparse(mark) for mark in node.decorator_list):
                    still_open.add(int(of[1]))
    text = (ROOT / "docs/complaints.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if re.match(r"\| \d", line)]
    assert [int(row[1]) for row in rows] == list(range(1, 36))
    assert {int(row[1]): set(re.findall(r"`(test_\w+)`", row[-2])) for row in rows} == found
    assert {int(row[1]) for row in rows if "**Open:**" in row[3]} == still_open
