"""The command line as a person or a program calls it, and small centres as folders of CSV."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from typer.testing import CliRunner

import omniassign
from jobs.errors import EXPECTED
from models.batch import Batch
from models.tables import INPUT_TABLES

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)
"""Instant of the centre in `conftest.py`."""


def call(*words: object, code: int = 0) -> str:
    """Standard output of a command that ends with `code`."""
    done = CliRunner().invoke(omniassign.app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


def call_json(*words: object, code: int = 0) -> Any:  # noqa: ANN401
    """What a command answers to programs."""
    return json.loads(call(*words, "--json", code=code))


def refused(*words: object) -> str:
    """The one line with which a command fails."""
    done = CliRunner().invoke(omniassign.app, [str(word) for word in words])
    assert isinstance(done.exception, EXPECTED), done.output
    message = str(done.exception)
    assert "\n" not in message
    return message


def write_csvs(folder: Path, batch: Batch, *, without: tuple[str, ...] = ()) -> Path:
    """The required tables of a batch and those with rows as CSV files, but for those named."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in INPUT_TABLES:
        frame: pl.DataFrame = getattr(batch, table.name)
        if table.name not in without and (table.required or not frame.is_empty()):
            frame.write_csv(folder / f"{table.name}.csv")
    return folder


def settings(folder: Path, text: str = "") -> Path:
    """A settings file whose source is `folder`/inbox and whose home is `folder`/home."""
    path = folder / "omniassign.toml"
    head = f'[source]\nfolder = "{folder}/inbox"\n[store]\nhome = "{folder}/home"\n'
    path.write_text(head + text, encoding="utf-8")
    return path


def exported(home: Path, table: str) -> list[dict[str, Any]]:
    """Rows of a published table of a home folder."""
    call("export", "--home", home, "--out", home / "out", "--format", "ndjson")
    lines = (home / "out" / f"{table}.ndjson").read_text().splitlines()
    return [json.loads(line) for line in lines]


def first_assigned(home: Path) -> str:
    """Id of a contact that the last tick of a home folder assigned."""
    return str(exported(home, "assignment")[0]["contact_id"])
