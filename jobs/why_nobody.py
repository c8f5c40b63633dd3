"""Why nobody gets a contact, and the smallest change that would give it to somebody; from the
archived batch of the tick.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from jobs.decided_again import Decided, Given, Loss, decide_again, in_money
from jobs.kept_batches import find_batch
from models.answers import (
    Change,
    Conversation,
    Verdict,
    conversations_of,
    price_of_serving,
    slot_more,
    unservable,
)
from models.obstacles import Obstacles, obstacles_of
from models.plan import Reason
from models.problem import MILLI, NOBODY
from solver.serving import SlotMore, loss_of_serving, one_more_slot
from solver.solve import solve


@dataclass(frozen=True)
class Slot:
    """What one more slot would do, in money."""

    agent_id: str
    channel: str
    worth: tuple[float, float] | None
    """Both ends equal if exact; None where contacts that come first pay no money."""
    serves: bool


@dataclass(frozen=True)
class WhyNobody:
    """Why a contact waits, and what would change that."""

    tick_at: datetime
    contact_id: str
    conversation: Conversation
    verdict: Verdict
    """`not_eligible`: rules keep everybody away; `costs`: others earn more with the slots;
    `no_room`: no plan serves it; `chosen`: it does have an agent.
    """
    sentence: str
    plan: Given
    obstacles: Obstacles
    loss: Loss | None
    """By how much it lost: what the best plan that serves it would be worth less."""
    changes: tuple[Change, ...]
    slot: Slot | None
    """One more slot of the agent that it lost to."""
    as_decided: bool
    """Whether deciding again gave the archived plan to the last byte."""


def why_nobody(archive: Path, contact_id: str) -> WhyNobody:
    """Why the contact waits, by the newest batch in `archive`, or the batch there.

    Raises NotFoundError where there is no batch, or no such contact in it.
    """
    case = decide_again(find_batch(archive))
    contact = case.conversation(contact_id)
    named = conversations_of(case.stated, [contact])[contact]
    obstacles = obstacles_of(case.stated, contact)
    answer = WhyNobody(
        tick_at=case.plan.tick_at,
        contact_id=contact_id,
        conversation=named,
        verdict=Verdict.NOT_ELIGIBLE,
        sentence=_with_next_step(case, contact_id, obstacles),
        plan=case.given(contact_id),
        obstacles=obstacles,
        loss=None,
        changes=(),
        slot=None,
        as_decided=case.as_decided,
    )
    if case.solution.agent[contact] != NOBODY:
        return replace(answer, verdict=Verdict.CHOSEN, sentence=answer.plan.detail)
    if obstacles.dropped or not obstacles.num_agents:
        return answer
    loss = loss_of_serving(case.stated.problem, case.solution, contact, case.options, solve)
    slot, said = _slot_more(case, contact, contact_id)
    if loss is None:
        has_tiers = bool(case.solution.served)
        sentence = " ".join([unservable(named, has_tiers=has_tiers), *said])
        return replace(answer, verdict=Verdict.NO_ROOM, sentence=sentence, slot=slot)
    changes = case.changes(loss.moves)
    price = price_of_serving(named, loss.at_least, loss.at_most, loss.fewer_served, changes)
    return replace(
        answer,
        verdict=Verdict.COSTS,
        sentence=" ".join([price, *said]),
        loss=in_money(loss),
        changes=changes,
        slot=slot,
    )


def _with_next_step(case: Decided, contact_id: str, obstacles: Obstacles) -> str:
    """What stands in the way, and when it asks for less by itself."""
    relaxes_at = case.explanation(contact_id)["relaxes_at"]
    skills = {Reason.SKILL_MISSING, Reason.LANGUAGE_MISSING}
    if relaxes_at is None or not skills & {test.reason for test in obstacles.dropped}:
        return str(obstacles)
    return f"{obstacles} It asks for less from {relaxes_at:%Y-%m-%d %H:%M:%S} UTC on."


def _slot_more(case: Decided, contact: int, contact_id: str) -> tuple[Slot | None, list[str]]:
    """One more slot of the agent that it lost to, and what it would do in plain words."""
    row = case.explanation(contact_id)
    if row["reason"] != Reason.LOST_TO.value:
        return None, []
    agent_id = row["runner_up_agent_id"]
    channel = case.stated.conversations.units["channel"][contact]
    found = one_more_slot(
        case.stated.problem, case.solution, contact, case.agent(agent_id), case.options, solve
    )
    ends = None if found.worth is None else (found.worth.at_least, found.worth.at_most)
    told = slot_more(agent_id, channel, ends, serves=found.serves)
    return Slot(agent_id, channel, _in_money(found), found.serves), [told]


def _in_money(found: SlotMore) -> tuple[float, float] | None:
    if found.worth is None:
        return None
    return found.worth.at_least / MILLI, found.worth.at_most / MILLI
