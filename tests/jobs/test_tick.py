"""One tick of the real job, on a generated centre: idempotent, audited, compared and published."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from data_io.commit import LateTickError
from data_io.publish import read_published
from data_io.source import Snapshot
from data_io.store import Store
from jobs import archive
from jobs import tick as module
from jobs.archive import replay
from jobs.config import Config, StoreConfig
from jobs.runner import carried_over
from jobs.switchback import Arm, Switchback
from jobs.tick import AuditError, TickJob, run_tick
from jobs.tick_report import STAGES
from models.plan import Finding, Plan
from models.problem import AssignmentProblem
from models.solution import Hint, Solution, SolveOptions
from models.tables import InputTables
from scenarios.centre import CentreSize
from scenarios.generate import generate_centre
from scenarios.live import LiveWorld, world_of_centre
from solver.assign import assign
from solver.solve import solve

START = datetime(2026, 11, 3, 14, tzinfo=UTC)


def test_a_warm_tick_is_archived_with_what_it_started_from(
    tmp_path: Path, config: Config, store: Store, snapshot: Snapshot
) -> None:
    """The second tick starts from the first one's rents; its replay does too, and is identical."""
    source = FrozenSource([snapshot, snapshot, snapshot, snapshot])
    hints: list[Hint | None] = []

    def watched(problem: AssignmentProblem, options: SolveOptions, hint: Hint | None) -> Solution:
        hints.append(hint)
        return solve(problem, options, hint)

    job = TickJob(config, store, source, watched, tmp_path / "kept")
    first = run_tick(job, START)
    second = run_tick(job, START + timedelta(seconds=5), carried_over(first))
    assert hints[0] is None
    assert hints[1] is not None
    assert second.plan is not None
    kept = sorted((tmp_path / "kept").iterdir())
    assert [(folder / "carried_rents.parquet").exists() for folder in kept] == [False, True]
    assert all(replay(folder, solve).identical for folder in kept)
    published = read_published(config.store.published)
    proofs = dict(published.tick.select("tick_at", "proof").iter_rows())
    assert proofs[START + timedelta(seconds=5)] == second.plan.proof.value


class FrozenSource:
    """A source that shows what it is told to, once each."""

    def __init__(self, snapshots: list[Snapshot]) -> None:
        self.snapshots = snapshots

    def read(self, now: datetime) -> Snapshot | None:
        del now
        return self.snapshots.pop(0) if self.snapshots else None


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """A small centre at its start."""
    config = Config()
    centre = generate_centre(5, CentreSize(num_agents=15, duration=timedelta(minutes=1)), START)
    seen = LiveWorld(world_of_centre(centre, config.policy, 5)).read(START)
    assert seen is not None
    return seen


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(store=StoreConfig(home=tmp_path))


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.open(config.store.database, "test", START) as opened:
        yield opened


def changed(snapshot: Snapshot, **frames: pl.DataFrame) -> Snapshot:
    """The snapshot with some tables replaced."""
    assert snapshot.tables is not None
    return replace(snapshot, tables=replace(snapshot.tables, **frames))


def contacts_of(snapshot: Snapshot) -> pl.DataFrame:
    assert isinstance(snapshot.tables, InputTables)
    assert snapshot.tables.contacts is not None
    return snapshot.tables.contacts


def test_a_tick_decides_every_contact_and_publishes(
    snapshot: Snapshot, config: Config, store: Store
) -> None:
    """Assigned, held and waiting add up to the queue; the published tables say the same."""
    job = TickJob(config, store, FrozenSource([snapshot]), solve)
    outcome = run_tick(job, START)
    report = outcome.report
    assert report.num_assigned > 0
    assert report.num_assigned + report.num_held + report.num_unassigned == report.num_contacts
    assert report.num_contacts == len(contacts_of(snapshot))
    assert report.greedy_gain <= report.gain == report.bound
    assert report.termination == "optimal"
    assert tuple(report.seconds) == STAGES
    published = read_published(config.store.published)
    assert len(published.assignment) == report.num_assigned
    assert len(published.unassigned) == report.num_held + report.num_unassigned
    assert published.tick["tick_at"].to_list() == [START]
    beside = published.tick.select("tier_weight", "preference_cost", "policy_arm").row(0)
    assert beside == (0.0, 0.0, None)
    assert published.outlook["tick_at"].unique().to_list() == [START]


def test_in_a_switchback_the_policy_whose_turn_it_is_decides(
    snapshot: Snapshot, config: Config, store: Store, tmp_path: Path
) -> None:
    """The tick says which one it was, and its archived batch replays with that one."""
    other = replace(config.policy, benefit_fixed=9.0)
    turns = replace(config, switchback=Switchback(policy=other, block_s=60.0))
    assert turns.switchback is not None
    arm = turns.switchback.arm_at(START)
    job = TickJob(turns, store, FrozenSource([snapshot]), solve, archive=tmp_path / "kept")
    outcome = run_tick(job, START)
    published = read_published(config.store.published)
    row = published.tick.select("policy_arm", "policy_digest").row(0)
    decides = {Arm.A: config.policy, Arm.B: other}[arm]
    assert row == (arm.value, decides.digest())
    assert outcome.report.policy_arm == arm.value
    assert archive.replay(next((tmp_path / "kept").iterdir()), solve).identical
    policies = {job.at(START + timedelta(minutes=n)).config.policy.digest() for n in range(8)}
    assert policies == {config.policy.digest(), other.digest()}


def test_running_a_tick_again_changes_nothing(
    snapshot: Snapshot, config: Config, store: Store
) -> None:
    """A tick is keyed by its scheduled instant."""
    job = TickJob(config, store, FrozenSource([snapshot]), solve)
    first = run_tick(job, START).report
    again = run_tick(job, START)
    assert again.report.already_committed
    assert again.plan is None
    assert again.report.num_assigned == first.num_assigned
    assert again.report.gain == first.gain


def test_an_assigned_contact_is_not_assigned_again(
    snapshot: Snapshot, config: Config, store: Store
) -> None:
    """The platform may lag: a contact that it still shows is nobody else's, and weighs on him."""
    job = TickJob(config, store, FrozenSource([snapshot]), solve)
    first = run_tick(job, START)
    assert first.plan is not None
    second = run_tick(job, START + timedelta(seconds=5))
    assert second.plan is not None
    taken = set(first.plan.assignments["contact_id"])
    assert taken.isdisjoint(second.plan.assignments["contact_id"])
    assert second.report.num_contacts == first.report.num_contacts - len(taken)


def test_who_hangs_up_while_we_think_is_lost_and_counted(
    snapshot: Snapshot, config: Config, store: Store
) -> None:
    """The commit compares with the newest snapshot, where one contact of those planned is left."""
    # Whom the tick would assign is known from a dry run on another store.
    with Store.open(Path(":memory:"), "test", START) as dry:
        planned = run_tick(TickJob(config, dry, FrozenSource([snapshot]), solve), START).plan
    assert planned is not None
    stays = planned.assignments["contact_id"][0]
    left = changed(snapshot, contacts=contacts_of(snapshot).filter(contact_id=stays))
    job = TickJob(config, store, FrozenSource([snapshot, left]), solve)
    shutil.rmtree(config.store.published)
    outcome = run_tick(job, START)
    assert outcome.report.num_assigned == 1
    assert outcome.report.num_lost == len(planned.assignments) - 1 > 0
    assert read_published(config.store.published).assignment["contact_id"].to_list() == [stays]


def test_a_finding_stops_the_commit_and_keeps_the_batch(
    snapshot: Snapshot, config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of a plan that does not survive the audit reaches the tables."""
    finding = Finding("gain_recomputed", "contact 1: 3.0 stated, 2.0 recomputed")
    monkeypatch.setattr("jobs.tick.audit", lambda *_: (finding,))
    job = TickJob(config, store, FrozenSource([snapshot]), solve)
    with pytest.raises(AuditError, match="gain_recomputed"):
        run_tick(job, START)
    assert store.last_tick_at() is None
    kept = list(config.store.suspects.iterdir())
    assert len(kept) == 1
    assert archive.replay(kept[0], solve).identical


def test_a_wrong_plan_is_refused_by_the_real_audit(
    snapshot: Snapshot, config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One assignment given to another agent is enough."""

    honest = assign

    def lie(*args: object, **options: object) -> Plan:
        plan = honest(*args, **options)  # type: ignore[arg-type]
        other = plan.assignments["agent_id"].to_list()
        rows = plan.assignments.with_columns(agent_id=pl.Series([*other[1:], other[0]]))
        return replace(plan, assignments=rows)

    monkeypatch.setattr(module, "assign", lie)
    job = TickJob(config, store, FrozenSource([snapshot]), solve)
    with pytest.raises(AuditError):
        run_tick(job, START)
    assert store.last_tick_at() is None


def test_bad_rows_do_not_stop_a_tick(snapshot: Snapshot, config: Config, store: Store) -> None:
    """They are counted, named in the published quarantine, and the rest is decided."""
    contacts = contacts_of(snapshot)
    bad = contacts.head(2).with_columns(
        contact_id=pl.Series(["bad-1", "bad-2"]), channel=pl.lit("telepathy")
    )
    source = FrozenSource([changed(snapshot, contacts=pl.concat([contacts, bad]))])
    report = run_tick(TickJob(config, store, source, solve), START).report
    assert report.num_rejected >= 2
    assert report.num_contacts == len(contacts)
    rules = read_published(config.store.published).rejected_row["rule"].to_list()
    assert rules.count("channel_known") == 2


def test_an_archived_tick_replays_to_the_same_plan(
    snapshot: Snapshot, config: Config, store: Store, tmp_path: Path
) -> None:
    """Same batch, same settings, same plan; another policy is noticed."""
    job = TickJob(config, store, FrozenSource([snapshot]), solve, archive=tmp_path / "kept")
    outcome = run_tick(job, START)
    folder = next((tmp_path / "kept").iterdir())
    again = archive.replay(folder, solve)
    assert outcome.plan is not None
    assert again.identical
    assert again.plan.digest() == outcome.plan.digest()
    settings = json.loads((folder / "settings.json").read_text())
    settings["policy"]["benefit_fixed"] = 9.0
    (folder / "settings.json").write_text(json.dumps(settings))
    assert not archive.replay(folder, solve).identical


def test_a_tick_from_the_past_is_refused_before_it_reads(
    snapshot: Snapshot, config: Config, store: Store
) -> None:
    """Time never goes back, not even for the snapshot."""
    source = FrozenSource([snapshot, snapshot, snapshot])
    job = TickJob(config, store, source, solve)
    run_tick(job, START)
    left = len(source.snapshots)
    with pytest.raises(LateTickError):
        run_tick(job, START - timedelta(seconds=5))
    assert len(source.snapshots) == left
    assert store.snapshot_at() == START
