"""A small centre that was imported, decided once and archived, for the tests of all commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from jobs import cli
from models.tables import INPUT_TABLES
from scenarios.generate import generate_batch
from solver.solve import solve, warm_up
from tests.jobs.commands import NOW, call_json


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session", autouse=True)
def solver_here() -> Iterator[None]:
    """Ticks of the command line solve in this process: starting another takes seconds each time.

    `tests/solver/test_child.py` and the tests of `run` and of the demo have the real one.
    """

    warm_up_once = cache(warm_up)

    @contextmanager
    def here(backend: str) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(solve=solve, warm_up=lambda: warm_up_once(backend))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "SolverChild", here)
        yield
