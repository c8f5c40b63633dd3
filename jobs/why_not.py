"""Questions about the last tick, answered from its archived batch: why not this agent, and what
their slots are worth.

The batch is decided again under its own settings, so the answer is about the plan that was made.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from jobs.config import ConfigError
from jobs.decided_again import Given, Loss, PairWorth, decide_again, in_money
from jobs.kept_batches import find_batch
from jobs.over_limit import told_limits
from models.answers import (
    Change,
    Conversation,
    Verdict,
    charges,
    conversations_of,
    failed_rule,
    no_room,
    price_of_forcing,
    refusal,
)
from models.over_limit import build_over_limit
from models.problem import MILLI
from models.tables import Channel
from solver.questions import loss_of_pair
from solver.slots import LaneWorth, Worth, lanes_of_agent
from solver.solve import solve


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
    over_limit: str
    """Limits that they hold more than, in plain words; empty for none."""
    as_decided: bool


def why_not(archive: Path, contact_id: str, agent_id: str) -> WhyNot:
    """Why the contact is not with the agent, by the newest batch in `archive`, or the batch there.

    Raises NotFoundError where there is no batch, or no such contact or agent in it.
    """
    case = decide_again(find_batch(archive))
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
        plan=case.given(contact_id),
        pair=None,
        loss=None,
        changes=(),
        as_decided=case.as_decided,
    )
    if rule is not None:
        return answer
    worth = case.pair_worth(contact, agent)
    answer = replace(answer, pair=worth)
    if case.solution.agent[contact] == agent:
        sentence = f"{agent_id} is who the plan gives {named} to."
        return replace(answer, verdict=Verdict.CHOSEN, sentence=sentence)
    loss = loss_of_pair(case.stated.problem, case.solution, contact, agent, case.options, solve)
    if loss is None:
        return replace(answer, verdict=Verdict.NO_ROOM, sentence=no_room(named, agent_id))
    changes = case.changes(loss.moves)
    return replace(
        answer,
        verdict=Verdict.COSTS,
        sentence=price_of_forcing(
            named, agent_id, loss.at_least, loss.at_most, loss.fewer_served, changes
        )
        + charges(case.stated, contact, worth.terms),
        loss=in_money(loss),
        changes=changes,
    )


def slots_of_agent(archive: Path, agent_id: str) -> AgentSlots:
    """What a slot more and a slot fewer of each channel that the agent serves would be worth.

    Batch and errors as in `why_not`; ConfigError where contacts come before money, so that a slot
    is not worth money alone.
    """
    case = decide_again(find_batch(archive))
    if case.solution.tier_levels:
        raise ConfigError(
            f"explain: in the batch of {case.plan.tick_at:%Y-%m-%d %H:%M:%S} UTC some contacts"
            " come before money, expected a batch without; ask CONTACT --why-nobody, which tells"
            " what one more slot would do"
        )
    agent = case.agent(agent_id)
    served = case.stated.agents.served[agent].nonzero()[0].tolist()
    lanes = lanes_of_agent(case.stated.problem, case.solution, agent, served, case.options, solve)
    over = build_over_limit(case.batch, case.policy).filter(pl.col("agent_id") == agent_id)
    return AgentSlots(
        tick_at=case.plan.tick_at,
        agent_id=agent_id,
        lanes=tuple(map(_slot_line, lanes)),
        over_limit=told_limits(over),
        as_decided=case.as_decided,
    )


def _slot_line(lane: LaneWorth) -> SlotLine:
    def ends(worth: Worth) -> tuple[float, float]:
        return worth.at_least / MILLI, worth.at_most / MILLI

    return SlotLine(
        channel=tuple(Channel)[lane.lane].value,
        slots=lane.slots,
        one_more=ends(lane.one_more),
        one_fewer=None if lane.one_fewer is None else ends(lane.one_fewer),
    )
