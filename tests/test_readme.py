"""What the README shows is true: settings, commands, code and files."""

import os
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from typer.main import get_command

import omniassign
from data_io.store import Store
from jobs.config import Config, StoreConfig, parse_settings
from jobs.tick import TickJob, run_tick
from models.tables import INPUT_TABLES, InputTables
from scenarios.generate import generate_batch
from solver.solve import solve

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)


def block(language: str) -> str:
    """The fenced block of the README in that language."""
    found = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_it_is_short() -> None:
    """At most 150 lines."""
    assert len(README.splitlines()) <= 150


def test_its_settings_are_read() -> None:
    """The TOML parses, and each value arrives."""
    config = parse_settings(tomllib.loads(block("toml")))
    assert config.source.folder == Path("inbox")
    assert config.policy.stick_worth == 2.0


def test_its_commands_exist() -> None:
    """Every `omniassign WORD` and every make target."""
    known = set(get_command(omniassign.app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"^omniassign ([a-z]+)", README, flags=re.MULTILINE))
    named |= set(re.findall(r"`omniassign ([a-z]+)", README))
    assert named
    assert named <= known
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^)make ([a-z]+)", README, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_its_files_exist() -> None:
    """Every path in backquotes that looks like one of ours."""
    for path in re.findall(r"`((?:models|solver|data_io|jobs|scenarios|docs)/[\w./]*)`", README):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"`(\w+\.md)`", README):
        assert (ROOT / "docs" / path).exists(), path


def test_its_code_reads_the_published_tables(tmp_path: Path) -> None:
    """The Python block runs in a process of its own while the store is open in this one."""
    batch = generate_batch(2, 30, 10, NOW)
    tables = InputTables(*(getattr(batch, table.name) for table in INPUT_TABLES))
    config = Config(store=StoreConfig(home=tmp_path / "var"))
    with Store.open(config.store.database, "test", NOW) as store:
        rejects = pl.DataFrame(schema=store.read_output(NOW - NOW).rejected_row.schema)
        store.replace_current(tables, rejects.drop("first_seen_at", "last_seen_at"), NOW)
        report = run_tick(TickJob(config, store, None, solve), NOW).report
        shown = block("python") + "\nprint(len(published.assignment))"
        done = subprocess.run(
            [sys.executable, "-c", shown],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
    assert int(done.stdout) == report.num_assigned > 0
