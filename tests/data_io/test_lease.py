"""One writer at a time, by a lock that dies with its holder."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.stand_in import START
from data_io.lease import Lease, LeaseTakenError
from data_io.store import Store

HOLDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from data_io.lease import Lease
lease = Lease(Path(sys.argv[1]), "first writer", datetime(2026, 3, 2, tzinfo=UTC))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    """The error names holder, process, host and instant, and leaves the first undisturbed."""
    path = tmp_path / "store.duckdb"
    with Store.open(path, "first writer", START) as store:
        with pytest.raises(LeaseTakenError, match="already written by") as error:
            Store.open(path, "second writer", START)
        owner = json.loads(error.value.owner)
        assert owner["holder"] == "first writer"
        assert owner["since"] == START.isoformat()
        assert set(owner) == {"holder", "pid", "host", "since"}
        store.checkpoint()
    Store.open(path, "second writer", START).close()


def test_two_names_of_one_store_share_its_lease(tmp_path: Path) -> None:
    """A link to the database is the same database."""
    path = tmp_path / "store.duckdb"
    link = tmp_path / "link.duckdb"
    link.symlink_to(path)
    with Store.open(path, "first writer", START), pytest.raises(LeaseTakenError):
        Store.open(link, "second writer", START)


def test_kill_9_frees_the_lease(tmp_path: Path) -> None:
    """No clean-up and no time-out: the kernel drops the lock with the process."""
    path = tmp_path / "store.duckdb"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LeaseTakenError, match="first writer"):
            Lease(path, "second writer", START)
        holder.kill()
        assert holder.wait() == -signal.SIGKILL
    Lease(path, "second writer", START).release()


def test_a_lease_taken_but_not_yet_signed_is_still_a_lease(tmp_path: Path) -> None:
    """Between lock and signature the holder has no name; the second writer is refused anyway."""
    path = tmp_path / "store.duckdb"
    lease = Lease(path, "first writer", START)
    (tmp_path / "store.duckdb.lease").write_text("")
    with pytest.raises(LeaseTakenError, match="a writer that is just starting"):
        Lease(path, "second writer", START)
    lease.release()
