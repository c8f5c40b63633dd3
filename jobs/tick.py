"""One tick, from snapshot to published plan: the whole story on one screen."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from data_io.arrivals import Arrived, OfferNews
from data_io.commit import LateTickError
from data_io.completeness import check_complete
from data_io.offers import HOUR
from data_io.publish import publish
from data_io.responses import Refusal, check_responses
from data_io.source import Source
from data_io.store import Store
from data_io.validate import validate
from jobs.archive import archive_batch
from jobs.certify import PlanWitness
from jobs.clock import Stopwatch
from jobs.config import Config
from jobs.price_beside import ask_again, take_answer
from jobs.switchback import arm_at
from jobs.tick_report import TickReport, read_report, tick_row
from models.audit import audit, recount
from models.batch import Batch
from models.over_limit import build_over_limit
from models.plan import Carried, Finding, Plan
from models.policy import Policy
from models.problem import AssignmentProblem
from models.recount.case import Recount
from models.solution import Hint, Solution, SolveOptions
from solver.assign import Stage, Witness, assign
from solver.solve import Solver

log = logging.getLogger(__name__)


class AuditError(Exception):
    """The plan broke its own rules; nothing was committed and the batch was kept for replay."""

    def __init__(self, findings: tuple[Finding, ...], kept: Path) -> None:
        """Name the first findings and the folder of the batch."""
        first = "; ".join(f"{finding.rule}: {finding.detail}" for finding in findings[:3])
        super().__init__(
            f"audit: {len(findings)} findings, expected none: {first}."
            f" Nothing was committed; replay the batch in {kept}"
        )


class SourceError(Exception):
    """The source gave nothing that can be read, and no earlier snapshot stands in for it."""

    def __init__(self, notes: tuple[str, ...]) -> None:
        """Say what the source said."""
        super().__init__(
            f"source: no snapshot could be read ({'; '.join(notes)}), expected the input tables;"
            " check folder in [source]"
        )


@dataclass(frozen=True, eq=False)
class TickOutcome:
    """The report of a tick and its plan; the plan is None where the tick was already committed."""

    report: TickReport
    plan: Plan | None


@dataclass(frozen=True, eq=False)
class Decided:
    """A plan that is not committed yet."""

    plan: Plan
    findings: tuple[Finding, ...]
    """What the audit finds wrong with it."""
    num_over_limit: int
    """Agents who held more than their limits before it."""


@dataclass(frozen=True, eq=False)
class TickJob:
    """What every tick of a job shares."""

    config: Config
    store: Store
    source: Source | None
    solver: Solver
    archive: Path | None = None
    """Folder that every tick's batch is archived in, or None."""

    def at(self, tick_at: datetime) -> "TickJob":
        """The job with the policy whose turn it is."""
        return replace(self, config=self.config.at(tick_at))


def run_tick(job: TickJob, tick_at: datetime, previous: Carried | None = None) -> TickOutcome:
    """Decide the tick scheduled for `tick_at`, commit it and publish it.

    Running it again for the same instant changes nothing. Raises AuditError, with nothing
    committed, when the plan does not survive the audit, and LateTickError, with nothing read, when
    a newer tick is committed.
    """
    job = job.at(tick_at)
    watch = Stopwatch()
    stored = job.store.read_tick(tick_at)
    if stored is not None:
        return TickOutcome(read_report(stored, watch, already_committed=True), None)
    newest = job.store.last_tick_at()
    if newest is not None and newest > tick_at:
        raise LateTickError(tick_at, newest)
    with watch.stage("ingest"):
        ingest(job.source, job.store, tick_at, job.config.policy)
        take_answer(job.store, job.config, tick_at)
    with watch.stage("read"):
        remember = max(HOUR, timedelta(seconds=job.config.policy.auto_ready_s))
        max_age = timedelta(seconds=job.config.policy.prices.price_max_age_s)
        prices_of = job.store.prices.usable_at(tick_at, max_age)
        batch = job.store.read_batch(tick_at, tick_at, remember, prices_of)
    witness = PlanWitness()
    decided = decide(job, batch, previous, watch, witness)
    plan = decided.plan
    if decided.findings:
        suspects = job.config.store.suspects
        kept = keep_batch(suspects, job.config, batch, plan, previous, witness)
        raise AuditError(decided.findings, kept)
    if job.archive is not None:
        keep_batch(job.archive, job.config, batch, plan, previous, witness)
    with watch.stage("publish"):
        # Before the commit: what was committed must not stay unpublished for want of a proof.
        proof = witness.certificate() if job.config.publish.certificate else None
    with watch.stage("ingest"):
        # Whoever hung up while we were thinking must not be assigned: commit compares versions.
        ingest(job.source, job.store, tick_at, job.config.policy)
    with watch.stage("commit"):
        row = tick_row(
            batch,
            plan,
            decided.num_over_limit,
            job.store.num_rejected(),
            arm_at(job.config.switchback, tick_at),
            prices_of,
            watch,
        )
        result = job.store.commit(plan, row)
    with watch.stage("publish"):
        window = timedelta(seconds=job.config.publish.window_s)
        publish(job.store, job.config.store.published, window, job.config.publish.keep, proof)
    with watch.stage("ask"):
        ask_again(job.store, job.config, tick_at)
    if not result.lost.is_empty():
        log.warning("tick %s: %d planned rows no longer matched", tick_at, len(result.lost))
    committed = row.with_columns(num_assigned=result.num_assigned, num_lost=result.num_lost)
    return TickOutcome(read_report(committed, watch, already_committed=False), plan)


def decide(
    job: TickJob,
    batch: Batch,
    previous: Carried | None,
    watch: Stopwatch,
    witness: Witness = lambda *_: None,
) -> Decided:
    """The plan for a batch, and what is found beside it.

    The audit's own look at the tables needs no plan: it runs while the solver works.
    """
    policy, options = job.config.policy, job.config.solver
    looks: list[Future[Recount]] = []
    above: list[Future[pl.DataFrame]] = []
    with ThreadPoolExecutor(max_workers=1) as beside:

        def solve_meanwhile(
            problem: AssignmentProblem, options: SolveOptions, hint: Hint | None
        ) -> Solution:
            looks.append(beside.submit(recount, batch, policy))
            above.append(beside.submit(build_over_limit, batch, policy))
            return job.solver(problem, options, hint)

        plan = assign(
            batch,
            policy,
            options,
            previous,
            solver=solve_meanwhile,
            watch=_stages(watch),
            witness=witness,
        )
        with watch.stage("audit"):
            findings = audit(plan, looks[0].result())
            return Decided(plan, findings, above[0].result()["agent_id"].n_unique())


def ingest(source: Source | None, store: Store, now: datetime, policy: Policy) -> None:
    """Take the newest snapshot and answers of the source into the store, and move offers on.

    Raises IncompleteSnapshotError, with nothing taken, for one without a required table.
    """
    snapshot = source.read(now) if source is not None else None
    if snapshot is None:
        log_news(store.take(Arrived(), now, policy), now)
        return
    notes = list(snapshot.notes)
    answers = check_responses(snapshot.answers.drops, now)
    notes += answers.notes
    arrived = Arrived(
        rejects=snapshot.rejects,
        responses=answers.rows,
        bad_responses=pl.concat([snapshot.answers.rejects, answers.rejects]),
    )
    if snapshot.tables is None and store.snapshot_at() is None:
        raise SourceError(snapshot.notes)
    if snapshot.tables is not None:
        check_complete(snapshot.tables, snapshot.rejects)
        checked = validate(snapshot.tables, now)
        notes += checked.notes
        rejects = pl.concat([snapshot.rejects, checked.rejects])
        arrived = replace(arrived, tables=checked.tables, rejects=rejects)
    for note in notes:
        log.warning("source: %s", note)
    log_news(store.take(arrived, now, policy), now)
    snapshot.answers.acknowledge()


def log_news(news: OfferNews, now: datetime) -> None:
    """Say what came back, and which answers were refused."""
    # What the platform showed before it told is no trouble.
    troubling = pl.col("refusal") != Refusal.REPEATED
    refused = news.responses.filter(troubling)["refusal"].value_counts(sort=True)
    for refusal, count in refused.iter_rows():
        log.warning("tick %s: %d responses refused: %s", now.isoformat(), count, refusal)
    for event, count in news.events["event"].value_counts(sort=True).iter_rows():
        log.info("tick %s: %d offers %s", now.isoformat(), count, event)


def keep_batch(
    folder: Path,
    config: Config,
    batch: Batch,
    plan: Plan,
    previous: Carried | None,
    witness: PlanWitness,
) -> Path:
    """Archive the batch of a tick below `folder`; the folder that it is in."""
    # The plan is in the name: a tick that died before its commit may decide another batch next.
    place = folder / f"{batch.now:%Y%m%dT%H%M%S%f}-{plan.digest()[:8]}"
    if not place.exists():
        archive_batch(place, batch, config, plan, previous, witness.solution)
    return place


def _stages(watch: Stopwatch) -> Callable[[Stage], AbstractContextManager[None]]:
    return lambda stage: watch.stage(stage.value)
