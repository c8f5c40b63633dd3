"""Section 7 of `docs/model.md`, written a second time: what a plan says beside its assignments."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from models.plan import Finding
from models.recount.bits import unpacked
from models.recount.case import Case, findings
from models.recount.drain import passing
from models.recount.locks import NOT_AT_WORK
from models.recount.members import LIVE_CHANNELS
from models.recount.numbers import (
    SECOND,
    Bools,
    Floats,
    Ints,
    by_channel,
    instant,
    positions,
)
from models.recount.rules import RULES, SUITABLE
from models.tables import REQUEUE, AssignmentEvent, Channel, LoadState

WITH_THE_AGENT = (AssignmentEvent.OFFERED, AssignmentEvent.DELIVERED, AssignmentEvent.ACCEPTED)
"""Last events of an offer that its agent still has, answered or not."""

LIVE_AT = tuple(list(Channel).index(Channel(name)) for name in LIVE_CHANNELS)
"""Positions of the live channels."""

NEARLY_S = 1e-3
"""Two ways to reach the same instant may differ by less."""


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


def times_told(case: Case) -> Iterator[Finding]:
    """Explanations state how far each requirement is relaxed, what comes next, and the breach."""
    c, now = case.conversations, instant(case.batch.now)
    of, never = c.of_member, np.iinfo(np.int64).max
    relaxes = c.asked.relaxes_at[of]
    breach = np.where(np.isinf(c.breach_s), 0, c.breach_s) * SECOND
    breach_at = np.where(np.isinf(c.breach_s), never, np.rint(breach).astype(np.int64) + now)[of]
    members = c.members.select(
        "contact_id",
        step_true=pl.Series(c.step[of], dtype=pl.Int64),
        relaxes_at_true=_nullable(relaxes, relaxes < 2**62),
        breach_at_true=_nullable(breach_at, breach_at < never),
        unavoidable_true=pl.Series(_unavoidable(case)[of], dtype=pl.Boolean),
    )
    rows = case.plan.explanations.join(members, on="contact_id")
    wrong = rows.filter(pl.col("step").ne_missing(pl.col("step_true")))["contact_id"]
    yield from findings("step", "contact at another step", wrong)
    for name in ("relaxes_at", "breach_at"):
        at, true = pl.col(name).dt.epoch("us"), pl.col(name + "_true")
        off = at.is_null() != true.is_null()
        off |= ((at - true).abs() > NEARLY_S * SECOND).fill_null(value=False)
        yield from findings(name, "another instant", rows.filter(off)["contact_id"])
    other = pl.col("unavoidable").fill_null(value=False) != pl.col("unavoidable_true")
    yield from findings("unavoidable", "another outlook", rows.filter(other)["contact_id"])


def outlook_true(case: Case) -> Iterator[Finding]:
    """Every queue has one row, which says how it stands."""
    expected, stated = _outlook(case), case.plan.outlook
    lacking = expected.join(stated, on="queue_id", how="anti")["queue_id"]
    yield from findings("outlook_missing", "queue without outlook", lacking)
    strange = stated.join(expected, on="queue_id", how="anti")["queue_id"]
    twice = stated.filter(pl.col("queue_id").is_duplicated())["queue_id"]
    yield from findings("outlook_unknown", "queue unknown or told twice", [*strange, *twice])
    rows = stated.join(expected, on="queue_id", suffix="_true", maintain_order="left")
    for name in expected.columns[1:]:
        said, true = pl.col(name), pl.col(name + "_true")
        if expected.schema[name] == pl.Float64:
            off = (said.is_null() != true.is_null()) | (
                (said - true).abs() > 1e-6 * (1 + true.abs())
            ).fill_null(value=False)
        else:
            off = said.ne_missing(true)
        yield from findings(f"outlook_{name}", "other outlook", rows.filter(off)["queue_id"])
    when = stated.filter(pl.col("tick_at").ne_missing(case.batch.now))["queue_id"]
    yield from findings("outlook_tick_at", "outlook of another tick", when)


def _nullable(at: Ints, known: Bools) -> pl.Series:
    return pl.Series(at).set(pl.Series(~known, dtype=pl.Boolean), None)


def _requeued(case: Case) -> pl.DataFrame:
    """Rows of `requeue` without their sentence."""
    agents, now = case.agents, pl.lit(case.batch.now)
    presence = case.batch.agents.select(
        "agent_id",
        "presence_since",
        "shift_end_at",
        present=pl.Series(agents.present, dtype=pl.Boolean),
        gone=pl.Series(~(agents.present & agents.on_shift), dtype=pl.Boolean),
    )
    held = agents.held_rows.drop("agent").join(presence, on="agent_id", maintain_order="left")
    patience = by_channel(case.policy, lambda c: c.owner_gone_s)[positions(held["channel"])]
    patience_us = pl.Series(np.rint(patience * SECOND).astype(np.int64))
    since = (
        pl.when(pl.col("shift_end_at") <= now)
        .then("shift_end_at")
        .when(~pl.col("present"))
        .then("presence_since")
    )
    states = [LoadState.OFFERED, LoadState.ACTIVE, LoadState.PARKED]
    own = case.batch.offers.filter(
        pl.col("event").is_in([event.value for event in WITH_THE_AGENT])
    )
    gone_for = instant(case.batch.now) - pl.col("gone_since").dt.epoch("us")
    wrote = pl.col("last_customer_at") > pl.coalesce("gone_since", "started_at")
    return (
        held.with_columns(gone_since=since, tick_at=now, patience=patience_us)
        .filter(
            pl.col("gone") & pl.col("state").is_in([state.value for state in states]),
            gone_for.fill_null(0) >= pl.col("patience"),
            ~pl.col("parked") | wrote.fill_null(value=False),
        )
        .join(
            own.select("contact_id", "agent_id", is_own=pl.lit(value=True)).unique(),
            on=["contact_id", "agent_id"],
            how="left",
        )
        .filter(pl.col("is_own").is_null() | (pl.col("state") != LoadState.OFFERED))
    )


def _outlook(case: Case) -> pl.DataFrame:
    """Rows of `outlook` without their tick."""
    c, overflow, queues = case.conversations, case.overflow, case.batch.queues
    size = len(queues)
    past = np.bincount(c.queue[c.left_s <= 0], minlength=size)
    lost = np.bincount(c.queue[_unavoidable(case)], minlength=size)
    helped = pl.DataFrame({"queue": c.queue, "helpers": c.helpers}).unique()
    codes = range(len(c.helper_sets))
    sets = pl.DataFrame(
        {"helpers": codes, "to_queue": [list(found) for found in c.helper_sets]},
        schema={"helpers": pl.Int64, "to_queue": pl.List(pl.Int64)},
    ).explode("to_queue")
    lenders = helped.join(sets.drop_nulls(), on="helpers").select("queue", "to_queue").unique()
    names = queues["queue_id"].gather(lenders["to_queue"])
    borrows = (
        lenders.with_columns(name=names)
        .sort("queue", "name")
        .group_by("queue", maintain_order=True)
        .agg(borrows_from=pl.col("name").str.join(","))
    )
    wait = overflow.predicted_wait_s
    return (
        pl.DataFrame(
            {
                "queue_id": queues["queue_id"],
                "queue": np.arange(size),
                "is_open": pl.Series(overflow.is_open, dtype=pl.Boolean),
                "num_waiting": overflow.num_waiting,
                "num_free": overflow.num_free,
                "effective_agents": overflow.effective_agents,
                "predicted_wait_s": pl.Series(wait, dtype=pl.Float64).fill_nan(None),
                "lends": pl.Series(overflow.lends, dtype=pl.Boolean),
                "num_breaching": past,
                "num_unavoidable": lost,
            }
        )
        .join(borrows, on="queue", how="left", maintain_order="left")
        .drop("queue")
    )


def _unavoidable(case: Case) -> Bools:
    """(C,) whether nothing can prevent the breach that lies ahead any more."""
    c, kind = case.conversations, case.eligibility.class_of
    given = np.zeros(len(c), dtype=bool)
    given[case.choice.conversation[~case.choice.held]] = True
    put_off = c.paused | c.manual_only
    waits = np.flatnonzero(~given & ~put_off & np.isfinite(c.breach_s))
    found = np.zeros(len(c), dtype=bool)
    waits = waits[np.lexsort((c.breach_s[waits], kind[waits]))]
    classes, row = np.unique(kind[waits], return_inverse=True)
    if not len(classes) or not len(case.agents):
        found[waits] = True
        return found
    # Of the class those no later than each, itself included, and how many can be begun by then.
    same = np.stack([kind[waits], c.breach_s[waits]], axis=1)
    last = np.append(np.any(same[1:] != same[:-1], axis=1), True)
    rivals = np.arange(len(waits)) - np.searchsorted(kind[waits], kind[waits]) + 1
    end = np.flatnonzero(last)[np.searchsorted(np.flatnonzero(last), np.arange(len(waits)))]
    free_at = _free_at(case, classes)[row]
    before_s = c.breach_s[waits][:, None] - free_at
    in_time = before_s >= 0
    in_turn = 1 + np.where(in_time, before_s, 0) // c.handle_s[waits][:, None]
    live = np.isin(c.channel[waits], LIVE_AT)[:, None]
    able = np.where(in_time, np.where(live, in_turn, np.inf), 0).sum(axis=1)
    found[waits] = able < rivals[end]
    return found


def _free_at(case: Case, classes: Ints) -> Floats:
    """(classes, A) seconds from now at which a suitable agent can be free; infinite for others."""
    agents, tests = case.agents, case.eligibility.tested.tests[:SUITABLE]
    suitable = unpacked(passing(tests, classes, len(agents)), len(agents))
    kept = tuple(t for t, rule in zip(tests, RULES, strict=False) if rule not in NOT_AT_WORK)
    would_be = unpacked(passing(kept, classes, len(agents)), len(agents))
    promised = np.where(np.isfinite(agents.free_later_s), agents.free_later_s, 0)
    now_or_then = np.where(agents.free_now, 0, promised)
    later = np.where(would_be, agents.starts_in_s, np.inf)
    return np.where(suitable, now_or_then, later)
