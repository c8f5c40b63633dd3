"""Archived batches decided under two policies: which contacts would move, and what it is worth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from data_io.batch_files import HEADER, BatchFilesError, read_batch_files
from jobs.certify import PlanWitness
from models.batch import Batch
from models.batch_problem import BatchProblem
from models.plan import Carried, Plan
from models.policy import Policy
from models.problem import MILLI, NOBODY, Ints, Positions
from models.solution import SolveOptions, total_load_cost
from models.tables import Decision
from solver.assign import Solver, assign

NOT_ALLOWED = -(2**62)
"""Stands for the gain of a pair that a policy does not allow."""


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """One batch under two policies; amounts are in milli-units.

    `moves`: contact_id, customer_id, queue_id, channel, old_decision, old_agent_id, new_decision,
    new_agent_id, worth (gain of the new place less that of the old one by the new policy's
    numbers, in money; null for followers of a conversation and where the new policy does not
    allow the old place), why (sentence of the new plan). Only contacts whose agent differs.
    """

    tick_at: datetime
    num_contacts: int
    moves: pl.DataFrame
    gain_by_old: tuple[int, int]
    """Gain of the old plan and of the new plan, by the old policy's numbers."""
    gain_by_new: tuple[int, int]
    """The same by the new policy's numbers."""
    old_not_allowed: int
    """Pairs of the old plan that the new policy does not allow; by it they gain nothing."""
    new_not_allowed: int

    @property
    def num_moved(self) -> int:
        """Contacts whose agent differs."""
        return len(self.moves)


@dataclass(frozen=True, eq=False)
class _Decided:
    plan: Plan
    stated: BatchProblem


def find_batches(folder: Path) -> list[Path]:
    """The archived batches of a folder, or the folder itself if it is one, oldest first.

    Raises BatchFilesError where there is none.
    """
    if (folder / HEADER).exists():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{HEADER}"))
    if not found:
        raise BatchFilesError(
            f"batch: {folder} holds no archived batch, expected folders with {HEADER}; run ticks"
            " with --archive FOLDER first"
        )
    return found


def rehearse_folder(
    folder: Path, old: Policy, new: Policy, options: SolveOptions, solver: Solver
) -> Iterator[Rehearsal]:
    """Every archived batch of the folder under both policies, oldest first."""
    for path in find_batches(folder):
        batch, _, previous = read_batch_files(path)
        yield rehearse(batch, old, new, options, solver, previous)


def rehearse(
    batch: Batch,
    old: Policy,
    new: Policy,
    options: SolveOptions,
    solver: Solver,
    previous: Carried | None = None,
) -> Rehearsal:
    """One batch under both policies; nothing is written anywhere."""
    before = _decide(batch, old, options, solver, previous)
    after = _decide(batch, new, options, solver, previous)
    old_in_old, _ = _value(before, before.plan)
    new_in_old, new_not_allowed = _value(before, after.plan)
    old_in_new, old_not_allowed = _value(after, before.plan)
    new_in_new, _ = _value(after, after.plan)
    return Rehearsal(
        tick_at=batch.now,
        num_contacts=len(batch.contacts),
        moves=_moves(batch, before, after),
        gain_by_old=(old_in_old, new_in_old),
        gain_by_new=(old_in_new, new_in_new),
        old_not_allowed=old_not_allowed,
        new_not_allowed=new_not_allowed,
    )


def _decide(
    batch: Batch, policy: Policy, options: SolveOptions, solver: Solver, previous: Carried | None
) -> _Decided:
    witness = PlanWitness()
    plan = assign(batch, policy, options, previous, solver=solver, witness=witness)
    stated = witness.stated
    if stated is None:
        raise RuntimeError("rehearsal: assign told its witness nothing, expected the problem")
    return _Decided(plan, stated)


def decisions(plan: Plan) -> pl.DataFrame:
    """(contact_id, decision, agent_id) of every contact; no agent where it waits for nobody."""
    is_held = pl.col("decision") == Decision.HELD.value
    return pl.concat(
        [
            plan.assignments.select(
                "contact_id", pl.lit(Decision.ASSIGNED.value).alias("decision"), "agent_id"
            ),
            plan.unassigned.select(
                "contact_id", "decision", pl.when(is_held).then("agent_id").alias("agent_id")
            ),
        ]
    )


def _value(judge: _Decided, plan: Plan) -> tuple[int, int]:
    """Gain of a plan by the judge's numbers, and how many of its pairs these do not allow."""
    agent = _agents_of(judge.stated, plan)
    gains = pair_gains(judge.stated, agent)
    allowed = gains != NOT_ALLOWED
    kept = np.where(allowed, agent, NOBODY).astype(np.int32)
    total = int(gains[allowed & (agent != NOBODY)].sum())
    problem = judge.stated.problem
    return total - total_load_cost(problem, kept), int((~allowed & (agent != NOBODY)).sum())


def pair_gains(stated: BatchProblem, agent: Positions) -> Ints:
    """Gain of each conversation with the agent given, (C,) milli-units: 0 with nobody, and
    NOT_ALLOWED where the pair is not eligible.
    """
    pairs, width = stated.problem.pairs, max(stated.problem.num_agents, 1)
    gains = np.zeros(len(agent), dtype=np.int64)
    wanted = np.flatnonzero(agent != NOBODY)
    key = pairs.contact.astype(np.int64) * width + pairs.agent
    place = np.searchsorted(key, wanted * width + agent[wanted])
    there = np.append(key, -1)[np.minimum(place, len(key))] == wanted * width + agent[wanted]
    gains[wanted[~there]] = NOT_ALLOWED
    gains[wanted[there]] = pairs.gain[place[there]]
    return gains


def _agents_of(stated: BatchProblem, plan: Plan) -> Positions:
    """Agent of each conversation of `stated` in a plan that may group contacts otherwise: that of
    its lead.
    """
    leads = stated.conversations.members.filter(pl.col("position") == 0)
    rows = (
        leads.select("contact_id", "conversation_idx")
        .join(decisions(plan), on="contact_id")
        .join(stated.agents.agents.select("agent_id", "agent_idx"), on="agent_id")
    )
    agent = np.full(stated.problem.num_contacts, NOBODY, dtype=np.int32)
    agent[rows["conversation_idx"].to_numpy()] = rows["agent_idx"].to_numpy()
    return agent


def _moves(batch: Batch, before: _Decided, after: _Decided) -> pl.DataFrame:
    old = decisions(before.plan).rename({"decision": "old_decision", "agent_id": "old_agent_id"})
    new = decisions(after.plan).rename({"decision": "new_decision", "agent_id": "new_agent_id"})
    facts = batch.contacts.select("contact_id", "customer_id", "queue_id", "channel")
    why = after.plan.explanations.select("contact_id", why="detail")
    return (
        facts.join(old, on="contact_id")
        .join(new, on="contact_id")
        .filter(
            pl.col("old_agent_id").ne_missing(pl.col("new_agent_id"))
            | (pl.col("old_decision") != pl.col("new_decision"))
        )
        .join(_worths(before, after), on="contact_id", how="left")
        .join(why, on="contact_id", how="left")
        .sort("contact_id")
    )


def _worths(before: _Decided, after: _Decided) -> pl.DataFrame:
    """(contact_id, worth) of every lead by the new policy: what its new place gains more."""
    stated = after.stated
    old = pair_gains(stated, _agents_of(stated, before.plan))
    new = pair_gains(stated, _agents_of(stated, after.plan))
    known = old != NOT_ALLOWED
    leads = stated.conversations.members.filter(pl.col("position") == 0)
    rows = leads.sort("conversation_idx").select("contact_id")
    money = pl.Series("worth", (new - np.where(known, old, 0)) / MILLI)
    return rows.with_columns(money.set(pl.Series(~known), None))


def unhurried(options: SolveOptions) -> SolveOptions:
    """The options of a rehearsal: no hurry, so that time decides nothing."""
    return replace(options, deadline_s=max(options.deadline_s, 10.0))
