"""`tick` and `run` as processes of their own, and how commands fail."""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from threading import Timer

import pytest

from data_io.store import Store
from jobs.errors import EXPECTED
from tests.jobs.commands import NOW, call, call_json


def test_the_same_tick_again_changes_nothing(home: Path) -> None:
    """The instant is the snapshot's, so a second call is the same tick."""
    assert call_json("tick", "--home", home)["already_committed"] is True


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
    # A job whose ticks fail prints nothing, and nobody should wait for it for ever.
    watchdog = Timer(120, job.kill)
    watchdog.start()
    lines = [job.stdout.readline() for _ in range(3)]  # settings and two ticks
    job.send_signal(signal.SIGTERM)
    rest = job.stdout.read()
    job.stdout.close()
    assert job.wait(timeout=60) == 0
    watchdog.cancel()
    said = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    ticks = [line["tick_at"] for line in said if "tick_at" in line]
    assert said[-1]["num_ticks"] == len(ticks) >= 2
    with Store.open(tmp_path / "home" / "omniassign.duckdb", "test", NOW) as store:
        assert store.last_tick_at() == datetime.fromisoformat(ticks[-1])
