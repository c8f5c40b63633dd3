"""Answers of the platform: legal ones are applied, the others refused by name, each once."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.stand_in import START, complete
from data_io.responses import Refusal, check_responses, judge_responses
from models.offers import REPORTED
from models.tables import ASSIGNMENT, RESPONSE_RESULT, RESPONSES, Answer, AssignmentEvent

NOW = START + timedelta(seconds=60)
Row = dict[str, object]


def at(seconds: float) -> datetime:
    """So long after the offers."""
    return START + timedelta(seconds=seconds)


def offer(event: str = "offered", event_s: float = 0.0) -> pl.DataFrame:
    """Contact `c`, offered to ana at START, with that last event."""
    row = {"contact_id": "c", "tick_at": START, "agent_id": "ana", "event": event}
    return complete(ASSIGNMENT, pl.DataFrame([row | {"event_at": at(event_s)}]))


def answers(*rows: Row) -> pl.DataFrame:
    """Answers of ana to the offer, a second apart and in the order given."""
    usual = {"contact_id": "c", "tick_at": START, "agent_id": "ana"}
    return complete(
        RESPONSES,
        pl.DataFrame(
            [
                usual | {"response_id": f"r{n}", "responded_at": at(n + 1.0)} | row
                for n, row in enumerate(rows)
            ]
        ),
    )


def outcomes(given_answers: pl.DataFrame, offers: pl.DataFrame) -> list[tuple[str, str | None]]:
    """(answer, refusal) in the order in which they count."""
    results, _ = judge_responses(given_answers, offers, NOW)
    assert results.schema == RESPONSE_RESULT.schema()
    assert (results["is_applied"] == results["refusal"].is_null()).all()
    return results.select("answer", "refusal").rows()


def test_a_life_is_told_in_one_drop() -> None:
    """Delivered, accepted and completed at once: three events, each at its own instant."""
    told = answers({"answer": "delivered"}, {"answer": "accepted"}, {"answer": "completed"})
    results, events = judge_responses(told.reverse(), offer(), NOW)
    assert results["is_applied"].to_list() == [True, True, True]
    assert events.schema == ASSIGNMENT.schema()
    assert sorted(events.select("event_at", "event").rows()) == [
        (at(1), "delivered"),
        (at(2), "accepted"),
        (at(3), "completed"),
    ]
    assert events["tick_at"].unique().to_list() == [START]


def test_answers_count_in_the_order_of_their_instants_then_their_ids() -> None:
    """Of two answers at one instant the smaller id is first, whatever the order of the rows."""
    both: list[Row] = [
        {"response_id": "b", "answer": "accepted", "responded_at": at(5)},
        {"response_id": "a", "answer": "declined", "responded_at": at(5)},
    ]
    expected = [("declined", None), ("accepted", "offer_declined")]
    assert outcomes(answers(*both), offer()) == expected
    assert outcomes(answers(*reversed(both)), offer()) == expected


@pytest.mark.parametrize(
    ("state", "answer", "refusal"),
    [
        ("offered", {"contact_id": "x", "answer": "accepted"}, Refusal.UNKNOWN_OFFER),
        ("offered", {"tick_at": at(5), "answer": "accepted"}, Refusal.UNKNOWN_OFFER),
        ("offered", {"agent_id": "ben", "answer": "accepted"}, Refusal.OTHER_AGENT),
        ("offered", {"answer": "accepted", "responded_at": at(-5.001)}, Refusal.BEFORE_OFFER),
        ("expired", {"answer": "accepted", "responded_at": at(-3600)}, Refusal.BEFORE_OFFER),
        (
            *("offered", {"agent_id": "ben", "answer": "accepted", "responded_at": at(-9)}),
            Refusal.OTHER_AGENT,
        ),
        ("offered", {"answer": "completed"}, Refusal.NOT_ACCEPTED_YET),
        ("delivered", {"answer": "delivered"}, Refusal.REPEATED),
        ("accepted", {"answer": "accepted"}, Refusal.REPEATED),
        ("accepted", {"answer": "declined"}, Refusal.OFFER_ACCEPTED),
        ("accepted", {"answer": "delivered"}, Refusal.OFFER_ACCEPTED),
        ("declined", {"answer": "accepted"}, Refusal.OFFER_DECLINED),
        ("expired", {"answer": "accepted"}, Refusal.OFFER_EXPIRED),
        ("rescinded", {"answer": "accepted"}, Refusal.OFFER_RESCINDED),
        ("cancelled", {"answer": "delivered"}, Refusal.OFFER_CANCELLED),
        ("completed", {"answer": "accepted"}, Refusal.OFFER_COMPLETED),
    ],
)
def test_what_may_not_follow_is_refused_with_its_reason(
    state: str, answer: Row, refusal: Refusal
) -> None:
    """Nothing is applied, and the row says why."""
    results, events = judge_responses(answers(answer), offer(state), NOW)
    assert results.select("is_applied", "refusal").rows() == [(False, refusal.value)]
    assert events.is_empty()


def test_an_answer_that_comes_too_early_does_not_spoil_the_next() -> None:
    """Completed, accepted, completed: the first is refused, the others are applied."""
    told = answers({"answer": "completed"}, {"answer": "accepted"}, {"answer": "completed"})
    expected = [("completed", "not_accepted_yet"), ("accepted", None), ("completed", None)]
    assert outcomes(told, offer()) == expected


def test_an_event_is_neither_before_the_last_one_nor_in_the_future() -> None:
    """Clocks of platforms are off by some seconds; the life of an offer runs forward."""
    early, late = {"answer": "delivered", "responded_at": at(-5)}, {"responded_at": at(90)}
    told = answers(early, late | {"answer": "accepted"})
    _, events = judge_responses(told, offer(event_s=1), NOW)
    assert sorted(events["event_at"]) == [at(1), NOW]


def test_an_answer_dated_before_the_offer_leaves_the_offer_as_it_is() -> None:
    """Refused, though the same answer a moment later is the one that counts."""
    told = answers({"answer": "declined", "responded_at": at(-60)}, {"answer": "accepted"})
    assert outcomes(told, offer()) == [("declined", "before_offer"), ("accepted", None)]


def test_bad_rows_go_to_quarantine_and_the_first_of_an_id_stays() -> None:
    """Drops of any types; a row that was delivered in two drops is one row."""
    texts = pl.DataFrame(
        [
            {
                "response_id": 7,
                "contact_id": "c",
                "tick_at": START.isoformat(),
                "agent_id": "ana",
                "answer": answer,
                "responded_at": at(1).isoformat(),
            }
            for answer in ("accepted", "perhaps")
        ]
    )
    checked = check_responses((texts, answers({"answer": "declined"}), texts.head(1)), NOW)
    assert checked.rows.select("response_id", "answer").rows() == [
        ("7", "accepted"),
        ("r0", "declined"),
    ]
    assert checked.rejects.select("table_name", "rule").rows() == [("responses", "answer_known")]
    assert check_responses((), NOW).rows.schema == RESPONSES.schema()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(AssignmentEvent)),
    st.lists(st.sampled_from(list(Answer)), min_size=1, max_size=9),
)
def test_any_order_of_answers_is_folded_as_one_by_one(
    state: AssignmentEvent, told: list[Answer]
) -> None:
    """The oracle: take them one after the other and apply what the table of transitions allows."""
    last, expected = state, []
    for answer in told:
        legal = (last, answer) in REPORTED
        expected.append(legal)
        last = AssignmentEvent(answer.value) if legal else last
    rows = answers(*(dict[str, object](answer=answer.value) for answer in told))
    results, events = judge_responses(rows, offer(state.value), NOW)
    assert results["is_applied"].to_list() == expected
    applied = [answer.value for answer, legal in zip(told, expected, strict=True) if legal]
    assert sorted(events["event"]) == sorted(applied)
    assert events.height <= 3
