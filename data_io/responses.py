"""What the platform answers to offers: checked, folded into their lives, and kept with its result.

An answer is applied where the offer that it names stands as it says, and otherwise recorded with
the reason why it was not. Answers count in the order of `responded_at`, then `response_id`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import polars as pl

from data_io.quarantine import no_rejects
from data_io.validate import validate_alone
from models.offers import REPORTED, STANDING
from models.tables import ASSIGNMENT, INSTANT, RESPONSE_RESULT, RESPONSES, AssignmentEvent

CLOCK_LAG = timedelta(seconds=5)
"""So far the platform's clock may lie behind ours; what is dated earlier is no answer to an offer.

Shorter than the skew that rows of a snapshot are forgiven: an agent who answers a second after an
offer must not be refused for a slow clock, but an older answer belongs to another offer.
"""


class Refusal(StrEnum):
    """Why an answer changed nothing."""

    UNKNOWN_OFFER = "unknown_offer"
    """No tick made that offer, or it left the store long ago."""
    OTHER_AGENT = "other_agent"
    """The offer went to another agent."""
    BEFORE_OFFER = "before_offer"
    """It is dated before the offer was made: it answers something else."""
    REPEATED = "repeated"
    """The offer was already in that state."""
    NOT_ACCEPTED_YET = "not_accepted_yet"
    """Completed before anybody had accepted it."""
    OFFER_ACCEPTED = "offer_accepted"
    """The offer was accepted before; what comes next is `completed`."""
    OFFER_DECLINED = "offer_declined"
    OFFER_EXPIRED = "offer_expired"
    OFFER_RESCINDED = "offer_rescinded"
    OFFER_CANCELLED = "offer_cancelled"
    OFFER_COMPLETED = "offer_completed"


@dataclass(frozen=True, eq=False)
class CheckedResponses:
    """Good rows by the contract of `responses`, quarantine entries of the others, and notes."""

    rows: pl.DataFrame
    rejects: pl.DataFrame
    notes: tuple[str, ...]


def check_responses(raws: Iterable[pl.DataFrame], now: datetime) -> CheckedResponses:
    """The raw rows of any number of drops as one table; of rows with one id the first stays."""
    checked = [validate_alone(RESPONSES, raw, now) for raw in raws]
    rows = pl.concat([RESPONSES.empty(), *(each.rows for each in checked)])
    return CheckedResponses(
        rows.unique("response_id", keep="first", maintain_order=True),
        pl.concat([no_rejects(), *(each.rejects for each in checked)]),
        tuple(note for each in checked for note in each.notes),
    )


def judge_responses(
    responses: pl.DataFrame, offers: pl.DataFrame, now: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What becomes of each answer, by the contract of `response_result`, and the events it adds.

    `offers` has the columns of `assignment`, one row per offer with its last event. An event is
    never earlier than the one before it, nor later than `now`.
    """
    offer = offers.select("contact_id", "tick_at", offered_to="agent_id", state="event")
    rows = (
        responses.sort("responded_at", "response_id")
        .join(offer, on=_OFFER, how="left", maintain_order="left")
        .with_row_index(_PLACE)
    )
    own = rows.filter(pl.col("offered_to") == pl.col("agent_id"))
    is_early = pl.col("responded_at") < pl.col("tick_at") - CLOCK_LAG
    decided = [
        _refused(rows.filter(pl.col("state").is_null()), Refusal.UNKNOWN_OFFER),
        _refused(rows.filter(pl.col("offered_to") != pl.col("agent_id")), Refusal.OTHER_AGENT),
        _refused(own.filter(is_early), Refusal.BEFORE_OFFER),
        *_lives(own.filter(~is_early)),
    ]
    judged = pl.concat(decided).sort(_PLACE)
    results = judged.with_columns(applied_at=pl.lit(now, INSTANT)).select(
        RESPONSE_RESULT.schema().names()
    )
    applied = judged.filter("is_applied").select(*_OFFER, "answer", "responded_at")
    return results, _events(applied, offers, now)


_OFFER = ["contact_id", "tick_at"]
_PLACE = "!place"
_LEGAL = pl.DataFrame(
    sorted((before.value, answer.value) for before, answer in REPORTED),
    schema={"state": pl.String, "answer": pl.String},
    orient="row",
).with_columns(is_legal=True)


def _lives(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """The answers to known offers of their agents, decided in order.

    Each turn takes one step in the life of every offer: the first answer that may follow is
    applied, those before it are refused, and those after it wait for the next turn. A life has
    three answers at most, so there are four turns at most, however many answers come.
    """
    decided: list[pl.DataFrame] = []
    while not rows.is_empty():
        legal = rows.join(_LEGAL, on=["state", "answer"], how="left", maintain_order="left")
        place = pl.when("is_legal").then(_PLACE).min().over(_OFFER)
        legal = legal.with_columns(first=place)
        come_first = pl.col("first").is_null() | (pl.col(_PLACE) < pl.col("first"))
        decided.append(_refused(legal.filter(come_first), _reason()))
        is_first = pl.col(_PLACE) == pl.col("first")
        decided.append(_with_outcome(legal.filter(is_first), None))
        step = pl.col("answer").filter(is_first).first().over(_OFFER)
        rows = legal.with_columns(state=step).filter(pl.col(_PLACE) > pl.col("first"))
        rows = rows.drop("is_legal", "first")
    return decided


def _reason() -> pl.Expr:
    """Why an answer may not follow the state of its offer."""
    state = pl.col("state")
    return (
        pl.when(state == pl.col("answer"))
        .then(pl.lit(Refusal.REPEATED.value))
        .when(state.is_in(STANDING))
        .then(pl.lit(Refusal.NOT_ACCEPTED_YET.value))
        .otherwise(pl.lit("offer_") + state)
    )


def _refused(rows: pl.DataFrame, reason: Refusal | pl.Expr) -> pl.DataFrame:
    return _with_outcome(rows, pl.lit(reason.value) if isinstance(reason, Refusal) else reason)


def _with_outcome(rows: pl.DataFrame, refusal: pl.Expr | None) -> pl.DataFrame:
    reason = pl.lit(None, pl.String) if refusal is None else refusal
    return rows.select(
        _PLACE, *RESPONSES.schema().names(), is_applied=pl.lit(refusal is None), refusal=reason
    )


def _events(applied: pl.DataFrame, offers: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Rows of `assignment` for the answers that were applied."""
    responded_at = pl.min_horizontal("responded_at", pl.lit(now, INSTANT))
    return (
        applied.join(offers, on=_OFFER, maintain_order="left")
        .with_columns(event="answer", event_at=pl.max_horizontal("event_at", responded_at))
        .select(ASSIGNMENT.schema().names())
    )


assert {f"offer_{event.value}" for event in AssignmentEvent} - {  # noqa: S101
    reason.value for reason in Refusal
} == {f"offer_{event.value}" for event in STANDING}
