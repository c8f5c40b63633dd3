"""The commands as a person or a program calls them, one after the other on one home folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

import omniassign
from data_io.store import Store
from jobs.errors import EXPECTED
from jobs.kept_batches import find_batch
from jobs.readers import TERMS
from models.gain import Term
from models.policy import Policy
from models.tables import EXPLANATION, INPUT_TABLES, OUTPUT_TABLES
from scenarios.generate import generate_batch

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)


def call(*words: object, code: int = 0) -> str:
    """Standard output of a command that ends with `code`."""
    done = CliRunner().invoke(omniassign.app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


def call_json(*words: object, code: int = 0) -> Any:  # noqa: ANN401
    return json.loads(call(*words, "--json", code=code))


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of a small centre as Parquet, with one bad row."""
    folder = tmp_path_factory.mktemp("inbox")
    batch = generate_batch(2, 60, 20, NOW)
    for table in INPUT_TABLES:
        frame: pl.DataFrame = getattr(batch, table.name)
        if table.name == "contacts":
            bad = frame.head(1).with_columns(contact_id=pl.lit("bad"), channel=pl.lit("fax"))
            frame = pl.concat([frame, bad])
        frame.write_parquet(folder / f"{table.name}.parquet")
    return folder


@pytest.fixture(scope="module")
def home(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the snapshot imported and one tick decided and archived."""
    home = tmp_path_factory.mktemp("home")
    taken = call_json("import", "folder", inbox, "--at", "2026-11-03T14:00", "--home", home)
    assert (taken["rows"]["contacts"], taken["rejected"]) == (60, 1)
    report = call_json("tick", "--home", home, "--archive", home / "kept")
    assert report["tick_at"] == NOW.isoformat()
    assert report["termination"] == "optimal"
    assert report["num_assigned"] + report["num_held"] + report["num_unassigned"] == 60
    return home


def test_the_same_tick_again_changes_nothing(home: Path) -> None:
    """The instant is the snapshot's, so a second call is the same tick."""
    assert call_json("tick", "--home", home)["already_committed"] is True


def test_status_tells_the_tick_the_reasons_and_the_quarantine(home: Path) -> None:
    """Reasons add up to those who wait; the bad row is there with its rule."""
    status = call_json("status", "--home", home)
    waiting = status["tick"]["num_held"] + status["tick"]["num_unassigned"]
    assert sum(row["num"] for row in status["reasons"]) == waiting
    assert [(row["table_name"], row["rule"]) for row in status["rejected"]] == [
        ("contacts", "channel_known")
    ]
    assert "Quarantine" in call("status", "--home", home)


def test_status_shows_every_queue_and_what_nobody_can_prevent(home: Path) -> None:
    """One row per queue; what will be late is counted there and named, the nearest first."""
    status = call_json("status", "--home", home)
    batch = generate_batch(2, 60, 20, NOW)
    queues = {row["queue_id"]: row for row in status["outlook"]}
    assert set(queues) == set(batch.queues["queue_id"])
    assert sum(row["num_waiting"] for row in queues.values()) == 60
    late = status["late"]
    assert [row["left_s"] for row in late] == sorted(row["left_s"] for row in late)
    # Contacts of one customer share one fate, so that there are at least as many contacts.
    assert len(late) >= sum(row["num_unavoidable"] for row in queues.values()) > 0
    assert all(row["left_s"] > 0 for row in late)
    shown = call("status", "--home", home)
    assert f"Targets that nobody can meet any more: {len(late)}" in shown
    assert late[0]["contact_id"] in shown
    assert "predicted" in shown


def test_status_reads_what_an_earlier_release_published(home: Path, tmp_path: Path) -> None:
    """Without outlook, requeue and answers, and without the columns that came later."""
    shutil.copytree(home / "published", tmp_path / "published")
    current = tmp_path / "published" / "CURRENT.json"
    manifest = json.loads(current.read_text())
    later = ("outlook", "requeue", "response_result")
    manifest["files"] = [file for file in manifest["files"] if file["table"] not in later]
    current.write_text(json.dumps(manifest))
    explained = next(file for file in manifest["files"] if file["table"] == "explanation")
    path = tmp_path / "published" / explained["path"]
    old = ("unavoidable", "step", "relaxes_at", "breach_at", "tier", "region", "borrowing")
    pl.read_parquet(path).drop(old).write_parquet(path)
    status = call_json("status", "--home", tmp_path)
    assert (status["outlook"], status["late"], status["requeue"], status["refused"]) == (
        *([], []),
        *([], []),
    )
    assert "Queues: none" in call("status", "--home", tmp_path)
    told = call("explain", _first_assigned(home), "--home", tmp_path)
    assert "match: " in told
    assert "region: " not in told


def test_light_commands_do_not_load_the_engine(home: Path) -> None:
    """`status` and `explain CONTACT` start without compiled code of the solver."""
    asks = [["status"], ["explain", _first_assigned(home)]]
    code = (
        "import sys, omniassign\n"
        f"for words in {asks!r}:\n"
        f"    omniassign.app([*words, '--home', {str(home)!r}], standalone_mode=False)\n"
        "heavy = {'numba', 'scipy', 'ortools', 'pulp'} & set(sys.modules)\n"
        "raise SystemExit(f'loaded {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_status_shows_offers_that_the_platform_does_not_act_on(
    inbox: Path, tmp_path: Path
) -> None:
    """Twenty minutes on the snapshot still shows them waiting: beyond the window of fifteen.

    Where agents are asked to accept, offers have run out long before.
    """
    call("import", "folder", inbox, "--at", "2026-11-03T14:00", "--home", tmp_path)
    call("tick", "--home", tmp_path)
    never_asked = {
        name.value for name, row in Policy().channels.items() if not row.accept_timeout_s
    }
    first = [row["channel"] for row in _lines(_exported(tmp_path, "assignment"))]
    stays = sum(channel in never_asked for channel in first)
    assert call_json("status", "--home", tmp_path)["unanswered"] == []
    call("tick", "--home", tmp_path, "--at", "2026-11-03T14:20")
    stuck = call_json("status", "--home", tmp_path)["unanswered"]
    assert 0 < sum(row["num"] for row in stuck) == stays < len(first)


def test_explain_answers_for_every_contact(home: Path) -> None:
    """Assigned ones have terms that add up to the gain; all have a sentence."""
    batch = generate_batch(2, 60, 20, NOW)
    decisions = set()
    for contact_id in batch.contacts["contact_id"]:
        row = call_json("explain", contact_id, "--home", home)
        decisions.add(row["decision"])
        assert row["detail"].endswith(".")
        if row["decision"] == "assigned":
            assert sum(row[name] for name in TERMS) == pytest.approx(row["gain"], abs=1e-3)
            assert [one["event"] for one in row["offers"]] == ["offered"]
            assert row["offer"]["num_context"] >= 0
        else:
            assert (row["offer"], row["offers"]) == (None, [])
    assert {"assigned", "unassigned"} <= decisions


def test_the_terms_that_are_shown_are_those_of_the_gain() -> None:
    """All of them, in the order of the model, each a column that is explained."""
    assert list(TERMS) == [term.value for term in Term]
    assert set(TERMS) <= set(EXPLANATION.schema().names())


def test_explain_shows_terms_target_context_and_offers(home: Path) -> None:
    """Terms that count by name, what the agent sees of the customer, the event of the offer."""
    first = _first_assigned(home)
    told, row = call("explain", first, "--home", home), call_json("explain", first, "--home", home)
    counts = {term for term in TERMS if abs(row[term]) >= 0.005}
    assert {term for term in TERMS if f"{term}: " in told} == counts
    assert "this customer before, will see" in told
    assert "Its offers" in told
    assert "offered" in told


def test_explain_leads_on_only_where_the_batch_is_there(home: Path) -> None:
    """Who waits is told how to ask on, if the archive has the batch of that very tick."""
    rows = _lines(_exported(home, "unassigned"))
    waits = next(row["contact_id"] for row in rows if row["decision"] == "unassigned")
    shown = call("explain", waits, "--home", home, "--archive", home / "kept")
    assert f"omniassign explain {waits} --why-nobody --archive {home / 'kept'}" in shown
    assert "--why-nobody" not in call("explain", waits, "--home", home)
    answer = call_json("explain", waits, "--why-nobody", "--archive", home / "kept")
    assert answer["contact_id"] == waits
    assert answer["as_decided"] is True


def test_explain_shows_what_became_of_earlier_offers(inbox: Path, tmp_path: Path) -> None:
    """Declined by the platform's answer: it waits again, and its offer is there with the end.

    What is dated before the offer, or comes when it stands no more, is recorded and refused.
    """
    shutil.copytree(inbox, tmp_path / "inbox")
    config = tmp_path / "omniassign.toml"
    config.write_text(
        f'[source]\nfolder = "{tmp_path}/inbox"\n[store]\nhome = "{tmp_path}/home"\n'
    )
    call("tick", "--config", config, "--at", "2026-11-03T14:00")
    first = call_json("export", "--config", config, "--out", tmp_path, "--format", "ndjson")
    assert first[str(tmp_path / "assignment.ndjson")] > 0
    offers = [
        json.loads(line) for line in (tmp_path / "assignment.ndjson").read_text().splitlines()
    ]
    offer = next(row for row in offers if row["channel"] == "chat")
    answer = {
        "response_id": "r1",
        "contact_id": offer["contact_id"],
        "tick_at": NOW.isoformat(),
        "agent_id": offer["agent_id"],
        "answer": "declined",
        "responded_at": "2026-11-03T14:00:03Z",
    }
    early = answer | {"response_id": "r0", "responded_at": "2026-11-03T13:00:00Z"}
    late = answer | {
        "response_id": "r2",
        "answer": "accepted",
        "responded_at": "2026-11-03T14:00:04Z",
    }
    (tmp_path / "inbox" / "responses").mkdir()
    (tmp_path / "inbox" / "responses" / "one.ndjson").write_text(
        "".join(json.dumps(row) + "\n" for row in (early, answer, late))
    )
    call("tick", "--config", config, "--at", "2026-11-03T14:00:05")
    row = call_json("explain", offer["contact_id"], "--config", config)
    assert [one["event"] for one in row["offers"]][:2] == ["offered", "declined"]
    assert "declined" in call("explain", offer["contact_id"], "--config", config)
    status = call_json("status", "--config", config)
    assert status["refused"] == [
        {"refusal": "before_offer", "num": 1},
        {"refusal": "offer_declined", "num": 1},
    ]


def test_explain_finds_a_contact_in_quarantine(home: Path) -> None:
    """Its rule is the answer."""
    assert "breaks channel_known" in call("explain", "bad", "--home", home)


def test_the_archived_tick_replays_identically(home: Path) -> None:
    """The plan of the archive is the plan of the tick."""
    folder = next((home / "kept").iterdir())
    assert call_json("replay", folder)["identical"] is True


@pytest.mark.parametrize(
    "way", ["kept", "kept/{name}", "./kept/../kept", "{name}", ".", "archive"]
)
def test_a_batch_is_found_by_any_way_that_leads_to_it(
    way: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative paths, the archive around it, the working folder itself, a home with an archive."""
    (name,) = [path.name for path in (home / "kept").iterdir()]
    shutil.copytree(home / "kept", tmp_path / "kept")
    shutil.copytree(home / "kept", tmp_path / "archive" / "archive")
    inside = {"{name}": tmp_path / "kept", ".": tmp_path / "kept" / name}
    monkeypatch.chdir(inside.get(way, tmp_path))
    assert find_batch(Path(way.format(name=name))).name == name


@pytest.mark.parametrize("file_format", ["parquet", "csv", "ndjson"])
def test_export_writes_every_output_table(home: Path, tmp_path: Path, file_format: str) -> None:
    """The published window and the whole store hold the same after one tick."""
    for extra in ([], ["--all"]):
        written = call_json(
            "export", "--home", home, "--out", tmp_path, "--format", file_format, *extra
        )
        assert set(written) == {str(tmp_path / f"{t.name}.{file_format}") for t in OUTPUT_TABLES}
        assert written[str(tmp_path / f"tick.{file_format}")] == 1


def test_validate_exits_with_1_when_a_row_breaks_a_rule(inbox: Path) -> None:
    """Good rows are counted, bad ones named."""
    found = call_json("validate", inbox, "--at", "2026-11-03T14:00", code=1)
    assert found["good"]["contacts"] == 60
    assert [row["rule"] for row in found["rejected"]] == ["channel_known"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tick", "--home", "{tmp}"], "the store is empty"),
        (["tick", "--home", "{tmp}", "--at", "noon"], "'noon' is not an instant"),
        (["run", "--home", "{tmp}"], "nothing feeds the store"),
        (["run", "--every", "5x", "--config", "{tmp}/fed.toml"], "--every is '5x'"),
        (["status", "--home", "{tmp}"], "CURRENT.json"),
        (["explain", "nobody", "--home", "{home}"], "contact 'nobody' is neither"),
        (["config", "--config", "{tmp}/bad.toml"], "did you mean 'store'"),
        (["replay", "{tmp}"], "no archived batch, expected a folder such as 20261103T14000000000"),
        (["validate", "{tmp}/none"], "none"),
        (["import", "servicenow", "{tmp}/none", "--at", "2016-03-15"], "none"),
        (
            ["import", "folder", "{inbox}", "--at", "2020-01-01", "--home", "{home}"],
            "use --fresh",
        ),
    ],
)
def test_failures_are_one_line_and_exit_code_1(
    words: list[str], said: str, home: Path, inbox: Path, tmp_path: Path
) -> None:
    """What was found and what to do, without a traceback."""
    (tmp_path / "bad.toml").write_text("[stroe]")
    (tmp_path / "fed.toml").write_text(f'[source]\nfolder = "{inbox}"')
    given = [word.format(tmp=tmp_path, home=home, inbox=inbox) for word in words]
    with pytest.raises(EXPECTED) as failure:
        call(*given)
    assert said in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_second_writer_is_told_who_is_first(home: Path) -> None:
    """The lease names the holder."""
    with (
        Store.open(home / "omniassign.duckdb", "the first job", NOW),
        pytest.raises(EXPECTED, match="the first job"),
    ):
        call("tick", "--home", home)


def test_fresh_puts_the_old_home_aside(inbox: Path, tmp_path: Path) -> None:
    """Nothing is deleted: the old folder is renamed."""
    home = tmp_path / "home"
    call("import", "folder", inbox, "--at", "2026-11-03T14:00", "--home", home)
    call("import", "folder", inbox, "--at", "2020-01-01", "--home", home, "--fresh")
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("home-until-")]) == 1


def test_run_ticks_until_sigterm_and_ends_whole(inbox: Path, tmp_path: Path) -> None:
    """The real process: ticks on the grid, then a clean end with every tick committed."""
    config = tmp_path / "omniassign.toml"
    config.write_text(f'[source]\nfolder = "{inbox}"\n[store]\nhome = "{tmp_path}/home"\n')
    command = [sys.executable, "-c", "import omniassign; omniassign.main()", "run"]
    job = subprocess.Popen(
        [*command, "--every", "200ms", "--json", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert job.stdout is not None
    lines = [job.stdout.readline() for _ in range(3)]  # settings and two ticks
    job.send_signal(signal.SIGTERM)
    rest = job.stdout.read()
    job.stdout.close()
    assert job.wait(timeout=60) == 0
    said = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    ticks = [line["tick_at"] for line in said if "tick_at" in line]
    assert said[-1]["num_ticks"] == len(ticks) >= 2
    with Store.open(tmp_path / "home" / "omniassign.duckdb", "test", NOW) as store:
        assert store.last_tick_at() == datetime.fromisoformat(ticks[-1])


def _first_assigned(home: Path) -> str:
    return str(_lines(_exported(home, "assignment"))[0]["contact_id"])


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _exported(home: Path, table: str) -> Path:
    call("export", "--home", home, "--out", home / "out", "--format", "ndjson")
    return home / "out" / f"{table}.ndjson"
