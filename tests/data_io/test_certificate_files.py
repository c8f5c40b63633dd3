"""Certificates as files, by themselves and in published batches."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.stand_in import (
    NO_REJECTS,
    START,
    stand_in_plan,
    stand_in_tables,
    stand_in_tick_row,
    tick_instant,
)
from data_io.atomic_files import TEMPORARY
from data_io.certificate_files import CertificateError, read_certificate, write_certificate
from data_io.publish import CERTIFICATE, publish, read_manifest, read_published
from data_io.store import IN_MEMORY, Store
from models.certificate import Certificate, Names, certify
from models.check_certificate import check
from models.dense_problem import dense_problem
from models.solution import SolveOptions
from solver.backends import flow

WINDOW = timedelta(seconds=10)


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory with one tick."""
    with Store.open(IN_MEMORY, "test", START) as opened:
        tick(opened, 0)
        yield opened


def tick(store: Store, number: int) -> None:
    """Snapshot and commit the tick `number`."""
    tick_at = tick_instant(number)
    store.replace_current(stand_in_tables(number, 3, 2), NO_REJECTS, tick_at)
    plan = stand_in_plan(store.read_batch(tick_at, tick_at), tick_at, 2)
    store.commit(plan, stand_in_tick_row(plan))


def certificate(gain: int) -> Certificate:
    """One contact and one agent, worth `gain` milli-units."""
    problem = dense_problem(np.array([[gain]]), np.array([1]))
    names = Names(START, np.array(["contact with a ü"]), np.array(["agent"]))
    return certify(problem, flow.solve(problem, SolveOptions(), None), names)


def test_a_file_is_read_as_it_was_written_and_replaced_whole(tmp_path: Path) -> None:
    """The later claim stands; nothing temporary is left; ids are text of any language."""
    path = tmp_path / CERTIFICATE
    for gain in (7, 9):
        write_certificate(path, certificate(gain))
    file = read_certificate(path)
    assert check(file) == []
    assert (int(file["gain"]), file["contact_id"].tolist()) == (9, ["contact with a ü"])
    assert list(tmp_path.glob(f"{TEMPORARY}*")) == []


def test_a_writer_that_dies_leaves_the_last_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there is whole, whenever the writer was stopped."""
    path = tmp_path / CERTIFICATE
    write_certificate(path, certificate(7))

    def half_written(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:100])
        raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", half_written)
        with pytest.raises(InterruptedError):
            write_certificate(path, certificate(9))
    assert int(read_certificate(path)["gain"]) == 7


@pytest.mark.parametrize("content", [None, b"", b"PK not an archive", b"\x93NUMPY"])
def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Missing, empty, no archive, cut short: what was found, expected and to be done."""
    path = tmp_path / "some.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CertificateError, match=r"some\.npz cannot be read .*expected.*publish"):
        read_certificate(path)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    """An archive that holds one is no certificate: reading a file must not run its code."""
    path = tmp_path / "pickled.npz"
    np.savez(path, contact_id=np.array(["a", None], dtype=object))
    with pytest.raises(CertificateError, match="allow_pickle=False"):
        read_certificate(path)


def test_a_published_batch_names_its_certificate(store: Store, tmp_path: Path) -> None:
    """It is beside the tables; a batch without one says so."""
    publish(store, tmp_path, WINDOW, keep=2)
    assert read_manifest(tmp_path).certificate is None
    publish(store, tmp_path, WINDOW, keep=2, certificate=certificate(7).to_bytes())
    place = read_published(tmp_path).manifest.certificate
    assert place == f"batch-0000000002/{CERTIFICATE}"
    assert int(read_certificate(tmp_path / place)["gain"]) == 7


def test_a_tick_published_again_keeps_its_certificate_and_the_next_does_not(
    store: Store, tmp_path: Path
) -> None:
    """A restart publishes what the store holds; another tick's proof would prove nothing of it."""
    publish(store, tmp_path, WINDOW, keep=1, certificate=certificate(7).to_bytes())
    again = publish(store, tmp_path, WINDOW, keep=1)
    assert again.certificate == f"batch-0000000002/{CERTIFICATE}"
    assert int(read_certificate(tmp_path / again.certificate)["gain"]) == 7
    tick(store, 1)
    assert publish(store, tmp_path, WINDOW, keep=1).certificate is None
