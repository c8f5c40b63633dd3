"""Kill -9 at random moments, in small; `python -m benchmarks.crash --kills 100` in full."""

import sys
from pathlib import Path
from random import Random

import polars as pl
import pytest

from benchmarks.crash import (
    Target,
    check,
    crash,
    read_acknowledgement,
    run_and_kill,
    run_stand_in,
    stand_in_target,
)
from benchmarks.stand_in import EVERY, START, tick_instant
from data_io.store import Store


def test_a_killed_writer_loses_doubles_and_halves_nothing(tmp_path: Path) -> None:
    """What was acknowledged is there; what is there is whole; the next writer goes on."""
    report = crash(stand_in_target(tmp_path), kills=3, rng=Random(2), longest_life_s=0.5)
    assert report.findings == ()
    assert report.kills == 3
    # Every acknowledged tick is stored; one per kill may be durable before it is acknowledged.
    assert report.acknowledged <= report.ticks <= report.acknowledged + report.kills


def test_the_check_sees_what_it_is_for(tmp_path: Path) -> None:
    """A lost tick, a doubled contact and a half tick are findings: the check can fail."""
    target = stand_in_target(tmp_path)
    run_stand_in(tmp_path, num_ticks=12)
    with Store.open(tmp_path / target.store, "test", START) as store:
        ticks = {tick_instant(number) for number in range(12)}
        assert check(target, store, ticks) == []
        told = store.read_output(12 * EVERY).response_result
        # Each of 11 ticks answers the twenty new contacts of the one before, or more.
        assert told.filter("is_applied").height > 200
        lost = check(target, store, ticks | {tick_instant(99)})
        assert lost == [f"acknowledged tick {tick_instant(99)} is lost"]
    # Twelve ticks are too few for retention to have archived any: the file is this test's own.
    path = tmp_path / target.archive / "assignment" / "2026-03-02T09.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    with Store.open(tmp_path / target.store, "test", START) as store:
        events = store.read_output(12 * (tick_instant(1) - START)).assignment
        # Of the offers of tick 0 in turn, the second was accepted.
        taken = events.filter(event="offered", contact_id="contact-0-1")
        again = taken.with_columns(tick_at=pl.lit(tick_instant(5)))
        again.write_parquet(path)
        contact = again["contact_id"][0]
        findings = check(target, store, ticks)
        assert f"contact {contact} is assigned twice" in findings
        assert f"tick {tick_instant(5)} is half there" in findings
    path.unlink()
    with Store.open(tmp_path / target.store, "test", START) as store:
        contact = told.filter("is_applied", answer="declined")["contact_id"][0]
        store._database.run_text(f"DELETE FROM assignment WHERE contact_id = '{contact}'")
        assert f"answer to {contact} is half there" in check(target, store, ticks)


def test_a_writer_that_ends_by_itself_is_an_error(tmp_path: Path) -> None:
    """A kill that never happened proves nothing; the writer's last lines are shown."""
    script = "print('going'); raise SystemExit('no store here')"
    target = Target((sys.executable, "-c", script), tmp_path)
    with pytest.raises(RuntimeError, match=r"ended with 1 before it was killed.*no store here"):
        run_and_kill(target, life_s=0.3)


def test_only_whole_acknowledgements_count() -> None:
    """Other lines of a writer are not acknowledgements."""
    assert read_acknowledgement(f"committed {START.isoformat()}\n") == START
    assert read_acknowledgement("started\n") is None
