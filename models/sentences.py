"""Reason codes in plain words."""

import itertools
from collections.abc import Collection
from datetime import datetime

import polars as pl

from models.columns import instant
from models.plan import Reason

_NOBODY = {
    Reason.NO_PRESENT_AGENT: "is present",
    Reason.CLOSED_HOURS: "may answer: the queue is closed now",
    Reason.OUTSIDE_CUSTOMER_HOURS: "may call: it is outside the customer's hours",
    Reason.OFF_SHIFT: "is on shift",
    Reason.NOT_RESPONDING: "answers offers: the last one of each expired",
    Reason.NOT_A_MEMBER: "is a member of the queue",
    Reason.RESERVED: "can be spared by the queue that would help",
    Reason.CHANNEL_NOT_SERVED: "serves its channels",
    Reason.SKILL_MISSING: "has the skills at the level",
    Reason.LANGUAGE_MISSING: "speaks the language at the level",
    Reason.P_BELOW_FLOOR: "is likely enough to resolve it",
    Reason.SHIFT_TOO_SHORT: "stays long enough to finish it",
    Reason.AT_CAPACITY: "is free, or free soon enough to hold it",
    Reason.CHANNEL_BLOCKED: "may take its channel beside what they hold",
    Reason.LANE_FULL: "has room for another contact of its channel",
    Reason.PROFILE_FULL: "has room left in its capacity profiles",
    Reason.RATE_LIMITED: "may get another contact of its channel within this hour",
    Reason.UNITS_FULL: "has units enough left",
    Reason.COOLING_DOWN: "may get its channel so soon after declining a contact of it",
    Reason.DRAINING: "takes what no call interrupts: they are kept for a call that waits too long",
}
"""How `of n agents m pass every earlier test and none of them ...` ends."""

_LONGEST_STARVED_TIER = 1

TIME_CHARGED = " That counts {} of this agent's time, which others may need more: {}."
HEAD_PAID = " That counts somebody served who could give up: {}."
CENT = 0.01
_SAY_WORTH = (Reason.BEST_MATCH, Reason.HELD_FOR, Reason.NOT_WORTH_IT)


def decision_sentence(now: datetime, tier_weight: float, reasons: Collection[str]) -> pl.Expr:
    """The decision in plain words, from the columns that `models/explanations.py` builds.

    A price of `tier_weight` or more, where that is above 0, is one that only tiers pay. No other
    `reasons` occur: every text would be written for every row.
    """
    sentence = pl.lit(None, pl.String)
    for code, text in (*_chosen(tier_weight), *_waiting(now), *_by_rule(reasons)):
        if code.value in reasons:
            sentence = pl.when(pl.col("reason") == code.value).then(text).otherwise(sentence)
    late = pl.lit(" Too few agents can be free by its target.")
    return sentence + pl.when("unavoidable").then(late).otherwise(pl.lit(""))


def charges_told() -> pl.Expr:
    """What the worth of a pair counts for the agent's time and for the head, where a sentence says
    what it is worth: from the columns `time_told`, `time_charged` and `head_paid`.
    """
    time = pl.format(TIME_CHARGED, "time_told", _money("time_charged"))
    head = pl.format(HEAD_PAID, _money("head_paid"))
    says_worth = pl.col("reason").is_in([reason.value for reason in _SAY_WORTH])
    return pl.concat_str(
        pl.when(says_worth & (pl.col(paid).abs() >= CENT / 2)).then(text).otherwise(pl.lit(""))
        for paid, text in (("time_charged", time), ("head_paid", head))
    )


def length(seconds: float) -> str:
    """A length of time in its two largest units: `40 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = round(seconds)
    sizes = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    for (size, unit), (next_size, next_unit) in itertools.pairwise(sizes):
        if whole >= size:
            rest = whole % size // next_size
            return f"{whole // size} {unit}" + (f" {rest} {next_unit}" if rest else "")
    return f"{whole} s"


def _chosen(tier_weight: float) -> tuple[tuple[Reason, pl.Expr], ...]:
    """Sentences of conversations that have an agent."""
    against = (
        pl.when(pl.col("runner_up_agent_id").is_not_null())
        .then(
            pl.format(
                "; next best {}: worth {}, slot {}",
                "runner_up_agent_id",
                _money("runner_up_gain"),
                _price("runner_up_price", tier_weight),
            )
        )
        .otherwise(pl.lit("; nobody else is eligible"))
    )
    worth = pl.format("worth {}, slot {}", _money("gain"), _price("slot_price", tier_weight))
    whose = pl.format("{}{}", "agent_id", _if("is_borrowed", " of another queue"))
    return (
        (
            Reason.BEST_MATCH,
            pl.format("Goes to {}{}: {}{}.", whose, _circumstances(), worth, against),
        ),
        (
            Reason.HELD_FOR,
            pl.format("Waits for {}, free soon{}: {}{}.", whose, _circumstances(), worth, against),
        ),
    )


def _waiting(now: datetime) -> tuple[tuple[Reason, pl.Expr], ...]:
    """Sentences of conversations that wait for a reason of their own."""
    worth = pl.format("{} would be worth {}", "runner_up_agent_id", _money("runner_up_gain"))
    takers = pl.col("takers").fill_null("other contacts")
    relation = (
        pl.when("preferred_by_window")
        .then(pl.lit("who had this customer"))
        .otherwise(pl.lit("the customer's own agent"))
    )
    return (
        (
            Reason.LOST_TO,
            pl.when("outranked")
            .then(pl.format("Waits: {}, but the slot is for {} first.", worth, takers))
            .otherwise(
                pl.format(
                    "Waits: {}, but the slot has a price of {} and goes to {}.",
                    worth,
                    _money("runner_up_price"),
                    takers,
                )
            ),
        ),
        (
            Reason.NOT_WORTH_IT,
            pl.format(
                "Waits: even the best eligible agent, {}, would cost more than they bring ({}).",
                "runner_up_agent_id",
                _money("runner_up_gain"),
            ),
        ),
        (
            Reason.PAUSED,
            pl.format(
                "Waits: it was put on hold by hand, until {}.",
                _moment("hold_until", now, "%H:%M:%S"),
            ),
        ),
        (
            Reason.MANUAL_ONLY,
            pl.lit("Waits: so many agents declined it that somebody must decide by hand."),
        ),
        (Reason.DECLINED, pl.lit("Waits: every eligible agent declined it.")),
        (
            Reason.CUSTOMER_LOCKED,
            pl.when("follower")
            .then(pl.lit("Waits: the customer's call goes first, to an agent of its own."))
            .otherwise(pl.format("Waits for {}, who is talking to this customer.", "agent_id")),
        ),
        (
            Reason.HELD_FOR_PREFERRED,
            pl.format(
                "Waits for {}, {}, until {}.",
                "agent_id",
                relation,
                _moment("next_chance_at", now),
            ),
        ),
    )


def _by_rule(reasons: Collection[str]) -> tuple[tuple[Reason, pl.Expr], ...]:
    """Sentences of conversations for which some rule turns everybody away."""
    nobody = pl.when(pl.col("num_agents") == 0).then(pl.lit("Waits: there are no agents."))
    return tuple(
        (
            rule,
            nobody.otherwise(
                pl.format(
                    "Waits: of {} {} {} every earlier test and none of them {}.",
                    "num_agents",
                    _number("num_agents", "agent", "agents"),
                    pl.format("{} {}", "num_before", _number("num_before", "passes", "pass")),
                    pl.lit(text),
                )
            ),
        )
        for rule, text in _NOBODY.items()
        if rule.value in reasons
    )


def _circumstances() -> pl.Expr:
    """Why it came first, and that it asks for less than it did."""
    first = (
        pl.when(pl.col("tier") <= _LONGEST_STARVED_TIER)
        .then(pl.lit(" first, because it waited too long"))
        .when(pl.col("tier").is_not_null())
        .then(pl.lit(" first, because of its class"))
        .otherwise(pl.lit(""))
    )
    relaxed = pl.when(pl.col("tier").is_not_null()).then(pl.lit(",")).otherwise(pl.lit(""))
    relaxed = pl.format("{} after relaxing its requirement", relaxed)
    return first + pl.when("is_relaxed").then(relaxed).otherwise(pl.lit(""))


def _moment(name: str, now: datetime, clock: str = "%H:%M") -> pl.Expr:
    """The instant in a column, with its day instead of seconds where that is another one."""
    at = pl.col(name)
    same_day = at.dt.date() == instant(now).dt.date()
    told = pl.when(same_day).then(at.dt.strftime(clock))
    return pl.format("{} UTC", told.otherwise(at.dt.strftime("%Y-%m-%d %H:%M")))


def _price(name: str, tier_weight: float) -> pl.Expr:
    contested = (tier_weight > 0) & (pl.col(name) >= tier_weight)
    return (
        pl.when(contested)
        .then(pl.lit("wanted by contacts that come first"))
        .otherwise(_money(name))
    )


def _number(name: str, one: str, more: str) -> pl.Expr:
    return pl.when(pl.col(name) == 1).then(pl.lit(one)).otherwise(pl.lit(more))


def _if(condition: str, text: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(text)).otherwise(pl.lit(""))


def _money(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Decimal(scale=2)).cast(pl.String)
