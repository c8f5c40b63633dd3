"""Questions about the last tick, answered from its archived batch: why not this agent, and what
their slots are worth.

The batch is decided again under its own settings, so the answer is about the plan that was made.
"""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from data_io.batch_files import HEADER, read_batch_files
from jobs.archive import read_solution
from jobs.config import parse_settings
from jobs.readers import TERMS, NotFoundError
from models.answers import (
    Change,
    Conversation,
    Verdict,
    conversations_of,
    failed_rule,
    no_room,
    price_of_forcing,
    refusal,
)
from models.batch_problem import BatchProblem, build_problem
from models.plan import Plan
from models.problem import MILLI, NOBODY
from models.solution import Solution, SolveOptions
from models.tables import Channel, Decision
from solver.assign import assign
from solver.forced import Move
from solver.questions import ForcedLoss, loss_of_pair
from solver.slots import LaneWorth, Worth, lanes_of_agent
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
    """What the pair that was asked for would be worth."""

    gain: float
    terms: dict[str, float]
    """Money by term of the gain, in order."""


@dataclass(frozen=True)
class Loss:
    """What forcing the pair would cost the plan, in money."""

    at_least: float | None
    """None where nothing is known from below."""
    at_most: float
    exact: bool
    fewer_served: tuple[int, ...] = ()
    """By tier, how many fewer would be served; empty without tiers."""


@dataclass(frozen=True)
class WhyNot:
    """Why a contact is not with an agent."""

    tick_at: datetime
    contact_id: str
    agent_id: str
    conversation: Conversation
    verdict: Verdict
    rule: str | None
    """First rule that keeps the pair apart."""
    sentence: str
    plan: Given
    pair: PairWorth | None
    loss: Loss | None
    changes: tuple[Change, ...]
    as_decided: bool
    """Whether deciding again gave the archived plan to the last byte."""


@dataclass(frozen=True)
class SlotLine:
    """What slots of one of an agent's channels are worth, in money; both ends equal if exact."""

    channel: str
    slots: int
    one_more: tuple[float, float]
    one_fewer: tuple[float, float] | None
    """None where there is no slot to lose."""


@dataclass(frozen=True)
class AgentSlots:
    """What an agent's slots are worth in the plan of a tick."""

    tick_at: datetime
    agent_id: str
    lanes: tuple[SlotLine, ...]
    as_decided: bool


def why_not(archive: Path, contact_id: str, agent_id: str) -> WhyNot:
    """Why the contact is not with the agent, by the newest batch in `archive`, or the batch there.

    Raises NotFoundError where there is no batch, or no such contact or agent in it.
    """
    case = _decide_again(find_batch(archive))
    contact, agent = case.conversation(contact_id), case.agent(agent_id)
    named = conversations_of(case.stated, [contact])[contact]
    rule = failed_rule(case.stated, contact, agent)
    answer = WhyNot(
        tick_at=case.plan.tick_at,
        contact_id=contact_id,
        agent_id=agent_id,
        conversation=named,
        verdict=Verdict.NOT_ELIGIBLE,
        rule=None if rule is None else rule.value,
        sentence="" if rule is None else refusal(case.stated, contact, agent, rule),
        plan=_given(case.plan, contact_id),
        pair=None,
        loss=None,
        changes=(),
        as_decided=case.as_decided,
    )
    if rule is not None:
        return answer
    answer = replace(answer, pair=_pair_worth(case, contact, agent))
    if case.solution.agent[contact] == agent:
        sentence = f"{agent_id} is who the plan gives {named} to."
        return replace(answer, verdict=Verdict.CHOSEN, sentence=sentence)
    loss = loss_of_pair(case.stated.problem, case.solution, contact, agent, case.options, solve)
    if loss is None:
        return replace(answer, verdict=Verdict.NO_ROOM, sentence=no_room(named, agent_id))
    changes = _changes(case, loss.moves)
    return replace(
        answer,
        verdict=Verdict.COSTS,
        sentence=price_of_forcing(
            named, agent_id, loss.at_least, loss.at_most, loss.fewer_served, changes
        ),
        loss=_loss(loss),
        changes=changes,
    )


def slots_of_agent(archive: Path, agent_id: str) -> AgentSlots:
    """What a slot more and a slot fewer of each channel that the agent serves would be worth.

    Batch and errors as in `why_not`.
    """
    case = _decide_again(find_batch(archive))
    agent = case.agent(agent_id)
    served = case.stated.agents.served[agent].nonzero()[0].tolist()
    lanes = lanes_of_agent(case.stated.problem, case.solution, agent, served, case.options, solve)
    return AgentSlots(case.plan.tick_at, agent_id, tuple(map(_slot_line, lanes)), case.as_decided)


def find_batch(archive: Path) -> Path:
    """The folder itself if it is a batch, else the newest batch in it; NotFoundError if none."""
    if (archive / HEADER).exists():
        return archive
    # Folders with a leading dot are what a killed writer left.
    batches = [path.parent for path in archive.glob(f"[!.]*/{HEADER}")]
    if not batches:
        raise NotFoundError(
            f"{archive}: no archived batch, expected one folder per tick; run ticks with"
            " --archive FOLDER and name that folder here"
        )
    # Names begin with the instant; of two plans for one instant the later was committed.
    return max(batches, key=lambda path: (path.name.split("-")[0], path.stat().st_mtime_ns))


@dataclass(frozen=True, eq=False)
class _Case:
    """A batch decided again."""

    folder: Path
    stated: BatchProblem
    solution: Solution
    plan: Plan
    options: SolveOptions
    as_decided: bool

    def conversation(self, contact_id: str) -> int:
        """Position of the contact's conversation."""
        members = self.stated.conversations.members
        ids = members["contact_id"].to_list()
        if contact_id not in ids:
            raise self._unknown("contact", contact_id, ids)
        return int(members["conversation_idx"][ids.index(contact_id)])

    def agent(self, agent_id: str) -> int:
        """Position of the agent."""
        ids = self.stated.agents.agents["agent_id"].to_list()
        if agent_id not in ids:
            raise self._unknown("agent", agent_id, ids)
        return ids.index(agent_id)

    def _unknown(self, what: str, given: str, known: Sequence[str]) -> NotFoundError:
        near = difflib.get_close_matches(given, known, n=3) or sorted(known)[:3]
        return NotFoundError(
            f"{what} {given!r} is not in the batch of {self.plan.tick_at:%Y-%m-%d %H:%M:%S} UTC"
            f" ({self.folder}), expected one of its {len(known)} such as"
            f" {', '.join(near) or '(none)'}; correct the id, or name another batch with --archive"
        )


def _decide_again(folder: Path) -> _Case:
    """The archived decision, or, where the archive does not have it, the batch decided again."""
    batch, text, previous = read_batch_files(folder)
    settings = json.loads(text)
    archived_digest = settings.pop("plan_digest")
    kept = settings.pop("solution", None)
    config = parse_settings(settings)
    if kept is not None:
        stated, solution = build_problem(batch, config.policy), read_solution(kept)
        plan = stated.to_plan(solution)
        as_decided = plan.digest() == archived_digest
        return _Case(folder, stated, solution, plan, config.solver, as_decided)
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
    return _Case(folder, stated, solution, plan, config.solver, plan.digest() == archived_digest)


def _given(plan: Plan, contact_id: str) -> Given:
    row = plan.explanations.row(by_predicate=pl.col("contact_id") == contact_id, named=True)
    waits = row["decision"] == Decision.UNASSIGNED.value
    # The row of a contact that waits names whom it lost to.
    return Given(row["decision"], None if waits else row["agent_id"], row["gain"], row["detail"])


def _pair_worth(case: _Case, contact: int, agent: int) -> PairWorth:
    """Gain and terms as the plan would explain them if it had the pair."""
    chosen = case.solution.agent.copy()
    chosen[contact] = agent
    explained = case.stated.to_plan(replace(case.solution, agent=chosen)).explanations
    lead = conversations_of(case.stated, [contact])[contact].lead
    row = explained.row(by_predicate=pl.col("contact_id") == lead, named=True)
    return PairWorth(row["gain"], {name: row[name] for name in TERMS if row[name] is not None})


def _changes(case: _Case, moves: tuple[Move, ...]) -> tuple[Change, ...]:
    named = conversations_of(case.stated, [move.contact for move in moves])
    ids = case.stated.agents.agents["agent_id"].to_list()
    free_soon = case.stated.agents.free_soon
    return tuple(
        Change(
            conversation=named[move.contact],
            from_agent_id=None if move.from_agent == NOBODY else ids[move.from_agent],
            to_agent_id=None if move.to_agent == NOBODY else ids[move.to_agent],
            is_held=move.to_agent != NOBODY and bool(free_soon[move.to_agent]),
        )
        for move in moves
    )


def _loss(loss: ForcedLoss) -> Loss:
    least = None if loss.at_least is None else loss.at_least / MILLI
    return Loss(least, loss.at_most / MILLI, loss.is_exact, loss.fewer_served)


def _slot_line(lane: LaneWorth) -> SlotLine:
    def ends(worth: Worth) -> tuple[float, float]:
        return worth.at_least / MILLI, worth.at_most / MILLI

    return SlotLine(
        channel=tuple(Channel)[lane.lane].value,
        slots=lane.slots,
        one_more=ends(lane.one_more),
        one_fewer=None if lane.one_fewer is None else ends(lane.one_fewer),
    )
