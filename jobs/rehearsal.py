"""Archived batches decided under two policies: which contacts would move, and what it is worth."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from data_io.batch_files import HEADER, BatchFilesError, read_batch_files
from jobs.certify import PlanWitness
from models.batch import Batch
from models.plan import Carried
from models.policy import Policy
from models.solution import SolveOptions, Termination
from models.two_decisions import DecidedBatch, Judged, judge_both, moves_between
from solver.assign import assign
from solver.solve import Solver

UNHURRIED_S = 60.0
"""Time for one plan of a rehearsal: nobody waits for it, so time should decide nothing."""


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """One batch under two policies.

    `moves` is as `models/two_decisions.py` says.
    """

    tick_at: datetime
    num_contacts: int
    num_assigned: tuple[int, int]
    moves: pl.DataFrame
    by_old: Judged
    by_new: Judged
    is_proven: bool
    """Whether both plans are optimal; if not, other plans might be as good, with other moves."""

    @property
    def num_moved(self) -> int:
        """Contacts whose agent differs."""
        return len(self.moves)


def find_batches(folder: Path) -> list[Path]:
    """The archived batches of a folder, or the folder itself if it is one, oldest first.

    Of several for one instant the last written counts. Raises BatchFilesError where there is none.
    """
    if (folder / HEADER).exists():
        return [folder]
    # Folders with a leading dot are what a killed writer left.
    found = [path.parent for path in folder.glob(f"[!.]*/{HEADER}")]
    if not found:
        raise BatchFilesError(
            f"batch: {folder} holds no archived batch, expected folders with {HEADER}; run ticks"
            " with --archive FOLDER first"
        )
    found.sort(key=lambda path: (path.name.split("-")[0], path.stat().st_mtime_ns))
    return list({path.name.split("-")[0]: path for path in found}.values())


def rehearse_archived(
    path: Path, old: Policy, new: Policy, options: SolveOptions, solver: Solver
) -> Rehearsal:
    """An archived batch under both policies, with the tick that it was decided with."""
    batch, text, previous = read_batch_files(path)
    tick_s = json.loads(text).get("policy", {}).get("tick_s", Policy.tick_s)
    # How often a tick comes is said when the job is started, not by a policy.
    old, new = (replace(policy, tick_s=tick_s) for policy in (old, new))
    return rehearse(batch, old, new, options, solver, previous)


def rehearse(
    batch: Batch,
    old: Policy,
    new: Policy,
    options: SolveOptions,
    solver: Solver,
    previous: Carried | None = None,
) -> Rehearsal:
    """One batch under both policies; nothing is written anywhere."""
    options = replace(options, deadline_s=max(options.deadline_s, UNHURRIED_S))
    before = _decide(batch, old, options, solver, previous)
    after = _decide(batch, new, options, solver, previous)
    return Rehearsal(
        tick_at=batch.now,
        num_contacts=len(batch.contacts),
        num_assigned=(len(before.plan.assignments), len(after.plan.assignments)),
        moves=moves_between(batch, before, after),
        by_old=judge_both(before.stated, before, after),
        by_new=judge_both(after.stated, before, after),
        is_proven=before.plan.termination is after.plan.termination is Termination.OPTIMAL,
    )


def _decide(
    batch: Batch, policy: Policy, options: SolveOptions, solver: Solver, previous: Carried | None
) -> DecidedBatch:
    witness = PlanWitness()
    plan = assign(batch, policy, options, previous, solver=solver, witness=witness)
    stated, solution = witness.stated, witness.solution
    if stated is None or solution is None:
        raise RuntimeError("rehearsal: assign told its witness nothing, expected the problem")
    return DecidedBatch(plan, stated, solution)
