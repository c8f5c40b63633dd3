"""`omniassign check` as an auditor calls it, on what a real tick published."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import omniassign
from data_io.certificate_files import CertificateError
from data_io.publish import CERTIFICATE
from models.tables import INPUT_TABLES
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
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with one tick of a small centre."""
    inbox, home = tmp_path_factory.mktemp("inbox"), tmp_path_factory.mktemp("home")
    batch = generate_batch(2, 60, 20, NOW)
    for table in INPUT_TABLES:
        getattr(batch, table.name).write_parquet(inbox / f"{table.name}.parquet")
    call("import", "folder", inbox, "--at", "2026-11-03T14:00", "--home", home)
    call("tick", "--home", home)
    return home


@pytest.fixture
def published(home: Path, tmp_path: Path) -> Path:
    """A copy of the published folder, to be spoilt."""
    return shutil.copytree(home / "published", tmp_path / "published")


def certificate_in(published: Path) -> Path:
    """The file of the newest batch."""
    return sorted(published.glob(f"batch-*/{CERTIFICATE}"))[-1]


def spoil(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Rewrite a certificate with changed arrays."""
    with np.load(path) as file:
        changed = change(dict(file))
    np.savez(path, **changed)


def test_the_published_plan_is_accepted(home: Path) -> None:
    """Of the home, of the folder and of the file, with what was looked at in numbers."""
    told = call_json("check", "--home", home)
    status = call_json("status", "--home", home)["tick"]
    assert told["findings"] == []
    assert (told["gain"], told["bound"]) == (status["gain"], status["bound"])
    assert told["num_assigned"] > 0
    assert told["num_pairs"] > told["num_contacts"]
    assert told["bound_by_rents"] >= told["bound"]
    assert call_json("check", home / "published")["num_pairs"] == told["num_pairs"]
    assert "pairs looked at" in call("check", certificate_in(home / "published"))


def test_the_same_tick_again_is_accepted_again(home: Path) -> None:
    """Its batch is published a second time, with the certificate of the first."""
    call("tick", "--home", home)
    assert call_json("check", "--home", home)["findings"] == []


def test_a_false_claim_is_rejected_with_exit_code_1(published: Path) -> None:
    """One unit more than the plan gains."""
    spoil(certificate_in(published), lambda z: z | {"gain": z["gain"] + 1})
    told = call_json("check", published, code=1)
    assert any("the gain is" in finding for finding in told["findings"])
    assert "REJECTED" in call("check", published, code=1)


def _other_agent(rows: pl.DataFrame) -> pl.DataFrame:
    first = pl.int_range(pl.len()) == 0
    return rows.with_columns(agent_id=pl.when(first).then(pl.lit("x")).otherwise("agent_id"))


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("assignment", _other_agent, "1 published contacts have other agents"),
        ("tick", lambda rows: rows.with_columns(gain=pl.col("gain") + 1), "published gain is"),
        ("tick", lambda rows: rows.with_columns(bound=pl.col("bound") + 1), "published bound is"),
        (
            "assignment",
            lambda rows: rows.with_columns(is_lead=False),
            "contacts are not published, but 0 were lost",
        ),
    ],
)
def test_tables_that_say_otherwise_are_rejected(
    published: Path, table: str, change: Callable[[pl.DataFrame], pl.DataFrame], said: str
) -> None:
    """The plan proven must be the plan that others read."""
    file = certificate_in(published).with_name(f"{table}.parquet")
    change(pl.read_parquet(file)).write_parquet(file)
    assert said in " ".join(call_json("check", published, code=1)["findings"])


def test_a_certificate_of_another_tick_is_rejected(published: Path) -> None:
    """It proves nothing of these tables."""
    spoil(certificate_in(published), lambda z: z | {"tick_at": np.array("2026-11-03T13:59:55")})
    assert "the certificate of 2026-11-03T13:59:55" in call("check", published, "--json", code=1)


def test_without_a_certificate_the_command_says_what_to_do(home: Path, tmp_path: Path) -> None:
    """Switched off in the settings, or a path that leads nowhere: one line."""
    config = tmp_path / "omniassign.toml"
    config.write_text("[publish]\ncertificate = false\n")
    call("tick", "--home", home, "--config", config, "--at", "2026-11-03T14:00:05")
    with pytest.raises(CertificateError, match="set certificate in \\[publish\\]"):
        call("check", "--home", home)
    with pytest.raises(CertificateError, match=r"nowhere\.npz cannot be read"):
        call("check", tmp_path / "nowhere.npz")
