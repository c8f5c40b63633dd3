"""What `status` tells of a job from its published tables alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl

from models.policy import Policy
from scenarios.generate import generate_batch
from tests.jobs.commands import NOW, call, call_json, exported, first_assigned


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
    told = call("explain", first_assigned(home), "--home", tmp_path)
    assert "match: " in told
    assert "region: " not in told


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
    first = [row["channel"] for row in exported(tmp_path, "assignment")]
    stays = sum(channel in never_asked for channel in first)
    assert call_json("status", "--home", tmp_path)["unanswered"] == []
    call("tick", "--home", tmp_path, "--at", "2026-11-03T14:20")
    stuck = call_json("status", "--home", tmp_path)["unanswered"]
    assert 0 < sum(row["num"] for row in stuck) == stays < len(first)


def test_light_commands_do_not_load_the_engine(home: Path) -> None:
    """`status` and `explain CONTACT` start without compiled code of the solver."""
    asks = [["status"], ["explain", first_assigned(home)]]
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
