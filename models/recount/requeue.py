"""Section 7 of `docs/model.md`, written a second time: held contacts whose agent is gone."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from models.plan import Finding
from models.recount.case import Case, findings
from models.recount.numbers import SECOND, by_channel, instant, is_real_time, positions
from models.tables import REQUEUE, AssignmentEvent, LoadState

WITH_THE_AGENT = (AssignmentEvent.OFFERED, AssignmentEvent.DELIVERED, AssignmentEvent.ACCEPTED)
"""Last events of an offer that its agent still has, answered or not."""

HELD = (LoadState.OFFERED, LoadState.ACTIVE, LoadState.PARKED)


def requeue_true(case: Case) -> Iterator[Finding]:
    """The held contacts whose agent is gone are listed, each once, and no others."""
    names = [name for name in REQUEUE.schema() if name != "detail"]
    expected = _requeued(case).select(names)
    stated = case.plan.requeue.select(names)
    missing = expected.join(stated, on=names, how="anti", nulls_equal=True)["contact_id"]
    yield from findings("requeue_missing", "held contact that is not requeued so", missing)
    wrong = stated.join(expected, on=names, how="anti", nulls_equal=True)["contact_id"]
    yield from findings("requeue_wrong", "held contact wrongly requeued so", wrong)
    twice = stated.filter(pl.col("contact_id").is_duplicated())["contact_id"]
    yield from findings("requeue_twice", "held contact requeued more than once", twice)


def _requeued(case: Case) -> pl.DataFrame:
    """Rows of `requeue` without their sentence."""
    agents, now = case.agents, pl.lit(case.batch.now)
    presence = case.batch.agents.select(
        "agent_id",
        "presence_since",
        "shift_start_at",
        "shift_end_at",
        present=pl.Series(agents.present, dtype=pl.Boolean),
        gone=pl.Series(~(agents.present & agents.on_shift), dtype=pl.Boolean),
    )
    held = agents.held_rows.drop("agent").join(presence, on="agent_id", maintain_order="left")
    since = (
        pl.when(pl.col("shift_end_at") <= now)
        .then("shift_end_at")
        .when(~pl.col("present"))
        .then("presence_since")
    )
    gone_for = instant(case.batch.now) - pl.col("gone_since").dt.epoch("us")
    wrote = pl.col("last_customer_at") > pl.coalesce("gone_since", "started_at")
    return (
        held.with_columns(gone_since=since, tick_at=now, **_numbers(case, held))
        .filter(
            pl.col("gone") & pl.col("state").is_in([state.value for state in HELD]),
            gone_for.fill_null(0) >= pl.col("patience"),
            ~pl.col("parked") | wrote.fill_null(value=False),
            ~_back_in_time(now),
        )
        .join(_own_offers(case), on=["contact_id", "agent_id"], how="left")
        .filter(pl.col("is_own").is_null() | (pl.col("state") != LoadState.OFFERED))
    )


def _numbers(case: Case, held: pl.DataFrame) -> dict[str, pl.Series]:
    """Of each item's channel: how long its agent may be gone, its target in microseconds, and
    whether it can wait at all.
    """
    channel = positions(held["channel"])
    patience = by_channel(case.policy, lambda c: c.owner_gone_s)[channel]
    target = by_channel(case.policy, lambda c: c.target_answer_s)[channel]
    return {
        "patience": pl.Series(np.rint(patience * SECOND).astype(np.int64)),
        "target": pl.Series(np.rint(target * SECOND).astype(np.int64)),
        "can_wait": pl.Series(~is_real_time(case.policy)[channel], dtype=pl.Boolean),
    }


def _back_in_time(now: pl.Expr) -> pl.Expr:
    """Whether the agent's shift starts before a written item is due."""
    start = pl.col("shift_start_at")
    wrote = pl.max_horizontal("started_at", "last_customer_at")
    due = pl.coalesce("due_at", wrote + pl.duration(microseconds="target"))
    back = pl.col("can_wait") & (start > now) & (start <= due)
    return back.fill_null(value=False)


def _own_offers(case: Case) -> pl.DataFrame:
    """(contact_id, agent_id, is_own) of the offers of ticks that are still with their agent."""
    own = pl.col("event").is_in([event.value for event in WITH_THE_AGENT])
    offers = case.batch.offers.filter(own).select("contact_id", "agent_id").unique()
    return offers.with_columns(is_own=pl.lit(value=True))
