"""Reason codes in plain words."""

import polars as pl

from models.plan import Reason

_FAILS = {
    Reason.NO_PRESENT_AGENT: "is present",
    Reason.CLOSED_HOURS: "may answer: the queue is closed now",
    Reason.OUTSIDE_CUSTOMER_HOURS: "may call: it is outside the customer's hours",
    Reason.OFF_SHIFT: "is on shift",
    Reason.NOT_A_MEMBER: "is a member of the queue",
    Reason.CHANNEL_NOT_SERVED: "serves its channels",
    Reason.SKILL_MISSING: "has the skills at the level",
    Reason.LANGUAGE_MISSING: "speaks the language at the level",
    Reason.P_BELOW_FLOOR: "is likely enough to resolve it",
    Reason.SHIFT_TOO_SHORT: "stays long enough to finish it",
    Reason.AT_CAPACITY: "is free, or free soon enough to hold it",
    Reason.CHANNEL_BLOCKED: "may take its channel beside what he holds",
    Reason.LANE_FULL: "has room for another contact of its channel",
    Reason.UNITS_FULL: "has units enough left",
}


def decision_sentence() -> pl.Expr:
    """The decision in plain words, from the columns that `models/explanations.py` builds."""
    against = (
        pl.when(pl.col("runner_up_agent_id").is_not_null())
        .then(
            pl.format(
                "; next best {}: worth {}, slot {}",
                "runner_up_agent_id",
                _money("runner_up_gain"),
                _money("runner_up_price"),
            )
        )
        .otherwise(pl.lit("; nobody else is eligible"))
    )
    worth = pl.format("worth {}, slot {}", _money("gain"), _money("slot_price"))
    reason = pl.col("reason")
    texts = (
        (Reason.BEST_MATCH, pl.format("Goes to {}: {}{}.", "agent_id", worth, against)),
        (Reason.HELD_FOR, pl.format("Waits for {}, free soon: {}{}.", "agent_id", worth, against)),
        (
            Reason.LOST_TO,
            pl.format(
                "Waits: {} would be worth {}, but the slot earns {} with other contacts.",
                "agent_id",
                _money("runner_up_gain"),
                _money("runner_up_price"),
            ),
        ),
        (
            Reason.NOT_WORTH_IT,
            pl.format(
                "Waits: even the best eligible agent, {}, would cost more than he brings ({}).",
                "runner_up_agent_id",
                _money("runner_up_gain"),
            ),
        ),
        (Reason.DECLINED, pl.lit("Waits: every eligible agent declined it.")),
        (
            Reason.CUSTOMER_LOCKED,
            pl.format("Waits for {}, who is talking to this customer.", "agent_id"),
        ),
        *(
            (
                rule,
                pl.format(
                    "Waits: of {} agents {} pass every earlier test and none of them {}.",
                    "num_agents",
                    "num_before",
                    pl.lit(text),
                ),
            )
            for rule, text in _FAILS.items()
        ),
    )
    sentence = pl.lit(None, pl.String)
    for code, text in texts:
        sentence = pl.when(reason == code.value).then(text).otherwise(sentence)
    return sentence


def _money(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Decimal(scale=2)).cast(pl.String)
