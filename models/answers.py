"""Answers about one pair in plain words: the rule that it fails, what it costs, who would move."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from models.agent_time import attention_s
from models.batch_problem import BatchProblem
from models.eligibility import REASONS
from models.gain import Term
from models.plan import Reason
from models.problem import MILLI, NOBODY
from models.proficiency import AGENT_PREFIX, LANGUAGE_PREFIX, MISSING
from models.sentences import CENT, HEAD_PAID, TIME_CHARGED, length

MOST_TOLD = 3
"""Changes in one sentence; beyond that people need a list."""


class Verdict(StrEnum):
    """Why a contact is not with an agent."""

    CHOSEN = "chosen"
    """It is: the plan has the pair."""
    NOT_ELIGIBLE = "not_eligible"
    """A rule keeps the pair apart."""
    NO_ROOM = "no_room"
    """Eligible, but no plan has a slot for it there."""
    COSTS = "costs"
    """Eligible, and the plan with the pair gains less, or no more."""


@dataclass(frozen=True)
class Conversation:
    """All waiting contacts of one customer, which go to one agent together."""

    lead: str
    contacts: tuple[str, ...]
    """All of them, the lead first."""

    def __str__(self) -> str:
        """The lead, with the others where there are any."""
        others = self.contacts[1:]
        return f"{self.lead} (with {', '.join(others)})" if others else self.lead


@dataclass(frozen=True)
class Change:
    """What one conversation would do instead; None is waiting."""

    conversation: Conversation
    from_agent_id: str | None
    to_agent_id: str | None
    is_held: bool
    """Whether it would wait for the agent to become free."""

    def __str__(self) -> str:
        """The change in plain words."""
        if self.to_agent_id is None:
            return f"{self.conversation} would wait instead of going to {self.from_agent_id}"
        if self.is_held:
            return f"{self.conversation} would be held for {self.to_agent_id}"
        if self.from_agent_id is None:
            return f"{self.conversation} would go to {self.to_agent_id} instead of waiting"
        return f"{self.conversation} would move from {self.from_agent_id} to {self.to_agent_id}"


_FAILS = {
    Reason.PAUSED: "may not have it: it was put on hold by hand",
    Reason.MANUAL_ONLY: "may not have it: so many agents declined it that people decide",
    Reason.NO_PRESENT_AGENT: "are not present",
    Reason.CLOSED_HOURS: "may not answer now: the queue is closed",
    Reason.OUTSIDE_CUSTOMER_HOURS: "may not call now: it is outside the customer's hours",
    Reason.OFF_SHIFT: "are not on shift",
    Reason.NOT_RESPONDING: "let their last offer expire and have not come back since",
    Reason.NOT_A_MEMBER: "are not a member of the queue",
    Reason.RESERVED: "are kept back for the contacts of their own queue",
    Reason.CHANNEL_NOT_SERVED: "do not serve all of its channels",
    Reason.SKILL_MISSING: "lack what it requires",
    Reason.LANGUAGE_MISSING: "do not speak its language well enough",
    Reason.P_BELOW_FLOOR: "are too unlikely to resolve it",
    Reason.SHIFT_TOO_SHORT: "do not stay long enough to finish it",
    Reason.AT_CAPACITY: "are not free, nor free soon enough to hold it",
    Reason.CHANNEL_BLOCKED: "may not take its channel beside what they hold",
    Reason.LANE_FULL: "have no room for another contact of its channel",
    Reason.PROFILE_FULL: "have used up one of its capacity profiles",
    Reason.RATE_LIMITED: "had as many offers of its channel as an hour allows",
    Reason.UNITS_FULL: "have too few units left",
    Reason.COOLING_DOWN: "declined a contact of its channel a moment ago",
    Reason.DRAINING: "are kept free for a call that waits too long",
    Reason.DECLINED: "declined it",
    Reason.CUSTOMER_LOCKED: "are not the one who is talking to this customer",
    Reason.HELD_FOR_PREFERRED: "are not the one whom it waits for",
}
"""How `agent cannot take it: they ...` ends."""


def failed_rule(stated: BatchProblem, conversation: int, agent: int) -> Reason | None:
    """The first rule that keeps the pair apart, in the order of `Reason`; None if none does."""
    problem = stated.problem
    kind = problem.contact_class[[conversation]].astype(np.int64)
    failed = int(stated.eligibility.first_failures(kind)[0, agent])
    if failed:
        return REASONS[failed - 1]
    apart = (problem.banned_contact == conversation) & (problem.banned_agent == agent)
    if apart.any():
        return Reason.DECLINED
    is_follower = bool(stated.conversations.units["follower"][conversation])
    if is_follower or stated.locked[conversation] not in {NOBODY, agent}:
        return Reason.CUSTOMER_LOCKED
    if stated.reserved.agent[conversation] not in {NOBODY, agent}:
        return Reason.HELD_FOR_PREFERRED
    return None


def refusal(stated: BatchProblem, conversation: int, agent: int, rule: Reason) -> str:
    """Why the agent cannot take the conversation, with the skills where it is for skills."""
    named = conversations_of(stated, [conversation])[conversation]
    agent_id = stated.agents.agents["agent_id"][agent]
    why = _FAILS[rule]
    if rule in {Reason.SKILL_MISSING, Reason.LANGUAGE_MISSING}:
        kind = int(stated.problem.contact_class[conversation])
        lacking = _lacking(stated, kind, agent_id, language=rule is Reason.LANGUAGE_MISSING)
        # Where only a step is not met, no single skill is missing.
        why = f"{why}: {', '.join(lacking)}" if lacking else f"{why} at this step"
    elif rule is Reason.PAUSED:
        until = stated.conversations.units["hold_until"][conversation]
        why = f"{why}, until {until:%Y-%m-%d %H:%M:%S} UTC"
    return f"{agent_id} cannot take {named}: they {why}."


def _lacking(stated: BatchProblem, kind: int, agent_id: str, *, language: bool) -> list[str]:
    """Required skills of a class that the agent does not have at the level, with both levels."""
    has = stated.batch.agent_skills.filter(pl.col("agent_id") == agent_id)
    # An agent without a skill has no level, so not even level 0.
    level = pl.col("proficiency").fill_null(MISSING)
    return (
        stated.conversations.requirements.filter(
            (pl.col("class_idx") == kind) & (pl.col("is_language") == language)
        )
        .join(has, on="skill", how="left")
        .filter(level < pl.col("min_proficiency"), pl.col("skill") != AGENT_PREFIX + agent_id)
        .sort("skill")
        .select(
            pl.format(
                "{} at {} (they have {})",
                pl.col("skill").str.strip_prefix(LANGUAGE_PREFIX),
                "min_proficiency",
                pl.coalesce(pl.col("proficiency").cast(pl.String), pl.lit("none")),
            )
        )
        .to_series()
        .to_list()
    )


def price_of_forcing(
    conversation: Conversation,
    agent_id: str,
    at_least: int | None,
    at_most: int,
    fewer_served: tuple[int, ...],
    changes: tuple[Change, ...],
) -> str:
    """What giving the conversation to the agent would cost, in milli-units, and who would move.

    Contacts of a tier that fewer or more of are served come before money.
    """
    cost = _by_tier(fewer_served, at_most) or _in_money(at_least, at_most)
    return f"{agent_id} could take {conversation}, {cost}: {_told(changes)}."


def _told(changes: tuple[Change, ...]) -> str:
    told = [str(change) for change in changes[:MOST_TOLD]]
    if len(changes) > MOST_TOLD:
        told.append(f"and {len(changes) - MOST_TOLD} more would change")
    return "; ".join(told)


def _by_tier(fewer_served: tuple[int, ...], loss: int) -> str:
    """What changes in the strictest tier in which anything does; empty where nothing does."""
    tier = next((tier for tier, fewer in enumerate(fewer_served) if fewer), None)
    if tier is None:
        return ""
    number = fewer_served[tier]
    less = f"{money(abs(loss))} {'less' if loss >= 0 else 'more'}"
    if number < 0:
        found = f"and a plan that serves {-number} more of tier {tier} exists, worth {less}"
        return f"{found}: this one was not proven optimal"
    return f"but {number} of tier {tier} would no longer be served; the plan would be worth {less}"


def _in_money(at_least: int | None, at_most: int) -> str:
    if at_most < 0:
        return f"and a plan worth {money(-at_most)} more exists: this one was not proven optimal"
    if at_most == 0:
        return "and the plan would be worth as much"
    if at_least == at_most:
        return f"but the plan would be worth {money(at_most)} less"
    if at_least is not None and at_least > 0:
        return f"but the plan would be worth {money(at_least)} to {money(at_most)} less"
    return f"but the plan would be worth up to {money(at_most)} less"


def price_of_serving(
    conversation: Conversation,
    at_least: int | None,
    at_most: int,
    fewer_served: tuple[int, ...],
    changes: tuple[Change, ...],
) -> str:
    """How much more it would have to be worth to be served, in milli-units, and who would move."""
    tiers = _by_tier(fewer_served, at_most)
    if tiers:
        found = f"{conversation} could be served, {tiers}"
    elif at_most < 0:
        found = (
            f"{conversation} could be served, and the plan would be worth {money(-at_most)} more:"
            " it was not proven optimal"
        )
    elif at_most == 0:
        found = f"{conversation} could be served, and the plan would be worth as much"
    else:
        known = at_least is not None and 0 < at_least < at_most
        amount = f"{money(at_least or 0)} to {money(at_most)}" if known else money(at_most)
        surely = "over" if known or at_least == at_most else "up to"
        found = f"{conversation} would be served if it were worth {surely} {amount} more"
    return f"{found}: {_told(changes)}."


def charges(stated: BatchProblem, conversation: int, terms: Mapping[str, float]) -> str:
    """What the worth of a pair counts for the agent's time and for the head; empty for nothing.

    `terms` are those of the pair, in money.
    """
    seconds = attention_s(stated.conversations.units, stated.policy)[conversation]
    time, head = terms.get(Term.AGENT_TIME, 0.0), terms.get(Term.HEAD_WORTH, 0.0)
    told = TIME_CHARGED.format(length(seconds), f"{time:.2f}") if abs(time) >= CENT / 2 else ""
    return told + (HEAD_PAID.format(f"{head:.2f}") if abs(head) >= CENT / 2 else "")


def slot_more(agent_id: str, channel: str, worth: tuple[int, int] | None, *, serves: bool) -> str:
    """What one more slot of the agent would do, its worth in milli-units if it has one."""
    slot = f"one more {channel} slot of {agent_id}"
    if worth is None:
        return (
            f"O{slot[1:]} would serve it, too." if serves else f"Even {slot} would not serve it."
        )
    low, high = worth
    amount = money(low) if low == high else f"{money(low)} to {money(high)}"
    if serves:
        return f"O{slot[1:]} would serve it, too, and would be worth {amount}."
    return f"O{slot[1:]} would be worth {amount}, but with other contacts."


def no_room(conversation: Conversation, agent_id: str) -> str:
    """Why no plan has the pair although it is eligible."""
    return (
        f"{agent_id} may serve {conversation}, but in this tick they, their channel or their site"
        " takes nobody new."
    )


def unservable(conversation: Conversation, *, has_tiers: bool) -> str:
    """Why no plan serves it although somebody could."""
    if has_tiers:
        why = "contacts that come first take every slot that it could have"
    else:
        why = "its agents, their channels or their sites take nobody new in this tick"
    return f"No plan serves {conversation}, whatever it is worth: {why}."


def conversations_of(stated: BatchProblem, positions: list[int]) -> dict[int, Conversation]:
    """The conversations at these positions."""
    members = (
        stated.conversations.members.filter(pl.col("conversation_idx").is_in(positions))
        .sort("conversation_idx", "position")
        .group_by("conversation_idx", maintain_order=True)
        .agg("contact_id")
    )
    return {
        place: Conversation(contacts[0], tuple(contacts))
        for place, contacts in members.iter_rows()
    }


def money(milli: int) -> str:
    """An amount with two decimals, or three where there is a third."""
    return f"{milli / MILLI:,.{2 if milli % 10 == 0 else 3}f}"
