"""An archived tick as it was decided: the batch, the problem that it is, the decision."""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from data_io.batch_files import read_batch_files
from jobs.archive import read_solution
from jobs.config import parse_settings
from jobs.readers import TERMS, NotFoundError
from models.answers import Change, conversations_of
from models.batch import Batch
from models.batch_problem import BatchProblem, build_problem
from models.plan import Plan
from models.policy import Policy
from models.problem import MILLI, NOBODY
from models.solution import Solution, SolveOptions
from models.tables import Decision
from solver.assign import assign
from solver.forced import Move
from solver.questions import ForcedLoss
from solver.solve import solve


@dataclass(frozen=True)
class Given:
    """What the plan does with the contact."""

    decision: str
    agent_id: str | None
    gain: float | None
    detail: str


@dataclass(frozen=True)
class PairWorth:
    """What a pair is worth."""

    gain: float
    terms: dict[str, float]
    """Money by term of the gain, in order."""


@dataclass(frozen=True)
class Loss:
    """What another decision would cost the plan, in money."""

    at_least: float | None
    """None where nothing is known from below."""
    at_most: float
    exact: bool
    fewer_served: tuple[int, ...] = ()
    """By tier, how many fewer would be served; empty without tiers."""


@dataclass(frozen=True, eq=False)
class Decided:
    """A batch with its decision."""

    folder: Path
    batch: Batch
    policy: Policy
    stated: BatchProblem
    solution: Solution
    plan: Plan
    options: SolveOptions
    as_decided: bool
    """Whether the plan is the archived one to the last byte."""

    def conversation(self, contact_id: str) -> int:
        """Position of the contact's conversation; NotFoundError if it is not in the batch."""
        members = self.stated.conversations.members
        ids = members["contact_id"].to_list()
        if contact_id not in ids:
            raise self._unknown("contact", contact_id, ids)
        return int(members["conversation_idx"][ids.index(contact_id)])

    def agent(self, agent_id: str) -> int:
        """Position of the agent; NotFoundError if they are not in the batch."""
        ids = self.stated.agents.agents["agent_id"].to_list()
        if agent_id not in ids:
            raise self._unknown("agent", agent_id, ids)
        return ids.index(agent_id)

    def explanation(self, contact_id: str) -> dict[str, Any]:
        """The contact's row of `explanation`."""
        return self.plan.explanations.row(
            by_predicate=pl.col("contact_id") == contact_id, named=True
        )

    def given(self, contact_id: str) -> Given:
        """What the plan does with the contact."""
        row = self.explanation(contact_id)
        waits = row["decision"] == Decision.UNASSIGNED.value
        # The row of a contact that waits names whom it lost to.
        agent_id = None if waits else row["agent_id"]
        return Given(row["decision"], agent_id, row["gain"], row["detail"])

    def pair_worth(self, contact: int, agent: int) -> PairWorth:
        """Gain and terms as the plan would explain them if it had the pair."""
        chosen = self.solution.agent.copy()
        chosen[contact] = agent
        explained = self.stated.to_plan(replace(self.solution, agent=chosen)).explanations
        lead = conversations_of(self.stated, [contact])[contact].lead
        row = explained.row(by_predicate=pl.col("contact_id") == lead, named=True)
        terms = {name: row[name] for name in TERMS if row[name] is not None}
        return PairWorth(row["gain"], terms)

    def changes(self, moves: tuple[Move, ...]) -> tuple[Change, ...]:
        """Moves with the names of conversations and agents."""
        named = conversations_of(self.stated, [move.contact for move in moves])
        ids = self.stated.agents.agents["agent_id"].to_list()
        free_soon = self.stated.agents.free_soon
        return tuple(
            Change(
                conversation=named[move.contact],
                from_agent_id=None if move.from_agent == NOBODY else ids[move.from_agent],
                to_agent_id=None if move.to_agent == NOBODY else ids[move.to_agent],
                is_held=move.to_agent != NOBODY and bool(free_soon[move.to_agent]),
            )
            for move in moves
        )

    def _unknown(self, what: str, given: str, known: Sequence[str]) -> NotFoundError:
        near = difflib.get_close_matches(given, known, n=3) or sorted(known)[:3]
        return NotFoundError(
            f"{what} {given!r} is not in the batch of {self.plan.tick_at:%Y-%m-%d %H:%M:%S} UTC"
            f" ({self.folder}), expected one of its {len(known)} such as"
            f" {', '.join(near) or '(none)'}; correct the id, or name another batch with --archive"
        )


def decide_again(folder: Path) -> Decided:
    """The archived decision, or, where the archive does not have it, the batch decided again
    under its own settings.
    """
    batch, text, previous = read_batch_files(folder)
    settings = json.loads(text)
    archived_digest = settings.pop("plan_digest")
    kept = settings.pop("solution", None)
    config = parse_settings(settings)
    if kept is not None:
        stated, solution = build_problem(batch, config.policy), read_solution(kept)
        plan = stated.to_plan(solution)
        as_decided = plan.digest() == archived_digest
        return Decided(
            folder, batch, config.policy, stated, solution, plan, config.solver, as_decided
        )
    made: list[tuple[BatchProblem, Solution]] = []
    plan = assign(
        batch,
        config.policy,
        config.solver,
        previous,
        solver=solve,
        witness=lambda stated, solution: made.append((stated, solution)),
    )
    stated, solution = made[0]
    as_decided = plan.digest() == archived_digest
    return Decided(folder, batch, config.policy, stated, solution, plan, config.solver, as_decided)


def in_money(loss: ForcedLoss) -> Loss:
    """The loss in money."""
    least = None if loss.at_least is None else loss.at_least / MILLI
    return Loss(least, loss.at_most / MILLI, loss.is_exact, loss.fewer_served)
